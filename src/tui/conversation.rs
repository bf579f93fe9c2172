//! Direct conversations: whom one is with, and by what name it goes here.
//!
//! It goes by what the nodes call it: `@bob` while the other side bears that name, `@=uid` once the name is
//! somebody else's. Whom it is with is the user's id, as soon as that is known; from then on what is said
//! in it goes to that user and nobody else, whoever bears the name by then.
//!
//! Invariant: no two conversations have one name, and no two are with one user.

use super::drafts;
use super::event::Effect;
use super::room::Room;
use super::state::{Asked, State, same_name};
use super::travel;
use crate::protocol::server::{Message, MessageUpdate, UserInfo};
use crate::protocol::{ClientFrame, Nonce, Uid};

/// The other side of a conversation, as a frame tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub uid: Uid,
    /// The name at that time, where it is told.
    pub name: Option<String>,
}

/// Who has said this, if it was not this person.
pub fn author(state: &State, message: &Message) -> Option<Other> {
    (!state.is_me(&message.uid)).then(|| Other {
        uid: message.uid.clone(),
        name: Some(message.from.clone()),
    })
}

/// Who has said any of these and is not this person.
pub fn author_of(state: &State, messages: &[Message]) -> Option<Other> {
    let mut newest_first = messages.iter().rev();
    newest_first.find_map(|message| author(state, message))
}

/// The room or conversation that a node calls `label`; `other` is the other side, where the frame tells
/// it. None, if it is not open here.
pub fn meant(state: &mut State, label: &str, other: Option<&Other>) -> Option<usize> {
    if !label.starts_with('@') {
        return state.index_of(label);
    }
    let labelled = uid_of(label);
    let at = match labelled.as_ref().or(other.map(|other| &other.uid)) {
        Some(uid) => with(state, uid).or_else(|| {
            let at = called(state, label)?;
            state.rooms[at].with.is_none().then_some(at)
        })?,
        None => called(state, label)?,
    };
    told(state, at, label, other)
}

/// The conversation `at` goes by `label` at the node, and is with `other`, as the answer to a question about
/// it says. Where it stands then: it may be one that was open under another name. None, if the answer
/// is about somebody else.
pub fn told(state: &mut State, at: usize, label: &str, other: Option<&Other>) -> Option<usize> {
    if !state.rooms.get(at)?.is_direct() || !label.starts_with('@') {
        return Some(at);
    }
    let labelled = uid_of(label);
    let uid = labelled.as_ref().or(other.map(|other| &other.uid));
    let mut at = at;
    match (uid, &state.rooms[at].with) {
        (Some(uid), Some(with)) if uid != with => return None,
        (Some(uid), None) => match with(state, uid) {
            Some(known) => at = merge(state, at, known),
            None => {
                state.rooms[at].with = Some(uid.clone());
                keep_anew(state, at);
                drafts::restore(state, at);
            }
        },
        (Some(_), Some(_)) | (None, _) => {}
    }
    if let Some(name) = other.and_then(|other| other.name.clone()) {
        state.rooms[at].called = Some(name);
    }
    Some(name(state, at, label))
}

/// Opens the conversation that a node calls `label`, if it is not open. One that is with somebody else and
/// bore that name gives it up.
pub fn open(state: &mut State, label: &str, other: Option<&Other>) -> usize {
    if let Some(at) = meant(state, label, other) {
        return at;
    }
    let before = called(state, label);
    if let Some(before) = before {
        step_aside(state, before);
    }
    let at = state.open(label);
    let now = state.now;
    let room = &mut state.rooms[at];
    room.with = uid_of(label).or_else(|| other.map(|other| other.uid.clone()));
    room.called = other.and_then(|other| other.name.clone());
    drafts::restore(state, at);
    let room = &mut state.rooms[at];
    if before.is_some() {
        let text = format!("this is another {} than before", room.title());
        room.timeline.note(now, text, true);
    }
    at
}

/// Opens the conversation with a user who is seen to bear that name.
pub fn open_with(state: &mut State, user: &UserInfo) -> usize {
    let other = Other {
        uid: user.uid.clone(),
        name: Some(user.name.clone()),
    };
    open(state, &format!("@{}", user.name), Some(&other))
}

/// The conversation of that name, however it is written.
pub fn called(state: &State, label: &str) -> Option<usize> {
    let known = state.rooms.iter().position(|room| room.name == label);
    known.or_else(|| {
        let other = label.strip_prefix('@')?;
        let alike = |room: &Room| {
            let own = room.name.strip_prefix('@');
            own.is_some_and(|own| same_name(own, other))
        };
        state.rooms.iter().position(alike)
    })
}

/// The room in which this message waits for its acknowledgement.
pub fn awaiting(state: &State, nonce: &Nonce) -> Option<usize> {
    let waits = |room: &Room| room.pending.iter().any(|pending| pending.nonce == *nonce);
    state.rooms.iter().position(waits)
}

/// The room of a message of which something has become.
pub fn holding(state: &mut State, update: &MessageUpdate) -> Option<usize> {
    if !update.room.starts_with('@') {
        return state.index_of(&update.room);
    }
    let holds = |room: &Room| room.is_direct() && room.timeline.message(&update.id).is_some();
    if let Some(at) = state.rooms.iter().position(holds) {
        return Some(at);
    }
    let uid = update.id.uid();
    let other = (!state.is_me(&uid)).then_some(Other { uid, name: None });
    meant(state, &update.room, other.as_ref())
}

/// A user has another name: so has the conversation.
pub fn renamed(state: &mut State, uid: &Uid, to: &str) {
    if let Some(at) = with(state, uid) {
        state.rooms[at].called = Some(to.to_owned());
        name(state, at, &format!("@{to}"));
    }
}

