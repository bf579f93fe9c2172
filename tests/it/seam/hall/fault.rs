//! Rules that a hall may break, to see that a story notices.

/// One rule that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What was missed is not fetched from the others' stores.
    ForgetsCatchUp,
    /// Events get an origin and numbers of the hall's own.
    Renumbers,
    /// Events of others are not handed on.
    HandsOnOwnOnly,
    /// Who was handed an event counts as having stored it.
    ConfirmsBeforeCommit,
    /// Nobody is counted.
    NeverConfirms,
    /// Who is alone waits for somebody to come.
    WaitsForever,
    /// Nobody is told who came and went.
    ForgetsPeople,
    /// Nodes that are gone are said to be heard.
    KeepsTheGone,
    /// That a node stops is told as its users' leaving.
    TellsOfStops,
    ForgetsTyping,
    ForgetsSoftRows,
    /// Who is not heard is up all the same.
    AllAreUp,
    /// Who is not heard is no alarm.
    NoAlarms,
    ForgetsFigures,
    /// A guest that stops stays in its seat.
    NeverLeaves,
}

impl Fault {
    pub const ALL: [Fault; 15] = [
        Fault::ForgetsCatchUp,
        Fault::Renumbers,
        Fault::HandsOnOwnOnly,
        Fault::ConfirmsBeforeCommit,
        Fault::NeverConfirms,
        Fault::WaitsForever,
        Fault::ForgetsPeople,
        Fault::KeepsTheGone,
        Fault::TellsOfStops,
        Fault::ForgetsTyping,
        Fault::ForgetsSoftRows,
        Fault::AllAreUp,
        Fault::NoAlarms,
        Fault::ForgetsFigures,
        Fault::NeverLeaves,
    ];
}
