use super::recent::RECENT_MESSAGES_MAX;
use super::*;
use crate::protocol::server::*;
use crate::protocol::{
    Claim, ErrorCode, HistoryRange, MessageId, Nonce, Origin, Text, UserName, VersionVector,
};

/// 22 November 2026, 12:04 UTC.
const NOON: i64 = 1_795_349_040_000_000;
const MINUTE: i64 = 60_000_000;

/// A person at a terminal: what was asked of the server, and what is on the screen.
struct Person {
    mode: TextMode,
    out: Vec<u8>,
}

impl Person {
    fn new() -> Person {
        Person {
            mode: TextMode::new(TimeZone::UTC, Ts(NOON)),
            out: Vec::new(),
        }
    }

    /// Alice, in the lobby with Bob, nothing on the screen.
    fn in_lobby() -> Person {
        let mut person = Person::new();
        person.types("alice");
        person.sees(&session("alice"));
        person.requests();
        person.sees(&room("lobby", "", vec![]));
        person.out.clear();
        person
    }

    fn types(&mut self, line: &str) {
        self.mode.typed(line, &mut self.out);
    }

    fn sees(&mut self, frame: &ServerFrame) {
        self.mode.frame(frame, &mut self.out);
    }

    /// What has been asked since.
    fn requests(&mut self) -> Vec<ClientFrame> {
        std::iter::from_fn(|| self.mode.next_request())
            .map(|request| request.frame)
            .collect()
    }

    /// What has come on the screen since. Every line has its end.
    fn screen(&mut self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut self.out)).unwrap();
        let lines: Vec<String> = text.split_inclusive("\r\n").map(str::to_owned).collect();
        let line = |line: String| line.strip_suffix("\r\n").unwrap().to_owned();
        lines.into_iter().map(line).collect()
    }

    fn refused(&mut self, asked: &str, code: ErrorCode, message: &str, suggestion: Option<&str>) {
        self.sees(&ServerFrame::Error(ErrorFrame {
            re: Some(Re::Text(asked.into())),
            code,
            message: message.into(),
            retry_after_ms: None,
            suggestion: suggestion.map(str::to_owned),
        }));
    }
}

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn room_ref(text: &str) -> RoomRef {
    RoomRef::parse(text).unwrap()
}

fn send(room: &str, text: &str) -> ClientFrame {
    ClientFrame::Send {
        room: room_ref(room),
        text: Text::parse(text).unwrap(),
        nonce: None,
        reply_to: None,
        after: None,
    }
}

fn session(user: &str) -> ServerFrame {
    ServerFrame::Session(Session {
        re: None,
        user: user.into(),
        uid: uid("aaaa"),
        guest: true,
        role: Role::User,
        token: "t".into(),
        node: "n1".into(),
        poll: None,
    })
}

fn user(name: &str, away: bool) -> UserInfo {
    UserInfo {
        name: name.into(),
        uid: uid("bbbb"),
        away,
    }
}

fn room(name: &str, topic: &str, messages: Vec<Message>) -> ServerFrame {
    ServerFrame::Room(Box::new(Room {
        re: None,
        room: name.into(),
        topic: topic.into(),
        private: false,
        total: 2,
        users: vec![user("alice", false), user("bob", true)],
        messages,
        more: false,
        since: VersionVector::new(),
        read: VersionVector::new(),
    }))
}

fn message(room: &str, nonce: &str, text: &str) -> Message {
    Message {
        room: room.into(),
        id: MessageId::new(&uid("bbbb"), &Nonce::parse(nonce).unwrap()),
        from: "bob".into(),
        uid: uid("bbbb"),
        ts: Ts(NOON),
        origin: Origin::parse("n1-4f2a").unwrap(),
        seq: 1,
        text: Some(text.into()),
        nonce: Nonce::parse(nonce).unwrap(),
        reply_to: None,
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
        late: false,
    }
}

fn said(message: Message) -> ServerFrame {
    ServerFrame::NewMessage(message)
}

fn update(nonce: &str) -> MessageUpdate {
    let message = message("lobby", nonce, "");
    MessageUpdate {
        room: message.room,
        id: message.id,
        ts: message.ts,
        origin: message.origin,
        seq: 2,
        text: None,
        edited: None,
        deleted: false,
        reactions: None,
    }
}

