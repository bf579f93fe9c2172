//! The middle of the screen: topic, messages, and the line below them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::rooms::count;
use crate::tui::keys::Action;
use crate::tui::room::{Membership, Position, Room};
use crate::tui::shown::{fit, width};
use crate::tui::state::{Completion, Link, State};
use crate::tui::theme::Theme;
use crate::tui::timeline::Beyond;
use crate::tui::travel::{parts, sheet};

/// Writers that are named.
const WRITERS_NAMED_MAX: usize = 3;

pub fn topic(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(room) = state.room() else { return };
    let theme = state.theme;
    let cells = usize::from(area.width);
    let (aside, aside_style) = match how_many(state, room) {
        Some(here) => (here, theme.quiet()),
        None => (elsewhere(state, cells / 2), theme.accent()),
    };
    let cells = cells.saturating_sub(width(&aside) + 1);
    let title = fit(&room.title(), cells);
    let left = cells.saturating_sub(width(&title) + 2);
    let mut spans = vec![Span::styled(title, theme.strong())];
    if !room.topic.is_empty() && left > 3 {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(fit(&room.topic, left), theme.plain()));
    }
    let right = Line::from(Span::styled(aside, aside_style)).right_aligned();
    right.render(area, buffer);
    Line::from(spans).render(area, buffer);
}

/// Where the rooms are listed and the people are not: how many there are.
fn how_many(state: &State, room: &Room) -> Option<String> {
    let parts = parts(state);
    let is_missing = parts.rooms.width > 0 && parts.people.width == 0 && !room.is_direct();
    is_missing.then(|| format!("{} here ", room.people.total))
}

/// Where the rooms are not listed: which have something unread.
fn elsewhere(state: &State, cells_max: usize) -> String {
    if parts(state).rooms.width > 0 {
        return String::new();
    }
    let rooms = state.rooms.iter().enumerate();
    let unread = rooms.filter(|(at, room)| *at != state.active && room.unread > 0);
    let named: Vec<String> = unread
        .map(|(at, room)| format!("{} {} {}", at + 1, room.title(), count(room, true)))
        .collect();
    fit(&named.join(", "), cells_max)
}

pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let (Some(room), Some(sheet)) = (state.room(), sheet(state)) else {
        let way = match state.keys.first(Action::Switcher) {
            Some(key) => format!("no room: {key} goes to one"),
            None => "no room: /join ROOM enters one".to_owned(),
        };
        return empty(&way, state, area, buffer);
    };
    let height = usize::from(area.height);
    let rows = sheet.in_sight(height);
    if rows.is_empty() {
        return empty(why_empty(state, room), state, area, buffer);
    }
    // The newest message stands at the bottom.
    let free = match room.position {
        Position::Newest => height.saturating_sub(rows.len()),
        Position::At { .. } => 0,
    };
    let top = u16::try_from(free).unwrap_or(0);
    let area = Rect {
        y: area.y + top,
        height: area.height - top,
        ..area
    };
    super::lines(rows, area, buffer);
}

fn why_empty(state: &State, room: &Room) -> &'static str {
    let waiting = room.timeline.older != Beyond::Nothing;
    match (&state.link, room.membership) {
        (Link::Online { .. }, Membership::In) if !waiting => "nobody has said anything yet",
        (Link::Online { .. }, _) if room.is_direct() && !waiting => "nobody has said anything yet",
        (Link::Online { .. }, _) => "loading …",
        (Link::Waiting, _) => "",
        (Link::Connecting { .. } | Link::Offline { .. } | Link::Closed { .. }, _) => {
            "not connected"
        }
    }
}

fn empty(text: &str, state: &State, area: Rect, buffer: &mut Buffer) {
    let text = fit(text, usize::from(area.width));
    let line = Line::from(Span::styled(text, state.theme.quiet())).centered();
    let middle = Rect {
        y: area.y + area.height / 2,
        height: area.height.min(1),
        ..area
    };
    line.render(middle, buffer);
}

/// What Tab goes through, what is known of the chosen message, or who is writing; and on the right what is
/// further down.
pub fn notice(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let cells = usize::from(area.width);
    let key = state.keys.first(Action::NewestOrEnd);
    // What is held for a chosen message may well be the newest.
    let room = state.room();
    let further = room.filter(|room| state.selection.is_none() || room.new_below > 0);
    let below = further.map_or(String::new(), |room| {
        below(room, key.as_deref().unwrap_or("↓"))
    });
    let left = cells.saturating_sub(width(&below) + 1);
    let words = match &state.completion {
        Some(completion) if completion.words.len() > 1 => candidates(theme, completion, left),
        Some(_) | None if state.selection.is_some() => super::selection::detail(state, left),
        Some(_) | None => {
            let names = room.map_or(Vec::new(), |room| room.writers(state.now));
            let writers = fit(&writers(&names), left);
            Line::from(Span::styled(writers, theme.quiet()))
        }
    };
    words.render(area, buffer);
    let below = Line::from(Span::styled(below, theme.accent()));
    below.right_aligned().render(area, buffer);
}

/// The word that is taken, and those that Tab takes next.
fn candidates(theme: Theme, completion: &Completion, cells: usize) -> Line<'static> {
    let count = completion.words.len();
    let mut left = cells;
    let mut spans = Vec::new();
    for by in 0..count {
        let at = (completion.at + by) % count;
        let label = fit(&completion.words[at].label, left);
        let style = if by == 0 {
            theme.chosen()
        } else {
            theme.quiet()
        };
        let used = width(&label) + 2;
        spans.extend([Span::styled(label, style), Span::raw("  ")]);
        if used >= left {
            break;
        }
        left -= used;
    }
    Line::from(spans)
}

fn below(room: &Room, key: &str) -> String {
    match (room.new_below, &room.position) {
        (0, Position::Newest) => String::new(),
        (0, Position::At { .. }) => format!("{key}: newest ↓"),
        (count, _) => format!("{count} new ↓ ({key})"),
    }
}

fn writers(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is writing …"),
        many if many.len() <= WRITERS_NAMED_MAX => {
            format!("{} are writing …", many.join(", "))
        }
        many => format!("{} people are writing …", many.len()),
    }
}
