//! What a node says of itself.

use std::time::{Duration, Instant};

use chat::node::Tuning;
use serde_json::{Value, json};

use crate::support::{Client, DEADLINE, TestNode};

#[tokio::test]
async fn anyone_is_told_of_the_nodes_and_no_more() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let stats = alice.ask(json!({"type": "stats"})).await;
    assert_eq!(
        (&stats["type"], &stats["node"]),
        (&json!("stats"), &json!("n1"))
    );
    let own = json!([{"name": "n1", "address": node.node.listen.to_string(), "up": true}]);
    assert_eq!(stats["nodes"], own);
    assert!(stats["uptime_s"].is_u64() && stats["server"].is_string());
    assert_eq!(stats["figures"], Value::Null);
}

#[tokio::test]
async fn an_administrator_gets_the_figures() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    for _ in 0..20 {
        alice.say("lobby", "x").await;
    }
    let mut root = root(&node).await;
    for which in [json!(null), json!("*"), json!("n1")] {
        let stats = root.ask(json!({"type": "stats", "node": which})).await;
        let figures = &stats["figures"][0];
        assert_eq!(figures["node"], "n1");
        assert_eq!(
            (
                &figures["sessions"],
                &figures["connections"],
                &figures["rooms"]
            ),
            (&json!(2), &json!(2), &json!(1))
        );
        assert_eq!(figures["events"], 20);
        for positive in ["memory_bytes", "store_bytes"] {
            assert!(
                figures[positive].as_u64().unwrap() > 0,
                "{positive}: {figures}"
            );
        }
        assert!(
            figures["commit_us"]["p99"].as_u64().unwrap() > 0,
            "{figures}"
        );
        assert!(
            figures["delivery_us"]["p50"].as_u64().unwrap() > 0,
            "{figures}"
        );
    }
    assert_eq!(
        root.ask(json!({"type": "stats", "node": "n7"})).await["figures"],
        Value::Null
    );
}

#[tokio::test]
async fn the_figures_tell_of_busy_rooms_and_of_what_was_refused() {
    let node = TestNode::start_with(|config| config.rate = 5, Tuning::default()).await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    bob.join("quiet").await;
    bob.say("quiet", "x").await;
    bob.ask(json!({"type": "send", "room": "@alice", "text": "psst"}))
        .await;
    for _ in 0..30 {
        let frame = json!({"type": "send", "room": "lobby", "text": "x", "re": 1});
        alice.tell(frame).await;
    }
    alice.ask(json!({"type": "ping"})).await;
    let refused = bob
        .refused(json!({"type": "leave", "room": "nowhere"}))
        .await;
    assert_eq!(refused, "no_such_room");
    let mut root = root(&node).await;
    let figures = root.ask(json!({"type": "stats"})).await["figures"][0].take();
    let rooms: Vec<_> = figures["top_rooms"].as_array().unwrap().iter().collect();
    assert_eq!(rooms.len(), 2, "conversations are not told of: {figures}");
    assert_eq!(
        (&rooms[0]["room"], &rooms[0]["users"]),
        (&json!("lobby"), &json!(2))
    );
    let said = rooms[0]["messages"].as_u64().unwrap();
    assert!((20..30).contains(&said), "{figures}");
    assert_eq!(
        rooms[1],
        &json!({"room": "quiet", "messages": 1, "users": 1})
    );
    assert_eq!(figures["messages"], said + 2);
    assert_eq!(figures["throttled"], 30 - said);
    assert_eq!(figures["refused"], 31 - said);
    assert!(figures["deliveries"].as_u64().unwrap() >= said, "{figures}");
    assert_eq!(
        figures["server"],
        root.ask(json!({"type": "stats"})).await["server"]
    );
    for none in [
        "late",
        "merged",
        "faults",
        "replays",
        "gaps",
        "commits_failed",
    ] {
        assert_eq!(figures[none], 0, "{none}: {figures}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_was_away_counts_what_it_has_merged_and_what_came_late() {
    let (one, two) = crate::cluster::two().await;
    let mut bob = two.user_in("bob", "lobby").await;
    bob.say("lobby", "before").await;
    let two = two.stop().await;
    let mut alice = one.user_in("alice", "lobby").await;
    for _ in 0..10 {
        alice.say("lobby", "while you were away").await;
    }
    let two = two.start(&[&one]).await;
    let mut root = one.admin("root").await;
    let figures = until_figures(&mut root, "n2", |f| f["merged"].as_u64() >= Some(10)).await;
    assert_eq!(figures["late"], 0, "nothing newer was there: {figures}");
    for member in [one, two] {
        member.stop().await;
    }
}

/// The node's figures, as soon as they are as they should be.
async fn until_figures(root: &mut Client, node: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + DEADLINE;
    loop {
        let mut stats = root.ask(json!({"type": "stats", "node": node})).await;
        let figures = stats["figures"][0].take();
        if wanted(&figures) {
            return figures;
        }
        assert!(Instant::now() < end, "{figures}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn root(node: &TestNode) -> Client {
    let mut root = node.connect().await;
    root.open(json!({"name": "root", "admin": node.admin_token()}))
        .await;
    root
}

#[tokio::test]
async fn stats_repeat_until_they_are_ended() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let began = Instant::now();
    alice
        .tell(json!({"type": "stats", "every": 1, "re": "s"}))
        .await;
    for _ in 0..4 {
        assert_eq!(alice.next("stats").await["re"], "s");
    }
    // One at once, and then one every 250 ms however often they are asked for.
    assert!(began.elapsed() >= Duration::from_millis(3 * 250));
    alice.ask(json!({"type": "stats", "every": 0})).await;
    alice.so_far().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(alice.so_far().await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_counters_are_there_as_prometheus_text() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    alice.say("lobby", "x").await;
    alice.next("new_message").await;
    let text = node.node.metrics();
    for line in [
        "chat_node_messages_total{node=\"n1\"} 1",
        "chat_node_sessions{node=\"n1\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
