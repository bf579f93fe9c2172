//! Which links there are, and which of two to the same node stays. Pure, so that both sides of a pair of
//! links come to the same answer.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use crate::node::cluster::replication::LinkId;
use crate::protocol::Origin;
use crate::protocol::peer::Incarnation;

/// What both sides know of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    pub node: String,
    pub origin: Origin,
    pub incarnation: Incarnation,
    /// Whose side dialled.
    pub dialler: Incarnation,
    /// The dialler's count.
    pub dial: u64,
    /// Where other nodes reach the peer.
    pub peer_address: String,
}

#[derive(Debug, Default)]
pub struct LinkTable {
    links: BTreeMap<LinkId, (LinkFacts, CancellationToken)>,
}

impl LinkTable {
    /// Takes a link in unless a better one to the same node is there; a worse one is ended. Of two
    /// links to one node, the one dialled by the smaller incarnation stays; of two that the same side
    /// dialled, the later. A node that has started again replaces its earlier run.
    pub fn admit(&mut self, link: LinkId, facts: LinkFacts, stop: CancellationToken) -> bool {
        let rank = |f: &LinkFacts| (f.dialler, u64::MAX - f.dial);
        let same_run = |f: &LinkFacts| f.incarnation == facts.incarnation;
        let others = || {
            self.links
                .values()
                .filter(|(f, _)| f.origin == facts.origin)
        };
        if others().any(|(f, _)| same_run(f) && rank(f) < rank(&facts)) {
            return false;
        }
        for (_, worse) in others() {
            worse.cancel();
        }
        self.links.retain(|_, (f, _)| f.origin != facts.origin);
        self.links.insert(link, (facts, stop));
        true
    }

    pub fn remove(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    pub fn has(&self, origin: &Origin) -> bool {
        self.links
            .values()
            .any(|(facts, _)| facts.origin == *origin)
    }

    /// Whether there is a link to this run of the node.
    pub fn has_run(&self, origin: &Origin, incarnation: Incarnation) -> bool {
        let is_it = |facts: &LinkFacts| facts.origin == *origin && facts.incarnation == incarnation;
        self.links.values().any(|(facts, _)| is_it(facts))
    }

    /// Where the nodes are that there are links to.
    pub fn addresses(&self) -> Vec<String> {
        let address = |(facts, _): &(LinkFacts, _)| facts.peer_address.clone();
        self.links.values().map(address).collect()
    }

    pub fn end_all(&mut self) {
        for (_, stop) in self.links.values() {
            stop.cancel();
        }
    }

    /// Ends the links to nodes of that name.
    pub fn end(&mut self, node: &str) {
        for (facts, stop) in self.links.values() {
            if facts.node == node {
                stop.cancel();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(incarnation: u64, dialler: u64, dial: u64) -> LinkFacts {
        LinkFacts {
            node: "n2".to_owned(),
            origin: Origin::parse("n2-0000").unwrap(),
            incarnation: Incarnation(incarnation),
            dialler: Incarnation(dialler),
            dial,
            peer_address: "127.0.0.1:9998".to_owned(),
        }
    }

    fn links(table: &LinkTable) -> Vec<u64> {
        table.links.keys().map(|link| link.0).collect()
    }

    #[test]
    fn of_two_links_to_one_node_the_one_dialled_by_the_smaller_incarnation_stays() {
        for order in [[1, 2], [2, 1]] {
            let mut table = LinkTable::default();
            for dialler in order {
                let facts = facts(2, dialler, 10 - dialler);
                table.admit(LinkId(dialler), facts, CancellationToken::new());
            }
            assert_eq!(links(&table), [1], "{order:?}");
        }
    }

    #[test]
    fn of_two_links_dialled_by_one_side_the_later_stays() {
        for order in [[1, 2], [2, 1]] {
            let mut table = LinkTable::default();
            let stops = order.map(|dial| {
                let stop = CancellationToken::new();
                table.admit(LinkId(dial), facts(2, 1, dial), stop.clone());
                stop
            });
            assert_eq!(links(&table), [2], "{order:?}");
            assert_eq!(stops[0].is_cancelled(), order == [1, 2]);
        }
    }

    #[test]
    fn a_node_that_has_started_again_replaces_its_earlier_run() {
        let mut table = LinkTable::default();
        let earlier = CancellationToken::new();
        assert!(table.admit(LinkId(1), facts(2, 1, 1), earlier.clone()));
        assert!(table.admit(LinkId(2), facts(3, 3, 1), CancellationToken::new()));
        assert!(earlier.is_cancelled());
        assert_eq!(links(&table), [2]);
        let origin = Origin::parse("n2-0000").unwrap();
        assert!(table.has_run(&origin, Incarnation(3)));
        assert!(!table.has_run(&origin, Incarnation(2)));
        assert!(table.has(&Origin::parse("n2-0000").unwrap()));
    }
}
