//! The newest committed events, in memory: what live pushes are made of.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::limits::RECENT_BYTES_MAX;
use crate::protocol::peer::event_bytes_max;
use crate::protocol::{Event, Origin, Seq};

/// For each origin its last committed events without a gap; the oldest of all are let go first.
#[derive(Debug, Default)]
pub struct Recent {
    logs: BTreeMap<Origin, VecDeque<Arc<Event>>>,
    /// The origin of each event in the order of commits.
    order: VecDeque<Origin>,
    bytes: usize,
}

impl Recent {
    /// Adds an event that was just committed, or is about to be. Once more is nothing.
    pub fn push(&mut self, event: &Arc<Event>) {
        let log = self.logs.entry(event.origin.clone()).or_default();
        if log.back().is_some_and(|last| last.seq >= event.seq) {
            return;
        }
        if log.back().is_some_and(|last| last.seq + 1 != event.seq) {
            // A commit was not told of. What is before the gap is of no use any more.
            self.bytes -= log.drain(..).map(|e| event_bytes_max(&e)).sum::<usize>();
        }
        log.push_back(event.clone());
        self.order.push_back(event.origin.clone());
        self.bytes += event_bytes_max(event);
        while self.bytes > RECENT_BYTES_MAX {
            self.forget_oldest();
        }
    }

    /// The event at this place, if it is still here.
    pub fn get(&self, origin: &Origin, seq: Seq) -> Option<&Arc<Event>> {
        let log = self.logs.get(origin)?;
        let index = seq.checked_sub(log.front()?.seq)?;
        log.get(usize::try_from(index).ok()?)
    }

    /// The origins that have events here.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.logs.keys()
    }

    /// Takes back what was added of `origin` past `seq`.
    pub fn forget_after(&mut self, origin: &Origin, seq: Seq) {
        let Some(log) = self.logs.get_mut(origin) else {
            return;
        };
        // Their places in `order` stay behind: `forget_oldest` passes over what is not there.
        while let Some(last) = log.pop_back_if(|event| event.seq > seq) {
            self.bytes -= event_bytes_max(&last);
        }
        if log.is_empty() {
            self.logs.remove(origin);
        }
    }

    fn forget_oldest(&mut self) {
        let Some(origin) = self.order.pop_front() else {
            return;
        };
        let Some(log) = self.logs.get_mut(&origin) else {
            return;
        };
        if let Some(event) = log.pop_front() {
            self.bytes -= event_bytes_max(&event);
        }
        if log.is_empty() {
            self.logs.remove(&origin);
        }
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
