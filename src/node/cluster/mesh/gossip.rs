//! What is told beside the log: how far each node's account of its users and its soft rows has come, and
//! fetching what is missing. Pure but for its callers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::node::cluster::replication::Moment;
use crate::protocol::Origin;

/// Time between two beats when nothing changes.
pub const BEAT_EVERY: Duration = Duration::from_secs(2);

/// Time between two beats when soft rows change all the time.
pub const BEAT_PAUSE: Duration = Duration::from_millis(100);

/// Soft rows of one answer: 300 bytes each, far less than a frame.
pub const SOFT_ROWS_MAX: usize = 1000;

/// Time after which a question for soft rows is taken for lost.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How far the soft rows of each node have been taken in.
#[derive(Debug, Default)]
pub struct SoftProgress {
    nodes: BTreeMap<Origin, Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// By that node's count.
    taken: u64,
    asked_until: Option<Moment>,
}

impl SoftProgress {
    /// The node's count stands at `rev`. What to ask it from, if it is to be asked now.
    pub fn told(&mut self, now: Moment, node: &Origin, rev: u64) -> Option<u64> {
        let progress = self.nodes.entry(node.clone()).or_default();
        let waits = progress.asked_until.is_some_and(|until| now < until);
        if rev <= progress.taken || waits {
            return None;
        }
        progress.asked_until = Some(now + ASK_AGAIN);
        Some(progress.taken)
    }

    /// Rows are stored up to `taken`; with `more`, what to ask next.
    pub fn took(&mut self, now: Moment, node: &Origin, taken: u64, more: bool) -> Option<u64> {
        let progress = self.nodes.entry(node.clone()).or_default();
        progress.taken = progress.taken.max(taken);
        progress.asked_until = more.then_some(now + ASK_AGAIN);
        more.then_some(progress.taken)
    }

    /// The link over which it was asked is gone.
    pub fn lost(&mut self, node: &Origin) {
        if let Some(progress) = self.nodes.get_mut(node) {
            progress.asked_until = None;
        }
    }
}

/// When the next beat is due.
#[derive(Debug, Default)]
pub struct Beats {
    last: Moment,
}

impl Beats {
    /// Whether to beat now; `changed` when there is something new to tell.
    pub fn due(&mut self, now: Moment, changed: bool) -> bool {
        let pause = if changed { BEAT_PAUSE } else { BEAT_EVERY };
        let due = now >= self.last + pause;
        if due {
            self.last = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn rows_are_asked_for_from_where_they_were_taken_to_and_one_page_at_a_time() {
        let mut soft = SoftProgress::default();
        let node = Origin::parse("n2-0000").unwrap();
        assert_eq!(soft.told(SECOND, &node, 0), None);
        assert_eq!(soft.told(SECOND, &node, 7), Some(0));
        assert_eq!(soft.told(SECOND * 2, &node, 9), None, "asked already");
        assert_eq!(soft.took(SECOND * 2, &node, 5, true), Some(5));
        assert_eq!(soft.told(SECOND * 3, &node, 9), None);
        assert_eq!(soft.took(SECOND * 3, &node, 9, false), None);
        assert_eq!(soft.told(SECOND * 3, &node, 9), None, "nothing new");
        assert_eq!(soft.told(SECOND * 3, &node, 10), Some(9));
        assert_eq!(soft.told(SECOND * 3 + ASK_AGAIN, &node, 10), Some(9));
        soft.lost(&node);
        assert_eq!(soft.told(SECOND * 9, &node, 10), Some(9));
    }

    #[test]
    fn a_beat_comes_every_two_seconds_and_sooner_after_a_change() {
        let mut beats = Beats::default();
        assert!(!beats.due(SECOND, false) && beats.due(SECOND * 2, false));
        assert!(!beats.due(SECOND * 2 + BEAT_PAUSE / 2, true));
        assert!(beats.due(SECOND * 2 + BEAT_PAUSE, true));
    }
}
