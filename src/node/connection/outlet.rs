//! A connection as those see it who have something for it: they have it written by a delivery thread,
//! or wake its task.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use tokio::net::TcpStream;

use super::Phase;
use super::state::State;
use crate::node::rooms::{Delivered, Link, Signal, lock};
use crate::node::shared::Shared;

/// The socket, what is due to it, and who writes it.
pub(super) struct Outlet {
    pub(super) shared: Arc<Shared>,
    pub(super) stream: TcpStream,
    signal: Arc<Signal>,
    state: Mutex<State>,
    /// The connection's task.
    task: AtomicWaker,
    task_is_woken: AtomicBool,
}

impl Outlet {
    pub(super) fn new(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) -> Arc<Outlet> {
        let outlet = Arc::new_cyclic(|me: &Weak<Outlet>| {
            let ticket = shared.hub.delivery.ticket(me.clone());
            let signal = Arc::new(Signal::to_delivery(ticket));
            Outlet {
                state: Mutex::new(State::new(&shared, &signal, address)),
                shared,
                stream,
                signal,
                task: AtomicWaker::new(),
                task_is_woken: AtomicBool::new(false),
            }
        });
        // All may have been told before this one was there.
        if outlet.shared.stop.is_cancelled() {
            outlet.wake_task();
        }
        outlet
    }

    /// The connection's state. It is held for what is at hand, and never while anything is waited for.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The socket, if nobody else has a hand on the connection.
    pub(super) fn into_stream(self: Arc<Self>) -> Result<TcpStream, Arc<Self>> {
        Arc::try_unwrap(self).map(|outlet| outlet.stream)
    }

    /// Has the task look at the connection.
    pub(super) fn wake_task(&self) {
        if !self.task_is_woken.swap(true, Ordering::AcqRel) {
            self.task.wake();
        }
    }

    /// For the task: whether it was woken since it last asked.
    pub(super) fn poll_woken(&self, context: &mut Context<'_>) -> Poll<()> {
        self.task.register(context.waker());
        if self.task_is_woken.swap(false, Ordering::AcqRel) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// What is woken by an answer in the making: it is written when the rooms' lines are. It does not keep
    /// the connection, which keeps the answer.
    pub(super) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.signal))
    }
}

impl Link for Outlet {
    fn deliver(self: Arc<Self>) -> Delivered {
        self.signal.begin();
        let mut state = self.state();
        let written = state.write(&self);
        if state.wants_task() {
            drop(state);
            self.wake_task();
        }
        written
    }

    fn give_up(&self) {
        self.state().phase = Phase::Broken;
        self.wake_task();
    }

    fn stop(&self) {
        self.wake_task();
    }
}
