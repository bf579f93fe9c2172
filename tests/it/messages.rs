//! Messages: once, in order, changed, read back.

use serde_json::{Value, json};

use crate::support::{Client, TestNode, texts};

fn send(text: &str, nonce: &str) -> Value {
    json!({"type": "send", "room": "lobby", "text": text, "nonce": nonce})
}

#[tokio::test]
async fn the_same_nonce_is_the_same_message_however_often_it_is_sent() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    alice.join("ops").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let first = alice.ask(send("hello", "n1")).await;
    let again = alice.ask(send("changed", "n1")).await;
    let mut elsewhere = send("changed", "n1");
    elsewhere["room"] = json!("ops");
    let elsewhere = alice.ask(elsewhere).await;
    for same in ["id", "ts", "origin", "seq", "nonce", "room"] {
        assert_eq!(first[same], again[same], "{same}");
        assert_eq!(first[same], elsewhere[same], "{same}");
    }
    // Another user's nonce is another message, and so is one after a restart's resend.
    assert_ne!(bob.ask(send("hello", "n1")).await["id"], first["id"]);
    let node = node.restart().await;
    let mut alice_again = node.connect().await;
    alice_again
        .open(json!({"token": alice.session["token"]}))
        .await;
    assert_eq!(texts(&alice_again.join("lobby").await), ["hello", "hello"]);
    assert_eq!(
        alice_again.ask(send("hello", "n1")).await["seq"],
        first["seq"]
    );
}

#[tokio::test]
async fn sent_says_on_how_many_nodes_the_message_is_and_its_id_is_the_uid_and_the_nonce() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let expected = format!("{}.a b.c", alice.uid());
    for _ in ["first", "repeated"] {
        let sent = alice.ask(send("hello", "a b.c")).await;
        assert_eq!(sent["copies"], 1, "{sent}");
        assert_eq!(sent["id"], expected);
    }
    node.stop().await;
}

#[tokio::test]
async fn sends_without_a_nonce_get_one_and_are_each_a_message() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let (one, two) = (alice.say("lobby", "x").await, alice.say("lobby", "x").await);
    assert_ne!(one["nonce"], two["nonce"]);
    assert_ne!(one["id"], two["id"]);
}

#[tokio::test]
async fn a_message_gets_a_later_time_than_what_the_client_has_seen() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let first = alice.ask(send("one", "1")).await["ts"].as_i64().unwrap();
    let mut frame = send("two", "2");
    frame["after"] = json!(first + 2_000_000);
    let second = alice.ask(frame).await["ts"].as_i64().unwrap();
    assert!(second > first + 2_000_000);
    let third = alice.ask(send("three", "3")).await["ts"].as_i64().unwrap();
    assert!(third > second, "times rise with seq");
    // What is more than ten seconds ahead does not drag the clock along.
    let mut frame = send("four", "4");
    frame["after"] = json!(first + 3_600_000_000_i64);
    assert!(alice.ask(frame).await["ts"].as_i64().unwrap() < first + 60_000_000);
}

#[tokio::test]
async fn a_thousand_sends_in_one_go_are_answered_in_order_and_shown_in_order() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let mut lines = String::new();
    for n in 0..1000 {
        let mut frame = send(&format!("m{n}"), &format!("n{n}"));
        frame["re"] = json!(n);
        lines += &format!("{frame}\n");
    }
    lines += "{\"type\":\"history\",\"room\":\"lobby\",\"limit\":1,\"re\":\"last\"}\n";
    alice.write(lines.as_bytes()).await;
    for n in 0..1000 {
        assert_eq!(alice.next("sent").await["re"], n);
        assert_eq!(bob.next("new_message").await["text"], format!("m{n}"));
    }
    // What reads waits for what was written before it.
    let page = alice.next_where("history", |f| f["re"] == "last").await;
    assert_eq!(texts(&page), ["m999"]);
}

