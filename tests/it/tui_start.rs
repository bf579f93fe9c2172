//! The first minute with the terminal client: where it connects, what it asks for, where it keeps what it
//! keeps.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::programs::{Running, Space, text};
use crate::support::TestNode;
use crate::tui_support::{Home, Terminal};

const SCREEN: (u16, u16) = (80, 24);
const F2: &str = "\x1bOQ";

/// A node of the person whose home this is, on any port, with its data where she wants it.
fn own_node(space: &Space, home: &Home, name: &str) -> Running {
    own_node_with(space, home, name, &[])
}

fn own_node_with(space: &Space, home: &Home, name: &str, more: &[&str]) -> Running {
    let data = home.path().join("elsewhere").join(name);
    let mut command = space.command(
        "chat-node",
        &[
            "--name",
            name,
            "--listen",
            "127.0.0.1:0",
            "--peer",
            "127.0.0.1:0",
            "--data",
            text(&data),
            "--ready-fd",
            "1",
        ],
    );
    command.args(more);
    command.env("HOME", home.path());
    for kind in ["CONFIG", "STATE", "DATA"] {
        let folder = home.path().join(kind.to_lowercase());
        command.env(format!("XDG_{kind}_HOME"), folder);
    }
    Running::new(&mut command)
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    entries
        .flat_map(|entry| below(entry.unwrap().path()))
        .collect()
}

/// Whether nobody listens on the ports of `chat up`, as somebody does on a machine where it is used.
fn usual_ports_are_free() -> bool {
    let nobody = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_err();
    [9001, 9002].into_iter().all(nobody)
}

#[test]
fn without_arguments_it_finds_this_machines_node_and_its_administrators_token() {
    if !usual_ports_are_free() {
        eprintln!("a chat runs here: it is found first, and left alone");
        return;
    }
    let (space, home) = (Space::new(), Home::new());
    let node = own_node(&space, &home, "n7");
    let user = [("USER", "alice")];
    let mut alice = Terminal::run(&home, &[], SCREEN, &user);
    alice.shows("connected to n7");
    alice.shows("· alice");
    // Its data is in no usual place, and its token is found all the same.
    alice.press(F2);
    alice.shows("1 up");
    alice.press("\x11");
    assert!(alice.ends().success());
    // Stopped in order it takes its word back.
    let told = home.path().join("state/chat/nodes");
    assert_eq!(files(&told).len(), 1);
    assert!(node.stop().success());
    assert_eq!(files(&told).len(), 0);
}

#[test]
fn who_reaches_nobody_is_asked_for_an_address_which_is_tried_and_kept() {
    if !usual_ports_are_free() {
        return;
    }
    let (space, home) = (Space::new(), Home::new());
    let user = [("USER", "alice")];
    let mut alice = Terminal::run(&home, &[], (100, 24), &user);
    alice.shows("no node answers at 127.0.0.1:9001, 127.0.0.1:9002: connection refused");
    alice.shows("Start one here with `chat up` in another terminal, or say where there is one.");
    alice.shows("Address (host:port), or Enter to go on trying:");
    assert!(!alice.parser().alternate_screen());
    alice.press("no address at all\n");
    alice.shows("the host is missing");
    alice.press("nowhere.invalid\n");
    alice.shows("no node answers at nowhere.invalid:9001: there is no such host");
    alice.shows("or Enter to go on trying nowhere.invalid:9001:");
    let other = space.node("n3", &[]);
    alice.press(&format!("{}\n", other.address()));
    alice.shows("connected to n3");
    alice.press("\x11");
    assert!(alice.ends().success());
    // The next start knows it.
    let mut alice = Terminal::run(&home, &[], SCREEN, &user);
    alice.shows("connected to n3");
}

#[test]
fn who_waits_finds_the_node_that_is_started_later_wherever_it_listens() {
    if !usual_ports_are_free() {
        return;
    }
    let (space, home) = (Space::new(), Home::new());
    let mut alice = Terminal::run(&home, &[], (100, 24), &[("USER", "alice")]);
    alice.shows("or Enter to go on trying:");
    alice.press("\n");
    alice.shows("no node answers: connection refused");
    let node = own_node(&space, &home, "n7");
    alice.shows("connected to n7");
    // It was started after the client, and so its administrator's token was made.
    alice.press(F2);
    alice.shows("1 up");
    alice.press(F2);
    alice.say("hello");
    alice.shows("hello ✓");
    assert!(node.stop().success());
    alice.shows("connection lost");
    // Another node of this machine, of another system: nobody knows alice there.
    let secret = home.path().join("another secret");
    std::fs::write(&secret, "another ".repeat(8)).unwrap();
    let _other = own_node_with(&space, &home, "n8", &["--secret-file", text(&secret)]);
    alice.shows("next attempt in 2 s");
    // The same one on another port.
    let node = own_node(&space, &home, "n7");
    alice.shows("connected to n7");
    alice.say("again");
    alice.shows("again ✓");
    // One of the same cluster that she has never heard of.
    assert!(node.stop().success());
    alice.shows("connection lost");
    let _next = own_node(&space, &home, "n9");
    alice.shows("connected to n9");
    alice.say("and again");
    alice.shows("and again ✓");
    let raw = String::from_utf8_lossy(&alice.raw).into_owned();
    assert!(!raw.contains("n8"), "{}", alice.screen());
}

#[test]
fn who_named_a_node_is_taken_to_no_other() {
    let (space, home) = (Space::new(), Home::new());
    let _node = own_node(&space, &home, "n7");
    let arguments = words("--name alice --node 127.0.0.1:1");
    let mut alice = Terminal::run(&home, &arguments, SCREEN, &[]);
    alice.shows("or Enter to go on trying:");
    alice.press("\n");
    alice.shows("next attempt in 2 s");
    assert!(
        !alice.screen().contains("connected to"),
        "{}",
        alice.screen()
    );
}

