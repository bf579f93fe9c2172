//! Replication, as a pure function of what happens: no socket, no clock, no store.
//!
//! A node pushes what it commits to the peers that are in step, and a peer that is not pulls ranges.
//! Vectors say who holds what; they are exchanged when a link comes up and every two seconds. A node
//! passes on other origins' events too, so that two nodes without a link hear of each other through a
//! third.
//!
//! Invariants. An origin's events reach the store in `seq` order without gaps. Nothing here is
//! unbounded: what finds no room is dropped and pulled later. Losing, doubling or reordering frames
//! costs time, never an event.

mod copies;
mod inbox;
pub mod limits;
mod peer;
mod pulls;
mod received;
mod recent;
mod scrub;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::node::breaks::{Break, is_broken};
use crate::protocol::peer::{PeerFrame, Piece, event_bytes_max};
use crate::protocol::{Event, Origin, Seq, VersionVector};
use copies::Copies;
use inbox::Inbox;
use limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, PIECE_EVERY, VECTOR_EVERY};
use peer::Peer;
use pulls::{Candidate, Pulls};
use recent::Recent;
use scrub::Scrub;

pub use copies::Acknowledged;

/// Time since the node's start, by a clock that never goes back.
pub type Moment = Duration;

/// A link to another node, as long as it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send `frame`, or drop it if the link's queue is full.
    Send { to: LinkId, frame: PeerFrame },
    /// Store these, in this order; they come back through `committed`, or `refused`.
    Ingest(Vec<Arc<Event>>),
    /// Read the events of `origin` past `after` from the store, `limit` at most, and bring them to
    /// `served`.
    Read {
        to: LinkId,
        origin: Origin,
        after: Seq,
        limit: usize,
    },
    /// Hash the events of `origin` past `after` up to `up_to`, and bring that to `hashed`: of what a
    /// peer has hashed (`of`), or of what peers are to be told.
    Hash {
        origin: Origin,
        after: Seq,
        up_to: Seq,
        of: Option<LinkId>,
    },
    /// The peer behind `link` has other events there than this node.
    Diverged { link: LinkId, piece: Piece },
    /// This node's events up to here may be acknowledged.
    Acknowledge(Acknowledged),
    /// A peer holds events of this node's own origin that this node never wrote: its store has been
    /// set back, and must write under a new origin.
    OwnLogIsBehind { held: Seq, peer_holds: Seq },
}

#[derive(Debug)]
pub struct Replication {
    /// The origin that this node writes.
    origin: Origin,
    held: VersionVector,
    /// How far this node's own events have been handed out: before they are committed here.
    written: Seq,
    peers: BTreeMap<LinkId, Peer>,
    recent: Recent,
    inbox: Inbox,
    pulls: Pulls,
    copies: Copies,
    scrub: Scrub,
}

impl Replication {
    /// A node whose store writes `origin` and holds `held`, and whose events are acknowledged when
    /// `copies` nodes have them.
    pub fn new(origin: Origin, held: VersionVector, copies: u32) -> Replication {
        let mut inbox = Inbox::default();
        for (of, seq) in held.iter() {
            inbox.committed(Moment::ZERO, of, seq, &mut Vec::new());
        }
        Replication {
            written: held.get(&origin),
            origin,
            held,
            peers: BTreeMap::new(),
            recent: Recent::default(),
            inbox,
            pulls: Pulls::default(),
            copies: Copies::new(copies),
            scrub: Scrub::new(PIECE_EVERY),
        }
    }

    /// The same, comparing a piece of the logs at this interval.
    #[must_use]
    pub fn comparing_every(mut self, every: Duration) -> Replication {
        self.scrub = Scrub::new(every);
        self
    }

    /// The origin that this node writes.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether there is anybody who would take this node's events before they are committed here.
    pub fn has_peers(&self) -> bool {
        !self.peers.is_empty()
    }

    /// Nodes, this one included, that are known to have the event, and whether it is worth waiting a
    /// moment for more of them.
    pub fn copies(&self, origin: &Origin, seq: Seq) -> (u32, bool) {
        self.copies.of(&self.peers, origin, seq)
    }

    /// Events that `link`'s node has not said to hold; `None` while it has said nothing.
    pub fn lag(&self, link: LinkId) -> Option<u64> {
        let held = self.peers.get(&link)?.held.as_ref()?;
        let behind = |(origin, seq): (&Origin, Seq)| seq.saturating_sub(held.get(origin));
        Some(self.held.iter().map(behind).sum())
    }

    /// A link to the node that writes `origin` has come up.
    pub fn link_up(&mut self, now: Moment, link: LinkId, origin: Origin) -> Vec<Effect> {
        self.peers.insert(link, Peer::new(now, origin));
        self.vectors_to_all(now)
    }

