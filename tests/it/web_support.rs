//! A bridge on a free port, a browser that speaks WebSocket, and plain requests written by hand.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chat::protocol::secret::Secret;
use chat::web::{Bridge, Config, Tuning};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{DEADLINE, TestNode};

/// A bridge to these nodes.
pub async fn bridge_to(nodes: &[SocketAddr]) -> Bridge {
    bridge_with(nodes, |_| {}).await
}

pub async fn bridge_with(nodes: &[SocketAddr], change: impl FnOnce(&mut Config)) -> Bridge {
    let mut config = config(nodes);
    change(&mut config);
    Bridge::start(config).await.unwrap()
}

/// With limits of one's own.
pub async fn bridge_tuned(nodes: &[SocketAddr], tuning: Tuning) -> Bridge {
    Bridge::start_tuned(config(nodes), tuning).await.unwrap()
}

pub fn config(nodes: &[SocketAddr]) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        nodes: nodes.iter().map(SocketAddr::to_string).collect(),
        origins: Vec::new(),
        secret: Secret::new(&[b's'; 32]).unwrap(),
        tls: None,
    }
}

/// A node and a bridge to it.
pub async fn node_and_bridge() -> (TestNode, Bridge) {
    let node = TestNode::start().await;
    let bridge = bridge_to(&[node.node.listen]).await;
    (node, bridge)
}

/// A browser's WebSocket.
pub struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: VecDeque<Value>,
    asked: i64,
    pub session: Value,
}

impl Browser {
    /// Connects, and takes the `connect` frame.
    pub async fn connect(address: SocketAddr) -> Browser {
        let mut browser = Browser::try_connect(address, &[]).await.unwrap();
        let connect = browser.next("connect").await;
        assert_eq!(connect["protocol"], 1);
        browser
    }

    /// Connects with these headers, as far as it is let.
    pub async fn try_connect(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Browser, Error> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = timeout(DEADLINE, connect_async(request)).await.unwrap()?;
        Ok(Browser {
            socket,
            waiting: VecDeque::new(),
            asked: 0,
            session: Value::Null,
        })
    }

    /// A session that is in a room.
    pub async fn user_in(address: SocketAddr, name: &str, room: &str) -> Browser {
        let mut browser = Browser::connect(address).await;
        browser.open(json!({"name": name})).await;
        browser.join(room).await;
        browser
    }

    pub async fn open(&mut self, mut fields: Value) -> Value {
        fields["type"] = json!("user_join");
        self.session = self.ask(fields).await;
        assert_eq!(self.session["type"], "session", "{}", self.session);
        self.session.clone()
    }

    pub async fn join(&mut self, room: &str) -> Value {
        let answer = self.ask(json!({"type": "join", "room": room})).await;
        assert_eq!(answer["type"], "room", "{answer}");
        answer
    }

    pub async fn say(&mut self, room: &str, text: &str) -> Value {
        let answer = self
            .ask(json!({"type": "send", "room": room, "text": text}))
            .await;
        assert_eq!(answer["type"], "sent", "{answer}");
        answer
    }

    pub async fn tell(&mut self, frame: Value) {
        self.write(Message::text(frame.to_string())).await;
    }

    pub async fn write(&mut self, message: Message) {
        self.try_write(message).await.unwrap();
    }

    /// Waits for a ping of the bridge's; what comes before it is passed over.
    pub async fn pinged(&mut self) {
        let ping =
            async { while !matches!(self.socket.next().await, Some(Ok(Message::Ping(_)))) {} };
        timeout(DEADLINE, ping).await.expect("a ping in time");
    }

    /// Writes what the bridge may not want to read to its end.
    pub async fn try_write(&mut self, message: Message) -> Result<(), Error> {
        timeout(DEADLINE, self.socket.send(message)).await.unwrap()
    }

