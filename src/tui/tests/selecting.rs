//! A message is chosen, and stays chosen and in sight.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;
use ratatui::style::Modifier;

use crate::protocol::server::{History, Message, MessageUpdate, ServerFrame};
use crate::protocol::{HistoryRange, MessageId, Re};
use crate::tui::event::Event;
use crate::tui::room::Position;
use crate::tui::selection::Target;
use crate::tui::testing::{Story, message, origin, uid};
use crate::tui::travel;

fn talk(range: std::ops::Range<u64>) -> Vec<Message> {
    range
        .map(|n| {
            let from = ["bob", "carol", "alice"][n as usize % 3];
            let words = "many words ".repeat(n as usize % 7);
            message(n, from, &format!("line {n}. {words}"))
        })
        .collect()
}

pub fn keys(story: &mut Story, keys: &str) {
    story.write(keys);
}

pub fn select(story: &mut Story) {
    story.alt(KeyCode::Char('m'));
}

/// The text of the chosen message; it must be marked, and in sight as a whole.
fn chosen(story: &Story) -> String {
    let selection = story.state.selection.as_ref().expect("a message is chosen");
    let sheet = travel::sheet(&story.state).unwrap();
    let height = travel::height(&story.state);
    assert_eq!(
        sheet.brought_into_sight(&selection.target, height),
        None,
        "out of sight\n{}",
        story.screen()
    );
    let marked = marked_rows(story);
    let rows = sheet.targets(height);
    let rows = rows
        .iter()
        .filter(|target| target.as_ref() == Some(&selection.target));
    assert!((1..=rows.count()).contains(&marked), "{}", story.screen());
    let room = story.state.room().unwrap();
    match &selection.target {
        Target::Post(id) => {
            let message = room.timeline.message(id).unwrap();
            message.text.clone().unwrap_or_default()
        }
        Target::Pending(nonce) => {
            let mut pending = room.pending.iter();
            let found = pending.find(|pending| pending.nonce == *nonce).unwrap();
            found.text.as_str().to_owned()
        }
    }
}

/// Rows of messages that begin with something turned round.
fn marked_rows(story: &Story) -> usize {
    let buffer = story.buffer();
    let area = travel::parts(&story.state).messages;
    let is_marked = |y: u16| {
        let style = buffer[(area.x, y)].modifier;
        style.contains(Modifier::REVERSED)
    };
    (area.y..area.bottom()).filter(|y| is_marked(*y)).count()
}

pub fn begins(story: &Story, text: &str) {
    let chosen = chosen(story);
    assert!(chosen.starts_with(text), "{chosen}\n{}", story.screen());
}

fn click(story: &mut Story, text: &str) {
    let screen = story.screen();
    let row = screen.lines().position(|line| line.contains(text)).unwrap();
    let area = travel::parts(&story.state).messages;
    story.happen(Event::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: area.x + 20.min(area.width - 1),
        row: u16::try_from(row).unwrap(),
        modifiers: KeyModifiers::NONE,
    }));
}

pub fn a_talk(columns: u16, rows: u16) -> Story {
    let mut answer = message(3, "carol", "at four, after the tea");
    answer.reply_to = Some(message(2, "alice", "").id);
    answer.reactions = BTreeMap::from([("🎉".to_owned(), vec!["bob".to_owned()])]);
    let mut gone = message(4, "bob", "");
    (gone.text, gone.deleted) = (None, true);
    let messages = vec![
        message(1, "bob", "is the deploy done?"),
        message(2, "alice", "nearly. when is the\nreview?"),
        answer,
        gone,
    ];
    Story::in_lobby(columns, rows, messages)
}

#[test]
fn the_chosen_message_is_marked_and_the_keys_are_named() {
    let mut story = a_talk(80, 24);
    select(&mut story);
    begins(&story, "at four");
    assert_snapshot!("another_s_message", story.screen());
    keys(&mut story, "k");
    begins(&story, "nearly");
    assert_eq!(marked_rows(&story), 2);
    assert_snapshot!("an_own_message", story.screen());
    for (columns, rows) in [(40, 12), (200, 50)] {
        story.happen(Event::Resize(columns, rows));
        begins(&story, "nearly");
        assert_snapshot!(format!("an_own_message_{columns}"), story.screen());
    }
}

#[test]
fn it_is_entered_and_left_and_writing_goes_on() {
    let mut story = a_talk(80, 24);
    story.write("a draft");
    let up = KeyEvent::new(KeyCode::Up, KeyModifiers::CONTROL);
    story.happen(Event::Key(up));
    begins(&story, "at four");
    story.happen(Event::Key(up));
    begins(&story, "nearly");
    for leave in [KeyCode::Esc, KeyCode::Enter, KeyCode::Char('q')] {
        story.press(leave);
        assert!(story.state.selection.is_none());
        assert_eq!(marked_rows(&story), 0);
        assert!(story.screen().contains("> a draft"), "{}", story.screen());
        select(&mut story);
    }
    story.ctrl('c');
    assert!(story.state.selection.is_none());
    story.write("!");
    assert!(story.screen().contains("> a draft!"), "{}", story.screen());
    // What is pasted is written, not taken for keys.
    select(&mut story);
    story.happen(Event::Paste("dd".to_owned()));
    assert!(story.screen().contains("> a draft!dd"));
    assert_eq!(story.written(), []);
}

