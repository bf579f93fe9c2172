//! The origin under which this store writes: random, and given up for a new one as soon as the file
//! may not be what peers have heard of.

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::intern::{Interned, Oid};
use super::mark::Mark;
use crate::node::breaks::{Break, is_broken};
use crate::protocol::{Origin, Seq};

/// Random characters of an origin, five bits each.
const RANDOM_CHARS: usize = 8;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The origin of the file, if its identity is the one that was written into it and it holds all that
/// anybody may have heard of it (`mark`); else a new one.
pub(super) fn own_or_new(
    conn: &Connection,
    names: &Interned,
    node: &str,
    identity: &str,
    mark: &Mark,
) -> Result<(Oid, Origin), StoreError> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = (|| {
        let same = meta(conn, "file")?.as_deref() == Some(identity);
        if is_broken(Break::KeepsItsOrigin)
            && let Some(own) = own(conn, names)?
        {
            return Ok(own);
        }
        if same
            && let Some(own) = own(conn, names)?
            && mark.noted().is_some_and(|(origin, _)| *origin == own.1)
            && mark.noted().map(|(_, seq)| *seq) <= Some(last_seq(conn, own.0)?)
        {
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
    let random = random_bytes()?.map(|byte| char::from(BASE32[usize::from(byte % 32)]));
    let name = format!("{node}-{}", String::from_iter(random));
    let origin = Origin::parse(&name).map_err(StoreError::damaged("the node's name"))?;
    set_meta(conn, "origin", &name)?;
    Ok((names.oid_or_new(conn, &origin)?, origin))
}

fn random_bytes() -> Result<[u8; RANDOM_CHARS], StoreError> {
    #[cfg(test)]
    if let Some(chosen) = chosen::next() {
        return Ok(chosen);
    }
    let mut random = [0u8; RANDOM_CHARS];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}")))?;
    Ok(random)
}

fn last_seq(conn: &Connection, oid: Oid) -> Result<Seq, StoreError> {
    let last: Option<i64> = conn
        .prepare_cached("SELECT max(seq) FROM events WHERE oid = ?1")?
        .query_row([oid], |row| row.get(0))?;
    Ok(last.unwrap_or(0) as Seq)
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

/// Origins without chance, so that a simulation can be told again from its seed.
#[cfg(test)]
pub(in crate::node) mod chosen {
    use std::cell::Cell;

    thread_local! {
        static NEXT: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// From now on this thread's new origins follow from `seed`.
    pub(in crate::node) fn follow(seed: u64) {
        NEXT.set(Some(seed));
    }

    pub(super) fn next() -> Option<[u8; super::RANDOM_CHARS]> {
        let number = NEXT.get()?;
        NEXT.set(Some(
            number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        ));
        Some(number.to_be_bytes())
    }
}
