//! The rooms and conversations, each with its number and what is unread.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use crate::tui::room::{Membership, Room};
use crate::tui::shown::{pad, width};
use crate::tui::state::State;

/// Unread messages that are counted; more are "99+".
const COUNTED_MAX: u32 = 99;

pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.width < 4 {
        return;
    }
    let block = Block::new()
        .borders(Borders::RIGHT)
        .border_style(state.theme.quiet());
    let inner = block.inner(area);
    block.render(area, buffer);
    let heading = Line::from(Span::styled(" rooms", state.theme.quiet()));
    let first = first_in_sight(state, area.height);
    let rooms = state.rooms.iter().enumerate().skip(first);
    let rows = rooms.map(|(at, room)| row(state, at, room, usize::from(inner.width)));
    super::lines(std::iter::once(heading).chain(rows), inner, buffer);
}

/// The first room that is shown in a list of this height, so that the active one is in sight.
pub fn first_in_sight(state: &State, height: u16) -> usize {
    let rows = usize::from(height.saturating_sub(1));
    (state.active + 1).saturating_sub(rows)
}

/// So many unread messages, as they stand behind a name; `urgent` if this person is meant.
pub fn count(unread: u32, urgent: bool) -> String {
    let mark = if urgent { "!" } else { "" };
    match unread {
        0 => mark.to_owned(),
        1..=COUNTED_MAX => format!("{mark}{unread}"),
        _ => format!("{mark}{COUNTED_MAX}+"),
    }
}

fn row(state: &State, at: usize, room: &Room, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let number = match at {
        0..9 => (at + 1).to_string(),
        _ => " ".to_owned(),
    };
    let urgent = room.mentions > 0 || (room.is_direct() && room.unread > 0);
    let tail = count(room.unread, urgent);
    let name_cells = cells.saturating_sub(2 + tail.len() + usize::from(!tail.is_empty()));
    let name = pad(&room.title(), name_cells);
    let style = if at == state.active {
        theme.chosen()
    } else if room.unread > 0 {
        theme.strong()
    } else if room.membership == Membership::Refused {
        theme.quiet()
    } else {
        theme.plain()
    };
    let gap = cells.saturating_sub(2 + width(&name) + tail.len());
    Line::from(vec![
        Span::styled(format!("{number} "), theme.quiet()),
        Span::styled(name, style),
        Span::raw(" ".repeat(gap)),
        Span::styled(tail, theme.accent()),
    ])
}
