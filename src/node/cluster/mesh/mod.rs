//! The mesh: every node linked with every other it can reach. It joins the pure replication core, the
//! links and the node, and is the built-in [`Replicator`].
//!
//! One driver owns the core and takes what happens in one order: what the node has committed, what
//! links bring, what the store has read. It never waits for any of them: what must be waited for runs
//! beside it and comes back as something that happened. It is a task; what the store has for it is done
//! on the store's own thread, while that task has nothing to do.

mod acks;
mod alarms;
mod driver;
mod figures;
mod frames;
mod gossip;
mod input;
mod members;
mod nodes;
mod seat;
mod storing;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::links::{EVENTS_MAX, Links, Me, PeerTls, SEARCHED_PORTS, Search, Timing, bind};
use super::membership::{self, Facts, Membership, SavedPeers};
use crate::node::clock::NodeClock;
use crate::node::config::{Config, PeerPort};
use crate::node::replicator::{
    COPIES_WAIT_MAX, Engine, EngineError, Later, NodeHandle, Replicator, Typist,
};
use crate::node::rooms::lock;
use crate::node::store::{Clock, Committed, Early, Placed};
use crate::protocol::Event;
use crate::protocol::presence::PresenceChanges;
use crate::protocol::stats::{NodeFigures, NodeInfo, PeerFigures};
use acks::{Acks, Wait};
use driver::Driver;
use input::{Input, Inputs};
use members::Members;
use nodes::Nodes;
use seat::Seat;

/// Pause between two looks for the other nodes' clocks at the start.
const CLOCKS_LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why a node cannot be linked with others: a line for the person who starts it.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    #[error(
        "peer port {} is in use ({address}, TCP or UDP): stop what uses it, or name another with --peer",
        address.port()
    )]
    PortInUse { address: SocketAddr },
    #[error("cannot listen on {address} for other nodes: {reason}; name another with --peer")]
    CannotListen {
        address: SocketAddr,
        reason: std::io::Error,
    },
    #[error("the links to other nodes cannot be secured: {0}")]
    Tls(#[from] super::links::TlsError),
}

/// The engine that is built in.
pub struct MeshEngine {
    port: PeerPort,
    claimed: Option<PeerListener>,
}

/// The peer port.
struct PeerListener {
    listener: TcpListener,
    datagrams: UdpSocket,
    /// Where other nodes connect.
    address: SocketAddr,
    port: PeerPort,
}

/// The running mesh.
pub struct Mesh {
    inputs: Inputs,
    seat: Arc<Seat>,
    nodes: Arc<Mutex<Nodes>>,
    acks: Arc<Acks>,
    clock: Arc<NodeClock>,
    links: Links,
    membership: Membership,
    /// Where other nodes connect.
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl MeshEngine {
    /// Other nodes are to connect here.
    pub fn new(port: PeerPort) -> MeshEngine {
        MeshEngine {
            port,
            claimed: None,
        }
    }
}

impl Engine for MeshEngine {
    async fn claim(&mut self) -> Result<(), EngineError> {
        let peer = PeerListener::bind(self.port).await;
        self.claimed = Some(peer.map_err(EngineError::new)?);
        Ok(())
    }

