//! Everybody who is here, on whatever node, counted once by uid: their faces, the rooms they are in,
//! and what the others in those rooms are told.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::notice::Notice;
use crate::node::few::Few;
use crate::protocol::limits::ROOM_USERS_LISTED;
use crate::protocol::names::{NameKey, RoomName, UserName};
use crate::protocol::presence::{Face, LeaveReason};
use crate::protocol::server::UserInfo;
use crate::protocol::{Ts, Uid};

/// Users up to whom a room is told of each coming and going by itself; past it, in batches.
pub const ONE_BY_ONE_MAX: usize = ROOM_USERS_LISTED;

/// Microseconds between two batches to a room.
pub const BATCH_INTERVAL_US: i64 = 1_000_000;

/// Changes in one batch; the rest waits for the next. With names of full length a line of it stays
/// far below the limit of a line, and a room that ten thousand enter at once is told in ten.
pub const BATCH_USERS_MAX: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Roster {
    /// In boxes: of a table of half a thousand places half are empty.
    people: HashMap<Uid, Box<Person>>,
    rooms: HashMap<RoomName, RoomUsers>,
    /// Who of those here bears a name; more than one only until a conflict is settled.
    bearers: HashMap<NameKey, Few<Uid, ()>>,
    /// The names that more than one bear.
    contested: BTreeSet<NameKey>,
    /// Rooms with changes that wait for their batch.
    batching: BTreeSet<RoomName>,
}

#[derive(Debug)]
struct Person {
    face: Face,
    key: NameKey,
    words: Words,
    /// For each room, the nodes that see the user in it.
    rooms: Few<RoomName, u32>,
}

/// What each node with sessions of a user says of it; together they make the face. When one is gone, so
/// is what only it knew: then all nodes come to show the same.
#[derive(Debug)]
enum Words {
    /// Only this node has any: what it says is the face.
    Of(Arc<str>),
    Many(Vec<(Arc<str>, Face)>),
}

/// A user in a room's list, all that is shown there: a list is made without looking for anybody. The order
/// is that of names without case, then of uids; away is not in it.
#[derive(Debug)]
struct Listed {
    name: UserName,
    uid: Uid,
    away: bool,
}

#[derive(Debug, Default)]
struct RoomUsers {
    by_name: BTreeSet<Listed>,
    /// By uid, what the room has not been told yet.
    pending: BTreeMap<Uid, Pending>,
    /// When the last batch went out.
    batch_at: Option<Ts>,
}

/// A change that waits for its batch: what it comes to since the room was last told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Joined,
    /// Was known to be here and is, but is shown differently.
    Changed,
    Left,
}

impl Roster {
    /// `node` has sessions of a user, or shows it differently.
    pub(super) fn show(&mut self, node: &Arc<str>, face: &Face, notices: &mut Vec<Notice>) {
        self.show_as(node, face, || face.name.key(), notices);
    }

    /// The same with the key of the name.
    pub(super) fn show_as(
        &mut self,
        node: &Arc<str>,
        face: &Face,
        key: impl FnOnce() -> NameKey,
        notices: &mut Vec<Notice>,
    ) {
        if let Some(person) = self.people.get_mut(&face.uid) {
            let face = person.hear(node, face);
            self.reface(face, notices);
            return;
        }
        let key = key();
        self.bear(key.clone(), &face.uid);
        let person = Person {
            face: face.clone(),
            key,
            words: Words::Of(Arc::clone(node)),
            rooms: Few::default(),
        };
        self.people.insert(face.uid.clone(), Box::new(person));
    }

    /// `node` has no sessions of this user any more; its rooms have been left before.
    pub(super) fn depart(&mut self, node: &Arc<str>, uid: &Uid, notices: &mut Vec<Notice>) {
        let Some(person) = self.people.get_mut(uid) else {
            return;
        };
        if let Some(face) = person.forget(node) {
            self.reface(face, notices);
            return;
        }
        let key = person.key.clone();
        self.people.remove(uid);
        self.unbear(&key, uid);
    }

    /// Shows a user as what is said of it comes to.
    fn reface(&mut self, face: Face, notices: &mut Vec<Notice>) {
        let Some(person) = self.people.get_mut(&face.uid) else {
            return;
        };
        let before = std::mem::replace(&mut person.face, face);
        if person.face.name != before.name {
            self.renamed(&before, notices);
        }
        self.away_changed(&before, notices);
    }

