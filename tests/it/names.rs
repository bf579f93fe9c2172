//! Names, tokens, and the user behind them.

use serde_json::{Value, json};

use crate::support::{Client, TestNode};

/// What `user_join` is answered with, whatever it is.
async fn join(client: &mut Client, fields: Value) -> Value {
    let mut frame = fields;
    frame["type"] = json!("user_join");
    client.ask(frame).await
}

#[tokio::test]
async fn a_guest_gets_a_uid_and_a_token_that_opens_the_same_user_again() {
    let node = TestNode::start().await;
    let mut alice = node.connect().await;
    let session = alice.open(json!({"name": "alice"})).await;
    let uid = session["uid"].as_str().unwrap();
    assert_eq!(uid.len(), 12);
    assert!(
        uid.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    );
    let told = (
        &session["user"],
        &session["guest"],
        &session["role"],
        &session["node"],
    );
    assert_eq!(
        told,
        (&json!("alice"), &json!(true), &json!("user"), &json!("n1"))
    );

    let token = session["token"].clone();
    let mut again = node.connect().await;
    let second = again.open(json!({"token": token})).await;
    let same = (&second["uid"], &second["user"]);
    assert_eq!(
        same,
        (&session["uid"], &session["user"]),
        "both are open at once"
    );

    drop((alice, again));
    let node = node.restart().await;
    let mut later = node.connect().await;
    let third = later.open(json!({"token": second["token"]})).await;
    assert_eq!(third["uid"], session["uid"], "also after a restart");
    node.stop().await;
}

#[tokio::test]
async fn a_name_is_taken_while_its_user_is_here_and_for_ten_minutes_after() {
    let node = TestNode::start().await;
    let alice = node.user("alice").await;
    for wanted in ["alice", "Alice", "аlice"] {
        let mut other = node.connect().await;
        let answer = join(&mut other, json!({"name": wanted})).await;
        assert_eq!(answer["code"], "name_taken", "{wanted}: {answer}");
        let free = answer["suggestion"].clone();
        let session = other.open(json!({"name": free})).await;
        assert_eq!(session["user"], free);
        drop(other);
    }
    drop(alice);
    let node = node.restart().await;
    let mut other = node.connect().await;
    let answer = join(&mut other, json!({"name": "alice"})).await;
    assert_eq!(answer["code"], "name_taken", "she may be back: {answer}");
    node.stop().await;
}

#[tokio::test]
async fn a_refused_user_join_leaves_the_connection_open_for_another() {
    let node = TestNode::start().await;
    let mut client = node.connect().await;
    for (fields, code) in [
        (json!({"name": "two words"}), "bad_name"),
        (json!({"name": "x".repeat(33)}), "bad_name"),
        (json!({"name": ""}), "bad_name"),
        (json!({"token": "nonsense"}), "bad_token"),
        (json!({"token": "x".repeat(5000)}), "bad_token"),
        (json!({"name": "alice", "password": "secret"}), "forbidden"),
        (json!({"name": "alice", "admin": "wrong"}), "forbidden"),
        (json!({"name": 5}), "bad_frame"),
        (json!({}), "bad_frame"),
    ] {
        let answer = join(&mut client, fields.clone()).await;
        assert_eq!(answer["code"], code, "{fields}: {answer}");
    }
    client.open(json!({"name": "alice"})).await;
    let answer = join(&mut client, json!({"name": "bob"})).await;
    assert_eq!(answer["code"], "bad_frame", "a second user_join");
    node.stop().await;
}

#[tokio::test]
async fn a_token_changed_by_one_letter_or_of_another_cluster_opens_nobody() {
    let node = TestNode::start().await;
    let alice = node.user("alice").await;
    let token = alice.session["token"].as_str().unwrap().to_owned();
    let mut changed = token.clone().into_bytes();
    changed[3] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    let mut client = node.connect().await;
    let answer = join(&mut client, json!({"token": changed})).await;
    assert_eq!(answer["code"], "bad_token");

    let other = TestNode::start_with(
        |config| {
            config.secret = chat::protocol::secret::Secret::new(&[b'o'; 32]).unwrap();
        },
        chat::node::Tuning::default(),
    )
    .await;
    let mut client = other.connect().await;
    let answer = join(&mut client, json!({"token": token})).await;
    assert_eq!(answer["code"], "bad_token");
    other.stop().await;

    // Another node with the same secret, which has never heard of her.
    let other = TestNode::start().await;
    let mut client = other.connect().await;
    let session = client.open(json!({"token": token})).await;
    assert_eq!(session["uid"], alice.session["uid"]);
    assert_eq!(session["user"], "alice");
    other.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn the_administrators_token_makes_the_role() {
    let node = TestNode::start().await;
    let mut client = node.connect().await;
    let admin = node.admin_token();
    let session = client.open(json!({"name": "root", "admin": admin})).await;
    assert_eq!(session["role"], "admin");
    node.stop().await;
}

#[tokio::test]
async fn a_name_beside_a_token_renames_the_user_in_front_of_everybody() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let alice = node.user_in("alice", "lobby").await;
    let mut again = node.connect().await;
    let token = &alice.session["token"];
    let answer = join(&mut again, json!({"token": token, "name": "bob"})).await;
    assert_eq!(answer["code"], "name_taken");
    let session = again.open(json!({"token": token, "name": "alicia"})).await;
    assert_eq!(session["user"], "alicia");
    let renamed = bob.next("renamed").await;
    assert_eq!(
        (&renamed["uid"], &renamed["from"], &renamed["to"]),
        (&session["uid"], &json!("alice"), &json!("alicia"))
    );
    node.stop().await;
}

