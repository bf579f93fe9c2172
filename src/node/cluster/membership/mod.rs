//! Membership: who is there, by gossip over UDP on the peer port. It owns the socket for datagrams and
//! the file of addresses; it never decides who is shown as up or whose users are here: that is what the
//! links say. What it is for: a node that is told one address finds all, is found again where it has
//! moved to, and a person is told when one of the two ways between nodes is blocked.
//!
//! The gossip itself, heartbeats and all, is `chitchat`. It has no authentication of its own, so it runs
//! on a [`wire`] of ours: [`datagram`] is the form and the seal, [`door`] decides what is fresh (by
//! incarnations and numbers; no clock is asked, so a wrong one keeps nobody out), [`window`] is the memory
//! of numbers. `chitchat` is kept at 0.11: from 0.12 on it keeps the bytes of its messages to itself, and
//! nothing but its own plain socket could send them.
//!
//! Invariant: before a seal is found good and fresh, nothing of a datagram gets past the wire; what is
//! turned away is counted and changes nothing.

mod contacts;
pub mod datagram;
pub mod door;
mod facts;
mod gossip;
mod resolve;
mod saved;
#[cfg(test)]
mod tests;
pub mod window;
mod wire;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use facts::{Facts, Member};
pub use saved::{FILE_NAME, SavedPeer, SavedPeers};

use crate::node::metrics::PeerPortRefusals;
use crate::node::rooms::lock;
use contacts::Contacts;
use gossip::Gossip;
use wire::Wire;

/// Greetings that wait to be followed up.
const GREETED_MAX: usize = 64;

/// What membership begins with.
pub struct Start {
    /// What the node tells of itself.
    pub facts: Facts,
    /// The key of the datagrams' seals.
    pub key: [u8; 32],
    pub socket: UdpSocket,
    /// Peer addresses (`host:port`) that the user named.
    pub join: Vec<String>,
    /// Where nodes were reached in earlier runs.
    pub saved: Vec<SocketAddr>,
    pub refusals: PeerPortRefusals,
}

/// The running membership; its tasks end with the token that it was started with.
#[derive(Clone)]
pub struct Membership {
    wire: Arc<Wire>,
    contacts: Arc<Mutex<Contacts>>,
    members: watch::Receiver<Heard>,
}

/// What is heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The other nodes that are heard now.
    pub members: Vec<Member>,
    /// The gossip has ended by a fault of its own: that nobody is heard says nothing.
    pub broken: bool,
}

impl Membership {
    /// Gossips from now on. When `stop` is told, the others are told that the node leaves.
    pub fn start(start: Start, tasks: &TaskTracker, stop: &CancellationToken) -> Membership {
        let Start {
            facts,
            key,
            socket,
            join,
            saved,
            refusals,
        } = start;
        let (greeted, greetings) = mpsc::channel(GREETED_MAX);
        let wire = Arc::new(Wire::new(key, facts.incarnation, socket, refusals, greeted));
        let contacts = Arc::new(Mutex::new(Contacts::default()));
        let mut hosts = Vec::new();
        for address in join {
            match address.parse() {
                Ok(address) => lock(&contacts).add(address),
                Err(_) => hosts.push(address),
            }
        }
        for address in saved {
            lock(&contacts).add(address);
        }
        if !hosts.is_empty() {
            let resolving = resolve::resolve_all(hosts, Arc::clone(&contacts), stop.clone());
            tasks.spawn(resolving);
        }
        let (heard, members) = watch::channel(Heard::default());
        let gossip = Gossip {
            facts,
            wire: Arc::clone(&wire),
            contacts: Arc::clone(&contacts),
            heard,
        };
        tasks.spawn(gossip.run(greetings, stop.clone()));
        Membership {
            wire,
            contacts,
            members,
        }
    }

    /// Who is heard, and each change of it.
    pub fn heard(&self) -> watch::Receiver<Heard> {
        self.members.clone()
    }

    /// A node may be there (`ip:port`).
    pub fn contact(&self, address: &str) {
        if let Ok(address) = address.parse() {
            lock(&self.contacts).add(address);
        }
    }

    /// Behaves as if all datagrams were lost, or no longer; for tests of partitions.
    pub fn cut(&self, cut: bool) {
        self.wire.cut(cut);
    }
}

/// The address that other nodes are told: the one that the node listens on, or, when it listens on all,
/// that of the interface by which `to`, or else the world, is reached.
pub fn advertised(listen: SocketAddr, to: Option<SocketAddr>) -> SocketAddr {
    if !listen.ip().is_unspecified() {
        return listen;
    }
    let world = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let ip = to
        .into_iter()
        .chain([world])
        .find_map(way_to)
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    SocketAddr::new(ip, listen.port())
}

/// The own address on the way there, as the system chooses it; nothing is sent.
fn way_to(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}
