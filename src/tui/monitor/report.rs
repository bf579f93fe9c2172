//! All of it as text, for `--once`.

use jiff::tz::TimeZone;

use super::alarms::{Alarm, alarms};
use super::cluster::{Cluster, NodeState, Watched};
use super::columns::{Column, LINKS, NODES, ROOMS, Sort, link_rows, node_rows, room_rows};
use super::words;
use crate::tui::shown::{pad, safe, width};

/// Rooms that are printed.
const ROOMS_PRINTED: usize = 20;

/// The nodes and what there is to say of them. Nothing in it steers a terminal.
pub fn report(cluster: &Cluster, zone: &TimeZone) -> String {
    let at = cluster
        .at
        .map_or(String::new(), |at| words::clock(at, zone));
    let mut text = format!("{at}  as {} sees it\n\n", safe(&cluster.asked, false));
    let by = Sort::default();
    let nodes = node_rows(cluster, by);
    text += &table(NODES, &nodes, |node| lasting_state(node, cluster, zone));
    let links = link_rows(cluster, by);
    if !links.is_empty() {
        text.push('\n');
        let links: Vec<_> = links.iter().collect();
        text += &table(LINKS, &links, |_| None);
    }
    let rooms = room_rows(
        cluster,
        Sort {
            column: 1,
            reversed: false,
        },
    );
    if !rooms.is_empty() {
        text.push('\n');
        let rooms: Vec<_> = rooms.iter().take(ROOMS_PRINTED).collect();
        text += &table(ROOMS, &rooms, |_| None);
    }
    let alarms = alarms(cluster);
    if !alarms.is_empty() {
        text.push('\n');
    }
    for Alarm { level, node, words } in alarms {
        let line = format!("{}  {node}: {words}", level.word());
        text += &safe(&line, false);
        text.push('\n');
    }
    text
}

/// Of a node that is down, since when, and the last that was seen of it.
pub fn lasting_state(node: &Watched, cluster: &Cluster, zone: &TimeZone) -> Option<String> {
    if node.state != NodeState::Down {
        return None;
    }
    let now = cluster.at.unwrap_or(node.since);
    let down_s = u64::try_from((now.0 - node.since.0) / 1_000_000).unwrap_or(0);
    let since = words::clock(node.since, zone);
    let mut line = format!("down since {since} ({})", words::lasting(down_s));
    match &node.figures {
        Some(last) => {
            line += &format!(
                " · last seen: {}, {} msg/s, {}, store {}",
                words::counted(last.sessions.into(), "session"),
                words::rate(last.messages_per_s),
                words::bytes(last.memory_bytes),
                words::bytes(last.store_bytes),
            )
        }
        None => line += " · its figures were not seen",
    }
    Some(line)
}

fn table<T>(columns: &[Column<T>], rows: &[&T], instead: impl Fn(&T) -> Option<String>) -> String {
    let cells_of = |column: &Column<T>| {
        let texts = rows.iter().filter(|row| instead(row).is_none());
        let widest = texts
            .map(|row| width(&safe(&(column.text)(row), false)))
            .max();
        widest.unwrap_or(0).max(column.title.len())
    };
    let mut cells: Vec<usize> = columns.iter().map(cells_of).collect();
    let named = rows
        .iter()
        .map(|row| width(&safe(&(columns[0].text)(row), false)));
    cells[0] = cells[0].max(named.max().unwrap_or(0));
    let line = |texts: Vec<String>| {
        let padded: Vec<String> = texts
            .iter()
            .zip(&cells)
            .map(|(text, cells)| pad(text, *cells))
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(columns.iter().map(|c| c.title.to_owned()).collect());
    for row in rows {
        text += &match instead(row) {
            Some(words) => {
                let name = pad(&(columns[0].text)(row), cells[0]);
                format!("{name}  {}\n", safe(&words, false))
            }
            None => line(columns.iter().map(|column| (column.text)(row)).collect()),
        };
    }
    text
}
