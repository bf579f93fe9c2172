//! Those who read: in two rooms each, on one node after the other, going on from what they hold.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::judge::history::Vector;
use crate::judge::view::View;
use crate::network;
use crate::random::Chance;
use crate::record::Record;
use crate::wire::{ANSWER_DEADLINE, Lost, Person, Wire};
use crate::writer::ROOMS;

pub const READERS: usize = 4;

/// A node is asked whether it is there so often.
const PING: Duration = Duration::from_millis(500);
/// Messages that are asked for at a time: the longest page there is, and such as are never enough.
const PAGES: [usize; 3] = [200, 30, 5];
const PAUSE: Duration = Duration::from_millis(20);
/// A reader that goes by choice stays away for so many milliseconds, as a laptop that sleeps does.
const AWAY_MS: (u64, u64) = (0, 2_000);
/// A reader stays on a node for so many milliseconds, if nothing drives it away.
const STAY_MS: (u64, u64) = (2_000, 9_000);

pub struct Reader {
    pub person: Person,
    chance: Chance,
    record: Arc<Record>,
    nodes: usize,
    node: usize,
    page: usize,
    /// Where it was, from when, and what it held then.
    pub trace: Vec<String>,
    pub views: Vec<View>,
}

impl Reader {
    pub fn new(index: usize, nodes: usize, chance: Chance, record: Arc<Record>) -> Reader {
        let room = |offset| View::new(ROOMS[(index + offset) % ROOMS.len()]);
        Reader {
            person: Person::new(format!("reader-{index}")),
            chance,
            record,
            nodes,
            node: index % nodes,
            page: PAGES[0],
            trace: Vec::new(),
            views: vec![room(0), room(1)],
        }
    }

    /// Reads until all is over; gives the reader back with what it was shown.
    pub async fn run(mut self) -> Reader {
        let over = self.record.over.subscribe();
        while !*over.borrow() {
            let away = match self.session().await {
                Ok(()) => Duration::from_millis(self.chance.between(AWAY_MS.0, AWAY_MS.1)),
                Err(Lost) => PAUSE,
            };
            sleep_until(Instant::now() + away).await;
            self.page = PAGES[self.chance.below(PAGES.len())];
            self.node = (self.node + 1) % self.nodes;
        }
        self
    }

    /// On one node, until it is lost or the reader wants to see another one.
    async fn session(&mut self) -> Result<(), Lost> {
        let over = self.record.over.subscribe();
        let stay = Duration::from_millis(self.chance.between(STAY_MS.0, STAY_MS.1));
        let until = Instant::now() + stay;
        let mut wire = self.enter().await?;
        let mut heard = Instant::now();
        let mut ping = Instant::now() + PING;
        while Instant::now() < until && !*over.borrow() {
            if let Some(frame) = wire.next(ping).await? {
                heard = Instant::now();
                self.take(&mut wire, &frame).await?;
            }
            if heard.elapsed() > PING + ANSWER_DEADLINE {
                return Err(Lost);
            }
            if Instant::now() >= ping {
                ping = Instant::now() + PING;
                wire.tell(json!({"type": "ping"})).await?;
            }
        }
        Ok(())
    }

    /// Connects, and goes on in each room from what it holds.
    async fn enter(&mut self) -> Result<Wire, Lost> {
        let address = network::clients_of(self.node);
        let mut wire = Wire::open(address, &mut self.person).await?;
        let at = self.record.started.elapsed().as_secs_f64();
        for view in &mut self.views {
            let since = view.begin_session();
            let (node, room) = (network::name(self.node), &view.room);
            self.trace
                .push(format!("{at:7.2} s  on {node}, {room} since {since:?}"));
            let join =
                json!({"type": "join", "room": view.room, "since": since, "limit": self.page});
            wire.tell(join).await?;
        }
        Ok(wire)
    }

    async fn take(&mut self, wire: &mut Wire, frame: &Value) -> Result<(), Lost> {
        if frame["type"] == "error" {
            // Another node may let us in.
            return Err(Lost);
        }
        let Some(room) = frame["room"].as_str() else {
            return Ok(());
        };
        let Some(view) = self.views.iter_mut().find(|view| view.room == room) else {
            return Ok(());
        };
        let mut found = Vec::new();
        view.take(frame, &mut found);
        if view.more && matches!(frame["type"].as_str(), Some("room" | "history" | "gap")) {
            wire.tell(next_page(view, self.page)).await?;
        }
        for mut violation in found {
            let by = format!("{} on {}, ", self.person.name, network::name(self.node));
            violation.what.insert_str(0, &by);
            self.record.violation(violation);
        }
        Ok(())
    }

    /// When all is over: reads what is still missing, from that node, until it holds `all`.
    pub async fn catch_up(&mut self, node: usize, all: &Vector) -> Result<(), Lost> {
        self.node = node;
        self.page = PAGES[0];
        let deadline = Instant::now() + ANSWER_DEADLINE * 10;
        let mut wire = self.enter().await?;
        while !self.holds(all) {
            let frame = wire.next(deadline).await?.ok_or(Lost)?;
            self.take(&mut wire, &frame).await?;
        }
        Ok(())
    }

    fn holds(&self, all: &Vector) -> bool {
        let holds = |view: &View| {
            let held = |(origin, seq): (&String, &u64)| view.held.get(origin) >= Some(seq);
            !view.more && all.iter().all(held)
        };
        self.views.iter().all(holds)
    }
}

fn next_page(view: &View, limit: usize) -> Value {
    json!({"type": "history", "room": view.room, "since": view.held, "limit": limit})
}
