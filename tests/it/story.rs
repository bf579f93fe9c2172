//! The shortest way through everything.

use serde_json::json;

use crate::support::{TestNode, texts};

#[tokio::test]
async fn two_people_talk_and_a_third_reads_it_later() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let mut bob = node.user("bob").await;
    let room = alice.join("lobby").await;
    assert_eq!(
        (&room["messages"], &room["more"], &room["total"]),
        (&json!([]), &json!(false), &json!(1))
    );
    let room = bob.join("lobby").await;
    assert_eq!(room["total"], 2);
    let joined = alice.next("user_join").await;
    assert_eq!(
        (&joined["user"]["name"], &joined["total"]),
        (&json!("bob"), &json!(2))
    );

    let sent = alice.say("lobby", "hello").await;
    let shown = bob.next("new_message").await;
    for same in ["id", "ts", "origin", "seq", "nonce", "room"] {
        assert_eq!(sent[same], shown[same], "{same}");
    }
    assert_eq!(
        (&shown["from"], &shown["text"]),
        (&json!("alice"), &json!("hello"))
    );
    assert_eq!(alice.next("new_message").await["id"], sent["id"]);

    let node = node.restart().await;
    let mut carol = node.user("carol").await;
    let room = carol.join("lobby").await;
    assert_eq!(texts(&room), ["hello"]);
    assert_eq!(room["since"][sent["origin"].as_str().unwrap()], sent["seq"]);
    let page = carol.ask(json!({"type": "history", "room": "lobby"})).await;
    assert_eq!(page["messages"], room["messages"]);
    node.stop().await;
}
