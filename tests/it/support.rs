//! A node on a free port with a folder of its own, and a client that speaks lines of JSON.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use chat::node::store::Deed;
use chat::node::{Config, Node, Tuning};
use chat::protocol::secret::Secret;
use chat::protocol::{Body, Nonce, RoomKey, RoomName, Text, Uid, UserName};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// Time in which anything that must come has come; no test waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A running node and its folder.
pub struct TestNode {
    pub node: Node,
    pub folder: TempDir,
}

/// What a node in tests is started with.
pub fn config(folder: &TempDir) -> Config {
    Config {
        name: "n1".to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        peer: None,
        join: Vec::new(),
        data: folder.path().join("n1"),
        marks: folder.path().join("marks"),
        copies: 2,
        secret: Secret::new(&[b's'; 32]).unwrap(),
        rate: 0,
    }
}

impl TestNode {
    /// Without limits on rates.
    pub async fn start() -> TestNode {
        TestNode::start_with(|_| {}, Tuning::default()).await
    }

    /// At an address at which it can be started again.
    pub async fn start_lasting() -> TestNode {
        TestNode::start_with(
            |config| config.listen = lasting_address(),
            Tuning::default(),
        )
        .await
    }

    /// With a rate, and limits of one's own.
    pub async fn start_with(change: impl FnOnce(&mut Config), tuning: Tuning) -> TestNode {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        change(&mut config);
        let node = Node::start_tuned(config, tuning).await.unwrap();
        TestNode { node, folder }
    }

    /// Stops it and starts it again on the same folder.
    pub async fn restart(self) -> TestNode {
        let TestNode { node, folder } = self;
        node.stop().await;
        let node = Node::start(config(&folder)).await.unwrap();
        TestNode { node, folder }
    }

    pub async fn stop(self) {
        self.node.stop().await;
    }

    /// A connection that has said nothing yet.
    pub async fn connect(&self) -> Client {
        Client::connect(self.node.listen).await
    }

    /// A session.
    pub async fn user(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.open(json!({"name": name})).await;
        client
    }

    /// A session that is in a room.
    pub async fn user_in(&self, name: &str, room: &str) -> Client {
        let mut client = self.user(name).await;
        client.join(room).await;
        client
    }

    /// The administrator's token, as the person who runs the node reads it.
    pub fn admin_token(&self) -> String {
        let file = self.folder.path().join("n1/admin-token");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }
}

