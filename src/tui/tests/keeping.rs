//! What is kept from one start to the next.

use crossterm::event::KeyCode;

use crate::client::ClientEvent;
use crate::private_file::OnDisk;
use crate::protocol::server::{Renamed, ServerFrame};
use crate::protocol::{ClientFrame, Nonce};
use crate::tui::composer::Purpose;
use crate::tui::drafts::{self, Draft};
use crate::tui::event::{Effect, Event, Unsent};
use crate::tui::testing::{Story, message, uid};

/// What was last put away for the next start.
fn kept(story: &mut Story) -> Vec<Unsent> {
    let effects = story.effects().into_iter().rev();
    let mut kept = effects.filter_map(|effect| match effect {
        Effect::Keep(kept) => Some(kept),
        _ => None,
    });
    kept.next().unwrap()
}

fn nonces(frames: &[ClientFrame]) -> Vec<Nonce> {
    let nonces = frames.iter().map(|frame| match frame {
        ClientFrame::Send { nonce, .. }
        | ClientFrame::Edit { nonce, .. }
        | ClientFrame::Delete { nonce, .. }
        | ClientFrame::React { nonce, .. }
        | ClientFrame::Topic { nonce, .. } => nonce.clone().unwrap(),
        other => panic!("{other:?}"),
    });
    nonces.collect()
}

#[test]
fn changes_without_a_connection_go_out_at_the_next_start_under_their_nonces() {
    let first = vec![message(1, "alice", "helo"), message(2, "bob", "nice")];
    let mut story = Story::in_lobby(80, 24, first);
    story.offline();
    story.enter("/react 🎉");
    story.enter("/topic tea and cake");
    story.enter("/edit hello");
    story.enter("/delete");
    assert!(story.screen().contains("4 waiting"), "{}", story.screen());
    let left = story.effects();
    let written: Vec<ClientFrame> = left
        .iter()
        .filter_map(|effect| match effect {
            Effect::Net(crate::client::Command::Write(frame)) => Some(frame.clone()),
            _ => None,
        })
        .collect();
    let Some(Effect::Keep(unsent)) = left.iter().rev().find(|e| matches!(e, Effect::Keep(_)))
    else {
        panic!("{left:?}");
    };
    assert_eq!((written.len(), unsent.len()), (4, 4));

    let mut next = Story::new(80, 24);
    next.finds(unsent);
    assert!(next.screen().contains("4 waiting"), "{}", next.screen());
    next.effects();
    next.online("n2");
    assert_eq!(next.written(), written, "the same, in the same order");
    assert!(next.screen().contains("4 waiting"), "{}", next.screen());
    for nonce in nonces(&written) {
        next.net(ClientEvent::Done { nonce, place: None });
    }
    assert_eq!(kept(&mut next), []);
    assert!(!next.screen().contains("waiting"), "{}", next.screen());
}

#[test]
fn a_room_with_a_change_on_its_way_is_not_left() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "nice")]);
    story.enter("/react 🎉");
    story.enter("/leave");
    assert!(
        story.screen().contains("a change here is not sent yet"),
        "{}",
        story.screen()
    );
    let nonce = story.state.changes[0].nonce.clone();
    story.net(ClientEvent::Done { nonce, place: None });
    story.press(KeyCode::Enter);
    assert!(story.screen().contains("left #lobby"), "{}", story.screen());
}

#[test]
fn a_change_is_nothing_for_another_user() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "nice")]);
    story.offline();
    story.enter("/react 🎉");
    story.enter("well");
    let mut unsent = kept(&mut story);
    for kept in &mut unsent {
        kept.uid = Some(uid("mallory"));
    }
    let mut next = Story::new(160, 24);
    next.state.unsent = unsent;
    next.online("n2");
    let screen = next.screen();
    assert!(
        screen.contains("not sent are dropped: you are another user now"),
        "{screen}"
    );
    let left = kept(&mut next);
    assert_eq!(
        left.len(),
        1,
        "the message is for the person to decide: {left:?}"
    );
}

/// The same person at another start.
fn again(story: &mut Story, rooms: &[&str]) -> Story {
    let drafts = drafts::all(&mut story.state);
    // As they come from the file.
    let lines = drafts
        .iter()
        .map(|draft| serde_json::to_string(draft).unwrap());
    let drafts = lines.map(|line| serde_json::from_str(&line).unwrap());
    Story::after(80, 24, drafts.collect(), rooms, None)
}

