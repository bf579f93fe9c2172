//! The switcher: where to go and what to do, by a few letters.

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;
use ratatui::style::Modifier;

use crate::client::Command;
use crate::protocol::server::{RoomInfo, RoomList, ServerFrame, UserJoined};
use crate::protocol::{ClientFrame, RoomRef, Ts};
use crate::tui::event::{Effect, Event};
use crate::tui::keymap::{Keymap, Rebinding};
use crate::tui::layout;
use crate::tui::state::Overlay;
use crate::tui::testing::{Story, message, user};
use crate::tui::tests::monitoring::{hear, stats, watching};

fn info(room: &str, total: u32, topic: &str) -> RoomInfo {
    RoomInfo {
        room: room.to_owned(),
        topic: topic.to_owned(),
        total,
        private: false,
        joined: false,
        last: Ts(0),
        unread: 0,
    }
}

/// In the lobby and in `deploys`, with something unread from bob, and the switcher about to be opened.
fn a_busy_day(columns: u16, rows: u16) -> Story {
    let mut story = Story::in_lobby(columns, rows, vec![message(1, "bob", "morning")]);
    for room in ["deploys", "日本語の部屋"] {
        let at = story.state.open(room);
        story.state.rooms[at].topic = format!("about {room}");
    }
    let mut elsewhere = message(2, "carol", "rolled back");
    elsewhere.room = "deploys".to_owned();
    story.hear(elsewhere);
    let mut direct = message(3, "bob", "psst");
    direct.room = "@bob".to_owned();
    story.hear(direct);
    story.frame(ServerFrame::UserJoin(UserJoined {
        room: "lobby".to_owned(),
        user: user("Érik"),
        total: 4,
    }));
    story.effects();
    story
}

fn told_of_rooms(story: &mut Story) {
    let re = story.mark_of(|frame| matches!(frame, ClientFrame::Rooms));
    assert!(re.is_some(), "the rooms are asked for");
    story.frame(ServerFrame::Rooms(RoomList {
        re,
        rooms: vec![
            info("garden", 3, "tomatoes"),
            info("deploys", 9, "known already"),
            info("ops", 12, ""),
            info("@dorothea", 2, ""),
        ],
    }));
}

fn opened(columns: u16, rows: u16) -> Story {
    let mut story = a_busy_day(columns, rows);
    story.ctrl('k');
    told_of_rooms(&mut story);
    story
}

fn labels(story: &Story) -> Vec<&str> {
    match &story.state.overlay {
        Overlay::Switcher(over) => over.found.iter().map(|e| e.label.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn shown_room(story: &Story) -> &str {
    &story.state.room().unwrap().name
}

#[test]
fn on_a_narrow_screen_it_has_the_names() {
    assert_snapshot!(opened(40, 12).screen());
}

#[test]
fn on_a_usual_screen_it_says_what_they_are() {
    let mut story = opened(80, 24);
    assert_snapshot!("switcher_opened", story.screen());
    story.write("de");
    assert_snapshot!("switcher_filtered", story.screen());
}

#[test]
fn on_a_wide_screen_it_stays_readable() {
    let mut story = opened(200, 50);
    story.write(">");
    assert_snapshot!(story.screen());
}

#[test]
fn what_is_meant_for_the_person_comes_first_then_people_other_rooms_and_actions() {
    let story = opened(80, 24);
    let labels = labels(&story);
    assert_eq!(
        labels[..8],
        [
            "@bob",
            "#deploys",
            "#日本語の部屋",
            "#lobby",
            "@carol",
            "@Érik",
            "@dorothea",
            "#ops"
        ]
    );
    assert_eq!(labels[8], "#garden");
    assert!(labels.contains(&"go to the first unread message") && labels.contains(&"/join ROOM"));
    assert!(!labels.contains(&"@alice"), "one does not talk to oneself");
}

#[test]
fn typing_filters_and_enter_goes_there() {
    let mut story = opened(80, 24);
    story.write("dpl");
    assert_eq!(labels(&story)[0], "#deploys");
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "deploys");
    assert!(matches!(story.state.overlay, Overlay::None));
    // The other key, a person without a conversation, and letters without their accents.
    story.ctrl('g');
    story.write("erik");
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "@Érik");
    // A room that one is not in.
    story.ctrl('k');
    told_of_rooms(&mut story);
    story.write("#gar");
    story.press(KeyCode::Enter);
    let join = Command::Join {
        room: RoomRef::parse("garden").unwrap(),
        limit: Some(100),
    };
    assert!(story.effects().contains(&Effect::Net(join)));
    assert_eq!(shown_room(&story), "garden");
}

#[test]
fn the_keys_choose_round_and_round_and_esc_leaves_all_as_it_was() {
    let mut story = opened(80, 24);
    story.press(KeyCode::Down);
    story.ctrl('n');
    story.ctrl('p');
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "deploys");
    story.write("a draft");
    story.ctrl('k');
    story.press(KeyCode::Up);
    let last = labels(&story).last().copied().unwrap().to_owned();
    let screen = story.screen();
    assert!(screen.contains(&format!("▸ {last}")), "{screen}");
    story.press(KeyCode::PageUp);
    story.press(KeyCode::Esc);
    assert_eq!(shown_room(&story), "deploys");
    assert!(story.screen().contains("> a draft"), "{}", story.screen());
    // The key that opened it closes it.
    story.ctrl('k');
    story.ctrl('k');
    assert!(matches!(story.state.overlay, Overlay::None));
}

