//! What slows clients down, and what ends them.

use std::time::Duration;

use chat::node::Tuning;
use serde_json::{Value, json};

use crate::support::{Client, TestNode};

async fn node_with_rate(rate: u32) -> TestNode {
    TestNode::start_with(|config| config.rate = rate, Tuning::default()).await
}

#[tokio::test]
async fn a_burst_of_20_messages_passes_and_the_21st_is_told_to_wait() {
    let node = node_with_rate(5).await;
    let mut alice = node.user_in("alice", "lobby").await;
    let send = json!({"type": "send", "room": "lobby", "text": "x"});
    for n in 0..20 {
        assert_eq!(alice.ask(send.clone()).await["type"], "sent", "message {n}");
    }
    let refusal = loop {
        let answer = alice.ask(send.clone()).await;
        if answer["type"] == "error" {
            break answer;
        }
    };
    assert_eq!(refusal["code"], "rate_limited");
    let wait = refusal["retry_after_ms"].as_u64().unwrap();
    assert!((1..=200).contains(&wait), "{refusal}");
    tokio::time::sleep(Duration::from_millis(wait + 1)).await;
    assert_eq!(alice.ask(send).await["type"], "sent");
}

#[tokio::test]
async fn requests_have_their_own_limit_and_a_flood_ends_the_connection() {
    let node = node_with_rate(5).await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let mut lines = String::new();
    for n in 0..4000 {
        lines += &format!("{{\"type\":\"ping\",\"re\":{n}}}\n");
    }
    // The node may hang up while this is being written.
    alice.write(lines.as_bytes()).await;
    let frames = alice.rest().await;
    let count = |wanted: &dyn Fn(&Value) -> bool| frames.iter().filter(|f| wanted(f)).count();
    let pongs = count(&|f| f["type"] == "pong");
    let limited = count(&|f| f["code"] == "rate_limited");
    assert!((390..800).contains(&pongs), "{pongs}");
    assert_eq!(limited, 1000);
    let last = frames.last().unwrap();
    assert_eq!(
        (&last["type"], &last["reason"]),
        (&json!("disconnect"), &json!("flood"))
    );
    assert_eq!(bob.next("user_leave").await["reason"], "flood");
}

#[tokio::test]
async fn one_address_has_64_connections_at_most() {
    let tuning = Tuning {
        loopback_limited: true,
        ..Tuning::default()
    };
    let node = TestNode::start_with(|config| config.rate = 5, tuning).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(node.connect().await);
    }
    let stream = tokio::net::TcpStream::connect(node.node.listen)
        .await
        .unwrap();
    let frames = Client::silent(stream).rest().await;
    assert_eq!(frames[0]["code"], "too_many_connections");
    assert!(frames[0]["retry_after_ms"].as_u64().unwrap() > 0);
    let last = (&frames[1]["type"], &frames[1]["reason"]);
    assert_eq!(last, (&json!("disconnect"), &json!("too_many_connections")));
    let mut gone = open.pop().unwrap();
    gone.tell(json!({"type": "quit"})).await;
    gone.rest().await;
    drop(gone);
    // Its place is free once the node has seen it go.
    for _ in 0..200 {
        let stream = tokio::net::TcpStream::connect(node.node.listen)
            .await
            .unwrap();
        let first = Client::silent(stream).any().await.unwrap();
        if first["type"] == "connect" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place was not given back");
}

#[tokio::test]
async fn without_limits_200_connections_come_from_one_address() {
    let tuning = Tuning {
        loopback_limited: true,
        ..Tuning::default()
    };
    let node = TestNode::start_with(|_| {}, tuning).await;
    let mut open = Vec::new();
    for _ in 0..200 {
        open.push(node.connect().await);
    }
    assert_eq!(open.len(), 200);
}

#[test]
fn a_program_has_30_s_to_say_who_it_is_and_a_person_two_minutes() {
    let tuning = Tuning::default();
    let hello = (tuning.hello, tuning.text_hello);
    assert_eq!(hello, (Duration::from_secs(30), Duration::from_secs(120)));
    assert!(!tuning.loopback_limited);
}
