//! A disk without room: who writes is told so within a second, who reads goes on, and with room again
//! the node stores again, without a start.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::judge::Violation;
use crate::judge::history::{Ack, Deed, Op, place_of};
use crate::network;
use crate::record::now_us;
use crate::wire::{Lost, Person, Wire};
use crate::world::World;
use crate::writer::ROOMS;

/// It heals within this.
const HEALED_BY: Duration = Duration::from_secs(10);
/// A full disk still has blocks in files that are written anew; these are soon used up.
const REFUSED_BY: Duration = Duration::from_secs(10);
/// The longest text there may be, 16 KiB.
const LONG: usize = 4_000;
const PACE: Duration = Duration::from_millis(20);

/// One who writes to this node and no other, so that it is known what it says.
struct Probe {
    node: usize,
    person: Person,
    wire: Wire,
    written: u64,
}

pub async fn full(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    let name = world.nodes[at].name.clone();
    let mut probe = Probe::open(world, at).await?;
    world.nodes[at].disk.fill()?;
    world.tell(format!("full-disk {name} has no room"));
    let begun = Instant::now();
    let hold = Duration::from_millis(world.chance.between(1_000, 3_000));
    let (mut stored, mut refused) = (0, 0);
    while begun.elapsed() < hold || (refused == 0 && begun.elapsed() < REFUSED_BY) {
        let length = if refused == 0 { LONG } else { 1 };
        match probe.say(world, length).await {
            Some(true) => stored += 1,
            Some(false) => refused += 1,
            None => break,
        }
        if refused > 0 {
            probe.read(world).await;
            sleep(PACE).await;
        }
    }
    if refused == 0 {
        let what = format!("{name} stores {stored} long texts on a full disk");
        world.record.violation(Violation::new("unanswered", what));
    }
    world.nodes[at].disk.make_room()?;
    let room = Instant::now();
    world.tell(format!(
        "full-disk {name} has room again; it refused {refused} and stored {stored}"
    ));
    while probe.say(world, 1).await == Some(false) {
        if room.elapsed() > HEALED_BY {
            let what = format!("{name} does not store {HEALED_BY:?} after it has room again");
            world.record.violation(Violation::new("unhealed", what));
            return Ok(None);
        }
        sleep(PACE).await;
    }
    world.tell(format!(
        "full-disk {name} stores again after {:?}",
        room.elapsed()
    ));
    Ok(None)
}

impl Probe {
    async fn open(world: &mut World, node: usize) -> Result<Probe> {
        let person = Person::new(format!("probe-{}", world.chance.next() % 1_000_000));
        let mut person = person;
        let address = network::clients_of(node);
        let lost = |_: Lost| anyhow!("n{} does not let a probe in", node + 1);
        let mut wire = Wire::open(address, &mut person).await.map_err(lost)?;
        let join = json!({"type": "join", "room": ROOMS[0], "limit": 1});
        wire.ask(join, |_| {}).await.map_err(lost)?;
        Ok(Probe {
            node,
            person,
            wire,
            written: 0,
        })
    }

    /// Whether it was stored, or refused as it must be; none if there was no such answer.
    async fn say(&mut self, world: &World, length: usize) -> Option<bool> {
        self.written += 1;
        let text = "🎉".repeat(length);
        let op = Op {
            uid: self.person.uid.clone(),
            room: ROOMS[0].to_owned(),
            nonce: format!("p-{:06}", self.written),
            deed: Deed::Message { text: text.clone() },
            after: 0,
            asked_us: now_us(),
            acks: Vec::new(),
        };
        let send = json!({"type": "send", "room": op.room, "nonce": op.nonce, "text": text});
        let number = world.record.asking(op);
        let answer = self.wire.ask(send, |_| {}).await;
        let code = |answer: &Value| answer["code"].as_str().map(str::to_owned);
        match answer {
            Ok(answer) if answer["type"] == "sent" => {
                let ack = Ack {
                    node: network::name(self.node),
                    at_us: now_us(),
                    place: place_of(&answer)?,
                    copies: answer["copies"].as_u64().unwrap_or(1),
                };
                world.record.acknowledged(number, ack);
                Some(true)
            }
            Ok(answer) if code(&answer).as_deref() == Some("unavailable") => Some(false),
            other => {
                let what = format!(
                    "a full n{} did not answer in time: {other:?}",
                    self.node + 1
                );
                world.record.violation(Violation::new("unanswered", what));
                None
            }
        }
    }

    async fn read(&mut self, world: &World) {
        let history = json!({"type": "history", "room": ROOMS[0], "limit": 10});
        let answer = self.wire.ask(history, |_| {}).await;
        if !answer
            .as_ref()
            .is_ok_and(|answer| answer["type"] == "history")
        {
            let what = format!(
                "n{} with a full disk does not show: {answer:?}",
                self.node + 1
            );
            world.record.violation(Violation::new("unanswered", what));
        }
    }
}