#[test]
fn actions_and_commands_are_carried_out() {
    let mut story = opened(80, 24);
    story.write(">this help");
    story.press(KeyCode::Enter);
    assert!(matches!(story.state.overlay, Overlay::Help { .. }));
    story.press(KeyCode::Esc);
    story.ctrl('k');
    story.write("/aw");
    story.press(KeyCode::Enter);
    let away = story.mark_of(|frame| matches!(frame, ClientFrame::Away { on: true }));
    assert!(away.is_some());
    // A command that needs to know more asks for it in the same line.
    story.ctrl('k');
    story.write("/jo");
    story.press(KeyCode::Enter);
    assert!(story.screen().contains("› /join"), "{}", story.screen());
    story.write("Tea");
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "tea");
    // What cannot be done is told.
    story.ctrl('k');
    story.write("/join no good");
    story.press(KeyCode::Enter);
    assert!(matches!(story.state.overlay, Overlay::None));
    assert!(story.state.flash.is_some());
}

#[test]
fn a_full_name_leads_to_a_room_or_person_that_nobody_told_of() {
    let mut story = opened(80, 24);
    story.write("#secret-plans");
    assert_eq!(labels(&story), ["#secret-plans"]);
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "secret-plans");
    story.ctrl('k');
    story.write("@zoe");
    assert_eq!(labels(&story).last(), Some(&"@zoe"));
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "@zoe");
    story.ctrl('k');
    story.write("? ? ?");
    assert!(story.screen().contains("nothing is called that"));
    story.press(KeyCode::Enter);
    assert!(matches!(story.state.overlay, Overlay::Switcher(_)));
}

#[test]
fn what_was_chosen_stays_chosen_when_the_rooms_come() {
    let mut story = a_busy_day(80, 24);
    story.ctrl('k');
    story.write("g");
    story.press(KeyCode::Down);
    let chosen = |story: &Story| {
        let Overlay::Switcher(over) = &story.state.overlay else {
            panic!("it is closed");
        };
        over.found[over.at].target.clone()
    };
    let before = chosen(&story);
    told_of_rooms(&mut story);
    assert!(labels(&story).contains(&"#garden"));
    assert_eq!(chosen(&story), before);
}

