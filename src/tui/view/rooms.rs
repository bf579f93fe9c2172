//! The rooms and conversations, each with its number and what is unread.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use crate::tui::room::{Membership, Room};
use crate::tui::shown::{pad, safe, width};
use crate::tui::state::State;

/// Unread messages that are counted; more are "99+".
const COUNTED_MAX: u32 = 99;

/// Something is written there and not sent.
const DRAFT: &str = "✎";

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

/// How much is unread, as it stands behind a name: behind a `!` what is meant for this person, then all,
/// if that is more. A `short` one leaves out what else there is.
pub fn count(room: &Room, short: bool) -> String {
    counts(room.unread, room.urgent(), short)
}

/// The same for these numbers.
pub fn counts(unread: u32, urgent: u32, short: bool) -> String {
    let number = |count: u32| match count {
        0..=COUNTED_MAX => count.to_string(),
        _ => format!("{COUNTED_MAX}+"),
    };
    match (unread, urgent) {
        (0, 0) => String::new(),
        (_, 0) => number(unread),
        (_, _) if unread > urgent && !short => format!("!{} {}", number(urgent), number(unread)),
        (_, _) => format!("!{}", number(urgent)),
    }
}

fn row(state: &State, at: usize, room: &Room, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let number = match at {
        0..9 => (at + 1).to_string(),
        _ => " ".to_owned(),
    };
    let title = safe(&room.title(), false);
    // The name comes first: where there is not enough room for it, all else that is unread is left out.
    let mut tail = count(room, false);
    if width(&tail) + 3 + width(&title) > cells {
        tail = count(room, true);
    }
    if at != state.active && room.composer.written().is_some() {
        tail = format!("{DRAFT}{tail}");
    }
    let tail_cells = width(&tail);
    let name_cells = cells.saturating_sub(2 + tail_cells + usize::from(tail_cells > 0));
    let name = pad(&title, name_cells);
    let style = if at == state.active {
        theme.chosen()
    } else if room.unread > 0 {
        theme.strong()
    } else if room.membership == Membership::Refused {
        theme.quiet()
    } else {
        theme.plain()
    };
    let gap = cells.saturating_sub(2 + width(&name) + tail_cells);
    Line::from(vec![
        Span::styled(format!("{number} "), theme.quiet()),
        Span::styled(name, style),
        Span::raw(" ".repeat(gap)),
        Span::styled(tail, theme.accent()),
    ])
}
