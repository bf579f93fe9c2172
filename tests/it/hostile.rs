//! Bad input: it ends no process, disturbs no other session, and loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, DEADLINE, TestNode};

/// Damaged lines that are sent, over all connections.
const LINES: usize = 100_000;

/// Where the damage begins; printed with a failure.
const SEED: u64 = 0x5eed_0001;

/// Marsaglia's xorshift: the same damage in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

fn frames(id: &Value) -> Vec<String> {
    [
        json!({"type": "user_join", "re": 1, "name": "mallory", "token": "a.b", "admin": "x"}),
        json!({"type": "join", "re": "x", "room": "lobby", "since": {"n1-4f2a": 153}, "limit": 50}),
        json!({"type": "join", "room": "den"}),
        json!({"type": "leave", "room": "den"}),
        json!({"type": "send", "room": "den", "text": "hé 😀\n", "nonce": "5b1c", "reply_to": "aaaa.b", "after": 5}),
        json!({"type": "edit", "room": "den", "id": id, "text": "x", "nonce": "e"}),
        json!({"type": "delete", "room": "den", "id": id, "after": 1}),
        json!({"type": "react", "room": "den", "id": id, "emoji": "👍", "on": true}),
        json!({"type": "topic", "room": "den", "topic": "deploys"}),
        json!({"type": "history", "room": "den", "before": 1763, "limit": 100}),
        json!({"type": "history", "room": "den", "since": {}}),
        json!({"type": "typing", "room": "den", "on": true}),
        json!({"type": "read", "room": "den", "since": {"n1-4f2a": 160}}),
        json!({"type": "search", "query": "x", "room": "den", "before": 1, "limit": 20}),
        json!({"type": "rooms"}),
        json!({"type": "who", "room": "@mallory"}),
        json!({"type": "away", "on": true}),
        json!({"type": "stats", "every": 1000, "node": "*"}),
        json!({"type": "ping", "x": [[{"a": [1, 2.5e300, null]}]]}),
    ]
    .iter()
    .map(Value::to_string)
    .collect()
}

fn damage(chance: &mut Chance, line: &str, other: &str) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance
            .below(bytes.len().max(1))
            .min(bytes.len().saturating_sub(1));
        match chance.below(8) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = chance.below(256) as u8,
            2 => bytes.truncate(at.max(1)),
            3 => bytes.insert(at, b"{}[]\",:\\0-\xff\xfa\xf0\r\x1b"[chance.below(15)]),
            4 => drop(bytes.remove(at)),
            5 => bytes.splice(at..at, other.bytes()).for_each(drop),
            6 => bytes
                .splice(at..at, b"9999999999999999999999".iter().copied())
                .for_each(drop),
            _ => {
                let end = (at + chance.below(12)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.extend(part);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
    bytes.push(b'\n');
    bytes
}

/// Counts panics in the node's own code; the tests' assertions are not among them.
fn count_panics() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, before) = (Arc::clone(&count), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        if info
            .location()
            .is_some_and(|at| !at.file().starts_with("tests/"))
        {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        before(info);
    }));
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_damaged_lines_disturb_nobody() {
    let panics = count_panics();
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut bob = node.user_in("bob", "lobby").await;
    let id = node.user_in("writer", "den").await.say("den", "x").await["id"].clone();
    let address = node.node.listen;
    let attacks = (0..4).map(|n| {
        let frames = frames(&id);
        tokio::spawn(async move {
            let mut chance = Chance(SEED + n);
            let mut left = LINES / 4;
            while left > 0 {
                let name = format!("m{n}-{left}");
                left -= attack(address, &name, &frames, &mut chance, left).await;
            }
        })
    });
    let attacks: Vec<_> = attacks.collect();
    // Meanwhile two others talk, and every message arrives.
    let mut said = 0;
    while !attacks.iter().all(|attack| attack.is_finished()) {
        let sent = alice.say("lobby", &format!("m{said}")).await;
        let shown = bob.next("new_message").await;
        assert_eq!(
            (&shown["id"], &shown["text"]),
            (&sent["id"], &json!(format!("m{said}")))
        );
        said += 1;
        // Not too many of them: it is the others who make the noise.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for attack in attacks {
        attack.await.unwrap();
    }
    assert_eq!(panics.load(Ordering::SeqCst), 0, "seed {SEED:#x}");
    let page = bob
        .ask(json!({"type": "history", "room": "lobby", "limit": 1}))
        .await;
    assert_eq!(page["messages"][0]["text"], format!("m{}", said - 1));
    node.stop().await;
}

/// Sends lines over one connection until it has sent all or is hung up on; gives how many.
async fn attack(
    address: std::net::SocketAddr,
    name: &str,
    frames: &[String],
    chance: &mut Chance,
    left: usize,
) -> usize {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let reading = tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while reader.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    });
    let hello = format!(
        "{}\n{}\n",
        json!({"type": "user_join", "name": name}),
        json!({"type": "join", "room": "den"})
    );
    let mut sent = 0;
    if writer.write_all(hello.as_bytes()).await.is_ok() {
        while sent < left {
            let mut bytes = Vec::new();
            for _ in 0..50.min(left - sent) {
                let (one, other) = (chance.below(frames.len()), chance.below(frames.len()));
                bytes.extend(damage(chance, &frames[one], &frames[other]));
                sent += 1;
            }
            let written = timeout(DEADLINE, writer.write_all(&bytes)).await;
            if written.expect("the node still reads").is_err() {
                break;
            }
        }
    }
    // All of it is answered before this connection ends.
    let _ = writer.shutdown().await;
    let _ = timeout(DEADLINE, reading)
        .await
        .expect("the node ends the connection");
    sent
}

#[tokio::test]
async fn an_http_request_ends_the_connection_and_does_nothing() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    for first in ["POST /send HTTP/1.1", "GET / HTTP/1.1"] {
        let mut browser = node.connect().await;
        let request = format!(
            "{first}\r\nHost: localhost\r\n\r\n{}\n{}\n",
            json!({"type": "user_join", "name": "victim"}),
            json!({"type": "join", "room": "lobby"}),
        );
        browser.write(request.as_bytes()).await;
        assert_eq!(browser.rest().await, Vec::<Value>::new());
    }
    assert!(alice.so_far().await.is_empty(), "nobody came");
}

#[tokio::test]
async fn lines_come_whole_however_they_were_cut_with_telnets_negotiation_between() {
    let node = TestNode::start().await;
    let mut client = node.connect().await;
    let line =
        b"\xff\xfb\x1f{\"type\":\xff\xf1\"ping\",\xff\xfa\x1f\x00\x50\xff\xf0\"re\":5}\r\n\n  \n";
    for byte in line {
        client.write(&[*byte]).await;
    }
    assert_eq!(client.next("pong").await["re"], 5);
}

#[tokio::test]
async fn a_client_that_closes_its_side_is_answered_before_the_end() {
    let node = TestNode::start().await;
    let mut script = Client::connect(node.node.listen).await;
    let lines = [
        json!({"type": "user_join", "name": "cron"}),
        json!({"type": "join", "room": "ops"}),
        json!({"type": "send", "room": "ops", "text": "done"}),
    ];
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    script.write(lines.as_bytes()).await;
    script.end().await;
    let kinds: Vec<Value> = script
        .rest()
        .await
        .iter()
        .map(|f| f["type"].clone())
        .collect();
    assert!(kinds.contains(&json!("sent")), "{kinds:?}");
}
