//! The switchboard's decisions, without a socket and without a clock: which session a line is for,
//! what is sent again when the node is lost, what a request is answered when there is no node.
//!
//! What it must never do: hand a browser an event twice, or go past one without a `gap`.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::figures::FiguresAsked;
use super::outbox::{Frame, Outbox, json};
use super::session::{Asks, InFlight, Reply, Session};
use super::splice;
use crate::protocol::bridge::{Handle, LINK_SESSIONS_MAX, SessionId, ToNode};
use crate::protocol::decode::{before_user_join, decode};
use crate::protocol::server::{CloseReason, ErrorFrame, Pong};
use crate::protocol::{ErrorCode, Refusal, RoomName, ServerFrame, Ts, VersionVector};

/// How long a request waits for a node, when none is up, before it is answered `unavailable`. Moving
/// takes less than a second; a node that starts again after a crash, a little more.
pub const REQUEST_WAIT: Duration = Duration::from_secs(4);

/// What `unavailable` says about when to try again, in milliseconds.
const UNAVAILABLE_RETRY_MS: u64 = 1_000;

/// Bytes that wait to be written to the node; then no more requests are taken.
const OUTPUT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// All sessions and rooms of a bridge, and what is to be written to the node.
#[derive(Debug)]
pub struct Core {
    /// In boxes, since a table of them has a place for twice as many as there are.
    pub(super) sessions: HashMap<SessionId, Box<Session>>,
    pub(super) rooms: HashMap<RoomName, Room>,
    /// The rooms of the present link by the node's handle.
    pub(super) handles: HashMap<Handle, RoomName>,
    link: Link,
    clock: fn() -> Ts,
    output: Vec<u8>,
    last_id: SessionId,
    last_mark: i64,
    /// Who waits for the nodes' figures, and the number of the question.
    pub(super) figures: FiguresAsked,
    pub counts: Counts,
}

/// What the metrics count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames from browsers.
    pub requests: u64,
    /// Frames handed to browsers' boxes.
    pub frames: u64,
    /// Lines of rooms that came over the link.
    pub room_lines: u64,
    /// Events left out of a full box.
    pub left_out: u64,
    /// Times the sessions were opened on a node again.
    pub moves: u64,
}

#[derive(Debug)]
enum Link {
    Down { since: Instant },
    Up,
}

/// A room that some session of the bridge is in.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) members: HashSet<SessionId>,
    /// What the members hold of the room.
    pub(super) held: VersionVector,
    /// Those that hold something else: they have had the answer to their `join` and not yet all that
    /// the others have.
    pub(super) own: HashMap<SessionId, VersionVector>,
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too much is on its way: wait for an answer.
    Busy,
    /// The session is over.
    NoSession,
}

impl Core {
    /// Without a node. `clock` tells the time for the `pong`s of a bridge that has none.
    pub fn new(now: Instant, clock: fn() -> Ts) -> Core {
        Core {
            sessions: HashMap::new(),
            rooms: HashMap::new(),
            handles: HashMap::new(),
            link: Link::Down { since: now },
            clock,
            output: Vec::new(),
            last_id: 0,
            last_mark: 0,
            figures: FiguresAsked::default(),
            counts: Counts::default(),
        }
    }

    /// A browser has come; `None` when there are too many.
    pub fn open(&mut self, address: IpAddr, outbox: Arc<Outbox>) -> Option<SessionId> {
        if self.sessions.len() >= LINK_SESSIONS_MAX {
            return None;
        }
        self.last_id = self.last_id.checked_add(1)?;
        let id = self.last_id;
        let session = Box::new(Session::new(address, outbox));
        self.sessions.insert(id, session);
        if self.is_up() {
            self.say(&ToNode::Open { id, address });
        }
        Some(id)
    }

    /// A browser has gone.
    pub fn close(&mut self, id: SessionId) {
        if self.sessions.contains_key(&id) && self.is_up() {
            self.say(&ToNode::Gone { id });
        }
        self.forget(id);
    }

