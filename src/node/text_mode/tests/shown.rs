//! What of messages is shown.

use super::*;

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
