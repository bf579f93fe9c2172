//! Several nodes in one process, linked over real TCP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chat::node::config::PeerPort;
use chat::node::{Config, Node, StartError, Tuning};
use chat::protocol::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::support::{self, Client, DEADLINE};

/// Any free port.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A node that others can be linked with.
pub struct Member {
    pub node: Node,
    folder: TempDir,
    secret: u8,
}

impl Member {
    /// A node that calls `join`.
    pub async fn start(name: &str, join: &[&Member]) -> Member {
        Member::start_with(name, b's', join).await
    }

    pub async fn start_with(name: &str, secret: u8, join: &[&Member]) -> Member {
        let folder = tempfile::tempdir().unwrap();
        let join = join.iter().map(|member| member.peer_address()).collect();
        Member::start_in(folder, name, secret, ANY, join, Tuning::default()).await
    }

    /// A node that calls these addresses.
    pub async fn start_at(name: &str, join: &[String]) -> Member {
        let folder = tempfile::tempdir().unwrap();
        Member::start_in(folder, name, b's', ANY, join.to_vec(), Tuning::default()).await
    }

    pub async fn start_tuned(name: &str, join: &[&Member], tuning: Tuning) -> Member {
        let folder = tempfile::tempdir().unwrap();
        let join = join.iter().map(|member| member.peer_address()).collect();
        Member::start_in(folder, name, b's', ANY, join, tuning).await
    }

    /// Why a node whose peer port is this address does not start.
    pub async fn try_start_on(name: &str, peer: SocketAddr) -> Result<(), StartError> {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder, name, b's', peer, vec![]);
        Node::start(config).await.map(|_| ())
    }

    async fn start_in(
        folder: TempDir,
        name: &str,
        secret: u8,
        peer: SocketAddr,
        join: Vec<String>,
        tuning: Tuning,
    ) -> Member {
        let config = config(&folder, name, secret, peer, join);
        let node = Node::start_tuned(config, tuning).await.unwrap();
        Member {
            node,
            folder,
            secret,
        }
    }

    pub fn peer_address(&self) -> String {
        self.node.peer.unwrap().to_string()
    }

    /// Stops it, and gives what is needed to start it again on its folder.
    pub async fn stop(self) -> Stopped {
        let name = self.node.name.clone();
        self.node.stop().await;
        Stopped {
            name,
            folder: self.folder,
            secret: self.secret,
        }
    }

    pub async fn user(&self, name: &str) -> Client {
        let mut client = Client::connect(self.node.listen).await;
        client.open(json!({"name": name})).await;
        client
    }

    pub async fn user_in(&self, name: &str, room: &str) -> Client {
        let mut client = self.user(name).await;
        client.join(room).await;
        client
    }

    /// An administrator's session.
    pub async fn admin(&self, name: &str) -> Client {
        let file = self.folder.path().join("data/admin-token");
        let token = std::fs::read_to_string(file).unwrap();
        let mut client = Client::connect(self.node.listen).await;
        let session = client.open(json!({"name": name, "admin": token.trim()}));
        assert_eq!(session.await["role"], "admin");
        client
    }

    /// The other nodes that it has links to.
    pub fn linked(&self) -> Vec<String> {
        let nodes = self.node.shared().replicator().nodes();
        let up = nodes.into_iter().filter(|node| node.up);
        up.map(|node| node.name).collect()
    }
}

fn config(folder: &TempDir, name: &str, secret: u8, peer: SocketAddr, join: Vec<String>) -> Config {
    Config {
        name: name.to_owned(),
        peer: Some(PeerPort {
            address: peer,
            search: false,
        }),
        join,
        data: folder.path().join("data"),
        secret: Secret::new(&[secret; 32]).unwrap(),
        ..support::config(folder)
    }
}

/// A node that is not running.
pub struct Stopped {
    name: String,
    folder: TempDir,
    secret: u8,
}

impl Stopped {
    /// On another address.
    pub async fn start(self, join: &[&Member]) -> Member {
        let join = join.iter().map(|member| member.peer_address()).collect();
        self.restart(ANY, join).await
    }

    /// On this address, told of nobody.
    pub async fn start_on(self, peer: SocketAddr) -> Member {
        self.restart(peer, Vec::new()).await
    }

