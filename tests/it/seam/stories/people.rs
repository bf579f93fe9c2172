//! Users, and what they know of each other beside messages.

use std::time::Duration;

use chat::node::Tuning;
use chat::protocol::{RoomKey, RoomName};
use serde_json::json;

use crate::cluster::until;
use crate::seam::ground::{Cluster, Ground, until_in, up, who};
use crate::support::Client;

/// After which users go with their node: ten seconds otherwise. Nodes tell that they are there every two.
const SILENT: Duration = Duration::from_secs(4);

pub async fn users_are_seen_everywhere_and_go_with_their_node(ground: impl Ground) {
    let tuning = Tuning {
        node_silent: SILENT,
        ..Tuning::default()
    };
    let cluster = Cluster::tuned(ground, tuning, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    let joined = alice.next("user_join").await;
    assert_eq!(joined["user"]["uid"], bob.uid());
    until_in(&mut bob, "lobby", |names| names == ["alice", "bob"]).await;
    bob.ask(json!({"type": "away", "on": true})).await;
    let away = alice.next("away").await;
    assert_eq!((&away["user"], &away["on"]), (&json!("bob"), &json!(true)));
    let mut carol = cluster.user_in("n2", "carol", "lobby").await;
    carol.tell(json!({"type": "quit"})).await;
    let left = alice.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"]),
        (&json!("carol"), &json!("quit"))
    );

    cluster.cut("n2").await;
    let left = alice.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"]),
        (&json!("bob"), &json!("lost"))
    );
    assert_eq!(who(&mut alice, "lobby").await, ["alice"]);
    alice.forget();
    cluster.heal("n2").await;
    let joined = alice.next("user_join").await;
    assert_eq!(joined["user"]["uid"], bob.uid());
    cluster.end().await;
}

pub async fn who_moves_from_a_node_that_stops_is_not_seen_leaving(ground: impl Ground) {
    let mut cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let bob = cluster.user_in("n2", "bob", "lobby").await;
    alice.next("user_join").await;
    cluster.stop("n2").await;
    let mut bob = cluster.again_in("n1", &bob, "lobby").await;
    until("n1 is alone", async || up(cluster.node("n1")).is_empty()).await;
    // Behind whatever was on its way to the room.
    bob.say("lobby", "I am here").await;
    alice.next("new_message").await;
    let told = alice.so_far().await;
    assert!(told.iter().all(|f| f["type"] != "user_leave"), "{told:?}");
    assert_eq!(who(&mut alice, "lobby").await, ["alice", "bob"]);
    cluster.end().await;
}

pub async fn a_name_claimed_on_both_sides_of_a_cut_ends_with_one_of_them(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2"]).await;
    cluster.cut("n2").await;
    let mut first = cluster.user_in("n1", "alice", "lobby").await;
    let mut second = cluster.user_in("n2", "alice", "lobby").await;
    cluster.heal("n2").await;
    let later = second.uid();
    for client in [&mut first, &mut second] {
        let renamed = client.next("renamed").await;
        assert_eq!(renamed["from"], "alice");
        assert_eq!(renamed["uid"], later, "the later claim");
    }
    for client in [&mut first, &mut second] {
        let right =
            |names: &[String]| names.len() == 2 && names[0] == "alice" && names[1] != "alice";
        until_in(client, "lobby", right).await;
    }
    cluster.end().await;
}

pub async fn typing_crosses(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    for on in [true, false] {
        alice
            .tell(json!({"type": "typing", "room": "lobby", "on": on}))
            .await;
        let typing = bob.next("typing").await;
        assert_eq!(
            (&typing["user"], &typing["on"], &typing["room"]),
            (&json!("alice"), &json!(on), &json!("lobby"))
        );
    }
    cluster.end().await;
}

pub async fn topics_rooms_and_read_markers_cross(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    let mut alice_too = cluster.again_in("n2", &alice, "lobby").await;
    alice
        .ask(json!({"type": "topic", "room": "lobby", "topic": "greetings"}))
        .await;
    let topic = bob.next("topic").await;
    assert_eq!(
        (&topic["topic"], &topic["user"]),
        (&json!("greetings"), &json!("alice"))
    );

    let sent = bob.say("lobby", "read me").await;
    alice.next("new_message").await;
    let since = json!({sent["origin"].as_str().unwrap(): sent["seq"]});
    alice
        .ask(json!({"type": "read", "room": "lobby", "since": since}))
        .await;
    let read = alice_too.next("read").await;
    assert_eq!((&read["room"], &read["since"]), (&json!("lobby"), &since));

    // A room in which nothing was said is in no log.
    let _dave: Client = cluster.user_in("n1", "dave", "quiet").await;
    let quiet = RoomKey::Room(RoomName::parse("quiet").unwrap());
    let store = &cluster.node("n2").shared().store;
    until("n2 knows the room", async || {
        let quiet = quiet.clone();
        store.read(move |r| r.room_exists(&quiet)).await.unwrap()
    })
    .await;
    cluster.end().await;
}
