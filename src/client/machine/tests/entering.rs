//! Rooms: being let in, and leaving.

use serde_json::json;

use super::{Story, error, room, sent};
use crate::client::event::{ClientEvent, Command, Input};
use crate::client::machine::outbox::REFUSALS_MAX;
use crate::client::machine::rooms::RETRY_JOIN_MS;
use crate::protocol::{RoomRef, ServerFrame};

#[test]
fn a_room_that_is_limited_is_tried_again_and_one_that_is_refused_is_not() {
    let mut story = Story::in_lobby();
    story.joins("ops");
    let join = story.takes("join");
    story.answers(&join, error("rate_limited"));
    story.passes(RETRY_JOIN_MS);
    let join = story.takes("join");
    story.answers(&join, error("forbidden"));
    assert!(story.was_told(|event| matches!(event, ClientEvent::JoinRefused { .. })));
    story.passes(RETRY_JOIN_MS);
    assert!(!story.wrote("join"));
}

#[test]
fn a_room_that_is_left_before_its_answer_came_stays_left() {
    let mut story = Story::in_lobby();
    story.joins("tea");
    let join = story.takes("join");
    let tea = RoomRef::parse("tea").unwrap();
    story.happens(Input::Command(Command::Leave { room: tea }));
    let leave = story.takes("leave");
    story.answers(&join, room("tea", json!({"n1-a": 5}), false));
    let led_in = |event: &ClientEvent| match event {
        ClientEvent::Frame(frame) => matches!(**frame, ServerFrame::Room(_)),
        ClientEvent::CaughtUp { .. } => true,
        _ => false,
    };
    assert!(!story.was_told(led_in), "{:?}", story.told);
    story.answers(&leave, json!({"type": "ok"}));
    // Entered again, it is a room like any other.
    story.joins("tea");
    let join = story.takes("join");
    story.answers(&join, room("tea", json!({"n1-a": 5}), false));
    assert!(story.was_told(led_in));
}

#[test]
fn what_is_said_in_a_room_waits_until_one_is_in_it_and_holds_up_no_other() {
    let mut story = Story::in_lobby();
    story.joins("ops");
    let join = story.takes("join");
    let mut limited = error("rate_limited");
    limited["retry_after_ms"] = json!(300);
    story.answers(&join, limited);
    for (room, nonce) in [("ops", "one"), ("lobby", "two"), ("ops", "three")] {
        let line = json!({"type": "send", "room": room, "text": "x", "nonce": nonce});
        let request = crate::protocol::decode::decode(&line.to_string()).unwrap();
        story.happens(Input::Command(Command::Write(request.frame)));
    }
    let other = story.takes("send");
    assert_eq!(other["nonce"], "two");
    story.answers(&other, sent("two", 10));
    assert!(!story.wrote("send"));
    assert!(
        story.machine.wake_at_ms() >= story.now.ms + 300,
        "nothing is due before"
    );
    story.passes(300);
    let join = story.takes("join");
    assert!(!story.wrote("send"));
    story.answers(&join, room("ops", json!({"n1-a": 5}), false));
    for nonce in ["one", "three"] {
        let send = story.takes("send");
        assert_eq!(send["nonce"], nonce);
        story.answers(&send, sent(nonce, 20));
    }
}

#[test]
fn a_node_that_lets_nobody_into_a_room_is_left_for_another() {
    let mut story = Story::in_lobby();
    story.joins("ops");
    let line = json!({"type": "send", "room": "ops", "text": "x", "nonce": "one"});
    let request = crate::protocol::decode::decode(&line.to_string()).unwrap();
    story.happens(Input::Command(Command::Write(request.frame)));
    for _ in 0..REFUSALS_MAX {
        let join = story.takes("join");
        story.answers(&join, error("unavailable"));
        story.passes(RETRY_JOIN_MS);
    }
    assert_eq!(story.dialed, ["127.0.0.1:2"]);
    assert!(
        story.was_told(|event| matches!(event, ClientEvent::PutOff { nonce, error }
        if nonce.as_str() == "one" && error.message == "no"))
    );
}
