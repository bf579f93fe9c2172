//! Who is let in: whether a datagram with a good seal is fresh. Pure.
//!
//! A seal says that a node of the cluster wrote the datagram, not when. Fresh is one that
//!
//! - names this run of this node as its receiver. An incarnation is drawn by chance at each start, so
//!   nobody could have written it down before: whatever was recorded for an earlier run, for another
//!   node, or from a node that has long been gone, does not fit;
//! - has a number that this sender's run has not used towards this run: each is taken once.
//!
//! A sender that does not know the receiver's incarnation yet (it has an address, no more) writes 0,
//! and is answered by a greeting, which names both; what the datagram carried is not looked at. The
//! greeting is held to the same two rules, so it cannot be played back either; and it is no longer than
//! what it answers, so nobody can have a flood made of a trickle.
//!
//! No clock is asked. A window of time would have to be wide enough for wrong clocks, or keep nodes out
//! that have one; and within it, what was recorded a moment ago would still pass at a node that has just
//! started.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::datagram::{Head, Kind};
use super::window::Window;
use crate::protocol::peer::Incarnation;

/// Runs of nodes whose numbers are remembered. A new one takes a start of a node that knows the secret:
/// this is one a minute for almost three days. Then the one that has been silent for longest goes.
pub const SENDERS_MAX: usize = 4096;

/// Addresses of which it is remembered who is there.
pub const ADDRESSES_MAX: usize = 1024;

/// What is to become of a datagram with a good seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is fresh, and carries a message.
    Take,
    /// It is a fresh greeting: whoever is there can be written to now.
    Greeted,
    /// The sender does not know this run of the node: it is to be greeted, and what it carries
    /// dropped. `stale` when it took it for another run.
    Greet { to: Incarnation, stale: bool },
    /// It was taken already, or is a greeting for another run.
    Replayed,
    /// The node's own: an address of it was learned under another name.
    Own,
}

/// What the node remembers of those that write to it.
#[derive(Debug)]
pub struct Door {
    me: Incarnation,
    senders: HashMap<Incarnation, Sender>,
    there: HashMap<SocketAddr, Incarnation>,
    taken: u64,
}

#[derive(Debug, Default)]
struct Sender {
    window: Window,
    /// The door's count of what it took, as this sender last came in.
    last: u64,
}

impl Door {
    pub fn new(me: Incarnation) -> Door {
        Door {
            me,
            senders: HashMap::new(),
            there: HashMap::new(),
            taken: 0,
        }
    }

    /// Decides on a datagram whose seal is good.
    pub fn enter(&mut self, from: SocketAddr, head: &Head) -> Entry {
        if head.from == self.me {
            return Entry::Own;
        }
        if head.to != self.me {
            return match head.kind {
                Kind::Gossip => Entry::Greet {
                    to: head.from,
                    stale: head.to != Incarnation(0),
                },
                Kind::Greeting => Entry::Replayed,
            };
        }
        self.make_room(head.from);
        self.taken += 1;
        let sender = self.senders.entry(head.from).or_default();
        if !sender.window.take(head.number) {
            return Entry::Replayed;
        }
        sender.last = self.taken;
        if self.there.len() >= ADDRESSES_MAX && !self.there.contains_key(&from) {
            // Whoever is still there is greeted once more.
            self.there.clear();
        }
        self.there.insert(from, head.from);
        match head.kind {
            Kind::Gossip => Entry::Take,
            Kind::Greeting => Entry::Greeted,
        }
    }

    /// Who was last heard from that address; 0 when nobody was.
    pub fn who(&self, address: SocketAddr) -> Incarnation {
        self.there.get(&address).copied().unwrap_or(Incarnation(0))
    }

