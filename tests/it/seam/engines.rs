//! What a node does with an engine, whatever that one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chat::node::replicator::{Alone, Engine, EngineError, Later, NodeHandle, Replicator, Typist};
use chat::node::store::{Committed, Placed};
use chat::node::{Config, Node, StartError, Tuning};
use chat::protocol::presence::PresenceChanges;
use chat::protocol::stats::{NodeFigures, NodeInfo, PeerFigures};

use crate::support::{Client, config};

/// Fails at one of its two steps.
struct Refusing {
    at_claim: bool,
}

impl Engine for Refusing {
    async fn claim(&mut self) -> Result<(), EngineError> {
        if self.at_claim {
            return Err(EngineError::new("no port\n  for this one"));
        }
        Ok(())
    }

    async fn start(self, node: NodeHandle) -> Result<Arc<dyn Replicator>, EngineError> {
        assert!(node.config().data.exists());
        Err(EngineError::new("no broker\n  for this one"))
    }
}

async fn refused(config: Config, at_claim: bool) -> String {
    match Node::start_with(config, Tuning::default(), Refusing { at_claim }).await {
        Err(error @ StartError::Engine(_)) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it started"),
    }
}

#[tokio::test]
async fn an_engine_that_fails_leaves_a_folder_and_a_port_that_are_free() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap();
    drop(free);
    let config = Config {
        listen,
        ..config(&folder)
    };
    assert_eq!(refused(config.clone(), true).await, "no port for this one");
    assert!(!config.data.exists(), "nothing was touched");
    assert_eq!(
        refused(config.clone(), false).await,
        "no broker for this one"
    );
    let node = Node::start_with(config, Tuning::default(), Alone)
        .await
        .unwrap();
    assert_eq!(
        (node.listen, node.peer, node.mesh().is_none()),
        (listen, None, true)
    );
    node.stop().await;
}

/// Is never in contact with anybody, and counts how often it is stopped.
#[derive(Clone, Default)]
struct Distant {
    stopped: Arc<AtomicU32>,
}

impl Engine for Distant {
    async fn start(self, _: NodeHandle) -> Result<Arc<dyn Replicator>, EngineError> {
        Ok(Arc::new(self))
    }
}

impl Replicator for Distant {
    fn committed(&self, _: &[Committed]) {}

    fn copies(&self, _: &Placed) -> Later<u32> {
        Box::pin(std::future::ready(1))
    }

    fn presence(&self, _: PresenceChanges) {}

    fn typing(&self, _: Typist) {}

    fn soft_changed(&self) {}

    fn nodes(&self) -> Vec<NodeInfo> {
        Vec::new()
    }

    fn peers(&self) -> Vec<PeerFigures> {
        Vec::new()
    }

    fn alarms(&self) -> Vec<String> {
        vec!["nobody is near".to_owned()]
    }

    fn figures(&self, _: Option<&str>) -> Later<Vec<NodeFigures>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn first_contact(&self) -> Later<()> {
        Box::pin(std::future::pending())
    }

    fn stop(&self) -> Later<()> {
        self.stopped.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn a_first_contact_that_never_comes_is_waited_for_half_a_second_and_stopping_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Distant::default();
    let began = Instant::now();
    let node = Node::start_with(config(&folder), Tuning::default(), engine.clone());
    let node = node.await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(500));
    let mut client = Client::connect(node.listen).await;
    client.open(serde_json::json!({"name": "alice"})).await;
    let token = std::fs::read_to_string(folder.path().join("n1/admin-token")).unwrap();
    let mut root = Client::connect(node.listen).await;
    root.open(serde_json::json!({"name": "root", "admin": token.trim()}))
        .await;
    let stats = root
        .ask(serde_json::json!({"type": "stats", "node": "n1"}))
        .await;
    assert_eq!(
        stats["figures"][0]["alarms"],
        serde_json::json!(["nobody is near"])
    );
    node.stop().await;
    assert_eq!(engine.stopped.load(Ordering::Relaxed), 1);
}
