//! A room's newest messages as somebody who came in was given them, for those who come in next.
//!
//! They are true as long as nothing that the log holds has been pushed into the room's ring since: so
//! they say of a room that nobody has spoken in, too, that it is empty.

use crate::node::store::message_bytes;
use crate::protocol::server::Message;

/// Bytes of the messages of one room that are kept beside its ring, about.
const NEWEST_BYTES_MAX: usize = 64 * 1024;

/// What the log says of a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Newest {
    /// As many messages were asked for.
    pub limit: usize,
    pub messages: Vec<Message>,
    /// There are older ones.
    pub more: bool,
    pub topic: String,
}

impl Newest {
    /// Whether it is what the log would say to somebody who asks for `limit` messages.
    pub(super) fn answers(&self, limit: usize) -> bool {
        limit == self.limit || (!self.more && self.messages.len() <= limit)
    }

    /// Whether it may be kept.
    pub(super) fn is_small(&self) -> bool {
        self.messages.iter().map(message_bytes).sum::<usize>() <= NEWEST_BYTES_MAX
    }
}
