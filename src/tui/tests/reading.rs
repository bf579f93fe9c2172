//! Scrolling, reading markers, and what comes twice.

use crossterm::event::{KeyCode, MouseEventKind};

use crate::client::{ClientEvent, Command};
use crate::protocol::server::{History, Message, ServerFrame};
use crate::protocol::{ClientFrame, HistoryRange, Re};
use crate::tui::event::{Effect, Event};
use crate::tui::room::Position;
use crate::tui::testing::{Story, message, origin};
use crate::tui::timeline::WINDOW_ITEMS_MAX;

fn numbered(range: std::ops::Range<u64>) -> Vec<Message> {
    range
        .map(|n| message(n, "bob", &format!("line {n}")))
        .collect()
}

/// Answers a question for history out of `all`, as a node would.
fn answer(story: &mut Story, all: &[Message], re: i64, range: &HistoryRange) {
    let limit = 150;
    let (messages, more): (Vec<Message>, bool) = match range {
        HistoryRange::Before(ts) => {
            let before: Vec<_> = all.iter().filter(|m| m.ts < *ts).cloned().collect();
            let from = before.len().saturating_sub(limit);
            (before[from..].to_vec(), from > 0)
        }
        HistoryRange::After(ts) => {
            let after: Vec<_> = all.iter().filter(|m| m.ts > *ts).cloned().collect();
            (
                after.iter().take(limit).cloned().collect(),
                after.len() > limit,
            )
        }
        HistoryRange::Newest => {
            let from = all.len().saturating_sub(limit);
            (all[from..].to_vec(), from > 0)
        }
        HistoryRange::Since(_) => panic!("only the client resumes"),
    };
    story.frame(ServerFrame::History(History {
        re: Some(Re::Number(re)),
        room: "lobby".to_owned(),
        messages,
        updates: Vec::new(),
        more,
        since: None,
    }));
}

/// Answers all questions until there are none.
fn serve(story: &mut Story, all: &[Message]) {
    loop {
        let asked = story.asked();
        if asked.is_empty() {
            return;
        }
        for (re, range) in asked {
            answer(story, all, re, &range);
        }
    }
}

fn large_room(all: &[Message]) -> Story {
    let mut story = Story::new(80, 24);
    story.online("n1");
    story.enter_lobby(all[all.len() - 100..].to_vec(), true);
    serve(&mut story, all);
    story
}

#[test]
fn what_is_read_does_not_move_when_messages_come() {
    let mut story = Story::in_lobby(80, 24, numbered(0..60));
    story.press(KeyCode::PageUp);
    let before = story.reading();
    for n in 60..70 {
        story.hear(message(n, "carol", "news\nof two lines"));
    }
    assert_eq!(story.reading(), before);
    assert!(story.screen().contains("10 new ↓"), "{}", story.screen());
    story.press(KeyCode::End);
    assert!(story.reading().last().unwrap().contains("of two lines"));
    assert!(!story.screen().contains("new ↓"));
}

#[test]
fn what_is_read_does_not_move_when_older_ones_are_fetched() {
    let all = numbered(0..400);
    let mut story = Story::new(80, 24);
    story.online("n1");
    story.enter_lobby(all[300..].to_vec(), true);
    story.effects();
    story.press(KeyCode::PageUp);
    story.press(KeyCode::PageUp);
    story.press(KeyCode::PageUp);
    let before = story.reading();
    let asked = story.asked();
    assert_eq!(asked.len(), 1, "asked once only: {asked:?}");
    answer(&mut story, &all, asked[0].0, &asked[0].1);
    assert_eq!(story.reading(), before);
}

