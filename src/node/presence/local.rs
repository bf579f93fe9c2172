//! This node's sessions: whose they are, and which rooms they are in.

use std::collections::HashMap;

use super::SessionId;
use crate::node::few::Few;
use crate::protocol::Uid;
use crate::protocol::names::RoomName;
use crate::protocol::presence::{Face, PresentUser};

#[derive(Debug, Default)]
pub(super) struct Local {
    sessions: HashMap<SessionId, Session>,
    users: HashMap<Uid, Box<User>>,
}

#[derive(Debug)]
struct Session {
    uid: Uid,
    rooms: Few<RoomName, ()>,
}

#[derive(Debug)]
struct User {
    face: Face,
    sessions: u32,
    /// For each room, the user's sessions in it.
    rooms: Few<RoomName, u32>,
}

impl Local {
    /// Whether it is the user's first session here. A session that is open already stays as it is.
    pub(super) fn open(&mut self, id: SessionId, face: Face) -> bool {
        if self.sessions.contains_key(&id) {
            return false;
        }
        let session = Session {
            uid: face.uid.clone(),
            rooms: Few::default(),
        };
        self.sessions.insert(id, session);
        let user = self.users.entry(face.uid.clone()).or_insert_with(|| {
            Box::new(User {
                face,
                sessions: 0,
                rooms: Few::default(),
            })
        });
        user.sessions += 1;
        user.sessions == 1
    }

    /// The user, when it was the last session. Its rooms have been left before.
    pub(super) fn close(&mut self, id: SessionId) -> Option<Uid> {
        let uid = self.sessions.remove(&id)?.uid;
        let user = self.users.get_mut(&uid)?;
        user.sessions -= 1;
        if user.sessions > 0 {
            return None;
        }
        self.users.remove(&uid);
        Some(uid)
    }

    /// The user, when it was not in the room before.
    pub(super) fn enter(&mut self, id: SessionId, room: &RoomName) -> Option<Uid> {
        let session = self.sessions.get_mut(&id)?;
        if session.rooms.insert(room.clone(), ()).is_some() {
            return None;
        }
        let user = self.users.get_mut(&session.uid)?;
        if let Some(sessions) = user.rooms.get_mut(room) {
            *sessions += 1;
            return None;
        }
        user.rooms.insert(room.clone(), 1);
        Some(session.uid.clone())
    }

    /// The user, when none of its sessions here is in the room any more.
    pub(super) fn leave(&mut self, id: SessionId, room: &RoomName) -> Option<Uid> {
        let session = self.sessions.get_mut(&id)?;
        session.rooms.remove(room)?;
        let user = self.users.get_mut(&session.uid)?;
        let sessions = user.rooms.get_mut(room)?;
        *sessions -= 1;
        if *sessions > 0 {
            return None;
        }
        user.rooms.remove(room);
        Some(session.uid.clone())
    }

    pub(super) fn rooms_of_session(&self, id: SessionId) -> Vec<RoomName> {
        let session = self.sessions.get(&id);
        session.map_or_else(Vec::new, |s| s.rooms.keys().cloned().collect())
    }

    pub(super) fn face_of(&self, id: SessionId) -> Option<&Face> {
        self.face(&self.sessions.get(&id)?.uid)
    }

    pub(super) fn face(&self, uid: &Uid) -> Option<&Face> {
        self.users.get(uid).map(|user| &user.face)
    }

    pub(super) fn face_mut(&mut self, uid: &Uid) -> Option<&mut Face> {
        self.users.get_mut(uid).map(|user| &mut user.face)
    }

    /// All users with sessions here.
    pub(super) fn present(&self) -> Vec<PresentUser> {
        let present = |user: &User| PresentUser {
            face: user.face.clone(),
            rooms: user.rooms.keys().cloned().collect(),
        };
        self.users.values().map(|user| present(user)).collect()
    }
}
