//! What the nodes have told, and how it was over the last minutes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::events::{Happened, Happening, Healing, changed, record, told};
use crate::protocol::Ts;
use crate::protocol::stats::{NodeFigures, NodeInfo, Stats};

/// Updates that are kept of each node: five minutes at one a second.
pub const SAMPLES_MAX: usize = 300;

/// Nodes that are shown.
pub const NODES_MAX: usize = 64;

/// Rooms that are shown.
const ROOMS_MAX: usize = 200;

/// A minute, and as much as an update may be late.
const MINUTE_US: i64 = 60_500_000;

/// Microseconds without an update after which what was seen before says nothing of a course any more.
const GAP_US: i64 = 90_000_000;

/// Microseconds between two updates from which what a process has used in between can be told.
const CPU_FROM_US: i64 = 200_000;

/// Seconds within which the node that is asked may not know of the others yet.
const NEWLY_STARTED_S: u64 = 10;

/// Microseconds after which a node that is down is no longer shown: so long the nodes remember it too.
const FORGOTTEN_AFTER_US: i64 = 3_600_000_000;

/// All nodes, as the last update had them.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The node that told.
    pub asked: String,
    /// When the last update came.
    pub at: Option<Ts>,
    pub nodes: BTreeMap<String, Watched>,
    /// The newest last.
    pub events: VecDeque<Happened>,
    /// Messages and deliveries a second of all nodes together.
    pub totals: VecDeque<Totals>,
    /// Messages of the last minute by room, update by update.
    pub rooms: BTreeMap<String, WatchedRoom>,
    pub(super) healing: Option<Healing>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Watched {
    pub name: String,
    pub address: String,
    pub state: NodeState,
    /// Since when the state is what it is, as far as is known.
    pub since: Ts,
    /// The last ones that were seen.
    pub figures: Option<NodeFigures>,
    pub samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    Up,
    /// Linked with the node that is asked, and gave no figures this time.
    Silent,
    Down,
}

impl NodeState {
    pub fn word(self) -> &'static str {
        match self {
            NodeState::Up => "up",
            NodeState::Silent => "silent",
            NodeState::Down => "down",
        }
    }
}

/// A node at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    pub at: Ts,
    pub messages_per_s: f64,
    pub deliveries_per_s: f64,
    /// Of a core, since the sample before; none for the first one.
    pub cpu_percent: Option<f64>,
    pub memory_bytes: u64,
    pub store_bytes: u64,
    pub commit_p99_us: u64,
    pub delivery_p99_us: u64,
    pub sessions: u32,
    pub late: u64,
    pub merged: u64,
    pub refused: u64,
    pub throttled: u64,
    pub faults: u64,
    cpu_ms: u64,
}

/// All nodes at one moment. A message is committed by every node, so it is counted where most were;
/// a delivery is made by one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    pub messages_per_s: f64,
    pub deliveries_per_s: f64,
    pub sessions: u32,
}

/// A room, as the node has it that counts most of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchedRoom {
    pub messages: u64,
    pub users: u32,
    /// Messages of the last minute by node.
    pub by_node: BTreeMap<String, u64>,
    /// Messages of a minute, update by update.
    pub samples: VecDeque<u64>,
}

impl Cluster {
    /// Takes in what the node that is asked has told.
    pub fn take(&mut self, now: Ts, stats: Stats) {
        let first = self.at.is_none();
        self.forget_after_a_gap(now);
        let moved = (!first && self.asked != stats.node).then(|| self.asked.clone());
        if let Some(from) = moved {
            let to = stats.node.clone();
            record(&mut self.events, now, &to, Happening::Moved { from });
        }
        let newly_started = stats.uptime_s < NEWLY_STARTED_S;
        let mut figures: BTreeMap<String, NodeFigures> = stats
            .figures
            .into_iter()
            .map(|figures| (figures.node.clone(), figures))
            .collect();
        self.take_rooms(&figures);
        let listed = named_once(stats.nodes);
        let down = |infos: &BTreeMap<String, NodeInfo>| -> BTreeSet<String> {
            let down = infos.values().filter(|info| !info.up);
            down.map(|info| info.name.clone()).collect()
        };
        let down = (
            self.down().map(|node| node.name.clone()).collect(),
            down(&listed),
        );
        let mut lost = Vec::new();
        for info in listed.values() {
            let figures = figures.remove(&info.name);
            if self.take_node(now, first, info, figures, &down) {
                lost.push(info.name.clone());
            }
        }
        // Once all are known: what each has merged so far is where it counts from.
        for name in lost {
            Healing::begin(self, now, &name);
        }
        self.take_unlisted(now, newly_started, &listed);
        self.total();
        super::events::heal(self, now);
        self.asked = stats.node;
        self.at = Some(now);
    }

