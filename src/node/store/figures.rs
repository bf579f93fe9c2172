//! What the store has done, in numbers.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Quantiles are over the last one to two minutes.
const WINDOW: Duration = Duration::from_secs(60);

/// The store's figures at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Transactions since the start, and those that failed.
    pub commits: u64,
    pub failed_commits: u64,
    /// The last transaction failed: the disk is full, or worse.
    pub failing: bool,
    /// Events written since the start.
    pub events_written: u64,
    /// Events in the log.
    pub events: u64,
    /// Events in the largest transaction.
    pub batch_max: u64,
    /// From an event's being handed in to its being committed, microseconds, over the last one to two minutes.
    pub commit_us_p50: u64,
    pub commit_us_p99: u64,
    /// Requests waiting for the writer.
    pub queue: usize,
    /// Bytes of the log and its write-ahead log on disk.
    pub file_bytes: u64,
    pub wal_bytes: u64,
}

/// Written by the writer's thread, read by whoever asks.
#[derive(Debug)]
pub(super) struct Counters {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    counts: Figures,
    latencies: Option<Histogram<u64>>,
    before: Option<Histogram<u64>>,
    since: Instant,
}

impl Counters {
    pub(super) fn new(log: &Path) -> Counters {
        Counters {
            path: log.to_owned(),
            state: Mutex::new(State {
                counts: Figures::default(),
                latencies: histogram(),
                before: None,
                since: Instant::now(),
            }),
        }
    }

    /// A transaction is committed: when each of its requests came in, and the log's length now.
    pub(super) fn committed(&self, received: &[Instant], written: u64, events: u64) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.turn(now);
        if let Some(latencies) = &mut state.latencies {
            for at in received {
                latencies.saturating_record((now - *at).as_micros() as u64);
            }
        }
        state.counts.commits += 1;
        state.counts.failing = false;
        state.counts.events_written += written;
        state.counts.batch_max = state.counts.batch_max.max(written);
        state.counts.events = events;
    }

    pub(super) fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.counts.failed_commits += 1;
        state.counts.failing = true;
    }

    pub(super) fn starts_with(&self, events: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.counts.events = events;
    }

    pub(super) fn read(&self, queue: usize) -> Figures {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Where nothing is written, what was slow last is no longer of the last minutes.
        state.turn(Instant::now());
        let mut both = state.latencies.clone();
        if let (Some(both), Some(before)) = (&mut both, &state.before) {
            // Both have the same bounds.
            let _ = both.add(before);
        }
        let quantile = |q: f64| both.as_ref().map_or(0, |all| all.value_at_quantile(q));
        Figures {
            commit_us_p50: quantile(0.5),
            commit_us_p99: quantile(0.99),
            queue,
            file_bytes: bytes(&self.path),
            wal_bytes: bytes(Path::new(&wal)),
            ..state.counts
        }
    }
}

impl State {
    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed <= WINDOW {
            return;
        }
        let ended = std::mem::replace(&mut self.latencies, histogram());
        self.before = if passed <= 2 * WINDOW { ended } else { None };
        self.since = now;
    }
}

/// From a microsecond to a minute, to two figures.
fn histogram() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, 60_000_000, 2).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_commit_is_forgotten_after_two_minutes_though_nothing_is_written() {
        let counters = Counters::new(Path::new("/nowhere"));
        let slow = Instant::now() - Duration::from_millis(500);
        counters.committed(&[slow], 1, 1);
        assert!(counters.read(0).commit_us_p99 >= 495_000);
        let age = |passed: Duration| {
            let mut state = counters.state.lock().unwrap();
            state.since -= passed;
            drop(state);
            counters.read(0).commit_us_p99
        };
        assert!(
            age(Duration::from_secs(61)) >= 495_000,
            "it is of the minute before"
        );
        assert_eq!(age(Duration::from_secs(61)), 0);
        counters.committed(&[slow], 1, 2);
        assert_eq!(age(Duration::from_secs(3_600)), 0);
    }
}
