//! All of it together, when every fault is healed: what was acknowledged is on every node, once, in
//! one order, and means the same everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Violation;
use super::history::{Deed, Event, NodeEnd, Op, Shown};
use super::merge;

/// How far the time of an event may be from the time at which it was said, microseconds: what the
/// protocol lets times of others draw a clock ahead by, and a little for the way.
const MISDATED_US: i64 = 12_000_000;

/// An `after` further ahead of the node's time than this need not be honoured; a second less, since
/// the clock of the checker is not the node's.
const AHEAD_EXCUSED_US: i64 = 9_000_000;

/// Checks everything; gives what must not be.
pub fn judge(ops: &[Op], nodes: &[NodeEnd]) -> Vec<Violation> {
    let mut found = Vec::new();
    for node in nodes {
        if node.integrity != "ok" {
            let what = format!("{}: {}", node.name, node.integrity);
            found.push(Violation::new("damaged", what));
        }
        origins_have_no_gaps(node, &mut found);
        nothing_is_lost(ops, node, &mut found);
        nothing_is_doubled_or_out_of_order(node, &mut found);
        nothing_is_invented(ops, node, &mut found);
        rooms_mean_what_the_log_says(node, &mut found);
    }
    if let Some((first, others)) = nodes.split_first() {
        for other in others {
            nodes_agree(first, other, &mut found);
        }
        senders_keep_their_order(ops, first, &mut found);
    }
    times_are_right(ops, &mut found);
    found
}

fn origins_have_no_gaps(node: &NodeEnd, found: &mut Vec<Violation>) {
    let mut last: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    let mut events: Vec<&Event> = node.log.iter().collect();
    events.sort_by_key(|event| (event.place.origin.as_str(), event.place.seq));
    for event in events {
        let place = &event.place;
        let (seq, ts) = last.get(place.origin.as_str()).copied().unwrap_or((0, 0));
        if place.seq != seq + 1 {
            let what = format!(
                "{}: {}:{seq} is followed by {place}",
                node.name, place.origin
            );
            found.push(Violation::new("gap", what));
        }
        if place.ts <= ts {
            let what = format!(
                "{}: {place} is not later than the one before, {ts}",
                node.name
            );
            found.push(Violation::new("reordered", what));
        }
        last.insert(&place.origin, (place.seq, place.ts));
    }
}

fn nothing_is_lost(ops: &[Op], node: &NodeEnd, found: &mut Vec<Violation>) {
    let places: HashMap<(&str, u64), &Event> = node
        .log
        .iter()
        .map(|event| ((event.place.origin.as_str(), event.place.seq), event))
        .collect();
    let names: BTreeSet<(&str, &str)> = node
        .log
        .iter()
        .map(|event| (event.uid.as_str(), event.nonce.as_str()))
        .collect();
    let shown: BTreeSet<&str> = node
        .rooms
        .values()
        .flatten()
        .map(|shown| shown.id.as_str())
        .collect();
    for op in ops.iter().filter(|op| op.is_acknowledged()) {
        let ack = &op.acks[0];
        let told = format!(
            "{:?} of {} in {}, acknowledged by {} with {} copies at {}",
            op.deed,
            op.id(),
            op.room,
            ack.node,
            ack.copies,
            ack.place
        );
        if !names.contains(&(op.uid.as_str(), op.nonce.as_str())) {
            found.push(Violation::new(
                "lost",
                format!("{} has no {told}", node.name),
            ));
            continue;
        }
        if matches!(op.deed, Deed::Message { .. }) && !shown.contains(op.id().as_str()) {
            found.push(Violation::new(
                "lost",
                format!("{} does not show {told}", node.name),
            ));
        }
        for ack in &op.acks {
            let here = places.get(&(ack.place.origin.as_str(), ack.place.seq));
            let right = here.is_some_and(|event| {
                event.uid == op.uid
                    && event.nonce == op.nonce
                    && event.place == ack.place
                    && event.deed == op.deed
                    && event.room == op.room
            });
            if !right {
                let instead =
                    here.map_or_else(|| "nothing".to_owned(), |event| format!("{event:?}"));
                let what = format!(
                    "{} has {instead} at {}, the place of {told}",
                    node.name, ack.place
                );
                found.push(Violation::new("replaced", what));
            }
        }
    }
}

fn nothing_is_doubled_or_out_of_order(node: &NodeEnd, found: &mut Vec<Violation>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (room, messages) in &node.rooms {
        for shown in messages {
            if let Some(before) = seen.insert(&shown.id, room) {
                let what = format!("{} shows {} in {before} and in {room}", node.name, shown.id);
                found.push(Violation::new("doubled", what));
            }
        }
        for pair in messages.windows(2) {
            if pair[0].place >= pair[1].place {
                let (one, other) = (&pair[0].place, &pair[1].place);
                let what = format!("{} shows {one} before {other} in {room}", node.name);
                found.push(Violation::new("reordered", what));
            }
        }
    }
}

/// Whatever is there was asked for by somebody, in those words.
fn nothing_is_invented(ops: &[Op], node: &NodeEnd, found: &mut Vec<Violation>) {
    let asked: HashMap<(&str, &str), &Op> = ops
        .iter()
        .map(|op| ((op.uid.as_str(), op.nonce.as_str()), op))
        .collect();
    for event in &node.log {
        let op = asked.get(&(event.uid.as_str(), event.nonce.as_str()));
        if op.is_none_or(|op| op.deed != event.deed || op.room != event.room) {
            let what = format!("{} has {event:?}; asked was {op:?}", node.name);
            found.push(Violation::new("invented", what));
        }
    }
}