#[tokio::test]
async fn edits_deletions_and_reactions_reach_the_room_and_the_history() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let id = alice.say("lobby", "helo").await["id"].clone();
    let gone = alice.say("lobby", "oops").await["id"].clone();

    let ok = alice
        .ask(json!({"type": "edit", "room": "lobby", "id": id, "text": "hello"}))
        .await;
    assert_eq!(ok["type"], "ok");
    let update = bob.next("message_update").await;
    let expected = json!({"type": "message_update", "room": "lobby", "id": id, "ts": ok["ts"],
        "origin": ok["origin"], "seq": ok["seq"], "text": "hello", "edited": ok["ts"]});
    assert_eq!(update, expected);

    bob.ask(json!({"type": "react", "room": "lobby", "id": id, "emoji": "👍", "on": true}))
        .await;
    assert_eq!(
        alice
            .next_where("reactions", |f| f["reactions"].is_object())
            .await["reactions"],
        json!({"👍": ["bob"]})
    );
    alice
        .ask(json!({"type": "react", "room": "lobby", "id": id, "emoji": "👍"}))
        .await;
    bob.ask(json!({"type": "react", "room": "lobby", "id": id, "emoji": "👍", "on": false}))
        .await;

    alice
        .ask(json!({"type": "delete", "room": "lobby", "id": gone}))
        .await;
    assert_eq!(
        bob.next_where("deleted", |f| f["deleted"] == true).await["id"],
        gone
    );

    let page = bob.ask(json!({"type": "history", "room": "lobby"})).await;
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(
        (
            &messages[0]["text"],
            &messages[0]["edited"],
            &messages[0]["reactions"]
        ),
        (&json!("hello"), &ok["ts"], &json!({"👍": ["alice"]}))
    );
    assert_eq!(
        (&messages[1]["deleted"], &messages[1]["text"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn an_update_with_the_same_nonce_is_the_same_update() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let id = alice.say("lobby", "x").await["id"].clone();
    let edit = json!({"type": "edit", "room": "lobby", "id": id, "text": "y", "nonce": "e1"});
    let (one, two) = (alice.ask(edit.clone()).await, alice.ask(edit).await);
    assert_eq!((&one["seq"], &one["ts"]), (&two["seq"], &two["ts"]));
}

async fn filled(node: &TestNode, messages: usize) -> Client {
    let mut alice = node.user_in("alice", "lobby").await;
    for n in 0..messages {
        alice.tell(send(&format!("m{n}"), &format!("n{n}"))).await;
    }
    for _ in 0..messages {
        alice.next("sent").await;
    }
    alice
}

#[tokio::test]
async fn the_whole_history_can_be_read_backwards_and_forwards() {
    let node = TestNode::start().await;
    let mut alice = filled(&node, 500).await;
    let all: Vec<String> = (0..500).map(|n| format!("m{n}")).collect();

    let mut back = Vec::new();
    let mut page = alice
        .ask(json!({"type": "history", "room": "lobby", "limit": 200}))
        .await;
    loop {
        let mut read = texts(&page);
        read.append(&mut back);
        back = read;
        if page["more"] == false {
            break;
        }
        let before = page["messages"][0]["ts"].clone();
        page = alice
            .ask(json!({"type": "history", "room": "lobby", "before": before, "limit": 150}))
            .await;
    }
    assert_eq!(back, all);

    let (mut forth, mut after) = (Vec::new(), json!(0));
    loop {
        let page = alice
            .ask(json!({"type": "history", "room": "lobby", "after": after}))
            .await;
        let messages = page["messages"].as_array().unwrap();
        assert!(messages.len() <= 50, "50 if not said");
        forth.extend(texts(&page));
        if page["more"] == false {
            break;
        }
        after = messages.last().unwrap()["ts"].clone();
    }
    assert_eq!(forth, all);
}

#[tokio::test]
async fn a_page_has_200_messages_at_most_and_ends_early_when_they_are_long() {
    let node = TestNode::start().await;
    let mut alice = filled(&node, 250).await;
    let page = alice
        .ask(json!({"type": "history", "room": "lobby", "limit": 1000}))
        .await;
    assert_eq!((texts(&page).len(), &page["more"]), (200, &json!(true)));
    for n in 0..30 {
        alice
            .tell(send(&"😀".repeat(4000), &format!("long{n}")))
            .await;
    }
    for _ in 0..30 {
        alice.next("sent").await;
    }
    let page = alice
        .ask(json!({"type": "history", "room": "lobby", "limit": 30}))
        .await;
    let bytes = page.to_string().len();
    assert!((200_000..400_000).contains(&bytes), "{bytes}");
    assert_eq!(page["more"], true);
}

#[tokio::test]
async fn an_answer_names_the_message_it_answers() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let id = alice.say("lobby", "question").await["id"].clone();
    let mut frame = send("answer", "a");
    frame["reply_to"] = id.clone();
    alice.ask(frame).await;
    let shown = alice
        .next_where("the answer", |f| f["text"] == "answer")
        .await;
    assert_eq!(shown["reply_to"], id);
}

#[tokio::test]
async fn an_answer_to_a_message_that_is_not_here_is_said_and_one_to_no_id_at_all_is_not() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let answer = |reply_to: Value| {
        let mut frame = send("answer", "a");
        frame["reply_to"] = reply_to;
        frame
    };
    for odd in [
        "no such id",
        "",
        "NOUID.n",
        "aaaa.",
        &format!("aaaa.{}", "x".repeat(65)),
    ] {
        assert_eq!(
            alice.refused(answer(json!(odd))).await,
            "no_such_message",
            "{odd:?}"
        );
    }
    assert_eq!(alice.refused(answer(json!(5))).await, "bad_frame");
    // Another node may have it, and tell of it later.
    let unheard = json!("p3x9q8hd72nb.77aa");
    assert_eq!(alice.ask(answer(unheard.clone())).await["type"], "sent");
    let shown = alice.next("new_message").await;
    assert_eq!(shown["reply_to"], unheard);
    let page = alice.ask(json!({"type": "history", "room": "lobby"})).await;
    assert_eq!(texts(&page), ["answer"], "nothing of what was refused");
    assert_eq!(page["messages"][0]["reply_to"], unheard);
    node.stop().await;
}