#[test]
fn a_name_opens_the_session_and_leads_into_the_lobby() {
    let mut person = Person::new();
    person.types(" alice ");
    let claim = Claim::Name {
        name: UserName::parse("alice").unwrap(),
        password: None,
    };
    let admin = None;
    assert_eq!(person.requests(), [ClientFrame::UserJoin { claim, admin }]);
    assert!(
        person.mode.is_waiting(),
        "the next line may be a name or a text"
    );
    person.sees(&session("alice"));
    let join = ClientFrame::Join {
        room: room_ref("lobby"),
        since: None,
        limit: Some(20),
    };
    assert_eq!(person.requests(), [join]);
    assert!(person.mode.is_waiting());
    person.sees(&room(
        "lobby",
        "be kind",
        vec![message("lobby", "1", "hello")],
    ));
    assert!(!person.mode.is_waiting());
    assert_eq!(
        person.screen(),
        [
            "-- welcome, alice; /help lists the commands, /quit goes",
            "-- you are in lobby: be kind",
            "-- 2 here: alice, bob (away)",
            "-- 1 message:",
            "12:04 bob: hello",
            "-- end",
        ]
    );
    person.types("hi bob");
    assert_eq!(person.requests(), [send("lobby", "hi bob")]);
    assert!(
        !person.mode.is_waiting(),
        "texts are sent one behind another"
    );
}

#[test]
fn a_taken_name_is_answered_with_a_free_one_and_the_next_line_is_a_name_again() {
    let mut person = Person::new();
    person.types("alice");
    person.requests();
    let message = "the name alice is taken; alice-2 is free";
    person.refused("asked", ErrorCode::NameTaken, message, Some("alice-2"));
    assert_eq!(
        person.screen(),
        ["-- that name is taken; alice-2 is free: type it, or another"]
    );
    assert!(!person.mode.is_waiting());
    person.types("alice-2");
    assert!(matches!(
        &person.requests()[..],
        [ClientFrame::UserJoin { .. }]
    ));
}

#[test]
fn who_types_no_name_is_told_in_two_lines_what_to_do() {
    for first in ["/join ops", "/frobnicate", "//", "hello everybody"] {
        let mut person = Person::new();
        person.types(first);
        assert_eq!(person.requests(), [], "{first}");
        let screen = person.screen();
        let [.., one, two] = &screen[..] else {
            panic!("{screen:?}")
        };
        assert!(one.starts_with("-- This is chat. Type the name"), "{first}");
        assert!(two.ends_with("/help lists the commands, /quit goes."));
        assert!(screen.len() <= 3, "{screen:?}");
    }
    let mut person = Person::new();
    person.types("/quit");
    assert_eq!(person.requests(), [ClientFrame::Quit]);
    person.types("/help");
    assert_eq!(person.screen().len(), 12);
}

#[test]
fn an_unknown_command_is_answered_and_not_sent() {
    let mut person = Person::in_lobby();
    person.types("/nick bob\u{1b}[2J");
    assert_eq!(person.requests(), []);
    assert_eq!(
        person.screen(),
        [
            "-- there is no /nick, and nothing was sent; /help lists the commands",
            "-- to say a text that begins with a slash, type two: //",
        ]
    );
    person.types("//etc/passwd is there");
    assert_eq!(person.requests(), [send("lobby", "/etc/passwd is there")]);
}

#[test]
fn each_command_asks_what_it_says() {
    let mut person = Person::in_lobby();
    let limit = Some(50);
    let history = |range, limit| ClientFrame::History {
        room: room_ref("lobby"),
        range,
        limit,
    };
    for (typed, expected) in [
        ("/rooms", ClientFrame::Rooms),
        (
            "/who",
            ClientFrame::Who {
                room: room_ref("lobby"),
            },
        ),
        (
            "/who #Ops",
            ClientFrame::Who {
                room: room_ref("ops"),
            },
        ),
        ("/msg bob how are you", send("@bob", "how are you")),
        ("/msg @bob  hi", send("@bob", "hi")),
        ("/history", history(HistoryRange::Newest, limit)),
        ("/history 7", history(HistoryRange::Newest, Some(7))),
        ("/history 1000", history(HistoryRange::Newest, Some(200))),
        ("/HISTORY more", history(HistoryRange::Newest, limit)),
        (
            "/leave",
            ClientFrame::Leave {
                room: room_ref("lobby"),
            },
        ),
        ("/quit", ClientFrame::Quit),
    ] {
        person.types(typed);
        assert_eq!(person.requests(), [expected], "{typed}");
        assert_eq!(person.screen(), Vec::<String>::new(), "{typed}");
    }
    person.types("/topic deploys are frozen");
    let [ClientFrame::Topic { topic, .. }] = &person.requests()[..] else {
        panic!("no topic")
    };
    assert_eq!(topic, "deploys are frozen");
}

