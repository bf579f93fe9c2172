//! What an event changes, whichever node it comes from and whenever: the same events in any order
//! make the same state.
//!
//! A message, and an update, that was accepted on several nodes counts once, at the smallest
//! `(ts, origin)`. Of the edits of a message the greatest `(ts, origin)` counts, and of the
//! reactions for each user and emoji; a topic likewise. A deletion is final. Since a message's id
//! says who wrote it, updates are applied whether the message is here yet or not: they wait for it
//! in their tables.

use rusqlite::{Connection, OptionalExtension};

use super::commit::{Outcome, UpdateKind};
use super::error::StoreError;
use super::intern::{Interned, Rid};
use super::rows::{self, Place, topic_target};
use super::view::{self, Standing};
use crate::protocol::limits::LATE_AFTER_US;
use crate::protocol::{Body, Event, MessageId, RoomKey, Ts};

/// The tables within the transaction that is open.
#[derive(Clone, Copy)]
pub(super) struct Merge<'a> {
    pub(super) conn: &'a Connection,
    pub(super) names: &'a Interned,
    /// The physical time, for `late`.
    pub(super) now: Ts,
}

/// What has become of a message: a row of `changed`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    edit: Option<Place>,
    pub(super) deleted: bool,
    /// The greatest place of its updates.
    pub(super) last: Place,
}

