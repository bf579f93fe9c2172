//! Conversations with somebody who does not exist.

use crate::client::ClientEvent;
use crate::protocol::server::{ErrorFrame, ServerFrame};
use crate::protocol::{ClientFrame, ErrorCode};
use crate::tui::room::Delivery;
use crate::tui::testing::{Story, message};

fn nobody() -> ErrorFrame {
    ErrorFrame {
        re: None,
        code: ErrorCode::NoSuchUser,
        message: "nobody is called zoe; /who lists the users of a room".to_owned(),
        retry_after_ms: None,
        suggestion: None,
    }
}

/// The node refuses what is on its way in the room of that name.
fn refuse(story: &mut Story, room: &str) {
    let at = story.state.index_of(room).unwrap();
    let nonce = story.state.rooms[at].pending[0].nonce.clone();
    let error = nobody();
    story.net(ClientEvent::Failed { nonce, error });
}

/// The node refuses to show what was said in the conversation.
fn refuse_history(story: &mut Story) {
    let re = story.mark_of(|frame| matches!(frame, ClientFrame::History { .. }));
    let error = ErrorFrame { re, ..nobody() };
    story.frame(ServerFrame::Error(error));
}

fn rooms(story: &Story) -> Vec<&str> {
    let rooms = story.state.rooms.iter();
    rooms.map(|room| room.name.as_str()).collect()
}

const TOLD: &str = "nobody is called zoe: /who lists who is in a room";

#[test]
fn what_was_to_be_said_to_nobody_comes_back_and_leaves_no_conversation() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "hello")]);
    story.enter("/join ops");
    story.enter("/msg zoe hi there");
    assert_eq!(rooms(&story), ["lobby", "ops", "@zoe"]);
    refuse(&mut story, "@zoe");
    assert_eq!(rooms(&story), ["lobby", "ops"]);
    assert_eq!(story.state.room().unwrap().name, "ops");
    let screen = story.screen();
    assert!(screen.contains("> /msg zoe hi there"), "{screen}");
    assert!(screen.contains(TOLD), "{screen}");
    assert!(!screen.contains("failed"), "{screen}");
    // The answer to what was asked meanwhile finds nothing to be said of.
    refuse_history(&mut story);
    assert_eq!(rooms(&story), ["lobby", "ops"]);
}

#[test]
fn a_conversation_with_nobody_is_closed_before_anything_is_said() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/msg zoe");
    assert_eq!(story.state.room().unwrap().name, "@zoe");
    refuse_history(&mut story);
    assert_eq!(rooms(&story), ["lobby"]);
    assert!(story.screen().contains(TOLD), "{}", story.screen());
    // Who has begun to write keeps that, and reads why.
    story.enter("/msg zoe");
    story.write("hi");
    refuse_history(&mut story);
    assert!(story.screen().contains("> hi"), "{}", story.screen());
    assert!(story.screen().contains("nobody is called zoe"));
    story.enter("!");
    refuse(&mut story, "@zoe");
    assert_eq!(rooms(&story), ["lobby"]);
    assert!(
        story.screen().contains("> /msg zoe hi!"),
        "{}",
        story.screen()
    );
}

#[test]
fn no_text_is_lost_or_mixed_with_another_and_no_conversation_that_was_one() {
    // What is being written elsewhere is left alone.
    let mut story = Story::in_lobby(120, 24, Vec::new());
    story.enter("/msg zoe hi");
    story.alt(crossterm::event::KeyCode::Char('1'));
    story.write("a draft");
    refuse(&mut story, "@zoe");
    assert_eq!(rooms(&story), ["lobby", "@zoe"]);
    assert!(story.screen().contains("> a draft"), "{}", story.screen());
    assert!(story.screen().contains("1 failed"), "{}", story.screen());
    // Of two texts neither is lost.
    let mut story = Story::in_lobby(120, 24, Vec::new());
    story.enter("/msg zoe one");
    story.enter("two");
    refuse(&mut story, "@zoe");
    assert_eq!(story.state.rooms[1].pending.len(), 2);
    // In a conversation of before the name may be gone by now.
    let mut story = Story::in_lobby(120, 24, Vec::new());
    let mut before = message(2, "zoe", "see you");
    before.room = "@zoe".to_owned();
    story.hear(before);
    story.enter("/msg zoe hi");
    refuse(&mut story, "@zoe");
    assert_eq!(rooms(&story), ["lobby", "@zoe"]);
    let failed = |state: &Delivery| matches!(state, Delivery::Failed(_));
    assert!(failed(&story.state.rooms[1].pending[0].state));
    assert!(story.screen().contains("not sent: nobody is called zoe"));
}

#[test]
fn without_any_room_it_comes_back_to_where_it_was_written() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/leave");
    story.enter("/msg zoe hi");
    refuse(&mut story, "@zoe");
    assert_eq!(rooms(&story), [""; 0]);
    assert!(
        story.screen().contains("> /msg zoe hi"),
        "{}",
        story.screen()
    );
}