#[test]
fn a_command_without_what_it_needs_says_how_it_is_typed() {
    let mut person = Person::in_lobby();
    for typed in ["/join", "/msg", "/msg bob", "/history soon"] {
        person.types(typed);
        let screen = person.screen();
        let verb = typed.split(' ').next().unwrap();
        assert!(screen[0].starts_with(&format!("-- {verb} ")), "{screen:?}");
    }
    for typed in ["/join a b", "/msg !! hi", "/who -"] {
        person.types(typed);
        assert_eq!(person.screen().len(), 1, "{typed}");
    }
    assert_eq!(person.requests(), []);
}

#[test]
fn what_is_typed_goes_to_the_room_that_was_joined_last() {
    let mut person = Person::in_lobby();
    person.types("/join ops");
    assert!(person.mode.is_waiting());
    person.requests();
    person.sees(&room("ops", "", vec![]));
    person.types("here");
    assert_eq!(person.requests(), [send("ops", "here")]);
    person.screen();
    person.sees(&said(message("ops", "1", "one")));
    person.sees(&said(message("lobby", "2", "two")));
    person.sees(&said(message("@bob", "3", "three")));
    assert_eq!(
        person.screen(),
        [
            "12:04 bob: one",
            "12:04 [lobby] bob: two",
            "12:04 [@bob] bob: three",
        ]
    );
    person.types("/leave");
    person.requests();
    person.sees(&ServerFrame::Ok(Done::default()));
    assert_eq!(
        person.screen(),
        ["-- you have left ops; you are in lobby now"]
    );
    person.types("back");
    assert_eq!(person.requests(), [send("lobby", "back")]);
    person.types("/leave");
    person.requests();
    person.sees(&ServerFrame::Ok(Done::default()));
    person.types("anybody?");
    assert_eq!(
        person.screen(),
        [
            "-- you have left lobby; /join another room, or /quit",
            "-- not sent: you are in no room; /join one first",
        ]
    );
    assert_eq!(person.requests(), []);
}

#[test]
fn a_room_that_may_not_be_joined_leaves_the_person_where_it_was() {
    let mut person = Person::in_lobby();
    person.types("/join ops");
    person.requests();
    person.refused("asked", ErrorCode::Forbidden, "ops is private", None);
    assert_eq!(person.screen(), ["-- ops is private"]);
    person.types("hm");
    assert_eq!(person.requests(), [send("lobby", "hm")]);
}

#[test]
fn a_direct_conversation_is_opened_by_its_history_and_left_without_asking() {
    let mut person = Person::in_lobby();
    person.types("/join @bob");
    let history = ClientFrame::History {
        room: room_ref("@bob"),
        range: HistoryRange::Newest,
        limit: Some(20),
    };
    assert_eq!(person.requests(), [history]);
    person.sees(&ServerFrame::History(History {
        re: None,
        room: "@bob".into(),
        messages: vec![message("@bob", "1", "psst")],
        more: false,
        since: None,
    }));
    let expected = [
        "-- what you type goes to @bob now",
        "-- 1 message:",
        "12:04 bob: psst",
        "-- end",
    ];
    assert_eq!(person.screen(), expected);
    person.types("what?");
    assert_eq!(person.requests(), [send("@bob", "what?")]);
    // He is renamed: the conversation goes on.
    person.sees(&ServerFrame::Renamed(Renamed {
        uid: uid("bbbb"),
        from: "bob".into(),
        to: "bob-2".into(),
    }));
    person.types("?");
    assert_eq!(person.requests(), [send("@bob-2", "?")]);
    person.types("/leave @carol");
    person.types("/leave");
    assert_eq!(person.requests(), []);
    assert_eq!(
        person.screen(),
        [
            "-- bob is bob-2 now",
            "-- nobody is in a direct conversation, so there is nothing to leave",
            "-- you have left @bob-2; you are in lobby now",
        ]
    );
}

#[test]
fn a_message_is_shown_with_all_that_has_become_of_it() {
    let mut person = Person::in_lobby();
    person.sees(&said(message("lobby", "1", "a plan")));
    let lines = message("lobby", "2", "one\ntwo\n12:05 alice: three\n");
    person.sees(&said(lines));
    let reply = Message {
        reply_to: Some(message("lobby", "1", "").id),
        late: true,
        ..message("lobby", "3", "good")
    };
    person.sees(&said(reply));
    let edited = Message {
        edited: Some(Ts(NOON)),
        reactions: [(
            "👍".to_owned(),
            vec!["alice".to_owned(), "carol".to_owned()],
        )]
        .into(),
        reply_to: Some(message("lobby", "unseen", "").id),
        ..message("lobby", "4", "better")
    };
    person.sees(&said(edited));
    let deleted = Message {
        deleted: true,
        text: None,
        ..message("lobby", "5", "")
    };
    person.sees(&said(deleted));
    assert_eq!(
        person.screen(),
        [
            "12:04 bob: a plan",
            "12:04 bob: one",
            "      two",
            "      12:05 alice: three",
            "12:04 bob (to bob: a plan): good (came late)",
            "12:04 bob (in reply): better (edited) [👍 alice, carol]",
            "12:04 bob: (deleted)",
        ]
    );
}

