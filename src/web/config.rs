//! What a bridge is told at its start.

use std::net::SocketAddr;

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
}

/// Where the nodes of `chat up` are.
pub const NODES_DEFAULT: [&str; 2] = ["127.0.0.1:9001", "127.0.0.1:9002"];