/// A free address for a node that is stopped and started again there. Of the ports that outgoing connections
/// get, as a listener on port 0 does, another test may take one meanwhile, or whoever tries to reach the node.
pub fn lasting_address() -> SocketAddr {
    loop {
        let port = 10_000 + getrandom::u32().unwrap() % 22_000;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Puts messages with these numbers into a node's log, far faster than a session could.
pub async fn fill(node: &Node, room: &str, numbers: Range<usize>) {
    let deed = |n: usize| Deed {
        room: RoomKey::Room(RoomName::parse(room).unwrap()),
        uid: Uid::parse("historian").unwrap(),
        name: UserName::parse("historian").unwrap(),
        nonce: Nonce::parse(&format!("h{n}")).unwrap(),
        body: Body::Message {
            text: Text::parse(&format!("entry {n}")).unwrap(),
            reply_to: None,
        },
        after: None,
    };
    let deeds: Vec<Deed> = numbers.map(deed).collect();
    for some in deeds.chunks(1000) {
        let stored = node.shared().store.submit_all(some.to_vec()).await;
        for placed in stored.unwrap() {
            placed.unwrap();
        }
    }
}

/// One connection. Frames that nobody has asked for yet wait in order.
pub struct Client {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    waiting: VecDeque<Value>,
    asked: i64,
    /// The answer to `user_join`.
    pub session: Value,
}

impl Client {
    /// Connects, and takes the `connect` frame.
    pub async fn connect(address: SocketAddr) -> Client {
        let mut client = Client::silent(TcpStream::connect(address).await.unwrap());
        let connect = client.next("connect").await;
        assert_eq!(connect["protocol"], 1);
        client
    }

    /// A connection of which nothing has been read.
    pub fn silent(stream: TcpStream) -> Client {
        let (reader, writer) = stream.into_split();
        Client {
            reader: BufReader::new(reader),
            writer,
            waiting: VecDeque::new(),
            asked: 0,
            session: Value::Null,
        }
    }

    /// `user_join` with these fields.
    pub async fn open(&mut self, fields: Value) -> Value {
        let mut frame = fields;
        frame["type"] = json!("user_join");
        self.session = self.ask(frame).await;
        assert_eq!(self.session["type"], "session", "{}", self.session);
        self.session.clone()
    }

    pub fn uid(&self) -> String {
        self.session["uid"].as_str().unwrap().to_owned()
    }

    /// Joins a room; gives the `room` frame.
    pub async fn join(&mut self, room: &str) -> Value {
        let answer = self.ask(json!({"type": "join", "room": room})).await;
        assert_eq!(answer["type"], "room", "{answer}");
        answer
    }

    /// Sends a message; gives `sent`.
    pub async fn say(&mut self, room: &str, text: &str) -> Value {
        let answer = self
            .ask(json!({"type": "send", "room": room, "text": text}))
            .await;
        assert_eq!(answer["type"], "sent", "{answer}");
        answer
    }

    /// Writes a frame without waiting for anything.
    pub async fn tell(&mut self, frame: Value) {
        self.write(format!("{frame}\n").as_bytes()).await;
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        timeout(DEADLINE, self.writer.write_all(bytes))
            .await
            .unwrap()
            .unwrap();
    }

    /// Resets the connection.
    pub fn break_off(self) {
        let stream = self.reader.into_inner().reunite(self.writer).unwrap();
        stream.set_zero_linger().unwrap();
    }

    /// Closes the writing side only.
    pub async fn end(&mut self) {
        self.writer.shutdown().await.unwrap();
    }

    /// Writes a frame with a mark, and gives its direct answer.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        self.asked += 1;
        let re = self.asked;
        frame["re"] = json!(re);
        self.tell(frame).await;
        self.next_where(&format!("the answer to {re}"), |f| f["re"] == re)
            .await
    }

    /// The code of the error that answers a frame.
    pub async fn refused(&mut self, frame: Value) -> String {
        let answer = self.ask(frame).await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert!(!answer["message"].as_str().unwrap().is_empty(), "{answer}");
        answer["code"].as_str().unwrap().to_owned()
    }

    /// The next frame of a type; others keep waiting.
    pub async fn next(&mut self, kind: &str) -> Value {
        self.next_where(kind, |frame| frame["type"] == kind).await
    }

    /// The next frame for which `wanted` holds; others keep waiting.
    pub async fn next_where(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).unwrap();
        }
        loop {
            let frame = self.read().await;
            let Some(frame) = frame else {
                panic!(
                    "the connection ended before {what}; waiting: {:?}",
                    self.waiting
                )
            };
            if wanted(&frame) {
                return frame;
            }
            self.waiting.push_back(frame);
        }
    }

    /// The next frame as it comes; `None` at the end.
    pub async fn any(&mut self) -> Option<Value> {
        match self.waiting.pop_front() {
            Some(frame) => Some(frame),
            None => self.read().await,
        }
    }

    /// All frames that had come before the answer to a `ping`.
    pub async fn so_far(&mut self) -> Vec<Value> {
        self.ask(json!({"type": "ping"})).await;
        self.waiting.drain(..).collect()
    }

    /// Forgets the frames that nobody has asked for.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Reads until the end; gives the frames.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut frames: Vec<Value> = self.waiting.drain(..).collect();
        while let Some(frame) = self.read().await {
            frames.push(frame);
        }
        frames
    }

    /// The next line as it is.
    pub async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(DEADLINE, self.reader.read_line(&mut line));
        match read.await.expect("nothing came in time") {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line),
        }
    }

    async fn read(&mut self) -> Option<Value> {
        let line = self.line().await?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }
}

/// The texts of `messages`.
pub fn texts(frame: &Value) -> Vec<String> {
    let messages = frame["messages"].as_array().expect("messages");
    messages
        .iter()
        .map(|m| m["text"].as_str().unwrap_or("<deleted>").to_owned())
        .collect()
}
