//! Soft state: what nodes tell each other beside the log. Which rooms there are, who bears which
//! name, and how far each user has read.
//!
//! Every row merges with what another node says of it, in any order and however often. A row that
//! changes gets the next `rev` of this store, so that a peer can ask for all that has changed since
//! it last asked. Revs count within this store's origin: a new origin starts a peer over at 0.

use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::log::Log;
use super::reader::Reader;
use crate::protocol::presence::UserRecord;
use crate::protocol::soft::{SoftPage, SoftRow};
use crate::protocol::{NameKey, Origin, RoomKey, RoomName, Seq, Ts, Uid, UserName, VersionVector};

/// The greatest `rev` given so far.
pub(super) fn greatest_rev(conn: &Connection) -> Result<i64, StoreError> {
    let rev = conn.query_row(
        "SELECT max(
           coalesce((SELECT max(rev) FROM soft_rooms), 0),
           coalesce((SELECT max(rev) FROM soft_users), 0),
           coalesce((SELECT max(rev) FROM soft_reads), 0))",
        [],
        |row| row.get(0),
    )?;
    Ok(rev)
}

impl Log {
    /// Takes in facts, this node's own or a peer's. Returns those that were news, as they stand now.
    pub(super) fn merge_soft(&mut self, rows: Vec<SoftRow>) -> Result<Vec<SoftRow>, StoreError> {
        let mut news = Vec::new();
        for row in rows {
            let changed = match row {
                SoftRow::Room { room } => self.merge_room(room)?,
                SoftRow::User(user) => self.merge_user(user)?,
                SoftRow::Read {
                    uid,
                    room,
                    origin,
                    seq,
                } => self.merge_read(uid, room, origin, seq)?,
            };
            news.extend(changed);
        }
        Ok(news)
    }

    fn next_rev(&mut self) -> i64 {
        self.rev += 1;
        self.rev
    }

    fn merge_room(&mut self, room: RoomName) -> Result<Option<SoftRow>, StoreError> {
        let rid = self.rid_or_new(&RoomKey::Room(room.clone()))?;
        let rev = self.rev + 1;
        let new = self
            .conn
            .prepare_cached("INSERT OR IGNORE INTO soft_rooms (rid, rev) VALUES (?1, ?2)")?
            .execute((rid, rev))?;
        if new == 0 {
            return Ok(None);
        }
        self.rev = rev;
        Ok(Some(SoftRow::Room { room }))
    }

    fn merge_user(&mut self, said: UserRecord) -> Result<Option<SoftRow>, StoreError> {
        let known = user(&self.conn, &said.uid)?;
        let merged = match &known {
            None => said,
            Some(known) => {
                let last_seen = known.last_seen.max(said.last_seen);
                let later = (said.claimed_at, &said.name) > (known.claimed_at, &known.name);
                let claim = if later { said } else { known.clone() };
                UserRecord { last_seen, ..claim }
            }
        };
        if known.as_ref() == Some(&merged) {
            return Ok(None);
        }
        let rev = self.next_rev();
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO soft_users (uid, name, key, claimed_at, last_seen, rev)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                merged.uid.as_str(),
                merged.name.as_str(),
                merged.name.key().as_str(),
                merged.claimed_at.0,
                merged.last_seen.0,
                rev,
            ))?;
        Ok(Some(SoftRow::User(merged)))
    }

    fn merge_read(
        &mut self,
        uid: Uid,
        room: RoomKey,
        origin: Origin,
        seq: Seq,
    ) -> Result<Option<SoftRow>, StoreError> {
        let rid = self.rid_or_new(&room)?;
        let oid = self.names.oid_or_new(&self.conn, &origin)?;
        let rev = self.rev + 1;
        let changed = self
            .conn
            .prepare_cached(
                "INSERT INTO soft_reads (uid, rid, oid, seq, rev) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (uid, rid, oid)
                 DO UPDATE SET seq = excluded.seq, rev = excluded.rev WHERE excluded.seq > seq",
            )?
            .execute((uid.as_str(), rid, oid, seq as i64, rev))?;
        if changed == 0 {
            return Ok(None);
        }
        self.rev = rev;
        Ok(Some(SoftRow::Read {
            uid,
            room,
            origin,
            seq,
        }))
    }
}

