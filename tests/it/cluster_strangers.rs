//! Datagrams and connections of those who are no nodes: they change nothing, and are counted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use chat::node::cluster::membership::datagram::{Head, Kind, open, seal};
use chat::protocol::peer::Incarnation;
use chat::protocol::secret::Secret;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cluster::{Member, same_history, until};
use crate::cluster_membership::linked_and_heard;
use crate::support::{Client, DEADLINE};

fn key(secret: u8) -> [u8; 32] {
    Secret::new(&[secret; 32]).unwrap().gossip_key()
}

/// A way for datagrams to a node that writes down what it carries. There is none for connections.
struct Tap {
    address: SocketAddr,
    recorded: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Tap {
    async fn to(node: SocketAddr) -> Tap {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let recorded: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let notes = Arc::clone(&recorded);
        let task = tokio::spawn(async move {
            let (mut buffer, mut other) = (vec![0; 65_536], None);
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let bytes = &buffer[..length];
                let to = if from == node {
                    other
                } else {
                    other = Some(from);
                    notes.lock().unwrap().push(bytes.to_vec());
                    Some(node)
                };
                if let Some(to) = to {
                    let _ = socket.send_to(bytes, to).await;
                }
            }
        });
        Tap {
            address,
            recorded,
            task,
        }
    }

    /// What was recorded and named the node's run as its receiver.
    fn recorded(&self) -> Vec<Vec<u8>> {
        let all = self.recorded.lock().unwrap().clone();
        let named = |bytes: &Vec<u8>| open(&key(b's'), bytes).unwrap().0.to != Incarnation(0);
        all.into_iter().filter(named).collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Somebody who sends datagrams to a node.
struct Stranger(UdpSocket);

impl Stranger {
    async fn of(node: SocketAddr) -> Stranger {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(node).await.unwrap();
        Stranger(socket)
    }

    async fn send(&self, bytes: &[u8]) {
        self.0.send(bytes).await.unwrap();
    }

    /// Waits until the node has looked at all that was sent: it greets whoever has the right key.
    async fn all_are_seen(&self) {
        let head = Head {
            kind: Kind::Gossip,
            from: Incarnation(77),
            to: Incarnation(0),
            number: 1,
        };
        let wanted = |bytes: &[u8]| {
            open(&key(b's'), bytes).is_ok_and(|(head, _)| head.to == Incarnation(77))
        };
        let mut answer = vec![0; 2048];
        let greeted = async {
            loop {
                self.send(&seal(&key(b's'), &head, b"")).await;
                let length = self.0.recv(&mut answer).await.unwrap();
                if wanted(&answer[..length]) {
                    return;
                }
            }
        };
        timeout(DEADLINE, greeted).await.expect("no greeting");
    }
}

/// A counter of the node, as Prometheus reads it.
fn counter(member: &Member, name: &str) -> u64 {
    let text = member.node.metrics();
    let line = format!("chat_node_{name}_total{{node=\"{}\"}} ", member.node.name);
    let value = text.lines().find_map(|l| l.strip_prefix(&line));
    value
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .unwrap()
}

async fn figures(admin: &mut Client) -> Value {
    let stats = admin.ask(json!({"type": "stats", "node": null})).await;
    stats["figures"][0].clone()
}

#[tokio::test]
async fn forged_replayed_and_damaged_datagrams_change_nothing_and_are_counted() {
    let one = Member::start("n1", &[]).await;
    let address = one.node.peer.unwrap();
    let tap = Tap::to(address).await;
    // It is told no address that takes connections: it is heard, and called for that.
    let two = Member::start_at("n2", &[tap.address.to_string()]).await;
    linked_and_heard(&[&one, &two]).await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    let mut admin = one.admin("root").await;
    assert_eq!(figures(&mut admin).await["datagrams_refused"], 0);

    let recorded = tap.recorded();
    assert!(!recorded.is_empty());
    let stranger = Stranger::of(address).await;
    for bytes in &recorded {
        stranger.send(bytes).await;
    }
    let mut forged = 0;
    for bytes in &recorded {
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        let (head, carried) = open(&key(b's'), bytes).unwrap();
        let again = Head {
            number: 900,
            ..head
        };
        let other_secret = seal(&key(b'w'), &again, carried);
        for wrong in [&damaged, &bytes[..bytes.len() - 1].to_vec(), &other_secret] {
            stranger.send(wrong).await;
            forged += 1;
        }
        stranger.all_are_seen().await;
    }
    let mut noise = vec![0; 20_000];
    getrandom::fill(&mut noise).unwrap();
    for length in [1, 60, 61, 1000, 20_000, 0, 4, 29, 93, 500] {
        stranger.send(&noise[..length]).await;
        forged += 1;
    }
    while forged < 30 {
        stranger.send(b"hello?").await;
        forged += 1;
    }
    stranger.all_are_seen().await;
    assert_eq!(counter(&one, "datagrams_forged"), forged);
    assert_eq!(counter(&one, "datagrams_replayed"), recorded.len() as u64);
    assert_eq!(counter(&one, "datagrams_unreadable"), 0);
    let total = forged + recorded.len() as u64;
    assert_eq!(figures(&mut admin).await["datagrams_refused"], total);
    until("it is alarming", async || {
        let alarms = one.node.shared().replicator().alarms();
        let words = "connections and datagrams on the peer port were refused in a minute";
        alarms.iter().any(|alarm| alarm.contains(words))
    })
    .await;
    linked_and_heard(&[&one, &two]).await;
    alice.say("lobby", "still here").await;
    bob.next("new_message").await;
    same_history(&mut alice, &mut bob, "lobby", 1).await;

    // Nor does what was recorded bring back a node that has left.
    let _two = two.stop().await;
    until("n2 has left", async || {
        one.node.shared().replicator().nodes().is_empty()
    })
    .await;
    for bytes in &tap.recorded() {
        stranger.send(bytes).await;
    }
    stranger.all_are_seen().await;
    assert_eq!(one.node.shared().replicator().nodes(), []);
    // Nor anything at the node's next run, for which it was not made.
    let one = one.stop().await.start_on(address).await;
    for bytes in &tap.recorded() {
        stranger.send(bytes).await;
    }
    stranger.all_are_seen().await;
    let all = tap.recorded().len() as u64;
    until("they are counted", async || {
        counter(&one, "datagrams_replayed") == all
    })
    .await;
    assert_eq!(one.node.shared().replicator().peers(), []);
    one.stop().await;
}

#[tokio::test]
async fn a_node_with_another_secret_is_never_a_member_and_is_counted() {
    let one = Member::start("n1", &[]).await;
    let wrong = Member::start_with("n2", b'w', &[&one]).await;
    until("both ways were refused on both sides", async || {
        counter(&one, "datagrams_forged") > 0
            && counter(&one, "peer_links_refused") > 0
            && counter(&wrong, "peer_links_refused") > 0
    })
    .await;
    let right = Member::start("n3", &[&one]).await;
    linked_and_heard(&[&one, &right]).await;
    for member in [&one, &wrong, &right] {
        let peers = member.node.shared().replicator().peers();
        let strangers = peers.iter().filter(|p| p.name != "n1" && p.name != "n3");
        assert_eq!(strangers.count(), 0, "{peers:?}");
    }
    assert_eq!(wrong.node.shared().replicator().peers(), []);
    let refused = figures(&mut one.admin("root").await).await;
    assert!(refused["links_refused"].as_u64().unwrap() > 0);
    for member in [one, wrong, right] {
        member.stop().await;
    }
}