impl Merge<'_> {
    /// Writes the event into the log and takes in what it changes.
    pub(super) fn append(
        &self,
        event: &Event,
        place: Place,
        rid: Rid,
    ) -> Result<Outcome, StoreError> {
        rows::insert_event(self.conn, event, place, rid)?;
        match &event.body {
            Body::Message { .. } => self.message(event, place, rid),
            Body::Edit { .. } | Body::Delete { .. } if is_forged(event) => Ok(Outcome::Hidden),
            Body::Edit { .. } | Body::Delete { .. } | Body::React { .. } | Body::Topic { .. } => {
                self.update(event, place, rid)
            }
        }
    }

    fn message(&self, event: &Event, place: Place, rid: Rid) -> Result<Outcome, StoreError> {
        let (uid, nonce) = (event.uid.as_str(), event.nonce.as_str());
        let before = view::standing(self.conn, uid, nonce)?;
        if let Some(standing) = before {
            if !place.is_before(standing.place, self.conn, self.names)? {
                return Ok(Outcome::Hidden);
            }
            self.take_off_timeline(standing)?;
        }
        let late = self.is_late(rid, place.ts)?;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO identity (uid, nonce, rid, ts, oid, seq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((uid, nonce, rid, place.ts, place.oid, place.seq))?;
        self.conn
            .prepare_cached(
                "INSERT INTO timeline (rid, ts, oid, seq, late) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((rid, place.ts, place.oid, place.seq, late))?;
        let view = match (changed(self.conn, uid, nonce)?, view::fresh(event, late)) {
            (None, Some(fresh)) => fresh,
            (Some(_), _) | (None, None) => view::message_at(self.conn, self.names, place)?,
        };
        Ok(match before {
            None => Outcome::Message(view),
            Some(_) => Outcome::Moved(view),
        })
    }

    fn take_off_timeline(&self, standing: Standing) -> Result<(), StoreError> {
        let Standing { rid, place } = standing;
        self.conn
            .prepare_cached(
                "DELETE FROM timeline WHERE rid = ?1 AND ts = ?2 AND oid = ?3 AND seq = ?4",
            )?
            .execute((rid, place.ts, place.oid, place.seq))?;
        Ok(())
    }

    /// Whether a message with this time comes long after it, behind newer ones of its room.
    fn is_late(&self, rid: Rid, ts: i64) -> Result<bool, StoreError> {
        if self.now.0 - ts <= LATE_AFTER_US {
            return Ok(false);
        }
        let newest: Option<i64> = self
            .conn
            .prepare_cached("SELECT ts FROM timeline WHERE rid = ?1 ORDER BY ts DESC LIMIT 1")?
            .query_row([rid], |row| row.get(0))
            .optional()?;
        Ok(newest.is_some_and(|newest| newest > ts))
    }

    fn update(&self, event: &Event, place: Place, rid: Rid) -> Result<Outcome, StoreError> {
        let target = match event.message_id() {
            Some(id) => id.as_str().to_owned(),
            None => topic_target(&event.room),
        };
        let before = standing_update(self.conn, event.uid.as_str(), event.nonce.as_str())?;
        if let Some((standing, _)) = &before
            && !place.is_before(*standing, self.conn, self.names)?
        {
            return Ok(Outcome::Hidden);
        }
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO updates (uid, nonce, ts, oid, seq, target)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                event.uid.as_str(),
                event.nonce.as_str(),
                place.ts,
                place.oid,
                place.seq,
                &target,
            ))?;
        if let Some((_, target_before)) = &before {
            // It stood at a greater place: what counted because of that may not any more.
            self.recount(target_before)?;
        }
        let counts = self.count(event, place, rid)?;
        let moved = before.is_some() && !matches!(event.body, Body::Topic { .. });
        self.outcome(event, counts || moved)
    }

    /// What is to be shown of an update.
    fn outcome(&self, event: &Event, counts: bool) -> Result<Outcome, StoreError> {
        let kind = match &event.body {
            Body::Edit { .. } => UpdateKind::Edit,
            Body::Delete { .. } => UpdateKind::Delete,
            Body::React { .. } => UpdateKind::Reactions,
            Body::Topic { .. } if counts => return Ok(Outcome::Topic),
            Body::Topic { .. } | Body::Message { .. } => return Ok(Outcome::Hidden),
        };
        let Some(id) = event.message_id().filter(|_| counts) else {
            return Ok(Outcome::Hidden);
        };
        let Some(standing) = view::standing(self.conn, id.uid().as_str(), id.nonce().as_str())?
        else {
            return Ok(Outcome::Hidden);
        };
        let view = view::message_at(self.conn, self.names, standing.place)?;
        if view.deleted && kind != UpdateKind::Delete {
            return Ok(Outcome::Hidden);
        }
        Ok(Outcome::Updated { kind, view })
    }

    /// Takes one update that stands into what it changes. Says whether it is the one that counts
    /// there now.
    fn count(&self, event: &Event, place: Place, rid: Rid) -> Result<bool, StoreError> {
        match &event.body {
            Body::Message { .. } => Ok(false),
            Body::Edit { id, .. } => self.change(id, place, |changed, later| {
                if later {
                    changed.edit = Some(place);
                }
                later
            }),
            Body::Delete { id } => self.change(id, place, |changed, _| {
                changed.deleted = true;
                true
            }),
            Body::React { id, emoji, on } => {
                self.change(id, place, |_, _| true)?;
                self.react(event, id, emoji, *on, place)
            }
            Body::Topic { .. } => self.topic(rid, place),
        }
    }

    /// Changes a message's row of `changed`; `how` hears whether `place` is after the edit that
    /// counts.
    fn change(
        &self,
        id: &MessageId,
        place: Place,
        how: impl FnOnce(&mut Changed, bool) -> bool,
    ) -> Result<bool, StoreError> {
        let (uid, nonce) = (id.uid(), id.nonce());
        let mut row = changed(self.conn, uid.as_str(), nonce.as_str())?.unwrap_or(Changed {
            edit: None,
            deleted: false,
            last: place,
        });
        let later = match row.edit {
            Some(edit) => !place.is_before(edit, self.conn, self.names)?,
            None => true,
        };
        if row.last.is_before(place, self.conn, self.names)? {
            row.last = place;
        }
        let counts = how(&mut row, later);
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO changed (uid, nonce, edit_ts, edit_oid, edit_seq, deleted,
                   last_ts, last_oid, last_seq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((
                uid.as_str(),
                nonce.as_str(),
                row.edit.map(|edit| edit.ts),
                row.edit.map(|edit| edit.oid),
                row.edit.map(|edit| edit.seq),
                row.deleted,
                row.last.ts,
                row.last.oid,
                row.last.seq,
            ))?;
        Ok(counts)
    }

    fn react(
        &self,
        event: &Event,
        id: &MessageId,
        emoji: &str,
        on: bool,
        place: Place,
    ) -> Result<bool, StoreError> {
        let (uid, nonce) = (id.uid(), id.nonce());
        let counting = self
            .conn
            .prepare_cached(
                "SELECT ts, oid, seq FROM reactions
                 WHERE uid = ?1 AND nonce = ?2 AND emoji = ?3 AND by = ?4",
            )?
            .query_row(
                (uid.as_str(), nonce.as_str(), emoji, event.uid.as_str()),
                |row| Place::read(row, 0),
            )
            .optional()?;
        if let Some(counting) = counting
            && place.is_before(counting, self.conn, self.names)?
        {
            return Ok(false);
        }
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO reactions
                   (uid, nonce, emoji, by, name, active, ts, oid, seq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute((
                uid.as_str(),
                nonce.as_str(),
                emoji,
                event.uid.as_str(),
                event.name.as_str(),
                on,
                place.ts,
                place.oid,
                place.seq,
            ))?;
        Ok(true)
    }

    fn topic(&self, rid: Rid, place: Place) -> Result<bool, StoreError> {
        if let Some(counting) = topic_place(self.conn, rid)?
            && place.is_before(counting, self.conn, self.names)?
        {
            return Ok(false);
        }
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO topics (rid, ts, oid, seq) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((rid, place.ts, place.oid, place.seq))?;
        Ok(true)
    }

    /// Makes anew what the updates that stand make of a message, or of a room's topic.
    fn recount(&self, target: &str) -> Result<(), StoreError> {
        match target.strip_prefix('/') {
            Some(room) => {
                let room = RoomKey::try_from(room.to_owned())
                    .map_err(StoreError::damaged("a topic's room"))?;
                if let Some(rid) = self.names.rid(self.conn, &room)? {
                    self.conn
                        .prepare_cached("DELETE FROM topics WHERE rid = ?1")?
                        .execute([rid])?;
                }
            }
            None => {
                let id = MessageId::parse(target).map_err(StoreError::damaged("a target"))?;
                let (uid, nonce) = (id.uid(), id.nonce());
                for delete in [
                    "DELETE FROM changed WHERE uid = ?1 AND nonce = ?2",
                    "DELETE FROM reactions WHERE uid = ?1 AND nonce = ?2",
                ] {
                    self.conn
                        .prepare_cached(delete)?
                        .execute((uid.as_str(), nonce.as_str()))?;
                }
            }
        }
        let mut select = self.conn.prepare_cached(&format!(
            "SELECT {} FROM updates u CROSS JOIN events e ON e.oid = u.oid AND e.seq = u.seq
             WHERE u.target = ?1",
            rows::EVENT_COLUMNS
        ))?;
        let mut found = select.query([target])?;
        while let Some(row) = found.next()? {
            let event = rows::read_event(self.conn, self.names, row)?;
            let place = Place {
                ts: row.get(2)?,
                oid: row.get(0)?,
                seq: row.get(1)?,
            };
            self.count(&event, place, row.get(3)?)?;
        }
        Ok(())
    }
}

/// An edit or deletion of what somebody else wrote: no node of ours accepts one, so it changes
/// nothing.
pub(super) fn is_forged(event: &Event) -> bool {
    match &event.body {
        Body::Edit { id, .. } | Body::Delete { id } => id.uid() != event.uid,
        Body::Message { .. } | Body::React { .. } | Body::Topic { .. } => false,
    }
}

/// Where the update `(uid, nonce)` stands, and what it changes.
pub(super) fn standing_update(
    conn: &Connection,
    uid: &str,
    nonce: &str,
) -> Result<Option<(Place, String)>, StoreError> {
    let found = conn
        .prepare_cached("SELECT ts, oid, seq, target FROM updates WHERE uid = ?1 AND nonce = ?2")?
        .query_row((uid, nonce), |row| Ok((Place::read(row, 0)?, row.get(3)?)))
        .optional()?;
    Ok(found)
}

/// What has become of the message `(uid, nonce)`, if anything.
pub(super) fn changed(
    conn: &Connection,
    uid: &str,
    nonce: &str,
) -> Result<Option<Changed>, StoreError> {
    let found = conn
        .prepare_cached(
            "SELECT edit_ts, edit_oid, edit_seq, deleted, last_ts, last_oid, last_seq
             FROM changed WHERE uid = ?1 AND nonce = ?2",
        )?
        .query_row((uid, nonce), |row| {
            let edited: Option<i64> = row.get(0)?;
            Ok(Changed {
                edit: edited.map(|_| Place::read(row, 0)).transpose()?,
                deleted: row.get(3)?,
                last: Place::read(row, 4)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Where the room's topic stands, if it has one.
pub(super) fn topic_place(conn: &Connection, rid: Rid) -> Result<Option<Place>, StoreError> {
    let found = conn
        .prepare_cached("SELECT ts, oid, seq FROM topics WHERE rid = ?1")?
        .query_row([rid], |row| Place::read(row, 0))
        .optional()?;
    Ok(found)
}
