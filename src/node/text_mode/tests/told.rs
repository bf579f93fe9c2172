//! What of rooms and people is told.

use super::*;

#[test]
fn history_comes_in_blocks_and_more_goes_further_back() {
    let mut person = Person::in_lobby();
    let page = |messages: Vec<Message>, more| {
        ServerFrame::History(History {
            re: Some(Re::Text("asked".into())),
            room: "lobby".into(),
            messages,
            updates: Vec::new(),
            more,
            since: None,
        })
    };
    person.types("/history 2");
    let newest = vec![
        Message {
            ts: Ts(NOON - 1),
            ..message("lobby", "1", "one")
        },
        message("lobby", "2", "two"),
    ];
    person.sees(&page(newest, true));
    assert_eq!(
        person.screen(),
        [
            "-- 2 messages (/history more for older ones):",
            "12:03 bob: one",
            "12:04 bob: two",
            "-- end"
        ]
    );
    person.requests();
    person.types("/history more");
    let [ClientFrame::History { range, .. }] = &person.requests()[..] else {
        panic!("no history")
    };
    assert_eq!(*range, HistoryRange::Before(Ts(NOON - 1)));
    person.sees(&page(vec![], false));
    assert_eq!(person.screen(), ["-- there is nothing older"]);
}

#[test]
fn comings_and_goings_read_like_speech() {
    let mut person = Person::in_lobby();
    let left = |room: &str, reason: &str| {
        ServerFrame::UserLeave(UserLeft {
            room: room.into(),
            user: "bob".into(),
            uid: uid("bbbb"),
            reason: reason.into(),
            total: 1,
        })
    };
    let away = |on| {
        ServerFrame::Away(AwayChanged {
            room: "lobby".into(),
            user: "bob".into(),
            uid: uid("bbbb"),
            on,
        })
    };
    let list = UserListUpdate {
        re: None,
        room: "ops".into(),
        total: 812,
        joined: vec![user("x", false), user("y", false)],
        left: vec![uid("cccc")],
        users: None,
    };
    // Told in each room that both are in.
    let renamed = ServerFrame::Renamed(Renamed {
        uid: uid("aaaa"),
        from: "alice".into(),
        to: "alice-2".into(),
    });
    for frame in [
        ServerFrame::UserJoin(UserJoined {
            room: "lobby".into(),
            user: user("bob", false),
            total: 2,
        }),
        left("lobby", "lost"),
        left("ops", "quit"),
        away(true),
        away(false),
        ServerFrame::UserListUpdate(list.clone()),
        ServerFrame::UserListUpdate(UserListUpdate {
            users: Some(vec![user("alice", false), user("bob", true)]),
            joined: vec![],
            left: vec![],
            ..list
        }),
        renamed.clone(),
        renamed,
        ServerFrame::Gap(Gap {
            room: "ops".into(),
            since: VersionVector::new(),
        }),
    ] {
        person.sees(&frame);
    }
    assert_eq!(
        person.screen(),
        [
            "-- bob joined",
            "-- bob left (connection lost)",
            "-- [ops] bob left",
            "-- bob is away",
            "-- bob is back",
            "-- [ops] 2 joined, 1 left, 812 here",
            "-- 812 in ops: alice, bob (away) and 810 more",
            "-- you are alice-2 now: the name alice was somebody else's first",
            "-- [ops] you have missed more than is shown here; /history has the newest",
        ]
    );
}

#[test]
fn rooms_are_a_table_of_names_people_and_topics() {
    let mut person = Person::in_lobby();
    let info = |room: &str, total, joined, unread, topic: &str| RoomInfo {
        room: room.into(),
        topic: topic.into(),
        total,
        private: false,
        joined,
        last: Ts(0),
        unread,
    };
    person.types("/rooms");
    person.sees(&ServerFrame::Rooms(RoomList {
        re: None,
        rooms: vec![
            info("lobby", 2, true, 0, ""),
            info("日本", 0, false, 12, "deploys\u{1b}[31m are frozen"),
            info("@bob", 0, true, 1, ""),
        ],
    }));
    assert!(!person.mode.is_waiting());
    assert_eq!(
        person.screen(),
        [
            "-- 3 rooms (* you are in it)",
            "-- * lobby              2 here",
            "--   日本                        12 unread  deploys are frozen",
            "-- * @bob",
        ]
    );
}

