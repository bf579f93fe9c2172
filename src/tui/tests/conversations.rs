//! Direct conversations: by what name they go, and whom they are with.

use crossterm::event::KeyCode;

use crate::client::{ClientEvent, Command};
use crate::protocol::server::{
    ErrorFrame, History, Message, Renamed, RoomInfo, RoomList, ServerFrame, Typing,
};
use crate::protocol::{ClientFrame, ErrorCode, MessageId, Nonce, Re, RoomRef, Ts, Uid};
use crate::tui::event::Effect;
use crate::tui::testing::{Story, message, origin, uid};
use crate::tui::timeline::Beyond;

/// Something said in the conversation that the node calls so.
fn said(label: &str, n: u64, from: &str, by: &Uid) -> Message {
    let made = message(n, from, &format!("line {n}"));
    Message {
        room: label.to_owned(),
        id: MessageId::new(by, &made.nonce),
        uid: by.clone(),
        ..made
    }
}

fn other_bob() -> Uid {
    Uid::parse("anotherbob").unwrap()
}

fn page(re: Option<Re>, label: &str, messages: Vec<Message>) -> ServerFrame {
    ServerFrame::History(History {
        re,
        room: label.to_owned(),
        messages,
        updates: Vec::new(),
        more: false,
        since: None,
    })
}

/// What was missed, as the client fetches it by itself.
fn missed(label: &str, messages: Vec<Message>) -> ServerFrame {
    let newest = messages.last().map_or(0, |message| message.seq);
    ServerFrame::History(History {
        re: None,
        room: label.to_owned(),
        messages,
        updates: Vec::new(),
        more: false,
        since: Some([(origin(), newest)].into_iter().collect()),
    })
}

/// The node's list, as of the last message that is unread.
fn list(re: Option<Re>, rooms: &[(&str, u32)]) -> ServerFrame {
    let info = |(room, unread): &(&str, u32)| RoomInfo {
        room: (*room).to_owned(),
        topic: String::new(),
        total: 1,
        private: true,
        joined: true,
        last: message(u64::from(*unread), "dave", "").ts,
        unread: *unread,
    };
    ServerFrame::Rooms(RoomList {
        re,
        rooms: rooms.iter().map(info).collect(),
    })
}

fn names(story: &Story) -> Vec<&str> {
    let rooms = story.state.rooms.iter();
    rooms.map(|room| room.name.as_str()).collect()
}

fn titles(story: &Story) -> Vec<String> {
    story.state.rooms.iter().map(|room| room.title()).collect()
}

fn is_history(frame: &ClientFrame) -> bool {
    matches!(frame, ClientFrame::History { .. })
}

/// Where what was written for good goes.
fn sent_to(story: &mut Story) -> Vec<String> {
    let written = story.written().into_iter().filter_map(|frame| match frame {
        ClientFrame::Send { room, .. } => Some(room.to_string()),
        _ => None,
    });
    written.collect()
}

/// In the lobby with bob and carol; dave is nowhere to be seen.
fn in_lobby() -> Story {
    Story::in_lobby(80, 24, Vec::new())
}

#[test]
fn however_the_name_is_written_the_conversation_is_the_one_that_the_node_calls_by_its_own() {
    for answers in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        let mut story = in_lobby();
        story.enter("/msg DAVE hi");
        let nonce = story.state.rooms[1].pending[0].nonce.clone();
        let re = story.mark_of(is_history);
        assert!(re.is_some());
        for answer in answers {
            match answer {
                0 => story.frame(page(re.clone(), "@dave", Vec::new())),
                1 => story.stored_in("@dave", &nonce, 3),
                _ => {
                    let mut own = said("@dave", 3, "alice", &uid("alice"));
                    own.id = MessageId::new(&uid("alice"), &nonce);
                    own.nonce = nonce.clone();
                    story.hear(own);
                }
            }
        }
        assert_eq!(names(&story), ["lobby", "@dave"], "{answers:?}");
        let room = &story.state.rooms[1];
        assert_eq!((room.pending.len(), room.timeline.len()), (0, 1));
        assert_eq!(room.timeline.older, Beyond::Nothing);
        let screen = story.screen();
        assert!(
            !screen.contains("loading")
                && !screen.contains("sending")
                && !screen.contains("waiting"),
            "{screen}"
        );
        let kept = story
            .effects()
            .into_iter()
            .rev()
            .find_map(|effect| match effect {
                Effect::Keep(unsent) => Some(unsent),
                _ => None,
            });
        assert_eq!(kept, Some(Vec::new()));
        story.enter("/leave");
        assert_eq!(names(&story), ["lobby"]);
    }
}

