//! The client as a pure machine: `update(now, input) -> effects`. It reads no clock and rolls no
//! dice; both come in.
//!
//! Invariants: a write leaves the outbox only when a node has answered it, or for good; a room's
//! vector never runs ahead of what has been handed out; there is at most one connection.

mod answers;
mod link;
mod nodes;
mod outbox;
mod rooms;
mod seeking;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::event::{ClientEvent, Command, Effect, Input, Moment, Options};
use crate::protocol::error::ErrorCode;
use crate::protocol::server::ErrorFrame;
use crate::protocol::{ClientFrame, Nonce, Re, Refusal, Request, RoomRef, Uid};
use nodes::Nodes;
use outbox::Outbox;
use rooms::{RoomAsked, Rooms};
use seeking::Seeking;

pub use link::{
    ANSWER_TIMEOUT_MS, DIAL_TIMEOUT_MS, LASTING_MS, OPEN_TIMEOUT_MS, PROBE_TIMEOUT_MS, SILENCE_MS,
    WAKE_PROBE_TIMEOUT_MS, WAKE_STEP_MS,
};
pub use nodes::{NODES_MAX, RETRY_DELAY_MAX, RETRY_DELAY_MIN};
pub use outbox::PENDING_MAX;

/// A client's whole state.
#[derive(Debug)]
pub struct Machine {
    options: Options,
    nodes: Nodes,
    phase: Phase,
    seeking: Seeking,
    /// Who the last session was.
    uid: Option<Uid>,
    rooms: Rooms,
    outbox: Outbox,
    /// What was asked on this connection: by our own marks, which count down from -1, and by the
    /// user's, which count up from 1.
    awaited: BTreeMap<i64, Awaited>,
    last_re: i64,
    now: Moment,
    chance: Chance,
    /// What is to be done, gathered during one update.
    effects: Vec<Effect>,
}

/// Where the connection stands. Times are milliseconds of the monotonic clock.
#[derive(Debug, PartialEq)]
enum Phase {
    /// Between two attempts.
    Waiting { until_ms: u64 },
    /// The same, and it is being looked where nodes are now.
    Seeking,
    /// The socket is being opened.
    Dialing { since_ms: u64 },
    /// It is open; the server speaks first.
    Greeting { since_ms: u64 },
    /// `user_join` is written to this node.
    Opening {
        since_ms: u64,
        node: String,
        suggestions_taken: u32,
    },
    /// The user has to choose another name; there is no connection.
    Unnamed,
    Online {
        since_ms: u64,
        heard_ms: u64,
        /// A ping is out; when it is given up.
        probe_until_ms: Option<u64>,
    },
    /// For good.
    Closed,
}

/// What is to be done with an answer.
#[derive(Debug)]
struct Awaited {
    what: Asked,
    since_ms: u64,
}

#[derive(Debug)]
enum Asked {
    Open,
    Room(RoomRef, RoomAsked),
    Write(Nonce),
    /// The list of nodes.
    Nodes,
    /// Direct conversations that may have begun while we were away.
    Conversations,
    /// The answer is of no interest.
    Nothing,
    /// The user's own question.
    User,
}

impl Machine {
    /// A machine that has not begun; the first [`Input::Tick`] begins. `seed` is where its chance comes from.
    pub fn new(options: Options, seed: u64) -> Machine {
        Machine {
            nodes: Nodes::new(options.nodes.clone()),
            options,
            seeking: Seeking::default(),
            phase: Phase::Waiting { until_ms: 0 },
            uid: None,
            rooms: Rooms::default(),
            outbox: Outbox::default(),
            awaited: BTreeMap::new(),
            last_re: 0,
            now: Moment::default(),
            chance: Chance(seed),
            effects: Vec::new(),
        }
    }

    /// Takes one input and says what is to be done, in order.
    pub fn update(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        self.pass_time(now);
        match input {
            Input::Dialed => self.dialed(),
            Input::Lost(reason) => self.lost(reason, 0),
            Input::Frame(frame) => {
                self.heard();
                self.take_frame(*frame);
            }
            Input::Noise => self.noise(),
            Input::Found(found) => self.found(found),
            Input::Command(command) => self.take_command(command),
            Input::Tick => {}
        }
        self.check_deadlines();
        self.write_what_is_due();
        std::mem::take(&mut self.effects)
    }

    /// Whether the client has ended for good.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Name(name) => {
                self.options.name = name;
                self.options.token = None;
                if self.phase == Phase::Unnamed {
                    self.dial();
                }
            }
            Command::Join { room, limit } => self.rooms.want(room, limit),
            Command::Leave { room } => {
                self.rooms.forget(&room);
                self.take_back_questions_about(&room);
                if self.is_online() {
                    self.ask(Asked::Nothing, ClientFrame::Leave { room });
                }
            }
            Command::Write(frame) => self.keep(frame),
            Command::Ask { re, frame } => {
                if self.is_online() {
                    self.write(re, Asked::User, frame);
                } else {
                    self.tell(ClientEvent::Unanswered { re });
                }
            }
            Command::Retry => {
                if matches!(self.phase, Phase::Waiting { .. }) {
                    self.dial_again();
                }
            }
        }
    }

    /// A `join` that is under way is answered before the `leave`: that answer does not lead back in.
    fn take_back_questions_about(&mut self, room: &RoomRef) {
        for awaited in self.awaited.values_mut() {
            if matches!(&awaited.what, Asked::Room(asked, _) if asked == room) {
                awaited.what = Asked::Nothing;
            }
        }
    }

    fn keep(&mut self, frame: ClientFrame) {
        let Some(nonce) = outbox::nonce_of(&frame).cloned() else {
            return;
        };
        if let Err(nonce) = self.outbox.push(nonce, frame) {
            let message = format!("{PENDING_MAX} messages wait for a node already");
            let error = ErrorFrame::new(None, Refusal::new(ErrorCode::Unavailable, message));
            self.tell(ClientEvent::Failed { nonce, error });
        }
    }

    /// Rooms first, then what was said: a message goes to a room that has been joined.
    fn write_what_is_due(&mut self) {
        if !self.is_online() {
            return;
        }
        while let Some((room, asked, frame)) = self.rooms.next(self.now.ms) {
            self.ask(Asked::Room(room, asked), frame);
        }
        let rooms = &self.rooms;
        let (takes, newest) = (|room: &_| rooms.takes(room), |room: &_| rooms.newest(room));
        if let Some((nonce, frame)) = self.outbox.next(self.now.ms, takes, newest) {
            self.ask(Asked::Write(nonce), frame);
        }
    }

    fn ask(&mut self, what: Asked, frame: ClientFrame) {
        self.last_re -= 1;
        self.write(self.last_re, what, frame);
    }

    fn write(&mut self, re: i64, what: Asked, frame: ClientFrame) {
        let answered = !matches!(frame, ClientFrame::Typing { .. });
        let request = Request {
            re: answered.then_some(Re::Number(re)),
            frame,
        };
        self.effects.push(Effect::Write(request.encode()));
        if answered {
            let since_ms = self.now.ms;
            self.awaited.insert(re, Awaited { what, since_ms });
        }
    }

    fn tell(&mut self, event: ClientEvent) {
        self.effects.push(Effect::Tell(event));
    }

    fn is_online(&self) -> bool {
        matches!(self.phase, Phase::Online { .. })
    }
}

/// Numbers without pattern from a seed (SplitMix64, Steele et al. 2014): enough to scatter retries.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    /// 0.0 to 1.0.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}
