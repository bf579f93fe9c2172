//! The users of another node, as it has told of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::notice::Notice;
use super::roster::Roster;
use crate::protocol::names::RoomName;
use crate::protocol::presence::{
    Face, LeaveReason, PresenceChange, PresenceChanges, PresencePlace, PresenceSnapshot,
    PresentUser,
};
use crate::protocol::{Ts, Uid};

/// What came of a peer's word.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    pub notices: Vec<Notice>,
    /// Something was missed: the peer is to be asked for a snapshot.
    pub ask_snapshot: bool,
}

#[derive(Debug)]
pub(super) struct RemoteNode {
    name: Arc<str>,
    /// Up to where its account has been taken in; `None` until its first snapshot.
    place: Option<PresencePlace>,
    heard_at: Ts,
    /// A snapshot has been asked for and has not come yet.
    asked: bool,
    /// The parts of a snapshot whose last part has not come yet.
    parts: Vec<PresentUser>,
    /// Of which snapshot these parts are.
    parts_place: Option<PresencePlace>,
    users: HashMap<Uid, BTreeSet<RoomName>>,
}

impl RemoteNode {
    pub(super) fn new(name: &str, now: Ts) -> RemoteNode {
        RemoteNode {
            name: name.into(),
            place: None,
            heard_at: now,
            asked: false,
            parts: Vec::new(),
            parts_place: None,
            users: HashMap::new(),
        }
    }

    /// When the node last said anything.
    pub(super) fn heard_at(&self) -> Ts {
        self.heard_at
    }

    pub(super) fn set_heard_at(&mut self, at: Ts) {
        self.heard_at = at;
    }

    /// The link is gone, and with it what was on the way.
    pub(super) fn lost(&mut self, at: Ts) {
        self.heard_at = self.heard_at.min(at);
        self.asked = false;
        self.parts.clear();
    }

    pub(super) fn has(&self, uid: &Uid) -> bool {
        self.users.contains_key(uid)
    }

    /// Whether the node says to be further than what has been taken in.
    pub(super) fn is_behind(&mut self, said: PresencePlace) -> bool {
        let behind = self
            .place
            .is_none_or(|held| held.incarnation != said.incarnation || held.number < said.number);
        self.asked |= behind;
        behind
    }

    /// Replaces what is held, when this is the last part. Returns the users whose faces came with it.
    pub(super) fn snapshot(
        &mut self,
        roster: &mut Roster,
        snapshot: PresenceSnapshot,
        notices: &mut Vec<Notice>,
    ) -> Vec<Uid> {
        if self.parts_place != Some(snapshot.place) {
            self.parts.clear();
        }
        self.parts_place = Some(snapshot.place);
        self.parts.extend(snapshot.users);
        if snapshot.more {
            return Vec::new();
        }
        self.asked = false;
        let users = std::mem::take(&mut self.parts);
        let place = snapshot.place;
        let older = |held: PresencePlace| {
            held.incarnation == place.incarnation && held.number > place.number
        };
        if self.place.is_some_and(older) {
            return Vec::new();
        }
        self.place = Some(place);
        let mut gone = std::mem::take(&mut self.users);
        let mut faces = Vec::with_capacity(users.len());
        for PresentUser { face, rooms } in users {
            let uid = face.uid.clone();
            if self.users.contains_key(&uid) {
                continue;
            }
            let had = gone.remove(&uid);
            self.user(roster, &face, had.clone(), notices);
            let now: BTreeSet<RoomName> = rooms.into_iter().collect();
            let had = had.unwrap_or_default();
            for room in now.difference(&had) {
                self.enter(roster, &uid, room, notices);
            }
            for room in had.difference(&now) {
                self.leave(roster, &uid, room, LeaveReason::Leave, notices);
            }
            faces.push(uid);
        }
        for (uid, rooms) in gone {
            depart(roster, &self.name, &uid, &rooms, LeaveReason::Lost, notices);
        }
        faces
    }

    /// Takes the next batch of changes in. Returns the users whose faces came with it, or `None` when
    /// a snapshot is to be asked for.
    pub(super) fn changes(
        &mut self,
        roster: &mut Roster,
        batch: PresenceChanges,
        notices: &mut Vec<Notice>,
    ) -> Option<Vec<Uid>> {
        let said = batch.place;
        match self.place {
            Some(held) if held.incarnation == said.incarnation => {
                if said.number <= held.number {
                    return Some(Vec::new());
                }
                if said.number > held.number + 1 {
                    return self.missed();
                }
            }
            Some(_) | None => return self.missed(),
        }
        self.place = Some(said);
        let mut faces = Vec::new();
        for change in batch.changes {
            match change {
                PresenceChange::Here { face } => {
                    let had = self.users.remove(&face.uid);
                    self.user(roster, &face, had, notices);
                    faces.push(face.uid);
                }
                PresenceChange::Entered { uid, room } => self.enter(roster, &uid, &room, notices),
                PresenceChange::Left { uid, room, reason } => {
                    self.leave(roster, &uid, &room, reason, notices);
                }
                PresenceChange::Gone { uid, reason } => {
                    if let Some(rooms) = self.users.remove(&uid) {
                        depart(roster, &self.name, &uid, &rooms, reason, notices);
                    }
                }
            }
        }
        Some(faces)
    }

    /// Takes all its users off the lists.
    pub(super) fn clear(&mut self, roster: &mut Roster, notices: &mut Vec<Notice>) {
        for (uid, rooms) in std::mem::take(&mut self.users) {
            depart(roster, &self.name, &uid, &rooms, LeaveReason::Lost, notices);
        }
    }

    fn missed(&mut self) -> Option<Vec<Uid>> {
        // One request is enough; if it is lost, the next word of the node's place asks again.
        if std::mem::replace(&mut self.asked, true) {
            Some(Vec::new())
        } else {
            None
        }
    }

    /// A user of this node, in the rooms `had` so far.
    fn user(
        &mut self,
        roster: &mut Roster,
        face: &Face,
        had: Option<BTreeSet<RoomName>>,
        notices: &mut Vec<Notice>,
    ) {
        roster.show(&self.name, face, notices);
        self.users.insert(face.uid.clone(), had.unwrap_or_default());
    }

    fn enter(
        &mut self,
        roster: &mut Roster,
        uid: &Uid,
        room: &RoomName,
        notices: &mut Vec<Notice>,
    ) {
        if let Some(rooms) = self.users.get_mut(uid)
            && rooms.insert(room.clone())
        {
            roster.enter(uid, room, notices);
        }
    }

    fn leave(
        &mut self,
        roster: &mut Roster,
        uid: &Uid,
        room: &RoomName,
        reason: LeaveReason,
        notices: &mut Vec<Notice>,
    ) {
        if let Some(rooms) = self.users.get_mut(uid)
            && rooms.remove(room)
        {
            roster.leave(uid, room, reason, notices);
        }
    }
}

/// Takes a user of one node out of the rooms that this node saw it in, and off its list.
fn depart<'a>(
    roster: &mut Roster,
    node: &Arc<str>,
    uid: &Uid,
    rooms: impl IntoIterator<Item = &'a RoomName>,
    reason: LeaveReason,
    notices: &mut Vec<Notice>,
) {
    for room in rooms {
        roster.leave(uid, room, reason, notices);
    }
    roster.depart(node, uid, notices);
}
