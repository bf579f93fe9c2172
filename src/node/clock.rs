//! The node's physical time, that of its machine made safe.
//!
//! It begins with the wall clock and is carried on by the monotonic one, drawn towards the wall clock so
//! slowly that setting that one, by an hour or a day, misdates nothing; and it is corrected to the
//! median of the nodes, so that one machine's wrong clock dates and orders nothing wrongly. The hybrid
//! logical clock of the [store](super::store) takes it from here.
//!
//! [`Discipline`] decides, and is pure; [`NodeClock`] reads the machine's clocks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::rooms::lock;
use super::store::Clock;
use crate::protocol::Ts;

/// Time since the node's start.
type Moment = Duration;

/// How fast the time is drawn towards the wall clock: 500 millionths, as system clocks are slewed. A
/// quartz is off by a tenth of that.
const DRAW_PER_MILLION: i64 = 500;

/// How long a node that is not heard any more has a say: its clock goes on as it did.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A wall clock that is so far from the node's time is a person's business, microseconds.
const WALL_ALARM_US: i64 = 2_000_000;

/// What the node's time is more than the wall clock at its start carried on by the monotonic one.
#[derive(Debug, Default)]
pub struct Discipline {
    drawn: i64,
    drawn_at: Moment,
    correction: i64,
    /// The clocks of others, before any correction, less this one's.
    others: BTreeMap<String, (i64, Moment)>,
}

impl Discipline {
    /// Draws the time towards the wall clock, which is `ahead_us` ahead of it.
    pub fn draw(&mut self, now: Moment, ahead_us: i64) {
        let passed_us = (now - self.drawn_at.min(now)).as_micros() as i64;
        let most = passed_us.saturating_mul(DRAW_PER_MILLION) / 1_000_000;
        self.drawn += ahead_us.clamp(-most, most);
        self.drawn_at = now;
    }

    /// Another node's clock, before its corrections, is `offset_us` ahead of this one's, before its own.
    pub fn heard(&mut self, now: Moment, node: &str, offset_us: i64) {
        self.others.insert(node.to_owned(), (offset_us, now));
    }

    /// Corrects the time to the median of all clocks; of two middle ones, and of two nodes, to the
    /// earlier: a date in the future is the worse one to have been given.
    pub fn correct(&mut self, now: Moment) {
        self.others
            .retain(|_, (_, heard)| now < *heard + REMEMBERED_FOR);
        let mut offsets: Vec<i64> = self.others.values().map(|(offset, _)| *offset).collect();
        offsets.push(0);
        offsets.sort_unstable();
        self.correction = offsets[(offsets.len() - 1) / 2];
    }

    /// Clocks that have a say, this one's included.
    pub fn voices(&self) -> usize {
        self.others.len() + 1
    }

    /// What the time before any correction has of it.
    pub fn drawn_us(&self) -> i64 {
        self.drawn
    }

    pub fn correction_us(&self) -> i64 {
        self.correction
    }
}

/// The clock of a running node.
#[derive(Debug)]
pub struct NodeClock {
    started: Instant,
    wall_at_start: i64,
    /// What this machine's wall clock is made to be wrong by; for tests.
    error_us: i64,
    drawn_us: AtomicI64,
    correction_us: AtomicI64,
    /// Clocks that had a say in the correction.
    voices: AtomicUsize,
    discipline: Mutex<Discipline>,
}

impl NodeClock {
    pub fn start() -> NodeClock {
        NodeClock::start_wrong(0)
    }

    /// On a machine whose wall clock is wrong by so much; for tests.
    pub fn start_wrong(error_us: i64) -> NodeClock {
        NodeClock {
            started: Instant::now(),
            wall_at_start: wall_us() + error_us,
            error_us,
            drawn_us: AtomicI64::new(0),
            correction_us: AtomicI64::new(0),
            voices: AtomicUsize::new(1),
            discipline: Mutex::default(),
        }
    }

    /// Time that has passed since the start; it is never set back. For how long something lasts.
    pub fn steady(&self) -> Ts {
        Ts(self.wall_at_start + self.elapsed().as_micros() as i64)
    }

    /// The time before corrections: what other nodes are told.
    pub fn own(&self) -> Ts {
        Ts(self.steady().0 + self.drawn_us.load(Ordering::Relaxed))
    }

    /// Takes note of another node's clock.
    pub fn heard(&self, node: &str, offset_us: i64) {
        lock(&self.discipline).heard(self.elapsed(), node, offset_us);
    }

