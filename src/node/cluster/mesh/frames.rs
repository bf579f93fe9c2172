//! What peers say beside events: their users, their soft rows, their figures.

use std::collections::BTreeMap;

use super::driver::Driver;
use super::gossip::SOFT_ROWS_MAX;
use super::input::Input;
use crate::node::cluster::replication::{LinkId, Moment};
use crate::node::presence::Heard;
use crate::node::replicator::Typist;
use crate::node::rooms::lock;
use crate::node::shared::Shared;
use crate::node::stats::own_figures;
use crate::protocol::peer::PeerFrame;
use crate::protocol::presence::{PresenceChanges, PresencePlace, PresenceSnapshot};
use crate::protocol::soft::{SoftPage, SoftRow};
use crate::protocol::{Origin, RoomKey, Uid, VersionVector};

impl Driver {
    /// How far this node's own account has come.
    pub(super) fn beat(&self) -> PeerFrame {
        PeerFrame::Beat {
            presence: self.shared.people().presence.our_place(),
            soft: *self.shared.store.soft_rev().borrow(),
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
                let effects = self.core.receive(now, link, frame);
                self.carry_out(now, effects);
            }
            PeerFrame::Known { addresses } => self.links.learn(&addresses),
            PeerFrame::Leaving {} => lock(&self.nodes).left(now, &origin),
            PeerFrame::Beat { presence, soft } => self.beaten(now, link, &origin, presence, soft),
            PeerFrame::PresenceAsk {} => self.tell_everybody_here(link),
            PeerFrame::PresenceAll(snapshot) => self.snapshot(&origin, snapshot),
            PeerFrame::Presence(changes) => self.changes(link, &origin, changes),
            PeerFrame::SoftAsk { since } => self.read_soft(link, since),
            PeerFrame::Soft(page) => self.take_soft(link, page),
            PeerFrame::Typing {
                room,
                uid,
                name,
                on,
            } => self.shared.show_typing(&Typist {
                room,
                uid,
                name,
                on,
            }),
            PeerFrame::StatsAsk { id } => {
                let (shared, inputs) = (self.shared.clone(), self.inputs.clone());
                self.tasks.spawn(async move {
                    let figures = Box::new(own_figures(&shared));
                    let frame = PeerFrame::StatsAnswer { id, figures };
                    inputs.tell_surely(Input::Answer { link, frame }).await;
                });
            }
            PeerFrame::StatsAnswer { id, figures } => self.asked.answered(id, *figures),
            PeerFrame::Hello(_) | PeerFrame::Ping { .. } | PeerFrame::Pong { .. } => {}
        }
    }

    fn beaten(
        &mut self,
        now: Moment,
        link: LinkId,
        origin: &Origin,
        place: PresencePlace,
        soft: u64,
    ) {
        let time = self.shared.steady();
        let node = origin.as_str();
        if self.shared.people().presence.heard(node, Some(place), time) {
            self.send(link, &PeerFrame::PresenceAsk {});
        }
        if let Some(since) = self.soft.told(now, origin, soft) {
            self.send(link, &PeerFrame::SoftAsk { since });
        }
    }

    fn tell_everybody_here(&self, link: LinkId) {
        let parts = self.shared.people().presence.our_snapshot();
        for part in parts {
            self.send(link, &PeerFrame::PresenceAll(part));
        }
    }

    fn snapshot(&self, origin: &Origin, snapshot: PresenceSnapshot) {
        let now = self.shared.steady();
        self.shared.change_people(|people| {
            let notices = people.presence.snapshot(origin.as_str(), snapshot, now);
            ((), notices)
        });
    }

    fn changes(&self, link: LinkId, origin: &Origin, changes: PresenceChanges) {
        let now = self.shared.steady();
        let ask = self.shared.change_people(|people| {
            let heard = people.presence.change(origin.as_str(), changes, now);
            let Heard {
                notices,
                ask_snapshot,
            } = heard;
            (ask_snapshot, notices)
        });
        if ask {
            self.send(link, &PeerFrame::PresenceAsk {});
        }
    }

    /// The last link to the node is gone: its users go soon, unless it is back.
    pub(super) fn lose_people_of(&self, origin: &Origin) {
        let now = self.shared.steady();
        self.shared.people().presence.lost(origin.as_str(), now);
    }

    fn read_soft(&self, link: LinkId, since: u64) {
        let (store, inputs) = (self.shared.store.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            match store
                .read(move |r| r.soft_since(since, SOFT_ROWS_MAX))
                .await
            {
                Ok(page) => {
                    let frame = PeerFrame::Soft(page);
                    inputs.tell_surely(Input::Answer { link, frame }).await;
                }
                Err(error) => tracing::warn!(%error, "cannot read soft rows for a peer"),
            }
        });
    }

    fn take_soft(&self, link: LinkId, page: SoftPage) {
        let (shared, inputs) = (self.shared.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            let SoftPage { rows, rev, more } = page;
            let stored = shared.store.merge_soft(rows).await;
            let taken = match stored {
                Ok(news) => {
                    show_news(&shared, &news);
                    Some(rev)
                }
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

/// Remembers users that other nodes know, and tells users' sessions here how far they have read
/// elsewhere.
fn show_news(shared: &Shared, news: &[SoftRow]) {
    let now = shared.now();
    let mut read: BTreeMap<(&Uid, &RoomKey), VersionVector> = BTreeMap::new();
    for row in news {
        match row {
            SoftRow::Room { .. } => {}
            SoftRow::User(user) => {
                shared.people().names.merge(user, now);
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
        shared.show_read(uid, room, since, None);
    }
    if !news.is_empty() {
        shared.replicator().soft_changed();
    }
}
