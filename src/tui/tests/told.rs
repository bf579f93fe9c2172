//! What the bottom line says to the person, how long, and where there is little room.

use crossterm::event::KeyCode;

use crate::client::ClientEvent;
use crate::tui::event::Event;
use crate::tui::testing::{Story, message};

fn bottom(story: &Story) -> String {
    let screen = story.screen();
    screen.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn what_a_key_has_done_is_said_until_the_next_key() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/join ops");
    story.enter("/leave");
    assert!(bottom(&story).contains("left #ops"), "{}", bottom(&story));
    story.write("h");
    assert!(!bottom(&story).contains("left #ops"), "{}", bottom(&story));
    // Or until its time has passed.
    story.ctrl('u');
    story.ctrl('c');
    assert!(bottom(&story).contains("Ctrl+C again quits"));
    story.wait(2);
    assert!(
        !bottom(&story).contains("again quits"),
        "it does not any more"
    );
    story.ctrl('c');
    story.press(KeyCode::PageUp);
    assert!(!bottom(&story).contains("again quits"));
    story.ctrl('c');
    story.happen(Event::Paste("x".to_owned()));
    assert!(!bottom(&story).contains("again quits"));
}

#[test]
fn what_is_wrong_with_a_line_is_said_while_it_is_mended() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/jion ops");
    let wrong = |story: &Story| story.screen().contains("there is no command /jion");
    assert!(wrong(&story));
    story.press(KeyCode::Left);
    story.press(KeyCode::Backspace);
    assert!(wrong(&story), "{}", story.screen());
    // It may be read late, and goes with the next key then.
    story.wait(60);
    assert!(wrong(&story));
    story.write("x");
    assert!(!wrong(&story));
    story.ctrl('u');
    story.enter("/jion");
    story.press(KeyCode::PageUp);
    assert!(!wrong(&story), "the reader is at something else");
    story.press(KeyCode::Enter);
    story.ctrl('u');
    story.enter("/join ops");
    assert!(!wrong(&story));
}

#[test]
fn what_came_from_elsewhere_stays_its_time_whatever_is_typed() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.write("typing");
    story.offline();
    story.online("n2");
    story.write(" on");
    assert!(bottom(&story).contains("moved from n1 to n2"));
    story.wait(5);
    assert!(!bottom(&story).contains("moved"));
}

#[test]
fn a_word_is_read_as_a_whole_while_the_connection_is_lost() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.net(ClientEvent::Offline {
        reason: "what listens there is not a chat node".to_owned(),
        retry_in: std::time::Duration::from_secs(5),
    });
    assert_eq!(
        bottom(&story),
        " ○ connection lost: what listens there is not a chat node; next attempt in 5 s"
    );
    story.enter("hello");
    assert_eq!(
        bottom(&story),
        " ○ connection lost: what listens there is not a chat node · alice · 1 waiting"
    );
    story.enter("/who");
    assert_eq!(
        bottom(&story),
        " ○ connection lost · alice · 1 waiting · there is no connection at the moment"
    );
    story.ctrl('u');
    story.enter("/quiet all day");
    assert_eq!(
        bottom(&story),
        " ○ connection lost · 1 waiting · which hours? /quiet 22:00-07:00, or /quiet off"
    );
}

#[test]
fn a_word_that_is_longer_than_the_screen_is_wide_takes_more_rows() {
    for (columns, rows) in [(80, 24), (40, 12)] {
        let mut story = Story::in_lobby(columns, rows, vec![message(1, "bob", "hello")]);
        story.enter("/a-command-that-is-none");
        let screen = story.screen();
        let flowing: Vec<&str> = screen.split_whitespace().collect();
        let wanted = "there is no command /a-command-that-is-none: /help lists them, and // \
                      begins a text with a slash";
        assert!(flowing.join(" ").contains(wanted), "{screen}");
        assert!(screen.contains("hello"), "{screen}");
        // The cursor's line stands above it.
        assert!(screen.contains("> /a-command"), "{screen}");
        story.ctrl('u');
        story.enter("x");
        assert!(bottom(&story).contains("connected to n1") || columns == 40);
    }
    // Where there are few rows it is cut.
    let mut story = Story::in_lobby(40, 5, Vec::new());
    story.enter("/a-command-that-is-none");
    assert!(bottom(&story).ends_with('…'), "{}", story.screen());
}

#[test]
fn why_it_is_closed_for_good_is_read_as_a_whole() {
    let mut story = Story::in_lobby(40, 12, Vec::new());
    story.net(ClientEvent::Closed {
        reason: "you were thrown out by carol, who is an administrator here".to_owned(),
    });
    let screen = story.screen();
    let flowing: Vec<&str> = screen.split_whitespace().collect();
    assert!(
        flowing
            .join(" ")
            .contains("by carol, who is an administrator here"),
        "{screen}"
    );
}
