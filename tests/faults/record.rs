//! What everybody in a run writes down, and the run's one clock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::judge::Violation;
use crate::judge::history::{Ack, Op};

/// Violations of a kind that are told at once; they are the story, the rest is written down.
const TOLD_MAX: usize = 5;
/// Characters of a violation's line: two long texts are not compared by eye.
const TOLD_CHARS_MAX: usize = 900;

pub struct Record {
    pub started: Instant,
    ops: Mutex<Vec<Op>>,
    /// When each writer was answered: its number, and the moment.
    answers: Mutex<Vec<(usize, Instant)>>,
    violations: Mutex<BTreeMap<&'static str, Vec<Violation>>>,
    pub refused: AtomicU64,
    pub retries: AtomicU64,
    pub moves: AtomicU64,
    /// Writers stop when it is true.
    pub quiet: watch::Sender<bool>,
    /// Readers stop when it is true.
    pub over: watch::Sender<bool>,
}

impl Record {
    pub fn begin() -> Record {
        Record {
            started: Instant::now(),
            ops: Mutex::default(),
            answers: Mutex::default(),
            violations: Mutex::default(),
            refused: AtomicU64::default(),
            retries: AtomicU64::default(),
            moves: AtomicU64::default(),
            quiet: watch::channel(false).0,
            over: watch::channel(false).0,
        }
    }

    /// A line of the story.
    pub fn tell(&self, what: &str) {
        println!("{:7.2} s  {what}", self.started.elapsed().as_secs_f64());
    }

    /// Notes what is going to be asked; gives its number.
    pub fn asking(&self, op: Op) -> usize {
        let mut ops = lock(&self.ops);
        ops.push(op);
        ops.len() - 1
    }

    pub fn acknowledged(&self, op: usize, ack: Ack) {
        lock(&self.ops)[op].acks.push(ack);
    }

    /// The writer is not kept waiting any more.
    pub fn answered(&self, writer: usize) {
        lock(&self.answers).push((writer, Instant::now()));
    }

    pub fn violation(&self, violation: Violation) {
        let mut violations = lock(&self.violations);
        let of_kind = violations.entry(violation.kind).or_default();
        if of_kind.len() < TOLD_MAX {
            let what: String = violation.what.chars().take(TOLD_CHARS_MAX).collect();
            self.tell(&format!("!! {}: {what}", violation.kind));
        }
        of_kind.push(violation);
    }

    pub fn violations(&self, violations: Vec<Violation>) {
        for violation in violations {
            self.violation(violation);
        }
    }

    /// All that must not be, by kind.
    pub fn found(&self) -> BTreeMap<&'static str, Vec<Violation>> {
        lock(&self.violations).clone()
    }

    pub fn ops(&self) -> Vec<Op> {
        lock(&self.ops).clone()
    }

    pub fn answers(&self) -> Vec<(usize, Instant)> {
        lock(&self.answers).clone()
    }

    pub fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// By the clock of the checker, which is right.
pub fn now_us() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |time| time.as_micros() as i64)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
