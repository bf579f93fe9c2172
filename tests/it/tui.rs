//! The built terminal client under a pseudo-terminal, against real nodes.

use std::time::{Duration, Instant};

use chat::node::Node;
use serde_json::json;

use crate::cluster::two;
use crate::support::{TestNode, config};
use crate::tui_support::{Home, Terminal};

const PAGE_UP: &str = "\x1b[5~";
const END: &str = "\x1b[F";

#[tokio::test(flavor = "multi_thread")]
async fn two_terminals_and_a_script_talk_to_each_other() {
    let node = TestNode::start().await;
    let (home_a, home_b) = (Home::new(), Home::new());
    let at = [node.node.listen];
    let mut alice = Terminal::start(&home_a, "alice", &at, (80, 24));
    alice.shows("connected to n1");
    let mut bob = Terminal::start(&home_b, "bob", &at, (100, 30));
    alice.shows("bob joined");
    bob.shows("2 here");

    alice.say("hello 👩\u{200d}👩\u{200d}👧 日本");
    bob.shows("hello 👩👩👧 日本");
    alice.shows("日本 ✓");
    let mut script = node.user_in("script", "lobby").await;
    script.say("lobby", "from a\nscript").await;
    alice.shows("│ script");
    bob.press("typing");
    alice.shows("bob is writing …");

    // A paste of three lines is one message.
    alice.press("\x1b[200~one\ntwo\nthree\x1b[201~\r");
    script
        .next_where("the paste", |f| f["text"] == "one\ntwo\nthree")
        .await;

    bob.press("\x15/msg alice psst\r");
    alice.waits("the conversation", |screen| {
        screen.contains("2 @bob") && screen.contains("!1")
    });
    alice.press("\x1b2");
    alice.shows("psst");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_node_is_lost_moves_and_shows_nothing_twice() {
    let (first, second) = two().await;
    let home = Home::new();
    let nodes = [first.node.listen, second.node.listen];
    let mut alice = Terminal::start(&home, "alice", &nodes, (80, 24));
    alice.shows("connected to n1");
    for n in 0..3 {
        alice.say(&format!("before {n}"));
    }
    alice.shows("before 2 ✓");
    first.stop().await;
    alice.say("right after");
    // Keys that are typed after the move clear the word of it.
    alice.waits("the other node", |screen| {
        screen.contains("moved from n1 to n2") || screen.contains("connected to n2")
    });
    alice.shows("right after ✓");
    let screen = alice.screen();
    for text in ["before 0", "before 1", "before 2", "right after"] {
        assert_eq!(screen.matches(text).count(), 1, "{text}\n{screen}");
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_survives_a_quit() {
    let node = TestNode::start_lasting().await;
    let home = Home::new();
    let at = node.node.listen;
    let mut alice = Terminal::start(&home, "alice", &[at], (80, 24));
    alice.shows("connected to n1");
    alice.say("first");
    alice.shows("first ✓");
    let TestNode { node, folder } = node;
    node.stop().await;
    alice.shows("connection lost");
    alice.say("said into the dark");
    alice.shows("1 waiting");
    alice.say("/quit");
    assert!(alice.ends().success());

    let mut again = config(&folder);
    again.listen = at;
    let node = Node::start(again).await.unwrap();
    let mut alice = Terminal::start(&home, "alice", &[at], (80, 24));
    alice.shows("said into the dark ✓");
    assert_eq!(alice.screen().matches("said into the dark").count(), 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_long_ago_is_found_and_gone_to() {
    let node = TestNode::start().await;
    let mut script = node.user_in("script", "lobby").await;
    for n in 0..400 {
        let text = match n {
            30 => "the **needle** lies here".to_owned(),
            _ => format!("line {n}."),
        };
        script.say("lobby", &text).await;
    }
    // The index comes a moment after the log.
    let looks = json!({"type": "search", "query": "needle"});
    while script.ask(looks.clone()).await["messages"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let home = Home::new();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("line 399.");
    alice.say("/search needle from:script in:lobby");
    alice.shows("1 found");
    alice.shows("the needle lies here");
    alice.press("\r");
    alice.waits("what was said around it", |screen| {
        let around = ["line 29.", "the needle lies here", "line 31."];
        around.iter().all(|line| screen.contains(line))
    });
    alice.press("\x1bOR");
    alice.shows("1 found");
    alice.press("\x1b");
    alice.shows("line 31.");
    alice.press(END);
    alice.shows("line 399.");
    alice.say("/search before:soon");
    alice.shows("before: wants a day");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_scrolls_through_a_resize_and_holds_its_place() {
    let node = TestNode::start().await;
    let mut script = node.user_in("script", "lobby").await;
    for n in 0..300 {
        script.say("lobby", &format!("line {n}.")).await;
    }
    let home = Home::new();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("line 299.");
    alice.press_until(PAGE_UP, "line 0.");
    script.say("lobby", "news").await;
    alice.shows("1 new ↓");
    for (columns, rows) in [(40, 12), (120, 40), (80, 24)] {
        alice.resize(columns, rows);
        alice.waits("the new size", |screen| {
            screen.contains("line 0.") && screen.contains("connected")
        });
    }
    alice.press(END);
    alice.shows("news");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_ends_the_terminal_is_restored() {
    let node = TestNode::start().await;
    let home = Home::new();
    for way in ["/quit", "Ctrl+Q", "TERM", "HUP"] {
        let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
        alice.shows("connected to n1");
        assert!(alice.parser().alternate_screen() && !alice.is_restored());
        match way {
            "/quit" => alice.say("/quit"),
            "Ctrl+Q" => alice.press("\x11"),
            signal => alice.signal(signal),
        }
        let status = alice.ends();
        assert!(status.success(), "{way}: {status:?}");
        assert!(alice.is_restored(), "{way}:\n{}", alice.screen());
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_asked_for_with_the_suggestion_filled_in() {
    let node = TestNode::start().await;
    let _alice = node.user_in("alice", "lobby").await;
    let home = Home::new();
    let mut other = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    other.shows("your name");
    other.shows("> alice-2");
    other.press("\r");
    other.shows("connected to n1");
    other.shows("· alice-2");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_somebody_writes_ends_by_itself_after_six_seconds() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let home = Home::new();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("2 here");
    let typing = json!({"type": "typing", "room": "lobby", "on": true});
    let began = Instant::now();
    bob.tell(typing).await;
    alice.shows("bob is writing …");
    // He says nothing more, nor that he has stopped.
    alice.waits("the end of it", |screen| !screen.contains("is writing"));
    // Its clock ticks a few times a second.
    assert!(
        began.elapsed() >= Duration::from_millis(5_500),
        "{:?}",
        began.elapsed()
    );
    assert!(bob.so_far().await.iter().all(|f| f["type"] != "typing"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switcher_leads_to_rooms_and_people_with_keys_from_the_file() {
    let node = TestNode::start().await;
    let home = Home::new();
    let folder = home.path().join("config/chat");
    std::fs::create_dir_all(&folder).unwrap();
    let keys = "[tui.keys]\nswitcher = [\"ctrl-k\", \"ctrl-t\"]\nhelp = \"f5\"\n";
    std::fs::write(folder.join("config.toml"), keys).unwrap();
    let _others = node.user_in("carol", "gardening").await;
    let _bob = node.user_in("bob", "lobby").await;
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("connected to n1");
    alice.shows("F5 for help");
    alice.press("\x0b");
    alice.shows("#gardening");
    alice.press("grdn\r");
    alice.shows("│#gardening");
    alice.press("\x14");
    alice.shows("go to");
    alice.press("@bo\r");
    alice.shows("│@bob");
    alice.press("\x1b[15~");
    alice.shows("help · ");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_meant_for_the_person_is_told_outside_the_window_through_tmux() {
    let node = TestNode::start().await;
    let home = Home::new();
    let variables = [("TMUX", "/tmp/tmux,1,0")];
    let at = [node.node.listen];
    let mut alice = Terminal::start_with(&home, "alice", &at, (80, 24), &variables);
    alice.shows("connected to n1");
    // The window loses the focus.
    alice.press("\x1b[O");
    let mut bob = node.user_in("bob", "lobby").await;
    alice.shows("2 here");
    bob.say("lobby", "alice: come; quick").await;
    alice.shows("come; quick");
    let raw = String::from_utf8_lossy(&alice.raw).into_owned();
    for told in [
        "\x1b]2;#lobby · chat\x1b\\",
        "\x1b]2;(!1) #lobby · chat\x1b\\",
        "\x07",
        "\x1bPtmux;\x1b\x1b]9;bob in #lobby: alice: come; quick\x1b\x1b\\\x1b\\",
        "\x1bPtmux;\x1b\x1b]777;notify;bob in #lobby;alice: come; quick\x1b\x1b\\\x1b\\",
    ] {
        assert!(raw.contains(told), "{told:?} is missing");
    }
    node.stop().await;
}
