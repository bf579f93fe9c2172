//! Rooms and origins by the small numbers that stand for them in this file. A number never changes
//! its meaning; another node's store has other numbers.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use crate::protocol::{Origin, RoomKey};

/// An origin's number.
pub(super) type Oid = i64;
/// A room's number.
pub(super) type Rid = i64;

/// Rooms that a connection remembers; past that it starts over.
const ROOMS_REMEMBERED_MAX: usize = 16 * 1024;

/// What a connection remembers of both.
#[derive(Debug, Default)]
pub(super) struct Interned(RefCell<Maps>);

#[derive(Debug, Default)]
struct Maps {
    origins: HashMap<Oid, Origin>,
    oids: HashMap<Origin, Oid>,
    rooms: HashMap<Rid, RoomKey>,
    rids: HashMap<RoomKey, Rid>,
}

impl Interned {
    /// Forgets all: the numbers given in a transaction that failed mean nothing.
    pub(super) fn forget(&self) {
        *self.0.borrow_mut() = Maps::default();
    }

    pub(super) fn origin(&self, conn: &Connection, oid: Oid) -> Result<Origin, StoreError> {
        if let Some(origin) = self.0.borrow().origins.get(&oid) {
            return Ok(origin.clone());
        }
        let name: String = conn
            .prepare_cached("SELECT name FROM origins WHERE oid = ?1")?
            .query_row([oid], |row| row.get(0))?;
        let origin = Origin::parse(&name).map_err(StoreError::damaged("an origin"))?;
        self.0.borrow_mut().remember_origin(oid, &origin);
        Ok(origin)
    }

    /// The origin's number, if it has one.
    pub(super) fn oid(
        &self,
        conn: &Connection,
        origin: &Origin,
    ) -> Result<Option<Oid>, StoreError> {
        if let Some(oid) = self.0.borrow().oids.get(origin) {
            return Ok(Some(*oid));
        }
        let oid = conn
            .prepare_cached("SELECT oid FROM origins WHERE name = ?1")?
            .query_row([origin.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(oid) = oid {
            self.0.borrow_mut().remember_origin(oid, origin);
        }
        Ok(oid)
    }

    /// The origin's number, given now if it has none.
    pub(super) fn oid_or_new(&self, conn: &Connection, origin: &Origin) -> Result<Oid, StoreError> {
        if let Some(oid) = self.oid(conn, origin)? {
            return Ok(oid);
        }
        conn.prepare_cached("INSERT INTO origins (name) VALUES (?1)")?
            .execute([origin.as_str()])?;
        let oid = conn.last_insert_rowid();
        self.0.borrow_mut().remember_origin(oid, origin);
        Ok(oid)
    }

    pub(super) fn room(&self, conn: &Connection, rid: Rid) -> Result<RoomKey, StoreError> {
        if let Some(room) = self.0.borrow().rooms.get(&rid) {
            return Ok(room.clone());
        }
        let key: String = conn
            .prepare_cached("SELECT key FROM rooms WHERE rid = ?1")?
            .query_row([rid], |row| row.get(0))?;
        let room = RoomKey::try_from(key).map_err(StoreError::damaged("a room"))?;
        self.0.borrow_mut().remember_room(rid, &room);
        Ok(room)
    }

    /// The room's number, if it has one.
    pub(super) fn rid(&self, conn: &Connection, room: &RoomKey) -> Result<Option<Rid>, StoreError> {
        if let Some(rid) = self.0.borrow().rids.get(room) {
            return Ok(Some(*rid));
        }
        let rid = conn
            .prepare_cached("SELECT rid FROM rooms WHERE key = ?1")?
            .query_row([room.to_string()], |row| row.get(0))
            .optional()?;
        if let Some(rid) = rid {
            self.0.borrow_mut().remember_room(rid, room);
        }
        Ok(rid)
    }

    /// The room's number, given now if it has none.
    pub(super) fn rid_or_new(&self, conn: &Connection, room: &RoomKey) -> Result<Rid, StoreError> {
        if let Some(rid) = self.rid(conn, room)? {
            return Ok(rid);
        }
        conn.prepare_cached("INSERT INTO rooms (key) VALUES (?1)")?
            .execute([room.to_string()])?;
        let rid = conn.last_insert_rowid();
        if let RoomKey::Direct(one, other) = room {
            let mut insert =
                conn.prepare_cached("INSERT OR IGNORE INTO directs (uid, rid) VALUES (?1, ?2)")?;
            insert.execute((one.as_str(), rid))?;
            insert.execute((other.as_str(), rid))?;
        }
        self.0.borrow_mut().remember_room(rid, room);
        Ok(rid)
    }
}

impl Maps {
    fn remember_origin(&mut self, oid: Oid, origin: &Origin) {
        self.origins.insert(oid, origin.clone());
        self.oids.insert(origin.clone(), oid);
    }

    fn remember_room(&mut self, rid: Rid, room: &RoomKey) {
        if self.rooms.len() >= ROOMS_REMEMBERED_MAX {
            self.rooms.clear();
            self.rids.clear();
        }
        self.rooms.insert(rid, room.clone());
        self.rids.insert(room.clone(), rid);
    }
}
