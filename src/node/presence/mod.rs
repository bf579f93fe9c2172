//! Who is here: this node's sessions, and the users that other nodes have told of.
//!
//! It owns the lists of users that rooms show, and decides what the people in a room are told of each
//! other. A user counts once by uid, however many sessions on however many nodes there are. Nothing
//! of it is stored: after a restart it is told again. It must never read a clock or send anything;
//! it returns notices for the local sessions, and [`Presence::take_changes`] gives what the peers are
//! to be sent.
//!
//! Every `now` is of one clock that is not set back, save that of [`Presence::away`], which nodes
//! compare.
//!
//! A node that shuts down closes its links without closing its sessions here first: its users have
//! [`NODE_SILENT_US_MAX`] to come back through another node without anybody seeing them leave.

mod local;
mod notice;
mod remote;
mod roster;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

pub use notice::Notice;
pub use remote::Heard;
pub use roster::{BATCH_INTERVAL_US, BATCH_USERS_MAX, ONE_BY_ONE_MAX};

use crate::protocol::names::{NameKey, RoomName, UserName};
use crate::protocol::presence::{
    Face, LeaveReason, PresenceChange, PresenceChanges, PresencePlace, PresenceSnapshot, UserRecord,
};
use crate::protocol::server::UserInfo;
use crate::protocol::{Ts, Uid};
use local::Local;
use remote::RemoteNode;
use roster::Roster;

/// Microseconds without a word from a node, after which its users are no longer here. With a tick
/// every second it keeps the protocol's promise of 15 s.
pub const NODE_SILENT_US_MAX: i64 = 10_000_000;

/// Changes that one batch for the peers holds: a frame of some 100 KiB.
pub const CHANGES_MAX: usize = 1000;

/// Users and rooms that one part of a snapshot names: 200 bytes each at most, so 2 MiB, half of a
/// frame between nodes.
pub const SNAPSHOT_ENTRIES_MAX: usize = 10_000;

/// Changes that wait to be taken for the peers. Past it they are thrown away and a number is left
/// out, so that the peers ask for a snapshot.
pub const CHANGES_WAITING_MAX: usize = 100_000;

/// One session on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Who is here, as this node knows it.
#[derive(Debug)]
pub struct Presence {
    node: Arc<str>,
    local: Local,
    remote: HashMap<String, RemoteNode>,
    roster: Roster,
    /// The number of the last batch that was taken.
    place: PresencePlace,
    /// For the peers.
    changes: Vec<PresenceChange>,
    silent_us_max: i64,
}

impl Presence {
    /// Nobody is here yet. `node` is what the peers call this node in [`Presence::snapshot`], its
    /// origin; `incarnation` is another one after each start.
    pub fn new(node: impl Into<Arc<str>>, incarnation: u64) -> Presence {
        Presence {
            node: node.into(),
            local: Local::default(),
            remote: HashMap::new(),
            roster: Roster::default(),
            place: PresencePlace {
                incarnation,
                number: 0,
            },
            changes: Vec::new(),
            silent_us_max: NODE_SILENT_US_MAX,
        }
    }

    /// Nodes are taken for lost after another time; for tests.
    pub fn with_silence(mut self, silent_us_max: i64) -> Presence {
        self.silent_us_max = silent_us_max;
        self
    }

    // This node's sessions.

    /// A session of `user` begins. Notices come of it only when the user is here already under
    /// another name.
    pub fn open(&mut self, session: SessionId, user: &UserRecord) -> Vec<Notice> {
        self.open_as(session, user, user.name.key())
    }

    /// The same for whoever has the key of the user's name in memory already.
    pub fn open_as(&mut self, session: SessionId, user: &UserRecord, key: NameKey) -> Vec<Notice> {
        let mut notices = Vec::new();
        let face = Face::new(user.uid.clone(), user.name.clone(), user.claimed_at);
        if self.local.open(session, face.clone()) {
            self.roster.show_as(&self.node, &face, || key, &mut notices);
            self.tell(PresenceChange::Here { face });
            self.adopt(&user.uid, &mut notices);
        } else {
            notices = self.show(&face);
        }
        notices
    }

    /// A session ends, and leaves its rooms. Unknown sessions are passed over.
    pub fn close(&mut self, session: SessionId, reason: LeaveReason) -> Vec<Notice> {
        let mut notices = Vec::new();
        for room in self.local.rooms_of_session(session) {
            notices.append(&mut self.leave_with(session, &room, reason));
        }
        if let Some(uid) = self.local.close(session) {
            self.roster.depart(&self.node, &uid, &mut notices);
            self.tell(PresenceChange::Gone { uid, reason });
        }
        notices
    }

