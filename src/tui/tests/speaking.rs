//! Writing and sending.

use crossterm::event::KeyCode;

use crate::client::{ClientEvent, Command};
use crate::protocol::server::{ErrorFrame, ServerFrame, Typing};
use crate::protocol::{ClientFrame, ErrorCode};
use crate::tui::event::{Effect, Event, Unsent};
use crate::tui::room::Delivery;
use crate::tui::testing::{Story, message, uid};

fn sent_texts(frames: &[ClientFrame]) -> Vec<&str> {
    let texts = frames.iter().filter_map(|frame| match frame {
        ClientFrame::Send { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn refusal(code: ErrorCode, message: &str) -> ErrorFrame {
    ErrorFrame {
        re: None,
        code,
        message: message.to_owned(),
        retry_after_ms: None,
        suggestion: None,
    }
}

#[test]
fn an_own_message_is_shown_once_whichever_comes_first() {
    for message_first in [true, false] {
        let mut story = Story::in_lobby(80, 24, Vec::new());
        story.enter("only once");
        assert!(story.screen().contains("only once … sending"));
        let nonce = story.state.rooms[0].pending[0].nonce.clone();
        let mut heard = message(3, "alice", "only once");
        heard.nonce = nonce.clone();
        heard.id = crate::protocol::MessageId::new(&heard.uid, &nonce);
        if message_first {
            story.hear(heard.clone());
            story.stored(&nonce, 3);
        } else {
            story.stored(&nonce, 3);
            story.hear(heard.clone());
        }
        story.hear(heard);
        let screen = story.screen();
        assert_eq!(screen.matches("only once").count(), 1, "{screen}");
        assert!(screen.contains("only once ✓✓"), "{screen}");
    }
}

#[test]
fn a_paste_of_many_lines_is_one_message() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.happen(Event::Paste("one\r\ntwo\r\nthree\n".to_owned()));
    assert_eq!(story.written(), []);
    story.press(KeyCode::Enter);
    assert_eq!(sent_texts(&story.written()), ["one\ntwo\nthree"]);
}

#[test]
fn alt_enter_begins_a_new_line() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.write("a");
    story.alt(KeyCode::Enter);
    story.enter("b");
    assert_eq!(sent_texts(&story.written()), ["a\nb"]);
}

#[test]
fn an_unknown_command_is_answered_and_never_sent() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/flyaway now");
    assert_eq!(story.written(), []);
    let screen = story.screen();
    assert!(screen.contains("there is no command /flyaway"), "{screen}");
    assert!(screen.contains("> /flyaway now"), "{screen}");
}

#[test]
fn two_slashes_begin_a_text_with_one() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("//etc/hosts is wrong");
    assert_eq!(sent_texts(&story.written()), ["/etc/hosts is wrong"]);
}

#[test]
fn a_refused_message_says_why_and_goes_out_again_under_its_nonce() {
    let mut story = Story::in_lobby(120, 24, Vec::new());
    story.enter("hello");
    let nonce = story.state.rooms[0].pending[0].nonce.clone();
    story.net(ClientEvent::Failed {
        nonce: nonce.clone(),
        error: refusal(ErrorCode::NotInRoom, "you are not in lobby"),
    });
    assert!(story.screen().contains("not sent: you are not in lobby"));
    story.effects();
    story.ctrl('r');
    let frames = story.written();
    let [ClientFrame::Send { nonce: again, .. }] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!(again.as_ref(), Some(&nonce));
    assert_eq!(story.state.rooms[0].pending[0].state, Delivery::Waiting);
}

