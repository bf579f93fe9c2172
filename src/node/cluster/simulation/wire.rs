//! Links between nodes: they come up, carry frames, and are lost, as the network lets them.
//!
//! A direction that is cut drops what is on it; both ends notice after a while and give the link up.
//! On a bad line frames are also lost, doubled and overtaken one by one, which TCP would not do, but
//! full queues may.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Chance;
use crate::node::cluster::replication::{LinkId, Moment};
use crate::protocol::peer::PeerFrame;

/// Time after which the end of a silent link gives it up.
const NOTICED_AFTER: Duration = Duration::from_secs(5);

/// What comes to a node over the wire.
pub enum Arrival {
    Up { link: LinkId, from: usize },
    Frame { link: LinkId, frame: PeerFrame },
    Down { link: LinkId },
}

/// A node's end of a link, and when nothing came over it since.
struct End {
    other: usize,
    link: LinkId,
    heard: Moment,
    last_arrival: Moment,
}

#[derive(Default)]
pub struct Wire {
    /// Directions that carry nothing.
    pub cut: BTreeSet<(usize, usize)>,
    /// Percent of frames that are lost; then they are doubled and overtake each other, too.
    pub loss: u64,
    ends: BTreeMap<(usize, usize), End>,
    on_the_way: BTreeMap<(Moment, u64), (usize, Arrival)>,
    next_try: BTreeMap<(usize, usize), Moment>,
    numbers: u64,
}

impl Wire {
    pub fn new(loss: u64) -> Wire {
        Wire {
            loss,
            ..Wire::default()
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn works(&self, a: usize, b: usize) -> bool {
        !self.cut.contains(&(a, b)) && !self.cut.contains(&(b, a))
    }

    /// Puts `frame` on the way from `from`, unless it is lost.
    pub fn send(
        &mut self,
        now: Moment,
        chance: &mut Chance,
        from: usize,
        link: LinkId,
        frame: &PeerFrame,
    ) {
        let end = |end: &&End| end.link == link;
        let mine = self.ends.range((from, 0)..(from + 1, 0)).map(|(_, e)| e);
        let Some(to) = mine.clone().find(end).map(|end| end.other) else {
            return;
        };
        if self.cut.contains(&(from, to)) || chance.percent(self.loss) {
            return;
        }
        let times = if self.loss > 0 && chance.percent(self.loss) {
            2
        } else {
            1
        };
        for _ in 0..times {
            let mut at = now + chance.millis(0, 5);
            if self.loss > 0 && chance.one_in(4) {
                at += chance.millis(0, 300);
            }
            if self.loss == 0
                && let Some(end) = self
                    .ends
                    .get_mut(&(to, from))
                    .filter(|end| end.link == link)
            {
                at = at.max(end.last_arrival);
                end.last_arrival = at;
            }
            let number = self.number();
            let frame = frame.clone();
            self.on_the_way
                .insert((at, number), (to, Arrival::Frame { link, frame }));
        }
    }

    /// What arrives up to `now`, in order. `is_up` says which nodes run: they are heard, whether they
    /// have anything to say or not.
    pub fn step(
        &mut self,
        now: Moment,
        chance: &mut Chance,
        is_up: &[bool],
    ) -> Vec<(usize, Arrival)> {
        for ((at, other), end) in &mut self.ends {
            if is_up[*other] && !self.cut.contains(&(*other, *at)) {
                end.heard = now;
            }
        }
        let mut arrived = Vec::new();
        while let Some(entry) = self.on_the_way.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (to, arrival) = entry.remove();
            if let Arrival::Frame { link, .. } = &arrival {
                let open = |((at, _), end): (&(usize, usize), &End)| *at == to && end.link == *link;
                if !self.ends.iter().any(open) {
                    continue;
                }
            }
            arrived.push((to, arrival));
        }
        arrived.extend(self.give_up(now));
        arrived.extend(self.dial(now, chance, is_up));
        arrived
    }

    /// Ends that have heard nothing for long, or whose other end is gone, are given up.
    fn give_up(&mut self, now: Moment) -> Vec<(usize, Arrival)> {
        let silent: Vec<(usize, usize)> = self
            .ends
            .iter()
            .filter(|((at, other), end)| {
                let closed = self
                    .ends
                    .get(&(*other, *at))
                    .is_none_or(|far| far.link != end.link);
                // The end of the other side comes over a direction that works.
                (closed && !self.cut.contains(&(*other, *at))) || now >= end.heard + NOTICED_AFTER
            })
            .map(|(ends, _)| *ends)
            .collect();
        let mut downs = Vec::new();
        for ends in silent {
            if let Some(end) = self.ends.remove(&ends) {
                downs.push((ends.0, Arrival::Down { link: end.link }));
            }
        }
        downs
    }

    fn dial(&mut self, now: Moment, chance: &mut Chance, is_up: &[bool]) -> Vec<(usize, Arrival)> {
        let mut ups = Vec::new();
        for a in 0..is_up.len() {
            for b in a + 1..is_up.len() {
                let linked = self.ends.contains_key(&(a, b)) || self.ends.contains_key(&(b, a));
                let due = self.next_try.get(&(a, b)).is_none_or(|due| now >= *due);
                if linked || !due || !is_up[a] || !is_up[b] || !self.works(a, b) {
                    continue;
                }
                self.next_try.insert((a, b), now + chance.millis(50, 1_000));
                let link = LinkId(self.number());
                for (at, other) in [(a, b), (b, a)] {
                    let end = End {
                        other,
                        link,
                        heard: now,
                        last_arrival: now,
                    };
                    self.ends.insert((at, other), end);
                    ups.push((at, Arrival::Up { link, from: other }));
                }
            }
        }
        ups
    }

    /// The nodes that the node has a link to.
    pub fn linked(&self, node: usize) -> impl Iterator<Item = usize> {
        let mine = self.ends.range((node, 0)..(node + 1, 0));
        mine.map(|(_, end)| end.other)
    }

    /// The node's process has ended: its ends are gone without a word to it.
    pub fn process_ended(&mut self, node: usize) {
        self.ends.retain(|(at, _), _| *at != node);
    }

    /// The node closes its links, to open them anew.
    pub fn close_all(&mut self, node: usize) -> Vec<LinkId> {
        let mine = self.ends.range((node, 0)..(node + 1, 0));
        let links = mine.map(|(_, end)| end.link).collect();
        self.process_ended(node);
        links
    }

    /// Every pair of running nodes that could have a link has one.
    pub fn is_whole(&self, nodes: usize) -> bool {
        self.ends.len() == nodes * (nodes - 1)
    }
}
