//! Browsers over WebSocket, with clients of the node beside them.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::TestNode;
use crate::web_support::{Browser, bridge_to, node_and_bridge};

#[tokio::test]
async fn two_browsers_and_a_client_of_the_node_are_in_one_room() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let mut bob = Browser::user_in(bridge.address, "bob", "lobby").await;
    let mut carol = node.user_in("carol", "lobby").await;
    assert_eq!(alice.next("user_join").await["user"]["name"], "bob");

    let sent = alice.say("lobby", "one").await;
    assert!(!sent["nonce"].as_str().unwrap().is_empty());
    let told = bob.next("new_message").await;
    assert_eq!((&told["from"], &told["id"]), (&json!("alice"), &sent["id"]));
    assert_eq!(alice.next("new_message").await["id"], sent["id"]);
    carol.next_where("one", |f| f["text"] == "one").await;

    carol.say("lobby", "two").await;
    for browser in [&mut alice, &mut bob] {
        browser.next_where("two", |f| f["text"] == "two").await;
    }
    alice
        .ask(json!({"type": "react", "room": "lobby", "id": sent["id"], "emoji": "👍"}))
        .await;
    assert_eq!(
        bob.next("message_update").await["reactions"],
        json!({"👍": ["alice"]})
    );

    // Typing reaches the others and not oneself.
    alice
        .tell(json!({"type": "typing", "room": "lobby", "on": true}))
        .await;
    assert_eq!(bob.next("typing").await["user"], "alice");
    let mine = alice.settle().await;
    assert!(
        mine.iter().all(|frame| frame["type"] != "typing"),
        "{mine:?}"
    );

    bob.ask(json!({"type": "leave", "room": "lobby"})).await;
    assert_eq!(alice.next("user_leave").await["user"], "bob");
    alice.say("lobby", "three").await;
    let left = bob.settle().await;
    assert!(
        left.iter().all(|frame| frame["text"] != "three"),
        "{left:?}"
    );
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_room_answer_and_the_live_frames_have_nothing_between_and_nothing_twice() {
    let (node, bridge) = node_and_bridge().await;
    let mut talker = node.user_in("talker", "lobby").await;
    let _first = Browser::user_in(bridge.address, "first", "lobby").await;
    let talking = async {
        for n in 0..300 {
            talker.say("lobby", &n.to_string()).await;
        }
    };
    let joining = async {
        let mut browsers = Vec::new();
        for n in 0..10 {
            let mut browser = Browser::connect(bridge.address).await;
            browser.open(json!({"name": format!("late-{n}")})).await;
            let room = browser
                .ask(json!({"type": "join", "room": "lobby", "limit": 200, "since": {}}))
                .await;
            browsers.push((browser, room));
        }
        browsers
    };
    let ((), browsers) = tokio::join!(talking, joining);
    for (mut browser, room) in browsers {
        let messages = room["messages"].as_array().unwrap();
        let mut seen: Vec<String> = messages.iter().map(text).collect();
        while room["more"] == false && seen.last().is_none_or(|last| last != "299") {
            seen.push(text(&browser.next("new_message").await));
        }
        let expected: Vec<String> = (0..seen.len()).map(|n| n.to_string()).collect();
        assert_eq!(seen, expected);
    }
    bridge.stop().await;
    node.stop().await;
}

