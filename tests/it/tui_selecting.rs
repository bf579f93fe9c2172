//! The built terminal client: a message is chosen and something done with it.

use serde_json::json;

use crate::cluster::until;
use crate::support::TestNode;
use crate::tui_support::{Home, Terminal};

const CHOOSE: &str = "\x1bm";
const CTRL_UP: &str = "\x1b[1;5A";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_answered_reacted_to_copied_edited_and_deleted_by_single_keys() {
    let node = TestNode::start().await;
    let home = Home::new();
    let variables = [("TMUX", "/tmp/tmux,1,0")];
    let at = [node.node.listen];
    let mut alice = Terminal::start_with(&home, "alice", &at, (80, 24), &variables);
    alice.shows("connected to n1");
    let mut bob = node.user_in("bob", "lobby").await;
    bob.say("lobby", "shall we; ä?").await;
    alice.shows("shall we; ä?");

    alice.press(CHOOSE);
    alice.shows("r reply  + react  y copy");
    alice.press("r");
    alice.shows("↱ bob: shall we; ä?");
    alice.say("we shall");
    let reply = bob
        .next_where("the reply", |f| f["text"] == "we shall")
        .await;
    assert!(reply["reply_to"].is_string(), "{reply}");
    alice.shows("we shall ✓");

    alice.press(CTRL_UP);
    alice.press("k+4");
    let liked = |f: &serde_json::Value| f["reactions"] == json!({"🎉": ["alice"]});
    bob.next_where("the reaction", liked).await;
    alice.shows("🎉 alice");

    alice.press(CHOOSE);
    alice.press("ky");
    alice.shows("copied 12 characters");
    let raw = String::from_utf8_lossy(&alice.raw).into_owned();
    let sequence = "\x1b]52;c;c2hhbGwgd2U7IMOkPw==\x1b\\";
    let through_tmux = format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"));
    assert!(raw.contains(sequence), "not copied");
    assert!(raw.contains(&through_tmux), "not copied through tmux");

    alice.press(CHOOSE);
    alice.press("e");
    alice.shows("✎ editing: we shall");
    alice.say(" :tada:");
    let edited = |f: &serde_json::Value| f["text"] == "we shall 🎉";
    bob.next_where("the edit", edited).await;
    alice.shows("we shall 🎉 (edited)");

    alice.press(CHOOSE);
    alice.press("d");
    alice.shows("d again deletes it for good");
    alice.press("d");
    bob.next_where("the deletion", |f| f["deleted"] == true)
        .await;
    alice.shows("message deleted");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_failed_is_sent_again_or_dropped_by_single_keys() {
    let node = TestNode::start().await;
    let home = Home::new();
    // Two that another user of this name could not send.
    let folder = home.path().join("state/chat/unsent");
    std::fs::create_dir_all(&folder).unwrap();
    let kept = |nonce: &str, text: &str| {
        let kept = json!({"uid": "somebody", "room": "lobby", "nonce": nonce, "text": text,
            "reply_to": null, "ts": 1_795_338_000_000_000_i64});
        format!("{kept}\n")
    };
    let lines = kept("n1", "first") + &kept("n2", "second");
    std::fs::write(folder.join("alice"), lines).unwrap();
    let mut bob = node.user_in("bob", "lobby").await;
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("2 failed");
    alice.press(CHOOSE);
    alice.shows("not sent: you are another user now");
    alice.press("x");
    alice.shows("1 failed");
    alice.press(CHOOSE);
    alice.shows("R send again");
    alice.press("R");
    bob.next_where("the message", |f| f["text"] == "first")
        .await;
    alice.shows("first ✓");
    alice.waits("nothing that failed", |screen| !screen.contains("failed"));
    let is_clear = async || !folder.join("alice").exists();
    until("nothing is kept", is_clear).await;
    assert!(bob.so_far().await.iter().all(|f| f["text"] != "second"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_chooses_a_message() {
    let node = TestNode::start().await;
    let home = Home::new();
    let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
    alice.shows("connected to n1");
    let mut bob = node.user_in("bob", "lobby").await;
    bob.say("lobby", "click me").await;
    bob.say("lobby", "not me").await;
    alice.shows("not me");
    let screen = alice.screen();
    let row = screen.lines().position(|line| line.contains("click me"));
    let row = row.unwrap() + 1;
    alice.press(&format!("\x1b[<0;40;{row}M\x1b[<0;40;{row}m"));
    alice.shows("r reply");
    alice.press("r");
    alice.shows("↱ bob: click me");
    node.stop().await;
}
