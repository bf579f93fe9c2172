//! How long writers waited because of a fault, while there was a healthy node to go to.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::judge::Violation;
use crate::world::Done;

/// Acknowledgements flow again within this.
pub const GAP_MAX: Duration = Duration::from_secs(5);

/// The longest wait of a writer because of each fault; waits past the limit are violations.
pub fn gaps(
    done: &[Done],
    answers: &[(usize, Instant)],
    end: Instant,
    found: &mut Vec<Violation>,
) -> Vec<Duration> {
    let mut by_writer: BTreeMap<usize, Vec<Instant>> = BTreeMap::new();
    for (writer, at) in answers {
        by_writer.entry(*writer).or_default().push(*at);
    }
    let mut worst = Vec::new();
    for fault in done {
        // Healing has its consequences too.
        let until = end.min(fault.healed + GAP_MAX);
        let of_writer =
            |(writer, answers): (&usize, &Vec<Instant>)| (longest(answers, fault, until), *writer);
        let (gap, writer) = by_writer.iter().map(of_writer).max().unwrap_or_default();
        if gap > GAP_MAX {
            let what = format!(
                "writer {writer} was not answered for {gap:?} with the fault {}",
                fault.fault.name()
            );
            found.push(Violation::new("stuck", what));
        }
        worst.push(gap);
    }
    worst
}

fn longest(answers: &[Instant], fault: &Done, until: Instant) -> Duration {
    let mut last = fault.begun;
    let mut longest = Duration::ZERO;
    let within = answers.iter().filter(|at| **at > fault.begun);
    for at in within.copied().chain([until]) {
        let at = at.min(until);
        longest = longest.max(at.saturating_duration_since(last.max(fault.reachable)));
        if at == until {
            break;
        }
        last = at;
    }
    longest
}
