//! Direct conversations: the same one from both sides, in every session of both.

use serde_json::json;

use crate::support::{TestNode, texts};

#[tokio::test]
async fn each_side_sees_the_conversation_under_the_others_name() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let mut bob = node.user("bob").await;
    let mut twin = node.connect().await;
    twin.open(json!({"token": bob.session["token"]})).await;
    let mut carol = node.user("carol").await;

    let sent = alice.say("@bob", "psst").await;
    assert_eq!(sent["room"], "@bob");
    assert_eq!(alice.next("new_message").await["room"], "@bob");
    for side in [&mut bob, &mut twin] {
        let shown = side.next("new_message").await;
        assert_eq!(
            (&shown["room"], &shown["text"], &shown["id"]),
            (&json!("@alice"), &json!("psst"), &sent["id"])
        );
    }
    alice
        .tell(json!({"type": "typing", "room": "@bob", "on": true}))
        .await;
    assert_eq!(bob.next("typing").await["room"], "@alice");
    bob.ask(json!({"type": "react", "room": "@alice", "id": sent["id"], "emoji": "👍"}))
        .await;
    assert_eq!(alice.next("message_update").await["room"], "@bob");
    bob.say("@alice", "yes?").await;

    for (side, room) in [(&mut alice, "@bob"), (&mut bob, "@alice")] {
        let page = side.ask(json!({"type": "history", "room": room})).await;
        assert_eq!(texts(&page), ["psst", "yes?"]);
        assert_eq!(
            (&page["room"], &page["messages"][0]["room"]),
            (&json!(room), &json!(room))
        );
    }
    assert_eq!(
        texts(
            &carol
                .ask(json!({"type": "history", "room": "@alice"}))
                .await
        ),
        [""; 0]
    );
    assert!(carol.so_far().await.is_empty(), "it is nobody else's");
}

#[tokio::test]
async fn what_was_missed_of_a_conversation_is_fetched_by_since() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let bob = node.user("bob").await;
    let first = alice.say("@bob", "one").await;
    let token = bob.session["token"].clone();
    drop(bob);
    alice.say("@bob", "two").await;
    let mut bob = node.connect().await;
    bob.open(json!({"token": token})).await;
    let since = json!({first["origin"].as_str().unwrap(): first["seq"]});
    let page = bob
        .ask(json!({"type": "history", "room": "@alice", "since": since}))
        .await;
    assert_eq!(
        (texts(&page), &page["more"]),
        (vec!["two".to_owned()], &json!(false))
    );
}

#[tokio::test]
async fn a_conversation_is_with_a_user_and_follows_no_name() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let bob = node.user("bob").await;
    alice.say("@bob", "for the first bob").await;
    let by_id = format!("@={}", bob.uid());
    let page = alice.ask(json!({"type": "history", "room": by_id})).await;
    assert_eq!(texts(&page), ["for the first bob"]);
    assert_eq!(
        alice
            .refused(json!({"type": "send", "room": "@=zzzz", "text": "x"}))
            .await,
        "no_such_user"
    );
    // Notes to oneself.
    let note = alice.say("@alice", "milk").await;
    assert_eq!(
        alice
            .next_where("note", |f| f["id"] == note["id"]
                && f["type"] == "new_message")
            .await["room"],
        "@alice"
    );
}
