//! What counts as unread, and what no longer does.

use crossterm::event::KeyCode;

use crate::client::{ClientEvent, Command};
use crate::protocol::server::{
    Gap, History, Message, MessageUpdate, ReadMoved, RoomInfo, RoomList, ServerFrame,
};
use crate::protocol::{ClientFrame, MessageId, Re, Ts, VersionVector};
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

/// What dave has said in his conversation with alice.
fn from_dave(n: u64) -> Message {
    let mut said = message(n, "dave", "psst");
    said.room = "@dave".to_owned();
    said
}

fn asks_for_list(story: &mut Story) -> Option<Re> {
    story.mark_of(|frame| matches!(frame, ClientFrame::Rooms))
}

/// The node's answer: so much is unread up to the `last` message.
fn lists(story: &mut Story, re: Option<Re>, unread: u32, last: u64) {
    let info = RoomInfo {
        room: "@dave".to_owned(),
        topic: String::new(),
        total: 1,
        private: true,
        joined: true,
        last: from_dave(last).ts,
        unread,
    };
    let rooms = vec![info];
    story.frame(ServerFrame::Rooms(RoomList { re, rooms }));
}

fn misses(story: &mut Story, messages: Vec<Message>) {
    let newest = messages.last().map_or(0, |message| message.seq);
    story.frame(ServerFrame::History(History {
        re: None,
        room: "@dave".to_owned(),
        messages,
        updates: Vec::new(),
        more: false,
        since: Some([(origin(), newest)].into_iter().collect()),
    }));
}

/// Away from here for a while; the question for the list is the first of the new connection.
fn comes_back(story: &mut Story) -> Option<Re> {
    story.offline();
    story.effects();
    story.online("n1");
    asks_for_list(story)
}

#[test]
fn of_an_open_conversation_the_node_knows_what_is_unread_after_each_absence() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let re = comes_back(&mut story);
    lists(&mut story, re, 2, 2);
    assert_eq!(story.state.rooms[1].unread, 2);
    // Nobody has looked at it, and more was said while there was no connection.
    let re = comes_back(&mut story);
    misses(&mut story, vec![from_dave(3), from_dave(4)]);
    lists(&mut story, re, 4, 4);
    assert_eq!(story.state.rooms[1].unread, 4);
    // It was read on the phone meanwhile, and one message was said since: live, and past the list.
    let re = comes_back(&mut story);
    story.hear(from_dave(5));
    lists(&mut story, re, 0, 4);
    assert_eq!(story.state.rooms[1].unread, 1);
}

#[test]
fn what_was_read_as_the_connection_went_is_said_before_the_node_counts_again() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.hear(from_dave(1));
    story.alt(KeyCode::Char('2'));
    let is_marker = |frame: &ClientFrame| matches!(frame, ClientFrame::Read { .. });
    let Some(Re::Number(re)) = story.mark_of(is_marker) else {
        panic!("nothing was read");
    };
    story.alt(KeyCode::Char('1'));
    story.offline();
    story.net(ClientEvent::Unanswered { re });
    story.effects();
    story.online("n1");
    let asked: Vec<ClientFrame> = story
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Net(Command::Ask { frame, .. }) => Some(frame),
            _ => None,
        })
        .collect();
    let covers = |since: &VersionVector| since.get(&origin()) == 2;
    let is_marker =
        |frame: &ClientFrame| matches!(frame, ClientFrame::Read { since, .. } if covers(since));
    let marker = asked.iter().position(is_marker);
    let list = asked
        .iter()
        .position(|frame| matches!(frame, ClientFrame::Rooms));
    assert!(marker.is_some() && marker < list, "{asked:?}");
}

#[test]
fn a_reaction_to_what_was_read_long_ago_makes_nothing_unread() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let re = comes_back(&mut story);
    lists(&mut story, re, 1, 9);
    let re = comes_back(&mut story);
    lists(&mut story, re, 0, 9);
    // Pages bring again what has changed; the window holds nothing to tell its age by.
    let mut liked = from_dave(2);
    liked.reactions = [("👍".to_owned(), vec!["dave".to_owned()])].into();
    misses(&mut story, vec![liked]);
    assert_eq!(story.state.rooms[1].unread, 0);
}

#[test]
fn what_is_read_elsewhere_of_a_conversation_that_is_not_held_is_asked_of_the_node() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let re = comes_back(&mut story);
    lists(&mut story, re, 3, 3);
    story.effects();
    story.frame(ServerFrame::Read(ReadMoved {
        room: "@dave".to_owned(),
        since: [(origin(), 2)].into_iter().collect(),
    }));
    let re = asks_for_list(&mut story);
    assert!(re.is_some());
    lists(&mut story, re, 2, 3);
    assert_eq!(story.state.rooms[1].unread, 2);
}

