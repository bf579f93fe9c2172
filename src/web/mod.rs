//! The bridge to browsers: the page, WebSocket, plain HTTP for who has no WebSocket, and one link to a
//! node that carries all of it.
//!
//! - [`server`] accepts connections, [`tls`] makes them https, [`router`] says which request does what, [`guard`] who may ask.
//! - [`ws`], [`send`] and [`poll`] are three ways to one thing: a session of the [`switchboard`].
//! - [`link`] carries the switchboard's lines to a node, and to another when that one is lost.
//!
//! It keeps no message and no user: what it knows is what its sessions need to be opened elsewhere.

mod app;
mod assets;
pub mod config;
mod encoding;
mod figures;
mod guard;
mod health;
mod link;
mod metrics;
mod poll;
mod refusal;
mod router;
mod send;
mod server;
mod switchboard;
mod tls;
mod ws;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::app::App;
use self::guard::Guard;

pub use self::config::{Config, Tuning};
pub use self::tls::{Tls, TlsError};

/// How long browsers have to take the last word when the bridge stops.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// How long after that everything has to end.
const CUT_DEADLINE: Duration = Duration::from_secs(1);

/// A running bridge.
#[derive(Debug)]
pub struct Bridge {
    /// Where it listens.
    pub address: SocketAddr,
    tls: Option<Tls>,
    app: Arc<App>,
    /// Ends the link, after the browsers were told.
    unlink: CancellationToken,
    /// The tasks that are not of a browser.
    own_tasks: TaskTracker,
}

/// Why a bridge did not start: the one line that a user reads.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("port {} of {} is taken by another program; choose another with --listen", .0.port(), .0.ip())]
    PortTaken(SocketAddr),
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    #[error("{0:?} is no origin; --origin takes one like https://chat.example:8443")]
    BadOrigin(String),
    #[error("there is no node to connect to; give one with --node HOST:PORT")]
    NoNode,
}

impl Bridge {
    /// Listens, and serves from then on. Whether a node can be reached does not matter to it.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub async fn start(config: Config) -> Result<Bridge, StartError> {
        Bridge::start_tuned(config, Tuning::default()).await
    }

    /// The same with limits of one's own, for tests.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start_tuned(config: Config, tuning: Tuning) -> Result<Bridge, StartError> {
        if config.nodes.is_empty() {
            return Err(StartError::NoNode);
        }
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let tls = config.tls.clone();
        let guard = Guard::new(address, tls.is_some(), &config.origins);
        let guard = guard.map_err(StartError::BadOrigin)?;
        let app = Arc::new(App::new(tuning, guard, &config.nodes));
        let (unlink, own_tasks) = (CancellationToken::new(), TaskTracker::new());
        let nodes = config.nodes.len();
        let switchboard = Arc::clone(&app.switchboard);
        own_tasks.spawn(link::run(switchboard, config, unlink.clone()));
        for at in 0..nodes {
            own_tasks.spawn(health::probe(Arc::clone(&app), at, unlink.clone()));
        }
        own_tasks.spawn(poll::sweep(Arc::clone(&app), unlink.clone()));
        own_tasks.spawn(ws::clock::run(Arc::clone(&app), unlink.clone()));
        let router = router::router(Arc::clone(&app));
        own_tasks.spawn(server::run(Arc::clone(&app), listener, tls.clone(), router));
        tracing::info!(%address, https = tls.is_some(), "serving browsers");
        Ok(Bridge {
            address,
            tls,
            app,
            unlink,
            own_tasks,
        })
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Tells the browsers, waits until they have heard, and ends.
    pub async fn stop(self) {
        self.app.stop.cancel();
        self.app.switchboard.end_all();
        self.app.tasks.close();
        if timeout(STOP_DEADLINE, self.app.tasks.wait()).await.is_err() {
            self.app.cut.cancel();
            if timeout(CUT_DEADLINE, self.app.tasks.wait()).await.is_err() {
                tracing::warn!("some connections did not end in time");
            }
        }
        self.app.polls.clear();
        self.unlink.cancel();
        self.own_tasks.close();
        if timeout(CUT_DEADLINE, self.own_tasks.wait()).await.is_err() {
            tracing::warn!("the link to the node did not end in time");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::PortTaken(address),
            _ => StartError::Listen { address, error },
        })
}
