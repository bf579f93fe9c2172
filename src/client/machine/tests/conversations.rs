//! Direct conversations: one for each user, whatever the name is and however it is written.

use serde_json::{Value, json};

use super::{Story, error, history, message, sent};
use crate::client::event::{ClientEvent, Command, Input};
use crate::client::machine::rooms::RETRY_JOIN_MS;
use crate::protocol::RoomRef;

fn direct(label: &str, uid: &str, origin: &str, seq: u64, ts: i64) -> Value {
    let mut said = message(label, origin, seq, ts);
    said["uid"] = json!(uid);
    said["id"] = json!(format!("{uid}.{origin}.{seq}"));
    said
}

fn write(story: &mut Story, room: &str, nonce: &str) {
    let line = json!({"type": "send", "room": room, "text": "x", "nonce": nonce});
    let request = crate::protocol::decode::decode(&line.to_string()).unwrap();
    story.happens(Input::Command(Command::Write(request.frame)));
}

#[test]
fn a_conversation_is_one_however_its_name_is_written() {
    let mut story = Story::in_lobby();
    story.joins("@BOB");
    let newest = story.takes("history");
    assert_eq!(newest["room"], "@BOB");
    story.answers(
        &newest,
        json!({"type": "history", "room": "@bob", "messages": [], "more": false}),
    );
    story.says(direct("@bob", "bbbb", "n2-b", 3, 300));
    write(&mut story, "@bOb", "m1");
    let send = story.takes("send");
    assert_eq!(
        (&send["room"], &send["after"]),
        (&json!("@bOb"), &json!(300))
    );
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let page = story.takes("history");
    assert_eq!(
        (&page["room"], &page["since"]),
        (&json!("@=bbbb"), &json!({"n1-a": 5, "n2-b": 3}))
    );
    assert!(!story.wrote("history"), "{:?}", story.written);
}

#[test]
fn what_waits_for_a_user_who_is_renamed_reaches_that_user() {
    let mut story = Story::in_lobby();
    write(&mut story, "lobby", "m0");
    write(&mut story, "@bob", "m1");
    story.says(direct("@bob", "bbbb", "n2-b", 3, 300));
    story.says(json!({"type": "renamed", "uid": "bbbb", "from": "bob", "to": "bob-2"}));
    let first = story.takes("send");
    story.answers(&first, sent("m0", 10));
    let send = story.takes("send");
    assert_eq!(
        (&send["room"], &send["after"]),
        (&json!("@=bbbb"), &json!(300))
    );
}

#[test]
fn another_user_under_the_name_is_another_conversation() {
    let mut story = Story::in_lobby();
    story.says(direct("@bob", "bbbb", "n2-b", 3, 300));
    // The other one of that name is renamed: this does not concern this one.
    story.says(json!({"type": "renamed", "uid": "cccc", "from": "bob", "to": "bob-2"}));
    story.says(direct("@bob", "cccc", "n2-b", 4, 400));
    // Who has the name now may have said more before.
    let page = story.takes("history");
    assert_eq!(page["room"], "@=cccc");
    story.answers(&page, history("@bob", json!({"n1-a": 5, "n2-b": 4}), false));
    story.says(direct("@=bbbb", "bbbb", "n2-b", 5, 350));
    for (room, after) in [("@=bbbb", 350), ("@=cccc", 400), ("@bob", 400)] {
        write(&mut story, room, room);
        let send = story.takes("send");
        assert_eq!(
            (&send["room"], &send["after"]),
            (&json!(room), &json!(after))
        );
        let mut stored = sent(room, 1);
        stored["room"] = json!(if room == "@=bbbb" { room } else { "@bob" });
        story.answers(&send, stored);
    }
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let pages = [story.takes("history"), story.takes("history")];
    assert_eq!(pages.map(|page| page["room"].clone()), ["@=bbbb", "@=cccc"]);
}