    /// A browser's frame. `nonce` is used if it needs one and has none.
    ///
    /// # Errors
    /// When it was not taken; nothing has been answered then.
    pub fn request(
        &mut self,
        now: Instant,
        id: SessionId,
        text: &str,
        nonce: &str,
        reply: Reply,
    ) -> Result<(), NotTaken> {
        let output_full = self.output.len() >= OUTPUT_BYTES_MAX;
        let Some(session) = self.sessions.get_mut(&id) else {
            return Err(NotTaken::NoSession);
        };
        if !session.has_room() || output_full {
            return Err(NotTaken::Busy);
        }
        self.counts.requests += 1;
        let request = match decode(text) {
            Ok(request) => request,
            Err((re, refusal)) => {
                let nobody = session.user.is_none() && session.in_flight.is_empty();
                let refusal = if nobody {
                    before_user_join(text, refusal)
                } else {
                    refusal
                };
                let frame = ServerFrame::Error(ErrorFrame::new(re, refusal));
                self.counts.frames += 1;
                give(session, reply, json(&frame));
                return Ok(());
            }
        };
        let nonce = request.frame.is_write().then_some(nonce);
        self.last_mark += 1;
        let mark = self.last_mark;
        let marked = splice::mark(text, mark, nonce).expect("decode has found it an object");
        let asks = Asks::of(&request.frame);
        session.begin(InFlight {
            mark,
            client_re: marked.client_re,
            asks: asks.clone(),
            json: marked.json.clone().into(),
            began: now,
            reply,
        });
        if matches!(self.link, Link::Up) {
            self.say(&ToNode::Frame {
                id,
                json: &marked.json,
            });
        } else {
            self.answer_without_node(id, &asks);
        }
        Ok(())
    }

    /// A node has taken the link: every session is opened there, and what was not answered is asked.
    pub fn link_up(&mut self, now: Instant) {
        self.link = Link::Up;
        self.output.clear();
        let mut ids: Vec<SessionId> = self.sessions.keys().copied().collect();
        ids.sort_unstable();
        self.counts.moves += u64::from(!ids.is_empty());
        for id in &ids {
            self.reopen(now, *id);
        }
        self.resume_rooms();
        // Only then what they ask: nobody may enter a room before those who are in it.
        for id in ids {
            self.ask_again(id);
        }
    }

    /// The node is lost.
    pub fn link_lost(&mut self, now: Instant) {
        self.link = Link::Down { since: now };
        self.output.clear();
        self.handles.clear();
        self.figures_lost();
        self.rooms.retain(|_, room| !room.members.is_empty());
        let mut pinged = Vec::new();
        let mut leaving = Vec::new();
        for (id, session) in &mut self.sessions {
            session
                .in_flight
                .retain(|asked| !matches!(asked.asks, Asks::Reopen | Asks::Nothing));
            let asks = |what| session.in_flight.iter().any(|asked| asked.asks == what);
            if asks(Asks::Quit) {
                leaving.push(*id);
            } else if asks(Asks::Ping) {
                pinged.push(*id);
            }
        }
        for id in leaving {
            self.answer_without_node(id, &Asks::Quit);
        }
        for id in pinged {
            self.answer_without_node(id, &Asks::Ping);
        }
    }

    /// Time passes: what has waited too long for a node is answered `unavailable`.
    pub fn tick(&mut self, now: Instant) {
        let Link::Down { since } = self.link else {
            return;
        };
        if now.duration_since(since) < REQUEST_WAIT {
            return;
        }
        let late = |asked: &InFlight| now.duration_since(asked.began) >= REQUEST_WAIT;
        for session in self.sessions.values_mut() {
            while session.in_flight.front().is_some_and(late) {
                let Some(asked) = session.in_flight.pop_front() else {
                    break;
                };
                let frame = splice_re(&unavailable(), asked.client_re.as_deref());
                self.counts.frames += 1;
                give(session, asked.reply, frame);
                session.outbox.answered();
            }
        }
    }

    /// Asks the node whether it is there.
    pub fn ping(&mut self, number: u32) {
        if self.is_up() {
            self.say(&ToNode::Ping { number });
        }
    }

