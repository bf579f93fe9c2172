//! The seam between a node and the others: what it hands out, and what it asks of them.
//!
//! The mesh of [`cluster`](super::cluster) is the built-in one; [`Alone`] is a node without any. What
//! comes in from other nodes goes through [`Shared`](super::shared::Shared): events into the store
//! (`shared.store.ingest`), presence through [`Shared::change_people`](super::shared::Shared::change_people),
//! typing through [`Shared::show_typing`](super::shared::Shared::show_typing).

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::store::{Committed, Placed};
use crate::protocol::presence::PresenceChanges;
use crate::protocol::stats::{NodeFigures, NodeInfo, PeerFigures};
use crate::protocol::{RoomKey, Uid, UserName};

/// How long an acknowledgement waits for other nodes' disks after this node's own.
pub const COPIES_WAIT_MAX: Duration = Duration::from_millis(250);

/// An answer that takes a while.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Somebody writes, or has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typist {
    pub room: RoomKey,
    pub uid: Uid,
    pub name: UserName,
    pub on: bool,
}

/// Takes what is to reach the other nodes. Its functions are called in order and never wait: what
/// does not fit a queue is fetched by the others later, or dropped where it may be.
pub trait Replicator: Send + Sync + 'static {
    /// Events that are on this node's disk, its own and others', in the order of the commits.
    fn committed(&self, events: &[Committed]);

    /// On how many nodes' disks the event is, this one's included, once they are as many as are wanted
    /// or no more are to be expected: after [`COPIES_WAIT_MAX`] at most.
    fn copies(&self, placed: &Placed) -> Later<u32>;

    /// Who came and went on this node. Called under the lock of the people, so in order.
    fn presence(&self, changes: PresenceChanges);

    /// May be dropped.
    fn typing(&self, typing: Typist);

    /// Rooms, users or read markers of this node's soft tables have changed.
    fn soft_changed(&self);

    /// The other nodes it knows of.
    fn nodes(&self) -> Vec<NodeInfo>;

    /// The links to them.
    fn peers(&self) -> Vec<PeerFigures>;

    /// What a person should look at.
    fn alarms(&self) -> Vec<String>;

    /// The figures of the other nodes that answer within a second or so; of the one named, or all.
    fn figures(&self, node: Option<&str>) -> Later<Vec<NodeFigures>>;
}

/// No other nodes.
#[derive(Debug)]
pub struct Alone;

impl Replicator for Alone {
    fn committed(&self, _: &[Committed]) {}

    fn copies(&self, _: &Placed) -> Later<u32> {
        Box::pin(std::future::ready(1))
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
        Box::pin(std::future::ready(Vec::new()))
    }
}
