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
use super::identities::{Identities, Standing};
use super::intern::{Interned, Rid};
use super::registers::changed;
use super::rows::{self, Place, topic_target};
use super::view;
use crate::node::breaks::{Break, is_broken};
use crate::protocol::limits::LATE_AFTER_US;
use crate::protocol::{Body, Event, Ts};

/// The tables within the transaction that is open.
#[derive(Clone, Copy)]
pub(super) struct Merge<'a> {
    pub(super) conn: &'a Connection,
    pub(super) names: &'a Interned,
    pub(super) identities: &'a Identities,
    /// The physical time, for `late`.
    pub(super) now: Ts,
}

impl Merge<'_> {
    /// Writes the event into the log and takes in what it changes. If it is a message, `before` says
    /// where that stands already.
    pub(super) fn append(
        &self,
        event: &Event,
        place: Place,
        rid: Rid,
        before: Option<Standing>,
    ) -> Result<Outcome, StoreError> {
        rows::insert_event(self.conn, event, place, rid)?;
        self.identities.appended(place);
        match &event.body {
            Body::Message { .. } => self.message(event, place, rid, before),
            Body::Edit { .. } | Body::Delete { .. } if is_forged(event) => Ok(Outcome::Hidden),
            Body::Edit { .. } | Body::Delete { .. } | Body::React { .. } | Body::Topic { .. } => {
                self.update(event, place, rid)
            }
        }
    }

    fn message(
        &self,
        event: &Event,
        place: Place,
        rid: Rid,
        before: Option<Standing>,
    ) -> Result<Outcome, StoreError> {
        let (uid, nonce) = (event.uid.as_str(), event.nonce.as_str());
        if let Some(standing) = before {
            let before = place.is_before(standing.place, self.conn, self.names)?;
            if before == is_broken(Break::MergesByMaximum) {
                return Ok(Outcome::Hidden);
            }
            self.take_off_timeline(standing)?;
        }
        let late = self.is_late(rid, place.ts)?;
        self.identities.insert(uid, nonce, Standing { rid, place });
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
            Some(_) if is_broken(Break::MovesInSilence) => Outcome::Hidden,
            Some(_) => Outcome::Moved(view),
        })
    }

    fn standing(&self, uid: &str, nonce: &str) -> Result<Option<Standing>, StoreError> {
        self.identities.standing(self.conn, uid, nonce)
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
        if is_broken(Break::ForgetsEarlyUpdates)
            && let Some(id) = event.message_id()
            && self
                .standing(id.uid().as_str(), id.nonce().as_str())?
                .is_none()
        {
            return Ok(Outcome::Hidden);
        }
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
        self.outcome(event, place, counts || moved)
    }

    /// What is to be shown of an update.
    fn outcome(&self, event: &Event, place: Place, counts: bool) -> Result<Outcome, StoreError> {
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
        let Some(standing) = self.standing(id.uid().as_str(), id.nonce().as_str())? else {
            let room = event.room.to_string();
            let early = view::early(self.conn, self.names, room, &id, (kind, place))?;
            return Ok(early.map_or(Outcome::Hidden, Outcome::Early));
        };
        let view = view::message_at(self.conn, self.names, standing.place)?;
        if view.deleted && kind != UpdateKind::Delete {
            return Ok(Outcome::Hidden);
        }
        Ok(Outcome::Updated { kind, view })
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
