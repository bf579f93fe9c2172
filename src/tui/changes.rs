//! What this person changes: edits, deletions, reactions, topics, on their way to a node. Like a message
//! each has its nonce, so that it counts once however often it is sent.

use super::event::{Change, Effect, Unsent, What};
use super::state::State;
use crate::client::Command;
use crate::protocol::server::ErrorFrame;
use crate::protocol::text::{parse_emoji, parse_topic};
use crate::protocol::{ClientFrame, MessageId, Nonce, RoomRef, Ts, Uid};

/// Microseconds in which a node answers, as a rule.
const AT_ONCE_US: i64 = 500_000;

/// A change that no node has acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Changing {
    /// Who made it in an earlier run; `None` is the user of this one.
    pub uid: Option<Uid>,
    /// As the protocol names it.
    pub room: String,
    pub nonce: Nonce,
    /// When it was made.
    pub ts: Ts,
    pub change: Change,
}

/// Makes a change in this room.
pub fn make(state: &mut State, room: &RoomRef, change: Change) -> Vec<Effect> {
    let changing = Changing {
        uid: None,
        room: room.to_string(),
        nonce: state.nonces.next(state.now),
        ts: state.now,
        change,
    };
    let write = write(&changing, room.clone());
    state.changes.push(changing);
    state.hand_over(vec![write, state.keep()])
}

/// What is being done to a message, if no node answers at once.
pub fn under_way(state: &State, id: &MessageId) -> Vec<&'static str> {
    let slow =
        |changing: &&Changing| !state.is_online() || state.now.0 - changing.ts.0 > AT_ONCE_US;
    let of_it = state.changes.iter().filter(slow);
    let words = of_it.filter_map(|changing| match &changing.change {
        Change::Edit { id: of, .. } if of == id => Some(" … changing"),
        Change::Delete { id: of } if of == id => Some(" … deleting"),
        Change::React { id: of, .. } if of == id => Some(" … reacting"),
        Change::Edit { .. }
        | Change::Delete { .. }
        | Change::React { .. }
        | Change::Topic { .. } => None,
    });
    words.collect()
}

/// The text that an own message will have.
pub fn text_under_way<'a>(state: &'a State, id: &MessageId) -> Option<&'a str> {
    state
        .changes
        .iter()
        .rev()
        .find_map(|changing| match &changing.change {
            Change::Edit { id: of, text } if of == id => Some(text.as_str()),
            _ => None,
        })
}

/// Whether it is being deleted already.
pub fn is_going(state: &State, id: &MessageId) -> bool {
    let mut changes = state.changes.iter();
    changes.any(|changing| matches!(&changing.change, Change::Delete { id: of } if of == id))
}

/// A node has it.
pub fn done(state: &mut State, nonce: &Nonce) -> Vec<Effect> {
    match take(state, nonce) {
        Some(_) => vec![state.keep()],
        None => Vec::new(),
    }
}

/// It was refused for good.
pub fn refused(state: &mut State, nonce: &Nonce, error: &ErrorFrame) -> Vec<Effect> {
    let Some(Changing { room, change, .. }) = take(state, nonce) else {
        return Vec::new();
    };
    // What is gone cannot be deleted again.
    let gone = |id: &MessageId| {
        let held = state
            .index_of(&room)
            .and_then(|at| state.rooms[at].timeline.message(id));
        held.is_some_and(|message| message.deleted)
    };
    if matches!(&change, Change::Delete { id } if gone(id)) {
        return vec![state.keep()];
    }
    let text = format!("{} was refused: {}", change.name(), error.message);
    let now = state.now;
    match state.find(&room) {
        Some(room) => room.timeline.note(now, text, true),
        None => state.tell_news(text),
    }
    vec![state.keep()]
}

fn take(state: &mut State, nonce: &Nonce) -> Option<Changing> {
    let mut changes = state.changes.iter();
    let at = changes.position(|changing| changing.nonce == *nonce)?;
    Some(state.changes.remove(at))
}

pub fn write(changing: &Changing, room: RoomRef) -> Effect {
    let nonce = Some(changing.nonce.clone());
    Effect::Net(Command::Write(changing.change.clone().frame(room, nonce)))
}

impl Change {
    /// As it is called where it is refused.
    fn name(&self) -> &'static str {
        match self {
            Change::Edit { .. } => "the edit",
            Change::Delete { .. } => "deleting",
            Change::React { .. } => "the reaction",
            Change::Topic { .. } => "the topic",
        }
    }

    /// Whether it is one that could be made here.
    pub fn is_valid(&self) -> bool {
        match self {
            Change::Edit { .. } | Change::Delete { .. } => true,
            Change::React { emoji, .. } => parse_emoji(emoji).is_ok_and(|parsed| parsed == *emoji),
            Change::Topic { topic } => parse_topic(topic).is_ok_and(|parsed| parsed == *topic),
        }
    }

    fn frame(self, room: RoomRef, nonce: Option<Nonce>) -> ClientFrame {
        let after = None;
        match self {
            Change::Edit { id, text } => ClientFrame::Edit {
                room,
                id,
                text,
                nonce,
                after,
            },
            Change::Delete { id } => ClientFrame::Delete {
                room,
                id,
                nonce,
                after,
            },
            Change::React { id, emoji, on } => ClientFrame::React {
                room,
                id,
                emoji,
                on,
                nonce,
                after,
            },
            Change::Topic { topic } => ClientFrame::Topic {
                room,
                topic,
                nonce,
                after,
            },
        }
    }
}

impl Changing {
    /// As it waits for the next start.
    pub fn kept(&self, uid: Option<&Uid>) -> Unsent {
        Unsent {
            failed: None,
            uid: self.uid.clone().or_else(|| uid.cloned()),
            room: self.room.clone(),
            with: None,
            nonce: self.nonce.clone(),
            ts: self.ts,
            what: What::Change {
                change: self.change.clone(),
            },
        }
    }
}
