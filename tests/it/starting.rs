//! Starting and stopping: one clear line when it cannot start, good-bye when it stops.

use chat::node::{Node, StartError};
use serde_json::json;

use crate::support::{TestNode, config, texts};

async fn refused(change: impl FnOnce(&mut chat::node::Config)) -> (StartError, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    change(&mut config);
    let error = match Node::start(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    };
    let line = error.to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    (error, line)
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_option() {
    let node = TestNode::start().await;
    let taken = node.node.listen;
    let (error, line) = refused(|config| config.listen = taken).await;
    assert!(matches!(error, StartError::PortInUse { .. }));
    assert!(
        line.contains(&taken.port().to_string()) && line.contains("--listen"),
        "{line}"
    );
}

#[tokio::test]
async fn two_nodes_on_one_folder_are_refused_and_nothing_is_lost() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    alice.say("lobby", "before").await;
    let folder = node.folder.path().join("n1");
    let (_, line) = refused(|config| config.data = folder).await;
    assert!(line.contains("in use") && line.contains("--data"), "{line}");
    alice.say("lobby", "after").await;
    let page = alice.ask(json!({"type": "history", "room": "lobby"})).await;
    assert_eq!(texts(&page), ["before", "after"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("n1");
    let (_, line) = refused(|config| config.data = path.clone()).await;
    assert!(
        line.contains(path.to_str().unwrap()) && line.contains("--data"),
        "{line}"
    );
}

#[tokio::test]
async fn a_node_that_stops_says_so_after_acknowledging_what_it_took() {
    let node = TestNode::start().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let mut silent = node.connect().await;
    let lines: String = (0..100)
        .map(|n| json!({"type": "send", "room": "lobby", "text": "x", "nonce": format!("n{n}"), "re": n}))
        .map(|line| format!("{line}\n"))
        .collect();
    alice.write(lines.as_bytes()).await;
    alice.next("sent").await;
    let folder = {
        let TestNode { node, folder } = node;
        node.stop().await;
        folder
    };
    let frames = alice.rest().await;
    let last = frames.last().unwrap();
    assert_eq!(
        (&last["type"], &last["reason"]),
        (&json!("disconnect"), &json!("shutting_down"))
    );
    assert_eq!(
        silent.rest().await.last().unwrap()["reason"],
        "shutting_down"
    );
    let acknowledged = 1 + frames.iter().filter(|f| f["type"] == "sent").count();

    let node = Node::start(config(&folder)).await.unwrap();
    let node = TestNode { node, folder };
    let mut later = node.user_in("later", "lobby").await;
    let page = later
        .ask(json!({"type": "history", "room": "lobby", "limit": 200}))
        .await;
    assert!(texts(&page).len() >= acknowledged);
}
