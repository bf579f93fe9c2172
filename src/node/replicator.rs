//! The seam between a node and the others: what a node hands out, and what it asks of whoever brings
//! it to them.
//!
//! An [`Engine`] is what a node is started with; it makes the [`Replicator`] that the node calls from
//! then on, and is given a [`NodeHandle`], by which what other nodes say comes in. The mesh of
//! [`cluster`](super::cluster) is the engine that is built in; [`Alone`] is a node without others.
//! Every engine has to pass the stories of `tests/it/seam`, which know nothing but this.
//!
//! What an engine must bring about, by whatever means:
//!
//! - **Events** reach every node that can be reached, those of an origin in the order of their `seq`
//!   and without gaps in the end. They may come doubled, late and in any order: the store takes what
//!   follows and says what is missing. What a node has missed, for as long as it may have been away,
//!   comes from the stores of the others. Events are handed on as they are: an engine that numbers,
//!   dates or signs anew what it carries makes other events of them.
//! - **Copies** are counted only of nodes whose store has committed.
//! - **Users, typing, soft rows, figures and clocks** come in as [`NodeHandle`] says.
//!
//! Nothing is asked of how nodes find each other, or of who may be one of them.

use std::any::Any;
use std::fmt::Display;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use super::handle::NodeHandle;
pub use super::rooms::Together;
use super::store::{Committed, Placed};
use crate::protocol::presence::PresenceChanges;
use crate::protocol::stats::{NodeFigures, NodeInfo, PeerFigures};
use crate::protocol::{RoomKey, Uid, UserName};

/// How long an acknowledgement waits for other nodes' disks after this node's own.
pub const COPIES_WAIT_MAX: Duration = Duration::from_millis(250);

/// An answer that takes a while. It may be dropped before it has come.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Somebody writes, or has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typist {
    pub room: RoomKey,
    pub uid: Uid,
    pub name: UserName,
    pub on: bool,
}

/// What links a node with others, before it does.
pub trait Engine: Send {
    /// Takes what another program may hold already, a port say: the node's own port is taken by then,
    /// and its data folder is not open yet, so that a start that fails here has touched nothing.
    ///
    /// # Errors
    /// As [`Engine::start`].
    fn claim(&mut self) -> impl Future<Output = Result<(), EngineError>> + Send {
        ready(Ok(()))
    }

    /// Links the node with others from now on. Called once: the data folder is open, nothing was
    /// committed in this run, nobody is served. It need not reach anybody:
    /// [`Replicator::first_contact`] is for that.
    ///
    /// What comes in may be handed to `node` at once; it is shown once the node serves. Until then the
    /// store takes 64 batches of events, and has the next one wait: so this must not wait for
    /// [`NodeHandle::ingest`], only tasks beside it may.
    ///
    /// # Errors
    /// A line for the person who starts the node. Nothing may be left running, and no `node` held:
    /// the folder is closed after it.
    fn start(
        self,
        node: NodeHandle,
    ) -> impl Future<Output = Result<Arc<dyn Replicator>, EngineError>> + Send;
}

/// Why an engine does not start: one line for the person who starts the node.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(String);

impl EngineError {
    /// Of several lines one is made.
    pub fn new(reason: impl Display) -> EngineError {
        let reason = reason.to_string();
        let lines = reason.lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        EngineError(lines.join(" "))
    }
}

/// Takes what is to reach the other nodes.
///
/// Its functions are called from many tasks at once, some of them under locks of the node. Those that
/// give no [`Later`] must return at once: they wait for nothing, and call nothing of the [`NodeHandle`]
/// where this is said. What they are told goes into a bounded queue; what does not fit is dropped and
/// made up for as each says.
///
/// The node holds its replicator, so a replicator that holds a [`NodeHandle`] keeps the node's memory
/// for ever, unless it lets go of it in [`Replicator::stop`]. Better only its tasks have one.
pub trait Replicator: Any + Send + Sync {
    /// Events that are on this node's disk, its own and others', in the order of the commits; each
    /// once, one call at a time, after they were put where this node's clients are shown them. The thread
    /// is the one that writes to clients or the store's own, and the order of publishing is held
    /// meanwhile: whoever waits here holds up the node, and for the store for ever.
    ///
    /// What does not fit may be dropped: it is in the store, from where [`NodeHandle::events_after`]
    /// reads it. Events of others are among them since another node may have them from this one alone.
    /// Events that were committed before the node started are not told.
    fn committed(&self, events: &[Committed]);

