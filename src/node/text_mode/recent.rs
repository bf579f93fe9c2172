//! The messages that were shown last: so that one that moves is not shown twice, and an edit can say
//! whose message it is about.

use std::collections::{HashMap, VecDeque};

use super::words;
use crate::protocol::MessageId;

/// Messages that are remembered: more than a screen and a page of history.
pub const RECENT_MESSAGES_MAX: usize = 500;

/// Characters of a text that name the message.
const START_CHARS: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<MessageId>,
    messages: HashMap<MessageId, Shown>,
}

/// How a message is named later.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub from: String,
    /// The text's first words.
    pub start: String,
}

impl Recent {
    pub(super) fn get(&self, id: &MessageId) -> Option<&Shown> {
        self.messages.get(id)
    }

    /// Remembers a message; false if it was shown before.
    pub(super) fn put(&mut self, id: &MessageId, from: &str, text: &str) -> bool {
        let start = words::one_line(text, START_CHARS);
        let from = words::one_line(from, usize::MAX);
        let known = self.messages.insert(id.clone(), Shown { from, start });
        if known.is_some() {
            return false;
        }
        self.order.push_back(id.clone());
        if self.order.len() > RECENT_MESSAGES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.messages.remove(&oldest);
        }
        true
    }

    /// The text of a message has changed.
    pub(super) fn edit(&mut self, id: &MessageId, text: &str) {
        if let Some(shown) = self.messages.get_mut(id) {
            shown.start = words::one_line(text, START_CHARS);
        }
    }
}
