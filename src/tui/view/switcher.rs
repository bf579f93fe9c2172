//! The switcher: its line, and what was found.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_segmentation::UnicodeSegmentation;

use super::rooms::counts;
use crate::tui::composer::Composer;
use crate::tui::keys::{Action, Choice};
use crate::tui::layout::switcher;
use crate::tui::shown::{fit, grapheme_width, width};
use crate::tui::state::State;
use crate::tui::switcher::{Entry, Switcher};

/// Cells that a name takes at least, so that what is said of them stands one below the other.
const LABEL_CELLS: usize = 22;

/// Cells of a list in which something is said of the names too.
const NOTES_FROM_CELLS: usize = 50;

/// Draws it; gives the cursor's place on the screen.
pub fn draw(state: &State, over: &Switcher, buffer: &mut Buffer) -> Option<Position> {
    let theme = state.theme;
    let parts = switcher(state.size);
    Clear.render(parts.frame, buffer);
    let leave = state.keys.first(Action::Choice(Choice::Leave));
    let leave = leave.map_or(String::new(), |key| format!("· {key} leaves "));
    Block::bordered()
        .border_style(theme.quiet())
        .title(" go to · > actions · / commands ")
        .title_bottom(Line::from(leave.trim_start_matches("· ").to_owned()).right_aligned())
        .render(parts.frame, buffer);
    let cursor = input(state, &over.input, parts.input, buffer);
    let rows = usize::from(parts.list.height);
    let first = over.first_in_sight(rows);
    let cells = usize::from(parts.list.width);
    let in_sight = over.found.iter().enumerate().skip(first).take(rows);
    let lines = in_sight.map(|(at, entry)| row(state, entry, at == over.at, cells));
    super::lines(lines, parts.list, buffer);
    if over.found.is_empty() {
        let words = Span::styled(fit("  nothing is called that", cells), theme.quiet());
        super::lines([Line::from(words)], parts.list, buffer);
    }
    cursor
}

/// A line to type into; gives the cursor's place on the screen.
pub fn input(state: &State, line: &Composer, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let cells = usize::from(area.width.saturating_sub(2));
    let layout = line.layout(cells);
    // The row with the cursor, where the line is longer than the screen is wide.
    let text = layout.rows.get(layout.cursor_row).cloned();
    let line = Line::from(vec![
        Span::styled("› ", state.theme.strong()),
        Span::raw(text.unwrap_or_default()),
    ]);
    super::lines([line], area, buffer);
    let x = area.x + 2 + u16::try_from(layout.cursor_cell).unwrap_or(0);
    (!area.is_empty()).then(|| Position::new(x.min(area.right() - 1), area.y))
}

fn row(state: &State, entry: &Entry, chosen: bool, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let on = |style: Style| {
        if chosen {
            style.patch(theme.chosen())
        } else {
            style
        }
    };
    let count = counts(entry.unread, entry.urgent, false);
    let tail = if count.is_empty() {
        &entry.keys
    } else {
        &count
    };
    let tail_cells = width(tail) + usize::from(!tail.is_empty()) * 2;
    let room = cells.saturating_sub(2 + tail_cells);
    let strong = entry.unread > 0;
    let plain = if strong {
        theme.strong()
    } else {
        theme.plain()
    };
    let sign = if chosen { "▸ " } else { "  " };
    let mut spans = vec![Span::styled(sign, on(theme.plain()))];
    let (label, mut used) = marked(entry, room, on(plain), on(theme.matched()));
    spans.extend(label);
    if cells >= NOTES_FROM_CELLS && !entry.note.is_empty() {
        let gap = LABEL_CELLS.saturating_sub(used).max(2).min(room - used);
        let note = fit(&entry.note, room - used - gap);
        used += gap + width(&note);
        spans.push(Span::styled(" ".repeat(gap), on(theme.plain())));
        spans.push(Span::styled(note, on(theme.quiet())));
    }
    if !tail.is_empty() {
        let gap = cells.saturating_sub(2 + used + width(tail) + 1);
        let tail_style = if count.is_empty() {
            theme.quiet()
        } else {
            theme.accent()
        };
        spans.push(Span::styled(" ".repeat(gap), on(theme.plain())));
        spans.push(Span::styled(fit(tail, cells), on(tail_style)));
        spans.push(Span::styled(" ", on(theme.plain())));
    } else {
        let gap = cells.saturating_sub(2 + used);
        spans.push(Span::styled(" ".repeat(gap), on(theme.plain())));
    }
    Line::from(spans)
}

/// The label in `cells_max` cells at most, with what was looked for marked; and the cells it takes.
fn marked(
    entry: &Entry,
    cells_max: usize,
    plain: Style,
    matched: Style,
) -> (Vec<Span<'static>>, usize) {
    let whole = width(&entry.label) <= cells_max;
    let most = if whole {
        cells_max
    } else {
        cells_max.saturating_sub(1)
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (at, grapheme) in entry.label.graphemes(true).enumerate() {
        let cells = grapheme_width(grapheme);
        if used + cells > most {
            break;
        }
        used += cells;
        let is_marked = entry.marks.binary_search(&at).is_ok();
        let style = if is_marked { matched } else { plain };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(grapheme),
            Some(_) | None => spans.push(Span::styled(grapheme.to_owned(), style)),
        }
    }
    if !whole && cells_max > 0 {
        spans.push(Span::styled("…", plain));
        used += 1;
    }
    (spans, used)
}
