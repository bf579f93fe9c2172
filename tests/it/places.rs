//! Where a message stands that two nodes have accepted, or that came long after its time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Member, history, same_history, two, until};
use crate::support::Client;

/// The two do not hear each other from now on.
async fn cut(one: &Member, two: &Member) {
    one.node.mesh().unwrap().cut("n2");
    until("the link is down", async || {
        one.linked().is_empty() && two.linked().is_empty()
    })
    .await;
}

/// The places of a message among these frames, in the order in which it was shown.
fn places(frames: &[Value], id: &Value) -> Vec<Value> {
    let shown = frames.iter();
    let shown = shown.filter(|f| f["type"] == "new_message" && f["id"] == *id);
    shown.map(place).collect()
}

fn place(frame: &Value) -> Value {
    json!([frame["ts"], frame["origin"], frame["seq"]])
}

#[tokio::test]
async fn a_message_accepted_on_both_sides_of_a_partition_moves_to_its_earlier_place() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let mut again = Client::connect(two.node.listen).await;
    again.open(json!({"token": alice.session["token"]})).await;
    again.join("lobby").await;
    cut(&one, &two).await;

    // She got no answer from n1, say, and sends it to n2 again.
    let send = json!({"type": "send", "room": "lobby", "text": "once", "nonce": "n"});
    let first = alice.ask(send.clone()).await;
    let second = again.ask(send.clone()).await;
    assert_eq!(first["id"], second["id"]);
    assert_ne!(first["origin"], second["origin"]);
    assert!(first["ts"].as_i64() < second["ts"].as_i64());
    let between = bob.say("lobby", "behind it").await;

    one.node.mesh().unwrap().mend("n2");
    let answer = alice.say("lobby", "together again").await;
    let mut told = Vec::new();
    for client in [&mut alice, &mut bob, &mut again] {
        for id in [&between["id"], &answer["id"]] {
            let shown = client.next_where("all of it", |f| {
                f["type"] == "new_message" && f["id"] == *id
            });
            shown.await;
        }
        told.push(places(&client.so_far().await, &first["id"]));
    }
    let (earlier, later) = (place(&first), place(&second));
    assert_eq!(told[0], std::slice::from_ref(&earlier), "not moved on n1");
    for there in &told[1..] {
        assert_eq!(*there, [later.clone(), earlier.clone()], "moved on n2");
    }
    let settled = same_history(&mut alice, &mut bob, "lobby", 3).await;
    assert_eq!(place(&settled[0]), earlier);
    // Sent once more: its place as each node knows it by now.
    for client in [&mut alice, &mut again] {
        assert_eq!(place(&client.ask(send.clone()).await), earlier);
    }
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn what_comes_more_than_5_s_late_behind_newer_messages_is_marked() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    cut(&one, &two).await;
    alice.join("quiet").await;
    bob.join("quiet").await;
    alice.say("quiet", "behind nothing").await;
    alice.say("lobby", "from before").await;
    bob.say("lobby", "meanwhile").await;
    // No clock to turn here: the messages have to become old.
    tokio::time::sleep(Duration::from_millis(5_100)).await;
    one.node.mesh().unwrap().mend("n2");

    let late = bob
        .next_where("the late one", |f| f["text"] == "from before")
        .await;
    assert_eq!(late["late"], true);
    let alone = bob
        .next_where("the other one", |f| f["text"] == "behind nothing")
        .await;
    assert_eq!(alone.get("late"), None, "as old, and the only one");
    let newer = alice
        .next_where("the newer one", |f| f["text"] == "meanwhile")
        .await;
    assert_eq!(newer.get("late"), None, "it is old, and the newest");
    // Each node marks what came late to it; the place is the same.
    let here = history(&mut bob, "lobby").await;
    let there = history(&mut alice, "lobby").await;
    let marks = |messages: &[Value]| {
        let marks = messages
            .iter()
            .map(|m| (m["text"].clone(), m["late"] == true));
        marks.collect::<Vec<_>>()
    };
    let (before, meanwhile) = (json!("from before"), json!("meanwhile"));
    assert_eq!(
        marks(&here),
        [(before.clone(), true), (meanwhile.clone(), false)]
    );
    assert_eq!(marks(&there), [(before, false), (meanwhile, false)]);
    for member in [one, two] {
        member.stop().await;
    }
}
