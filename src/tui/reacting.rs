//! Choosing what to react with: a few emoji by their number, all others by their name.

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::composer::Composer;
use super::emoji;
use super::event::Effect;
use super::keys::{Action, Choice, typed};
use super::layout::{Picker, picker};
use super::selection::{self, Target};
use super::state::{Overlay, State};
use super::update::edit;
use super::{speaking, travel};
use crate::protocol::MessageId;

/// Characters of a name; none is as long.
const NAME_CHARS_MAX: usize = 60;

/// Emoji that are listed; more are found by typing on.
const FOUND_MAX: usize = 40;

#[derive(Clone, Debug)]
pub struct Reactions {
    /// The message.
    id: MessageId,
    pub input: Composer,
    pub found: Vec<Offer>,
    /// The chosen one of `found`.
    pub at: usize,
}

/// One that can be reacted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub emoji: String,
    /// As it is typed between colons; empty for one that has no name.
    pub name: String,
    /// So many have reacted with it.
    pub count: usize,
    /// This person has: choosing it takes it back.
    pub mine: bool,
}

/// Opens it for a message of the room that is shown.
pub fn open(state: &mut State, id: MessageId) {
    let mut over = Box::new(Reactions {
        id,
        input: Composer::default(),
        found: Vec::new(),
        at: 0,
    });
    over.find(state);
    state.overlay = Overlay::Reactions(over);
}

pub fn press(state: &mut State, key: &KeyEvent) -> Vec<Effect> {
    let Overlay::Reactions(over) = &mut state.overlay else {
        return Vec::new();
    };
    let action = state.keys.action(key);
    match (state.keys.choice(key), typed(key)) {
        (Some(Choice::Take), _) => return take(state),
        (Some(Choice::Leave), _) => state.overlay = Overlay::None,
        (Some(choice), _) => over.turn(choice),
        (None, _) if action == Some(Action::Quit) => return vec![Effect::Quit],
        (None, _) if action == Some(Action::Redraw) => return vec![Effect::Redraw],
        (None, _) if matches!(action, Some(Action::Cancel | Action::Interrupt)) => {
            state.overlay = Overlay::None;
        }
        (None, Some(digit)) if over.is_number(digit) => {
            over.at = digit as usize - '1' as usize;
            return take(state);
        }
        (None, Some(c)) => {
            type_in(state, c.encode_utf8(&mut [0; 4]));
            return take_closed(state);
        }
        (None, None) => match action {
            Some(Action::Complete) => return take(state),
            // The line has no second one.
            Some(Action::NewLine) | None => {}
            Some(action) => change(state, |input| edit(input, action)),
        },
    }
    Vec::new()
}

pub fn paste(state: &mut State, text: &str) {
    type_in(state, text.lines().next().unwrap_or_default());
}

/// What is clicked on is taken; a click beside the list leaves it.
pub fn click(state: &mut State, at: Position) -> Vec<Effect> {
    let parts = parts(state);
    let Overlay::Reactions(over) = &mut state.overlay else {
        return Vec::new();
    };
    if !parts.frame.contains(at) {
        state.overlay = Overlay::None;
        return Vec::new();
    }
    if parts.list.contains(at) {
        let first = over.first_in_sight(usize::from(parts.list.height));
        let clicked = first + usize::from(at.y - parts.list.y);
        if clicked < over.found.len() {
            over.at = clicked;
            return take(state);
        }
    }
    Vec::new()
}

/// Where it stands: over the messages, beside the one that it is about.
pub fn parts(state: &State) -> Picker {
    let within = travel::parts(state).messages;
    let Overlay::Reactions(over) = &state.overlay else {
        return picker(Rect::default(), 0, (0, 0));
    };
    let target = Some(Target::Post(over.id.clone()));
    let rows = selection::rows(state);
    let first = rows.iter().position(|seen| *seen == target);
    let last = rows.iter().rposition(|seen| *seen == target);
    let row = |at: Option<usize>| u16::try_from(at.unwrap_or(0)).unwrap_or(0);
    picker(within, over.found.len(), (row(first), row(last)))
}

