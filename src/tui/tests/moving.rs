//! Rooms, conversations, and the connection that moves.

use crossterm::event::KeyCode;

use crate::client::{ClientEvent, Command};
use crate::protocol::server::{Renamed, RoomInfo, RoomList, ServerFrame};
use crate::protocol::{ClientFrame, Re, RoomRef, Ts};
use crate::tui::event::Effect;
use crate::tui::testing::{Story, message, uid};

fn joins(story: &mut Story) -> Vec<RoomRef> {
    let effects = story.effects().into_iter();
    let joined = effects.filter_map(|effect| match effect {
        Effect::Net(Command::Join { room, .. }) => Some(room),
        _ => None,
    });
    joined.collect()
}

#[test]
fn joining_shows_the_room_and_leaving_goes_back() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/join #Ops");
    assert_eq!(joins(&mut story), [RoomRef::parse("ops").unwrap()]);
    assert!(story.screen().contains("2 #ops"), "{}", story.screen());
    assert_eq!(story.state.active, 1);
    story.enter("/leave");
    let left = story.effects();
    let leave = Command::Leave {
        room: RoomRef::parse("ops").unwrap(),
    };
    assert!(left.contains(&Effect::Net(leave)), "{left:?}");
    assert_eq!((story.state.active, story.state.rooms.len()), (0, 1));
}

#[test]
fn rooms_are_changed_with_the_keys_and_keep_their_drafts() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/join ops");
    story.write("draft for ops");
    story.alt(KeyCode::Up);
    assert_eq!(story.state.active, 0);
    assert!(!story.screen().contains("draft for ops"));
    story.ctrl('n');
    assert!(story.screen().contains("> draft for ops"));
    story.alt(KeyCode::Char('1'));
    assert_eq!(story.state.active, 0);
    story.alt(KeyCode::Char('9'));
    assert_eq!(story.state.active, 0);
}

#[test]
fn numbers_steps_and_the_next_active_room() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    for n in 2..=10 {
        story.state.open(&format!("room-{n}"));
    }
    for number in '1'..='9' {
        story.alt(KeyCode::Char(number));
        assert_eq!(story.state.active, usize::from(number as u8 - b'1'));
    }
    story.alt(KeyCode::Down);
    story.alt(KeyCode::Down);
    assert_eq!(story.state.active, 0, "round and round");
    story.alt(KeyCode::Up);
    assert_eq!(story.state.active, 9);
    story.alt(KeyCode::Char('1'));
    let say = |story: &mut Story, n: u64, room: &str, text: &str| {
        let mut message = message(n, "bob", text);
        message.room = room.to_owned();
        story.hear(message);
    };
    say(&mut story, 1, "room-3", "something");
    say(&mut story, 2, "room-7", "alice: you are asked");
    say(&mut story, 3, "room-2", "something");
    // Where this person is meant first, then in the order of the list.
    for expected in ["room-7", "room-2", "room-3"] {
        story.alt(KeyCode::Char('a'));
        assert_eq!(story.state.room().unwrap().name, expected);
    }
    story.alt(KeyCode::Char('a'));
    assert!(story.screen().contains("nothing is unread"));
}

#[test]
fn a_conversation_appears_by_itself_and_is_counted() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let mut direct = message(1, "bob", "psst");
    direct.room = "@bob".to_owned();
    story.happen(crate::tui::event::Event::Focus(false));
    story.hear(direct);
    assert!(story.effects().contains(&Effect::Bell));
    assert!(story.screen().contains("@bob"), "{}", story.screen());
    assert_eq!((story.state.active, story.state.rooms[1].unread), (0, 1));
    story.alt(KeyCode::Char('a'));
    assert!(story.screen().contains("psst"));
}

#[test]
fn msg_opens_a_conversation_and_says_the_rest() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/msg BOB hello you");
    let frames = story.written();
    let [ClientFrame::Send { room, text, .. }] = &frames[..] else {
        panic!("{frames:?}");
    };
    // She is in the lobby with him, so it is known who he is.
    assert_eq!(room, &RoomRef::DirectUid(uid("bob")));
    assert_eq!(text.as_str(), "hello you");
    story.enter("/join lobby");
    story.enter("/msg bob again");
    assert_eq!(
        story.state.rooms.len(),
        2,
        "one conversation, however it is typed"
    );
}

#[test]
fn the_rooms_list_is_shown_and_unread_conversations_are_opened() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/rooms");
    let re = story.effects().into_iter().find_map(|effect| match effect {
        Effect::Net(Command::Ask {
            re,
            frame: ClientFrame::Rooms,
        }) => Some(re),
        _ => None,
    });
    let info = |room: &str, unread| RoomInfo {
        room: room.to_owned(),
        topic: "tea".to_owned(),
        total: 2,
        private: false,
        joined: false,
        last: Ts(0),
        unread,
    };
    story.frame(ServerFrame::Rooms(RoomList {
        re: re.map(Re::Number),
        rooms: vec![info("garden", 0), info("@carol", 4)],
    }));
    let screen = story.screen();
    assert!(screen.contains("#garden  2 here"), "{screen}");
    assert!(
        story
            .state
            .rooms
            .iter()
            .any(|room| room.name == "@carol" && room.unread == 4)
    );
}

