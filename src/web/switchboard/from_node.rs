//! What the node says: which sessions a line is for, and what the bridge must remember of it.

use std::collections::HashMap;
use std::time::Instant;

use serde::Deserialize;

use super::core::{Core, Room, give};
use super::outbox::{Frame, json};
use super::session::{Asks, InFlight, Session, StatsEvery, User};
use super::splice;
use crate::protocol::bridge::{Handle, Place, SessionId, ToBridge};
use crate::protocol::server::{self, CloseReason, Renamed};
use crate::protocol::{RoomName, ServerFrame, VersionVector};

/// A line that is none of the link's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

impl Core {
    /// A line from the node; one that makes no sense is passed over.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn line(&mut self, line: &str) -> Result<(), Unknown> {
        match ToBridge::read(line).ok_or(Unknown)? {
            ToBridge::Direct { ids, place, json } => self.direct(&ids, place, json),
            ToBridge::Handle { handle, room, held } => {
                self.rooms.entry(room.clone()).or_default().held = held;
                self.handles.insert(handle, room);
            }
            ToBridge::Entered { handle, id } => self.entered(handle, id),
            ToBridge::Left { handle, id } => self.left(handle, id),
            ToBridge::Room {
                handle,
                except,
                place,
                json,
            } => self.room_line(handle, &except, place, json),
            ToBridge::Held { handle, held } => {
                if let Some(room) = self
                    .handles
                    .get(&handle)
                    .and_then(|r| self.rooms.get_mut(r))
                {
                    room.held.merge(&held);
                }
            }
            ToBridge::HeldDirect { id, held } => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.direct.merge(&held);
                }
            }
            ToBridge::Closed { id } => {
                if let Some(session) = self.sessions.get(&id) {
                    session.outbox.close();
                }
                self.forget(id);
            }
            ToBridge::Pong { .. } => {}
            ToBridge::Figures { number, json } => {
                self.figures_came(Instant::now(), number, json);
            }
        }
        Ok(())
    }

    fn entered(&mut self, handle: Handle, id: SessionId) {
        let Some(name) = self.handles.get(&handle) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.enter(name);
            let room = self.rooms.entry(name.clone()).or_default();
            room.members.insert(id);
            room.settle(id);
        }
    }

    fn left(&mut self, handle: Handle, id: SessionId) {
        let Some(name) = self.handles.get(&handle) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.leave(name);
        }
        let empty = self.rooms.get_mut(name).is_none_or(|room| {
            room.forget(id);
            room.members.is_empty()
        });
        if empty {
            self.rooms.remove(name);
            self.handles.remove(&handle);
        }
    }

    fn room_line(
        &mut self,
        handle: Handle,
        except: &[SessionId],
        place: Option<Place>,
        json: &str,
    ) {
        self.counts.room_lines += 1;
        let Some(name) = self.handles.get(&handle) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        let frame = Frame::from(json);
        for id in room.members.iter().filter(|id| !except.contains(id)) {
            let Some(session) = self.sessions.get(id) else {
                continue;
            };
            self.counts.frames += 1;
            let held = room.own.get(id).unwrap_or(&room.held);
            if place.is_none() && json.starts_with(r#"{"type":"gap""#) {
                session.outbox.answer(frame.clone());
            } else if place.is_none() {
                session.outbox.passing(frame.clone());
            } else if !session.outbox.event(name.as_str(), held, frame.clone()) {
                self.counts.left_out += 1;
            }
        }
        if let Some(place) = place {
            room.advance(&place, except);
        }
    }

    fn direct(&mut self, ids: &[SessionId], place: Option<Place>, frame: &str) {
        match place {
            None => {
                let mark = splice::mark_of(frame);
                for id in ids {
                    self.answer(*id, mark, frame);
                }
            }
            Some(place) => {
                let shared = Frame::from(frame);
                for id in ids {
                    self.event_for_one(*id, &place, shared.clone());
                }
            }
        }
    }

    /// An event for one session: of a direct conversation, or of a room it is entering.
    fn event_for_one(&mut self, id: SessionId, place: &Place, frame: Frame) {
        #[derive(Deserialize)]
        struct InRoom {
            room: String,
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Ok(InRoom { room }) = serde_json::from_str(&frame) else {
            return;
        };
        let entering = RoomName::parse(&room).ok();
        let own = entering
            .and_then(|room| self.rooms.get_mut(&room))
            .and_then(|room| room.own.get_mut(&id));
        let held = own.unwrap_or(&mut session.direct);
        self.counts.frames += 1;
        if !session.outbox.event(&room, held, frame) {
            self.counts.left_out += 1;
        }
        held.advance(&place.origin, place.seq);
    }

    fn answer(&mut self, id: SessionId, mark: Option<i64>, frame: &str) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(mark) = mark else {
            self.counts.frames += 1;
            // Of what nobody asked for, these alone cannot be left out.
            if [r#"{"type":"disconnect""#, r#"{"type":"gap""#]
                .iter()
                .any(|kind| frame.starts_with(kind))
            {
                session.outbox.answer(frame.into());
            } else {
                session.outbox.passing(frame.into());
            }
            return;
        };
        let Some(asked) = session.answered(mark) else {
            if let Some(stats) = session.stats.as_ref().filter(|stats| stats.mark == mark) {
                let frame = splice::unmark(frame, stats.client_re.as_deref());
                self.counts.frames += 1;
                session.outbox.passing(frame.into());
            }
            return;
        };
        if asked.asks == Asks::Reopen {
            self.reopened(id, frame);
            return;
        }
        if let Some((name, held)) = learn(session, &asked, frame)
            // One name for all who are in the room.
            && let Some(name) = self.rooms.get_key_value(&name).map(|(name, _)| name.clone())
            && let Some(room) = self.rooms.get_mut(&name)
        {
            // Its own until the room's lines are for it, and it holds all that the others do.
            session.enter(&name);
            room.own.insert(id, held);
        }
        self.counts.frames += 1;
        let frame = splice::unmark(frame, asked.client_re.as_deref());
        give(session, asked.reply, frame.into());
    }

    /// The answer to opening the session again on another node. The browser gets it too, though it has
    /// asked nothing: what it shows may be more than this node knows, or less, in ways that no vector
    /// tells of, and only it knows what it shows. So it is told, and reads that again.
    fn reopened(&mut self, id: SessionId, frame: &str) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if let Ok(ServerFrame::Session(told)) = ServerFrame::decode(frame) {
            let before = session.user.take();
            let user = User {
                name: told.user.as_str().into(),
                token: told.token.as_str().into(),
                brief: before.as_ref().is_some_and(|before| before.brief),
            };
            session.user = Some(user.clone());
            if let Some(before) = before.filter(|before| before.name != user.name) {
                let uid = told.uid.clone();
                let (from, to) = (before.name.into(), user.name.into());
                let renamed = ServerFrame::Renamed(Renamed { uid, from, to });
                session.outbox.answer(json(&renamed));
            }
            let moved = ServerFrame::Session(server::Session { re: None, ..told });
            self.counts.frames += 1;
            session.outbox.answer(json(&moved));
            return;
        }
        tracing::warn!(session = id, "a session could not be moved to another node");
        let message = "the session could not be moved to another node: connect again";
        session.outbox.end(CloseReason::ShuttingDown, message);
        self.close(id);
    }
}

