//! The status that each error has over HTTP, and the limits and deadlines of requests and sockets.

use std::time::Duration;

use chat::node::Tuning;
use chat::web;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{DEADLINE, TestNode};
use crate::web_support::{
    Browser, Poller, bridge_to, bridge_tuned, get, node_and_bridge, post, read_answer, request,
};

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
async fn a_body_that_takes_too_long_is_not_waited_for() {
    let node = TestNode::start().await;
    let tuning = web::Tuning {
        body: Duration::from_millis(300),
        ..web::Tuning::default()
    };
    let bridge = bridge_tuned(&[node.node.listen], tuning).await;
    let mut slow = TcpStream::connect(bridge.address).await.unwrap();
    let head = format!(
        "POST /send HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{{",
        bridge.address
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let began = Instant::now();
    let answer = read_answer(slow).await;
    assert_eq!(answer.refused(), (408, "bad_frame".to_owned()));
    assert!(began.elapsed() >= Duration::from_millis(300));
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

#[test]
fn a_bridge_has_the_deadlines_that_the_page_says() {
    let tuning = web::Tuning::default();
    let (hello, ping) = (tuning.hello.as_secs(), tuning.ping_every.as_secs());
    let (poll, body) = (tuning.poll_session_idle.as_secs(), tuning.body.as_secs());
    assert_eq!((hello, ping, poll, body), (30, 30, 60, 10));
}

#[tokio::test]
async fn a_poll_session_that_is_not_polled_ends_and_its_token_goes_on_from_there() {
    let node = TestNode::start().await;
    let idle = Duration::from_secs(1);
    let tuning = web::Tuning {
        poll_session_idle: idle,
        ..web::Tuning::default()
    };
    let bridge = bridge_tuned(&[node.node.listen], tuning).await;
    let mut alice = node.user_in("alice", "lobby").await;
    let join = json!({"type": "join", "room": "lobby"});
    let (bob, answers) = Poller::open_with(bridge.address, "bob", &[join]).await;
    let since = answers[0]["since"].clone();
    // The bridge looks for ended sessions every few seconds; to who asks, they are over at once.
    tokio::time::sleep(idle).await;
    let ended = (401, "bad_token".to_owned());
    assert_eq!(bob.poll(0, 0).await.refused(), ended);
    assert_eq!(bob.post(json!({"type": "rooms"})).await.refused(), ended);
    let left = alice.next("user_leave").await;
    assert_eq!(left["user"], "bob");
    alice.say("lobby", "while you were away").await;

    let again = json!([
        {"type": "user_join", "token": bob.session["token"]},
        {"type": "join", "room": "lobby", "since": since},
    ]);
    let answers = post(bridge.address, again).await.frames();
    assert_eq!(answers[0]["uid"], bob.session["uid"]);
    assert_eq!(crate::support::texts(&answers[1]), ["while you were away"]);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_browser_is_pinged_so_that_nothing_on_the_way_takes_it_for_dead() {
    let node = TestNode::start().await;
    let tuning = web::Tuning {
        ping_every: Duration::from_millis(100),
        ..web::Tuning::default()
    };
    let bridge = bridge_tuned(&[node.node.listen], tuning).await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    for _ in 0..2 {
        alice.pinged().await;
    }
    alice.say("lobby", "still here").await;
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_browser_that_never_says_who_it_is_is_let_go_and_no_other() {
    let node = TestNode::start().await;
    let tuning = web::Tuning {
        hello: Duration::from_secs(2),
        ..web::Tuning::default()
    };
    let bridge = bridge_tuned(&[node.node.listen], tuning).await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let mut nobody = Browser::connect(bridge.address).await;
    assert_eq!(nobody.next("disconnect").await["reason"], "quit");
    assert_eq!(nobody.read().await, None);
    alice.say("lobby", "still here").await;
    bridge.stop().await;
    node.stop().await;
}
