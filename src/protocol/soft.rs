//! What nodes remember beside the log and tell each other: rooms, users, read markers. Each row merges
//! with what another node knows of it, in any order, however often.

use serde::{Deserialize, Serialize};

use super::ids::{Origin, Seq, Uid};
use super::names::{RoomKey, RoomName};
use super::presence::UserRecord;

/// One thing that every node is to remember.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftRow {
    /// The room exists: somebody has joined it.
    Room { room: RoomName },
    /// The user was here, under that name.
    User(UserRecord),
    /// The user has read `origin` in `room` up to `seq`; the greatest counts.
    Read {
        uid: Uid,
        room: RoomKey,
        origin: Origin,
        seq: Seq,
    },
}

/// Rows in the order in which they changed on the node that tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftPage {
    pub rows: Vec<SoftRow>,
    /// What to ask from next time, by the telling node's count of changes.
    pub rev: u64,
    /// There are further rows past `rev`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}
