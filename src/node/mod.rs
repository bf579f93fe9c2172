//! A chat server process's heart: one door through the store, rings for the rooms, links to peers.
//!
//! ```text
//! accept → connection (a task a socket) → session → dispatch ─ deed ─► store's thread ─► commits, in order
//!                                       peers' events ─ ingest ─►─────────┘                 │
//!                                              rooms::publish: encoded once, pushed into rings
//!                                                  ├─► delivery threads: links' memberships → sockets
//!                                                  └─► replicator → peers
//! ```
//!
//! Invariant: a message is shown only after it is committed, whether it came from a session or from
//! a peer, and everything shown comes out of the store's one ordered stream.
//!
//! Reading order: [`shared`] (what all parts share), [`accept`], [`connection`], [`session`],
//! `dispatch`, [`rooms`], [`people`], [`stats`], [`replicator`] (the seam to other nodes, and `handle`, its
//! incoming side).

pub mod accept;
pub mod admin;
mod breaks;
pub mod bridge;
pub mod busy_rooms;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod connection;
mod dispatch;
mod few;
mod handle;
mod housekeeping;
mod marked;
pub mod metrics;
pub mod names;
pub mod people;
pub mod presence;
pub mod replicator;
pub mod rooms;
pub mod session;
pub mod shared;
mod start;
pub mod stats;
pub mod store;
pub mod text_mode;
pub mod tokens;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use self::cluster::mesh::{Mesh, MeshEngine};
pub use self::config::Config;
use self::replicator::{Alone, Engine};
pub use self::shared::{Shared, Tuning};
pub use self::start::StartError;

/// Time in which connections end when the node stops: those that take their last lines need none of
/// it.
const STOP_CONNECTIONS: Duration = Duration::from_secs(5);

/// Time in which the rest ends after that.
const STOP_TASKS: Duration = Duration::from_secs(5);

/// A running node. Dropping it leaves it running; [`Node::stop`] ends it.
pub struct Node {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where other nodes connect.
    pub peer: Option<SocketAddr>,
    pub name: String,
    shared: Arc<Shared>,
    /// The accept loop, the end of the delivery threads, the housekeeping.
    tasks: TaskTracker,
}

impl Node {
    /// Opens the data folder and serves, linked with others by the mesh if the configuration names a peer
    /// port. It must be called within a tokio runtime.
    ///
    /// # Errors
    /// A [`StartError`], whose text is the line that a person reads; nothing is left running.
    pub async fn start(config: Config) -> Result<Node, StartError> {
        Node::start_tuned(config, Tuning::default()).await
    }

    /// The same with other limits; for tests.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn start_tuned(config: Config, tuning: Tuning) -> Result<Node, StartError> {
        match config.peer {
            Some(port) => Node::start_with(config, tuning, MeshEngine::new(port)).await,
            None => Node::start_with(config, tuning, Alone).await,
        }
    }

    /// The same, linked with others by `engine`, whose contract is in [`replicator`]. What the mesh is told
    /// by (`peer`, `join`, `secret`) is another engine's own affair. An engine is taken up in this order:
    /// the node's port is taken, [`Engine::claim`], the data folder is opened, [`Engine::start`], half a
    /// second at most of [`Replicator::first_contact`]; then the node serves.
    ///
    /// # Errors
    /// As [`Node::start`]; [`StartError::Engine`] with the engine's own line, when the folder is closed
    /// again.
    ///
    /// [`Replicator::first_contact`]: replicator::Replicator::first_contact
    pub async fn start_with(
        config: Config,
        tuning: Tuning,
        engine: impl Engine,
    ) -> Result<Node, StartError> {
        start::start(config, tuning, engine).await
    }

    /// Tells everybody good-bye, stores what was accepted, and closes the data folder. Bounded: it
    /// takes ten seconds at most.
    pub async fn stop(self) {
        self.shared.begin_stop();
        self.shared.connections.close();
        if timeout(STOP_CONNECTIONS, self.shared.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not end in time");
        }
        self.tasks.close();
        self.shared.tasks.close();
        let closed = timeout(STOP_TASKS, async {
            self.shared.tasks.wait().await;
            self.shared.replicator().stop().await;
            self.shared.store.close().await;
            self.tasks.wait().await;
        });
        if closed.await.is_err() {
            tracing::warn!("the node did not stop in time; what was acknowledged is on the disk");
        }
    }

    /// The node's counters as Prometheus text.
    pub fn metrics(&self) -> String {
        self.shared.metrics.render()
    }

    /// The mesh, if that is what links it with others.
    pub fn mesh(&self) -> Option<&Mesh> {
        let replicator: &dyn Any = self.shared.replicator();
        replicator.downcast_ref()
    }

    /// What the node's parts share; for links that live in the same process.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}
