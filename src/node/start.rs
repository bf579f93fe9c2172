//! Starting a node: the port, the folder, what is remembered, the tasks.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::admin::{self, AdminToken};
use super::clock::NodeClock;
use super::cluster::mesh::{Mesh, MeshError, PeerListener};
use super::config::Config;
use super::names::Names;
use super::people::People;
use super::presence::Presence;
use super::rooms::{Hub, publish};
use super::shared::{Parts, Shared, Tuning};
use super::store::{Commits, SoftRow, Store, StoreError};
use super::{Node, accept, housekeeping};
use crate::protocol::peer::Incarnation;
use crate::protocol::presence::UserRecord;

/// How long a node waits at its start for the other nodes' clocks, before it serves anybody.
const FIRST_CONTACT_MAX: Duration = Duration::from_millis(500);

/// Soft rows that are read at a time.
const ROWS_READ: usize = 10_000;

/// Why a node does not start: one line for the person who starts it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("port {} is in use ({address}): stop what uses it, or name another with --listen", address.port())]
    PortInUse { address: SocketAddr },
    #[error("cannot listen on {address}: {reason}; name another address with --listen")]
    CannotListen {
        address: SocketAddr,
        reason: io::Error,
    },
    #[error(transparent)]
    Mesh(#[from] MeshError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot keep the administrator's token in {}: {reason}", path.display())]
    AdminToken { path: PathBuf, reason: io::Error },
    #[error("the system gives no random numbers: {0}")]
    NoRandom(String),
}

pub(super) async fn start(config: Config, tuning: Tuning) -> Result<Node, StartError> {
    let listener = listen(config.listen).await?;
    let listen = listener
        .local_addr()
        .map_err(|reason| StartError::CannotListen {
            address: config.listen,
            reason,
        })?;
    let peer = match config.peer {
        Some(port) => Some(PeerListener::bind(port).await?),
        None => None,
    };
    let clock = Arc::new(NodeClock::start_wrong(tuning.clock_error_us));
    let opened = open(config.clone(), Arc::clone(&clock)).await?;
    let shared = Shared::new(Parts {
        hub: Hub::new(opened.store.held()),
        people: opened.people,
        admin: opened.admin,
        clock,
        store: opened.store,
        config,
        tuning,
        listen,
    });
    let (peer, mesh) = match peer {
        Some(peer) => (
            Some(peer.address),
            Some(link_up(&shared, peer, opened.incarnation).await?),
        ),
        None => (None, None),
    };
    if let Some(mesh) = &mesh {
        mesh.first_contact(FIRST_CONTACT_MAX).await;
    }
    let tasks = TaskTracker::new();
    tasks.spawn(publish::run(Arc::clone(&shared), opened.commits));
    tasks.spawn(housekeeping::run(Arc::clone(&shared)));
    tasks.spawn(accept::run(Arc::clone(&shared), listener));
    tracing::info!(node = %shared.config.name, %listen, peer = peer.map(tracing::field::display), "the node serves");
    Ok(Node {
        listen,
        peer,
        name: shared.config.name.clone(),
        shared,
        mesh,
        tasks,
    })
}

/// Links the node with others, before anything is committed.
async fn link_up(
    shared: &Arc<Shared>,
    peer: PeerListener,
    incarnation: Incarnation,
) -> Result<Arc<Mesh>, StartError> {
    match Mesh::start(shared, peer, incarnation) {
        Ok(mesh) => {
            shared.set_replicator(mesh.clone());
            Ok(mesh)
        }
        Err(error) => {
            shared.store.close().await;
            Err(error.into())
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|reason| {
        if reason.kind() == io::ErrorKind::AddrInUse {
            StartError::PortInUse { address }
        } else {
            StartError::CannotListen { address, reason }
        }
    })
}

/// What the data folder holds.
struct Opened {
    store: Store,
    commits: Commits,
    people: People,
    admin: AdminToken,
    incarnation: Incarnation,
}

async fn open(config: Config, clock: Arc<NodeClock>) -> Result<Opened, StartError> {
    let opening = tokio::task::spawn_blocking(move || open_blocking(&config, clock));
    match opening.await {
        Ok(opened) => opened,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn open_blocking(config: &Config, clock: Arc<NodeClock>) -> Result<Opened, StartError> {
    let (store, commits) = Store::open(&config.data, &config.marks, &config.name, clock)?;
    let admin =
        AdminToken::load_or_make(&config.data).map_err(|reason| StartError::AdminToken {
            path: config.data.join(admin::FILE_NAME),
            reason,
        })?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| StartError::NoRandom(error.to_string()))?;
    let incarnation = u64::from_le_bytes(random);
    let people = People {
        // By its origin, since nothing keeps two nodes from having one name.
        presence: Presence::new(store.origin().as_str(), incarnation),
        names: Names::new(users(&store)?),
    };
    Ok(Opened {
        store,
        commits,
        people,
        admin,
        incarnation: Incarnation(incarnation),
    })
}

/// All users that the store remembers.
fn users(store: &Store) -> Result<Vec<UserRecord>, StoreError> {
    let (mut users, mut rev) = (Vec::new(), 0);
    loop {
        let page = store.read_blocking(|reader| reader.soft_since(rev, ROWS_READ))?;
        rev = page.rev;
        users.extend(page.rows.into_iter().filter_map(|row| match row {
            SoftRow::User(user) => Some(user),
            SoftRow::Room { .. } | SoftRow::Read { .. } => None,
        }));
        if !page.more {
            return Ok(users);
        }
    }
}
