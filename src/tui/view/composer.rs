//! Where this person writes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::protocol::limits::TEXT_CHARS_MAX;
use crate::tui::composer::Purpose;
use crate::tui::keys::Action;
use crate::tui::layout::PROMPT_CELLS;
use crate::tui::shown::{fit, pad, width};
use crate::tui::state::State;

/// Characters left from which they are counted.
const COUNTED_FROM: usize = 300;

/// Draws the text's rows around the cursor; gives the cursor's place on the screen.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let composer = state.composer();
    let theme = state.theme;
    let height = usize::from(area.height);
    if height == 0 || area.width <= PROMPT_CELLS {
        return None;
    }
    if state.selection.is_some() {
        let keys = super::selection::keys(state, usize::from(area.width));
        super::lines([keys], area, buffer);
        return None;
    }
    let layout = composer.layout(usize::from(area.width - PROMPT_CELLS));
    let first = (layout.cursor_row + 1).saturating_sub(height);
    let prompt = match composer.purpose {
        Purpose::New => "> ",
        Purpose::Reply(_) => "↱ ",
        Purpose::Edit(_) => "✎ ",
    };
    let over = composer.chars() > TEXT_CHARS_MAX;
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
    if composer.is_empty() && composer.purpose == Purpose::New {
        let here = match state.room() {
            Some(_) => "write here",
            None => "/join ROOM",
        };
        let hint = match state.keys.first(Action::Help) {
            Some(key) => format!("{here}, {key} for help"),
            None => format!("{here}, /help lists the keys"),
        };
        Span::styled(hint, theme.quiet()).render(inner(area), buffer);
    }
    count(state, composer.chars(), area, buffer);
    let x = area.x + PROMPT_CELLS + u16::try_from(layout.cursor_cell).unwrap_or(0);
    let y = area.y + u16::try_from(layout.cursor_row - first).unwrap_or(0);
    Some(Position::new(x.min(area.right().saturating_sub(1)), y))
}

/// Which message the text answers or changes, and how to leave that.
pub fn aside(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(room) = state.room() else { return };
    let theme = state.theme;
    let (sign, id, leave) = match &room.composer.purpose {
        Purpose::New => return,
        Purpose::Reply(id) => ("↱ ", id, "makes it no answer"),
        Purpose::Edit(id) => ("✎ ", id, "leaves it as it was"),
    };
    let cells = usize::from(area.width).saturating_sub(width(sign));
    let key = state.keys.first(Action::Cancel);
    let leave = key.map_or(String::new(), |key| format!(" {key} {leave}"));
    let leave = if width(&leave) * 2 > cells {
        String::new()
    } else {
        leave
    };
    let (whose, text) = match (room.timeline.message(id), &room.composer.purpose) {
        (Some(message), Purpose::Edit(_)) => ("editing: ".to_owned(), message.text.as_deref()),
        (Some(message), _) => (format!("{}: ", message.from), message.text.as_deref()),
        (None, _) => (String::new(), Some("an earlier message")),
    };
    let left = cells.saturating_sub(width(&leave));
    let whose = fit(&whose, left);
    let text = pad(
        text.unwrap_or("deleted"),
        left.saturating_sub(width(&whose)),
    );
    let line = Line::from(vec![
        Span::styled(sign, theme.strong()),
        Span::styled(whose, theme.strong()),
        Span::styled(text, theme.quiet()),
        Span::styled(leave, theme.quiet()),
    ]);
    super::lines([line], area, buffer);
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
