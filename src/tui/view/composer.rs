//! Where this person writes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::protocol::limits::TEXT_CHARS_MAX;
use crate::tui::composer::Purpose;
use crate::tui::keys::Action;
use crate::tui::layout::PROMPT_CELLS;
use crate::tui::state::State;

/// Characters left from which they are counted.
const COUNTED_FROM: usize = 300;

/// Draws the text's rows around the cursor; gives the cursor's place on the screen.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let room = state.room()?;
    let theme = state.theme;
    let height = usize::from(area.height);
    if height == 0 || area.width <= PROMPT_CELLS {
        return None;
    }
    let layout = room.composer.layout(usize::from(area.width - PROMPT_CELLS));
    let first = (layout.cursor_row + 1).saturating_sub(height);
    let prompt = match room.composer.purpose {
        Purpose::New => "> ",
        Purpose::Reply(_) => "↱ ",
        Purpose::Edit(_) => "✎ ",
    };
    let over = room.composer.chars() > TEXT_CHARS_MAX;
    let style = if over { theme.wrong() } else { theme.plain() };
    let rows = layout.rows.iter().enumerate().skip(first).take(height);
    let lines = rows.map(|(at, text)| {
        let head = if at == 0 { prompt } else { "  " };
        Line::from(vec![
            Span::styled(head, theme.strong()),
            Span::styled(text.clone(), style),
        ])
    });
    super::lines(lines.collect::<Vec<_>>(), area, buffer);
    if room.composer.is_empty() && room.composer.purpose == Purpose::New {
        let hint = match state.keys.first(Action::Help) {
            Some(key) => format!("write here, {key} for help"),
            None => "write here, /help lists the keys".to_owned(),
        };
        Span::styled(hint, theme.quiet()).render(inner(area), buffer);
    }
    count(state, room.composer.chars(), area, buffer);
    let x = area.x + PROMPT_CELLS + u16::try_from(layout.cursor_cell).unwrap_or(0);
    let y = area.y + u16::try_from(layout.cursor_row - first).unwrap_or(0);
    Some(Position::new(x.min(area.right().saturating_sub(1)), y))
}

/// Characters left, when they become few.
fn count(state: &State, chars: usize, area: Rect, buffer: &mut Buffer) {
    if chars + COUNTED_FROM < TEXT_CHARS_MAX {
        return;
    }
    let (text, style) = if chars > TEXT_CHARS_MAX {
        let over = chars - TEXT_CHARS_MAX;
        (format!(" {over} too many "), state.theme.wrong())
    } else {
        let left = TEXT_CHARS_MAX - chars;
        (format!(" {left} left "), state.theme.warning())
    };
    let cells = u16::try_from(text.len()).unwrap_or(0).min(area.width);
    let corner = Rect::new(area.right() - cells, area.bottom() - 1, cells, 1);
    Line::from(Span::styled(text, style)).render(corner, buffer);
}

fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + PROMPT_CELLS,
        width: area.width - PROMPT_CELLS,
        ..area
    }
}
