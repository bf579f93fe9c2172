//! The rooms a client is in, and how far each has been caught up.

use std::collections::BTreeMap;

use crate::client::held::Held;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::server::ServerFrame;
use crate::protocol::{ClientFrame, HistoryRange, Origin, RoomRef, Seq, Ts, VersionVector};

/// Milliseconds before a room that could not be joined for now is tried again, if the node did not say.
pub const RETRY_JOIN_MS: u64 = 1000;

#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// By the name that the server uses.
    rooms: BTreeMap<String, RoomState>,
    /// A direct conversation has no `room` answer to begin from. The first vector that any room
    /// brought does as well: what is later than it came live, or is missing.
    base: Option<VersionVector>,
}

#[derive(Debug)]
struct RoomState {
    room: RoomRef,
    /// Messages to ask for with the first `join`.
    limit: Option<usize>,
    /// None until the first answer.
    held: Option<Held>,
    /// The user has asked for it and has no answer yet.
    wanted: bool,
    /// The session of this connection is in it. Nobody joins a direct conversation.
    joined: bool,
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
        let known = self.rooms.remove(&room.to_string());
        let is_room = matches!(room, RoomRef::Room(_));
        let state = RoomState {
            limit,
            held: known.filter(|_| !is_room).and_then(|state| state.held),
            wanted: true,
            joined: !is_room,
            step: Step::Due(0),
            room: room.clone(),
        };
        self.rooms.insert(room.to_string(), state);
    }

    pub(super) fn forget(&mut self, room: &RoomRef) {
        self.rooms.remove(&room.to_string());
    }

    /// The connection is gone: everything has to be asked for again.
    pub(super) fn lost(&mut self) {
        for state in self.rooms.values_mut() {
            state.step = Step::Due(0);
            state.joined = !matches!(state.room, RoomRef::Room(_));
        }
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

    /// The node cannot answer for this room now.
    pub(super) fn put_off(&mut self, room: &RoomRef, until_ms: u64) {
        if let Some(state) = self.rooms.get_mut(&room.to_string()) {
            state.step = Step::Due(until_ms);
        }
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
        let Some(state) = self.rooms.get_mut(&room.to_string()) else {
            return false;
        };
        let base = self.base.clone().unwrap_or_default();
        let held = state.held.get_or_insert_with(|| Held {
            since: base,
            ..Held::default()
        });
        let before = held.since.clone();
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
        !held.more
    }

    /// Takes a live event. One in a direct conversation makes it known.
    pub(super) fn take_live(&mut self, room: &str, origin: &Origin, seq: Seq, ts: Ts) {
        if !self.rooms.contains_key(room) && room.starts_with('@') {
            self.meet(room, Step::Live);
        }
        if let Some(held) = self.held(room) {
            held.take_live(origin, seq, ts);
        }
    }

    pub(super) fn take_gap(&mut self, room: &str, since: &VersionVector) {
        if let Some(state) = self.rooms.get_mut(room) {
            state.held.get_or_insert_default().take_gap(since);
            state.step = Step::Due(0);
        }
    }

    /// A direct conversation that the node lists: what was missed of it is asked for.
    pub(super) fn listed(&mut self, room: &str) {
        if room.starts_with('@') && self.base.is_some() && !self.rooms.contains_key(room) {
            self.meet(room, Step::Due(0));
        }
    }

    fn meet(&mut self, room: &str, step: Step) {
        let (Some(base), Ok(parsed)) = (self.base.clone(), RoomRef::parse(room)) else {
            return;
        };
        let held = Held {
            since: base,
            ..Held::default()
        };
        let state = RoomState {
            room: parsed,
            limit: None,
            wanted: false,
            held: Some(held),
            joined: true,
            step,
        };
        self.rooms.insert(room.to_owned(), state);
    }

    /// A user's direct conversation goes by the new name.
    pub(super) fn renamed(&mut self, from: &str, to: &str) {
        let Ok(room) = RoomRef::parse(&format!("@{to}")) else {
            return;
        };
        if let Some(state) = self.rooms.remove(&format!("@{from}")) {
            let name = room.to_string();
            self.rooms.insert(name, RoomState { room, ..state });
        }
    }

    /// Something of this time was seen in the room.
    pub(super) fn note(&mut self, room: &str, ts: Ts) {
        if let Some(held) = self.held(room) {
            held.note(ts);
        }
    }

    /// The greatest time seen in the room.
    pub(super) fn newest(&self, room: &RoomRef) -> Option<Ts> {
        let held = self.rooms.get(&room.to_string())?.held.as_ref()?;
        (held.newest > Ts(0)).then_some(held.newest)
    }

    fn held(&mut self, room: &str) -> Option<&mut Held> {
        self.rooms.get_mut(room)?.held.as_mut()
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