    /// Writes a frame with a mark of its own, and gives its direct answer.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        self.asked += 1;
        let re = format!("re-{}", self.asked);
        frame["re"] = json!(re);
        self.tell(frame).await;
        self.next_where(&re, |frame| frame["re"] == re.as_str())
            .await
    }

    pub async fn next(&mut self, kind: &str) -> Value {
        self.next_where(kind, |frame| frame["type"] == kind).await
    }

    /// The next frame for which `wanted` holds; others keep waiting.
    pub async fn next_where(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).unwrap();
        }
        loop {
            let Some(frame) = self.read().await else {
                panic!(
                    "the socket ended before {what}; waiting: {:?}",
                    self.waiting
                )
            };
            if wanted(&frame) {
                return frame;
            }
            self.waiting.push_back(frame);
        }
    }

    /// The next frame of all; none at the end.
    pub async fn read(&mut self) -> Option<Value> {
        loop {
            let message = timeout(DEADLINE, self.socket.next())
                .await
                .expect("a frame in time")?;
            match message.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// All texts of a room's messages, in the order in which they come, until `last` has come.
    pub async fn texts_until(&mut self, last: &str) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != last) {
            let message = self.next("new_message").await;
            texts.push(message["text"].as_str().unwrap().to_owned());
        }
        texts
    }

    /// Everything that was said before this is answered now: what waits is all there is.
    pub async fn settle(&mut self) -> Vec<Value> {
        self.ask(json!({"type": "ping"})).await;
        self.waiting.drain(..).collect()
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    pub fn frames(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.json());
        self.json()["frames"].as_array().unwrap().clone()
    }

    /// The status and the code of an error.
    pub fn refused(&self) -> (u16, String) {
        let frame = self.json();
        assert_eq!(frame["type"], "error", "{frame}");
        (self.status, frame["code"].as_str().unwrap().to_owned())
    }
}

/// One request on a connection of its own. `Host` is the address unless a header says otherwise.
pub async fn request(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut text = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if line.starts_with("POST") {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    raw(address, format!("{text}\r\n{body}").as_bytes()).await
}

/// Writes these bytes and reads until the end.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The bridge may answer and close before it has read all.
    let _ = stream.write_all(bytes).await;
    read_answer(stream).await
}

/// Reads until the end.
pub async fn read_answer(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
    if answer.is_empty() {
        panic!("no answer: {read:?}");
    }
    parse_answer(&answer)
}

/// A whole answer.
pub fn parse_answer(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    Answer {
        status: status.parse().unwrap(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path}"), &[], "").await
}

pub async fn post(address: SocketAddr, body: Value) -> Answer {
    request(address, "POST /send", &[], &body.to_string()).await
}

/// A session that is polled.
pub struct Poller {
    address: SocketAddr,
    bearer: String,
    pub session: Value,
}

impl Poller {
    pub async fn open(address: SocketAddr, name: &str) -> Poller {
        Poller::open_with(address, name, &[]).await.0
    }

    /// Says more with the `user_join`; gives the answers to that.
    pub async fn open_with(
        address: SocketAddr,
        name: &str,
        more: &[Value],
    ) -> (Poller, Vec<Value>) {
        let mut all = vec![json!({"type": "user_join", "name": name})];
        all.extend_from_slice(more);
        let mut answers = post(address, Value::Array(all)).await.frames();
        let session = answers.remove(0);
        let bearer = format!("Bearer {}", session["poll"].as_str().unwrap());
        let poller = Poller {
            address,
            bearer,
            session,
        };
        (poller, answers)
    }

    pub async fn post(&self, body: Value) -> Answer {
        let headers = [("Authorization", self.bearer.as_str())];
        request(self.address, "POST /send", &headers, &body.to_string()).await
    }

    pub async fn poll(&self, after: u64, wait: u64) -> Answer {
        let headers = [("Authorization", self.bearer.as_str())];
        let line = format!("GET /poll?after={after}&wait={wait}");
        request(self.address, &line, &headers, "").await
    }
}
