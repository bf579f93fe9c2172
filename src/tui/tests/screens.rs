//! Whole screens.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use crate::protocol::Ts;
use crate::protocol::server::{ServerFrame, Typing, UserJoined, UserLeft};
use crate::tui::testing::{MORNING, Story, message, uid, user};

/// A morning in the lobby with all that a list can show.
fn a_morning(columns: u16, rows: u16) -> Story {
    let mut reply = message(
        3,
        "carol",
        "me too 👩\u{200d}👩\u{200d}👧\u{200d}👦 and a flag 🇩🇪",
    );
    reply.reply_to = Some(message(1, "bob", "").id);
    let mut edited = message(
        4,
        "bob",
        "日本語のテキストも折り返します: wide text wraps by its cells",
    );
    edited.edited = Some(MORNING);
    let mut loved = message(5, "dorothea-from-accounting", "done ✅");
    loved.reactions = BTreeMap::from([
        ("👍".to_owned(), vec!["bob".to_owned(), "carol".to_owned()]),
        ("❤\u{fe0f}".to_owned(), vec!["alice".to_owned()]),
    ]);
    let mut deleted = message(6, "carol", "");
    (deleted.text, deleted.deleted) = (None, true);
    let mut late = message(7, "bob", "I was offline");
    late.late = true;
    let mut yesterday = message(0, "carol", "good night");
    yesterday.ts = Ts(MORNING.0 - 13 * 3_600_000_000);
    let mut story = Story::in_lobby(
        columns,
        rows,
        vec![
            yesterday,
            message(1, "bob", "good morning!\nsecond line\n  indented"),
            message(2, "bob", "shall we deploy?"),
            reply,
            edited,
            loved,
            deleted,
            late,
            message(8, "carol", "alice: are you there?"),
        ],
    );
    let join = |name: &str| UserJoined {
        room: "lobby".to_owned(),
        user: user(name),
        total: 4,
    };
    story.frame(ServerFrame::UserJoin(join("dave")));
    story.frame(ServerFrame::UserJoin(join("erin")));
    story.frame(ServerFrame::UserLeave(UserLeft {
        room: "lobby".to_owned(),
        user: "erin".to_owned(),
        uid: uid("erin"),
        reason: "quit".to_owned(),
        total: 4,
    }));
    story.frame(ServerFrame::Away(crate::protocol::server::AwayChanged {
        room: "lobby".to_owned(),
        user: "carol".to_owned(),
        uid: uid("carol"),
        on: true,
    }));
    story.enter("yes, here 👋");
    let nonce = story.state.rooms[0].pending[0].nonce.clone();
    story.stored(&nonce, 9);
    story.frame(ServerFrame::Typing(Typing {
        room: "lobby".to_owned(),
        user: "bob".to_owned(),
        uid: uid("bob"),
        on: true,
    }));
    let mut elsewhere = message(10, "bob", "psst");
    elsewhere.room = "@bob".to_owned();
    story.hear(elsewhere);
    story.write("half a tho");
    story
}

#[test]
fn a_narrow_screen_has_room_for_what_counts() {
    assert_snapshot!(a_morning(40, 12).screen());
}

#[test]
fn a_usual_screen_shows_rooms_and_people_beside() {
    assert_snapshot!(a_morning(80, 24).screen());
}

#[test]
fn a_wide_screen_shows_everything() {
    assert_snapshot!(a_morning(120, 40).screen());
}

#[test]
fn a_lost_connection_is_said_in_words_and_what_was_said_waits() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "hello")]);
    story.offline();
    story.enter("did you get this?");
    assert_snapshot!(story.screen());
}

#[test]
fn a_taken_name_is_asked_for_with_the_suggestion_filled_in() {
    let mut story = Story::new(60, 14);
    let error = crate::protocol::server::ErrorFrame {
        re: None,
        code: crate::protocol::ErrorCode::NameTaken,
        message: "the name alice is taken".to_owned(),
        retry_after_ms: None,
        suggestion: Some("alice-2".to_owned()),
    };
    story.net(crate::client::ClientEvent::NameRefused {
        name: crate::protocol::UserName::parse("alice").unwrap(),
        error,
    });
    assert_snapshot!(story.screen());
}

#[test]
fn help_is_made_from_the_tables() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.press(KeyCode::F(1));
    assert_snapshot!(story.screen());
    for _ in 0..10 {
        story.press(KeyCode::PageDown);
    }
    let end = story.screen();
    assert!(
        end.contains("Your messages") && end.contains("Ctrl+Q"),
        "{end}"
    );
    story.press(KeyCode::Esc);
    assert!(!story.screen().contains("Your messages"));
}

#[test]
fn help_on_a_narrow_screen_leaves_nothing_out() {
    let mut story = Story::in_lobby(40, 12, Vec::new());
    story.press(KeyCode::F(1));
    assert_snapshot!(story.screen());
}

#[test]
fn every_size_can_be_drawn() {
    for (columns, rows) in [
        (0, 0),
        (1, 1),
        (2, 5),
        (10, 3),
        (39, 11),
        (61, 9),
        (300, 100),
    ] {
        let mut story = a_morning(80, 24);
        story.happen(crate::tui::event::Event::Resize(columns, rows));
        story.press(KeyCode::PageUp);
        story.screen();
        story.press(KeyCode::F(1));
        story.screen();
        story.state.ask_name("x", "why");
        story.screen();
    }
}