#[test]
fn an_empty_room_has_nothing_to_choose() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    select(&mut story);
    assert!(story.state.selection.is_none());
    assert!(story.screen().contains("there is no message in sight"));
}

#[test]
fn whatever_is_gone_through_the_chosen_message_is_in_sight() {
    for (columns, rows) in [(40, 12), (80, 24), (200, 50), (30, 6)] {
        let mut story = Story::in_lobby(columns, rows, talk(0..120));
        story.offline();
        story.enter("on its way");
        select(&mut story);
        begins(&story, "on its way");
        let all = (0..120).map(|n| format!("line {n}. "));
        let all: Vec<String> = all.chain(["on its way".to_owned()]).collect();
        for text in all.iter().rev().skip(1) {
            keys(&mut story, "k");
            begins(&story, text);
        }
        keys(&mut story, "k");
        begins(&story, "line 0.");
        for text in all.iter().skip(1) {
            story.press(KeyCode::Down);
            begins(&story, text);
        }
        keys(&mut story, "g");
        begins(&story, "line 0.");
        for key in [KeyCode::PageDown, KeyCode::PageUp] {
            let mut seen = Vec::new();
            while seen.last() != Some(&chosen(&story)) {
                seen.push(chosen(&story));
                story.press(key);
            }
            assert!(seen.len() > 3, "{seen:?}");
        }
        begins(&story, "line 0.");
        keys(&mut story, "G");
        begins(&story, "on its way");
    }
}

#[test]
fn what_comes_in_and_what_is_loaded_leaves_the_chosen_message_where_it_is() {
    let mut story = Story::new(80, 24);
    story.online("n1");
    story.enter_lobby(talk(100..160), true);
    select(&mut story);
    keys(&mut story, "kk");
    begins(&story, "line 157.");
    let before = story.reading();
    // One that comes late moves nothing for longer than to the next tick.
    let mut late = message(130, "bob", "late");
    late.id = message(131, "dave", "").id;
    story.hear(late);
    for n in 160..200 {
        story.hear(message(n, "bob", "news"));
        begins(&story, "line 157.");
    }
    assert_eq!(story.reading(), before);
    assert!(story.screen().contains("40 new ↓"), "{}", story.screen());
    // Older ones come above.
    keys(&mut story, "g");
    begins(&story, "line 100.");
    let asked = story.asked();
    let (re, _) = asked
        .iter()
        .find(|(_, range)| matches!(range, HistoryRange::Before(_)))
        .expect("asks for what is before");
    let before = story.reading();
    story.frame(ServerFrame::History(History {
        re: Some(Re::Number(*re)),
        room: "lobby".to_owned(),
        messages: talk(0..100),
        updates: Vec::new(),
        more: false,
        since: None,
    }));
    begins(&story, "line 100.");
    // But for the day above the first one, which is not the first any more.
    assert!(before[0].contains("November"));
    assert_eq!(story.reading()[1..], before[1..]);
    keys(&mut story, "k");
    begins(&story, "line 99.");
    keys(&mut story, "G");
    begins(&story, "news");
}

#[test]
fn who_was_at_the_newest_message_is_there_again_afterwards() {
    let mut story = Story::in_lobby(80, 24, talk(0..60));
    select(&mut story);
    keys(&mut story, "k");
    story.hear(message(60, "bob", "news"));
    assert!(!story.reading().concat().contains("news"));
    story.press(KeyCode::Esc);
    assert_eq!(story.state.rooms[0].position, Position::Newest);
    assert!(story.reading().concat().contains("news"));
    // Whoever has gone further up stays there.
    select(&mut story);
    keys(&mut story, &"k".repeat(30));
    let before = story.reading().len();
    story.press(KeyCode::Esc);
    assert_ne!(story.state.rooms[0].position, Position::Newest);
    assert_eq!(story.reading().len(), before);
}

#[test]
fn one_that_is_deleted_meanwhile_stays_chosen_and_nothing_can_be_done_with_it() {
    let mut story = a_talk(80, 24);
    select(&mut story);
    story.frame(ServerFrame::MessageUpdate(MessageUpdate {
        room: "lobby".to_owned(),
        id: message(3, "carol", "").id,
        ts: message(9, "carol", "").ts,
        origin: origin(),
        seq: 10,
        text: None,
        edited: None,
        deleted: true,
        reactions: None,
    }));
    assert_eq!(chosen(&story), "");
    for key in ["r", "+", "y", "e", "d", "R", "x"] {
        keys(&mut story, key);
        assert!(story.state.selection.is_some(), "{key}");
    }
    assert_eq!(story.written(), []);
    keys(&mut story, "k");
    begins(&story, "nearly");
}

