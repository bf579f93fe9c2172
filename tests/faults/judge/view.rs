//! One reader of one room: what it has been shown, and whether it should have been.
//!
//! The reader is a client as section 3 and 4 of the protocol describe one: it keeps a vector, goes on
//! from it on any node, and places messages by `(ts, origin)`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use super::history::{
    Place, Shown, Vector, covers, join, place_of, reactions_of, shown_of, vector_of,
};

/// What a reader holds of a room.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub room: String,
    /// All events up to here have been shown.
    pub held: Vector,
    /// Pages are still missing: live events say nothing about those before them.
    pub more: bool,
    pub known: BTreeMap<String, Known>,
    pub figures: Figures,
    session: u32,
    /// What this session said that it holds when it joined.
    given: Vector,
    /// What the answer to that said.
    joined: Vector,
    /// What answers to `history` have read; a line that was on its way may still follow.
    paged: Vector,
    /// The last live event of each origin in this session.
    last_live: Vector,
    /// What was held when the pages that are being read began. A message that was also changed past
    /// that comes with its last change, so with a later page than its place says.
    base: Vector,
    /// Live events that came while pages were missing: the pages hold them too.
    early: BTreeSet<(String, u64)>,
}

/// A message that the reader was shown.
#[derive(Clone, Debug)]
pub struct Known {
    pub shown: Shown,
    /// The session in which it got its place.
    session: u32,
}

/// What is allowed, and worth counting.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub live: u64,
    pub paged: u64,
    /// A message got a smaller place.
    pub moves: u64,
    /// A node that was behind showed what this reader had seen elsewhere.
    pub again: u64,
    pub gaps: u64,
}

impl View {
    pub fn new(room: &str) -> View {
        View {
            room: room.to_owned(),
            ..View::default()
        }
    }

    /// A new connection, perhaps to another node; gives the `since` to join with.
    pub fn begin_session(&mut self) -> Vector {
        self.session += 1;
        if !self.more {
            self.base = self.held.clone();
        }
        self.given = self.held.clone();
        self.joined.clear();
        self.paged.clear();
        self.last_live.clear();
        self.held.clone()
    }

    /// Takes a frame of this room.
    pub fn take(&mut self, frame: &Value, found: &mut Vec<Violation>) {
        match frame["type"].as_str() {
            Some("room") => {
                self.take_page(frame, found);
                self.joined = vector_of(&frame["since"]);
            }
            Some("history") => {
                self.take_page(frame, found);
                join(&mut self.paged, &vector_of(&frame["since"]));
            }
            Some("new_message") => self.take_message(frame, found),
            Some("message_update") => self.take_update(frame, found),
            Some("topic") => {
                if let Some(place) = place_of(frame) {
                    self.take_live(&place, "a topic", found);
                }
            }
            Some("gap") => {
                self.figures.gaps += 1;
                self.held = vector_of(&frame["since"]);
                self.base = self.held.clone();
                self.more = true;
            }
            _ => {}
        }
    }

    /// A `room` or `history` answer to `since`.
    fn take_page(&mut self, frame: &Value, found: &mut Vec<Violation>) {
        let since = vector_of(&frame["since"]);
        let mut said = |kind, what: String| {
            found.push(Violation::new(kind, format!("in {}: {what}", self.room)));
        };
        for (origin, seq) in &self.held {
            if !covers(&since, origin, *seq) {
                said(
                    "backwards",
                    format!("asked from {origin}:{seq}, the answer says less"),
                );
            }
        }
        let messages = frame["messages"].as_array().into_iter().flatten();
        let messages: Vec<Shown> = messages.filter_map(shown_of).collect();
        for pair in messages.windows(2) {
            if pair[0].place >= pair[1].place {
                said(
                    "reordered",
                    format!("a page has {} before {}", pair[0].place, pair[1].place),
                );
            }
        }
        for shown in messages {
            self.figures.paged += 1;
            let place = shown.place.clone();
            let held = covers(&self.held, &place.origin, place.seq);
            let early = self.early.contains(&(place.origin.clone(), place.seq));
            match self.known.get(&shown.id) {
                None if covers(&self.base, &place.origin, place.seq) => found.push(Violation::new(
                    "skipped",
                    format!(
                        "in {}: {} stands at {place}, which was passed without it",
                        self.room, shown.id
                    ),
                )),
                Some(known) if !held && !early && known.shown.place == place => {
                    found.push(Violation::new(
                        "repeated",
                        format!(
                            "in {}: {} at {place} was shown before it was held",
                            self.room, shown.id
                        ),
                    ));
                }
                _ => {}
            }
            self.place(shown);
        }
        for update in frame["updates"].as_array().into_iter().flatten() {
            if let Some(id) = update["id"].as_str() {
                self.change(id, update);
            }
        }
        join(&mut self.held, &since);
        self.more = frame["more"].as_bool().unwrap_or(false);
        if !self.more {
            self.early.clear();
        }
    }

