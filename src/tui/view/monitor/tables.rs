//! The lists: nodes, rooms, links, events.

use std::borrow::Borrow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::has_keys;
use crate::tui::monitor::cluster::Watched;
use crate::tui::monitor::columns::{
    Column, LINKS, LinkRow, NODES, ROOMS, RoomRow, Sort, link_rows, node_rows, room_rows,
};
use crate::tui::monitor::events::{Happened, Weight};
use crate::tui::monitor::report::lasting_state;
use crate::tui::monitor::{List, Table, words};
use crate::tui::shown::{fit, pad, safe, width};
use crate::tui::state::State;
use crate::tui::theme::Theme;

/// Cells that the first column takes at most.
const NAME_CELLS_MAX: usize = 40;

/// A table on its way to the screen.
struct Sheet<'a, T: 'static> {
    theme: Theme,
    columns: &'static [Column<T>],
    table: &'a Table,
    has_keys: bool,
    area: Rect,
}

/// `blank`: a row is left free below.
pub fn nodes(state: &State, blank: bool, area: Rect, buffer: &mut Buffer) {
    let monitor = &state.monitor;
    let cluster = monitor.cluster();
    let rows = node_rows(cluster, monitor.nodes.sort);
    let sheet = Sheet {
        theme: state.theme,
        columns: NODES,
        table: &monitor.nodes,
        has_keys: has_keys(monitor, List::Nodes),
        area: Rect {
            height: area.height.saturating_sub(u16::from(blank)),
            ..area
        },
    };
    let gone = |node: &Watched| lasting_state(node, cluster, &state.zone);
    sheet.draw(&rows, |node| node.name.clone(), gone, buffer);
}

pub fn rooms(state: &State, area: Rect, buffer: &mut Buffer) {
    let monitor = &state.monitor;
    let rows = room_rows(monitor.cluster(), monitor.rooms.sort);
    let sheet = Sheet {
        theme: state.theme,
        columns: ROOMS,
        table: &monitor.rooms,
        has_keys: has_keys(monitor, List::Rooms),
        area,
    };
    sheet.draw(&rows, |room: &RoomRow| room.name.clone(), |_| None, buffer);
}

pub fn links(state: &State, area: Rect, buffer: &mut Buffer) {
    let monitor = &state.monitor;
    let rows = link_rows(monitor.cluster(), monitor.links.sort);
    let sheet = Sheet {
        theme: state.theme,
        columns: LINKS,
        table: &monitor.links,
        has_keys: has_keys(monitor, List::Links),
        area,
    };
    sheet.draw(&rows, LinkRow::name, |_| None, buffer);
}

/// The newest first.
pub fn events(state: &State, area: Rect, buffer: &mut Buffer) {
    let monitor = &state.monitor;
    let (theme, cells) = (state.theme, usize::from(area.width));
    let heading = heading_style(theme, has_keys(monitor, List::Events));
    let mut lines = vec![Line::from(Span::styled(fit(" EVENTS", cells), heading))];
    let events = &monitor.cluster().events;
    if events.is_empty() {
        let none = fit(" nothing has happened since the pane was opened", cells);
        lines.push(Line::from(Span::styled(none, theme.quiet())));
    }
    let newest = events.iter().rev().skip(monitor.events_row);
    lines.extend(
        newest
            .take(usize::from(area.height))
            .map(|event| line(state, event, cells)),
    );
    crate::tui::view::lines(lines, area, buffer);
}

fn line(state: &State, event: &Happened, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let clock = format!(" {} ", words::clock(event.at, &state.zone));
    let style = match event.what.weight() {
        Weight::Good => theme.good(),
        Weight::Plain => theme.plain(),
        Weight::Wrong => theme.wrong(),
    };
    let words = format!("{} {}", event.node, event.what.words());
    let words = fit(&words, cells.saturating_sub(width(&clock)));
    Line::from(vec![
        Span::styled(clock, theme.quiet()),
        Span::styled(words, style),
    ])
}

/// The list that has the keys is seen by its heading.
fn heading_style(theme: Theme, has_keys: bool) -> Style {
    if has_keys {
        theme.strong()
    } else {
        theme.quiet()
    }
}

