//! What `stats` tells: of everyone's concern, and, for an administrator, in full.

use serde::{Deserialize, Serialize};

use super::client::Re;
use super::ids::Ts;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Stats {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    /// The node that answers.
    pub node: String,
    pub server: String,
    pub uptime_s: u64,
    pub nodes: Vec<NodeInfo>,
    /// For an administrator: the figures of the node that answers, or of all it can reach.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<NodeFigures>>"))]
    pub figures: Vec<NodeFigures>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct NodeInfo {
    pub name: String,
    /// Where clients reach it.
    pub address: String,
    pub up: bool,
    /// At the bridge's `/health`: the link's round trip in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rtt_us: Option<u64>,
    /// In `stats`, of a node that is not up: seconds since it was last linked with the one that answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub down_s: Option<u64>,
}

/// One node's figures. Rates are means over the last full second; quantiles over the last minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NodeFigures {
    pub node: String,
    pub uptime_s: u64,
    /// Sessions open here, those of bridges included.
    pub sessions: u32,
    /// Connections open here.
    pub connections: u32,
    /// Rooms known.
    pub rooms: u32,
    pub messages_per_s: f64,
    pub deliveries_per_s: f64,
    /// From a message's coming in to its being committed, microseconds.
    pub commit_us: Quantiles,
    /// From a message's coming in to its being written to the sockets here, microseconds.
    pub delivery_us: Quantiles,
    /// Requests waiting for the store.
    pub store_queue: u32,
    /// Sessions that are reading what they missed from the log.
    pub slow_readers: u32,
    pub memory_bytes: u64,
    /// Processor time used since the start, milliseconds.
    pub cpu_ms: u64,
    pub store_bytes: u64,
    /// Events in the log.
    pub events: u64,
    pub peers: Vec<PeerFigures>,
    /// Connections of other nodes and frames of theirs that were turned away since the start.
    pub links_refused: u64,
    /// Datagrams on the peer port that were turned away since the start: not sealed with the
    /// cluster's secret, or sent before.
    pub datagrams_refused: u64,
    /// What a person should look at, in words.
    pub alarms: Vec<String>,
    /// Its program and version.
    pub server: String,
    /// Messages committed here since the start, those of other nodes included.
    pub messages: u64,
    /// Lines handed to sessions since the start: a message to 50 sessions is 50.
    pub deliveries: u64,
    /// Messages since the start that reached this node after newer ones of their room.
    pub late: u64,
    /// Events of other nodes that were missed while they happened, and fetched, since the start.
    pub merged: u64,
    /// Requests answered by an error since the start.
    pub refused: u64,
    /// Those of them that came too fast, and connections too many from one address.
    pub throttled: u64,
    /// Requests and writes that failed through a fault of the node's or its disk's, since the start.
    pub faults: u64,
    /// Times since the start that a reader fell behind what is kept in memory, and read the log.
    pub replays: u64,
    /// Times since the start that a reader was told of a gap, since even the log was too long for it.
    pub gaps: u64,
    /// Transactions of the store since the start that failed.
    pub commits_failed: u64,
    /// The rooms with the most messages in the last minute, the busiest first; direct conversations are
    /// not among them.
    pub top_rooms: Vec<RoomFigures>,
}

/// One room, as a node sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomFigures {
    pub room: String,
    /// Messages committed in the last minute.
    pub messages: u64,
    /// Users who are in it, on all nodes.
    pub users: u32,
}

/// Microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Quantiles {
    pub p50: u64,
    pub p99: u64,
}

/// A link to another node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PeerFigures {
    pub name: String,
    pub address: String,
    pub up: bool,
    pub rtt_us: u64,
    /// Events it has not said to hold yet.
    pub lag_events: u64,
    /// Its wall clock less ours, microseconds.
    pub clock_offset_us: i64,
    /// Whether its datagrams arrive.
    #[serde(default)]
    pub heard: bool,
    /// Its program and version; empty before they are heard.
    #[serde(default)]
    pub server: String,
    /// When it was started, by its own clock.
    #[serde(default)]
    pub started: Ts,
    /// Frames that wait to be written to it.
    #[serde(default)]
    pub queued: u32,
}