    /// On how many nodes' disks the event at `placed` is, this one's included: as soon as they are as
    /// many as are wanted ([`NodeHandle::copies_wanted`]), or no more are to be expected, a node that is
    /// alone at once; and after [`COPIES_WAIT_MAX`] in any case. A node counts when its store has
    /// said that it committed (`Ok` of [`NodeHandle::ingest`]), never for having been sent something.
    ///
    /// The event is on this node's disk by then; [`Replicator::committed`] may be told of it before or
    /// after. With `placed.repeated` it was said before, may have been written by another node, and may
    /// have been committed long ago. Not asked when one copy is wanted. It is called, and what it gives is
    /// polled, under the lock of the connection that waits for it.
    fn copies(&self, placed: &Placed) -> Later<u32>;

    /// Who came and went on this node: the next batch of its account, numbered. It is called under the
    /// lock of the people, so in order, and must call nothing of the [`NodeHandle`] that is about users.
    ///
    /// A batch may be dropped: the next one's number tells the others, and so does
    /// [`NodeHandle::place`], that they have missed something. Not called once the node stops: whoever
    /// moves to another node is not to be seen leaving.
    fn presence(&self, changes: PresenceChanges);

    /// Somebody on this node writes, or has stopped. May be dropped, and is not made up for. No lock is
    /// held.
    fn typing(&self, typing: Typist);

    /// Soft rows of this node have changed, its own or those that it has taken in:
    /// [`NodeHandle::soft_rev`] has risen. May be dropped: the count tells it too. No lock is held.
    fn soft_changed(&self);

    /// The other nodes it knows of. `up` is a node that what is said here reaches now, and only such a
    /// one: sessions that move wait for what it may bring. One that has stopped in order is listed no
    /// longer; one that is lost stays, with `up` false, for an hour or so. The order does not matter.
    fn nodes(&self) -> Vec<NodeInfo>;

    /// The ways to them, with the same names and the same `up`, for an administrator.
    fn peers(&self) -> Vec<PeerFigures>;

    /// What a person should look at, a sentence each; a node that is lost is one, and is named in it.
    /// None while all is well.
    fn alarms(&self) -> Vec<String>;

    /// The figures ([`NodeHandle::figures`]) of the other nodes that answer within a second or so; of the
    /// one named, or all. Who does not answer is left out.
    fn figures(&self, node: Option<&str>) -> Later<Vec<NodeFigures>>;

    /// Where other nodes reach this one, if that is a port of this node.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// Comes when those who were to be found at the start have been asked for, and their clocks are
    /// known ([`NodeHandle::clock`]). Asked once, before anybody is served; the node waits for half a
    /// second at most and then drops it.
    fn first_contact(&self) -> Later<()> {
        Box::pin(ready(()))
    }

    /// Tells the others that the node leaves, hands out what it was told to, and ends all that runs;
    /// no [`NodeHandle`] is held when it is over. Asked once: sessions have ended, the store is still
    /// open. The node waits for five seconds at most.
    ///
    /// [`Replicator::committed`] may still be told of events during and after it: the others have them
    /// when the node is back.
    fn stop(&self) -> Later<()>;
}

/// No other nodes.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Engine for Alone {
    async fn start(self, _: NodeHandle) -> Result<Arc<dyn Replicator>, EngineError> {
        Ok(Arc::new(self))
    }
}

impl Replicator for Alone {
    fn committed(&self, _: &[Committed]) {}

    fn copies(&self, _: &Placed) -> Later<u32> {
        Box::pin(ready(1))
    }

    fn presence(&self, _: PresenceChanges) {}

    fn typing(&self, _: Typist) {}

    fn soft_changed(&self) {}

    fn nodes(&self) -> Vec<NodeInfo> {
        Vec::new()
    }

    fn peers(&self) -> Vec<PeerFigures> {
        Vec::new()
    }

    fn alarms(&self) -> Vec<String> {
        Vec::new()
    }

    fn figures(&self, _: Option<&str>) -> Later<Vec<NodeFigures>> {
        Box::pin(ready(Vec::new()))
    }

    fn stop(&self) -> Later<()> {
        Box::pin(ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_why_an_engine_does_not_start_is_one_line() {
        let error = EngineError::new("the broker refuses:\n\n  no such stream\n");
        assert_eq!(error.to_string(), "the broker refuses: no such stream");
    }
}
