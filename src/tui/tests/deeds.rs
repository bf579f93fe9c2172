//! What single keys do with the chosen message.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::selecting::{a_talk, begins, keys, select};
use crate::client::ClientEvent;
use crate::protocol::server::ErrorFrame;
use crate::protocol::{ClientFrame, ErrorCode, Nonce};
use crate::tui::event::{Effect, Event};
use crate::tui::room::Delivery;
use crate::tui::testing::{Story, message};

#[test]
fn a_reply_says_what_it_answers_while_it_is_written_and_afterwards() {
    let mut story = a_talk(80, 24);
    story.write("well,");
    select(&mut story);
    keys(&mut story, "kkr");
    assert!(story.state.selection.is_none());
    story.write(" yes");
    assert_snapshot!("a_reply", story.screen());
    // Esc makes it a message of its own, and keeps the text.
    story.press(KeyCode::Esc);
    assert!(story.screen().contains("> well, yes"), "{}", story.screen());
    assert!(!story.screen().contains("↱ bob"));
    select(&mut story);
    keys(&mut story, "kkr");
    story.press(KeyCode::Enter);
    let frames = story.written();
    let [ClientFrame::Send { text, reply_to, .. }] = &frames[..] else {
        panic!("{frames:?}");
    };
    let answered = message(1, "bob", "").id;
    assert_eq!((text.as_str(), reply_to), ("well, yes", &Some(answered)));
    let screen = story.screen();
    assert!(screen.contains("↱ bob: is the deploy done?"), "{screen}");
    // To what an answer answers.
    story.stored(&story.state.rooms[0].pending[0].nonce.clone(), 9);
    select(&mut story);
    begins(&story, "well, yes");
    keys(&mut story, "o");
    begins(&story, "is the deploy done?");
}

#[test]
fn an_own_message_is_edited_and_a_draft_comes_back_afterwards() {
    let mut story = a_talk(80, 24);
    story.write("a draft");
    select(&mut story);
    keys(&mut story, "e");
    assert!(story.screen().contains("it is carol's, not yours"));
    keys(&mut story, "ke");
    assert_snapshot!("an_edit", story.screen());
    story.press(KeyCode::Esc);
    assert!(story.screen().contains("> a draft"), "{}", story.screen());
    select(&mut story);
    keys(&mut story, "ke");
    story.press(KeyCode::Backspace);
    story.enter(" tomorrow?");
    let frames = story.written();
    let [ClientFrame::Edit { id, text, .. }] = &frames[..] else {
        panic!("{frames:?}");
    };
    let wanted = "nearly. when is the\nreview tomorrow?";
    assert_eq!((id, text.as_str()), (&message(2, "alice", "").id, wanted));
    assert!(story.screen().contains("> a draft"), "{}", story.screen());
    // What is not changed is not sent.
    select(&mut story);
    keys(&mut story, "ke");
    story.press(KeyCode::Enter);
    assert_eq!(story.written(), []);
    assert!(story.screen().contains("> a draft"), "{}", story.screen());
}

#[test]
fn deleting_wants_the_key_twice_and_any_other_key_keeps_the_message() {
    let mut story = a_talk(80, 24);
    select(&mut story);
    keys(&mut story, "d");
    assert!(story.screen().contains("it is carol's, not yours"));
    keys(&mut story, "kd");
    let screen = story.screen();
    assert!(screen.contains("d again deletes it for good"), "{screen}");
    for key in [KeyCode::Esc, KeyCode::Char('j'), KeyCode::Char('r')] {
        story.press(key);
        begins(&story, "nearly");
        assert!(!story.screen().contains("for good"));
        assert_eq!(story.written(), []);
        keys(&mut story, "d");
    }
    keys(&mut story, "d");
    let frames = story.written();
    assert!(
        matches!(&frames[..], [ClientFrame::Delete { id, .. }] if *id == message(2, "alice", "").id),
        "{frames:?}"
    );
    assert!(story.state.selection.is_none());
}

fn reaction(story: &mut Story) -> (String, bool) {
    let frames = story.written();
    match &frames[..] {
        [ClientFrame::React { emoji, on, id, .. }] => {
            assert_eq!(*id, message(3, "carol", "").id);
            (emoji.clone(), *on)
        }
        _ => panic!("{frames:?}"),
    }
}

#[test]
fn a_reaction_is_a_number_or_a_name() {
    let mut story = a_talk(80, 24);
    select(&mut story);
    keys(&mut story, "+");
    assert_snapshot!("reactions_at_hand", story.screen());
    keys(&mut story, "1");
    assert_eq!(reaction(&mut story), ("👍".to_owned(), true));
    assert!(story.state.selection.is_none());
    select(&mut story);
    keys(&mut story, ":cra");
    assert_snapshot!("reactions_by_name", story.screen());
    story.press(KeyCode::Down);
    story.press(KeyCode::Up);
    story.press(KeyCode::Enter);
    assert_eq!(reaction(&mut story), ("🦀".to_owned(), true));
    // A name that is closed is meant as it is; digits belong to names too.
    select(&mut story);
    keys(&mut story, "+:100:");
    assert_eq!(reaction(&mut story), ("💯".to_owned(), true));
    // The emoji itself, as it is pasted.
    select(&mut story);
    keys(&mut story, "+");
    story.happen(Event::Paste("🦑\nx".to_owned()));
    story.press(KeyCode::Enter);
    assert_eq!(reaction(&mut story), ("🦑".to_owned(), true));
    select(&mut story);
    keys(&mut story, "+nosuchname");
    assert!(story.screen().contains("nothing is called that"));
    story.press(KeyCode::Enter);
    assert_eq!(story.written(), []);
    story.press(KeyCode::Esc);
    begins(&story, "at four");
}

