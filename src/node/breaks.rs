//! Rules that the simulation breaks on purpose, to see that it notices. Only tests can: in the
//! programs nothing is ever broken, and the compiler leaves it all out.

/// A rule of the core, as it would be if it were forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// A peer is told that its events are stored when they come.
    ConfirmsBeforeCommit,
    /// A copy counts when it is sent, not when it is confirmed.
    CountsCopiesOnTheirWay,
    /// Of two places of a message the greater one stands.
    MergesByMaximum,
    /// An update that comes before its message is thrown away.
    ForgetsEarlyUpdates,
    /// The update that comes last counts, not the one with the greatest place.
    LastComerWins,
    /// A deletion can be outdone by a later edit.
    DeletesAreNotFinal,
    /// The clock takes no notice of what other nodes have written.
    ClockIgnoresOthers,
    /// `after` is not looked at.
    IgnoresAfter,
    /// A log goes on under its origin whatever has become of its file.
    KeepsItsOrigin,
    /// An event is stored although one before it is missing.
    StoresAcrossGaps,
    /// A page of what was missed says that all of it was given.
    SinceRunsAhead,
    /// What a peer lacks is never asked for: there are pushes only.
    NeverPulls,
    /// The newest messages are taken for new ones when they come again after a start.
    ForgetsNewIdentities,
    /// Nobody is told that a message stands in another place.
    MovesInSilence,
}

#[cfg(not(test))]
#[inline(always)]
pub const fn is_broken(_: Break) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static BROKEN: std::cell::Cell<Option<Break>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
pub fn is_broken(rule: Break) -> bool {
    BROKEN.get() == Some(rule)
}

/// Breaks a rule on this thread, or none.
#[cfg(test)]
pub fn break_rule(rule: Option<Break>) {
    BROKEN.set(rule);
}
