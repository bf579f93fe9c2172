//! A node that means to steer the terminal, in every text that it can send: the real program runs against
//! it, and each byte that reaches its terminal is looked at.

mod payloads;
mod server;
mod strict;

use serde_json::{Value, json};

use self::payloads::Payload;
use self::server::{Answers, HERE, NOW, STEP, Server};
use self::strict::Strict;
use crate::tui_support::{Home, Terminal};

const F2: &str = "\x1bOQ";
const CTRL_K: &str = "\x0b";
const CTRL_U: &str = "\x15";
const ESC: &str = "\x1b";
const ALT_A: &str = "\x1ba";

/// What was written to the terminal since the last look has nothing foreign in it.
struct Watched {
    terminal: Terminal,
    strict: Strict,
    looked_at: usize,
}

impl Watched {
    fn start(server: &Server, screen: (u16, u16)) -> (Home, Watched) {
        let home = Home::new();
        let told = home.path().join("state/chat/nodes");
        std::fs::create_dir_all(&told).unwrap();
        // An administrator, so that the pane is shown.
        let data = home.path().join("n1");
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(data.join("admin-token"), "root").unwrap();
        let word = json!({"node": "n1", "data": data}).to_string();
        std::fs::write(told.join(server.addresses[0].to_string()), word).unwrap();
        let watched = Watched {
            terminal: Terminal::start(&home, "alice", &server.addresses, screen),
            strict: Strict::default(),
            looked_at: 0,
        };
        (home, watched)
    }

    fn look(&mut self, step: usize, payload: &Payload) {
        let new = &self.terminal.raw[self.looked_at..];
        let foreign = self.strict.take(new);
        self.looked_at = self.terminal.raw.len();
        assert!(
            foreign.is_empty(),
            "of payload {step}, {:?}: {foreign:?}\n{}",
            String::from_utf8_lossy(&payload.wire),
            self.terminal.screen()
        );
    }
}

/// A message of `from`, in `room`.
fn message(room: &str, number: &str, from: &str, text: &str) -> Value {
    json!({"type": "new_message", "room": room, "id": format!("bobby.{number}"), "from": from, "uid": "bobby",
        "ts": NOW, "origin": "n1-4f2a", "seq": 1, "text": text, "nonce": number})
}

/// Says the number of the step, when all before it has been taken.
fn mark(room: &str) -> Value {
    let mut mark = message(
        room,
        &format!("mark{STEP}"),
        "marker",
        &format!("step {STEP}."),
    );
    mark["id"] = json!(format!("marker.mark{STEP}"));
    mark["uid"] = json!("marker");
    mark
}

fn user(name: &str) -> Value {
    json!({"name": name, "uid": format!("user{STEP}"), "away": true})
}

fn session() -> Value {
    json!({"type": "session", "user": "alice", "uid": "alice", "guest": true, "role": "admin",
        "token": "t", "node": "n1"})
}

/// The answers of a node whose names, topics, texts and errors are all one payload.
fn answers(asked: &Value) -> Vec<Value> {
    let room = asked["room"].as_str().unwrap_or("lobby");
    let mut loud = message(room, "loud", HERE, HERE);
    loud["reactions"] = json!({HERE: [HERE, "bob"]});
    loud["reply_to"] = json!("bobby.other");
    let messages = json!([message(room, "other", HERE, HERE), loud]);
    match asked["type"].as_str().unwrap_or_default() {
        "user_join" => vec![session()],
        "join" => vec![
            json!({"type": "room", "room": room, "topic": HERE, "private": false, "total": 2,
            "users": [user(HERE)], "messages": [], "more": true, "since": {}, "read": {}}),
        ],
        "history" => {
            vec![json!({"type": "history", "room": room, "messages": messages, "more": false})]
        }
        "search" => {
            let hit = message(room, "hit", HERE, &format!("hit-{STEP} {HERE}"));
            vec![
                json!({"type": "results", "messages": [hit, messages[0], messages[1]], "more": false}),
            ]
        }
        "who" => vec![
            json!({"type": "user_list_update", "room": room, "total": 1, "users": [user(HERE)]}),
        ],
        "rooms" => vec![rooms()],
        "ping" => vec![json!({"type": "pong", "time": 0})],
        "stats" => vec![stats()],
        "send" | "edit" | "delete" | "react" | "topic" => vec![error()],
        "typing" | "quit" => Vec::new(),
        _ => vec![json!({"type": "ok"})],
    }
}

fn error() -> Value {
    json!({"type": "error", "code": "forbidden", "message": HERE, "suggestion": HERE})
}

fn rooms() -> Value {
    let room = |name: &str| {
        json!({"room": name, "topic": HERE, "total": 1, "private": false, "joined": false,
            "last": 0, "unread": 7})
    };
    json!({"type": "rooms", "rooms": [room(HERE), room(&format!("@{HERE}")), room(&format!("step-{STEP}"))]})
}

