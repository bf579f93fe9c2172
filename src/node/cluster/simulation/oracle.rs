//! What was promised to whom, and whether it is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::world::World;
use crate::node::store::{Committed, Deed, Placed, Reader as StoreReader};
use crate::protocol::limits::CLOCK_AHEAD_MAX_US;
use crate::protocol::server::{Message, Place};
use crate::protocol::{
    Body, Event, MessageId, Nonce, Origin, RoomKey, Seq, Ts, Uid, VersionVector,
};

/// A deed that somebody was told is stored.
struct Acked {
    deed: Deed,
    place: Place,
    copies: u32,
    /// The one disk that had it was set back.
    excused: bool,
}

pub struct Oracle {
    /// What is on each disk.
    durable: Vec<VersionVector>,
    /// The times that each node's process has stored: it writes later ones, save than those that are far
    /// ahead of its clock.
    seen: Vec<BTreeSet<i64>>,
    acked: Vec<Acked>,
    /// The message that each event is about, and those of which something was lost with a disk that was
    /// set back: readers may have seen it.
    written: BTreeMap<(Origin, Seq), MessageId>,
    gone: BTreeSet<MessageId>,
    wrong: Vec<String>,
    clocks_were_wrong: bool,
}

impl Oracle {
    pub fn new(nodes: usize) -> Oracle {
        Oracle {
            durable: vec![VersionVector::new(); nodes],
            seen: vec![BTreeSet::new(); nodes],
            acked: Vec::new(),
            written: BTreeMap::new(),
            gone: BTreeSet::new(),
            wrong: Vec::new(),
            clocks_were_wrong: false,
        }
    }

    pub fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    pub fn durable(&self, node: usize) -> &VersionVector {
        &self.durable[node]
    }

    pub fn all_hold_the_same(&self) -> bool {
        self.durable.iter().all(|held| *held == self.durable[0])
    }

    pub fn started(&mut self, node: usize, held: VersionVector) {
        self.durable[node] = held;
        self.seen[node].clear();
    }

    /// The node's disk is as it was before: what only it had is gone for good.
    pub fn set_back(&mut self, node: usize) {
        for ((origin, seq), id) in &self.written {
            let mut others = (self.durable.iter().enumerate()).filter(|(other, _)| *other != node);
            if !others.any(|(_, held)| held.covers(origin, *seq)) {
                self.gone.insert(id.clone());
            }
        }
        for acked in &mut self.acked {
            let Place { origin, seq, .. } = &acked.place;
            let elsewhere =
                |(other, held): (usize, &VersionVector)| other != node && held.covers(origin, *seq);
            let had_one = acked.copies == 1 && self.durable[node].covers(origin, *seq);
            acked.excused |= had_one && !self.durable.iter().enumerate().any(elsewhere);
        }
    }

    /// The node has committed these; its time was `written` when they were, and is `clock_error` off.
    pub fn committed(
        &mut self,
        node: usize,
        written: Ts,
        clock_error: i64,
        committed: &[Committed],
    ) -> Vec<String> {
        self.clocks_were_wrong |= clock_error.abs() > CLOCK_AHEAD_MAX_US / 2;
        let mut wrong = Vec::new();
        let counting = ..=written.0 + CLOCK_AHEAD_MAX_US;
        let seen = self.seen[node].range(counting).next_back().copied();
        for item in committed {
            let event = &item.event;
            let held = &mut self.durable[node];
            if event.seq != held.get(&event.origin) + 1 {
                wrong.push(format!(
                    "n{node} stored {}:{} behind a gap",
                    event.origin, event.seq
                ));
            }
            held.advance(&event.origin, event.seq);
            if let Some(id) = event.message_id() {
                self.written.insert((event.origin.clone(), event.seq), id);
            }
            if item.local && seen.is_some_and(|seen| event.ts.0 <= seen) {
                wrong.push(format!(
                    "n{node} wrote {}:{} before what it had stored",
                    event.origin, event.seq
                ));
            }
            self.seen[node].insert(event.ts.0);
        }
        wrong
    }