#[test]
fn what_is_written_and_not_sent_stands_there_at_the_next_start() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "nice")]);
    story.enter("/join ops");
    story.write("deploy at");
    story.alt(KeyCode::Char('1'));
    story.happen(Event::Paste("two\nlines".to_owned()));
    let carol = crate::protocol::UserName::parse("carol").unwrap();
    crate::tui::commands::talk(&mut story.state, &carol);
    story.write("psst");
    let mut next = again(&mut story, &["lobby", "ops"]);
    let texts: Vec<String> = next
        .state
        .rooms
        .iter()
        .map(|room| room.composer.text())
        .collect();
    assert_eq!(texts, ["two\nlines", "deploy at", "psst"]);
    assert!(next.screen().contains("✎"), "{}", next.screen());
    next.write(".");
    assert_eq!(next.state.rooms[0].composer.text(), "two\nlines.");
    next.ctrl('u');
    next.ctrl('c');
    // Nothing is left of it then, but of the others.
    let mut last = again(&mut next, &["lobby"]);
    assert_eq!(last.state.rooms[0].composer.text(), "");
    assert_eq!(last.state.rooms[1].name, "@carol");
    assert_eq!(
        drafts::all(&mut last.state).len(),
        2,
        "one is of a room that is not open"
    );
    last.enter("/join ops");
    assert_eq!(last.state.room().unwrap().composer.text(), "deploy at");
}

#[test]
fn answers_and_edits_are_what_they_were() {
    let first = vec![message(1, "alice", "helo"), message(2, "bob", "nice")];
    let mut story = Story::in_lobby(80, 24, first.clone());
    let id = message(2, "bob", "nice").id;
    story.state.rooms[0].composer.reply(id.clone());
    story.write("thanks");
    story.alt(KeyCode::Char('e'));
    story.write(" hello");
    let mut next = again(&mut story, &["lobby"]);
    next.online("n1");
    next.enter_lobby(first, false);
    assert!(next.screen().contains("✎ helo hello"), "{}", next.screen());
    next.press(KeyCode::Enter);
    let frames = next.written();
    assert!(
        matches!(&frames[..], [ClientFrame::Edit { text, .. }] if text.as_str() == "helo hello")
    );
    let composer = &next.state.rooms[0].composer;
    assert_eq!(
        (composer.text().as_str(), &composer.purpose),
        ("thanks", &Purpose::Reply(id))
    );
    // An edit that has changed nothing is none.
    next.ctrl('c');
    next.press(KeyCode::Esc);
    next.alt(KeyCode::Char('e'));
    assert_eq!(drafts::all(&mut next.state), []);
}

#[test]
fn what_two_clients_were_writing_in_one_room_stands_one_below_the_other() {
    let mut drafts: Vec<Draft> = Vec::new();
    for (n, text) in ["one", "other"].into_iter().enumerate() {
        let mut story = Story::in_lobby(80, 24, Vec::new());
        story.wait(n as i64);
        story.write(text);
        drafts.extend(drafts::all(&mut story.state));
    }
    assert_ne!(drafts[0].nonce, drafts[1].nonce);
    let next = Story::after(80, 24, drafts, &["lobby"], None);
    assert_eq!(next.state.rooms[0].composer.text(), "one\nother");
}

#[test]
fn a_draft_from_a_file_that_somebody_else_wrote_brings_nothing_to_the_terminal() {
    let line = r#"{"nonce":"a","room":"lobby","ts":1,"text":"\u001b[2Jx\u202ey\u009b31m","purpose":"new"}"#;
    let draft: Draft = serde_json::from_str(line).unwrap();
    let story = Story::after(80, 24, vec![draft], &["lobby"], None);
    let screen = story.screen();
    let foreign = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!screen.contains(foreign), "{screen:?}");
    let text = story.state.rooms[0].composer.text();
    assert!(!text.contains(char::is_control), "{text:?}");
    let long = serde_json::json!({"nonce": "a", "room": "lobby", "ts": 1, "text": "x".repeat(1_000_000), "purpose": "new"});
    let draft: Draft = serde_json::from_value(long).unwrap();
    let story = Story::after(80, 24, vec![draft], &["lobby"], None);
    assert_eq!(story.state.rooms[0].composer.chars(), 20_000);
}

#[test]
fn it_begins_in_the_room_that_was_shown_last_if_the_person_is_still_in_it() {
    let shown = |shown: &str| {
        let story = Story::after(80, 24, Vec::new(), &["lobby", "ops"], Some(shown));
        story.state.room().unwrap().name.clone()
    };
    assert_eq!(shown("ops"), "ops");
    assert_eq!(shown("@bob"), "@bob");
    assert_eq!(shown("gone"), "lobby");
}