#[test]
fn a_topic_is_shown_to_who_asks_and_told_once_to_who_sets_it() {
    let mut person = Person::in_lobby();
    let set = |topic: &str, re: Option<Re>| {
        ServerFrame::Topic(TopicChanged {
            re,
            room: "lobby".into(),
            topic: topic.into(),
            user: "alice".into(),
            ts: Ts(NOON),
            origin: Origin::parse("n1-4f2a").unwrap(),
            seq: 1,
        })
    };
    person.types("/topic");
    person.types("/topic be kind");
    assert!(person.mode.is_waiting());
    person.sees(&set("be kind", Some(Re::Text("asked".into()))));
    assert!(!person.mode.is_waiting());
    person.sees(&set("be kind", None));
    person.types("/topic");
    person.sees(&set("", None));
    assert_eq!(
        person.screen(),
        [
            "-- lobby has no topic",
            "-- alice set the topic: be kind",
            "-- lobby: be kind",
            "-- alice cleared the topic",
        ]
    );
}

#[test]
fn a_text_that_was_not_sent_is_told_so() {
    let mut person = Person::in_lobby();
    let too_fast = |person: &mut Person| {
        let message = "too fast; try again in 200 ms";
        person.refused("sent", ErrorCode::RateLimited, message, None);
    };
    person.types("this one is stored");
    person.types("hello");
    person.types("a text that is longer than what is needed to know it again");
    person.sees(&ServerFrame::Sent(Sent {
        re: Some(Re::Text("sent".into())),
        nonce: Nonce::parse("n").unwrap(),
        room: "lobby".into(),
        id: MessageId::parse("aaaa.n").unwrap(),
        ts: Ts(1),
        origin: Origin::parse("n1-0000").unwrap(),
        seq: 1,
        copies: 1,
    }));
    too_fast(&mut person);
    too_fast(&mut person);
    person.types(&"x".repeat(4001));
    let refusal = Refusal::new(ErrorCode::NotUtf8, "a line is UTF-8; it was skipped");
    person.mode.skipped(&refusal, &mut person.out);
    assert_eq!(
        person.screen(),
        [
            "-- not sent: too fast; try again in 200 ms (\"hello\")",
            "-- not sent: too fast; try again in 200 ms (\"a text that is longer than what…\")",
            "-- not sent: the text has 4001 characters, 4000 at most",
            "-- not sent: a line is UTF-8; it was skipped",
        ]
    );
}

#[test]
fn nothing_that_steers_a_terminal_reaches_the_screen() {
    let mut person = Person::in_lobby();
    person.sees(&said(message(
        "lobby",
        "1",
        "a\u{1b}]0;x\u{7}b\u{9b}31m\r\u{202e}c\u{7f}\td",
    )));
    person.sees(&room("lobby", "t\u{1b}c", vec![]));
    let hostile = Message {
        from: "m\u{1b}[1mallory".into(),
        ..message("lo\u{1b}bby", "2", "x")
    };
    person.sees(&said(hostile));
    let screen = person.screen();
    assert_eq!(screen[0], "12:04 bob: abc d");
    let controls = screen
        .iter()
        .flat_map(|line| line.chars())
        .filter(|c| c.is_control());
    assert_eq!(controls.count(), 0);
}

#[test]
fn what_a_terminal_sends_for_its_keys_is_not_sent_on() {
    let mut person = Person::in_lobby();
    person.types("hel\u{8}lo\u{1b}[A\tthere  ");
    assert_eq!(person.requests(), [send("lobby", "hello\tthere")]);
    person.types(" \u{1b} ");
    assert_eq!(person.requests(), []);
}

#[test]
fn frames_that_are_nothing_for_a_persons_eyes_are_not_shown() {
    let mut person = Person::in_lobby();
    let typing = ServerFrame::Typing(Typing {
        room: "lobby".into(),
        user: "bob".into(),
        uid: uid("bbbb"),
        on: true,
    });
    person.sees(&typing);
    person.mode.frame_line(&typing.encode(), &mut person.out);
    person
        .mode
        .frame_line(b"{\"type\":\"later\"}\n", &mut person.out);
    assert_eq!(person.screen(), Vec::<String>::new());
    let line = said(message("lobby", "1", "hello")).encode();
    person.mode.frame_line(&line, &mut person.out);
    assert_eq!(person.screen(), ["12:04 bob: hello"]);
}

#[test]
fn the_end_is_told_with_its_reason() {
    let mut person = Person::in_lobby();
    for (reason, message) in [
        (CloseReason::Quit, ""),
        (CloseReason::ShuttingDown, "the node is shutting down"),
    ] {
        person.sees(&ServerFrame::Disconnect(Disconnect {
            reason,
            message: message.into(),
        }));
    }
    assert_eq!(
        person.screen(),
        ["-- good-bye", "-- closed: the node is shutting down"]
    );
}
