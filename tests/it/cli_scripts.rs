//! The scripts' commands: send, tail, status.

use std::net::TcpListener;

use serde_json::Value;

use crate::programs::{DEADLINE, Running, Space, text};

fn send(space: &Space, node: &str, what: &str) {
    space
        .run("chat", &["send", "--node", node, "--room", "ops", what])
        .well();
}

fn texts(lines: &str) -> Vec<String> {
    let text = |line: &str| {
        let message: Value = serde_json::from_str(line).unwrap();
        message["text"].as_str().unwrap().to_owned()
    };
    lines.lines().map(text).collect()
}

#[test]
fn what_comes_from_a_pipe_is_one_message_and_can_be_read_by_a_program() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    let table = "Filesystem  Size\n/dev/vda    252G\n\ttmpfs \u{1b}[31m12G\n";
    let arguments = ["send", "--node", &address, "--room", "ops", "-"];
    let sent = space.run_with("chat", &arguments, table);
    assert_eq!(
        (sent.code, sent.out.as_str(), sent.err.as_str()),
        (Some(0), "", "")
    );
    let tail = ["tail", "--node", &address, "--room", "ops"];
    let json = space.run("chat", &[&tail[..], &["--json"]].concat()).well();
    assert_eq!(texts(&json), [table.trim_end()]);
    let shown = space.run("chat", &tail).well();
    assert!(
        !shown.contains('\u{1b}') && shown.contains("alice: Filesystem"),
        "{shown}"
    );
    assert_eq!(shown.lines().count(), 3);
}

#[test]
fn a_text_too_long_for_one_message_becomes_several_in_order() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    let lines: Vec<String> = (0..1000).map(|number| format!("line {number}")).collect();
    let input = lines.join("\n");
    space
        .run_with(
            "chat",
            &["send", "--node", &address, "--room", "ops"],
            &input,
        )
        .well();
    let tail = space
        .run(
            "chat",
            &["tail", "--node", &address, "--room", "ops", "--json"],
        )
        .well();
    let parts = texts(&tail);
    assert!(parts.len() > 1);
    assert_eq!(parts.join("\n"), input);
    let empty = space.run_with(
        "chat",
        &["send", "--node", &address, "--room", "ops"],
        "\n \n",
    );
    empty.complains(1, &["nothing to send"]);
}

#[test]
fn tail_prints_the_last_ones_of_a_long_room_in_order_and_ends() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    // Each line too long to share a message with another: 250 messages in one call.
    let input: Vec<String> = (0..90)
        .map(|number| format!("{number:03} {}", "x".repeat(3000)))
        .collect();
    for part in 0..3 {
        let input: Vec<String> = input.iter().map(|line| format!("{part}{line}")).collect();
        let arguments = ["send", "--node", &address, "--room", "ops"];
        space.run_with("chat", &arguments, &input.join("\n")).well();
    }
    let last = |count: &str| {
        let tail = [
            "tail", "--node", &address, "--room", "ops", "--json", "-n", count,
        ];
        let texts = texts(&space.run("chat", &tail).well());
        texts
            .iter()
            .map(|text| text[..4].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(last("2"), ["2088", "2089"]);
    let all: Vec<String> = (0..270)
        .map(|at| format!("{}{:03}", at / 90, at % 90))
        .collect();
    assert_eq!(last("251"), all[270 - 251..]);
    assert_eq!(last("1000"), all);
}

#[test]
fn a_room_that_does_not_exist_is_said_to_and_not_made() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    let tail = ["tail", "--node", &address, "--room", "opps"];
    space.run("chat", &tail).complains(1, &["opps"]);
    space.run("chat", &tail).complains(1, &["opps"]);
}

#[test]
fn following_goes_on_when_the_node_is_killed_and_comes_back_and_prints_everything_once() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    send(&space, &address, "one");
    let follow = [
        "tail", "--node", &address, "--room", "ops", "--json", "--follow",
    ];
    let mut tail = space.start("chat", &follow);
    send(&space, &address, "two");
    let mut printed = vec![tail.line().unwrap()];
    node.kill();
    let data = space.path("n1");
    let back = [
        "--name",
        "n1",
        "--listen",
        &address,
        "--peer",
        "127.0.0.1:0",
        "--data",
        text(&data),
    ];
    let node = space.start("chat-node", &back);
    send(&space, &address, "three");
    printed.extend([tail.line().unwrap()]);
    assert_eq!(texts(&printed.join("\n")), ["two", "three"]);
    tail.signal("-INT");
    assert_eq!(tail.wait().code(), Some(0));
    assert_eq!(tail.line(), None, "nothing is printed twice");
    assert_eq!(node.stop().code(), Some(0));
}

#[test]
fn following_moves_to_another_node_and_misses_nothing() {
    let space = Space::new();
    let one = space.node("n1", &[]);
    let two = space.node("n2", &["--join", &one.peer()]);
    send(&space, &one.address(), "one");
    let nodes = format!("{},{}", one.address(), two.address());
    let follow = [
        "tail", "--node", &nodes, "--room", "ops", "--json", "--follow",
    ];
    let mut tail = space.start("chat", &follow);
    send(&space, &two.address(), "two");
    let mut printed = vec![tail.line().unwrap()];
    one.kill();
    send(&space, &two.address(), "three");
    printed.push(tail.line().unwrap());
    assert_eq!(texts(&printed.join("\n")), ["two", "three"]);
}

