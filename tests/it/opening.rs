//! Who somebody is: `user_join`, names, tokens, the administrator.

use chat::node::Tuning;
use serde_json::json;
use std::time::Duration;

use crate::support::{Client, TestNode};

#[tokio::test]
async fn the_server_speaks_first_and_says_its_limits() {
    let node = TestNode::start().await;
    let stream = tokio::net::TcpStream::connect(node.node.listen)
        .await
        .unwrap();
    let connect = Client::silent(stream).next("connect").await;
    let limits = json!({"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200});
    assert_eq!(connect["limits"], limits);
    assert_eq!(
        (&connect["protocol"], &connect["node"]),
        (&json!(1), &json!("n1"))
    );
    assert!(
        connect["server"].as_str().unwrap().starts_with("chat/"),
        "{connect}"
    );
    assert!(connect["time"].as_i64().unwrap() > 1_700_000_000_000_000);
    // For a person at telnet, who sees this line before anything else.
    let hint = connect["hint"].as_str().unwrap();
    assert!(hint.contains("name") && hint.contains("/help"), "{hint}");
}

#[tokio::test]
async fn a_guest_gets_a_session_and_a_second_user_join_is_refused() {
    let node = TestNode::start().await;
    let mut alice = node.connect().await;
    let session = alice.open(json!({"name": "alice"})).await;
    assert_eq!(
        (
            &session["user"],
            &session["guest"],
            &session["role"],
            &session["node"]
        ),
        (&json!("alice"), &json!(true), &json!("user"), &json!("n1"))
    );
    assert_eq!(
        alice
            .refused(json!({"type": "user_join", "name": "bob"}))
            .await,
        "bad_frame"
    );
}

#[tokio::test]
async fn before_user_join_only_ping_stats_and_quit_are_answered() {
    let node = TestNode::start().await;
    let mut nobody = node.connect().await;
    for frame in [
        json!({"type": "join", "room": "lobby"}),
        json!({"type": "leave", "room": "lobby"}),
        json!({"type": "send", "room": "lobby", "text": "x"}),
        json!({"type": "edit", "room": "lobby", "id": "aaaa.x", "text": "x"}),
        json!({"type": "delete", "room": "lobby", "id": "aaaa.x"}),
        json!({"type": "react", "room": "lobby", "id": "aaaa.x", "emoji": "x"}),
        json!({"type": "topic", "room": "lobby", "topic": "x"}),
        json!({"type": "history", "room": "lobby"}),
        json!({"type": "typing", "room": "lobby", "on": true}),
        json!({"type": "read", "room": "lobby", "since": {}}),
        json!({"type": "search", "query": "x"}),
        json!({"type": "rooms"}),
        json!({"type": "who", "room": "lobby"}),
        json!({"type": "away", "on": true}),
        // What else is wrong with it does not matter yet.
        json!({"type": "send", "room": "lobby"}),
        json!({"type": "delete", "room": "a b", "id": "x"}),
    ] {
        assert_eq!(nobody.refused(frame.clone()).await, "not_joined", "{frame}");
    }
    assert_eq!(nobody.ask(json!({"type": "ping"})).await["type"], "pong");
    assert_eq!(nobody.ask(json!({"type": "stats"})).await["type"], "stats");
    nobody.tell(json!({"type": "quit"})).await;
    let last = nobody.rest().await.pop().unwrap();
    assert_eq!(
        (&last["type"], &last["reason"]),
        (&json!("disconnect"), &json!("quit"))
    );
}

#[tokio::test]
async fn a_name_is_taken_by_whoever_is_here_or_was_just_now() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let mut other = node.connect().await;
    for name in ["alice", "ALICE", "аlice"] {
        let refusal = other.ask(json!({"type": "user_join", "name": name})).await;
        assert_eq!(refusal["code"], "name_taken", "{refusal}");
        assert_eq!(
            refusal["suggestion"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .chars()
                .last(),
            Some('2')
        );
    }
    alice.tell(json!({"type": "quit"})).await;
    alice.rest().await;
    assert_eq!(
        other
            .refused(json!({"type": "user_join", "name": "alice"}))
            .await,
        "name_taken"
    );
    other.open(json!({"name": "alice-2"})).await;
}

#[tokio::test]
async fn a_name_has_1_to_32_characters() {
    let node = TestNode::start().await;
    let mut nobody = node.connect().await;
    for bad in ["", "a b", "-", &"x".repeat(33), "a\u{202e}b"] {
        assert_eq!(
            nobody
                .refused(json!({"type": "user_join", "name": bad}))
                .await,
            "bad_name"
        );
    }
    nobody.open(json!({"name": "x".repeat(32)})).await;
}

#[tokio::test]
async fn a_token_opens_the_same_user_again_in_several_sessions_and_after_a_restart() {
    let node = TestNode::start().await;
    let first = node.user("alice").await;
    let token = first.session["token"].clone();
    let mut second = node.connect().await;
    let session = second.open(json!({"token": token})).await;
    assert_eq!(
        (&session["uid"], &session["user"]),
        (&first.session["uid"], &json!("alice"))
    );
    let node = node.restart().await;
    let mut third = node.connect().await;
    assert_eq!(
        third.open(json!({"token": token})).await["uid"],
        first.session["uid"]
    );
    // The name is kept for the user that the restart has thrown out.
    let mut thief = node.connect().await;
    assert_eq!(
        thief
            .refused(json!({"type": "user_join", "name": "alice"}))
            .await,
        "name_taken"
    );
}

#[tokio::test]
async fn a_token_of_another_cluster_or_a_changed_one_is_refused() {
    let node = TestNode::start().await;
    let mut nobody = node.connect().await;
    let alice = node.user("alice").await;
    let token = alice.session["token"].as_str().unwrap();
    for bad in ["", "x.y", &token[1..], &format!("{token}x")] {
        assert_eq!(
            nobody
                .refused(json!({"type": "user_join", "token": bad}))
                .await,
            "bad_token"
        );
    }
}

#[tokio::test]
async fn the_administrators_token_in_the_folder_makes_an_administrator_and_no_other_does() {
    let node = TestNode::start().await;
    let mut root = node.connect().await;
    let wrong = json!({"type": "user_join", "name": "root", "admin": "guess"});
    assert_eq!(root.refused(wrong).await, "forbidden");
    let session = root
        .open(json!({"name": "root", "admin": node.admin_token()}))
        .await;
    assert_eq!(session["role"], "admin");
    // Beside a token too; the token alone does not bring it back.
    for (fields, role) in [
        (json!({"admin": node.admin_token()}), "admin"),
        (json!({}), "user"),
    ] {
        let mut fields = fields;
        fields["token"] = session["token"].clone();
        let again = node.connect().await.open(fields).await;
        assert_eq!(
            (&again["uid"], &again["role"]),
            (&session["uid"], &json!(role))
        );
    }
}

#[tokio::test]
async fn a_password_is_refused_cleanly() {
    let node = TestNode::start().await;
    let mut nobody = node.connect().await;
    let frame = json!({"type": "user_join", "name": "alice", "password": "secret"});
    assert_eq!(nobody.refused(frame).await, "forbidden");
}

#[tokio::test]
async fn somebody_who_never_says_who_they_are_is_let_go() {
    let tuning = Tuning {
        hello: Duration::from_millis(200),
        ..Tuning::default()
    };
    let node = TestNode::start_with(|_| {}, tuning).await;
    let mut alice = node.user("alice").await;
    let mut nobody = node.connect().await;
    nobody.tell(json!({"type": "ping"})).await;
    let last = nobody.rest().await.pop().unwrap();
    assert_eq!(
        (&last["type"], &last["code"]),
        (&json!("error"), &json!("not_joined"))
    );
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
}
