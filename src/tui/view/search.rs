//! The search: its line, and what was found.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::protocol::Ts;
use crate::protocol::server::Message;
use crate::tui::keys::{Action, Choice};
use crate::tui::layout::{found_in_sight, found_rows, search as regions};
use crate::tui::marked::{marked, words_of};
use crate::tui::search::Phase;
use crate::tui::shown::{fit, width};
use crate::tui::state::State;
use crate::tui::wrap::wrap;

/// What may be typed, and what it finds.
const EXAMPLES: [(&str, &str); 7] = [
    ("disk full", "both words"),
    ("\"disk full\"", "one phrase"),
    ("deploy*", "words that begin so"),
    ("from:alice", "who wrote it"),
    ("in:ops", "where; in:@bob"),
    ("before:2026-01-31", "before that day"),
    ("after:2026-01-01", "since that day"),
];

/// Cells of the column with examples.
const EXAMPLE_CELLS: usize = 20;

/// Draws it; gives the cursor's place on the screen.
pub fn draw(state: &State, buffer: &mut Buffer) -> Option<Position> {
    let parts = regions(state.size);
    Clear.render(parts.frame, buffer);
    let cells = usize::from(parts.frame.width.saturating_sub(4));
    let (count, hints) = (count(state), hints(state));
    // Where there is no room for all, how to leave is known to everybody.
    let fits = |hint: &&String| width(&count) + 2 + width(hint) <= cells;
    let hint = hints.iter().find(fits).cloned().unwrap_or_default();
    let room = cells.saturating_sub(width(&hint) + 2);
    Block::bordered()
        .border_style(state.theme.quiet())
        .title(" search ")
        .title_bottom(Line::from(fit(&count, room)))
        .title_bottom(Line::from(hint).right_aligned())
        .render(parts.frame, buffer);
    let cursor = super::switcher::input(state, &state.search.input, parts.input, buffer);
    let lines = list(state, parts.list);
    super::lines(lines, parts.list, buffer);
    cursor
}

/// How much was found, in the frame's lower left.
fn count(state: &State) -> String {
    let search = &state.search;
    let partial = if search.partial {
        "; the node still reads its log, search again soon"
    } else {
        ""
    };
    match (&search.phase, search.found.len()) {
        (Phase::Asked, _) => " searching … ".to_owned(),
        (Phase::Failed(why), 1..) => format!(" {why} "),
        (Phase::Idle | Phase::Failed(_), _) | (_, 0) => String::new(),
        (Phase::Done, count) => {
            let more = if search.more { " and more" } else { "" };
            format!(" {count}{more} found{partial} ")
        }
    }
}

/// What the keys do, from the longest to the shortest.
fn hints(state: &State) -> [String; 2] {
    let first = |choice| state.keys.first(Action::Choice(choice)).unwrap_or_default();
    let search = &state.search;
    let takes = if search.input.text().trim() != search.query || search.found.is_empty() {
        "searches"
    } else {
        "goes there"
    };
    let take = format!(" {} {takes} ", first(Choice::Take));
    [format!("{take}· {} leaves ", first(Choice::Leave)), take]
}

fn list(state: &State, area: Rect) -> Vec<Line<'static>> {
    let theme = state.theme;
    let search = &state.search;
    let cells = usize::from(area.width);
    if !search.found.is_empty() {
        return results(state, cells);
    }
    let sentence = |text: &str, style: Style| wrap(&[(text, style)], cells);
    match &search.phase {
        Phase::Asked => sentence("searching …", theme.quiet()),
        Phase::Failed(why) => sentence(why, theme.warning()),
        Phase::Done if search.partial => sentence(
            "nothing was found yet: the node still reads its log for searching",
            theme.quiet(),
        ),
        Phase::Done => sentence("nothing was found", theme.quiet()),
        Phase::Idle => {
            let line = |(typed, finds): &(&str, &str)| {
                let typed = crate::tui::shown::pad(typed, EXAMPLE_CELLS.min(cells));
                let finds = fit(finds, cells.saturating_sub(EXAMPLE_CELLS));
                Line::from(vec![
                    Span::styled(typed, theme.accent()),
                    Span::styled(finds, theme.quiet()),
                ])
            };
            EXAMPLES.iter().map(line).collect()
        }
    }
}

fn results(state: &State, cells: usize) -> Vec<Line<'static>> {
    let search = &state.search;
    let words = words_of(&search.query);
    let count = found_in_sight(state.size);
    let first = search.first_in_sight(count);
    let in_sight = search.found.iter().enumerate().skip(first).take(count);
    let rows = in_sight.flat_map(|(at, message)| {
        let mut rows = vec![head(state, message, at == search.at, cells)];
        rows.extend(text(state, message, &words, cells));
        rows
    });
    rows.collect()
}

/// Who said it, where and when.
fn head(state: &State, message: &Message, chosen: bool, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let on = |style: Style| {
        if chosen {
            style.patch(theme.chosen())
        } else {
            style
        }
    };
    let sign = if chosen { "▸ " } else { "  " };
    let room = if message.room.starts_with('@') {
        message.room.clone()
    } else {
        format!("#{}", message.room)
    };
    let when = when(state, message.ts);
    let left = cells.saturating_sub(2 + width(&when) + 1);
    let from = fit(&message.from, left);
    let room = fit(&format!(" in {room}"), left.saturating_sub(width(&from)));
    let gap = left.saturating_sub(width(&from) + width(&room));
    Line::from(vec![
        Span::styled(sign, on(theme.plain())),
        Span::styled(from, on(theme.name(&message.uid))),
        Span::styled(room, on(theme.quiet())),
        Span::styled(" ".repeat(gap), on(theme.plain())),
        Span::styled(fit(&when, cells.saturating_sub(2)), on(theme.quiet())),
        Span::styled(" ", on(theme.plain())),
    ])
}

/// The time, with as much of the day as there must be.
fn when(state: &State, ts: Ts) -> String {
    let moment = |ts: Ts| {
        let moment = jiff::Timestamp::from_microsecond(ts.0).ok()?;
        Some(moment.to_zoned(state.zone.clone()))
    };
    let (Some(then), Some(now)) = (moment(ts), moment(state.now)) else {
        return String::new();
    };
    let form = if then.date() == now.date() {
        "%H:%M"
    } else if then.year() == now.year() {
        "%-d %b %H:%M"
    } else {
        "%-d %b %Y %H:%M"
    };
    then.strftime(form).to_string()
}

fn text(state: &State, message: &Message, words: &[String], cells: usize) -> Vec<Line<'static>> {
    let theme = state.theme;
    let rows = found_rows(state.size) - 1;
    let room = cells.saturating_sub(3);
    let plain = state
        .memo
        .plain(message.text.as_deref().unwrap_or_default());
    let pieces = marked(&plain, words, room);
    let pieces: Vec<(&str, Style)> = pieces
        .iter()
        .map(|(text, hit)| {
            let style = if *hit { theme.matched() } else { theme.plain() };
            (text.as_str(), style)
        })
        .collect();
    let mut lines = wrap(&pieces, room);
    lines.resize(rows, Line::default());
    for line in &mut lines {
        line.spans.insert(0, Span::raw("  "));
    }
    lines
}
