//! Rooms: being let in, and leaving.

use serde_json::json;

use super::{Story, error, room};
use crate::client::event::{ClientEvent, Command, Input};
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
