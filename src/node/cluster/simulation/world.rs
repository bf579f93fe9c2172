//! Time, and everything that happens in it, in an order that follows from the seed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Chance;
use super::faults::{self, Fault, Planned};
use super::node::{Asker, Node, Said};
use super::oracle::Oracle;
use super::readers::{Reader, Seat};
use super::story::Story;
use super::wire::{Arrival, Wire};
use super::writers::{Writer, rooms};
use crate::node::cluster::replication::limits::COPIES_WAIT;
use crate::node::cluster::replication::{Acknowledged, Effect, Moment};
use crate::node::store::simulated::{Snapshot, chosen};
use crate::node::store::{Committed, Placed, StoreError};
use crate::protocol::{MessageId, RoomKey, Ts};

/// A step of time.
const STEP: Duration = Duration::from_millis(5);

/// Longer than any world.
const LONG: Duration = Duration::from_secs(3_600);

/// People write and things go wrong for so long.
const TROUBLE: Duration = Duration::from_secs(16);

/// Then all is well again, and within this time everybody has everything.
pub const CONVERGES_WITHIN: Duration = Duration::from_secs(30);

pub struct World {
    pub now: Moment,
    pub chance: Chance,
    pub nodes: Vec<Node>,
    frozen: Vec<bool>,
    disk_full: Vec<bool>,
    wire: Wire,
    plan: Vec<Planned>,
    under_way: Vec<Planned>,
    snapshots: BTreeMap<usize, Snapshot>,
    snapshot_at: Moment,
    /// Arrivals at a process that stands still.
    held_back: BTreeMap<usize, Vec<Arrival>>,
    writers: Vec<Writer>,
    pub readers: Vec<Reader>,
    known: Vec<(MessageId, RoomKey)>,
    pub oracle: Oracle,
    pub story: Story,
}

impl World {
    pub fn new(seed: u64) -> World {
        chosen::follow(seed);
        let mut chance = Chance::from_seed(seed);
        let count = 3 + chance.below(5).min(chance.below(5)) as usize;
        let from = Duration::from_secs(2);
        let plan = faults::plan(&mut chance, count, from, TROUBLE);
        let loss = if chance.one_in(4) {
            1 + chance.below(15)
        } else {
            0
        };
        let snapshot_at = chance.millis(2_000, 12_000);
        let writers = 2 + chance.below(3) as usize;
        let readers = [0, 0, 1].map(|room| Reader::new(rooms()[room].clone()));
        World {
            now: Moment::ZERO,
            nodes: (0..count).map(Node::new).collect(),
            frozen: vec![false; count],
            disk_full: vec![false; count],
            wire: Wire::new(loss),
            plan,
            under_way: Vec::new(),
            snapshots: BTreeMap::new(),
            snapshot_at,
            held_back: BTreeMap::new(),
            writers: (0..writers).map(Writer::new).collect(),
            readers: readers.into(),
            known: Vec::new(),
            oracle: Oracle::new(count),
            story: Story::default(),
            chance,
        }
    }

    /// Runs the trouble and the time after it. Says how long it took after the trouble until all had
    /// everything, or nothing if they never had.
    pub fn run(&mut self) -> Option<Duration> {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        while self.now < TROUBLE {
            self.step(true);
        }
        self.heal();
        while self.now < TROUBLE + CONVERGES_WITHIN {
            self.step(false);
            if self.is_settled() {
                let took = self.now - TROUBLE;
                // The last pages.
                for _ in 0..400 {
                    self.step(false);
                }
                return Some(took);
            }
        }
        None
    }

    fn step(&mut self, trouble: bool) {
        self.now += STEP;
        if trouble {
            self.faults();
        }
        let up: Vec<bool> = (0..self.nodes.len())
            .map(|node| self.answers(node))
            .collect();
        for (node, arrival) in self.wire.step(self.now, &mut self.chance, &up) {
            if self.frozen[node] {
                self.held_back.entry(node).or_default().push(arrival);
            } else {
                self.arrived(node, arrival);
            }
        }
        for node in 0..self.nodes.len() {
            self.keep_time(node);
            if self.frozen[node] {
                continue;
            }
            if let Some(process) = &mut self.nodes[node].process {
                let full = self.disk_full[node];
                let said = process.step(self.now, &mut self.chance, full);
                self.hear(node, said);
                self.doubts(node);
            }
        }
        self.write(trouble);
        self.read();
    }

