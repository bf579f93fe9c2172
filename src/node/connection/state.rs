//! What a connection is doing, in the hands of its task or of a delivery thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::outlet::Outlet;
use super::output::Output;
use super::{Mode, OUTPUT_BYTES_HIGH, Phase};
use crate::node::rooms::{
    ChannelKey, Delivered, Drained, Due, Line, Memberships, Page, Replaying, Signal, Slot,
};
use crate::node::session::{Answer, AnswerQueue, Effect, Session, StatsEvery};
use crate::node::shared::Shared;

/// A connection's whole state but for what its task waits for.
pub(super) struct State {
    pub(super) output: Output,
    pub(super) mode: Mode,
    pub(super) session: Session,
    pub(super) answers: AnswerQueue,
    pub(super) memberships: Memberships,
    /// Whose log is being read by the task.
    pub(super) replaying: Option<Slot>,
    /// A `stats` request that repeats, and when it is due next.
    pub(super) every: Option<Box<(StatsEvery, Instant)>>,
    /// When the newest line that is due was handed to the store.
    newest_due: Option<std::time::Instant>,
    pub(super) phase: Phase,
    /// The task takes nothing from the socket: it is to be woken when an answer is out, or there is room.
    pub(super) stalled: bool,
    /// The task waits for the socket to take more.
    pub(super) waits_for_socket: bool,
    /// Something has changed that the task must know.
    news: bool,
}

impl State {
    pub(super) fn new(shared: &Arc<Shared>, signal: &Arc<Signal>, address: SocketAddr) -> State {
        State {
            output: Output::default(),
            mode: Mode::Unknown,
            session: Session::new(shared, address.ip()),
            answers: AnswerQueue::default(),
            memberships: Memberships::of(Arc::clone(signal)),
            replaying: None,
            every: None,
            newest_due: None,
            phase: Phase::Open,
            stalled: false,
            waits_for_socket: false,
            news: false,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.output.len() < OUTPUT_BYTES_HIGH
    }

    /// Goes on to another phase, unless the end is decided.
    pub(super) fn go(&mut self, phase: Phase) {
        if self.goes_on() || phase == Phase::Broken {
            self.phase = phase;
        }
    }

    /// Whether more than what is in the buffer is still to be written.
    fn goes_on(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Finishing { .. })
    }

    /// Whether the task has something to do. It is asked once.
    pub(super) fn wants_task(&mut self) -> bool {
        std::mem::take(&mut self.news)
            || (!self.output.is_empty() && !self.waits_for_socket)
            || !matches!(self.phase, Phase::Open)
            || (self.replaying.is_none() && self.memberships.has_behind())
    }

    /// Writes what is due: the answers that are there, and what came in the rooms.
    pub(super) fn write(&mut self, outlet: &Arc<Outlet>) -> Delivered {
        if self.goes_on() {
            self.take_answers(outlet);
        }
        // The last answer may have been among them.
        if !self.goes_on() {
            return Delivered::Done;
        }
        let drained = self.fill(&outlet.shared, &outlet.stream);
        self.flush(&outlet.shared, &outlet.stream);
        if drained == Drained::Full && self.output.is_empty() {
            Delivered::Part
        } else {
            Delivered::Done
        }
    }

    fn take_answers(&mut self, outlet: &Arc<Outlet>) {
        if self.answers.is_empty() || !self.has_room() {
            return;
        }
        let waker = outlet.waker();
        let mut context = Context::from_waker(&waker);
        while self.has_room()
            && self.goes_on()
            && let Poll::Ready(answer) = self.answers.poll_next(&mut context)
        {
            self.answer(answer);
        }
    }

