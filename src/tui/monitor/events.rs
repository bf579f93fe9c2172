//! What has happened to the nodes, found by comparing each update with the one before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::cluster::{Cluster, NodeState, Watched};
use super::words;
use crate::protocol::Ts;
use crate::protocol::stats::{NodeFigures, NodeInfo};

/// Events that are kept.
pub const EVENTS_MAX: usize = 500;

/// Characters of an alarm that are looked at, and alarms of one node.
const ALARM_CHARS_MAX: usize = 300;
const ALARMS_MAX: usize = 32;

/// Updates without anything merged after which a node that came back is in step again.
const QUIET_UPDATES: u32 = 3;

/// Events that a link may be behind while it is in step: where much is said, some are always on their way.
const IN_STEP_LAG: u64 = 64;

/// Microseconds after which a heal is told of as far as it has come.
const HEAL_TOLD_AFTER_US: i64 = 60_000_000;

/// One line of the log of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Rises with each, from 1 on; the clock may be set back.
    pub number: u64,
    pub at: Ts,
    pub node: String,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Joined,
    Lost,
    /// After so many seconds.
    Back {
        after_s: u64,
    },
    /// It is in step again, and so many events that one side had not were merged.
    Healed {
        merged: u64,
    },
    /// It is back, and others or itself still lack something; so many events were merged so far.
    CatchingUp {
        merged: u64,
    },
    /// In good order.
    Left,
    /// It was down for so long that the nodes do not list it any more.
    Forgotten,
    /// It was started again, and nobody had noticed that it was gone.
    Restarted,
    Version {
        from: String,
        to: String,
    },
    Alarm(String),
    Over(String),
    /// This node tells from now on, in place of that one.
    Moved {
        from: String,
    },
}

/// How much of a person's attention something wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Good,
    Plain,
    Wrong,
}

impl Happening {
    pub fn weight(&self) -> Weight {
        match self {
            Happening::Joined | Happening::Back { .. } | Happening::Healed { .. } => Weight::Good,
            Happening::Lost | Happening::Forgotten | Happening::Alarm(_) => Weight::Wrong,
            Happening::Over(_) => Weight::Good,
            Happening::CatchingUp { .. }
            | Happening::Left
            | Happening::Restarted
            | Happening::Version { .. }
            | Happening::Moved { .. } => Weight::Plain,
        }
    }

    /// In words; what nodes have said is in it as they said it.
    pub fn words(&self) -> String {
        match self {
            Happening::Joined => "joined".to_owned(),
            Happening::Lost => "lost".to_owned(),
            Happening::Back { after_s } => format!("back after {}", words::lasting(*after_s)),
            Happening::Healed { merged: 0 } => "healed, nothing was missed".to_owned(),
            Happening::Healed { merged: 1 } => "healed, 1 event merged".to_owned(),
            Happening::Healed { merged } => format!("healed, {merged} events merged"),
            Happening::CatchingUp { merged } => {
                format!("still catches up, {merged} events merged so far")
            }
            Happening::Left => "left in good order".to_owned(),
            Happening::Forgotten => "is still down, and the nodes no longer list it".to_owned(),
            Happening::Restarted => "was started again".to_owned(),
            Happening::Version { from, to } => format!("runs {to} now, before {from}"),
            Happening::Alarm(alarm) => format!("alarm: {alarm}"),
            Happening::Over(alarm) => format!("over: {alarm}"),
            Happening::Moved { from } => format!("tells of the nodes now, before {from}"),
        }
    }
}

pub(super) fn record(events: &mut VecDeque<Happened>, at: Ts, node: &str, what: Happening) {
    if events.len() >= EVENTS_MAX {
        events.pop_front();
    }
    let number = events.back().map_or(1, |last| last.number + 1);
    let node = node.to_owned();
    events.push_back(Happened {
        number,
        at,
        node,
        what,
    });
}

/// What has happened to a node since the update before.
pub(super) fn compare(
    now: Ts,
    first: bool,
    before: Option<&Watched>,
    info: &NodeInfo,
    state: NodeState,
    figures: Option<&NodeFigures>,
) -> Vec<Happening> {
    let mut all = Vec::new();
    match (before.map(|before| before.state), state) {
        (None, NodeState::Up | NodeState::Silent) if !first => all.push(Happening::Joined),
        (None | Some(NodeState::Up | NodeState::Silent), NodeState::Down) => {
            all.push(Happening::Lost);
        }
        (Some(NodeState::Down), NodeState::Up | NodeState::Silent) => {
            let since = before.map_or(now, |before| before.since);
            let after_s = u64::try_from(now.0.saturating_sub(since.0) / 1_000_000).unwrap_or(0);
            all.push(Happening::Back { after_s });
        }
        (None | Some(_), _) => {}
    }
    let Some(figures) = figures else { return all };
    let last = before.and_then(|before| before.figures.as_ref());
    if let Some(last) = last {
        let known_gone = matches!(all.first(), Some(Happening::Back { .. }));
        if figures.uptime_s < last.uptime_s && !known_gone && info.up {
            all.push(Happening::Restarted);
        }
        if figures.server != last.server && !last.server.is_empty() {
            let (from, to) = (last.server.clone(), figures.server.clone());
            all.push(Happening::Version { from, to });
        }
    }
    all
}

