//! Links to other nodes: TCP with mutual TLS, called and kept up. It owns the sockets; what goes over
//! them is the business of whoever takes the [`LinkEvent`]s.
//!
//! Invariant: before both sides have proved that they know the secret, nothing of the other side's
//! bytes gets past this module.

mod dial;
mod health;
mod link;
mod listen;
mod outbox;
mod table;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use health::Health;
pub use listen::{SEARCHED_PORTS, bind};
pub use outbox::LinkOut;
pub use tls::{PeerTls, TlsError};

use super::replication::LinkId;
use crate::node::clock::NodeClock;
use crate::node::metrics::PeerPortRefusals;
use crate::protocol::Origin;
use crate::protocol::peer::{Hello, Incarnation, PEER_PROTOCOL, PeerFrame, PeerFrameError};
use dial::{Book, Source, Who};
use link::Side;
use table::LinkTable;

/// Events that wait for the driver; then links stop reading. Some of them hold a range of 2 MiB.
pub const EVENTS_MAX: usize = 32;

/// One warning per address in this time.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Addresses remembered as warned of.
const WARNED_MAX: usize = 1024;

/// What happens on links.
#[derive(Debug)]
pub enum LinkEvent {
    /// A link is there, both sides proved.
    Up {
        link: LinkId,
        hello: Box<Hello>,
        out: LinkOut,
        health: Arc<Health>,
    },
    Frame {
        link: LinkId,
        frame: PeerFrame,
    },
    /// It is gone, and brings nothing more.
    Down {
        link: LinkId,
    },
}

/// What this node says of itself.
#[derive(Clone, Debug)]
pub struct Me {
    pub node: String,
    /// At the start; see [`Links::renew`].
    pub origin: Origin,
    pub incarnation: Incarnation,
    pub client_address: String,
    pub clock: Arc<NodeClock>,
}

/// Whom to look for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Peer addresses (`host:port`) that the user named.
    pub join: Vec<String>,
    /// Peer addresses where nodes were reached in earlier runs.
    pub known: Vec<String>,
    /// Ports of this machine to look on, over and over.
    pub ports: Vec<u16>,
    pub timing: Timing,
}

/// When a link is given up; tests shorten it.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From the connection to the other side's `Hello`.
    pub handshake: Duration,
    /// Between two pings.
    pub ping: Duration,
    /// A link that brings nothing for so long is dead.
    pub silent: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            handshake: Duration::from_secs(5),
            ping: Duration::from_secs(1),
            silent: Duration::from_secs(5),
        }
    }
}

