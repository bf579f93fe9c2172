//! What counts as unread, and what no longer does.

use crossterm::event::KeyCode;

use crate::client::Command;
use crate::protocol::server::{History, Message, MessageUpdate, ReadMoved, ServerFrame};
use crate::protocol::{ClientFrame, MessageId, Ts};
use crate::tui::event::Effect;
use crate::tui::testing::{Story, message, origin, uid};

/// In the lobby, with `ops` before her eyes.
fn elsewhere(messages: Vec<Message>) -> Story {
    let mut story = Story::in_lobby(80, 24, messages);
    story.enter("/join ops");
    story
}

fn counts(story: &Story) -> (u32, u32) {
    let lobby = &story.state.rooms[0];
    (lobby.unread, lobby.mentions)
}

fn deleted(n: u64, from: &str, seq: u64) -> MessageUpdate {
    MessageUpdate {
        room: "lobby".to_owned(),
        id: message(n, from, "").id,
        ts: Ts(message(n, from, "").ts.0 + 1_000_000),
        origin: origin(),
        seq,
        text: None,
        edited: None,
        deleted: true,
        reactions: None,
    }
}

#[test]
fn what_is_deleted_before_it_was_read_is_not_unread() {
    let mut story = elsewhere(Vec::new());
    story.hear(message(1, "bob", "alice: oh"));
    story.hear(message(2, "bob", "well"));
    assert_eq!(counts(&story), (2, 1));
    for _ in 0..2 {
        story.frame(ServerFrame::MessageUpdate(deleted(1, "bob", 4)));
        assert_eq!(counts(&story), (1, 0), "once, however often it is told");
    }
    story.frame(ServerFrame::MessageUpdate(deleted(2, "bob", 5)));
    assert_eq!(counts(&story), (0, 0));
    story.alt(KeyCode::Char('a'));
    assert!(story.screen().contains("nothing is unread"));
    story.alt(KeyCode::Char('1'));
    assert!(!story.screen().contains("─ new"), "{}", story.screen());
}

#[test]
fn what_had_been_seen_takes_nothing_off_when_it_is_deleted() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    // No marker tells that it was seen: there is no connection to send it over.
    story.hear(message(1, "bob", "alice: seen"));
    story.enter("/join ops");
    story.hear(message(2, "bob", "alice: not seen"));
    story.frame(ServerFrame::MessageUpdate(deleted(1, "bob", 4)));
    assert_eq!(counts(&story), (1, 1));
}

#[test]
fn what_was_missed_and_is_deleted_by_now_is_not_unread() {
    let mut story = elsewhere(Vec::new());
    story.hear(message(1, "bob", "alice: oh"));
    let gone = |n: u64| {
        let mut gone = message(n, "bob", "");
        (gone.deleted, gone.text) = (true, None);
        gone
    };
    let page = History {
        re: None,
        room: "lobby".to_owned(),
        messages: vec![gone(1), gone(2), message(3, "bob", "here")],
        updates: Vec::new(),
        more: false,
        since: Some([(origin(), 9)].into_iter().collect()),
    };
    story.frame(ServerFrame::History(page));
    assert_eq!(counts(&story), (1, 0));
    story.frame(ServerFrame::Read(ReadMoved {
        room: "lobby".to_owned(),
        since: [(origin(), 9)].into_iter().collect(),
    }));
    assert_eq!(counts(&story), (0, 0));
}

#[test]
fn of_the_first_messages_the_deleted_ones_are_not_unread() {
    let mut story = Story::new(80, 24);
    story.online("n1");
    story.enter("/join ops");
    let mut gone = message(3, "bob", "");
    (gone.deleted, gone.text) = (true, None);
    let first = vec![
        message(1, "bob", "read"),
        message(2, "alice", "alice says alice"),
        gone,
        message(4, "bob", "alice: new"),
    ];
    story.enter_lobby_read(first, 2);
    assert_eq!(counts(&story), (1, 1));
    story.frame(ServerFrame::MessageUpdate(deleted(4, "bob", 9)));
    assert_eq!(counts(&story), (0, 0));
}

#[test]
fn what_one_says_oneself_is_never_unread_however_late_it_is_stored() {
    for heard_first in [true, false] {
        let mut story = Story::in_lobby(80, 24, Vec::new());
        story.offline();
        // The name is written as the person likes.
        story.enter("/msg Dave are you there, alice");
        let nonce = story.state.rooms[1].pending[0].nonce.clone();
        story.alt(KeyCode::Char('1'));
        story.online("n1");
        let mut own = message(3, "alice", "are you there, alice");
        own.room = "@dave".to_owned();
        own.nonce = nonce.clone();
        own.id = MessageId::new(&uid("alice"), &nonce);
        if heard_first {
            story.hear(own.clone());
            story.stored_in("@dave", &nonce, 3);
        } else {
            story.stored_in("@dave", &nonce, 3);
            story.hear(own.clone());
        }
        let names: Vec<&str> = story
            .state
            .rooms
            .iter()
            .map(|room| room.name.as_str())
            .collect();
        assert_eq!(names, ["lobby", "@dave"]);
        let room = &story.state.rooms[1];
        assert_eq!((room.unread, room.mentions, room.pending.len()), (0, 0, 0));
        assert_eq!(room.timeline.len(), 1);
    }
}

#[test]
fn who_only_glances_at_a_room_has_read_it() {
    let mut story = elsewhere(Vec::new());
    story.hear(message(1, "bob", "psst"));
    story.wait(2);
    story.alt(KeyCode::Char('1'));
    story.hear(message(2, "bob", "and"));
    story.effects();
    story.alt(KeyCode::Char('2'));
    let marker = story.effects().into_iter().find_map(|effect| match effect {
        Effect::Net(Command::Ask {
            frame: ClientFrame::Read { since, .. },
            ..
        }) => Some(since),
        _ => None,
    });
    assert_eq!(marker.unwrap().get(&origin()), 3);
    story.alt(KeyCode::Char('1'));
    story.effects();
    story.alt(KeyCode::Char('2'));
    let again = |effect: &Effect| {
        matches!(
            effect,
            Effect::Net(Command::Ask {
                frame: ClientFrame::Read { .. },
                ..
            })
        )
    };
    assert!(!story.effects().iter().any(again), "once is enough");
}
