//! The origin under which this store writes: random, and given up for a new one as soon as the file
//! may not be what peers have heard of.

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::intern::{Interned, Oid};
use crate::protocol::Origin;

/// Random characters of an origin, five bits each.
const RANDOM_CHARS: usize = 8;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The origin of the file, if its identity is the one that was written into it; else a new one.
pub(super) fn own_or_new(
    conn: &Connection,
    names: &Interned,
    node: &str,
    identity: &str,
) -> Result<(Oid, Origin), StoreError> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = (|| {
        let same = meta(conn, "file")?.as_deref() == Some(identity);
        if same && let Some(own) = own(conn, names)? {
            return Ok(own);
        }
        set_meta(conn, "file", identity)?;
        begin(conn, names, node)
    })();
    match done {
        Ok(own) => conn
            .execute_batch("COMMIT")
            .map(|()| own)
            .map_err(Into::into),
        Err(error) => {
            let _ = conn.execute_batch("ROLLBACK");
            names.forget();
            Err(error)
        }
    }
}

/// The origin that the file says.
pub(super) fn own(
    conn: &Connection,
    names: &Interned,
) -> Result<Option<(Oid, Origin)>, StoreError> {
    let Some(name) = meta(conn, "origin")? else {
        return Ok(None);
    };
    let origin = Origin::parse(&name).map_err(StoreError::damaged("the origin"))?;
    Ok(Some((names.oid_or_new(conn, &origin)?, origin)))
}

/// Makes a new origin this file's own.
pub(super) fn begin(
    conn: &Connection,
    names: &Interned,
    node: &str,
) -> Result<(Oid, Origin), StoreError> {
    let mut random = [0u8; RANDOM_CHARS];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}")))?;
    let random = random.map(|byte| char::from(BASE32[usize::from(byte % 32)]));
    let name = format!("{node}-{}", String::from_iter(random));
    let origin = Origin::parse(&name).map_err(StoreError::damaged("the node's name"))?;
    set_meta(conn, "origin", &name)?;
    Ok((names.oid_or_new(conn, &origin)?, origin))
}

fn meta(conn: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    let found = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(found)
}

fn set_meta(conn: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute((key, value))?;
    Ok(())
}
