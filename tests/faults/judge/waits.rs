//! How long writers waited because of a fault, while there was a healthy node to go to.

use std::collections::BTreeMap;
use std::time::Duration;

/// Acknowledgements flow again within this.
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// When a fault was, since the beginning of the run.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub begun: Duration,
    pub healed: Duration,
    /// When there was a healthy node to be reached.
    pub reachable: Duration,
}

/// The longest wait of a writer because of that fault, and whose it was. `answers` are writers'
/// numbers and moments; after `end` nobody wrote any more.
pub fn longest(answers: &[(usize, Duration)], window: Window, end: Duration) -> (Duration, usize) {
    let mut by_writer: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    for (writer, at) in answers {
        by_writer.entry(*writer).or_default().push(*at);
    }
    // Healing has its consequences too.
    let until = end.min(window.healed + WAIT_MAX + WAIT_MAX / 5);
    let waits = by_writer
        .iter()
        .map(|(writer, answers)| (of_one(answers, window, until), *writer));
    waits.max().unwrap_or_default()
}

fn of_one(answers: &[Duration], window: Window, until: Duration) -> Duration {
    let mut last = window.begun;
    let mut longest = Duration::ZERO;
    let within = answers.iter().copied().filter(|at| *at > window.begun);
    for at in within.chain([until]) {
        let at = at.min(until);
        longest = longest.max(at.saturating_sub(last.max(window.reachable)));
        if at == until {
            break;
        }
        last = at;
    }
    longest
}