    /// One more node sees the user in the room.
    pub(super) fn enter(&mut self, uid: &Uid, room: &RoomName, notices: &mut Vec<Notice>) {
        let Some(person) = self.people.get_mut(uid) else {
            return;
        };
        if let Some(nodes) = person.rooms.get_mut(room) {
            *nodes += 1;
            return;
        }
        person.rooms.insert(room.clone(), 1);
        let users = self.rooms.entry(room.clone()).or_default();
        users.by_name.insert(Listed::of(&person.face));
        if users.one_by_one() {
            notices.push(Notice::Joined {
                room: room.clone(),
                user: info(&person.face),
                total: users.total(),
            });
            return;
        }
        let pending = match users.pending.get(uid) {
            Some(Pending::Left | Pending::Changed) => Pending::Changed,
            Some(Pending::Joined) | None => Pending::Joined,
        };
        users.pending.insert(uid.clone(), pending);
        self.batching.insert(room.clone());
    }

    /// One node fewer sees the user in the room.
    pub(super) fn leave(
        &mut self,
        uid: &Uid,
        room: &RoomName,
        reason: LeaveReason,
        notices: &mut Vec<Notice>,
    ) {
        let (Some(person), Some(users)) = (self.people.get_mut(uid), self.rooms.get_mut(room))
        else {
            return;
        };
        let Some(nodes) = person.rooms.get_mut(room) else {
            return;
        };
        *nodes -= 1;
        if *nodes > 0 {
            return;
        }
        person.rooms.remove(room);
        users.by_name.remove(&Listed::of(&person.face));
        if users.one_by_one() {
            notices.push(Notice::Left {
                room: room.clone(),
                uid: uid.clone(),
                name: person.face.name.clone(),
                reason,
                total: users.total(),
            });
        } else {
            match users.pending.get(uid) {
                // The room never heard of the coming.
                Some(Pending::Joined) => users.pending.remove(uid),
                Some(Pending::Changed | Pending::Left) | None => {
                    users.pending.insert(uid.clone(), Pending::Left)
                }
            };
            self.batching.insert(room.clone());
        }
        if users.by_name.is_empty() {
            self.rooms.remove(room);
            self.batching.remove(room);
        }
    }

    /// The batches that are due.
    pub(super) fn batches(&mut self, now: Ts, notices: &mut Vec<Notice>) {
        let due = |room: &RoomName| self.rooms.get(room).is_some_and(|users| users.due(now));
        let due: Vec<RoomName> = self.batching.iter().filter(|r| due(r)).cloned().collect();
        for room in due {
            let Some(users) = self.rooms.get_mut(&room) else {
                continue;
            };
            let (mut joined, mut left) = (Vec::new(), Vec::new());
            for _ in 0..BATCH_USERS_MAX {
                let Some((uid, pending)) = users.pending.pop_first() else {
                    break;
                };
                match (pending, self.people.get(&uid)) {
                    (Pending::Left, _) | (_, None) => left.push(uid),
                    (Pending::Joined | Pending::Changed, Some(person)) => {
                        joined.push(info(&person.face));
                    }
                }
            }
            let total = users.total();
            if users.pending.is_empty() {
                self.batching.remove(&room);
            }
            if !(joined.is_empty() && left.is_empty()) {
                users.batch_at = Some(now);
                notices.push(Notice::Batch {
                    room,
                    total,
                    joined,
                    left,
                });
            }
        }
    }

    pub(super) fn face(&self, uid: &Uid) -> Option<&Face> {
        self.people.get(uid).map(|person| &person.face)
    }

    pub(super) fn faces(&self) -> impl Iterator<Item = &Face> {
        self.people.values().map(|person| &person.face)
    }

    pub(super) fn rooms_of(&self, uid: &Uid) -> impl Iterator<Item = &RoomName> {
        self.people
            .get(uid)
            .into_iter()
            .flat_map(|p| p.rooms.keys())
    }

    pub(super) fn total(&self, room: &RoomName) -> u32 {
        self.rooms.get(room).map_or(0, RoomUsers::total)
    }

