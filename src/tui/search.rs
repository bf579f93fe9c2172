//! Searching what was said: a line to type into, and below it what was found, the newest first. Going down
//! brings older ones. What was found stays when the search is left, to go on from there.

use std::collections::HashSet;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;

use super::composer::Composer;
use super::event::Effect;
use super::keys::{Action, Choice, typed};
use super::layout;
use super::state::{Asked, Overlay, State};
use super::update::edit;
use super::{jump, monitor};
use crate::protocol::error::ErrorCode;
use crate::protocol::limits::QUERY_CHARS_MAX;
use crate::protocol::server::{ErrorFrame, Message, Results};
use crate::protocol::{ClientFrame, Ts};

/// Messages of one answer.
const PAGE: usize = 30;

/// Messages that are listed; who has read so many looks for other words.
const FOUND_MAX: usize = 1000;

/// Below the chosen one so many are to be at hand.
const AHEAD: usize = 5;

#[derive(Clone, Debug, Default)]
pub struct Search {
    pub input: Composer,
    /// What was looked for.
    pub query: String,
    pub found: Vec<Message>,
    /// The chosen one of `found`.
    pub at: usize,
    /// The first one in sight.
    first: usize,
    pub phase: Phase,
    /// There are older ones.
    pub more: bool,
    /// The node has not read all of its log for searching yet.
    pub partial: bool,
    /// Which question an answer must be to; earlier ones are of no interest any more.
    serial: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Idle,
    Asked,
    Done,
    /// Why nothing, or nothing more, was found.
    Failed(String),
}

impl Search {
    pub fn go(&mut self, by: isize, size: (u16, u16)) {
        let last = self.found.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
        self.first = self.first_in_sight(layout::found_in_sight(size));
    }

    /// The first one that is shown where there is room for so many, so that the chosen one is in sight.
    pub fn first_in_sight(&self, count: usize) -> usize {
        let lowest = (self.at + 1).saturating_sub(count);
        self.first.clamp(lowest, self.at.max(lowest))
    }
}

/// Opens it: with these words, or where it was left.
pub fn open(state: &mut State, words: &str) -> Vec<Effect> {
    state.overlay = Overlay::Search;
    if words.trim().is_empty() {
        return Vec::new();
    }
    state.search.input.reset();
    paste(state, words);
    ask_anew(state)
}

pub fn press(state: &mut State, key: &KeyEvent) -> Vec<Effect> {
    let size = state.size;
    let count = isize::try_from(layout::found_in_sight(size)).unwrap_or(1);
    let page = (count - 1).max(1);
    match state.keys.choice(key) {
        Some(Choice::Take) => return take_chosen(state),
        Some(Choice::Leave) => {
            state.overlay = Overlay::None;
            return Vec::new();
        }
        Some(Choice::Up) => return go(state, -1),
        Some(Choice::Down) => return go(state, 1),
        Some(Choice::PageUp) => return go(state, -page),
        Some(Choice::PageDown) => return go(state, page),
        None => {}
    }
    let input = &mut state.search.input;
    match (state.keys.action(key), typed(key)) {
        (Some(Action::Quit), _) => return vec![Effect::Quit],
        (Some(Action::Redraw), _) => return vec![Effect::Redraw],
        (Some(Action::Search | Action::Cancel), _) => state.overlay = Overlay::None,
        (Some(Action::Interrupt), _) if !input.is_empty() => input.reset(),
        (Some(Action::Interrupt), _) => state.overlay = Overlay::None,
        // The line has no second one.
        (Some(Action::NewLine), _) => {}
        (Some(action), _) => edit(input, action),
        (None, Some(c)) if input.chars() < QUERY_CHARS_MAX => {
            input.insert(c.encode_utf8(&mut [0; 4]));
        }
        (None, _) => {}
    }
    Vec::new()
}

pub fn paste(state: &mut State, text: &str) {
    let line = text.lines().next().unwrap_or_default();
    let room = QUERY_CHARS_MAX.saturating_sub(state.search.input.chars());
    let line: String = line.chars().take(room).collect();
    state.search.input.insert(&line);
}

