//! Every error code of one node, with the mark of the frame that it answers.

use serde_json::{Value, json};

use crate::support::{Client, TestNode};

/// What a line is answered with.
async fn answer(client: &mut Client, line: &str) -> Value {
    client.write(format!("{line}\n").as_bytes()).await;
    client.next("error").await
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_the_connection_lives_on() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let deep = format!(
        r#"{{"type":"ping","x":{}{}}}"#,
        "[".repeat(16),
        "]".repeat(16)
    );
    for (line, code, re) in [
        ("nonsense", "bad_json", Value::Null),
        ("[1]", "bad_json", Value::Null),
        (r#"{"type":"ping""#, "bad_json", Value::Null),
        (&deep, "bad_json", Value::Null),
        (r#"{"re":7}"#, "bad_frame", json!(7)),
        (r#"{"type":"join","re":"a"}"#, "bad_frame", json!("a")),
        (r#"{"type":"join","re":8,"room":5}"#, "bad_frame", json!(8)),
        (r#"{"type":"fly","re":9}"#, "unknown_type", json!(9)),
        (
            r#"{"type":"search","re":10,"query":"!"}"#,
            "bad_frame",
            json!(10),
        ),
    ] {
        let error = answer(&mut alice, line).await;
        assert_eq!(
            (&error["code"], &error["re"]),
            (&json!(code), &re),
            "{line}"
        );
    }
    let error = answer(&mut alice, r#"{"type":"join","room":5}"#).await;
    assert!(
        error["message"].as_str().unwrap().contains("\"room\""),
        "{error}"
    );
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn a_line_of_65536_bytes_passes_and_one_more_is_skipped() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let line = |bytes: usize| {
        let empty = r#"{"type":"ping","re":1,"x":""}"#;
        format!(
            r#"{{"type":"ping","re":1,"x":"{}"}}"#,
            "x".repeat(bytes - empty.len())
        )
    };
    assert_eq!(line(65_536).len(), 65_536);
    alice
        .write(format!("{}\r\n", line(65_536)).as_bytes())
        .await;
    assert_eq!(alice.next("pong").await["re"], 1);
    assert_eq!(
        answer(&mut alice, &line(65_537)).await["code"],
        "line_too_long"
    );
    alice
        .write(b"{\"type\":\"ping\",\"x\":\"\xc3\x28\"}\n")
        .await;
    assert_eq!(alice.next("error").await["code"], "not_utf8");
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn a_room_that_is_not_there_and_one_that_is_not_joined_are_told_apart() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "ops").await;
    let mut bob = node.user("bob").await;
    alice.say("ops", "here").await;
    for frame in [
        json!({"type": "send", "text": "x"}),
        json!({"type": "edit", "id": "aaaa.x", "text": "x"}),
        json!({"type": "delete", "id": "aaaa.x"}),
        json!({"type": "react", "id": "aaaa.x", "emoji": "x"}),
        json!({"type": "topic", "topic": "x"}),
        json!({"type": "history"}),
        json!({"type": "typing", "on": true}),
        json!({"type": "read", "since": {}}),
        json!({"type": "who"}),
        json!({"type": "leave"}),
    ] {
        let with = |room: &str| {
            let mut frame = frame.clone();
            frame["room"] = json!(room);
            frame
        };
        assert_eq!(bob.refused(with("ops")).await, "not_in_room", "{frame}");
        assert_eq!(
            bob.refused(with("nowhere")).await,
            "no_such_room",
            "{frame}"
        );
        if frame["type"] != "topic" {
            assert_eq!(
                bob.refused(with("@nobody")).await,
                "no_such_user",
                "{frame}"
            );
        }
        assert_eq!(bob.refused(with("a b")).await, "bad_room", "{frame}");
    }
    assert_eq!(
        bob.refused(json!({"type": "join", "room": "@alice"})).await,
        "bad_room"
    );
}

#[tokio::test]
async fn a_room_has_1_to_48_characters() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    for bad in ["", "#ops", &"x".repeat(49)] {
        assert_eq!(
            alice.refused(json!({"type": "join", "room": bad})).await,
            "bad_room"
        );
    }
    alice.join(&"x".repeat(48)).await;
    assert_eq!(alice.join("LOBBY").await["room"], "lobby");
}

#[tokio::test]
async fn a_text_has_1_to_4000_characters_and_a_nonce_64_bytes() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let send = |text: &str| json!({"type": "send", "room": "lobby", "text": text});
    for empty in ["", " \n\t"] {
        assert_eq!(alice.refused(send(empty)).await, "empty_text");
    }
    assert_eq!(
        alice.refused(send(&"é".repeat(4001))).await,
        "text_too_long"
    );
    assert_eq!(alice.ask(send(&"😀".repeat(4000))).await["type"], "sent");
    for bad in ["", "a\nb", &"x".repeat(65), &"é".repeat(33)] {
        let frame = json!({"type": "send", "room": "lobby", "text": "x", "nonce": bad});
        assert_eq!(alice.refused(frame).await, "bad_nonce");
    }
    for good in [&"x".repeat(64), &"é".repeat(32), "a b"] {
        let frame = json!({"type": "send", "room": "lobby", "text": "x", "nonce": good});
        assert_eq!(alice.ask(frame).await["nonce"], good);
    }
}

#[tokio::test]
async fn only_the_writer_changes_a_message_and_only_one_that_is_there() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    bob.join("ops").await;
    let id = alice.say("lobby", "mine").await["id"].clone();
    let edit = json!({"type": "edit", "room": "lobby", "id": id, "text": "x"});
    assert_eq!(bob.refused(edit.clone()).await, "forbidden");
    assert_eq!(
        bob.refused(json!({"type": "delete", "room": "lobby", "id": id}))
            .await,
        "forbidden"
    );
    let react =
        |room: &str, id: &Value| json!({"type": "react", "room": room, "id": id, "emoji": "x"});
    assert_eq!(bob.refused(react("ops", &id)).await, "no_such_message");
    assert_eq!(
        bob.refused(react("lobby", &json!("aaaa.none"))).await,
        "no_such_message"
    );
    assert_eq!(
        bob.refused(react("lobby", &json!("none"))).await,
        "no_such_message"
    );
    for (kind, text) in [("edit", "x"), ("delete", "")] {
        let frame = json!({"type": kind, "room": "lobby", "id": "no such id", "text": text});
        assert_eq!(bob.refused(frame).await, "no_such_message", "{kind}");
    }
    alice
        .ask(json!({"type": "delete", "room": "lobby", "id": id}))
        .await;
    assert_eq!(alice.refused(edit).await, "no_such_message");
    let delete = json!({"type": "delete", "room": "lobby", "id": id});
    assert_eq!(alice.refused(delete).await, "no_such_message");
    assert_eq!(bob.refused(react("lobby", &id)).await, "no_such_message");
}

#[tokio::test]
async fn a_node_that_cannot_store_acknowledges_nothing() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    node.node.shared().store.close().await;
    let send = json!({"type": "send", "room": "lobby", "text": "x"});
    assert_eq!(alice.refused(send).await, "unavailable");
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[test]
fn a_fault_of_the_server_is_told_as_internal() {
    let damaged = chat::node::store::StoreError::Damaged("page 5".to_owned());
    let refusal = chat::protocol::Refusal::from(damaged);
    assert_eq!(refusal.code, chat::protocol::ErrorCode::Internal);
}
