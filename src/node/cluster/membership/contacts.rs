//! Addresses where a node of the cluster may be, to be written to until one is heard there. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Addresses that are written to in one round.
const AT_ONCE: usize = 4;

/// Addresses kept; those named by `--join` come first.
const CONTACTS_MAX: usize = 512;

/// The addresses, in the order in which they are tried.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    addresses: BTreeSet<SocketAddr>,
    /// What the system says of host names.
    resolved: BTreeMap<String, Vec<SocketAddr>>,
    /// The last one written to.
    last: Option<SocketAddr>,
}

impl Contacts {
    pub(super) fn add(&mut self, address: SocketAddr) {
        if self.addresses.len() < CONTACTS_MAX {
            self.addresses.insert(address);
        }
    }

    /// The host is at these addresses now, and no longer at others.
    pub(super) fn resolved(&mut self, host: &str, addresses: Vec<SocketAddr>) {
        self.resolved.insert(host.to_owned(), addresses);
    }

    /// Whom to write to now: some of those where nobody is heard, the next time the next.
    pub(super) fn due(&mut self, heard: &BTreeSet<SocketAddr>) -> Vec<SocketAddr> {
        let all: BTreeSet<SocketAddr> = self
            .resolved
            .values()
            .flatten()
            .chain(&self.addresses)
            .filter(|address| !heard.contains(address))
            .copied()
            .collect();
        let last = self.last;
        let behind = all.iter().filter(|address| Some(**address) > last);
        let before = all.iter().filter(|address| Some(**address) <= last);
        let due: Vec<SocketAddr> = behind.chain(before).take(AT_ONCE).copied().collect();
        self.last = due.last().copied();
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn all_are_tried_in_turn_but_those_that_are_heard() {
        let mut contacts = Contacts::default();
        for port in 1..=6 {
            contacts.add(address(port));
        }
        contacts.resolved("node.example:7", vec![address(7)]);
        let heard = BTreeSet::from([address(2)]);
        let ports = |due: Vec<SocketAddr>| due.iter().map(SocketAddr::port).collect::<Vec<_>>();
        assert_eq!(ports(contacts.due(&heard)), [1, 3, 4, 5]);
        assert_eq!(ports(contacts.due(&heard)), [6, 7, 1, 3]);
        contacts.resolved("node.example:7", vec![]);
        assert_eq!(ports(contacts.due(&heard)), [4, 5, 6, 1]);
    }

    #[test]
    fn a_few_are_all_tried_each_time_and_none_is_no_trouble() {
        let mut contacts = Contacts::default();
        assert_eq!(contacts.due(&BTreeSet::new()), []);
        contacts.add(address(1));
        for _ in 0..3 {
            assert_eq!(contacts.due(&BTreeSet::new()), [address(1)]);
        }
        assert_eq!(contacts.due(&BTreeSet::from([address(1)])), []);
        assert_eq!(contacts.due(&BTreeSet::new()), [address(1)]);
    }

    #[test]
    fn no_more_than_512_are_kept() {
        let mut contacts = Contacts::default();
        for port in 1..=600 {
            contacts.add(address(port));
        }
        assert_eq!(contacts.addresses.len(), CONTACTS_MAX);
    }
}
