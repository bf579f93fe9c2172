//! Coming, going, who is there, topics, lists.

use serde_json::{Value, json};

use crate::support::{Client, TestNode};

#[tokio::test]
async fn others_see_a_users_first_session_come_and_its_last_one_go() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let joined = alice.next("user_join").await;
    let user = json!({"name": "bob", "uid": bob.uid()});
    assert_eq!(
        (&joined["room"], &joined["user"], &joined["total"]),
        (&json!("lobby"), &user, &json!(2))
    );

    let mut again = node.connect().await;
    again.open(json!({"token": bob.session["token"]})).await;
    again.join("lobby").await;
    assert_eq!(
        again.ask(json!({"type": "leave", "room": "lobby"})).await["type"],
        "ok"
    );
    assert_eq!(alice.so_far().await, Vec::<Value>::new());

    bob.tell(json!({"type": "leave", "room": "lobby"})).await;
    let left = alice.next("user_leave").await;
    assert_eq!(
        left,
        json!({"type": "user_leave", "room": "lobby", "user": "bob", "uid": bob.uid(),
               "reason": "leave", "total": 1})
    );
    assert_eq!(
        bob.so_far().await.len(),
        1,
        "bob gets the answer and none of his own notices"
    );
}

#[tokio::test]
async fn a_connection_that_quits_or_breaks_leaves_its_rooms() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    bob.tell(json!({"type": "quit"})).await;
    assert_eq!(alice.next("user_leave").await["reason"], "quit");
    node.user_in("carol", "lobby").await.break_off();
    let lost = alice.next("user_leave").await;
    assert_eq!(
        (&lost["user"], &lost["reason"]),
        (&json!("carol"), &json!("lost"))
    );
}

#[tokio::test]
async fn who_lists_the_users_and_away_is_shown() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    assert_eq!(
        bob.ask(json!({"type": "away", "on": true})).await["type"],
        "ok"
    );
    let away = alice.next("away").await;
    assert_eq!((&away["user"], &away["on"]), (&json!("bob"), &json!(true)));
    let who = alice.ask(json!({"type": "who", "room": "lobby"})).await;
    let users = json!([{"name": "alice", "uid": alice.uid()}, {"name": "bob", "uid": bob.uid(), "away": true}]);
    assert_eq!(
        (&who["type"], &who["total"], &who["users"]),
        (&json!("user_list_update"), &json!(2), &users)
    );
    bob.ask(json!({"type": "away", "on": false})).await;
    assert_eq!(alice.next("away").await["on"], false);
}

#[tokio::test]
async fn whoever_comes_in_is_given_what_was_said_and_done_since_the_last_one_came() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "ops").await;
    let texts = |room: &Value| -> Vec<Value> {
        let messages = room["messages"].as_array().unwrap();
        messages.iter().map(|m| m["text"].clone()).collect()
    };
    let come = async |name: &str| {
        let mut client = node.user(name).await;
        let room = client.join("ops").await;
        (client, room)
    };
    assert_eq!(texts(&come("bob").await.1), Vec::<Value>::new());
    let said = alice
        .ask(json!({"type": "send", "room": "ops", "text": "one"}))
        .await;
    for name in ["carol", "dan"] {
        let (_, room) = come(name).await;
        assert_eq!(texts(&room), [json!("one")], "{name}");
        assert_eq!(room["since"][said["origin"].as_str().unwrap()], said["seq"]);
    }
    alice
        .ask(json!({"type": "edit", "room": "ops", "id": said["id"], "text": "two"}))
        .await;
    alice
        .ask(json!({"type": "topic", "room": "ops", "topic": "deploys"}))
        .await;
    for name in ["erin", "frank"] {
        let (_, room) = come(name).await;
        assert_eq!(texts(&room), [json!("two")], "{name}");
        assert_eq!(room["topic"], "deploys", "{name}");
    }
    let (mut grace, room) = come("grace").await;
    grace
        .ask(json!({"type": "read", "room": "ops", "since": room["since"]}))
        .await;
    grace.ask(json!({"type": "leave", "room": "ops"})).await;
    let again = grace.join("ops").await;
    assert_eq!(again["read"], room["since"]);
    assert_eq!(room["read"], json!({}));
}

#[tokio::test]
async fn a_topic_is_shown_to_the_room_and_to_who_comes_later() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "ops").await;
    let mut bob = node.user_in("bob", "ops").await;
    let set = alice
        .ask(json!({"type": "topic", "room": "ops", "topic": "deploys"}))
        .await;
    assert_eq!(
        (&set["type"], &set["topic"], &set["user"]),
        (&json!("topic"), &json!("deploys"), &json!("alice"))
    );
    let shown = bob.next("topic").await;
    for same in ["topic", "user", "ts", "origin", "seq", "room"] {
        assert_eq!(shown[same], set[same], "{same}");
    }
    let mut carol = node.user("carol").await;
    assert_eq!(carol.join("ops").await["topic"], "deploys");
    assert_eq!(
        alice
            .refused(json!({"type": "topic", "room": "@bob", "topic": "x"}))
            .await,
        "bad_room"
    );
}

