//! The node as a process of its own: killed, and short of file descriptors.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, DEADLINE};

/// A running `chat-node`; killed when dropped.
struct Process {
    child: Child,
    listen: SocketAddr,
}

impl Process {
    /// Starts it through a shell that runs `before` first.
    fn start(folder: &Path, before: &str) -> Process {
        let shell = format!("{before} exec \"$0\" \"$@\"");
        let data = folder.join("n1");
        let mut child = Command::new("sh")
            .args(["-c", &shell, env!("CARGO_BIN_EXE_chat-node")])
            .args([
                "--name",
                "n1",
                "--listen",
                "127.0.0.1:0",
                "--peer",
                "127.0.0.1:0",
            ])
            .args(["--rate", "0", "--ready-fd", "1", "--data"])
            .arg(data)
            .env("CHAT_SECRET_KEY", "s".repeat(32))
            .env("XDG_CONFIG_HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let listen = ready["nodes"][0]["listen"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        Process { child, listen }
    }

    /// Sockets that it has open.
    fn open_sockets(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        let files = std::fs::read_dir(folder).unwrap();
        files
            .filter_map(|file| std::fs::read_link(file.unwrap().path()).ok())
            .filter(|to| to.to_string_lossy().starts_with("socket:"))
            .count()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(n: usize) -> Value {
    json!({"type": "send", "room": "lobby", "text": format!("m{n}"), "nonce": format!("n{n}")})
}

#[tokio::test]
async fn a_killed_node_has_all_that_it_acknowledged_once_however_often_it_is_sent_again() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), "");
    let mut alice = Client::connect(node.listen).await;
    let token = alice.open(json!({"name": "alice"})).await["token"].clone();
    alice.join("lobby").await;
    let lines: String = (0..1000).map(|n| format!("{}\n", send(n))).collect();
    alice.write(lines.as_bytes()).await;
    // In the middle of it, with hundreds on their way to the disk.
    let mut acknowledged = BTreeSet::new();
    while acknowledged.len() < 300 {
        acknowledged.insert(
            alice.next("sent").await["nonce"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    node.kill();
    while let Some(frame) = alice.any().await {
        if frame["type"] == "sent" {
            acknowledged.insert(frame["nonce"].as_str().unwrap().to_owned());
        }
    }

    let node = Process::start(folder.path(), "");
    let mut alice = Client::connect(node.listen).await;
    alice.open(json!({"token": token})).await;
    alice.join("lobby").await;
    let kept = nonces(&mut alice).await;
    assert!(acknowledged.iter().all(|nonce| kept.contains(nonce)));
    for n in 0..1000 {
        alice.tell(send(n)).await;
    }
    for _ in 0..1000 {
        alice.next("sent").await;
    }
    let expected: Vec<String> = (0..1000).map(|n| format!("n{n}")).collect();
    assert_eq!(nonces(&mut alice).await, expected);
}

/// The nonces of all messages in the lobby, in order.
async fn nonces(client: &mut Client) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), json!(0));
    loop {
        let ask = json!({"type": "history", "room": "lobby", "after": after, "limit": 200});
        let page = client.ask(ask).await;
        let messages = page["messages"].as_array().unwrap();
        found.extend(
            messages
                .iter()
                .map(|m| m["nonce"].as_str().unwrap().to_owned()),
        );
        if page["more"] == false {
            return found;
        }
        after = messages.last().unwrap()["ts"].clone();
    }
}

#[tokio::test]
async fn a_full_file_table_slows_a_node_down_and_does_not_end_it() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), "ulimit -n 64;");
    let mut alice = Client::connect(node.listen).await;
    alice.open(json!({"name": "alice"})).await;
    alice.join("lobby").await;
    // More than it has room for; the kernel takes the rest into its queue.
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(node.listen).await.unwrap());
    }
    assert_eq!(alice.say("lobby", "still here").await["type"], "sent");
    drop(crowd);
    let mut late = timeout(DEADLINE, Client::connect(node.listen))
        .await
        .unwrap();
    assert_eq!(late.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn connections_that_break_while_answers_are_on_their_way_leave_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), "");
    let mut bob = Client::connect(node.listen).await;
    bob.open(json!({"name": "bob"})).await;
    bob.join("lobby").await;
    let before = node.open_sockets();
    let said = (0..20).map(|n| format!("{}\n", send(n)));
    let lines =
        "{\"type\":\"user_join\",\"name\":\"eve\"}\n{\"type\":\"join\",\"room\":\"lobby\"}\n";
    let lines = lines.to_owned() + &said.collect::<String>();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(node.listen).await.unwrap();
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        stream.write_all(lines.as_bytes()).await.unwrap();
        // A reset, somewhere between the joining and the last acknowledgement.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    let gone = timeout(DEADLINE, async {
        while node.open_sockets() > before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(
        gone.await.is_ok(),
        "{} sockets more",
        node.open_sockets() - before
    );
    let here = bob.ask(json!({"type": "who", "room": "lobby"})).await;
    assert_eq!(here["total"], 1, "{here}");
}
