//! The hybrid logical clock that gives events their `ts`.
//!
//! After Kulkarni et al., "Logical Physical Clocks" (2014), with the logical part folded into the
//! microseconds. Pure: the physical time is an argument.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::node::breaks::{Break, is_broken};
use crate::protocol::Ts;
use crate::protocol::limits::CLOCK_AHEAD_MAX_US;

/// Where the store gets its time from; tests and simulations drive their own.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since the Unix epoch.
    fn now(&self) -> Ts;
}

/// A clock that stands still until it is set.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(ts: Ts) -> ManualClock {
        ManualClock(AtomicI64::new(ts.0))
    }

    pub fn set(&self, ts: Ts) {
        self.0.store(ts.0, Ordering::SeqCst);
    }

    pub fn advance_us(&self, us: i64) {
        self.0.fetch_add(us, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Ts {
        Ts(self.0.load(Ordering::SeqCst))
    }
}

impl<C: Clock> Clock for std::sync::Arc<C> {
    fn now(&self) -> Ts {
        (**self).now()
    }
}

/// Times too far ahead to count yet are kept by this many microseconds each.
const AHEAD_STEP_US: i64 = 1_000_000;

/// Steps of times ahead that are kept; a day and more. Past that, the farthest are forgotten.
const AHEAD_STEPS_MAX: usize = 100_000;

/// Gives each event of this node's log a time that is later than the one before it, and than
/// everything stored that is not more than 10 s ahead of the physical time.
#[derive(Clone, Debug, Default)]
pub struct Hybrid {
    last: i64,
    /// The greatest time of each step that is more than 10 s ahead: it counts once time has come
    /// nearer.
    ahead: BTreeMap<i64, i64>,
}

impl Hybrid {
    /// The time of the next event; later than `after` too, if that is not more than 10 s ahead.
    pub fn next(&mut self, now: Ts, after: Option<Ts>) -> Ts {
        let horizon = now.0.saturating_add(CLOCK_AHEAD_MAX_US);
        self.come_nearer(horizon);
        let after = after.filter(|_| !is_broken(Break::IgnoresAfter));
        let after = after.map_or(0, |after| after.0);
        let floor = if after <= horizon {
            self.last.max(after)
        } else {
            self.last
        };
        self.last = now.0.max(floor + 1);
        Ts(self.last)
    }

    /// Takes note of an event that another node wrote.
    pub fn observe(&mut self, ts: Ts, now: Ts) {
        if is_broken(Break::ClockIgnoresOthers) {
            return;
        }
        if ts.0 <= now.0.saturating_add(CLOCK_AHEAD_MAX_US) {
            self.last = self.last.max(ts.0);
            return;
        }
        let greatest = self.ahead.entry(ts.0 / AHEAD_STEP_US).or_insert(ts.0);
        *greatest = (*greatest).max(ts.0);
        if self.ahead.len() > AHEAD_STEPS_MAX {
            self.ahead.pop_last();
        }
    }

    /// Takes note of this log's own last event: the next one is later, however far ahead that is.
    pub fn resume(&mut self, last: Ts) {
        self.last = self.last.max(last.0);
    }

    fn come_nearer(&mut self, horizon: i64) {
        while let Some(first) = self.ahead.first_entry() {
            if *first.get() > horizon {
                break;
            }
            self.last = self.last.max(first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Ts = Ts(1_763_800_000_000_000);

    fn ahead(us: i64) -> Ts {
        Ts(NOW.0 + us)
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_still_rises() {
        let mut clock = Hybrid::default();
        assert_eq!(clock.next(NOW, None), NOW);
        assert_eq!(clock.next(NOW, None), ahead(1));
        assert_eq!(clock.next(ahead(-3_600_000_000), None), ahead(2));
    }

    #[test]
    fn an_answer_sorts_after_what_it_answers() {
        let mut clock = Hybrid::default();
        clock.observe(ahead(5_000_000), NOW);
        assert_eq!(clock.next(NOW, None), ahead(5_000_001));
        assert_eq!(clock.next(NOW, Some(ahead(7_000_000))), ahead(7_000_001));
    }

    #[test]
    fn ten_seconds_ahead_counts_and_a_microsecond_more_does_not() {
        let mut clock = Hybrid::default();
        clock.observe(ahead(CLOCK_AHEAD_MAX_US + 1), NOW);
        assert_eq!(clock.next(NOW, Some(ahead(CLOCK_AHEAD_MAX_US + 1))), NOW);
        let at_the_bound = ahead(CLOCK_AHEAD_MAX_US);
        assert_eq!(clock.next(NOW, Some(at_the_bound)).0, at_the_bound.0 + 1);
    }

    #[test]
    fn what_was_too_far_ahead_counts_when_time_has_come_nearer() {
        let mut clock = Hybrid::default();
        clock.observe(ahead(60_000_000), NOW);
        assert_eq!(clock.next(NOW, None), NOW);
        assert_eq!(clock.next(ahead(50_000_000), None), ahead(60_000_001));
    }

    #[test]
    fn the_logs_own_last_event_counts_however_far_ahead_it_is() {
        let mut clock = Hybrid::default();
        clock.resume(ahead(86_400_000_000));
        assert_eq!(clock.next(NOW, None), ahead(86_400_000_001));
    }

    #[test]
    fn times_ahead_take_bounded_memory() {
        let mut clock = Hybrid::default();
        for step in 0..AHEAD_STEPS_MAX as i64 + 100 {
            clock.observe(ahead(CLOCK_AHEAD_MAX_US + (step + 1) * AHEAD_STEP_US), NOW);
        }
        assert_eq!(clock.ahead.len(), AHEAD_STEPS_MAX);
    }

    proptest! {
        #[test]
        fn it_rises_whatever_it_is_told(steps in prop::collection::vec((any::<bool>(), -20_000_000i64..20_000_000, -20_000_000i64..20_000_000), 1..60)) {
            let mut clock = Hybrid::default();
            let mut last = Ts(0);
            for (observes, now, other) in steps {
                if observes {
                    clock.observe(ahead(other), ahead(now));
                } else {
                    let ts = clock.next(ahead(now), Some(ahead(other)));
                    prop_assert!(ts > last && ts >= ahead(now));
                    prop_assert!(other > now + CLOCK_AHEAD_MAX_US || ts > ahead(other));
                    last = ts;
                }
            }
        }
    }
}