    async fn start(mut self, node: NodeHandle) -> Result<Arc<dyn Replicator>, EngineError> {
        let peer = match self.claimed.take() {
            Some(peer) => peer,
            None => PeerListener::bind(self.port)
                .await
                .map_err(EngineError::new)?,
        };
        let mesh = Mesh::start(&node, peer).map_err(EngineError::new)?;
        Ok(Arc::new(mesh))
    }
}

impl PeerListener {
    /// Takes the port that the configuration names, or one below it where it says so.
    ///
    /// # Errors
    /// `PortInUse`, `CannotListen`.
    async fn bind(port: PeerPort) -> Result<PeerListener, MeshError> {
        let address = port.address;
        let failed = |reason: std::io::Error| match reason.kind() {
            std::io::ErrorKind::AddrInUse => MeshError::PortInUse { address },
            _ => MeshError::CannotListen { address, reason },
        };
        let (listener, datagrams) = bind(port).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(PeerListener {
            listener,
            datagrams,
            address,
            port,
        })
    }
}

impl Mesh {
    /// Links the node with others from now on.
    ///
    /// # Errors
    /// `Tls`, `CannotListen`.
    fn start(node: &NodeHandle, peer: PeerListener) -> Result<Mesh, MeshError> {
        let Config { join, secret, .. } = node.config();
        let (stop, stop_links) = (CancellationToken::new(), CancellationToken::new());
        let (to_driver, events) = mpsc::channel(EVENTS_MAX);
        let me = Me {
            node: node.name().to_owned(),
            origin: node.origin(),
            incarnation: node.incarnation(),
            client_address: node.client_address().to_string(),
            clock: Arc::clone(node.clock()),
        };
        let saved = SavedPeers::load(&node.config().data);
        let known = saved.addresses();
        let search = search(join, &known, &peer);
        let address = peer.address;
        let refusals = node.refusals().clone();
        let facts = facts(node, &me, address, &saved);
        let tls = PeerTls::new(secret)?;
        let links = Links::start(
            me,
            peer.listener,
            search,
            tls,
            refusals.clone(),
            to_driver,
            stop_links.clone(),
        )
        .map_err(|reason| MeshError::CannotListen { address, reason })?;
        let (inputs, waiting) = input::inputs();
        let nodes = Nodes::of(&facts.node, &facts.peer_address.to_string());
        let nodes = Arc::new(Mutex::new(nodes));
        let acks = Arc::new(Acks::default());
        let tasks = TaskTracker::new();
        let driver = Driver::new(
            node.clone(),
            links.clone(),
            inputs.clone(),
            Arc::clone(&nodes),
            Arc::clone(&acks),
            tasks.clone(),
        );
        let driver = Arc::new(Mutex::new(driver));
        let seat = Arc::new(Seat::of(&driver, inputs.clone()));
        if node.copies_wanted() > 1 {
            node.hand_out_early(Handing(inputs.clone(), Arc::clone(&seat)));
        }
        let driver = Driver::run(driver, events, waiting, stop.clone(), stop_links);
        tasks.spawn(driver);
        let start = membership::Start {
            facts,
            key: secret.gossip_key(),
            socket: peer.datagrams,
            join: join.clone(),
            saved: known,
            refusals: refusals.clone(),
        };
        let membership = Membership::start(start, &tasks, &stop);
        let members = Members {
            membership: membership.clone(),
            links: links.clone(),
            nodes: Arc::clone(&nodes),
            refusals,
            folder: node.config().data.clone(),
            saved,
        };
        tasks.spawn(members.run(stop.clone()));
        Ok(Mesh {
            inputs,
            seat,
            nodes,
            acks,
            clock: Arc::clone(node.clock()),
            links,
            membership,
            address,
            stop,
            tasks,
        })
    }

    /// Behaves as if TCP to the node of that name were cut; for tests of partitions.
    pub fn cut(&self, node: &str) {
        self.links.cut(node);
    }

    /// Behaves as if no datagram came or went, or as if they did again; for tests of partitions.
    pub fn cut_datagrams(&self, cut: bool) {
        self.membership.cut(cut);
    }

    /// The opposite of `cut`.
    pub fn mend(&self, node: &str) {
        self.links.mend(node);
    }
}

/// Whom to look for.
fn search(join: &[String], known: &[SocketAddr], peer: &PeerListener) -> Search {
    Search {
        join: join.to_vec(),
        known: known.iter().map(SocketAddr::to_string).collect(),
        ports: if peer.port.search && peer.address.ip().is_loopback() {
            SEARCHED_PORTS.collect()
        } else {
            Vec::new()
        },
        timing: Timing::default(),
    }
}

/// What the node tells of itself by gossip.
fn facts(node: &NodeHandle, me: &Me, peer: SocketAddr, saved: &SavedPeers) -> Facts {
    let joined = node.config().join.iter().find_map(|to| to.parse().ok());
    let near = joined.or_else(|| saved.addresses().first().copied());
    Facts {
        node: me.node.clone(),
        origin: me.origin.clone(),
        incarnation: me.incarnation,
        client_address: me.client_address.clone(),
        peer_address: membership::advertised(peer, near),
        server: node.server().to_owned(),
        started: node.clock().now(),
    }
}

/// Brings this node's events to the peers while its own disk writes.
struct Handing(Inputs, Arc<Seat>);

impl Early for Handing {
    fn is_wanted(&self) -> bool {
        self.0.has_peers.load(Ordering::Acquire)
    }

