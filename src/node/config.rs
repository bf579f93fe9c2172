//! What a node is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::protocol::secret::Secret;

/// Everything a node needs to know; [`crate::cli`] makes it from options, variables and files.
#[derive(Clone, Debug)]
pub struct Config {
    /// Letters, digits and `-`, such as `n1`; the origin's first part, and its folder's name.
    pub name: String,
    /// Where clients and bridges connect. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where other nodes connect; `None` for a node that stays alone.
    pub peer: Option<PeerPort>,
    /// Peer addresses (`host:port`) of other nodes.
    pub join: Vec<String>,
    /// This node's own folder; made if it is not there.
    pub data: PathBuf,
    /// Where it is noted how far others may have heard of this node:
    /// [`MARKS`](super::store::MARKS), save in tests.
    pub marks: PathBuf,
    pub secret: Secret,
    /// Nodes that are to have an event on stable storage before it is acknowledged, this one
    /// included; fewer where fewer can be reached.
    pub copies: u32,
    /// Messages a second for a session, bursts of four times that; 0 lifts it and the limits on
    /// connections.
    pub rate: u32,
}

/// The address of the peer port.
#[derive(Clone, Copy, Debug)]
pub struct PeerPort {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// On loopback: when the port is taken, the next free one below, down to 9990; and look for other
    /// nodes on those ports.
    pub search: bool,
}
