//! The monitoring pane of the built programs: on a terminal, as text and as JSON.

use std::time::Instant;

use serde_json::Value;

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
