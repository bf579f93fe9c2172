//! A person at `telnet`, and a script at `nc`.

use std::net::SocketAddr;
use std::time::Duration;

use chat::node::Tuning;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::support::{DEADLINE, TestNode};

/// A terminal: bytes go in as they are, lines come out without their ends.
struct Terminal {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Terminal {
    /// Connects, and reads the line of JSON that every connection begins with.
    async fn connect(address: SocketAddr) -> Terminal {
        let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
        let reader = BufReader::new(reader);
        let mut terminal = Terminal { reader, writer };
        let first = terminal.line_with_end().await.unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&first).unwrap()["type"],
            "connect"
        );
        terminal
    }

    /// A person who is in the lobby.
    async fn user(node: &TestNode, name: &str) -> Terminal {
        let mut terminal = Terminal::connect(node.node.listen).await;
        terminal.types(name).await;
        terminal.until("-- you are in lobby").await;
        terminal
    }

    async fn types(&mut self, line: &str) {
        self.sends(format!("{line}\r\n").as_bytes()).await;
    }

    async fn sends(&mut self, bytes: &[u8]) {
        let written = timeout(DEADLINE, self.writer.write_all(bytes)).await;
        written.unwrap().unwrap();
    }

    /// The next line; `None` at the end. Every line ends as telnet wants it.
    async fn line(&mut self) -> Option<String> {
        let line = self.line_with_end().await?;
        let text = line
            .strip_suffix("\r\n")
            .unwrap_or_else(|| panic!("{line:?}"));
        assert!(!text.chars().any(char::is_control), "{line:?}");
        Some(text.to_owned())
    }

    async fn line_with_end(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(DEADLINE, self.reader.read_line(&mut line)).await;
        let read = read.expect("nothing came in time").unwrap_or_default();
        (read > 0).then_some(line)
    }

    /// Reads up to the first line that begins so; gives that line.
    async fn until(&mut self, beginning: &str) -> String {
        let mut before = Vec::new();
        while let Some(line) = self.line().await {
            if line.starts_with(beginning) {
                return line;
            }
            before.push(line);
        }
        panic!("the end came before {beginning:?}, after {before:#?}")
    }

    /// The next message's text, without its time.
    async fn message(&mut self) -> String {
        loop {
            let line = self.line().await.expect("the end came before a message");
            if !line.starts_with("--") {
                let (time, text) = line.split_once(' ').unwrap();
                assert!(is_time(time), "{line}");
                return text.to_owned();
            }
        }
    }

    /// All that is left, up to the end.
    async fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some(line) = self.line().await {
            rest.push(line);
        }
        rest
    }
}

/// `12:04`.
fn is_time(text: &str) -> bool {
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    matches!(text.split_once(':'), Some((hour, minute)) if digits(hour) && digits(minute))
}

#[tokio::test]
async fn a_person_at_telnet_and_a_client_talk_in_the_lobby() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    bob.say("lobby", "anybody here?").await;
    let mut alice = Terminal::connect(node.node.listen).await;
    alice.types("alice").await;
    assert_eq!(
        alice.line().await.unwrap(),
        "-- welcome, alice; /help lists the commands, /quit goes"
    );
    assert_eq!(alice.line().await.unwrap(), "-- you are in lobby");
    assert_eq!(alice.line().await.unwrap(), "-- 2 here: alice, bob");
    assert_eq!(alice.line().await.unwrap(), "-- 1 message:");
    assert_eq!(alice.message().await, "bob: anybody here?");
    assert_eq!(alice.line().await.unwrap(), "-- end");
    assert_eq!(bob.next("user_join").await["user"]["name"], "alice");

    alice.types("yes, me").await;
    let shown = bob
        .next_where("alice's answer", |frame| frame["text"] == "yes, me")
        .await;
    assert_eq!(
        (&shown["from"], &shown["type"]),
        (&json!("alice"), &json!("new_message"))
    );
    assert_eq!(
        alice.message().await,
        "alice: yes, me",
        "that it was said is seen"
    );

    bob.say("lobby", "two\nlines\u{1b}[2J").await;
    assert_eq!(alice.message().await, "bob: two");
    assert_eq!(alice.line().await.unwrap(), "      lines");

    alice.types("/quit").await;
    assert_eq!(alice.rest().await, ["-- good-bye"]);
    assert_eq!(bob.next("user_leave").await["reason"], "quit");
    node.stop().await;
}

