//! Users, their names and what else is not in the log, across nodes.

use serde_json::{Value, json};

use crate::cluster::{Member, linked, two, until};
use crate::support::Client;

/// The names of those who are in the room.
async fn who(client: &mut Client, room: &str) -> Vec<String> {
    let answer = client.ask(json!({"type": "who", "room": room})).await;
    let users = answer["users"].as_array().unwrap();
    let mut names: Vec<_> = users
        .iter()
        .map(|u| u["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn users_of_both_nodes_see_each_other_come_and_go() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let joined = alice.next("user_join").await;
    assert_eq!(
        (&joined["user"]["name"], &joined["total"]),
        (&json!("bob"), &json!(2))
    );
    let mut carol = two.user("carol").await;
    let room = carol.join("lobby").await;
    assert_eq!(
        (&room["total"], room["users"].as_array().unwrap().len()),
        (&json!(3), 3)
    );
    alice
        .next_where("carol", |f| f["user"]["name"] == "carol")
        .await;
    alice.ask(json!({"type": "away", "on": true})).await;
    let away = bob.next("away").await;
    assert_eq!(
        (&away["user"], &away["on"]),
        (&json!("alice"), &json!(true))
    );
    carol.ask(json!({"type": "leave", "room": "lobby"})).await;
    let left = alice.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"]),
        (&json!("carol"), &json!("leave"))
    );
    bob.tell(json!({"type": "quit"})).await;
    let left = alice.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"], &left["total"]),
        (&json!("bob"), &json!("quit"), &json!(1))
    );
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn users_who_were_there_before_the_link_are_seen_after_it() {
    let one = Member::start("n1", &[]).await;
    let mut alice = one.user_in("alice", "lobby").await;
    let two = Member::start("n2", &[]).await;
    let bob = two.user_in("bob", "lobby").await;
    let three = Member::start("n3", &[&one, &two]).await;
    linked(&[&one, &two, &three]).await;
    let joined = alice.next("user_join").await;
    assert_eq!(joined["user"]["uid"], bob.uid());
    let mut carol = three.user("carol").await;
    until("n3 has both", async || {
        three.node.shared().people().presence.faces().count() == 3
    })
    .await;
    carol.join("lobby").await;
    assert_eq!(who(&mut carol, "lobby").await, ["alice", "bob", "carol"]);
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn typing_crosses_and_read_markers_reach_the_users_other_sessions() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let mut alice_too = Client::connect(two.node.listen).await;
    alice_too
        .open(json!({"token": alice.session["token"]}))
        .await;
    alice_too.join("lobby").await;
    alice
        .tell(json!({"type": "typing", "room": "lobby", "on": true}))
        .await;
    let typing = bob.next("typing").await;
    assert_eq!(
        (&typing["user"], &typing["on"]),
        (&json!("alice"), &json!(true))
    );
    let sent = bob.say("lobby", "read me").await;
    let marker = json!({sent["origin"].as_str().unwrap(): sent["seq"]});
    alice.next("new_message").await;
    alice
        .ask(json!({"type": "read", "room": "lobby", "since": marker}))
        .await;
    let read = alice_too.next("read").await;
    assert_eq!((&read["room"], &read["since"]), (&json!("lobby"), &marker));
    assert_eq!(alice_too.join("lobby").await["read"], marker);
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_name_is_taken_on_all_nodes_and_a_token_opens_the_same_user_on_any() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    until("n2 has heard of alice", async || {
        two.node.shared().people().presence.faces().count() == 1
    })
    .await;
    let mut other = Client::connect(two.node.listen).await;
    let refused = other
        .ask(json!({"type": "user_join", "name": "Alice"}))
        .await;
    assert_eq!(refused["code"], "name_taken");
    let suggestion = refused["suggestion"].as_str().unwrap().to_owned();
    other.open(json!({"name": suggestion})).await;
    let mut moved = Client::connect(two.node.listen).await;
    let session = moved.open(json!({"token": alice.session["token"]})).await;
    assert_eq!(
        (&session["uid"], &session["user"]),
        (&json!(alice.uid()), &json!("alice"))
    );
    assert_eq!(session["node"], "n2");
    // What it wrote on one node it may change on the other.
    let id = alice.say("lobby", "mine").await["id"].clone();
    moved.join("lobby").await;
    until("n2 has the message", async || {
        two.node.shared().store.held().len() == 1
    })
    .await;
    let edit = json!({"type": "edit", "room": "lobby", "id": id, "text": "still mine"});
    assert_eq!(moved.ask(edit).await["type"], "ok");
    // One user in two sessions is one user in the room.
    assert_eq!(who(&mut moved, "lobby").await, ["alice"]);
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_name_claimed_on_both_sides_of_a_partition_stays_with_the_earlier_claim() {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[]).await;
    let mut first = one.user_in("alice", "lobby").await;
    let mut second = two.user_in("alice", "lobby").await;
    let three = Member::start("n3", &[&one, &two]).await;
    linked(&[&one, &two, &three]).await;
    for client in [&mut first, &mut second] {
        let renamed = client.next("renamed").await;
        assert_eq!(renamed["from"], "alice");
        assert_ne!(renamed["to"], "alice");
    }
    let is_second = |user: &Value| user["uid"] == json!(second.uid());
    let mut carol = three.user("carol").await;
    until("n3 shows both names", async || {
        let shared = three.node.shared();
        let people = shared.people();
        let faces = people.presence.faces().map(|f| f.name.as_str().to_owned());
        let mut names: Vec<_> = faces.collect();
        names.sort();
        names.dedup();
        names.len() == 3
    })
    .await;
    let room = carol.join("lobby").await;
    for user in room["users"].as_array().unwrap() {
        assert_eq!(
            user["name"] != "alice" && user["name"] != "carol",
            is_second(user),
            "{user}"
        );
    }
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_lost_nodes_users_leave_the_list_and_are_back_when_it_is_heard_again() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let _bob = two.user_in("bob", "lobby").await;
    alice.next("user_join").await;
    let cut = std::time::Instant::now();
    one.node.mesh().unwrap().cut("n2");
    let left = alice.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"]),
        (&json!("bob"), &json!("lost"))
    );
    assert!(cut.elapsed().as_secs() < 15, "{:?}", cut.elapsed());
    one.node.mesh().unwrap().mend("n2");
    let joined = alice.next("user_join").await;
    assert_eq!(joined["user"]["name"], "bob");
    for member in [one, two] {
        member.stop().await;
    }
}