    /// Nothing more comes from `link` or goes to it.
    pub fn link_down(&mut self, now: Moment, link: LinkId) -> Vec<Effect> {
        if self.peers.remove(&link).is_none() {
            return Vec::new();
        }
        self.pulls.lost(link);
        self.scrub.lost(link);
        let mut effects = self.vectors_to_all(now);
        effects.extend(self.pull(now));
        effects.extend(self.acknowledge(now));
        effects
    }

    /// The store is about to commit these, which are this node's own: the peers may store them too.
    pub fn written(&mut self, now: Moment, events: &[Arc<Event>]) -> Vec<Effect> {
        for event in events.iter().filter(|event| event.origin == self.origin) {
            self.written = self.written.max(event.seq);
            self.recent.push(event);
        }
        self.pump(now)
    }

    /// The store writes under another origin from now on: the old one was set back, or a place of it
    /// was handed out and not committed. Of the old one, what peers hold is pulled like any other's.
    pub fn begin_origin(&mut self, now: Moment, origin: Origin) -> Vec<Effect> {
        let old = std::mem::replace(&mut self.origin, origin);
        self.recent.forget_after(&old, self.held.get(&old));
        self.written = self.held.get(&self.origin);
        self.pull(now)
    }

    /// The store has committed these, this node's own and others', each origin's in order.
    pub fn committed(&mut self, now: Moment, events: &[Arc<Event>]) -> Vec<Effect> {
        let before = self.held.get(&self.origin);
        let mut ingest = Vec::new();
        let mut advanced = BTreeSet::new();
        for event in events {
            self.held.advance(&event.origin, event.seq);
            self.recent.push(event);
            self.inbox
                .committed(now, &event.origin, event.seq, &mut ingest);
            advanced.insert(&event.origin);
        }
        let mut effects = ingest_effect(ingest);
        for (link, peer) in &mut self.peers {
            let owed = advanced
                .iter()
                .copied()
                .filter(|o| peer.owed.contains_key(*o));
            effects.extend(confirm(*link, peer, &self.held, owed.collect()));
        }
        effects.extend(self.pump(now));
        effects.extend(self.pull(now));
        effects.extend(self.own_committed(now, before));
        effects
    }

    /// The store could not take these: they are asked for again, after a pause.
    pub fn refused(&mut self, now: Moment, events: &[Arc<Event>]) {
        self.inbox.pause(now);
        for event in events {
            self.inbox.refused(&event.origin);
        }
    }

    /// The store passed over events of `origin`, since some before them are missing.
    pub fn gap(&mut self, now: Moment, origin: &Origin) -> Vec<Effect> {
        self.inbox.refused(origin);
        self.pull(now)
    }

    /// The store holds `held`, some of which `committed` was not told of.
    pub fn caught_up(&mut self, now: Moment, held: &VersionVector) -> Vec<Effect> {
        let mut ingest = Vec::new();
        for (origin, seq) in held.iter() {
            self.inbox.committed(now, origin, seq, &mut ingest);
        }
        let before = self.held.get(&self.origin);
        self.held.merge(held);
        let mut effects = ingest_effect(ingest);
        effects.extend(self.pull(now));
        effects.extend(self.own_committed(now, before));
        effects
    }

    /// The store has read what `Effect::Read` asked for.
    pub fn served(
        &mut self,
        now: Moment,
        link: LinkId,
        origin: Origin,
        after: Seq,
        mut events: Vec<Arc<Event>>,
    ) -> Vec<Effect> {
        let Some(peer) = self.peers.get_mut(&link) else {
            return Vec::new();
        };
        peer.reads = peer.reads.saturating_sub(1);
        let mut bytes = 0;
        events.retain(|event| {
            bytes += event_bytes_max(event);
            bytes <= BATCH_BYTES_MAX
        });
        let last = events.last().map_or(after, |event| event.seq);
        peer.was_served(&origin, last);
        if origin == self.origin {
            // The store may be further than this has heard.
            self.written = self.written.max(last);
        }
        let held = self.held.get(&origin).max(last);
        let frame = PeerFrame::Range {
            origin,
            after,
            events,
            held,
        };
        let mut effects = vec![Effect::Send { to: link, frame }];
        effects.extend(send_all(link, peer.pump(now, &self.origin, &self.recent)));
        effects
    }

    /// Lets time pass; to be called several times a second.
    pub fn tick(&mut self, now: Moment) -> Vec<Effect> {
        self.inbox.tick(now);
        self.pulls.tick(now);
        let mut effects = Vec::new();
        for peer in self.peers.values_mut() {
            peer.tick(now);
        }
        effects.extend(self.pump(now));
        let due: Vec<LinkId> = (self.peers.iter())
            .filter(|(_, peer)| now >= peer.vector_due)
            .map(|(link, _)| *link)
            .collect();
        effects.extend(self.vectors(now, &due));
        effects.extend(self.pull(now));
        effects.extend(self.acknowledge(now));
        if self.has_peers()
            && let Some((origin, after, up_to)) = self.scrub.next(now, &self.held)
        {
            let of = None;
            effects.push(Effect::Hash {
                origin,
                after,
                up_to,
                of,
            });
        }
        effects
    }