#[test]
fn an_own_reaction_is_taken_back() {
    let mut story = a_talk(40, 12);
    let mut liked = message(3, "carol", "at four");
    liked.reactions = BTreeMap::from([
        ("🎉".to_owned(), vec!["alice".to_owned(), "bob".to_owned()]),
        ("🫠".to_owned(), vec!["bob".to_owned()]),
    ]);
    story.hear(liked);
    select(&mut story);
    keys(&mut story, "+");
    assert_snapshot!("reactions_on_a_narrow_screen", story.screen());
    keys(&mut story, "4");
    assert_eq!(reaction(&mut story), ("🎉".to_owned(), false));
    // What others have put there can be joined by its number.
    select(&mut story);
    keys(&mut story, "+9");
    assert_eq!(reaction(&mut story), ("🫠".to_owned(), true));
}

fn copied(story: &mut Story) -> Option<String> {
    let effects = story.effects();
    effects.into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    })
}

#[test]
fn a_text_is_copied_as_it_is_but_for_what_steers_terminals() {
    let hostile = "two\nlines 👩\u{200d}🚀 \u{1b}]52;c;ZXZpbA==\u{7}\u{202e}end";
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", hostile)]);
    select(&mut story);
    keys(&mut story, "y");
    let text = copied(&mut story).unwrap();
    assert_eq!(text, "two\nlines 👩\u{200d}🚀 end");
    assert!(
        story.screen().contains("copied 17 characters"),
        "{}",
        story.screen()
    );
    assert!(story.state.selection.is_none());
    story.hear(message(2, "bob", &"日".repeat(100_000)));
    select(&mut story);
    keys(&mut story, "y");
    let text = copied(&mut story).unwrap();
    assert_eq!(text.len(), 32 * 1024 - 2);
}

fn failed(story: &mut Story, text: &str) -> Nonce {
    story.enter(text);
    let nonce = story.state.rooms[0].pending.last().unwrap().nonce.clone();
    story.net(ClientEvent::Failed {
        nonce: nonce.clone(),
        error: ErrorFrame {
            re: None,
            code: ErrorCode::Forbidden,
            message: "not today".to_owned(),
            retry_after_ms: None,
            suggestion: None,
        },
    });
    story.effects();
    nonce
}

#[test]
fn one_that_failed_is_sent_again_dropped_or_changed() {
    let mut story = a_talk(100, 24);
    let one = failed(&mut story, "one");
    let two = failed(&mut story, "two");
    select(&mut story);
    begins(&story, "two");
    assert_snapshot!("a_failed_message", story.screen());
    keys(&mut story, "kR");
    let frames = story.written();
    assert!(
        matches!(&frames[..], [ClientFrame::Send { nonce: Some(nonce), .. }] if *nonce == one),
        "{frames:?}"
    );
    assert_eq!(story.state.rooms[0].pending[0].state, Delivery::Waiting);
    // The one that is on its way cannot be dropped: it may be stored already.
    select(&mut story);
    keys(&mut story, "kx");
    begins(&story, "one");
    assert!(
        story.screen().contains("it is on its way"),
        "{}",
        story.screen()
    );
    keys(&mut story, "je");
    assert!(story.screen().contains("> two"), "{}", story.screen());
    assert!(story.state.rooms[0].pending.iter().all(|p| p.nonce != two));
    story.ctrl('u');
    failed(&mut story, "three");
    select(&mut story);
    keys(&mut story, "x");
    assert_eq!(story.state.rooms[0].pending.len(), 1);
    let keeps = |effect: &Effect| matches!(effect, Effect::Keep(kept) if kept.len() == 1);
    assert!(story.effects().iter().any(keeps));
}

#[test]
fn one_that_failed_does_not_come_into_an_edit_that_was_emptied() {
    let mut story = a_talk(100, 24);
    failed(&mut story, "lost");
    select(&mut story);
    keys(&mut story, "kk");
    begins(&story, "nearly");
    keys(&mut story, "e");
    story.ctrl('u');
    select(&mut story);
    begins(&story, "lost");
    keys(&mut story, "e");
    assert!(
        story.screen().contains("another text is begun"),
        "{}",
        story.screen()
    );
    assert_eq!(story.state.rooms[0].pending.len(), 1, "it is still there");
}

#[test]
fn tabs_are_copied_and_an_edit_that_changes_nothing_is_not_sent() {
    let mut mine = message(1, "alice", "all:\n\tcargo build");
    mine.uid = crate::tui::testing::uid("alice");
    let mut story = Story::in_lobby(80, 24, vec![mine]);
    select(&mut story);
    keys(&mut story, "y");
    assert_eq!(copied(&mut story).unwrap(), "all:\n\tcargo build");
    story.effects();
    story.press(KeyCode::Up);
    story.press(KeyCode::Enter);
    assert!(story.written().is_empty());
    assert!(story.state.rooms[0].composer.is_idle());
}

#[test]
fn commands_about_the_last_message_and_the_room_wait_for_what_is_on_its_way() {
    let mut story = a_talk(100, 24);
    story.enter("oops");
    story.effects();
    for command in ["/delete", "/edit it is another"] {
        story.enter(command);
        assert!(story.written().is_empty(), "{command}");
        let screen = story.screen();
        assert!(
            screen.contains("your last message is not sent yet"),
            "{screen}"
        );
        story.ctrl('u');
    }
    story.enter("/leave");
    assert_eq!(story.state.rooms.len(), 1);
    let screen = story.screen();
    assert!(
        screen.contains("a message here is not sent yet"),
        "{screen}"
    );
}