#[tokio::test]
async fn who_wrote_a_message_is_the_uid_whatever_the_connection() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let id = alice.say("lobby", "mine").await["id"].clone();
    let edit = json!({"type": "edit", "room": "lobby", "id": id, "text": "changed"});
    assert_eq!(bob.refused(edit.clone()).await, "forbidden");
    let mut again = node.connect().await;
    again.open(json!({"token": alice.session["token"]})).await;
    again.join("lobby").await;
    assert_eq!(again.ask(edit).await["type"], "ok");
    node.stop().await;
}

#[tokio::test]
async fn a_direct_conversation_is_with_the_user_and_not_with_the_name() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let mut bob = node.user("bob").await;
    alice.say("@bob", "hello").await;
    let shown = bob.next("new_message").await;
    assert_eq!(
        (&shown["room"], &shown["from"]),
        (&json!("@alice"), &json!("alice"))
    );
    // Every session of both has it, also the writer's other one.
    let mut again = node.connect().await;
    again.open(json!({"token": bob.session["token"]})).await;
    bob.say("@alice", "hi").await;
    let mine = again.next("new_message").await;
    assert_eq!(
        (&mine["room"], &mine["from"]),
        (&json!("@alice"), &json!("bob"))
    );
    alice
        .next_where("bob's answer", |frame| frame["text"] == "hi")
        .await;

    // He is called otherwise from now on; the conversation is the same one.
    let mut renamed = node.connect().await;
    let fields = json!({"token": bob.session["token"], "name": "robert"});
    renamed.open(fields).await;
    let told = alice.next("renamed").await;
    assert_eq!(
        (&told["uid"], &told["from"], &told["to"]),
        (&json!(bob.uid()), &json!("bob"), &json!("robert")),
        "she is in no room with him, but talks with him"
    );
    let nobody = json!({"type": "send", "room": "@bob", "text": "?"});
    assert_eq!(alice.refused(nobody).await, "no_such_user");
    let page = alice
        .ask(json!({"type": "history", "room": "@robert"}))
        .await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 2, "{page}");
    assert_eq!(page["messages"][0]["room"], "@robert");
    let uid = bob.uid();
    let page = alice
        .ask(json!({"type": "history", "room": format!("@={uid}")}))
        .await;
    assert_eq!(page["room"], "@robert");

    // Somebody else takes the name that is free now: nothing of the old conversation is theirs.
    let mut other = node.user("bob").await;
    let page = other
        .ask(json!({"type": "history", "room": "@alice"}))
        .await;
    assert_eq!(page["messages"], json!([]));
    let page = alice.ask(json!({"type": "history", "room": "@bob"})).await;
    assert_eq!(page["messages"], json!([]));
    node.stop().await;
}

#[tokio::test]
async fn before_user_join_only_a_few_frames_are_answered() {
    let node = TestNode::start().await;
    let mut client = node.connect().await;
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    assert_eq!(client.ask(json!({"type": "stats"})).await["type"], "stats");
    for frame in [
        json!({"type": "join", "room": "lobby"}),
        json!({"type": "send", "room": "lobby", "text": "x"}),
        json!({"type": "rooms"}),
        json!({"type": "who", "room": "lobby"}),
        json!({"type": "away", "on": true}),
        json!({"type": "history", "room": "lobby"}),
    ] {
        assert_eq!(client.refused(frame.clone()).await, "not_joined", "{frame}");
    }
    client.tell(json!({"type": "quit"})).await;
    let rest = client.rest().await;
    assert_eq!(rest[0]["type"], "disconnect");
    assert_eq!(rest[0]["reason"], "quit");
    node.stop().await;
}
