//! Text mode: a person with nothing but `telnet` or `nc`.

use std::time::Duration;

use chat::node::Tuning;
use serde_json::json;

use crate::support::{Client, TestNode};

/// Reads lines until one holds `wanted`.
async fn until(client: &mut Client, wanted: &str) -> String {
    let mut seen = String::new();
    loop {
        let Some(line) = client.line().await else {
            panic!("the connection ended before {wanted:?}: {seen}")
        };
        seen += &line;
        if line.contains(wanted) {
            return line;
        }
    }
}

#[tokio::test]
async fn a_person_types_a_name_and_then_what_is_to_be_said() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut person = node.connect().await;
    person.write(b"bob\r\nhello\r\n").await;
    let shown = alice.next("new_message").await;
    assert_eq!(
        (&shown["from"], &shown["text"]),
        (&json!("bob"), &json!("hello"))
    );
    until(&mut person, "bob: hello").await;
    alice.say("lobby", "hi\u{1b}[31m bob").await;
    let line = until(&mut person, "alice: hi").await;
    assert!(!line.contains('\u{1b}'), "{line:?}");
    person.write(b"/nonsense\r\n").await;
    until(&mut person, "/help").await;
    person.write(b"/quit\r\n").await;
    while person.line().await.is_some() {}
    assert_eq!(alice.next("user_leave").await["user"], "bob");
    assert!(
        alice
            .so_far()
            .await
            .iter()
            .all(|f| f["text"] != "/nonsense")
    );
}

#[tokio::test]
async fn what_a_script_pipes_in_is_said_in_the_room_it_names() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "ops").await;
    let mut script = node.connect().await;
    script.write(b"cron\n/join ops\nbackup done\n").await;
    script.end().await;
    assert_eq!(alice.next("new_message").await["text"], "backup done");
    while script.line().await.is_some() {}
}

#[tokio::test]
async fn a_taken_name_is_said_in_words_and_asked_again() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut person = node.connect().await;
    person.write(b"alice\r\n").await;
    until(&mut person, "alice-2").await;
    person.write(b"alice-2\r\nit is me\r\n").await;
    assert_eq!(alice.next("new_message").await["from"], "alice-2");
}

#[tokio::test]
async fn a_person_has_longer_to_say_who_it_is() {
    let tuning = Tuning {
        hello: Duration::from_millis(100),
        text_hello: Duration::from_secs(60),
        ..Tuning::default()
    };
    let node = TestNode::start_with(|_| {}, tuning).await;
    let mut person = node.connect().await;
    person.write(b"/help\r\n").await;
    until(&mut person, "/quit").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    person.write(b"bob\r\nstill here\r\n").await;
    until(&mut person, "bob: still here").await;
}
