//! The hall: a second engine, for tests, that has nothing in common with the mesh.
//!
//! All nodes of a process sit in one hall. What one says is put into the others' queues by the hall;
//! nothing is sent, and no log is kept there. Who has missed something, or has just sat down, looks
//! around, and takes what is missing from the stores of those who are present. On purpose the hall
//! is untidy: it doubles batches of events, and holds others back until later ones have overtaken them.

mod fault;
mod guest;
mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use chat::node::replicator::{Engine, EngineError, NodeHandle, Replicator, Typist};
use chat::node::{Config, Node, StartError, Tuning};
use chat::protocol::presence::{PresenceChanges, PresenceSnapshot};
use chat::protocol::{Event, Origin, Ts};
use tokio::sync::{mpsc, watch};

pub use self::fault::Fault;
use self::guest::Guest;
use super::ground::Ground;

/// Notes that wait for a guest; what finds no room is found by looking around.
const NOTES_MAX: usize = 256;

/// A hall; clones are the same one.
#[derive(Clone)]
pub struct Hall(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Changes whenever a store has taken something in.
    stirred: watch::Sender<()>,
    /// Batches that were handed around.
    batches: AtomicU64,
    fault: Option<Fault>,
}

#[derive(Default)]
struct State {
    seats: BTreeMap<String, Seat>,
    /// Who does not hear whom, in the order of their names.
    deaf: BTreeSet<(String, String)>,
}

/// Where a node sits. It is given up when the node stops, not when it is cut off.
struct Seat {
    node: NodeHandle,
    notes: mpsc::Sender<Note>,
    started: Ts,
    /// What is handed to it after something later.
    held_back: Vec<Note>,
}

/// What is put into a guest's queue.
#[derive(Clone)]
enum Note {
    Events(Vec<Arc<Event>>),
    People(Origin, PresenceChanges),
    Typing(Typist),
}

/// A guest as the others see it.
struct Present {
    name: String,
    node: NodeHandle,
}

impl Hall {
    /// One that breaks a rule.
    pub fn broken(fault: Fault) -> Hall {
        Hall::new(Some(fault))
    }

    fn new(fault: Option<Fault>) -> Hall {
        Hall(Arc::new(Inner {
            state: Mutex::default(),
            stirred: watch::Sender::new(()),
            batches: AtomicU64::new(0),
            fault,
        }))
    }

    fn has(&self, fault: Fault) -> bool {
        self.0.fault == Some(fault)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Those that a guest hears, and that hear it.
    fn present(&self, me: &str) -> Vec<Present> {
        let state = self.state();
        let others = state.seats.iter().filter(|(name, _)| state.hear(me, name));
        let present = |(name, seat): (&String, &Seat)| Present {
            name: name.clone(),
            node: seat.node.clone(),
        };
        others.map(present).collect()
    }

    /// Puts a note into the queues of all who hear `me`. Never waits: it is called under locks.
    fn hand_around(&self, me: &str, note: &Note) {
        let mut state = self.state();
        let names = state.seats.keys().filter(|name| state.hear(me, name));
        let names: Vec<String> = names.cloned().collect();
        for name in names {
            let way = self.way_of(note);
            let Some(seat) = state.seats.get_mut(&name) else {
                continue;
            };
            if way == Way::Late {
                seat.held_back.push(note.clone());
                continue;
            }
            let times = if way == Way::Twice { 2 } else { 1 };
            let late = std::mem::take(&mut seat.held_back);
            for note in std::iter::repeat_n(note, times).chain(&late) {
                // Who finds it missing looks around.
                let _ = seat.notes.try_send(note.clone());
            }
        }
    }

    /// By turns, so that a story meets all of them.
    fn way_of(&self, note: &Note) -> Way {
        match note {
            Note::Events(_) => match self.0.batches.fetch_add(1, Ordering::Relaxed) % 5 {
                1 => Way::Late,
                3 => Way::Twice,
                _ => Way::Straight,
            },
            Note::People(..) | Note::Typing(_) => Way::Straight,
        }
    }

    /// A store has taken something in: whoever waits for copies counts again.
    fn stir(&self) {
        self.0.stirred.send_replace(());
    }

    fn leave(&self, me: &str, origin: &Origin) {
        if self.has(Fault::TellsOfStops) {
            for other in self.present(me) {
                other
                    .node
                    .everybody_there(origin, PresenceSnapshot::default());
            }
        }
        if !self.has(Fault::NeverLeaves) {
            self.state().seats.remove(me);
            self.stir();
        }
    }
}

/// What becomes of a batch of events on its way.
#[derive(PartialEq)]
enum Way {
    Straight,
    Twice,
    /// Behind the next one.
    Late,
}

impl Default for Hall {
    fn default() -> Hall {
        Hall::new(None)
    }
}

impl Engine for Hall {
    async fn start(self, node: NodeHandle) -> Result<Arc<dyn Replicator>, EngineError> {
        let name = node.name().to_owned();
        let (notes, waiting) = mpsc::channel(NOTES_MAX);
        {
            let seats = &mut self.state().seats;
            if seats.contains_key(&name) {
                return Err(EngineError::new(format!(
                    "somebody called {name} sits in the hall already:\nname another with --name"
                )));
            }
            let seat = Seat {
                started: node.clock().own(),
                node: node.clone(),
                notes,
                held_back: Vec::new(),
            };
            seats.insert(name.clone(), seat);
        }
        Ok(Arc::new(Guest::sit_down(self, name, node, waiting)))
    }
}

impl Ground for Hall {
    async fn start(&self, config: Config, tuning: Tuning, _: &[&Node]) -> Result<Node, StartError> {
        Node::start_with(config, tuning, self.clone()).await
    }

    /// Its name is the other's.
    async fn refused(&self, config: Config, other: &Node) -> Result<Node, StartError> {
        let name = other.name.clone();
        Ground::start(self, Config { name, ..config }, Tuning::default(), &[]).await
    }

    fn cut(&self, one: &Node, other: &Node) {
        self.state().deaf.insert(pair(&one.name, &other.name));
        self.stir();
    }

    fn heal(&self, one: &Node, other: &Node) {
        self.state().deaf.remove(&pair(&one.name, &other.name));
        self.stir();
    }
}

impl State {
    fn hear(&self, one: &str, other: &str) -> bool {
        one != other && self.seats.contains_key(one) && !self.deaf.contains(&pair(one, other))
    }
}

fn pair(one: &str, other: &str) -> (String, String) {
    let (first, second) = if one < other {
        (one, other)
    } else {
        (other, one)
    };
    (first.to_owned(), second.to_owned())
}