/// Shows a conversation; where it was opened for that, it leads back to the room of before.
pub fn show(state: &mut State, opened: impl FnOnce(&mut State) -> usize) -> Vec<Effect> {
    let (count, from) = (
        state.rooms.len(),
        state.room().map(|room| room.name.clone()),
    );
    let at = opened(state);
    if state.rooms.len() > count {
        state.rooms[at].way_back = from;
    }
    travel::show(state, at)
}

fn uid_of(label: &str) -> Option<Uid> {
    let uid = label.strip_prefix("@=")?;
    Uid::parse(uid).ok()
}

fn with(state: &State, uid: &Uid) -> Option<usize> {
    let theirs = |room: &Room| room.with.as_ref() == Some(uid);
    state.rooms.iter().position(theirs)
}

/// The conversation goes by this name from now on; where it stands then.
fn name(state: &mut State, at: usize, label: &str) -> usize {
    if state.rooms[at].name == label {
        return at;
    }
    let mut at = at;
    if let Some(other) = called(state, label).filter(|other| *other != at) {
        if state.rooms[other].with.is_some() {
            step_aside(state, other);
        } else {
            at = merge(state, other, at);
        }
    }
    if label.starts_with("@=") && !state.rooms[at].name.starts_with("@=") {
        note_former(state, at);
        // Who bears the name now may have said something while there was no connection.
        state.lists_rooms = true;
    }
    rename(state, at, label);
    at
}

/// Asks for the conversations there are, after one has lost its name to another or was read elsewhere, and
/// keeps under its new name or user what waits in one.
pub fn follow_up(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if std::mem::take(&mut state.keeps_anew) {
        effects.push(state.keep());
    }
    if state.is_online() && std::mem::take(&mut state.lists_rooms) {
        effects.push(state.ask(Asked::Rooms { show_in: None }, ClientFrame::Rooms));
    }
    effects
}

fn keep_anew(state: &mut State, at: usize) {
    let room = &state.rooms[at];
    let mut changes = state.changes.iter();
    state.keeps_anew |=
        !room.pending.is_empty() || changes.any(|changing| changing.room == room.name);
}

/// Somebody else bears the name of this conversation now.
fn step_aside(state: &mut State, at: usize) {
    if let Some(uid) = state.rooms[at].with.clone() {
        note_former(state, at);
        rename(state, at, &format!("@={uid}"));
    }
}

fn note_former(state: &mut State, at: usize) {
    let now = state.now;
    let room = &mut state.rooms[at];
    let name = room.name.trim_start_matches('@').to_owned();
    let text =
        format!("{name} is not their name any more; what is said here still goes to them alone");
    room.timeline.note(now, text, true);
    room.called.get_or_insert(name);
}

fn rename(state: &mut State, at: usize, label: &str) {
    let old = std::mem::replace(&mut state.rooms[at].name, label.to_owned());
    for asked in state.asked.values_mut() {
        if let Some(room) = asked.room_mut().filter(|room| **room == old) {
            label.clone_into(room);
        }
    }
    for changing in &mut state.changes {
        if changing.room == old {
            label.clone_into(&mut changing.room);
        }
    }
    for room in &mut state.rooms {
        if room.way_back.as_ref() == Some(&old) {
            room.way_back = Some(label.to_owned());
        }
    }
    keep_anew(state, at);
}

/// Two conversations turn out to be one: what is in the first goes into the second. Where that stands then.
fn merge(state: &mut State, from: usize, into: usize) -> usize {
    let name = state.rooms[into].name.clone();
    let old = state.rooms[from].name.clone();
    // Their answers would stand next to the other window.
    state
        .asked
        .retain(|_, asked| asked.room_mut().is_none_or(|room| *room != old));
    rename(state, from, &name);
    let gone = state.rooms.remove(from);
    let at = if from < into { into - 1 } else { into };
    let shown = state.active;
    state.active = match shown {
        _ if shown == from => at,
        _ if shown > from => shown - 1,
        _ => shown,
    };
    if shown == from {
        state.selection = None;
    }
    let room = &mut state.rooms[at];
    room.pending.extend(gone.pending);
    room.unread += gone.unread;
    room.counted_to = room.counted_to.max(gone.counted_to);
    room.held.merge(&gone.held);
    let said: Vec<Message> = gone.timeline.messages_back().cloned().collect();
    for message in said {
        room.timeline.put_live(message);
    }
    if room.composer.is_idle() {
        (room.composer, room.draft) = (gone.composer, gone.draft);
    } else if let Some(written) = gone.composer.written() {
        room.composer.restore(written);
    }
    room.way_back = room.way_back.take().or(gone.way_back);
    at
}

impl Asked {
    /// The room that the question is about.
    pub fn room(&self) -> Option<&String> {
        match self {
            Asked::Older { room }
            | Asked::Newer { room }
            | Asked::Newest { room }
            | Asked::Again { room }
            | Asked::Around { room, .. }
            | Asked::Read { room }
            | Asked::Who { room, .. } => Some(room),
            Asked::Rooms { show_in } => show_in.as_ref(),
            Asked::Switcher
            | Asked::Search { .. }
            | Asked::Away { .. }
            | Asked::Ping { .. }
            | Asked::Stats => None,
        }
    }

    fn room_mut(&mut self) -> Option<&mut String> {
        match self {
            Asked::Older { room }
            | Asked::Newer { room }
            | Asked::Newest { room }
            | Asked::Again { room }
            | Asked::Around { room, .. }
            | Asked::Read { room }
            | Asked::Who { room, .. } => Some(room),
            Asked::Rooms { show_in } => show_in.as_mut(),
            Asked::Switcher
            | Asked::Search { .. }
            | Asked::Away { .. }
            | Asked::Ping { .. }
            | Asked::Stats => None,
        }
    }
}
