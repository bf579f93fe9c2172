//! Events as rows of the table, and back.

use rusqlite::{Connection, Row};

use super::error::StoreError;
use super::intern::{Interned, Oid, Rid};
use crate::protocol::{Body, Event, MessageId, Nonce, RoomKey, Text, Ts, Uid, UserName};

/// An event's place, in numbers of this file. Order between places is by `(ts, origin)`, and
/// origins are ordered by their text: see [`Place::is_before`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) ts: i64,
    pub(super) oid: Oid,
    pub(super) seq: i64,
}

/// What stands in the column `kind`.
pub(super) mod kind {
    pub(in super::super) const MESSAGE: i64 = 0;
    pub(in super::super) const EDIT: i64 = 1;
    pub(in super::super) const DELETE: i64 = 2;
    pub(in super::super) const REACT: i64 = 3;
    pub(in super::super) const TOPIC: i64 = 4;
}

/// The columns that [`read_event`] reads, in its order.
pub(super) const EVENT_COLUMNS: &str =
    "e.oid, e.seq, e.ts, e.rid, e.uid, e.name, e.nonce, e.kind, e.target, e.text, e.active";

impl Place {
    /// Three columns from `first` on: `ts`, `oid`, `seq`.
    pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Place> {
        Ok(Place {
            ts: row.get(first)?,
            oid: row.get(first + 1)?,
            seq: row.get(first + 2)?,
        })
    }

    /// Whether it sorts before `other`, by `(ts, origin)`.
    pub(super) fn is_before(
        self,
        other: Place,
        conn: &Connection,
        names: &Interned,
    ) -> Result<bool, StoreError> {
        if self.ts != other.ts || self.oid == other.oid {
            return Ok((self.ts, self.seq) < (other.ts, other.seq));
        }
        Ok(names.origin(conn, self.oid)? < names.origin(conn, other.oid)?)
    }
}

/// The text in the column `target` for a topic of the room: no message's id has a slash first.
pub(super) fn topic_target(room: &RoomKey) -> String {
    format!("/{room}")
}

/// Writes the event's row.
pub(super) fn insert_event(
    conn: &Connection,
    event: &Event,
    place: Place,
    rid: Rid,
) -> Result<(), StoreError> {
    let room_target;
    let (kind, target, text, active) = match &event.body {
        Body::Message { text, reply_to } => (
            kind::MESSAGE,
            reply_to.as_ref().map(MessageId::as_str),
            Some(text.as_str()),
            None,
        ),
        Body::Edit { id, text } => (kind::EDIT, Some(id.as_str()), Some(text.as_str()), None),
        Body::Delete { id } => (kind::DELETE, Some(id.as_str()), None, None),
        Body::React { id, emoji, on } => (
            kind::REACT,
            Some(id.as_str()),
            Some(emoji.as_str()),
            Some(*on),
        ),
        Body::Topic { topic } => {
            room_target = topic_target(&event.room);
            (
                kind::TOPIC,
                Some(room_target.as_str()),
                Some(topic.as_str()),
                None,
            )
        }
    };
    conn.prepare_cached(
        "INSERT INTO events (oid, seq, ts, rid, uid, name, nonce, kind, target, text, active)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute((
        place.oid,
        place.seq,
        place.ts,
        rid,
        event.uid.as_str(),
        event.name.as_str(),
        event.nonce.as_str(),
        kind,
        target,
        text,
        active,
    ))?;
    Ok(())
}

/// Makes the event of a row of [`EVENT_COLUMNS`].
pub(super) fn read_event(
    conn: &Connection,
    names: &Interned,
    row: &Row<'_>,
) -> Result<Event, StoreError> {
    let kind: i64 = row.get(7)?;
    let target = || -> Result<MessageId, StoreError> {
        MessageId::parse(
            row.get_ref(8)?
                .as_str()
                .map_err(StoreError::damaged("an event"))?,
        )
        .map_err(StoreError::damaged("a message's id"))
    };
    let text = || -> Result<String, StoreError> { Ok(row.get(9)?) };
    let body = match kind {
        kind::MESSAGE => Body::Message {
            text: Text::stored(text()?),
            reply_to: match row.get::<_, Option<String>>(8)? {
                Some(_) => Some(target()?),
                None => None,
            },
        },
        kind::EDIT => Body::Edit {
            id: target()?,
            text: Text::stored(text()?),
        },
        kind::DELETE => Body::Delete { id: target()? },
        kind::REACT => Body::React {
            id: target()?,
            emoji: text()?,
            on: row.get(10)?,
        },
        kind::TOPIC => Body::Topic { topic: text()? },
        other => return Err(StoreError::Damaged(format!("an event of kind {other}"))),
    };
    let column = |at: usize| -> Result<&str, StoreError> {
        row.get_ref(at)?
            .as_str()
            .map_err(StoreError::damaged("an event"))
    };
    Ok(Event {
        origin: names.origin(conn, row.get(0)?)?,
        seq: row.get::<_, i64>(1)? as u64,
        ts: Ts(row.get(2)?),
        room: names.room(conn, row.get(3)?)?,
        uid: Uid::parse(column(4)?).map_err(StoreError::damaged("a user's id"))?,
        name: UserName::parse(column(5)?).map_err(StoreError::damaged("a user's name"))?,
        nonce: Nonce::parse(column(6)?).map_err(StoreError::damaged("a nonce"))?,
        body,
    })
}
