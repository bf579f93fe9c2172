//! Events on their way into the store: handed over in order without gaps, or waiting for the ones
//! before them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Moment;
use super::limits::{AHEAD_BYTES_MAX, HANDED_BYTES_MAX, HANDED_TIMEOUT, REFUSED_PAUSE};
use crate::node::breaks::{Break, is_broken};
use crate::protocol::peer::event_bytes_max;
use crate::protocol::{Event, Origin, Seq};

#[derive(Debug, Default)]
pub struct Inbox {
    origins: BTreeMap<Origin, Log>,
    handed_bytes: usize,
    ahead_bytes: usize,
    /// Until when nothing more is asked for: the store has refused.
    closed_until: Moment,
}

/// One origin's.
#[derive(Debug, Default)]
struct Log {
    /// All up to here is committed.
    stored: Seq,
    /// Handed to the store and not committed: the places after `stored`, by their bytes.
    handed: VecDeque<usize>,
    /// When the store last took or was given one of these.
    moved: Moment,
    ahead: BTreeMap<Seq, Arc<Event>>,
}

impl Log {
    fn next(&self) -> Seq {
        self.stored + self.handed.len() as Seq + 1
    }
}

impl Inbox {
    /// The last place of `origin` that is stored or on its way.
    pub fn reached(&self, origin: &Origin) -> Seq {
        self.origins.get(origin).map_or(0, |log| log.next() - 1)
    }

    /// Whether another batch may be asked for.
    pub fn is_open(&self, now: Moment) -> bool {
        self.handed_bytes < HANDED_BYTES_MAX / 2 && now >= self.closed_until
    }

    /// Takes an event from a peer; what may go to the store now is added to `ingest`.
    pub fn take(&mut self, now: Moment, event: Arc<Event>, ingest: &mut Vec<Arc<Event>>) {
        let bytes = event_bytes_max(&event);
        let log = self.origins.entry(event.origin.clone()).or_default();
        if event.seq < log.next() {
            return;
        }
        let next = event.seq == log.next() || is_broken(Break::StoresAcrossGaps);
        if next && self.handed_bytes + bytes <= HANDED_BYTES_MAX {
            let origin = event.origin.clone();
            log.handed.push_back(bytes);
            log.moved = now;
            self.handed_bytes += bytes;
            ingest.push(event);
            return self.hand_over(now, &origin, ingest);
        }
        if self.ahead_bytes + bytes <= AHEAD_BYTES_MAX
            && log.ahead.insert(event.seq, event).is_none()
        {
            self.ahead_bytes += bytes;
        }
    }

    /// The store has committed `origin` up to `seq`; what waited for room is added to `ingest`.
    pub fn committed(
        &mut self,
        now: Moment,
        origin: &Origin,
        seq: Seq,
        ingest: &mut Vec<Arc<Event>>,
    ) {
        let log = self.origins.entry(origin.clone()).or_default();
        let places = usize::try_from(seq.saturating_sub(log.stored)).unwrap_or(usize::MAX);
        let done = log.handed.drain(..places.min(log.handed.len()));
        self.handed_bytes -= done.sum::<usize>();
        log.stored = log.stored.max(seq);
        log.moved = now;
        self.hand_over(now, origin, ingest);
    }

    /// The store cannot take anything just now: nothing is asked for in a while.
    pub fn pause(&mut self, now: Moment) {
        self.closed_until = now + REFUSED_PAUSE;
    }

    /// The store did not take what it was handed of `origin`: it is to be asked for again.
    pub fn refused(&mut self, origin: &Origin) {
        if let Some(log) = self.origins.get_mut(origin) {
            self.handed_bytes -= log.handed.drain(..).sum::<usize>();
        }
    }

    /// Gives up on what the store has been silent about for too long.
    pub fn tick(&mut self, now: Moment) {
        for log in self.origins.values_mut() {
            if now >= log.moved + HANDED_TIMEOUT {
                self.handed_bytes -= log.handed.drain(..).sum::<usize>();
            }
        }
    }

    /// Moves on what has waited and is now next.
    fn hand_over(&mut self, now: Moment, origin: &Origin, ingest: &mut Vec<Arc<Event>>) {
        let Some(log) = self.origins.get_mut(origin) else {
            return;
        };
        while let Some(first) = log.ahead.first_entry() {
            let bytes = event_bytes_max(first.get());
            let next = log.stored + log.handed.len() as Seq + 1;
            if *first.key() > next
                || (*first.key() == next && self.handed_bytes + bytes > HANDED_BYTES_MAX)
            {
                return;
            }
            let event = first.remove();
            self.ahead_bytes -= bytes;
            if event.seq == next {
                log.handed.push_back(bytes);
                log.moved = now;
                self.handed_bytes += bytes;
                ingest.push(event);
            }
        }
    }

    #[cfg(test)]
    pub fn bytes(&self) -> (usize, usize) {
        (self.handed_bytes, self.ahead_bytes)
    }
}
