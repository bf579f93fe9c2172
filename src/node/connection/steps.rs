//! The connection's task: what may be done is done, then one thing is waited for.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::input::{Input, Received};
use super::outlet::Outlet;
use super::state::State;
use super::{Mode, Phase};
use crate::node::rooms::{Delivered, Replaying};
use crate::node::session::Answer;
use crate::node::shared::Shared;
use crate::protocol::server::CloseReason;
use crate::protocol::{ErrorCode, Refusal};

/// What only the task has a hand on.
pub(super) struct Task {
    pub(super) outlet: Arc<Outlet>,
    pub(super) input: Input,
    replaying: Option<Box<Replaying>>,
    /// None once the session is open.
    hello: Option<Box<UntilHello>>,
    /// Runs while there is something to be done at a time.
    timer: Option<Pin<Box<Sleep>>>,
    /// What the last round said that is to be waited for.
    wanted: Wanted,
}

/// How long a connection may go on without a user.
struct UntilHello {
    at: Instant,
    /// The client has begun in text mode, and was given the time that a person needs.
    is_text: bool,
}

/// What a round waits for.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted {
    stop: bool,
    page: bool,
    writable: bool,
    readable: bool,
}

/// What a round came to.
pub(super) enum Round {
    Over,
    Again,
    Wait(Wanted),
}

impl Task {
    pub(super) fn new(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) -> Task {
        let at = Instant::now() + shared.tuning.hello;
        let is_text = false;
        Task {
            outlet: Outlet::new(shared, stream, address),
            input: Input::default(),
            replaying: None,
            hello: Some(Box::new(UntilHello { at, is_text })),
            timer: None,
            wanted: Wanted::default(),
        }
    }

    /// The server speaks first.
    pub(super) fn greet(&mut self) {
        let connect = self.outlet.shared.connect_frame();
        self.outlet.state().output.push(&connect);
    }

    /// Does what may be done.
    pub(super) fn round(&mut self) -> Round {
        let outlet = Arc::clone(&self.outlet);
        let mut state = outlet.state();
        state.waits_for_socket = false;
        state.take_lines(&mut self.input, &outlet.shared);
        let written = state.write(&outlet);
        self.move_on(&mut state);
        match state.phase {
            Phase::Bridge(_) | Phase::Closing | Phase::Broken => return Round::Over,
            Phase::Open | Phase::Finishing { .. } => {}
        }
        let left = |replaying: &Replaying| state.replaying != Some(replaying.slot());
        if self.replaying.as_deref().is_some_and(left) {
            self.replaying = None;
        }
        if let Some(replaying) = state.begin_replay(&outlet.shared) {
            self.replaying = Some(Box::new(replaying));
        }
        // The socket took all it was given, or answers that were there have made room for more lines.
        if written == Delivered::Part || state.may_take(&self.input) {
            return Round::Again;
        }
        self.set_timer(&state);
        let (room, open) = (state.has_room(), state.phase == Phase::Open);
        let takes = room && state.answers.has_room() && !self.input.has_rest();
        // In text mode the next line may wait for an answer.
        state.stalled = !takes || matches!(state.mode, Mode::Text(_));
        state.waits_for_socket = !state.output.is_empty();
        // What was news until here has been seen.
        state.wants_task();
        Round::Wait(Wanted {
            stop: open,
            page: room && self.replaying.is_some(),
            writable: state.waits_for_socket,
            readable: open && takes,
        })
    }

    /// What [`Task::poll`] waits for.
    pub(super) fn wants(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// Waits until one of the things that are wanted comes, and takes it.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let wanted = self.wanted;
        let is_woken = self.outlet.poll_woken(context).is_ready();
        // Who is not woken need not ask: the stop wakes everybody.
        if wanted.stop && is_woken && self.outlet.shared.stop.is_cancelled() {
            self.input.clear();
            self.outlet.state().go(Phase::Finishing { stopping: true });
            return Poll::Ready(());
        }
        if wanted.page && self.poll_page(context).is_ready() {
            return Poll::Ready(());
        }
        let stream = &self.outlet.stream;
        if is_woken || (wanted.writable && stream.poll_write_ready(context).is_ready()) {
            return Poll::Ready(());
        }
        if wanted.readable && stream.poll_read_ready(context).is_ready() {
            self.receive();
            return Poll::Ready(());
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(context).is_ready()
        {
            self.timer = None;
            self.time_is_up();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(replaying) = &mut self.replaying else {
            return Poll::Pending;
        };
        let Poll::Ready(page) = pin!(replaying.next()).poll(context) else {
            return Poll::Pending;
        };
        let shared = &self.outlet.shared;
        if self.outlet.state().give_page(shared, page) {
            self.replaying = None;
        }
        Poll::Ready(())
    }

    fn set_timer(&mut self, state: &State) {
        if state.session.is_open() {
            self.hello = None;
        } else if let (Mode::Text(_), Some(hello)) = (&state.mode, &mut self.hello)
            && !hello.is_text
        {
            hello.is_text = true;
            hello.at = Instant::now() + self.outlet.shared.tuning.text_hello;
        }
        let next_stats = state.every.as_ref().map(|every| every.1);
        let hello = self.hello.as_ref().map(|hello| hello.at);
        let due = [hello, next_stats].into_iter().flatten().min();
        let due = due.filter(|_| state.phase == Phase::Open);
        if self.timer.as_ref().map(|timer| timer.deadline()) != due {
            self.timer = due.map(|at| Box::pin(sleep_until(at)));
        }
    }

    /// From finishing to closing, once all that was asked is answered.
    fn move_on(&mut self, state: &mut State) {
        let Phase::Finishing { stopping } = state.phase else {
            return;
        };
        if !state.answers.is_empty() || self.input.has_rest() {
            return;
        }
        state.phase = Phase::Closing;
        if stopping {
            let reason = CloseReason::ShuttingDown;
            let answer = Answer::close(reason, "the node is shutting down; another one may be up");
            state.answer(answer);
        }
    }

    fn receive(&mut self) {
        let ended = match self.input.receive(&self.outlet.stream) {
            Ok(Received::Some) => return,
            Ok(Received::End) => Phase::Finishing { stopping: false },
            Err(error) => {
                tracing::debug!(%error, "a connection broke");
                Phase::Broken
            }
        };
        self.outlet.state().go(ended);
    }

    fn time_is_up(&mut self) {
        let now = Instant::now();
        let mut state = self.outlet.state();
        let late = self.hello.as_ref().is_some_and(|hello| hello.at <= now);
        if late && !state.session.is_open() {
            let message = "nobody said who they are in time; connect again and send user_join";
            let refusal = Refusal::new(ErrorCode::NotJoined, message);
            state.answer(Answer::refused(None, refusal));
            state.phase = Phase::Closing;
            return;
        }
        let state = &mut *state;
        if let Some(every) = &mut state.every
            && every.1 <= now
        {
            every.1 = now + every.0.interval;
            // Whoever does not take its answers gets no more of them.
            if state.answers.has_room() {
                state.answers.push(state.session.stats(&every.0));
            }
        }
    }
}
