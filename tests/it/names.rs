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
