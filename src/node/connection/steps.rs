//! The connection's loop: what may be done is done, then one thing is waited for.

use std::future;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::input::{Input, Received};
use super::output::Output;
use super::{Connection, Mode, OUTPUT_BYTES_HIGH, Phase};
use crate::node::rooms::{ChannelKey, Drained, Line, Memberships, Page, Replaying};
use crate::node::session::{Answer, AnswerQueue, Effect, Session};
use crate::node::shared::Shared;
use crate::protocol::server::{CloseReason, ErrorFrame};
use crate::protocol::{ErrorCode, Refusal, ServerFrame};

/// What a round waited for.
enum Woken {
    Stop,
    Answer(Answer),
    Page(Page),
    Lines,
    Writable,
    Readable,
    Time,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) -> Connection {
        let hello = Instant::now() + shared.tuning.hello;
        Connection {
            session: Session::new(&shared, address.ip()),
            shared,
            stream,
            input: Input::new(),
            output: Output::default(),
            mode: Mode::Unknown,
            answers: AnswerQueue::default(),
            memberships: Memberships::default(),
            replaying: None,
            every: None,
            newest_due: None,
            hello: Some(hello),
            phase: Phase::Open,
        }
    }

    /// The server speaks first.
    pub(super) fn greet(&mut self) {
        let connect = self.shared.connect_frame();
        self.output.push(&connect);
    }

    /// One round; false when the connection is over but for what is still in the buffer.
    pub(super) async fn step(&mut self) -> bool {
        self.take_lines();
        let drained = self.fill();
        self.flush();
        self.move_on();
        match self.phase {
            Phase::Bridge(_) | Phase::Closing | Phase::Broken => return false,
            Phase::Open | Phase::Finishing { .. } => {}
        }
        if drained == Drained::Full && self.has_room() {
            // The socket took all there was; let others run before it gets more.
            tokio::task::yield_now().await;
            return true;
        }
        match self.wait().await {
            Woken::Stop => {
                self.input.clear();
                self.phase = Phase::Finishing { stopping: true };
            }
            Woken::Answer(answer) => self.answer_all(answer),
            Woken::Page(page) => self.give_page(page),
            Woken::Lines | Woken::Writable => {}
            Woken::Readable => self.receive(),
            Woken::Time => self.time_is_up(),
        }
        true
    }

    async fn wait(&mut self) -> Woken {
        let room = self.has_room();
        let open = self.phase == Phase::Open;
        let reading = open && room && self.answers.has_room() && !self.input.has_rest();
        let next_stats = self.every.as_ref().map(|every| every.1);
        let deadline = [self.hello, next_stats].into_iter().flatten().min();
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled(), if open => Woken::Stop,
            answer = self.answers.next(), if room && !self.answers.is_empty() => Woken::Answer(answer),
            page = next_page(&mut self.replaying), if room && self.replaying.is_some() => Woken::Page(page),
            () = self.memberships.woken(), if room => Woken::Lines,
            _ = self.stream.writable(), if !self.output.is_empty() => Woken::Writable,
            _ = self.stream.readable(), if reading => Woken::Readable,
            () = until(deadline), if open => Woken::Time,
        }
    }

    fn has_room(&self) -> bool {
        self.output.len() < OUTPUT_BYTES_HIGH
    }

    /// Takes what is due from the rooms, as far as there is room for it.
    fn fill(&mut self) -> Drained {
        if !self.has_room() {
            return Drained::Full;
        }
        let budget = OUTPUT_BYTES_HIGH - self.output.len();
        let (output, mode, session) = (self.output.bytes(), &mut self.mode, &self.session);
        let (mut lines, mut newest) = (0, None);
        let drained = self.memberships.drain(budget, |_, line| {
            if line
                .except
                .as_ref()
                .is_some_and(|except| session.is_except(except))
            {
                return;
            }
            lines += 1;
            newest = line.received_at.or(newest);
            mode.write_line(&line.bytes, output);
        });
        self.shared.metrics.deliveries.inc_by(lines);
        self.newest_due = newest.or(self.newest_due);
        if self.replaying.is_none()
            && let Some(slot) = self.memberships.next_behind()
        {
            self.replaying = Replaying::begin(&self.shared, &self.memberships, slot);
        }
        drained
    }

    pub(super) fn flush(&mut self) {
        if self.output.write(&self.stream).is_err() {
            self.phase = Phase::Broken;
        }
        // One sample a write: what left in one call was as long on its way as the newest of it.
        if self.output.is_empty()
            && let Some(received_at) = self.newest_due.take()
        {
            self.shared.metrics.delivery.record(received_at.elapsed());
        }
    }

    /// From finishing to closing, once all that was asked is answered.
    fn move_on(&mut self) {
        let Phase::Finishing { stopping } = self.phase else {
            return;
        };
        if !self.answers.is_empty() || self.input.has_rest() {
            return;
        }
        self.phase = Phase::Closing;
        if stopping {
            let reason = CloseReason::ShuttingDown;
            let answer = Answer::close(reason, "the node is shutting down; another one may be up");
            self.answer(answer);
        }
    }

    fn receive(&mut self) {
        match self.input.receive(&self.stream) {
            Ok(Received::Some) => {}
            Ok(Received::End) => self.phase = Phase::Finishing { stopping: false },
            Err(error) => {
                tracing::debug!(%error, "a connection broke");
                self.phase = Phase::Broken;
            }
        }
    }

    /// Writes an answer, and those that are there behind it, so that they leave in one call.
    fn answer_all(&mut self, first: Answer) {
        self.answer(first);
        while self.has_room()
            && !self.answers.is_empty()
            && let Some(answer) = self.answers.next().now_or_never()
        {
            self.answer(answer);
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
        if self.session.is_open() {
            self.hello = None;
        }
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
                if left.is_some() && self.replaying.as_ref().map(Replaying::slot) == left {
                    self.replaying = None;
                }
            }
            Effect::Every(every) => {
                self.every = every.map(|every| {
                    let first = Instant::now() + every.interval;
                    Box::new((every, first))
                });
            }
            Effect::Close => self.phase = Phase::Closing,
        }
    }

    fn give_page(&mut self, page: Page) {
        let slot = self.replaying.as_ref().map(Replaying::slot);
        let known = |line: &&Line| slot.is_some_and(|slot| self.memberships.knows(slot, line));
        for line in page.lines.iter().filter(|line| !known(line)) {
            self.mode.write_line(&line.bytes, self.output.bytes());
        }
        self.shared
            .metrics
            .deliveries
            .inc_by(page.lines.len() as u64);
        if let Some(cursor) = page.caught_up
            && let Some(replaying) = self.replaying.take()
        {
            self.memberships.resume(replaying.slot(), cursor);
        }
    }

    fn time_is_up(&mut self) {
        let now = Instant::now();
        if self.hello.is_some_and(|hello| hello <= now) {
            let message = "nobody said who they are in time; connect again and send user_join";
            let refusal = Refusal::new(ErrorCode::NotJoined, message);
            let error = ServerFrame::Error(ErrorFrame::new(None, refusal));
            self.mode.write_frame(&error, self.output.bytes());
            self.phase = Phase::Closing;
        } else if let Some(every) = &mut self.every
            && every.1 <= now
        {
            every.1 = now + every.0.interval;
            // Whoever does not take its answers gets no more of them.
            if self.answers.has_room() {
                self.answers.push(self.session.stats(&every.0));
            }
        }
    }
}

async fn next_page(replaying: &mut Option<Replaying>) -> Page {
    match replaying {
        Some(replaying) => replaying.next().await,
        None => future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => future::pending().await,
    }
}
