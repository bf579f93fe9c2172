//! A word to the person on the bottom line, and how long it stays.

use super::shown::{safe, width};
use super::state::{Link, State};
use super::wrap::wrap;
use crate::protocol::Ts;

/// Microseconds that a word stays.
const STAYS_US: i64 = 5_000_000;

/// Rows that it may take, where the screen has them to spare.
const ROWS_MAX: usize = 4;

/// Of so many rows of the screen it takes one at most.
const ROWS_OF: u16 = 3;

/// Cells of the connection's sign before it.
pub const SIGN_CELLS: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    pub text: String,
    until: Ts,
    stays: Stays,
}

/// Until when it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stays {
    /// It says what a key has done: until the next one, or its time has passed.
    Briefly,
    /// It says what came in from elsewhere, whatever is typed meanwhile: its time.
    ItsTime,
    /// It says what is wrong with a line: while that is mended, but for its time at least.
    WhileMended,
}

impl State {
    /// What a key has done, or why it does nothing.
    pub fn say(&mut self, word: impl Into<String>) {
        self.say_for(STAYS_US, word);
    }

    /// The same, for so many microseconds at most.
    pub fn say_for(&mut self, us: i64, word: impl Into<String>) {
        self.flash(us, Stays::Briefly, word.into());
    }

    /// What has happened without a key.
    pub fn tell_news(&mut self, word: impl Into<String>) {
        self.flash(STAYS_US, Stays::ItsTime, word.into());
    }

    /// What is wrong with the line that was to be sent, and is still there.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.flash(STAYS_US, Stays::WhileMended, why.into());
    }

    fn flash(&mut self, us: i64, stays: Stays, text: String) {
        let until = Ts(self.now.0.saturating_add(us));
        self.flash = Some(Flash { text, until, stays });
    }
}

/// Time has passed.
pub fn tick(state: &mut State) {
    let now = state.now;
    state
        .flash
        .take_if(|flash| flash.stays != Stays::WhileMended && now >= flash.until);
}

/// A key was pressed, or something clicked on; `writes` if it is about the text that is being written.
pub fn pressed(state: &mut State, writes: bool) {
    let now = state.now;
    state.flash.take_if(|flash| match flash.stays {
        Stays::Briefly => true,
        Stays::ItsTime => false,
        Stays::WhileMended => !writes || now >= flash.until,
    });
}

/// Whether it goes with time alone.
pub fn is_going(state: &State) -> bool {
    let flash = state.flash.as_ref();
    flash.is_some_and(|flash| flash.stays != Stays::WhileMended)
}

/// What takes the bottom of the screen for itself, row by row, because it has no room beside the rest: a
/// word, or why the connection is closed for good.
pub fn rows(state: &State) -> Option<Vec<String>> {
    let text = match (&state.flash, &state.link) {
        (Some(flash), _) => flash.text.clone(),
        (None, Link::Closed { reason }) => format!("closed: {reason}"),
        (None, _) => return None,
    };
    let (columns, rows) = state.size;
    let cells = usize::from(columns).saturating_sub(SIGN_CELLS);
    let text = safe(&text, false);
    if width(&text) <= cells {
        return None;
    }
    let most = usize::from(rows / ROWS_OF).clamp(1, ROWS_MAX);
    let mut broken: Vec<String> = wrap(&[(&text, ratatui::style::Style::default())], cells)
        .into_iter()
        .map(|line| line.to_string())
        .collect();
    if broken.len() > most {
        // What does not fit is cut where the last row ends.
        let last = broken.split_off(most - 1).join(" ");
        broken.push(last);
    }
    Some(broken)
}

/// How many rows the bottom of the screen takes.
pub fn height(state: &State) -> u16 {
    let rows = rows(state).map_or(1, |rows| rows.len());
    u16::try_from(rows).unwrap_or(1)
}
