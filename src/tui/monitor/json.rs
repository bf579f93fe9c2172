//! An update as one line of JSON, for scripts.

use serde_json::{Value, json};

use super::alarms::alarms;
use super::cluster::{Cluster, Watched};
use super::events::Happened;

/// The nodes as they are, what has happened after the event of the number `told` (0 for all), and the alarms there are: one object, without
/// line ends. Times are microseconds since the epoch, as everywhere in the protocol.
pub fn line(cluster: &Cluster, told: u64) -> String {
    let nodes: Vec<Value> = cluster.nodes.values().map(node).collect();
    let new = |event: &&Happened| event.number > told;
    let events: Vec<Value> = cluster.events.iter().filter(new).map(event).collect();
    let alarms: Vec<Value> = alarms(cluster)
        .into_iter()
        .map(|alarm| {
            let level = alarm.level.word().to_lowercase();
            json!({"level": level, "node": alarm.node, "words": alarm.words})
        })
        .collect();
    json!({
        "time": cluster.at.map(|at| at.0),
        "asked": cluster.asked,
        "nodes": nodes,
        "alarms": alarms,
        "events": events,
    })
    .to_string()
}

fn node(node: &Watched) -> Value {
    json!({
        "node": node.name,
        "address": node.address,
        "state": node.state.word(),
        "since": node.since.0,
        "cpu_percent": node.cpu_percent(),
        "store_growth_bytes_per_h": node.growth_per_hour(),
        "figures": node.figures,
    })
}

fn event(event: &Happened) -> Value {
    json!({"time": event.at.0, "node": event.node, "words": event.what.words()})
}
