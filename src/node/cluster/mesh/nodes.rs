//! The nodes that this one knows of, as `stats` shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::node::cluster::links::Health;
use crate::node::cluster::replication::{LinkId, Moment};
use crate::protocol::Origin;
use crate::protocol::peer::Hello;
use crate::protocol::stats::{NodeInfo, PeerFigures};

/// A node that was not heard of for so long is no longer listed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Logs that are told of as not being the same.
const DIVERGED_MAX: usize = 16;

/// Microseconds between two nodes' clocks that a person should look at.
const CLOCK_OFFSET_ALARM_US: i64 = 2_000_000;

#[derive(Debug, Default)]
pub struct Nodes {
    nodes: BTreeMap<Origin, Known>,
    own_log_was_set_back: bool,
    /// Logs that are not the same here and on another node: the node and the origin.
    diverged: BTreeSet<(String, Origin)>,
}

/// One other node.
#[derive(Debug)]
struct Known {
    name: String,
    client_address: String,
    peer_address: String,
    links: BTreeMap<LinkId, Arc<Health>>,
    lag_events: u64,
    lost_at: Moment,
}

impl Nodes {
    /// A link to the node is there.
    pub fn up(&mut self, link: LinkId, hello: &Hello, health: Arc<Health>) {
        // A node that has begun a new origin is the same node.
        self.nodes.retain(|origin, known| {
            *origin == hello.origin || known.name != hello.node || !known.links.is_empty()
        });
        let known = self.nodes.entry(hello.origin.clone());
        let known = known.or_insert_with(|| Known {
            name: String::new(),
            client_address: String::new(),
            peer_address: String::new(),
            links: BTreeMap::new(),
            lag_events: 0,
            lost_at: Moment::ZERO,
        });
        known.name.clone_from(&hello.node);
        known.client_address.clone_from(&hello.client_address);
        known.peer_address.clone_from(&hello.peer_address);
        known.links.insert(link, health);
    }

    /// The link is gone; returns whether it was the node's last one.
    pub fn down(&mut self, now: Moment, link: LinkId, origin: &Origin) -> bool {
        let Some(known) = self.nodes.get_mut(origin) else {
            return false;
        };
        known.links.remove(&link);
        known.lost_at = now;
        known.links.is_empty()
    }

    /// Brings the figures up to date, and forgets nodes that have long been gone.
    pub fn refresh(&mut self, now: Moment, lag: impl Fn(LinkId) -> Option<u64>) {
        let gone = |known: &Known| known.links.is_empty() && now >= known.lost_at + FORGOTTEN_AFTER;
        self.nodes.retain(|_, known| !gone(known));
        for known in self.nodes.values_mut() {
            let lags = known.links.keys().filter_map(|link| lag(*link));
            known.lag_events = lags.min().unwrap_or(known.lag_events);
        }
    }

    /// How far the clocks of the nodes in reach are ahead of this one's, by name; of those that are not
    /// known yet, nothing.
    pub fn clock_offsets_us(&self) -> impl Iterator<Item = (&str, i64)> {
        self.nodes.values().filter_map(|known| {
            let health = known.links.values().next_back()?;
            Some((known.name.as_str(), health.clock_offset_us()?))
        })
    }

    /// A peer holds more of this node's log than the node does.
    pub fn own_log_was_set_back(&mut self) {
        self.own_log_was_set_back = true;
    }

    /// Another node has other events of `origin` than this one. Whether that is new.
    pub fn diverged(&mut self, node: &str, origin: &Origin) -> bool {
        self.diverged.len() < DIVERGED_MAX
            && self.diverged.insert((node.to_owned(), origin.clone()))
    }

    /// The other nodes, for everybody.
    pub fn infos(&self) -> Vec<NodeInfo> {
        let info = |known: &Known| NodeInfo {
            name: known.name.clone(),
            address: known.client_address.clone(),
            up: !known.links.is_empty(),
            rtt_us: None,
        };
        self.nodes.values().map(info).collect()
    }