#[test]
fn what_an_earlier_run_left_is_seen_at_once_and_goes_out_before_what_is_written_now() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.offline();
    story.enter("first");
    story.enter("/topic tea");
    story.wait(1);
    story.enter("second");
    let left = kept(&mut story);

    // No node is up yet.
    let mut next = Story::new(80, 24);
    next.wait(5);
    next.finds(&left);
    for word in ["first … sending", "second … sending", "3 waiting"] {
        assert!(next.screen().contains(word), "{}", next.screen());
    }
    next.enter("/leave");
    assert!(next.screen().contains("would be lost"), "{}", next.screen());
    next.ctrl('u');
    next.enter("third");
    assert_eq!(next.written(), []);
    next.online("n1");
    let frames = next.written();
    let texts: Vec<&str> = frames
        .iter()
        .map(|frame| match frame {
            ClientFrame::Send { text, .. } => text.as_str(),
            ClientFrame::Topic { topic, .. } => topic,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["first", "tea", "second", "third"]);
    // A connection that is lost meanwhile is the client's to mend.
    next.offline();
    next.online("n1");
    assert_eq!(next.written(), []);
}

#[test]
fn a_draft_for_somebody_is_for_nobody_else_who_bears_the_name_later() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let mut hello = message(1, "bob", "hello");
    hello.room = "@bob".to_owned();
    story.hear(hello);
    story.alt(KeyCode::Char('a'));
    story.write("between us");
    let drafts = drafts::all(&mut story.state);
    assert_eq!(drafts[0].with, Some(uid("bob")));

    let mut next = Story::new(80, 24);
    next.state.drafts = drafts;
    drafts::open_conversations(&mut next.state);
    next.online("n1");
    let mut other = message(2, "bob", "it is me");
    (other.room, other.uid) = ("@bob".to_owned(), uid("mallory"));
    next.hear(other);
    let room = |uid_of: &str| {
        let with = Some(uid(uid_of));
        let room = next.state.rooms.iter().find(|room| room.with == with);
        room.unwrap().composer.text()
    };
    assert_eq!(
        (room("bob").as_str(), room("mallory").as_str()),
        ("between us", "")
    );
}

#[test]
fn a_room_in_which_something_is_written_is_not_left_from_elsewhere() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/join ops");
    story.write("half a thought");
    story.alt(KeyCode::Char('1'));
    story.enter("/leave ops");
    assert!(
        story.screen().contains("would be lost"),
        "{}",
        story.screen()
    );
    assert_eq!(story.state.rooms.len(), 2);
}

#[test]
fn what_becomes_of_a_message_is_said_at_it_while_no_node_has_it() {
    let own = ["one", "two"]
        .iter()
        .zip(1..)
        .map(|(text, n)| message(n, "alice", text));
    let mut story = Story::in_lobby(80, 24, own.collect());
    story.enter("/delete of some words");
    assert!(
        story.screen().contains("takes no text"),
        "{}",
        story.screen()
    );
    story.ctrl('u');
    story.offline();
    story.enter("/delete");
    assert!(
        story.screen().contains("two … deleting"),
        "{}",
        story.screen()
    );
    // The next one is another one, and is changed from what it will be.
    story.enter("/edit one and a half");
    assert!(
        story.screen().contains("one … changing"),
        "{}",
        story.screen()
    );
    story.enter("/edit");
    assert!(
        story.screen().contains("✎ one and a half"),
        "{}",
        story.screen()
    );
}

#[test]
fn what_is_being_written_is_kept_every_other_second() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let keeps = |story: &mut Story| story.effects().contains(&Effect::KeepDrafts(OnDisk::Later));
    story.wait(10);
    assert!(!keeps(&mut story), "nobody has touched a key");
    story.write("half a");
    story.wait(1);
    story.write(" sen");
    assert!(!keeps(&mut story));
    story.wait(1);
    assert!(keeps(&mut story), "who goes on writing is not waited for");
    story.wait(10);
    assert!(!keeps(&mut story));
}

#[test]
fn for_whom_something_waits_is_kept_as_soon_as_it_is_known() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.offline();
    story.enter("/msg dave are you there?");
    assert_eq!(kept(&mut story)[0].with, None);
    story.online("n1");
    let mut said = message(1, "dave", "psst");
    said.room = "@dave".to_owned();
    story.hear(said);
    assert_eq!(kept(&mut story)[0].with, Some(uid("dave")));
    story.frame(ServerFrame::Renamed(Renamed {
        uid: uid("dave"),
        from: "dave".to_owned(),
        to: "david".to_owned(),
    }));
    assert_eq!(kept(&mut story)[0].room, "@david");
}

#[test]
fn a_draft_for_somebody_stands_in_the_conversation_that_was_shown_last() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let mut hello = message(1, "dave", "hello");
    hello.room = "@dave".to_owned();
    story.hear(hello);
    story.alt(KeyCode::Char('a'));
    story.write("between us");
    let drafts = drafts::all(&mut story.state);
    let next = Story::after(80, 24, drafts, &["lobby"], Some("@dave"));
    assert!(next.screen().contains("> between us"), "{}", next.screen());
    assert_eq!(next.state.rooms.len(), 2);
}