#[test]
fn who_named_a_node_that_is_not_there_may_wait_for_it_or_leave() {
    let home = Home::new();
    let arguments = words("--name alice 127.0.0.1:1");
    let mut alice = Terminal::run(&home, &arguments, SCREEN, &[]);
    alice.shows("no node answers at 127.0.0.1:1: connection refused");
    alice.press("\x04");
    let status = alice.ends();
    assert_eq!(status.exit_code(), 1);
    assert!(
        alice.screen().contains("chat-tui: no node answers"),
        "{}",
        alice.screen()
    );
    let mut alice = Terminal::run(&home, &arguments, SCREEN, &[]);
    alice.shows("Check the address, and that a node is running there");
    alice.shows("or Enter to go on trying:");
    alice.press("\n");
    alice.shows("no node answers: connection refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_listens_there_and_is_no_node_is_told_of_in_one_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Write;
        for mut stream in other.incoming().map_while(Result::ok) {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2 \x1b[31m\r\n");
        }
    });
    let home = Home::new();
    let arguments = words(&format!("--name alice --node {address}"));
    let mut alice = Terminal::run(&home, &arguments, SCREEN, &[]);
    alice.shows(&format!("{address}: what listens there is not a chat node"));
    // Who has been here before is not asked, but told on the screen.
    let node = TestNode::start().await;
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], SCREEN);
    alice.shows("connected to n1");
    alice.press("\x11");
    assert!(alice.ends().success());
    let mut alice = Terminal::run(&home, &arguments, SCREEN, &[]);
    alice.shows("no node answers: what listens there is not a chat node");
    node.stop().await;
}

#[test]
fn a_person_without_a_name_is_asked_for_one() {
    let (space, home) = (Space::new(), Home::new());
    let node = space.node("n1", &[]);
    let arguments = words(&format!("--node {}", node.address()));
    // No login name makes one, and whoever runs this has one in the password database.
    let user = [("USER", "$$"), ("LOGNAME", "$$")];
    let mut nobody = Terminal::run(&home, &arguments, SCREEN, &user);
    nobody.waits("a name or a question", |screen| {
        screen.contains("Your name:") || screen.contains("connected to n1")
    });
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let space = Space::new();
    let ended = space.run("chat-tui", &[]);
    ended.complains(1, &["needs a terminal", "chat send"]);
    let ended = space.run(
        "chat-tui",
        &["--node", "127.0.0.1:1", "--monitor", "--once"],
    );
    ended.complains(
        1,
        &["127.0.0.1:1", "connection refused", "chat up", "--node"],
    );
    let ended = space.run("chat-tui", &["--node", "nowhere"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("an address is host:port"), "{ended:?}");
}

#[test]
fn its_help_fits_a_screen() {
    let help = Space::new().run("chat-tui", &["--help"]).well();
    let lines: Vec<&str> = help.lines().collect();
    assert!(lines.len() <= 23, "{help}");
    for line in lines {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for word in ["--node", "--monitor", "CHAT_TUI_NAME", "[tui]", "F1"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[test]
fn settings_and_state_are_where_the_xdg_variables_say_and_nowhere_else() {
    let (space, home) = (Space::new(), Home::new());
    let node = own_node(&space, &home, "n1");
    let config = home.path().join("config/chat");
    std::fs::create_dir_all(&config).unwrap();
    let settings = format!(
        "[tui]\nname = \"zoe\"\nnode = \"{}\"\nroom = [\"ops\"]\n",
        node.address()
    );
    std::fs::write(config.join("config.toml"), settings).unwrap();
    let mut zoe = Terminal::run(&home, &[], SCREEN, &[]);
    zoe.shows("connected to n1");
    zoe.shows("· zoe");
    zoe.shows("│#ops");
    zoe.say("hello");
    zoe.shows("hello ✓");
    zoe.say("/join den");
    zoe.shows("│#den");
    zoe.say("/quiet 22:00-07:00");
    zoe.shows("22:00");
    zoe.press("\x11");
    assert!(zoe.ends().success());
    let state = home.path().join("state/chat");
    for kept in ["tokens/zoe", "rooms/zoe", "quiet/zoe"] {
        assert!(
            state.join(kept).is_file(),
            "{kept}: {:?}",
            files(home.path())
        );
    }
    let elsewhere = ["config", "state", "data", "elsewhere"].map(|name| home.path().join(name));
    for file in files(home.path()) {
        assert!(
            elsewhere.iter().any(|folder| file.starts_with(folder)),
            "{file:?}"
        );
    }
    assert_eq!(files(&config).len(), 1, "settings are the person's");
    // `chat send` is the same user.
    let mut send = space.command(
        "chat",
        &[
            "send",
            "--name",
            "zoe",
            "--node",
            &node.address(),
            "--room",
            "ops",
            "again",
        ],
    );
    send.env("XDG_STATE_HOME", home.path().join("state"));
    assert!(send.output().unwrap().status.success());
    let mut tail = space.command(
        "chat",
        &[
            "tail",
            "--name",
            "zoe",
            "--node",
            &node.address(),
            "--room",
            "ops",
            "--json",
        ],
    );
    tail.env("XDG_STATE_HOME", home.path().join("state"));
    let lines = String::from_utf8(tail.output().unwrap().stdout).unwrap();
    let uids: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["uid"].clone())
        .collect();
    assert_eq!(uids.len(), 2, "{lines}");
    assert_eq!(uids[0], uids[1]);
}
