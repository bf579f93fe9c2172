//! What the built terminal client keeps from one start to the next: what could not be sent, what was
//! being written, where the person was.

use std::time::{Duration, Instant};

use chat::node::Node;
use serde_json::json;

use crate::support::{DEADLINE, TestNode, config};
use crate::tui_support::{Home, Terminal};

const SCREEN: (u16, u16) = (80, 24);
const QUIT: &str = "\x11";
const CLEAR: &str = "\x15";

#[tokio::test(flavor = "multi_thread")]
async fn reactions_topics_and_edits_without_a_connection_survive_a_quit_and_count_once() {
    let node = TestNode::start_lasting().await;
    let home = Home::new();
    let at = node.node.listen;
    let mut alice = Terminal::start(&home, "alice", &[at], SCREEN);
    alice.shows("connected to n1");
    alice.say("helo");
    alice.shows("helo ✓");
    let TestNode { node, folder } = node;
    node.stop().await;
    alice.shows("connection lost");
    alice.say("/react 🎉");
    alice.say("/topic tea and cake");
    alice.say("/edit hello");
    alice.shows("3 waiting");
    alice.press(QUIT);
    assert!(alice.ends().success());
    // Started without a node they go on waiting.
    let mut alice = Terminal::start(&home, "alice", &[at], SCREEN);
    alice.shows("3 waiting");
    alice.press(QUIT);
    assert!(alice.ends().success());

    let mut again = config(&folder);
    again.listen = at;
    let node = Node::start(again).await.unwrap();
    for _ in 0..2 {
        let mut alice = Terminal::start(&home, "alice", &[at], SCREEN);
        alice.waits("all of it", |screen| {
            let all = ["hello", "(edited)", "🎉 alice", "tea and cake"];
            all.iter().all(|text| screen.contains(text)) && !screen.contains("waiting")
        });
        alice.press(QUIT);
        assert!(alice.ends().success());
    }
    let unsent = home.path().join("state/chat/unsent/alice");
    assert!(!unsent.exists());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_and_not_sent_is_there_again_however_it_ended() {
    let node = TestNode::start().await;
    let home = Home::new();
    let at = [node.node.listen];
    let mut alice = Terminal::start(&home, "alice", &at, SCREEN);
    alice.shows("connected to n1");
    alice.say("/join ops");
    alice.shows("│#ops");
    alice.press("\x1b[200~two\nlines\x1b[201~");
    alice.shows("lines");
    alice.press("\x1b1");
    alice.shows("│#lobby");
    alice.press("half a sen");
    alice.shows("> half a sen");
    // Within a moment it is kept, without any end.
    let drafts = home.path().join("state/chat/drafts/alice");
    let until = Instant::now() + DEADLINE;
    while !std::fs::read_to_string(&drafts).is_ok_and(|kept| kept.contains("half a sen")) {
        assert!(Instant::now() < until, "it is not kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for ending in ["KILL", "TERM", "HUP", "INT", "quit"] {
        match ending {
            "quit" => alice.press(QUIT),
            signal => alice.signal(signal),
        }
        assert_eq!(alice.ends().success(), ending != "KILL", "{ending}");
        alice = Terminal::start(&home, "alice", &at, SCREEN);
        alice.shows("> half a sen");
        alice.shows("✎");
    }
    // A second one beside it has drafts of its own; neither takes the other's away.
    let mut second = Terminal::start(&home, "alice", &at, SCREEN);
    second.shows("> half a sen");
    second.press(CLEAR);
    second.press("another line");
    second.shows("> another line");
    alice.press("tence");
    alice.shows("> half a sentence");
    for client in [&mut second, &mut alice] {
        client.press(QUIT);
        assert!(client.ends().success());
    }
    let mut alice = Terminal::start(&home, "alice", &at, SCREEN);
    alice.shows("half a sentence");
    alice.shows("another line");
    alice.press("\x1b2");
    alice.shows("> two");
    assert_eq!(alice.screen().matches("two").count(), 1);
    alice.press(QUIT);
    assert!(alice.ends().success());
    // What is no draft of this program is told of, and not lost.
    let mut text = std::fs::read_to_string(&drafts).unwrap();
    text.push_str("no draft \x1b[2J\n");
    std::fs::write(&drafts, text).unwrap();
    let mut alice = Terminal::start(&home, "alice", &at, (160, 24));
    alice.shows("not all that was kept can be read: 1 line");
    alice.press("\x1b1");
    alice.shows("another line");
    let aside = drafts.with_file_name("alice~unreadable");
    assert!(std::fs::read_to_string(aside).unwrap().contains("no draft"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_in_the_room_that_was_shown_last() {
    let node = TestNode::start().await;
    let _bob = node.user_in("bob", "lobby").await;
    let home = Home::new();
    let at = [node.node.listen];
    let mut alice = Terminal::start(&home, "alice", &at, SCREEN);
    alice.shows("connected to n1");
    alice.say("/join ops");
    alice.shows("│#ops");
    let mut starts_in = |before: &str, key: &str, after: &str| {
        alice.press(key);
        alice.shows(before);
        alice.press(QUIT);
        assert!(alice.ends().success());
        alice = Terminal::start(&home, "alice", &at, SCREEN);
        alice.shows("connected to n1");
        alice.shows(after);
    };
    starts_in("│#ops", "", "│#ops");
    starts_in("│#lobby", "\x1b1", "│#lobby");
    starts_in("│@bob", "/msg bob\r", "│@bob");
    starts_in("│#ops", "\x1b2", "│#ops");
    starts_in("│#lobby", "/leave\r", "│#lobby");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_said_last_in_a_conversation_is_no_news_at_the_next_start() {
    let node = TestNode::start_lasting().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let home = Home::new();
    let at = node.node.listen;
    let TestNode { node, folder } = node;
    let mut alice = Terminal::start(&home, "alice", &[at], SCREEN);
    alice.shows("2 here");
    bob.say("@alice", "psst").await;
    alice.shows("!1");
    alice.press("\x1b2");
    alice.shows("psst");
    alice.press("\x1b1");
    // She has read it once this is answered.
    alice.say("/rooms");
    alice.shows("#lobby  2 here");
    node.stop().await;
    alice.shows("connection lost");
    // It is sent late, while another room is shown.
    alice.say("/msg bob well");
    alice.shows("1 waiting");
    alice.press("\x1b1");
    alice.press(QUIT);
    assert!(alice.ends().success());
    let mut again = config(&folder);
    again.listen = at;
    let node = Node::start(again).await.unwrap();
    for _ in 0..2 {
        let mut alice = Terminal::start(&home, "alice", &[at], SCREEN);
        alice.shows("connected to n1");
        alice.waits("all that is to come", |screen| !screen.contains("waiting"));
        alice.settles();
        let screen = alice.screen();
        assert!(!screen.contains('!'), "{screen}");
        alice.press(QUIT);
        assert!(alice.ends().success());
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_author_takes_back_before_it_is_read_is_not_unread() {
    let node = TestNode::start().await;
    let home = Home::new();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], SCREEN);
    alice.shows("connected to n1");
    alice.say("/join ops");
    alice.shows("│#ops");
    let mut bob = node.user_in("bob", "lobby").await;
    let sent = bob.say("lobby", "alice: oh, wrong window").await;
    alice.shows("!1");
    bob.tell(json!({"type": "delete", "room": "lobby", "id": sent["id"]}))
        .await;
    alice.waits("nothing unread", |screen| !screen.contains("!1"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_before_ones_eyes_at_the_end_is_read() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let home = Home::new();
    let at = node.node.listen;
    let mut alice = Terminal::start(&home, "alice", &[at], SCREEN);
    alice.shows("2 here");
    alice.say("/msg bob psst");
    alice.shows("psst ✓");
    // The second comes before it is time for another marker.
    for text in ["one", "two"] {
        bob.say("@alice", text).await;
        alice.shows(text);
    }
    alice.press(QUIT);
    assert!(alice.ends().success());
    let arguments = [
        "--name",
        "alice",
        "--room",
        "lobby",
        "--node",
        &at.to_string(),
    ];
    let arguments = arguments.map(str::to_owned);
    let mut alice = Terminal::run(&home, &arguments, SCREEN, &[]);
    alice.shows("connected to n1");
    // The list of rooms has been answered before this one.
    alice.say("/rooms");
    alice.shows("#lobby  2 here");
    assert!(!alice.screen().contains("!1"), "{}", alice.screen());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_said_when_the_screen_is_gone() {
    let node = TestNode::start().await;
    let home = Home::new();
    // Where a folder should be is a file.
    std::fs::create_dir_all(home.path().join("state/chat")).unwrap();
    std::fs::write(home.path().join("state/chat/drafts"), "").unwrap();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], SCREEN);
    alice.shows("connected to n1");
    alice.press("half a sen");
    alice.shows("what is being written cannot be kept");
    alice.press(QUIT);
    assert!(!alice.ends().success());
    assert!(alice.is_restored());
    let screen = alice.screen();
    for part in [
        "chat-tui: what is being written cannot be kept: /",
        "File exists",
    ] {
        assert!(screen.contains(part), "{screen}");
    }
    node.stop().await;
}
