//! Every limit of the protocol: its name, its unit, its reason. `docs/PROTOCOL.md` lists them.

use serde::{Deserialize, Serialize};

/// The version of the protocol that `connect` names.
pub const PROTOCOL_VERSION: u32 = 1;

/// Bytes of a client's line without its line end. Room for the longest text in four-byte
/// characters, escaped, with some to spare.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a line that a server sends, at most.
pub const SERVER_LINE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes after which a page of messages ends early, with `more`.
pub const PAGE_BYTES: usize = 256 * 1024;

/// Unicode scalar values of a text.
pub const TEXT_CHARS_MAX: usize = 4000;

/// Unicode scalar values of a topic: it stands on one line above the room.
pub const TOPIC_CHARS_MAX: usize = 300;

/// Characters of a user's name.
pub const NAME_CHARS_MAX: usize = 32;

/// Characters of a room's name.
pub const ROOM_CHARS_MAX: usize = 48;

/// Messages of one page of `history`.
pub const HISTORY_MAX: usize = 200;

/// Messages of a `room` answer when the client does not say how many.
pub const HISTORY_DEFAULT: usize = 50;

/// Messages of an answer to `search` when the client does not say how many.
pub const SEARCH_DEFAULT: usize = 20;

/// Unicode scalar values of a query: far more than anybody types, and no more than is quickly read.
pub const QUERY_CHARS_MAX: usize = 1000;

/// Words, phrases and filters of a query: each is looked up by itself.
pub const QUERY_TERMS_MAX: usize = 32;

/// Characters of a beginning that is looked for (`de*`), at least: fewer begin nearly every message.
pub const QUERY_PREFIX_CHARS_MIN: usize = 2;

/// Bytes of a nonce.
pub const NONCE_BYTES_MAX: usize = 64;

/// Bytes of `re`, as it stands in JSON without quotes.
pub const RE_BYTES_MAX: usize = 64;

/// Bytes of an emoji: the longest family sequences are about 40.
pub const EMOJI_BYTES_MAX: usize = 64;

/// Origins that a `since` may name: far more than any cluster has had.
pub const SINCE_ORIGINS_MAX: usize = 1024;

/// Origins that a node's vector may name to another node: more than that would not fit a frame.
pub const PEER_ORIGINS_MAX: usize = 65_536;

/// Nested arrays and objects of a line.
pub const JSON_DEPTH_MAX: usize = 16;

/// Rooms that a session may be in.
pub const SESSION_ROOMS_MAX: usize = 200;

/// Users that a `room` frame lists; of a larger room, `who` has the rest.
pub const ROOM_USERS_LISTED: usize = 100;

/// Microseconds that a `ts` may be ahead of the node's time and still move its clock.
pub const CLOCK_AHEAD_MAX_US: i64 = 10_000_000;

/// Microseconds between a message's `ts` and its being stored, past which it is `late`.
pub const LATE_AFTER_US: i64 = 5_000_000;

/// What `connect` tells a client of the limits that concern it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Limits {
    /// Bytes of a line.
    pub line: u32,
    /// Unicode scalar values of a text.
    pub text: u32,
    /// Characters of a user's name.
    pub name: u32,
    /// Characters of a room's name.
    pub room: u32,
    /// Messages of a page of history.
    pub history: u32,
}

impl Limits {
    /// The limits of this version.
    pub const CURRENT: Limits = Limits {
        line: LINE_BYTES_MAX as u32,
        text: TEXT_CHARS_MAX as u32,
        name: NAME_CHARS_MAX as u32,
        room: ROOM_CHARS_MAX as u32,
        history: HISTORY_MAX as u32,
    };
}
