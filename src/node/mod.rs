//! A chat server process's heart: one door through the store, rings for the rooms, links to peers.
//!
//! ```text
//! accept → connection (a task a socket) → session → dispatch ─ deed ─► store's thread ─► commits, in order
//!                                       peers' events ─ ingest ─►─────────┘                 │
//!                                              rooms::publish: encoded once, pushed into rings
//!                                                  ├─► links' memberships → sockets
//!                                                  └─► replicator → peers
//! ```
//!
//! Invariant: a message is shown only after it is committed, whether it came from a session or from
//! a peer, and everything shown comes out of the store's one ordered stream.
//!
//! Reading order: [`shared`] (what all parts share), [`accept`], [`connection`], [`session`],
//! `dispatch`, [`rooms`], [`people`], [`stats`], [`replicator`] (the seam to other nodes).

pub mod accept;
pub mod admin;
mod breaks;
pub mod bridge;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod connection;
mod dispatch;
mod housekeeping;
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

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use self::cluster::mesh::Mesh;
pub use self::config::Config;
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
    mesh: Option<Arc<Mesh>>,
    /// The accept loop, the publisher, the housekeeping.
    tasks: TaskTracker,
}

impl Node {
    /// Opens the data folder and serves. It must be called within a tokio runtime.
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
        start::start(config, tuning).await
    }

    /// Tells everybody good-bye, stores what was accepted, and closes the data folder. Bounded: it
    /// takes ten seconds at most.
    pub async fn stop(self) {
        self.shared.stop.cancel();
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
            if let Some(mesh) = &self.mesh {
                mesh.stop().await;
            }
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

    /// The links to other nodes, if it has any.
    pub fn mesh(&self) -> Option<&Mesh> {
        self.mesh.as_deref()
    }

    /// What the node's parts share; for links that live in the same process.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}
