//! What a node says of itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, TestNode};

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