    /// The users of a room by name, `limit` at most.
    pub(super) fn users(&self, room: &RoomName, limit: usize) -> Vec<UserInfo> {
        let Some(users) = self.rooms.get(room) else {
            return Vec::new();
        };
        let listed = users.by_name.iter().take(limit);
        listed.map(Listed::info).collect()
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = (&RoomName, u32)> {
        self.rooms.iter().map(|(room, users)| (room, users.total()))
    }

    pub(super) fn bearers(&self, key: &NameKey) -> impl Iterator<Item = &Face> {
        let uids = self.bearers.get(key).into_iter().flat_map(Few::keys);
        uids.filter_map(|uid| self.face(uid))
    }

    pub(super) fn contested(&self) -> impl Iterator<Item = &NameKey> {
        self.contested.iter()
    }

    /// Moves a user who was shown as `before` to the place of the new name.
    fn renamed(&mut self, before: &Face, notices: &mut Vec<Notice>) {
        let uid = &before.uid;
        let Some(person) = self.people.get_mut(uid) else {
            return;
        };
        let key = person.face.name.key();
        let old_key = std::mem::replace(&mut person.key, key.clone());
        for room in person.rooms.keys() {
            if let Some(users) = self.rooms.get_mut(room) {
                users.by_name.remove(&Listed::of(before));
                users.by_name.insert(Listed::of(&person.face));
            }
        }
        notices.push(Notice::Renamed {
            rooms: person.rooms.keys().cloned().collect(),
            uid: uid.clone(),
            from: before.name.clone(),
            to: person.face.name.clone(),
        });
        if key != old_key {
            self.unbear(&old_key, uid);
            self.bear(key, uid);
        }
    }

    /// Tells the rooms of a user who was shown as `before`, if away has changed.
    fn away_changed(&mut self, before: &Face, notices: &mut Vec<Notice>) {
        let Some(person) = self.people.get(&before.uid) else {
            return;
        };
        let face = &person.face;
        if face.away == before.away {
            return;
        }
        for room in person.rooms.keys() {
            let Some(users) = self.rooms.get_mut(room) else {
                continue;
            };
            users.by_name.replace(Listed::of(face));
            if users.one_by_one() {
                notices.push(Notice::Away {
                    room: room.clone(),
                    uid: face.uid.clone(),
                    name: face.name.clone(),
                    on: face.away,
                });
            } else {
                let pending = users.pending.entry(face.uid.clone());
                pending.or_insert(Pending::Changed);
                self.batching.insert(room.clone());
            }
        }
    }

    fn bear(&mut self, key: NameKey, uid: &Uid) {
        let bearers = self.bearers.entry(key.clone()).or_default();
        bearers.insert(uid.clone(), ());
        if bearers.len() > 1 {
            self.contested.insert(key);
        }
    }

    fn unbear(&mut self, key: &NameKey, uid: &Uid) {
        let Some(bearers) = self.bearers.get_mut(key) else {
            return;
        };
        bearers.remove(uid);
        if bearers.len() < 2 {
            self.contested.remove(key);
        }
        if bearers.is_empty() {
            self.bearers.remove(key);
        }
    }
}

impl Person {
    /// A node shows the user differently, or has sessions of it too. What all say comes to.
    fn hear(&mut self, node: &Arc<str>, face: &Face) -> Face {
        let words = match &mut self.words {
            Words::Of(only) if only == node => return face.clone(),
            Words::Of(only) => {
                self.words = Words::Many(vec![(Arc::clone(only), self.face.clone())]);
                return self.hear(node, face);
            }
            Words::Many(words) => words,
        };
        match words.iter_mut().find(|(name, _)| name == node) {
            Some((_, word)) => word.clone_from(face),
            None => words.push((Arc::clone(node), face.clone())),
        }
        merged(words).unwrap_or_else(|| face.clone())
    }

    /// A node has no sessions of the user any more. What the others say comes to; none if there are none.
    fn forget(&mut self, node: &Arc<str>) -> Option<Face> {
        let words = match &mut self.words {
            Words::Of(only) if only == node => return None,
            Words::Of(_) => return Some(self.face.clone()),
            Words::Many(words) => words,
        };
        words.retain(|(name, _)| name != node);
        let face = merged(words);
        if let [(only, _)] = &words[..] {
            self.words = Words::Of(Arc::clone(only));
        }
        face
    }
}

fn merged(words: &[(Arc<str>, Face)]) -> Option<Face> {
    let mut words = words.iter().map(|(_, word)| word);
    let mut face = words.next()?.clone();
    for word in words {
        face.merge(word);
    }
    Some(face)
}

impl Listed {
    fn of(face: &Face) -> Listed {
        Listed {
            name: face.name.clone(),
            uid: face.uid.clone(),
            away: face.away,
        }
    }

    fn info(&self) -> UserInfo {
        UserInfo {
            name: self.name.as_str().to_owned(),
            uid: self.uid.clone(),
            away: self.away,
        }
    }
}

impl Ord for Listed {
    fn cmp(&self, other: &Listed) -> Ordering {
        let by_name = self.name.cmp_folded(&other.name);
        by_name.then_with(|| self.uid.cmp(&other.uid))
    }
}

impl PartialOrd for Listed {
    fn partial_cmp(&self, other: &Listed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Listed) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Listed {}

impl RoomUsers {
    fn total(&self) -> u32 {
        u32::try_from(self.by_name.len()).unwrap_or(u32::MAX)
    }

    /// Whether a change is told by itself. A room that has just shrunk is told what waits first, in
    /// its batch; so nothing is told twice or out of order at the border.
    fn one_by_one(&self) -> bool {
        self.by_name.len() <= ONE_BY_ONE_MAX && self.pending.is_empty()
    }

    fn due(&self, now: Ts) -> bool {
        // A clock that was set back must not hold batches back.
        self.batch_at
            .is_none_or(|at| now < at || now.0 - at.0 >= BATCH_INTERVAL_US)
    }
}

fn info(face: &Face) -> UserInfo {
    Listed::of(face).info()
}