    /// The links to them, for an administrator.
    pub fn figures(&self) -> Vec<PeerFigures> {
        self.nodes.values().map(Known::figures).collect()
    }

    /// What a person should look at.
    pub fn alarms(&self) -> Vec<String> {
        let mut alarms = Vec::new();
        if self.own_log_was_set_back {
            alarms.push(
                "another node held more of this node's log than it did itself: its data folder was \
                 set back to an earlier state; it has gone on under a new origin"
                    .to_owned(),
            );
        }
        for (node, origin) in &self.diverged {
            alarms.push(format!(
                "the log of {origin} is not the same here and on {node}: one of the two disks has changed it; \
                 stop the node whose copy is the wrong one, move its data folder away, and start it again"
            ));
        }
        for (origin, known) in &self.nodes {
            let name = &known.name;
            let same = |(other, k): (&Origin, &Known)| other > origin && k.name == *name;
            if self.nodes.iter().any(same) {
                alarms.push(format!(
                    "two nodes are called {name}: give one another --name"
                ));
            }
            if known.links.is_empty() {
                alarms.push(format!(
                    "there is no link to {name} ({})",
                    known.peer_address
                ));
            }
            let offset_us = known.figures().clock_offset_us;
            if offset_us.abs() > CLOCK_OFFSET_ALARM_US {
                let side = if offset_us > 0 { "ahead of" } else { "behind" };
                let seconds = offset_us.unsigned_abs() as f64 / 1e6;
                alarms.push(format!(
                    "the clock of {name} is {seconds:.1} s {side} this node's"
                ));
            }
        }
        alarms
    }
}

impl Known {
    fn figures(&self) -> PeerFigures {
        let health = self.links.values().next_back();
        PeerFigures {
            name: self.name.clone(),
            address: self.peer_address.clone(),
            up: health.is_some(),
            rtt_us: health.map_or(0, |health| health.rtt_us()),
            lag_events: self.lag_events,
            clock_offset_us: health
                .and_then(|health| health.clock_offset_us())
                .unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Ts;
    use crate::protocol::peer::{Incarnation, PEER_PROTOCOL};

    fn hello() -> Hello {
        Hello {
            protocol: PEER_PROTOCOL,
            node: "n2".to_owned(),
            incarnation: Incarnation(1),
            origin: Origin::parse("n2-0000").unwrap(),
            client_address: "127.0.0.1:9002".to_owned(),
            peer_address: "127.0.0.1:9998".to_owned(),
            dial: 0,
            time: Ts(0),
            known: vec![],
        }
    }

    #[test]
    fn a_node_is_up_while_it_has_a_link_and_listed_for_an_hour_after_it() {
        let mut nodes = Nodes::default();
        let (hello, health) = (hello(), Arc::new(Health::default()));
        nodes.up(LinkId(1), &hello, health.clone());
        nodes.up(LinkId(2), &hello, health);
        let now = Duration::from_secs(9);
        assert!(
            !nodes.down(now, LinkId(1), &hello.origin),
            "there is another"
        );
        assert!(nodes.infos()[0].up && nodes.alarms().is_empty());
        assert!(nodes.down(now, LinkId(2), &hello.origin));
        assert!(!nodes.infos()[0].up);
        assert_eq!(nodes.alarms(), ["there is no link to n2 (127.0.0.1:9998)"]);
        nodes.refresh(now + FORGOTTEN_AFTER, |_| None);
        assert_eq!(nodes.infos(), []);
    }

    #[test]
    fn a_clock_that_is_far_off_raises_an_alarm() {
        let mut nodes = Nodes::default();
        let health = Arc::new(Health::default());
        nodes.up(LinkId(1), &hello(), health.clone());
        health.note(0, 10, Ts(CLOCK_OFFSET_ALARM_US), Ts(5));
        assert!(nodes.alarms().is_empty());
        health.note(5, 10, Ts(-90_000_000), Ts(0));
        assert_eq!(
            nodes.alarms(),
            ["the clock of n2 is 90.0 s behind this node's"]
        );
    }
}
