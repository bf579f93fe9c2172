//! What goes into the store and what comes out of it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::protocol::server::{Message, MessageUpdate, Place};
use crate::protocol::{
    Body, Event, MessageId, Nonce, Origin, RoomKey, Ts, Uid, UserName, VersionVector,
};

/// Something that a user of this node does in a room, to be stored.
#[derive(Clone, Debug)]
pub struct Deed {
    pub room: RoomKey,
    pub uid: Uid,
    /// The name it is done under.
    pub name: UserName,
    /// The same `(uid, nonce)` is the same message; edits, deletions, reactions and topics have
    /// nonces of their own.
    pub nonce: Nonce,
    pub body: Body,
    /// The newest time that the client has seen in the room: the event gets a later one.
    pub after: Option<Ts>,
}

/// Where a deed is stored, durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub place: Place,
    /// The message that it made or changed; for a topic, the topic's own `uid` and `nonce`.
    pub id: MessageId,
    /// Where it stands. For a repeated nonce, the first one's room.
    pub room: RoomKey,
    /// It was stored before: this is its place as this node knows it, and nothing new was logged.
    pub repeated: bool,
}

/// An event that is on stable storage, and what it has changed.
#[derive(Clone, Debug)]
pub struct Committed {
    pub event: Arc<Event>,
    pub outcome: Outcome,
    /// Accepted by this node, not by a peer.
    pub local: bool,
    /// When it was handed to the store.
    pub received_at: Instant,
}

/// Whoever brings this node's events to the peers' disks while this node's own still writes. It must
/// show them to nobody: what is shown is committed.
pub trait Early: Send + Sync + 'static {
    /// Whether somebody is there to take them.
    fn is_wanted(&self) -> bool;

    /// These are in the transaction that is being committed, in their order. Must not block.
    fn written(&self, events: Vec<Arc<Event>>);
}

/// What is to be shown of an event. The `room` of a message is a [`RoomKey`]'s text; for a direct
/// conversation each reader has another name for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A message that was not here before, with what updates that waited for it have made of it.
    Message(Message),
    /// A message that is here already stands in another, earlier place from now on.
    Moved(Message),
    /// A message changed; `view` is all of it, as it is now.
    Updated { kind: UpdateKind, view: Message },
    /// A message that is not here yet is edited or deleted. Whoever has read it on another node is told;
    /// `room` is as in a message.
    Early(MessageUpdate),
    /// The room has the event's topic from now on.
    Topic,
    /// Nothing: a duplicate, a reaction that waits for its message, an update that a later one outdoes.
    Hidden,
}

/// What changed of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateKind {
    Edit,
    Delete,
    Reactions,
}

/// What became of events from a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// For each origin that was named: how far it is held here now.
    pub held: VersionVector,
    /// Origins of which events came that do not follow what is held: pull from `held` on.
    pub gaps: Vec<Origin>,
    /// The peer knows more of this store's own origin than the store does: the disk was restored or
    /// rolled back, and [`Store::begin_new_origin`](super::Store::begin_new_origin) is due.
    pub own_ahead: bool,
    /// Events that were new here.
    pub stored: usize,
}

/// The events that were committed, in the order in which they were, a transaction at a time.
///
/// Bounded: while nobody takes them, the store does not write on.
#[derive(Debug)]
pub struct Commits(pub(super) mpsc::Receiver<Vec<Committed>>);

/// Told around the answers to those whose events were committed. The events themselves are in the
/// [`Commits`] before them.
pub trait Answering: Send + Sync + 'static {
    fn begin(&self);

    /// `events` were committed.
    fn end(&self, events: usize);
}

impl Commits {
    /// The next transaction's events; `None` once the store is closed.
    pub async fn next(&mut self) -> Option<Vec<Committed>> {
        self.0.recv().await
    }

    /// Whether events are there, or none will come any more.
    pub fn is_due(&self) -> bool {
        !self.0.is_empty() || self.0.is_closed()
    }

    /// Whether the store is closed, and all was taken.
    pub fn is_closed(&self) -> bool {
        self.0.is_empty() && self.0.is_closed()
    }

    /// The next transaction's events if they are there already.
    pub fn try_next(&mut self) -> Option<Vec<Committed>> {
        self.0.try_recv().ok()
    }
}