/// Alarms that have come and that are over, of those told before and those told now.
pub(super) fn changed(before: &[String], now: &[String]) -> Vec<Happening> {
    let (old, new) = (keys(before), keys(now));
    let others = |of: &BTreeMap<String, String>, known: &BTreeMap<String, String>| {
        let others = of.iter().filter(|(key, _)| !known.contains_key(*key));
        others.map(|(_, words)| words.clone()).collect::<Vec<_>>()
    };
    let come = others(&new, &old).into_iter().map(Happening::Alarm);
    let over = others(&old, &new).into_iter().map(Happening::Over);
    come.chain(over).collect()
}

/// The alarms that are told, when these nodes are `down`: that there is no link to one of them is known
/// already.
pub(super) fn told(alarms: &[String], down: &BTreeSet<String>) -> Vec<String> {
    let told = |alarm: &&String| !down.iter().any(|name| says_no_link_to(alarm, name));
    let short = |alarm: &String| alarm.chars().take(ALARM_CHARS_MAX).collect();
    let told = alarms.iter().filter(told).take(ALARMS_MAX);
    told.map(short).collect()
}

/// Alarms by what stays of them while their numbers change. Names and addresses have digits too.
fn keys(alarms: &[String]) -> BTreeMap<String, String> {
    let is_number =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains(':');
    let key = |alarm: &String| {
        let words = alarm.split(' ').filter(|word| !is_number(word));
        (words.collect::<Vec<_>>().join(" "), alarm.clone())
    };
    alarms.iter().map(key).collect()
}

/// Whether the alarm says that the node `name` is not linked, and not heard either.
pub fn says_no_link_to(alarm: &str, name: &str) -> bool {
    let rest = alarm.strip_prefix("there is no link to ");
    let rest = rest.and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with(" (")) && !alarm.contains("though it is heard")
}

/// Nodes that were lost, until all are in step again.
#[derive(Clone, Debug)]
pub(super) struct Healing {
    lost_at: Ts,
    away: BTreeSet<String>,
    back: BTreeSet<String>,
    back_at: Ts,
    /// What each node had merged when the first one was lost.
    merged_before: BTreeMap<String, u64>,
    merged: u64,
    quiet: u32,
    /// That it takes long was told.
    told: bool,
}

impl Healing {
    pub(super) fn begin(cluster: &mut Cluster, now: Ts, node: &str) {
        let merged_before = merged_so_far(cluster);
        let healing = cluster.healing.get_or_insert_with(|| Healing {
            lost_at: now,
            away: BTreeSet::new(),
            back: BTreeSet::new(),
            back_at: now,
            merged_before,
            merged: 0,
            quiet: 0,
            told: false,
        });
        healing.away.insert(node.to_owned());
        healing.back.remove(node);
    }

    pub(super) fn is_back(&mut self, node: &str) {
        if self.away.remove(node) {
            self.back.insert(node.to_owned());
            self.quiet = 0;
        }
    }

    /// What all nodes have merged since. One that was started meanwhile began to count then.
    fn merged(&self, cluster: &Cluster, now: Ts) -> u64 {
        let passed_s = u64::try_from(now.0.saturating_sub(self.lost_at.0) / 1_000_000).unwrap_or(0);
        let risen = |node: &Watched| {
            let figures = node.figures.as_ref()?;
            let before = self.merged_before.get(&node.name).copied();
            let before = before.filter(|_| figures.uptime_s > passed_s).unwrap_or(0);
            Some(figures.merged.saturating_sub(before))
        };
        cluster.up().filter_map(risen).fold(0, u64::saturating_add)
    }
}

fn merged_so_far(cluster: &Cluster) -> BTreeMap<String, u64> {
    let merged = |node: &Watched| {
        let figures = node.figures.as_ref()?;
        Some((node.name.clone(), figures.merged))
    };
    cluster.nodes.values().filter_map(merged).collect()
}

/// Tells of nodes that are in step again.
pub(super) fn heal(cluster: &mut Cluster, now: Ts) {
    let Some(mut healing) = cluster.healing.take() else {
        return;
    };
    if healing.back.is_empty() {
        healing.back_at = now;
        healing.away.retain(|name| cluster.nodes.contains_key(name));
        if !healing.away.is_empty() {
            cluster.healing = Some(healing);
        }
        return;
    }
    let merged = healing.merged(cluster, now);
    let behind = |node: &Watched| {
        let peers = node.figures.iter().flat_map(|figures| &figures.peers);
        peers
            .filter(|peer| peer.up)
            .any(|peer| peer.lag_events > IN_STEP_LAG)
    };
    if merged != healing.merged || cluster.up().any(behind) {
        (healing.merged, healing.quiet) = (merged, 0);
    } else {
        healing.quiet += 1;
    }
    let long = now.0 - healing.back_at.0 > HEAL_TOLD_AFTER_US;
    if healing.quiet < QUIET_UPDATES {
        if long && !healing.told {
            healing.told = true;
            for node in &healing.back {
                record(
                    &mut cluster.events,
                    now,
                    node,
                    Happening::CatchingUp { merged },
                );
            }
        }
        cluster.healing = Some(healing);
        return;
    }
    for node in &healing.back {
        record(&mut cluster.events, now, node, Happening::Healed { merged });
    }
    healing.back.clear();
    // What others still lack is counted from here.
    (healing.lost_at, healing.merged, healing.quiet, healing.told) = (now, 0, 0, false);
    healing.merged_before = merged_so_far(cluster);
    if !healing.away.is_empty() {
        cluster.healing = Some(healing);
    }
}
