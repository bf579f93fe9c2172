//! Who bears which name.
//!
//! A name is taken by whoever is here under it, on any node, and by whoever was within the last ten
//! minutes; after that it is free again. It owns what is remembered of users (the soft table of
//! [`UserRecord`]s, which the store keeps and gossip passes on), and decides who gets a name and who
//! must bear another. It must never read a clock, or keep a name that nobody may still claim.
//!
//! A brief session's name is kept for nobody: its user's record says that it was seen long ago. So
//! it is not kept after a restart or on another node either, and messages still find its user.
//!
//! Every record that a function returns is to be stored and gossiped by the caller.

mod settle;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::few::Few;
use super::presence::Presence;
use super::tokens::{TOKEN_VALID_US, TokenUser};
use crate::protocol::names::{NameKey, UserName};
use crate::protocol::presence::{Face, UserRecord};
use crate::protocol::{ErrorCode, Refusal, Ts, Uid};

/// Microseconds for which a name is kept for a user who has gone: time to restart a machine.
pub const NAME_KEPT_US: i64 = 10 * 60 * 1_000_000;

/// How long ago, in microseconds, a user was last seen who had only a brief session: so long that the
/// name is not kept, on nodes whose clocks differ and on those that know nothing of brief sessions.
const BRIEFLY_SEEN_US: i64 = 2 * NAME_KEPT_US;

/// Microseconds between two storings of when a user who is here was last seen.
pub const SEEN_INTERVAL_US: i64 = 60 * 1_000_000;

/// Users that are remembered, some 60 MB; past it, those are forgotten who were not seen for longest.
pub const RECORDS_MAX: usize = 200_000;

/// Numbers that are tried behind a taken name, before a part of the uid stands there.
const NUMBERS_TRIED: u32 = 98;

/// All users that are remembered, and the names they bear or last bore.
#[derive(Debug, Default)]
pub struct Names {
    users: HashMap<Uid, Box<Known>>,
    by_key: HashMap<NameKey, Few<Uid, ()>>,
}

#[derive(Debug)]
struct Known {
    record: UserRecord,
    key: NameKey,
    /// The `last_seen` that the caller was given to store.
    stored_seen: Ts,
}

/// Whether a name is to be kept for a user once its session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// A session like any other: the name is kept.
    Kept,
    /// A session for a message or two, of a user who is not among those who are here: the name
    /// is nobody's afterwards.
    Brief,
}

/// A new user's id: 60 random bits as 12 characters.
pub fn new_uid(random: [u8; 8]) -> Uid {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = u64::from_le_bytes(random);
    let digit = |at: u32| char::from(DIGITS[(bits >> (5 * at)) as usize & 31]);
    let text: String = (0..12).map(digit).collect();
    Uid::parse(&text).expect("12 lower-case letters and digits")
}

impl Names {
    /// What the store has kept.
    pub fn new(records: impl IntoIterator<Item = UserRecord>) -> Names {
        let mut names = Names::default();
        for record in records {
            names.put(record);
        }
        names
    }

    /// A new guest takes a name.
    ///
    /// # Errors
    /// `name_taken`, with a free name.
    pub fn claim(
        &mut self,
        uid: &Uid,
        name: &UserName,
        stay: Stay,
        presence: &Presence,
        now: Ts,
    ) -> Result<UserRecord, Refusal> {
        if self.is_taken(&name.key(), uid, presence, now) {
            return Err(self.taken(name, uid, presence, now));
        }
        let record = UserRecord {
            uid: uid.clone(),
            name: name.clone(),
            claimed_at: now,
            last_seen: match stay {
                Stay::Kept => now,
                Stay::Brief => self.briefly_seen(uid, now),
            },
        };
        self.put(record.clone());
        Ok(record)
    }

    /// A user comes back with a token. It keeps its name; where that has gone to somebody else, it
    /// gets another. `wanted` is a name that was said beside the token, and is taken instead.
    ///
    /// # Errors
    /// `name_taken`, of `wanted` only.
    pub fn reclaim(
        &mut self,
        token: &TokenUser,
        wanted: Option<&UserName>,
        stay: Stay,
        presence: &Presence,
        now: Ts,
    ) -> Result<UserRecord, Refusal> {
        let uid = &token.uid;
        let mut record = self.latest(token, presence);
        let lapsed = now.0 - record.last_seen.0 > NAME_KEPT_US && !presence.is_here(uid);
        let later = Ts(now.0.max(record.claimed_at.0 + 1));
        match wanted {
            Some(name) if *name != record.name => {
                if self.is_taken(&name.key(), uid, presence, now) {
                    return Err(self.taken(name, uid, presence, now));
                }
                record.name = name.clone();
                record.claimed_at = later;
            }
            Some(_) | None => {
                let held =
                    presence.is_here(uid) || !self.is_taken(&record.name.key(), uid, presence, now);
                if !held {
                    record.name = self.free_name(&record.name, uid, presence, now);
                }
                if !held || lapsed {
                    record.claimed_at = later;
                }
            }
        }
        record.last_seen = match stay {
            Stay::Kept => record.last_seen.max(now),
            Stay::Brief => self.briefly_seen(uid, now),
        };
        self.put(record.clone());
        Ok(record)
    }

