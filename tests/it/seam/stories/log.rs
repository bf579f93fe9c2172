//! Events: all of them, everywhere, once, in one order.

use std::collections::BTreeMap;
use std::sync::Arc;

use chat::node::Node;
use chat::protocol::{
    Body, Event, MessageId, Nonce, Origin, RoomKey, RoomName, Seq, Text, Ts, Uid, UserName,
};
use serde_json::{Value, json};

use crate::seam::ground::{Cluster, Ground, place, same_history};
use crate::support::{Client, fill};

/// Messages that each of three says.
const SAID: usize = 40;

pub async fn what_is_said_anywhere_is_shown_everywhere_once_and_in_one_order(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2", "n3"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    let mut carol = cluster.user_in("n3", "carol", "lobby").await;
    for n in 0..SAID {
        for (client, name) in [(&mut alice, "a"), (&mut bob, "b"), (&mut carol, "c")] {
            let text = format!("{name}{n}");
            client
                .tell(json!({"type": "send", "room": "lobby", "text": text}))
                .await;
        }
    }
    let mut placed = BTreeMap::new();
    for client in [&mut alice, &mut bob, &mut carol] {
        for _ in 0..SAID {
            let sent = client.next("sent").await;
            placed.insert(sent["id"].to_string(), place(&sent));
        }
    }
    assert_eq!(placed.len(), 3 * SAID);
    let history = same_history([&mut alice, &mut bob, &mut carol], "lobby", 3 * SAID).await;
    for message in &history {
        assert_eq!(placed[&message["id"].to_string()], place(message));
    }
    for client in [&mut alice, &mut bob, &mut carol] {
        let shown = shown(client, 3 * SAID).await;
        let once: BTreeMap<String, Value> = shown.iter().cloned().collect();
        assert_eq!(once, placed, "each once, where it was acknowledged");
        in_order(&shown);
    }
    cluster.end().await;
}

/// The messages that were shown live, by id, in the order in which they were.
async fn shown(client: &mut Client, count: usize) -> Vec<(String, Value)> {
    let mut shown = Vec::new();
    while shown.len() < count {
        let message = client.next("new_message").await;
        shown.push((message["id"].to_string(), place(&message)));
    }
    let more = client.so_far().await;
    assert!(more.iter().all(|f| f["type"] != "new_message"), "{more:?}");
    shown
}

/// Each origin's messages were shown by their numbers.
fn in_order(shown: &[(String, Value)]) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for (_, place) in shown {
        let (origin, seq) = (place[1].to_string(), place[2].as_u64().unwrap());
        assert!(last.insert(origin, seq) < Some(seq), "{shown:?}");
    }
}

pub async fn a_late_joiner_gets_the_whole_history(ground: impl Ground) {
    let mut cluster = Cluster::of(ground, &["n1"]).await;
    fill(cluster.node("n1"), "archive", 0..1_500).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let id = alice.say("lobby", "helo").await["id"].clone();
    let edit = json!({"type": "edit", "room": "lobby", "id": id, "text": "hello"});
    assert_eq!(alice.ask(edit).await["type"], "ok");
    cluster.start("n2").await;
    cluster.level().await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    let history = same_history([&mut alice, &mut bob], "lobby", 1).await;
    assert_eq!(history[0]["text"], "hello");
    let ask = json!({"type": "history", "room": "archive", "limit": 200});
    let mut pages = Vec::new();
    for client in [&mut alice, &mut bob] {
        client.join("archive").await;
        let page = client.ask(ask.clone()).await;
        pages.push(page["messages"].as_array().unwrap().clone());
    }
    assert_eq!(pages[0].len(), 200);
    assert_eq!(pages[0], pages[1]);
    cluster.end().await;
}

pub async fn who_was_cut_off_catches_up_and_is_heard(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2", "n3"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut carol = cluster.user_in("n3", "carol", "lobby").await;
    cluster.cut("n3").await;
    for n in 0..50 {
        alice.say("lobby", &format!("here {n}")).await;
        let there = carol.say("lobby", &format!("there {n}")).await;
        assert_eq!(there["copies"], 1, "nobody hears n3");
    }
    cluster.heal("n3").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    same_history([&mut alice, &mut bob, &mut carol], "lobby", 100).await;
    // Who has been there all the time was shown it too.
    for (client, text) in [(&mut alice, "there 49"), (&mut carol, "here 49")] {
        client.next_where(text, |frame| frame["text"] == text).await;
    }
    cluster.end().await;
}

