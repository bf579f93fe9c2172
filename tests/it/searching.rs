//! `search`: what is found, where one may look, page by page.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, DEADLINE, TestNode, config, fill, texts};
use crate::web_support::{Browser, Poller, node_and_bridge};
use chat::node::Node;

async fn search(client: &mut Client, query: &str) -> Vec<String> {
    texts(&found_at_last(client, &json!({"type": "search", "query": query})).await)
}

/// Asks until the node has looked through all of its log.
async fn found_at_last(client: &mut Client, frame: &Value) -> Value {
    let began = Instant::now();
    loop {
        let found = client.ask(frame.clone()).await;
        if found["type"] == "results" && found["indexed"].is_null() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_was_said_a_moment_ago_is_found_as_it_is_now() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "ops").await;
    let mut bob = node.user_in("bob", "ops").await;
    let sent = alice.say("ops", "the deploy failed").await;
    bob.say("ops", "deploy again").await;
    assert_eq!(
        search(&mut bob, "deploy").await,
        ["deploy again", "the deploy failed"]
    );
    assert_eq!(
        search(&mut bob, "deploy from:Alice").await,
        ["the deploy failed"]
    );
    alice
        .ask(json!({"type": "react", "room": "ops", "id": sent["id"], "emoji": "👍"}))
        .await;
    alice
        .ask(json!({"type": "edit", "room": "ops", "id": sent["id"], "text": "the deploy works"}))
        .await;
    let works = json!({"type": "search", "query": "\"deploy works\""});
    let found = found_at_last(&mut bob, &works).await;
    let page = bob.ask(json!({"type": "history", "room": "ops"})).await;
    assert_eq!(
        found["messages"][0], page["messages"][0],
        "as history shows it"
    );
    assert_eq!(found["more"], false);
    assert_eq!(search(&mut bob, "failed").await, [""; 0]);
    alice
        .ask(json!({"type": "delete", "room": "ops", "id": sent["id"]}))
        .await;
    assert_eq!(search(&mut bob, "works").await, [""; 0]);
    let node = node.restart().await;
    let mut carol = node.user_in("carol", "ops").await;
    assert_eq!(search(&mut carol, "de*").await, ["deploy again"]);
}

#[tokio::test]
async fn only_rooms_that_one_is_in_and_own_conversations_are_searched() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "den").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let mut carol = node.user_in("carol", "lobby").await;
    alice.say("den", "secret of the den").await;
    alice.say("@bob", "secret of two").await;
    bob.say("lobby", "no secret").await;
    assert_eq!(search(&mut carol, "secret").await, ["no secret"]);
    assert_eq!(
        search(&mut bob, "secret").await,
        ["no secret", "secret of two"]
    );
    assert_eq!(
        search(&mut alice, "secret").await,
        ["secret of two", "secret of the den"]
    );

    // Each side sees the conversation under the other's name.
    for (client, room) in [(&mut alice, "@bob"), (&mut bob, "@alice")] {
        for frame in [
            json!({"type": "search", "query": "secret", "room": room}),
            json!({"type": "search", "query": format!("secret room:{room}")}),
        ] {
            let found = client.ask(frame).await;
            assert_eq!(texts(&found), ["secret of two"]);
            assert_eq!(found["messages"][0]["room"], room);
        }
    }
    for (frame, code) in [
        (json!({"room": "den"}), "not_in_room"),
        (json!({"query": "secret room:den"}), "not_in_room"),
        (json!({"room": "nowhere"}), "no_such_room"),
        (json!({"room": "@nobody"}), "no_such_user"),
    ] {
        let mut asked = json!({"type": "search", "query": "secret"});
        asked
            .as_object_mut()
            .unwrap()
            .extend(frame.as_object().unwrap().clone());
        assert_eq!(carol.refused(asked).await, code, "{frame}");
    }
    // A conversation of others cannot even be named: this one is with alice, and empty.
    let found = carol
        .ask(json!({"type": "search", "query": "secret", "room": "@alice"}))
        .await;
    assert_eq!(texts(&found), [""; 0]);
    let elsewhere = json!({"type": "search", "query": "secret room:@alice", "room": "lobby"});
    assert_eq!(texts(&bob.ask(elsewhere).await), [""; 0]);
    carol.join("den").await;
    assert_eq!(
        search(&mut carol, "secret").await,
        ["no secret", "secret of the den"]
    );
    carol.ask(json!({"type": "leave", "room": "den"})).await;
    assert_eq!(search(&mut carol, "secret").await, ["no secret"]);
}

