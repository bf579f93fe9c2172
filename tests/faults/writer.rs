//! Those who write: one thing at a time, each until it is acknowledged, with one nonce, on whatever
//! node answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::judge::Violation;
use crate::judge::history::{Ack, Deed, Op, place_of};
use crate::network;
use crate::random::Chance;
use crate::record::{Record, now_us};
use crate::wire::{Lost, Person, Wire};

pub const WRITERS: usize = 10;
pub const ROOMS: [&str; 4] = ["lobby", "ops", "deploys", "random"];

/// Messages that a writer remembers, to edit, delete and react to them.
const REMEMBERED: usize = 40;
/// A node that refuses is asked again after this long, so often; another node then, or never.
const PAUSE: Duration = Duration::from_millis(50);
const REFUSALS_MAX: usize = 4;
/// When all is to be quiet, what is not acknowledged by then is given up.
const GIVE_UP: Duration = Duration::from_secs(5);

pub struct Writer {
    index: usize,
    person: Person,
    chance: Chance,
    record: Arc<Record>,
    nodes: usize,
    node: usize,
    wire: Option<Wire>,
    /// The newest time seen of each room.
    newest: BTreeMap<String, i64>,
    /// One's own messages and others', by room: those that can be changed.
    own: VecDeque<(String, String)>,
    others: VecDeque<(String, String)>,
    written: u64,
}

impl Writer {
    pub fn new(index: usize, nodes: usize, chance: Chance, record: Arc<Record>) -> Writer {
        Writer {
            index,
            person: Person::new(format!("writer-{index}")),
            chance,
            record,
            nodes,
            node: index % nodes,
            wire: None,
            newest: BTreeMap::new(),
            own: VecDeque::new(),
            others: VecDeque::new(),
            written: 0,
        }
    }

    /// Writes at this pace until all is to be quiet.
    pub async fn run(mut self, pace: Duration) {
        let quiet = self.record.quiet.subscribe();
        let mut next = Instant::now();
        while !*quiet.borrow() {
            if self.person.uid.is_empty() {
                // Nothing can be written down before there is a user.
                if self.connect().await.is_err() {
                    self.move_on();
                    sleep_until(Instant::now() + PAUSE).await;
                }
                continue;
            }
            // Now and then by choice, so that a node that is back has something to do.
            if self.chance.below(100) == 0 {
                self.move_on();
            }
            let op = self.choose();
            self.write(op).await;
            // What was not written in an outage is not made up for.
            next = (next + pace).max(Instant::now());
            sleep_until(next).await;
        }
    }

    /// What to write next; mostly messages.
    fn choose(&mut self) -> Op {
        self.written += 1;
        let room = ROOMS[(self.index + self.chance.below(2)) % ROOMS.len()].to_owned();
        let text = format!("{} says {}", self.person.name, self.written);
        let own = self.pick(true);
        let other = self.pick(false);
        let (room, deed) = match (self.chance.below(100), own, other) {
            (0..8, Some((room, id)), _) => (room, Deed::Edit { id, text }),
            (8..11, Some((room, id)), _) => {
                self.own.retain(|(_, known)| *known != id);
                (room, Deed::Delete { id })
            }
            (11..20, _, Some((room, id))) => {
                let emoji = ["👍", "🎉", "👀"][self.chance.below(3)].to_owned();
                let on = self.chance.below(4) != 0;
                (room, Deed::React { id, emoji, on })
            }
            (20, ..) => (room, Deed::Topic { text }),
            _ => (room, Deed::Message { text }),
        };
        Op {
            uid: self.person.uid.clone(),
            nonce: format!("{}-{:06}", self.index, self.written),
            after: self.newest.get(&room).copied().unwrap_or(0),
            room,
            deed,
            asked_us: now_us(),
            acks: Vec::new(),
        }
    }

    fn pick(&mut self, own: bool) -> Option<(String, String)> {
        let known = if own { &self.own } else { &self.others };
        let at = self.chance.below(known.len());
        known.get(at).cloned()
    }