#[test]
fn what_was_on_its_way_stays_chosen_when_it_is_stored_and_says_on_how_many_nodes() {
    let mut story = a_talk(80, 24);
    story.enter("soon there");
    select(&mut story);
    begins(&story, "soon there");
    assert!(
        story.screen().contains("no node has it yet"),
        "{}",
        story.screen()
    );
    let nonce = story.state.rooms[0].pending[0].nonce.clone();
    story.stored(&nonce, 9);
    begins(&story, "soon there");
    let id = MessageId::new(&uid("alice"), &nonce);
    let selection = story.state.selection.as_ref().unwrap();
    assert_eq!(selection.target, Target::Post(id));
    assert!(
        story.screen().contains("yours · stored on 2 nodes"),
        "{}",
        story.screen()
    );
}

#[test]
fn a_click_chooses_and_one_beside_leaves() {
    let mut story = a_talk(80, 24);
    click(&mut story, "is the deploy done?");
    begins(&story, "is the deploy done?");
    click(&mut story, "review?");
    begins(&story, "nearly");
    click(&mut story, "message deleted");
    assert!(story.state.selection.is_none());
    // The click that brings the window to the front is about no message.
    for on in [false, true] {
        story.happen(Event::Focus(on));
    }
    click(&mut story, "review?");
    assert!(story.state.selection.is_none());
    story.wait(1);
    click(&mut story, "review?");
    keys(&mut story, "h");
    let screen = story.screen();
    assert!(screen.contains("h does nothing here: Esc goes"), "{screen}");
    let mut long = Story::in_lobby(40, 12, talk(0..60));
    long.press(KeyCode::PageUp);
    let row = long.reading()[3].clone();
    click(&mut long, row.trim());
    assert!(chosen(&long).contains(row.trim().rsplit("  ").next().unwrap().trim()));
}

#[test]
fn the_wheel_takes_the_choice_along() {
    let mut story = Story::in_lobby(80, 24, talk(0..60));
    select(&mut story);
    for kind in [MouseEventKind::ScrollUp, MouseEventKind::ScrollDown] {
        for _ in 0..40 {
            story.wheel(kind);
            chosen(&story);
        }
    }
    let before = story.reading();
    story.happen(Event::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::SHIFT)));
    assert_ne!(story.reading(), before);
}

#[test]
fn a_message_that_is_higher_than_the_screen_can_be_read_while_it_is_chosen() {
    let tall: Vec<String> = (0..40).map(|n| format!("row {n}.")).collect();
    let mut messages = talk(0..10);
    messages.push(message(10, "bob", &tall.join("\n")));
    messages.push(message(11, "bob", "after it"));
    let mut story = Story::in_lobby(80, 24, messages);
    select(&mut story);
    keys(&mut story, "k");
    begins(&story, "row 0.");
    assert!(story.screen().contains("row 0."));
    for _ in 0..6 {
        story.wheel(MouseEventKind::ScrollDown);
        begins(&story, "row 0.");
    }
    assert!(story.screen().contains("row 35."), "{}", story.screen());
    keys(&mut story, "j");
    begins(&story, "after it");
}

#[test]
fn another_room_ends_it_and_help_does_not() {
    let mut story = a_talk(80, 24);
    story.enter("/join ops");
    story.alt(KeyCode::Char('1'));
    select(&mut story);
    story.press(KeyCode::F(1));
    story.press(KeyCode::Esc);
    begins(&story, "at four");
    story.alt(KeyCode::Char('2'));
    assert!(story.state.selection.is_none());
    story.alt(KeyCode::Char('1'));
    assert!(story.state.selection.is_none());
    assert_eq!(marked_rows(&story), 0);
}

#[test]
fn the_keys_are_named_as_they_are_bound() {
    use crate::tui::keymap::{Keymap, Rebinding};
    let mut story = a_talk(80, 24);
    let changes = ["message-reply=f5", "select=f4", "message-last=G"];
    let changes = changes.map(|text| Rebinding::parse(text).unwrap());
    story.state.keys = Keymap::rebound(&changes).unwrap();
    story.press(KeyCode::F(4));
    let screen = story.screen();
    assert!(screen.contains("F5 reply  + react"), "{screen}");
    keys(&mut story, "kk");
    keys(&mut story, "G");
    begins(&story, "at four");
    keys(&mut story, "r");
    begins(&story, "at four");
    story.press(KeyCode::F(5));
    assert!(
        story.screen().contains("↱ carol: at four"),
        "{}",
        story.screen()
    );
}
