//! Resuming by `since`: everything that was missed, once, and an end to it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Client, TestNode, texts};

async fn send_many(client: &mut Client, from: usize, count: usize) -> Vec<Value> {
    for n in from..from + count {
        client
            .tell(json!({"type": "send", "room": "lobby", "text": format!("m{n}")}))
            .await;
    }
    let mut sent = Vec::new();
    for _ in 0..count {
        sent.push(client.next("sent").await);
    }
    client.forget();
    sent
}

/// Joins with `since` and reads page by page; gives all messages in the order they came.
async fn catch_up(client: &mut Client, since: &Value, limit: usize) -> (Vec<Value>, Value) {
    let join = json!({"type": "join", "room": "lobby", "since": since, "limit": limit});
    let mut page = client.ask(join).await;
    let mut messages = Vec::new();
    for pages in 0.. {
        assert!(pages < 100, "there is an end to it");
        let got = page["messages"].as_array().unwrap();
        assert!(got.len() <= limit);
        messages.extend(got.iter().cloned());
        if page["more"] == false {
            break;
        }
        let next =
            json!({"type": "history", "room": "lobby", "since": page["since"], "limit": limit});
        page = client.ask(next).await;
    }
    (messages, page["since"].clone())
}

#[tokio::test]
async fn three_hundred_seen_messages_that_got_reactions_meanwhile_come_once_each() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let sent = send_many(&mut alice, 0, 300).await;
    let mut bob = node.user("bob").await;
    let seen = bob.join("lobby").await["since"].clone();
    bob.tell(json!({"type": "quit"})).await;
    for (n, message) in sent.iter().enumerate() {
        alice.tell(json!({"type": "react", "room": "lobby", "id": message["id"], "emoji": "👍", "re": n})).await;
    }
    for n in 0..300 {
        assert_eq!(alice.next_where("ok", |f| f["re"] == n).await["type"], "ok");
    }
    let mut again = node.connect().await;
    again.open(json!({"token": bob.session["token"]})).await;
    let (messages, since) = catch_up(&mut again, &seen, 50).await;
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for message in &messages {
        *times.entry(message["id"].as_str().unwrap()).or_default() += 1;
        assert_eq!(message["reactions"], json!({"👍": ["alice"]}));
    }
    assert_eq!((times.len(), times.values().max()), (300, Some(&1)));
    // Whoever has it all gets nothing more.
    let (messages, _) = catch_up(&mut again, &since, 50).await;
    assert_eq!(messages, Vec::<Value>::new());
}

#[tokio::test]
async fn what_was_missed_comes_oldest_first_with_what_has_become_of_it() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let sent = send_many(&mut alice, 0, 10).await;
    let seen = json!({sent[4]["origin"].as_str().unwrap(): sent[4]["seq"]});
    alice
        .ask(json!({"type": "edit", "room": "lobby", "id": sent[0]["id"], "text": "m0!"}))
        .await;
    alice
        .ask(json!({"type": "delete", "room": "lobby", "id": sent[6]["id"]}))
        .await;
    let mut bob = node.user("bob").await;
    let page = bob
        .ask(json!({"type": "join", "room": "lobby", "since": seen}))
        .await;
    assert_eq!(texts(&page), ["m0!", "m5", "<deleted>", "m7", "m8", "m9"]);
    assert_eq!(page["more"], false);
    // From the beginning, and from beyond the end.
    let (all, _) = catch_up(&mut bob, &json!({}), 3).await;
    assert_eq!(all.len(), 10);
    let beyond = json!({sent[4]["origin"].as_str().unwrap(): 1_000_000, "n9-elsewhere": 5});
    let (none, since) = catch_up(&mut bob, &beyond, 3).await;
    assert_eq!(none, Vec::<Value>::new());
    assert_eq!(since, beyond, "never less than the client said itself");
}

/// A reader that joins, leaves and joins again while others write, and checks that every message
/// comes in order and once; gives how often it joined.
struct Reader {
    client: Client,
    since: Value,
    /// The number of the message that is due.
    due: usize,
    over: bool,
}

impl Reader {
    async fn run(mut self) -> usize {
        for joins in 1.. {
            let (got, held) = catch_up(&mut self.client, &self.since, 200).await;
            for message in &got {
                self.follow(message);
            }
            // What came live between several pages may be in the pages too, by its place. With one
            // page there is nothing between, and nothing twice.
            let paged = got.len() >= 200;
            self.since = held;
            for _ in 0..50 {
                if self.over {
                    return joins;
                }
                let live = self.client.next("new_message").await;
                self.live(&live, paged);
            }
            self.client
                .ask(json!({"type": "leave", "room": "lobby"}))
                .await;
            for live in self.client.so_far().await {
                if live["type"] == "new_message" {
                    self.live(&live, paged);
                }
            }
            if self.over {
                return joins;
            }
        }
        unreachable!()
    }

