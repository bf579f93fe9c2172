//! A message is chosen, and single keys do something with it.
//!
//! Invariant: what is chosen is a message, not a row: it stays chosen and in sight whatever comes in
//! below it, is fetched above it, or becomes of it.

use crossterm::event::KeyEvent;

use super::commands::Outcome;
use super::event::Effect;
use super::keys::{Action, Deed, typed};
use super::room::{Pending, Position, Room};
use super::state::State;
use super::timeline::{Beyond, Item, Post};
use super::update::{act, interrupt_twice};
use super::{deeds, travel};
use crate::protocol::{MessageId, Nonce, Ts};

/// Microseconds between two looks at whether the chosen message is in sight, while nothing but messages and
/// time come.
const LOOK_AGAIN_US: i64 = 200_000;

const LEAVE: Action = Action::Deed(Deed::Leave);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub target: Target,
    /// When it was last seen to that it is in sight.
    looked: Ts,
    /// Whether deleting waits for the second key.
    pub deleting: bool,
    /// Where the list was held when it stood at the newest message: from there it goes back to that.
    held: Option<Position>,
}

/// Which message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Post(MessageId),
    /// An own one that no node has acknowledged.
    Pending(Nonce),
}

/// What is known of a chosen message.
#[derive(Clone, Copy, Debug)]
pub enum Chosen<'a> {
    Post(&'a Post),
    Pending(&'a Pending),
}

/// Chooses the newest message in sight.
pub fn begin(state: &mut State) {
    let height = travel::height(state);
    let in_sight = travel::sheet(state).map(|sheet| sheet.targets(height));
    let mut targets = in_sight.unwrap_or_default().into_iter().flatten().rev();
    let Some(target) = targets.find(|target| is_choosable(state, target)) else {
        return state.say("there is no message in sight");
    };
    choose(state, target);
}

/// What is clicked on is chosen; a click beside all messages leaves.
pub fn click(state: &mut State, row: usize) -> Vec<Effect> {
    let clicked = rows(state).into_iter().nth(row).flatten();
    match clicked.filter(|target| is_choosable(state, target)) {
        Some(target) => choose(state, target),
        None => return leave(state),
    }
    Vec::new()
}

/// What each row of the list belongs to, as it stands on the screen.
pub fn rows(state: &State) -> Vec<Option<Target>> {
    let height = travel::height(state);
    let Some(sheet) = travel::sheet(state) else {
        return Vec::new();
    };
    let targets = sheet.targets(height);
    // The newest message stands at the bottom.
    let free = match sheet.room.position {
        Position::Newest => height.saturating_sub(targets.len()),
        Position::At { .. } => 0,
    };
    std::iter::repeat_n(None, free).chain(targets).collect()
}

/// Back to writing. Who was at the newest message is there again.
pub fn leave(state: &mut State) -> Vec<Effect> {
    let Some(selection) = state.selection.take() else {
        return Vec::new();
    };
    let position = state.room().map(|room| &room.position);
    if selection.held.as_ref() == position {
        return travel::to_newest(state);
    }
    travel::settle(state);
    Vec::new()
}

/// After everything that happens: keeps the chosen message in sight, and the list where it is. Where that is
/// held already, a new message moves nothing that is in sight, or not for long: for what is `frequent`
/// the list is laid out a few times a second only.
pub fn hold(state: &mut State, frequent: bool) {
    let Some(mut selection) = state.selection.take() else {
        return;
    };
    let me = state.me.as_ref().map(|me| me.uid.clone());
    let Some(room) = state.room_mut() else { return };
    if let (Target::Pending(nonce), Some(me)) = (&selection.target, me)
        && room.pending_mut(nonce).is_none()
    {
        selection.target = Target::Post(MessageId::new(&me, nonce));
    }
    if chosen_in(room, &selection.target).is_none() {
        return;
    }
    let is_held = room.position != Position::Newest;
    let just_looked = (0..LOOK_AGAIN_US).contains(&(state.now.0 - selection.looked.0));
    if !just_looked {
        selection.looked = state.now;
    }
    state.selection = Some(selection.clone());
    if is_held && frequent && just_looked {
        return;
    }
    travel::settle(state);
    let height = travel::height(state);
    if let Some(held) = travel::sheet(state).and_then(|sheet| match sheet.room.position {
        Position::Newest => sheet.held(height),
        Position::At { .. } => None,
    }) {
        selection.held = Some(held.clone());
        set_position(state, held);
    }
    let sheet = travel::sheet(state);
    let moved = sheet.and_then(|sheet| sheet.brought_into_sight(&selection.target, height));
    if let Some(moved) = moved {
        set_position(state, moved);
    }
    state.selection = Some(selection);
}

/// What is chosen in the room that is shown.
pub fn chosen(state: &State) -> Option<Chosen<'_>> {
    chosen_in(state.room()?, &state.selection.as_ref()?.target)
}

