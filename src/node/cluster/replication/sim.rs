//! Nodes in memory, with a network that loses, delays and reorders: seeded, without sockets or waiting.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Effect, LinkId, Moment, Replication};
use crate::protocol::peer::PeerFrame;
use crate::protocol::text::Text;
use crate::protocol::{
    Body, Event, Nonce, Origin, RoomKey, RoomName, Seq, Ts, Uid, UserName, VersionVector,
};

/// Chance from a seed (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

pub fn origin(node: usize) -> Origin {
    Origin::parse(&format!("n{node}-0000")).unwrap()
}

pub fn event(origin: &Origin, seq: Seq) -> Arc<Event> {
    Arc::new(Event {
        origin: origin.clone(),
        seq,
        ts: Ts(i64::try_from(seq).unwrap()),
        room: RoomKey::Room(RoomName::parse("lobby").unwrap()),
        uid: Uid::parse("k7q2m4").unwrap(),
        name: UserName::parse("alice").unwrap(),
        nonce: Nonce::parse(&format!("{origin}/{seq}")).unwrap(),
        body: Body::Message {
            text: Text::parse("hello").unwrap(),
            reply_to: None,
        },
    })
}

/// A node: its disk, which outlives it, and its core.
pub struct Node {
    pub disk: BTreeMap<Origin, Vec<Arc<Event>>>,
    pub core: Replication,
    /// Handed to the store, not committed.
    queue: VecDeque<Vec<Arc<Event>>>,
    pub ingested: usize,
}

pub struct Sim {
    pub now: Moment,
    pub chance: Chance,
    pub nodes: Vec<Node>,
    /// Frames on the way: when, the order of sending, to which node over which link.
    wire: BTreeMap<(Moment, u64), (usize, LinkId, PeerFrame)>,
    /// The last arrival of each direction, so that links without loss keep the order.
    arrivals: BTreeMap<(usize, LinkId), Moment>,
    /// Links that are up, by their ends.
    pub links: BTreeMap<(usize, usize), LinkId>,
    sent: u64,
    /// Frames lost of a hundred; when not 0, frames also overtake each other.
    pub loss_percent: u64,
    pub frames_seen: BTreeMap<&'static str, usize>,
}

impl Sim {
    pub fn new(seed: u64, nodes: usize) -> Sim {
        let node = |n| Node {
            disk: BTreeMap::new(),
            core: Replication::new(origin(n), VersionVector::new(), 2),
            queue: VecDeque::new(),
            ingested: 0,
        };
        Sim {
            now: Moment::ZERO,
            chance: Chance(seed),
            nodes: (0..nodes).map(node).collect(),
            wire: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            links: BTreeMap::new(),
            sent: 0,
            loss_percent: 0,
            frames_seen: BTreeMap::new(),
        }
    }

    pub fn link(&mut self, a: usize, b: usize) {
        let ends = (a.min(b), a.max(b));
        if self.links.contains_key(&ends) {
            return;
        }
        self.sent += 1;
        let link = LinkId(self.sent);
        self.links.insert(ends, link);
        for (node, other) in [ends, (ends.1, ends.0)] {
            let effects = self.nodes[node].core.link_up(self.now, link, origin(other));
            self.carry_out(node, effects);
        }
    }

    pub fn cut(&mut self, a: usize, b: usize) {
        let ends = (a.min(b), a.max(b));
        let Some(link) = self.links.remove(&ends) else {
            return;
        };
        self.wire.retain(|_, (_, over, _)| *over != link);
        for node in [a, b] {
            let effects = self.nodes[node].core.link_down(self.now, link);
            self.carry_out(node, effects);
        }
    }

    /// Ends the node as kill -9 does, and starts it on its disk, without links.
    pub fn restart(&mut self, node: usize) {
        for other in 0..self.nodes.len() {
            self.cut(node, other);
        }
        let held = self.held(node);
        self.nodes[node].queue.clear();
        self.nodes[node].core = Replication::new(origin(node), held, 2);
    }

    pub fn held(&self, node: usize) -> VersionVector {
        let place = |(o, log): (&Origin, &Vec<_>)| (o.clone(), log.len() as Seq);
        self.nodes[node].disk.iter().map(place).collect()
    }