    /// An acknowledgement says how many disks have it: they do.
    pub fn check_copies(&mut self, node: usize, placed: &Placed, copies: u32) {
        let Place { origin, seq, .. } = &placed.place;
        let have = self
            .durable
            .iter()
            .filter(|held| held.covers(origin, *seq))
            .count();
        if have < copies as usize || !self.durable[node].covers(origin, *seq) {
            self.wrong(format!(
                "n{node} acknowledged {origin}:{seq} on {copies} disks, and {have} had it"
            ));
        }
    }

    pub fn acknowledged(&mut self, deed: Deed, placed: &Placed, copies: u32) {
        self.acked.push(Acked {
            deed,
            place: placed.place.clone(),
            copies,
            excused: false,
        });
    }

    pub fn acknowledged_count(&self) -> usize {
        self.acked.len()
    }

    /// Everything that was promised for the time after the trouble.
    pub fn judge(world: &World) -> Vec<String> {
        let oracle = &world.oracle;
        let mut wrong = oracle.wrong.clone();
        let stores: Vec<&StoreReader> = world
            .nodes
            .iter()
            .filter_map(|node| node.process.as_ref().map(|process| process.store.reader()))
            .collect();
        let dumps: Vec<String> = stores.iter().map(|store| store.dump().unwrap()).collect();
        for (node, dump) in dumps.iter().enumerate() {
            if *dump != dumps[0] {
                wrong.push(format!(
                    "n{node} and n0 do not say the same:\n{}",
                    difference(&dumps[0], dump)
                ));
            }
        }
        let log = Log::read(stores[0], &mut wrong);
        wrong.extend(log.compare(stores[0]));
        wrong.extend(oracle.lost(&log));
        if !oracle.clocks_were_wrong {
            wrong.extend(oracle.order(stores[0]));
        }
        for (number, reader) in world.readers.iter().enumerate() {
            wrong.extend(
                reader
                    .wrong
                    .iter()
                    .map(|what| format!("reader {number}: {what}")),
            );
            let mut there = log.room(stores[0], &reader.room);
            let mut shown = reader.shown.clone();
            there.retain(|id, _| !oracle.gone.contains(id));
            shown.retain(|id, _| !oracle.gone.contains(id));
            if there != shown {
                let missing: Vec<_> = there
                    .keys()
                    .filter(|id| !reader.shown.contains_key(*id))
                    .collect();
                let seen = there
                    .iter()
                    .filter_map(|(id, m)| Some((m, reader.shown.get(id)?)));
                let differ: Vec<_> = seen.filter(|(m, seen)| m != seen).collect();
                wrong.push(format!("reader {number} does not see the room as it is; missing {missing:?}, different {differ:?}"));
            }
        }
        wrong
    }

    fn lost(&self, log: &Log) -> Vec<String> {
        let is_there = |acked: &&Acked| {
            log.deeds
                .contains(&(acked.deed.uid.clone(), acked.deed.nonce.clone()))
        };
        let lost = self
            .acked
            .iter()
            .filter(|acked| !acked.excused && !is_there(acked));
        let say = |acked: &Acked| {
            let Acked {
                deed,
                place,
                copies,
                ..
            } = acked;
            format!(
                "{}/{} was acknowledged at {}:{} on {copies} disks, and is lost",
                deed.uid, deed.nonce, place.origin, place.seq
            )
        };
        lost.map(say).collect()
    }

    /// What one writer did in a room stands in the order in which it did it.
    fn order(&self, store: &StoreReader) -> Vec<String> {
        let mut last: BTreeMap<(Uid, RoomKey), Ts> = BTreeMap::new();
        let mut wrong = Vec::new();
        for acked in self.acked.iter().filter(|acked| !acked.excused) {
            let Body::Message { .. } = acked.deed.body else {
                continue;
            };
            let id = MessageId::new(&acked.deed.uid, &acked.deed.nonce);
            let Some(message) = store.message(&id).unwrap() else {
                continue;
            };
            let key = (acked.deed.uid.clone(), acked.deed.room.clone());
            if last.get(&key).is_some_and(|last| *last >= message.ts) {
                wrong.push(format!("{id} stands before what its writer said earlier"));
            }
            last.insert(key, message.ts);
        }
        wrong
    }
}

