//! What a bridge says of its sessions: that they open, ask, and are gone.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::link::Link;
use super::ready::Place;
use crate::node::session::{Answer, AnswerQueue, Session};
use crate::protocol::bridge::{LINK_SESSIONS_MAX, SessionId, ToBridge, ToNode};
use crate::protocol::presence::LeaveReason;
use crate::protocol::server::{CloseReason, Disconnect, ErrorFrame};
use crate::protocol::{ErrorCode, Refusal, ServerFrame, Uid};

/// Frames of one session that wait for their turn; a bridge sends no more than 64 unanswered ones.
const WAITING_MAX: usize = 256;

/// What somebody with too many sessions is told to wait, in milliseconds.
const TOO_MANY_RETRY_MS: u64 = 5_000;

/// One session of a bridge.
pub(super) struct Bridged {
    pub(super) session: Session,
    pub(super) answers: AnswerQueue,
    address: IpAddr,
    place: Place,
    /// Frames that were said and not taken up yet.
    waiting: VecDeque<Box<str>>,
    /// An answer that has to wait until its room has been read from the log.
    pub(super) stalled: Option<Box<Answer>>,
    /// Its user, from the moment that it was known here.
    pub(super) uid: Option<Uid>,
}

impl Bridged {
    /// What was not taken up is for another node.
    pub(super) fn take_no_more(&mut self) {
        self.waiting.clear();
    }

    /// Whether something that was taken up is to be answered, and can be.
    pub(super) fn has_answers(&self) -> bool {
        !self.answers.is_empty() && self.stalled.is_none()
    }
}

impl Link {
    /// Carries out one line of the bridge.
    pub(super) fn take_line(&mut self, line: &str) {
        match ToNode::read(line) {
            Some(ToNode::Open { id, address }) => self.open(id, address),
            Some(ToNode::Frame { id, json }) => self.frame(id, json),
            Some(ToNode::Resume { ids, room, held }) => self.resume(&ids, &room, held),
            Some(ToNode::ResumeDirect { id, held }) => self.resume_direct(id, held),
            Some(ToNode::Gone { id }) => self.close(id, LeaveReason::Quit),
            Some(ToNode::Ping { number }) => ToBridge::Pong { number }.write(self.output.bytes()),
            Some(ToNode::Figures { number }) => self.ask_figures(number),
            None => self.give_up("it said something that this node does not know"),
        }
    }

    fn open(&mut self, id: SessionId, address: IpAddr) {
        if self.sessions.contains_key(&id) || self.sessions.len() >= LINK_SESSIONS_MAX {
            self.give_up("it opens more sessions than it may");
            return;
        }
        let max = self.shared.connections_max(address);
        let here = self.addresses.entry(address).or_default();
        if *here >= max {
            self.turn_away(id, max);
            return;
        }
        *here += 1;
        let bridged = Bridged {
            session: Session::new(&self.shared, address),
            answers: AnswerQueue::default(),
            address,
            place: self.ready.place(id),
            waiting: VecDeque::new(),
            stalled: None,
            uid: None,
        };
        self.sessions.insert(id, Box::new(bridged));
    }

    fn turn_away(&mut self, id: SessionId, max: usize) {
        self.shared.metrics.throttled.inc();
        let message = format!("{max} connections from one address at most");
        let refusal = Refusal {
            retry_after_ms: Some(TOO_MANY_RETRY_MS),
            ..Refusal::new(ErrorCode::TooManyConnections, &message)
        };
        self.say(id, &ServerFrame::Error(ErrorFrame::new(None, refusal)));
        let reason = CloseReason::TooManyConnections;
        self.say(id, &ServerFrame::Disconnect(Disconnect { reason, message }));
        ToBridge::Closed { id }.write(self.output.bytes());
    }

    fn frame(&mut self, id: SessionId, json: &str) {
        // One that has been closed from here: the bridge does not know it yet.
        let Some(bridged) = self.sessions.get_mut(&id) else {
            return;
        };
        if bridged.waiting.len() >= WAITING_MAX {
            self.give_up("it sends more of a session's frames than it may");
            return;
        }
        bridged.waiting.push_back(json.into());
        self.advance(id);
    }

    /// Takes up a session's frames and gives its answers, as far as both can be done now.
    pub(super) fn advance(&mut self, id: SessionId) {
        loop {
            let room = self.has_room();
            let Some(bridged) = self.sessions.get_mut(&id) else {
                return;
            };
            let waker = bridged.place.begin();
            if bridged.stalled.is_some() {
                return;
            }
            if !room {
                bridged.place.again();
                return;
            }
            match bridged.answers.poll_next(&mut Context::from_waker(&waker)) {
                Poll::Ready(answer) => self.answer(id, answer),
                Poll::Pending => {
                    if !bridged.answers.has_room() {
                        return;
                    }
                    let Some(json) = bridged.waiting.pop_front() else {
                        return;
                    };
                    let handling = bridged.session.take(&json);
                    bridged.answers.push(handling);
                }
            }
        }
    }

    /// Ends a session from the node's side, or hears that its browser is gone.
    pub(super) fn close(&mut self, id: SessionId, reason: LeaveReason) {
        let Some(mut bridged) = self.sessions.remove(&id) else {
            return;
        };
        let own = bridged.session.id();
        bridged.session.close(reason);
        for slot in self.heard.slots_of(id) {
            self.leave(slot, id);
        }
        if let Some(uid) = &bridged.uid {
            self.heard.closed(id, own, uid);
        }
        if let Some(here) = self.addresses.get_mut(&bridged.address) {
            *here -= 1;
            if *here == 0 {
                self.addresses.remove(&bridged.address);
            }
        }
        self.every.remove(&id);
        self.stalled.remove(&id);
    }

    /// Writes a frame for one session.
    pub(super) fn say(&mut self, id: SessionId, frame: &ServerFrame) {
        let line = frame.encode();
        let json = std::str::from_utf8(&line).expect("JSON is UTF-8");
        ToBridge::Direct {
            ids: vec![id],
            place: None,
            json: json.trim_end(),
        }
        .write(self.output.bytes());
    }

    pub(super) fn repeat_stats(&mut self, id: SessionId, now: Instant) {
        let Some((every, at)) = self.every.get_mut(&id) else {
            return;
        };
        *at = now + every.interval;
        if let Some(bridged) = self.sessions.get_mut(&id)
            // Whoever does not take its answers gets no more of them.
            && bridged.answers.has_room()
        {
            let handling = bridged.session.stats(every);
            bridged.answers.push(handling);
            self.advance(id);
        }
    }
}
