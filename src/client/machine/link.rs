//! The connection: opened, greeted, watched, lost.
//!
//! Whoever is on a node that falls silent is in the rooms again within ten seconds: the silence and the
//! ping take six of them, and the one node in between that is silent too, three.

use super::{Asked, Machine, Phase};
use crate::client::event::{ClientEvent, Effect, Moment};
use crate::protocol::limits::PROTOCOL_VERSION;
use crate::protocol::server::{CloseReason, Connect, Disconnect};
use crate::protocol::{Claim, ClientFrame};

/// Milliseconds for a socket to open, and for the server's first line.
pub const DIAL_TIMEOUT_MS: u64 = 3_000;

/// Milliseconds for a node that has greeted to open the session. After the loss of another node it has
/// many to open.
pub const OPEN_TIMEOUT_MS: u64 = 5_000;

/// Milliseconds of silence after which the link is probed with a ping.
pub const SILENCE_MS: u64 = 3_000;

/// Milliseconds for the answer to a ping. A node that was only slow is left for nothing then, and nothing
/// is lost by it.
pub const PROBE_TIMEOUT_MS: u64 = 3_000;

/// Milliseconds by which the wall clock runs ahead of the monotonic one when the machine has slept.
pub const WAKE_STEP_MS: i64 = 2_000;

/// Milliseconds for the answer to a ping after the machine has slept: most likely the link is dead.
pub const WAKE_PROBE_TIMEOUT_MS: u64 = 2_000;

/// Milliseconds for the answer to anything else; past it the node is taken for stuck.
pub const ANSWER_TIMEOUT_MS: u64 = 15_000;

/// Milliseconds online after which a loss starts the count of failures anew.
pub const LASTING_MS: u64 = 5_000;

/// Milliseconds of pause after a node closed the connection because of too much traffic.
const FLOOD_PAUSE_MS: u64 = 5_000;

impl Machine {
    /// Takes the clock; a step of the wall clock means that the machine has slept.
    pub(super) fn pass_time(&mut self, now: Moment) {
        let before = std::mem::replace(&mut self.now, now);
        let wall_ms = (now.wall.0 - before.wall.0) / 1000;
        let passed_ms = i64::try_from(now.ms - before.ms.min(now.ms)).unwrap_or(i64::MAX);
        if self.is_online() && wall_ms.saturating_sub(passed_ms) >= WAKE_STEP_MS {
            self.probe(WAKE_PROBE_TIMEOUT_MS);
        }
    }

    /// When to be called again at the latest, milliseconds of the monotonic clock.
    pub fn wake_at_ms(&self) -> u64 {
        let due = match &self.phase {
            Phase::Waiting { until_ms } => *until_ms,
            Phase::Dialing { since_ms } | Phase::Greeting { since_ms } => {
                since_ms + DIAL_TIMEOUT_MS
            }
            Phase::Online {
                heard_ms,
                probe_until_ms,
                ..
            } => {
                let silence = probe_until_ms.unwrap_or(heard_ms + SILENCE_MS);
                let rooms = self.rooms.next_due_ms().unwrap_or(u64::MAX);
                let write = self.outbox.due_ms(|room| self.rooms.takes(room));
                let write = write.unwrap_or(u64::MAX);
                silence.min(rooms).min(write)
            }
            Phase::Opening { since_ms, .. } => since_ms + OPEN_TIMEOUT_MS,
            Phase::Seeking | Phase::Unnamed | Phase::Closed => u64::MAX,
        };
        let asked = self.awaited.values().map(|asked| asked.since_ms).min();
        due.min(asked.map_or(u64::MAX, |since_ms| since_ms + ANSWER_TIMEOUT_MS))
    }

    pub(super) fn check_deadlines(&mut self) {
        let now_ms = self.now.ms;
        match &self.phase {
            Phase::Waiting { until_ms } if *until_ms <= now_ms => self.dial_again(),
            Phase::Dialing { since_ms } if since_ms + DIAL_TIMEOUT_MS <= now_ms => {
                self.lost("no answer to the attempt to connect".to_owned(), 0);
            }
            Phase::Greeting { since_ms } if since_ms + DIAL_TIMEOUT_MS <= now_ms => {
                self.lost(
                    "what listens there does not greet like a node".to_owned(),
                    0,
                );
            }
            Phase::Opening { since_ms, .. } if since_ms + OPEN_TIMEOUT_MS <= now_ms => {
                self.lost("the node does not open the session".to_owned(), 0);
            }
            Phase::Online {
                probe_until_ms: Some(until_ms),
                ..
            } if *until_ms <= now_ms => self.lost("the node has fallen silent".to_owned(), 0),
            Phase::Online {
                probe_until_ms: None,
                heard_ms,
                ..
            } if heard_ms + SILENCE_MS <= now_ms => self.probe(PROBE_TIMEOUT_MS),
            Phase::Waiting { .. }
            | Phase::Seeking
            | Phase::Dialing { .. }
            | Phase::Greeting { .. }
            | Phase::Opening { .. }
            | Phase::Unnamed
            | Phase::Online { .. }
            | Phase::Closed => {}
        }
        let stuck = |since_ms: u64| since_ms + ANSWER_TIMEOUT_MS <= now_ms;
        if self.awaited.values().any(|asked| stuck(asked.since_ms)) {
            self.lost("the node does not answer".to_owned(), 0);
        }
    }

