//! Who is here and who bears which name, under one lock: a name is claimed and its user shown in one
//! step.

use super::names::Names;
use super::presence::Presence;
use crate::protocol::{ErrorCode, Refusal, RoomKey, RoomRef, Uid, UserName};

/// All that this node knows of users.
#[derive(Debug)]
pub struct People {
    pub presence: Presence,
    pub names: Names,
}

impl People {
    /// The name that a user bears, or bore when last seen.
    pub fn name(&self, uid: &Uid) -> Option<&UserName> {
        let face = self.presence.face(uid);
        face.map(|face| &face.name)
            .or_else(|| self.names.name_of(uid))
    }

    /// What `uid` calls the room: its name, or `@` and the other's name. A user of whom no name is
    /// known, or whose name is somebody else's by now, is called by the id, in the form that a client
    /// may say: what is sent to a label must reach the one it stands for.
    pub fn room_label(&self, room: &RoomKey, uid: &Uid) -> String {
        match room {
            RoomKey::Room(name) => name.as_str().to_owned(),
            RoomKey::Direct(one, _) => {
                let other = room.other_side(uid).unwrap_or(one);
                let theirs = |name: &&UserName| {
                    self.names.resolve(name, &self.presence).as_ref() == Some(other)
                };
                match self.name(other).filter(theirs) {
                    Some(name) => format!("@{name}"),
                    None => format!("@={other}"),
                }
            }
        }
    }

    /// The room that `uid` means.
    ///
    /// # Errors
    /// `no_such_user`, when a direct conversation is with nobody who is known.
    pub fn room_key(&self, room: &RoomRef, uid: &Uid) -> Result<RoomKey, Refusal> {
        let nobody = |who: &str| {
            let message = format!("nobody is called {who}; /who lists the users of a room");
            Refusal::new(ErrorCode::NoSuchUser, message)
        };
        match room {
            RoomRef::Room(name) => Ok(RoomKey::Room(name.clone())),
            RoomRef::Direct(name) => match self.names.resolve(name, &self.presence) {
                Some(other) => Ok(RoomKey::direct(uid, &other)),
                None => Err(nobody(name.as_str())),
            },
            RoomRef::DirectUid(other) => match self.name(other) {
                Some(_) => Ok(RoomKey::direct(uid, other)),
                None => Err(nobody(other.as_str())),
            },
        }
    }
}
