//! The incoming side of the seam: the node, as the engine sees it that links it with others.
//!
//! All that other nodes say comes in through here, and all that an engine may ask of its node is here:
//! the mesh has nothing else. What to do with it is the engine's: see
//! [`replicator`](super::replicator).
//!
//! Another node is named here by its [`Origin`], the one that it wrote under when it was met, since
//! nothing keeps two nodes from having one name. All nodes must call a node the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::clock::NodeClock;
use super::config::Config;
use super::metrics::PeerPortRefusals;
use super::presence::Heard;
use super::replicator::Typist;
use super::rooms::Together;
use super::shared::{SERVER, Shared, Tuning};
use super::stats::own_figures;
use super::store::{Early, Ingested, Reader, StoreError};
use crate::protocol::peer::Incarnation;
use crate::protocol::presence::{PresenceChanges, PresencePlace, PresenceSnapshot};
use crate::protocol::soft::{SoftPage, SoftRow};
use crate::protocol::stats::NodeFigures;
use crate::protocol::{Event, Origin, RoomKey, Seq, Ts, Uid, VersionVector};

/// A node, for the engine that links it with others. Clones are cheap and mean the same node; as long
/// as one is held, the node's memory is.
///
/// What is not `async` returns at once. What is about users takes the lock of the people: it is never
/// called from within [`Replicator::presence`](super::replicator::Replicator::presence).
#[derive(Clone)]
pub struct NodeHandle {
    shared: Arc<Shared>,
    incarnation: Incarnation,
}

/// Who the node is.
impl NodeHandle {
    pub(super) fn new(shared: &Arc<Shared>, incarnation: Incarnation) -> NodeHandle {
        NodeHandle {
            shared: Arc::clone(shared),
            incarnation,
        }
    }

    /// What people call it. Two nodes may have one name.
    pub fn name(&self) -> &str {
        &self.shared.config.name
    }

    /// The log that it writes now. It may begin another one while it runs, by itself or by
    /// [`NodeHandle::begin_new_origin`]; it is another node to the others then.
    pub fn origin(&self) -> Origin {
        self.shared.store.origin()
    }

    /// Another one after each start.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Where its clients connect.
    pub fn client_address(&self) -> SocketAddr {
        self.shared.listen
    }

    /// Its program and version.
    pub fn server(&self) -> &'static str {
        SERVER
    }

    /// With which options it was started.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    pub fn tuning(&self) -> &Tuning {
        &self.shared.tuning
    }

    /// Nodes that are to have an event on their disks before it is acknowledged, this one included.
    pub fn copies_wanted(&self) -> u32 {
        self.shared.config.copies
    }

    /// The node's physical time. Of each other node in reach the engine tells it, every now and then,
    /// how far its [`NodeClock::own`] is ahead of this one's ([`NodeClock::heard`]), and has the time
    /// corrected by it ([`NodeClock::keep`]): else one machine's wrong clock dates messages wrongly.
    pub fn clock(&self) -> &Arc<NodeClock> {
        &self.shared.clock
    }

    /// Where what is turned away of what claims to come from nodes is counted.
    pub fn refusals(&self) -> &PeerPortRefusals {
        &self.shared.metrics.peer_port
    }

    /// Events that this node had missed while they happened were fetched for it: they are counted.
    pub fn note_merged(&self, events: u64) {
        self.shared.metrics.merged.inc_by(events);
    }

    /// The node's own figures, for an administrator who asks another node.
    pub fn figures(&self) -> NodeFigures {
        own_figures(&self.shared)
    }
}

/// The log.
impl NodeHandle {
    /// How far each origin is committed here.
    pub fn held(&self) -> VersionVector {
        self.shared.store.held()
    }

    /// Stores events of others, and has them shown. Of each origin those are taken that follow what is
    /// held, in the order in which they come here; what is held already is passed over; what is behind
    /// a gap is too, and the answer names its origin: the rest is to be fetched from what is held on. `Ok`
    /// is what a copy may be counted by: what the answer's vector names is committed.
    ///
    /// With `own_ahead` another node knows more of this node's own log than it does itself:
    /// [`NodeHandle::begin_new_origin`] is due.
    ///
    /// # Errors
    /// `Unavailable` (the disk is full, say: to be tried again), `Closed`. None of them is stored then.
    pub async fn ingest(&self, events: Vec<Arc<Event>>) -> Result<Ingested, StoreError> {
        self.shared.store.ingest(events).await
    }

    /// The same without waiting: `tell` is called with the answer on the store's thread, which must not be
    /// held up. It is dropped when the store is closed before.
    ///
    /// # Errors
    /// Gives the events back when the store's queue is full, or it is closed.
    pub fn ingest_and_tell(
        &self,
        events: Vec<Arc<Event>>,
        tell: impl FnOnce(Result<Ingested, StoreError>) + Send + 'static,
    ) -> Result<(), Vec<Arc<Event>>> {
        self.shared.store.ingest_and_tell(events, tell)
    }

