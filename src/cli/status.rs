//! `chat status`: the nodes, as one of them sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::args::Status;
use super::script::nodes;
use super::stop::{Stop, failed};
use crate::client::query;
use crate::protocol::stats::{NodeInfo, Stats};
use crate::protocol::text::clean;

pub(super) async fn run(args: &Status) -> Result<(), Stop> {
    let (mut answer, mut silent) = (None, Vec::new());
    for node in nodes(&args.node) {
        match query::stats(&node).await {
            Ok(stats) if answer.is_none() => answer = Some(stats),
            Ok(_) => {}
            Err(error) => silent.push((node, error.to_string())),
        }
    }
    let Some(mut stats) = answer else {
        return Err(nobody_answers(&silent));
    };
    // Of the nodes asked by default, one that is not there need not exist.
    if !args.node.is_empty() {
        add_silent(&mut stats, &silent);
    }
    let text = if args.json {
        serde_json::to_string(&stats).map_err(failed)? + "\n"
    } else {
        table(&stats)
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    for line in shared_names(&stats) {
        let _ = writeln!(std::io::stderr(), "chat: {line}");
    }
    if stats.nodes.iter().all(|node| node.up) {
        Ok(())
    } else {
        Err(Stop::Quietly)
    }
}

fn nobody_answers(silent: &[(String, String)]) -> Stop {
    let tried: Vec<String> = silent
        .iter()
        .map(|(node, error)| format!("{node} ({error})"))
        .collect();
    failed(format!(
        "no node answers at {}; start one with `chat up`, or name one with --node",
        tried.join(", ")
    ))
}

/// A node that was asked for and did not answer is down, whether the others know of it or not.
fn add_silent(stats: &mut Stats, silent: &[(String, String)]) {
    for (address, _) in silent {
        match stats.nodes.iter_mut().find(|node| node.address == *address) {
            Some(node) => node.up = false,
            None => stats.nodes.push(NodeInfo {
                name: "?".to_owned(),
                address: address.clone(),
                up: false,
                rtt_us: None,
                down_s: None,
            }),
        }
    }
}

fn table(stats: &Stats) -> String {
    let rows = stats.nodes.iter().map(|node| {
        let state = if node.up { "up" } else { "down" };
        [
            clean(&node.name, false),
            clean(&node.address, false),
            state.to_owned(),
        ]
    });
    let heading = ["NODE", "ADDRESS", "STATE"].map(str::to_owned);
    let rows: Vec<[String; 3]> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let line = |row: &[String; 3]| format!("{:first$}  {:second$}  {}\n", row[0], row[1], row[2]);
    rows.iter().map(line).collect()
}

/// What is to be said of names that more than one node bears: whoever asks one of them by name would
/// not know which. (A node raises an alarm for administrators too.)
fn shared_names(stats: &Stats) -> Vec<String> {
    let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in stats.nodes.iter().filter(|node| node.up) {
        places.entry(&node.name).or_default().insert(&node.address);
    }
    places
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| {
            let places: Vec<String> = places.iter().map(|place| clean(place, false)).collect();
            let (name, places) = (clean(name, false), places.join(" and "));
            format!("more than one node is called {name} ({places}): give each a --name of its own")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_was_asked_and_is_silent_is_shown_as_down() {
        let node = |name: &str, address: &str| NodeInfo {
            name: name.to_owned(),
            address: address.to_owned(),
            up: true,
            rtt_us: None,
            down_s: None,
        };
        let mut stats = Stats {
            nodes: vec![node("n1", "127.0.0.1:9001"), node("n2", "127.0.0.1:9002")],
            ..Stats::default()
        };
        let silent =
            ["127.0.0.1:9002", "10.0.0.1:9001"].map(|a| (a.to_owned(), "refused".to_owned()));
        add_silent(&mut stats, &silent);
        let shown = "NODE  ADDRESS         STATE\n\
                     n1    127.0.0.1:9001  up\n\
                     n2    127.0.0.1:9002  down\n\
                     ?     10.0.0.1:9001   down\n";
        assert_eq!(table(&stats), shown);
    }
    #[test]
    fn a_name_that_two_nodes_bear_is_told_with_both_addresses() {
        let node = |address: &str, up| NodeInfo {
            name: "n1".to_owned(),
            address: address.to_owned(),
            up,
            rtt_us: None,
            down_s: None,
        };
        let mut stats = Stats {
            nodes: vec![node("10.0.0.1:9001", true), node("10.0.0.2:9001", true)],
            ..Stats::default()
        };
        let told = "more than one node is called n1 (10.0.0.1:9001 and 10.0.0.2:9001): \
                    give each a --name of its own";
        assert_eq!(shared_names(&stats), [told]);
        stats.nodes[0].up = false;
        assert_eq!(shared_names(&stats), [""; 0]);
    }
}
