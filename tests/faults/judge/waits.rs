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
    /// From the beginning to then there was no healthy node to go to.
    pub reachable: Duration,
}

/// The longest wait of a writer because of each fault, and whose it was. `answers` are writers'
/// numbers and moments; after `end` nobody wrote any more. Times without a node do not count.
pub fn longest(
    answers: &[(usize, Duration)],
    windows: &[Window],
    end: Duration,
) -> Vec<(Duration, usize)> {
    let mut by_writer: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    for (writer, at) in answers {
        by_writer.entry(*writer).or_default().push(*at);
    }
    let of = |window: &Window| {
        let waits = by_writer
            .iter()
            .map(|(writer, answers)| (of_one(answers, *window, windows, end), *writer));
        waits.max().unwrap_or_default()
    };
    windows.iter().map(of).collect()
}

fn of_one(answers: &[Duration], window: Window, all: &[Window], end: Duration) -> Duration {
    // Healing has its consequences too.
    let until = end.min(window.healed + WAIT_MAX + WAIT_MAX / 5);
    let mut last = window.begun;
    let mut longest = Duration::ZERO;
    let within = answers.iter().copied().filter(|at| *at > window.begun);
    for at in within.chain([until]) {
        let at = at.min(until);
        let without: Duration = all.iter().map(|other| without_node(other, last, at)).sum();
        longest = longest.max(at.saturating_sub(last).saturating_sub(without));
        if at == until {
            break;
        }
        last = at;
    }
    longest
}

/// How much of the time between the two there was no node because of that fault.
fn without_node(window: &Window, from: Duration, to: Duration) -> Duration {
    let to = to.min(window.reachable);
    to.saturating_sub(from.max(window.begun))
}