    fn written(&self, events: Vec<Arc<Event>>) {
        if let Err(input) = self.1.take(Input::Written(events)) {
            // Without room they are pushed once they are committed.
            self.0.tell(input);
        }
    }
}

impl Replicator for Mesh {
    fn committed(&self, events: &[Committed]) {
        if self.inputs.may_wait_for_a_link() {
            return;
        }
        let events: Vec<_> = events.iter().map(|c| Arc::clone(&c.event)).collect();
        let count = events.len();
        let Err(input) = self.seat.take(Input::Committed(events)) else {
            return;
        };
        let waiting = self
            .inputs
            .events_waiting
            .fetch_add(count, Ordering::Relaxed);
        let fits = waiting + count <= input::EVENTS_WAITING_MAX || waiting == 0;
        if !fits || !self.inputs.tell(input) {
            self.inputs
                .events_waiting
                .fetch_sub(count, Ordering::Relaxed);
            self.inputs.commits_missed.store(true, Ordering::Release);
        }
    }

    fn copies(&self, placed: &Placed) -> Later<u32> {
        let (origin, seq) = (placed.place.origin.clone(), placed.place.seq);
        if placed.repeated {
            // Its first acknowledgement may never have come, and it may be another node's.
            return self.inputs.ask_copies(origin, seq);
        }
        if !self.inputs.has_peers.load(Ordering::SeqCst) {
            // There is nobody to wait for, and the driver need not be woken to say so.
            return Box::pin(std::future::ready(1));
        }
        match self.acks.wait(&origin, seq) {
            Wait::Over(copies) => Box::pin(std::future::ready(copies)),
            Wait::Until(answer) => Box::pin(async move {
                match tokio::time::timeout(COPIES_WAIT_MAX, answer).await {
                    Ok(Ok(copies)) => copies,
                    // It is on this node's disk at least.
                    Ok(Err(_)) | Err(_) => 1,
                }
            }),
        }
    }

    fn presence(&self, changes: PresenceChanges) {
        // A batch that finds no room leaves its number out, and the peers ask for everybody.
        self.inputs.tell(Input::Presence(changes));
    }

    fn typing(&self, typing: Typist) {
        self.inputs.tell(Input::Typing(typing));
    }

    fn soft_changed(&self) {
        self.inputs.soft_changed.store(true, Ordering::Release);
    }

    fn nodes(&self) -> Vec<NodeInfo> {
        lock(&self.nodes).infos()
    }

    fn peers(&self) -> Vec<PeerFigures> {
        lock(&self.nodes).figures()
    }

    fn alarms(&self) -> Vec<String> {
        lock(&self.nodes).alarms()
    }

    fn figures(&self, node: Option<&str>) -> Later<Vec<NodeFigures>> {
        figures::ask(&self.inputs, node)
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }

    /// Every address that is known from the start was called once, and the clocks of those who answered
    /// are known.
    fn first_contact(&self) -> Later<()> {
        let (links, clock) = (self.links.clone(), Arc::clone(&self.clock));
        Box::pin(async move {
            links.first_round().await;
            while links.addresses().len() + 1 > clock.voices() {
                tokio::time::sleep(CLOCKS_LOOK_EVERY).await;
            }
        })
    }

    fn stop(&self) -> Later<()> {
        let (tasks, links) = (self.tasks.clone(), self.links.clone());
        self.stop.cancel();
        tasks.close();
        Box::pin(async move {
            tasks.wait().await;
            links.ended().await;
        })
    }
}
