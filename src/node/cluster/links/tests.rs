//! Bare links between nodes that are nothing but links, over real TCP.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::node::config::PeerPort;
use crate::protocol::secret::Secret;

/// What comes must come within this; it is not waited for longer.
const SOON: Duration = Duration::from_secs(10);

struct Bare {
    links: Links,
    address: SocketAddr,
    events: mpsc::Receiver<LinkEvent>,
    stop: CancellationToken,
}

async fn bare(name: &str, secret: char, join: &[&Bare]) -> Bare {
    let join = join.iter().map(|node| node.address.to_string()).collect();
    bare_with(name, secret, join, Timing::default()).await
}

async fn bare_with(name: &str, secret: char, join: Vec<String>, timing: Timing) -> Bare {
    let search = Search {
        join,
        known: vec![],
        ports: vec![],
        timing,
    };
    bare_searching(name, secret, search).await
}

async fn bare_searching(name: &str, secret: char, search: Search) -> Bare {
    let port = PeerPort {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        search: false,
    };
    let (listener, _) = bind(port).await.unwrap();
    let address = listener.local_addr().unwrap();
    let me = Me {
        node: name.to_owned(),
        origin: Origin::parse(&format!("{name}-0000")).unwrap(),
        incarnation: Incarnation(getrandom::u64().unwrap()),
        client_address: "127.0.0.1:9001".to_owned(),
        clock: Arc::new(NodeClock::start()),
    };
    let secret = Secret::new(secret.to_string().repeat(32).as_bytes()).unwrap();
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let stop = CancellationToken::new();
    let tls = PeerTls::new(&secret).unwrap();
    let refusals = PeerPortRefusals::default();
    let links = Links::start(me, listener, search, tls, refusals, sender, stop.clone()).unwrap();
    Bare {
        links,
        address,
        events,
        stop,
    }
}

impl Bare {
    async fn event(&mut self) -> LinkEvent {
        let event = timeout(SOON, self.events.recv()).await;
        event.expect("nothing happened on the links").unwrap()
    }

    /// Waits for a link to `node`.
    async fn up(&mut self, node: &str) -> (LinkOut, Arc<Health>) {
        loop {
            if let LinkEvent::Up {
                hello, out, health, ..
            } = self.event().await
                && hello.node == node
            {
                return (out, health);
            }
        }
    }

    async fn frame(&mut self) -> PeerFrame {
        loop {
            if let LinkEvent::Frame { frame, .. } = self.event().await {
                return frame;
            }
        }
    }

    async fn down(&mut self) {
        while !matches!(self.event().await, LinkEvent::Down { .. }) {}
    }

    async fn end(mut self) {
        self.stop.cancel();
        let ended = async {
            tokio::select! {
                () = self.links.ended() => {}
                () = async { while self.events.recv().await.is_some() {} } => {}
            }
        };
        timeout(SOON, ended).await.expect("the links do not end");
    }
}

#[tokio::test]
async fn two_nodes_of_one_secret_exchange_frames() {
    let mut one = bare("n1", 'a', &[]).await;
    let mut two = bare("n2", 'a', &[&one]).await;
    let (to_two, _) = one.up("n2").await;
    let (to_one, health) = two.up("n1").await;
    let ask = |id| PeerFrame::StatsAsk { id };
    for id in 0..100 {
        assert!(to_two.send(&ask(id)));
    }
    for id in 0..100 {
        assert_eq!(two.frame().await, ask(id));
    }
    assert!(to_one.send(&ask(7)));
    assert_eq!(one.frame().await, ask(7));
    let measured = async {
        while health.rtt_us() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, measured).await.expect("no ping came back");
    assert!(health.clock_offset_us().unwrap().abs() < 1_000_000);
    // What was said before an orderly end still arrives.
    assert!(to_one.send(&ask(8)));
    two.end().await;
    assert_eq!(one.frame().await, ask(8));
    one.down().await;
    one.end().await;
}

