//! Which node is tried next, and when.

use std::net::SocketAddr;
use std::time::Duration;

/// The shortest pause after a round of nodes that failed.
pub const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);

/// The longest pause: a cluster that comes back is noticed within it.
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// Addresses kept, those learnt from nodes included.
pub const NODES_MAX: usize = 32;

/// The nodes that a client knows, in the order in which they are tried, round and round.
#[derive(Debug)]
pub(super) struct Nodes {
    /// Those that were named, and those that nodes told of.
    addresses: Vec<String>,
    /// Those that were found when it was last looked for some; tried after the others.
    found: Vec<String>,
    current: usize,
    /// Connections lost or not opened since the last one that lasted, of these in this round, and rounds.
    failures: u32,
    tried: usize,
    rounds: u32,
}

impl Nodes {
    pub(super) fn new(addresses: Vec<String>) -> Nodes {
        Nodes {
            addresses,
            found: Vec::new(),
            current: 0,
            failures: 0,
            tried: 0,
            rounds: 0,
        }
    }

    /// The address to connect to.
    pub(super) fn current(&self) -> &str {
        let mut all = self.addresses.iter().chain(&self.found);
        all.nth(self.current).map_or("", String::as_str)
    }

    /// Counted from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.failures + 1
    }

    /// The connection has lasted: the next loss starts counting anew.
    pub(super) fn lasted(&mut self) {
        (self.failures, self.tried, self.rounds) = (0, 0, 0);
    }

    /// Whether all of them have been tried in vain, and not yet any of them again.
    pub(super) fn is_round_over(&self) -> bool {
        self.failures > 0 && self.tried == 0
    }

    /// Moves on to the next node. Within a round there is no pause; after each round there is one,
    /// twice as long as the one before, and shortened by up to a half (`chance`: 0.0 to 1.0) so that
    /// those who lost the same node do not all come back in the same moment.
    pub(super) fn lost(&mut self, chance: f64) -> Duration {
        let count = (self.addresses.len() + self.found.len()).max(1);
        self.current = (self.current + 1) % count;
        self.failures = self.failures.saturating_add(1);
        self.tried += 1;
        if self.tried < count {
            return Duration::ZERO;
        }
        self.tried = 0;
        self.rounds = self.rounds.saturating_add(1);
        let doubled = 1u32 << (self.rounds - 1).min(16);
        let delay = (RETRY_DELAY_MIN * 2 * doubled).min(RETRY_DELAY_MAX);
        delay.mul_f64(1.0 - chance / 2.0)
    }

    /// These were found, in place of those that were found before. The next round begins.
    pub(super) fn found(&mut self, found: Vec<String>) {
        self.found.clear();
        for address in found {
            let known = self.addresses.contains(&address) || self.found.contains(&address);
            if !known && self.addresses.len() + self.found.len() < NODES_MAX {
                self.found.push(address);
            }
        }
        self.current = 0;
    }

    /// There is a session at the current one. If it was found, the others that are known are of other
    /// systems, or nowhere.
    pub(super) fn settle(&mut self) {
        if self.current >= self.addresses.len() {
            self.addresses = vec![self.current().to_owned()];
            self.current = 0;
        }
        self.found.clear();
    }

    /// Whether the node that is used, or tried, is on this machine.
    pub(super) fn is_here(&self) -> bool {
        self.current().starts_with("127.0.0.1:")
            || self.current().starts_with("[::1]:")
            || self.current().starts_with("localhost:")
    }

    /// Adds the addresses of nodes that a node told of. Those that can only mean something on that
    /// node's own machine are left out, and with `here_only`, told of by a node on this machine, those on others.
    pub(super) fn learn<'a>(&mut self, told: impl Iterator<Item = &'a str>, here_only: bool) {
        let here = self.is_here();
        for address in told {
            let Ok(parsed) = address.parse::<SocketAddr>() else {
                continue;
            };
            let reachable = parsed.port() != 0
                && !parsed.ip().is_unspecified()
                && (here || !parsed.ip().is_loopback())
                && (!(here_only && here) || parsed.ip().is_loopback());
            let known = self.addresses.iter().any(|known| known == address);
            if reachable && !known && self.addresses.len() < NODES_MAX {
                self.addresses.push(address.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_node_is_tried_at_once_and_a_round_is_followed_by_a_pause() {
        let mut nodes = Nodes::new(vec!["a:1".into(), "b:2".into()]);
        assert_eq!(nodes.lost(0.0), Duration::ZERO);
        assert_eq!((nodes.current(), nodes.attempt()), ("b:2", 2));
        assert_eq!(nodes.lost(0.0), Duration::from_millis(200));
        assert_eq!(nodes.current(), "a:1");
        assert_eq!(nodes.lost(0.0), Duration::ZERO);
        assert_eq!(nodes.lost(0.0), Duration::from_millis(400));
    }

    #[test]
    fn pauses_stay_between_100_ms_and_5_s() {
        let mut nodes = Nodes::new(vec!["a:1".into()]);
        assert_eq!(nodes.lost(1.0), RETRY_DELAY_MIN);
        for _ in 0..100 {
            nodes.lost(0.5);
        }
        assert_eq!(nodes.lost(0.0), RETRY_DELAY_MAX);
        nodes.lasted();
        assert_eq!(nodes.lost(1.0), RETRY_DELAY_MIN);
    }

    #[test]
    fn an_address_that_means_nothing_here_is_not_learnt() {
        let mut nodes = Nodes::new(vec!["10.0.0.1:9001".into()]);
        let told = [
            "127.0.0.1:9002",
            "0.0.0.0:9001",
            "10.0.0.2:0",
            "10.0.0.2:9001",
            "x",
        ];
        nodes.learn(told.into_iter(), false);
        assert_eq!(nodes.addresses, ["10.0.0.1:9001", "10.0.0.2:9001"]);
        let mut nodes = Nodes::new(vec!["127.0.0.1:9001".into()]);
        let told = ["127.0.0.1:9001", "127.0.0.1:9002", "10.0.0.2:9001"];
        nodes.learn(told.into_iter(), true);
        assert_eq!(nodes.addresses, ["127.0.0.1:9001", "127.0.0.1:9002"]);
    }
}