    /// What is to be written to the node.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub fn is_up(&self) -> bool {
        matches!(self.link, Link::Up)
    }

    /// Whether the session's user is known.
    pub fn has_joined(&self, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session.is_some_and(|session| session.user.is_some())
    }

    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// A session's box.
    pub fn outbox(&self, id: SessionId) -> Option<&Arc<Outbox>> {
        self.sessions.get(&id).map(|session| &session.outbox)
    }

    /// Every session's box, for the end of the bridge.
    pub fn outboxes(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        self.sessions.values().map(|session| &session.outbox)
    }

    pub(super) fn say(&mut self, line: &ToNode<'_>) {
        line.write(&mut self.output);
    }

    /// What can be said while no node is up: the link to the browser lives, and it may leave.
    fn answer_without_node(&mut self, id: SessionId, asks: &Asks) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if *asks == Asks::Quit {
            session.outbox.end(CloseReason::Quit, "you have left");
            self.forget(id);
        } else if *asks == Asks::Ping {
            let time = (self.clock)();
            let pong = json(&ServerFrame::Pong(Pong { re: None, time }));
            let (pings, others) = std::mem::take(&mut session.in_flight)
                .into_iter()
                .partition::<Vec<_>, _>(|asked| asked.asks == Asks::Ping);
            session.in_flight = others.into();
            for ping in pings {
                self.counts.frames += 1;
                let pong = splice_re(&pong, ping.client_re.as_deref());
                give(session, ping.reply, pong);
            }
            session.outbox.answered();
        }
    }

    fn reopen(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let mut lines = Vec::new();
        let frame = |json: &str, lines: &mut Vec<u8>| ToNode::Frame { id, json }.write(lines);
        ToNode::Open {
            id,
            address: session.address,
        }
        .write(&mut lines);
        if let Some(user) = &session.user {
            self.last_mark += 1;
            let token = serde_json::to_string(&user.token).expect("a text always becomes JSON");
            let mark = self.last_mark;
            let brief = if user.brief { r#","brief":true"# } else { "" };
            frame(
                &format!(r#"{{"type":"user_join","re":{mark},"token":{token}{brief}}}"#),
                &mut lines,
            );
            session.in_flight.push_front(InFlight {
                mark,
                client_re: None,
                asks: Asks::Reopen,
                json: Box::default(),
                began: now,
                reply: Reply::Nobody,
            });
            let held = session.direct.clone();
            ToNode::ResumeDirect { id, held }.write(&mut lines);
        }
        self.output.append(&mut lines);
    }

    /// Puts everybody into their rooms again: in one line those who hold the same.
    fn resume_rooms(&mut self) {
        for (name, room) in &self.rooms {
            let joining = |id: &&SessionId| {
                let session = self.sessions.get(id);
                session.is_none_or(|session| session.is_joining(name))
            };
            let level = |id: &&SessionId| !room.own.contains_key(id);
            let mut ids: Vec<SessionId> = room.members.iter().filter(level).copied().collect();
            ids.retain(|id| !joining(&id));
            ids.sort_unstable();
            let groups = std::iter::once((ids, &room.held));
            // Those who were just entering: they hold something else.
            let own = room.own.iter().filter(|(id, _)| !joining(id));
            for (ids, held) in groups.chain(own.map(|(id, held)| (vec![*id], held))) {
                if !ids.is_empty() {
                    let (room, held) = (name.clone(), held.clone());
                    ToNode::Resume { ids, room, held }.write(&mut self.output);
                }
            }
        }
    }

    /// Says again what the node was told, and asks again what it has not answered.
    fn ask_again(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let mut say = |json: &str| ToNode::Frame { id, json }.write(&mut self.output);
        if session.away {
            // Nobody has this mark, so nobody hears the answer.
            say(r#"{"type":"away","on":true,"re":0}"#);
        }
        if let Some(stats) = &session.stats {
            say(&stats.json);
        }
        for asked in session.in_flight.iter().filter(|a| a.asks != Asks::Reopen) {
            say(&asked.json);
        }
    }

    pub(super) fn forget(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        for room in &session.rooms {
            self.leave_room(room, id);
        }
    }

    fn leave_room(&mut self, name: &RoomName, id: SessionId) {
        if let Some(room) = self.rooms.get_mut(name) {
            room.forget(id);
            // With the link up the node ends the handle, and its last lines are still to come.
            if room.members.is_empty() && !matches!(self.link, Link::Up) {
                self.rooms.remove(name);
            }
        }
    }
}

pub(super) fn give(session: &Session, reply: Reply, frame: Frame) {
    match reply {
        Reply::Outbox => session.outbox.answer(frame),
        // A caller that has given up gets nothing.
        Reply::Caller(caller) => drop(caller.send(frame)),
        Reply::Nobody => {}
    }
}

/// A frame of the bridge's own, with the client's mark as it stood in its frame.
fn splice_re(frame: &str, client_re: Option<&str>) -> Frame {
    match client_re {
        None => frame.into(),
        Some(re) => {
            let body = frame.strip_suffix('}').unwrap_or(frame);
            format!(r#"{body},"re":{re}}}"#).into()
        }
    }
}

/// What is answered when no node is up.
pub fn unavailable() -> Frame {
    let message = "no node can be reached; send again with the same nonce";
    let refusal = Refusal {
        retry_after_ms: Some(UNAVAILABLE_RETRY_MS),
        ..Refusal::new(ErrorCode::Unavailable, message)
    };
    json(&ServerFrame::Error(ErrorFrame::new(None, refusal)))
}