#[test]
fn a_look_alike_of_a_name_is_that_name() {
    let mut story = in_lobby();
    // A Cyrillic letter, which reads as the Latin one.
    story.enter("/msg d\u{430}ve hi");
    let nonce = story.state.rooms[1].pending[0].nonce.clone();
    story.stored_in("@dave", &nonce, 3);
    assert_eq!(names(&story), ["lobby", "@dave"]);
    assert!(story.state.rooms[1].pending.is_empty());
}

#[test]
fn a_message_is_settled_by_its_nonce_whatever_the_node_calls_the_room() {
    let mut story = in_lobby();
    story.enter("/msg dave hi");
    let nonce = story.state.rooms[1].pending[0].nonce.clone();
    // He has been renamed meanwhile.
    story.stored_in("@dave-2", &nonce, 3);
    assert_eq!(names(&story), ["lobby", "@dave-2"]);
    assert!(story.state.rooms[1].pending.is_empty());
}

#[test]
fn an_error_finds_the_conversation_under_the_name_it_has_by_then() {
    let mut story = in_lobby();
    story.enter("/msg DAVE hi");
    let nonce = story.state.rooms[1].pending[0].nonce.clone();
    let re = story.mark_of(is_history);
    story.stored_in("@dave", &nonce, 3);
    story.frame(ServerFrame::Error(ErrorFrame {
        re,
        code: ErrorCode::Forbidden,
        message: "not for you".to_owned(),
        retry_after_ms: None,
        suggestion: None,
    }));
    assert_eq!(story.state.rooms[1].timeline.older, Beyond::Nothing);
    assert!(story.screen().contains("not for you"));
}

#[test]
fn what_was_missed_counts_once_whichever_answer_comes_first() {
    let dave = uid("dave");
    let news = || {
        (1..4)
            .map(|n| said("@dave", n, "dave", &uid("dave")))
            .collect::<Vec<_>>()
    };
    for list_first in [true, false] {
        let mut story = in_lobby();
        story.offline();
        story.effects();
        story.online("n1");
        let re = story.mark_of(|frame| matches!(frame, ClientFrame::Rooms));
        if list_first {
            story.frame(list(re, &[("@dave", 3)]));
            story.frame(missed("@dave", news()));
        } else {
            story.frame(missed("@dave", news()));
            story.frame(list(re, &[("@dave", 3)]));
        }
        assert_eq!(names(&story), ["lobby", "@dave"]);
        assert_eq!(story.state.rooms[1].unread, 3, "list first: {list_first}");
        // What comes now is one more; what is told again is not.
        story.hear(said("@dave", 4, "dave", &dave));
        story.frame(missed("@dave", news()));
        assert_eq!(story.state.rooms[1].unread, 4);
        story.alt(KeyCode::Char('2'));
        story.alt(KeyCode::Char('1'));
        story.hear(said("@dave", 5, "dave", &dave));
        story.frame(missed("@dave", vec![said("@dave", 6, "dave", &dave)]));
        assert_eq!(story.state.rooms[1].unread, 2);
    }
}

#[test]
fn what_was_said_while_the_list_was_on_its_way_counts_too() {
    let dave = uid("dave");
    let news = |n| said("@dave", n, "dave", &uid("dave"));
    let mut story = in_lobby();
    story.offline();
    story.effects();
    story.online("n1");
    let re = story.mark_of(|frame| matches!(frame, ClientFrame::Rooms));
    story.frame(list(re, &[("@dave", 2)]));
    story.frame(missed("@dave", vec![news(1), news(2), news(3)]));
    story.hear(said("@dave", 3, "dave", &dave));
    assert_eq!(story.state.rooms[1].unread, 3);
}

#[test]
fn a_conversation_whose_history_was_refused_is_asked_for_with_the_next_connection() {
    let mut story = in_lobby();
    story.enter("/msg dave");
    let re = story.mark_of(is_history);
    story.frame(ServerFrame::Error(ErrorFrame {
        re,
        code: ErrorCode::Unavailable,
        message: "the disk is full".to_owned(),
        retry_after_ms: None,
        suggestion: None,
    }));
    story.wait(2);
    assert_eq!(story.mark_of(is_history), None, "not in a loop");
    story.offline();
    story.online("n2");
    let re = story.mark_of(is_history);
    assert!(re.is_some());
    story.frame(page(
        re,
        "@dave",
        vec![said("@dave", 1, "dave", &uid("dave"))],
    ));
    assert!(story.screen().contains("line 1"));
}