#[test]
fn a_click_takes_and_one_beside_it_leaves() {
    let click = |story: &mut Story, column, row| {
        story.happen(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
    };
    let mut story = opened(80, 24);
    let list = layout::switcher((80, 24)).list;
    story.wheel(MouseEventKind::ScrollDown);
    click(&mut story, list.x + 4, list.y + 2);
    assert_eq!(shown_room(&story), "日本語の部屋");
    story.ctrl('k');
    click(&mut story, 0, 23);
    assert!(matches!(story.state.overlay, Overlay::None));
    assert_eq!(shown_room(&story), "日本語の部屋");
}

#[test]
fn the_letters_that_fit_are_marked() {
    let mut story = opened(80, 24);
    story.write("dpl");
    let buffer = story.buffer();
    let list = layout::switcher((80, 24)).list;
    let marked = list.rows().next().unwrap().positions();
    let marked: String = marked
        .filter(|at| buffer[*at].modifier.contains(Modifier::UNDERLINED))
        .map(|at| buffer[at].symbol().to_owned())
        .collect();
    assert_eq!(marked, "dpl");
}

#[test]
fn it_opens_over_the_monitoring_pane_and_going_somewhere_leaves_that() {
    let mut story = a_busy_day(80, 24);
    story.state.me.as_mut().unwrap().admin = true;
    story.press(KeyCode::F(2));
    story.ctrl('k');
    story.write("deploys");
    story.press(KeyCode::Enter);
    assert!(!story.state.monitor.open);
    assert_eq!(shown_room(&story), "deploys");
}

#[test]
fn other_keys_for_the_same_things() {
    let mut story = a_busy_day(80, 24);
    let changes = [
        Rebinding::new("switcher", &["f5"]),
        Rebinding::new("send", &["alt-enter"]),
        Rebinding::new("new-line", &["enter"]),
        Rebinding::new("kill-to-end", &["ctrl-k"]),
    ];
    let changes: Vec<Rebinding> = changes.into_iter().map(Result::unwrap).collect();
    story.state.keys = Keymap::rebound(&changes).unwrap();
    story.write("text");
    story.ctrl('a');
    story.ctrl('k');
    assert!(story.state.room().unwrap().composer.is_empty());
    story.write("one");
    story.press(KeyCode::Enter);
    story.write("two");
    story.alt(KeyCode::Enter);
    let sent = story.written();
    assert!(
        matches!(&sent[..], [ClientFrame::Send { text, .. }] if text.as_str() == "one\ntwo"),
        "{sent:?}"
    );
    // Enter takes what is chosen, whatever it does to a text.
    story.press(KeyCode::F(5));
    story.write("deploys");
    story.press(KeyCode::Enter);
    assert_eq!(shown_room(&story), "deploys");
    story.press(KeyCode::F(1));
    for _ in 0..20 {
        let screen = story.screen();
        if screen.contains("F5") {
            return;
        }
        story.press(KeyCode::PageDown);
    }
    panic!("help does not name F5: {}", story.screen());
}

#[test]
fn hints_name_the_keys_as_they_are_bound() {
    let mut story = watching(120, 24);
    hear(&mut story, stats(Vec::new(), Vec::new()));
    let changes = [("monitor", "f9"), ("help", "f8"), ("pane-up", "w")];
    let changes = changes.map(|(name, key)| Rebinding::new(name, &[key]).unwrap());
    story.state.keys = Keymap::rebound(&changes).unwrap();
    let screen = story.screen();
    for hint in ["w, Down choose", "F8 all keys", "F9 chat"] {
        assert!(screen.contains(hint), "{screen}");
    }
    story.press(KeyCode::F(9));
    let screen = story.screen();
    assert!(screen.contains("write here, F8 for help"), "{screen}");
}

#[test]
fn every_size_can_be_switched_on() {
    for (columns, rows) in [(0, 0), (1, 1), (3, 4), (10, 3), (39, 6), (300, 100)] {
        let mut story = opened(columns, rows);
        story.screen();
        story.press(KeyCode::Up);
        story.screen();
        story.write("日本");
        story.screen();
        story.write(&"x".repeat(1000));
        story.screen();
    }
}

#[test]
fn a_command_may_be_called_by_any_of_its_names() {
    let mut story = a_busy_day(80, 24);
    story.ctrl('k');
    story.enter("/list");
    let asked = story.mark_of(|frame| matches!(frame, ClientFrame::Rooms));
    assert!(asked.is_some(), "/list is /rooms");
    story.ctrl('k');
    story.write("/r thanks");
    let Overlay::Switcher(_) = &story.state.overlay else {
        panic!("the switcher is open");
    };
    assert!(story.screen().contains("/reply"), "{}", story.screen());
}
