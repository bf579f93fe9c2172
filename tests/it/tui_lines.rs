//! What is typed into the built terminal client's line, and what it says to it.

use crate::support::TestNode;
use crate::tui_support::{Home, Terminal};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_nobody_comes_back_and_one_to_who_is_away_is_stored() {
    let node = TestNode::start().await;
    let home = Home::new();
    let bob = node.user_in("bob", "lobby").await;
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("2 here");
    drop(bob);
    alice.shows("1 here");
    alice.say("/msg zoe hi there");
    alice.shows("nobody is called zoe");
    alice.shows("> /msg zoe hi there");
    let screen = alice.screen();
    assert!(
        !screen.contains("@zoe") && !screen.contains("failed"),
        "{screen}"
    );
    alice.press("\x15");
    // The node knows who he is.
    alice.say("/msg bob hi bob");
    alice.shows("hi bob ✓");
    alice.shows("2 @bob");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_rooms_are_left_commands_lead_on() {
    let node = TestNode::start().await;
    let home = Home::new();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("connected to n1");
    alice.say("/leave");
    alice.shows("> /join ROOM, F1 for help");
    alice.say("hello?");
    alice.shows("there is no room to say this in");
    alice.shows("> hello?");
    alice.press("\x15");
    alice.say("/join tea");
    alice.shows("│#tea");
    alice.say("hello!");
    alice.shows("hello! ✓");
    alice.say("/react tad");
    alice.shows("no emoji is called tad; there is 🎉 tada");
    alice.press("\x15");
    alice.say("/react tada");
    alice.shows("🎉 alice");
    // Ctrl+C says what it would do as long as it would.
    alice.press("\x03");
    alice.shows("Ctrl+C again quits");
    alice.waits("the end of it", |screen| !screen.contains("again quits"));
    alice.press("\x03\x03");
    assert!(alice.ends().success());
    node.stop().await;
}