#[test]
fn what_could_not_be_sent_is_kept_and_sent_at_the_next_start_under_its_nonce() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.offline();
    story.enter("keep me");
    let kept = kept_of(&mut story);
    assert_eq!(kept.len(), 1);

    let mut next = Story::new(80, 24);
    next.state.unsent.clone_from(&kept);
    next.online("n2");
    let frames = next.written();
    assert_eq!(sent_texts(&frames), ["keep me"]);
    assert!(next.screen().contains("keep me … sending"));

    // Under another user it would be another message: the person decides.
    let mut other = Story::new(160, 24);
    other.state.unsent = kept;
    other.state.unsent[0].uid = Some(uid("mallory"));
    other.online("n2");
    assert_eq!(other.written(), []);
    assert!(other.screen().contains("you are another user now"));
    // Whatever else is kept then, it stays what it is.
    other.enter("of this user");
    let kept = kept_of(&mut other);
    let mut again = Story::new(160, 24);
    again.state.unsent = kept;
    again.online("n2");
    assert_eq!(sent_texts(&again.written()), ["of this user"]);
    again.enter("/resend");
    assert_eq!(sent_texts(&again.written()), ["keep me"]);
}

#[test]
fn what_was_refused_is_not_sent_again_by_itself_at_the_next_start() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("too loud");
    let nonce = story.state.rooms[0].pending[0].nonce.clone();
    let error = refusal(ErrorCode::Forbidden, "not here");
    story.net(ClientEvent::Failed { nonce, error });
    let kept = kept_of(&mut story);
    let mut next = Story::new(80, 24);
    next.state.unsent = kept;
    next.online("n1");
    assert_eq!(next.written(), []);
    assert!(next.screen().contains("not here"), "{}", next.screen());
    next.enter("/leave");
    assert!(
        next.screen().contains("/discard it first"),
        "{}",
        next.screen()
    );
    next.ctrl('u');
    next.enter("/resend");
    assert_eq!(sent_texts(&next.written()), ["too loud"]);
}

/// What was kept last.
fn kept_of(story: &mut Story) -> Vec<Unsent> {
    let effects = story.effects().into_iter().rev();
    let mut kept = effects.filter_map(|effect| match effect {
        Effect::Keep(kept) => Some(kept),
        _ => None,
    });
    kept.next().unwrap()
}

#[test]
fn typing_is_said_every_three_seconds_and_not_for_commands() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let typings = |story: &mut Story| {
        let effects = story.effects();
        let typing = |effect: &&Effect| {
            matches!(
                effect,
                Effect::Net(Command::Ask {
                    frame: ClientFrame::Typing { .. },
                    ..
                })
            )
        };
        effects.iter().filter(typing).count()
    };
    story.write("hello");
    assert_eq!(typings(&mut story), 1);
    story.wait(2);
    story.write("x");
    assert_eq!(typings(&mut story), 0);
    story.wait(1);
    story.write("y");
    assert_eq!(typings(&mut story), 1);
    story.ctrl('u');
    story.wait(10);
    story.effects();
    story.write("/join ops");
    assert_eq!(typings(&mut story), 0);
}

#[test]
fn that_somebody_writes_is_shown_for_six_seconds_after_the_last_that_was_heard_of_it() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let typing = |story: &mut Story, on: bool| {
        story.frame(ServerFrame::Typing(Typing {
            room: "lobby".to_owned(),
            user: "bob".to_owned(),
            uid: uid("bob"),
            on,
        }));
    };
    let shown = |story: &Story| story.screen().contains("bob is writing");
    typing(&mut story, true);
    story.wait(3);
    typing(&mut story, true);
    story.wait(5);
    assert!(shown(&story), "said again after three seconds");
    story.wait(1);
    assert!(!shown(&story));
    typing(&mut story, true);
    assert!(shown(&story));
    typing(&mut story, false);
    assert!(!shown(&story), "he says that he has stopped");
    typing(&mut story, true);
    story.hear(message(3, "bob", "here it is"));
    assert!(!shown(&story), "it ends with his message");
}

