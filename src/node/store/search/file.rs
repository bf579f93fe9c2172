//! The index's file: its tables, and whether it belongs to the log beside it.
//!
//! It holds nothing that is not in the log, so whatever is wrong with it, it is made anew.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::node::store::error::StoreError;
use crate::node::store::intern::{Oid, Rid};
use crate::node::store::reader::Reader;
use crate::protocol::RoomKey;

/// The index's file in the data folder.
pub(super) const INDEX_FILE: &str = "search.sqlite3";
/// For this user's eyes only, as the log is.
const FILE_MODE: u32 = 0o600;

/// Rises with every change of the tables, and of which words a text has: older ones are made anew.
const INDEX_VERSION: i64 = 1;

/// Marks the file as this program's index: "chas".
const APPLICATION_ID: i64 = 0x6368_6173;

/// Readers and the one writer do not wait for each other; checkpoints are short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that a connection keeps in memory: 8 MiB for the writer, 4 MiB for each reader.
const WRITER_CACHE_KIB: i64 = 8 * 1024;
const READER_CACHE_KIB: i64 = 4 * 1024;

/// - `docs`: the words of each message that stands, by a number that is in the order of time (see
///   [`first_id`]). It keeps no texts: those are in the log.
/// - `places`: which message has the number.
/// - `terms`: words that were ever in it, for those that begin with something.
/// - `progress`: how far each origin is read, and what stands there: by that another log is known.
/// - `rooms`: the numbers of rooms that `docs` uses.
const TABLES: &str = "
CREATE VIRTUAL TABLE docs USING fts5(
  words, content='', contentless_delete=1, prefix='2 3', tokenize='ascii');
CREATE TABLE places (id INTEGER PRIMARY KEY, oid INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE terms (term TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE progress (
  oid INTEGER PRIMARY KEY, name TEXT NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL,
  uid TEXT NOT NULL, nonce TEXT NOT NULL);
CREATE TABLE rooms (rid INTEGER PRIMARY KEY, key TEXT NOT NULL);
";

/// Messages of one moment that the index can tell apart: each origin has one at most.
pub(super) const IDS_OF_A_MOMENT: i64 = 1024;

/// The latest moment that has numbers: a JSON reader's greatest integer, in microseconds.
const TS_MAX: i64 = (1 << 53) - 1;

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Its content is of no use: it is to be made anew.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// A table that is not as this program makes it, say; who only reads must not conclude anything from it.
    #[error("{0}")]
    Unexpected(String),
    /// The disk is full, or fails, or may not be written.
    #[error("{0}")]
    Unavailable(String),
    /// It is the log that could not be read.
    #[error(transparent)]
    Log(#[from] StoreError),
}

impl Fault {
    /// Whether to make the index anew, if it was met while writing.
    pub(super) fn is_cured_by_beginning_anew(&self) -> bool {
        matches!(self, Fault::Damaged(_) | Fault::Unexpected(_))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Fault::Damaged(error.to_string())
            }
            Some(ErrorCode::Unknown) | None => Fault::Unexpected(error.to_string()),
            Some(_) => Fault::Unavailable(error.to_string()),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Unavailable(error.to_string())
    }
}

/// The first of the numbers of messages of this time.
pub(super) fn first_id(ts: i64) -> i64 {
    ts.clamp(0, TS_MAX) * IDS_OF_A_MOMENT
}

/// Opens the index for writing. One that is not there, of another version, damaged or not of the log that
/// `log` reads is made anew.
pub(super) fn open_writer(path: &Path, log: &Reader) -> Result<Connection, Fault> {
    match open_as_it_is(path, log) {
        Err(fault) if fault.is_cured_by_beginning_anew() => {
            tracing::info!(why = %fault, "the index for searching is made anew");
            remove(path)?;
            open_as_it_is(path, log)
        }
        opened => opened,
    }
}

fn open_as_it_is(path: &Path, log: &Reader) -> Result<Connection, Fault> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    let conn = open(path, WRITER_CACHE_KIB)?;
    // First of all: reading a header says whether it is a database.
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may take the newest of it, never make nonsense of it; what is taken is read again.
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    if tables == 0 {
        conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES}
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {INDEX_VERSION}; COMMIT;"
        ))?;
    } else if application != APPLICATION_ID || version != INDEX_VERSION {
        return Err(Fault::Damaged("it is of another version".to_owned()));
    }
    if !belongs(&conn, log)? {
        return Err(Fault::Damaged("it is of another log".to_owned()));
    }
    Ok(conn)
}

/// Opens the index for looking something up.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Fault> {
    let conn = open(path, READER_CACHE_KIB)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

fn open(path: &Path, cache_kib: i64) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "cache_size", -cache_kib)?;
    Ok(conn)
}

/// Removes the file and what SQLite keeps beside it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        match fs::remove_file(PathBuf::from(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// How far each origin is read.
pub(super) fn progress(conn: &Connection) -> Result<BTreeMap<Oid, i64>, Fault> {
    let mut select = conn.prepare("SELECT oid, seq FROM progress")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether the log holds what the index was made of, under the same numbers. An origin's events never
/// change, so the last one that was read stands for all before it.
fn belongs(conn: &Connection, log: &Reader) -> Result<bool, Fault> {
    let mut select = conn.prepare("SELECT oid, name, seq, ts, uid, nonce FROM progress")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let oid: Oid = row.get(0)?;
        let indexed: (String, i64, String, String) =
            (row.get(1)?, row.get(3)?, row.get(4)?, row.get(5)?);
        let logged = log
            .conn()
            .prepare_cached(
                "SELECT o.name, e.ts, e.uid, e.nonce FROM events e JOIN origins o ON o.oid = e.oid
                 WHERE e.oid = ?1 AND e.seq = ?2",
            )
            .and_then(|mut select| {
                let seq: i64 = row.get(2)?;
                select
                    .query_row((oid, seq), |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })
                    .optional()
            })
            .map_err(StoreError::from)?;
        if logged != Some(indexed) {
            return Ok(false);
        }
    }
    let mut select = conn.prepare("SELECT rid, key FROM rooms")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let rid: Rid = row.get(0)?;
        let Ok(key) = RoomKey::try_from(row.get::<_, String>(1)?) else {
            return Ok(false);
        };
        if log.rid(&key)? != Some(rid) {
            return Ok(false);
        }
    }
    Ok(true)
}