    fn keep_time(&mut self, node: usize) {
        let linked: Vec<usize> = self.wire.linked(node).collect();
        let mut others = Vec::new();
        for other in linked {
            // Half a round trip is never quite half of it.
            let asymmetry = self.chance.below(30_000) as i64 - 15_000;
            let other = &self.nodes[other];
            others.push((other.name.clone(), other.own_error() + asymmetry));
        }
        if !self.frozen[node] {
            self.nodes[node].keep_time(self.now, &others);
        }
        self.nodes[node].tick_clock(self.now);
    }

    /// Whether the node's process takes part.
    fn answers(&self, node: usize) -> bool {
        self.nodes[node].process.is_some() && !self.frozen[node]
    }

    fn start(&mut self, node: usize) {
        self.nodes[node].start(self.now);
        let Some(process) = &self.nodes[node].process else {
            return;
        };
        let (origin, held) = (process.store.origin(), process.store.held());
        self.story.tell(self.now, || {
            format!("n{node} starts under {origin} with {held:?}")
        });
        self.oracle.started(node, held);
    }

    fn kill(&mut self, node: usize) {
        // What the process held in memory is gone; the world only sees its links end.
        self.nodes[node].process = None;
        self.frozen[node] = false;
        self.held_back.remove(&node);
        self.wire.process_ended(node);
        for reader in &mut self.readers {
            if reader.seat == Seat::Live(node) || reader.seat == Seat::CatchingUp(node) {
                reader.seat = Seat::Nowhere;
            }
        }
    }

    fn faults(&mut self) {
        if self.now >= self.snapshot_at && self.snapshots.is_empty() {
            for (number, node) in self.nodes.iter().enumerate() {
                self.snapshots.insert(number, node.disk.snapshot());
            }
        }
        while self
            .plan
            .first()
            .is_some_and(|planned| self.now >= planned.at)
        {
            let planned = self.plan.remove(0);
            self.story.tell(self.now, || {
                format!("{:?} for {:?}", planned.fault, planned.lasts)
            });
            self.begin(&planned.fault);
            self.under_way.push(planned);
        }
        let now = self.now;
        let over = self
            .under_way
            .extract_if(.., |planned| now >= planned.at + planned.lasts);
        for planned in over.collect::<Vec<_>>() {
            self.story
                .tell(self.now, || format!("over: {:?}", planned.fault));
            self.end(&planned.fault);
        }
        self.cut();
    }

    fn begin(&mut self, fault: &Fault) {
        match *fault {
            Fault::Kill { node } => self.kill(node),
            Fault::PowerCut { node } => {
                self.kill(node);
                self.nodes[node].disk.boot();
            }
            Fault::PowerCutOfAll => {
                for node in 0..self.nodes.len() {
                    self.kill(node);
                    self.nodes[node].disk.boot();
                }
            }
            Fault::Freeze { node } => self.frozen[node] = self.nodes[node].process.is_some(),
            Fault::DiskFull { node } => self.disk_full[node] = true,
            Fault::ClockJump { node, us, restart } => {
                self.nodes[node].wall_error += us;
                if restart {
                    self.kill(node);
                }
            }
            Fault::Restore { node, in_place } => {
                self.kill(node);
                if let Some(snapshot) = self.snapshots.get(&node) {
                    self.nodes[node].disk.restore(snapshot, in_place);
                    self.oracle.set_back(node);
                }
            }
            Fault::Cut { .. } | Fault::Flap { .. } => {}
        }
    }

    fn end(&mut self, fault: &Fault) {
        match *fault {
            Fault::Kill { .. }
            | Fault::PowerCut { .. }
            | Fault::PowerCutOfAll
            | Fault::ClockJump { restart: true, .. }
            | Fault::Restore { .. } => self.start_all(),
            Fault::Freeze { node } => self.thaw(node),
            Fault::DiskFull { node } => self.disk_full[node] = false,
            Fault::ClockJump { .. } | Fault::Cut { .. } | Fault::Flap { .. } => {}
        }
    }