pub async fn what_one_node_alone_can_tell_comes_through_it(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2", "n3"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut carol = cluster.user_in("n3", "carol", "lobby").await;
    cluster.cut_between("n1", "n3").await;
    alice.say("lobby", "from n1").await;
    let shown = carol.next("new_message").await;
    assert_eq!(shown["text"], "from n1");
    carol.say("lobby", "from n3").await;
    alice
        .next_where("the answer", |frame| frame["text"] == "from n3")
        .await;
    same_history([&mut alice, &mut carol], "lobby", 2).await;
    cluster.end().await;
}

pub async fn one_nonce_on_both_sides_of_a_cut_is_one_message_in_one_place(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2", "n3"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n3", "bob", "lobby").await;
    let mut again = cluster.again_in("n2", &alice, "lobby").await;
    cluster.cut("n2").await;
    // She got no answer from n1, say, and sends it to n2 again.
    let send = json!({"type": "send", "room": "lobby", "text": "once", "nonce": "n"});
    let first = alice.ask(send.clone()).await;
    let second = again.ask(send.clone()).await;
    assert_eq!(first["id"], second["id"]);
    assert_ne!(place(&first), place(&second));
    cluster.heal("n2").await;
    cluster.level().await;
    let history = same_history([&mut alice, &mut again, &mut bob], "lobby", 1).await;
    assert_eq!(place(&history[0]), place(&first), "the earlier one stands");
    for client in [&mut alice, &mut again] {
        assert_eq!(place(&client.ask(send.clone()).await), place(&first));
    }
    cluster.end().await;
}

pub async fn what_overtakes_its_message_is_applied(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut alice = cluster.user_in("n1", "alice", "lobby").await;
    let mut bob = cluster.user_in("n2", "bob", "lobby").await;
    // Written on a node that is not here; what it has changed was said on another one.
    let id = |nonce| MessageId::new(&Uid::parse("writer").unwrap(), &nonce_of(nonce));
    let edit = Body::Edit {
        id: id("m1"),
        text: Text::parse("edited").unwrap(),
    };
    let react = Body::React {
        id: id("m2"),
        emoji: "👍".to_owned(),
        on: true,
    };
    let updates = [edit, react, Body::Delete { id: id("m3") }];
    let updates = updates.into_iter().enumerate();
    let updates = updates.map(|(n, body)| event("far-0001", n as Seq + 1, &format!("u{n}"), body));
    brought(cluster.node("n1"), updates.collect()).await;
    cluster.level().await;
    let message = |n: Seq| {
        let text = Text::parse(&format!("said {n}")).unwrap();
        let reply_to = None;
        event(
            "off-0001",
            n,
            &format!("m{n}"),
            Body::Message { text, reply_to },
        )
    };
    brought(cluster.node("n2"), (1..=3).map(message).collect()).await;
    let history = same_history([&mut alice, &mut bob], "lobby", 3).await;
    assert_eq!(history[0]["text"], "edited");
    assert_eq!(history[1]["reactions"], json!({"👍": ["writer"]}));
    assert_eq!(history[2]["deleted"], true);
    cluster.end().await;
}

/// As if another node had brought these.
async fn brought(node: &Node, events: Vec<Arc<Event>>) {
    let count = events.len();
    let ingested = node.shared().store.ingest(events).await.unwrap();
    assert_eq!(ingested.stored, count, "{ingested:?}");
}

fn nonce_of(text: &str) -> Nonce {
    Nonce::parse(text).unwrap()
}

fn event(origin: &str, seq: Seq, nonce: &str, body: Body) -> Arc<Event> {
    Arc::new(Event {
        origin: Origin::parse(origin).unwrap(),
        seq,
        ts: Ts(1_700_000_000_000_000 + seq as i64),
        room: RoomKey::Room(RoomName::parse("lobby").unwrap()),
        uid: Uid::parse("writer").unwrap(),
        name: UserName::parse("writer").unwrap(),
        nonce: nonce_of(nonce),
        body,
    })
}
