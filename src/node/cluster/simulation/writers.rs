//! People who write: each does one thing after the other, says what it has seen (`after`), and does it
//! again on another node with the same nonce when no answer comes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Chance;
use crate::node::cluster::replication::Moment;
use crate::node::store::Deed;
use crate::protocol::{Body, MessageId, Nonce, RoomKey, RoomName, Text, Ts, Uid, UserName};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// A deed that is not acknowledged yet.
pub struct Open {
    pub deed: Deed,
    /// The number of the last attempt.
    pub attempt: u64,
    pub again_at: Moment,
}

/// Somebody who writes.
pub struct Writer {
    pub uid: Uid,
    name: UserName,
    count: u32,
    attempts: u64,
    pub open: Option<Open>,
    pub next_at: Moment,
    /// The greatest time acknowledged to it in each room.
    seen: BTreeMap<RoomKey, Ts>,
}

pub fn rooms() -> [RoomKey; 2] {
    ["lobby", "ops"].map(|name| RoomKey::Room(RoomName::parse(name).unwrap()))
}

impl Writer {
    pub fn new(number: usize) -> Writer {
        Writer {
            uid: Uid::parse(&format!("writer{number}")).unwrap(),
            name: UserName::parse(&format!("w{number}")).unwrap(),
            count: 0,
            attempts: 0,
            open: None,
            next_at: Moment::ZERO,
            seen: BTreeMap::new(),
        }
    }

    /// The next thing to do. `known` are messages that somebody wrote, and where.
    pub fn think(&mut self, chance: &mut Chance, known: &[(MessageId, RoomKey)]) -> Deed {
        self.count += 1;
        let nonce = Nonce::parse(&format!("{}", self.count)).unwrap();
        let room = chance.pick(&rooms()).clone();
        let mine: Vec<_> = known
            .iter()
            .filter(|(id, _)| id.uid() == self.uid)
            .collect();
        let (room, body) = match chance.below(10) {
            0 | 1 if !mine.is_empty() => {
                let (id, room) = (*chance.pick(&mine)).clone();
                let text = Text::parse(&format!("edit {}", self.count)).unwrap();
                (room, Body::Edit { id, text })
            }
            2 if !mine.is_empty() => {
                let (id, room) = (*chance.pick(&mine)).clone();
                (room, Body::Delete { id })
            }
            3 | 4 if !known.is_empty() => {
                let recent = &known[known.len().saturating_sub(6)..];
                let (id, room) = chance.pick(recent).clone();
                let emoji = (*chance.pick(&["👍", "🎉"])).to_owned();
                let on = !chance.one_in(3);
                (room, Body::React { id, emoji, on })
            }
            5 if chance.one_in(2) => {
                let topic = format!("topic {} of {}", self.count, self.uid);
                (room, Body::Topic { topic })
            }
            _ => {
                let text = Text::parse(&format!("{} {}", self.uid, self.count)).unwrap();
                let reply_to = None;
                (room, Body::Message { text, reply_to })
            }
        };
        let after = self.seen.get(&room).copied();
        Deed {
            room,
            uid: self.uid.clone(),
            name: self.name.clone(),
            nonce,
            body,
            after,
        }
    }

    /// Another attempt at the open deed; `None` when there is nothing to do yet.
    pub fn attempt(
        &mut self,
        now: Moment,
        chance: &mut Chance,
        known: &[(MessageId, RoomKey)],
    ) -> Option<(u64, Deed)> {
        if self.open.is_none() {
            if now < self.next_at {
                return None;
            }
            let deed = self.think(chance, known);
            self.open = Some(Open {
                deed,
                attempt: 0,
                again_at: now,
            });
        }
        let open = self.open.as_mut()?;
        if now < open.again_at {
            return None;
        }
        self.attempts += 1;
        open.attempt = self.attempts;
        open.again_at = now + PATIENCE;
        Some((open.attempt, open.deed.clone()))
    }

    /// The open deed was refused for now: it is tried again soon, elsewhere.
    pub fn try_again(&mut self, at: Moment) {
        if let Some(open) = &mut self.open {
            open.again_at = at;
        }
    }

    /// The open deed is acknowledged, or refused for good.
    pub fn done(&mut self, next_at: Moment, acknowledged: Option<Ts>) -> Option<Deed> {
        let open = self.open.take()?;
        self.next_at = next_at;
        if let Some(ts) = acknowledged {
            let seen = self.seen.entry(open.deed.room.clone()).or_default();
            *seen = (*seen).max(ts);
        }
        Some(open.deed)
    }
}