impl Reactions {
    pub fn go(&mut self, by: isize) {
        let last = self.found.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    /// The first one that is shown in a list of so many rows, so that the chosen one is in sight.
    pub fn first_in_sight(&self, rows: usize) -> usize {
        (self.at + 1).saturating_sub(rows)
    }

    /// Whether the first ones can be taken by their numbers: nothing is typed yet.
    pub fn are_numbered(&self) -> bool {
        self.input.is_empty()
    }

    fn is_number(&self, digit: char) -> bool {
        let at = digit.to_digit(10).and_then(|digit| digit.checked_sub(1));
        self.are_numbered() && at.is_some_and(|at| (at as usize) < self.found.len())
    }

    fn turn(&mut self, choice: Choice) {
        match choice {
            Choice::Up => self.go(-1),
            Choice::Down => self.go(1),
            Choice::PageUp => self.go(-5),
            Choice::PageDown => self.go(5),
            Choice::Take | Choice::Leave => {}
        }
    }

    /// Lists what fits to what is typed: at first those at hand, and those that others have put there.
    fn find(&mut self, state: &State) {
        let typed = self.input.text();
        let message = state
            .room()
            .and_then(|room| room.timeline.message(&self.id));
        let there = message.map(|message| &message.reactions);
        let me = state.me.as_ref().map(|me| &me.name);
        let offer = |emoji: &str, name: &str| {
            let names = there.and_then(|there| there.get(emoji));
            Offer {
                emoji: emoji.to_owned(),
                name: name.to_owned(),
                count: names.map_or(0, Vec::len),
                mine: names.zip(me).is_some_and(|(names, me)| names.contains(me)),
            }
        };
        let named = |emoji: &str| offer(emoji, emoji::name_of(emoji).unwrap_or_default());
        self.at = 0;
        if typed.is_empty() {
            let at_hand = emoji::AT_HAND.iter().copied();
            let others = there.into_iter().flatten().map(|(emoji, _)| emoji.as_str());
            let others = others.filter(|emoji| !emoji::AT_HAND.contains(emoji));
            self.found = at_hand.chain(others).take(FOUND_MAX).map(named).collect();
            return;
        }
        let name = typed.trim().trim_matches(':');
        self.found = if name.is_ascii() {
            let found = emoji::find(name, FOUND_MAX);
            found
                .iter()
                .map(|(emoji, name)| offer(emoji, name))
                .collect()
        } else {
            // It is the emoji itself.
            emoji::meant(name)
                .iter()
                .map(|emoji| named(emoji))
                .collect()
        };
    }
}

fn type_in(state: &mut State, text: &str) {
    change(state, |input| {
        let room = NAME_CHARS_MAX.saturating_sub(input.chars());
        input.insert(&text.chars().take(room).collect::<String>());
    });
}

fn change(state: &mut State, change: impl FnOnce(&mut Composer)) {
    let mut overlay = std::mem::take(&mut state.overlay);
    if let Overlay::Reactions(over) = &mut overlay {
        let before = over.input.text();
        change(&mut over.input);
        if over.input.text() != before {
            over.find(state);
        }
    }
    state.overlay = overlay;
}

/// A name between two colons is meant as it is.
fn take_closed(state: &mut State) -> Vec<Effect> {
    let Overlay::Reactions(over) = &mut state.overlay else {
        return Vec::new();
    };
    let typed = over.input.text();
    let name = typed
        .strip_prefix(':')
        .and_then(|typed| typed.strip_suffix(':'));
    let Some(emoji) = name.and_then(emoji::named) else {
        return Vec::new();
    };
    match over.found.iter().position(|offer| offer.emoji == emoji) {
        Some(at) => {
            over.at = at;
            take(state)
        }
        None => Vec::new(),
    }
}

/// Reacts with the chosen one, or takes that back, and goes back to writing.
fn take(state: &mut State) -> Vec<Effect> {
    let Overlay::Reactions(over) = &state.overlay else {
        return Vec::new();
    };
    let Some(offer) = over.found.get(over.at) else {
        return Vec::new();
    };
    let (id, emoji) = (over.id.clone(), offer.emoji.clone());
    state.overlay = Overlay::None;
    // Before the list is left: that may let go of the window that the message is in.
    let done = speaking::react(state, id, emoji);
    let mut effects = selection::leave(state);
    match done {
        Ok(done) => effects.extend(done),
        Err(why) => state.say(why),
    }
    effects
}