#[tokio::test]
async fn pages_go_back_to_the_first_message() {
    let node = TestNode::start().await;
    fill(&node.node, "lobby", 0..450).await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut frame = json!({"type": "search", "query": "entry from:historian", "limit": 1000});
    let mut all = Vec::new();
    loop {
        let page = found_at_last(&mut alice, &frame).await;
        all.extend(texts(&page));
        assert!(page["messages"].as_array().unwrap().len() <= 200);
        if page["more"] == false {
            break;
        }
        frame["before"] = page["messages"].as_array().unwrap().last().unwrap()["ts"].clone();
    }
    let wanted: Vec<String> = (0..450).rev().map(|n| format!("entry {n}")).collect();
    assert_eq!(all, wanted);
    let few = json!({"type": "search", "query": "entry", "limit": 0});
    assert_eq!(texts(&found_at_last(&mut alice, &few).await), ["entry 449"]);
    let usual = json!({"type": "search", "query": "entry"});
    assert_eq!(texts(&found_at_last(&mut alice, &usual).await).len(), 20);
}

#[tokio::test]
async fn whatever_is_typed_is_answered() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    alice
        .say("lobby", "words AND \"quotes\" (of) all* sorts 負荷 👍")
        .await;
    let long = "words ".repeat(160);
    for query in [
        "words AND",
        "\"quotes",
        "\"",
        "words \"",
        "(of",
        "of)",
        "all*",
        "^words",
        "words NEAR(a, 2)",
        "text:words",
        "words -of",
        "+words",
        "{words}",
        "負荷",
        "👍",
        "a\0words",
        "OR",
        "NOT NOT",
        "room:lobby",
        "from:alice",
        "'; DROP TABLE docs; --",
        "\\",
        "%",
        "words*\"*",
        "\u{e000}f",
        &long,
    ] {
        let answer = alice.ask(json!({"type": "search", "query": query})).await;
        match answer["type"].as_str().unwrap() {
            "results" => {}
            "error" => {
                assert_eq!(answer["code"], "bad_frame", "{query}: {answer}");
                assert!(
                    answer["message"].as_str().unwrap().contains("\"query\""),
                    "{answer}"
                );
            }
            other => panic!("{query}: {other}"),
        }
    }
    let prefixes: String = (0..8000).map(|n| format!("w{n}* ")).collect();
    for query in [
        "",
        "  ",
        "***",
        "!?",
        "a*",
        "before:never",
        "from:",
        "room:a/b",
        &prefixes,
    ] {
        let code = alice
            .refused(json!({"type": "search", "query": query}))
            .await;
        assert_eq!(code, "bad_frame", "{query}");
    }
    assert_eq!(alice.refused(json!({"type": "search"})).await, "bad_frame");
    assert_eq!(
        alice.refused(json!({"type": "search", "query": 5})).await,
        "bad_frame"
    );
    assert_eq!(search(&mut alice, "quotes 荷").await.len(), 1);
}

#[tokio::test]
async fn a_node_whose_index_cannot_be_written_does_all_else() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody writes a file where a folder is, root neither.
    let index = folder.path().join("n1/search.sqlite3");
    std::fs::create_dir_all(&index).unwrap();
    let node = Node::start(config(&folder)).await.unwrap();
    let mut alice = Client::connect(node.listen).await;
    alice.open(json!({"name": "alice"})).await;
    alice.join("lobby").await;
    alice.say("lobby", "words").await;
    let began = Instant::now();
    loop {
        let answer = alice.ask(json!({"type": "search", "query": "words"})).await;
        if answer["code"] == "unavailable" {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{answer}");
    }
    alice.say("lobby", "more words").await;
    let page = alice.ask(json!({"type": "history", "room": "lobby"})).await;
    assert_eq!(texts(&page), ["words", "more words"]);
    // It goes on by itself once it can.
    std::fs::remove_dir(&index).unwrap();
    let found = found_at_last(&mut alice, &json!({"type": "search", "query": "words"})).await;
    assert_eq!(texts(&found), ["more words", "words"]);
    node.stop().await;
}

#[tokio::test]
async fn browsers_search_through_the_bridge() {
    let (_node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    alice.say("lobby", "the deploy failed").await;
    let asked = json!({"type": "search", "query": "deploy", "room": "lobby"});
    let found = alice.ask(asked.clone()).await;
    assert_eq!(
        (&found["type"], texts(&found)),
        (&json!("results"), vec!["the deploy failed".to_owned()])
    );

    let poller = Poller::open(bridge.address, "bob").await;
    poller.post(json!({"type": "join", "room": "lobby"})).await;
    let frames = poller.post(asked).await.frames();
    assert_eq!(texts(&frames[0]), ["the deploy failed"], "{frames:?}");
    let refused = poller
        .post(json!({"type": "search", "query": "!"}))
        .await
        .refused();
    assert_eq!(refused, (400, "bad_frame".to_owned()));
}
