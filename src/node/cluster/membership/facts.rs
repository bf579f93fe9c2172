//! What a node tells of itself by gossip: a few short facts, as the key-values that the gossip carries.

use std::net::SocketAddr;

use chitchat::{ChitchatId, NodeState};

use crate::protocol::peer::Incarnation;
use crate::protocol::{Origin, Ts};

/// Set by a node that ends in good order.
pub(super) const LEAVING: &str = "leaving";

const NODE: &str = "node";
const CLIENT_ADDRESS: &str = "client";
const PEER_ADDRESS: &str = "peer";
const ORIGIN: &str = "origin";
const SERVER: &str = "server";
const STARTED: &str = "started";

/// What a node tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The node's name, `n1`.
    pub node: String,
    /// The log that its store writes.
    pub origin: Origin,
    pub incarnation: Incarnation,
    /// Where clients reach it.
    pub client_address: String,
    /// Where nodes reach it, by TCP and UDP.
    pub peer_address: SocketAddr,
    /// Its program and version.
    pub server: String,
    /// When it was started, by its own clock.
    pub started: Ts,
}

/// A node that is heard by gossip now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub facts: Facts,
    /// It has said that it ends.
    pub leaving: bool,
}

impl Facts {
    /// Under which the gossip knows the node: another id after each start.
    pub(super) fn id(&self) -> ChitchatId {
        let Incarnation(incarnation) = self.incarnation;
        ChitchatId::new(self.origin.as_str(), incarnation, self.peer_address)
    }

    pub(super) fn key_values(&self) -> Vec<(String, String)> {
        [
            (NODE, self.node.clone()),
            (ORIGIN, self.origin.as_str().to_owned()),
            (CLIENT_ADDRESS, self.client_address.clone()),
            (PEER_ADDRESS, self.peer_address.to_string()),
            (SERVER, self.server.clone()),
            (STARTED, self.started.0.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

impl Member {
    /// What is known of a node; none as long as its facts have not all come.
    pub(super) fn of(id: &ChitchatId, state: &NodeState) -> Option<Member> {
        Member::from_facts(id.generation_id, |key| state.get(key))
    }

    fn from_facts<'a>(generation: u64, get: impl Fn(&str) -> Option<&'a str>) -> Option<Member> {
        let facts = Facts {
            node: get(NODE)?.to_owned(),
            origin: Origin::parse(get(ORIGIN)?).ok()?,
            incarnation: Incarnation(generation),
            client_address: get(CLIENT_ADDRESS)?.to_owned(),
            peer_address: get(PEER_ADDRESS)?.parse().ok()?,
            server: get(SERVER)?.to_owned(),
            started: Ts(get(STARTED)?.parse().ok()?),
        };
        Some(Member {
            facts,
            leaving: get(LEAVING).is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn facts_come_back_as_they_went_and_not_before_all_are_there() {
        let facts = Facts {
            node: "n2".to_owned(),
            origin: Origin::parse("n2-0000").unwrap(),
            incarnation: Incarnation(7),
            client_address: "127.0.0.1:9002".to_owned(),
            peer_address: "127.0.0.1:9998".parse().unwrap(),
            server: "chat/0.1.0".to_owned(),
            started: Ts(1),
        };
        let mut told: BTreeMap<String, String> = facts.key_values().into_iter().collect();
        let read = |told: &BTreeMap<String, String>| {
            Member::from_facts(7, |key| told.get(key).map(String::as_str))
        };
        let mut member = Member {
            facts,
            leaving: false,
        };
        assert_eq!(read(&told), Some(member.clone()));
        told.insert(LEAVING.to_owned(), "1".to_owned());
        member.leaving = true;
        assert_eq!(read(&told), Some(member));
        for key in [NODE, ORIGIN, CLIENT_ADDRESS, PEER_ADDRESS, SERVER, STARTED] {
            let mut fewer = told.clone();
            fewer.remove(key);
            assert_eq!(read(&fewer), None, "{key}");
        }
    }
}