#[tokio::test]
async fn telnets_own_bytes_are_skipped_wherever_they_stand() {
    let node = TestNode::start().await;
    let mut alice = Terminal::connect(node.node.listen).await;
    alice
        .sends(b"\xff\xfd\x03\xff\xfb\x18al\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0ice\r\n")
        .await;
    alice.until("-- welcome, alice;").await;
    alice.sends(b"hel\xff\xf1lo\r\n\r\n\xff\xfe\x01").await;
    assert_eq!(alice.message().await, "alice: hello");
    node.stop().await;
}

#[tokio::test]
async fn a_script_says_what_it_has_to_say_in_the_room_it_names_and_goes() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "ops").await;
    let mut script = Terminal::connect(node.node.listen).await;
    let lines = "cron\n/join ops\nbackup done\n//etc is saved\n/topic all is well\n";
    script.sends(lines.as_bytes()).await;
    script.writer.shutdown().await.unwrap();
    for text in ["backup done", "/etc is saved"] {
        let message = bob.next("new_message").await;
        let (from, said) = (&message["from"], &message["text"]);
        assert_eq!((from, said), (&json!("cron"), &json!(text)));
    }
    assert_eq!(bob.next("topic").await["topic"], "all is well");
    let left = bob.next("user_leave").await;
    assert_eq!(
        (&left["user"], &left["reason"]),
        (&json!("cron"), &json!("quit"))
    );
    let rest = script.rest().await;
    assert!(rest.contains(&"-- you are in ops".to_owned()), "{rest:#?}");
    node.stop().await;
}

#[tokio::test]
async fn a_taken_name_is_answered_with_a_free_one_and_asked_for_again() {
    let node = TestNode::start().await;
    let _bob = node.user("bob").await;
    let mut terminal = Terminal::connect(node.node.listen).await;
    terminal.types("/who").await;
    terminal.until("-- This is chat. Type the name").await;
    terminal.types("two words").await;
    terminal.until("-- a user's name has letters").await;
    terminal.types("Bob").await;
    let told = terminal.until("-- that name").await;
    assert_eq!(
        told,
        "-- that name is taken; Bob-2 is free: type it, or another"
    );
    terminal.types("Bob-2").await;
    terminal.until("-- welcome, Bob-2;").await;
    node.stop().await;
}

#[tokio::test]
async fn every_command_does_what_it_says() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let mut alice = Terminal::user(&node, "alice").await;

    alice.types("/frobnicate now").await;
    let told = alice.until("-- there is no").await;
    assert!(
        told.contains("/frobnicate") && told.contains("nothing was sent"),
        "{told}"
    );

    alice.types("/topic be kind").await;
    assert_eq!(bob.next("topic").await["topic"], "be kind");
    alice.until("-- alice set the topic: be kind").await;
    alice.types("/topic").await;
    alice.until("-- lobby: be kind").await;

    alice.types("/who").await;
    alice.until("-- 2 in lobby: alice, bob").await;

    alice.types("/msg bob psst").await;
    let direct = bob.next("new_message").await;
    assert_eq!(
        (&direct["room"], &direct["text"]),
        (&json!("@alice"), &json!("psst"))
    );
    assert_eq!(alice.message().await, "[@bob] alice: psst");
    alice.types("/msg nobody psst").await;
    alice.until("-- not sent: nobody is called nobody").await;

    alice.types("/join @bob").await;
    alice.until("-- what you type goes to @bob now").await;
    alice.until("-- end").await;
    alice.types("still there?").await;
    assert_eq!(bob.next("new_message").await["text"], "still there?");
    assert_eq!(alice.message().await, "alice: still there?");
    alice.types("/leave").await;
    alice
        .until("-- you have left @bob; you are in lobby now")
        .await;

    alice.types("/join ops").await;
    alice.until("-- nothing has been said yet").await;
    bob.say("lobby", "where is she?").await;
    assert_eq!(alice.message().await, "[lobby] bob: where is she?");
    alice.types("/rooms").await;
    alice.until("-- 3 rooms").await;
    let rooms = [
        alice.line().await.unwrap(),
        alice.line().await.unwrap(),
        alice.line().await.unwrap(),
    ];
    assert!(rooms[0].starts_with("-- * @bob "), "{rooms:#?}");
    assert!(
        rooms[1].starts_with("-- * lobby ") && rooms[1].ends_with("be kind"),
        "{rooms:#?}"
    );
    assert!(rooms[2].starts_with("-- * ops "), "{rooms:#?}");
    alice.types("/leave").await;
    alice
        .until("-- you have left ops; you are in lobby now")
        .await;

    for n in 0..3 {
        bob.say("lobby", &format!("message {n}")).await;
        alice.message().await;
    }
    alice.types("/history 2").await;
    alice
        .until("-- 2 messages (/history more for older ones):")
        .await;
    assert_eq!(alice.message().await, "bob: message 1");
    alice.until("-- end").await;
    alice.types("/history more").await;
    assert_eq!(alice.message().await, "bob: where is she?");
    assert_eq!(alice.message().await, "bob: message 0");

    alice.types("/help").await;
    alice.until("-- /join ROOM").await;
    alice.types("/quit").await;
    assert_eq!(alice.rest().await.last().unwrap(), "-- good-bye");
    node.stop().await;
}