    /// A session of `node` says something.
    pub fn say(&mut self, node: usize) {
        let of = origin(node);
        let seq = self.nodes[node].disk.get(&of).map_or(0, Vec::len) as Seq + 1;
        self.commit(node, vec![event(&of, seq)]);
    }

    /// Lets `time` pass in steps of 10 ms.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10);
            while let Some(entry) = self.wire.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (node, link, frame) = entry.remove();
                let effects = self.nodes[node].core.receive(self.now, link, frame);
                self.carry_out(node, effects);
            }
            for node in 0..self.nodes.len() {
                // As group commit does: all that waits, or nothing yet.
                if !self.nodes[node].queue.is_empty() && self.chance.below(3) > 0 {
                    let events = self.nodes[node].queue.drain(..).flatten().collect();
                    self.store(node, events);
                }
                if self.now.as_millis().is_multiple_of(50) {
                    let effects = self.nodes[node].core.tick(self.now);
                    self.carry_out(node, effects);
                }
            }
        }
    }

    /// What the store does with events of peers: what is there already is passed over.
    fn store(&mut self, node: usize, events: Vec<Arc<Event>>) {
        let mut held = self.held(node);
        let mut new = Vec::new();
        for event in events {
            if held.covers(&event.origin, event.seq) {
                continue;
            }
            assert_eq!(event.seq, held.get(&event.origin) + 1, "a gap");
            held.advance(&event.origin, event.seq);
            new.push(event);
        }
        self.nodes[node].ingested += new.len();
        self.commit(node, new);
    }

    fn commit(&mut self, node: usize, events: Vec<Arc<Event>>) {
        for event in &events {
            let log = self.nodes[node].disk.entry(event.origin.clone());
            log.or_default().push(event.clone());
        }
        let effects = self.nodes[node].core.committed(self.now, &events);
        self.carry_out(node, effects);
    }

    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => self.send(node, to, frame),
                Effect::Ingest(events) => self.nodes[node].queue.push_back(events),
                Effect::Read {
                    to,
                    origin,
                    after,
                    limit,
                } => {
                    let log = self.nodes[node].disk.get(&origin).map_or(&[][..], |l| l);
                    let page = log.iter().skip(after as usize).take(limit);
                    let page = page.cloned().collect();
                    let core = &mut self.nodes[node].core;
                    let effects = core.served(self.now, to, origin, after, page);
                    self.carry_out(node, effects);
                }
                Effect::Acknowledge(_) | Effect::Hash { .. } => {}
                Effect::Diverged { .. } => panic!("no disk has rotted"),
                Effect::OwnLogIsBehind { .. } => panic!("no disk was set back"),
            }
        }
    }

    fn send(&mut self, from: usize, link: LinkId, frame: PeerFrame) {
        *self.frames_seen.entry(name_of(&frame)).or_default() += 1;
        let ends = self.links.iter().find(|(_, l)| **l == link);
        let Some((&(a, b), _)) = ends else {
            return;
        };
        if self.chance.below(100) < self.loss_percent {
            return;
        }
        let to = if from == a { b } else { a };
        let mut at = self.now + Duration::from_millis(1 + self.chance.below(30));
        if self.loss_percent == 0 {
            let last = self.arrivals.entry((to, link)).or_default();
            at = at.max(*last);
            *last = at;
        }
        self.sent += 1;
        self.wire.insert((at, self.sent), (to, link, frame));
    }

    /// Whether all nodes have the same logs.
    pub fn agree(&self) -> bool {
        self.nodes
            .iter()
            .all(|node| node.disk == self.nodes[0].disk)
    }

    /// The ends of links that could be up and are not.
    pub fn missing_links(&self) -> BTreeSet<(usize, usize)> {
        let count = self.nodes.len();
        (0..count)
            .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
            .filter(|ends| !self.links.contains_key(ends))
            .collect()
    }
}

fn name_of(frame: &PeerFrame) -> &'static str {
    match frame {
        PeerFrame::Vector { .. } => "vector",
        PeerFrame::Push { .. } => "push",
        PeerFrame::Stored { .. } => "stored",
        PeerFrame::Pull { .. } => "pull",
        PeerFrame::Range { .. } => "range",
        PeerFrame::Piece(_)
        | PeerFrame::Hello(_)
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
        | PeerFrame::Pong { .. } => "other",
    }
}
