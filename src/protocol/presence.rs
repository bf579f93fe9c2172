//! What nodes tell each other of the people on them. It crosses peer links only, never to a client.
//!
//! A node numbers its changes within one incarnation of itself. Whoever misses a number asks for a
//! snapshot; so presence heals by itself, and nothing of it is stored.

use serde::{Deserialize, Serialize};

use super::ids::{Ts, Uid};
use super::names::{RoomName, UserName};

/// How a user is shown. Two of the same user merge: the later name and the later away mark stand, so
/// that all nodes come to show the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    pub uid: Uid,
    pub name: UserName,
    /// When this user claimed the name.
    pub named_at: Ts,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// When the user last went away or came back; 0 for never.
    #[serde(default)]
    pub away_at: Ts,
}

impl Face {
    /// A user who is here, under `name` since `named_at`.
    pub fn new(uid: Uid, name: UserName, named_at: Ts) -> Face {
        Face {
            uid,
            name,
            named_at,
            away: false,
            away_at: Ts(0),
        }
    }

    /// Takes what is later in `other`; says whether anything was.
    pub fn merge(&mut self, other: &Face) -> bool {
        let mut changed = false;
        if (other.named_at, &other.name) > (self.named_at, &self.name) {
            self.name = other.name.clone();
            self.named_at = other.named_at;
            changed = true;
        }
        if (other.away_at, other.away) > (self.away_at, self.away) {
            self.away = other.away;
            self.away_at = other.away_at;
            changed = true;
        }
        changed
    }
}

/// How far a node's account of its users has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresencePlace {
    /// Another one after each start of the node.
    pub incarnation: u64,
    /// Of the last batch of changes, counted from 1 within the incarnation.
    pub number: u64,
}

/// All users with sessions on one node, or a part of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceSnapshot {
    /// The changes up to here are in it.
    pub place: PresencePlace,
    pub users: Vec<PresentUser>,
    /// The rest follows in further parts, on the same link and before any change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// A user on one node, and the rooms that its sessions there are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentUser {
    #[serde(flatten)]
    pub face: Face,
    pub rooms: Vec<RoomName>,
}

/// What has changed on one node since the batch before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChanges {
    /// The number of this batch: the last one's and one more.
    pub place: PresencePlace,
    /// In the order in which they happened.
    pub changes: Vec<PresenceChange>,
}

/// One change on one node. A user's second session there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum PresenceChange {
    /// A user is here, or is shown differently.
    Here {
        #[serde(flatten)]
        face: Face,
    },
    /// The user's first session of this node came into the room.
    Entered { uid: Uid, room: RoomName },
    /// The user's last session of this node left the room.
    Left {
        uid: Uid,
        room: RoomName,
        reason: LeaveReason,
    },
    /// The user's last session of this node has ended: it has left all rooms too.
    Gone { uid: Uid, reason: LeaveReason },
}

/// Why a user is no longer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Ended the session.
    Quit,
    /// Left the room, and may be in others.
    Leave,
    /// The connection broke, or the node is not heard any more.
    Lost,
    ShuttingDown,
    Kicked,
    Banned,
    Flood,
    TooManyConnections,
    Replaced,
}

impl LeaveReason {
    /// As it stands in `user_leave`.
    pub fn as_str(self) -> &'static str {
        match self {
            LeaveReason::Quit => "quit",
            LeaveReason::Leave => "leave",
            LeaveReason::Lost => "lost",
            LeaveReason::ShuttingDown => "shutting_down",
            LeaveReason::Kicked => "kicked",
            LeaveReason::Banned => "banned",
            LeaveReason::Flood => "flood",
            LeaveReason::TooManyConnections => "too_many_connections",
            LeaveReason::Replaced => "replaced",
        }
    }
}

/// What every node remembers of a user who was here once: the name, and when it was last borne.
/// Stored in a soft table and passed on by gossip; two of the same user merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    pub uid: Uid,
    pub name: UserName,
    /// When this user claimed the name. Of two who bear one name, the earlier claim stands.
    pub claimed_at: Ts,
    /// When a session of the user was last open.
    pub last_seen: Ts,
}

impl UserRecord {
    /// Takes what is later in `other`; says whether anything was.
    pub fn merge(&mut self, other: &UserRecord) -> bool {
        let mut changed = false;
        if (other.claimed_at, &other.name) > (self.claimed_at, &self.name) {
            self.name = other.name.clone();
            self.claimed_at = other.claimed_at;
            changed = true;
        }
        if other.last_seen > self.last_seen {
            self.last_seen = other.last_seen;
            changed = true;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(name: &str, named_at: i64, away: bool, away_at: i64) -> Face {
        Face {
            away,
            away_at: Ts(away_at),
            ..Face::new(
                Uid::parse("k7q2m4").unwrap(),
                UserName::parse(name).unwrap(),
                Ts(named_at),
            )
        }
    }

    #[test]
    fn two_faces_of_a_user_become_the_same_whichever_is_told_first() {
        let faces = [
            face("alice", 1, true, 5),
            face("alice-2", 3, false, 4),
            face("alice-3", 3, false, 5),
        ];
        for one in &faces {
            for other in &faces {
                let (mut a, mut b) = (one.clone(), other.clone());
                assert_eq!(a.merge(other), a != *one);
                b.merge(one);
                assert_eq!(a, b);
            }
        }
    }

    #[test]
    fn what_crosses_between_nodes_reads_as_it_was_written() {
        let face = face("alice", 1, true, 5);
        let change = PresenceChange::Here { face: face.clone() };
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(
            json,
            r#"{"change":"here","uid":"k7q2m4","name":"alice","named_at":1,"away":true,"away_at":5}"#
        );
        assert_eq!(
            serde_json::from_str::<PresenceChange>(&json).unwrap(),
            change
        );
        let user = PresentUser {
            face,
            rooms: vec![RoomName::parse("lobby").unwrap()],
        };
        let json = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<PresentUser>(&json).unwrap(), user);
    }

    #[test]
    fn a_reason_is_said_as_it_is_written() {
        for reason in [
            LeaveReason::Quit,
            LeaveReason::Leave,
            LeaveReason::Lost,
            LeaveReason::ShuttingDown,
            LeaveReason::Kicked,
            LeaveReason::Banned,
            LeaveReason::Flood,
            LeaveReason::TooManyConnections,
            LeaveReason::Replaced,
        ] {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("{:?}", reason.as_str()));
        }
    }
}
