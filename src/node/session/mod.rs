//! One user on one link, and what is allowed to it. It is not tied to a socket: the connection of a
//! TCP client is a link with one session, that of a bridge a link with many.
//!
//! A link hands each line to [`Session::take`] and gets a [`Handling`]; it keeps these in an
//! [`AnswerQueue`], writes an [`Answer`]'s frames when it comes, and then carries out its effects
//! (rooms to hear, the end). Live lines do not come through the session but from the channels that
//! the link reads in its [`Memberships`](super::rooms::Memberships).
//!
//! [`Session::close`] is to be called when the link is done with it, however that came.

mod answer;
mod limits;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

pub use answer::{Answer, AnswerFuture, AnswerQueue, Effect, Handling, IN_FLIGHT_MAX, StatsEvery};
pub use limits::{FLOOD_REFUSALS, FLOOD_WINDOW, Kind, Limits, Verdict};

use super::dispatch;
use super::few::Few;
use super::metrics::Counted;
use super::names::Stay;
use super::presence::SessionId;
use super::rooms::{Except, lock};
use super::shared::Shared;
use crate::protocol::decode::{before_user_join, decode};
use crate::protocol::presence::LeaveReason;
use crate::protocol::server::CloseReason;
use crate::protocol::{ClientFrame, ErrorCode, Refusal, Request, RoomName, Uid};

/// A link's session, from before its user is known until it is closed.
pub struct Session {
    shared: Arc<Shared>,
    id: SessionId,
    /// The client's own address; a bridge says whose it is.
    address: IpAddr,
    limits: Option<Box<Limits>>,
    state: State,
}

enum State {
    /// Nobody has said who they are.
    Opening,
    Open {
        user: Arc<User>,
        _counted: Counted,
    },
    /// Whose it was.
    Closed {
        uid: Option<Uid>,
    },
}

/// The user of an open session. What an answer in the making needs of the session is here.
pub struct User {
    pub session: SessionId,
    pub uid: Uid,
    pub admin: bool,
    /// Whether it is among those who are here.
    pub stay: Stay,
    /// The user was made with this session, so nothing was known of it before.
    pub new: bool,
    rooms: Mutex<Few<RoomName, ()>>,
}

impl Session {
    pub fn new(shared: &Arc<Shared>, address: IpAddr) -> Session {
        Session {
            id: shared.new_session_id(),
            limits: Limits::new(shared.config.rate),
            shared: Arc::clone(shared),
            address,
            state: State::Opening,
        }
    }

    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Where the client is.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether `user_join` has been answered.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// The user, once the session is open.
    pub fn user(&self) -> Option<&Arc<User>> {
        match &self.state {
            State::Open { user, .. } => Some(user),
            State::Opening | State::Closed { .. } => None,
        }
    }

    /// Whether a line that is not for `except` is not for this session.
    pub fn is_except(&self, except: &Except) -> bool {
        match except {
            Except::Session(session) => *session == self.id,
            Except::User(uid) => self.uid() == Some(uid),
        }
    }

    /// Takes one line.
    pub fn take(&mut self, line: &str) -> Handling {
        match decode(line) {
            Ok(request) => self.request(request),
            Err((re, refusal)) => match self.limit(Kind::Request) {
                Verdict::Pass if matches!(self.state, State::Opening) => {
                    self.refused(re, before_user_join(line, refusal))
                }
                Verdict::Pass => self.refused(re, refusal),
                Verdict::Refuse(refusal) => self.refused(re, refusal),
                Verdict::Flood => self.flood(),
            },
        }
    }

    /// A line that could not even be read.
    pub fn skipped(&mut self, refusal: Refusal) -> Handling {
        match self.limit(Kind::Request) {
            Verdict::Pass => self.refused(None, refusal),
            Verdict::Refuse(refusal) => self.refused(None, refusal),
            Verdict::Flood => self.flood(),
        }
    }