    /// The store has hashed what `Effect::Hash` asked for, or could not.
    pub fn hashed(
        &mut self,
        (origin, after, up_to): (Origin, Seq, Seq),
        of: Option<LinkId>,
        hash: Option<String>,
    ) -> Vec<Effect> {
        if let Some(link) = of {
            let diverged = self.scrub.compared(link, hash.as_deref());
            let effect = diverged.map(|piece| Effect::Diverged { link, piece });
            return effect.into_iter().collect();
        }
        let Some(hash) = hash else { return Vec::new() };
        let piece = Piece {
            origin,
            after,
            up_to,
            hash,
        };
        let send = |link: &LinkId| Effect::Send {
            to: *link,
            frame: PeerFrame::Piece(piece.clone()),
        };
        self.peers.keys().map(send).collect()
    }

    /// Pushes what is new to the peers that are in step.
    fn pump(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (link, peer) in &mut self.peers {
            effects.extend(send_all(*link, peer.pump(now, &self.origin, &self.recent)));
        }
        effects
    }

    /// This node's own log, which was committed up to `before`, has come further, perhaps.
    fn own_committed(&mut self, now: Moment, before: Seq) -> Vec<Effect> {
        let held = self.held.get(&self.origin);
        self.written = self.written.max(held);
        if held > before {
            self.copies.committed(now, &self.origin, held);
        }
        self.acknowledge(now)
    }

    fn acknowledge(&mut self, now: Moment) -> Vec<Effect> {
        let acknowledged = self.copies.settle(now, &mut self.peers);
        acknowledged.into_iter().map(Effect::Acknowledge).collect()
    }

    fn vectors_to_all(&mut self, now: Moment) -> Vec<Effect> {
        let all: Vec<LinkId> = self.peers.keys().copied().collect();
        self.vectors(now, &all)
    }

    fn vectors(&mut self, now: Moment, links: &[LinkId]) -> Vec<Effect> {
        let linked: Vec<Origin> = self.peers.values().map(|p| p.origin.clone()).collect();
        let mut effects = Vec::new();
        for link in links {
            if let Some(peer) = self.peers.get_mut(link) {
                peer.vector_due = now + VECTOR_EVERY;
                let (held, linked) = (self.held.clone(), linked.clone());
                let frame = PeerFrame::Vector { held, linked };
                effects.push(Effect::Send { to: *link, frame });
            }
        }
        effects
    }

    /// Asks for what peers hold and we do not.
    fn pull(&mut self, now: Moment) -> Vec<Effect> {
        if !self.inbox.is_open(now) || is_broken(Break::NeverPulls) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for origin in self.wanted() {
            let after = self.inbox.reached(&origin);
            let candidates: Vec<Candidate> = (self.peers.iter())
                .filter(|(_, peer)| peer.offers(&origin) > after)
                .map(|(link, peer)| Candidate {
                    link: *link,
                    first_hand: peer.origin == origin,
                })
                .collect();
            let linked = self.peers.values().any(|peer| peer.origin == origin);
            let chosen = self.pulls.choose(now, &origin, after, &candidates, linked);
            if let Some(to) = chosen {
                let limit = BATCH_EVENTS_MAX as u32;
                let frame = PeerFrame::Pull {
                    origin,
                    after,
                    limit,
                };
                effects.push(Effect::Send { to, frame });
            }
        }
        effects
    }

    /// The origins of which some peer offers more than we have or have on the way.
    fn wanted(&self) -> BTreeSet<Origin> {
        let mut wanted = BTreeSet::new();
        for peer in self.peers.values() {
            let held = peer.held.iter().flat_map(VersionVector::iter);
            for (origin, seq) in held.chain([(&peer.origin, peer.pushed)]) {
                if *origin != self.origin && seq > self.inbox.reached(origin) {
                    wanted.insert(origin.clone());
                }
            }
        }
        wanted
    }
}

/// Tells `peer` how far we have stored what it pushed of `origins`.
fn confirm(
    link: LinkId,
    peer: &mut Peer,
    held: &VersionVector,
    origins: BTreeSet<&Origin>,
) -> Option<Effect> {
    if origins.is_empty() {
        return None;
    }
    peer.owed.retain(|origin, seq| !held.covers(origin, *seq));
    let place = |origin: &Origin| (origin.clone(), held.get(origin));
    let frame = PeerFrame::Stored {
        held: origins.into_iter().map(place).collect(),
    };
    Some(Effect::Send { to: link, frame })
}

fn send_all(to: LinkId, frames: Vec<PeerFrame>) -> impl Iterator<Item = Effect> {
    frames
        .into_iter()
        .map(move |frame| Effect::Send { to, frame })
}

fn ingest_effect(events: Vec<Arc<Event>>) -> Vec<Effect> {
    if events.is_empty() {
        Vec::new()
    } else {
        vec![Effect::Ingest(events)]
    }
}
