//! What a bridge is told at its start.

use std::net::SocketAddr;
use std::time::Duration;

use super::tls::Tls;
use crate::protocol::secret::Secret;

/// Everything a bridge needs to know; [`crate::cli`] makes it from options, variables and files.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers connect. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Client addresses (`host:port`) of the cluster's nodes; the first that can be reached is taken.
    pub nodes: Vec<String>,
    /// Other pages' origins (`https://chat.example`) that may use the bridge, and whose host names it
    /// answers for.
    pub origins: Vec<String>,
    /// The cluster's secret: by it the nodes know the bridge.
    pub secret: Secret,
    /// By which it speaks https, and nothing else.
    pub tls: Option<Tls>,
}

/// Limits that nobody configures; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// A poll session ends this long after its last poll.
    pub poll_session_idle: Duration,
    /// How often a browser is sent a ping, so that nothing on the way takes the connection for dead.
    pub ping_every: Duration,
    /// How long a browser may take to say who it is.
    pub hello: Duration,
    /// How long a request's body may take to come.
    pub body: Duration,
    /// How long the handshake of a connection by https may take.
    pub handshake: Duration,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            poll_session_idle: Duration::from_secs(60),
            ping_every: Duration::from_secs(30),
            hello: Duration::from_secs(30),
            body: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
        }
    }
}

/// Where the nodes of `chat up` are.
pub const NODES_DEFAULT: [&str; 2] = ["127.0.0.1:9001", "127.0.0.1:9002"];
