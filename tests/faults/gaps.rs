//! The longest wait for an answer because of each fault of a run.

use std::time::Duration;

use tokio::time::Instant;

use crate::judge::Violation;
use crate::judge::waits::{self, WAIT_MAX, Window};
use crate::record::Record;
use crate::world::Done;

/// One for each fault; those past the limit are violations.
pub fn gaps(
    done: &[Done],
    record: &Record,
    end: Instant,
    found: &mut Vec<Violation>,
) -> Vec<Duration> {
    let since = |at: Instant| at.saturating_duration_since(record.started);
    let answers = record.answers().into_iter();
    let answers: Vec<(usize, Duration)> = answers.map(|(writer, at)| (writer, since(at))).collect();
    let window = |fault: &Done| Window {
        begun: since(fault.begun),
        healed: since(fault.healed),
        reachable: since(fault.reachable),
    };
    let windows: Vec<Window> = done.iter().map(window).collect();
    let longest = waits::longest(&answers, &windows, since(end));
    for (fault, (wait, writer)) in done.iter().zip(&longest) {
        if *wait > WAIT_MAX {
            let name = fault.fault.name();
            let what = format!("writer {writer} waited {wait:?} for an answer with {name}");
            found.push(Violation::new("stuck", what));
        }
    }
    longest.into_iter().map(|(wait, _)| wait).collect()
}