/// What is clicked on is gone to; a click beside the search leaves it.
pub fn click(state: &mut State, at: Position) -> Vec<Effect> {
    let parts = layout::search(state.size);
    if !parts.frame.contains(at) {
        state.overlay = Overlay::None;
        return Vec::new();
    }
    if parts.list.contains(at) {
        let first = state
            .search
            .first_in_sight(layout::found_in_sight(state.size));
        let row = usize::from(at.y - parts.list.y);
        let clicked = first + row / layout::found_rows(state.size);
        if clicked < state.search.found.len() {
            state.search.at = clicked;
            return show_chosen(state);
        }
    }
    Vec::new()
}

/// Moves what is chosen, and asks for older ones in time.
pub fn go(state: &mut State, by: isize) -> Vec<Effect> {
    let size = state.size;
    state.search.go(by, size);
    let search = &state.search;
    let near_end = search.at + AHEAD.max(layout::found_in_sight(size)) >= search.found.len();
    let wants = by > 0 && near_end && search.more && search.phase != Phase::Asked;
    match search.found.last() {
        Some(last) if wants && search.found.len() < FOUND_MAX => {
            let before = last.ts;
            ask(state, Some(before))
        }
        Some(_) | None => Vec::new(),
    }
}

/// Looks for what is typed, or, when that is listed already, goes to the chosen one.
fn take_chosen(state: &mut State) -> Vec<Effect> {
    let search = &state.search;
    let typed = search.input.text();
    if typed.trim() != search.query || search.found.is_empty() {
        return ask_anew(state);
    }
    show_chosen(state)
}

fn show_chosen(state: &mut State) -> Vec<Effect> {
    let Some(message) = state.search.found.get(state.search.at) else {
        return Vec::new();
    };
    let (room, id, ts) = (message.room.clone(), message.id.clone(), message.ts);
    state.overlay = Overlay::None;
    if state.monitor.open {
        monitor::toggle(state);
    }
    jump::to(state, &room, &id, ts)
}

fn ask_anew(state: &mut State) -> Vec<Effect> {
    let search = &mut state.search;
    search.query = search.input.text().trim().to_owned();
    search.found.clear();
    (search.at, search.first) = (0, 0);
    (search.more, search.partial) = (false, false);
    search.phase = Phase::Idle;
    if search.query.is_empty() {
        return Vec::new();
    }
    ask(state, None)
}

fn ask(state: &mut State, before: Option<Ts>) -> Vec<Effect> {
    let online = state.is_online();
    let search = &mut state.search;
    search.serial = search.serial.wrapping_add(1);
    if !online {
        let why = "there is no connection at the moment: search again when it is back";
        search.phase = Phase::Failed(why.to_owned());
        return Vec::new();
    }
    search.phase = Phase::Asked;
    let about = Asked::Search {
        serial: search.serial,
    };
    let frame = ClientFrame::Search {
        query: search.query.clone(),
        room: None,
        before,
        limit: Some(PAGE),
    };
    vec![state.ask(about, frame)]
}

/// What the node has found.
pub fn take(state: &mut State, asked: Option<Asked>, results: Results) {
    let search = &mut state.search;
    if !is_awaited(search, asked.as_ref()) {
        return;
    }
    let known: HashSet<_> = search.found.iter().map(|found| found.id.clone()).collect();
    let before = search.found.len();
    let fresh = results.messages.into_iter();
    let fresh = fresh.filter(|message| !known.contains(&message.id) && message.text.is_some());
    search.found.extend(fresh);
    // A page that brings nothing new has no next one.
    search.more = results.more && search.found.len() > before;
    search.partial = results.indexed == Some(false);
    search.phase = Phase::Done;
}

pub fn refused(state: &mut State, asked: Option<&Asked>, error: &ErrorFrame) {
    if is_awaited(&state.search, asked) {
        let why = match error.code {
            ErrorCode::UnknownType => "this node cannot search yet",
            ErrorCode::RateLimited => "that was much at once: try again in a moment",
            ErrorCode::Unavailable | ErrorCode::Internal => {
                "searching does not work at the moment: try again later"
            }
            _ => {
                let message = error.message.strip_prefix("field \"query\": ");
                message.unwrap_or(&error.message)
            }
        };
        state.search.phase = Phase::Failed(why.to_owned());
    }
}

/// The connection went before the answer came.
pub fn lost(state: &mut State, asked: &Asked) {
    if is_awaited(&state.search, Some(asked)) {
        let why = "no answer came: try again";
        state.search.phase = Phase::Failed(why.to_owned());
    }
}

fn is_awaited(search: &Search, asked: Option<&Asked>) -> bool {
    matches!(asked, Some(Asked::Search { serial }) if *serial == search.serial)
}
