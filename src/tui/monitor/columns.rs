//! The columns of the tables: what stands in them, and what sorting goes by. The tables on the screen
//! and the text for scripts are both made from these.

use std::borrow::Borrow;
use std::cmp::Ordering;

use super::alarms::{
    COMMIT_P99_WARNING_US, CPU_WARNING, DELIVERY_P99_WARNING_US, LAG_WARNING, STORE_QUEUE_WARNING,
};
use super::cluster::{Cluster, NODES_MAX, NodeState, Watched, WatchedRoom};
use super::words;
use crate::protocol::stats::PeerFigures;

/// A column of the table of `T`s.
pub struct Column<T: 'static> {
    pub title: &'static str,
    /// Cells that it takes; the first column takes what is left.
    pub cells: usize,
    pub text: fn(&T) -> String,
    /// What sorting by it compares; none for what sorts as text.
    pub value: Option<fn(&T) -> f64>,
    /// Whether the value is one to look at.
    pub warns: fn(&T) -> bool,
}

/// A row of the table of rooms.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomRow {
    pub name: String,
    pub messages: u64,
    pub users: u32,
}

/// A link, as one of its two nodes sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRow {
    pub from: String,
    pub peer: PeerFigures,
}

impl LinkRow {
    pub fn name(&self) -> String {
        format!("{} → {}", self.from, self.peer.name)
    }
}

/// Figures of a node that has given some.
macro_rules! figure {
    ($row:ident, $figures:ident => $value:expr) => {
        $row.figures.as_ref().map_or(0.0, |$figures| $value as f64)
    };
}

const fn never<T>(_: &T) -> bool {
    false
}

