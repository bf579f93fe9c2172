//! What counts, of all the updates that stand: the last edit of a message, whether it is deleted,
//! each user's reaction with each emoji, a room's topic.

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::intern::Rid;
use super::merge::Merge;
use super::rows::{self, Place};
use crate::node::breaks::{Break, is_broken};
use crate::protocol::{Body, Event, MessageId, RoomKey};

/// What has become of a message: a row of `changed`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    pub(super) edit: Option<Place>,
    pub(super) deleted: bool,
    /// The greatest place of its updates.
    pub(super) last: Place,
}

impl Merge<'_> {
    /// Takes one update that stands into what it changes. Says whether it is the one that counts
    /// there now.
    pub(super) fn count(&self, event: &Event, place: Place, rid: Rid) -> Result<bool, StoreError> {
        match &event.body {
            Body::Message { .. } => Ok(false),
            Body::Edit { id, .. } => self.change(id, place, |changed, later| {
                if later {
                    changed.edit = Some(place);
                    changed.deleted &= !is_broken(Break::DeletesAreNotFinal);
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
            Some(_) if is_broken(Break::LastComerWins) => true,
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
    pub(super) fn recount(&self, target: &str) -> Result<(), StoreError> {
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