    /// The session comes into the room. Once more is nothing.
    pub fn enter(&mut self, session: SessionId, room: &RoomName) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(uid) = self.local.enter(session, room) {
            self.roster.enter(&uid, room, &mut notices);
            let room = room.clone();
            self.tell(PresenceChange::Entered { uid, room });
        }
        notices
    }

    /// The session leaves the room, and stays open.
    pub fn leave(&mut self, session: SessionId, room: &RoomName) -> Vec<Notice> {
        self.leave_with(session, room, LeaveReason::Leave)
    }

    /// The session's user is away, or back, in all its sessions. The last word counts.
    pub fn away(&mut self, session: SessionId, on: bool, now: Ts) -> Vec<Notice> {
        let Some(mut face) = self.local.face_of(session).cloned() else {
            return Vec::new();
        };
        face.away = on;
        face.away_at = Ts(now.0.max(face.away_at.0 + 1));
        self.show(&face)
    }

    /// A user with sessions here bears another name from now on.
    pub fn rename(&mut self, uid: &Uid, to: UserName, claimed_at: Ts) -> Vec<Notice> {
        let Some(mut face) = self.local.face(uid).cloned() else {
            return Vec::new();
        };
        face.name = to;
        face.named_at = claimed_at;
        self.show(&face)
    }

    // What goes to the peers.

    /// All users of this node, for a peer whose link has come up or that has missed something: one
    /// part or more, to be sent in this order with nothing of presence between them.
    pub fn our_snapshot(&self) -> Vec<PresenceSnapshot> {
        let mut part = PresenceSnapshot {
            place: self.place,
            ..PresenceSnapshot::default()
        };
        let (mut parts, mut entries) = (Vec::new(), 0);
        for user in self.local.present() {
            let needed = 1 + user.rooms.len();
            if entries + needed > SNAPSHOT_ENTRIES_MAX && !part.users.is_empty() {
                let users = std::mem::take(&mut part.users);
                let more = true;
                parts.push(PresenceSnapshot {
                    users,
                    more,
                    ..part
                });
                entries = 0;
            }
            entries += needed;
            part.users.push(user);
        }
        parts.push(part);
        parts
    }

    /// How far this node's account has come; peers that are told it notice what they have missed.
    pub fn our_place(&self) -> PresencePlace {
        self.place
    }

    /// The next batch of changes for every peer; to be taken until there is none, also when there is
    /// no peer to send it to.
    pub fn take_changes(&mut self) -> Option<PresenceChanges> {
        if self.changes.is_empty() {
            return None;
        }
        let taken = self.changes.len().min(CHANGES_MAX);
        let rest = self.changes.split_off(taken);
        let changes = std::mem::replace(&mut self.changes, rest);
        self.place.number += 1;
        Some(PresenceChanges {
            place: self.place,
            changes,
        })
    }

    // What comes from the peers.

    /// A peer's account of all its users replaces what was held of them, once its last part is here.
    pub fn snapshot(&mut self, node: &str, snapshot: PresenceSnapshot, now: Ts) -> Vec<Notice> {
        let mut notices = Vec::new();
        let known = remote_node(&mut self.remote, node, now);
        let faces = known.snapshot(&mut self.roster, snapshot, &mut notices);
        self.adopt_all(&faces, &mut notices);
        notices
    }

    /// A peer's next changes.
    pub fn change(&mut self, node: &str, batch: PresenceChanges, now: Ts) -> Heard {
        let mut notices = Vec::new();
        let known = remote_node(&mut self.remote, node, now);
        let faces = known.changes(&mut self.roster, batch, &mut notices);
        self.adopt_all(faces.as_deref().unwrap_or_default(), &mut notices);
        Heard {
            notices,
            ask_snapshot: faces.is_none(),
        }
    }

    /// The peer is there; `place` is how far it says its account has come, if it said so. Returns
    /// whether a snapshot is to be asked for.
    pub fn heard(&mut self, node: &str, place: Option<PresencePlace>, now: Ts) -> bool {
        let known = remote_node(&mut self.remote, node, now);
        place.is_some_and(|place| known.is_behind(place))
    }

    /// The link to the peer is gone. Its users stay for ten seconds from `at`, and go at a `tick`
    /// unless the node is heard again before.
    pub fn lost(&mut self, node: &str, at: Ts) {
        if let Some(known) = self.remote.get_mut(node) {
            known.lost(at);
        }
    }

    /// Takes silent nodes' users off the lists, and gives the batches that are due. To be called
    /// once a second or more often.
    pub fn tick(&mut self, now: Ts) -> Vec<Notice> {
        let mut notices = Vec::new();
        let silent_us_max = self.silent_us_max;
        let silent = |known: &RemoteNode| now.0 - known.heard_at().0 >= silent_us_max;
        for known in self.remote.values_mut().filter(|known| silent(known)) {
            known.clear(&mut self.roster, &mut notices);
        }
        self.remote.retain(|_, known| !silent(known));
        self.roster.batches(now, &mut notices);
        notices
    }

    // What may be asked.

    /// Users online in the room, in the whole cluster.
    pub fn total(&self, room: &RoomName) -> u32 {
        self.roster.total(room)
    }

    /// The room's users by name, `limit` at most.
    pub fn users(&self, room: &RoomName, limit: usize) -> Vec<UserInfo> {
        self.roster.users(room, limit)
    }

    /// The rooms with somebody in them, and how many, in no order.
    pub fn rooms(&self) -> impl Iterator<Item = (&RoomName, u32)> {
        self.roster.rooms()
    }

    /// How a user who is here is shown.
    pub fn face(&self, uid: &Uid) -> Option<&Face> {
        self.roster.face(uid)
    }

    /// Everybody who is here, in no order.
    pub fn faces(&self) -> impl Iterator<Item = &Face> {
        self.roster.faces()
    }

    /// The rooms that a user is in, through whatever node.
    pub fn rooms_of(&self, uid: &Uid) -> impl Iterator<Item = &RoomName> {
        self.roster.rooms_of(uid)
    }

    /// Whether a session of the user is open, on any node.
    pub fn is_here(&self, uid: &Uid) -> bool {
        self.roster.face(uid).is_some()
    }

    /// Whether a session of the user is open on this node.
    pub fn is_local(&self, uid: &Uid) -> bool {
        self.local.face(uid).is_some()
    }

    /// The session's user, if the session is open.
    pub fn user_of(&self, session: SessionId) -> Option<&Uid> {
        self.local.face_of(session).map(|face| &face.uid)
    }

    /// Who of those here bears a name that reads like `key`.
    pub fn bearers(&self, key: &NameKey) -> impl Iterator<Item = &Face> {
        self.roster.bearers(key)
    }

    /// The names that more than one of those here bear; almost always none.
    pub fn contested(&self) -> impl Iterator<Item = &NameKey> {
        self.roster.contested()
    }

    /// Whether this node gives the user another name when one must: of the nodes with sessions of
    /// the user it is the first by name, so that two do not give different ones.
    pub fn decides_for(&self, uid: &Uid) -> bool {
        let before_us =
            |(node, known): (&String, &RemoteNode)| node.as_str() < &*self.node && known.has(uid);
        self.is_local(uid) && !self.remote.iter().any(before_us)
    }

    fn leave_with(
        &mut self,
        session: SessionId,
        room: &RoomName,
        reason: LeaveReason,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(uid) = self.local.leave(session, room) {
            self.roster.leave(&uid, room, reason, &mut notices);
            let room = room.clone();
            self.tell(PresenceChange::Left { uid, room, reason });
        }
        notices
    }

    /// Shows a user of this node differently, where `face` is later than what is known.
    fn show(&mut self, face: &Face) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(ours) = self.local.face_mut(&face.uid)
            && ours.merge(face)
        {
            let face = ours.clone();
            self.roster.show(&self.node, &face, &mut notices);
            self.tell(PresenceChange::Here { face });
        }
        notices
    }

    /// Takes over what others know of a user with sessions here, and passes it on: so it outlasts the
    /// node that it came from.
    fn adopt(&mut self, uid: &Uid, notices: &mut Vec<Notice>) {
        if let Some(latest) = self.roster.face(uid).cloned() {
            notices.append(&mut self.show(&latest));
        }
    }

    fn adopt_all(&mut self, uids: &[Uid], notices: &mut Vec<Notice>) {
        for uid in uids {
            self.adopt(uid, notices);
        }
    }

    fn tell(&mut self, change: PresenceChange) {
        if self.changes.len() >= CHANGES_WAITING_MAX {
            self.changes.clear();
            self.place.number += 1;
        }
        self.changes.push(change);
    }
}

fn remote_node<'a>(
    remote: &'a mut HashMap<String, RemoteNode>,
    node: &str,
    now: Ts,
) -> &'a mut RemoteNode {
    let known = remote
        .entry(node.to_owned())
        .or_insert_with(|| RemoteNode::new(node, now));
    known.set_heard_at(now);
    known
}
