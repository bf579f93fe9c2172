//! What peers say: their vectors, pushes, confirmations, questions and answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::limits::{BATCH_EVENTS_MAX, READS_MAX, SEQ_END};
use super::{Effect, LinkId, Moment, Replication, confirm, ingest_effect, send_all};
use crate::node::breaks::{Break, is_broken};
use crate::protocol::limits::PEER_ORIGINS_MAX;
use crate::protocol::peer::{PeerFrame, Piece};
use crate::protocol::{Event, Origin, Seq, VersionVector};

impl Replication {
    /// `link` brought `frame`. Frames that are not about events are none of ours.
    pub fn receive(&mut self, now: Moment, link: LinkId, frame: PeerFrame) -> Vec<Effect> {
        if !self.peers.contains_key(&link) {
            return Vec::new();
        }
        match frame {
            PeerFrame::Vector { held, linked } => self.vector(now, link, held, linked),
            PeerFrame::Push { events } => self.pushed(now, link, events),
            PeerFrame::Stored { held } => self.stored(now, link, held),
            PeerFrame::Pull {
                origin,
                after,
                limit,
            } => self.asked(link, origin, after, limit),
            PeerFrame::Range {
                origin,
                after,
                events,
                held,
            } => self.range(now, link, &origin, after, events, held),
            PeerFrame::Piece(piece) => self.piece(link, piece),
            PeerFrame::Hello(_)
            | PeerFrame::Known { .. }
            | PeerFrame::Leaving {}
            | PeerFrame::Beat { .. }
            | PeerFrame::PresenceAsk {}
            | PeerFrame::PresenceAll(_)
            | PeerFrame::Presence(_)
            | PeerFrame::SoftAsk { .. }
            | PeerFrame::Soft(_)
            | PeerFrame::Typing { .. }
            | PeerFrame::StatsAsk { .. }
            | PeerFrame::StatsAnswer { .. }
            | PeerFrame::Ping { .. }
            | PeerFrame::Pong { .. } => Vec::new(),
        }
    }

    /// A peer has hashed a piece of a log: the same is hashed here, if it is here.
    fn piece(&mut self, link: LinkId, piece: Piece) -> Vec<Effect> {
        if !self.scrub.compare(link, &piece, &self.held) {
            return Vec::new();
        }
        let Piece {
            origin,
            after,
            up_to,
            ..
        } = piece;
        let of = Some(link);
        vec![Effect::Hash {
            origin,
            after,
            up_to,
            of,
        }]
    }

    fn vector(
        &mut self,
        now: Moment,
        link: LinkId,
        held: VersionVector,
        linked: Vec<Origin>,
    ) -> Vec<Effect> {
        let (Ok(held), Some(peer)) = (
            held.check_up_to(PEER_ORIGINS_MAX),
            self.peers.get_mut(&link),
        ) else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        let (own, theirs) = (self.written, held.get(&self.origin));
        if theirs > own {
            effects.push(Effect::OwnLogIsBehind {
                held: own,
                peer_holds: theirs,
            });
        }
        peer.linked = linked.into_iter().collect();
        peer.held.get_or_insert_default();
        peer.stored(&held);
        effects.extend(send_all(link, peer.pump(now, &self.origin, &self.recent)));
        effects.extend(self.pull(now));
        effects.extend(self.acknowledge(now));
        effects
    }

    fn pushed(&mut self, now: Moment, link: LinkId, events: Vec<Arc<Event>>) -> Vec<Effect> {
        let Some(peer) = self.peers.get_mut(&link) else {
            return Vec::new();
        };
        let mut ingest = Vec::new();
        let mut known = BTreeSet::new();
        for event in &events {
            if event.seq >= SEQ_END || event.origin == self.origin {
                continue;
            }
            if event.origin == peer.origin {
                // A node hands its own events out before it has committed them.
                peer.pushed = peer.pushed.max(event.seq);
            } else if let Some(held) = &mut peer.held {
                held.advance(&event.origin, event.seq);
            }
            if self.held.covers(&event.origin, event.seq) {
                known.insert(&event.origin);
            } else {
                let owed = peer.owed.entry(event.origin.clone()).or_default();
                *owed = (*owed).max(event.seq);
                self.inbox.take(now, event.clone(), &mut ingest);
            }
        }
        let mut effects = Vec::from_iter(confirm(link, peer, &self.held, known));
        if is_broken(Break::ConfirmsBeforeCommit) {
            let place = |event: &Arc<Event>| (event.origin.clone(), event.seq);
            let held = events.iter().map(place).collect();
            let frame = PeerFrame::Stored { held };
            effects.push(Effect::Send { to: link, frame });
        }
        effects.extend(ingest_effect(ingest));
        effects.extend(self.pull(now));
        effects
    }

    fn stored(&mut self, now: Moment, link: LinkId, held: VersionVector) -> Vec<Effect> {
        let (Ok(held), Some(peer)) = (
            held.check_up_to(PEER_ORIGINS_MAX),
            self.peers.get_mut(&link),
        ) else {
            return Vec::new();
        };
        peer.stored(&held);
        let pushes = send_all(link, peer.pump(now, &self.origin, &self.recent));
        let mut effects: Vec<Effect> = pushes.collect();
        effects.extend(self.acknowledge(now));
        effects
    }

    fn asked(&mut self, link: LinkId, origin: Origin, after: Seq, limit: u32) -> Vec<Effect> {
        match self.peers.get_mut(&link) {
            Some(peer) if peer.reads < READS_MAX && after < SEQ_END => {
                peer.reads += 1;
                let limit = (limit as usize).clamp(1, BATCH_EVENTS_MAX);
                vec![Effect::Read {
                    to: link,
                    origin,
                    after,
                    limit,
                }]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn range(
        &mut self,
        now: Moment,
        link: LinkId,
        origin: &Origin,
        after: Seq,
        events: Vec<Arc<Event>>,
        held: Seq,
    ) -> Vec<Effect> {
        let in_order = |(place, event): (Seq, &Arc<Event>)| {
            event.origin == *origin && event.seq == place && place < SEQ_END
        };
        let sound = *origin != self.origin
            && after < SEQ_END
            && held < SEQ_END
            && (after + 1..).zip(&events).all(in_order);
        let useful = sound && !events.is_empty();
        self.pulls.answered(now, link, origin, after, useful);
        if !sound {
            return Vec::new();
        }
        if let Some(known) = self
            .peers
            .get_mut(&link)
            .and_then(|peer| peer.held.as_mut())
        {
            known.advance(origin, held);
        }
        let mut ingest = Vec::new();
        for event in events {
            self.inbox.take(now, event, &mut ingest);
        }
        let mut effects = ingest_effect(ingest);
        effects.extend(self.pull(now));
        effects
    }
}
