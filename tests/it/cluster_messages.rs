//! Messages and what becomes of them, across nodes.

use chat::protocol::{MessageId, RoomKey, RoomName};
use serde_json::{Value, json};

use crate::cluster::{Member, history, linked, same_history, two, until};
use crate::support::{Client, texts};

#[tokio::test]
async fn an_acknowledgement_says_on_how_many_disks_the_message_is() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    for n in 0..20 {
        let sent = alice.say("lobby", &format!("m{n}")).await;
        assert_eq!(sent["copies"], 2, "message {n}");
        let id = MessageId::parse(sent["id"].as_str().unwrap()).unwrap();
        let there = two
            .node
            .shared()
            .store
            .read(move |store| store.message(&id));
        assert!(there.await.unwrap().is_some(), "n2 has it by then");
    }
    let again = json!({"type": "send", "room": "lobby", "text": "m20", "nonce": "same"});
    assert_eq!(alice.ask(again.clone()).await["copies"], 2);
    assert_eq!(alice.ask(again).await["copies"], 2, "and the second time");
    two.stop().await;
    until("n1 is alone", async || one.linked().is_empty()).await;
    assert_eq!(alice.say("lobby", "alone").await["copies"], 1);
}

#[tokio::test]
async fn what_is_said_on_one_node_is_shown_on_the_other() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let sent = alice.say("lobby", "hello").await;
    let shown = bob.next("new_message").await;
    for same in ["id", "ts", "origin", "seq", "nonce", "room"] {
        assert_eq!(sent[same], shown[same], "{same}");
    }
    assert_eq!(
        (&shown["from"], &shown["text"]),
        (&json!("alice"), &json!("hello"))
    );
    let answer = bob.say("lobby", "hi").await;
    assert!(
        answer["ts"].as_i64() > sent["ts"].as_i64(),
        "an answer sorts after what it answers"
    );
    assert_eq!(
        alice.next_where("the answer", |f| f["text"] == "hi").await["id"],
        answer["id"]
    );
    same_history(&mut alice, &mut bob, "lobby", 2).await;
    // The vector of one node is valid on the other.
    let since = alice.join("lobby").await["since"].clone();
    let mut carol = two.user("carol").await;
    let room = carol
        .ask(json!({"type": "join", "room": "lobby", "since": since}))
        .await;
    assert_eq!(
        (&room["messages"], &room["more"]),
        (&json!([]), &json!(false))
    );
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn two_nodes_that_speak_at_once_tell_one_history() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    for n in 0..200 {
        alice
            .tell(json!({"type": "send", "room": "lobby", "text": format!("a{n}")}))
            .await;
        bob.tell(json!({"type": "send", "room": "lobby", "text": format!("b{n}")}))
            .await;
    }
    for client in [&mut alice, &mut bob] {
        let mut seen = Vec::new();
        while seen.len() < 400 {
            let message = client.next("new_message").await;
            seen.push((message["origin"].clone(), message["seq"].as_u64().unwrap()));
        }
        // Each origin's in order, without gaps, each once.
        for (origin, _) in seen.clone() {
            let seqs: Vec<_> = seen
                .iter()
                .filter(|(o, _)| *o == origin)
                .map(|(_, s)| *s)
                .collect();
            assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
        }
    }
    let ask = json!({"type": "history", "room": "lobby", "limit": 200});
    let (mut a, mut b) = (alice.ask(ask.clone()).await, bob.ask(ask).await);
    (a["re"], b["re"]) = (Value::Null, Value::Null);
    assert_eq!(a, b);
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn the_same_nonce_sent_to_both_nodes_at_once_is_one_message() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut watcher = two.user_in("watcher", "lobby").await;
    let mut again = Client::connect(two.node.listen).await;
    again.open(json!({"token": alice.session["token"]})).await;
    again.join("lobby").await;
    for n in 0..50 {
        let nonce = format!("n-{n}");
        let send = json!({"type": "send", "room": "lobby", "text": "once", "nonce": nonce});
        let (here, there) = tokio::join!(alice.ask(send.clone()), again.ask(send));
        assert_eq!(
            (&here["type"], &there["type"]),
            (&json!("sent"), &json!("sent"))
        );
        assert_eq!(here["id"], there["id"]);
    }
    let settled = same_history(&mut alice, &mut again, "lobby", 50).await;
    assert_eq!(history(&mut watcher, "lobby").await, settled);
    // Whoever was shown another place before is told of the one that stands.
    for client in [&mut alice, &mut watcher] {
        let mut shown = std::collections::BTreeMap::new();
        for frame in client.so_far().await {
            if frame["type"] == "new_message" {
                shown.insert(
                    frame["id"].to_string(),
                    (frame["ts"].clone(), frame["origin"].clone()),
                );
            }
        }
        for message in &settled {
            let place = (message["ts"].clone(), message["origin"].clone());
            assert_eq!(shown[&message["id"].to_string()], place, "{message}");
        }
        assert_eq!(shown.len(), 50);
    }
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn edits_deletions_reactions_and_topics_cross() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let id = alice.say("lobby", "helo").await["id"].clone();
    let gone = alice.say("lobby", "oops").await["id"].clone();
    bob.next_where("both", |f| f["id"] == gone).await;
    alice
        .ask(json!({"type": "edit", "room": "lobby", "id": id, "text": "hello"}))
        .await;
    let update = bob.next("message_update").await;
    assert_eq!((&update["id"], &update["text"]), (&id, &json!("hello")));
    bob.ask(json!({"type": "react", "room": "lobby", "id": id, "emoji": "👍", "on": true}))
        .await;
    let update = alice
        .next_where("a reaction", |f| f["reactions"].is_object())
        .await;
    assert_eq!(update["reactions"], json!({"👍": ["bob"]}));
    // Somebody else's message stays what it is, wherever it was written.
    let edit = json!({"type": "edit", "room": "lobby", "id": id, "text": "mine now"});
    assert_eq!(bob.refused(edit).await, "forbidden");
    alice
        .ask(json!({"type": "delete", "room": "lobby", "id": gone}))
        .await;
    let update = bob.next_where("a deletion", |f| f["deleted"] == true).await;
    assert_eq!(update["id"], gone);
    bob.ask(json!({"type": "topic", "room": "lobby", "topic": "greetings"}))
        .await;
    let topic = alice.next("topic").await;
    assert_eq!(
        (&topic["topic"], &topic["user"]),
        (&json!("greetings"), &json!("bob"))
    );
    same_history(&mut alice, &mut bob, "lobby", 2).await;
    let mut carol = one.user("carol").await;
    assert_eq!(carol.join("lobby").await["topic"], "greetings");
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_was_away_catches_up_when_it_is_back() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let id = alice.say("lobby", "before").await["id"].clone();
    bob.next("new_message").await;
    let two = two.stop().await;
    for n in 0..150 {
        alice
            .say("lobby", &format!("while you were away {n}"))
            .await;
    }
    alice
        .ask(json!({"type": "edit", "room": "lobby", "id": id, "text": "edited"}))
        .await;
    alice.ask(json!({"type": "join", "room": "ops"})).await;
    let two = two.start(&[&one]).await;
    linked(&[&one, &two]).await;
    let mut bob = two.user_in("carol", "lobby").await;
    let all = same_history(&mut alice, &mut bob, "lobby", 151).await;
    assert_eq!((&all[0]["text"], &all[0]["id"]), (&json!("edited"), &id));
    // A room that was made meanwhile, with nothing said in it, is there too.
    let store = &two.node.shared().store;
    let ops = RoomKey::Room(RoomName::parse("ops").unwrap());
    until("the empty room is known", async || {
        let ops = ops.clone();
        store.read(move |r| r.room_exists(&ops)).await.unwrap()
    })
    .await;
    // And it speaks again, in its own log where it left off.
    bob.say("lobby", "back").await;
    alice
        .next_where("the new one", |f| f["text"] == "back")
        .await;
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn three_nodes_two_of_which_cannot_talk_converge_through_the_third() {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[&one]).await;
    one.node.mesh().unwrap().cut("n3");
    let three = Member::start("n3", &[&two]).await;
    three.node.mesh().unwrap().cut("n1");
    until("n2 has both", async || two.linked() == ["n1", "n3"]).await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut carol = three.user_in("carol", "lobby").await;
    alice.say("lobby", "from n1").await;
    assert_eq!(carol.next("new_message").await["text"], "from n1");
    carol.say("lobby", "from n3").await;
    alice
        .next_where("the answer", |f| f["text"] == "from n3")
        .await;
    let all = same_history(&mut alice, &mut carol, "lobby", 2).await;
    let mut bob = two.user("bob").await;
    assert_eq!(texts(&bob.join("lobby").await).len(), 2);
    assert_eq!(history(&mut bob, "lobby").await, all);
    assert_eq!(
        (one.linked(), three.linked()),
        (vec!["n2".to_owned()], vec!["n2".to_owned()])
    );
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn direct_conversations_cross() {
    let (one, two) = two().await;
    let mut alice = one.user("alice").await;
    let mut bob = two.user("bob").await;
    until("alice can be reached from n2", async || {
        let people = two.node.shared();
        people.people().presence.faces().count() == 2
    })
    .await;
    bob.say("@alice", "psst").await;
    let shown = alice.next("new_message").await;
    assert_eq!(
        (&shown["room"], &shown["text"]),
        (&json!("@bob"), &json!("psst"))
    );
    alice.say("@bob", "yes?").await;
    let shown = bob.next_where("the answer", |f| f["text"] == "yes?").await;
    assert_eq!(shown["room"], "@alice");
    for member in [one, two] {
        member.stop().await;
    }
}
