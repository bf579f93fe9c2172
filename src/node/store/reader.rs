//! Reading the log: rooms, topics, single messages, and ranges for peers. Pages of messages are in
//! `pages`, what a reader has missed in `since` and `replay`, soft state in `soft`.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::identities::{Identities, Standing};
use super::intern::{Interned, Oid, Rid};
use super::{registers, rows, view};
use crate::protocol::peer::event_bytes_max;
use crate::protocol::server::{Message, Place};
use crate::protocol::{Event, MessageId, Origin, RoomKey, Seq, Ts, Uid, VersionVector};

/// A connection that reads. What one call of [`Store::read`](super::Store::read) asks is all
/// answered from the log as it was at one moment.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    names: Interned,
    identities: Identities,
}

/// A room as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    pub room: RoomKey,
    /// Empty if it has none.
    pub topic: String,
    /// The newest message's time; 0 for none.
    pub last: Ts,
}

/// A room's topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub topic: String,
    /// The name it was set under.
    pub user: String,
    pub place: Place,
}

/// How far each origin may be read.
pub(super) type Bound = HashMap<Oid, i64>;

impl Reader {
    pub(super) fn new(conn: Connection) -> Reader {
        Reader {
            conn,
            names: Interned::default(),
            identities: Identities::default(),
        }
    }

