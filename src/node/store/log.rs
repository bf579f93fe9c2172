//! The door into the log: gives this node's deeds their places, takes peers' events in their order,
//! and refuses what may not be. Runs on the writer's thread, inside its transaction.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::clock::{Clock, Hybrid};
use super::commit::{Deed, Ingested, Outcome, Placed};
use super::error::StoreError;
use super::identities::{Identities, Standing};
use super::intern::{Interned, Oid, Rid};
use super::mark::Mark;
use super::merge::{self, Merge};
use super::rows::Place;
use super::{origin, registers};
use crate::node::breaks::{Break, is_broken};
use crate::protocol::limits::CLOCK_AHEAD_MAX_US;
use crate::protocol::{self, Body, Event, MessageId, Origin, Seq, Ts, VersionVector};

/// Where an origin's log ends here.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    seq: i64,
    ts: i64,
}

/// The log with what the writer keeps in memory of it.
pub(super) struct Log {
    pub(super) conn: Connection,
    pub(super) names: Interned,
    pub(super) identities: Identities,
    heads: HashMap<Oid, Head>,
    own: (Oid, Origin),
    node: String,
    hybrid: Hybrid,
    clock: Arc<dyn Clock>,
    /// The greatest `rev` of a row of soft state.
    pub(super) rev: i64,
    /// A transaction failed: what is in memory must be read anew.
    stale: bool,
    /// How far anybody may have heard of this store's own log.
    mark: Mark,
    /// Places were handed out that were not committed: the origin is not written on.
    given_up: bool,
}

/// An event that was appended, and what is to be shown of it.
pub(super) type Appended = (Arc<Event>, Outcome);

/// Where a deed is, and what was appended, unless it was there before.
type Submitted = (Placed, Option<Appended>);

impl Log {
    /// Takes the log up where it ends; under a new origin unless it is provably the same file
    /// (`identity`) that this machine wrote last, with all that was heard of it (`mark`).
    pub(super) fn open(
        conn: Connection,
        node: &str,
        identity: &str,
        mark: Mark,
        clock: Arc<dyn Clock>,
    ) -> Result<Log, StoreError> {
        let names = Interned::default();
        let own = origin::own_or_new(&conn, &names, node, identity, &mark)?;
        let mut log = Log {
            conn,
            names,
            identities: Identities::default(),
            heads: HashMap::new(),
            own,
            node: node.to_owned(),
            hybrid: Hybrid::default(),
            clock,
            rev: 0,
            stale: true,
            mark,
            given_up: false,
        };
        log.begin()?;
        log.conn.execute_batch("ROLLBACK")?;
        log.note_own();
        Ok(log)
    }

