//! Minutes and days that no test can wait for: what was said and remembered long ago is put where the
//! node finds it, and its own clock does the rest.

use chat::node::store::SoftRow;
use chat::protocol::presence::UserRecord;
use chat::protocol::{Ts, Uid, UserName};
use serde_json::json;

use crate::support::{Client, TestNode};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;

/// Somebody who claimed this name, and was last here, so many microseconds ago.
fn user(node: &TestNode, name: &str, ago: i64) -> UserRecord {
    let then = Ts(node.node.shared().now().0 - ago);
    UserRecord {
        uid: Uid::parse(&format!("uidof{name}")).unwrap(),
        name: UserName::parse(name).unwrap(),
        claimed_at: then,
        last_seen: then,
    }
}

/// The token that was issued to a user when it was last here.
fn token(node: &TestNode, user: &UserRecord) -> String {
    node.node.shared().tokens.issue(user, user.last_seen)
}

/// A node that remembers these users from its last run, and them.
async fn node_that_knows(users: &[(&str, i64)]) -> (TestNode, Vec<UserRecord>) {
    let node = TestNode::start().await;
    let users = users.iter().map(|(name, ago)| user(&node, name, *ago));
    let users: Vec<UserRecord> = users.collect();
    let rows = users.iter().cloned().map(SoftRow::User).collect();
    node.node.shared().store.merge_soft(rows).await.unwrap();
    (node.restart().await, users)
}

async fn join_as(client: &mut Client, fields: serde_json::Value) -> serde_json::Value {
    let mut frame = fields;
    frame["type"] = json!("user_join");
    client.ask(frame).await
}

#[tokio::test]
async fn a_token_is_taken_for_30_days_after_its_last_use_and_refused_after() {
    let (node, users) = node_that_knows(&[("known", 29 * DAY)]).await;
    let mut client = node.connect().await;
    let run_out = user(&node, "gone", 30 * DAY + SECOND);
    let refused = join_as(&mut client, json!({"token": token(&node, &run_out)})).await;
    assert_eq!(refused["code"], "bad_token");
    let why = refused["message"].as_str().unwrap();
    assert!(why.contains("30 days"), "{why}");

    let due = user(&node, "still", 30 * DAY - 60 * SECOND);
    let session = client.open(json!({"token": token(&node, &due)})).await;
    assert_eq!(
        (&session["uid"], &session["user"]),
        (&json!("uidofstill"), &json!("still"))
    );
    assert_ne!(session["token"], token(&node, &due), "a fresh one");

    // An older token counts as long as its user was here, with another one, since.
    let mut long_ago = users[0].clone();
    long_ago.last_seen = Ts(long_ago.last_seen.0 - 20 * DAY);
    let mut again = node.connect().await;
    let session = again.open(json!({"token": token(&node, &long_ago)})).await;
    assert_eq!(session["uid"], "uidofknown");
    node.stop().await;
}

#[tokio::test]
async fn a_name_is_kept_for_ten_minutes_and_free_after() {
    let minutes = 60 * SECOND;
    let known = [("bob", 10 * minutes + SECOND), ("carol", 9 * minutes)];
    let (node, _) = node_that_knows(&known).await;
    let mut client = node.connect().await;
    let refused = join_as(&mut client, json!({"name": "carol"})).await;
    assert_eq!(
        (&refused["code"], &refused["suggestion"]),
        (&json!("name_taken"), &json!("carol-2"))
    );
    let session = client.open(json!({"name": "bob"})).await;
    assert_ne!(session["uid"], "uidofbob", "a new user under that name");
    node.stop().await;
}

#[tokio::test]
async fn who_comes_back_to_a_name_that_is_somebody_elses_is_told_the_new_one() {
    let (node, users) = node_that_knows(&[("bob", 11 * 60 * SECOND)]).await;
    let mut alice = node.user("alice").await;
    let sent = alice.say("@bob", "for the first bob").await;
    assert_eq!(sent["room"], "@bob", "nobody else bears the name yet");
    let _second = node.user("bob").await;

    // The old conversation is called by the user's id now: what is sent there must not reach another.
    let list = alice.ask(json!({"type": "rooms"})).await;
    let names: Vec<_> = list["rooms"].as_array().unwrap().iter().collect();
    assert_eq!(
        (names.len(), &names[0]["room"]),
        (1, &json!("@=uidofbob")),
        "{list}"
    );
    assert_eq!(
        alice.say("@=uidofbob", "still you").await["room"],
        "@=uidofbob"
    );

    let mut first = node.connect().await;
    let session = first.open(json!({"token": token(&node, &users[0])})).await;
    assert_eq!(
        (&session["uid"], &session["user"]),
        (&json!("uidofbob"), &json!("bob-2"))
    );
    let page = first
        .ask(json!({"type": "history", "room": "@alice"}))
        .await;
    assert_eq!(
        crate::support::texts(&page),
        ["for the first bob", "still you"]
    );
    assert_eq!(alice.say("@bob-2", "hello").await["room"], "@bob-2");
    node.stop().await;
}