/// All columns of the nodes, the most wanted first: a narrow screen shows the first ones.
#[rustfmt::skip]
pub const NODES: &[Column<Watched>] = &[
    Column { title: "NODE", cells: 8, text: |r| r.name.clone(), value: None, warns: never },
    Column { title: "STATE", cells: 6, text: |r| r.state.word().to_owned(), value: Some(state), warns: |r| r.state != NodeState::Up },
    Column { title: "MSG/S", cells: 5, text: |r| words::rate(figure!(r, f => f.messages_per_s)), value: Some(|r| figure!(r, f => f.messages_per_s)), warns: never },
    Column { title: "DLV/S", cells: 6, text: |r| words::rate(figure!(r, f => f.deliveries_per_s)), value: Some(|r| figure!(r, f => f.deliveries_per_s)), warns: never },
    Column { title: "CPU", cells: 5, text: |r| r.cpu_percent().map_or("…".to_owned(), words::percent), value: Some(|r| r.cpu_percent().unwrap_or(0.0)), warns: |r| r.cpu_percent().is_some_and(|p| p > CPU_WARNING) },
    Column { title: "SESS", cells: 5, text: |r| words::count(figure!(r, f => f.sessions) as u64), value: Some(|r| figure!(r, f => f.sessions)), warns: never },
    Column { title: "MEM", cells: 6, text: |r| words::bytes(figure!(r, f => f.memory_bytes) as u64), value: Some(|r| figure!(r, f => f.memory_bytes)), warns: never },
    Column { title: "CMT99", cells: 6, text: |r| words::micros(figure!(r, f => f.commit_us.p99) as u64), value: Some(|r| figure!(r, f => f.commit_us.p99)), warns: |r| figure!(r, f => f.commit_us.p99) as u64 > COMMIT_P99_WARNING_US },
    Column { title: "DLV99", cells: 6, text: |r| words::micros(figure!(r, f => f.delivery_us.p99) as u64), value: Some(|r| figure!(r, f => f.delivery_us.p99)), warns: |r| figure!(r, f => f.delivery_us.p99) as u64 > DELIVERY_P99_WARNING_US },
    Column { title: "LAG", cells: 5, text: |r| words::count(lag(r)), value: Some(|r| lag(r) as f64), warns: |r| lag(r) > LAG_WARNING },
    Column { title: "QUEUE", cells: 5, text: |r| words::count(figure!(r, f => f.store_queue) as u64), value: Some(|r| figure!(r, f => f.store_queue)), warns: |r| figure!(r, f => f.store_queue) > f64::from(STORE_QUEUE_WARNING) },
    Column { title: "SLOW", cells: 5, text: |r| words::count(figure!(r, f => f.slow_readers) as u64), value: Some(|r| figure!(r, f => f.slow_readers)), warns: never },
    Column { title: "STORE", cells: 6, text: |r| words::bytes(figure!(r, f => f.store_bytes) as u64), value: Some(|r| figure!(r, f => f.store_bytes)), warns: never },
    Column { title: "GROWTH", cells: 8, text: |r| growth(r), value: Some(|r| r.growth_per_hour().unwrap_or(0) as f64), warns: never },
    Column { title: "ROOMS", cells: 5, text: |r| words::count(figure!(r, f => f.rooms) as u64), value: Some(|r| figure!(r, f => f.rooms)), warns: never },
    Column { title: "CMT50", cells: 6, text: |r| words::micros(figure!(r, f => f.commit_us.p50) as u64), value: Some(|r| figure!(r, f => f.commit_us.p50)), warns: never },
    Column { title: "DLV50", cells: 6, text: |r| words::micros(figure!(r, f => f.delivery_us.p50) as u64), value: Some(|r| figure!(r, f => f.delivery_us.p50)), warns: never },
    Column { title: "MERGED", cells: 6, text: |r| words::count(figure!(r, f => f.merged) as u64), value: Some(|r| figure!(r, f => f.merged)), warns: never },
    Column { title: "LATE", cells: 5, text: |r| words::count(figure!(r, f => f.late) as u64), value: Some(|r| figure!(r, f => f.late)), warns: never },
    Column { title: "REFUSED", cells: 7, text: |r| words::count(figure!(r, f => f.refused) as u64), value: Some(|r| figure!(r, f => f.refused)), warns: never },
    Column { title: "THROTTL", cells: 7, text: |r| words::count(figure!(r, f => f.throttled) as u64), value: Some(|r| figure!(r, f => f.throttled)), warns: |r| r.risen(|s| s.throttled) > 0 },
    Column { title: "CONN", cells: 5, text: |r| words::count(figure!(r, f => f.connections) as u64), value: Some(|r| figure!(r, f => f.connections)), warns: never },
    Column { title: "UPTIME", cells: 7, text: |r| words::lasting(figure!(r, f => f.uptime_s) as u64), value: Some(|r| figure!(r, f => f.uptime_s)), warns: never },
    Column { title: "EVENTS", cells: 6, text: |r| words::count(figure!(r, f => f.events) as u64), value: Some(|r| figure!(r, f => f.events)), warns: never },
    Column { title: "VERSION", cells: 12, text: |r| r.figures.as_ref().map_or_else(String::new, |f| f.server.clone()), value: None, warns: never },
];

#[rustfmt::skip]
pub const ROOMS: &[Column<RoomRow>] = &[
    Column { title: "ROOM", cells: 12, text: |r| r.name.clone(), value: None, warns: never },
    Column { title: "MSG/MIN", cells: 7, text: |r| words::count(r.messages), value: Some(|r| r.messages as f64), warns: never },
    Column { title: "USERS", cells: 6, text: |r| words::count(r.users.into()), value: Some(|r| f64::from(r.users)), warns: never },
];