    pub(super) fn dial(&mut self) {
        let node = self.nodes.current().to_owned();
        self.tell(ClientEvent::Connecting {
            node: node.clone(),
            attempt: self.nodes.attempt(),
        });
        self.effects.push(Effect::Dial(node));
        let since_ms = self.now.ms;
        self.phase = Phase::Dialing { since_ms };
    }

    pub(super) fn dialed(&mut self) {
        let since_ms = self.now.ms;
        self.phase = Phase::Greeting { since_ms };
    }

    /// The server has said who it is: we say who we are.
    pub(super) fn greeted(&mut self, connect: &Connect) {
        if connect.protocol != PROTOCOL_VERSION {
            let reason = format!(
                "the node speaks version {} of the protocol, this program version {PROTOCOL_VERSION}",
                connect.protocol
            );
            return self.lost(reason, 0);
        }
        self.open(connect.node.clone(), 0);
    }

    /// Writes `user_join`, by token where there is one.
    pub(super) fn open(&mut self, node: String, suggestions_taken: u32) {
        let admin = self.admin_key(&node);
        let admin = admin.and_then(|key| self.options.admin.get(&key).cloned());
        let claim = match &self.options.token {
            Some(token) => Claim::Token {
                token: token.clone(),
                name: None,
            },
            None => Claim::Name {
                name: self.options.name.clone(),
                password: None,
            },
        };
        self.phase = Phase::Opening {
            since_ms: self.now.ms,
            node,
            suggestions_taken,
        };
        self.ask(
            Asked::Open,
            ClientFrame::UserJoin {
                claim,
                admin,
                brief: false,
            },
        );
    }

    /// Under what the node's administrator's token is known: its address and name together, or its name.
    /// It is of a node on this machine, and nobody else's business: any node may bear that name.
    pub(super) fn admin_key(&self, node: &str) -> Option<String> {
        if !self.nodes.is_here() {
            return None;
        }
        let address = self.nodes.current().replacen("localhost:", "127.0.0.1:", 1);
        let mut keys = [format!("{address} {node}"), node.to_owned()].into_iter();
        keys.find(|key| self.options.admin.contains_key(key))
    }

    pub(super) fn heard(&mut self) {
        let now_ms = self.now.ms;
        if let Phase::Online {
            since_ms,
            heard_ms,
            probe_until_ms,
        } = &mut self.phase
        {
            *heard_ms = now_ms;
            *probe_until_ms = None;
            if now_ms - *since_ms >= LASTING_MS {
                self.nodes.lasted();
            }
        }
    }

    /// A line that is no frame of this version. From a node it is passed over.
    pub(super) fn noise(&mut self) {
        self.heard();
        if matches!(self.phase, Phase::Greeting { .. }) {
            self.lost("what listens there is not a chat node".to_owned(), 0);
        }
    }

    fn probe(&mut self, timeout_ms: u64) {
        let until = self.now.ms + timeout_ms;
        if let Phase::Online { probe_until_ms, .. } = &mut self.phase {
            *probe_until_ms = Some(until);
            self.ask(Asked::Nothing, ClientFrame::Ping);
        }
    }

    /// Moves on to the next node, after `pause_ms` at least.
    pub(super) fn lost(&mut self, reason: String, pause_ms: u64) {
        if matches!(
            self.phase,
            Phase::Waiting { .. } | Phase::Seeking | Phase::Unnamed | Phase::Closed
        ) {
            return;
        }
        self.hang_up();
        let chance = self.chance.roll();
        let retry_in = self.nodes.lost(chance);
        let retry_in = retry_in.max(std::time::Duration::from_millis(pause_ms));
        self.tell(ClientEvent::Offline { reason, retry_in });
        let delay_ms = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
        let until_ms = self.now.ms.saturating_add(delay_ms);
        self.phase = Phase::Waiting { until_ms };
        if delay_ms == 0 {
            self.dial();
        }
    }

    /// The server ends the connection, and says why.
    pub(super) fn dismissed(&mut self, said: Disconnect) {
        let Disconnect { reason, message } = said;
        match reason {
            CloseReason::ShuttingDown => self.lost(message, 0),
            CloseReason::Flood | CloseReason::TooManyConnections => {
                self.lost(message, FLOOD_PAUSE_MS);
            }
            CloseReason::Quit
            | CloseReason::Kicked
            | CloseReason::Banned
            | CloseReason::Replaced => {
                self.hang_up();
                self.phase = Phase::Closed;
                self.tell(ClientEvent::Closed { reason: message });
            }
        }
    }

    /// Closes the connection; what was asked on it stays without an answer.
    pub(super) fn hang_up(&mut self) {
        self.effects.push(Effect::HangUp);
        self.rooms.lost();
        self.outbox.lost();
        for (re, asked) in std::mem::take(&mut self.awaited) {
            if matches!(asked.what, Asked::User) {
                self.tell(ClientEvent::Unanswered { re });
            }
        }
    }
}
