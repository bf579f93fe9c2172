//! What a reader has missed, as messages: each once, as it is now.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::error::StoreError;
use super::identities::Standing;
use super::intern::Rid;
use super::missed::{MissedEvents, Shows};
use super::pages::sort;
use super::reader::Reader;
use super::registers;
use super::rows::Place;
use super::view::{self, message_bytes, update_bytes};
use crate::node::breaks::{Break, is_broken};
use crate::protocol::limits::{HISTORY_MAX, PAGE_BYTES};
use crate::protocol::server::{Message, MessageUpdate};
use crate::protocol::{RoomKey, Seq, VersionVector};

/// Events that are looked at for one page: of many updates of few messages most show nothing, and
/// a page must not take long.
const EVENTS_LOOKED_AT_MAX: usize = 4 * 1024;

/// A part of what was missed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SincePage {
    /// In order, oldest first; some may be empty although there is more.
    pub messages: Vec<Message>,
    /// Changes of messages that are not here yet, and that the reader may have from another node.
    pub updates: Vec<MessageUpdate>,
    /// What the reader holds once it has taken this page.
    pub since: VersionVector,
    pub more: bool,
}

impl Reader {
    /// What a reader who holds `since` has missed of the room: the events past it, the oldest
    /// first, `limit` of them (200 at most) that show a message. A message that several of them
    /// made and changed is shown once, with the last of them, so that going on from page to page
    /// shows nothing twice. A change of a message that is not here counts like a message. With the last
    /// page the reader holds all of `up_to`.
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
        // For each message, the event with which it is shown.
        let mut last_places = HashMap::new();
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
            let shows = match missed.shows(event)? {
                Shows::Message(standing) => {
                    let last = match last_places.entry(standing.place) {
                        Entry::Occupied(known) => *known.get(),
                        Entry::Vacant(new) => *new.insert(self.last_place(standing, since, up_to)?),
                    };
                    if last == Some(event.place) {
                        Shows::Message(standing)
                    } else {
                        Shows::Nothing
                    }
                }
                shows => shows,
            };
            let is_full = page.messages.len() + page.updates.len() == limit || bytes >= PAGE_BYTES;
            if is_full && !matches!(shows, Shows::Nothing) {
                page.more = true;
                if is_broken(Break::SinceRunsAhead) {
                    missed.take(&mut page.since)?;
                }
                break;
            }
            match shows {
                Shows::Nothing => {}
                Shows::Message(standing) => {
                    let message = view::message_at(self.conn(), self.names(), standing.place)?;
                    bytes += message_bytes(&message);
                    page.messages.push(message);
                }
                Shows::Early(update) => {
                    bytes += update_bytes(&update);
                    page.updates.push(update);
                }
            }
            missed.take(&mut page.since)?;
        }
        if !page.more {
            page.since.merge(up_to);
        }
        sort(&mut page.messages);
        Ok(page)
    }

    /// The last of the missed events that shows the message: the one with which it is given.
    fn last_place(
        &self,
        standing: Standing,
        since: &VersionVector,
        up_to: &VersionVector,
    ) -> Result<Option<Place>, StoreError> {
        let missed = |place: Place| -> Result<bool, StoreError> {
            let origin = self.origin(place.oid)?;
            let seq = place.seq as Seq;
            Ok(!since.covers(&origin, seq) && up_to.covers(&origin, seq))
        };
        let (uid, nonce): (String, String) = self
            .conn()
            .prepare_cached("SELECT uid, nonce FROM events WHERE oid = ?1 AND seq = ?2")?
            .query_row((standing.place.oid, standing.place.seq), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut places = vec![standing.place];
        if let Some(changed) = registers::changed(self.conn(), &uid, &nonce)? {
            if missed(changed.last)? && self.is_in_room(changed.last, standing.rid)? {
                places.push(changed.last);
            } else {
                // It came late, or was committed this moment: an earlier one is the last here.
                places.extend(self.updates_of(&format!("{uid}.{nonce}"), standing.rid)?);
            }
        }
        let mut last: Option<Place> = None;
        for place in places {
            let later = match last {
                Some(last) => last.is_before(place, self.conn(), self.names())?,
                None => true,
            };
            if later && missed(place)? {
                last = Some(place);
            }
        }
        Ok(last)
    }

    fn is_in_room(&self, place: Place, rid: Rid) -> Result<bool, StoreError> {
        let found: Rid = self
            .conn()
            .prepare_cached("SELECT rid FROM events WHERE oid = ?1 AND seq = ?2")?
            .query_row((place.oid, place.seq), |row| row.get(0))?;
        Ok(found == rid)
    }

    fn updates_of(&self, target: &str, rid: Rid) -> Result<Vec<Place>, StoreError> {
        let places = self
            .conn()
            .prepare_cached(
                "SELECT u.ts, u.oid, u.seq FROM updates u
                 CROSS JOIN events e ON e.oid = u.oid AND e.seq = u.seq
                 WHERE u.target = ?1 AND e.rid = ?2",
            )?
            .query_map((target, rid), |row| Place::read(row, 0))?
            .collect::<Result<_, _>>()?;
        Ok(places)
    }
}
