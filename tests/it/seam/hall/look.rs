//! The task of a guest: it takes the notes that were put into its queue, and looks around for what it
//! has missed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat::node::replicator::NodeHandle;
use chat::protocol::presence::PresencePlace;
use chat::protocol::{Origin, Seq};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Fault, Hall, Note, Present};

/// How often a guest looks around.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Events that are taken from a store at a time.
const EVENTS_MAX: usize = 500;

/// Bytes of them.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Soft rows that are taken at a time.
const ROWS_MAX: usize = 100;

pub(super) struct Looker {
    hall: Hall,
    name: String,
    node: NodeHandle,
    /// Who was present at the last look.
    met: BTreeSet<Origin>,
    /// How far the soft rows of each have been taken.
    soft: BTreeMap<Origin, u64>,
}

impl Looker {
    pub(super) fn new(hall: Hall, name: String, node: NodeHandle) -> Looker {
        Looker {
            hall,
            name,
            node,
            met: BTreeSet::new(),
            soft: BTreeMap::new(),
        }
    }

    /// Runs until `stop`.
    pub(super) async fn run(mut self, mut notes: mpsc::Receiver<Note>, stop: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(note) = notes.recv() => self.take(note).await,
                _ = looks.tick() => self.look_around().await,
            }
        }
    }

    async fn take(&mut self, note: Note) {
        match note {
            // What does not follow, or could not be stored, is found at the next look.
            Note::Events(events) => {
                if self.node.ingest(events).await.is_ok() {
                    self.hall.stir();
                }
            }
            // Who is missed is found there too, by the account's place.
            Note::People(origin, changes) => {
                let _missed = self.node.came_and_went(&origin, changes);
            }
            Note::Typing(typist) => self.node.show_typing(&typist),
        }
    }

    async fn look_around(&mut self) {
        let present = self.hall.present(&self.name);
        let origins: BTreeSet<Origin> = present.iter().map(|other| other.node.origin()).collect();
        for gone in self.met.difference(&origins) {
            self.node.lost(gone);
        }
        if self.hall.has(Fault::KeepsTheGone) {
            for gone in &self.met {
                self.node.heard(gone, None);
            }
            self.met.extend(origins);
        } else {
            self.met = origins;
        }
        for other in present {
            self.compare_clocks(&other);
            self.look_for_people(&other);
            self.look_for_events(&other).await;
            self.look_for_soft_rows(&other).await;
        }
    }

    fn compare_clocks(&self, other: &Present) {
        let clock = self.node.clock();
        let ahead_us = other.node.clock().own().0 - clock.own().0;
        clock.heard(&other.name, ahead_us);
        clock.keep();
    }

    fn look_for_people(&self, other: &Present) {
        let origin = other.node.origin();
        let mut place = other.node.place();
        if self.hall.has(Fault::ForgetsPeople) {
            place = PresencePlace { number: 0, ..place };
        }
        if self.node.heard(&origin, Some(place)) && !self.hall.has(Fault::ForgetsPeople) {
            for part in other.node.everybody_here() {
                self.node.everybody_there(&origin, part);
            }
        }
    }

    async fn look_for_events(&self, other: &Present) {
        if self.hall.has(Fault::ForgetsCatchUp) {
            return;
        }
        let (mut theirs, ours) = (other.node.held(), self.node.held());
        if self.hall.has(Fault::HandsOnOwnOnly) {
            let own = other.node.origin();
            theirs = [(own.clone(), theirs.get(&own))].into_iter().collect();
        }
        for (origin, seq) in theirs
            .iter()
            .filter(|(origin, seq)| !ours.covers(origin, *seq))
        {
            if *origin == self.node.origin() {
                // This disk was set back: what it has said under the old origin comes back under it.
                let _ = self.node.begin_new_origin().await;
            }
            self.take_from(other, origin, ours.get(origin), seq).await;
        }
    }

    /// Takes what `other` has of a log into our store, as far as it goes.
    async fn take_from(&self, other: &Present, origin: &Origin, mut held: Seq, up_to: Seq) {
        while held < up_to {
            let read = other
                .node
                .events_after(origin, held, EVENTS_MAX, EVENT_BYTES_MAX);
            // A store that is closed or cannot write: at the next look, if there is one.
            let Ok(events) = read.await else { return };
            let Ok(taken) = self.node.ingest(events).await else {
                return;
            };
            self.hall.stir();
            let reached = taken.held.get(origin);
            if reached <= held {
                return;
            }
            held = reached;
        }
    }

    async fn look_for_soft_rows(&mut self, other: &Present) {
        if self.hall.has(Fault::ForgetsSoftRows) {
            return;
        }
        let taken = self.soft.entry(other.node.origin()).or_default();
        while *taken < other.node.soft_rev() {
            let Ok(page) = other.node.soft_since(*taken, ROWS_MAX).await else {
                return;
            };
            if page.rev <= *taken || self.node.take_soft(page.rows).await.is_err() {
                return;
            }
            *taken = page.rev;
        }
    }
}
