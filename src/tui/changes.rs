//! What this person changes: edits, deletions, reactions, topics, on their way to a node. Like a message
//! each has its nonce, so that it counts once however often it is sent.

use super::event::{Change, Effect, Unsent, What};
use super::state::State;
use crate::client::Command;
use crate::protocol::server::ErrorFrame;
use crate::protocol::text::{parse_emoji, parse_topic};
use crate::protocol::{ClientFrame, Nonce, RoomRef, Ts};

/// A change that no node has acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Changing {
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
        room: room.to_string(),
        nonce: state.nonces.next(state.now),
        ts: state.now,
        change,
    };
    let write = write(&changing, room.clone());
    state.changes.push(changing);
    vec![write, state.keep()]
}

/// Makes a change of an earlier run anew, under its nonce.
pub fn make_again(state: &mut State, kept: Changing, room: RoomRef) -> Effect {
    let write = write(&kept, room);
    state.changes.push(kept);
    write
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

fn write(changing: &Changing, room: RoomRef) -> Effect {
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
    pub fn kept(&self, uid: Option<&crate::protocol::Uid>) -> Unsent {
        Unsent {
            uid: uid.cloned(),
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
