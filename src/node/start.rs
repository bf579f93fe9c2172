//! Starting a node: the port, the folder, what is remembered, the tasks.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::admin::{self, AdminToken};
use super::clock::NodeClock;
use super::config::Config;
use super::names::Names;
use super::people::People;
use super::presence::Presence;
use super::replicator::{Engine, EngineError, NodeHandle};
use super::rooms::{Delivery, Hub};
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
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot keep the administrator's token in {}: {reason}", path.display())]
    AdminToken { path: PathBuf, reason: io::Error },
    #[error("the system gives no random numbers: {0}")]
    NoRandom(String),
}

pub(super) async fn start(
    config: Config,
    tuning: Tuning,
    mut engine: impl Engine,
) -> Result<Node, StartError> {
    let listener = listen(config.listen).await?;
    let listen = listener
        .local_addr()
        .map_err(|reason| StartError::CannotListen {
            address: config.listen,
            reason,
        })?;
    engine.claim().await?;
    let clock = Arc::new(NodeClock::start_wrong(tuning.clock_error_us));
    let opened = open(config.clone(), tuning, Arc::clone(&clock)).await?;
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
    link_up(&shared, engine, opened.incarnation).await?;
    let peer = shared.replicator().address();
    let tasks = TaskTracker::new();
    tasks.spawn(Delivery::start(&shared, opened.commits).cancelled_owned());
    tasks.spawn(housekeeping::run(Arc::clone(&shared)));
    tasks.spawn(accept::run(Arc::clone(&shared), listener));
    tracing::info!(node = %shared.config.name, %listen, peer = peer.map(tracing::field::display), "the node serves");
    Ok(Node {
        listen,
        peer,
        name: shared.config.name.clone(),
        shared,
        tasks,
    })
}

/// Links the node with others, before anything is committed.
async fn link_up(
    shared: &Arc<Shared>,
    engine: impl Engine,
    incarnation: Incarnation,
) -> Result<(), StartError> {
    match engine.start(NodeHandle::new(shared, incarnation)).await {
        Ok(replicator) => shared.set_replicator(replicator),
        Err(error) => {
            shared.store.close().await;
            return Err(error.into());
        }
    }
    // Who has not answered by then is not waited for.
    let _ = timeout(FIRST_CONTACT_MAX, shared.replicator().first_contact()).await;
    Ok(())
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

async fn open(config: Config, tuning: Tuning, clock: Arc<NodeClock>) -> Result<Opened, StartError> {
    let opening = tokio::task::spawn_blocking(move || open_blocking(&config, tuning, clock));
    match opening.await {
        Ok(opened) => opened,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn open_blocking(
    config: &Config,
    tuning: Tuning,
    clock: Arc<NodeClock>,
) -> Result<Opened, StartError> {
    let (mut store, commits) = Store::open(&config.data, &config.marks, &config.name, clock)?;
    store.start_search(&config.data)?;
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
        presence: Presence::new(store.origin().as_str(), incarnation)
            .with_silence(tuning.node_silent.as_micros() as i64),
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
