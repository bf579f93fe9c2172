//! Searching what was said, and going there.

use crossterm::event::{KeyCode, MouseEventKind};
use insta::assert_snapshot;

use crate::client::Command;
use crate::protocol::server::{ErrorFrame, History, Message, Results, ServerFrame};
use crate::protocol::{ClientFrame, ErrorCode, HistoryRange, Re, Ts};
use crate::tui::event::Effect;
use crate::tui::room::Position;
use crate::tui::testing::{Story, message};

/// The question for words since the last look, with its mark.
fn asked(story: &mut Story) -> Option<(Re, String, Option<Ts>)> {
    let effects = story.effects().into_iter();
    let mut asked = effects.filter_map(|effect| match effect {
        Effect::Net(Command::Ask {
            re,
            frame: ClientFrame::Search { query, before, .. },
        }) => Some((Re::Number(re), query, before)),
        _ => None,
    });
    asked.next()
}

fn answer(story: &mut Story, re: Re, messages: Vec<Message>, more: bool) {
    story.frame(ServerFrame::Results(Results {
        re: Some(re),
        messages,
        more,
        indexed: None,
    }));
}

fn found() -> Vec<Message> {
    let mut elsewhere = message(
        40,
        "carol",
        "is **disk** sda full, or `disk` sdb? 日本語 👍🏽",
    );
    elsewhere.room = "@carol".to_owned();
    let mut old = message(
        2,
        "bob",
        "a long story about many things that comes to the point late: the disk is what matters here, and it goes on after that for quite a while, so that it has to be cut",
    );
    old.ts = Ts(old.ts.0 - 400 * 86_400_000_000);
    vec![elsewhere, message(12, "bob", "the disk is full"), old]
}

fn searched(columns: u16, rows: u16) -> Story {
    let mut story = Story::in_lobby(columns, rows, vec![message(50, "bob", "now")]);
    story.enter("/search disk in:#ops");
    let (re, query, before) = asked(&mut story).unwrap();
    assert_eq!((query.as_str(), before), ("disk in:#ops", None));
    assert!(story.screen().contains("searching …"));
    answer(&mut story, re, found(), true);
    story
}

#[test]
fn on_a_narrow_screen_it_lists_who_and_what() {
    assert_snapshot!(searched(40, 12).screen());
}

#[test]
fn on_a_usual_screen_it_lists_who_and_what() {
    assert_snapshot!(searched(80, 24).screen());
}

#[test]
fn on_a_wide_screen_it_lists_who_and_what() {
    assert_snapshot!(searched(200, 50).screen());
}

#[test]
fn before_anything_is_asked_it_says_how_to_ask() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.press(KeyCode::F(3));
    assert_snapshot!(story.screen());
    story.press(KeyCode::Esc);
    assert!(!story.screen().contains("search"));
}

#[test]
fn going_down_brings_older_ones_and_none_twice() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/search disk");
    let (re, ..) = asked(&mut story).unwrap();
    let page = |range: std::ops::Range<u64>| -> Vec<Message> {
        let page = range
            .rev()
            .map(|n| message(n, "bob", &format!("disk {n}.")));
        page.collect()
    };
    answer(&mut story, re, page(70..100), true);
    for _ in 0..29 {
        story.press(KeyCode::Down);
    }
    let (re, _, before) = asked(&mut story).unwrap();
    assert_eq!(before, Some(message(70, "bob", "").ts));
    answer(&mut story, re, page(41..71), false);
    assert_eq!(story.state.search.found.len(), 59);
    for _ in 0..100 {
        story.press(KeyCode::PageDown);
    }
    assert!(asked(&mut story).is_none());
    let screen = story.screen();
    assert!(
        screen.contains("disk 41.") && screen.contains("59 found"),
        "{screen}"
    );
    story.wheel(MouseEventKind::ScrollUp);
    assert_eq!(story.state.search.at, 57);
}

/// The question for the page that ends with a message.
fn page_asked(story: &mut Story) -> (i64, HistoryRange) {
    let asked = story.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked[0].clone()
}

fn history(story: &mut Story, re: i64, messages: Vec<Message>, more: bool) {
    story.frame(ServerFrame::History(History {
        re: Some(Re::Number(re)),
        room: "lobby".to_owned(),
        messages,
        updates: Vec::new(),
        more,
        since: None,
    }));
}

fn lines(range: std::ops::Range<u64>) -> Vec<Message> {
    let lines = range.map(|n| message(n, "bob", &format!("line {n}.")));
    lines.collect()
}

