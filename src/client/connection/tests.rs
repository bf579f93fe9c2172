//! The edge against scripted nodes, over real sockets.

use super::*;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use crate::protocol::{RoomRef, Text, UserName};

/// For anything a test waits for.
const DEADLINE: Duration = Duration::from_secs(20);

/// One connection of a scripted node.
struct Scripted(BufReader<TcpStream>);

impl Scripted {
    async fn accept(listener: &TcpListener) -> Scripted {
        let (stream, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
        let mut node = Scripted(BufReader::new(stream));
        node.says(
            json!({"type": "connect", "protocol": 1, "server": "chat/0", "node": "n1", "time": 0,
            "limits": {"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200}}),
        )
        .await;
        node
    }

    async fn says(&mut self, frame: Value) {
        let line = format!("{frame}\n");
        self.0.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next line of this type; others are passed over.
    async fn hears(&mut self, kind: &str) -> Value {
        loop {
            let mut line = String::new();
            let count = timeout(DEADLINE, self.0.read_line(&mut line))
                .await
                .unwrap()
                .unwrap();
            assert_ne!(count, 0, "closed before {kind}");
            let frame: Value = serde_json::from_str(&line).unwrap();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    async fn lets_in(&mut self) -> (Value, Value) {
        let opening = self.hears("user_join").await;
        self.says(
            json!({"type": "session", "re": opening["re"], "user": "alice", "uid": "aaaa",
            "guest": true, "role": "user", "token": "t", "node": "n1"}),
        )
        .await;
        let join = self.hears("join").await;
        self.says(json!({"type": "room", "re": join["re"], "room": "lobby", "topic": "", "private": false,
            "total": 1, "users": [], "messages": [], "more": false, "since": {"n1-a": 5}, "read": {}}))
            .await;
        (opening, join)
    }
}

async fn until<T>(
    events: &mut mpsc::Receiver<ClientEvent>,
    wanted: impl Fn(ClientEvent) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let event = events.recv().await.expect("the client lives");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    timeout(DEADLINE, search).await.unwrap()
}

#[tokio::test]
async fn a_client_moves_to_another_node_with_its_rooms_and_what_it_was_saying() {
    let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let two = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let (client, mut events) = Client::connect(Options {
        nodes: vec![address(&one), address(&two)],
        name: UserName::parse("alice").unwrap(),
        token: None,
        take_suggestion: false,
        admin: Default::default(),
        stays_here: false,
    });
    let room = RoomRef::parse("lobby").unwrap();
    client.join(room.clone(), None).unwrap();
    let mut node = Scripted::accept(&one).await;
    let (opening, join) = node.lets_in().await;
    assert_eq!(
        (&opening["name"], &join["since"]),
        (&json!("alice"), &Value::Null)
    );
    let text = Text::parse("hello").unwrap();
    let send = ClientFrame::Send {
        room,
        text,
        nonce: None,
        reply_to: None,
        after: None,
    };
    let nonce = client.write(send).unwrap();
    assert_eq!(node.hears("send").await["nonce"], nonce.as_str());
    drop(node);

    let mut node = Scripted::accept(&two).await;
    let (opening, join) = node.lets_in().await;
    assert_eq!(
        (&opening["token"], &join["since"]),
        (&json!("t"), &json!({"n1-a": 5}))
    );
    let send = node.hears("send").await;
    assert_eq!(send["nonce"], nonce.as_str());
    // A line that is no frame disturbs nothing.
    node.0
        .write_all(b"\xff{\n{\"type\":\"of tomorrow\"}\n")
        .await
        .unwrap();
    node.says(
        json!({"type": "sent", "re": send["re"], "nonce": nonce.as_str(), "room": "lobby",
        "id": format!("aaaa.{nonce}"), "ts": 7, "origin": "n1-a", "seq": 6, "copies": 2}),
    )
    .await;
    let sent = until(&mut events, |event| match event {
        ClientEvent::Sent(sent) => Some(sent),
        _ => None,
    });
    assert_eq!(sent.await.nonce, nonce);
    let goodbye = tokio::spawn(async move { node.hears("quit").await });
    client.close().await;
    timeout(DEADLINE, goodbye).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_greet_like_a_node_is_left_with_a_word_about_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_client, mut events) = Client::connect(Options {
        nodes: vec![listener.local_addr().unwrap().to_string()],
        name: UserName::parse("alice").unwrap(),
        token: None,
        take_suggestion: false,
        admin: Default::default(),
        stays_here: false,
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    let reason = until(&mut events, |event| match event {
        ClientEvent::Offline { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(reason.await, "what listens there is not a chat node");
}

#[test]
fn what_the_system_says_of_a_connection_is_told_without_its_number() {
    let refused = std::io::Error::from_raw_os_error(111);
    assert_eq!(in_words(&refused), "connection refused");
    let unknown = std::io::Error::other("failed to look up: no such host");
    assert_eq!(in_words(&unknown), "failed to look up: no such host");
}
