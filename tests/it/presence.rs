//! Who is in a room, and what the others there are told.

use serde_json::{Value, json};

use crate::cluster::two;
use crate::support::{Client, TestNode};

fn names(users: &Value) -> Vec<&str> {
    let users = users.as_array().expect("users");
    users
        .iter()
        .map(|user| user["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_room_shows_each_user_once_and_tells_of_the_first_session_and_the_last() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let mut alice = node.user_in("alice", "lobby").await;
    let joined = bob.next("user_join").await;
    assert_eq!(
        (
            &joined["user"]["name"],
            &joined["user"]["uid"],
            &joined["total"]
        ),
        (&json!("alice"), &alice.session["uid"], &json!(2))
    );
    let mut again = node.connect().await;
    again.open(json!({"token": alice.session["token"]})).await;
    let room = again.join("lobby").await;
    assert_eq!(
        (&room["total"], names(&room["users"])),
        (&json!(2), vec!["alice", "bob"])
    );
    let answer = alice.ask(json!({"type": "leave", "room": "lobby"})).await;
    assert_eq!(answer["type"], "ok");
    assert_eq!(
        bob.so_far().await,
        Vec::<Value>::new(),
        "one of her is still there"
    );
    again.tell(json!({"type": "quit"})).await;
    let left = bob.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["uid"], &left["reason"], &left["total"]),
        (
            &json!("alice"),
            &alice.session["uid"],
            &json!("quit"),
            &json!(1)
        )
    );
    assert_eq!(
        alice.so_far().await,
        Vec::<Value>::new(),
        "she has left the room"
    );
    node.stop().await;
}

#[tokio::test]
async fn the_hundredth_user_is_told_of_alone_and_the_hundred_and_first_in_a_batch() {
    let node = TestNode::start().await;
    let mut watcher = node.user_in("watcher", "lobby").await;
    let mut others: Vec<Client> = Vec::new();
    for n in 2..=100 {
        others.push(node.user_in(&format!("user{n}"), "lobby").await);
        let joined = watcher.next("user_join").await;
        assert_eq!(joined["total"], n);
    }
    let mut last = node.user("zoe").await;
    let room = last.join("lobby").await;
    assert_eq!(
        (&room["total"], names(&room["users"]).len()),
        (&json!(101), 100)
    );
    let update = watcher.next("user_list_update").await;
    assert_eq!(update["total"], 101);
    assert_eq!(names(&update["joined"]), ["zoe"]);
    assert!(
        update.get("left").is_none() && update.get("users").is_none(),
        "{update}"
    );
    let who = watcher.ask(json!({"type": "who", "room": "lobby"})).await;
    assert_eq!(
        (&who["total"], names(&who["users"]).len()),
        (&json!(101), 101)
    );
    // Back to a hundred: one by one again.
    others.pop();
    let left = watcher.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["total"]),
        (&json!("user100"), &json!(100))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_user_whose_node_stops_and_who_is_back_on_another_is_not_seen_to_leave() {
    let (one, two) = two().await;
    let mut bob = two.user_in("bob", "lobby").await;
    let alice = one.user_in("alice", "lobby").await;
    let carol = one.user_in("carol", "lobby").await;
    for _ in ["alice", "carol"] {
        bob.next("user_join").await;
    }
    one.stop().await;
    let mut moved = Client::connect(two.node.listen).await;
    let session = moved.open(json!({"token": alice.session["token"]})).await;
    assert_eq!(session["uid"], alice.session["uid"]);
    let room = moved.join("lobby").await;
    assert_eq!(room["total"], 3, "nobody is missed yet");
    // She does not come back, and is missed within 15 seconds.
    let left = bob.next("user_leave").await;
    assert_eq!(
        (&left["uid"], &left["reason"], &left["total"]),
        (&carol.session["uid"], &json!("lost"), &json!(2))
    );
    assert_eq!(bob.so_far().await, Vec::<Value>::new());
    two.stop().await;
}
