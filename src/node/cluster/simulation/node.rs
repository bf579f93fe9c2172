//! A node: a disk that stays, a clock, and a process that comes and goes: the store's door and the
//! replication core, joined as the mesh joins them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Chance;
use crate::node::clock::Discipline;
use crate::node::cluster::replication::{Effect, LinkId, Moment, Replication};
use crate::node::store::simulated::{Disk, Running};
use crate::node::store::{Clock, Committed, Deed, Ingested, ManualClock, Placed, StoreError};
use crate::protocol::limits::CLOCK_AHEAD_MAX_US;
use crate::protocol::{Event, Origin, Seq, Ts};

/// Who waits for an answer: a writer, and which of its attempts.
pub type Asker = (usize, u64);

/// What the store is asked for.
enum Request {
    Deed(Asker, Deed),
    Ingest(Vec<Arc<Event>>),
}

/// A transaction that the disk is busy with.
struct Transaction {
    commits_at: Moment,
    /// The node's time when it was begun.
    begun: Ts,
    fails: bool,
    placed: Vec<(Asker, Result<Placed, StoreError>)>,
    ingested: Vec<(Vec<Arc<Event>>, Ingested)>,
    committed: Vec<Committed>,
}

/// What a process has to say to the world.
pub enum Said {
    Effect(Effect),
    /// What is committed is shown to who is in the room; and the node's time when it was written.
    Shown(Vec<Committed>, Ts),
    /// A deed is committed here, and waits for its copies.
    Stored(Asker, Placed),
    Refused(Asker, StoreError),
    /// The node is to be linked anew, under the origin it writes now.
    Renewed,
}

pub struct Process {
    clock: Arc<ManualClock>,
    pub store: Running,
    pub core: Replication,
    pub started: Moment,
    requests: VecDeque<Request>,
    transaction: Option<Transaction>,
    renew: bool,
    /// Answers that wait for copies: of what place, and until when where it was stored before.
    pub waiting: Vec<(Asker, Placed, Moment)>,
    next_tick: Moment,
}

pub struct Node {
    pub name: String,
    pub disk: Disk,
    pub clock: Arc<ManualClock>,
    /// What the wall clock shows more than the true time, microseconds.
    pub wall_error: i64,
    /// The same of the clock that the process was started with, carried on.
    clock_error: i64,
    discipline: Discipline,
    pub process: Option<Process>,
}

/// As in the node's start.
const FIRST_CONTACT_MAX: Duration = Duration::from_millis(500);

/// True time at the beginning.
pub const START: Ts = Ts(1_763_800_000_000_000);

/// The true time.
pub fn true_time(now: Moment) -> Ts {
    Ts(START.0 + now.as_micros() as i64)
}

impl Node {
    pub fn new(number: usize) -> Node {
        Node {
            name: format!("n{number}"),
            disk: Disk::new(),
            clock: Arc::new(ManualClock::at(START)),
            wall_error: 0,
            clock_error: 0,
            discipline: Discipline::default(),
            process: None,
        }
    }

    pub fn start(&mut self, now: Moment) {
        self.clock_error = self.wall_error;
        self.discipline = Discipline::default();
        self.tick_clock(now);
        let store = self.disk.start(&self.name, self.clock.clone());
        let core = Replication::new(store.origin(), store.held(), 2);
        self.process = Some(Process {
            clock: self.clock.clone(),
            store,
            core,
            started: now,
            requests: VecDeque::new(),
            transaction: None,
            renew: false,
            waiting: Vec::new(),
            next_tick: now,
        });
    }

    pub fn tick_clock(&self, now: Moment) {
        self.clock.set(Ts(true_time(now).0 + self.time_error()));
    }

    /// What the node's time is ahead of the true one, microseconds.
    pub fn time_error(&self) -> i64 {
        self.own_error() + self.discipline.correction_us()
    }

    /// The same before corrections: what the others are told.
    pub fn own_error(&self) -> i64 {
        self.clock_error + self.discipline.drawn_us()
    }

    /// Follows the wall clock and the other nodes', as the driver has the clock do.
    pub fn keep_time(&mut self, now: Moment, others: &[(String, i64)]) {
        let Some(process) = &mut self.process else {
            return;
        };
        let moment = process.moment(now);
        let own = self.clock_error + self.discipline.drawn_us();
        self.discipline.draw(moment, self.wall_error - own);
        for (node, error) in others {
            self.discipline.heard(moment, node, error - own);
        }
        self.discipline.correct(moment);
        let time = true_time(now).0 + own + self.discipline.correction_us();
        let ahead = process.store.last_written().0 - time;
        if self.discipline.voices() >= 3 && ahead > CLOCK_AHEAD_MAX_US {
            process.renew_origin();
        }
    }
}

