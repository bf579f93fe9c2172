//! Where each message `(uid, nonce)` stands.
//!
//! The table `identity` tells it of all messages but the newest. Written with every message it would be
//! touched on a page for each of those who write, and these pages were more than half of what a commit
//! wrote. So the newest are kept in memory, and put into the table some thousands at a time, sorted, a
//! slice with each commit.
//!
//! Up to `origins.identified` the table knows each origin's messages. It rises in the transaction of the
//! last slice, so what is in memory can always be made anew: from the events past it, of which those
//! count that are in the timeline. Whoever reads has a memory of its own, made in the same way, of the
//! log as it sees it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::intern::{Oid, Rid};
use super::rows::Place;
use crate::node::breaks::{Break, is_broken};

/// Events past what the table knows at which it is brought up to them. What a start reads again is this
/// and half of it, and the events of a transaction: some hundredths of a second.
const MERGE_AT_EVENTS: usize = 4 * 1024;

/// Messages that a commit puts into the table at least, while some are due: a twentieth of a
/// millisecond. With more events in it, it takes twice as many as they are, so that what is due shrinks.
const SLICE_MIN: usize = 32;

/// Slices in which all is in the table, at most.
const SLICES_MAX: usize = 128;

/// Messages of a transaction that does nothing else.
const SLICE_ALONE: usize = 1024;

/// Where a message stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) rid: Rid,
    pub(super) place: Place,
}

/// What a connection keeps in memory of it.
#[derive(Debug)]
pub(super) struct Identities {
    state: RefCell<State>,
    /// What is in memory is as the open transaction sees it.
    is_current: Cell<bool>,
    merge_at: Cell<usize>,
    slice_min: Cell<usize>,
}

#[derive(Debug, Default)]
struct State {
    /// Messages that the table does not know, or not rightly, by their ids.
    recent: BTreeMap<String, Standing>,
    /// How far the table knows each origin.
    identified: HashMap<Oid, i64>,
    /// How far table and memory do.
    seen: HashMap<Oid, i64>,
    /// Events between the two.
    behind: usize,
    /// Events since the last slice.
    added: usize,
    merging: Option<Merging>,
}

/// Messages on their way into the table: those up to a vector.
#[derive(Debug)]
struct Merging {
    up_to: HashMap<Oid, i64>,
    /// The last id that is in the table already.
    after: Option<String>,
}

impl Default for Identities {
    fn default() -> Identities {
        Identities {
            state: RefCell::default(),
            is_current: Cell::new(false),
            merge_at: Cell::new(MERGE_AT_EVENTS),
            slice_min: Cell::new(SLICE_MIN),
        }
    }
}

impl Identities {
    /// Reads what is in memory anew. For the writer, when its last transaction failed.
    pub(super) fn load(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut state = State::default();
        state.catch_up(conn)?;
        if is_broken(Break::ForgetsNewIdentities) {
            state.recent.clear();
        }
        *self.state.borrow_mut() = state;
        Ok(())
    }

    /// Where the message stands, if it is here. For the writer, whose memory is always current.
    pub(super) fn standing(
        &self,
        conn: &Connection,
        uid: &str,
        nonce: &str,
    ) -> Result<Option<Standing>, StoreError> {
        match self.state.borrow().recent.get(&id(uid, nonce)) {
            Some(standing) => Ok(Some(*standing)),
            None => in_table(conn, uid, nonce),
        }
    }

    /// The writer has put a message into the timeline.
    pub(super) fn insert(&self, uid: &str, nonce: &str, standing: Standing) {
        let mut state = self.state.borrow_mut();
        state.recent.insert(id(uid, nonce), standing);
    }

    /// The writer has appended an event, of whichever kind.
    pub(super) fn appended(&self, place: Place) {
        let mut state = self.state.borrow_mut();
        state.seen.insert(place.oid, place.seq);
        state.behind += 1;
        state.added += 1;
    }

    /// Puts some messages into the table if that is due, within the writer's transaction. If it fails
    /// or the transaction does, [`Identities::load`] is due.
    pub(super) fn merge_some(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut state = self.state.borrow_mut();
        let slice = 2 * std::mem::take(&mut state.added);
        let slice = slice.max(self.slice_min.get());
        // More where much is due, as after transactions that failed: each began it anew.
        let slice = slice.max(state.behind / SLICES_MAX);
        if state.merging.is_some() || state.behind >= self.merge_at.get() {
            state.merge(conn, slice)?;
        }
        Ok(())
    }

    /// Whether the table is to be brought up to what is in memory.
    pub(super) fn is_due(&self) -> bool {
        self.state.borrow().behind >= self.merge_at.get()
    }

    /// Does some of what is left, due or not; whether there was anything.
    pub(super) fn merge_rest(&self, conn: &Connection) -> Result<bool, StoreError> {
        let mut state = self.state.borrow_mut();
        let is_behind = state.behind > 0;
        if is_behind {
            state.merge(conn, SLICE_ALONE)?;
        }
        Ok(is_behind)
    }

    /// A reader's transaction begins.
    pub(super) fn moment_begins(&self) {
        self.is_current.set(false);
    }

