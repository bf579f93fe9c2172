//! One browser's session: who it is, where it is, and what it has asked and not been told yet. All
//! that is needed to open it again on another node.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::outbox::{Frame, Outbox};
use crate::protocol::{ClientFrame, RoomName, RoomRef, VersionVector};

/// Requests of one session on their way to the node; a WebSocket is read on when one is answered.
pub const IN_FLIGHT_MAX: usize = 64;

/// Bytes of those requests: four of the longest frames.
pub const IN_FLIGHT_BYTES_MAX: usize = 256 * 1024;

/// A session of the bridge.
#[derive(Debug)]
pub struct Session {
    pub address: IpAddr,
    pub outbox: Arc<Outbox>,
    pub user: Option<User>,
    /// The rooms it is in: mostly one or a few.
    pub rooms: SmallVec<[RoomName; 1]>,
    /// What it holds of its direct conversations.
    pub direct: VersionVector,
    pub in_flight: VecDeque<InFlight>,
    /// It said that its user is away.
    pub away: bool,
    /// The `stats` request that repeats.
    pub stats: Option<Box<StatsEvery>>,
}

/// Who a session is, as the last `session` frame said.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub name: Box<str>,
    pub token: Box<str>,
    /// The session was opened as a brief one, and is so on every node.
    pub brief: bool,
}

/// A request that the node has not answered.
#[derive(Debug)]
pub struct InFlight {
    /// The bridge's own `re`.
    pub mark: i64,
    pub client_re: Option<Box<str>>,
    pub asks: Asks,
    pub json: Box<str>,
    pub began: Instant,
    pub reply: Reply,
}

/// What of a request concerns the bridge.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    Open {
        brief: bool,
    },
    /// The bridge itself opens the session again on another node.
    Reopen,
    Join(RoomName),
    Away(bool),
    Stats {
        repeats: bool,
    },
    Ping,
    Quit,
    /// `typing` has no answer unless it is refused.
    Nothing,
    Other,
}

/// Where an answer goes.
#[derive(Debug)]
pub enum Reply {
    /// Among the session's frames.
    Outbox,
    /// To the HTTP request that asked.
    Caller(oneshot::Sender<Frame>),
    /// To nobody: the bridge asked.
    Nobody,
}

/// A `stats` request that repeats; its answers keep coming under the same mark.
#[derive(Debug)]
pub struct StatsEvery {
    pub mark: i64,
    pub client_re: Option<Box<str>>,
    pub json: Box<str>,
}

impl Session {
    pub fn new(address: IpAddr, outbox: Arc<Outbox>) -> Session {
        Session {
            address,
            outbox,
            user: None,
            rooms: SmallVec::new(),
            direct: VersionVector::new(),
            in_flight: VecDeque::new(),
            away: false,
            stats: None,
        }
    }

    /// Whether it may ask for something more now.
    pub fn has_room(&self) -> bool {
        let bytes: usize = self.in_flight.iter().map(|asked| asked.json.len()).sum();
        self.in_flight.len() < IN_FLIGHT_MAX
            && bytes < IN_FLIGHT_BYTES_MAX
            && !self.outbox.is_crowded()
    }

    /// Notes a request. Those without an answer make way when there are many.
    pub fn begin(&mut self, asked: InFlight) {
        if self.in_flight.len() >= IN_FLIGHT_MAX / 2 {
            self.in_flight.retain(|old| old.asks != Asks::Nothing);
        }
        self.in_flight.push_back(asked);
    }

    /// The request with this mark, which is answered now. Requests are carried out in their order, so
    /// an earlier one that has no answer is over too.
    pub fn answered(&mut self, mark: i64) -> Option<InFlight> {
        let at = self.in_flight.iter().position(|asked| asked.mark == mark)?;
        let asked = self.in_flight.remove(at);
        let mut before = at;
        self.in_flight.retain(|old| {
            let goes = before > 0 && old.asks == Asks::Nothing;
            before = before.saturating_sub(1);
            !goes
        });
        if self.in_flight.is_empty() {
            self.in_flight = VecDeque::new();
        }
        self.outbox.answered();
        asked
    }

    /// It is in this room.
    pub fn enter(&mut self, room: &RoomName) {
        if !self.rooms.contains(room) {
            self.rooms.push(room.clone());
        }
    }

    /// It is in this room no longer.
    pub fn leave(&mut self, room: &RoomName) {
        self.rooms.retain(|one| one != room);
        if self.rooms.is_empty() {
            self.rooms = SmallVec::new();
        }
    }

    /// Whether it is asking to enter `room` at the moment.
    pub fn is_joining(&self, room: &RoomName) -> bool {
        self.in_flight
            .iter()
            .any(|asked| matches!(&asked.asks, Asks::Join(joining) if joining == room))
    }
}

impl Asks {
    pub fn of(frame: &ClientFrame) -> Asks {
        match frame {
            ClientFrame::UserJoin { brief, .. } => Asks::Open { brief: *brief },
            ClientFrame::Join {
                room: RoomRef::Room(room),
                ..
            } => Asks::Join(room.clone()),
            ClientFrame::Away { on } => Asks::Away(*on),
            ClientFrame::Stats { every, .. } => Asks::Stats {
                repeats: every.is_some_and(|every| every > 0),
            },
            ClientFrame::Ping => Asks::Ping,
            ClientFrame::Quit => Asks::Quit,
            ClientFrame::Typing { .. } => Asks::Nothing,
            ClientFrame::Join { .. }
            | ClientFrame::Leave { .. }
            | ClientFrame::Send { .. }
            | ClientFrame::Edit { .. }
            | ClientFrame::Delete { .. }
            | ClientFrame::React { .. }
            | ClientFrame::Topic { .. }
            | ClientFrame::History { .. }
            | ClientFrame::Read { .. }
            | ClientFrame::Search { .. }
            | ClientFrame::Rooms
            | ClientFrame::Who { .. } => Asks::Other,
        }
    }
}