fn rooms_mean_what_the_log_says(node: &NodeEnd, found: &mut Vec<Violation>) {
    let said = merge::rooms(&node.log);
    let nothing = merge::Room::default();
    for (room, messages) in &node.rooms {
        let said = said.get(room).unwrap_or(&nothing);
        let differs = first_difference(&said.messages, messages);
        if let Some((one, other)) = differs {
            let what = format!(
                "{}, {room}: the log says {one}, shown is {other}",
                node.name
            );
            found.push(Violation::new("wrong", what));
        }
        if node
            .topics
            .get(room)
            .is_some_and(|topic| *topic != said.topic)
        {
            let topic = &node.topics[room];
            let what = format!(
                "{}: the topic of {room} is {topic:?}, not {:?}",
                node.name, said.topic
            );
            found.push(Violation::new("wrong", what));
        }
    }
}

fn nodes_agree(one: &NodeEnd, other: &NodeEnd, found: &mut Vec<Violation>) {
    let names = format!("{} and {}", one.name, other.name);
    let held: HashMap<(&str, u64), &Event> = one
        .log
        .iter()
        .map(|event| ((event.place.origin.as_str(), event.place.seq), event))
        .collect();
    if one.log.len() != other.log.len() {
        let (a, b) = (one.log.len(), other.log.len());
        found.push(Violation::new(
            "differ",
            format!("{names} hold {a} and {b} events"),
        ));
    }
    for event in &other.log {
        match held.get(&(event.place.origin.as_str(), event.place.seq)) {
            Some(same) if *same == event => {}
            Some(different) => {
                let what = format!("{names} have at one place {different:?} and {event:?}");
                found.push(Violation::new("differ", what));
            }
            None => {
                let what = format!("{} has no {event:?}, which {} has", one.name, other.name);
                found.push(Violation::new("differ", what));
            }
        }
    }
    let rooms: BTreeSet<&String> = one.rooms.keys().chain(other.rooms.keys()).collect();
    for room in rooms {
        let of = |node: &NodeEnd| node.rooms.get(room).cloned().unwrap_or_default();
        if let Some((a, b)) = first_difference(&of(one), &of(other)) {
            let what = format!("{names} show {room} differently: {a}, and {b}");
            found.push(Violation::new("differ", what));
        }
        if one.topics.get(room) != other.topics.get(room) {
            let (a, b) = (one.topics.get(room), other.topics.get(room));
            let what = format!("{names} have topics {a:?} and {b:?} of {room}");
            found.push(Violation::new("differ", what));
        }
    }
}

/// What one who sends `after` said in a room stands in the order in which it was said.
fn senders_keep_their_order(ops: &[Op], node: &NodeEnd, found: &mut Vec<Violation>) {
    let shown: HashMap<&str, i64> = node
        .rooms
        .values()
        .flatten()
        .map(|shown| (shown.id.as_str(), shown.place.ts))
        .collect();
    let mut last: BTreeMap<(&str, &str), (i64, String)> = BTreeMap::new();
    for op in ops.iter().filter(|op| op.is_acknowledged()) {
        let told = op.acks.iter().map(|ack| ack.place.ts).min();
        let stands = shown.get(op.id().as_str()).copied();
        let is_message = matches!(op.deed, Deed::Message { .. });
        let Some(ts) = stands.filter(|_| is_message).or(told) else {
            continue;
        };
        let key = (op.uid.as_str(), op.room.as_str());
        if let Some((before, id)) = last.get(&key)
            && ts <= *before
            && !is_excused(op)
        {
            let what = format!(
                "in {}: {} at {ts} was said after {id} at {before}",
                op.room,
                op.id()
            );
            found.push(Violation::new("reordered", what));
        }
        last.insert(key, (ts, op.id()));
    }
}

/// Whether the `after` was too far ahead to be honoured.
pub fn is_excused(op: &Op) -> bool {
    op.after > op.asked_us + AHEAD_EXCUSED_US
}

/// No clock that is wrong misdates what is said.
fn times_are_right(ops: &[Op], found: &mut Vec<Violation>) {
    for op in ops {
        for ack in &op.acks {
            let early = op.asked_us - ack.place.ts > MISDATED_US;
            let ahead = ack.place.ts - ack.at_us > MISDATED_US;
            if early || ahead {
                let seconds = (ack.place.ts - op.asked_us) / 1_000_000;
                let what = format!("{} gave {} a time {seconds} s off", ack.node, op.id());
                found.push(Violation::new("misdated", what));
            }
        }
    }
}

fn first_difference(one: &[Shown], other: &[Shown]) -> Option<(String, String)> {
    let longest = one.len().max(other.len());
    let at = (0..longest).find(|at| one.get(*at) != other.get(*at))?;
    let say = |list: &[Shown]| {
        let shown = list
            .get(at)
            .map_or_else(|| "nothing".to_owned(), |shown| format!("{shown:?}"));
        format!("{shown} (number {at} of {})", list.len())
    };
    Some((say(one), say(other)))
}