#[test]
fn who_has_taken_the_name_while_there_was_no_connection_is_heard() {
    let mut story = Story::in_lobby();
    story.says(direct("@bob", "bbbb", "n2-b", 3, 300));
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let page = story.takes("history");
    story.answers(
        &page,
        history("@=bbbb", json!({"n1-a": 5, "n2-b": 4}), false),
    );
    let page = story.takes("history");
    assert_eq!(
        (&page["room"], &page["since"]),
        (&json!("@bob"), &json!({"n1-a": 5}))
    );
    story.answers(&page, history("@bob", json!({"n1-a": 5, "n2-b": 4}), false));
    assert!(story.was_told(|event| *event
        == ClientEvent::CaughtUp {
            room: RoomRef::parse("@bob").unwrap()
        }));
}

#[test]
fn what_was_missed_in_a_conversation_is_asked_for_even_when_a_live_message_is_first() {
    let mut story = Story::in_lobby();
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let list = story.takes("rooms");
    story.says(direct("@bob", "bbbb", "n1-a", 9, 900));
    story.answers(
        &list,
        json!({"type": "rooms", "rooms": [{"room": "@bob", "topic": "",
        "total": 1, "private": true, "joined": true, "last": 900, "unread": 2}]}),
    );
    let page = story.takes("history");
    assert_eq!(
        (&page["room"], &page["since"]),
        (&json!("@=bbbb"), &json!({"n1-a": 5}))
    );
    assert!(!story.wrote("history"), "{:?}", story.written);
}

#[test]
fn who_is_in_no_room_misses_nothing_in_conversations() {
    let mut story = Story::new(&["127.0.0.1:1"]);
    story.opens_session();
    story.says(direct("@bob", "bbbb", "n1-a", 9, 900));
    let newest = story.takes("history");
    assert_eq!(
        (&newest["room"], &newest["since"]),
        (&json!("@=bbbb"), &json!(null))
    );
    let answer = json!({"type": "history", "room": "@bob", "messages": [], "more": false});
    story.answers(&newest, answer);
    story.says(direct("@bob", "bbbb", "n1-a", 10, 910));
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let page = story.takes("history");
    assert_eq!(
        (&page["room"], &page["since"]),
        (&json!("@=bbbb"), &json!({"n1-a": 10}))
    );
}

#[test]
fn a_conversation_that_is_opened_by_its_user_goes_on_after_a_reconnect() {
    let mut story = Story::in_lobby();
    story.joins("@=bbbb");
    let newest = story.takes("history");
    let answer = json!({"type": "history", "room": "@bob", "messages": [], "more": false});
    story.answers(&newest, answer);
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let page = story.takes("history");
    assert_eq!(page["room"], "@=bbbb");
    story.answers(&page, history("@bob", json!({"n1-a": 7}), false));
    let bob = RoomRef::parse("@=bbbb").unwrap();
    assert!(story.was_told(|event| *event == ClientEvent::CaughtUp { room: bob.clone() }));
    story.passes(60_000);
    assert!(!story.wrote("history"), "{:?}", story.written);
}

#[test]
fn what_is_said_first_in_a_conversation_is_followed_by_what_is_said_next() {
    let mut story = Story::in_lobby();
    write(&mut story, "@=bbbb", "m1");
    let send = story.takes("send");
    let mut stored = sent("m1", 500);
    stored["room"] = json!("@bob");
    story.answers(&send, stored);
    write(&mut story, "@=bbbb", "m2");
    assert_eq!(story.takes("send")["after"], json!(500));
}

#[test]
fn a_conversation_that_begins_by_itself_ends_nothing_when_the_node_does_not_know_its_user_yet() {
    let mut story = Story::in_lobby();
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    story.says(direct("@=bbbb", "bbbb", "n1-a", 9, 900));
    for _ in 0..3 {
        let page = story.takes("history");
        assert_eq!(page["room"], "@=bbbb");
        story.answers(&page, error("no_such_user"));
        assert!(!story.wrote("history"), "not at once");
        story.passes(RETRY_JOIN_MS);
    }
    let page = story.takes("history");
    story.answers(&page, history("@bob", json!({"n1-a": 9}), false));
    assert!(!story.was_told(|event| matches!(event, ClientEvent::JoinRefused { .. })));
    // One that the user has asked for is refused.
    story.joins("@zoe");
    let newest = story.takes("history");
    story.answers(&newest, error("no_such_user"));
    assert!(story.was_told(|event| matches!(event, ClientEvent::JoinRefused { .. })));
}
