//! All that a store says about its rooms, as text: for comparing stores that hold the same events.

use super::error::StoreError;
use super::pages::sort;
use super::reader::Reader;
use super::view::{self, MESSAGE_COLUMNS, MESSAGE_JOINS};

impl Reader {
    /// Each room with its topic and messages in order, and how far each origin is held. Two stores
    /// that hold the same events say the same, whenever and from whom they got them. What is only
    /// one node's own, whether a message came late to it, is left out.
    ///
    /// # Errors
    /// `Unavailable`, `Damaged`.
    pub fn dump(&self) -> Result<String, StoreError> {
        let mut lines = vec![format!("held {:?}", self.held()?)];
        let mut rids: Vec<i64> = self
            .conn()
            .prepare_cached("SELECT DISTINCT rid FROM events")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut rooms = Vec::new();
        for rid in rids.drain(..) {
            rooms.push((self.room(rid)?, rid));
        }
        rooms.sort();
        for (room, rid) in rooms {
            lines.push(format!("room {room} topic {:?}", self.topic(&room)?));
            let mut select = self.conn().prepare_cached(&format!(
                "SELECT {MESSAGE_COLUMNS} FROM timeline t
                 CROSS JOIN events e ON e.oid = t.oid AND e.seq = t.seq {MESSAGE_JOINS}
                 WHERE t.rid = ?1 ORDER BY t.ts"
            ))?;
            let mut rows = select.query([rid])?;
            let mut messages = Vec::new();
            while let Some(row) = rows.next()? {
                let mut message = view::read_message(self.conn(), self.names(), row)?;
                message.late = false;
                messages.push(message);
            }
            sort(&mut messages);
            lines.extend(messages.iter().map(|message| format!("{message:?}")));
        }
        Ok(lines.join("\n"))
    }
}