#[tokio::test]
async fn a_node_that_is_lost_is_called_until_it_is_back() {
    let mut one = bare("n1", 'a', &[]).await;
    let mut two = bare("n2", 'a', &[&one]).await;
    one.up("n2").await;
    two.up("n1").await;
    one.links.cut("n2");
    two.down().await;
    one.links.mend("n2");
    two.up("n1").await;
    one.up("n2").await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn nodes_that_call_each_other_at_once_keep_one_link() {
    let mut one = bare("n1", 'a', &[]).await;
    let mut two = bare("n2", 'a', &[&one]).await;
    let address = two.address.to_string();
    one.links
        .learn(&[address.clone(), format!("localhost:{}", two.address.port())]);
    one.up("n2").await;
    two.up("n1").await;
    // Whatever else is tried, both come to hold the same one: a frame each way arrives.
    for id in 0..20 {
        one.links.learn(std::slice::from_ref(&address));
        let both = async {
            loop {
                let outs = (one.links.addresses().len(), two.links.addresses().len());
                if outs == (1, 1) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, both)
            .await
            .unwrap_or_else(|_| panic!("not one link at {id}"));
    }
    assert_eq!((one.links.refusals(), two.links.refusals()), (0, 0));
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn a_node_learns_of_others_from_the_one_it_joins() {
    let mut one = bare("n1", 'a', &[]).await;
    let mut two = bare("n2", 'a', &[&one]).await;
    one.up("n2").await;
    two.up("n1").await;
    let mut three = bare("n3", 'a', &[&one]).await;
    two.up("n3").await;
    for node in [one, two] {
        node.end().await;
    }
    three.up("n2").await;
    three.end().await;
}

#[tokio::test]
async fn a_node_does_not_link_with_itself() {
    let mut one = bare("n1", 'a', &[]).await;
    one.links
        .learn(&[format!("localhost:{}", one.address.port())]);
    let mut two = bare("n2", 'a', &[&one]).await;
    one.up("n2").await;
    two.up("n1").await;
    assert_eq!(one.links.addresses(), [two.address.to_string()]);
    assert_eq!(one.links.refusals(), 0, "it is no stranger to itself");
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn a_wrong_secret_makes_no_link() {
    let mut one = bare("n1", 'a', &[]).await;
    let wrong = bare("n2", 'b', &[&one]).await;
    let refused = async {
        while one.links.refusals() == 0 || wrong.links.refusals() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, refused).await.expect("nobody was refused");
    assert!(one.events.try_recv().is_err(), "somebody came in");
    // The right one still comes in.
    let right = bare("n3", 'a', &[&one]).await;
    one.up("n3").await;
    for node in [one, wrong, right] {
        node.end().await;
    }
}

#[tokio::test]
async fn garbage_on_the_peer_port_changes_nothing() {
    let mut one = bare("n1", 'a', &[]).await;
    let mut noise = vec![0; 100_000];
    getrandom::fill(&mut noise).unwrap();
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    for bytes in [
        noise,
        hello,
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 10],
    ] {
        let mut socket = TcpStream::connect(one.address).await.unwrap();
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let closed = timeout(SOON, socket.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "the connection was kept");
    }
    assert!(one.events.try_recv().is_err());
    assert_eq!(one.links.refusals(), 4);
    let two = bare("n2", 'a', &[&one]).await;
    one.up("n2").await;
    one.end().await;
    two.end().await;
}

/// Carries bytes between two nodes until it is told to swallow them, as a dead cable does: no error,
/// no end.
async fn cable(to: SocketAddr, broken: CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(to).await.unwrap();
            let broken = broken.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = broken.cancelled() => std::future::pending().await,
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_link_that_falls_silent_is_given_up_by_both_sides() {
    let timing = Timing {
        ping: Duration::from_millis(20),
        silent: Duration::from_millis(300),
        ..Timing::default()
    };
    let broken = CancellationToken::new();
    let mut one = bare_with("n1", 'a', vec![], timing).await;
    let through = cable(one.address, broken.clone()).await.to_string();
    let mut two = bare_with("n2", 'a', vec![through], timing).await;
    one.up("n2").await;
    two.up("n1").await;
    broken.cancel();
    one.down().await;
    two.down().await;
    // And they find each other again, by the addresses they told each other.
    two.up("n1").await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn whoever_calls_and_says_nothing_is_hung_up_on() {
    let timing = Timing {
        handshake: Duration::from_millis(100),
        ..Timing::default()
    };
    let one = bare_with("n1", 'a', vec![], timing).await;
    let mut socket = TcpStream::connect(one.address).await.unwrap();
    let ended = timeout(SOON, socket.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the connection was kept");
    assert_eq!(one.links.refusals(), 1);
    one.end().await;
}

#[tokio::test]
async fn whoever_is_called_and_says_nothing_is_missing_and_not_counted_as_refused() {
    let timing = Timing {
        handshake: Duration::from_millis(50),
        ..Timing::default()
    };
    let still = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let join = vec![still.local_addr().unwrap().to_string()];
    let one = bare_with("n1", 'a', join, timing).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let called = timeout(SOON, still.accept()).await;
        held.push(called.expect("it is called no more").unwrap());
    }
    assert_eq!(one.links.refusals(), 0);
    one.end().await;
}

#[tokio::test]
async fn nodes_of_one_machine_find_each_other_on_the_searched_ports() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = gone.local_addr().unwrap().port();
    drop(gone);
    let mut one = bare("n1", 'a', &[]).await;
    let search = Search {
        ports: vec![nobody, one.address.port()],
        ..Search::default()
    };
    let mut two = bare_searching("n2", 'a', search).await;
    one.up("n2").await;
    two.up("n1").await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn another_systems_node_on_a_searched_port_is_no_stranger_to_be_warned_of() {
    let mut one = bare("n1", 'a', &[]).await;
    let search = Search {
        ports: vec![one.address.port()],
        ..Search::default()
    };
    let mut other = bare_searching("n1", 'b', search).await;
    let called = async {
        while one.links.refusals() == 0 {
            tokio::task::yield_now().await;
        }
        other.links.first_round().await;
    };
    timeout(SOON, called).await.expect("it was not called");
    assert_eq!(other.links.refusals(), 0);
    assert!(lock(&other.links.shared.warned).is_empty());
    let known = other
        .links
        .shared
        .book()
        .finds_stranger(&one.address.to_string());
    assert_eq!(known, Some(false), "it was told of already");
    assert!(one.events.try_recv().is_err() && other.events.try_recv().is_err());
    // Who is named is told of.
    let named = bare("n2", 'b', &[&one]).await;
    let warned = async {
        while lock(&named.links.shared.warned).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, warned).await.expect("nobody was warned");
    for node in [one, other, named] {
        node.end().await;
    }
}
