//! After a move to another node: what is in the window is read once more, quietly.

use crossterm::event::KeyCode;

use crate::client::Command;
use crate::protocol::server::{History, Message, MessageUpdate, ServerFrame};
use crate::protocol::{ClientFrame, HistoryRange, Re, Ts};
use crate::tui::event::Effect;
use crate::tui::testing::{Story, message, origin};

fn numbered(range: std::ops::Range<u64>) -> Vec<Message> {
    range
        .map(|n| message(n, "bob", &format!("line {n}")))
        .collect()
}

fn loved(n: u64) -> Message {
    let mut loved = message(n, "bob", &format!("line {n}"));
    loved
        .reactions
        .insert("+".to_owned(), vec!["carol".to_owned()]);
    loved
}

/// The node is lost, and the next one has nothing that was missed.
fn moves(story: &mut Story) {
    story.offline();
    story.online("n2");
    story.effects();
    let held = story.state.rooms[0].held.clone();
    story.enter_again(held);
}

/// What is asked about history: the mark, the moment before which, and how many.
fn asked(story: &mut Story) -> Vec<(i64, Ts, usize)> {
    let asked = story
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Net(Command::Ask {
                re,
                frame:
                    ClientFrame::History {
                        range: HistoryRange::Before(before),
                        limit,
                        ..
                    },
            }) => Some((re, before, limit.unwrap())),
            _ => None,
        });
    asked.collect()
}

fn answer(story: &mut Story, re: i64, messages: Vec<Message>, more: bool) {
    story.frame(ServerFrame::History(History {
        re: Some(Re::Number(re)),
        room: "lobby".to_owned(),
        messages,
        updates: Vec::new(),
        more,
        since: None,
    }));
}

#[test]
fn what_is_in_the_window_is_read_once_more_and_shows_what_that_node_knows() {
    let mut story = Story::in_lobby(80, 24, numbered(0..3));
    moves(&mut story);
    let [(re, before, 3)] = asked(&mut story)[..] else {
        panic!("not asked for the three messages");
    };
    assert_eq!(before, Ts(message(2, "bob", "").ts.0 + 1));
    let mut edited = message(1, "bob", "line 1!");
    edited.edited = Some(edited.ts);
    answer(
        &mut story,
        re,
        vec![loved(0), edited, message(2, "bob", "line 2")],
        false,
    );
    let screen = story.screen();
    assert!(
        screen.contains("+ carol") && screen.contains("line 1! (edited)"),
        "{screen}"
    );
    assert_eq!(asked(&mut story), []);
}

#[test]
fn nothing_of_it_is_new_and_the_reader_stays_where_they_are() {
    let mut story = Story::in_lobby(80, 24, numbered(0..60));
    story.press(KeyCode::PageUp);
    moves(&mut story);
    let before = story.reading();
    let (re, ..) = asked(&mut story)[0];
    // The last one is not held: it comes another way, and is counted there.
    answer(&mut story, re, numbered(0..61), false);
    assert_eq!(story.reading(), before);
    let room = &story.state.rooms[0];
    assert_eq!(
        (
            room.new_below,
            room.unread,
            room.timeline.message(&message(60, "bob", "").id)
        ),
        (0, 0, None)
    );
}

#[test]
fn what_is_deleted_stays_deleted_and_the_smaller_place_stands() {
    let mut gone = message(1, "bob", "line 1");
    (gone.deleted, gone.text) = (true, None);
    let mut story = Story::in_lobby(
        80,
        24,
        vec![
            message(0, "bob", "line 0"),
            gone,
            message(2, "bob", "line 2"),
        ],
    );
    moves(&mut story);
    let (re, ..) = asked(&mut story)[0];
    let mut later = message(0, "bob", "line 0");
    later.ts = Ts(message(2, "bob", "").ts.0 + 5);
    answer(
        &mut story,
        re,
        vec![message(1, "bob", "line 1"), later],
        false,
    );
    let texts: Vec<_> = story.state.rooms[0]
        .timeline
        .messages_back()
        .map(|m| m.text.clone())
        .collect();
    assert_eq!(
        texts,
        [Some("line 2".to_owned()), None, Some("line 0".to_owned())]
    );
}

#[test]
fn what_comes_while_the_page_is_on_its_way_is_not_taken_back_by_it() {
    let mut story = Story::in_lobby(80, 24, numbered(0..3));
    moves(&mut story);
    let (re, ..) = asked(&mut story)[0];
    story.frame(ServerFrame::MessageUpdate(MessageUpdate {
        room: "lobby".to_owned(),
        id: message(1, "bob", "").id,
        ts: message(9, "bob", "").ts,
        origin: origin(),
        seq: 10,
        text: None,
        edited: None,
        deleted: false,
        reactions: Some(loved(1).reactions),
    }));
    answer(&mut story, re, numbered(0..3), false);
    assert!(story.screen().contains("+ carol"), "{}", story.screen());
}

#[test]
fn a_page_tells_what_has_become_of_messages_that_the_new_node_does_not_have() {
    let mut story = Story::in_lobby(80, 24, numbered(0..3));
    moves(&mut story);
    let update = |n: u64, text: Option<&str>| MessageUpdate {
        room: "lobby".to_owned(),
        id: message(n, "bob", "").id,
        ts: message(9, "bob", "").ts,
        origin: origin(),
        seq: 10,
        text: text.map(str::to_owned),
        edited: text.map(|_| message(9, "bob", "").ts),
        deleted: text.is_none(),
        reactions: None,
    };
    story.frame(ServerFrame::History(History {
        re: None,
        room: "lobby".to_owned(),
        messages: Vec::new(),
        updates: vec![
            update(1, Some("line one")),
            update(2, None),
            update(7, None),
        ],
        more: false,
        since: Some(Default::default()),
    }));
    let texts: Vec<_> = story.state.rooms[0]
        .timeline
        .messages_back()
        .map(|m| m.text.clone())
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(texts, [None, text("line one"), text("line 0")]);
}

#[test]
fn a_long_window_is_read_in_pages_the_newest_first_and_no_further() {
    let mut story = Story::in_lobby(80, 24, numbered(0..300));
    moves(&mut story);
    let [(re, _, 200)] = asked(&mut story)[..] else {
        panic!("not asked for a page");
    };
    answer(&mut story, re, numbered(100..300), true);
    let [(re, before, 100)] = asked(&mut story)[..] else {
        panic!("not asked for the rest");
    };
    assert_eq!(before, message(100, "bob", "").ts);
    answer(&mut story, re, numbered(0..100), true);
    assert_eq!(asked(&mut story), []);
}

#[test]
fn a_move_in_the_middle_of_it_begins_anew_and_a_refusal_ends_it() {
    let mut story = Story::in_lobby(80, 24, numbered(0..3));
    moves(&mut story);
    let (re, ..) = asked(&mut story)[0];
    story.net(crate::client::ClientEvent::Unanswered { re });
    moves(&mut story);
    let (re, ..) = asked(&mut story)[0];
    let refusal = crate::protocol::Refusal::new(crate::protocol::ErrorCode::Internal, "no");
    let error = crate::protocol::server::ErrorFrame::new(Some(Re::Number(re)), refusal);
    story.frame(ServerFrame::Error(error));
    assert_eq!(asked(&mut story), []);
}
