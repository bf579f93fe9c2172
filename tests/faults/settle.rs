//! The end of a run: nodes come to agree, and everything they show is read.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::judge::Violation;
use crate::judge::history::{NodeEnd, Shown, Vector, shown_of, vector_of};
use crate::network;
use crate::store;
use crate::wire::{Lost, Person, Wire};
use crate::world::{NODES, World};
use crate::writer::ROOMS;

/// Healed nodes hold the same after this.
const CONVERGED_BY: Duration = Duration::from_secs(10);
/// After this they never will.
const GIVEN_UP: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(50);
const PAGE: usize = 200;

/// Somebody who looks at every node.
struct Auditor {
    persons: Vec<Person>,
}

/// Waits until all nodes hold the same; gives that, and how long it took.
pub async fn converge(world: &World) -> Result<(Vector, Option<Duration>)> {
    let mut auditor = Auditor::new();
    let begun = Instant::now();
    loop {
        let mut held = Vec::new();
        for node in 0..NODES {
            held.push(auditor.vector(node).await.unwrap_or_default());
        }
        if !held[0].is_empty() && held.iter().all(|vector| *vector == held[0]) {
            let took = begun.elapsed();
            if took > CONVERGED_BY {
                let what = format!("the nodes took {took:?} to hold the same");
                world.record.violation(Violation::new("unconverged", what));
            }
            return Ok((held.swap_remove(0), Some(took)));
        }
        if begun.elapsed() > GIVEN_UP {
            let what = format!("after {GIVEN_UP:?} the nodes hold {held:?}");
            world.record.violation(Violation::new("unconverged", what));
            let all = held
                .into_iter()
                .max_by_key(|vector| vector.values().sum::<u64>());
            return Ok((all.unwrap_or_default(), None));
        }
        sleep(LOOK).await;
    }
}

/// What every node shows, read over the wire, page by page.
pub async fn shown() -> Result<Vec<NodeEnd>> {
    let mut auditor = Auditor::new();
    let mut ends = Vec::new();
    for node in 0..NODES {
        let read = auditor.read(node).await;
        ends.push(read.map_err(|_: Lost| anyhow!("n{} does not show its rooms", node + 1))?);
    }
    Ok(ends)
}

/// What the logs of stopped nodes hold.
pub fn logs(world: &World, ends: &mut [NodeEnd]) -> Result<()> {
    for (node, end) in world.nodes.iter().zip(ends) {
        let data = node.disk.data();
        end.log = store::log(&data)?;
        end.integrity = store::integrity(&data)?;
    }
    Ok(())
}

impl Auditor {
    fn new() -> Auditor {
        let mark = crate::record::now_us() % 1_000_000_000;
        let person = |node| Person::new(format!("auditor-{mark}-{node}"));
        Auditor {
            persons: (0..NODES).map(person).collect(),
        }
    }

    async fn open(&mut self, node: usize) -> Result<Wire, Lost> {
        Wire::open(network::clients_of(node), &mut self.persons[node]).await
    }

    async fn vector(&mut self, node: usize) -> Result<Vector, Lost> {
        let mut wire = self.open(node).await?;
        let join = json!({"type": "join", "room": ROOMS[0], "limit": 1});
        let answer = wire.ask(join, |_| {}).await?;
        Ok(vector_of(&answer["since"]))
    }

    async fn read(&mut self, node: usize) -> Result<NodeEnd, Lost> {
        let mut wire = self.open(node).await?;
        let mut end = NodeEnd {
            name: network::name(node),
            ..NodeEnd::default()
        };
        for room in ROOMS {
            let join = json!({"type": "join", "room": room, "limit": 1});
            let answer = wire.ask(join, |_| {}).await?;
            let topic = answer["topic"].as_str().unwrap_or_default().to_owned();
            end.topics.insert(room.to_owned(), topic);
            let messages = pages(&mut wire, room).await.map_err(|_| Lost)?;
            end.rooms.insert(room.to_owned(), messages);
        }
        Ok(end)
    }
}

/// All messages of a room, from the newest page back to the first.
async fn pages(wire: &mut Wire, room: &str) -> Result<Vec<Shown>> {
    let mut pages: Vec<Vec<Shown>> = Vec::new();
    let mut before: Option<i64> = None;
    loop {
        let mut ask = json!({"type": "history", "room": room, "limit": PAGE});
        if let Some(before) = before {
            ask["before"] = json!(before);
        }
        let answer = wire.ask(ask, |_| {}).await;
        let answer: Value = answer.map_err(|_: Lost| anyhow!("no answer to history"))?;
        let messages = answer["messages"].as_array().into_iter().flatten();
        let page: Vec<Shown> = messages.filter_map(shown_of).collect();
        let first = page.first().map(|shown| shown.place.ts);
        pages.push(page);
        if answer["more"] != true {
            break;
        }
        if first.is_none() || first == before {
            bail!("history goes on without coming nearer to its beginning");
        }
        before = first;
    }
    Ok(pages.into_iter().rev().flatten().collect())
}

/// Messages by room, as the first node shows them.
pub fn standing(ends: &[NodeEnd]) -> BTreeMap<String, Vec<Shown>> {
    ends.first()
        .map(|end| end.rooms.clone())
        .unwrap_or_default()
}
