//! All sessions of the bridge behind one link to a node.
//!
//! [`core`] decides, without a socket; this is its handle: the lock around it, the waiting, and the
//! tokens that close a session when its transport is gone. The lock is never held across an `.await`.

pub mod core;
mod figures;
mod from_node;
pub mod outbox;
mod session;
mod splice;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;
use ulid::Ulid;

use self::core::{Core, NotTaken};
use self::figures::Figures;
use self::outbox::{Frame, Outbox};
use self::session::Reply;
use crate::protocol::Ts;
use crate::protocol::bridge::SessionId;
use crate::protocol::server::CloseReason;
use crate::protocol::stats::Stats;

pub use self::core::unavailable;
pub use self::splice::add_text;

/// How long the nodes' figures are waited for: a node gives the others a second.
const FIGURES_DEADLINE: Duration = Duration::from_secs(3);

/// The handle. One for the whole bridge.
#[derive(Debug)]
pub struct Switchboard {
    core: Mutex<Core>,
    /// Something is to be written to the node.
    pub output_due: Notify,
    pub link: watch::Sender<LinkState>,
}

/// Where the bridge's sessions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// No node can be reached.
    Down,
    /// Nodes can be reached, but do not take this bridge for one of their cluster's.
    Refused,
    Up {
        /// The node's name.
        node: String,
        /// As it stands in the configuration.
        address: String,
    },
}

/// A browser's session; dropping it closes it.
#[derive(Debug)]
pub struct BrowserSession {
    switchboard: Arc<Switchboard>,
    id: SessionId,
    pub outbox: Arc<Outbox>,
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Too many requests of the session are waiting already.
    Busy,
    /// The session is over.
    Ended,
}

impl Switchboard {
    pub fn new() -> Switchboard {
        Switchboard {
            core: Mutex::new(Core::new(Instant::now(), now)),
            output_due: Notify::new(),
            link: watch::Sender::new(LinkState::Down),
        }
    }

    /// A browser has come; `None` when there are too many.
    pub fn open(self: &Arc<Self>, address: IpAddr) -> Option<BrowserSession> {
        let outbox = Arc::new(Outbox::default());
        let id = self.lock().open(address, Arc::clone(&outbox))?;
        self.output_due.notify_one();
        Some(BrowserSession {
            switchboard: Arc::clone(self),
            id,
            outbox,
        })
    }

    /// The lock around the decisions.
    pub fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every browser that the bridge ends.
    pub fn end_all(&self) {
        for outbox in self.lock().outboxes() {
            outbox.end(CloseReason::ShuttingDown, "the bridge is being stopped");
        }
    }

    /// The figures of all nodes; `None` while none answers.
    pub async fn figures(&self) -> Option<Arc<Stats>> {
        let asked = self.lock().ask_figures(Instant::now());
        match asked {
            Figures::Here(stats) => Some(stats),
            Figures::Unavailable => None,
            Figures::Coming(answer) => {
                self.output_due.notify_one();
                timeout(FIGURES_DEADLINE, answer).await.ok()?.ok()
            }
        }
    }

    fn request(&self, id: SessionId, text: &str, reply: Reply) -> Result<(), NotTaken> {
        let nonce = Ulid::generate().to_string();
        let taken = self.lock().request(Instant::now(), id, text, &nonce, reply);
        self.output_due.notify_one();
        taken
    }
}

impl BrowserSession {
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Hands a browser's frame on. The answer comes through the outbox; so does a sign, after `Busy`,
    /// that another try may do.
    pub fn request(&self, text: &str) -> Result<(), NoAnswer> {
        self.hand_on(text, Reply::Outbox)
    }

    /// Hands a frame on and waits for its answer. The switchboard answers in the end, with
    /// `unavailable` if it must; how long to wait is the caller's to say.
    pub async fn ask(&self, text: &str) -> Result<Frame, NoAnswer> {
        let (reply, answer) = oneshot::channel();
        self.hand_on(text, Reply::Caller(reply))?;
        answer.await.map_err(|_| NoAnswer::Ended)
    }

    /// Hands a frame on that has no answer.
    pub fn tell(&self, text: &str) -> Result<(), NoAnswer> {
        self.hand_on(text, Reply::Nobody)
    }

    fn hand_on(&self, text: &str, reply: Reply) -> Result<(), NoAnswer> {
        let taken = self.switchboard.request(self.id, text, reply);
        taken.map_err(|not| match not {
            NotTaken::Busy => NoAnswer::Busy,
            NotTaken::NoSession => NoAnswer::Ended,
        })
    }
}

impl Drop for BrowserSession {
    fn drop(&mut self) {
        self.switchboard.lock().close(self.id);
        self.outbox.close();
        self.switchboard.output_due.notify_one();
    }
}

/// The wall clock.
pub fn now() -> Ts {
    Ts(jiff::Timestamp::now().as_microsecond())
}
