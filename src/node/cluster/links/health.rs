//! What pings tell of a link.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::node::rooms::lock;
use crate::protocol::Ts;

/// Pings of which the quickest says most of the other side's clock.
const PINGS_KEPT: usize = 8;

/// The last pings' results, read by whoever shows them.
#[derive(Debug, Default)]
pub struct Health(Mutex<VecDeque<Ping>>);

#[derive(Clone, Copy, Debug)]
struct Ping {
    rtt_us: u64,
    clock_offset_us: i64,
}

impl Health {
    /// A ping sent at `sent` came back at `now` (both by our own monotonic clock, microseconds), with the
    /// other side's time; ours is `ours` now.
    pub fn note(&self, sent: u64, now: u64, theirs: Ts, ours: Ts) {
        let Some(rtt_us) = now.checked_sub(sent) else {
            return;
        };
        let half = i64::try_from(rtt_us / 2).unwrap_or(i64::MAX);
        let clock_offset_us = theirs.0.saturating_sub(ours.0.saturating_sub(half));
        let mut pings = lock(&self.0);
        if pings.len() == PINGS_KEPT {
            pings.pop_front();
        }
        pings.push_back(Ping {
            rtt_us,
            clock_offset_us,
        });
    }

    /// Microseconds there and back; 0 before the first answer.
    pub fn rtt_us(&self) -> u64 {
        lock(&self.0).back().map_or(0, |ping| ping.rtt_us)
    }

    /// The other side's clock less ours, microseconds; `None` before the first answer.
    pub fn clock_offset_us(&self) -> Option<i64> {
        let pings = lock(&self.0);
        let quickest = pings.iter().min_by_key(|ping| ping.rtt_us);
        quickest.map(|ping| ping.clock_offset_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_taken_at_half_of_the_round_trip() {
        let health = Health::default();
        assert_eq!(health.clock_offset_us(), None);
        health.note(100, 500, Ts(1_000_700), Ts(1_000_000));
        assert_eq!(
            (health.rtt_us(), health.clock_offset_us()),
            (400, Some(900))
        );
        // Numbers that no ping of ours had.
        health.note(u64::MAX, 500, Ts(i64::MAX), Ts(i64::MIN));
        health.note(0, u64::MAX, Ts(i64::MIN), Ts(i64::MAX));
    }

    #[test]
    fn a_slow_ping_does_not_spoil_what_a_quick_one_has_told() {
        let health = Health::default();
        health.note(0, 100, Ts(5_050), Ts(5_100));
        health.note(0, 900_000, Ts(5_050), Ts(905_000));
        assert_eq!(health.rtt_us(), 900_000);
        assert_eq!(health.clock_offset_us(), Some(0));
    }
}
