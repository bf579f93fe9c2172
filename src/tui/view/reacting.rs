//! The list of emoji to react with, and the line to type a name into.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::reacting::{Offer, Reactions, parts};
use crate::tui::shown::{fit, pad, safe, width};
use crate::tui::state::State;

/// Cells of the column of emoji.
const EMOJI_CELLS: usize = 3;

/// Draws it; gives the cursor's place on the screen.
pub fn draw(state: &State, over: &Reactions, buffer: &mut Buffer) -> Option<Position> {
    let theme = state.theme;
    let parts = parts(state);
    Clear.render(parts.frame, buffer);
    Block::bordered()
        .border_style(theme.quiet())
        .title(" react with ")
        .render(parts.frame, buffer);
    let cells = usize::from(parts.list.width);
    let layout = over.input.layout(cells.saturating_sub(2));
    let typed = layout.rows.get(layout.cursor_row).cloned();
    let hint = if over.are_numbered() {
        "a number, or a :name:"
    } else {
        ""
    };
    let line = Line::from(vec![
        Span::styled("› ", theme.strong()),
        Span::raw(typed.unwrap_or_default()),
        Span::styled(fit(hint, cells.saturating_sub(2)), theme.quiet()),
    ]);
    super::lines([line], parts.input, buffer);
    let rows = usize::from(parts.list.height);
    let first = over.first_in_sight(rows);
    let in_sight = over.found.iter().enumerate().skip(first).take(rows);
    let lines = in_sight.map(|(at, offer)| row(state, over, at, offer, cells));
    super::lines(lines, parts.list, buffer);
    if over.found.is_empty() {
        let words = Span::styled(fit("  nothing is called that", cells), theme.quiet());
        super::lines([Line::from(words)], parts.list, buffer);
    }
    let x = parts.input.x + 2 + u16::try_from(layout.cursor_cell).unwrap_or(0);
    let is_shown = !parts.input.is_empty();
    is_shown.then(|| Position::new(x.min(parts.input.right() - 1), parts.input.y))
}

fn row(state: &State, over: &Reactions, at: usize, offer: &Offer, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let number = match at {
        0..9 if over.are_numbered() => format!("{} ", at + 1),
        _ => "  ".to_owned(),
    };
    let emoji = pad(&offer.emoji, EMOJI_CELLS);
    let count = match (offer.count, offer.mine) {
        (0, _) => String::new(),
        (count, false) => format!(" {count}"),
        (_, true) => " takes yours back".to_owned(),
    };
    let name = if offer.name.is_empty() {
        String::new()
    } else {
        format!(":{}:", safe(&offer.name, false))
    };
    let used = width(&number) + width(&emoji) + width(&count);
    let style = if at == over.at {
        theme.chosen()
    } else {
        theme.plain()
    };
    Line::from(vec![
        Span::styled(number, theme.quiet()),
        Span::styled(emoji, style),
        Span::styled(pad(&name, cells.saturating_sub(used)), style),
        Span::styled(fit(&count, cells), style.patch(theme.accent())),
    ])
}
