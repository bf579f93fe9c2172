//! The status that each error has over HTTP, and the limits of a request.

use std::time::Duration;

use chat::node::Tuning;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{DEADLINE, TestNode};
use crate::web_support::{Poller, bridge_to, get, node_and_bridge, post, read_answer, request};

/// A body of this many bytes that asks for a `pong`.
fn ping_of(bytes: usize) -> String {
    let empty = r#"{"type":"ping","x":""}"#.len();
    format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(bytes - empty))
}

#[tokio::test]
async fn what_is_wrong_with_a_single_frame_is_the_status_of_its_request() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let hers = alice.say("lobby", "hers").await["id"].clone();
    alice.join("ops").await;
    let bob = Poller::open(bridge.address, "bob").await;
    bob.post(json!({"type": "join", "room": "lobby"}))
        .await
        .frames();
    let say = |room: &str, text: &str| json!({"type": "send", "room": room, "text": text});
    let mut bad_nonce = say("lobby", "x");
    bad_nonce["nonce"] = json!("");
    let edit = json!({"type": "edit", "room": "lobby", "id": hers, "text": "his"});
    for (frame, expected) in [
        (say("a b", "x"), (400, "bad_room")),
        (say("lobby", " "), (400, "empty_text")),
        (say("lobby", &"x".repeat(4001)), (400, "text_too_long")),
        (bad_nonce, (400, "bad_nonce")),
        (edit, (403, "forbidden")),
        (say("ops", "x"), (403, "not_in_room")),
        (say("nowhere", "x"), (404, "no_such_room")),
    ] {
        let (status, code) = bob.post(frame.clone()).await.refused();
        assert_eq!((status, code.as_str()), expected, "{frame}");
    }
    for (fields, expected) in [
        (json!({"name": "two words"}), (400, "bad_name")),
        (json!({"token": "forged"}), (401, "bad_token")),
        (
            json!({"name": "carol", "password": "x"}),
            (403, "forbidden"),
        ),
        (json!({"name": "alice"}), (409, "name_taken")),
    ] {
        let mut frame = fields;
        frame["type"] = json!("user_join");
        let (status, code) = post(bridge.address, frame.clone()).await.refused();
        assert_eq!((status, code.as_str()), expected, "{frame}");
    }
    let nothing = get(bridge.address, "/nothing").await;
    assert_eq!(nothing.refused(), (404, "bad_frame".to_owned()));
    let asked_wrongly = get(bridge.address, "/send").await;
    assert_eq!(asked_wrongly.refused(), (405, "bad_frame".to_owned()));
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_body_of_65536_bytes_passes_and_one_more_is_too_long() {
    let (node, bridge) = node_and_bridge().await;
    let longest = request(bridge.address, "POST /send", &[], &ping_of(65_536)).await;
    assert_eq!(longest.frames()[0]["type"], "pong");
    let longer = request(bridge.address, "POST /send", &[], &ping_of(65_537)).await;
    assert_eq!(longer.refused(), (413, "line_too_long".to_owned()));
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_body_that_takes_more_than_ten_seconds_is_not_waited_for() {
    let (node, bridge) = node_and_bridge().await;
    let mut slow = TcpStream::connect(bridge.address).await.unwrap();
    let head = format!(
        "POST /send HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{{",
        bridge.address
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let began = Instant::now();
    let answer = read_answer(slow).await;
    assert_eq!(answer.refused(), (408, "bad_frame".to_owned()));
    assert!(began.elapsed() >= Duration::from_millis(9_900));
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn who_is_too_fast_is_told_when_to_come_again_in_the_headers_too() {
    let node = TestNode::start_with(|config| config.rate = 1, Tuning::default()).await;
    let bridge = bridge_to(&[node.node.listen]).await;
    let bob = Poller::open(bridge.address, "bob").await;
    bob.post(json!({"type": "join", "room": "lobby"}))
        .await
        .frames();
    let say = json!({"type": "send", "room": "lobby", "text": "x"});
    let limited = async {
        loop {
            // The burst is used up, and the array's status says nothing of it.
            bob.post(Value::Array(vec![say.clone(); 10])).await.frames();
            let answer = bob.post(say.clone()).await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let answer = timeout(DEADLINE, limited).await.unwrap();
    assert_eq!(answer.refused(), (429, "rate_limited".to_owned()));
    let told = answer.json()["retry_after_ms"].as_u64().unwrap();
    let header = answer.header("retry-after").unwrap();
    assert_eq!(header, told.div_ceil(1000).to_string(), "whole seconds");
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn one_browser_too_many_from_an_address_is_429() {
    let tuning = Tuning {
        connections_per_address: 2,
        loopback_limited: true,
        ..Tuning::default()
    };
    let node = TestNode::start_with(|config| config.rate = 5, tuning).await;
    let bridge = bridge_to(&[node.node.listen]).await;
    let _first = Poller::open(bridge.address, "first").await;
    let _second = Poller::open(bridge.address, "second").await;
    let third = post(
        bridge.address,
        json!({"type": "user_join", "name": "third"}),
    )
    .await;
    assert_eq!(third.refused(), (429, "too_many_connections".to_owned()));
    assert_eq!(third.header("retry-after"), Some("5"));
    for other in [
        json!({"name": "third", "room": "lobby", "text": "x"}),
        json!({"type": "ping"}),
    ] {
        let answer = post(bridge.address, other).await;
        assert_eq!(answer.refused(), (429, "too_many_connections".to_owned()));
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn direct_answers_come_with_their_request_and_not_in_a_poll_too() {
    let (node, bridge) = node_and_bridge().await;
    let bob = Poller::open(bridge.address, "bob").await;
    let frames = json!([
        {"type": "join", "room": "lobby"},
        {"type": "send", "room": "lobby", "text": "hello"},
        {"type": "who", "room": "lobby"},
        {"type": "fly"},
    ]);
    let answers = bob.post(frames).await.frames();
    let types: Vec<&Value> = answers.iter().map(|frame| &frame["type"]).collect();
    assert_eq!(types, ["room", "sent", "user_list_update", "error"]);
    let polled = bob.poll(0, 25).await.frames();
    let types: Vec<&Value> = polled.iter().map(|frame| &frame["type"]).collect();
    assert_eq!(types, ["new_message"], "{polled:?}");
    bridge.stop().await;
    node.stop().await;
}
