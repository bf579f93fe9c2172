//! The rooms a client is in, and how far each has been caught up.

use std::collections::BTreeMap;

use super::outbox::REFUSALS_MAX;
use crate::client::held::Held;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::server::ServerFrame;
use crate::protocol::{ClientFrame, HistoryRange, Origin, RoomRef, Seq, Ts, Uid, VersionVector};

/// Milliseconds before a room that could not be joined for now is tried again, if the node did not say.
pub const RETRY_JOIN_MS: u64 = 1000;

/// How often a node is asked for a conversation of which it does not know whom it is with.
const ASKED_MAX: u32 = 10;

#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// By the name that the server uses. A conversation has the name that its other side bears, or
    /// `@=uid` once that is somebody else's.
    rooms: BTreeMap<String, RoomState>,
    /// A direct conversation has no `room` answer to begin from. The first vector that any room
    /// brought does as well: what is later than it came live, or is missing.
    base: Option<VersionVector>,
    /// What was missed of conversations is not known before the node has listed them.
    awaits_list: bool,
}

#[derive(Debug)]
struct RoomState {
    room: RoomRef,
    /// With whom a conversation is, once somebody else has said something in it.
    with: Option<Uid>,
    /// Messages to ask for with the first `join`.
    limit: Option<usize>,
    /// None until the first answer.
    held: Option<Held>,
    /// The user has asked for it, and it did not come by itself.
    by_user: bool,
    /// Its first answer is to be the newest messages, or a whole room.
    wanted: bool,
    /// The session of this connection is in it. Nobody joins a direct conversation.
    joined: bool,
    /// How often in a row this node could not answer for it.
    refusals: u32,
    step: Step,
}

/// Where a room stands on this connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// To be asked for from this moment on, milliseconds.
    Due(u64),
    /// Asked for; the answer is awaited.
    Asked,
    /// Caught up; what happens comes live.
    Live,
}

/// Whether it has just become known whom a conversation is with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Now,
    Before,
}

/// What an answer was to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RoomAsked {
    Join {
        resumed: bool,
    },
    Page,
    /// The newest messages of a direct conversation.
    Newest,
}

impl Rooms {
    /// The user wants to be in this room; asked again, it is joined anew. Of a direct conversation
    /// the newest messages are asked for.
    pub(super) fn want(&mut self, room: RoomRef, limit: Option<usize>) {
        let key = self.key(&room).unwrap_or_else(|| room.to_string());
        let known = self.rooms.remove(&key);
        let with = known.as_ref().and_then(|state| state.with.clone());
        let with = with.or_else(|| uid_of(&room));
        let is_room = matches!(room, RoomRef::Room(_));
        let state = RoomState {
            limit,
            held: known.filter(|_| !is_room).and_then(|state| state.held),
            by_user: true,
            wanted: true,
            joined: !is_room,
            refusals: 0,
            step: Step::Due(0),
            room: with.clone().map_or(room, RoomRef::DirectUid),
            with,
        };
        self.rooms.insert(key, state);
    }

    pub(super) fn forget(&mut self, room: &RoomRef) {
        if let Some(key) = self.key(room) {
            self.rooms.remove(&key);
        }
    }

    /// Under which name the room stands here, however it is named.
    fn key(&self, room: &RoomRef) -> Option<String> {
        let key = room.to_string();
        if self.rooms.contains_key(&key) {
            return Some(key);
        }
        let is_it = |key: &str, state: &RoomState| match room {
            RoomRef::Room(_) => false,
            RoomRef::DirectUid(uid) => state.with.as_ref() == Some(uid),
            RoomRef::Direct(name) => match RoomRef::parse(key) {
                Ok(RoomRef::Direct(known)) => known.key() == name.key(),
                Ok(RoomRef::Room(_) | RoomRef::DirectUid(_)) | Err(_) => false,
            },
        };
        let mut rooms = self.rooms.iter();
        let found = rooms.find(|(key, state)| is_it(key, state));
        found.map(|(key, _)| key.clone())
    }

    fn get_mut(&mut self, room: &RoomRef) -> Option<&mut RoomState> {
        let key = self.key(room)?;
        self.rooms.get_mut(&key)
    }

    /// The connection is gone: everything has to be asked for again.
    pub(super) fn lost(&mut self) {
        for state in self.rooms.values_mut() {
            state.step = Step::Due(0);
            state.joined = !matches!(state.room, RoomRef::Room(_));
            state.refusals = 0;
        }
    }

    /// The node is asked for the conversations, since some may have begun while there was no connection.
    pub(super) fn await_list(&mut self) {
        self.awaits_list = true;
    }

    /// Whether something can be said there now: what is said in a room that is yet to be entered would be
    /// refused.
    pub(super) fn takes(&self, room: &RoomRef) -> bool {
        let state = self.key(room).and_then(|key| self.rooms.get(&key));
        state.is_none_or(|state| state.joined)
    }

