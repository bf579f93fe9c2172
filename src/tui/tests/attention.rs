//! Title, bell and notifications.

use crossterm::event::KeyCode;

use crate::client::ClientEvent;
use crate::tui::event::{Effect, Event, Notice};
use crate::tui::shown::safe;
use crate::tui::testing::{Story, message};

fn rings(story: &mut Story) -> Vec<Notice> {
    let effects = story.effects();
    let bells = effects.iter().filter(|effect| **effect == Effect::Bell);
    let bells = bells.count();
    let notices = effects.into_iter().filter_map(|effect| match effect {
        Effect::Notify(notice) => Some(notice),
        _ => None,
    });
    let notices: Vec<Notice> = notices.collect();
    assert_eq!(bells, notices.len(), "a bell with each");
    notices
}

fn titles(story: &mut Story) -> Vec<String> {
    let effects = story.effects().into_iter();
    let titles = effects.filter_map(|effect| match effect {
        Effect::Title(title) => Some(title),
        _ => None,
    });
    titles.collect()
}

fn direct(story: &mut Story, n: u64, text: &str) {
    let mut message = message(n, "bob", text);
    message.room = "@bob".to_owned();
    story.hear(message);
}

#[test]
fn what_is_meant_for_the_person_rings_where_nobody_is_looking() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.hear(message(1, "bob", "alice: look"));
    assert_eq!(rings(&mut story), [], "it is before their eyes");
    story.happen(Event::Focus(false));
    story.hear(message(2, "bob", "nothing in particular"));
    assert_eq!(rings(&mut story), []);
    story.hear(message(3, "bob", "alice: look\nhere"));
    let notice = |title: &str, words: &str| Notice {
        title: title.to_owned(),
        words: words.to_owned(),
    };
    assert_eq!(
        rings(&mut story),
        [notice("bob in #lobby", "alice: look here")]
    );
    // More at once rings once.
    direct(&mut story, 4, "psst");
    assert_eq!(rings(&mut story), []);
    story.wait(3);
    direct(&mut story, 5, "psst!");
    assert_eq!(rings(&mut story), [notice("bob", "psst!")]);
    // In another room than the one that is shown, too.
    story.happen(Event::Focus(true));
    story.wait(3);
    direct(&mut story, 6, "are you there?");
    assert_eq!(rings(&mut story).len(), 1);
}

#[test]
fn a_terminal_that_does_not_tell_of_its_focus_rings_when_no_key_was_pressed() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.press(KeyCode::Char('x'));
    story.wait(59);
    story.hear(message(1, "bob", "alice?"));
    assert_eq!(rings(&mut story), []);
    story.wait(2);
    story.hear(message(2, "bob", "alice!"));
    assert_eq!(rings(&mut story).len(), 1);
}

#[test]
fn quiet_hours_are_set_by_command_and_kept() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.happen(Event::Focus(false));
    // It is nine in the morning.
    story.enter("/quiet 22:00-09:30");
    let quiet = story.state.quiet;
    assert_eq!(
        quiet.map(|hours| hours.to_string()).as_deref(),
        Some("22:00-09:30")
    );
    assert!(story.effects().contains(&Effect::KeepQuiet(quiet)));
    direct(&mut story, 1, "psst");
    assert_eq!(rings(&mut story), []);
    story.wait(30 * 60);
    direct(&mut story, 2, "psst");
    assert_eq!(rings(&mut story).len(), 1);
    story.enter("/quiet");
    assert!(
        story.screen().contains("nothing rings 22:00-09:30"),
        "{}",
        story.screen()
    );
    story.enter("/quiet tonight");
    assert_eq!(story.state.quiet, quiet);
    story.ctrl('u');
    story.enter("/quiet off");
    assert!(story.effects().contains(&Effect::KeepQuiet(None)));
}

#[test]
fn the_title_has_the_room_and_what_is_unread() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    assert_eq!(story.state.title, "#lobby · chat");
    story.happen(Event::Focus(false));
    story.hear(message(1, "bob", "one"));
    story.hear(message(2, "bob", "two"));
    assert_eq!(
        titles(&mut story),
        ["(1) #lobby · chat", "(2) #lobby · chat"]
    );
    direct(&mut story, 3, "psst");
    assert_eq!(titles(&mut story), ["(!3) #lobby · chat"]);
    story.happen(Event::Focus(true));
    assert_eq!(titles(&mut story), ["(!1) #lobby · chat"]);
    story.alt(KeyCode::Char('a'));
    assert_eq!(titles(&mut story), ["@bob · chat"]);
    story.net(ClientEvent::Closed {
        reason: "kicked".to_owned(),
    });
    assert_eq!(titles(&mut story), [""; 0]);
}

#[test]
fn nothing_foreign_reaches_the_title_or_a_notification() {
    for payload in super::hostile::PAYLOADS {
        let mut story = Story::in_lobby(80, 24, Vec::new());
        story.happen(Event::Focus(false));
        let mut loud = message(1, "bob", payload);
        loud.from = (*payload).to_owned();
        loud.room = format!("@{payload}");
        story.hear(loud);
        let at = story.state.rooms.len() - 1;
        story.alt(KeyCode::Down);
        assert_eq!(story.state.active, at);
        let effects = story.effects();
        let told = effects.iter().flat_map(|effect| match effect {
            Effect::Title(title) => vec![title.clone()],
            Effect::Notify(notice) => vec![notice.title.clone(), notice.words.clone()],
            _ => Vec::new(),
        });
        let told: Vec<String> = told.collect();
        assert!(told.len() >= 3, "{told:?}");
        for text in told {
            assert_eq!(safe(&text, false), text);
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}
