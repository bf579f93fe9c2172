//! Messages as they are now: what was written, and what has become of it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::commit::UpdateKind;
use super::error::StoreError;
use super::intern::Interned;
use super::registers;
use super::rows::Place;
use crate::protocol::server::{Message, MessageUpdate};
use crate::protocol::{Body, Event, MessageId, Nonce, Ts, Uid};

/// Names of reactions that a message shows, the earliest ones: a line must hold it.
const REACTIONS_SHOWN_MAX: usize = 1_000;

/// The columns that [`read_message`] reads, in its order.
pub(super) const MESSAGE_COLUMNS: &str = "e.ts, e.oid, e.seq, e.rid, e.uid, e.name, e.nonce, \
     e.text, e.target, t.late, c.deleted, x.ts, x.text";

/// What has become of the message of the row `e`: `c`, and the edit that counts, `x`.
pub(super) const MESSAGE_JOINS: &str = "LEFT JOIN changed c ON c.uid = e.uid AND c.nonce = e.nonce \
     LEFT JOIN events x ON x.oid = c.edit_oid AND x.seq = c.edit_seq";

/// The message that stands at this place.
pub(super) fn message_at(
    conn: &Connection,
    names: &Interned,
    place: Place,
) -> Result<Message, StoreError> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM events e
         LEFT JOIN timeline t ON t.rid = e.rid AND t.ts = e.ts AND t.oid = e.oid AND t.seq = e.seq
         {MESSAGE_JOINS} WHERE e.oid = ?1 AND e.seq = ?2"
    ))?;
    let mut rows = select.query((place.oid, place.seq))?;
    match rows.next()? {
        Some(row) => read_message(conn, names, row),
        None => Err(StoreError::Damaged(format!("no event at {place:?}"))),
    }
}

/// Makes the message of a row of [`MESSAGE_COLUMNS`].
pub(super) fn read_message(
    conn: &Connection,
    names: &Interned,
    row: &Row<'_>,
) -> Result<Message, StoreError> {
    let place = Place::read(row, 0)?;
    let column = |at: usize| -> Result<&str, StoreError> {
        row.get_ref(at)?
            .as_str()
            .map_err(StoreError::damaged("a message"))
    };
    let uid = Uid::parse(column(4)?).map_err(StoreError::damaged("a user's id"))?;
    let nonce = Nonce::parse(column(6)?).map_err(StoreError::damaged("a nonce"))?;
    let reply_to = match row.get_ref(8)?.as_str_or_null() {
        Ok(None) => None,
        Ok(Some(id)) => Some(MessageId::parse(id).map_err(StoreError::damaged("an answer"))?),
        Err(error) => return Err(StoreError::damaged("an answer")(error)),
    };
    let deleted: Option<bool> = row.get(10)?;
    let edited: Option<i64> = row.get(11)?;
    let mut message = Message {
        room: names.room(conn, row.get(3)?)?.to_string(),
        id: MessageId::new(&uid, &nonce),
        from: column(5)?.to_owned(),
        ts: Ts(place.ts),
        origin: names.origin(conn, place.oid)?,
        seq: place.seq as u64,
        text: None,
        reply_to,
        edited: None,
        deleted: deleted == Some(true),
        reactions: BTreeMap::new(),
        late: row.get::<_, Option<bool>>(9)?.unwrap_or(false),
        uid,
        nonce,
    };
    if !message.deleted {
        message.text = Some(column(if edited.is_some() { 12 } else { 7 })?.to_owned());
        message.edited = edited.map(Ts);
    }
    if deleted == Some(false) {
        message.reactions = reactions(conn, names, message.uid.as_str(), message.nonce.as_str())?;
    }
    Ok(message)
}

/// What an update shows whose message is not here, `room` being its room's text: nothing if it is
/// outdone by another, or is a reaction. Those are shown as a whole, and this node does not know them
/// all.
pub(super) fn early(
    conn: &Connection,
    names: &Interned,
    room: String,
    id: &MessageId,
    (kind, place): (UpdateKind, Place),
) -> Result<Option<MessageUpdate>, StoreError> {
    let changed = registers::changed(conn, id.uid().as_str(), id.nonce().as_str())?;
    let Some(changed) = changed else {
        return Ok(None);
    };
    let text = match kind {
        UpdateKind::Delete if changed.deleted => None,
        UpdateKind::Edit if !changed.deleted && changed.edit == Some(place) => {
            let text = conn
                .prepare_cached("SELECT text FROM events WHERE oid = ?1 AND seq = ?2")?
                .query_row((place.oid, place.seq), |row| row.get::<_, String>(0))?;
            Some(text)
        }
        UpdateKind::Edit | UpdateKind::Delete | UpdateKind::Reactions => return Ok(None),
    };
    Ok(Some(MessageUpdate {
        room,
        id: id.clone(),
        ts: Ts(place.ts),
        origin: names.origin(conn, place.oid)?,
        seq: place.seq as u64,
        edited: text.is_some().then_some(Ts(place.ts)),
        deleted: text.is_none(),
        text,
        reactions: None,
    }))
}

/// A message that nothing has happened to yet.
pub(super) fn fresh(event: &Event, late: bool) -> Option<Message> {
    let Body::Message { text, reply_to } = &event.body else {
        return None;
    };
    Some(Message {
        room: event.room.to_string(),
        id: MessageId::new(&event.uid, &event.nonce),
        from: event.name.as_str().to_owned(),
        uid: event.uid.clone(),
        ts: event.ts,
        origin: event.origin.clone(),
        seq: event.seq,
        text: Some(text.as_str().to_owned()),
        nonce: event.nonce.clone(),
        reply_to: reply_to.clone(),
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
        late,
    })
}

/// Names by emoji, the earliest first.
fn reactions(
    conn: &Connection,
    names: &Interned,
    uid: &str,
    nonce: &str,
) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT ts, oid, seq, emoji, name FROM reactions WHERE uid = ?1 AND nonce = ?2 AND active",
    )?;
    let mut rows = select.query((uid, nonce))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let place = Place::read(row, 0)?;
        let origin = names.origin(conn, place.oid)?;
        let shown: (String, String) = (row.get(3)?, row.get(4)?);
        found.push(((place.ts, origin, place.seq), shown));
    }
    found.sort_unstable();
    let mut by_emoji: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, (emoji, name)) in found.into_iter().take(REACTIONS_SHOWN_MAX) {
        by_emoji.entry(emoji).or_default().push(name);
    }
    Ok(by_emoji)
}

/// Bytes of the message as JSON, about.
pub fn message_bytes(message: &Message) -> usize {
    /// Field names, ids and numbers.
    const REST: usize = 300;
    let reactions = message.reactions.iter().map(|(emoji, names)| {
        emoji.len() + 6 + names.iter().map(|name| name.len() + 3).sum::<usize>()
    });
    REST + message.text.as_deref().map_or(0, escaped_bytes) + reactions.sum::<usize>()
}

/// Bytes of the update of a message that is not here as JSON, about.
pub(super) fn update_bytes(update: &MessageUpdate) -> usize {
    /// Field names, ids and numbers.
    const REST: usize = 200;
    REST + update.text.as_deref().map_or(0, escaped_bytes)
}

/// JSON writes control characters as six bytes, quotes and backslashes as two.
fn escaped_bytes(text: &str) -> usize {
    let escaped = |b: u8| match b {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}