/// The markers since the last look: of which rooms, and how far.
fn markers(story: &mut Story) -> Vec<(String, u64)> {
    let effects = story.effects().into_iter();
    let markers = effects.filter_map(|effect| match effect {
        Effect::Net(Command::Ask {
            frame: ClientFrame::Read { room, since },
            ..
        }) => Some((room.to_string(), since.get(&origin()))),
        _ => None,
    });
    markers.collect()
}

#[test]
fn what_is_read_without_a_connection_is_read() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.hear(from_dave(1));
    story.hear(from_dave(2));
    story.offline();
    story.alt(KeyCode::Char('2'));
    story.alt(KeyCode::Char('1'));
    assert!(markers(&mut story).is_empty());
    story.online("n1");
    let dave = ("@=uiddave".to_owned(), 3);
    assert_eq!(markers(&mut story), std::slice::from_ref(&dave));
    // Another node may not have been told yet.
    story.online("n1");
    assert_eq!(markers(&mut story), []);
    story.online("n2");
    assert_eq!(markers(&mut story), [dave]);
}

#[test]
fn a_room_whose_marker_the_node_does_not_have_is_told_it_on_entering() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.offline();
    story.hear(message(1, "bob", "seen"));
    story.wait(2);
    story.alt(KeyCode::Char('1'));
    story.enter("/join ops");
    story.online("n1");
    assert_eq!(markers(&mut story), []);
    story.enter_again([(origin(), 2)].into_iter().collect());
    assert_eq!(markers(&mut story), [("lobby".to_owned(), 2)]);
}

#[test]
fn a_list_that_does_not_know_of_a_marker_yet_undoes_it_not() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.hear(from_dave(1));
    story.effects();
    story.ctrl('k');
    let list = asks_for_list(&mut story);
    story.press(KeyCode::Esc);
    story.alt(KeyCode::Char('2'));
    story.alt(KeyCode::Char('1'));
    lists(&mut story, list, 1, 1);
    assert_eq!(story.state.rooms[1].unread, 0);
}

#[test]
fn the_line_above_what_is_new_stands_in_a_conversation_of_which_only_the_number_is_known() {
    let is_page = |frame: &ClientFrame| matches!(frame, ClientFrame::History { .. });
    for shown_at_once in [false, true] {
        let mut story = Story::in_lobby(80, 24, Vec::new());
        let list = comes_back(&mut story);
        if shown_at_once {
            story.enter("/msg dave");
        }
        lists(&mut story, list, 2, 6);
        if !shown_at_once {
            story.effects();
            story.alt(KeyCode::Char('a'));
        }
        let re = story.mark_of(is_page);
        let mut all: Vec<Message> = (1..6).map(from_dave).collect();
        all[3] = message(4, "alice", "yes?");
        all[3].room = "@dave".to_owned();
        all.push(from_dave(6));
        story.frame(ServerFrame::History(History {
            re,
            room: "@dave".to_owned(),
            messages: all,
            updates: Vec::new(),
            more: true,
            since: None,
        }));
        let screen = story.screen();
        let new = screen.find("─ new").expect("the line");
        let (before, after) = screen.split_at(new);
        let counts = [before, after].map(|part| part.matches("psst").count());
        assert_eq!(counts, [3, 2], "{screen}");
    }
}

#[test]
fn what_is_missing_before_a_live_message_is_not_read_by_that_being_shown() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "seen")]);
    story.frame(ServerFrame::Gap(Gap {
        room: "lobby".to_owned(),
        since: [(origin(), 2)].into_iter().collect(),
    }));
    story.hear(message(90, "bob", "live"));
    story.wait(2);
    story.enter("/join ops");
    story.offline();
    assert!(markers(&mut story).iter().all(|(_, seq)| *seq <= 2));
    assert_eq!(story.state.rooms[0].read.get(&origin()), 2);
    story.online("n1");
    let page = History {
        re: None,
        room: "lobby".to_owned(),
        messages: (2..5).map(|n| message(n, "bob", "alice: missed")).collect(),
        updates: Vec::new(),
        more: false,
        since: Some([(origin(), 91)].into_iter().collect()),
    };
    story.frame(ServerFrame::History(page));
    assert_eq!(counts(&story), (3, 3));
}
