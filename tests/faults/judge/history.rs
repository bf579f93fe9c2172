//! What is judged: what writers asked and were told, what logs hold, what nodes show.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// For each origin the greatest `seq` held.
pub type Vector = BTreeMap<String, u64>;

/// Where an event stands. The order of places is that of the fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Microseconds since the Unix epoch.
    pub ts: i64,
    pub origin: String,
    pub seq: u64,
}

/// What a writer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Message { text: String },
    Edit { id: String, text: String },
    Delete { id: String },
    React { id: String, emoji: String, on: bool },
    Topic { text: String },
}

/// One thing that a writer asked for, as often as it took, with one nonce.
#[derive(Clone, Debug)]
pub struct Op {
    pub uid: String,
    pub room: String,
    pub nonce: String,
    pub deed: Deed,
    /// The `after` it was asked with.
    pub after: i64,
    /// When it was asked first, by a right clock, microseconds.
    pub asked_us: i64,
    pub acks: Vec<Ack>,
}

/// An acknowledgement.
#[derive(Clone, Debug)]
pub struct Ack {
    pub node: String,
    /// When it came, by a right clock, microseconds.
    pub at_us: i64,
    pub place: Place,
    pub copies: u64,
}

/// An event as a node's log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub place: Place,
    pub room: String,
    pub uid: String,
    pub name: String,
    pub nonce: String,
    pub deed: Deed,
}

/// A message as a node shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub id: String,
    pub place: Place,
    pub from: String,
    pub text: Option<String>,
    pub edited: Option<i64>,
    pub deleted: bool,
    pub reactions: BTreeMap<String, Vec<String>>,
}

/// A node when all is over: its log, and each room as it shows it, oldest first.
#[derive(Clone, Debug, Default)]
pub struct NodeEnd {
    pub name: String,
    pub log: Vec<Event>,
    pub rooms: BTreeMap<String, Vec<Shown>>,
    pub topics: BTreeMap<String, String>,
    /// What SQLite's own check says: "ok".
    pub integrity: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} at {}", self.origin, self.seq, self.ts)
    }
}

impl Op {
    /// The id of the message, if it is one.
    pub fn id(&self) -> String {
        format!("{}.{}", self.uid, self.nonce)
    }

    pub fn is_acknowledged(&self) -> bool {
        !self.acks.is_empty()
    }
}

impl Event {
    pub fn id(&self) -> String {
        format!("{}.{}", self.uid, self.nonce)
    }
}

/// Whether whoever holds `vector` holds that event.
pub fn covers(vector: &Vector, origin: &str, seq: u64) -> bool {
    vector.get(origin).is_some_and(|held| *held >= seq)
}

/// Makes `vector` hold what `other` holds too.
pub fn join(vector: &mut Vector, other: &Vector) {
    for (origin, seq) in other {
        let held = vector.entry(origin.clone()).or_default();
        *held = (*held).max(*seq);
    }
}

/// The place that a frame or message names.
pub fn place_of(frame: &Value) -> Option<Place> {
    Some(Place {
        ts: frame["ts"].as_i64()?,
        origin: frame["origin"].as_str()?.to_owned(),
        seq: frame["seq"].as_u64()?,
    })
}

/// A vector from the wire.
pub fn vector_of(value: &Value) -> Vector {
    let entries = value.as_object().into_iter().flatten();
    entries
        .filter_map(|(origin, seq)| Some((origin.clone(), seq.as_u64()?)))
        .collect()
}

/// A message from the wire.
pub fn shown_of(value: &Value) -> Option<Shown> {
    Some(Shown {
        id: value["id"].as_str()?.to_owned(),
        place: place_of(value)?,
        from: value["from"].as_str()?.to_owned(),
        text: value["text"].as_str().map(str::to_owned),
        edited: value["edited"].as_i64(),
        deleted: value["deleted"].as_bool().unwrap_or(false),
        reactions: reactions_of(&value["reactions"]),
    })
}

/// Names by emoji from the wire.
pub fn reactions_of(value: &Value) -> BTreeMap<String, Vec<String>> {
    let entries = value.as_object().into_iter().flatten();
    let names = |value: &Value| {
        let names = value.as_array().into_iter().flatten();
        names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    entries
        .map(|(emoji, by)| (emoji.clone(), names(by)))
        .collect()
}
