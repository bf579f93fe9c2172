//! The machine's stories: what happens to a client, and what it does.

use serde_json::{Value, json};

use super::*;
use crate::client::event::{Effect, Input, Moment};
use crate::protocol::{ServerFrame, Ts, UserName};

mod conversations;
mod entering;

/// A client and the world around it: two nodes, a clock, and what was written so far.
struct Story {
    machine: Machine,
    now: Moment,
    /// Lines written and not looked at yet.
    written: Vec<Value>,
    told: Vec<ClientEvent>,
    dialed: Vec<String>,
}

fn alice(nodes: &[&str]) -> Options {
    Options {
        nodes: nodes.iter().map(ToString::to_string).collect(),
        name: UserName::parse("alice").unwrap(),
        token: None,
        take_suggestion: false,
        admin: BTreeMap::new(),
        stays_here: false,
    }
}

impl Story {
    fn new(nodes: &[&str]) -> Story {
        Story::with(alice(nodes))
    }

    fn with(options: Options) -> Story {
        let mut story = Story {
            machine: Machine::new(options, 7),
            now: Moment {
                ms: 1_000,
                wall: Ts(1_763_800_000_000_000),
            },
            written: Vec::new(),
            told: Vec::new(),
            dialed: Vec::new(),
        };
        story.happens(Input::Tick);
        story
    }

    /// Online at the first node, in the lobby up to n1-a:5, with nothing left to look at.
    fn in_lobby() -> Story {
        let mut story = Story::new(&["127.0.0.1:1", "127.0.0.1:2"]);
        story.opens_session();
        story.joins("lobby");
        let join = story.takes("join");
        story.answers(&join, room("lobby", json!({"n1-a": 5}), false));
        story.forgets();
        story
    }

    fn happens(&mut self, input: Input) {
        for effect in self.machine.update(self.now, input) {
            match effect {
                Effect::Dial(address) => self.dialed.push(address),
                Effect::Write(line) => self.written.push(serde_json::from_slice(&line).unwrap()),
                Effect::Tell(event) => self.told.push(event),
                Effect::HangUp | Effect::Seek => {}
            }
        }
    }

    fn says(&mut self, frame: Value) {
        let frame: ServerFrame = serde_json::from_value(frame).unwrap();
        self.happens(Input::Frame(Box::new(frame)));
    }

    /// The server's answer to `request`, with its mark.
    fn answers(&mut self, request: &Value, mut frame: Value) {
        frame["re"] = request["re"].clone();
        self.says(frame);
    }

