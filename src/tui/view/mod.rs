//! What is seen of the state. Nothing here changes anything, and every foreign text comes through
//! [`shown`](super::shown).

mod composer;
pub mod help;
mod messages;
pub mod monitor;
mod name;
mod people;
mod reacting;
mod rooms;
mod search;
mod selection;
mod status;
mod switcher;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::state::{Overlay, State};
use super::travel;

pub use rooms::first_in_sight as first_room_in_sight;

/// Draws the whole screen.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    if state.monitor.open {
        monitor::draw(state, frame.area(), frame.buffer_mut());
        over(state, None, frame);
        state.theme.fill(frame.buffer_mut());
        return;
    }
    let parts = travel::parts(state);
    rooms::draw(state, parts.rooms, frame.buffer_mut());
    people::draw(state, parts.people, frame.buffer_mut());
    messages::topic(state, parts.topic, frame.buffer_mut());
    messages::draw(state, parts.messages, frame.buffer_mut());
    messages::notice(state, parts.notice, frame.buffer_mut());
    composer::aside(state, parts.aside, frame.buffer_mut());
    let cursor = composer::draw(state, parts.composer, frame.buffer_mut());
    status::draw(state, parts.status, frame.buffer_mut());
    over(state, cursor, frame);
    state.theme.fill(frame.buffer_mut());
}

/// Draws what lies over the rest, and sets the cursor.
fn over(state: &State, cursor: Option<Position>, frame: &mut Frame<'_>) {
    let cursor = match &state.overlay {
        Overlay::None => cursor,
        Overlay::Help { row } => {
            help::draw(state, *row, frame.area(), frame.buffer_mut());
            None
        }
        Overlay::Name { input, why } => {
            name::draw(state, input, why, frame.area(), frame.buffer_mut())
        }
        Overlay::Switcher(switcher) => switcher::draw(state, switcher, frame.buffer_mut()),
        Overlay::Search => search::draw(state, frame.buffer_mut()),
        Overlay::Reactions(over) => reacting::draw(state, over, frame.buffer_mut()),
    };
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Writes lines one below the other, as far as there is room.
fn lines(lines: impl IntoIterator<Item = Line<'static>>, area: Rect, buffer: &mut Buffer) {
    for (row, line) in area.rows().zip(lines) {
        line.render(row, buffer);
    }
}