    /// Takes what is due from the rooms, as far as there is room for it.
    fn fill(&mut self, shared: &Shared, stream: &TcpStream) -> Drained {
        if !self.has_room() {
            return Drained::Full;
        }
        let budget = OUTPUT_BYTES_HIGH - self.output.len();
        let (output, mode, session) = (&mut self.output, &mut self.mode, &self.session);
        let pieces = !matches!(mode, Mode::Text(_));
        let (mut lines, mut newest, mut broken) = (0, None, false);
        let drained = self
            .memberships
            .drain_due(budget, pieces, |_, due| match due {
                Due::Piece(piece) => {
                    lines += piece.lines;
                    newest = piece.received_at.or(newest);
                    broken |= output.write_through(stream, &piece.bytes).is_err();
                }
                Due::Line(line) => {
                    let except = line.except.as_ref();
                    if except.is_some_and(|except| session.is_except(except)) {
                        return;
                    }
                    lines += 1;
                    newest = line.received_at.or(newest);
                    mode.write_line(&line.bytes, output.bytes());
                }
            });
        shared.metrics.deliveries.inc_by(lines);
        self.newest_due = newest.or(self.newest_due);
        if broken {
            self.phase = Phase::Broken;
        }
        drained
    }

    pub(super) fn flush(&mut self, shared: &Shared, stream: &TcpStream) {
        let before = self.output.len();
        if self.output.write(stream).is_err() {
            self.phase = Phase::Broken;
        }
        self.news |= self.stalled && self.output.len() < before;
        // One sample a write: what left in one call was as long on its way as the newest of it.
        if self.output.is_empty()
            && let Some(received_at) = self.newest_due.take()
        {
            shared.metrics.delivery.record(received_at.elapsed());
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        for effect in &answer.effects {
            if let Effect::Enter(entry) = effect {
                self.catch_up_with(&entry.channel.key);
            }
        }
        for frame in &answer.frames {
            self.mode.write_frame(frame, self.output.bytes());
        }
        for effect in answer.effects {
            self.carry_out(effect);
        }
        self.news |= self.stalled;
    }

    /// A room that is joined once more: what was due of it comes before the answer, which has it too.
    fn catch_up_with(&mut self, key: &ChannelKey) {
        let (output, mode, session) = (self.output.bytes(), &mut self.mode, &self.session);
        self.memberships.drain_channel(key, |line| {
            let except = line.except.as_ref();
            if !except.is_some_and(|except| session.is_except(except)) {
                mode.write_line(&line.bytes, output);
            }
        });
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Enter(entry) => {
                self.memberships.enter(entry);
            }
            Effect::Leave(key) => {
                let left = self.memberships.leave(&key);
                if left.is_some() && self.replaying == left {
                    self.replaying = None;
                    self.news = true;
                }
            }
            Effect::Every(every) => {
                self.every = every.map(|every| {
                    let first = Instant::now() + every.interval;
                    Box::new((every, first))
                });
                self.news = true;
            }
            Effect::Close => self.phase = Phase::Closing,
        }
    }

    /// The next membership that must be read from the log, unless one is being read.
    pub(super) fn begin_replay(&mut self, shared: &Arc<Shared>) -> Option<Replaying> {
        if self.replaying.is_some() {
            return None;
        }
        let slot = self.memberships.next_behind()?;
        let replaying = Replaying::begin(shared, &self.memberships, slot)?;
        self.replaying = Some(slot);
        Some(replaying)
    }

    /// Takes a page of the log; whether it was the last one.
    pub(super) fn give_page(&mut self, shared: &Shared, page: Page) -> bool {
        let Some(slot) = self.replaying.filter(|_| self.goes_on()) else {
            return true;
        };
        let known = |line: &&Line| self.memberships.knows(slot, line);
        for line in page.lines.iter().filter(|line| !known(line)) {
            self.mode.write_line(&line.bytes, self.output.bytes());
        }
        shared.metrics.deliveries.inc_by(page.lines.len() as u64);
        let Some(cursor) = page.caught_up else {
            return false;
        };
        self.replaying = None;
        self.memberships.resume(slot, cursor);
        true
    }
}
