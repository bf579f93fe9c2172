//! What must change nothing, and what must be caught up with.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cluster::{Member, linked, same_history, two, until};
use crate::support::{DEADLINE, fill};

#[tokio::test]
async fn a_new_node_takes_over_10_000_messages_while_the_others_talk() {
    let (one, two) = two().await;
    fill(&one.node, "archive", 0..10_000).await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let three = Member::start("n3", &[&one]).await;
    let held = || three.node.shared().store.held();
    let mut said = 0;
    while held().iter().map(|(_, seq)| seq).max() < Some(10_000) {
        let sent = alice.say("lobby", &format!("live {said}")).await;
        bob.next_where("the live one", |f| f["id"] == sent["id"])
            .await;
        said += 1;
    }
    linked(&[&one, &two, &three]).await;
    let mut carol = three.user_in("carol", "lobby").await;
    let count = said.min(200);
    let ask = json!({"type": "history", "room": "lobby", "limit": count});
    let last = format!("live {}", said - 1);
    until("n3 has all that n1 has", async || {
        held() == one.node.shared().store.held()
    })
    .await;
    let page = carol.ask(ask).await;
    assert_eq!(
        page["messages"].as_array().unwrap().last().unwrap()["text"],
        last.as_str()
    );
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn garbage_on_the_peer_port_changes_nothing() {
    let (one, two) = two().await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let mut noise = vec![0; 64 * 1024];
    getrandom::fill(&mut noise).unwrap();
    let frame = br#"{"push":{"events":[]}}"#;
    let mut framed = u32::try_from(frame.len()).unwrap().to_be_bytes().to_vec();
    framed.extend_from_slice(frame);
    let line = b"{\"type\":\"user_join\",\"name\":\"mallory\"}\n".to_vec();
    for bytes in [noise, framed, line, vec![0xff; 4]] {
        let mut socket = TcpStream::connect(one.node.peer.unwrap()).await.unwrap();
        // It may be hung up on before all is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let ended = timeout(DEADLINE, socket.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "the connection was kept");
    }
    assert_eq!(one.linked(), ["n2"]);
    alice.say("lobby", "still here").await;
    bob.next("new_message").await;
    same_history(&mut alice, &mut bob, "lobby", 1).await;
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_peer_port_that_is_taken_is_one_clear_line() {
    let one = Member::start("n1", &[]).await;
    let error = Member::try_start_on("n2", one.node.peer.unwrap())
        .await
        .unwrap_err();
    let port = one.node.peer.unwrap().port().to_string();
    let line = error.to_string();
    assert!(
        line.contains(&port) && line.contains("--peer") && !line.contains('\n'),
        "{line}"
    );
    one.stop().await;
}