impl Process {
    pub fn ask(&mut self, asker: Asker, deed: Deed) {
        self.requests.push_back(Request::Deed(asker, deed));
    }

    pub fn ingest(&mut self, events: Vec<Arc<Event>>) {
        self.requests.push_back(Request::Ingest(events));
    }

    /// The core's own time, since the process began.
    pub fn moment(&self, now: Moment) -> Moment {
        now - self.started
    }

    pub fn renew_origin(&mut self) {
        self.renew = true;
    }

    /// Lets time pass: ends the transaction that is due, begins the next, ticks the core.
    pub fn step(&mut self, now: Moment, chance: &mut Chance, disk_fails: bool) -> Vec<Said> {
        let mut said = Vec::new();
        if self
            .transaction
            .as_ref()
            .is_some_and(|t| now >= t.commits_at)
            && let Some(transaction) = self.transaction.take()
        {
            self.finish(now, transaction, &mut said);
        }
        // A node waits a moment for the others' clocks before it serves anybody.
        let serves = self.core.has_peers() || self.moment(now) >= FIRST_CONTACT_MAX;
        if serves && self.transaction.is_none() && (!self.requests.is_empty() || self.renew) {
            self.begin(now, chance, disk_fails, &mut said);
        }
        if now >= self.next_tick {
            self.next_tick = now + Duration::from_millis(50);
            let moment = self.moment(now);
            said.extend(self.core.tick(moment).into_iter().map(Said::Effect));
        }
        said
    }

    fn begin(&mut self, now: Moment, chance: &mut Chance, disk_fails: bool, said: &mut Vec<Said>) {
        let slow = if chance.one_in(50) { 400 } else { 8 };
        let mut transaction = Transaction {
            commits_at: now + chance.millis(0, slow),
            begun: self.clock.now(),
            fails: disk_fails,
            placed: Vec::new(),
            ingested: Vec::new(),
            committed: Vec::new(),
        };
        self.store.begin();
        if std::mem::take(&mut self.renew) {
            self.store.begin_new_origin();
        }
        while let Some(request) = self.requests.pop_front() {
            match request {
                Request::Deed(asker, deed) => {
                    let answer = self.store.submit(deed).map(|(placed, committed)| {
                        transaction.committed.extend(committed);
                        placed
                    });
                    transaction.placed.push((asker, answer));
                }
                Request::Ingest(events) => {
                    let (report, committed) = self.store.ingest(events.clone());
                    transaction.committed.extend(committed);
                    transaction.ingested.push((events, report));
                }
            }
        }
        let own = transaction.committed.iter().filter(|item| item.local);
        let own: Vec<Arc<Event>> = own.map(|item| item.event.clone()).collect();
        if !own.is_empty() && self.core.has_peers() {
            self.store.hand_out();
            let moment = self.moment(now);
            said.extend(
                self.core
                    .written(moment, &own)
                    .into_iter()
                    .map(Said::Effect),
            );
        }
        self.transaction = Some(transaction);
    }

    fn finish(&mut self, now: Moment, transaction: Transaction, said: &mut Vec<Said>) {
        let moment = self.moment(now);
        if transaction.fails {
            self.store.roll_back();
            for (asker, _) in transaction.placed {
                let error = StoreError::Unavailable("the disk is full".to_owned());
                said.push(Said::Refused(asker, error));
            }
            for (events, _) in transaction.ingested {
                self.core.refused(moment, &events);
            }
            return;
        }
        self.store.commit();
        if self.store.origin() != *self.core.origin() {
            let effects = self.core.begin_origin(moment, self.store.origin());
            said.extend(effects.into_iter().map(Said::Effect));
            said.push(Said::Renewed);
        }
        let events: Vec<Arc<Event>> = transaction
            .committed
            .iter()
            .map(|c| c.event.clone())
            .collect();
        said.push(Said::Shown(transaction.committed, transaction.begun));
        for (asker, answer) in transaction.placed {
            said.push(match answer {
                Ok(placed) => Said::Stored(asker, placed),
                Err(error) => Said::Refused(asker, error),
            });
        }
        let effects = self.core.committed(moment, &events);
        said.extend(effects.into_iter().map(Said::Effect));
        for (_, report) in transaction.ingested {
            for origin in report.gaps {
                let effects = self.core.gap(moment, &origin);
                said.extend(effects.into_iter().map(Said::Effect));
            }
        }
    }

    /// What the core asked to be read for a peer.
    pub fn serve(
        &mut self,
        now: Moment,
        link: LinkId,
        origin: &Origin,
        after: Seq,
        limit: usize,
    ) -> Vec<Effect> {
        let reader = self.store.reader();
        let events = reader.events_after(origin, after, limit, 1 << 20).unwrap();
        let moment = self.moment(now);
        self.core
            .served(moment, link, origin.clone(), after, events)
    }
}
