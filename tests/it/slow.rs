//! Readers that stop reading: they slow nobody down, and lose nothing.

use serde_json::{Value, json};
use socket2::SockRef;

use crate::support::{Client, TestNode};

/// A session in the lobby whose own kernel buffer is small, so that it stalls early.
async fn reader(node: &TestNode, name: &str) -> Client {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    SockRef::from(&socket)
        .set_recv_buffer_size(16 * 1024)
        .unwrap();
    let stream = socket.connect(node.node.listen).await.unwrap();
    let mut client = Client::silent(stream);
    client.next("connect").await;
    client.open(json!({"name": name})).await;
    client.join("lobby").await;
    client
}

async fn send_many(client: &mut Client, from: usize, count: usize, padding: usize) -> Vec<Value> {
    let mut sent = Vec::new();
    for chunk in (from..from + count).collect::<Vec<_>>().chunks(200) {
        let lines: String = chunk
            .iter()
            .map(|n| {
                let text = format!("m{n} {}", "x".repeat(padding));
                format!(
                    "{}\n",
                    json!({"type": "send", "room": "lobby", "text": text})
                )
            })
            .collect();
        client.write(lines.as_bytes()).await;
        for _ in chunk {
            sent.push(client.next("sent").await);
        }
        client.forget();
    }
    sent
}

fn number(message: &Value) -> usize {
    let text = message["text"].as_str().unwrap();
    text[1..].split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_slow_reader_catches_up_from_the_log() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut slow = reader(&node, "slow").await;
    let mut quick = node.user_in("quick", "lobby").await;
    // Far more than the buffers of both kernels and the ring hold.
    let mut sent = send_many(&mut alice, 0, 1100, 3900).await;
    let carol = node.user_in("carol", "lobby").await;
    sent.extend(send_many(&mut alice, 1100, 1100, 3900).await);
    let last =
        json!({"type": "edit", "room": "lobby", "id": sent[1800]["id"], "text": "m1800 edited"});
    alice.ask(last).await;
    for n in 0..2200 {
        assert_eq!(
            number(&quick.next("new_message").await),
            n,
            "the quick one is not held up"
        );
    }
    for n in 0..2200 {
        let message = slow.next("new_message").await;
        assert_eq!(number(&message), n);
        if n == 1800 {
            assert_eq!(message["text"], "m1800 edited", "as it is now");
        }
    }
    assert_eq!(slow.next("message_update").await["text"], "m1800 edited");
    // Carol's coming is not in the log, and known all the same.
    let carol = carol.uid();
    let told = |frame: &Value| {
        let users = frame["users"].as_array();
        frame["user"]["uid"] == carol || users.is_some_and(|u| u.iter().any(|u| u["uid"] == carol))
    };
    slow.next_where("carol", told).await;
    let counters = node.node.metrics();
    assert!(
        !counters.contains("chat_node_replays_total{node=\"n1\"} 0"),
        "{counters}"
    );
    // From there on it is live again.
    send_many(&mut alice, 2200, 10, 1).await;
    for n in 2200..2210 {
        assert_eq!(number(&slow.next("new_message").await), n);
    }
    assert!(
        slow.so_far()
            .await
            .iter()
            .all(|f| f["type"] != "new_message" && f["type"] != "gap")
    );
}

#[tokio::test]
async fn past_10000_events_a_reader_is_told_of_the_gap_and_can_read_from_there() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut slow = reader(&node, "slow").await;
    send_many(&mut alice, 0, 1500, 3900).await;
    let sent = send_many(&mut alice, 1500, 11_000, 1).await;
    let mut next = 0;
    let gap = loop {
        let frame = slow
            .next_where("message or gap", |f| {
                f["type"] == "new_message" || f["type"] == "gap"
            })
            .await;
        if frame["type"] == "gap" {
            break frame;
        }
        assert_eq!(number(&frame), next);
        next += 1;
    };
    assert_eq!(gap["room"], "lobby");
    let origin = sent[0]["origin"].as_str().unwrap();
    let mut since = gap["since"].clone();
    assert_eq!(since[origin], next, "it holds what it was given");
    loop {
        let ask = json!({"type": "history", "room": "lobby", "since": since, "limit": 200});
        let page = slow.ask(ask).await;
        for message in page["messages"].as_array().unwrap() {
            assert_eq!(number(message), next);
            next += 1;
        }
        since = page["since"].clone();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(next, 12_500);
}

#[tokio::test]
async fn a_slow_reader_of_direct_conversations_catches_up_too() {
    let node = TestNode::start().await;
    let mut alice = node.user("alice").await;
    let mut carol = node.user("carol").await;
    let mut slow = reader(&node, "slow").await;
    let text = "x".repeat(3500);
    for n in 0..2200 {
        let frame = json!({"type": "send", "room": "@slow", "text": format!("m{n} {text}")});
        let from = if n % 3 == 0 { &mut carol } else { &mut alice };
        from.tell(frame).await;
        if n % 100 == 99 {
            alice
                .ask(json!({"type": "history", "room": "@slow", "limit": 1}))
                .await;
            carol
                .ask(json!({"type": "history", "room": "@slow", "limit": 1}))
                .await;
        }
    }
    let mut rooms = [Vec::new(), Vec::new()];
    while rooms[0].len() + rooms[1].len() < 2200 {
        let message = slow.next("new_message").await;
        rooms[usize::from(message["room"] == "@carol")].push(number(&message));
    }
    let expected = |carols: bool| {
        (0..2200)
            .filter(|n| (n % 3 == 0) == carols)
            .collect::<Vec<_>>()
    };
    assert_eq!(rooms, [expected(false), expected(true)]);
}

#[tokio::test]
async fn a_client_that_asks_and_does_not_read_is_not_answered_without_bound() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    send_many(&mut alice, 0, 100, 3000).await;
    let mut greedy = reader(&node, "greedy").await;
    let ask = format!(
        "{}\n",
        json!({"type": "history", "room": "lobby", "limit": 100})
    );
    // 200 pages of 300 KB: the node takes them as slowly as they are read.
    greedy.write(ask.repeat(200).as_bytes()).await;
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
    for _ in 0..200 {
        greedy.next("history").await;
    }
}
