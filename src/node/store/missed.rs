//! The events of a room that a reader has missed, in order: each origin's from where the reader is,
//! merged by `(ts, origin)`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::commit::UpdateKind;
use super::error::StoreError;
use super::identities::{Standing, is_in_timeline};
use super::intern::{Oid, Rid};
use super::merge;
use super::reader::Reader;
use super::rows::{Place, kind};
use super::view;
use crate::protocol::server::MessageUpdate;
use crate::protocol::{MessageId, Origin, RoomKey, Seq, VersionVector};

/// Events that are read of an origin at a time.
const CHUNK: usize = 64;

/// What is needed of an event to say what it shows.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) place: Place,
    pub(super) kind: i64,
    uid: String,
    nonce: String,
    target: Option<String>,
}

impl Missed {
    /// What it changes of a message; none for a message and a topic.
    pub(super) fn update(&self) -> Option<UpdateKind> {
        match self.kind {
            kind::EDIT => Some(UpdateKind::Edit),
            kind::DELETE => Some(UpdateKind::Delete),
            kind::REACT => Some(UpdateKind::Reactions),
            _ => None,
        }
    }
}

/// What an event shows of a message.
pub(super) enum Shows {
    Nothing,
    /// The message that it makes or changes, where it stands.
    Message(Standing),
    /// A change of a message that is not here.
    Early(MessageUpdate),
}

/// One origin's events, from where the reader is to where it may read.
struct Stream {
    oid: Oid,
    origin: Origin,
    from: i64,
    to: i64,
    ready: VecDeque<Missed>,
}

/// The merged events.
pub(super) struct MissedEvents<'a> {
    reader: &'a Reader,
    since: &'a VersionVector,
    up_to: &'a VersionVector,
    pub(super) rid: Rid,
    streams: Vec<Stream>,
    /// The time and origin of each stream's first event, and which stream it is.
    heads: BinaryHeap<Reverse<(i64, Origin, usize)>>,
}

impl<'a> MissedEvents<'a> {
    /// `None` if there is no such room.
    pub(super) fn open(
        reader: &'a Reader,
        room: &RoomKey,
        since: &'a VersionVector,
        up_to: &'a VersionVector,
    ) -> Result<Option<MissedEvents<'a>>, StoreError> {
        let Some(rid) = reader.rid(room)? else {
            return Ok(None);
        };
        let mut missed = MissedEvents {
            reader,
            since,
            up_to,
            rid,
            streams: Vec::new(),
            heads: BinaryHeap::new(),
        };
        for (origin, to) in up_to.iter() {
            let from = since.get(origin);
            if from >= to {
                continue;
            }
            if let Some(oid) = reader.names().oid(reader.conn(), origin)? {
                missed.streams.push(Stream {
                    oid,
                    origin: origin.clone(),
                    from: from as i64,
                    to: to as i64,
                    ready: VecDeque::new(),
                });
                missed.refill(missed.streams.len() - 1)?;
            }
        }
        Ok(Some(missed))
    }

    /// The next event and its origin, without taking it.
    pub(super) fn peek(&self) -> Option<(&Origin, &Missed)> {
        let Reverse((_, _, at)) = self.heads.peek()?;
        let stream = &self.streams[*at];
        stream.ready.front().map(|event| (&stream.origin, event))
    }

    /// Takes the next event: the reader holds it from now on.
    pub(super) fn take(&mut self, held: &mut VersionVector) -> Result<(), StoreError> {
        let Some(Reverse((_, origin, at))) = self.heads.pop() else {
            return Ok(());
        };
        let stream = &mut self.streams[at];
        if let Some(event) = stream.ready.pop_front() {
            held.advance(&origin, event.place.seq as Seq);
        }
        match stream.ready.front() {
            Some(next) => self.heads.push(Reverse((next.place.ts, origin, at))),
            None => self.refill(at)?,
        }
        Ok(())
    }

    /// Reads the stream on, and puts its first event among the heads.
    fn refill(&mut self, at: usize) -> Result<(), StoreError> {
        let stream = &mut self.streams[at];
        let mut select = self.reader.conn().prepare_cached(
            "SELECT ts, oid, seq, kind, uid, nonce, target FROM events INDEXED BY events_by_room
             WHERE rid = ?1 AND oid = ?2 AND seq > ?3 AND seq <= ?4 ORDER BY seq LIMIT ?5",
        )?;
        let mut rows =
            select.query((self.rid, stream.oid, stream.from, stream.to, CHUNK as i64))?;
        while let Some(row) = rows.next()? {
            let event = Missed {
                place: Place::read(row, 0)?,
                kind: row.get(3)?,
                uid: row.get(4)?,
                nonce: row.get(5)?,
                target: row.get(6)?,
            };
            stream.from = event.place.seq;
            stream.ready.push_back(event);
        }
        if let Some(first) = stream.ready.front() {
            let head = (first.place.ts, stream.origin.clone(), at);
            self.heads.push(Reverse(head));
        }
        Ok(())
    }

    /// What an event shows of a message; nothing for a topic, for what stands elsewhere, and for what
    /// changes nothing.
    pub(super) fn shows(&self, event: &Missed) -> Result<Shows, StoreError> {
        let conn = self.reader.conn();
        let standing = match (event.kind, &event.target) {
            (kind::MESSAGE, _) => {
                let (rid, place) = (self.rid, event.place);
                let standing = Standing { rid, place };
                is_in_timeline(conn, standing)?.then_some(standing)
            }
            (kind::TOPIC, _) | (_, None) => None,
            (_, Some(target)) => {
                let stands = merge::standing_update(conn, &event.uid, &event.nonce)?;
                if stands.is_none_or(|(place, _)| place != event.place) {
                    return Ok(Shows::Nothing);
                }
                let id = MessageId::parse(target).map_err(StoreError::damaged("a target"))?;
                match self.reader.standing(&id)? {
                    Some(standing) if self.is_told(standing.place)? => Some(standing),
                    Some(_) | None => return self.early(event, &id),
                }
            }
        };
        let here = standing.filter(|standing| standing.rid == self.rid);
        Ok(here.map_or(Shows::Nothing, Shows::Message))
    }

    /// Whether the reader holds what stands at this place, or may read it now. What was committed this
    /// moment is told to it live: given here as well, it would come twice.
    fn is_told(&self, place: Place) -> Result<bool, StoreError> {
        let origin = self.reader.origin(place.oid)?;
        let seq = place.seq as Seq;
        Ok(self.since.covers(&origin, seq) || self.up_to.covers(&origin, seq))
    }

    /// What an update shows whose message is not here.
    fn early(&self, event: &Missed, id: &MessageId) -> Result<Shows, StoreError> {
        let (conn, names) = (self.reader.conn(), self.reader.names());
        let Some(kind) = event.update() else {
            return Ok(Shows::Nothing);
        };
        let room = names.room(conn, self.rid)?.to_string();
        let update = view::early(conn, names, room, id, (kind, event.place))?;
        Ok(update.map_or(Shows::Nothing, Shows::Early))
    }
}
