//! Acknowledgements: `copies` is true.

use std::time::{Duration, Instant};

use chat::node::Node;
use chat::node::replicator::COPIES_WAIT_MAX;
use chat::protocol::MessageId;
use serde_json::{Value, json};

use crate::cluster::until;
use crate::seam::ground::{Cluster, Ground, up};

/// What an acknowledgement may take beside the wait for other disks, on a machine with much to do.
const SLACK: Duration = Duration::from_millis(1_500);

/// Whether the node's store has the message that was acknowledged.
async fn has(node: &Node, sent: &Value) -> bool {
    let id = MessageId::parse(sent["id"].as_str().unwrap()).unwrap();
    let read = node.shared().store.read(move |store| store.message(&id));
    read.await.unwrap().is_some()
}

pub async fn an_acknowledgement_counts_nodes_that_have_stored_it(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    for n in 0..20 {
        let sent = alice.say("lobby", &format!("m{n}")).await;
        assert_eq!(sent["copies"], 2, "message {n}");
        assert!(has(cluster.node("n2"), &sent).await, "message {n}");
    }
    let send = json!({"type": "send", "room": "lobby", "text": "again", "nonce": "n"});
    for time in ["the first", "the second"] {
        assert_eq!(alice.ask(send.clone()).await["copies"], 2, "{time} time");
    }
    cluster.end().await;
}

pub async fn a_node_whose_disk_stands_still_is_not_counted(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    assert_eq!(alice.say("lobby", "both write").await["copies"], 2);
    // Whoever holds the lock keeps the node from committing.
    let disk = rusqlite::Connection::open(cluster.log("n2")).unwrap();
    until("n2's disk stands still", async || {
        disk.execute_batch("BEGIN IMMEDIATE").is_ok()
    })
    .await;
    let send = json!({"type": "send", "room": "lobby", "text": "one writes", "nonce": "n"});
    let began = Instant::now();
    let sent = alice.ask(send.clone()).await;
    let took = began.elapsed();
    assert_eq!(sent["copies"], 1);
    assert!(took < COPIES_WAIT_MAX + SLACK, "{took:?}");
    assert!(!has(cluster.node("n2"), &sent).await);
    disk.execute_batch("ROLLBACK").unwrap();
    drop(disk);
    until("n2 has it", async || has(cluster.node("n2"), &sent).await).await;
    // The engine may hear of it a moment later.
    let mut copies = json!(1);
    for _ in 0..200 {
        copies = alice.ask(send.clone()).await["copies"].clone();
        if copies == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(copies, 2, "it is said again, and on two disks by now");
    cluster.end().await;
}

pub async fn a_node_that_is_alone_acknowledges_alone_and_soon(ground: impl Ground) {
    let mut cluster = Cluster::of(ground, &["n1"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut alone = async |when: &str| {
        let began = Instant::now();
        let sent = alice.say("lobby", when).await;
        let took = began.elapsed();
        assert_eq!(sent["copies"], 1, "{when}");
        assert!(took < COPIES_WAIT_MAX + SLACK, "{when}: {took:?}");
    };
    alone("the others were never there").await;
    cluster.start("n2").await;
    cluster.cut("n2").await;
    alone("the other is cut off").await;
    cluster.heal("n2").await;
    cluster.stop("n2").await;
    until("n1 knows that it is alone", async || {
        up(cluster.node("n1")).is_empty()
    })
    .await;
    alone("the other has stopped").await;
    cluster.end().await;
}
