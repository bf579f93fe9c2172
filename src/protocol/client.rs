//! What a client may say.

use serde::{Deserialize, Serialize};

use super::ids::{MessageId, Nonce, Ts, VersionVector};
use super::names::{RoomRef, UserName};
use super::text::Text;

/// A client's own mark on a frame; each direct answer carries the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Re {
    Number(i64),
    /// 64 bytes at most.
    Text(String),
}

/// A frame with the mark it came with.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub re: Option<Re>,
    pub frame: ClientFrame,
}

/// Who a client says it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// A guest under this name; `password` opens an account instead.
    Name {
        name: UserName,
        password: Option<String>,
    },
    /// The user of an earlier session. `name` counts where the token came with one (HTTP's one-call send).
    Token {
        token: String,
        name: Option<UserName>,
    },
}

/// One line of JSON each. [`decode`](super::decode::decode) makes it, every value checked.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientFrame {
    /// Opens the session. `admin` is the node's administrator token. A `brief` session is there to say
    /// something: it is among nobody's users, and its name is not kept after it.
    UserJoin {
        claim: Claim,
        admin: Option<String>,
        brief: bool,
    },
    /// Enters `room`, creating it; with `since`, what was missed comes with the answer.
    Join {
        room: RoomRef,
        since: Option<VersionVector>,
        limit: Option<usize>,
    },
    Leave {
        room: RoomRef,
    },
    /// Says `text` in `room`. The same `nonce` sent twice is one message.
    Send {
        room: RoomRef,
        text: Text,
        nonce: Option<Nonce>,
        reply_to: Option<MessageId>,
        after: Option<Ts>,
    },
    Edit {
        room: RoomRef,
        id: MessageId,
        text: Text,
        nonce: Option<Nonce>,
        after: Option<Ts>,
    },
    Delete {
        room: RoomRef,
        id: MessageId,
        nonce: Option<Nonce>,
        after: Option<Ts>,
    },
    React {
        room: RoomRef,
        id: MessageId,
        emoji: String,
        on: bool,
        nonce: Option<Nonce>,
        after: Option<Ts>,
    },
    Topic {
        room: RoomRef,
        topic: String,
        nonce: Option<Nonce>,
        after: Option<Ts>,
    },
    History {
        room: RoomRef,
        range: HistoryRange,
        limit: Option<usize>,
    },
    Typing {
        room: RoomRef,
        on: bool,
    },
    /// Moves the read marker.
    Read {
        room: RoomRef,
        since: VersionVector,
    },
    Search {
        query: String,
        room: Option<RoomRef>,
        before: Option<Ts>,
        limit: Option<usize>,
    },
    Rooms,
    Who {
        room: RoomRef,
    },
    Away {
        on: bool,
    },
    Ping,
    /// `every`: milliseconds between frames, 0 to end them. `node`: `*` for all nodes, or a node's name.
    Stats {
        every: Option<u64>,
        node: Option<String>,
    },
    Quit,
}

/// Which part of a room's history is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryRange {
    Newest,
    /// Messages before this moment, the newest of them.
    Before(Ts),
    /// Messages after this moment, the oldest of them.
    After(Ts),
    /// Events past this vector, the oldest of them.
    Since(VersionVector),
}

impl ClientFrame {
    /// Whether it only asks or changes nothing that lasts; used for the limits on requests.
    pub fn is_write(&self) -> bool {
        matches!(
            self,
            ClientFrame::Send { .. }
                | ClientFrame::Edit { .. }
                | ClientFrame::Delete { .. }
                | ClientFrame::React { .. }
                | ClientFrame::Topic { .. }
        )
    }
}
