//! What a person should look at among the nodes, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::nodes::{Known, Nodes};
use crate::node::cluster::replication::Moment;

/// Microseconds between two nodes' clocks that a person should look at.
pub(super) const CLOCK_OFFSET_ALARM_US: i64 = 2_000_000;

/// A node that is linked and was not heard for so long: it is not the start, and no pause either.
pub(super) const UNHEARD_ALARM: Duration = Duration::from_secs(30);

/// A node that is heard and was not linked for so long. Gossip takes a while to notice that one has crashed.
pub(super) const UNLINKED_ALARM: Duration = Duration::from_secs(30);

/// Refused connections and datagrams of one minute that a person should look at. A node with another
/// secret makes more; one that starts again, fewer.
pub(super) const REFUSED_ALARM: u64 = 20;

/// Shared names that are told of in the log.
const SHARED_NAMES_MAX: usize = 16;

/// How many connections and datagrams were refused, in this minute and the one before.
#[derive(Debug, Default)]
pub(super) struct RefusedLately {
    /// Since the start.
    pub(super) total: u64,
    /// What `total` was when this minute began.
    before: u64,
    began: Moment,
    last_minute: u64,
}

impl RefusedLately {
    pub(super) fn refresh(&mut self, now: Moment) {
        const MINUTE: Duration = Duration::from_secs(60);
        if now >= self.began + MINUTE {
            self.last_minute = self.total - self.before;
            (self.before, self.began) = (self.total, now);
        }
    }

    fn in_a_minute(&self) -> u64 {
        self.last_minute.max(self.total - self.before)
    }
}

impl Nodes {
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
        let refused = self.refused.in_a_minute();
        if refused >= REFUSED_ALARM {
            alarms.push(format!(
                "{refused} connections and datagrams on the peer port were refused in a minute: \
                 a node with another secret, or somebody who is no node"
            ));
        }
        if self.heard.broken {
            alarms.push(
                "the gossip with other nodes has ended: start this node again, \
                 or it will not find those that move"
                    .to_owned(),
            );
        }
        let shared_names = self.namesakes();
        alarms.extend(shared_names.map(|(name, places)| in_words(name, &places)));
        for (_, known) in self.listed() {
            let name = &known.name;
            alarms.extend(self.ways_to(known));
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

    /// The alarms about names that more than one node bears, as far as they were not given before: for
    /// the log.
    pub fn new_shared_names(&mut self) -> Vec<String> {
        let all: Vec<(String, String)> = self
            .namesakes()
            .map(|(name, places)| (name.to_owned(), in_words(name, &places)))
            .collect();
        let new = all.into_iter().filter(|(name, _)| {
            self.shared_names.len() < SHARED_NAMES_MAX && self.shared_names.insert(name.clone())
        });
        new.map(|(_, words)| words).collect()
    }

    /// The names that more than one node bears, and where these nodes are.
    fn namesakes(&self) -> impl Iterator<Item = (&str, BTreeSet<&str>)> {
        let there = self.listed().map(|(_, known)| known);
        let there = there.filter(|known| known.is_linked() || known.heard);
        let there = there.map(|known| (known.name.as_str(), known.peer_address.as_str()));
        let (name, address) = &self.me;
        let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, address) in there.chain([(name.as_str(), address.as_str())]) {
            places.entry(name).or_default().insert(address);
        }
        places.into_iter().filter(|(_, places)| places.len() > 1)
    }

    /// Which of the two ways to a node is missing.
    fn ways_to(&self, known: &Known) -> Option<String> {
        let (name, address) = (&known.name, &known.peer_address);
        let heard_for_long = known.heard && self.now >= known.lost_at + UNLINKED_ALARM;
        let unheard_for_long = !known.heard && self.now >= known.heard_changed + UNHEARD_ALARM;
        match (known.is_linked(), heard_for_long) {
            (false, false) => Some(format!("there is no link to {name} ({address})")),
            (false, true) => Some(format!(
                "there is no link to {name} ({address}), though it is heard: is TCP to that port blocked?"
            )),
            (true, _) if unheard_for_long && !self.heard.broken => Some(format!(
                "{name} ({address}) is linked but not heard: is UDP to that port blocked?"
            )),
            (true, _) => None,
        }
    }
}

fn in_words(name: &str, places: &BTreeSet<&str>) -> String {
    let places: Vec<&str> = places.iter().copied().collect();
    let places = places.join(" and ");
    format!("more than one node is called {name} ({places}): give each a --name of its own")
}
