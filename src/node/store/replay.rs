//! What a reader has missed, event by event: for a session that was too slow for live lines.

use std::sync::Arc;

use super::commit::{Outcome, UpdateKind};
use super::error::StoreError;
use super::missed::{Missed, MissedEvents, Shows};
use super::reader::{Reader, event_at};
use super::registers;
use super::rows::kind;
use super::view::{self, message_bytes, update_bytes};
use crate::protocol::limits::PAGE_BYTES;
use crate::protocol::{Event, RoomKey, VersionVector};

/// Events that are looked at in one go; those that show nothing are passed over.
const EVENTS_LOOKED_AT_MAX: usize = 4 * 1024;

/// A part of what was missed.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    pub items: Vec<Replayed>,
    /// What the reader holds once it has taken this part.
    pub since: VersionVector,
    pub more: bool,
}

/// An event with what it shows now, never [`Outcome::Hidden`] or [`Outcome::Moved`].
#[derive(Clone, Debug)]
pub struct Replayed {
    pub event: Arc<Event>,
    pub outcome: Outcome,
}

impl Reader {
    /// The events of the room past `since`, in order, `limit` at most (and about 256 KiB), with
    /// their messages as they are now. With the last part the reader holds all of `up_to`.
    pub fn replay(
        &self,
        room: &RoomKey,
        since: &VersionVector,
        limit: usize,
        up_to: &VersionVector,
    ) -> Result<Replay, StoreError> {
        let mut replay = Replay {
            since: since.clone(),
            ..Replay::default()
        };
        let Some(mut missed) = MissedEvents::open(self, room, since, up_to)? else {
            replay.since.merge(up_to);
            return Ok(replay);
        };
        let mut bytes = 0;
        for _ in 0..EVENTS_LOOKED_AT_MAX {
            if replay.items.len() >= limit.max(1) || bytes >= PAGE_BYTES {
                break;
            }
            let Some((_, event)) = missed.peek() else {
                break;
            };
            if let Some(outcome) = self.replayed(&missed, event)? {
                bytes += match &outcome {
                    Outcome::Message(view)
                    | Outcome::Moved(view)
                    | Outcome::Updated { view, .. } => message_bytes(view),
                    Outcome::Early(update) => update_bytes(update),
                    Outcome::Topic | Outcome::Hidden => 0,
                };
                let place = event.place;
                let event = event_at(self.conn(), self.names(), place.oid, place.seq)?
                    .ok_or_else(|| StoreError::Damaged(format!("no event at {place:?}")))?;
                replay.items.push(Replayed {
                    event: Arc::new(event),
                    outcome,
                });
            }
            missed.take(&mut replay.since)?;
        }
        replay.more = missed.peek().is_some();
        if !replay.more {
            replay.since.merge(up_to);
        }
        Ok(replay)
    }

    fn replayed(
        &self,
        missed: &MissedEvents<'_>,
        event: &Missed,
    ) -> Result<Option<Outcome>, StoreError> {
        if event.kind == kind::TOPIC {
            let counts = registers::topic_place(self.conn(), missed.rid)? == Some(event.place);
            return Ok(counts.then_some(Outcome::Topic));
        }
        let standing = match missed.shows(event)? {
            Shows::Nothing => return Ok(None),
            Shows::Early(update) => return Ok(Some(Outcome::Early(update))),
            Shows::Message(standing) => standing,
        };
        let view = view::message_at(self.conn(), self.names(), standing.place)?;
        let Some(kind) = event.update() else {
            return Ok(Some(Outcome::Message(view)));
        };
        if view.deleted && kind != UpdateKind::Delete {
            return Ok(None);
        }
        Ok(Some(Outcome::Updated { kind, view }))
    }
}