#[tokio::test]
async fn what_becomes_of_messages_and_people_is_told_in_words() {
    let node = TestNode::start().await;
    let mut alice = Terminal::user(&node, "alice").await;
    let mut bob = node.user_in("bob", "lobby").await;
    alice.until("-- bob joined").await;
    let id = bob.say("lobby", "helo").await["id"].clone();
    assert_eq!(alice.message().await, "bob: helo");
    let steps = [
        (
            json!({"type": "edit", "room": "lobby", "id": id, "text": "hello"}),
            "-- bob's \"helo\" reads now: hello",
        ),
        (
            json!({"type": "react", "room": "lobby", "id": id, "emoji": "👍", "on": true}),
            "-- bob's \"hello\" got 👍 bob",
        ),
        (
            json!({"type": "delete", "room": "lobby", "id": id}),
            "-- bob's \"hello\" was deleted",
        ),
        (json!({"type": "away", "on": true}), "-- bob is away"),
        (json!({"type": "leave", "room": "lobby"}), "-- bob left"),
    ];
    for (frame, told) in steps {
        // That he writes is nothing for a screen of lines.
        bob.tell(json!({"type": "typing", "room": "lobby", "on": true}))
            .await;
        bob.ask(frame).await;
        assert_eq!(alice.line().await.unwrap(), told);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_line_that_cannot_be_sent_is_told_so_and_the_next_one_is_said() {
    let node = TestNode::start_with(|config| config.rate = 1, Tuning::default()).await;
    let mut alice = Terminal::user(&node, "alice").await;
    alice.sends(b"\xc3\x28\r\n").await;
    alice.until("-- not sent: a line is UTF-8").await;
    alice.sends(&[b'x'; 70_000]).await;
    alice.sends(b"\r\n").await;
    alice
        .until("-- not sent: a line has 65536 bytes at most")
        .await;
    alice.types(&"x".repeat(4001)).await;
    alice
        .until("-- not sent: the text has 4001 characters")
        .await;
    for n in 0..4 {
        alice.types(&format!("burst {n}")).await;
        assert_eq!(alice.message().await, format!("alice: burst {n}"));
    }
    alice.types("one too many").await;
    let told = alice.until("-- not sent: too fast; try again in").await;
    assert!(told.ends_with("(\"one too many\")"), "{told}");
    node.stop().await;
}

#[tokio::test]
async fn a_person_has_longer_to_say_who_it_is_than_a_program() {
    let tuning = Tuning {
        hello: Duration::from_secs(2),
        ..Tuning::default()
    };
    let node = TestNode::start_with(|_| {}, tuning).await;
    let mut person = Terminal::connect(node.node.listen).await;
    person.types("/help").await;
    person.until("-- /quit").await;
    // One that says nothing, and came later, has run out of time.
    let silent = node.connect().await.rest().await;
    assert_eq!(silent.last().unwrap()["code"], "not_joined");
    person.types("bob").await;
    person.until("-- welcome, bob;").await;
    node.stop().await;
}

#[tokio::test]
async fn who_never_types_a_name_is_hung_up_on() {
    let tuning = Tuning {
        text_hello: Duration::from_millis(50),
        ..Tuning::default()
    };
    let node = TestNode::start_with(|_| {}, tuning).await;
    let mut terminal = Terminal::connect(node.node.listen).await;
    terminal.types("/help").await;
    let rest = terminal.rest().await;
    assert_eq!(
        rest.last().unwrap(),
        "-- no name was typed in time; connect again"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_browser_that_was_led_here_is_hung_up_on_before_it_says_anything() {
    let node = TestNode::start().await;
    let mut bob = node.user_in("bob", "lobby").await;
    let mut hostile = Terminal::connect(node.node.listen).await;
    let request = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\neve\r\nhello from a page\r\n";
    hostile.sends(request.as_bytes()).await;
    assert_eq!(hostile.rest().await, Vec::<String>::new());
    assert_eq!(bob.so_far().await, Vec::<Value>::new());
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_stops_says_good_bye_to_a_person_too() {
    let node = TestNode::start().await;
    let mut alice = Terminal::user(&node, "alice").await;
    node.stop().await;
    let rest = alice.rest().await;
    assert!(
        rest.last()
            .unwrap()
            .starts_with("-- closed: the node is shutting down"),
        "{rest:?}"
    );
}