#[test]
fn enter_goes_to_the_message_in_its_room_and_the_key_back_to_the_list() {
    let mut story = Story::new(80, 24);
    story.online("n1");
    story.enter_lobby(lines(900..1000), true);
    story.effects();
    story.enter("/search 500");
    let (re, ..) = asked(&mut story).unwrap();
    answer(&mut story, re, lines(500..501), false);
    story.effects();
    story.press(KeyCode::Enter);
    let (re, range) = page_asked(&mut story);
    let wanted = message(500, "bob", "").ts;
    assert_eq!(range, HistoryRange::Before(Ts(wanted.0 + 1)));
    history(&mut story, re, lines(350..501), true);
    let (re, range) = page_asked(&mut story);
    assert_eq!(range, HistoryRange::After(wanted));
    history(&mut story, re, lines(501..680), true);
    let screen = story.screen();
    let row = screen
        .lines()
        .position(|row| row.contains("line 500."))
        .unwrap();
    assert!((4..12).contains(&row), "{screen}");
    assert!(screen.contains("line 498.") && screen.contains("line 505."));
    assert!(screen.contains("▸") && !screen.contains("line 999."));

    // What is heard meanwhile stays out of sight, and End leads to it.
    story.hear(message(1000, "carol", "news"));
    assert!(story.screen().contains("1 new ↓"), "{}", story.screen());
    story.press(KeyCode::F(3));
    assert!(story.screen().contains("1 found"), "{}", story.screen());
    story.press(KeyCode::Esc);
    story.press(KeyCode::End);
    let (re, range) = page_asked(&mut story);
    assert_eq!(range, HistoryRange::Newest);
    history(&mut story, re, lines(900..1001), true);
    assert!(story.screen().contains("line 1000."), "{}", story.screen());
    assert!(!story.screen().contains("▸"));
}

#[test]
fn who_has_gone_elsewhere_meanwhile_is_not_taken_to_what_was_found() {
    for go_elsewhere in [
        |story: &mut Story| story.enter("hello"),
        |story: &mut Story| story.press(KeyCode::PageUp),
        |story: &mut Story| {
            story.enter("/join ops");
            story.press(KeyCode::Up);
        },
    ] {
        let mut story = Story::new(80, 24);
        story.online("n1");
        story.enter_lobby(lines(900..1000), true);
        story.effects();
        story.enter("/search 500");
        let (re, ..) = asked(&mut story).unwrap();
        answer(&mut story, re, lines(500..501), false);
        story.effects();
        story.press(KeyCode::Enter);
        let (re, _) = page_asked(&mut story);
        go_elsewhere(&mut story);
        let before = story.screen();
        history(&mut story, re, lines(350..501), true);
        assert_eq!(story.screen(), before);
        assert!(story.state.rooms[0].found.is_none());
    }
}

#[test]
fn a_message_that_is_held_is_gone_to_without_asking() {
    let mut story = Story::in_lobby(80, 24, lines(0..80));
    for wanted in [20, 78] {
        story.press(KeyCode::F(3));
        story.ctrl('u');
        story.write(&format!("line {wanted}"));
        story.press(KeyCode::Enter);
        let (re, ..) = asked(&mut story).unwrap();
        answer(&mut story, re, lines(wanted..wanted + 1), false);
        story.effects();
        story.press(KeyCode::Enter);
        let pointed = format!("line {wanted}.");
        let screen = story.screen();
        let found = screen.lines().find(|line| line.contains("▸"));
        assert!(
            found.is_some_and(|line| line.contains(&pointed)),
            "{screen}"
        );
    }
    story.press(KeyCode::PageUp);
    assert!(matches!(story.state.rooms[0].position, Position::At { .. }));
    assert!(
        story
            .asked()
            .iter()
            .all(|(_, range)| *range != HistoryRange::Newest)
    );
}

#[test]
fn errors_are_said_in_plain_words() {
    let mut story = Story::in_lobby(60, 20, Vec::new());
    let mut refused = |code, message: &str| {
        story.enter("/search before:soon");
        let (re, ..) = asked(&mut story).unwrap();
        story.frame(ServerFrame::Error(ErrorFrame {
            re: Some(re),
            code,
            message: message.to_owned(),
            retry_after_ms: None,
            suggestion: None,
        }));
        let screen = story.screen();
        story.press(KeyCode::Esc);
        screen
    };
    let wanted = "field \"query\": before: wants a day, as in 2026-11-01";
    assert!(refused(ErrorCode::BadFrame, wanted).contains("│before: wants a day"));
    assert!(refused(ErrorCode::Unavailable, "x").contains("does not work at the moment"));
    story.enter("/search gone");
    story.offline();
    let unanswered = story.state.asked.keys().copied().collect::<Vec<_>>();
    for re in unanswered {
        story.net(crate::client::ClientEvent::Unanswered { re });
    }
    assert!(
        story.screen().contains("no answer came"),
        "{}",
        story.screen()
    );
    story.press(KeyCode::Enter);
    assert!(
        story.screen().contains("there is no connection"),
        "{}",
        story.screen()
    );
    assert!(asked(&mut story).is_some_and(|(_, query, _)| query == "gone"));
}

#[test]
fn the_first_unread_message_is_gone_to_though_it_is_not_held_yet() {
    let mut story = Story::new(80, 24);
    story.online("n1");
    let all = lines(0..1000);
    story.enter_lobby_read(all[900..].to_vec(), 600);
    let asked = story.asked();
    for (re, _) in asked {
        history(&mut story, re, all[850..900].to_vec(), true);
    }
    story.alt(KeyCode::Char('u'));
    for _ in 0..10 {
        for (re, range) in story.asked() {
            let HistoryRange::Before(before) = range else {
                panic!("{range:?}");
            };
            let end = all.iter().filter(|m| m.ts < before).count();
            let from = end.saturating_sub(100);
            history(&mut story, re, all[from..end].to_vec(), from > 0);
        }
    }
    let reading = story.reading();
    assert!(reading[0].contains("── new ──"), "{reading:#?}");
    assert!(reading[1].ends_with("line 600."), "{reading:#?}");
}