    async fn restart(self, peer: SocketAddr, join: Vec<String>) -> Member {
        let tuning = Tuning::default();
        Member::start_in(self.folder, &self.name, self.secret, peer, join, tuning).await
    }

    /// The node's own folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// Two nodes that are linked.
pub async fn two() -> (Member, Member) {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[&one]).await;
    linked(&[&one, &two]).await;
    (one, two)
}

/// Waits until each of these is linked with all the others.
pub async fn linked(members: &[&Member]) {
    let all = || {
        members
            .iter()
            .all(|m| m.linked().len() >= members.len() - 1)
    };
    until("the nodes are linked", async || all()).await;
}

/// Waits until something holds that must come to hold.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let held = timeout(DEADLINE, waiting).await;
    held.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The whole history of a room as a node tells it.
pub async fn history(client: &mut Client, room: &str) -> Vec<Value> {
    let ask = json!({"type": "history", "room": room, "limit": 200});
    let page = client.ask(ask).await;
    assert_eq!(
        (&page["type"], &page["more"]),
        (&json!("history"), &json!(false))
    );
    page["messages"].as_array().unwrap().clone()
}

/// Waits until two sessions on different nodes are told the same history of a room, of `count`
/// messages.
pub async fn same_history(
    one: &mut Client,
    other: &mut Client,
    room: &str,
    count: usize,
) -> Vec<Value> {
    let waiting = async {
        loop {
            let (a, b) = (history(one, room).await, history(other, room).await);
            if a == b && a.len() == count {
                return a;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let same = timeout(DEADLINE, waiting).await;
    same.unwrap_or_else(|_| panic!("the histories of {room} never were the same {count}"))
}

#[tokio::test]
async fn a_node_finds_the_others_through_the_one_it_joins() {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[&one]).await;
    let three = Member::start("n3", &[&one]).await;
    linked(&[&one, &two, &three]).await;
    let mut client = Client::connect(two.node.listen).await;
    let stats = client.ask(json!({"type": "stats"})).await;
    let names: Vec<_> = stats["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["name"])
        .collect();
    assert_eq!(names, ["n1", "n2", "n3"]);
    assert_eq!(stats["nodes"][0]["address"], one.node.listen.to_string());
    three.stop().await;
    until("a stopped node has left", async || one.linked() == ["n2"]).await;
    let mut client = Client::connect(one.node.listen).await;
    let stats = client.ask(json!({"type": "stats"})).await;
    assert_eq!(stats["nodes"].as_array().unwrap().len(), 2, "{stats}");
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn an_administrator_sees_the_figures_of_all_nodes_through_one() {
    let (one, two) = two().await;
    let mut admin = one.admin("root").await;
    let stats = admin.ask(json!({"type": "stats", "node": "*"})).await;
    let figures = stats["figures"].as_array().unwrap();
    let nodes: Vec<_> = figures.iter().map(|f| &f["node"]).collect();
    assert_eq!(nodes, ["n1", "n2"]);
    assert_eq!(figures[0]["peers"][0]["name"], "n2");
    assert_eq!(figures[1]["peers"][0]["name"], "n1");
    until("a round trip is measured and nothing lags", async || {
        let peers = one.node.shared().replicator().peers();
        peers[0].rtt_us > 0
            && peers[0].lag_events == 0
            && peers[0].clock_offset_us.abs() < 1_000_000
    })
    .await;
    let stats = admin.ask(json!({"type": "stats", "node": "n2"})).await;
    assert_eq!(stats["figures"].as_array().unwrap().len(), 1);
    assert_eq!(stats["figures"][0]["node"], "n2");
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_secret_changes_nothing() {
    let (one, two) = two().await;
    let wrong = Member::start_with("n3", b'w', &[&one]).await;
    let mut mallory = wrong.user_in("mallory", "lobby").await;
    mallory.say("lobby", "let me in").await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    alice.say("lobby", "are we alone?").await;
    assert_eq!(bob.next("new_message").await["text"], "are we alone?");
    same_history(&mut alice, &mut bob, "lobby", 1).await;
    assert_eq!(history(&mut mallory, "lobby").await.len(), 1);
    assert_eq!(one.linked(), ["n2"]);
    assert_eq!(wrong.linked(), [""; 0]);
    for member in [one, two, wrong] {
        member.stop().await;
    }
}
