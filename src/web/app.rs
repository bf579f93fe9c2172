//! What all requests share.

use std::net::IpAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::assets::Assets;
use super::config::Tuning;
use super::guard::Guard;
use super::health::Health;
use super::metrics::HttpCounts;
use super::poll::PollSessions;
use super::send::OneCallUsers;
use super::switchboard::Switchboard;
use super::ws::SocketClock;

/// The bridge as its requests see it.
#[derive(Debug)]
pub struct App {
    pub tuning: Tuning,
    pub switchboard: Arc<Switchboard>,
    pub guard: Guard,
    pub assets: Assets,
    pub polls: PollSessions,
    pub one_calls: OneCallUsers,
    pub health: Health,
    pub clock: SocketClock,
    pub counts: HttpCounts,
    /// The bridge is to end: no new sessions, and what waits is answered.
    pub stop: CancellationToken,
    /// The time for an orderly end is over.
    pub cut: CancellationToken,
    /// Connections and WebSockets that are still open.
    pub tasks: TaskTracker,
}

impl App {
    /// Nobody has asked anything, and no node is known to be up.
    pub fn new(tuning: Tuning, guard: Guard, nodes: &[String]) -> App {
        App {
            tuning,
            switchboard: Arc::new(Switchboard::new()),
            guard,
            assets: Assets::load(),
            polls: PollSessions::new(tuning.poll_session_idle),
            one_calls: Default::default(),
            health: Health::new(nodes),
            clock: SocketClock::new(&tuning),
            counts: Default::default(),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }
}

/// Where a request came from, put beside it by the accept loop.
#[derive(Clone, Copy, Debug)]
pub struct BrowserAddress(pub IpAddr);
