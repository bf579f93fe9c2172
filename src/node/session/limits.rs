//! How much a session may ask, and when asking for more becomes a flood.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::protocol::{ErrorCode, Refusal};

/// Bursts of messages, as a multiple of the messages a second.
pub const MESSAGE_BURST: NonZeroU32 = NonZeroU32::new(4).expect("not 0");

/// Requests a second that are not messages: a client that opens 200 rooms at once passes.
pub const REQUESTS_PER_S: NonZeroU32 = NonZeroU32::new(100).expect("not 0");

/// Bursts of such requests.
pub const REQUEST_BURST: NonZeroU32 = NonZeroU32::new(400).expect("not 0");

/// Refusals within [`FLOOD_WINDOW`] after which the connection is ended: each costs an answer.
pub const FLOOD_REFUSALS: u32 = 1000;

/// The time in which those refusals are counted.
pub const FLOOD_WINDOW: Duration = Duration::from_secs(10);

/// What a frame counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It makes an event of the log.
    Message,
    Request,
}

/// What the limits say to a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Refuse(Refusal),
    /// Too many refusals: end the connection.
    Flood,
}

/// One session's limits. It reads the clock itself, as `governor` does.
pub struct Limits {
    messages: DefaultDirectRateLimiter,
    requests: DefaultDirectRateLimiter,
    refusals: u32,
    window_began: Instant,
}

impl Limits {
    /// `rate` messages a second; `None` for 0, which lifts all of them.
    pub fn new(rate: u32) -> Option<Box<Limits>> {
        let messages = NonZeroU32::new(rate)?;
        let burst = messages.saturating_mul(MESSAGE_BURST);
        Some(Box::new(Limits {
            messages: RateLimiter::direct(Quota::per_second(messages).allow_burst(burst)),
            requests: RateLimiter::direct(
                Quota::per_second(REQUESTS_PER_S).allow_burst(REQUEST_BURST),
            ),
            refusals: 0,
            window_began: Instant::now(),
        }))
    }

    /// Counts a frame.
    pub fn check(&mut self, kind: Kind) -> Verdict {
        let limiter = match kind {
            Kind::Message => &self.messages,
            Kind::Request => &self.requests,
        };
        let Err(until) = limiter.check() else {
            return Verdict::Pass;
        };
        let wait = until.wait_time_from(DefaultClock::default().now());
        self.refusals_counted(Instant::now()).unwrap_or_else(|| {
            let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            let message = format!("too fast; try again in {retry_after_ms} ms");
            Verdict::Refuse(Refusal {
                retry_after_ms: Some(retry_after_ms),
                ..Refusal::new(ErrorCode::RateLimited, message)
            })
        })
    }

    fn refusals_counted(&mut self, now: Instant) -> Option<Verdict> {
        if now.duration_since(self.window_began) > FLOOD_WINDOW {
            self.window_began = now;
            self.refusals = 0;
        }
        self.refusals += 1;
        (self.refusals > FLOOD_REFUSALS).then_some(Verdict::Flood)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_the_next_is_told_when_to_come_again() {
        let mut limits = Limits::new(5).unwrap();
        for n in 0..20 {
            assert_eq!(limits.check(Kind::Message), Verdict::Pass, "message {n}");
        }
        let Verdict::Refuse(refusal) = limits.check(Kind::Message) else {
            panic!("the 21st passed")
        };
        assert_eq!(refusal.code, ErrorCode::RateLimited);
        assert!(
            refusal
                .retry_after_ms
                .is_some_and(|ms| (1..=200).contains(&ms))
        );
        assert_eq!(limits.check(Kind::Request), Verdict::Pass);
    }

    #[test]
    fn a_thousand_refusals_pass_and_one_more_is_a_flood() {
        let mut limits = Limits::new(1).unwrap();
        let mut verdicts = std::iter::repeat_with(|| limits.check(Kind::Message));
        let refused = verdicts
            .by_ref()
            .skip_while(|v| *v == Verdict::Pass)
            .take_while(|v| *v != Verdict::Flood)
            .count();
        assert!((1000..1010).contains(&refused), "{refused}");
    }

    #[test]
    fn a_rate_of_0_lifts_the_limits() {
        assert!(Limits::new(0).is_none());
    }
}
