//! Starting and stopping.

use std::sync::Arc;

use chat::node::Node;

use crate::cluster::until;
use crate::seam::ground::{Cluster, Ground, same_history};

pub async fn a_node_that_stops_leaves_nothing_running_and_goes_on_with_its_log(
    ground: impl Ground,
) {
    let mut cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    let before = bob.say("lobby", "before").await;
    let memory = Arc::downgrade(cluster.node("n2").shared());
    let peer = cluster.node("n2").peer;
    cluster.stop("n2").await;
    until("nobody holds the node any more", async || {
        memory.strong_count() == 0
    })
    .await;
    for text in ["meanwhile", "and more"] {
        alice.say("lobby", text).await;
    }
    // On the same ports, in the same folder.
    cluster.start("n2").await;
    assert_eq!(cluster.node("n2").peer, peer);
    let mut bob = cluster.again_in("n2", &bob, "lobby").await;
    let after = bob.say("lobby", "after").await;
    assert_eq!(after["origin"], before["origin"]);
    assert_eq!(
        after["seq"].as_u64(),
        before["seq"].as_u64().map(|seq| seq + 1)
    );
    assert_eq!(after["copies"], 2);
    same_history([&mut alice, &mut bob], "lobby", 4).await;
    cluster.end().await;
}

pub async fn an_engine_that_cannot_start_is_one_clear_line_and_no_node(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1"]).await;
    let (line, left) = cluster.start_refused("n2", "n1").await;
    assert!(line.lines().count() == 1 && line.contains("--"), "{line}");
    // The folder is free, and the one that runs is as it was.
    let node = Node::start(left.config.clone()).await.unwrap();
    node.stop().await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    assert_eq!(alice.say("lobby", "still here").await["copies"], 1);
    cluster.end().await;
}
