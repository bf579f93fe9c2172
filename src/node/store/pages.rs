//! Pages of a room's messages, by time.

use super::error::StoreError;
use super::reader::Reader;
use super::rows::Place;
use super::view::{self, MESSAGE_COLUMNS, MESSAGE_JOINS, message_bytes};
use crate::protocol::limits::{HISTORY_MAX, PAGE_BYTES};
use crate::protocol::server::Message;
use crate::protocol::{RoomKey, Ts, VersionVector};

/// Messages in order, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub messages: Vec<Message>,
    /// There are more in the direction in which the page was read.
    pub more: bool,
}

/// A page's edge and direction.
#[derive(Clone, Copy)]
enum Direction {
    Before(i64),
    After(i64),
}

impl Reader {
    /// The newest messages: `limit` of them (200 at most), about 256 KiB, and those of the oldest
    /// one's time. Of every origin only what `up_to` holds, as in all pages.
    pub fn newest(
        &self,
        room: &RoomKey,
        limit: usize,
        up_to: &VersionVector,
    ) -> Result<Page, StoreError> {
        self.page(room, Direction::Before(i64::MAX), limit, up_to)
    }

    /// The newest messages before `ts`.
    pub fn before(
        &self,
        room: &RoomKey,
        ts: Ts,
        limit: usize,
        up_to: &VersionVector,
    ) -> Result<Page, StoreError> {
        self.page(room, Direction::Before(ts.0), limit, up_to)
    }

    /// The oldest messages after `ts`.
    pub fn after(
        &self,
        room: &RoomKey,
        ts: Ts,
        limit: usize,
        up_to: &VersionVector,
    ) -> Result<Page, StoreError> {
        self.page(room, Direction::After(ts.0), limit, up_to)
    }

    fn page(
        &self,
        room: &RoomKey,
        direction: Direction,
        limit: usize,
        up_to: &VersionVector,
    ) -> Result<Page, StoreError> {
        let mut page = Page::default();
        let Some(rid) = self.rid(room)? else {
            return Ok(page);
        };
        let limit = limit.min(HISTORY_MAX);
        let bound = self.bound(up_to)?;
        let (edge, sql) = match direction {
            Direction::Before(ts) => (ts, page_sql("<", "DESC")),
            Direction::After(ts) => (ts, page_sql(">", "ASC")),
        };
        let mut select = self.conn().prepare_cached(&sql)?;
        let mut rows = select.query((rid, edge))?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let place = Place::read(row, 0)?;
            if place.seq > bound.get(&place.oid).copied().unwrap_or(0) {
                continue;
            }
            let full = page.messages.len() >= limit || bytes >= PAGE_BYTES;
            let tie = page.messages.last().is_some_and(|m| m.ts.0 == place.ts);
            if full && !tie {
                page.more = true;
                break;
            }
            let message = view::read_message(self.conn(), self.names(), row)?;
            bytes += message_bytes(&message);
            page.messages.push(message);
        }
        sort(&mut page.messages);
        Ok(page)
    }
}

pub(super) fn page_sql(than: &str, order: &str) -> String {
    format!(
        "SELECT {MESSAGE_COLUMNS} FROM timeline t
         CROSS JOIN events e ON e.oid = t.oid AND e.seq = t.seq {MESSAGE_JOINS}
         WHERE t.rid = ?1 AND t.ts {than} ?2 ORDER BY t.ts {order}, t.oid {order}, t.seq {order}"
    )
}

/// By `(ts, origin)`: the order of the room, the same on every node.
pub(super) fn sort(messages: &mut [Message]) {
    messages.sort_by(|a, b| (a.ts, &a.origin, a.seq).cmp(&(b.ts, &b.origin, b.seq)));
}
