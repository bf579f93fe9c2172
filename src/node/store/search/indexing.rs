//! Bringing the index up to the log, some events at a time: read from the log at one moment, written
//! into the index in one transaction that says how far it is. What happens to a message is looked up where
//! it stands, so the order of events does not matter, and reading some of them twice changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::file::{self, Fault, IDS_OF_A_MOMENT, first_id};
use super::words::{self, words};
use crate::node::store::error::StoreError;
use crate::node::store::intern::{Oid, Rid};
use crate::node::store::reader::Reader;
use crate::node::store::rows::{Place, kind};
use crate::node::store::view::MESSAGE_JOINS;
use crate::protocol::limits::QUERY_PREFIX_CHARS_MIN;
use crate::protocol::{MessageId, Origin, RoomKey, Seq, UserName, VersionVector};

/// Events of one transaction: some tens of milliseconds, in which one that waits for its end is not yet
/// impatient.
const BATCH_EVENTS_MAX: usize = 1024;

/// Words that were written already and need not be again; past that it starts over.
const TERMS_REMEMBERED_MAX: usize = 64 * 1024;

/// Words shorter than this are found by the index's own tables of beginnings.
pub(super) const TERM_CHARS_MIN: usize = QUERY_PREFIX_CHARS_MIN + 2;

/// The index while it is written.
pub(super) struct Index {
    conn: Connection,
    progress: BTreeMap<Oid, i64>,
    terms: HashSet<String>,
}

/// The words of a message as the index holds them.
struct Doc {
    rid: Rid,
    /// For the writer, the room and the sides of a direct conversation.
    signs: Vec<String>,
    words: Vec<String>,
}

/// Events that were read, and what is to be written of them.
#[derive(Default)]
struct Batch {
    events: usize,
    /// By time, origin and number; nothing where a message does not stand or is deleted.
    docs: BTreeMap<(i64, Oid, i64), Option<Doc>>,
    rooms: BTreeMap<Rid, String>,
    read: Vec<Read>,
}

/// How far an origin was read, and the event that stands there.
struct Read {
    oid: Oid,
    origin: Origin,
    seq: i64,
    ts: i64,
    uid: String,
    nonce: String,
}

impl Index {
    /// Opens the index, or makes it anew.
    pub(super) fn open(path: &std::path::Path, log: &Reader) -> Result<Index, Fault> {
        let conn = log.at_one_moment(|log| Ok(file::open_writer(path, log)))??;
        Ok(Index {
            progress: file::progress(&conn)?,
            conn,
            terms: HashSet::new(),
        })
    }

    /// How far it is.
    pub(super) fn vector(&self, log: &Reader) -> Result<VersionVector, StoreError> {
        let places = self.progress.iter();
        places
            .map(|(oid, seq)| Ok((log.origin(*oid)?, *seq as Seq)))
            .collect()
    }

    /// Takes in the next events of the log; how many there were.
    pub(super) fn go_on(&mut self, log: &Reader) -> Result<usize, Fault> {
        let batch = log.at_one_moment(|log| read(log, &self.progress))?;
        if batch.events == 0 {
            return Ok(0);
        }
        let transaction = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
        let new_terms = write(&self.conn, &batch, &self.terms)?;
        transaction.commit()?;
        for read in &batch.read {
            self.progress.insert(read.oid, read.seq);
        }
        if self.terms.len() > TERMS_REMEMBERED_MAX {
            self.terms.clear();
        }
        self.terms.extend(new_terms);
        Ok(batch.events)
    }
}

fn read(log: &Reader, progress: &BTreeMap<Oid, i64>) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    let oids: Vec<Oid> = log
        .conn()
        .prepare_cached("SELECT oid FROM origins ORDER BY oid")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for oid in oids {
        if batch.events >= BATCH_EVENTS_MAX {
            break;
        }
        read_origin(
            log,
            oid,
            progress.get(&oid).copied().unwrap_or(0),
            &mut batch,
        )?;
    }
    Ok(batch)
}

fn read_origin(log: &Reader, oid: Oid, after: i64, batch: &mut Batch) -> Result<(), StoreError> {
    let left = BATCH_EVENTS_MAX - batch.events;
    let mut select = log.conn().prepare_cached(
        "SELECT ts, oid, seq, kind, uid, nonce, target FROM events
         WHERE oid = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = select.query((oid, after, left as i64))?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        batch.events += 1;
        let place = Place::read(row, 0)?;
        let changed = match row.get::<_, i64>(3)? {
            kind::MESSAGE => Some(place),
            kind::EDIT | kind::DELETE => {
                let target: String = row.get(6)?;
                let id = MessageId::parse(&target).map_err(StoreError::damaged("a target"))?;
                log.standing(&id)?.map(|standing| standing.place)
            }
            _ => None,
        };
        if let Some(place) = changed {
            let doc = doc(log, place)?;
            if let Some(doc) = &doc {
                batch.rooms.insert(doc.rid, log.room(doc.rid)?.to_string());
            }
            batch.docs.insert((place.ts, place.oid, place.seq), doc);
        }
        last = Some((place, row.get(4)?, row.get(5)?));
    }
    if let Some((place, uid, nonce)) = last {
        batch.read.push(Read {
            oid,
            origin: log.origin(oid)?,
            seq: place.seq,
            ts: place.ts,
            uid,
            nonce,
        });
    }
    Ok(())
}