    /// Follows the wall clock and the other nodes' as far as it should. To be called every now and
    /// then.
    pub fn keep(&self) {
        let ahead_us = self.wall_us() - self.own().0;
        let mut discipline = lock(&self.discipline);
        let now = self.elapsed();
        discipline.draw(now, ahead_us);
        discipline.correct(now);
        self.drawn_us
            .store(discipline.drawn_us(), Ordering::Relaxed);
        self.correction_us
            .store(discipline.correction_us(), Ordering::Relaxed);
        self.voices.store(discipline.voices(), Ordering::Release);
    }

    /// Clocks that have a say in the time now, this one's included.
    pub fn voices(&self) -> usize {
        self.voices.load(Ordering::Acquire)
    }

    /// What a person should look at.
    pub fn alarm(&self) -> Option<String> {
        let ahead_us = self.wall_us() - self.now().0;
        (ahead_us.abs() > WALL_ALARM_US).then(|| {
            let side = if ahead_us > 0 { "ahead of" } else { "behind" };
            let seconds = ahead_us.unsigned_abs() as f64 / 1e6;
            format!(
                "this machine's clock is {seconds:.1} s {side} the time by which the node goes: set it right"
            )
        })
    }

    fn elapsed(&self) -> Moment {
        self.started.elapsed()
    }

    fn wall_us(&self) -> i64 {
        wall_us() + self.error_us
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Ts {
        Ts(self.own().0 + self.correction_us.load(Ordering::Relaxed))
    }
}

/// Microseconds since 1970.
fn wall_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_wall_clock_that_is_set_by_a_day_moves_the_time_by_half_a_millisecond_a_second() {
        let mut time = Discipline::default();
        time.draw(SECOND, 24 * HOUR_US);
        assert_eq!(time.drawn_us(), 500);
        time.draw(SECOND * 3, -24 * HOUR_US);
        assert_eq!(time.drawn_us(), 500 - 1000);
        // What is nearer than that is reached.
        time.draw(SECOND * 100, 500);
        assert_eq!(time.drawn_us(), 0);
    }

    #[test]
    fn one_wrong_clock_of_three_is_corrected_and_corrects_nobody() {
        for wrong in [-HOUR_US, 24 * HOUR_US] {
            let mut good = Discipline::default();
            good.heard(SECOND, "n2", 300);
            good.heard(SECOND, "n3", wrong);
            good.correct(SECOND);
            assert!((0..=300).contains(&good.correction_us()), "{good:?}");
            let mut bad = Discipline::default();
            bad.heard(SECOND, "n1", -wrong);
            bad.heard(SECOND, "n2", -wrong + 300);
            bad.correct(SECOND);
            assert!(
                (0..=300).contains(&(bad.correction_us() + wrong)),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn of_two_the_earlier_counts() {
        let mut time = Discipline::default();
        time.heard(SECOND, "n2", HOUR_US);
        time.correct(SECOND);
        assert_eq!(time.correction_us(), 0);
        time.heard(SECOND, "n2", -HOUR_US);
        time.correct(SECOND);
        assert_eq!(time.correction_us(), -HOUR_US);
    }

    #[test]
    fn a_node_that_is_away_has_its_say_for_a_day() {
        let mut time = Discipline::default();
        time.heard(SECOND, "n2", -HOUR_US);
        time.heard(SECOND, "n3", -HOUR_US);
        time.correct(SECOND + REMEMBERED_FOR - SECOND);
        assert_eq!(time.correction_us(), -HOUR_US);
        time.correct(SECOND + REMEMBERED_FOR);
        assert_eq!((time.correction_us(), time.voices()), (0, 1));
    }

    #[test]
    fn a_clock_that_was_wrong_at_the_start_is_told_of_once_others_have_a_say() {
        let clock = NodeClock::start_wrong(HOUR_US);
        clock.keep();
        assert_eq!((clock.voices(), clock.alarm()), (1, None));
        clock.heard("n2", -HOUR_US);
        clock.heard("n3", -HOUR_US);
        clock.keep();
        assert_eq!(clock.voices(), 3);
        assert!((clock.now().0 - wall_us()).abs() < 1_000_000);
        assert_eq!(
            clock.alarm().as_deref(),
            Some(
                "this machine's clock is 3600.0 s ahead of the time by which the node goes: set it right"
            )
        );
    }
}