    /// What was watched before the pane was closed, or the connection lost, is no course with what comes now.
    fn forget_after_a_gap(&mut self, now: Ts) {
        let passed = self.at.map_or(0, |at| now.0.saturating_sub(at.0));
        if (0..=GAP_US).contains(&passed) {
            return;
        }
        self.totals.clear();
        for room in self.rooms.values_mut() {
            room.samples.clear();
        }
        for node in self.nodes.values_mut() {
            node.samples.clear();
        }
    }

    /// Takes in one node; whether it was lost. `down` are those that were down before, and are now.
    fn take_node(
        &mut self,
        now: Ts,
        first: bool,
        info: &NodeInfo,
        figures: Option<NodeFigures>,
        down: &(BTreeSet<String>, BTreeSet<String>),
    ) -> bool {
        let state = match (info.up, &figures) {
            (true, Some(_)) => NodeState::Up,
            (true, None) => NodeState::Silent,
            (false, _) => NodeState::Down,
        };
        if !self.nodes.contains_key(&info.name) && self.nodes.len() >= NODES_MAX {
            return false;
        }
        let down_us = info
            .down_s
            .map_or(0, |s| i64::try_from(s).unwrap_or(i64::MAX));
        let since = Ts(now
            .0
            .saturating_sub(down_us.saturating_mul(1_000_000))
            .max(0));
        let before = self.nodes.get(&info.name);
        let alarms = before.and_then(|before| before.figures.as_ref());
        let alarms = alarms.map_or(Vec::new(), |figures| told(&figures.alarms, &down.0));
        let mut happenings =
            super::events::compare(now, first, before, info, state, figures.as_ref());
        if let Some(figures) = &figures {
            happenings.extend(changed(&alarms, &told(&figures.alarms, &down.1)));
        }
        let lost = happenings
            .iter()
            .any(|what| matches!(what, Happening::Lost));
        let back = happenings
            .iter()
            .any(|what| matches!(what, Happening::Back { .. }));
        for what in happenings {
            let is_old = first && matches!(what, Happening::Lost);
            let at = if is_old { since } else { now };
            record(&mut self.events, at, &info.name, what);
        }
        if back && let Some(healing) = &mut self.healing {
            healing.is_back(&info.name);
        }
        let node = self
            .nodes
            .entry(info.name.clone())
            .or_insert_with(|| Watched {
                name: info.name.clone(),
                address: String::new(),
                state,
                since,
                figures: None,
                samples: VecDeque::new(),
            });
        node.address.clone_from(&info.address);
        if node.state != state {
            (node.state, node.since) = (state, since);
        }
        if let Some(figures) = figures {
            node.sample(now, &figures);
            node.figures = Some(figures);
        }
        lost
    }

    /// Who is not listed any more has left in good order, was down for so long that the nodes forgot it, or
    /// is not known yet to a node that has just been started.
    fn take_unlisted(&mut self, now: Ts, newly_started: bool, listed: &BTreeMap<String, NodeInfo>) {
        let mut left = Vec::new();
        for (name, node) in &mut self.nodes {
            if listed.contains_key(name) {
                continue;
            }
            match node.state {
                NodeState::Down if now.0.saturating_sub(node.since.0) < FORGOTTEN_AFTER_US => {}
                NodeState::Down => left.push((name.clone(), Happening::Forgotten)),
                NodeState::Up if newly_started => {
                    (node.state, node.since) = (NodeState::Silent, now);
                }
                NodeState::Silent if newly_started => {}
                NodeState::Up | NodeState::Silent => left.push((name.clone(), Happening::Left)),
            }
        }
        for (name, what) in left {
            self.nodes.remove(&name);
            record(&mut self.events, now, &name, what);
        }
    }

    fn take_rooms(&mut self, figures: &BTreeMap<String, NodeFigures>) {
        let mut now: BTreeMap<String, WatchedRoom> = BTreeMap::new();
        for (name, node) in figures {
            for room in &node.top_rooms {
                if !now.contains_key(&room.room) && now.len() >= ROOMS_MAX {
                    continue;
                }
                let watched = now.entry(room.room.clone()).or_default();
                watched.messages = watched.messages.max(room.messages);
                watched.users = watched.users.max(room.users);
                watched.by_node.insert(name.clone(), room.messages);
            }
        }
        for (name, room) in &mut now {
            if let Some(before) = self.rooms.remove(name) {
                room.samples = before.samples;
            }
            push(&mut room.samples, room.messages);
        }
        self.rooms = now;
    }

