//! Membership alone, over real datagrams on loopback.

use std::time::Duration;

use tokio::time::timeout;

use super::datagram::{Head, Kind, open, seal};
use super::*;
use crate::protocol::peer::Incarnation;
use crate::protocol::{Origin, Ts};

/// What comes must come within this; it is not waited for longer.
const SOON: Duration = Duration::from_secs(20);

const KEY: [u8; 32] = [7; 32];

struct Bare {
    membership: Membership,
    address: SocketAddr,
    refusals: PeerPortRefusals,
    tasks: TaskTracker,
    stop: CancellationToken,
}

async fn bare(name: &str, key: [u8; 32], join: &[SocketAddr]) -> Bare {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let refusals = PeerPortRefusals::default();
    let start = Start {
        facts: Facts {
            node: name.to_owned(),
            origin: Origin::parse(&format!("{name}-0000")).unwrap(),
            incarnation: Incarnation(getrandom::u64().unwrap()),
            client_address: "127.0.0.1:9001".to_owned(),
            peer_address: address,
            server: "chat/0.1.0".to_owned(),
            started: Ts(1),
        },
        key,
        socket,
        join: join.iter().map(SocketAddr::to_string).collect(),
        saved: vec![],
        refusals: refusals.clone(),
    };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let membership = Membership::start(start, &tasks, &stop);
    Bare {
        membership,
        address,
        refusals,
        tasks,
        stop,
    }
}

impl Bare {
    /// Waits until what is heard is as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&Heard) -> bool) {
        let mut heard = self.membership.heard();
        let waiting = timeout(SOON, heard.wait_for(|heard| wanted(heard)));
        let held = waiting.await.map(|held| held.is_ok());
        assert!(matches!(held, Ok(true)), "never: {what}");
    }

    async fn hears(&self, names: &[&str]) {
        let is = |heard: &Heard| {
            let all = heard.members.iter().map(|m| m.facts.node.as_str());
            let mut all: Vec<_> = all.collect();
            all.sort_unstable();
            all == names
        };
        self.until(&format!("{names:?} are heard"), is).await;
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        let ended = timeout(SOON, self.tasks.wait()).await;
        assert!(ended.is_ok(), "the tasks do not end");
    }
}

#[tokio::test]
async fn nodes_hear_all_others_through_any_one_address_and_who_leaves_says_so() {
    let one = bare("n1", KEY, &[]).await;
    let two = bare("n2", KEY, &[one.address]).await;
    let three = bare("n3", KEY, &[two.address]).await;
    one.hears(&["n2", "n3"]).await;
    two.hears(&["n1", "n3"]).await;
    three.hears(&["n1", "n2"]).await;
    let facts = one.membership.heard().borrow().members[0].facts.clone();
    assert_eq!(facts.peer_address, two.address);
    three.end().await;
    for node in [&one, &two] {
        let left = |heard: &Heard| {
            let mut all = heard.members.iter();
            all.all(|m| m.leaving == (m.facts.node == "n3"))
        };
        node.until("n3 has said that it leaves", left).await;
        assert_eq!(node.refusals.datagrams(), 0);
    }
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn who_is_not_heard_for_a_while_is_no_member_until_it_is_heard_again() {
    let one = bare("n1", KEY, &[]).await;
    let two = bare("n2", KEY, &[one.address]).await;
    one.hears(&["n2"]).await;
    two.hears(&["n1"]).await;
    two.membership.cut(true);
    one.hears(&[]).await;
    two.hears(&[]).await;
    two.membership.cut(false);
    one.hears(&["n2"]).await;
    two.hears(&["n1"]).await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn another_secret_makes_no_member() {
    let one = bare("n1", KEY, &[]).await;
    let wrong = bare("n2", [8; 32], &[one.address]).await;
    let right = bare("n3", KEY, &[one.address]).await;
    one.hears(&["n3"]).await;
    right.hears(&["n1"]).await;
    assert_eq!(wrong.membership.heard().borrow().members, []);
    assert!(one.refusals.forged.get() > 0);
    for node in [one, wrong, right] {
        node.end().await;
    }
}

/// Sends and gives what comes back.
async fn asked(socket: &UdpSocket, bytes: &[u8]) -> Vec<u8> {
    socket.send(bytes).await.unwrap();
    let mut answer = vec![0; 2048];
    let length = timeout(SOON, socket.recv(&mut answer)).await;
    answer.truncate(length.expect("no answer").unwrap());
    answer
}

#[tokio::test]
async fn what_a_datagram_carries_is_looked_at_once_and_only_when_it_names_this_run() {
    let node = bare("n1", KEY, &[]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(node.address).await.unwrap();
    let gossip = |to: Incarnation, number: u64| {
        let head = Head {
            kind: Kind::Gossip,
            from: Incarnation(5),
            to,
            number,
        };
        seal(&KEY, &head, b"not a message")
    };
    let greeting = asked(&socket, &gossip(Incarnation(0), 1)).await;
    let (head, carried) = open(&KEY, &greeting).unwrap();
    assert_eq!(
        (head.kind, head.to, carried),
        (Kind::Greeting, Incarnation(5), &b""[..])
    );
    assert!(greeting.len() < gossip(head.from, 2).len());
    assert_eq!(node.refusals.datagrams(), 0);
    // Another greeting, since it took this node for another; it is what all before it is counted by.
    let (wrong, right) = (gossip(Incarnation(9), 2), gossip(head.from, 3));
    socket.send(&right).await.unwrap();
    for _ in 0..3 {
        socket.send(&right).await.unwrap();
        socket.send(&right[1..]).await.unwrap();
    }
    asked(&socket, &wrong).await;
    let counts = (
        node.refusals.unreadable.get(),
        node.refusals.replayed.get(),
        node.refusals.forged.get(),
    );
    assert_eq!(counts, (1, 4, 3));
    node.end().await;
}

#[test]
fn a_node_that_listens_on_all_interfaces_tells_of_one_of_them() {
    let listen = |text: &str| text.parse::<SocketAddr>().unwrap();
    let here = listen("127.0.0.1:5");
    assert_eq!(advertised(here, None), here);
    let all = advertised(listen("0.0.0.0:5"), Some(listen("127.0.0.1:9")));
    assert_eq!(all, here);
    assert!(!advertised(listen("0.0.0.0:5"), None).ip().is_unspecified());
}