    /// Asks until it is acknowledged.
    async fn write(&mut self, op: Op) {
        let number = self.record.asking(op.clone());
        let begun = Instant::now();
        let quiet = self.record.quiet.subscribe();
        let mut refusals = 0;
        loop {
            if *quiet.borrow() && begun.elapsed() > GIVE_UP {
                return;
            }
            match self.ask(&op).await {
                Ok(answer) if answer["type"] == "error" => {
                    self.record.count(&self.record.refused);
                    let code = answer["code"].as_str().unwrap_or_default().to_owned();
                    match code.as_str() {
                        "unavailable" => self.move_on(),
                        // The node is behind, or it was deleted by an earlier attempt's side.
                        "no_such_message" if refusals < REFUSALS_MAX => refusals += 1,
                        "no_such_message" => return self.record.answered(self.index),
                        _ => {
                            let what = format!("{op:?} was answered by {answer}");
                            self.record.violation(Violation::new("refused", what));
                            return;
                        }
                    }
                    sleep_until(Instant::now() + PAUSE).await;
                }
                Ok(answer) => return self.acknowledged(number, &op, &answer),
                Err(Lost) => {
                    self.record.count(&self.record.retries);
                    self.move_on();
                    // A connection that is refused at once is not asked for in a circle.
                    sleep_until(Instant::now() + PAUSE / 5).await;
                }
            }
        }
    }

    async fn ask(&mut self, op: &Op) -> Result<Value, Lost> {
        let mut frame = match &op.deed {
            Deed::Message { text } => json!({"type": "send", "text": text}),
            Deed::Edit { id, text } => json!({"type": "edit", "id": id, "text": text}),
            Deed::Delete { id } => json!({"type": "delete", "id": id}),
            Deed::React { id, emoji, on } => {
                json!({"type": "react", "id": id, "emoji": emoji, "on": on})
            }
            Deed::Topic { text } => json!({"type": "topic", "topic": text}),
        };
        frame["room"] = json!(op.room);
        frame["nonce"] = json!(op.nonce);
        frame["after"] = json!(op.after);
        if self.wire.is_none() {
            self.connect().await?;
        }
        let Some(mut wire) = self.wire.take() else {
            return Err(Lost);
        };
        let answer = wire.ask(frame, |frame| self.note(frame)).await?;
        self.wire = Some(wire);
        Ok(answer)
    }

    fn acknowledged(&mut self, number: usize, op: &Op, answer: &Value) {
        let Some(place) = place_of(answer) else {
            let what = format!("{op:?} was answered by {answer}");
            return self.record.violation(Violation::new("malformed", what));
        };
        let newest = self.newest.entry(op.room.clone()).or_default();
        *newest = (*newest).max(place.ts);
        if matches!(op.deed, Deed::Message { .. }) {
            remember(&mut self.own, (op.room.clone(), op.id()));
        }
        let ack = Ack {
            node: network::name(self.node),
            at_us: now_us(),
            place,
            copies: answer["copies"].as_u64().unwrap_or(1),
        };
        self.record.acknowledged(number, ack);
        self.record.answered(self.index);
    }

    /// A live frame: it says what is new, and what there is to react to.
    fn note(&mut self, frame: &Value) {
        let (Some(room), Some(ts)) = (frame["room"].as_str(), frame["ts"].as_i64()) else {
            return;
        };
        let newest = self.newest.entry(room.to_owned()).or_default();
        *newest = (*newest).max(ts);
        if frame["type"] == "new_message"
            && let Some(id) = frame["id"].as_str()
            && frame["uid"] != self.person.uid.as_str()
        {
            remember(&mut self.others, (room.to_owned(), id.to_owned()));
        }
    }

    async fn connect(&mut self) -> Result<(), Lost> {
        let address = network::clients_of(self.node);
        let mut wire = Wire::open(address, &mut self.person).await?;
        for offset in 0..2 {
            let room = ROOMS[(self.index + offset) % ROOMS.len()];
            let join = json!({"type": "join", "room": room, "limit": 1});
            let answer = wire.ask(join, |frame| self.note(frame)).await?;
            let messages = answer["messages"].as_array().into_iter().flatten();
            for message in messages {
                self.note(message);
            }
        }
        self.wire = Some(wire);
        Ok(())
    }

    fn move_on(&mut self) {
        self.record.count(&self.record.moves);
        self.wire = None;
        self.node = (self.node + 1) % self.nodes;
    }
}

fn remember(list: &mut VecDeque<(String, String)>, item: (String, String)) {
    list.push_back(item);
    if list.len() > REMEMBERED {
        list.pop_front();
    }
}