    /// Takes a frame that has been read already.
    pub fn request(&mut self, request: Request) -> Handling {
        let kind = if request.frame.is_write() {
            Kind::Message
        } else {
            Kind::Request
        };
        match self.limit(kind) {
            Verdict::Pass => {}
            Verdict::Refuse(refusal) => return self.refused(request.re, refusal),
            Verdict::Flood => return self.flood(),
        }
        let handling = dispatch::handle(self, request);
        if let Handling::Now(answer) = &handling {
            self.count_refusals(answer);
        }
        handling
    }

    /// One `stats` frame of those that were asked for at an interval.
    pub fn stats(&self, every: &StatsEvery) -> Handling {
        let admin = self.user().is_some_and(|user| user.admin);
        dispatch::stats(&self.shared, admin, every.re.clone(), every.node.clone())
    }

    /// Ends the session: its user leaves the rooms it is in, with this reason.
    pub fn close(&mut self, reason: LeaveReason) {
        let uid = self.uid().cloned();
        let closed = State::Closed { uid };
        if let State::Open { user, .. } = std::mem::replace(&mut self.state, closed) {
            dispatch::leave_all(&self.shared, &user, reason);
        }
    }

    /// Opens the session for a user who is in the lists of those here already, unless it is brief.
    pub(super) fn open(&mut self, uid: Uid, admin: bool, stay: Stay, new: bool) {
        self.state = State::Open {
            user: Arc::new(User {
                session: self.id,
                uid,
                admin,
                stay,
                new,
                rooms: Mutex::default(),
            }),
            _counted: self.shared.metrics.joined(),
        };
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whose session it is, or was.
    fn uid(&self) -> Option<&Uid> {
        match &self.state {
            State::Open { user, .. } => Some(&user.uid),
            State::Closed { uid } => uid.as_ref(),
            State::Opening => None,
        }
    }

    fn limit(&mut self, kind: Kind) -> Verdict {
        match &mut self.limits {
            None => Verdict::Pass,
            Some(limits) => limits.check(kind),
        }
    }

    fn refused(&self, re: Option<crate::protocol::Re>, refusal: Refusal) -> Handling {
        self.shared.metrics.refusals.inc();
        if refusal.code == ErrorCode::RateLimited {
            self.shared.metrics.throttled.inc();
        }
        Handling::refused(re, refusal)
    }

    fn count_refusals(&self, answer: &Answer) {
        use crate::protocol::ServerFrame::Error;
        if answer.frames.iter().any(|frame| matches!(frame, Error(_))) {
            self.shared.metrics.refusals.inc();
        }
    }

    fn flood(&mut self) -> Handling {
        self.shared.metrics.throttled.inc();
        let message = "too many requests after being told to slow down";
        self.close(LeaveReason::Flood);
        Handling::last(Answer::close(CloseReason::Flood, message))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close(LeaveReason::Lost);
    }
}

impl User {
    /// Whether this session is in the room.
    pub fn is_in(&self, room: &RoomName) -> bool {
        lock(&self.rooms).contains_key(room)
    }

    /// The session comes into a room, if it may be in one more.
    pub fn enter(&self, room: &RoomName, max: usize) -> bool {
        let mut rooms = lock(&self.rooms);
        if rooms.len() >= max && !rooms.contains_key(room) {
            return false;
        }
        rooms.insert(room.clone(), ());
        true
    }

    /// Whether it was in the room.
    pub fn leave(&self, room: &RoomName) -> bool {
        lock(&self.rooms).remove(room).is_some()
    }

    /// The rooms that the session is in.
    pub fn rooms(&self) -> Vec<RoomName> {
        lock(&self.rooms).keys().cloned().collect()
    }
}

/// What is answered before `user_join`.
pub(super) fn needs_no_user(frame: &ClientFrame) -> bool {
    matches!(
        frame,
        ClientFrame::UserJoin { .. }
            | ClientFrame::Ping
            | ClientFrame::Stats { .. }
            | ClientFrame::Quit
    )
}