fn text(message: &Value) -> String {
    message["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_direct_conversation_reaches_every_session_of_both_and_nobody_else() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let mut bob = Browser::user_in(bridge.address, "bob", "lobby").await;
    let mut eve = Browser::user_in(bridge.address, "eve", "lobby").await;
    let mut bob_again = Browser::connect(bridge.address).await;
    bob_again.open(json!({"token": bob.session["token"]})).await;

    alice.say("@bob", "psst").await;
    for browser in [&mut bob, &mut bob_again] {
        let told = browser.next("new_message").await;
        assert_eq!(
            (&told["room"], &told["text"]),
            (&json!("@alice"), &json!("psst"))
        );
    }
    assert_eq!(alice.next("new_message").await["room"], "@bob");
    bob_again.say("@alice", "yes?").await;
    assert_eq!(alice.next("new_message").await["room"], "@bob");
    assert_eq!(bob.next("new_message").await["text"], "yes?");
    alice.say("lobby", "aloud").await;
    assert_eq!(eve.next("new_message").await["text"], "aloud");
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_read_marker_reaches_the_users_other_sessions_only() {
    let (node, bridge) = node_and_bridge().await;
    let mut one = Browser::user_in(bridge.address, "alice", "lobby").await;
    let sent = one.say("lobby", "x").await;
    let mut other = Browser::connect(bridge.address).await;
    other.open(json!({"token": one.session["token"]})).await;
    let since = json!({sent["origin"].as_str().unwrap(): sent["seq"]});
    let done = one
        .ask(json!({"type": "read", "room": "lobby", "since": since}))
        .await;
    assert_eq!(done["type"], "ok");
    assert_eq!(other.next("read").await["since"], since);
    let mine = one.settle().await;
    assert!(mine.iter().all(|frame| frame["type"] != "read"), "{mine:?}");
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_frame_is_answered_and_the_connection_lives() {
    let (node, bridge) = node_and_bridge().await;
    let mut eve = Browser::connect(bridge.address).await;
    let mut refused = Vec::new();
    for bad in [
        "",
        "{",
        "[1]",
        "null",
        "{\"type\":\"fly\"}",
        "\u{0}",
        "\"{}\"",
        "{\"type\":\"rooms\"}",
        "{\"type\":\"send\"}",
    ] {
        eve.write(Message::text(bad)).await;
        refused.push(eve.next("error").await["code"].clone());
    }
    let json_errors = vec![json!("bad_json"); 4];
    assert_eq!(refused[..4], json_errors[..]);
    assert_eq!(
        refused[4..],
        [
            "unknown_type",
            "bad_json",
            "bad_json",
            "not_joined",
            "not_joined"
        ]
    );

    eve.write(Message::binary(vec![0; 10])).await;
    assert_eq!(eve.next("error").await["code"], "bad_frame");
    let long = format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(70_000));
    eve.write(Message::text(long)).await;
    assert_eq!(eve.next("error").await["code"], "line_too_long");
    let longest = format!(r#"{{"type":"ping","re":1,"x":"{}"}}"#, "x".repeat(65_500));
    eve.write(Message::text(longest)).await;
    assert_eq!(eve.next("pong").await["re"], 1);
    eve.write(Message::Ping(vec![1].into())).await;
    eve.open(json!({"name": "eve"})).await;
    let again = eve.ask(json!({"type": "user_join", "name": "eve"})).await;
    assert_eq!(again["code"], "bad_frame");
    eve.tell(json!({"type": "quit"})).await;
    assert_eq!(eve.next("disconnect").await["reason"], "quit");
    assert_eq!(eve.read().await, None);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_browser_that_closes_leaves_its_rooms_and_the_bridges_end_is_told() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let bob = Browser::user_in(bridge.address, "bob", "lobby").await;
    let mut carol = node.user_in("carol", "lobby").await;
    drop(bob);
    assert_eq!(alice.next("user_leave").await["user"], "bob");
    let ending = tokio::spawn(bridge.stop());
    assert_eq!(alice.next("disconnect").await["reason"], "shutting_down");
    assert_eq!(alice.read().await, None);
    ending.await.unwrap();
    carol
        .next_where("alice leaves", |f| {
            f["type"] == "user_leave" && f["user"] == "alice"
        })
        .await;
    node.stop().await;
}

#[tokio::test]
async fn each_browser_has_the_rights_and_limits_of_its_own() {
    let node = TestNode::start_with(|config| config.rate = 1, Default::default()).await;
    let bridge = bridge_to(&[node.node.listen]).await;
    let mut loud = Browser::user_in(bridge.address, "loud", "lobby").await;
    let mut calm = Browser::user_in(bridge.address, "calm", "lobby").await;
    // All at once: a busy machine must not give it the time to be allowed more.
    for n in 0..20 {
        let frame = json!({"type": "send", "re": n, "room": "lobby", "text": n.to_string()});
        loud.tell(frame).await;
    }
    let mut codes = Vec::new();
    for n in 0..20 {
        let answer = loud.next_where("an answer", |f| f["re"] == n).await;
        codes.push(answer["code"].clone());
    }
    assert!(codes.contains(&json!("rate_limited")), "{codes:?}");
    calm.say("lobby", "unhindered").await;
    let denied = calm
        .ask(json!({"type": "user_join", "name": "x", "admin": "forged"}))
        .await;
    assert_eq!(denied["type"], "error");
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_browser_that_stops_reading_is_told_where_to_go_on_and_slows_nobody() {
    const MESSAGES: usize = 4_000;
    let (node, bridge) = node_and_bridge().await;
    let mut slow = Browser::user_in(bridge.address, "slow", "lobby").await;
    let mut quick = Browser::user_in(bridge.address, "quick", "lobby").await;
    let mut talker = node.user_in("talker", "lobby").await;
    // More than the bridge keeps for one browser and all buffers on the way hold.
    let long = "x".repeat(3_900);
    let talking = async {
        for begin in (0..MESSAGES).step_by(100) {
            for n in begin..begin + 100 {
                let text = format!("{n} {long}");
                let frame = json!({"type": "send", "room": "lobby", "text": text});
                talker.tell(frame).await;
            }
            let mut sent = 0;
            while sent < 100 {
                let line = talker.line().await.unwrap();
                sent += usize::from(line.starts_with(r#"{"type":"sent""#));
            }
        }
    };
    let numbers = |message: &Value| -> usize {
        let text = message["text"].as_str().unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    let reading = async {
        for n in 0..MESSAGES {
            assert_eq!(numbers(&quick.next("new_message").await), n);
        }
    };
    tokio::join!(talking, reading);

    let gap = slow.next("gap").await;
    let waiting = slow.settle().await;
    let new = |frame: &&Value| frame["type"] == "new_message";
    let mut seen: Vec<usize> = waiting.iter().filter(new).map(numbers).collect();
    assert!(seen.len() < MESSAGES);
    let mut since = gap["since"].clone();
    loop {
        let page = slow
            .ask(json!({"type": "history", "room": "lobby", "since": since, "limit": 200}))
            .await;
        seen.extend(page["messages"].as_array().unwrap().iter().map(numbers));
        since = page["since"].clone();
        if page["more"] == false {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..MESSAGES).collect::<Vec<_>>());
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn the_first_frame_is_for_a_program_and_has_no_hint() {
    let (node, bridge) = node_and_bridge().await;
    let mut browser = Browser::try_connect(bridge.address, &[]).await.unwrap();
    let connect = browser.next("connect").await;
    let limits = json!({"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200});
    assert_eq!(
        (&connect["protocol"], &connect["node"], &connect["limits"]),
        (&json!(1), &json!("n1"), &limits)
    );
    assert_eq!(connect.get("hint"), None);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_text_of_65536_bytes_passes_one_of_a_mebibyte_is_skipped_and_more_ends_the_socket() {
    let (node, bridge) = node_and_bridge().await;
    let mut eve = Browser::connect(bridge.address).await;
    let ping = |bytes: usize| {
        let empty = r#"{"type":"ping","x":""}"#.len();
        Message::text(format!(
            r#"{{"type":"ping","x":"{}"}}"#,
            "x".repeat(bytes - empty)
        ))
    };
    eve.write(ping(65_536)).await;
    eve.next("pong").await;
    for skipped in [65_537, 1024 * 1024] {
        eve.write(ping(skipped)).await;
        assert_eq!(eve.next("error").await["code"], "line_too_long");
    }
    let _ = eve.try_write(ping(1024 * 1024 + 1)).await;
    assert_eq!(eve.read().await, None);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_text_that_is_not_utf8_ends_its_socket_and_no_other() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let mut eve = Browser::user_in(bridge.address, "eve", "lobby").await;
    let text = OpCode::Data(Data::Text);
    let frame = Frame::message(vec![b'"', 0xc3, 0x28, b'"'], text, true);
    eve.write(Message::Frame(frame)).await;
    while eve.read().await.is_some() {}
    assert_eq!(alice.next("user_leave").await["user"], "eve");
    alice.say("lobby", "still here").await;
    bridge.stop().await;
    node.stop().await;
}
