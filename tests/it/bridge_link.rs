//! The node's side of a bridge's link: who may have one, and what is said on it.

use std::time::{Duration, Instant};

use chat::node::Tuning;
use chat::protocol::bridge::{Auth, Challenge, Hello, LINK_SESSIONS_MAX, LinkNonce, Ready};
use chat::protocol::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{DEADLINE, TestNode};

/// A connection of somebody who says to be a bridge.
struct Link {
    stream: BufReader<TcpStream>,
}

impl Link {
    async fn connect(node: &TestNode) -> Link {
        let stream = TcpStream::connect(node.node.listen).await.unwrap();
        let stream = BufReader::new(stream);
        let mut link = Link { stream };
        let connect = link.line().await.unwrap();
        assert!(connect.contains(r#""type":"connect""#));
        link
    }

    /// With this secret, as far as it is let.
    async fn open(node: &TestNode, secret: u8) -> (Link, Value) {
        let secret = Secret::new(&[secret; 32]).unwrap();
        let mut link = Link::connect(node).await;
        let hello = Hello::new("web-test", LinkNonce::new([7; 16]));
        link.say(&serde_json::to_string(&hello).unwrap()).await;
        let challenge: Challenge = serde_json::from_str(&link.line().await.unwrap()).unwrap();
        let auth = Auth::new(&secret, &hello, &challenge);
        link.say(&serde_json::to_string(&auth).unwrap()).await;
        let answer = link.line().await.unwrap();
        if let Ok(ready) = serde_json::from_str::<Ready>(&answer) {
            assert!(ready.proves(&secret, &hello, &challenge));
        }
        (link, serde_json::from_str(&answer).unwrap())
    }

    async fn say(&mut self, line: &str) {
        // It may have been closed already.
        let _ = self.stream.write_all(format!("{line}\n").as_bytes()).await;
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match timeout(DEADLINE, self.stream.read_line(&mut line))
            .await
            .unwrap()
        {
            Ok(1..) => Some(line.trim_end().to_owned()),
            Ok(0) | Err(_) => None,
        }
    }

    /// The next line that begins like this.
    async fn line_like(&mut self, head: &str) -> String {
        loop {
            let line = self
                .line()
                .await
                .unwrap_or_else(|| panic!("ended before {head}"));
            if line.starts_with(head) {
                return line;
            }
        }
    }
}

#[tokio::test]
async fn only_who_knows_the_secret_has_a_link() {
    let node = TestNode::start().await;
    let (mut link, refused) = Link::open(&node, b'x').await;
    assert_eq!(
        (&refused["type"], &refused["code"]),
        (&json!("error"), &json!("forbidden"))
    );
    assert_eq!(link.line().await, None);

    // A proof that was heard on another connection is worth nothing here.
    let mut link = Link::connect(&node).await;
    let hello = Hello::new("web-test", LinkNonce::new([7; 16]));
    link.say(&serde_json::to_string(&hello).unwrap()).await;
    link.line().await.unwrap();
    let mac = "0".repeat(64);
    link.say(&format!(r#"{{"type":"bridge_auth","mac":"{mac}"}}"#))
        .await;
    assert!(link.line().await.unwrap().contains("forbidden"));
    assert_eq!(link.line().await, None);

    let mut link = Link::connect(&node).await;
    link.say(
        &serde_json::to_string(&hello)
            .unwrap()
            .replace(r#""version":1"#, r#""version":9"#),
    )
    .await;
    assert!(link.line().await.unwrap().contains("version"));

    // In the middle of a client's connection it is a frame like any other.
    let mut client = node.user("alice").await;
    let late = serde_json::to_value(&hello).unwrap();
    assert_eq!(client.refused(late).await, "unknown_type");

    let (_link, ready) = Link::open(&node, b's').await;
    assert_eq!(
        (&ready["type"], &ready["node"]),
        (&json!("bridge_ready"), &json!("n1"))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_line_of_a_room_crosses_once_for_all_its_sessions() {
    let node = TestNode::start().await;
    let mut talker = node.user_in("talker", "lobby").await;
    let (mut link, _) = Link::open(&node, b's').await;
    for id in 1..=3 {
        link.say(&format!("o{id} 192.0.2.1")).await;
        link.say(&format!(
            r#"s{id} {{"type":"user_join","re":1,"name":"user{id}"}}"#
        ))
        .await;
        link.say(&format!(r#"s{id} {{"type":"join","re":2,"room":"lobby"}}"#))
            .await;
        link.line_like(&format!("m1 {id}")).await;
    }
    talker.say("lobby", "hello").await;
    let line = link.line_like("r1 1:").await;
    assert!(line.contains(r#""text":"hello""#), "{line}");
    link.say(r#"s2 {"type":"typing","room":"lobby"}"#).await;
    assert!(link.line_like("r1!2 ").await.contains(r#""type":"typing""#));
    link.say("x1").await;
    link.line_like("l1 1").await;
    assert_eq!(talker.next("user_leave").await["user"], "user1");
    link.say("p77").await;
    assert_eq!(link.line_like("p").await, "p77");
    drop(link);
    talker
        .next_where("user3 leaves", |f| {
            f["type"] == "user_leave" && f["user"] == "user3"
        })
        .await;
    node.stop().await;
}

#[tokio::test]
async fn a_browsers_address_counts_for_the_limit_on_connections() {
    let tuning = Tuning {
        connections_per_address: 2,
        ..Tuning::default()
    };
    let node = TestNode::start_with(|config| config.rate = 5, tuning).await;
    let (mut link, _) = Link::open(&node, b's').await;
    for id in 1..=3 {
        link.say(&format!("o{id} 192.0.2.1")).await;
    }
    link.say("o4 192.0.2.2").await;
    assert!(link.line_like("s3 ").await.contains("too_many_connections"));
    assert!(
        link.line_like("s3 ")
            .await
            .contains(r#""type":"disconnect""#)
    );
    assert_eq!(link.line_like("c").await, "c3");
    link.say("x1").await;
    link.say("o5 192.0.2.1").await;
    link.say(r#"s5 {"type":"ping","re":5}"#).await;
    assert!(link.line_like("s").await.contains(r#""re":5"#));
    node.stop().await;
}

#[tokio::test]
async fn a_bridge_that_breaks_the_rules_loses_its_link_and_nobody_else_does() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let too_many: String = (1..=LINK_SESSIONS_MAX + 1)
        .map(|id| format!("o{id} ::1\n"))
        .collect();
    let flood = format!("o1 ::1\n{}", "s1 {\"type\":\"rooms\"}\n".repeat(400));
    for wrong in [
        "nonsense",
        "o1",
        "o1 ::1\no1 ::1",
        "s1 x",
        "\u{0}",
        &too_many,
        &flood,
    ] {
        let (mut link, _) = Link::open(&node, b's').await;
        link.say(wrong).await;
        while link.line().await.is_some() {}
    }
    // What comes for a session that is not there is passed over.
    let (mut link, _) = Link::open(&node, b's').await;
    for odd in [
        "x9",
        "s9 {}",
        "j9 lobby {}",
        "d9 {}",
        "o1 ::1",
        "j1 lobby {}",
        "d1 {}",
        "s1 {",
    ] {
        link.say(odd).await;
    }
    link.say("p1").await;
    link.line_like("p1").await;
    alice.say("lobby", "undisturbed").await;
    node.stop().await;
}

#[tokio::test]
async fn a_bridge_that_says_nothing_for_ten_seconds_is_given_up_and_its_sessions_are_lost() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let (mut link, _) = Link::open(&node, b's').await;
    link.say("o1 192.0.2.1").await;
    link.say(r#"s1 {"type":"user_join","name":"bob"}"#).await;
    link.say(r#"s1 {"type":"join","room":"lobby"}"#).await;
    let silent_since = Instant::now();
    alice.next("user_join").await;
    while link.line().await.is_some() {}
    assert!(silent_since.elapsed() >= Duration::from_millis(9_900));
    let left = alice.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"]),
        (&json!("bob"), &json!("lost"))
    );
    node.stop().await;
}