#[test]
fn the_status_line_tells_of_every_state_of_the_connection() {
    let mut story = Story::new(100, 24);
    let status = |story: &Story| story.screen().lines().last().unwrap().to_owned();
    assert!(status(&story).contains("not connected"));
    story.net(ClientEvent::Connecting {
        node: "127.0.0.1:9001".to_owned(),
        attempt: 1,
    });
    assert!(status(&story).contains("connecting to 127.0.0.1:9001 …"));
    story.online("n1");
    assert!(status(&story).contains("connected to n1"));
    story.offline();
    assert!(status(&story).contains("connection lost: the node is gone; next attempt in 3 s"));
    story.wait(2);
    assert!(status(&story).contains("connection lost: the node is gone"));
    story.online("n2");
    assert!(status(&story).contains("moved from n1 to n2"));
    story.wait(10);
    assert!(!status(&story).contains("moved"));
    story.net(ClientEvent::Closed {
        reason: "kicked".to_owned(),
    });
    assert!(status(&story).contains("closed: kicked"));
}

#[test]
fn the_round_trip_is_measured() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.wait(6);
    let re = story.effects().into_iter().find_map(|effect| match effect {
        Effect::Net(Command::Ask {
            re,
            frame: ClientFrame::Ping,
        }) => Some(re),
        _ => None,
    });
    let then = Ts(story.state.now.0 + 1_500);
    story.happen(crate::tui::event::Event::Tick(then));
    story.frame(ServerFrame::Pong(crate::protocol::server::Pong {
        re: re.map(Re::Number),
        time: then,
    }));
    assert!(
        story.screen().contains("connected to n1 1.5 ms"),
        "{}",
        story.screen()
    );
}

#[test]
fn a_renamed_user_is_told_of_and_the_conversation_goes_on() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    let mut direct = message(1, "bob", "psst");
    direct.room = "@bob".to_owned();
    story.hear(direct);
    story.frame(ServerFrame::Renamed(Renamed {
        uid: uid("bob"),
        from: "bob".to_owned(),
        to: "bob-2".to_owned(),
    }));
    assert!(story.screen().contains("bob is called bob-2 now"));
    assert_eq!(story.state.rooms[1].name, "@bob-2");
    assert!(
        story.state.rooms[0]
            .people
            .list
            .values()
            .any(|user| user.name == "bob-2")
    );
}

#[test]
fn a_room_that_cannot_be_entered_says_why() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/join vault");
    let error = crate::protocol::server::ErrorFrame {
        re: None,
        code: crate::protocol::ErrorCode::Forbidden,
        message: "members only".to_owned(),
        retry_after_ms: None,
        suggestion: None,
    };
    story.net(ClientEvent::JoinRefused {
        room: RoomRef::parse("vault").unwrap(),
        error,
    });
    assert!(
        story.screen().contains("#vault cannot be entered"),
        "{}",
        story.screen()
    );
}

#[test]
fn a_topic_is_told_of_once_though_it_comes_as_the_answer_and_as_the_event() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "x")]);
    let topic = crate::protocol::server::TopicChanged {
        re: None,
        room: "lobby".to_owned(),
        topic: "tea only".to_owned(),
        user: "alice".to_owned(),
        ts: message(2, "bob", "").ts,
        origin: message(2, "bob", "").origin,
        seq: message(2, "bob", "").seq,
    };
    story.frame(ServerFrame::Topic(topic.clone()));
    story.frame(ServerFrame::Topic(topic));
    let screen = story.screen();
    assert_eq!(screen.matches("set the topic").count(), 1, "{screen}");
    assert!(screen.contains("#lobby  tea only"), "{screen}");
}

#[test]
fn an_answer_stands_in_the_room_in_which_it_was_asked_for() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "x")]);
    story.enter("/who");
    let re = story.mark_of(|frame| matches!(frame, ClientFrame::Who { .. }));
    story.enter("/join ops");
    story.frame(ServerFrame::UserListUpdate(
        crate::protocol::server::UserListUpdate {
            re,
            room: "lobby".to_owned(),
            total: 2,
            joined: Vec::new(),
            left: Vec::new(),
            users: Some(vec![crate::tui::testing::user("bob")]),
        },
    ));
    assert!(!story.screen().contains("2 here: bob"));
    story.alt(KeyCode::Char('1'));
    assert!(story.screen().contains("2 here: bob"), "{}", story.screen());
}