/// A key, while a message is chosen.
pub fn press(state: &mut State, key: &KeyEvent) -> Vec<Effect> {
    let action = state.keys.message_action(key);
    let Some(selection) = &mut state.selection else {
        return Vec::new();
    };
    let sure = std::mem::take(&mut selection.deleting);
    match action {
        Some(Action::Deed(Deed::Delete)) if sure => told(state, deeds::delete),
        // Any other key keeps it, and does nothing else.
        _ if sure => Vec::new(),
        Some(Action::Deed(deed)) => told(state, |state| deeds::carry_out(state, deed)),
        Some(Action::Cancel | Action::Select) => leave(state),
        Some(Action::Interrupt) => {
            let mut effects = leave(state);
            effects.extend(interrupt_twice(state));
            effects
        }
        Some(Action::Newest | Action::NewestOrEnd) => {
            told(state, |state| deeds::carry_out(state, Deed::Last))
        }
        Some(action) => {
            let effects = act(state, action);
            follow(state);
            effects
        }
        None => {
            if let (Some(c), Some(back)) = (typed(key), state.keys.first(LEAVE)) {
                state.say(format!(
                    "{c} does nothing here: {back} goes back to writing"
                ));
            }
            Vec::new()
        }
    }
}

/// The list was scrolled: if the chosen message went out of sight, the next one that is in it is chosen.
pub fn follow(state: &mut State) {
    let height = travel::height(state);
    let (Some(selection), Some(sheet)) = (&state.selection, travel::sheet(state)) else {
        return;
    };
    if sheet
        .brought_into_sight(&selection.target, height)
        .is_none()
    {
        return;
    }
    let in_sight = sheet.targets(height);
    let mut wholly = in_sight.iter().flatten().filter(|target| {
        let part = sheet.brought_into_sight(target, height);
        part.is_none() && is_choosable(state, target)
    });
    let is_above = is_above(sheet.room, &selection.target, wholly.clone().next());
    let next = if is_above {
        wholly.next()
    } else {
        wholly.next_back()
    };
    if let Some(next) = next.cloned() {
        choose(state, next);
    }
}

/// Does what may be refused, with a word why.
fn told(state: &mut State, deed: impl FnOnce(&mut State) -> Outcome) -> Vec<Effect> {
    match deed(state) {
        Ok(effects) => effects,
        Err(why) => {
            state.say(why);
            Vec::new()
        }
    }
}

pub(super) fn choose(state: &mut State, target: Target) {
    let held = state.selection.take().and_then(|before| before.held);
    state.selection = Some(Selection {
        target,
        looked: Ts(0),
        deleting: false,
        held,
    });
}

fn chosen_in<'a>(room: &'a Room, target: &Target) -> Option<Chosen<'a>> {
    match target {
        Target::Post(id) => room.timeline.post(id).map(Chosen::Post),
        Target::Pending(nonce) => {
            let mut pending = room.pending.iter();
            let found = pending.find(|pending| pending.nonce == *nonce);
            found.map(Chosen::Pending)
        }
    }
}

/// With a deleted message there is nothing to be done.
pub(super) fn is_choosable(state: &State, target: &Target) -> bool {
    let found = state.room().and_then(|room| chosen_in(room, target));
    match found {
        Some(Chosen::Post(post)) => !post.message.deleted,
        Some(Chosen::Pending(_)) => true,
        None => false,
    }
}

/// Messages above this one, the nearest first.
pub(super) fn above<'a>(room: &'a Room, target: &Target) -> Box<dyn Iterator<Item = Target> + 'a> {
    match target {
        Target::Post(id) => match room.timeline.place(id) {
            Some(place) => {
                let items = room.timeline.before(place).rev();
                Box::new(items.filter_map(|(_, item)| choosable(item)))
            }
            None => Box::new(std::iter::empty()),
        },
        Target::Pending(_) => {
            let before = room.pending[..pending_at(room, target)].iter().rev();
            let posts = room.timeline.iter().rev();
            let posts = posts.filter_map(|(_, item)| choosable(item));
            Box::new(before.map(pending_target).chain(posts))
        }
    }
}

/// Messages below this one, the nearest first.
pub(super) fn below<'a>(room: &'a Room, target: &Target) -> Box<dyn Iterator<Item = Target> + 'a> {
    match target {
        Target::Post(id) => match room.timeline.place(id) {
            Some(place) => {
                let items = room.timeline.from(place).skip(1);
                let posts = items.filter_map(|(_, item)| choosable(item));
                let is_whole = room.timeline.newer == Beyond::Nothing;
                let pending = room.pending.iter().filter(move |_| is_whole);
                Box::new(posts.chain(pending.map(pending_target)))
            }
            None => Box::new(std::iter::empty()),
        },
        Target::Pending(_) => {
            let after = room.pending.iter().skip(pending_at(room, target) + 1);
            Box::new(after.map(pending_target))
        }
    }
}

fn pending_at(room: &Room, target: &Target) -> usize {
    let mut pending = room.pending.iter();
    let at = pending.position(|pending| pending_target(pending) == *target);
    at.unwrap_or(0)
}

fn pending_target(pending: &Pending) -> Target {
    Target::Pending(pending.nonce.clone())
}

fn choosable(item: &Item) -> Option<Target> {
    match item {
        Item::Post(post) if !post.message.deleted => Some(Target::Post(post.message.id.clone())),
        Item::Post(_) | Item::Presence { .. } | Item::Note(_) => None,
    }
}

/// Whether a message stands above another one.
fn is_above(room: &Room, one: &Target, other: Option<&Target>) -> bool {
    let place = |target: &Target| match target {
        Target::Post(id) => room.timeline.place(id),
        Target::Pending(_) => None,
    };
    match (place(one), other.and_then(place)) {
        (Some(one), Some(other)) => one < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn set_position(state: &mut State, position: Position) {
    if let Some(room) = state.room_mut() {
        room.position = position;
    }
}
