//! A node in the hall, as its own node calls it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat::node::replicator::{COPIES_WAIT_MAX, Later, NodeHandle, Replicator, Typist};
use chat::node::store::{Committed, Placed};
use chat::protocol::presence::PresenceChanges;
use chat::protocol::stats::{NodeFigures, NodeInfo, PeerFigures};
use chat::protocol::{Event, Origin, Seq};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::look::Looker;
use super::{Fault, Hall, Note, Seat};

/// What the node has. It has no handle on its node: the seat has, and the task that looks around.
pub(super) struct Guest {
    hall: Hall,
    name: String,
    origin: Origin,
    copies_wanted: u32,
    /// Events that a hall has numbered that should not.
    numbered: AtomicU64,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Guest {
    pub(super) fn sit_down(
        hall: Hall,
        name: String,
        node: NodeHandle,
        waiting: mpsc::Receiver<Note>,
    ) -> Guest {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (origin, copies_wanted) = (node.origin(), node.copies_wanted());
        let looker = Looker::new(hall.clone(), name.clone(), node);
        tasks.spawn(looker.run(waiting, stop.clone()));
        Guest {
            hall,
            name,
            origin,
            copies_wanted,
            numbered: AtomicU64::new(0),
            stop,
            tasks,
        }
    }

    /// The events under an origin of the hall, as a broker might that numbers what it carries.
    fn renumbered(&self, events: &[Committed]) -> Vec<Arc<Event>> {
        let own = events.iter().filter(|committed| committed.local);
        let renumbered = own.map(|committed| {
            let origin = Origin::parse(&format!("a-hall-{}", self.name)).unwrap();
            let seq = self.numbered.fetch_add(1, Ordering::Relaxed) + 1;
            let event = Event::clone(&committed.event);
            Arc::new(Event {
                origin,
                seq,
                ..event
            })
        });
        renumbered.collect()
    }

    /// The others, and whether each is in reach.
    fn others<T>(&self, look: impl Fn(&str, &Seat, bool) -> T) -> Vec<T> {
        let state = self.hall.state();
        let others = state.seats.iter().filter(|(name, _)| **name != self.name);
        let others = others.map(|(name, seat)| {
            let up = state.hear(&self.name, name) || self.hall.has(Fault::AllAreUp);
            look(name, seat, up)
        });
        others.collect()
    }
}

/// How many have the event, and how many of those present have not.
fn count(hall: &Hall, me: &str, origin: &Origin, seq: Seq) -> (u32, u32) {
    let present = hall.present(me);
    let has = |node: &NodeHandle| {
        node.held().covers(origin, seq) || hall.has(Fault::ConfirmsBeforeCommit)
    };
    let have = present.iter().filter(|other| has(&other.node)).count() as u32;
    (1 + have, present.len() as u32 - have)
}

impl Replicator for Guest {
    fn committed(&self, events: &[Committed]) {
        let events = if self.hall.has(Fault::Renumbers) {
            self.renumbered(events)
        } else {
            let own_only = self.hall.has(Fault::HandsOnOwnOnly);
            let told = events.iter().filter(|c| c.local || !own_only);
            told.map(|c| Arc::clone(&c.event)).collect()
        };
        self.hall.hand_around(&self.name, &Note::Events(events));
    }

    fn copies(&self, placed: &Placed) -> Later<u32> {
        let (hall, me, wanted) = (self.hall.clone(), self.name.clone(), self.copies_wanted);
        let (origin, seq) = (placed.place.origin.clone(), placed.place.seq);
        let mut stirred = hall.0.stirred.subscribe();
        Box::pin(async move {
            if hall.has(Fault::NeverConfirms) {
                return 1;
            }
            let enough = async {
                loop {
                    let (have, may_come) = count(&hall, &me, &origin, seq);
                    let alone = have == 1 && may_come == 0;
                    let waits = alone && hall.has(Fault::WaitsForever);
                    if have >= wanted.min(have + may_come) && !waits {
                        return have;
                    }
                    // The hall is there as long as somebody asks.
                    let _ = stirred.changed().await;
                }
            };
            let time_max = if hall.has(Fault::WaitsForever) {
                COPIES_WAIT_MAX * 10
            } else {
                COPIES_WAIT_MAX
            };
            match timeout(time_max, enough).await {
                Ok(have) => have,
                Err(_) => count(&hall, &me, &origin, seq).0,
            }
        })
    }

    fn presence(&self, changes: PresenceChanges) {
        if !self.hall.has(Fault::ForgetsPeople) {
            let note = Note::People(self.origin.clone(), changes);
            self.hall.hand_around(&self.name, &note);
        }
    }

    fn typing(&self, typing: Typist) {
        if !self.hall.has(Fault::ForgetsTyping) {
            self.hall.hand_around(&self.name, &Note::Typing(typing));
        }
    }

    /// The count is seen by whoever looks around.
    fn soft_changed(&self) {}

    fn nodes(&self) -> Vec<NodeInfo> {
        self.others(|name, seat, up| NodeInfo {
            name: name.to_owned(),
            address: seat.node.client_address().to_string(),
            up,
            rtt_us: None,
            down_s: None,
        })
    }

    fn peers(&self) -> Vec<PeerFigures> {
        self.others(|name, seat, up| PeerFigures {
            name: name.to_owned(),
            address: "the hall".to_owned(),
            up,
            heard: up,
            server: seat.node.server().to_owned(),
            started: seat.started,
            ..PeerFigures::default()
        })
    }

    fn alarms(&self) -> Vec<String> {
        let alarms = self.others(|name, _, up| {
            let quiet = up || self.hall.has(Fault::NoAlarms);
            (!quiet).then(|| format!("{name} sits in the hall and is not heard"))
        });
        alarms.into_iter().flatten().collect()
    }

    fn figures(&self, node: Option<&str>) -> Later<Vec<NodeFigures>> {
        let (hall, me) = (self.hall.clone(), self.name.clone());
        let wanted = node.map(str::to_owned);
        Box::pin(async move {
            if hall.has(Fault::ForgetsFigures) {
                return Vec::new();
            }
            let present = hall.present(&me).into_iter();
            let asked =
                present.filter(|other| wanted.as_ref().is_none_or(|name| *name == other.name));
            asked.map(|other| other.node.figures()).collect()
        })
    }

    fn stop(&self) -> Later<()> {
        let (hall, me, origin) = (self.hall.clone(), self.name.clone(), self.origin.clone());
        let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
        Box::pin(async move {
            hall.leave(&me, &origin);
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        })
    }
}