    fn live(&mut self, message: &Value, paged: bool) {
        let (origin, seq) = (
            message["origin"].as_str().unwrap(),
            message["seq"].as_i64().unwrap(),
        );
        if paged && seq <= self.since[origin].as_i64().unwrap() {
            return;
        }
        self.follow(message);
        self.since[origin] = message["seq"].clone();
    }

    fn follow(&mut self, message: &Value) {
        self.over = message["text"] == "end";
        let expected = if self.over { 4000 } else { self.due };
        assert_eq!(self.due, expected);
        if !self.over {
            assert_eq!(message["text"], format!("m{expected}"));
        }
        self.due += 1;
    }
}

#[tokio::test]
async fn nothing_is_missing_or_twice_between_the_answer_and_the_live_frames() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let flood = tokio::spawn(async move {
        for n in 0..40 {
            send_many(&mut alice, n * 100, 100).await;
        }
        alice.say("lobby", "end").await;
    });
    let mut readers = Vec::new();
    for n in 0..8 {
        let reader = Reader {
            client: node.user(&format!("reader{n}")).await,
            since: json!({}),
            due: 0,
            over: false,
        };
        readers.push(tokio::spawn(reader.run()));
    }
    flood.await.unwrap();
    let mut joins = 0;
    for reader in readers {
        joins += reader.await.unwrap();
    }
    assert!(joins > 8, "{joins} joins for 8 readers prove little");
}

#[tokio::test]
async fn joining_a_room_once_more_goes_on_exactly_behind_the_answer() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let flood = tokio::spawn(async move {
        send_many(&mut alice, 0, 2000).await;
    });
    // What comes live follows on the newest message that an answer or a live line has brought.
    let number = |message: &Value| {
        message["text"].as_str().unwrap()[1..]
            .parse::<i64>()
            .unwrap()
    };
    let (mut newest, mut joins) = (-1, 0);
    bob.tell(json!({"type": "join", "room": "lobby"})).await;
    while newest < 1999 {
        let frame = bob.any().await.unwrap();
        match frame["type"].as_str().unwrap() {
            "new_message" => {
                assert_eq!(number(&frame), newest + 1);
                newest += 1;
            }
            "room" => {
                if let Some(last) = frame["messages"].as_array().unwrap().last() {
                    newest = newest.max(number(last));
                }
                joins += 1;
                bob.tell(json!({"type": "join", "room": "lobby"})).await;
            }
            other => assert_eq!(other, "user_join"),
        }
    }
    flood.await.unwrap();
    assert!(joins > 3, "{joins}");
}

#[tokio::test]
async fn a_page_asked_too_long_has_200_and_places_nobody_has_yet_are_no_error() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    for n in 0..201 {
        alice.say("lobby", &n.to_string()).await;
    }
    let last = alice.say("lobby", "last").await;
    let history = |more: Value| {
        let mut frame = more;
        frame["type"] = json!("history");
        frame["room"] = json!("lobby");
        frame
    };
    let page = alice.ask(history(json!({"limit": 201}))).await;
    assert_eq!((texts(&page).len(), &page["more"]), (200, &json!(true)));
    assert!(page.get("since").is_none(), "in answers to since only");
    let page = alice.ask(history(json!({"since": {}, "limit": 1}))).await;
    assert_eq!(texts(&page), ["0"]);
    let page = alice
        .ask(history(json!({"before": i64::MAX, "limit": 1})))
        .await;
    assert_eq!(texts(&page), ["last"]);

    // What a node has not reached, or never heard of, is held all the same.
    let origin = last["origin"].as_str().unwrap();
    for said in [json!({origin: 9_000_000}), json!({origin: 202, "n9": 3})] {
        let page = alice.ask(history(json!({"since": said.clone()}))).await;
        assert_eq!((texts(&page).len(), &page["more"]), (0, &json!(false)));
        assert_eq!(page["since"], said);
        let again = json!({"type": "join", "room": "lobby", "since": said.clone()});
        assert_eq!(alice.ask(again).await["since"], said);
    }
    let both = history(json!({"before": last["ts"], "since": {}}));
    assert_eq!(alice.refused(both).await, "bad_frame");
}
