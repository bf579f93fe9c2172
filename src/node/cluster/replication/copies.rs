//! When an event of this node may be acknowledged, and as stored on how many nodes.
//!
//! The disks of peers write while this node's does; what is waited for after that is a peer that was
//! sent the event, answers at its usual pace, and has not confirmed it yet. Nobody else is waited for:
//! a node that is alone acknowledges alone, and a peer that stalls holds up one wait, not all of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::limits::COPIES_WAIT;
use super::peer::Peer;
use super::{LinkId, Moment};
use crate::node::breaks::{Break, is_broken};
use crate::protocol::{Origin, Seq};

/// This node's events that are committed and not acknowledged.
#[derive(Debug)]
pub struct Copies {
    /// Nodes that are to have an event, this one included.
    wanted: usize,
    /// The ends of transactions, in order.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    origin: Origin,
    up_to: Seq,
    until: Moment,
}

/// Everything of `origin` up to `up_to` is on stable storage on `copies` nodes at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub origin: Origin,
    pub up_to: Seq,
    pub copies: u32,
}

/// Who has an event, and who may be expected to confirm it soon.
struct Standing {
    have: usize,
    hopeful: Vec<LinkId>,
}

impl Copies {
    /// `wanted` nodes are to have an event, this one included.
    pub fn new(wanted: u32) -> Copies {
        Copies {
            wanted: wanted as usize,
            waiting: VecDeque::new(),
        }
    }

    /// This node has committed its own log up to here.
    pub fn committed(&mut self, now: Moment, origin: &Origin, up_to: Seq) {
        self.waiting.push_back(Waiting {
            origin: origin.clone(),
            up_to,
            until: now + COPIES_WAIT,
        });
    }

    /// What may be acknowledged now. Peers that were waited for in vain are not waited for again
    /// before they have confirmed what they owe.
    pub fn settle(&mut self, now: Moment, peers: &mut BTreeMap<LinkId, Peer>) -> Vec<Acknowledged> {
        let mut acknowledged = Vec::new();
        while let Some(Waiting {
            origin,
            up_to,
            until,
        }) = self.waiting.front()
        {
            let standing = standing(peers, origin, *up_to);
            let wanted = self.wanted.min(standing.have + standing.hopeful.len());
            if standing.have < wanted && now < *until {
                break;
            }
            if standing.have < wanted {
                for link in standing.hopeful {
                    if let Some(peer) = peers.get_mut(&link) {
                        peer.owes = Some((origin.clone(), *up_to));
                    }
                }
            }
            acknowledged.push(Acknowledged {
                origin: origin.clone(),
                up_to: *up_to,
                copies: u32::try_from(standing.have).unwrap_or(u32::MAX),
            });
            self.waiting.pop_front();
        }
        acknowledged
    }

    /// Nodes, this one included, that are known to have the event, and whether it is worth waiting
    /// for more of them.
    pub fn of(&self, peers: &BTreeMap<LinkId, Peer>, origin: &Origin, seq: Seq) -> (u32, bool) {
        let standing = standing(peers, origin, seq);
        let more = standing.have < self.wanted && !standing.hopeful.is_empty();
        (u32::try_from(standing.have).unwrap_or(u32::MAX), more)
    }
}