#[test]
fn what_is_said_goes_to_whom_the_conversation_is_with() {
    let mut story = in_lobby();
    story.hear(said("@dave", 1, "dave", &uid("dave")));
    story.enter("/msg dave hi");
    // Somebody who is seen in a room is known before a word is said.
    story.enter("/msg BOB hi");
    assert_eq!(sent_to(&mut story), ["@=uiddave", "@=uidbob"]);
    assert_eq!(names(&story), ["lobby", "@dave", "@bob"]);
}

#[test]
fn another_one_who_takes_the_name_begins_another_conversation() {
    let mut story = in_lobby();
    story.hear(said("@dave", 1, "dave", &uid("dave")));
    story.enter("/msg dave");
    story.effects();
    story.hear(said("@dave", 2, "dave", &other_bob()));
    assert_eq!(names(&story), ["lobby", "@=uiddave", "@dave"]);
    assert_eq!(titles(&story), ["#lobby", "@dave (former)", "@dave"]);
    let screen = story.screen();
    assert!(
        screen.contains("line 1") && screen.contains("dave is not their name any more"),
        "{screen}"
    );
    story.enter("to the former");
    story.enter("/msg dave to the newcomer");
    assert_eq!(sent_to(&mut story), ["@=uiddave", "@=anotherbob"]);
    let screen = story.screen();
    assert!(
        screen.contains("this is another @dave than before") && !screen.contains("line 1"),
        "{screen}"
    );
    // The first one is back, and has the name again.
    story.hear(said("@dave", 3, "dave", &uid("dave")));
    assert_eq!(names(&story), ["lobby", "@dave", "@=anotherbob"]);
}

#[test]
fn a_node_that_says_the_name_is_somebody_elses_is_asked_who_else_has_written() {
    let mut story = in_lobby();
    story.hear(said("@dave", 1, "dave", &uid("dave")));
    story.enter("/msg dave");
    let re = story.mark_of(is_history);
    story.frame(page(
        re,
        "@=uiddave",
        vec![said("@=uiddave", 1, "dave", &uid("dave"))],
    ));
    assert_eq!(names(&story), ["lobby", "@=uiddave"]);
    let re = story.mark_of(|frame| matches!(frame, ClientFrame::Rooms));
    assert!(re.is_some());
    story.frame(list(re, &[("@=uiddave", 0), ("@dave", 1)]));
    assert_eq!(names(&story), ["lobby", "@=uiddave", "@dave"]);
    assert_eq!(story.state.rooms[2].unread, 1);
    // What was missed of the newcomer finds its place, and is counted already.
    story.frame(missed(
        "@dave",
        vec![said("@dave", 1, "dave", &other_bob())],
    ));
    let room = &story.state.rooms[2];
    assert_eq!((room.unread, room.with.clone()), (1, Some(other_bob())));
}

#[test]
fn what_a_newcomer_said_while_there_was_no_connection_is_not_put_into_the_old_conversation() {
    let mut story = in_lobby();
    story.hear(said("@dave", 1, "dave", &uid("dave")));
    story.offline();
    story.online("n1");
    story.frame(missed(
        "@dave",
        vec![said("@dave", 2, "dave", &other_bob())],
    ));
    assert_eq!(names(&story), ["lobby", "@=uiddave", "@dave"]);
    assert_eq!(story.state.rooms[2].unread, 1);
}

#[test]
fn who_is_seen_under_the_name_is_whom_a_message_to_it_reaches() {
    let mut story = in_lobby();
    // The bob of before; the one in the lobby is another.
    story.hear(said("@bob", 1, "bob", &other_bob()));
    story.enter("/msg bob hi");
    assert_eq!(sent_to(&mut story), ["@=uidbob"]);
    assert_eq!(names(&story), ["lobby", "@=anotherbob", "@bob"]);
}

#[test]
fn a_conversation_follows_a_user_who_is_renamed() {
    let mut story = in_lobby();
    story.enter("/msg bob hi");
    story.effects();
    let renamed = |uid: Uid| {
        ServerFrame::Renamed(Renamed {
            uid,
            from: "bob".to_owned(),
            to: "bob-2".to_owned(),
        })
    };
    // Of the two the other one keeps the name.
    story.frame(renamed(other_bob()));
    assert_eq!(names(&story), ["lobby", "@bob"]);
    story.frame(renamed(uid("bob")));
    assert_eq!(names(&story), ["lobby", "@bob-2"]);
    story.enter("still to you");
    assert_eq!(sent_to(&mut story), ["@=uidbob"]);
    story.hear(said("@bob", 1, "bob", &other_bob()));
    assert_eq!(names(&story), ["lobby", "@bob-2", "@bob"]);
}

