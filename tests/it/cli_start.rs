//! How the programs start: their settings, and what keeps them from starting.

use std::net::TcpListener;

use crate::programs::{Space, text};

const FREE: [&str; 4] = ["--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0"];

#[test]
fn an_option_beats_the_variable_that_beats_the_file_that_beats_the_default() {
    let space = Space::new();
    let name = |variable: Option<&str>, option: &[&str]| {
        let arguments = [&FREE[..], option, &["--ready-fd", "1"]].concat();
        let mut command = space.command("chat-node", &arguments);
        if let Some(variable) = variable {
            command.env("CHAT_NODE_NAME", variable);
        }
        let running = crate::programs::Running::new(&mut command);
        let name = running.ready["nodes"][0]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(running.stop().code(), Some(0));
        name
    };
    assert_eq!(name(None, &[]), "n1");
    let folder = space.path(".config/chat");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[node]\nname = \"file\"\n").unwrap();
    assert_eq!(name(None, &[]), "file");
    assert_eq!(name(Some("variable"), &[]), "variable");
    assert_eq!(name(Some("variable"), &["--name", "option"]), "option");
    let data = space.path(".local/share/chat");
    for node in ["n1", "file", "variable", "option"] {
        assert!(data.join(node).is_dir(), "{node} has its folder");
    }
}

#[test]
fn a_broken_file_ends_every_program_with_its_line_and_key() {
    let space = Space::new();
    let file = space.path("broken.toml");
    std::fs::write(
        &file,
        "[node]\nrate = 5\nlisten = 9001\n[web]\nlisten = []\n[tui]\nx = 1\n",
    )
    .unwrap();
    let config = ["--config", text(&file)];
    space
        .run("chat-node", &config)
        .complains(2, &["broken.toml:3", "\"listen\"", "a string"]);
    space
        .run("chat-web", &config)
        .complains(2, &["broken.toml:5", "\"listen\""]);
    space
        .run("chat-tui", &config)
        .complains(2, &["broken.toml:7", "\"x\"", "[tui]"]);
    let nowhere = space.path("nowhere.toml");
    let missing = space.run("chat-node", &["--config", text(&nowhere)]);
    missing.complains(2, &["nowhere.toml", "cannot be read"]);
}

#[test]
fn a_configuration_can_be_checked_without_starting_anything() {
    let space = Space::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let good = space.run("chat-node", &["--check-config", "--listen", &listen]);
    assert_eq!(good.well(), "the configuration is good\n");
    let short = space.path("short");
    std::fs::write(&short, "short").unwrap();
    let bad = space.run(
        "chat-node",
        &["--check-config", "--secret-file", text(&short)],
    );
    bad.complains(2, &["--secret-file", "32 bytes"]);
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_option() {
    let space = Space::new();
    for arguments in [
        &["9001", "--listen", "127.0.0.1:0"][..],
        &["9001", "--peer", "127.0.0.1:0"],
        &["9001", "--name", "n1"],
        &["--listen", "here"],
        &["--rate", "many"],
        &["--unknown"],
    ] {
        let ended = space.run("chat-node", arguments);
        let option = arguments
            .iter()
            .find(|word| word.starts_with("--"))
            .unwrap();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(option), "{ended:?}");
    }
    space
        .run("chat-node", &["9001", "9001"])
        .complains(2, &["n1", "once"]);
    assert_eq!(space.run("chat", &["send", "x"]).code, Some(2));
}

#[test]
fn a_peer_on_another_machine_needs_a_secret() {
    let space = Space::new();
    let far = ["--listen", "127.0.0.1:0", "--peer", "0.0.0.0:0"];
    space
        .run("chat-node", &far)
        .complains(2, &["--peer 0.0.0.0:0", "CHAT_SECRET_KEY", "--secret-file"]);
    let join = [&FREE[..], &["--join", "10.0.0.1:9999"]].concat();
    space
        .run("chat-node", &join)
        .complains(2, &["--join 10.0.0.1:9999", "CHAT_SECRET_KEY"]);
    let web = ["--listen", "127.0.0.1:0", "--node", "10.0.0.1:9001"];
    space
        .run("chat-web", &web)
        .complains(2, &["--node 10.0.0.1:9001", "CHAT_SECRET_KEY"]);
    let short = space
        .command("chat-node", &FREE)
        .env("CHAT_SECRET_KEY", "x")
        .output()
        .unwrap();
    assert_eq!(short.status.code(), Some(2));
    assert!(
        !space.path(".local/share/chat").exists(),
        "nothing was made"
    );
}