#[test]
fn the_characters_left_are_counted_near_the_limit_and_more_are_not_sent() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.happen(Event::Paste("x".repeat(3_900)));
    assert!(story.screen().contains("100 left"));
    story.happen(Event::Paste("x".repeat(101)));
    assert!(story.screen().contains("1 too many"));
    story.press(KeyCode::Enter);
    assert_eq!(story.written(), []);
    assert!(story.screen().contains("4001 characters, 4000 at most"));
    story.press(KeyCode::Backspace);
    story.press(KeyCode::Enter);
    assert_eq!(story.written().len(), 1);
}

#[test]
fn up_and_down_go_through_what_was_sent() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("first");
    story.enter("second");
    story.write("draft");
    story.press(KeyCode::Up);
    story.press(KeyCode::Up);
    assert!(story.screen().contains("> first"));
    story.press(KeyCode::Down);
    story.press(KeyCode::Down);
    assert!(story.screen().contains("> draft"));
}

#[test]
fn the_last_own_message_is_edited_in_the_composer() {
    let mut story = Story::in_lobby(
        80,
        24,
        vec![message(1, "alice", "helo"), message(2, "bob", "?")],
    );
    story.alt(KeyCode::Char('e'));
    assert!(story.screen().contains("✎ helo"), "{}", story.screen());
    story.press(KeyCode::Backspace);
    story.enter("lo");
    let frames = story.written();
    let [ClientFrame::Edit { id, text, .. }] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!((id, text.as_str()), (&message(1, "alice", "").id, "hello"));
    assert!(story.screen().contains("> "));
}

#[test]
fn a_change_that_no_node_has_yet_is_said_to_wait() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "alice", "x")]);
    story.offline();
    story.enter("/delete");
    assert!(story.screen().contains("1 waiting"), "{}", story.screen());
    let frames = story.written();
    let [
        ClientFrame::Delete {
            nonce: Some(nonce), ..
        },
    ] = &frames[..]
    else {
        panic!("{frames:?}");
    };
    story.online("n2");
    story.net(ClientEvent::Done {
        nonce: nonce.clone(),
        place: None,
    });
    assert!(!story.screen().contains("waiting"), "{}", story.screen());
}

#[test]
fn a_refused_change_says_what_was_refused() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "alice", "x")]);
    story.enter("/delete");
    let frames = story.written();
    let [
        ClientFrame::Delete {
            nonce: Some(nonce), ..
        },
    ] = &frames[..]
    else {
        panic!("{frames:?}");
    };
    story.net(ClientEvent::Failed {
        nonce: nonce.clone(),
        error: refusal(ErrorCode::Forbidden, "not yours"),
    });
    assert!(story.screen().contains("deleting was refused: not yours"));
}

#[test]
fn a_reaction_is_put_and_taken_back() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "x")]);
    story.enter("/react 👍");
    let on = |frames: &[ClientFrame]| match frames {
        [ClientFrame::React { on, .. }] => *on,
        other => panic!("{other:?}"),
    };
    assert!(on(&story.written()));
    let mut liked = message(1, "bob", "x");
    liked.reactions = [("👍".to_owned(), vec!["alice".to_owned()])].into();
    story.frame(ServerFrame::NewMessage(liked));
    assert!(story.screen().contains("👍 alice"));
    story.enter("/react 👍");
    assert!(!on(&story.written()));
}

#[test]
fn tab_completes_commands_and_names() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "x")]);
    story.write("/jo");
    story.press(KeyCode::Tab);
    assert!(story.screen().contains("> /join"));
    story.ctrl('u');
    story.write("b");
    story.press(KeyCode::Tab);
    story.write("and c");
    story.press(KeyCode::Tab);
    assert!(
        story.screen().contains("> bob: and carol"),
        "{}",
        story.screen()
    );
}

#[test]
fn clearing_twice_quits() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.write("something");
    story.ctrl('c');
    assert!(story.screen().contains("write here"));
    story.ctrl('c');
    assert!(!story.effects().contains(&Effect::Quit));
    story.ctrl('c');
    assert!(story.effects().contains(&Effect::Quit));
}