#[tokio::test]
async fn an_update_gets_a_later_time_than_what_the_client_has_seen() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let sent = alice.say("lobby", "x").await;
    let mut seen = sent["ts"].as_i64().unwrap();
    for change in [
        json!({"type": "edit", "text": "y"}),
        json!({"type": "react", "emoji": "👍"}),
        json!({"type": "delete"}),
    ] {
        seen += 2_000_000;
        let mut frame = change;
        frame["room"] = json!("lobby");
        frame["id"] = sent["id"].clone();
        frame["after"] = json!(seen);
        let ok = alice.ask(frame).await;
        assert!(ok["ts"].as_i64().unwrap() > seen, "{ok}");
        assert_eq!(ok["origin"], sent["origin"]);
    }
    node.stop().await;
}

#[tokio::test]
async fn read_markers_merge_and_reach_the_users_other_sessions() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut twin = node.connect().await;
    twin.open(json!({"token": alice.session["token"]})).await;
    let sent = alice.say("lobby", "x").await;
    let origin = sent["origin"].as_str().unwrap();
    let read = |seq: i64| json!({"type": "read", "room": "lobby", "since": {origin: seq}});
    assert_eq!(alice.ask(read(5)).await["type"], "ok");
    let moved = twin.next("read").await;
    assert_eq!(
        (&moved["room"], &moved["since"]),
        (&json!("lobby"), &json!({origin: 5}))
    );
    alice.ask(read(3)).await;
    assert!(alice.so_far().await.iter().all(|f| f["type"] != "read"));
    let mut later = node.connect().await;
    later.open(json!({"token": alice.session["token"]})).await;
    assert_eq!(later.join("lobby").await["read"], json!({origin: 5}));
}
