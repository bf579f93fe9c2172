//! Nodes for a story, whatever links them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chat::node::{Config, Node, StartError, Tuning};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{history, until};
use crate::support::{self, Client};

/// What is different with each engine.
pub trait Ground {
    /// Starts a node that is linked with the `others`; again on the address that it had before.
    fn start(
        &self,
        config: Config,
        tuning: Tuning,
        others: &[&Node],
    ) -> impl Future<Output = Result<Node, StartError>>;

    /// Tries to start a node in a way that this engine must refuse, beside one that runs.
    fn refused(
        &self,
        config: Config,
        other: &Node,
    ) -> impl Future<Output = Result<Node, StartError>>;

    /// From now on nothing gets from one of the two to the other, and neither is told so.
    fn cut(&self, one: &Node, other: &Node);

    /// The opposite of `cut`.
    fn heal(&self, one: &Node, other: &Node);
}

/// The nodes of one story.
pub struct Cluster<G> {
    ground: G,
    tuning: Tuning,
    members: BTreeMap<&'static str, Member>,
}

/// A node that runs or has run.
struct Member {
    node: Option<Node>,
    folder: TempDir,
    /// Where its clients connect, each time.
    listen: SocketAddr,
}

impl<G: Ground> Cluster<G> {
    /// Nodes that are linked.
    pub async fn of(ground: G, names: &[&'static str]) -> Cluster<G> {
        Cluster::tuned(ground, Tuning::default(), names).await
    }

    /// The same with other limits.
    pub async fn tuned(ground: G, tuning: Tuning, names: &[&'static str]) -> Cluster<G> {
        let mut cluster = Cluster {
            ground,
            tuning,
            members: BTreeMap::new(),
        };
        for name in names {
            cluster.start(name).await;
        }
        cluster
    }

    /// Starts a node, or starts it again, and waits until it is linked with all that run.
    pub async fn start(&mut self, name: &'static str) {
        let mut member = self.members.remove(name).unwrap_or_else(Member::new);
        let config = member.config(name);
        let others: Vec<&Node> = self
            .members
            .values()
            .filter_map(|m| m.node.as_ref())
            .collect();
        let node = self
            .ground
            .start(config, self.tuning, &others)
            .await
            .unwrap();
        member.listen = node.listen;
        member.node = Some(node);
        self.members.insert(name, member);
        self.linked().await;
    }

    /// Tries to start a node that the engine refuses; gives the line, and the folder.
    pub async fn start_refused(&self, name: &str, beside: &str) -> (String, Refused) {
        let member = Member::new();
        let config = member.config(name);
        let error = match self.ground.refused(config.clone(), self.node(beside)).await {
            Ok(_) => panic!("it started"),
            Err(error) => error,
        };
        let left = Refused {
            config,
            _folder: member.folder,
        };
        (error.to_string(), left)
    }

    pub async fn stop(&mut self, name: &str) {
        let member = self.members.get_mut(name).unwrap();
        member.node.take().unwrap().stop().await;
    }

    pub async fn end(self) {
        // Each waits a moment for its clients to hang up.
        let nodes = self.members.into_values().filter_map(|m| m.node);
        join_all(nodes.map(Node::stop)).await;
    }

    /// A node that runs.
    pub fn node(&self, name: &str) -> &Node {
        self.members[name].node.as_ref().unwrap()
    }

    fn running(&self) -> impl Iterator<Item = &Node> {
        self.members.values().filter_map(|m| m.node.as_ref())
    }

    /// The file of a node's log.
    pub fn log(&self, name: &str) -> PathBuf {
        self.members[name].folder.path().join("data/log.sqlite3")
    }

    /// Cuts the node off from all others, and waits until all know it.
    pub async fn cut(&self, name: &str) {
        let off = self.node(name);
        for other in self.running().filter(|node| node.name != name) {
            self.ground.cut(off, other);
        }
        until("the node is cut off", async || {
            self.running().all(|node| {
                let up = up(node);
                if node.name == name {
                    up.is_empty()
                } else {
                    !up.contains(&name.to_owned())
                }
            })
        })
        .await;
    }

    /// Cuts the two off from each other only.
    pub async fn cut_between(&self, one: &str, other: &str) {
        let (one, other) = (self.node(one), self.node(other));
        self.ground.cut(one, other);
        until("the two are cut off", async || {
            !up(one).contains(&other.name) && !up(other).contains(&one.name)
        })
        .await;
    }

    /// Brings the node back, and waits until all know it.
    pub async fn heal(&self, name: &str) {
        let off = self.node(name);
        for other in self.running().filter(|node| node.name != name) {
            self.ground.heal(off, other);
        }
        self.linked().await;
    }

    async fn linked(&self) {
        let count = self.running().count();
        until("the nodes are linked", async || {
            self.running().all(|node| up(node).len() == count - 1)
        })
        .await;
    }

    /// Waits until all nodes hold the same events.
    pub async fn level(&self) {
        until("all nodes hold the same", async || {
            let mut held = self.running().map(|node| node.shared().store.held());
            let first = held.next().unwrap();
            held.all(|other| other == first)
        })
        .await;
    }

    /// A connection without a session.
    pub async fn connect(&self, node: &str) -> Client {
        Client::connect(self.node(node).listen).await
    }

    pub async fn user_in(&self, node: &str, name: &str, room: &str) -> Client {
        let mut client = self.connect(node).await;
        client.open(json!({"name": name})).await;
        client.join(room).await;
        client
    }

    /// The same user once more, on another node.
    pub async fn again_in(&self, node: &str, user: &Client, room: &str) -> Client {
        let mut client = self.connect(node).await;
        client.open(json!({"token": user.session["token"]})).await;
        client.join(room).await;
        client
    }

    pub async fn admin(&self, node: &str) -> Client {
        let file = self.members[node].folder.path().join("data/admin-token");
        let token = std::fs::read_to_string(file).unwrap();
        let mut client = self.connect(node).await;
        client
            .open(json!({"name": "root", "admin": token.trim()}))
            .await;
        client
    }
}

/// What a refused start has left.
pub struct Refused {
    pub config: Config,
    _folder: TempDir,
}

impl Member {
    fn new() -> Member {
        Member {
            node: None,
            folder: tempfile::tempdir().unwrap(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }

    fn config(&self, name: &str) -> Config {
        Config {
            name: name.to_owned(),
            listen: self.listen,
            data: self.folder.path().join("data"),
            ..support::config(&self.folder)
        }
    }
}

/// The other nodes that it says are up.
pub fn up(node: &Node) -> Vec<String> {
    let nodes = node.shared().replicator().nodes();
    let up = nodes.into_iter().filter(|node| node.up);
    up.map(|node| node.name).collect()
}

/// Waits until all these are told the same history of a room, of `count` messages. Whether one came late
/// is each node's own to say, and left out.
pub async fn same_history<const N: usize>(
    mut clients: [&mut Client; N],
    room: &str,
    count: usize,
) -> Vec<Value> {
    let waiting = async {
        loop {
            let mut all = Vec::new();
            for client in &mut clients {
                let mut told = history(client, room).await;
                for message in &mut told {
                    message.as_object_mut().unwrap().remove("late");
                }
                all.push(told);
            }
            let first = all.remove(0);
            if first.len() == count && all.iter().all(|other| *other == first) {
                return first;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let same = tokio::time::timeout(support::DEADLINE, waiting).await;
    same.unwrap_or_else(|_| panic!("the histories of {room} never were the same {count}"))
}

/// Where a message stands.
pub fn place(frame: &Value) -> Value {
    json!([frame["ts"], frame["origin"], frame["seq"]])
}

/// Waits until those who are in the room are these, as it may take a moment from another node.
pub async fn until_in(client: &mut Client, room: &str, right: impl Fn(&[String]) -> bool) {
    let mut names = Vec::new();
    let waiting = async {
        loop {
            names = who(client, room).await;
            if right(&names) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let came = tokio::time::timeout(support::DEADLINE, waiting).await;
    assert!(came.is_ok(), "in {room} are {names:?}");
}

/// The names of those who are in the room.
pub async fn who(client: &mut Client, room: &str) -> Vec<String> {
    let answer = client.ask(json!({"type": "who", "room": room})).await;
    let users = answer["users"].as_array().unwrap().iter();
    let mut names: Vec<String> = users
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}