#[test]
fn the_whole_history_can_be_scrolled_up_and_down_and_the_window_stays_bounded() {
    let mut all = numbered(0..3_000);
    let mut story = large_room(&all);
    for _ in 0..200 {
        story.press(KeyCode::PageUp);
        serve(&mut story, &all);
        assert!(story.state.rooms[0].timeline.len() <= WINDOW_ITEMS_MAX);
    }
    assert!(story.reading()[1].ends_with("line 0"), "{}", story.screen());
    all.push(message(3_000, "carol", "line 3000"));
    story.hear(all[3_000].clone());
    assert!(story.screen().contains("1 new ↓"));

    let mut seen: Vec<u64> = Vec::new();
    while seen.last() != Some(&3_000) {
        assert!(
            seen.len() < 10_000,
            "the end is never reached: {:?}",
            seen.last()
        );
        let rows = story.reading();
        let numbers = rows.iter().filter_map(|row| row.split("│ line ").nth(1));
        let numbers: Vec<u64> = numbers.map(|number| number.parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        // Screens overlap: what was seen before is passed over.
        let last = seen.last().copied();
        seen.extend(numbers.into_iter().filter(|number| Some(*number) > last));
        story.press(KeyCode::PageDown);
        serve(&mut story, &all);
    }
    assert!(seen.into_iter().eq(0..=3_000), "a line was never in sight");
    story.press(KeyCode::PageDown);
    assert_eq!(story.state.rooms[0].position, Position::Newest);
}

#[test]
fn end_goes_to_the_newest_from_far_up() {
    let all = numbered(0..3_000);
    let mut story = large_room(&all);
    for _ in 0..140 {
        story.press(KeyCode::PageUp);
        serve(&mut story, &all);
    }
    story.press(KeyCode::End);
    serve(&mut story, &all);
    assert!(story.reading().last().unwrap().contains("line 2999"));
}

#[test]
fn the_wheel_scrolls_three_rows_and_comes_back_to_the_end() {
    let mut story = Story::in_lobby(80, 24, numbered(0..60));
    let end = story.reading();
    story.wheel(MouseEventKind::ScrollUp);
    let up = story.reading();
    // The topmost row bears the writer's name.
    assert_eq!(up[4..], end[1..end.len() - 3]);
    story.wheel(MouseEventKind::ScrollDown);
    assert_eq!(story.reading(), end);
    assert_eq!(story.state.rooms[0].position, Position::Newest);
}

#[test]
fn scrolling_holds_its_place_through_a_resize() {
    let long = "words that go on and on and on, and will be broken in other places ".repeat(4);
    let all = (0..60).map(|n| message(n, "bob", &format!("line {n} {long}")));
    let mut story = Story::in_lobby(120, 40, all.collect());
    story.press(KeyCode::PageUp);
    story.press(KeyCode::PageUp);
    let top = |story: &Story| story.state.rooms[0].reader().cloned();
    let before = top(&story);
    for size in [(40, 12), (80, 24), (120, 40)] {
        story.happen(Event::Resize(size.0, size.1));
        story.screen();
        assert_eq!(top(&story), before);
    }
}

#[test]
fn replays_and_pages_show_nothing_twice() {
    let all = numbered(0..50);
    let mut story = Story::in_lobby(80, 80, all.clone());
    story.offline();
    story.online("n2");
    story.enter_lobby(all[20..].to_vec(), false);
    for message in &all[40..] {
        story.hear(message.clone());
    }
    let rows = story.reading();
    for n in 0..50 {
        let line = format!("│ line {n}");
        let count = rows.iter().filter(|row| row.ends_with(&line)).count();
        assert_eq!(count, 1, "{line}\n{rows:#?}");
    }
    let screen = story.screen();
    assert!(screen.contains("moved from n1 to n2"), "{screen}");
}

#[test]
fn the_read_marker_moves_when_the_end_is_before_the_eyes_only() {
    let mut story = Story::in_lobby(80, 24, numbered(0..60));
    let markers = |story: &mut Story| {
        let effects = story.effects();
        let read = |effect: &&Effect| {
            matches!(
                effect,
                Effect::Net(Command::Ask {
                    frame: ClientFrame::Read { .. },
                    ..
                })
            )
        };
        effects.iter().filter(read).count()
    };
    story.hear(message(60, "bob", "seen"));
    story.wait(2);
    assert_eq!(markers(&mut story), 1);
    story.happen(Event::Focus(false));
    story.hear(message(61, "bob", "not seen"));
    story.wait(2);
    assert_eq!(markers(&mut story), 0);
    assert!(story.screen().contains("── new ──"), "{}", story.screen());
    assert_eq!(story.state.rooms[0].unread, 1);
    story.happen(Event::Focus(true));
    story.wait(2);
    assert_eq!(markers(&mut story), 1);
    story.press(KeyCode::PageUp);
    story.hear(message(62, "bob", "below"));
    story.wait(2);
    assert_eq!(markers(&mut story), 0);
}

#[test]
fn a_message_that_moves_is_shown_at_its_new_place_only() {
    let mut story = Story::in_lobby(80, 24, numbered(0..5));
    let mut moved = message(4, "bob", "line 4");
    moved.ts.0 -= 150_000_000;
    story.hear(moved);
    let rows = story.reading();
    let at = |text: &str| rows.iter().position(|row| row.ends_with(text)).unwrap();
    assert!(at("line 4") < at("line 2"), "{rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.contains("line 4")).count(), 1);
}

#[test]
fn what_is_on_its_way_is_read_through_like_anything_else() {
    let said = (0..40).map(|n| message(n, "bob", &format!("said {n}")));
    let mut story = Story::in_lobby(80, 24, said.collect());
    story.offline();
    let lines: Vec<String> = (0..60).map(|n| format!("line {n}.")).collect();
    story.happen(Event::Paste(lines.join("\n")));
    story.press(KeyCode::Enter);
    assert!(story.screen().contains("line 59."), "{}", story.screen());
    // Up through all of it into the stored ones, and down again.
    let mut seen: Vec<String> = story.reading();
    for key in [KeyCode::PageUp, KeyCode::PageDown] {
        for _ in 0..6 {
            story.press(key);
            seen.extend(story.reading());
        }
    }
    for line in lines.iter().chain(&["said 20".to_owned()]) {
        assert!(
            seen.iter().any(|row| row.contains(line.as_str())),
            "{line} was never in sight"
        );
    }
    assert!(story.screen().contains("line 59."), "{}", story.screen());
    // By the wheel too, row by row.
    let before = story.reading();
    story.wheel(MouseEventKind::ScrollUp);
    assert_eq!(story.reading()[3..], before[..before.len() - 3]);
    story.wheel(MouseEventKind::ScrollDown);
    assert_eq!(story.reading(), before);
}

#[test]
fn a_read_marker_that_was_lost_with_the_connection_is_told_again() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let marker = |frame: &ClientFrame| matches!(frame, ClientFrame::Read { .. });
    story.hear(message(1, "bob", "hello"));
    story.wait(2);
    let Some(Re::Number(re)) = story.mark_of(marker) else {
        panic!("nothing was told");
    };
    story.offline();
    story.net(ClientEvent::Unanswered { re });
    story.online("n1");
    story.enter_again([(origin(), 2)].into_iter().collect());
    story.wait(2);
    assert!(story.mark_of(marker).is_some());
    story.wait(2);
    assert!(story.mark_of(marker).is_none(), "once is enough");
}

#[test]
fn end_takes_the_mark_off_a_message_that_was_found_at_the_end() {
    let mut story = Story::in_lobby(80, 24, numbered(0..3));
    let id = message(1, "bob", "").id;
    let _ = crate::tui::jump::to(&mut story.state, "lobby", &id, message(1, "bob", "").ts);
    assert!(story.screen().contains('▸'), "{}", story.screen());
    story.press(KeyCode::End);
    assert!(!story.screen().contains('▸'), "{}", story.screen());
}