/// Everything that a room can tell.
fn everything() -> Vec<Value> {
    let lobby = "lobby";
    let mut loud = message(lobby, &format!("loud{STEP}"), HERE, HERE);
    loud["reactions"] = json!({HERE: [HERE, "bob"]});
    loud["reply_to"] = json!(format!("bobby.loud{STEP}"));
    loud["edited"] = json!(1);
    loud["late"] = json!(true);
    let mut long = message(lobby, &format!("long{STEP}"), "bob", "");
    long["text"] = json!(format!(
        "words before {HERE} and a ```code {HERE}\n{HERE}``` **{HERE}** behind"
    ));
    vec![
        loud,
        long,
        json!({"type": "message_update", "room": lobby, "id": format!("bobby.long{STEP}"), "ts": 2,
            "origin": "n1-4f2a", "seq": 2, "reactions": {HERE: [HERE]}}),
        json!({"type": "topic", "room": lobby, "topic": HERE, "user": HERE, "ts": 1,
            "origin": format!("n1-{STEP}"), "seq": 1}),
        json!({"type": "user_join", "room": lobby, "user": user(HERE), "total": 2}),
        json!({"type": "typing", "room": lobby, "user": HERE, "uid": "bobby", "on": true}),
        json!({"type": "away", "room": lobby, "user": HERE, "uid": "bobby", "on": true}),
        json!({"type": "renamed", "uid": format!("user{STEP}"), "from": HERE, "to": format!("{HERE}2")}),
        json!({"type": "user_leave", "room": lobby, "user": HERE, "uid": "carol", "reason": HERE, "total": 2}),
        error(),
    ]
}

fn stats() -> Value {
    let quantiles = json!({"p50": u64::MAX, "p99": 1});
    let figures = json!({"node": HERE, "uptime_s": 70_000, "sessions": 1, "connections": 1, "rooms": 1,
        "messages_per_s": 1.0, "deliveries_per_s": 1e300, "commit_us": quantiles,
        "delivery_us": quantiles, "store_queue": 1, "slow_readers": 1, "memory_bytes": u64::MAX,
        "cpu_ms": 1, "store_bytes": 1, "events": 1, "links_refused": 1, "datagrams_refused": 1,
        "alarms": [HERE, format!("{HERE} again")], "server": HERE, "messages": 1, "deliveries": 1,
        "late": 1, "merged": 1, "refused": 1, "throttled": 1, "faults": 1, "replays": 1, "gaps": 1,
        "commits_failed": 1,
        "peers": [{"name": HERE, "address": HERE, "up": true, "rtt_us": 1, "lag_events": 1,
            "clock_offset_us": 1, "heard": false, "server": HERE, "started": 1, "queued": 1}],
        "top_rooms": [{"room": HERE, "messages": 1, "users": 1}, {"room": format!("@{HERE}"),
            "messages": 1, "users": 1}]});
    json!({"type": "stats", "node": HERE, "server": HERE, "uptime_s": 70_000,
        "nodes": [{"name": HERE, "address": HERE, "up": true},
            {"name": format!("{HERE}2"), "address": HERE, "up": false, "down_s": 1_000_000},
            {"name": format!("step-{STEP}"), "address": "127.0.0.1:1", "up": true}],
        "figures": [figures]})
}

