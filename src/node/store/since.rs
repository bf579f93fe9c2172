//! What a reader has missed, as messages: each once, as it is now.

use std::collections::HashSet;

use super::error::StoreError;
use super::merge;
use super::missed::{Missed, MissedEvents};
use super::pages::sort;
use super::reader::Reader;
use super::rows::Place;
use super::view::{self, Standing, message_bytes};
use crate::protocol::limits::{HISTORY_MAX, PAGE_BYTES};
use crate::protocol::server::Message;
use crate::protocol::{RoomKey, VersionVector};

/// Events that are looked at for one page: of many updates of few messages most show nothing, and
/// a page must not take long.
const EVENTS_LOOKED_AT_MAX: usize = 4 * 1024;

/// A part of what was missed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SincePage {
    /// In order, oldest first; some may be empty although there is more.
    pub messages: Vec<Message>,
    /// What the reader holds once it has taken this page.
    pub since: VersionVector,
    pub more: bool,
}

impl Reader {
    /// What a reader who holds `since` has missed of the room: the events past it, the oldest
    /// first, `limit` of them (200 at most) that show a message. A message that several of them
    /// made and changed is shown once, with the last of them, so that going on from page to page
    /// shows nothing twice. With the last page the reader holds all of `up_to`.
    pub fn since(
        &self,
        room: &RoomKey,
        since: &VersionVector,
        limit: usize,
        up_to: &VersionVector,
    ) -> Result<SincePage, StoreError> {
        let limit = limit.clamp(1, HISTORY_MAX);
        let mut page = SincePage {
            since: since.clone(),
            ..SincePage::default()
        };
        let mut bytes = 0;
        let mut looked_at = 0;
        let mut shown = HashSet::new();
        let Some(mut missed) = MissedEvents::open(self, room, since, up_to)? else {
            page.since.merge(up_to);
            return Ok(page);
        };
        while let Some((_, event)) = missed.peek() {
            if looked_at == EVENTS_LOOKED_AT_MAX {
                page.more = true;
                break;
            }
            looked_at += 1;
            if let Some(standing) = missed.shows(event)?
                && !shown.contains(&standing.place)
                && !self.comes_again(&missed, event, standing, since, up_to)?
            {
                if page.messages.len() == limit || bytes >= PAGE_BYTES {
                    page.more = true;
                    break;
                }
                let message = view::message_at(self.conn(), self.names(), standing.place)?;
                bytes += message_bytes(&message);
                page.messages.push(message);
                shown.insert(standing.place);
            }
            missed.take(&mut page.since)?;
        }
        if !page.more {
            page.since.merge(up_to);
        }
        sort(&mut page.messages);
        Ok(page)
    }

    /// Whether a later one of the missed events shows the same message.
    fn comes_again(
        &self,
        missed: &MissedEvents<'_>,
        event: &Missed,
        standing: Standing,
        since: &VersionVector,
        up_to: &VersionVector,
    ) -> Result<bool, StoreError> {
        let last = self.last_place(standing)?;
        if last == event.place {
            return Ok(false);
        }
        let origin = self.origin(last.oid)?;
        if since.covers(&origin, last.seq as u64) || !up_to.covers(&origin, last.seq as u64) {
            return Ok(false);
        }
        let rid: i64 = self
            .conn()
            .prepare_cached("SELECT rid FROM events WHERE oid = ?1 AND seq = ?2")?
            .query_row((last.oid, last.seq), |row| row.get(0))?;
        Ok(rid == missed.rid)
    }

    /// The place of the last event that made or changed the message.
    fn last_place(&self, standing: Standing) -> Result<Place, StoreError> {
        let (uid, nonce): (String, String) = self
            .conn()
            .prepare_cached("SELECT uid, nonce FROM events WHERE oid = ?1 AND seq = ?2")?
            .query_row((standing.place.oid, standing.place.seq), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let Some(changed) = merge::changed(self.conn(), &uid, &nonce)? else {
            return Ok(standing.place);
        };
        let after = changed
            .last
            .is_before(standing.place, self.conn(), self.names())?;
        Ok(if after { standing.place } else { changed.last })
    }
}
