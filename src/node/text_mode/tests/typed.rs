//! What a person types.

use super::*;

#[test]
fn a_name_opens_the_session_and_leads_into_the_lobby() {
    let mut person = Person::new();
    person.types(" alice ");
    let claim = Claim::Name {
        name: UserName::parse("alice").unwrap(),
        password: None,
    };
    let admin = None;
    assert_eq!(
        person.requests(),
        [ClientFrame::UserJoin {
            claim,
            admin,
            brief: false
        }]
    );
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
    assert_eq!(person.screen().len(), 13);
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
        updates: Vec::new(),
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
fn search_asks_for_what_follows_it_and_shows_the_oldest_first() {
    let mut person = Person::in_lobby();
    person.types("/search");
    assert!(person.screen()[0].starts_with("-- /search WORDS: "));
    person.types("/search \"load balancer\" from:bob ");
    let asked = person.requests();
    let ClientFrame::Search {
        query, room: None, ..
    } = &asked[0]
    else {
        panic!("{asked:?}")
    };
    assert_eq!(query, "\"load balancer\" from:bob");
    assert!(person.mode.is_waiting());
    let found = |messages, more, indexed| {
        ServerFrame::Results(Results {
            re: Some(Re::Text(ASKED.into())),
            messages,
            more,
            indexed,
        })
    };
    let messages = vec![message("ops", "b", "newer"), message("lobby", "a", "older")];
    person.sees(&found(messages, true, None));
    assert!(!person.mode.is_waiting());
    assert_eq!(
        person.screen(),
        [
            "-- 2 messages found, the newest:",
            "12:04 bob: older",
            "12:04 [ops] bob: newer",
            "-- end"
        ]
    );
    person.types("/search x");
    person.sees(&found(Vec::new(), false, Some(false)));
    assert_eq!(
        person.screen(),
        [
            "-- not all that was said is looked through yet; try again later",
            "-- nothing was found"
        ]
    );
}
