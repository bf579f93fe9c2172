//! The engine that is built in, over loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use chat::node::config::PeerPort;
use chat::node::{Config, Node, StartError, Tuning};

use super::ground::Ground;

/// Nodes of one mesh, each on a peer port of its own that it keeps.
#[derive(Default)]
pub struct MeshGround {
    peers: Mutex<BTreeMap<String, SocketAddr>>,
}

impl Ground for MeshGround {
    async fn start(
        &self,
        config: Config,
        tuning: Tuning,
        others: &[&Node],
    ) -> Result<Node, StartError> {
        let name = config.name.clone();
        let known = self.peers.lock().unwrap().get(&name).copied();
        let address = known.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let join = others.iter().map(|node| node.peer.unwrap().to_string());
        let config = Config {
            peer: Some(PeerPort {
                address,
                search: false,
            }),
            join: join.collect(),
            ..config
        };
        let node = Node::start_tuned(config, tuning).await?;
        self.peers.lock().unwrap().insert(name, node.peer.unwrap());
        Ok(node)
    }

    /// Its peer port is the other's.
    async fn refused(&self, config: Config, other: &Node) -> Result<Node, StartError> {
        let address = other.peer.unwrap();
        let search = false;
        let peer = Some(PeerPort { address, search });
        Node::start(Config { peer, ..config }).await
    }

    fn cut(&self, one: &Node, other: &Node) {
        one.mesh().unwrap().cut(&other.name);
        other.mesh().unwrap().cut(&one.name);
    }

    fn heal(&self, one: &Node, other: &Node) {
        one.mesh().unwrap().mend(&other.name);
        other.mesh().unwrap().mend(&one.name);
    }
}