/// Runs through all payloads, a quarter of them in each of four terminals, whose time goes by in waiting:
/// what `act` does ends with the number of the step on the screen.
fn run(
    answers: Answers,
    screen: (u16, u16),
    begin: &str,
    act: impl Fn(usize, &Server, &mut Terminal) + Sync,
) {
    let payloads = payloads::all();
    let quarter = |payloads: &[Payload]| {
        let server = Server::start(answers);
        server.turn(0, &payloads[0]);
        let (_home, mut watched) = Watched::start(&server, screen);
        watched.terminal.shows(begin);
        for (step, payload) in payloads.iter().enumerate() {
            server.turn(step, payload);
            act(step, &server, &mut watched.terminal);
            watched.look(step, payload);
        }
    };
    std::thread::scope(|scope| {
        for some in payloads.chunks(payloads.len().div_ceil(4)) {
            scope.spawn(|| quarter(some));
        }
    });
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_a_room() {
    let at = (100, 30);
    run(answers, at, "connected to n1", |step, server, alice| {
        let mut frames = everything();
        frames.push(mark("lobby"));
        server.push(&frames);
        alice.shows(&format!("step {step}."));
        // Commands whose answers are shown, and a message that is refused.
        if step % 50 == 7 {
            for line in ["/rooms", "/who", "refused", "/discard"] {
                alice.say(line);
                alice.settles();
            }
        }
    });
}

/// The same node, which lists no rooms: nothing is unread but what has just been said, and a key that is
/// pressed once too often leads nowhere else.
fn lists_none(asked: &Value) -> Vec<Value> {
    match asked["type"].as_str() {
        Some("rooms") => vec![json!({"type": "rooms", "rooms": []})],
        _ => answers(asked),
    }
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_conversations_titles_and_notifications() {
    let at = (80, 24);
    run(lists_none, at, "connected to n1", |step, server, alice| {
        // What is no JSON begins no conversation.
        if server.is_valid() {
            let room = format!("@x{HERE}{STEP}");
            let mut said = [message(&room, &format!("d{STEP}"), HERE, HERE), mark(&room)];
            // A conversation is with one user.
            for (message, number) in said.iter_mut().zip(["d", "mark"]) {
                message["uid"] = json!(format!("user{STEP}"));
                message["id"] = json!(format!("user{STEP}.{number}{STEP}"));
            }
            server.push(&said);
            alice.press_until(ALT_A, &format!("step {step}."));
        }
    });
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_the_switcher() {
    let at = (80, 24);
    run(answers, at, "connected to n1", |step, server, alice| {
        alice.press(CTRL_K);
        alice.shows("go to");
        // What is no JSON is no list of rooms.
        if server.is_valid() {
            alice.press("step-");
            alice.shows(&format!("step-{step} "));
            alice.press(CTRL_U);
            alice.waits("an empty line", |screen| !screen.contains("› step-"));
        }
        alice.press(ESC);
        alice.waits("the chat", |screen| !screen.contains("go to"));
    });
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_the_monitoring_pane() {
    let at = (120, 40);
    run(answers, at, "connected to n1", |step, server, alice| {
        if step == 0 {
            alice.press(F2);
            alice.shows("monitor");
        }
        server.push(&[stats()]);
        // What is no JSON is no update.
        if server.is_valid() {
            alice.shows(&format!("step-{step} "));
        }
        // All of a node, of a room, and back.
        if step % 25 == 3 {
            for keys in ["\r", ESC, "\t", "\r", ESC, "\t", "\t", "\t"] {
                alice.press(keys);
                alice.settles();
            }
        }
    });
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_what_is_found() {
    let at = (80, 24);
    run(answers, at, "connected to n1", |step, server, alice| {
        alice.say(&format!("/search hit {step}"));
        // What is no JSON is no answer.
        if server.is_valid() {
            alice.shows(&format!("hit-{step} "));
        }
        alice.press(ESC);
        alice.waits("the chat", |screen| !screen.contains("search"));
    });
}

/// A node whose name is the payload too. Whoever comes in finds the number of the step.
fn named(asked: &Value) -> Vec<Value> {
    let mut all = answers(asked);
    for answer in &mut all {
        if answer["type"] == "session" {
            answer["node"] = json!(HERE);
            answer["token"] = json!(HERE);
        } else if answer["type"] == "room" {
            answer["messages"] = json!([mark("lobby")]);
            answer["more"] = json!(false);
        }
    }
    all
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_nodes_names_and_last_words() {
    let mut payloads = payloads::all();
    payloads.retain(|payload| payload.valid);
    // Each costs a connection, and the time goes by in waiting.
    std::thread::scope(|scope| {
        for some in payloads.chunks(payloads.len().div_ceil(8)) {
            scope.spawn(|| moves_from_name_to_name(some));
        }
    });
}

fn moves_from_name_to_name(payloads: &[Payload]) {
    // A client goes round all addresses before it pauses.
    let server = Server::start_at(31, HERE, named);
    server.turn(0, &payloads[0]);
    let (_home, mut watched) = Watched::start(&server, (100, 30));
    watched.terminal.shows("step 0.");
    for step in 1..=payloads.len() {
        let payload = &payloads[step % payloads.len()];
        server.turn(step, payload);
        server
            .hang_up(&[json!({"type": "disconnect", "reason": "shutting_down", "message": HERE})]);
        watched.terminal.shows(&format!("step {step}."));
        watched.look(step, payload);
    }
}

/// A node that lets nobody in, and says why.
fn refuses(asked: &Value) -> Vec<Value> {
    match asked["type"].as_str().unwrap_or_default() {
        "user_join" => vec![
            json!({"type": "error", "code": "name_taken", "message": format!("no {STEP}. {HERE}"),
                "suggestion": HERE}),
        ],
        _ => Vec::new(),
    }
}

#[test]
fn nothing_foreign_reaches_the_terminal_from_a_node_that_lets_nobody_in() {
    let payloads = payloads::all();
    let valid: Vec<&Payload> = payloads.iter().filter(|payload| payload.valid).collect();
    let server = Server::start(refuses);
    server.turn(0, valid[0]);
    let (_home, mut watched) = Watched::start(&server, (80, 24));
    for (step, payload) in valid.iter().enumerate() {
        watched.terminal.shows(&format!("no {step}."));
        watched.look(step, payload);
        if let Some(next) = valid.get(step + 1) {
            server.turn(step + 1, next);
            watched.terminal.press(CTRL_U);
            watched.terminal.press(&format!("alice{step}\r"));
        }
    }
}
