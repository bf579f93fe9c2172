//! What pings tell of a link.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::protocol::Ts;

/// The last ping's result, read by whoever shows it.
#[derive(Debug, Default)]
pub struct Health {
    rtt_us: AtomicU64,
    clock_offset_us: AtomicI64,
}

impl Health {
    /// A ping sent at `sent` came back at `now` (both by our own clock, microseconds), with the other
    /// side's wall clock; ours is `wall` now.
    pub fn note(&self, sent: u64, now: u64, theirs: Ts, wall: Ts) {
        let Some(rtt_us) = now.checked_sub(sent) else {
            return;
        };
        let half = i64::try_from(rtt_us / 2).unwrap_or(i64::MAX);
        let offset_us = theirs.0.saturating_sub(wall.0.saturating_sub(half));
        self.rtt_us.store(rtt_us, Ordering::Relaxed);
        self.clock_offset_us.store(offset_us, Ordering::Relaxed);
    }

    /// Microseconds there and back; 0 before the first answer.
    pub fn rtt_us(&self) -> u64 {
        self.rtt_us.load(Ordering::Relaxed)
    }

    /// The other side's wall clock less ours, microseconds.
    pub fn clock_offset_us(&self) -> i64 {
        self.clock_offset_us.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_taken_at_half_of_the_round_trip() {
        let health = Health::default();
        health.note(100, 500, Ts(1_000_700), Ts(1_000_000));
        assert_eq!((health.rtt_us(), health.clock_offset_us()), (400, 900));
        // Numbers that no ping of ours had.
        health.note(u64::MAX, 500, Ts(i64::MAX), Ts(i64::MIN));
        health.note(0, u64::MAX, Ts(i64::MIN), Ts(i64::MAX));
    }
}