/// The links of a node. They end when the token given to `start` is cancelled.
#[derive(Clone)]
pub struct Links {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    me: Me,
    /// The log that this node's store writes now.
    origin: Mutex<Origin>,
    peer_address: SocketAddr,
    /// It looks for nodes on this machine's ports, as those of other systems do.
    searches: bool,
    timing: Timing,
    tls: PeerTls,
    events: mpsc::Sender<LinkEvent>,
    table: Mutex<LinkTable>,
    book: Mutex<Book>,
    cut: Mutex<BTreeSet<String>>,
    warned: Mutex<HashMap<String, Instant>>,
    refusals: PeerPortRefusals,
    links: AtomicU64,
    dials: AtomicU64,
    /// Addresses that are known from the start and were not called yet.
    first_round: watch::Sender<BTreeSet<String>>,
    started: Instant,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Links {
    /// Listens on `listener`, calls other nodes, and tells of it through `events` (to be made with
    /// [`EVENTS_MAX`]).
    ///
    /// # Errors
    /// When the listener has no address any more.
    pub fn start(
        me: Me,
        listener: TcpListener,
        search: Search,
        tls: PeerTls,
        refusals: PeerPortRefusals,
        events: mpsc::Sender<LinkEvent>,
        stop: CancellationToken,
    ) -> std::io::Result<Links> {
        let peer_address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            origin: Mutex::new(me.origin.clone()),
            me,
            peer_address,
            searches: !search.ports.is_empty(),
            timing: search.timing,
            tls,
            events,
            table: Mutex::default(),
            book: Mutex::default(),
            cut: Mutex::default(),
            warned: Mutex::default(),
            refusals,
            links: AtomicU64::new(1),
            dials: AtomicU64::new(1),
            first_round: watch::Sender::default(),
            started: Instant::now(),
            stop,
            tasks: TaskTracker::new(),
        });
        for address in &search.join {
            shared.book().add(address, Source::Named);
        }
        for port in search
            .ports
            .iter()
            .filter(|port| **port != peer_address.port())
        {
            let address = format!("127.0.0.1:{port}");
            shared.book().add(&address, Source::Searched);
        }
        shared.learn(&search.known);
        shared.first_round.send_replace(shared.book().addresses());
        let tasks = &shared.tasks;
        tasks.spawn(listen::accept_all(shared.clone(), listener));
        tasks.spawn(dial::dial_all(shared.clone()));
        Ok(Links { shared })
    }

    /// Waits until every address that was known at the start has been called once.
    pub async fn first_round(&self) {
        let mut waiting = self.shared.first_round.subscribe();
        // The sender lives as long as the links.
        let _ = waiting.wait_for(BTreeSet::is_empty).await;
    }

    /// Peers have told of these addresses.
    pub fn learn(&self, addresses: &[String]) {
        self.shared.learn(addresses);
    }

    /// Nodes are there: those without a link are called at once, however long calls were in vain.
    pub fn expect(&self, addresses: &[String]) {
        self.shared.learn(addresses);
        self.shared.book().expect(addresses);
    }

    /// This node writes under another origin from now on. The links end, and their successors say so.
    pub fn renew(&self, origin: Origin) {
        *lock(&self.shared.origin) = origin;
        self.shared.table().end_all();
    }

    /// Where the nodes are that there are links to.
    pub fn addresses(&self) -> Vec<String> {
        self.shared.table().addresses()
    }

    /// Ends the links to the node of that name and makes no new ones: as if the network between the
    /// two were cut.
    pub fn cut(&self, node: &str) {
        lock(&self.shared.cut).insert(node.to_owned());
        self.shared.table().end(node);
    }

    /// The opposite of `cut`.
    pub fn mend(&self, node: &str) {
        lock(&self.shared.cut).remove(node);
    }

    /// Connections and frames that were turned away since the start.
    pub fn refusals(&self) -> u64 {
        self.shared.refusals.links.get()
    }

    /// Waits until all links have ended, after the stop token was cancelled. Whoever takes the events
    /// must go on taking them meanwhile.
    pub async fn ended(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, LinkTable> {
        lock(&self.table)
    }

    /// Taken after the table where both are needed.
    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    fn next_link(&self) -> LinkId {
        LinkId(self.links.fetch_add(1, Ordering::Relaxed))
    }

    fn is_cut(&self, node: &str) -> bool {
        lock(&self.cut).contains(node)
    }

    fn hello(&self, side: &Side) -> Hello {
        let dial = match side {
            Side::Dialled { .. } => self.dials.fetch_add(1, Ordering::Relaxed),
            Side::Answered => 0,
        };
        Hello {
            protocol: PEER_PROTOCOL,
            node: self.me.node.clone(),
            incarnation: self.me.incarnation,
            origin: lock(&self.origin).clone(),
            client_address: self.me.client_address.clone(),
            peer_address: self.peer_address.to_string(),
            dial,
            time: self.me.clock.own(),
            known: self.table().addresses(),
        }
    }

    /// Remembers who was reached there.
    fn know(&self, side: &Side, who: Who) {
        if let Side::Dialled { address } = side {
            self.book().know(address, who);
        }
    }

    fn learn<'a>(&self, addresses: impl IntoIterator<Item = &'a String>) {
        let ours = self.peer_address.to_string();
        let mut book = self.book();
        for address in addresses {
            if *address != ours {
                book.add(address, Source::Learned);
            }
        }
    }

    /// Tells the driver; false when the link is to stop.
    async fn tell(&self, event: LinkEvent, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = stop.cancelled() => false,
            told = self.events.send(event) => told.is_ok(),
        }
    }

    /// Counts somebody who was turned away, and warns of it once a minute.
    fn refused(&self, address: &str, reason: &str) {
        self.refusals.links.inc();
        if self.is_to_be_warned(address) {
            tracing::warn!(
                address,
                reason,
                "no link: is the secret there the same as here?"
            );
        }
    }

    fn is_to_be_warned(&self, of: &str) -> bool {
        let now = Instant::now();
        let mut warned = lock(&self.warned);
        warned.retain(|_, at| now < *at + WARN_EVERY);
        let due = warned.len() < WARNED_MAX && !warned.contains_key(of);
        if due {
            warned.insert(of.to_owned(), now);
        }
        due
    }

    /// Counts a frame of a peer that could not be read.
    fn malformed(&self, node: &str, error: &PeerFrameError) {
        self.refusals.links.inc();
        if self.is_to_be_warned(node) {
            tracing::warn!(node, %error, "a frame was passed over: is another version running there?");
        }
    }

    /// Microseconds since the start, by a clock that never goes back.
    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