#[test]
fn a_message_that_waits_for_the_next_start_is_for_the_one_it_was_written_to() {
    let mut story = in_lobby();
    story.offline();
    story.enter("/msg bob are you there?");
    let kept = story
        .effects()
        .into_iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Keep(unsent) => Some(unsent),
            _ => None,
        });
    let mut later = Story::new(80, 24);
    later.state.unsent = kept.unwrap();
    later.online("n1");
    assert_eq!(names(&later), ["lobby", "@bob"]);
    assert_eq!(sent_to(&mut later), ["@=uidbob"]);
}

#[test]
fn two_conversations_that_turn_out_to_be_one_become_one() {
    let mut story = in_lobby();
    story.hear(said("@=uiddave", 1, "dave", &uid("dave")));
    assert_eq!(titles(&story), ["#lobby", "@dave (former)"]);
    story.enter("/msg Dave one");
    story.write("two");
    let nonce = story.state.rooms[2].pending[0].nonce.clone();
    let re = story.mark_of(is_history);
    story.frame(page(
        re,
        "@dave",
        vec![said("@dave", 1, "dave", &uid("dave"))],
    ));
    assert_eq!(names(&story), ["lobby", "@dave"]);
    assert_eq!(story.state.active, 1);
    let screen = story.screen();
    assert!(
        screen.contains("> two") && screen.contains("one"),
        "{screen}"
    );
    story.stored_in("@dave", &nonce, 3);
    assert!(story.state.rooms[1].pending.is_empty());
}

#[test]
fn what_becomes_of_a_message_is_shown_where_it_stands() {
    let mut story = in_lobby();
    let first = said("@dave", 1, "dave", &uid("dave"));
    story.hear(first.clone());
    story.hear(said("@dave", 2, "dave", &other_bob()));
    let mut update = crate::protocol::server::MessageUpdate {
        room: "@=uiddave".to_owned(),
        id: first.id.clone(),
        ts: Ts(first.ts.0 + 1),
        origin: origin(),
        seq: 9,
        text: Some("mended".to_owned()),
        edited: Some(Ts(first.ts.0 + 1)),
        deleted: false,
        reactions: None,
    };
    story.frame(ServerFrame::MessageUpdate(update.clone()));
    let text = |story: &Story| {
        let message = story.state.rooms[1].timeline.message(&first.id);
        message.and_then(|message| message.text.clone())
    };
    assert_eq!(text(&story).as_deref(), Some("mended"));
    // One of nobody that is known opens nothing.
    update.room = "@zoe".to_owned();
    update.id = MessageId::new(&uid("zoe"), &Nonce::parse("z").unwrap());
    story.frame(ServerFrame::MessageUpdate(update));
    assert_eq!(names(&story), ["lobby", "@=uiddave", "@dave"]);
}

#[test]
fn who_is_writing_is_shown_where_they_write() {
    let mut story = in_lobby();
    story.hear(said("@dave", 1, "dave", &uid("dave")));
    story.enter("/msg dave");
    let typing = |uid: Uid| {
        ServerFrame::Typing(Typing {
            room: "@dave".to_owned(),
            user: "dave".to_owned(),
            uid,
            on: true,
        })
    };
    story.frame(typing(other_bob()));
    assert!(story.state.rooms[1].typing.is_empty());
    story.frame(typing(uid("dave")));
    assert!(!story.state.rooms[1].typing.is_empty());
}

#[test]
fn caught_up_is_the_conversation_with_that_user_whatever_its_name() {
    let mut story = in_lobby();
    story.hear(said("@dave", 1, "dave", &uid("dave")));
    story.state.rooms[1].caught_up = false;
    let room = RoomRef::DirectUid(uid("dave"));
    story.net(ClientEvent::CaughtUp { room });
    assert!(story.state.rooms[1].caught_up);
}

#[test]
fn a_change_that_waits_keeps_its_conversation_from_being_closed() {
    let mut story = in_lobby();
    story.enter("/msg bob");
    let own = said("@bob", 1, "alice", &uid("alice"));
    story.hear(own);
    story.effects();
    story.enter("/react tada");
    let reacts = |effect: &Effect| {
        matches!(effect, Effect::Net(Command::Write(ClientFrame::React { room, .. }))
            if room.to_string() == "@=uidbob")
    };
    assert!(story.effects().iter().any(reacts));
    story.enter("/leave");
    assert_eq!(names(&story), ["lobby", "@bob"]);
}
