//! How the terminal client ends: whatever ends it, the terminal is as it was.

use crate::support::TestNode;
use crate::tui_support::{Home, Terminal};

const F12: &str = "\x1b[24~";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_panic_in_any_thread_the_terminal_is_restored_and_the_fault_is_told() {
    let node = TestNode::start().await;
    let home = Home::new();
    for place in ["here", "task"] {
        let variables = [("CHAT_TUI_PANIC", place)];
        let at = [node.node.listen];
        let mut alice = Terminal::start_with(&home, "alice", &at, (80, 24), &variables);
        alice.shows("connected to n1");
        assert!(alice.parser().alternate_screen() && !alice.is_restored());
        alice.press(F12);
        let status = alice.ends();
        assert!(!status.success(), "{place}: {status:?}");
        assert!(alice.is_restored(), "{place}:\n{}", alice.screen());
        assert!(
            alice.screen().contains("as asked for"),
            "{place}:\n{}",
            alice.screen()
        );
        assert!(
            !alice.screen().contains("#lobby"),
            "{place}:\n{}",
            alice.screen()
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_of_anything_restores_the_terminal() {
    let node = TestNode::start().await;
    let home = Home::new();
    for (signal, keys) in [
        ("TERM", "\x0b"),
        ("HUP", "\x1bOP"),
        ("INT", "half a line"),
        ("TERM", "\x1b[200~half a paste"),
    ] {
        let mut alice = Terminal::start(&home, "alice", &[node.node.listen], (80, 24));
        alice.shows("connected to n1");
        alice.press(keys);
        alice.signal(signal);
        assert!(alice.ends().success(), "{signal}");
        assert!(
            alice.is_restored(),
            "{signal} after {keys:?}:\n{}",
            alice.screen()
        );
    }
    node.stop().await;
}