    fn take_message(&mut self, frame: &Value, found: &mut Vec<Violation>) {
        let Some(shown) = shown_of(frame) else {
            found.push(Violation::new("malformed", frame.to_string()));
            return;
        };
        let place = shown.place.clone();
        let held = covers(&self.held, &place.origin, place.seq);
        if let Some(known) = self.known.get(&shown.id) {
            let in_page = covers(&self.paged, &place.origin, place.seq);
            if known.shown.place == place && !held {
                let what = format!("in {}: {} at {place}, live", self.room, shown.id);
                found.push(Violation::new("repeated", what));
            }
            if place > known.shown.place && known.session == self.session && !in_page {
                let (id, before) = (&shown.id, &known.shown.place);
                let what = format!("in {}: {id} went from {before} back to {place}", self.room);
                found.push(Violation::new("reordered", what));
            }
        }
        self.take_live(&place, &shown.id, found);
        self.place(shown);
    }

    fn take_update(&mut self, frame: &Value, found: &mut Vec<Violation>) {
        let (Some(place), Some(id)) = (place_of(frame), frame["id"].as_str()) else {
            found.push(Violation::new("malformed", frame.to_string()));
            return;
        };
        self.take_live(&place, id, found);
        self.change(id, frame);
    }

    /// A change of a message; of one that neither this reader nor the node has seen yet it is passed over.
    fn change(&mut self, id: &str, frame: &Value) {
        let Some(known) = self.known.get_mut(id) else {
            return;
        };
        let shown = &mut known.shown;
        if frame["deleted"].as_bool() == Some(true) {
            delete(shown);
        } else if let (Some(text), Some(edited)) =
            (frame["text"].as_str(), frame["edited"].as_i64())
        {
            edit(shown, text, edited);
        } else if frame.get("reactions").is_some() && !shown.deleted {
            shown.reactions = reactions_of(&frame["reactions"]);
        }
    }

    /// Any live event: origins' events come in order, and none that an answer has given already.
    fn take_live(&mut self, place: &Place, what: &str, found: &mut Vec<Violation>) {
        self.figures.live += 1;
        let Place { origin, seq, .. } = place;
        if let Some(last) = self.last_live.get(origin)
            && last >= seq
        {
            let kind = if last == seq { "repeated" } else { "reordered" };
            let text = format!("in {}: {what} at {place} after {origin}:{last}", self.room);
            found.push(Violation::new(kind, text));
        }
        self.last_live.insert(origin.clone(), *seq);
        if covers(&self.given, origin, *seq) {
            self.figures.again += 1;
        } else if covers(&self.joined, origin, *seq) {
            let text = format!("in {}: {what} at {place} again after the join", self.room);
            found.push(Violation::new("repeated", text));
        }
        if self.more {
            self.early.insert((origin.clone(), *seq));
        } else {
            let held = self.held.entry(origin.clone()).or_default();
            *held = (*held).max(*seq);
        }
    }

    /// Puts a message into its place, or takes in what has become of it.
    fn place(&mut self, shown: Shown) {
        let Some(known) = self.known.get_mut(&shown.id) else {
            let session = self.session;
            self.known
                .insert(shown.id.clone(), Known { shown, session });
            return;
        };
        if shown.place < known.shown.place {
            self.figures.moves += 1;
            known.shown.place = shown.place.clone();
            known.session = self.session;
        } else if shown.place > known.shown.place {
            self.figures.again += 1;
        }
        if shown.deleted {
            delete(&mut known.shown);
        } else if !known.shown.deleted {
            known.shown.reactions = shown.reactions;
            if let (Some(text), Some(edited)) = (shown.text, shown.edited) {
                edit(&mut known.shown, &text, edited);
            }
        }
    }
}

fn delete(shown: &mut Shown) {
    shown.deleted = true;
    shown.text = None;
    shown.edited = None;
    shown.reactions.clear();
}

/// A node that is behind may show an older text: the greatest time stands.
fn edit(shown: &mut Shown, text: &str, edited: i64) {
    if !shown.deleted && shown.edited.is_none_or(|before| before <= edited) {
        shown.text = Some(text.to_owned());
        shown.edited = Some(edited);
    }
}
