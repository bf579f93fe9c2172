//! What came live and is not in the window.
//!
//! A page is made at some moment between the question and its answer. What comes live meanwhile may be
//! missing in it, and is not in the window either: it is put in after the page.

use std::collections::VecDeque;

use crate::protocol::server::{Message, MessageUpdate};

/// Of those, how many are remembered; a page that takes longer is asked for once more.
pub const OUTSIDE_MAX: usize = 300;

/// A message past a side of the window, or what has become of one.
#[derive(Clone, Debug)]
pub enum Live {
    Message(Box<Message>),
    Update(Box<MessageUpdate>),
}

/// The last of them.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    last: VecDeque<Live>,
    /// All there ever were.
    count: u64,
}

impl Outside {
    /// From here on, for [`since`](Outside::since).
    pub fn mark(&self) -> u64 {
        self.count
    }

    pub fn push(&mut self, live: Live) {
        if self.last.len() == OUTSIDE_MAX {
            self.last.pop_front();
        }
        self.last.push_back(live);
        self.count += 1;
    }

    /// Those from the mark on; `None` when not all of them are remembered.
    pub fn since(&self, mark: u64) -> Option<Vec<Live>> {
        let wanted = usize::try_from(self.count.checked_sub(mark)?).ok()?;
        let before = self.last.len().checked_sub(wanted)?;
        Some(self.last.range(before..).cloned().collect())
    }
}
