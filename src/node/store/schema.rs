//! The tables, and connections to them.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::wal::WAL_BYTES_KEPT;

/// Rises with every change of the tables; `migrate` brings an older log up to it.
pub(super) const SCHEMA_VERSION: i64 = 2;

/// Marks the file as this program's: "chat".
const APPLICATION_ID: i64 = 0x6368_6174;

/// Earlier versions can corrupt a write-ahead log.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long a connection waits for a lock that is held for moments only.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The writer waits for readers only to begin its write-ahead log anew, and may do that later too.
const WRITER_BUSY_TIMEOUT: Duration = Duration::from_millis(250);

/// Pages (4 KiB) that a connection keeps in memory: 32 MiB for the writer, 4 MiB for each reader.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
const READER_CACHE_KIB: i64 = 4 * 1024;

/// Prepared statements that a connection keeps; more than there are in this module.
const STATEMENTS_KEPT: usize = 128;

/// - `events`: every event, by its place. `target` is the message that an update changes (or a
///   message answers), and for a topic `/` and the room.
/// - `timeline`: the messages that stand, in order.
/// - `identity`: where the message `(uid, nonce)` stands, for the events of each origin up to
///   `identified` (see the `identities` module).
/// - `updates`: where the edit, deletion, reaction or topic `(uid, nonce)` stands.
/// - `changed`: what has become of a message, whether that is here yet or not: the edit that
///   counts, and the last of its updates in order.
/// - `reactions`: what counts for each user and emoji.
/// - `topics`: the topic that counts.
/// - `soft_*`: what nodes tell each other beside the log; `rev` rises with every change of a row.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE origins (oid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  identified INTEGER NOT NULL DEFAULT 0);
CREATE TABLE rooms (rid INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE directs (uid TEXT NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (uid, rid)) WITHOUT ROWID;
CREATE TABLE events (
  oid INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL, rid INTEGER NOT NULL,
  uid TEXT NOT NULL, name TEXT NOT NULL, nonce TEXT NOT NULL,
  kind INTEGER NOT NULL, target TEXT, text TEXT, active INTEGER,
  PRIMARY KEY (oid, seq)) WITHOUT ROWID;
CREATE INDEX events_by_room ON events (rid, oid, seq, kind);
CREATE TABLE timeline (
  rid INTEGER NOT NULL, ts INTEGER NOT NULL, oid INTEGER NOT NULL, seq INTEGER NOT NULL,
  late INTEGER NOT NULL,
  PRIMARY KEY (rid, ts, oid, seq)) WITHOUT ROWID;
CREATE TABLE identity (
  uid TEXT NOT NULL, nonce TEXT NOT NULL,
  rid INTEGER NOT NULL, ts INTEGER NOT NULL, oid INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (uid, nonce)) WITHOUT ROWID;
CREATE TABLE updates (
  uid TEXT NOT NULL, nonce TEXT NOT NULL,
  ts INTEGER NOT NULL, oid INTEGER NOT NULL, seq INTEGER NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (uid, nonce)) WITHOUT ROWID;
CREATE INDEX updates_by_target ON updates (target);
CREATE TABLE changed (
  uid TEXT NOT NULL, nonce TEXT NOT NULL,
  edit_ts INTEGER, edit_oid INTEGER, edit_seq INTEGER, deleted INTEGER NOT NULL,
  last_ts INTEGER NOT NULL, last_oid INTEGER NOT NULL, last_seq INTEGER NOT NULL,
  PRIMARY KEY (uid, nonce)) WITHOUT ROWID;
CREATE TABLE reactions (
  uid TEXT NOT NULL, nonce TEXT NOT NULL, emoji TEXT NOT NULL, by TEXT NOT NULL,
  name TEXT NOT NULL, active INTEGER NOT NULL,
  ts INTEGER NOT NULL, oid INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (uid, nonce, emoji, by)) WITHOUT ROWID;
CREATE TABLE topics (
  rid INTEGER PRIMARY KEY, ts INTEGER NOT NULL, oid INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE soft_rooms (rid INTEGER PRIMARY KEY, rev INTEGER NOT NULL UNIQUE);
CREATE TABLE soft_users (
  uid TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL,
  claimed_at INTEGER NOT NULL, last_seen INTEGER NOT NULL, rev INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
CREATE INDEX soft_users_by_key ON soft_users (key);
CREATE TABLE soft_reads (
  uid TEXT NOT NULL, rid INTEGER NOT NULL, oid INTEGER NOT NULL, seq INTEGER NOT NULL,
  rev INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (uid, rid, oid)) WITHOUT ROWID;
";

/// Opens the log for the one thread that writes, making or migrating its tables.
///
/// # Errors
/// `SqliteTooOld`, `NotALog`, `Newer`, `Unavailable`.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(StoreError::SqliteTooOld(rusqlite::version().to_owned()));
    }
    let conn = open(path)?;
    check_or_create(&conn, path)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    conn.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    conn.busy_timeout(WRITER_BUSY_TIMEOUT)?;
    // Checkpoints are the `wal` module's.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    let full: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let journal: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if full != 2 || journal != "wal" {
        return Err(StoreError::Unavailable(format!(
            "SQLite would not write durably (synchronous={full}, journal_mode={journal})"
        )));
    }
    Ok(conn)
}

/// Opens the log for reading only.
///
/// # Errors
/// `Unavailable`.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let conn = open(path)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(conn)
}

/// Opens the log for copying the write-ahead log into it.
///
/// # Errors
/// `Unavailable`.
pub(super) fn open_copier(path: &Path) -> Result<Connection, StoreError> {
    let conn = open(path)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(conn)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // Or a statement is parsed and planned anew whenever a value is bound that a plan might depend on.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(conn)
}

/// From version 1, whose `identity` knew all messages.
fn migrate(conn: &Connection) -> Result<(), StoreError> {
    conn.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         ALTER TABLE origins ADD COLUMN identified INTEGER NOT NULL DEFAULT 0;
         UPDATE origins SET identified =
           coalesce((SELECT max(seq) FROM events e WHERE e.oid = origins.oid), 0);
         PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    ))?;
    Ok(())
}

fn check_or_create(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |name: &str| -> Result<i64, StoreError> {
        conn.pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                    StoreError::NotALog {
                        path: path.to_owned(),
                        reason: error.to_string(),
                    }
                }
                Some(_) | None => error.into(),
            })
    };
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known: SCHEMA_VERSION,
        });
    }
    if tables > 0 && (application != APPLICATION_ID || version < 1) {
        return Err(StoreError::NotALog {
            path: path.to_owned(),
            reason: "it is another program's database".to_owned(),
        });
    }
    // Before the tables: a half-made log must not exist in any mode.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    if tables == 0 {
        conn.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES}
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        ))?;
    } else if version < SCHEMA_VERSION {
        migrate(conn)?;
    }
    Ok(())
}
