//! What a person should look at: what nodes say themselves, and what is seen from here.

use super::cluster::{Cluster, NodeState, Watched};
use super::events::says_no_link_to;
use super::words;

/// Alarms that are shown.
const ALARMS_MAX: usize = 100;

/// Characters of one that are shown.
const ALARM_CHARS_MAX: usize = 500;

/// Microseconds that a commit takes at p99 on a disk that keeps up.
pub const COMMIT_P99_WARNING_US: u64 = 100_000;

/// Microseconds at p99 until a message is on its way to everybody: more is felt.
pub const DELIVERY_P99_WARNING_US: u64 = 250_000;

/// Events that a link may be behind without being looked at.
pub const LAG_WARNING: u64 = 1_000;

/// Requests that may wait for the store without being looked at.
pub const STORE_QUEUE_WARNING: u32 = 1_000;

/// Percent of a core from which a node is busy.
pub const CPU_WARNING: f64 = 90.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Wrong,
    /// Something may not work for long.
    Warning,
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Level::Wrong => "ALARM",
            Level::Warning => "WARNING",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub level: Level,
    pub node: String,
    pub words: String,
}

/// All there are now, the worst first.
pub fn alarms(cluster: &Cluster) -> Vec<Alarm> {
    let mut all: Vec<Alarm> = Vec::new();
    for node in cluster.nodes.values() {
        let mut add = |level, words: String| {
            let node = node.name.clone();
            all.push(Alarm { level, node, words });
        };
        match node.state {
            NodeState::Down => {
                let now = cluster.at.unwrap_or(node.since);
                let down_s = now.0.saturating_sub(node.since.0) / 1_000_000;
                let down_s = u64::try_from(down_s).unwrap_or(0);
                add(Level::Wrong, format!("down for {}", words::lasting(down_s)));
            }
            NodeState::Silent => {
                add(
                    Level::Warning,
                    "gives no figures within a second".to_owned(),
                );
            }
            NodeState::Up => {
                said(cluster, node, &mut add);
                seen(node, &mut add);
            }
        }
    }
    all.sort_by_key(|alarm| alarm.level);
    all.truncate(ALARMS_MAX);
    all
}

/// What the node says itself. Of a node that is down nobody needs to be told again by each other one.
fn said(cluster: &Cluster, node: &Watched, add: &mut impl FnMut(Level, String)) {
    let Some(figures) = &node.figures else { return };
    for alarm in figures.alarms.iter().take(ALARMS_MAX) {
        if cluster
            .down()
            .any(|down| says_no_link_to(alarm, &down.name))
        {
            continue;
        }
        add(Level::Wrong, alarm.chars().take(ALARM_CHARS_MAX).collect());
    }
}

/// What its figures say.
fn seen(node: &Watched, add: &mut impl FnMut(Level, String)) {
    let Some(figures) = &node.figures else { return };
    let mut warn = |words: String| add(Level::Warning, words);
    if figures.commit_us.p99 > COMMIT_P99_WARNING_US {
        let p99 = words::micros(figures.commit_us.p99);
        warn(format!("commits take {p99} at p99: is the disk slow?"));
    }
    if figures.delivery_us.p99 > DELIVERY_P99_WARNING_US {
        let p99 = words::micros(figures.delivery_us.p99);
        warn(format!("deliveries take {p99} at p99"));
    }
    if figures.store_queue > STORE_QUEUE_WARNING {
        warn(format!(
            "{} requests wait for the store",
            figures.store_queue
        ));
    }
    for peer in figures.peers.iter().filter(|peer| peer.up) {
        if peer.lag_events > LAG_WARNING {
            let lag = words::count(peer.lag_events);
            warn(format!("{} is {lag} events behind", peer.name));
        }
    }
    if let Some(percent) = node.cpu_percent().filter(|percent| *percent > CPU_WARNING) {
        warn(format!(
            "its process uses {} of a core",
            words::percent(percent)
        ));
    }
    for (of, what) in [
        (
            node.risen(|s| s.throttled),
            "requests too many were refused",
        ),
        (
            node.risen(|s| s.faults),
            "requests failed through a fault of its own",
        ),
    ] {
        if of > 0 {
            warn(format!("{} {what} in the last minute", words::count(of)));
        }
    }
}
