//! The texts that were sent and not answered yet: so that a refusal can say which one it is about.

use std::collections::VecDeque;

use super::words;
use crate::node::session::IN_FLIGHT_MAX;

/// Characters of a text that name it.
const START_CHARS: usize = 32;

/// In the order in which they were sent, in which they are answered too.
#[derive(Debug, Default)]
pub(super) struct UnderWay(VecDeque<String>);

impl UnderWay {
    pub(super) fn push(&mut self, text: &str) {
        // No more are on their way: the connection takes no line then.
        if self.0.len() > IN_FLIGHT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(words::one_line(text, START_CHARS));
    }

    /// The next one is answered; how it begins.
    pub(super) fn answered(&mut self) -> Option<String> {
        self.0.pop_front()
    }
}
