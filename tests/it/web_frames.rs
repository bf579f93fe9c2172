//! The WebSocket frame by frame, written and read by hand on real sockets: what no library would send.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::DEADLINE;
use crate::web_support::{Browser, node_and_bridge};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// First byte of a frame: whether it is the last of its message, and its opcode.
const LAST: u8 = 0x80;
const CONTINUE: u8 = 0;
const TEXT: u8 = LAST | 1;
const CLOSE: u8 = LAST | 8;
const PING: u8 = LAST | 9;
const PONG: u8 = LAST | 10;

/// A frame as a browser sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        small @ 0..=125 => bytes.push(0x80 | u8::try_from(small).unwrap()),
        middle @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        large => {
            bytes.push(0x80 | 127);
            bytes.extend((large as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

fn text(frame_json: &Value) -> Vec<u8> {
    frame(TEXT, frame_json.to_string().as_bytes())
}

struct Raw(TcpStream);

impl Raw {
    /// Asks for a WebSocket; `more` goes into the same write.
    async fn ask(address: SocketAddr, more: &[u8]) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        // So that who takes nothing is soon noticed.
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let mut raw = Raw(stream);
        raw.write(&[request.as_bytes(), more].concat()).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(raw.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        let accept = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n";
        assert!(head.contains(accept), "{head}");
        assert_eq!(raw.json().await["type"], "connect");
        raw
    }

    async fn connect(address: SocketAddr) -> Raw {
        Raw::ask(address, b"").await
    }

    async fn write(&mut self, bytes: &[u8]) {
        let written = timeout(DEADLINE, self.0.write_all(bytes)).await;
        written.unwrap().unwrap();
    }

    /// The next frame: its first byte and what it holds. None at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let reading = async {
            let first = self.0.read_u8().await.ok()?;
            let bytes = match self.0.read_u8().await.unwrap() {
                126 => usize::from(self.0.read_u16().await.unwrap()),
                127 => usize::try_from(self.0.read_u64().await.unwrap()).unwrap(),
                bytes => usize::from(bytes),
            };
            let mut payload = vec![0; bytes];
            self.0.read_exact(&mut payload).await.unwrap();
            Some((first, payload))
        };
        timeout(DEADLINE, reading).await.expect("a frame in time")
    }

    /// The next frame, which is a text.
    async fn json(&mut self) -> Value {
        let (first, payload) = self.frame().await.unwrap();
        assert_eq!(first, TEXT);
        serde_json::from_slice(&payload).unwrap()
    }

    /// The code with which it is closed next, and whether nothing comes behind it.
    async fn closed(&mut self) -> Option<u16> {
        let mut last = self.frame().await.unwrap();
        while last.0 == TEXT {
            last = self.frame().await.unwrap();
        }
        assert_eq!(last.0, CLOSE);
        assert_eq!(self.frame().await, None);
        last.1.first_chunk().copied().map(u16::from_be_bytes)
    }
}

#[tokio::test]
async fn frames_are_understood_glued_together_and_byte_by_byte() {
    let (node, bridge) = node_and_bridge().await;
    let long = "é".repeat(200);
    let said_by = |name: &str| {
        let said = [
            json!({"type": "user_join", "name": name}),
            json!({"type": "join", "room": "lobby"}),
            json!({"type": "send", "room": "lobby", "text": long}),
        ];
        said.iter().flat_map(text).collect::<Vec<u8>>()
    };
    let mut listener = Browser::user_in(bridge.address, "listener", "lobby").await;
    // Even before the bridge has granted it.
    let mut glued = Raw::ask(bridge.address, &said_by("alice")).await;
    let mut slow = Raw::connect(bridge.address).await;
    for byte in said_by("bob") {
        slow.write(&[byte]).await;
    }
    for raw in [&mut glued, &mut slow] {
        while raw.json().await["type"] != "sent" {}
    }
    for _ in 0..2 {
        assert_eq!(listener.next("new_message").await["text"], long);
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_ping_is_answered_between_the_parts_of_a_message() {
    let (node, bridge) = node_and_bridge().await;
    let mut raw = Raw::connect(bridge.address).await;
    raw.write(&frame(1, br#"{"type":"pi"#)).await;
    raw.write(&frame(PING, b"are you there?")).await;
    assert_eq!(raw.frame().await, Some((PONG, b"are you there?".to_vec())));
    raw.write(&frame(CONTINUE, b"ng\",\"re\":")).await;
    raw.write(&frame(PONG, b"")).await;
    raw.write(&frame(LAST | CONTINUE, b"7}")).await;
    let pong = raw.json().await;
    assert_eq!((&pong["type"], &pong["re"]), (&json!("pong"), &json!(7)));
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_all_answered_in_their_order() {
    const REQUESTS: usize = 3_000;
    let (node, bridge) = node_and_bridge().await;
    let mut raw = Raw::connect(bridge.address).await;
    let all: Vec<u8> = (0..REQUESTS)
        .flat_map(|n| text(&json!({"type": "ping", "re": n})))
        .collect();
    let (mut reader, mut writer) = raw.0.split();
    let writing = async {
        timeout(DEADLINE, writer.write_all(&all))
            .await
            .unwrap()
            .unwrap()
    };
    let reading = async {
        let mut bytes = Vec::new();
        let last = format!(r#""re":{}"#, REQUESTS - 1);
        while !String::from_utf8_lossy(&bytes).contains(&last) {
            timeout(DEADLINE, reader.read_buf(&mut bytes))
                .await
                .unwrap()
                .unwrap();
        }
        bytes
    };
    let ((), bytes) = tokio::join!(writing, reading);
    let told = String::from_utf8_lossy(&bytes).into_owned();
    let places: Vec<usize> = (0..REQUESTS)
        .map(|n| {
            told.match_indices(&format!(r#""re":{n}"#))
                .next()
                .unwrap()
                .0
        })
        .collect();
    assert!(places.is_sorted());
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_closing_is_answered_with_its_code_and_the_session_leaves() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    for (name, payload, code) in [
        ("eve", vec![], None),
        ("mallory", 1000u16.to_be_bytes().to_vec(), Some(1000)),
        (
            "trudy",
            [&1001u16.to_be_bytes()[..], b"tab closed"].concat(),
            Some(1001),
        ),
        ("oscar", 4321u16.to_be_bytes().to_vec(), Some(4321)),
    ] {
        let mut raw = Raw::connect(bridge.address).await;
        raw.write(&text(&json!({"type": "user_join", "name": name})))
            .await;
        raw.write(&text(&json!({"type": "join", "room": "lobby"})))
            .await;
        assert_eq!(alice.next("user_join").await["user"]["name"], name);
        raw.write(&frame(CLOSE, &payload)).await;
        assert_eq!(raw.closed().await, code);
        assert_eq!(alice.next("user_leave").await["user"], name);
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_ends_its_socket_with_the_code_that_says_why() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let too_large = [frame(1, &vec![b'x'; 1024 * 1024]), frame(LAST, b"y")].concat();
    for (bytes, code) in [
        (b"\x81\x02hi".to_vec(), 1002),
        (frame(0x40 | TEXT, b"{}"), 1002),
        (frame(LAST | 3, b"{}"), 1002),
        (frame(LAST | 0x0f, b""), 1002),
        (frame(9, b"in parts"), 1002),
        (frame(PING, &[0; 126]), 1002),
        (frame(LAST | CONTINUE, b"of nothing"), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(TEXT, b"\"\xc3\x28\""), 1007),
        (too_large, 1009),
    ] {
        let mut raw = Raw::connect(bridge.address).await;
        raw.write(&bytes).await;
        // And more of it, which nobody reads for what it says.
        let _ = raw.0.write_all(&bytes[..bytes.len().min(64)]).await;
        assert_eq!(raw.closed().await, Some(code));
    }
    alice.say("lobby", "still here").await;
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn who_leaves_is_told_and_waited_for_only_so_long() {
    let (node, bridge) = node_and_bridge().await;
    for answers in [true, false] {
        let mut raw = Raw::connect(bridge.address).await;
        raw.write(&text(&json!({"type": "user_join", "name": "eve"})))
            .await;
        raw.write(&text(&json!({"type": "quit"}))).await;
        while raw.json().await["type"] != "disconnect" {}
        let (first, payload) = raw.frame().await.unwrap();
        assert_eq!((first, &payload[..]), (CLOSE, &1000u16.to_be_bytes()[..]));
        let began = Instant::now();
        if answers {
            raw.write(&frame(CLOSE, &payload)).await;
        }
        assert_eq!(raw.frame().await, None);
        let at_once = began.elapsed() < Duration::from_millis(900);
        assert_eq!(at_once, answers, "{:?}", began.elapsed());
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_browser_that_takes_nothing_does_not_hold_up_the_bridges_end() {
    let (node, bridge) = node_and_bridge().await;
    let mut stuck = Raw::connect(bridge.address).await;
    stuck
        .write(&text(&json!({"type": "user_join", "name": "stuck"})))
        .await;
    stuck
        .write(&text(&json!({"type": "join", "room": "lobby"})))
        .await;
    let mut talker = node.user_in("talker", "lobby").await;
    let long = "x".repeat(3_900);
    for _ in 0..20 {
        for _ in 0..100 {
            talker
                .tell(json!({"type": "send", "room": "lobby", "text": long}))
                .await;
        }
        let mut sent = 0;
        while sent < 100 {
            sent += usize::from(
                talker
                    .line()
                    .await
                    .unwrap()
                    .starts_with(r#"{"type":"sent""#),
            );
        }
    }
    let began = Instant::now();
    bridge.stop().await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, stuck.0.read_to_end(&mut rest))
        .await
        .expect("its end");
    node.stop().await;
}
