//! What peers say beside events: their users, their soft rows, their figures.

use std::sync::Arc;

use super::driver::Driver;
use super::gossip::SOFT_ROWS_MAX;
use super::input::Input;
use crate::node::cluster::replication::{LinkId, Moment};
use crate::node::replicator::Typist;
use crate::node::rooms::lock;
use crate::protocol::peer::PeerFrame;
use crate::protocol::presence::{PresenceChanges, PresencePlace};
use crate::protocol::soft::SoftPage;
use crate::protocol::{Event, Origin};

impl Driver {
    /// How far this node's own account has come.
    pub(super) fn beat(&self) -> PeerFrame {
        PeerFrame::Beat {
            presence: self.node.place(),
            soft: self.node.soft_rev(),
        }
    }

    pub(super) fn frame(&mut self, now: Moment, link: LinkId, frame: PeerFrame) {
        let Some(origin) = self.peers.get(&link).map(|peer| peer.origin.clone()) else {
            return;
        };
        match frame {
            PeerFrame::Vector { .. }
            | PeerFrame::Push { .. }
            | PeerFrame::Stored { .. }
            | PeerFrame::Pull { .. }
            | PeerFrame::Range { .. }
            | PeerFrame::Piece(_) => {
                if let PeerFrame::Range { events, .. } = &frame {
                    self.count_merged(events);
                }
                let effects = self.core.receive(now, link, frame);
                self.carry_out(now, effects);
            }
            PeerFrame::Known { addresses } => self.links.learn(&addresses),
            PeerFrame::Leaving {} => lock(&self.nodes).left(now, &origin),
            PeerFrame::Beat { presence, soft } => self.beaten(now, link, &origin, presence, soft),
            PeerFrame::PresenceAsk {} => self.tell_everybody_here(link),
            PeerFrame::PresenceAll(part) => self.node.everybody_there(&origin, part),
            PeerFrame::Presence(changes) => self.changes(link, &origin, changes),
            PeerFrame::SoftAsk { since } => self.read_soft(link, since),
            PeerFrame::Soft(page) => self.take_soft(link, page),
            PeerFrame::Typing {
                room,
                uid,
                name,
                on,
            } => self.node.show_typing(&Typist {
                room,
                uid,
                name,
                on,
            }),
            PeerFrame::StatsAsk { id } => {
                let (node, inputs) = (self.node.clone(), self.inputs.clone());
                self.tasks.spawn(async move {
                    let figures = Box::new(node.figures());
                    let frame = PeerFrame::StatsAnswer { id, figures };
                    inputs.tell_surely(Input::Answer { link, frame }).await;
                });
            }
            PeerFrame::StatsAnswer { id, figures } => self.asked.answered(id, *figures),
            PeerFrame::Hello(_) | PeerFrame::Ping { .. } | PeerFrame::Pong { .. } => {}
        }
    }

    /// What is fetched was missed while it happened, unless it has come another way meanwhile.
    fn count_merged(&self, events: &[Arc<Event>]) {
        let held = self.node.held();
        let missed = events.iter().filter(|e| !held.covers(&e.origin, e.seq));
        self.node.note_merged(missed.count() as u64);
    }

    fn beaten(
        &mut self,
        now: Moment,
        link: LinkId,
        origin: &Origin,
        place: PresencePlace,
        soft: u64,
    ) {
        if self.node.heard(origin, Some(place)) {
            self.send(link, &PeerFrame::PresenceAsk {});
        }
        if let Some(since) = self.soft.told(now, origin, soft) {
            self.send(link, &PeerFrame::SoftAsk { since });
        }
    }

    fn tell_everybody_here(&self, link: LinkId) {
        for part in self.node.everybody_here() {
            self.send(link, &PeerFrame::PresenceAll(part));
        }
    }

    fn changes(&self, link: LinkId, origin: &Origin, changes: PresenceChanges) {
        if self.node.came_and_went(origin, changes) {
            self.send(link, &PeerFrame::PresenceAsk {});
        }
    }

    fn read_soft(&self, link: LinkId, since: u64) {
        let (node, inputs) = (self.node.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            match node.soft_since(since, SOFT_ROWS_MAX).await {
                Ok(page) => {
                    let frame = PeerFrame::Soft(page);
                    inputs.tell_surely(Input::Answer { link, frame }).await;
                }
                Err(error) => tracing::warn!(%error, "cannot read soft rows for a peer"),
            }
        });
    }

    fn take_soft(&self, link: LinkId, page: SoftPage) {
        let (node, inputs) = (self.node.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            let SoftPage { rows, rev, more } = page;
            let taken = match node.take_soft(rows).await {
                Ok(()) => Some(rev),
                Err(error) => {
                    tracing::warn!(%error, "cannot store soft rows of a peer; it is asked again");
                    None
                }
            };
            let taken = Input::SoftTaken {
                link,
                rev: taken,
                more,
            };
            inputs.tell_surely(taken).await;
        });
    }

    pub(super) fn soft_taken(&mut self, now: Moment, link: LinkId, rev: Option<u64>, more: bool) {
        let Some(peer) = self.peers.get(&link) else {
            return;
        };
        match rev {
            Some(rev) => {
                if let Some(since) = self.soft.took(now, &peer.origin, rev, more) {
                    self.send(link, &PeerFrame::SoftAsk { since });
                }
            }
            None => self.soft.lost(&peer.origin),
        }
    }
}