    fn make_room(&mut self, for_sender: Incarnation) {
        if self.senders.len() < SENDERS_MAX || self.senders.contains_key(&for_sender) {
            return;
        }
        let longest = self.senders.iter().min_by_key(|(_, sender)| sender.last);
        if let Some(longest) = longest.map(|(incarnation, _)| *incarnation) {
            self.senders.remove(&longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Incarnation = Incarnation(1);
    const OTHER: Incarnation = Incarnation(2);
    const NOBODY: Incarnation = Incarnation(0);

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 2], port))
    }

    fn gossip(from: Incarnation, to: Incarnation, number: u64) -> Head {
        Head {
            kind: Kind::Gossip,
            from,
            to,
            number,
        }
    }

    #[test]
    fn a_stranger_is_greeted_and_let_in_when_it_names_this_run() {
        let mut door = Door::new(ME);
        let greet = |stale| Entry::Greet { to: OTHER, stale };
        assert_eq!(
            door.enter(address(1), &gossip(OTHER, NOBODY, 1)),
            greet(false)
        );
        assert_eq!(
            door.who(address(1)),
            NOBODY,
            "a replay could have come from anywhere"
        );
        assert_eq!(door.enter(address(1), &gossip(OTHER, ME, 2)), Entry::Take);
        assert_eq!(door.who(address(1)), OTHER);
    }

    #[test]
    fn what_was_recorded_changes_nothing() {
        let mut door = Door::new(ME);
        let recorded = gossip(OTHER, ME, 7);
        assert_eq!(door.enter(address(1), &recorded), Entry::Take);
        assert_eq!(door.enter(address(9), &recorded), Entry::Replayed);
        assert_eq!(door.who(address(9)), NOBODY);
        // After a restart of this node it fits no more; its sender, if it is there, is greeted.
        let mut door = Door::new(Incarnation(3));
        assert_eq!(
            door.enter(address(9), &recorded),
            Entry::Greet {
                to: OTHER,
                stale: true
            }
        );
        assert_eq!(door.who(address(9)), NOBODY);
    }

    #[test]
    fn a_greeting_tells_who_is_there_once_and_only_the_run_it_is_for() {
        let mut door = Door::new(ME);
        let greeting = |to, number| Head {
            kind: Kind::Greeting,
            ..gossip(OTHER, to, number)
        };
        assert_eq!(
            door.enter(address(1), &greeting(Incarnation(9), 1)),
            Entry::Replayed
        );
        assert_eq!(door.enter(address(1), &greeting(ME, 2)), Entry::Greeted);
        assert_eq!(door.who(address(1)), OTHER);
        assert_eq!(door.enter(address(1), &greeting(ME, 2)), Entry::Replayed);
    }

    #[test]
    fn a_node_that_has_started_again_takes_its_earlier_runs_place() {
        let mut door = Door::new(ME);
        door.enter(address(1), &gossip(OTHER, ME, 900));
        let again = Incarnation(5);
        assert_eq!(door.enter(address(1), &gossip(again, ME, 1)), Entry::Take);
        assert_eq!(door.who(address(1)), again);
        assert_eq!(
            door.enter(address(1), &gossip(OTHER, ME, 900)),
            Entry::Replayed
        );
        assert_eq!(door.who(address(1)), again);
    }

    #[test]
    fn ones_own_datagram_is_nobodys() {
        let mut door = Door::new(ME);
        assert_eq!(door.enter(address(1), &gossip(ME, NOBODY, 1)), Entry::Own);
    }

    #[test]
    fn of_4097_senders_the_one_that_was_silent_for_longest_is_forgotten() {
        let mut door = Door::new(ME);
        let of = |n: usize| gossip(Incarnation(10 + n as u64), ME, 5);
        for n in 0..SENDERS_MAX {
            door.enter(address(n as u16), &of(n));
        }
        let mut again = of(0);
        again.number = 6;
        assert_eq!(door.enter(address(0), &again), Entry::Take);
        assert_eq!(door.enter(address(0), &of(SENDERS_MAX)), Entry::Take);
        assert_eq!(door.senders.len(), SENDERS_MAX);
        assert_eq!(
            door.enter(address(0), &of(0)),
            Entry::Replayed,
            "it was heard since"
        );
        assert!(!door.senders.contains_key(&Incarnation(11)));
        assert!(door.there.len() <= ADDRESSES_MAX);
    }
}
