//! What the people in a room are told of each other.

use crate::protocol::Uid;
use crate::protocol::names::{RoomName, UserName};
use crate::protocol::presence::LeaveReason;
use crate::protocol::server::{
    AwayChanged, Renamed, ServerFrame, UserInfo, UserJoined, UserLeft, UserListUpdate,
};

/// A change of presence, for the local sessions in the rooms it names.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A user's first session of the whole cluster came into the room. For the others in it.
    Joined {
        room: RoomName,
        user: UserInfo,
        total: u32,
    },
    /// A user's last session left the room.
    Left {
        room: RoomName,
        uid: Uid,
        name: UserName,
        reason: LeaveReason,
        total: u32,
    },
    /// A user is away, or back.
    Away {
        room: RoomName,
        uid: Uid,
        name: UserName,
        on: bool,
    },
    /// A user bears another name. `rooms`: those the user is in; whoever talks with the user directly
    /// is to hear of it too.
    Renamed {
        rooms: Vec<RoomName>,
        uid: Uid,
        from: UserName,
        to: UserName,
    },
    /// What has changed in a large room since the batch before.
    Batch {
        room: RoomName,
        total: u32,
        /// Came, or is shown differently.
        joined: Vec<UserInfo>,
        left: Vec<Uid>,
    },
}

impl Notice {
    /// The rooms whose sessions are to see it.
    pub fn rooms(&self) -> &[RoomName] {
        match self {
            Notice::Joined { room, .. }
            | Notice::Left { room, .. }
            | Notice::Away { room, .. }
            | Notice::Batch { room, .. } => std::slice::from_ref(room),
            Notice::Renamed { rooms, .. } => rooms,
        }
    }

    /// Whose own sessions are not told: a user's own coming and going is no news to it.
    pub fn except(&self) -> Option<&Uid> {
        match self {
            Notice::Joined { user, .. } => Some(&user.uid),
            Notice::Left { uid, .. } => Some(uid),
            Notice::Away { .. } | Notice::Renamed { .. } | Notice::Batch { .. } => None,
        }
    }

    /// The frame that says it.
    pub fn frame(&self) -> ServerFrame {
        match self.clone() {
            Notice::Joined { room, user, total } => ServerFrame::UserJoin(UserJoined {
                room: room.into(),
                user,
                total,
            }),
            Notice::Left {
                room,
                uid,
                name,
                reason,
                total,
            } => ServerFrame::UserLeave(UserLeft {
                room: room.into(),
                user: name.into(),
                uid,
                reason: reason.as_str().to_owned(),
                total,
            }),
            Notice::Away {
                room,
                uid,
                name,
                on,
            } => ServerFrame::Away(AwayChanged {
                room: room.into(),
                user: name.into(),
                uid,
                on,
            }),
            Notice::Renamed { uid, from, to, .. } => ServerFrame::Renamed(Renamed {
                uid,
                from: from.into(),
                to: to.into(),
            }),
            Notice::Batch {
                room,
                total,
                joined,
                left,
            } => ServerFrame::UserListUpdate(UserListUpdate {
                re: None,
                room: room.into(),
                total,
                joined,
                left,
                users: None,
            }),
        }
    }
}