impl Reader {
    /// The rows that have changed past `rev`, `limit` at most.
    pub fn soft_since(&self, rev: u64, limit: usize) -> Result<SoftPage, StoreError> {
        let mut found = self.soft_rooms_since(rev, limit)?;
        found.extend(self.soft_users_since(rev, limit)?);
        found.extend(self.soft_reads_since(rev, limit)?);
        found.sort_unstable_by_key(|(rev, _)| *rev);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(SoftPage {
            rev: found.last().map_or(rev, |(rev, _)| *rev),
            rows: found.into_iter().map(|(_, row)| row).collect(),
            more,
        })
    }

    /// The user, if this node has heard of it.
    pub fn user(&self, uid: &Uid) -> Result<Option<UserRecord>, StoreError> {
        user(self.conn(), uid)
    }

    /// Everybody who bears a name that a reader would take for this one, the latest seen first.
    pub fn users_named(&self, key: &NameKey) -> Result<Vec<UserRecord>, StoreError> {
        let mut select = self.conn().prepare_cached(
            "SELECT uid, name, claimed_at, last_seen FROM soft_users WHERE key = ?1",
        )?;
        let mut rows = select.query([key.as_str()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read_user(row)?);
        }
        found.sort_by_key(|user: &UserRecord| std::cmp::Reverse(user.last_seen));
        Ok(found)
    }

    /// How far the user has read in the room.
    pub fn read_marker(&self, uid: &Uid, room: &RoomKey) -> Result<VersionVector, StoreError> {
        let Some(rid) = self.rid(room)? else {
            return Ok(VersionVector::new());
        };
        let mut select = self
            .conn()
            .prepare_cached("SELECT oid, seq FROM soft_reads WHERE uid = ?1 AND rid = ?2")?;
        let mut rows = select.query((uid.as_str(), rid))?;
        let mut marker = VersionVector::new();
        while let Some(row) = rows.next()? {
            marker.advance(&self.origin(row.get(0)?)?, row.get::<_, i64>(1)? as Seq);
        }
        Ok(marker)
    }

    fn soft_rooms_since(&self, rev: u64, limit: usize) -> Result<Vec<(u64, SoftRow)>, StoreError> {
        let mut select = self.conn().prepare_cached(
            "SELECT rev, rid FROM soft_rooms WHERE rev > ?1 ORDER BY rev LIMIT ?2",
        )?;
        let mut rows = select.query((rev as i64, limit as i64 + 1))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            if let RoomKey::Room(room) = self.room(row.get(1)?)? {
                found.push((row.get::<_, i64>(0)? as u64, SoftRow::Room { room }));
            }
        }
        Ok(found)
    }

    fn soft_users_since(&self, rev: u64, limit: usize) -> Result<Vec<(u64, SoftRow)>, StoreError> {
        let mut select = self.conn().prepare_cached(
            "SELECT uid, name, claimed_at, last_seen, rev FROM soft_users
             WHERE rev > ?1 ORDER BY rev LIMIT ?2",
        )?;
        let mut rows = select.query((rev as i64, limit as i64 + 1))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get::<_, i64>(4)? as u64, SoftRow::User(read_user(row)?)));
        }
        Ok(found)
    }

    fn soft_reads_since(&self, rev: u64, limit: usize) -> Result<Vec<(u64, SoftRow)>, StoreError> {
        let mut select = self.conn().prepare_cached(
            "SELECT rev, uid, rid, oid, seq FROM soft_reads
             WHERE rev > ?1 ORDER BY rev LIMIT ?2",
        )?;
        let mut rows = select.query((rev as i64, limit as i64 + 1))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let read = SoftRow::Read {
                uid: Uid::parse(&row.get::<_, String>(1)?)
                    .map_err(StoreError::damaged("a user's id"))?,
                room: self.room(row.get(2)?)?,
                origin: self.origin(row.get(3)?)?,
                seq: row.get::<_, i64>(4)? as Seq,
            };
            found.push((row.get::<_, i64>(0)? as u64, read));
        }
        Ok(found)
    }
}

fn user(conn: &Connection, uid: &Uid) -> Result<Option<UserRecord>, StoreError> {
    let mut select = conn
        .prepare_cached("SELECT uid, name, claimed_at, last_seen FROM soft_users WHERE uid = ?1")?;
    let found = select.query_row([uid.as_str()], |row| Ok(read_user(row)));
    found.optional()?.transpose()
}

fn read_user(row: &rusqlite::Row<'_>) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        uid: Uid::parse(&row.get::<_, String>(0)?).map_err(StoreError::damaged("a user's id"))?,
        name: UserName::parse(&row.get::<_, String>(1)?)
            .map_err(StoreError::damaged("a user's name"))?,
        claimed_at: Ts(row.get(2)?),
        last_seen: Ts(row.get(3)?),
    })
}