impl Room {
    /// A line of the room has been handed to its members, but for `except`, who have had it.
    fn advance(&mut self, place: &Place, except: &[SessionId]) {
        self.held.advance(&place.origin, place.seq);
        let mut level = Vec::new();
        for (id, held) in &mut self.own {
            if self.members.contains(id) && !except.contains(id) {
                held.advance(&place.origin, place.seq);
                level.push(*id);
            }
        }
        for id in level {
            self.settle(id);
        }
    }

    /// A member that holds all that the others do needs no vector of its own.
    fn settle(&mut self, id: SessionId) {
        let level = self
            .own
            .get(&id)
            .is_some_and(|own| own.includes(&self.held));
        if level && self.members.contains(&id) {
            self.forget_own(id);
        }
    }

    /// A session is in the room no longer.
    pub(super) fn forget(&mut self, id: SessionId) {
        self.members.remove(&id);
        self.forget_own(id);
    }

    fn forget_own(&mut self, id: SessionId) {
        self.own.remove(&id);
        if self.own.is_empty() {
            // Many may have come at once.
            self.own = HashMap::new();
        }
    }
}

/// What the bridge must remember of an answer to open the session again elsewhere: in the session, and,
/// if it has come into a room, which one and what it holds of it.
fn learn(
    session: &mut Session,
    asked: &InFlight,
    frame: &str,
) -> Option<(RoomName, VersionVector)> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(default)]
        since: VersionVector,
    }
    let head: Head<'_> = serde_json::from_str(frame).ok()?;
    match (&asked.asks, head.kind) {
        (Asks::Open { brief }, "session") => {
            if let Ok(ServerFrame::Session(server::Session { user, token, .. })) =
                ServerFrame::decode(frame)
            {
                session.user = Some(User {
                    name: user.into(),
                    token: token.into(),
                    brief: *brief,
                });
            }
        }
        (Asks::Join(room), "room") => {
            return Some((room.clone(), head.since));
        }
        (Asks::Away(on), "ok") => session.away = *on,
        (Asks::Stats { repeats }, "stats") => {
            session.stats = repeats.then(|| {
                Box::new(StatsEvery {
                    mark: asked.mark,
                    client_re: asked.client_re.clone(),
                    json: asked.json.clone(),
                })
            });
        }
        _ => {}
    }
    None
}
