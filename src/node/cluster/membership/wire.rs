//! The UDP socket: seals what goes out, opens what comes in, and counts what it turns away. It is the
//! transport that the gossip runs on.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chitchat::transport::{Socket, Transport};
use chitchat::{ChitchatMessage, Deserializable, Serializable};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::datagram::{DATAGRAM_BYTES_MAX, Head, Kind, open, seal};
use super::door::{Door, Entry};
use crate::node::metrics::PeerPortRefusals;
use crate::node::rooms::lock;
use crate::protocol::peer::Incarnation;

/// Pause after the system could not receive.
const RECEIVE_PAUSE: Duration = Duration::from_millis(100);

/// One warning in this time, whoever sends.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The socket and what is known of those behind it.
pub(super) struct Wire {
    key: [u8; 32],
    me: Incarnation,
    socket: UdpSocket,
    number: AtomicU64,
    door: Mutex<Door>,
    refusals: PeerPortRefusals,
    warned: Mutex<Option<Instant>>,
    cut: AtomicBool,
    /// Addresses where somebody has just said who is there.
    greeted: mpsc::Sender<SocketAddr>,
    /// How often another node was sent what it was missing.
    told: watch::Sender<u64>,
}

impl Wire {
    pub(super) fn new(
        key: [u8; 32],
        me: Incarnation,
        socket: UdpSocket,
        refusals: PeerPortRefusals,
        greeted: mpsc::Sender<SocketAddr>,
    ) -> Wire {
        Wire {
            key,
            me,
            socket,
            number: AtomicU64::new(1),
            door: Mutex::new(Door::new(me)),
            refusals,
            warned: Mutex::default(),
            cut: AtomicBool::new(false),
            greeted,
            told: watch::channel(0).0,
        }
    }

    /// From now on nothing goes out or comes in; or, again, it does.
    pub(super) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Release);
    }

    pub(super) fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    fn sealed(&self, kind: Kind, to: Incarnation, carried: &[u8]) -> Vec<u8> {
        let head = Head {
            kind,
            from: self.me,
            to,
            number: self.number.fetch_add(1, Ordering::Relaxed),
        };
        seal(&self.key, &head, carried)
    }

    /// Sends a message of the gossip. What cannot be sent is lost, as any datagram may be.
    async fn send(&self, to: SocketAddr, message: &ChitchatMessage) {
        if self.cut.load(Ordering::Acquire) {
            return;
        }
        let who = lock(&self.door).who(canonical(to));
        let bytes = self.sealed(Kind::Gossip, who, &message.serialize_to_vec());
        if let Err(error) = self.socket.send_to(&bytes, self.reachable(to)).await {
            tracing::debug!(%to, %error, bytes = bytes.len(), "cannot send a datagram");
        }
        if matches!(message, ChitchatMessage::Ack { .. }) {
            self.told.send_modify(|told| *told += 1);
        }
    }

    /// What a datagram brings, if it is to be let in.
    fn take(&self, from: SocketAddr, bytes: &[u8]) -> Option<ChitchatMessage> {
        let Ok((head, carried)) = open(&self.key, bytes) else {
            self.refusals.forged.inc();
            self.warn(from, "it is not sealed with this cluster's secret");
            return None;
        };
        let entry = lock(&self.door).enter(canonical(from), &head);
        match entry {
            Entry::Take => self.read(from, carried),
            Entry::Greeted => {
                // When the queue is full, the next round of the gossip does as well.
                let _ = self.greeted.try_send(from);
                None
            }
            Entry::Greet { to, stale } => {
                if stale {
                    self.refusals.replayed.inc();
                }
                let greeting = self.sealed(Kind::Greeting, to, &[]);
                // It may be lost: whoever wants to know asks again.
                let _ = self.socket.try_send_to(&greeting, from);
                None
            }
            Entry::Replayed => {
                self.refusals.replayed.inc();
                self.warn(from, "it was sent before, or to another run of a node");
                None
            }
            Entry::Own => None,
        }
    }

    fn read(&self, from: SocketAddr, mut carried: &[u8]) -> Option<ChitchatMessage> {
        match ChitchatMessage::deserialize(&mut carried) {
            Ok(message) => Some(message),
            Err(error) => {
                self.refusals.unreadable.inc();
                self.warn(from, &error.to_string());
                None
            }
        }
    }

    fn warn(&self, from: SocketAddr, reason: &str) {
        let now = Instant::now();
        let mut warned = lock(&self.warned);
        if warned.is_none_or(|at| now >= at + WARN_EVERY) {
            *warned = Some(now);
            drop(warned);
            tracing::warn!(%from, reason, "a datagram was dropped; more are counted only");
        }
    }

    /// An IPv4 address as a socket of IPv6 wants it.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match (self.socket.local_addr(), to) {
            (Ok(SocketAddr::V6(_)), SocketAddr::V4(to)) => {
                let ip: Ipv6Addr = to.ip().to_ipv6_mapped();
                SocketAddr::from((ip, to.port()))
            }
            (Ok(_) | Err(_), to) => to,
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Hands the one wire to the gossip.
pub(super) struct SealedTransport(pub(super) Arc<Wire>);

struct SealedSocket {
    wire: Arc<Wire>,
    buffer: Vec<u8>,
}

#[async_trait]
impl Transport for SealedTransport {
    async fn open(&self, _: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        Ok(Box::new(SealedSocket {
            wire: Arc::clone(&self.0),
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        }))
    }
}

#[async_trait]
impl Socket for SealedSocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        self.wire.send(to, &message).await;
        Ok(())
    }

    /// The next message that is let in. May be dropped while it waits: nothing received is held then.
    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        loop {
            let received = self.wire.socket.recv_from(&mut self.buffer).await;
            match received {
                Ok(_) if self.wire.cut.load(Ordering::Acquire) => {}
                Ok((length, from)) => {
                    if let Some(message) = self.wire.take(from, &self.buffer[..length]) {
                        return Ok((canonical(from), message));
                    }
                }
                Err(error) => receive_failed(&error).await,
            }
        }
    }
}

/// An error here is of one datagram, such as the news that another did not arrive; an error to the
/// gossip would end it.
async fn receive_failed(error: &io::Error) {
    tracing::debug!(%error, "cannot receive a datagram");
    sleep(RECEIVE_PAUSE).await;
}