    fn greets(&mut self) {
        self.happens(Input::Dialed);
        self.says(
            json!({"type": "connect", "protocol": 1, "server": "chat/0", "node": "n1", "time": 0,
            "limits": {"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200}}),
        );
    }

    fn opens_session(&mut self) {
        self.greets();
        let opening = self.takes("user_join");
        self.answers(&opening, session("alice", "aaaa"));
    }

    fn joins(&mut self, name: &str) {
        let room = RoomRef::parse(name).unwrap();
        self.happens(Input::Command(Command::Join { room, limit: None }));
    }

    fn sends(&mut self, text: &str, nonce: &str) {
        let line = json!({"type": "send", "room": "lobby", "text": text, "nonce": nonce});
        let request = crate::protocol::decode::decode(&line.to_string()).unwrap();
        self.happens(Input::Command(Command::Write(request.frame)));
    }

    fn passes(&mut self, ms: u64) {
        self.now.ms += ms;
        self.now.wall.0 += i64::try_from(ms).unwrap() * 1000;
        self.happens(Input::Tick);
    }

    /// The oldest line of this type that was written.
    fn takes(&mut self, kind: &str) -> Value {
        let at = self.written.iter().position(|line| line["type"] == kind);
        let at = at.unwrap_or_else(|| panic!("no {kind} among {:?}", self.written));
        self.written.remove(at)
    }

    fn wrote(&self, kind: &str) -> bool {
        self.written.iter().any(|line| line["type"] == kind)
    }

    fn is_online(&self) -> bool {
        self.machine.is_online()
    }

    fn was_told(&self, what: impl Fn(&ClientEvent) -> bool) -> bool {
        self.told.iter().any(what)
    }

    fn forgets(&mut self) {
        self.written.clear();
        self.told.clear();
        self.dialed.clear();
    }
}

fn session(name: &str, uid: &str) -> Value {
    json!({"type": "session", "user": name, "uid": uid, "guest": true, "role": "user",
        "token": format!("token-of-{uid}"), "node": "n1"})
}

fn room(name: &str, since: Value, more: bool) -> Value {
    json!({"type": "room", "room": name, "topic": "", "private": false, "total": 1, "users": [],
        "messages": [], "more": more, "since": since, "read": {}})
}

fn history(name: &str, since: Value, more: bool) -> Value {
    json!({"type": "history", "room": name, "messages": [], "more": more, "since": since})
}

fn message(room: &str, origin: &str, seq: u64, ts: i64) -> Value {
    json!({"type": "new_message", "room": room, "id": format!("bbbb.{origin}.{seq}"), "from": "bob",
        "uid": "bbbb", "ts": ts, "origin": origin, "seq": seq, "text": "x", "nonce": format!("{origin}.{seq}")})
}

fn sent(nonce: &str, ts: i64) -> Value {
    json!({"type": "sent", "nonce": nonce, "room": "lobby", "id": format!("aaaa.{nonce}"), "ts": ts,
        "origin": "n1-a", "seq": 9, "copies": 1})
}

fn error(code: &str) -> Value {
    json!({"type": "error", "code": code, "message": "no"})
}

#[test]
fn a_lost_node_is_left_for_the_next_at_once_and_rooms_and_messages_go_on_there() {
    let mut story = Story::in_lobby();
    story.says(message("lobby", "n1-a", 6, 600));
    story.sends("hello", "one");
    assert_eq!(story.takes("send")["after"], 600);
    story.happens(Input::Lost("reset".to_owned()));
    assert_eq!(story.dialed, ["127.0.0.1:2"]);
    story.greets();
    let opening = story.takes("user_join");
    assert_eq!(opening["token"], "token-of-aaaa");
    story.answers(&opening, session("alice", "aaaa"));
    let join = story.takes("join");
    assert_eq!(join["since"], json!({"n1-a": 6}));
    story.answers(&join, room("lobby", json!({"n1-a": 6}), false));
    let again = story.takes("send");
    assert_eq!(
        (&again["nonce"], &again["text"]),
        (&json!("one"), &json!("hello"))
    );
    story.answers(&again, sent("one", 700));
    assert!(story.was_told(|event| matches!(event, ClientEvent::Sent(sent) if sent.ts == Ts(700))));
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    assert!(
        !story.wrote("send"),
        "what was acknowledged is not sent again"
    );
}

#[test]
fn what_was_missed_is_paged_in_before_the_room_is_caught_up() {
    let mut story = Story::in_lobby();
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let join = story.takes("join");
    story.answers(&join, room("lobby", json!({"n1-a": 205}), true));
    // Live, far ahead of the pages: it must not become what the client resumes from.
    story.says(message("lobby", "n1-a", 900, 9_000));
    let page = story.takes("history");
    assert_eq!(page["since"], json!({"n1-a": 205}));
    assert!(!story.was_told(|event| matches!(event, ClientEvent::CaughtUp { .. })));
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    // The pages go on, but the room has to be joined on this connection first.
    let join = story.takes("join");
    assert_eq!(join["since"], json!({"n1-a": 205}));
    story.answers(&join, room("lobby", json!({"n1-a": 405}), true));
    let page = story.takes("history");
    story.answers(&page, history("lobby", json!({"n1-a": 900}), false));
    assert!(story.was_told(|event| matches!(event, ClientEvent::CaughtUp { .. })));
}

#[test]
fn a_node_that_says_there_is_more_and_gives_nothing_is_not_asked_without_a_pause() {
    let mut story = Story::in_lobby();
    story.says(json!({"type": "gap", "room": "lobby", "since": {"n1-a": 4}}));
    let page = story.takes("history");
    story.answers(&page, history("lobby", json!({"n1-a": 4}), true));
    assert!(!story.wrote("history"));
    story.passes(rooms::RETRY_JOIN_MS);
    assert_eq!(story.takes("history")["since"], json!({"n1-a": 4}));
}

#[test]
fn a_gap_is_filled_from_where_the_server_stopped() {
    let mut story = Story::in_lobby();
    story.says(json!({"type": "gap", "room": "lobby", "since": {"n1-a": 4}}));
    assert_eq!(story.takes("history")["since"], json!({"n1-a": 4}));
}

#[test]
fn direct_conversations_are_caught_up_without_joining_them() {
    let mut story = Story::in_lobby();
    story.says(message("@bob", "n2-b", 3, 300));
    assert!(
        !story.wrote("history"),
        "nothing was missed while it was there"
    );
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let page = story.takes("history");
    assert_eq!(page["room"], "@=bbbb");
    assert_eq!(page["since"], json!({"n1-a": 5, "n2-b": 3}));
    // One that began meanwhile is found in the list of rooms.
    let rooms = story.takes("rooms");
    let listed = json!({"room": "@eve", "topic": "", "total": 1, "private": true, "joined": false,
        "last": 5, "unread": 1});
    story.answers(&rooms, json!({"type": "rooms", "rooms": [listed]}));
    let page = story.takes("history");
    assert_eq!(
        (&page["room"], &page["since"]),
        (&json!("@eve"), &json!({"n1-a": 5}))
    );
}

#[test]
fn a_direct_conversation_that_is_opened_shows_its_newest_messages() {
    let mut story = Story::in_lobby();
    story.joins("@bob");
    assert!(!story.wrote("join"));
    let newest = story.takes("history");
    assert_eq!(
        (&newest["room"], &newest["since"]),
        (&json!("@bob"), &Value::Null)
    );
    story.answers(
        &newest,
        json!({"type": "history", "room": "@bob", "messages": [], "more": false}),
    );
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    assert_eq!(story.takes("history")["since"], json!({"n1-a": 5}));
}

#[test]
fn messages_go_one_by_one_and_one_that_must_wait_keeps_its_place() {
    let mut story = Story::in_lobby();
    story.sends("first", "one");
    story.sends("second", "two");
    let first = story.takes("send");
    assert!(!story.wrote("send"));
    let mut limited = error("rate_limited");
    limited["retry_after_ms"] = json!(300);
    story.answers(&first, limited);
    story.passes(299);
    assert!(!story.wrote("send"));
    story.passes(1);
    let first = story.takes("send");
    assert_eq!(first["nonce"], "one");
    story.answers(&first, sent("one", 10));
    let second = story.takes("send");
    assert_eq!(
        (&second["nonce"], &second["after"]),
        (&json!("two"), &json!(10))
    );
}

#[test]
fn a_node_that_cannot_store_is_left_for_another() {
    let mut story = Story::in_lobby();
    story.sends("hello", "one");
    for _ in 0..outbox::REFUSALS_MAX {
        let send = story.takes("send");
        story.answers(&send, error("unavailable"));
        story.passes(outbox::RETRY_WRITE_MS);
    }
    assert_eq!(story.dialed, ["127.0.0.1:2"]);
    // Whoever waits for it can say what the node said.
    assert!(
        story.was_told(|event| matches!(event, ClientEvent::PutOff { nonce, error }
        if nonce.as_str() == "one" && error.message == "no"))
    );
}

#[test]
fn a_message_that_is_refused_for_good_is_told_and_forgotten() {
    let mut story = Story::in_lobby();
    story.sends("hello", "one");
    let send = story.takes("send");
    story.answers(&send, error("not_in_room"));
    assert!(story.was_told(|event| matches!(event, ClientEvent::Failed { .. })));
    story.passes(2_000);
    assert!(!story.wrote("send"));
}

#[test]
fn a_silent_link_is_probed_after_3_s_and_given_up_3_s_later() {
    let mut story = Story::in_lobby();
    story.passes(SILENCE_MS - 1);
    assert!(!story.wrote("ping"));
    story.passes(1);
    let ping = story.takes("ping");
    story.answers(&ping, json!({"type": "pong", "time": 0}));
    story.passes(SILENCE_MS);
    story.takes("ping");
    story.passes(PROBE_TIMEOUT_MS - 1);
    assert_eq!(story.dialed, [""; 0]);
    story.passes(1);
    assert_eq!(story.dialed, ["127.0.0.1:2"]);
}

#[test]
fn a_silent_node_is_left_within_ten_seconds_even_if_the_next_one_is_silent_too() {
    let mut story = Story::new(&["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
    story.opens_session();
    let began_ms = story.now.ms;
    while story.dialed.last().unwrap() != "127.0.0.1:3" {
        story.passes(100);
    }
    story.opens_session();
    assert!(story.is_online());
    assert!(story.now.ms - began_ms <= 9_100);
}

#[test]
fn a_node_that_greets_and_opens_no_session_is_left() {
    let mut story = Story::new(&["127.0.0.1:1", "127.0.0.1:2"]);
    story.greets();
    story.passes(OPEN_TIMEOUT_MS - 1);
    assert_eq!(story.dialed, ["127.0.0.1:1"]);
    story.passes(1);
    assert_eq!(story.dialed, ["127.0.0.1:1", "127.0.0.1:2"]);
}

#[test]
fn changes_are_said_again_under_their_nonces_in_their_order_as_messages_are() {
    let mut story = Story::in_lobby();
    let writes = [
        json!({"type": "edit", "room": "lobby", "id": "aaaa.n", "text": "x", "nonce": "one"}),
        json!({"type": "react", "room": "lobby", "id": "aaaa.n", "emoji": "+", "on": true, "nonce": "two"}),
        json!({"type": "delete", "room": "lobby", "id": "aaaa.n", "nonce": "three"}),
    ];
    for line in &writes {
        let request = crate::protocol::decode::decode(&line.to_string()).unwrap();
        story.happens(Input::Command(Command::Write(request.frame)));
    }
    // The first one was on its way, so a node may have it.
    story.takes("edit");
    story.happens(Input::Lost("reset".to_owned()));
    story.opens_session();
    let join = story.takes("join");
    story.answers(&join, room("lobby", json!({"n1-a": 5}), false));
    for line in &writes {
        let again = story.takes(line["type"].as_str().unwrap());
        for field in ["id", "text", "emoji", "on", "nonce"] {
            assert_eq!(again[field], line[field], "{field} of {again}");
        }
        story.answers(
            &again,
            json!({"type": "ok", "ts": 9, "origin": "n2-b", "seq": 1}),
        );
    }
    let done = |event: &&ClientEvent| matches!(event, ClientEvent::Done { .. });
    assert_eq!(story.told.iter().filter(done).count(), 3);
}

#[test]
fn a_laptop_that_wakes_up_asks_at_once_whether_the_link_lives() {
    let mut story = Story::in_lobby();
    story.now.wall.0 += 3_600_000_000;
    story.passes(100);
    assert!(story.wrote("ping"));
    story.passes(WAKE_PROBE_TIMEOUT_MS);
    assert_eq!(story.dialed, ["127.0.0.1:2"]);
}

#[test]
fn a_name_that_is_taken_is_the_users_to_choose_again() {
    let mut story = Story::new(&["127.0.0.1:1"]);
    story.greets();
    let opening = story.takes("user_join");
    let mut taken = error("name_taken");
    taken["suggestion"] = json!("alice-2");
    story.answers(&opening, taken);
    assert!(story.was_told(
        |event| matches!(event, ClientEvent::NameRefused { error, .. }
        if error.suggestion.as_deref() == Some("alice-2"))
    ));
    story.passes(60_000);
    assert_eq!(story.dialed.len(), 1);
    let name = UserName::parse("alice-2").unwrap();
    story.happens(Input::Command(Command::Name(name)));
    story.greets();
    assert_eq!(story.takes("user_join")["name"], "alice-2");
}

#[test]
fn a_script_takes_the_name_that_is_suggested_and_a_refused_token_leads_back_to_the_name() {
    let mut story = Story::with(Options {
        nodes: vec!["127.0.0.1:1".to_owned()],
        name: UserName::parse("alice").unwrap(),
        token: Some("old".to_owned()),
        take_suggestion: true,
        admin: [("n1".to_owned(), "root".to_owned())].into(),
        stays_here: false,
    });
    story.greets();
    let opening = story.takes("user_join");
    assert_eq!(
        (&opening["token"], &opening["admin"]),
        (&json!("old"), &json!("root"))
    );
    story.answers(&opening, error("bad_token"));
    let opening = story.takes("user_join");
    assert_eq!(
        (&opening["name"], &opening["admin"]),
        (&json!("alice"), &json!("root"))
    );
    let mut taken = error("name_taken");
    taken["suggestion"] = json!("alice-2");
    story.answers(&opening, taken);
    assert_eq!(story.takes("user_join")["name"], "alice-2");
}

#[test]
fn a_node_that_has_another_administrators_token_is_joined_without_one() {
    let mut story = Story::with(Options {
        admin: [("n1".to_owned(), "of another n1".to_owned())].into(),
        ..alice(&["127.0.0.1:1"])
    });
    story.greets();
    let opening = story.takes("user_join");
    assert_eq!(opening["admin"], "of another n1");
    story.answers(&opening, error("forbidden"));
    let opening = story.takes("user_join");
    assert_eq!(
        (&opening["name"], &opening["admin"]),
        (&json!("alice"), &Value::Null)
    );
    // What is refused then is the user.
    story.answers(&opening, error("forbidden"));
    assert!(story.was_told(|event| matches!(event, ClientEvent::NameRefused { .. })));
}

#[test]
fn of_two_nodes_with_one_name_the_address_says_whose_administrators_token_is_shown() {
    let token = |key: &str, token: &str| (key.to_owned(), token.to_owned());
    let mut story = Story::with(Options {
        admin: [
            token("n1", "of some n1"),
            token("127.0.0.1:1 n1", "of this"),
        ]
        .into(),
        ..alice(&["127.0.0.1:1"])
    });
    story.greets();
    let opening = story.takes("user_join");
    assert_eq!(opening["admin"], "of this");
    story.answers(&opening, error("forbidden"));
    // Who refuses it is shown no other.
    assert_eq!(story.takes("user_join")["admin"], Value::Null);
}

#[test]
fn an_administrators_token_of_this_machine_is_shown_to_no_other_that_bears_the_nodes_name() {
    let mut story = Story::with(Options {
        admin: [("n1".to_owned(), "root".to_owned())].into(),
        ..alice(&["192.0.2.7:9001"])
    });
    story.greets();
    assert_eq!(story.takes("user_join")["admin"], Value::Null);
}

#[test]
fn another_user_says_nothing_that_the_former_one_has_written() {
    let mut story = Story::in_lobby();
    story.sends("first", "one");
    story.sends("second", "two");
    story.happens(Input::Lost("reset".to_owned()));
    story.greets();
    let opening = story.takes("user_join");
    story.answers(&opening, error("bad_token"));
    let opening = story.takes("user_join");
    story.written.clear();
    story.answers(&opening, session("alice", "cccc"));
    for lost in ["one", "two"] {
        assert!(story.was_told(
            |event| matches!(event, ClientEvent::Failed { nonce, .. } if nonce.as_str() == lost)
        ));
    }
    let join = story.takes("join");
    story.answers(&join, room("lobby", json!({"n1-a": 5}), false));
    assert!(!story.wrote("send"));
    story.sends("mine", "three");
    assert_eq!(story.takes("send")["nonce"], "three");
}

#[test]
fn who_is_thrown_out_does_not_come_back_by_itself() {
    let mut story = Story::in_lobby();
    story.says(json!({"type": "disconnect", "reason": "kicked", "message": "be nice"}));
    assert!(story.machine.is_closed());
    assert_eq!(
        story.told,
        [ClientEvent::Closed {
            reason: "be nice".to_owned()
        }]
    );
}

#[test]
fn a_node_that_takes_and_drops_connections_is_not_hammered() {
    let mut story = Story::new(&["127.0.0.1:1"]);
    let mut attempts = 0;
    for _ in 0..600 {
        if story.dialed.pop().is_some() {
            attempts += 1;
            story.opens_session();
            story.happens(Input::Lost("reset".to_owned()));
        }
        story.passes(100);
    }
    assert!(attempts < 30, "{attempts} attempts in a minute");
}

#[test]
fn questions_die_with_the_connection_and_are_told_to_have() {
    let mut story = Story::in_lobby();
    let who = ClientFrame::Who {
        room: RoomRef::parse("lobby").unwrap(),
    };
    story.happens(Input::Command(Command::Ask {
        re: 1,
        frame: who.clone(),
    }));
    story.takes("who");
    story.happens(Input::Lost("reset".to_owned()));
    story.happens(Input::Command(Command::Ask { re: 2, frame: who }));
    for re in [1, 2] {
        assert!(story.told.contains(&ClientEvent::Unanswered { re }));
    }
}

#[test]
fn the_other_nodes_are_learnt_from_the_first() {
    let mut story = Story::new(&["127.0.0.1:1"]);
    story.opens_session();
    let stats = story.takes("stats");
    story.answers(
        &stats,
        json!({"type": "stats", "node": "n1", "server": "chat/0", "uptime_s": 1, "nodes": [
        {"name": "n1", "address": "127.0.0.1:1", "up": true},
        {"name": "n2", "address": "127.0.0.1:2", "up": true}]}),
    );
    story.happens(Input::Lost("reset".to_owned()));
    assert_eq!(story.dialed, ["127.0.0.1:1", "127.0.0.1:2"]);
}