    /// Runs `work` within one transaction.
    pub(super) fn at_one_moment<T>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.conn.prepare_cached("BEGIN")?.execute([])?;
        self.identities.moment_begins();
        let done = work(self);
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        done
    }

    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    pub(super) fn names(&self) -> &Interned {
        &self.names
    }

    pub(super) fn origin(&self, oid: Oid) -> Result<Origin, StoreError> {
        self.names.origin(&self.conn, oid)
    }

    pub(super) fn room(&self, rid: Rid) -> Result<RoomKey, StoreError> {
        self.names.room(&self.conn, rid)
    }

    pub(super) fn rid(&self, room: &RoomKey) -> Result<Option<Rid>, StoreError> {
        self.names.rid(&self.conn, room)
    }

    /// The vector in numbers of this file; origins that are not known here are left out.
    pub(super) fn bound(&self, vector: &VersionVector) -> Result<Bound, StoreError> {
        let mut bound = Bound::with_capacity(vector.len());
        for (origin, seq) in vector.iter() {
            if let Some(oid) = self.names.oid(&self.conn, origin)? {
                bound.insert(oid, seq as i64);
            }
        }
        Ok(bound)
    }

    /// How far each origin is held.
    pub fn held(&self) -> Result<VersionVector, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT o.oid, (SELECT max(seq) FROM events e WHERE e.oid = o.oid) FROM origins o",
        )?;
        let mut rows = select.query([])?;
        let mut held = VersionVector::new();
        while let Some(row) = rows.next()? {
            if let Some(seq) = row.get::<_, Option<i64>>(1)? {
                held.advance(&self.origin(row.get(0)?)?, seq as Seq);
            }
        }
        Ok(held)
    }

    /// Whether anybody has ever joined the room or said something in it.
    pub fn room_exists(&self, room: &RoomKey) -> Result<bool, StoreError> {
        let Some(rid) = self.rid(room)? else {
            return Ok(false);
        };
        let exists = self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM soft_rooms WHERE rid = ?1)
                     OR EXISTS (SELECT 1 FROM events WHERE rid = ?1)",
            )?
            .query_row([rid], |row| row.get(0))?;
        Ok(exists)
    }

    /// All rooms, by name; direct conversations are not among them.
    pub fn rooms(&self) -> Result<Vec<RoomSummary>, StoreError> {
        // No room's name begins with "@", the sign of direct conversations.
        let mut select = self.conn.prepare_cached(
            "SELECT rid FROM rooms WHERE key < '@' UNION ALL SELECT rid FROM rooms WHERE key >= 'A'",
        )?;
        let rids: Vec<Rid> = select
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut found = Vec::with_capacity(rids.len());
        for rid in rids {
            let summary = self.summary(rid)?;
            if summary.last > Ts(0) || self.room_exists(&summary.room)? {
                found.push(summary);
            }
        }
        found.sort_unstable_by(|a, b| a.room.cmp(&b.room));
        Ok(found)
    }

    /// The direct conversations of the user in which something was said.
    pub fn directs(&self, uid: &Uid) -> Result<Vec<RoomSummary>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached("SELECT rid FROM directs WHERE uid = ?1")?;
        let rids: Vec<Rid> = select
            .query_map([uid.as_str()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut found = Vec::with_capacity(rids.len());
        for rid in rids {
            found.push(self.summary(rid)?);
        }
        found.retain(|summary| summary.last > Ts(0));
        found.sort_unstable_by(|a, b| a.room.cmp(&b.room));
        Ok(found)
    }

    fn summary(&self, rid: Rid) -> Result<RoomSummary, StoreError> {
        let last: Option<i64> = self
            .conn
            .prepare_cached("SELECT ts FROM timeline WHERE rid = ?1 ORDER BY ts DESC LIMIT 1")?
            .query_row([rid], |row| row.get(0))
            .optional()?;
        Ok(RoomSummary {
            room: self.room(rid)?,
            topic: self.topic_of(rid)?.map_or(String::new(), |t| t.topic),
            last: Ts(last.unwrap_or(0)),
        })
    }

    /// The room's topic, if one was ever set.
    pub fn topic(&self, room: &RoomKey) -> Result<Option<Topic>, StoreError> {
        match self.rid(room)? {
            Some(rid) => self.topic_of(rid),
            None => Ok(None),
        }
    }

    fn topic_of(&self, rid: Rid) -> Result<Option<Topic>, StoreError> {
        let Some(place) = registers::topic_place(&self.conn, rid)? else {
            return Ok(None);
        };
        let (topic, user) = self
            .conn
            .prepare_cached("SELECT text, name FROM events WHERE oid = ?1 AND seq = ?2")?
            .query_row((place.oid, place.seq), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Some(Topic {
            topic,
            user,
            place: Place {
                ts: Ts(place.ts),
                origin: self.origin(place.oid)?,
                seq: place.seq as Seq,
            },
        }))
    }

    /// The message as it is now, if it is here.
    pub fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        match self.standing(id)? {
            Some(standing) => view::message_at(&self.conn, &self.names, standing.place).map(Some),
            None => Ok(None),
        }
    }

    /// Where the message stands, if it is here.
    pub(super) fn standing(&self, id: &MessageId) -> Result<Option<Standing>, StoreError> {
        let (uid, nonce) = (id.uid(), id.nonce());
        self.identities
            .standing_now(&self.conn, uid.as_str(), nonce.as_str())
    }

    /// The event at this place, if it is here.
    pub fn event(&self, origin: &Origin, seq: Seq) -> Result<Option<Event>, StoreError> {
        match self.names.oid(&self.conn, origin)? {
            Some(oid) => event_at(&self.conn, &self.names, oid, seq as i64),
            None => Ok(None),
        }
    }

    /// What `origin` wrote after `seq`, in order: `limit` events at most, and no more than make up
    /// `bytes` on the wire, save that one event always comes if there is one.
    pub fn events_after(
        &self,
        origin: &Origin,
        seq: Seq,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Arc<Event>>, StoreError> {
        let Some(oid) = self.names.oid(&self.conn, origin)? else {
            return Ok(Vec::new());
        };
        let mut select = self.conn.prepare_cached(&format!(
            "SELECT {} FROM events e WHERE e.oid = ?1 AND e.seq > ?2 ORDER BY e.seq",
            rows::EVENT_COLUMNS
        ))?;
        let mut rows = select.query((oid, seq as i64))?;
        let mut found = Vec::new();
        let mut used = 0;
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            let event = rows::read_event(&self.conn, &self.names, row)?;
            used += event_bytes_max(&event);
            if used > bytes && !found.is_empty() {
                break;
            }
            found.push(Arc::new(event));
        }
        Ok(found)
    }

    /// The hash of what `origin` wrote past `after` and up to `up_to`, the same wherever the same events
    /// are. Where some are missing or cannot be read, it is like no other's.
    pub fn hash(&self, origin: &Origin, after: Seq, up_to: Seq) -> Result<String, StoreError> {
        let count = usize::try_from(up_to.saturating_sub(after)).unwrap_or(usize::MAX);
        let events = match self.events_after(origin, after, count, usize::MAX) {
            Ok(events) => events,
            Err(StoreError::Damaged(what)) => return Ok(format!("damaged: {what}")),
            Err(error) => return Err(error),
        };
        if events.len() != count {
            return Ok(format!("{} of {count} events", events.len()));
        }
        let mut hasher = blake3::Hasher::new();
        for event in events {
            serde_json::to_writer(&mut hasher, &*event).map_err(StoreError::damaged("an event"))?;
            hasher.update(b"\n");
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Messages of the room past the marker `read`, counted up to `max`. What takes part in several
    /// places is counted at each, so it may be a little too high after a partition.
    ///
    /// In a direct conversation only what the other one has said and not deleted: it is the reason for
    /// `by` to go there. Of rooms there may be many, and they are asked for with each connection:
    /// they are counted in the index alone.
    pub fn unread(
        &self,
        room: &RoomKey,
        by: &Uid,
        read: &VersionVector,
        up_to: &VersionVector,
        max: u32,
    ) -> Result<u32, StoreError> {
        let span = (read, up_to);
        match room {
            RoomKey::Room(_) => {
                let sql = "SELECT count(*) FROM (SELECT 1 FROM events
                   WHERE rid = ?1 AND oid = ?2 AND seq > ?3 AND seq <= ?4 AND kind = 0 LIMIT ?5)";
                self.count_missed(room, span, max, |conn, (rid, oid, from, to, max)| {
                    let mut select = conn.prepare_cached(sql)?;
                    select.query_row((rid, oid, from, to, max), |row| row.get(0))
                })
            }
            RoomKey::Direct(..) => {
                let sql = "SELECT count(*) FROM (SELECT 1 FROM events e
                   WHERE rid = ?1 AND oid = ?2 AND seq > ?3 AND seq <= ?4 AND kind = 0 AND uid <> ?6
                     AND NOT EXISTS (SELECT 1 FROM changed c
                       WHERE c.uid = e.uid AND c.nonce = e.nonce AND c.deleted) LIMIT ?5)";
                self.count_missed(room, span, max, |conn, (rid, oid, from, to, max)| {
                    let mut select = conn.prepare_cached(sql)?;
                    select.query_row((rid, oid, from, to, max, by.as_str()), |row| row.get(0))
                })
            }
        }
    }

    /// Events of the room that a reader who holds `since` has missed, counted up to `max`.
    pub fn missed(
        &self,
        room: &RoomKey,
        since: &VersionVector,
        up_to: &VersionVector,
        max: u32,
    ) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM events
           WHERE rid = ?1 AND oid = ?2 AND seq > ?3 AND seq <= ?4 LIMIT ?5)";
        self.count_missed(room, (since, up_to), max, |conn, span| {
            conn.prepare_cached(sql)?.query_row(span, |row| row.get(0))
        })
    }

    /// Counts of each origin what lies between two vectors, until it is `max`.
    fn count_missed(
        &self,
        room: &RoomKey,
        (since, up_to): (&VersionVector, &VersionVector),
        max: u32,
        count_of: impl Fn(&Connection, (Rid, Oid, i64, i64, u32)) -> rusqlite::Result<u32>,
    ) -> Result<u32, StoreError> {
        let Some(rid) = self.rid(room)? else {
            return Ok(0);
        };
        let mut count = 0;
        for (origin, to) in up_to.iter() {
            let from = since.get(origin);
            if from >= to || count >= max {
                continue;
            }
            if let Some(oid) = self.names.oid(&self.conn, origin)? {
                let span = (rid, oid, from as i64, to as i64, max - count);
                count += count_of(&self.conn, span)?;
            }
        }
        Ok(count)
    }
}

/// The event at this place, if it is here.
pub(super) fn event_at(
    conn: &Connection,
    names: &Interned,
    oid: Oid,
    seq: i64,
) -> Result<Option<Event>, StoreError> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT {} FROM events e WHERE e.oid = ?1 AND e.seq = ?2",
        rows::EVENT_COLUMNS
    ))?;
    let mut found = select.query((oid, seq))?;
    match found.next()? {
        Some(row) => rows::read_event(conn, names, row).map(Some),
        None => Ok(None),
    }
}
