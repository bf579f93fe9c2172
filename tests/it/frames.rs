//! What a frame may look like: its mark, its depth, fields that are not there, and each field at its
//! limit and one past it.

use serde_json::{Value, json};

use crate::support::{Client, TestNode, fill};

/// The code that a line is refused with.
async fn code(client: &mut Client, line: &str) -> Value {
    client.write(format!("{line}\n").as_bytes()).await;
    client.next("error").await["code"].clone()
}

#[tokio::test]
async fn a_mark_is_a_string_of_64_bytes_or_an_integer_of_64_bits_and_comes_back_as_it_was() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    for mark in [
        json!("x".repeat(64)),
        json!("é".repeat(32)),
        json!(""),
        json!(i64::MAX),
        json!(i64::MIN),
    ] {
        for (frame, answer) in [("ping", "pong"), ("fly", "error")] {
            alice.tell(json!({"type": frame, "re": mark})).await;
            assert_eq!(alice.next(answer).await["re"], mark);
        }
    }
    for mark in [
        json!("x".repeat(65)),
        json!("é".repeat(33)),
        json!(u64::MAX),
        json!(1.5),
        json!(true),
        json!([1]),
    ] {
        alice.tell(json!({"type": "ping", "re": mark})).await;
        let error = alice.next("error").await;
        assert_eq!(
            (&error["code"], &error["re"]),
            (&json!("bad_frame"), &Value::Null),
            "{mark}"
        );
    }
    alice.tell(json!({"type": "ping", "re": null})).await;
    assert_eq!(alice.next("pong").await.get("re"), None);
    node.stop().await;
}

#[tokio::test]
async fn a_pong_tells_the_nodes_time_in_microseconds_since_1970() {
    let node = TestNode::start().await;
    let mut nobody = node.connect().await;
    let now = || {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        i64::try_from(now.as_micros()).unwrap()
    };
    let before = now();
    let pong = nobody.ask(json!({"type": "ping"})).await;
    let time = pong["time"].as_i64().unwrap();
    // The node's clock is the wall's as it was at the start: a little apart by now, at most.
    let apart = 1_000_000;
    assert!((before - apart..=now() + apart).contains(&time), "{pong}");
    node.stop().await;
}

#[tokio::test]
async fn json_16_deep_is_read_and_17_deep_is_not() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"type":"ping","x":{open}{close}}}"#)
    };
    alice.write(format!("{}\n", nested(16)).as_bytes()).await;
    alice.next("pong").await;
    assert_eq!(code(&mut alice, &nested(17)).await, "bad_json");
    node.stop().await;
}

#[tokio::test]
async fn a_field_that_is_null_or_unknown_counts_as_absent() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let send = json!({"type": "send", "room": "lobby", "text": "x", "nonce": null, "reply_to": null,
        "after": null, "colour": "red"});
    let sent = alice.ask(send).await;
    assert_eq!(sent["type"], "sent", "{sent}");
    let shown = alice.next("new_message").await;
    assert_eq!((shown.get("reply_to"), shown.get("colour")), (None, None));
    let missing = json!({"type": "send", "room": null, "text": "x"});
    let error = alice.ask(missing).await;
    assert_eq!(error["code"], "bad_frame");
    assert!(error["message"].as_str().unwrap().contains("\"room\""));
    node.stop().await;
}

#[tokio::test]
async fn a_topic_is_one_line_of_300_characters() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let topic = |text: &str| json!({"type": "topic", "room": "lobby", "topic": text});
    assert_eq!(
        alice.refused(topic(&"é".repeat(301))).await,
        "text_too_long"
    );
    assert_eq!(alice.refused(topic("two\nlines")).await, "bad_frame");
    let longest = "é".repeat(300);
    assert_eq!(alice.ask(topic(&longest)).await["topic"], longest);
    assert_eq!(alice.join("lobby").await["topic"], longest);
    assert_eq!(alice.ask(topic("")).await["topic"], "", "none any more");
    node.stop().await;
}

#[tokio::test]
async fn an_emoji_has_1_to_64_bytes() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let id = alice.say("lobby", "x").await["id"].clone();
    let react = |emoji: &str| json!({"type": "react", "room": "lobby", "id": id, "emoji": emoji});
    for bad in ["", &"x".repeat(65), &"👍".repeat(17), " "] {
        assert_eq!(alice.refused(react(bad)).await, "bad_frame", "{bad:?}");
    }
    let longest = "👍".repeat(16);
    assert_eq!(longest.len(), 64);
    assert_eq!(alice.ask(react(&longest)).await["type"], "ok");
    let update = alice.next("message_update").await;
    assert_eq!(update["reactions"], json!({longest: ["alice"]}));
    node.stop().await;
}

#[tokio::test]
async fn a_since_names_1024_origins_and_no_more() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let join = |origins: usize| {
        let since = (0..origins).map(|n| (format!("n{n}"), json!(1)));
        let since: serde_json::Map<String, Value> = since.collect();
        json!({"type": "join", "room": "lobby", "since": since})
    };
    assert_eq!(alice.refused(join(1025)).await, "bad_frame");
    let room = alice.ask(join(1024)).await;
    assert_eq!(room["since"].as_object().map(|v| v.len()), Some(1024));
    node.stop().await;
}

#[tokio::test]
async fn a_join_that_says_no_limit_gets_the_newest_50_and_is_told_of_older_ones() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let count = |room: &Value| room["messages"].as_array().unwrap().len();
    for n in 0..50 {
        alice.say("lobby", &n.to_string()).await;
    }
    let room = alice.join("lobby").await;
    assert_eq!((count(&room), &room["more"]), (50, &json!(false)));
    alice.say("lobby", "50").await;
    let room = alice.join("lobby").await;
    assert_eq!((count(&room), &room["more"]), (50, &json!(true)));
    assert_eq!(room["messages"][0]["text"], "1");
    assert_eq!(room["messages"][49]["text"], "50");
    let two = json!({"type": "join", "room": "lobby", "limit": 2});
    let room = alice.ask(two).await;
    assert_eq!((count(&room), &room["more"]), (2, &json!(true)));
    node.stop().await;
}

#[tokio::test]
async fn unread_messages_are_counted_up_to_a_thousand() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "archive").await;
    for (filled, unread) in [(0..999, 999), (999..1001, 1000)] {
        fill(&node.node, "archive", filled).await;
        let list = alice.ask(json!({"type": "rooms"})).await;
        assert_eq!(list["rooms"][0]["unread"], unread);
    }
    node.stop().await;
}