    /// Where the message stands, if it is here. For readers: most are answered by the table alone, as
    /// the timeline says whether it is right.
    pub(super) fn standing_now(
        &self,
        conn: &Connection,
        uid: &str,
        nonce: &str,
    ) -> Result<Option<Standing>, StoreError> {
        if let Some(standing) = in_table(conn, uid, nonce)?
            && is_in_timeline(conn, standing)?
        {
            return Ok(Some(standing));
        }
        let mut state = self.state.borrow_mut();
        if !self.is_current.get() || conn.is_autocommit() {
            state.catch_up(conn)?;
            self.is_current.set(true);
        }
        Ok(state.recent.get(&id(uid, nonce)).copied())
    }

    /// For tests: how many events make it due; slices are as small as can be.
    #[cfg(test)]
    pub(super) fn merge_at(&self, events: usize) {
        self.merge_at.set(events);
        self.slice_min.set(1);
    }

    /// For tests: messages in memory, and whether some of them are on their way.
    #[cfg(test)]
    pub(super) fn recent(&self) -> (usize, bool) {
        let state = self.state.borrow();
        (state.recent.len(), state.merging.is_some())
    }
}

impl State {
    /// Takes in what the log has more than it had.
    fn catch_up(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let identified: HashMap<Oid, i64> = conn
            .prepare_cached("SELECT oid, identified FROM origins")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        if identified != self.identified {
            *self = State {
                seen: identified.clone(),
                identified,
                ..State::default()
            };
        }
        // A message counts where the timeline has it.
        let mut select = conn.prepare_cached(
            "SELECT e.uid, e.nonce, e.rid, e.ts, e.oid, e.seq, t.rid FROM events e
             LEFT JOIN timeline t ON t.rid = e.rid AND t.ts = e.ts AND t.oid = e.oid AND t.seq = e.seq
             WHERE e.oid = ?1 AND e.seq > ?2 ORDER BY e.seq",
        )?;
        for (oid, seen) in &mut self.seen {
            let mut rows = select.query((oid, *seen))?;
            while let Some(row) = rows.next()? {
                let place = Place::read(row, 3)?;
                *seen = place.seq;
                self.behind += 1;
                if row.get::<_, Option<Rid>>(6)?.is_some() {
                    let column = |at| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
                    let id = id(column(0)?, column(1)?);
                    let rid = row.get(2)?;
                    self.recent.insert(id, Standing { rid, place });
                }
            }
        }
        Ok(())
    }

    /// Puts `slice` messages into the table; with the last of them it knows all that it was to know.
    fn merge(&mut self, conn: &Connection, slice: usize) -> Result<(), StoreError> {
        let merging = self.merging.get_or_insert_with(|| Merging {
            up_to: self.seen.clone(),
            after: None,
        });
        let mut insert = conn.prepare_cached(
            "INSERT OR REPLACE INTO identity (uid, nonce, rid, ts, oid, seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let from = match &merging.after {
            Some(after) => Bound::Excluded(after.as_str()),
            None => Bound::Unbounded,
        };
        let due = self.recent.range::<str, _>((from, Bound::Unbounded));
        let mut due = due.filter(|(_, standing)| is_covered(&merging.up_to, standing.place));
        let mut last = None;
        for (id, Standing { rid, place }) in due.by_ref().take(slice) {
            let (uid, nonce) = id.split_once('.').unwrap_or((id, ""));
            insert.execute((uid, nonce, rid, place.ts, place.oid, place.seq))?;
            last = Some(id);
        }
        if due.next().is_some() {
            merging.after = last.cloned();
            return Ok(());
        }
        let up_to = std::mem::take(&mut merging.up_to);
        self.merging = None;
        self.finish(conn, up_to)
    }

    fn finish(&mut self, conn: &Connection, up_to: HashMap<Oid, i64>) -> Result<(), StoreError> {
        let mut update =
            conn.prepare_cached("UPDATE origins SET identified = ?2 WHERE oid = ?1")?;
        for (oid, seq) in &up_to {
            let before = self.identified.insert(*oid, *seq).unwrap_or(0);
            if before != *seq {
                update.execute((oid, seq))?;
            }
        }
        let moved = |standing: &Standing| is_covered(&up_to, standing.place);
        self.recent.retain(|_, standing| !moved(standing));
        let behind = self.seen.iter().map(|(oid, seen)| {
            let identified = self.identified.get(oid).copied().unwrap_or(0);
            usize::try_from(seen - identified).unwrap_or(0)
        });
        self.behind = behind.sum();
        Ok(())
    }
}

fn id(uid: &str, nonce: &str) -> String {
    let mut id = String::with_capacity(uid.len() + 1 + nonce.len());
    id.push_str(uid);
    id.push('.');
    id.push_str(nonce);
    id
}

fn is_covered(vector: &HashMap<Oid, i64>, place: Place) -> bool {
    vector.get(&place.oid).is_some_and(|seq| place.seq <= *seq)
}

fn in_table(conn: &Connection, uid: &str, nonce: &str) -> Result<Option<Standing>, StoreError> {
    let found = conn
        .prepare_cached("SELECT rid, ts, oid, seq FROM identity WHERE uid = ?1 AND nonce = ?2")?
        .query_row((uid, nonce), |row| {
            Ok(Standing {
                rid: row.get(0)?,
                place: Place::read(row, 1)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Whether a message stands there.
pub(super) fn is_in_timeline(conn: &Connection, standing: Standing) -> Result<bool, StoreError> {
    let Standing { rid, place } = standing;
    let is = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM timeline
             WHERE rid = ?1 AND ts = ?2 AND oid = ?3 AND seq = ?4)",
        )?
        .query_row((rid, place.ts, place.oid, place.seq), |row| row.get(0))?;
    Ok(is)
}
