//! Asking for a name.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::composer::Composer;
use crate::tui::keys::Action;
use crate::tui::state::State;
use crate::tui::wrap::wrap;

/// Columns that the question takes at most.
const COLUMNS_MAX: u16 = 50;

/// Rows of the question: why, a blank one, the name, and the border.
const ROWS: u16 = 7;

/// Draws the question; gives the cursor's place on the screen.
pub fn draw(
    state: &State,
    input: &Composer,
    why: &str,
    screen: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    let theme = state.theme;
    let width = screen.width.min(COLUMNS_MAX);
    let height = screen.height.min(ROWS);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let key = |action, does: &str| {
        let label = state.keys.first(action);
        label.map_or(String::new(), |label| format!(" · {label} {does}"))
    };
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_style(theme.strong())
        .title(format!(
            " your name{}{} ",
            key(Action::Send, "joins"),
            key(Action::Interrupt, "quits")
        ));
    let inner = block.inner(area);
    block.render(area, buffer);
    let mut lines = wrap(&[(why, theme.accent())], usize::from(inner.width));
    lines.truncate(usize::from(inner.height).saturating_sub(2));
    lines.push(Line::default());
    let row = u16::try_from(lines.len()).unwrap_or(0);
    let layout = input.layout(usize::from(inner.width.saturating_sub(2)));
    lines.push(Line::from(vec![
        Span::styled("> ", theme.strong()),
        Span::raw(layout.rows.first().cloned().unwrap_or_default()),
    ]));
    super::lines(lines, inner, buffer);
    let x = inner.x + 2 + u16::try_from(layout.cursor_cell).unwrap_or(0);
    (row < inner.height).then(|| Position::new(x.min(inner.right() - 1), inner.y + row))
}