    /// A frame for the first room that is due, to be answered by `room` or `history`.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<(RoomRef, RoomAsked, ClientFrame)> {
        let due = |state: &&mut RoomState| matches!(state.step, Step::Due(at) if at <= now_ms);
        let state = self.rooms.values_mut().find(due)?;
        state.step = Step::Asked;
        let room = state.room.clone();
        match &state.held {
            _ if state.joined && state.wanted => {
                let frame = newest(&room, state.limit);
                Some((room, RoomAsked::Newest, frame))
            }
            // A page goes on where the last one ended.
            Some(held) if state.joined => {
                let frame = page(&room, &held.since);
                Some((room, RoomAsked::Page, frame))
            }
            held => {
                let since = held.as_ref().map(|held| held.since.clone());
                let resumed = since.is_some();
                let limit = if resumed {
                    Some(HISTORY_MAX)
                } else {
                    state.limit
                };
                let frame = ClientFrame::Join {
                    room: room.clone(),
                    since,
                    limit,
                };
                Some((room, RoomAsked::Join { resumed }, frame))
            }
        }
    }

    /// When the next room that was put off is due, milliseconds.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        let due = |state: &RoomState| match state.step {
            Step::Due(at) => Some(at),
            Step::Asked | Step::Live => None,
        };
        self.rooms.values().filter_map(due).min()
    }

    /// The node cannot answer for this room now. False once it has said so too often; what `counts` not is who
    /// has asked too much.
    pub(super) fn put_off(&mut self, room: &RoomRef, until_ms: u64, counts: bool) -> bool {
        let Some(state) = self.get_mut(room) else {
            return true;
        };
        state.step = Step::Due(until_ms);
        state.refusals += u32::from(counts);
        !counts || state.refusals < REFUSALS_MAX
    }

    /// A node may not know yet whom a conversation is with that has come by itself. Whether it is one; it is
    /// asked for again from `until_ms` on, and after some refusals with the next connection.
    pub(super) fn is_by_itself(&mut self, room: &RoomRef, until_ms: u64) -> bool {
        let Some(state) = self.get_mut(room).filter(|state| !state.by_user) else {
            return false;
        };
        state.refusals += 1;
        state.step = if state.refusals < ASKED_MAX {
            Step::Due(until_ms)
        } else {
            Step::Live
        };
        true
    }

    /// Takes the answer to what [`next`](Rooms::next) asked; true once the room is caught up. A node that
    /// says there is more and gives nothing is not asked again at once.
    pub(super) fn answered(
        &mut self,
        room: &RoomRef,
        asked: &RoomAsked,
        answer: &ServerFrame,
        now_ms: u64,
    ) -> bool {
        let base = self.base.clone().unwrap_or_default();
        let Some(key) = self.key(room) else {
            return false;
        };
        let Some(state) = self.rooms.get_mut(&key) else {
            return false;
        };
        let held = state.held.get_or_insert_with(|| Held {
            since: base,
            ..Held::default()
        });
        let before = held.since.clone();
        state.refusals = 0;
        match (asked, answer) {
            (RoomAsked::Join { resumed }, ServerFrame::Room(answer)) => {
                held.take_room(answer, *resumed);
                state.joined = true;
                state.wanted = false;
                self.base.get_or_insert_with(|| answer.since.clone());
            }
            (RoomAsked::Page, ServerFrame::History(answer)) => held.take_page(answer),
            (RoomAsked::Newest, ServerFrame::History(answer)) => {
                state.wanted = false;
                held.take_page(answer);
            }
            _ => {}
        }
        state.step = match held.more {
            true if held.since == before => Step::Due(now_ms + RETRY_JOIN_MS),
            true => Step::Due(0),
            false => Step::Live,
        };
        let caught_up = !held.more;
        if let (ServerFrame::History(page), Some(uid)) = (answer, state.with.clone()) {
            self.met(&page.room, &uid);
            // Who bears the name now may have said something while there was no connection.
            if page.room.starts_with("@=") && !self.rooms.contains_key(&key) {
                self.begin(&key, true);
            }
        }
        caught_up
    }

    /// The node has listed these rooms: conversations among them are known from now on, and what was missed of
    /// those that were not is asked for.
    pub(super) fn listed<'a>(&mut self, rooms: impl Iterator<Item = &'a str>) {
        rooms.for_each(|room| self.begin(room, true));
        self.awaits_list = false;
    }

    /// Takes a live event. One in a direct conversation makes it known.
    pub(super) fn take_live(&mut self, room: &str, origin: &Origin, seq: Seq, ts: Ts) {
        self.open(room);
        let Ok(named) = RoomRef::parse(room) else {
            return;
        };
        let Some(state) = self.get_mut(&named) else {
            return;
        };
        let Some(held) = &mut state.held else {
            return;
        };
        held.take_live(origin, seq, ts);
        // It was given up when the node did not know its user yet.
        if state.step == Step::Live && held.more {
            state.step = Step::Due(0);
        }
    }

    pub(super) fn take_gap(&mut self, room: &str, since: &VersionVector) {
        let Ok(named) = RoomRef::parse(room) else {
            return;
        };
        self.begin(room, true);
        if let Some(state) = self.get_mut(&named) {
            state.held.get_or_insert_default().take_gap(since);
            state.step = Step::Due(0);
        }
    }

    /// A direct conversation in which something was said just now. Before the node has listed them all, more
    /// may have been said there while there was no connection.
    pub(super) fn open(&mut self, room: &str) {
        self.begin(room, self.awaits_list);
    }

    /// Of a conversation what was `missed` is asked for; without a vector to begin from, its newest messages
    /// are.
    fn begin(&mut self, room: &str, missed: bool) {
        let Ok(parsed) = RoomRef::parse(room) else {
            return;
        };
        if !room.starts_with('@') || self.key(&parsed).is_some() {
            return;
        }
        let held = self.base.clone().map(|since| Held {
            since,
            more: missed,
            ..Held::default()
        });
        let step = match held {
            Some(_) if !missed => Step::Live,
            Some(_) | None => Step::Due(0),
        };
        let state = RoomState {
            with: uid_of(&parsed),
            room: parsed,
            limit: None,
            by_user: false,
            wanted: held.is_none(),
            held,
            joined: true,
            refusals: 0,
            step,
        };
        self.rooms.insert(room.to_owned(), state);
    }

    /// The conversation with that user goes by `label` at the node. One with somebody else that bore the name
    /// is kept aside.
    pub(super) fn met(&mut self, label: &str, uid: &Uid) -> Met {
        let theirs = RoomRef::DirectUid(uid.clone());
        if let Some(key) = self.key(&theirs) {
            if key != label
                && let Some(state) = self.rooms.remove(&key)
            {
                self.put_aside(label);
                self.rooms.insert(label.to_owned(), state);
            }
            return Met::Before;
        }
        let Ok(named) = RoomRef::parse(label) else {
            return Met::Before;
        };
        let Some(key) = self.key(&named) else {
            return Met::Now;
        };
        let unmet = self
            .rooms
            .get(&key)
            .is_some_and(|state| state.with.is_none());
        if !unmet {
            self.put_aside(&key);
            self.begin(label, true);
        }
        let key = if unmet { key.as_str() } else { label };
        if let Some(state) = self.rooms.remove(key) {
            let met = RoomState {
                room: theirs,
                with: Some(uid.clone()),
                ..state
            };
            self.rooms.insert(label.to_owned(), met);
        }
        if unmet { Met::Now } else { Met::Before }
    }

    /// The conversation of this name has lost it to another one.
    fn put_aside(&mut self, label: &str) {
        if let Some(state) = self.rooms.remove(label)
            && let Some(uid) = &state.with
        {
            self.rooms.insert(format!("@={uid}"), state);
        }
    }

    /// The conversation with that user goes by the new name.
    pub(super) fn renamed(&mut self, uid: &Uid, to: &str) {
        if self.key(&RoomRef::DirectUid(uid.clone())).is_some() {
            self.met(&format!("@{to}"), uid);
        }
    }

    /// Something of this time was seen in the room.
    pub(super) fn note(&mut self, room: &str, ts: Ts) {
        if let Some(held) = self.held(room) {
            held.note(ts);
        }
    }

    /// The same, of a room as a client names it.
    pub(super) fn note_in(&mut self, room: &RoomRef, ts: Ts) {
        if let Some(held) = self.get_mut(room).and_then(|state| state.held.as_mut()) {
            held.note(ts);
        }
    }

    /// The greatest time seen in the room.
    pub(super) fn newest(&self, room: &RoomRef) -> Option<Ts> {
        let held = self.rooms.get(&self.key(room)?)?.held.as_ref()?;
        (held.newest > Ts(0)).then_some(held.newest)
    }

    fn held(&mut self, room: &str) -> Option<&mut Held> {
        if !self.rooms.contains_key(room) {
            let named = RoomRef::parse(room).ok()?;
            return self.get_mut(&named)?.held.as_mut();
        }
        self.rooms.get_mut(room)?.held.as_mut()
    }
}

fn uid_of(room: &RoomRef) -> Option<Uid> {
    match room {
        RoomRef::DirectUid(uid) => Some(uid.clone()),
        RoomRef::Room(_) | RoomRef::Direct(_) => None,
    }
}

fn newest(room: &RoomRef, limit: Option<usize>) -> ClientFrame {
    ClientFrame::History {
        room: room.clone(),
        range: HistoryRange::Newest,
        limit,
    }
}

fn page(room: &RoomRef, since: &VersionVector) -> ClientFrame {
    ClientFrame::History {
        room: room.clone(),
        range: HistoryRange::Since(since.clone()),
        limit: Some(HISTORY_MAX),
    }
}