#[test]
fn a_reader_that_goes_away_ends_tail_quietly() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    send(&space, &address, "one");
    let tail = ["tail", "--node", &address, "--room", "ops", "--follow"];
    let mut child = space.command("chat", &tail).spawn().unwrap();
    {
        use std::io::{BufRead, BufReader};
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("alice: one"), "{line}");
    }
    send(&space, &address, "two");
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_message_to_a_person_is_read_in_the_conversation_with_the_sender() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let address = node.address();
    let bob = ["--node", &address, "--name", "bob"];
    space
        .run(
            "chat",
            &[&["send", "--room", "ops"], &bob[..], &["hello"]].concat(),
        )
        .well();
    space
        .run(
            "chat",
            &["send", "--node", &address, "--room", "@bob", "psst"],
        )
        .well();
    let tail = [&["tail", "--room", "@alice"], &bob[..]].concat();
    let shown = space.run("chat", &tail).well();
    assert!(shown.contains("alice: psst"), "{shown}");
}

#[test]
fn another_person_with_the_same_name_is_given_a_free_one_and_told() {
    let (alice, other) = (Space::new(), Space::new());
    let node = alice.node("n1", &[]);
    let address = node.address();
    send(&alice, &address, "I am alice");
    let arguments = ["send", "--node", &address, "--room", "ops", "so am I"];
    for _ in 0..2 {
        let ended = other.run("chat", &arguments);
        assert_eq!(ended.code, Some(0));
        assert!(
            ended
                .err
                .contains("the name alice is taken: you are alice-"),
            "{ended:?}"
        );
    }
    let tail = alice
        .run(
            "chat",
            &["tail", "--node", &address, "--room", "ops", "--json"],
        )
        .well();
    let names: Vec<Value> = tail
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["from"].clone())
        .collect();
    assert_eq!(names[0], "alice");
    assert_ne!(names[1], "alice");
    assert_eq!(
        names[1], names[2],
        "the second call is the same user as the first"
    );
}

#[test]
fn without_a_node_the_scripts_say_how_to_get_one() {
    let space = Space::new();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    for arguments in [
        &["send", "--room", "ops", "x"][..],
        &["tail", "--room", "ops"],
        &["tail", "--room", "ops", "--follow"],
        &["status"],
    ] {
        let ended = space.run("chat", &[arguments, &["--node", &address]].concat());
        ended.complains(1, &[&address, "chat up", "--node"]);
    }
}

#[test]
fn status_shows_the_nodes_and_fails_when_one_is_down() {
    let space = Space::new();
    let one = space.node("n1", &[]);
    let two = space.node("n2", &["--join", &one.peer()]);
    let nodes = format!("{},{}", one.address(), two.address());
    let status = ["status", "--node", &nodes, "--json"];
    // The nodes find each other a moment after they serve.
    let end = std::time::Instant::now() + DEADLINE;
    let both_up = loop {
        let ended = space.run("chat", &status);
        let stats: Value = serde_json::from_str(&ended.out).unwrap();
        if stats["nodes"].as_array().unwrap().len() == 2 && ended.code == Some(0) {
            break stats;
        }
        assert!(std::time::Instant::now() < end, "{ended:?}");
    };
    assert!(
        both_up["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["up"] == true)
    );
    let gone = two.address();
    two.kill();
    let ended = space.run("chat", &["status", "--node", &nodes]);
    assert_eq!(ended.code, Some(1));
    let row = ended.out.lines().find(|line| line.contains(&gone)).unwrap();
    assert!(
        row.starts_with("n2") && row.ends_with("down"),
        "{}",
        ended.out
    );
}

#[test]
fn status_is_well_after_a_node_was_stopped_in_good_order_and_not_after_a_crash() {
    let space = Space::new();
    let one = space.node("n1", &[]);
    let address = one.address();
    let until = |count: usize, code: i32| {
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let ended = space.run("chat", &["status", "--node", &address, "--json"]);
            let stats: Value = serde_json::from_str(&ended.out).unwrap();
            if stats["nodes"].as_array().unwrap().len() == count && ended.code == Some(code) {
                return;
            }
            assert!(
                std::time::Instant::now() < end,
                "{count}, {code}: {ended:?}"
            );
        }
    };
    let two = space.node("n2", &["--join", &one.peer()]);
    until(2, 0);
    assert_eq!(two.stop().code(), Some(0));
    until(1, 0);
    let two = space.node("n2", &["--join", &one.peer()]);
    until(2, 0);
    two.kill();
    until(2, 1);
}

#[test]
fn chat_up_says_where_to_go_and_ends_when_it_is_told_to() {
    let space = Space::new();
    let mut command = space.command(
        "chat",
        &["--ports", "0,0", "--web", "127.0.0.1:0", "--ready-fd", "1"],
    );
    let up = Running::new(&mut command);
    let web = up.ready["web"].as_str().unwrap().to_owned();
    assert_eq!(up.ready["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(up.ready["program"], "chat");
    assert!(std::net::TcpStream::connect(&web).is_ok());
    assert_eq!(up.stop().code(), Some(0));
    assert!(std::net::TcpStream::connect(&web).is_err());
}