    fn total(&mut self) {
        let mut totals = Totals::default();
        for figures in self.up().filter_map(|node| node.figures.as_ref()) {
            totals.messages_per_s = totals.messages_per_s.max(figures.messages_per_s);
            totals.deliveries_per_s += figures.deliveries_per_s;
            totals.sessions = totals.sessions.saturating_add(figures.sessions);
        }
        push(&mut self.totals, totals);
    }

    /// The nodes that gave figures this time.
    pub fn up(&self) -> impl Iterator<Item = &Watched> {
        self.nodes
            .values()
            .filter(|node| node.state == NodeState::Up)
    }

    pub fn down(&self) -> impl Iterator<Item = &Watched> {
        self.nodes
            .values()
            .filter(|node| node.state == NodeState::Down)
    }
}

impl Watched {
    fn sample(&mut self, now: Ts, figures: &NodeFigures) {
        let last = self.samples.back();
        let cpu_percent = last.and_then(|last| {
            let passed_us = now.0 - last.at.0;
            let used_ms = figures.cpu_ms.checked_sub(last.cpu_ms)?;
            (passed_us >= CPU_FROM_US).then(|| used_ms as f64 * 1e5 / passed_us as f64)
        });
        let sample = Sample {
            at: now,
            messages_per_s: figures.messages_per_s,
            deliveries_per_s: figures.deliveries_per_s,
            cpu_percent,
            memory_bytes: figures.memory_bytes,
            store_bytes: figures.store_bytes,
            commit_p99_us: figures.commit_us.p99,
            delivery_p99_us: figures.delivery_us.p99,
            sessions: figures.sessions,
            late: figures.late,
            merged: figures.merged,
            refused: figures.refused,
            throttled: figures.throttled,
            faults: figures.faults,
            cpu_ms: figures.cpu_ms,
        };
        push(&mut self.samples, sample);
    }

    /// Processor time of the last ten updates: one is too short to tell little use from none.
    pub fn cpu_percent(&self) -> Option<f64> {
        let last = self.samples.back()?;
        let newest = self.samples.iter().rev().take(11);
        // A process that was started again has begun to count anew.
        let mut after = last.cpu_ms;
        let first = newest
            .take_while(|sample| sample.cpu_ms <= std::mem::replace(&mut after, sample.cpu_ms))
            .last()?;
        let passed_us = last.at.0.saturating_sub(first.at.0);
        let used_ms = (last.cpu_ms - first.cpu_ms) as f64;
        (passed_us >= CPU_FROM_US).then(|| used_ms * 1e5 / passed_us as f64)
    }

    /// What a counter has risen by in the last minute, as far as it was watched; a restart begins anew.
    pub fn risen(&self, of: fn(&Sample) -> u64) -> u64 {
        let Some(last) = self.samples.back() else {
            return 0;
        };
        let mut risen = 0u64;
        let mut after = of(last);
        for sample in self.samples.iter().rev().skip(1) {
            if last.at.0.saturating_sub(sample.at.0) > MINUTE_US {
                return risen;
            }
            let before = of(sample);
            risen = risen.saturating_add(after.checked_sub(before).unwrap_or(after));
            after = before;
        }
        risen
    }

    /// Bytes an hour by which the store has grown while it was watched; none before half a minute.
    pub fn growth_per_hour(&self) -> Option<i64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let passed_us = last.at.0 - first.at.0;
        let grown = last.store_bytes as f64 - first.store_bytes as f64;
        (passed_us >= 30_000_000).then(|| (grown * 3.6e9 / passed_us as f64) as i64)
    }

    /// The largest of a figure among its links that are up.
    pub fn worst_link<T: Ord + Default>(
        &self,
        of: impl Fn(&crate::protocol::stats::PeerFigures) -> T,
    ) -> Option<T> {
        let peers = self.figures.iter().flat_map(|figures| &figures.peers);
        peers.filter(|peer| peer.up).map(of).max()
    }
}

/// Of nodes with one name, which raise an alarm, one that is up counts.
fn named_once(nodes: Vec<NodeInfo>) -> BTreeMap<String, NodeInfo> {
    let mut named: BTreeMap<String, NodeInfo> = BTreeMap::new();
    for node in nodes {
        let known = named.get(&node.name);
        if known.is_none_or(|known| !known.up) {
            named.insert(node.name.clone(), node);
        }
    }
    named
}

fn push<T>(samples: &mut VecDeque<T>, sample: T) {
    if samples.len() >= SAMPLES_MAX {
        samples.pop_front();
    }
    samples.push_back(sample);
}