/// All events of a store, and what they come to by the plain reading of the rules.
struct Log {
    events: Vec<Event>,
    deeds: BTreeSet<(Uid, Nonce)>,
}

impl Log {
    fn read(store: &StoreReader, wrong: &mut Vec<String>) -> Log {
        let mut events = Vec::new();
        for (origin, last) in store.held().unwrap().iter() {
            let log = store
                .events_after(origin, 0, usize::MAX, usize::MAX)
                .unwrap();
            let in_order = log.iter().zip(1..).all(|(event, seq)| event.seq == seq);
            if !in_order || log.len() as u64 != last {
                wrong.push(format!("{origin} has gaps"));
            }
            events.extend(log.iter().map(|event| Event::clone(event)));
        }
        let deeds = events
            .iter()
            .map(|e| (e.uid.clone(), e.nonce.clone()))
            .collect();
        Log { events, deeds }
    }

    /// Each deed at its smallest place.
    fn standing(&self) -> Vec<&Event> {
        let mut standing: BTreeMap<(&Uid, &Nonce), &Event> = BTreeMap::new();
        for event in &self.events {
            let stands = standing.entry((&event.uid, &event.nonce)).or_insert(event);
            if at(event) < at(stands) {
                *stands = event;
            }
        }
        standing.into_values().collect()
    }

    /// Compares each message with what its events come to.
    fn compare(&self, store: &StoreReader) -> Vec<String> {
        let mut standing = self.standing();
        standing.sort_by_key(|event| at(event));
        let mut wrong = Vec::new();
        for event in &standing {
            let Body::Message { text, .. } = &event.body else {
                continue;
            };
            let id = MessageId::new(&event.uid, &event.nonce);
            let Some(found) = store.message(&id).unwrap() else {
                wrong.push(format!("{id} is in the log and nowhere else"));
                continue;
            };
            let mut text = Some(text.as_str().to_owned());
            let (mut deleted, mut reactions) = (false, BTreeMap::new());
            for update in standing
                .iter()
                .filter(|update| update.message_id().as_ref() == Some(&id))
            {
                match &update.body {
                    Body::Edit { text: edited, .. } => text = Some(edited.as_str().to_owned()),
                    Body::Delete { .. } => deleted = true,
                    Body::React { emoji, on, .. } => {
                        reactions.insert((emoji.clone(), update.uid.clone()), *on);
                    }
                    Body::Message { .. } | Body::Topic { .. } => {}
                }
            }
            let shown: usize = found.reactions.values().map(Vec::len).sum();
            let counted = if deleted {
                0
            } else {
                reactions.values().filter(|on| **on).count()
            };
            let text = text.filter(|_| !deleted);
            let place = (found.ts, found.origin.clone(), found.seq);
            if place != at(event)
                || found.text != text
                || found.deleted != deleted
                || shown != counted
            {
                wrong.push(format!(
                    "{id} should stand at {:?} as {text:?}, {counted} reactions, and is {found:?}",
                    at(event)
                ));
            }
        }
        wrong
    }

    fn room(&self, store: &StoreReader, room: &RoomKey) -> BTreeMap<MessageId, Message> {
        let messages = self
            .standing()
            .into_iter()
            .filter(|event| matches!(event.body, Body::Message { .. }));
        let found = messages.filter_map(|event| {
            store
                .message(&MessageId::new(&event.uid, &event.nonce))
                .unwrap()
        });
        let here = found.filter(|message| message.room == room.to_string());
        let plain = |mut message: Message| {
            message.late = false;
            (message.id.clone(), message)
        };
        here.map(plain).collect()
    }
}

fn at(event: &Event) -> (Ts, Origin, u64) {
    (event.ts, event.origin.clone(), event.seq)
}

/// The lines in which two dumps differ.
fn difference(one: &str, other: &str) -> String {
    let (one, other): (BTreeSet<&str>, BTreeSet<&str>) =
        (one.lines().collect(), other.lines().collect());
    let only = one.difference(&other).map(|line| format!("  n0: {line}"));
    let only_other = other
        .difference(&one)
        .map(|line| format!("  other: {line}"));
    only.chain(only_other)
        .take(12)
        .collect::<Vec<_>>()
        .join("\n")
}