    /// Begins a transaction; reads what is kept in memory anew if the last one failed.
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        if self.stale {
            self.load()?;
            self.stale = false;
        }
        if self.given_up && !is_broken(Break::KeepsItsOrigin) {
            self.begin_new_origin()?;
        }
        Ok(())
    }

    /// Does a part of what is due in the tables, within the open transaction. To be called before anything
    /// is handed out: what fails here costs no origin.
    pub(super) fn merge_identities(&self) -> Result<(), StoreError> {
        self.identities.merge_some(&self.conn)
    }

    /// At a start: does all of what is due in the tables. A process that is killed again and again never
    /// comes to the end of it otherwise, and each start would read more. A failure changes nothing: the
    /// log may be on a disk that is full, and can be read.
    pub(super) fn settle_if_due(&mut self) {
        if self.identities.is_due()
            && let Err(error) = self.settle()
        {
            tracing::warn!(%error, "the store cannot put the newest messages in order yet");
        }
    }

    /// The open transaction's events are about to be handed out, before they are committed: from here
    /// on no other event may get their places, whatever happens.
    pub(super) fn hand_out(&mut self) {
        self.note_own();
        self.given_up = true;
    }

    /// Ends the transaction; what is in it is on stable storage after this.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        self.given_up = false;
        self.note_own();
        Ok(())
    }

    /// Brings the tables up to what is in memory, so that the next start need not read it again.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        loop {
            self.begin()?;
            let settled = match self.identities.merge_rest(&self.conn) {
                Ok(more) => self.commit().map(|()| !more),
                Err(error) => Err(error),
            };
            match settled {
                Ok(false) => {}
                Ok(true) => return Ok(()),
                Err(error) => {
                    self.roll_back();
                    return Err(error);
                }
            }
        }
    }

    fn note_own(&mut self) {
        let own = self.heads.get(&self.own.0).copied().unwrap_or_default();
        self.mark.note(&self.own.1, own.seq as Seq);
    }

    /// Takes the transaction back.
    pub(super) fn roll_back(&mut self) {
        self.stale = true;
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the store cannot take a transaction back");
        }
    }

    fn load(&mut self) -> Result<(), StoreError> {
        self.names.forget();
        self.heads.clear();
        self.hybrid = Hybrid::default();
        self.own = origin::own(&self.conn, &self.names)?
            .ok_or_else(|| StoreError::Damaged("the log has no origin".to_owned()))?;
        self.rev = super::soft::greatest_rev(&self.conn)?;
        let oids: Vec<Oid> = self
            .conn
            .prepare_cached("SELECT oid FROM origins")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for oid in oids {
            self.load_head(oid)?;
        }
        self.identities.load(&self.conn)
    }

    /// Reads where the origin ends, and lets the clock see it. What is too far ahead to count yet
    /// is looked at one by one, as it may count later.
    fn load_head(&mut self, oid: Oid) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut select = self
            .conn
            .prepare_cached("SELECT seq, ts FROM events WHERE oid = ?1 ORDER BY seq DESC")?;
        let mut rows = select.query([oid])?;
        let mut head = Head::default();
        while let Some(row) = rows.next()? {
            let (seq, ts) = (row.get(0)?, row.get(1)?);
            if head.seq == 0 {
                head = Head { seq, ts };
            }
            if oid == self.own.0 {
                self.hybrid.resume(Ts(ts));
                break;
            }
            self.hybrid.observe(Ts(ts), now);
            if ts <= now.0 + CLOCK_AHEAD_MAX_US {
                break;
            }
        }
        self.heads.insert(oid, head);
        Ok(())
    }

    /// The log that this store writes.
    pub(super) fn origin(&self) -> &Origin {
        &self.own.1
    }

    /// The time of the last event under this store's origin; 0 for none.
    pub(super) fn last_written(&self) -> Ts {
        let own = self.heads.get(&self.own.0).copied().unwrap_or_default();
        Ts(own.ts)
    }

    /// How far each origin is held.
    pub(super) fn held(&self) -> Result<VersionVector, StoreError> {
        let places = self.heads.iter().filter(|(_, head)| head.seq > 0);
        places
            .map(|(oid, head)| Ok((self.names.origin(&self.conn, *oid)?, head.seq as Seq)))
            .collect()
    }

    /// Stores a deed of this node's user. The outer error ends the transaction; the inner one
    /// refuses this deed alone.
    pub(super) fn submit(
        &mut self,
        deed: Deed,
    ) -> Result<Result<Submitted, StoreError>, StoreError> {
        if let Some(placed) = self.repeated(&deed)? {
            return Ok(Ok((placed, None)));
        }
        if let Err(refusal) = self.check(&deed)? {
            return Ok(Err(refusal));
        }
        let now = self.clock.now();
        let rid = self.names.rid_or_new(&self.conn, &deed.room)?;
        let (oid, origin) = (self.own.0, self.own.1.clone());
        let head = self.heads.get(&oid).copied().unwrap_or_default();
        let ts = self.hybrid.next(now, deed.after);
        let event = Event {
            origin,
            seq: head.seq as Seq + 1,
            ts,
            room: deed.room,
            uid: deed.uid,
            name: deed.name,
            nonce: deed.nonce,
            body: deed.body,
        };
        // Were it here, it would be repeated.
        let outcome = self.append(&event, oid, rid, now, None)?;
        let placed = Placed {
            place: place_of(&event),
            id: changed_message(&event),
            room: event.room.clone(),
            repeated: false,
        };
        Ok(Ok((placed, Some((Arc::new(event), outcome)))))
    }

    /// Where the same deed stands already.
    fn repeated(&self, deed: &Deed) -> Result<Option<Placed>, StoreError> {
        let (uid, nonce) = (deed.uid.as_str(), deed.nonce.as_str());
        let is_message = matches!(deed.body, Body::Message { .. });
        let place = if is_message {
            self.standing(uid, nonce)?.map(|standing| standing.place)
        } else {
            merge::standing_update(&self.conn, uid, nonce)?.map(|(place, _)| place)
        };
        let Some(place) = place else { return Ok(None) };
        let event = self.event_at(place)?;
        Ok(Some(Placed {
            place: place_of(&event),
            id: changed_message(&event),
            room: event.room,
            repeated: true,
        }))
    }

    fn standing(&self, uid: &str, nonce: &str) -> Result<Option<Standing>, StoreError> {
        self.identities.standing(&self.conn, uid, nonce)
    }

    fn event_at(&self, place: Place) -> Result<Event, StoreError> {
        super::reader::event_at(&self.conn, &self.names, place.oid, place.seq)?
            .ok_or_else(|| StoreError::Damaged(format!("no event at {place:?}")))
    }

    /// Whether the deed may be. A deleted message is not there any more, for its writer neither.
    fn check(&self, deed: &Deed) -> Result<Result<(), StoreError>, StoreError> {
        let id = match &deed.body {
            Body::Edit { id, .. } | Body::Delete { id } | Body::React { id, .. } => id,
            Body::Message { .. } | Body::Topic { .. } => return Ok(Ok(())),
        };
        let (uid, nonce) = (id.uid(), id.nonce());
        let Some(standing) = self.standing(uid.as_str(), nonce.as_str())? else {
            return Ok(Err(StoreError::NoSuchMessage));
        };
        if self.names.rid(&self.conn, &deed.room)? != Some(standing.rid) {
            return Ok(Err(StoreError::NoSuchMessage));
        }
        if !matches!(deed.body, Body::React { .. }) && uid != deed.uid {
            return Ok(Err(StoreError::Forbidden));
        }
        let changed = registers::changed(&self.conn, uid.as_str(), nonce.as_str())?;
        if changed.is_some_and(|changed| changed.deleted) {
            return Ok(Err(StoreError::NoSuchMessage));
        }
        Ok(Ok(()))
    }

    fn append(
        &mut self,
        event: &Event,
        oid: Oid,
        rid: Rid,
        now: Ts,
        before: Option<Standing>,
    ) -> Result<Outcome, StoreError> {
        let place = Place {
            ts: event.ts.0,
            oid,
            seq: event.seq as i64,
        };
        let merge = Merge {
            conn: &self.conn,
            names: &self.names,
            identities: &self.identities,
            now,
        };
        let outcome = merge.append(event, place, rid, before)?;
        let head = Head {
            seq: place.seq,
            ts: place.ts,
        };
        self.heads.insert(oid, head);
        Ok(outcome)
    }

    /// Stores what follows what is held of each origin; passes over what is held already and what
    /// is behind a gap.
    pub(super) fn ingest(
        &mut self,
        events: Vec<Arc<Event>>,
        appended: &mut Vec<Appended>,
    ) -> Result<Ingested, StoreError> {
        let now = self.clock.now();
        let mut report = Ingested::default();
        for event in events {
            if event.origin == self.own.1 {
                let own = self.heads.get(&self.own.0).copied().unwrap_or_default();
                report.own_ahead |= event.seq > own.seq as Seq;
                report.held.advance(&event.origin, own.seq as Seq);
                continue;
            }
            let oid = self.names.oid_or_new(&self.conn, &event.origin)?;
            let head = self.heads.get(&oid).copied().unwrap_or_default();
            let next = event.seq == head.seq as Seq + 1
                || (event.seq > head.seq as Seq && is_broken(Break::StoresAcrossGaps));
            let follows = next && event.ts.0 > head.ts;
            if next && !follows {
                let (origin, seq) = (&event.origin, event.seq);
                tracing::error!(%origin, seq, "an event is not later than the one before it");
            }
            if !follows {
                if event.seq > head.seq as Seq && !report.gaps.contains(&event.origin) {
                    report.gaps.push(event.origin.clone());
                }
                report.held.advance(&event.origin, head.seq as Seq);
                continue;
            }
            let rid = self.names.rid_or_new(&self.conn, &event.room)?;
            self.hybrid.observe(event.ts, now);
            let before = match event.body {
                Body::Message { .. } => self.standing(event.uid.as_str(), event.nonce.as_str())?,
                Body::Edit { .. }
                | Body::Delete { .. }
                | Body::React { .. }
                | Body::Topic { .. } => None,
            };
            let outcome = self.append(&event, oid, rid, now, before)?;
            report.held.advance(&event.origin, event.seq);
            report.stored += 1;
            appended.push((event, outcome));
        }
        Ok(report)
    }

    /// Writes under a new origin from the next event on; what the old one holds stays as history.
    pub(super) fn begin_new_origin(&mut self) -> Result<Origin, StoreError> {
        origin::begin(&self.conn, &self.names, &self.node)?;
        // The clock too: the old origin's last time, should it be far ahead, binds the new one no more.
        self.load()?;
        Ok(self.own.1.clone())
    }

    /// The number of a room, for rows of soft state.
    pub(super) fn rid_or_new(&self, room: &protocol::RoomKey) -> Result<Rid, StoreError> {
        self.names.rid_or_new(&self.conn, room)
    }

    /// For tests: the database may have this many pages more than it has.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, more: Option<i64>) -> Result<(), StoreError> {
        let pages: i64 = self
            .conn
            .pragma_query_value(None, "page_count", |row| row.get(0))?;
        let max = more.map_or(i64::from(u32::MAX - 1), |more| pages + more);
        let _: i64 = self
            .conn
            .query_row(&format!("PRAGMA max_page_count = {max}"), [], |row| {
                row.get(0)
            })?;
        Ok(())
    }
}

fn place_of(event: &Event) -> protocol::server::Place {
    protocol::server::Place {
        ts: event.ts,
        origin: event.origin.clone(),
        seq: event.seq,
    }
}

fn changed_message(event: &Event) -> MessageId {
    event
        .message_id()
        .unwrap_or_else(|| MessageId::new(&event.uid, &event.nonce))
}