    fn start_all(&mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].process.is_none() {
                self.start(node);
            }
        }
    }

    fn thaw(&mut self, node: usize) {
        self.frozen[node] = false;
        for arrival in self.held_back.remove(&node).unwrap_or_default() {
            self.arrived(node, arrival);
        }
    }

    /// Which directions carry nothing just now.
    fn cut(&mut self) {
        let flapped = (self.now.as_millis() / 300).is_multiple_of(2);
        let directions = |planned: &Planned| match &planned.fault {
            Fault::Cut { directions } => directions.clone(),
            Fault::Flap { directions } if flapped => directions.clone(),
            _ => Vec::new(),
        };
        self.wire.cut = self.under_way.iter().flat_map(directions).collect();
    }

    fn heal(&mut self) {
        self.story.tell(self.now, || "all is well again".to_owned());
        self.plan.clear();
        self.under_way.clear();
        self.wire.cut.clear();
        self.wire.loss = 0;
        self.disk_full.fill(false);
        for node in 0..self.nodes.len() {
            self.thaw(node);
        }
        self.start_all();
    }

    fn arrived(&mut self, node: usize, arrival: Arrival) {
        let from = match arrival {
            Arrival::Up { from, .. } => self.nodes[from]
                .process
                .as_ref()
                .map(|p| p.core.origin().clone()),
            Arrival::Frame { .. } | Arrival::Down { .. } => None,
        };
        let Some(process) = &mut self.nodes[node].process else {
            return;
        };
        let moment = process.moment(self.now);
        let effects = match arrival {
            Arrival::Up { link, .. } => match from {
                Some(origin) => process.core.link_up(moment, link, origin),
                None => Vec::new(),
            },
            Arrival::Frame { link, frame } => process.core.receive(moment, link, frame),
            Arrival::Down { link } => process.core.link_down(moment, link),
        };
        self.carry_out(node, effects);
    }

    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            let Some(process) = &mut self.nodes[node].process else {
                return;
            };
            match effect {
                Effect::Send { to, frame } => {
                    self.wire.send(self.now, &mut self.chance, node, to, &frame)
                }
                Effect::Ingest(events) => process.ingest(events),
                Effect::Read {
                    to,
                    origin,
                    after,
                    limit,
                } => {
                    let effects = process.serve(self.now, to, &origin, after, limit);
                    self.carry_out(node, effects);
                }
                Effect::Hash {
                    origin,
                    after,
                    up_to,
                    of,
                } => {
                    let reader = process.store.reader();
                    let hash = reader.hash(&origin, after, up_to).unwrap();
                    let effects = process.core.hashed((origin, after, up_to), of, Some(hash));
                    self.carry_out(node, effects);
                }
                Effect::Diverged { piece, .. } => self
                    .oracle
                    .wrong(format!("n{node} and a peer differ in {piece:?}")),
                Effect::Acknowledge(word) => self.acknowledged(node, &word),
                Effect::OwnLogIsBehind { .. } => process.renew_origin(),
            }
        }
    }

    fn hear(&mut self, node: usize, said: Vec<Said>) {
        for said in said {
            match said {
                Said::Effect(effect) => self.carry_out(node, vec![effect]),
                Said::Shown(committed, written) => self.show(node, &committed, written),
                Said::Stored(asker, placed) => {
                    let until = self.now + COPIES_WAIT;
                    if let Some(process) = &mut self.nodes[node].process {
                        process.waiting.push((asker, placed, until));
                    }
                }
                Said::Refused(asker, error) => self.refused(asker, &error),
                Said::Renewed => {
                    for link in self.wire.close_all(node) {
                        self.arrived(node, Arrival::Down { link });
                    }
                }
            }
        }
    }

    fn show(&mut self, node: usize, committed: &[Committed], written: Ts) {
        let error = self.nodes[node].time_error();
        for wrong in self.oracle.committed(node, written, error, committed) {
            self.oracle.wrong(wrong);
        }
        for item in committed {
            let event = &item.event;
            self.story.tell(self.now, || {
                let (origin, seq, ts) = (&event.origin, event.seq, event.ts.0);
                format!(
                    "n{node} stores {origin}:{seq} at {ts}: {}/{} {:?}",
                    event.uid, event.nonce, event.body
                )
            });
            if item.local
                && let Some(id) = event.message_id()
                && !self.known.iter().any(|(known, _)| *known == id)
            {
                self.known.push((id, event.room.clone()));
            }
            for reader in &mut self.readers {
                if reader.seat == Seat::Live(node) {
                    reader.live(item);
                }
            }
        }
    }

    /// The core's word on new events.
    fn acknowledged(&mut self, node: usize, word: &Acknowledged) {
        let Some(process) = &mut self.nodes[node].process else {
            return;
        };
        let over = process.waiting.extract_if(.., |(_, placed, _)| {
            let place = &placed.place;
            !placed.repeated && place.origin == word.origin && place.seq <= word.up_to
        });
        for (asker, placed, _) in over.collect::<Vec<_>>() {
            self.answer(node, asker, &placed, word.copies);
        }
    }

    /// Deeds that were stored before wait until enough copies are known.
    fn doubts(&mut self, node: usize) {
        let now = self.now;
        let Some(process) = &mut self.nodes[node].process else {
            return;
        };
        let core = &process.core;
        let copies = |placed: &Placed| core.copies(&placed.place.origin, placed.place.seq);
        let over = process.waiting.extract_if(.., |(_, placed, until)| {
            placed.repeated && (!copies(placed).1 || now >= *until)
        });
        let over: Vec<_> = over
            .map(|(asker, placed, _)| (asker, copies(&placed).0, placed))
            .collect();
        for (asker, copies, placed) in over {
            self.answer(node, asker, &placed, copies);
        }
    }

    /// An acknowledgement leaves the node: it counts, whether it reaches the writer or not.
    fn answer(&mut self, node: usize, (writer, attempt): Asker, placed: &Placed, copies: u32) {
        let lost = self.chance.one_in(10);
        let pause = if self.chance.one_in(3) { 0 } else { 900 };
        let next_at = self.now + self.chance.millis(0, pause);
        let writer = &mut self.writers[writer];
        if writer
            .open
            .as_ref()
            .is_none_or(|open| open.attempt != attempt)
        {
            return;
        }
        self.story.tell(self.now, || {
            let place = &placed.place;
            format!(
                "n{node} acknowledges {}:{} on {copies} disks to {}",
                place.origin, place.seq, writer.uid
            )
        });
        self.oracle.check_copies(node, placed, copies);
        if lost {
            return;
        }
        if let Some(deed) = writer.done(next_at, Some(placed.place.ts)) {
            self.oracle.acknowledged(deed, placed, copies);
        }
    }

    fn refused(&mut self, (writer, attempt): Asker, error: &StoreError) {
        let writer = &mut self.writers[writer];
        if writer
            .open
            .as_ref()
            .is_none_or(|open| open.attempt != attempt)
        {
            return;
        }
        match error {
            StoreError::NoSuchMessage | StoreError::Forbidden => {
                writer.done(self.now, None);
            }
            _ => writer.try_again(self.now + Duration::from_millis(100)),
        }
    }

    fn write(&mut self, trouble: bool) {
        for number in 0..self.writers.len() {
            let writer = &mut self.writers[number];
            if !trouble && writer.open.is_none() {
                continue;
            }
            let Some((attempt, deed)) = writer.attempt(self.now, &mut self.chance, &self.known)
            else {
                continue;
            };
            let node = self.chance.below(self.nodes.len() as u64) as usize;
            let uid = &self.writers[number].uid;
            self.story.tell(self.now, || {
                format!(
                    "{uid} sends {} to n{node}: {:?} after {:?}",
                    deed.nonce, deed.body, deed.after
                )
            });
            if self.chance.one_in(20) {
                continue;
            }
            match &mut self.nodes[node].process {
                Some(process) => process.ask((number, attempt), deed),
                None => self.writers[number].try_again(self.now + Duration::from_millis(50)),
            }
        }
    }

    fn read(&mut self) {
        for number in 0..self.readers.len() {
            if self.now >= self.readers[number].moves_at {
                self.readers[number].seat = Seat::Nowhere;
                let stays = self.chance.millis(300, 5_000);
                // Two stay where they are, as long as that is there.
                self.readers[number].moves_at = self.now + if number < 2 { LONG } else { stays };
            }
            let node = match self.readers[number].seat {
                Seat::Live(_) => continue,
                Seat::CatchingUp(_) if !self.chance.one_in(10) => continue,
                Seat::CatchingUp(node) => node,
                Seat::Nowhere => self.chance.below(self.nodes.len() as u64) as usize,
            };
            if self.frozen[node] {
                continue;
            }
            if let Some(process) = &self.nodes[node].process {
                let published = self.oracle.durable(node);
                self.readers[number].page(node, process.store.reader(), published);
            }
        }
    }

    /// Whether nothing is on its way any more.
    fn is_settled(&self) -> bool {
        let open = self.writers.iter().any(|writer| writer.open.is_some());
        !open && self.wire.is_whole(self.nodes.len()) && self.oracle.all_hold_the_same()
    }
}
