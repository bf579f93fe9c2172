//! The nodes' stores, read past the nodes: for what no node can be asked.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags, Row};

use crate::judge::history::{Deed, Event, Place, Vector};

/// The greatest `seq` of each origin.
pub fn vector(data: &Path) -> Result<Vector> {
    let conn = open(data)?;
    let mut select = conn.prepare(
        "SELECT o.name, max(e.seq) FROM events e JOIN origins o USING (oid) GROUP BY oid",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every event.
pub fn log(data: &Path) -> Result<Vec<Event>> {
    let conn = open(data)?;
    let mut select = conn.prepare(
        "SELECT o.name, e.seq, e.ts, r.key, e.uid, e.name, e.nonce, e.kind, e.target, e.text, e.active
         FROM events e JOIN origins o USING (oid) JOIN rooms r USING (rid)",
    )?;
    let mut rows = select.query([])?;
    let mut log = Vec::new();
    while let Some(row) = rows.next()? {
        log.push(event(row)?);
    }
    Ok(log)
}

/// What SQLite's own check says.
pub fn integrity(data: &Path) -> Result<String> {
    let conn = open(data)?;
    Ok(conn.pragma_query_value(None, "integrity_check", |row| row.get(0))?)
}

fn open(data: &Path) -> Result<Connection> {
    let path = data.join("log.sqlite3");
    Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("opening {}", path.display()))
}

fn event(row: &Row<'_>) -> Result<Event> {
    let target = || {
        row.get::<_, Option<String>>(8)
            .map(Option::unwrap_or_default)
    };
    let text = || {
        row.get::<_, Option<String>>(9)
            .map(Option::unwrap_or_default)
    };
    let kind: i64 = row.get(7)?;
    let deed = match kind {
        0 => Deed::Message { text: text()? },
        1 => Deed::Edit {
            id: target()?,
            text: text()?,
        },
        2 => Deed::Delete { id: target()? },
        3 => Deed::React {
            id: target()?,
            emoji: text()?,
            on: row.get(10)?,
        },
        4 => Deed::Topic { text: text()? },
        other => bail!("an event of kind {other}"),
    };
    Ok(Event {
        place: Place {
            origin: row.get(0)?,
            seq: row.get::<_, i64>(1)? as u64,
            ts: row.get(2)?,
        },
        room: row.get(3)?,
        uid: row.get(4)?,
        name: row.get(5)?,
        nonce: row.get(6)?,
        deed,
    })
}
