//! What the log holds.

use serde::{Deserialize, Serialize};

use super::ids::{MessageId, Nonce, Origin, Seq, Ts, Uid};
use super::names::{RoomKey, UserName};
use super::text::Text;

/// One entry of one origin's log, as it is stored and as it crosses between nodes. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub origin: Origin,
    pub seq: Seq,
    pub ts: Ts,
    pub room: RoomKey,
    /// Who did it.
    pub uid: Uid,
    /// The name it was done under.
    pub name: UserName,
    /// The same `(uid, nonce)` is the same deed, wherever it was accepted.
    pub nonce: Nonce,
    pub body: Body,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// A message; its id follows from the event's `uid` and `nonce`.
    Message {
        text: Text,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reply_to: Option<MessageId>,
    },
    /// A new text for the message `id`.
    Edit { id: MessageId, text: Text },
    /// The message `id` is gone for good.
    Delete { id: MessageId },
    /// A reaction put on the message `id`, or taken back.
    React {
        id: MessageId,
        emoji: String,
        on: bool,
    },
    /// The room's new topic.
    Topic { topic: String },
}

impl Event {
    /// The message that this event makes or changes; none for a topic.
    pub fn message_id(&self) -> Option<MessageId> {
        match &self.body {
            Body::Message { .. } => Some(MessageId::new(&self.uid, &self.nonce)),
            Body::Edit { id, .. } | Body::Delete { id } | Body::React { id, .. } => {
                Some(id.clone())
            }
            Body::Topic { .. } => None,
        }
    }
}