    /// Whether the user may still speak under its name. A brief session holds its name against
    /// nobody, so it may have gone to somebody who has come since.
    ///
    /// # Errors
    /// `name_taken`, with a free name.
    pub fn still_free(&self, uid: &Uid, presence: &Presence, now: Ts) -> Result<(), Refusal> {
        match self.name_of(uid) {
            Some(name) if self.is_taken(&name.key(), uid, presence, now) => {
                Err(self.taken(name, uid, presence, now))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Who bears the name: somebody who is here before anybody else, else who bore it last.
    pub fn resolve(&self, name: &UserName, presence: &Presence) -> Option<Uid> {
        let key = name.key();
        let here = presence.bearers(&key).min_by_key(|face| claim_of(face));
        if let Some(face) = here {
            return Some(face.uid.clone());
        }
        let known = self.by_key.get(&key)?;
        let known = known.keys().filter_map(|uid| self.users.get(uid));
        known
            .map(|known| &known.record)
            .filter(|record| !is_outdated(record, presence))
            .max_by_key(|record| (record.last_seen, record.claimed_at, &record.uid))
            .map(|record| record.uid.clone())
    }

    /// The name that a user bears, or bore when last seen.
    pub fn name_of(&self, uid: &Uid) -> Option<&UserName> {
        self.users.get(uid).map(|known| &known.record.name)
    }

    /// The key of that name, as it is in memory here.
    pub fn key_of(&self, uid: &Uid) -> Option<&NameKey> {
        self.users.get(uid).map(|known| &known.key)
    }

    /// When a session of the user was last open, for [`super::tokens::Tokens::check`].
    pub fn last_seen(&self, uid: &Uid) -> Option<Ts> {
        self.users.get(uid).map(|known| known.record.last_seen)
    }

    /// Takes a record that came by gossip; returns what is remembered now, if that has changed.
    pub fn merge(&mut self, record: &UserRecord, now: Ts) -> Option<UserRecord> {
        if is_forgotten(record, now) {
            return None;
        }
        let merged = match self.users.get(&record.uid) {
            None => record.clone(),
            Some(known) => {
                let mut merged = known.record.clone();
                if !merged.merge(record) {
                    return None;
                }
                merged
            }
        };
        self.put(merged.clone());
        Some(merged)
    }

    /// A user's last session on this node has ended.
    pub fn left(&mut self, uid: &Uid, now: Ts) -> Option<UserRecord> {
        let known = self.users.get_mut(uid)?;
        known.record.last_seen = known.record.last_seen.max(now);
        known.stored_seen = known.record.last_seen;
        Some(known.record.clone())
    }

    /// Everybody who is here is seen now. Returns the records that are to be stored: of users with
    /// sessions here whose stored one is a minute old or has another name. To be called every few
    /// seconds.
    pub fn seen(&mut self, presence: &Presence, now: Ts) -> Vec<UserRecord> {
        let mut due = Vec::new();
        for face in presence.faces() {
            let mut record = record_of(face);
            record.last_seen = now;
            let known = self.users.get_mut(&face.uid);
            let (renamed, stored_seen) = match known {
                Some(known) => {
                    let before = known.record.name.clone();
                    known.record.merge(&record);
                    (known.record.name != before, known.stored_seen)
                }
                None => (true, Ts(0)),
            };
            if renamed {
                let merged = self.users.get(&face.uid).map(|known| known.record.clone());
                self.put(merged.unwrap_or(record));
            }
            let stale = renamed || now.0 - stored_seen.0 >= SEEN_INTERVAL_US;
            if stale
                && presence.is_local(&face.uid)
                && let Some(known) = self.users.get_mut(&face.uid)
            {
                known.stored_seen = now;
                due.push(known.record.clone());
            }
        }
        due
    }

    /// Forgets users who were not seen for as long as a token is valid, and, past
    /// [`RECORDS_MAX`], those not seen for longest. Returns whom the store may forget too. To be
    /// called every few hours.
    pub fn forget(&mut self, presence: &Presence, now: Ts) -> Vec<Uid> {
        self.forget_past(RECORDS_MAX, presence, now)
    }

    fn forget_past(&mut self, records_max: usize, presence: &Presence, now: Ts) -> Vec<Uid> {
        let mut absent: Vec<(Ts, Uid)> = self
            .users
            .values()
            .filter(|known| !presence.is_here(&known.record.uid))
            .map(|known| (known.record.last_seen, known.record.uid.clone()))
            .collect();
        absent.sort_unstable();
        let excess = self.users.len().saturating_sub(records_max);
        let old = absent.partition_point(|(seen, _)| now.0 - seen.0 > TOKEN_VALID_US);
        absent.truncate(excess.max(old));
        for (_, uid) in &absent {
            self.remove(uid);
        }
        absent.into_iter().map(|(_, uid)| uid).collect()
    }

    /// What is known of the user of a token, the latest of all sources.
    fn latest(&self, token: &TokenUser, presence: &Presence) -> UserRecord {
        let mut record = UserRecord {
            uid: token.uid.clone(),
            name: token.name.clone(),
            claimed_at: token.claimed_at,
            last_seen: token.issued_at,
        };
        if let Some(known) = self.users.get(&token.uid) {
            record.merge(&known.record);
        }
        if let Some(face) = presence.face(&token.uid) {
            record.merge(&record_of(face));
        }
        record
    }

    /// When a user was last seen who has a brief session now. It neither keeps the name nor ends the
    /// keeping of it for the user's other sessions.
    fn briefly_seen(&self, uid: &Uid, now: Ts) -> Ts {
        let briefly = Ts(now.0 - BRIEFLY_SEEN_US);
        self.last_seen(uid)
            .map_or(briefly, |seen| seen.max(briefly))
    }

    /// Whether somebody other than `uid` is here under the name, or was within ten minutes.
    fn is_taken(&self, key: &NameKey, uid: &Uid, presence: &Presence, now: Ts) -> bool {
        if presence.bearers(key).any(|face| face.uid != *uid) {
            return true;
        }
        let kept = |known: &Known| {
            known.record.uid != *uid
                && now.0 - known.record.last_seen.0 <= NAME_KEPT_US
                && !is_outdated(&known.record, presence)
        };
        let bearers = self.by_key.get(key).into_iter().flat_map(Few::keys);
        bearers
            .filter_map(|uid| self.users.get(uid).map(|known| &**known))
            .any(kept)
    }

    fn taken(&self, name: &UserName, uid: &Uid, presence: &Presence, now: Ts) -> Refusal {
        let free = self.free_name(name, uid, presence, now);
        let message = format!("the name {name} is taken; {free} is free");
        Refusal {
            suggestion: Some(free.into()),
            ..Refusal::new(ErrorCode::NameTaken, message)
        }
    }

    /// A free name like `name`: `alice-2` for `alice`, `alice-3` for `alice-2`.
    fn free_name(&self, name: &UserName, uid: &Uid, presence: &Presence, now: Ts) -> UserName {
        let (base, number) = split_number(name);
        let free = |name: &UserName| !self.is_taken(&name.key(), uid, presence, now);
        let numbered = (number..number + NUMBERS_TRIED).map(|n| base.numbered(n));
        if let Some(name) = numbered.into_iter().find(free) {
            return name;
        }
        // So many of one name are a program's; its users are told apart by their ids.
        let tail: String = uid.as_str().chars().take(12).collect();
        let kept: String = base.as_str().chars().take(31 - tail.len()).collect();
        UserName::parse(&format!("{kept}-{tail}")).unwrap_or(base)
    }

    fn put(&mut self, record: UserRecord) {
        let uid = record.uid.clone();
        self.remove(&uid);
        let key = record.name.key();
        let known = Known {
            stored_seen: record.last_seen,
            key: key.clone(),
            record,
        };
        self.by_key.entry(key).or_default().insert(uid.clone(), ());
        self.users.insert(uid, Box::new(known));
    }

    fn remove(&mut self, uid: &Uid) {
        let Some(known) = self.users.remove(uid) else {
            return;
        };
        if let Some(uids) = self.by_key.get_mut(&known.key) {
            uids.remove(uid);
            if uids.is_empty() {
                self.by_key.remove(&known.key);
            }
        }
    }
}

/// What two claims of one name are compared by: the smaller one stands.
fn claim_of(face: &Face) -> (Ts, Uid) {
    (face.named_at, face.uid.clone())
}

fn record_of(face: &Face) -> UserRecord {
    UserRecord {
        uid: face.uid.clone(),
        name: face.name.clone(),
        claimed_at: face.named_at,
        last_seen: Ts(0),
    }
}

/// Whether the user is here, and has claimed another name since.
fn is_outdated(record: &UserRecord, presence: &Presence) -> bool {
    let face = presence.face(&record.uid);
    face.is_some_and(|face| face.named_at > record.claimed_at)
}

/// Whether no token of the user can be valid any more.
fn is_forgotten(record: &UserRecord, now: Ts) -> bool {
    now.0 - record.last_seen.0 > TOKEN_VALID_US
}

/// A name without the number behind it, and the first number to try instead.
fn split_number(name: &UserName) -> (UserName, u32) {
    let numbered = name.as_str().rsplit_once('-').and_then(|(base, number)| {
        let number: u32 = number.parse().ok().filter(|n| (2..1000).contains(n))?;
        Some((UserName::parse(base).ok()?, number + 1))
    });
    numbered.unwrap_or_else(|| (name.clone(), 2))
}