    /// What `origin` wrote after `seq`, in order, for another node: `limit` events at most, and no more
    /// than make up `bytes` on the wire, save that one always comes if there is one.
    ///
    /// # Errors
    /// `Unavailable`, `Damaged`, `Closed`.
    pub async fn events_after(
        &self,
        origin: &Origin,
        seq: Seq,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Arc<Event>>, StoreError> {
        let origin = origin.clone();
        let read = move |reader: &Reader| reader.events_after(&origin, seq, limit, bytes);
        self.shared.store.read(read).await
    }

    /// The hash of what `origin` wrote past `after` and up to `up_to`, the same on all nodes unless a
    /// disk has changed it.
    ///
    /// # Errors
    /// As [`NodeHandle::events_after`].
    pub async fn hash(
        &self,
        origin: &Origin,
        after: Seq,
        up_to: Seq,
    ) -> Result<String, StoreError> {
        let origin = origin.clone();
        let read = move |reader: &Reader| reader.hash(&origin, after, up_to);
        self.shared.store.read(read).await
    }

    /// Whoever says of several events on how many disks they are does it while holding this: those who wait
    /// are written to once it is dropped, on the same thread if they are few. Nothing may be locked then
    /// that is asked for by [`Replicator::copies`](super::replicator::Replicator::copies).
    pub fn answer_together(&self) -> Together {
        self.shared.hub.delivery.answer_together()
    }

    /// From now on `early` is handed this node's own events while its disk still writes, so that other
    /// disks write at the same time; once only, and only for an engine that has use for it.
    pub fn hand_out_early(&self, early: impl Early) {
        self.shared.store.set_early(early);
    }

    /// The time of the last event that the node wrote under its origin; 0 for none.
    pub fn last_written(&self) -> Ts {
        self.shared.store.last_written()
    }

    /// Has the node write under a new origin: due when another node holds more of its log than it does,
    /// for a place must not be given twice.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`.
    pub async fn begin_new_origin(&self) -> Result<Origin, StoreError> {
        self.shared.store.begin_new_origin().await
    }
}

/// Users, and who writes.
impl NodeHandle {
    /// How far this node's account of its users has come. The others are to be told it every few
    /// seconds, and give it to [`NodeHandle::heard`].
    pub fn place(&self) -> PresencePlace {
        self.shared.people().presence.our_place()
    }

    /// All users of this node, for one that has missed something: one part or more, to reach it in this
    /// order and with nothing of presence between them.
    pub fn everybody_here(&self) -> Vec<PresenceSnapshot> {
        self.shared.people().presence.our_snapshot()
    }

    /// `other` is there; `place`, if it said so, is how far its account has come. Whether
    /// [`NodeHandle::everybody_there`] is to be told of all its users. A node whose word has not been
    /// heard for ten seconds, be it this or any other about its users, is taken for lost with all of them.
    pub fn heard(&self, other: &Origin, place: Option<PresencePlace>) -> bool {
        let now = self.shared.steady();
        let mut people = self.shared.people();
        people.presence.heard(other.as_str(), place, now)
    }

    /// A part of [`NodeHandle::everybody_here`] of another node; the last one replaces all that was held of
    /// it.
    pub fn everybody_there(&self, other: &Origin, part: PresenceSnapshot) {
        let now = self.shared.steady();
        self.shared.change_people(|people| {
            let notices = people.presence.snapshot(other.as_str(), part, now);
            ((), notices)
        });
    }

    /// What [`Replicator::presence`](super::replicator::Replicator::presence) was told on another node,
    /// in its order; a batch that comes again is passed over. Whether one was missed before it, and
    /// [`NodeHandle::everybody_there`] is to be told of all its users.
    #[must_use = "users who were missed are missing until they are asked for"]
    pub fn came_and_went(&self, other: &Origin, changes: PresenceChanges) -> bool {
        let now = self.shared.steady();
        self.shared.change_people(|people| {
            let heard = people.presence.change(other.as_str(), changes, now);
            let Heard {
                notices,
                ask_snapshot,
            } = heard;
            (ask_snapshot, notices)
        })
    }

    /// There is no way to `other` any more, or it has stopped: its users go in ten seconds, unless it
    /// is heard again before or they come back through another node.
    pub fn lost(&self, other: &Origin) {
        let now = self.shared.steady();
        self.shared.people().presence.lost(other.as_str(), now);
    }

    /// Shows that somebody on another node writes, or has stopped. What comes late is better dropped.
    pub fn show_typing(&self, typist: &Typist) {
        self.shared.show_typing(typist);
    }
}

/// Soft rows: rooms, users and read markers, which merge in any order and however often.
impl NodeHandle {
    /// The count of this node's changes. The others are told it, and ask for the rows past what they
    /// have of it; it counts within an origin, and starts over at another.
    pub fn soft_rev(&self) -> u64 {
        *self.shared.store.soft_rev().borrow()
    }

    /// The rows that have changed since the count was `rev`, `limit` at most. Those that came from other
    /// nodes are among them.
    ///
    /// # Errors
    /// As [`NodeHandle::events_after`].
    pub async fn soft_since(&self, rev: u64, limit: usize) -> Result<SoftPage, StoreError> {
        let read = move |reader: &Reader| reader.soft_since(rev, limit);
        self.shared.store.read(read).await
    }

    /// Stores what another node knows, and shows what of it was news to users here.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`: then none of it is stored, and it is to be asked for again.
    pub async fn take_soft(&self, rows: Vec<SoftRow>) -> Result<(), StoreError> {
        self.shared.marked.note(&rows);
        let news = self.shared.store.merge_soft(rows).await?;
        let now = self.shared.now();
        let mut read: BTreeMap<(&Uid, &RoomKey), VersionVector> = BTreeMap::new();
        for row in &news {
            match row {
                SoftRow::Room { .. } => {}
                SoftRow::User(user) => {
                    self.shared.people().names.merge(user, now);
                }
                SoftRow::Read {
                    uid,
                    room,
                    origin,
                    seq,
                } => read.entry((uid, room)).or_default().advance(origin, *seq),
            }
        }
        for ((uid, room), since) in read {
            self.shared.show_read(uid, room, since, None);
        }
        if !news.is_empty() {
            self.shared.replicator().soft_changed();
        }
        Ok(())
    }
}
