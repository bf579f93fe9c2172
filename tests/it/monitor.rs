//! The monitoring pane of the built programs: on a terminal, as text and as JSON.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::programs::{DEADLINE, Running, Space};
use crate::tui_support::{Home, Terminal};

const F2: &str = "\x1bOQ";

/// Two nodes whose administrator's tokens lie where the person's own nodes have theirs.
fn two_own_nodes(space: &Space) -> (Running, Running) {
    let one = space.node("n1", &[]);
    let two = space.node("n2", &["--join", &one.peer()]);
    for node in ["n1", "n2"] {
        let folder = space.path(".local/share/chat").join(node);
        std::fs::create_dir_all(&folder).unwrap();
        let token = space.path(node).join("admin-token");
        std::fs::copy(token, folder.join("admin-token")).unwrap();
    }
    (one, two)
}

fn state_of<'a>(update: &'a Value, node: &str) -> Option<&'a str> {
    let nodes = update["nodes"].as_array()?;
    nodes.iter().find(|n| n["node"] == node)?["state"].as_str()
}

#[test]
fn the_figures_are_printed_once_and_a_killed_node_is_down() {
    let space = Space::new();
    let (one, two) = two_own_nodes(&space);
    let nodes = format!("{},{}", one.address(), two.address());
    let ask = ["--node", &nodes, "--monitor", "--once"];
    let until = |state: &str| {
        let end = Instant::now() + DEADLINE;
        loop {
            let out = space
                .run("chat-tui", &[&ask[..], &["--json"]].concat())
                .well();
            assert_eq!(out.lines().count(), 1);
            let update: Value = serde_json::from_str(&out).unwrap();
            if state_of(&update, "n2") == Some(state) {
                return update;
            }
            assert!(Instant::now() < end, "{update}");
        }
    };
    let update = until("up");
    assert_eq!(state_of(&update, "n1"), Some("up"));
    assert!(update["nodes"][0]["cpu_percent"].is_number(), "{update}");
    assert_eq!(update["nodes"][1]["figures"]["peers"][0]["name"], "n1");
    let text = space.run("chat-tui", &ask).well();
    for words in ["NODE", "n1", "n2", "n1 → n2", "MSG/S"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    two.kill();
    let update = until("down");
    assert_eq!(update["alarms"][0]["node"], "n2");
    let text = space.run("chat-tui", &ask).well();
    assert!(text.contains("n2    down since "), "{text}");
}

#[test]
fn who_is_no_administrator_gets_one_clear_line() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    // Somebody else than who runs the node.
    let space = Space::new();
    let ended = space.run("chat-tui", &["--node", &address, "--monitor", "--once"]);
    ended.complains(1, &["n1", "administrators"]);
    let ended = space.run("chat-tui", &["--node", &address, "--monitor"]);
    ended.complains(1, &["--once", "--json"]);
    let ended = space.run("chat-tui", &["--once"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let nobody = ["--node", "127.0.0.1:1", "--monitor", "--once"];
    space
        .run("chat-tui", &nobody)
        .complains(1, &["127.0.0.1:1"]);
}

#[test]
fn the_pane_shows_a_node_that_is_killed_and_the_chat_is_a_key_away() {
    let space = Space::new();
    let (one, two) = two_own_nodes(&space);
    let home = Home::new();
    let own = home.path().join("data/chat");
    for node in ["n1", "n2"] {
        std::fs::create_dir_all(own.join(node)).unwrap();
        let token = space.path(node).join("admin-token");
        std::fs::copy(token, own.join(node).join("admin-token")).unwrap();
    }
    let nodes = [&one, &two].map(|node| node.address().parse().unwrap());
    let mut terminal = Terminal::start(&home, "alice", &nodes, (80, 24));
    terminal.shows("connected to n1");
    terminal.press(F2);
    terminal.shows("2 up");
    terminal.press("\r");
    terminal.shows("processor");
    terminal.press("\x1b");
    terminal.shows("EVENTS");
    // The one that tells is killed: the other tells on.
    one.kill();
    terminal.shows("1 DOWN");
    terminal.shows("n1 lost");
    terminal.shows("connected to n2");
    terminal.press(F2);
    terminal.shows("#lobby");
    terminal.press("still here\r");
    terminal.shows("still here ✓");
}

/// A node that takes everybody for an administrator and answers `stats` with these, the last of them again
/// and again. How often it was asked is in the second.
fn node_that_answers(answers: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer(stream, answers, &counter));
        }
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, answers: &[&str], asked: &AtomicUsize) -> Option<()> {
    let connect = json!({"type": "connect", "protocol": 1, "server": "chat/0", "node": "n1", "time": 0,
        "limits": {"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200}});
    writeln!(stream, "{connect}").ok()?;
    let lines = BufReader::new(stream.try_clone().ok()?).lines();
    for line in lines.map_while(Result::ok) {
        let request: Value = serde_json::from_str(&line).ok()?;
        let mut answer = match request["type"].as_str()? {
            "user_join" => json!({"type": "session", "user": "alice", "uid": "aaaa",
                "guest": true, "role": "admin", "token": "t", "node": "n1"}),
            "stats" if request["every"] == 1_000 => {
                let at = asked.fetch_add(1, Ordering::SeqCst);
                let answer = answers[at.min(answers.len() - 1)];
                if answer == FIGURES {
                    // Update by update, as it was asked.
                    writeln!(stream, "{FIGURES}").ok()?;
                }
                serde_json::from_str(answer).ok()?
            }
            "quit" => return None,
            _ => continue,
        };
        answer["re"] = request["re"].clone();
        writeln!(stream, "{answer}").ok()?;
    }
    None
}

const FIGURES: &str = r#"{"type":"stats","node":"n1","server":"chat/0","uptime_s":5,"nodes":[]}"#;

const FORBIDDEN: &str = r#"{"type":"error","code":"forbidden","message":"not for you"}"#;

const LIMITED: &str =
    r#"{"type":"error","code":"rate_limited","message":"too many questions","retry_after_ms":1}"#;

#[test]
fn a_node_that_will_give_no_figures_ends_it_with_what_the_node_says() {
    let space = Space::new();
    for how in ["--once", "--json"] {
        let (address, asked) = node_that_answers(&[FORBIDDEN]);
        let ended = space.run("chat-tui", &["--node", &address, "--monitor", how]);
        ended.complains(1, &["n1", "not for you"]);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_node_that_gives_no_figures_for_now_is_asked_again_a_second_later() {
    let space = Space::new();
    let (address, asked) = node_that_answers(&[LIMITED, LIMITED, FIGURES]);
    let begun = Instant::now();
    let ended = space.run(
        "chat-tui",
        &["--node", &address, "--monitor", "--once", "--json"],
    );
    let update: Value = serde_json::from_str(&ended.well()).unwrap();
    assert_eq!(update["asked"], "n1");
    assert!(begun.elapsed() > Duration::from_secs(2));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[test]
fn who_waits_for_figures_in_vain_is_told_why() {
    let space = Space::new();
    let (address, asked) = node_that_answers(&[LIMITED]);
    let ended = space.run("chat-tui", &["--node", &address, "--monitor", "--once"]);
    ended.complains(1, &["no figures in time", "n1: too many questions"]);
    let asked = asked.load(Ordering::SeqCst);
    assert!((5..=16).contains(&asked), "asked {asked} times in 15 s");
}