impl<T> Sheet<'_, T> {
    /// `instead`: the words that stand in a row in place of its columns.
    fn draw<R: Borrow<T>>(
        &self,
        rows: &[R],
        name: impl Fn(&T) -> String,
        instead: impl Fn(&T) -> Option<String>,
        buffer: &mut Buffer,
    ) {
        let cells = usize::from(self.area.width);
        let longest = rows
            .iter()
            .map(|row| width(&safe(&name(row.borrow()), false)));
        let longest = longest.max().unwrap_or(0).min(NAME_CELLS_MAX);
        let (shown, first) = self.shown(cells, longest);
        let names: Vec<String> = rows.iter().map(|row| name(row.borrow())).collect();
        let chosen = self.table.at(&names);
        let room = usize::from(self.area.height).saturating_sub(1).max(1);
        let from = (chosen + 1).saturating_sub(room);
        let mut lines = vec![self.heading(&shown, first)];
        for (at, row) in rows.iter().enumerate().skip(from).take(room) {
            let row: &T = row.borrow();
            let mut line = match instead(row) {
                Some(words) => self.words(&name(row), &words, first, cells),
                None => self.row(row, &shown, first),
            };
            if self.has_keys && at == chosen {
                line = line.style(self.theme.chosen());
            }
            lines.push(line);
        }
        crate::tui::view::lines(lines, self.area, buffer);
    }

    /// The columns for which there is room, the one that is sorted by among them, and the cells of the
    /// first one.
    fn shown(&self, cells: usize, longest: usize) -> (Vec<usize>, usize) {
        let least = self.columns.first().map_or(0, |first| first.cells);
        let mut first = least.max(longest.min(cells / 4));
        // A space before the first column, and one behind each.
        let mut used = 2 + first;
        let mut shown = vec![0];
        for (at, column) in self.columns.iter().enumerate().skip(1) {
            if used + column.cells + 1 > cells {
                break;
            }
            used += column.cells + 1;
            shown.push(at);
        }
        let sorted = self.table.sort.column;
        if !shown.contains(&sorted) && shown.len() > 1 {
            let last = shown.pop().map_or(0, |last| self.columns[last].cells);
            let cells_of_sorted = self.columns[sorted].cells;
            used = used - last + cells_of_sorted;
            // It may be wider than the one whose place it takes.
            first = first.saturating_sub(used.saturating_sub(cells));
            shown.push(sorted);
        }
        let free = cells.saturating_sub(used);
        first += free.min(longest.saturating_sub(first));
        (shown, first)
    }

    fn heading(&self, shown: &[usize], first: usize) -> Line<'static> {
        let style = heading_style(self.theme, self.has_keys);
        let Sort { column, reversed } = self.table.sort;
        let mut text = String::from(" ");
        for at in shown {
            let title = self.columns[*at].title;
            text += &self.cell(*at, title, first);
            // Numbers stand with the largest first, texts from a on.
            let falling = self.columns[*at].value.is_some() != reversed;
            text.push(match (*at == column, falling) {
                (true, true) => '▼',
                (true, false) => '▲',
                (false, _) => ' ',
            });
        }
        Line::from(Span::styled(text, style))
    }

    fn row(&self, row: &T, shown: &[usize], first: usize) -> Line<'static> {
        let mut spans = vec![Span::raw(" ")];
        for at in shown {
            let column = &self.columns[*at];
            let style = if (column.warns)(row) {
                self.theme.warning()
            } else {
                self.theme.plain()
            };
            spans.push(Span::styled(
                self.cell(*at, &(column.text)(row), first),
                style,
            ));
            spans.push(Span::raw(" "));
        }
        Line::from(spans)
    }

    fn words(&self, name: &str, words: &str, first: usize, cells: usize) -> Line<'static> {
        let name = pad(name, first);
        let words = fit(words, cells.saturating_sub(first + 2));
        Line::from(vec![
            Span::raw(" "),
            Span::styled(name, self.theme.wrong()),
            Span::styled(format!(" {words}"), self.theme.wrong()),
        ])
    }

    /// Texts stand at the left, numbers at the right.
    fn cell(&self, at: usize, text: &str, first: usize) -> String {
        let column = &self.columns[at];
        if at == 0 {
            return pad(text, first);
        }
        let text = fit(text, column.cells);
        let free = " ".repeat(column.cells.saturating_sub(width(&text)));
        match column.value {
            Some(_) => format!("{free}{text}"),
            None => format!("{text}{free}"),
        }
    }
}