#[test]
fn what_becomes_of_a_message_is_told_with_its_first_words() {
    let mut person = Person::in_lobby();
    let long = "the deploy of the day is at noon, or a little later";
    person.sees(&said(message("lobby", "1", long)));
    let edit = MessageUpdate {
        text: Some("no deploy".into()),
        edited: Some(Ts(NOON)),
        ..update("1")
    };
    let reactions = |names: Vec<String>| MessageUpdate {
        reactions: Some([("👍".to_owned(), names)].into()),
        ..update("1")
    };
    let delete = |nonce: &str| MessageUpdate {
        deleted: true,
        ..update(nonce)
    };
    for change in [
        edit,
        reactions(vec!["carol".into()]),
        reactions(vec![]),
        delete("1"),
        delete("unseen"),
        MessageUpdate {
            reactions: Some(BTreeMap::new()),
            ..update("unseen")
        },
    ] {
        person.sees(&ServerFrame::MessageUpdate(change));
    }
    assert_eq!(
        person.screen()[1..],
        [
            "-- bob's \"the deploy of the day is at noo…\" reads now: no deploy",
            "-- bob's \"no deploy\" got 👍 carol",
            "-- bob's \"no deploy\" has no reactions any more",
            "-- bob's \"no deploy\" was deleted",
            "-- an older message was deleted",
        ]
    );
}

#[test]
fn a_message_that_moves_is_not_shown_twice() {
    let mut person = Person::in_lobby();
    let first = message("lobby", "1", "once");
    let moved = Message {
        ts: Ts(NOON - 5),
        ..first.clone()
    };
    person.sees(&said(first));
    person.sees(&said(moved));
    assert_eq!(person.screen(), ["12:04 bob: once"]);
}

#[test]
fn only_the_last_500_messages_are_remembered() {
    let mut person = Person::in_lobby();
    for n in 0..=RECENT_MESSAGES_MAX {
        person.sees(&said(message("lobby", &n.to_string(), "x")));
    }
    person.screen();
    person.sees(&said(message("lobby", "1", "x")));
    assert_eq!(person.screen(), Vec::<String>::new());
    person.sees(&said(message("lobby", "0", "x")));
    assert_eq!(
        person.screen(),
        ["12:04 bob: x"],
        "one past the limit is forgotten"
    );
}

#[test]
fn another_day_is_announced_in_the_servers_time_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    let mut person = Person::in_lobby();
    person.mode.zone = zone;
    let at = |nonce: &str, ts: i64| {
        said(Message {
            ts: Ts(ts),
            ..message("lobby", nonce, "hello")
        })
    };
    person.sees(&at("1", NOON));
    person.sees(&at("2", NOON + 7 * 60 * MINUTE));
    person.sees(&at("3", NOON + 8 * 60 * MINUTE));
    person.sees(&at("4", i64::MAX));
    let screen = person.screen();
    assert_eq!(
        screen[..4],
        [
            "17:04 bob: hello",
            "-- Monday, 23 November 2026",
            "00:04 bob: hello",
            "01:04 bob: hello",
        ]
    );
    assert!(screen[4].ends_with("bob: hello"), "{screen:?}");
}

#[test]
fn history_comes_in_blocks_and_more_goes_further_back() {
    let mut person = Person::in_lobby();
    let page = |messages: Vec<Message>, more| {
        ServerFrame::History(History {
            re: Some(Re::Text("asked".into())),
            room: "lobby".into(),
            messages,
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
            "--   日本                        12 unread  deploys[31m are frozen",
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
    person.types("hello");
    person.refused(
        "sent",
        ErrorCode::RateLimited,
        "too fast; try again in 200 ms",
        None,
    );
    person.types(&"x".repeat(4001));
    let refusal = Refusal::new(ErrorCode::NotUtf8, "a line is UTF-8; it was skipped");
    person.mode.skipped(&refusal, &mut person.out);
    assert_eq!(
        person.screen(),
        [
            "-- not sent: too fast; try again in 200 ms",
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
    assert_eq!(screen[0], "12:04 bob: a]0;xb31mc d");
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
    assert_eq!(person.requests(), [send("lobby", "hello[A\tthere")]);
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