#[tokio::test]
async fn the_list_of_rooms_has_totals_topics_and_what_is_unread() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "ops").await;
    alice.say("lobby", "one").await;
    let last = alice.say("lobby", "two").await;
    let read = json!({last["origin"].as_str().unwrap(): last["seq"].as_i64().unwrap() - 1});
    alice
        .ask(json!({"type": "read", "room": "lobby", "since": read}))
        .await;
    bob.say("@alice", "psst").await;
    let rooms = alice.ask(json!({"type": "rooms"})).await;
    let rooms = rooms["rooms"].as_array().unwrap();
    let names: Vec<_> = rooms
        .iter()
        .map(|room| room["room"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["@bob", "lobby", "ops"]);
    let brief: Vec<_> = rooms
        .iter()
        .map(|r| {
            (
                r["total"].as_i64(),
                r["joined"].as_bool(),
                r["private"].as_bool(),
                r["unread"].as_i64(),
            )
        })
        .collect();
    let expected = [
        (Some(2), Some(true), Some(true), Some(1)),
        (Some(1), Some(true), Some(false), Some(1)),
        (Some(1), Some(false), Some(false), Some(0)),
    ];
    assert_eq!(brief, expected);
    assert_eq!(rooms[1]["last"], last["ts"]);
}

#[tokio::test]
async fn typing_reaches_the_others_and_is_never_stored() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut twin = node.connect().await;
    twin.open(json!({"token": alice.session["token"]})).await;
    twin.join("lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    alice
        .tell(json!({"type": "typing", "room": "lobby", "on": true}))
        .await;
    let typing = bob.next("typing").await;
    let expected =
        json!({"type": "typing", "room": "lobby", "user": "alice", "uid": alice.uid(), "on": true});
    assert_eq!(typing, expected);
    alice.say("lobby", "done").await;
    for own in [&mut alice, &mut twin] {
        own.next("new_message").await;
        assert!(
            own.so_far()
                .await
                .iter()
                .all(|frame| frame["type"] != "typing")
        );
    }
    let mut carol = node.user("carol").await;
    assert_eq!(
        carol.join("lobby").await["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_session_is_in_200_rooms_and_no_more() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    for n in 0..200 {
        alice
            .tell(json!({"type": "join", "room": format!("r{n}"), "re": 1}))
            .await;
    }
    for _ in 0..200 {
        assert_eq!(
            alice.next_where("room", |f| f["re"] == 1).await["type"],
            "room"
        );
    }
    assert_eq!(
        alice.refused(json!({"type": "join", "room": "r200"})).await,
        "forbidden"
    );
    alice.join("r7").await;
    alice.ask(json!({"type": "leave", "room": "r7"})).await;
    alice.join("r200").await;
}

/// Users of a large room, as one client follows them.
fn follow(users: &mut std::collections::BTreeSet<String>, frame: &Value) -> bool {
    match frame["type"].as_str().unwrap() {
        "user_join" => users.insert(frame["user"]["uid"].as_str().unwrap().to_owned()),
        "user_leave" => users.remove(frame["uid"].as_str().unwrap()),
        "user_list_update" => {
            for user in frame["joined"].as_array().into_iter().flatten() {
                users.insert(user["uid"].as_str().unwrap().to_owned());
            }
            for uid in frame["left"].as_array().into_iter().flatten() {
                users.remove(uid.as_str().unwrap());
            }
            true
        }
        _ => false,
    }
}

#[tokio::test]
async fn a_room_of_over_100_is_told_in_batches_and_lists_the_first_100() {
    let node = TestNode::start().await;
    let mut watcher = node.user_in("watcher", "lobby").await;
    let mut crowd: Vec<Client> = Vec::new();
    for n in 0..120 {
        crowd.push(node.user_in(&format!("u{n}"), "lobby").await);
    }
    let mut seen = std::collections::BTreeSet::from([watcher.uid()]);
    let (mut singles, mut total) = (0, 0);
    while seen.len() < 121 {
        let frame = watcher.any().await.unwrap();
        if follow(&mut seen, &frame) {
            singles += u32::from(frame["type"] == "user_join");
            total = frame["total"].as_i64().unwrap();
        }
    }
    assert_eq!(total, 121);
    assert_eq!(singles, 99, "up to 100 users one by one");
    let room = crowd[0].join("lobby").await;
    assert_eq!(
        (room["users"].as_array().unwrap().len(), &room["total"]),
        (100, &json!(121))
    );
    let who = crowd[0].ask(json!({"type": "who", "room": "lobby"})).await;
    assert_eq!(who["users"].as_array().unwrap().len(), 121);
    crowd.truncate(110);
    while seen.len() > 111 {
        let frame = watcher.any().await.unwrap();
        assert_ne!(frame["type"], "user_leave");
        follow(&mut seen, &frame);
    }
}