fn standing(peers: &BTreeMap<LinkId, Peer>, origin: &Origin, seq: Seq) -> Standing {
    // By the origin they write: for a moment there may be two links to one node.
    let mut have = BTreeSet::new();
    let mut hopeful = BTreeMap::new();
    for (link, peer) in peers {
        let sent = peer.is_sent(origin, seq);
        if peer.has(origin) >= seq || (sent && is_broken(Break::CountsCopiesOnTheirWay)) {
            have.insert(&peer.origin);
        } else if sent && peer.is_prompt() {
            hopeful.insert(&peer.origin, *link);
        }
    }
    hopeful.retain(|origin, _| !have.contains(origin));
    Standing {
        have: 1 + have.len(),
        hopeful: hopeful.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::node::cluster::replication::sim::event;
    use crate::node::cluster::replication::{Effect, Replication};
    use crate::protocol::VersionVector;
    use crate::protocol::peer::PeerFrame;

    fn origin(n: usize) -> Origin {
        Origin::parse(&format!("n{n}-0000")).unwrap()
    }

    /// Peers that were sent the first ten events of node 0.
    fn peers(count: usize) -> BTreeMap<LinkId, Peer> {
        let peer = |n| {
            let mut peer = Peer::new(Moment::ZERO, origin(n));
            peer.held = Some(VersionVector::new());
            peer.was_served(&origin(0), 10);
            (LinkId(n as u64), peer)
        };
        (1..=count).map(peer).collect()
    }

    fn confirm(peers: &mut BTreeMap<LinkId, Peer>, n: u64, seq: Seq) {
        let held = [(origin(0), seq)].into_iter().collect();
        peers.get_mut(&LinkId(n)).unwrap().stored(&held);
    }

    fn acknowledged(up_to: Seq, copies: u32) -> Vec<Acknowledged> {
        let origin = origin(0);
        vec![Acknowledged {
            origin,
            up_to,
            copies,
        }]
    }

    #[test]
    fn a_node_that_is_alone_acknowledges_alone_and_at_once() {
        let mut copies = Copies::new(2);
        copies.committed(Moment::ZERO, &origin(0), 5);
        assert_eq!(
            copies.settle(Moment::ZERO, &mut BTreeMap::new()),
            acknowledged(5, 1)
        );
    }

    #[test]
    fn the_first_peer_to_confirm_is_enough_for_two_copies() {
        let (mut copies, mut peers) = (Copies::new(2), peers(2));
        copies.committed(Moment::ZERO, &origin(0), 5);
        assert_eq!(copies.settle(Moment::ZERO, &mut peers), []);
        confirm(&mut peers, 2, 4);
        assert_eq!(copies.settle(Moment::ZERO, &mut peers), []);
        confirm(&mut peers, 2, 5);
        assert_eq!(copies.settle(Moment::ZERO, &mut peers), acknowledged(5, 2));
    }

    #[test]
    fn a_peer_that_was_not_sent_it_is_not_waited_for() {
        let (mut copies, mut peers) = (Copies::new(2), peers(1));
        copies.committed(Moment::ZERO, &origin(0), 11);
        assert_eq!(copies.settle(Moment::ZERO, &mut peers), acknowledged(11, 1));
    }

    #[test]
    fn a_peer_that_takes_one_burst_after_the_other_is_waited_for() {
        let mut core = Replication::new(origin(0), VersionVector::new(), 2);
        core.link_up(Moment::ZERO, LinkId(1), origin(1));
        let says = |held| PeerFrame::Vector {
            held,
            linked: vec![],
        };
        core.receive(Moment::ZERO, LinkId(1), says(VersionVector::new()));
        let burst: Vec<_> = (1..=3000).map(|seq| event(&origin(0), seq)).collect();
        let acknowledged = |effects: Vec<Effect>| -> Vec<Effect> {
            let word = |effect: &Effect| matches!(effect, Effect::Acknowledge(_));
            effects.into_iter().filter(word).collect()
        };
        let effects = core.committed(Moment::ZERO, &burst);
        assert_eq!(acknowledged(effects), [], "two thirds are not even sent");
        for seq in [1024, 2048] {
            let held = [(origin(0), seq)].into_iter().collect();
            let effects = core.receive(Moment::ZERO, LinkId(1), PeerFrame::Stored { held });
            assert_eq!(acknowledged(effects), [], "confirmed to {seq}");
        }
        let held = [(origin(0), 3000)].into_iter().collect();
        let effects = core.receive(Moment::ZERO, LinkId(1), PeerFrame::Stored { held });
        let word = Acknowledged {
            origin: origin(0),
            up_to: 3000,
            copies: 2,
        };
        assert_eq!(acknowledged(effects), [Effect::Acknowledge(word)]);
    }

    #[test]
    fn a_silent_peer_holds_up_one_wait_until_it_is_heard_again() {
        let (mut copies, mut peers) = (Copies::new(2), peers(1));
        copies.committed(Moment::ZERO, &origin(0), 5);
        let just_before = COPIES_WAIT - Duration::from_millis(1);
        assert_eq!(copies.settle(just_before, &mut peers), []);
        assert_eq!(copies.settle(COPIES_WAIT, &mut peers), acknowledged(5, 1));
        copies.committed(COPIES_WAIT, &origin(0), 6);
        assert_eq!(
            copies.settle(COPIES_WAIT, &mut peers),
            acknowledged(6, 1),
            "it is not waited for a second time"
        );
        confirm(&mut peers, 1, 6);
        copies.committed(COPIES_WAIT, &origin(0), 7);
        assert_eq!(copies.settle(COPIES_WAIT, &mut peers), []);
        confirm(&mut peers, 1, 7);
        assert_eq!(copies.settle(COPIES_WAIT, &mut peers), acknowledged(7, 2));
    }

    #[test]
    fn a_peer_that_is_lost_is_not_waited_for() {
        let (mut copies, mut peers) = (Copies::new(3), peers(2));
        copies.committed(Moment::ZERO, &origin(0), 5);
        confirm(&mut peers, 1, 5);
        assert_eq!(copies.settle(Moment::ZERO, &mut peers), []);
        peers.remove(&LinkId(2));
        assert_eq!(copies.settle(Moment::ZERO, &mut peers), acknowledged(5, 2));
    }
}
