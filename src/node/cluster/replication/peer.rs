//! What is known of one peer, and the window of what has been pushed to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::Moment;
use super::limits::{
    BATCH_BYTES_MAX, BATCH_EVENTS_MAX, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_EVENTS_MAX, PUSH_TIMEOUT,
};
use super::recent::Recent;
use crate::protocol::peer::{PeerFrame, event_bytes_max};
use crate::protocol::{Event, Origin, Seq, VersionVector};

#[derive(Debug)]
pub struct Peer {
    /// The log that its store writes.
    pub origin: Origin,
    /// What it has said to hold; nothing is pushed before it has said so.
    pub held: Option<VersionVector>,
    /// How far it has pushed its own origin, committed or about to be: what may be asked of it.
    pub pushed: Seq,
    /// The origins that it hears of at first hand.
    pub linked: BTreeSet<Origin>,
    /// Origins it pushed to us, up to which place: it is told when that is stored.
    pub owed: BTreeMap<Origin, Seq>,
    /// Ranges being read for it.
    pub reads: usize,
    /// What it was waited for in vain: until it has confirmed that, nobody waits for it.
    pub owes: Option<(Origin, Seq)>,
    /// When it gets our vector next.
    pub vector_due: Moment,
    /// The last place sent of each origin.
    sent: BTreeMap<Origin, Seq>,
    in_flight: VecDeque<InFlight>,
    in_flight_bytes: usize,
}

#[derive(Debug)]
struct InFlight {
    origin: Origin,
    seq: Seq,
    bytes: usize,
    at: Moment,
}

impl Peer {
    pub fn new(now: Moment, origin: Origin) -> Peer {
        Peer {
            origin,
            held: None,
            pushed: 0,
            linked: BTreeSet::new(),
            owed: BTreeMap::new(),
            reads: 0,
            owes: None,
            vector_due: now,
            sent: BTreeMap::new(),
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
        }
    }

    /// What it has said to hold of `origin`.
    pub fn has(&self, origin: &Origin) -> Seq {
        self.held.as_ref().map_or(0, |held| held.get(origin))
    }

    /// What may be asked of it.
    pub fn offers(&self, origin: &Origin) -> Seq {
        let pushed = if *origin == self.origin {
            self.pushed
        } else {
            0
        };
        self.has(origin).max(pushed)
    }

    /// It holds `held`, and what it held before.
    pub fn stored(&mut self, held: &VersionVector) {
        let Some(known) = &mut self.held else {
            return;
        };
        known.merge(held);
        self.owes
            .take_if(|(origin, seq)| known.covers(origin, *seq));
        let bytes = &mut self.in_flight_bytes;
        self.in_flight.retain(|push| {
            let waits = !known.covers(&push.origin, push.seq);
            if !waits {
                *bytes -= push.bytes;
            }
            waits
        });
    }

    /// How far it was sent `origin`, as a push or in answer to a pull.
    pub fn sent(&self, origin: &Origin) -> Seq {
        self.sent.get(origin).copied().unwrap_or(0)
    }

    /// Whether the event is on its way to it, or will be once it has confirmed what is.
    pub fn is_sent(&self, origin: &Origin, seq: Seq) -> bool {
        let on_its_way = |push: &InFlight| push.origin == *origin;
        self.sent(origin) >= seq || self.in_flight.iter().any(on_its_way)
    }

    /// Whether it confirms what it is sent within the usual time.
    pub fn is_prompt(&self) -> bool {
        self.owes.is_none()
    }

    /// It was sent `origin` up to `seq` in answer to a pull.
    pub fn was_served(&mut self, origin: &Origin, seq: Seq) {
        let sent = self.sent.entry(origin.clone()).or_default();
        *sent = (*sent).max(seq);
    }

    /// The frames that bring it what is new, as far as its window is open. An origin whose next event
    /// is no longer in `recent` is left to its pulling. What it hears of at first hand is not passed
    /// on; of `own`, that is us.
    pub fn pump(&mut self, now: Moment, own: &Origin, recent: &Recent) -> Vec<PeerFrame> {
        let mut batch = Batch::default();
        if self.held.is_some() {
            for origin in recent.origins() {
                if origin == own || (*origin != self.origin && !self.linked.contains(origin)) {
                    self.pump_origin(now, origin, recent, &mut batch);
                }
            }
        }
        batch.finish()
    }

    fn pump_origin(&mut self, now: Moment, origin: &Origin, recent: &Recent, batch: &mut Batch) {
        let sent = self.sent(origin);
        let mut last = sent.max(self.has(origin));
        while let Some(event) = recent.get(origin, last + 1) {
            let bytes = event_bytes_max(event);
            if self.in_flight.len() >= IN_FLIGHT_EVENTS_MAX
                || self.in_flight_bytes + bytes > IN_FLIGHT_BYTES_MAX
            {
                break;
            }
            last = event.seq;
            self.in_flight_bytes += bytes;
            self.in_flight.push_back(InFlight {
                origin: origin.clone(),
                seq: last,
                bytes,
                at: now,
            });
            batch.add(event.clone(), bytes);
        }
        if last > sent {
            self.sent.insert(origin.clone(), last);
        }
    }

    /// Takes pushes for lost that were not confirmed: from there on it is as if they had not been
    /// sent.
    pub fn tick(&mut self, now: Moment) {
        let timed_out = |push: &InFlight| now >= push.at + PUSH_TIMEOUT;
        if self.in_flight.front().is_some_and(timed_out) {
            self.in_flight.clear();
            self.in_flight_bytes = 0;
            self.sent.clear();
        }
    }

    #[cfg(test)]
    pub fn in_flight(&self) -> (usize, usize) {
        (self.in_flight.len(), self.in_flight_bytes)
    }
}

/// Pushes of a bounded size each.
#[derive(Default)]
struct Batch {
    frames: Vec<PeerFrame>,
    events: Vec<Arc<Event>>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, event: Arc<Event>, bytes: usize) {
        if self.events.len() >= BATCH_EVENTS_MAX || self.bytes + bytes > BATCH_BYTES_MAX {
            self.close();
        }
        self.bytes += bytes;
        self.events.push(event);
    }

    fn close(&mut self) {
        if !self.events.is_empty() {
            let events = std::mem::take(&mut self.events);
            self.frames.push(PeerFrame::Push { events });
            self.bytes = 0;
        }
    }

    fn finish(mut self) -> Vec<PeerFrame> {
        self.close();
        self.frames
    }
}