#[test]
fn a_port_that_is_taken_is_named_with_its_option_and_nothing_is_started() {
    let space = Space::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let port = other.local_addr().unwrap().port().to_string();
    // It takes connections and says nothing, as programs that are not ours do.
    let words = [taken.as_str(), "--listen"];
    space
        .run("chat-node", &["--listen", &taken, "--peer", "127.0.0.1:0"])
        .complains(1, &words);
    space
        .run("chat-web", &["--listen", &taken])
        .complains(1, &words);
    let peer = space.run("chat-node", &["--listen", "127.0.0.1:0", "--peer", &taken]);
    peer.complains(1, &[&taken, "--peer"]);
    let ports = format!("0,{port}");
    space
        .run("chat", &["up", "--ports", &ports, "--no-web"])
        .complains(1, &[&taken, "--ports"]);
    space
        .run("chat", &["up", "--ports", "0", "--web", &taken])
        .complains(1, &[&taken, "--web"]);
    assert!(
        !space.path(".local/share/chat/n1").exists(),
        "no node was started"
    );
}

#[test]
fn where_our_own_system_runs_the_line_says_how_to_join_it() {
    let space = Space::new();
    let up = space.start("chat", &["up", "--ports", "0", "--web", "127.0.0.1:0"]);
    let address = up.address();
    let again = space.run(
        "chat-node",
        &["--listen", &address, "--peer", "127.0.0.1:0"],
    );
    again.complains(1, &["n1", &format!("chat-tui --node {address}")]);
    let web = up.ready["web"].as_str().unwrap();
    let again = space.run("chat-web", &["--listen", web]);
    again.complains(1, &[&format!("http://{web}"), "--listen"]);
    assert_eq!(up.stop().code(), Some(0));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let space = Space::new();
    let file = space.path("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("n1");
    let arguments = [&FREE[..], &["--data", text(&inside)]].concat();
    space
        .run("chat-node", &arguments)
        .complains(1, &[text(&inside)]);
    let mut command = space.command("chat-node", &FREE);
    let homeless = command.env("XDG_DATA_HOME", &file).output().unwrap();
    assert_eq!(homeless.status.code(), Some(1));
    let err = String::from_utf8(homeless.stderr).unwrap();
    assert!(
        err.contains("secret") && err.contains("CHAT_SECRET_KEY"),
        "{err}"
    );
}

#[test]
fn two_processes_on_one_folder_the_second_says_so_and_the_first_loses_nothing() {
    let space = Space::new();
    let node = space.node("n1", &[]);
    let data = space.path("n1");
    let arguments = [&FREE[..], &["--data", text(&data)]].concat();
    space
        .run("chat-node", &arguments)
        .complains(1, &[text(&data)]);
    let address = node.address();
    let send = ["send", "--node", &address, "--room", "ops", "still here"];
    space.run("chat", &send).well();
}

#[test]
fn all_programs_of_one_person_share_one_secret_whoever_makes_it() {
    let space = Space::new();
    let (one, two) = std::thread::scope(|scope| {
        let start = |name: &'static str| {
            let space = &space;
            scope.spawn(move || space.node(name, &[]))
        };
        let (one, two) = (start("n1"), start("n2"));
        (one.join().unwrap(), two.join().unwrap())
    });
    let secret = std::fs::metadata(space.path(".local/share/chat/secret")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&secret.permissions()) & 0o777,
        0o600
    );
    // What one node signed opens the same user at the other, which never saw it.
    let uid = |address: &str| {
        space
            .run(
                "chat",
                &["send", "--node", address, "--room", "ops", "hello"],
            )
            .well();
        let tail = space
            .run(
                "chat",
                &["tail", "--node", address, "--room", "ops", "--json"],
            )
            .well();
        let message: serde_json::Value =
            serde_json::from_str(tail.lines().next().unwrap()).unwrap();
        message["uid"].clone()
    };
    assert_eq!(uid(&one.address()), uid(&two.address()));
}

#[test]
fn several_nodes_in_one_process_know_each_other_and_keep_their_folders_apart() {
    let space = Space::new();
    let nodes = space.start(
        "chat-node",
        &["0", "0", "--data", text(&space.path("data"))],
    );
    let names: Vec<_> = [0, 1]
        .map(|at| nodes.ready["nodes"][at]["name"].clone())
        .into();
    assert_eq!(names, ["n1", "n2"]);
    assert!(space.path("data/n1").is_dir() && space.path("data/n2").is_dir());
    assert_eq!(nodes.stop().code(), Some(0));
}

#[test]
fn an_empty_variable_is_none_and_a_flag_may_be_one() {
    let space = Space::new();
    let mut command = space.command("chat-node", &FREE);
    command
        .env("CHAT_NODE_RATE", "")
        .env("CHAT_NODE_CHECK_CONFIG", "yes");
    let output = command.output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "the configuration is good\n"
    );
    // A wrong value is told of by the variable that holds it, and by the option where that was given.
    let wrong = |arguments: &[&str], variable: &str| {
        let mut command = space.command("chat-node", arguments);
        let output = command.env(variable, "many").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = wrong(&FREE, "CHAT_NODE_RATE");
    assert!(said.contains("'many' for 'CHAT_NODE_RATE'"), "{said}");
    let said = wrong(&["--copies", "1"], "CHAT_NODE_LISTEN");
    assert!(said.contains("'many' for 'CHAT_NODE_LISTEN'"), "{said}");
    let said = wrong(&["--rate=many"], "CHAT_NODE_RATE");
    assert!(said.contains("'many' for '--rate"), "{said}");
}