/// The message at this place as it is now; nothing if it stands elsewhere or is deleted.
fn doc(log: &Reader, place: Place) -> Result<Option<Doc>, StoreError> {
    let found: Option<(Rid, String, Option<bool>, String)> = log
        .conn()
        .prepare_cached(&format!(
            "SELECT e.rid, e.name, c.deleted, coalesce(x.text, e.text) FROM events e
             CROSS JOIN timeline t ON t.rid = e.rid AND t.ts = e.ts AND t.oid = e.oid AND t.seq = e.seq
             {MESSAGE_JOINS} WHERE e.oid = ?1 AND e.seq = ?2"
        ))?
        .query_row((place.oid, place.seq), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((rid, name, None | Some(false), text)) = found else {
        return Ok(None);
    };
    let name = UserName::parse(&name).map_err(StoreError::damaged("a user's name"))?;
    let mut signs = vec![words::writer(name.key().as_str()), words::room(rid)];
    if let RoomKey::Direct(one, other) = log.room(rid)? {
        let sides = BTreeSet::from([one, other]);
        signs.extend(sides.iter().map(|uid| words::side(uid.as_str())));
    }
    Ok(Some(Doc {
        rid,
        signs,
        words: words(&text),
    }))
}

/// Writes in the order of time, as the index likes it best; gives the words that are new to it.
fn write(
    conn: &Connection,
    batch: &Batch,
    known: &HashSet<String>,
) -> Result<HashSet<String>, Fault> {
    let mut terms = HashSet::new();
    for ((ts, oid, seq), doc) in &batch.docs {
        write_doc(conn, (*ts, *oid, *seq), doc.as_ref())?;
        for word in doc.iter().flat_map(|doc| &doc.words) {
            let counts = word.len() >= TERM_CHARS_MIN && word.chars().count() >= TERM_CHARS_MIN;
            if counts && !known.contains(word) && !terms.contains(word) {
                conn.prepare_cached("INSERT OR IGNORE INTO terms (term) VALUES (?1)")?
                    .execute([word])?;
                terms.insert(word.clone());
            }
        }
    }
    for (rid, key) in &batch.rooms {
        conn.prepare_cached("INSERT OR IGNORE INTO rooms (rid, key) VALUES (?1, ?2)")?
            .execute((rid, key))?;
    }
    for read in &batch.read {
        conn.prepare_cached(
            "INSERT OR REPLACE INTO progress (oid, name, seq, ts, uid, nonce)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            read.oid,
            read.origin.as_str(),
            read.seq,
            read.ts,
            &read.uid,
            &read.nonce,
        ))?;
    }
    Ok(terms)
}

fn write_doc(
    conn: &Connection,
    (ts, oid, seq): (i64, Oid, i64),
    doc: Option<&Doc>,
) -> Result<(), Fault> {
    let first = first_id(ts);
    // The message's own number, if it has one, and else the first that is free.
    let (mut own, mut free) = (None, first);
    {
        let mut select = conn.prepare_cached(
            "SELECT id, oid, seq FROM places WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
        )?;
        let mut rows = select.query((first, first + (IDS_OF_A_MOMENT - 1)))?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if (row.get::<_, Oid>(1)?, row.get::<_, i64>(2)?) == (oid, seq) {
                own = Some(id);
            }
            if id == free {
                free = free.saturating_add(1);
            }
        }
    }
    if let Some(id) = own {
        conn.prepare_cached("DELETE FROM docs WHERE rowid = ?1")?
            .execute([id])?;
        if doc.is_none() {
            conn.prepare_cached("DELETE FROM places WHERE id = ?1")?
                .execute([id])?;
        }
    }
    let Some(doc) = doc else { return Ok(()) };
    if own.is_none() && free - first >= IDS_OF_A_MOMENT {
        tracing::warn!(
            ts,
            "more messages of one moment than the index can tell apart"
        );
        return Ok(());
    }
    let id = own.unwrap_or(free);
    let text = [doc.signs.join(" "), doc.words.join(" ")].join(" ");
    conn.prepare_cached("INSERT INTO docs (rowid, words) VALUES (?1, ?2)")?
        .execute((id, text))?;
    if own.is_none() {
        conn.prepare_cached("INSERT INTO places (id, oid, seq) VALUES (?1, ?2, ?3)")?
            .execute((id, oid, seq))?;
    }
    Ok(())
}