#[rustfmt::skip]
pub const LINKS: &[Column<LinkRow>] = &[
    Column { title: "LINK", cells: 12, text: LinkRow::name, value: None, warns: never },
    Column { title: "STATE", cells: 6, text: |r| link_state(&r.peer).to_owned(), value: Some(|r| f64::from(u8::from(r.peer.up))), warns: |r| !r.peer.up || !r.peer.heard },
    Column { title: "RTT", cells: 6, text: |r| of_link(r, words::micros(r.peer.rtt_us)), value: Some(|r| r.peer.rtt_us as f64), warns: never },
    Column { title: "LAG", cells: 5, text: |r| of_link(r, words::count(r.peer.lag_events)), value: Some(|r| r.peer.lag_events as f64), warns: |r| r.peer.up && r.peer.lag_events > LAG_WARNING },
    Column { title: "SKEW", cells: 7, text: |r| of_link(r, words::signed_micros(r.peer.clock_offset_us)), value: Some(|r| r.peer.clock_offset_us.unsigned_abs() as f64), warns: |r| r.peer.up && r.peer.clock_offset_us.unsigned_abs() > 2_000_000 },
    Column { title: "QUEUE", cells: 5, text: |r| words::count(r.peer.queued.into()), value: Some(|r| f64::from(r.peer.queued)), warns: never },
];

/// What is known by a link, of one that is there.
fn of_link(row: &LinkRow, words: String) -> String {
    if row.peer.up { words } else { "–".to_owned() }
}

/// How a table is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// The column's place in its table.
    pub column: usize,
    pub reversed: bool,
}

impl Sort {
    /// The next column.
    pub fn step(&mut self, columns: usize) {
        self.column = (self.column + 1) % columns.max(1);
        self.reversed = false;
    }
}

/// Sorts: texts from a on, numbers from the largest on; reversed, the other way round. What is equal
/// stays in the order of the first column.
fn sort<T, R: Borrow<T>>(rows: &mut [R], columns: &[Column<T>], by: Sort) {
    let Some(column) = columns.get(by.column) else {
        return;
    };
    let named = |row: &R| columns.first().map(|first| (first.text)(row.borrow()));
    rows.sort_by(|one, other| {
        let (a, b) = (one.borrow(), other.borrow());
        let order = match column.value {
            Some(value) => value(b).partial_cmp(&value(a)),
            None => Some((column.text)(a).cmp(&(column.text)(b))),
        };
        let order = order.unwrap_or(Ordering::Equal);
        let order = if by.reversed { order.reverse() } else { order };
        order.then_with(|| named(one).cmp(&named(other)))
    });
}

pub fn node_rows(cluster: &Cluster, by: Sort) -> Vec<&Watched> {
    let mut rows: Vec<&Watched> = cluster.nodes.values().collect();
    sort(&mut rows, NODES, by);
    rows
}

pub fn room_rows(cluster: &Cluster, by: Sort) -> Vec<RoomRow> {
    let row = |(name, room): (&String, &WatchedRoom)| RoomRow {
        name: name.clone(),
        messages: room.messages,
        users: room.users,
    };
    let mut rows: Vec<RoomRow> = cluster.rooms.iter().map(row).collect();
    sort(&mut rows, ROOMS, by);
    rows
}

/// The links of all nodes that are up, each seen from both sides.
pub fn link_rows(cluster: &Cluster, by: Sort) -> Vec<LinkRow> {
    let mut rows = Vec::new();
    for node in cluster.up() {
        let peers = node.figures.iter().flat_map(|figures| &figures.peers);
        rows.extend(peers.take(NODES_MAX).map(|peer| LinkRow {
            from: node.name.clone(),
            peer: peer.clone(),
        }));
    }
    sort(&mut rows, LINKS, by);
    rows
}

fn state(node: &Watched) -> f64 {
    match node.state {
        NodeState::Down => 2.0,
        NodeState::Silent => 1.0,
        NodeState::Up => 0.0,
    }
}

fn lag(node: &Watched) -> u64 {
    node.worst_link(|peer| peer.lag_events).unwrap_or(0)
}

/// `+1.2M/h`.
fn growth(node: &Watched) -> String {
    node.growth_per_hour().map_or("…".to_owned(), |grown| {
        let sign = if grown < 0 { "-" } else { "+" };
        format!("{sign}{}/h", words::bytes(grown.unsigned_abs()))
    })
}

pub fn link_state(peer: &PeerFigures) -> &'static str {
    match (peer.up, peer.heard) {
        (true, true) => "up",
        (true, false) => "no UDP",
        (false, true) => "no TCP",
        (false, false) => "down",
    }
}
