//! The monitoring pane. Narrow screens show one list, usual ones two, wide ones all of them.

mod courses;
pub mod detail;
mod tables;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use crate::tui::flash;
use crate::tui::keys::{Action, Pane};
use crate::tui::monitor::alarms::{Alarm, Level, alarms};
use crate::tui::monitor::cluster::NodeState;
use crate::tui::monitor::{List, Monitor, REFUSED, words};
use crate::tui::shown::{fit, width};
use crate::tui::state::{Link, State};
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap;

/// Microseconds without an update after which what is shown is called old.
const OLD_AFTER_US: i64 = 3_500_000;

/// Parts of the screen; a part that has no room is empty.
struct Parts {
    header: Rect,
    sparks: Rect,
    body: Rect,
    alarms: Rect,
    hints: Rect,
    status: Rect,
}

pub fn draw(state: &State, screen: Rect, buffer: &mut Buffer) {
    Clear.render(screen, buffer);
    let cluster = state.monitor.cluster();
    let alarms = alarms(cluster);
    let parts = parts(screen, alarms.len(), flash::height(state));
    header(state, &alarms, parts.header, buffer);
    super::status::draw(state, parts.status, buffer);
    if let Some(words) = nothing_to_show(state) {
        let room = Rect {
            height: screen.height.saturating_sub(1 + parts.status.height),
            y: parts.header.bottom(),
            ..screen
        };
        let text = wrap(&[(&words, state.theme.accent())], usize::from(room.width));
        return super::lines(text, room, buffer);
    }
    courses::of_all(state.theme, cluster, parts.sparks, buffer);
    match &state.monitor.detail {
        Some(about) => detail::draw(state, about, parts.body, buffer),
        None => body(state, parts.body, buffer),
    }
    alarm_lines(state.theme, &alarms, parts.alarms, buffer);
    hints(state, parts.hints, buffer);
}

fn parts(screen: Rect, alarms: usize, status: u16) -> Parts {
    let rows = screen.height;
    let alarms_max = match rows {
        ..10 => 0,
        10..16 => 1,
        16..30 => 3,
        30.. => 8,
    };
    let alarms = u16::try_from(alarms).unwrap_or(u16::MAX).min(alarms_max);
    let hints = u16::from(rows >= 20);
    let sparks = match rows {
        ..10 => 0,
        10..20 => 1,
        20.. => 2,
    };
    let mut y = screen.y;
    let mut left = rows;
    let mut take = |height: u16| {
        let height = height.min(left);
        let part = Rect::new(screen.x, y, screen.width, height);
        (y, left) = (y + height, left - height);
        part
    };
    let below = alarms + hints + status;
    let header = take(1);
    let sparks = take(sparks);
    let body = take(rows.saturating_sub(header.height + sparks.height + below));
    Parts {
        header,
        sparks,
        body,
        alarms: take(alarms),
        hints: take(hints),
        status: take(status),
    }
}

/// Why there are no figures, in one line.
fn nothing_to_show(state: &State) -> Option<String> {
    if state.monitor.cluster().at.is_some() {
        // Those of a node before are better than none; they are called old.
        return None;
    }
    if state.is_online() && state.me.as_ref().is_some_and(|me| !me.admin) {
        let node = match &state.link {
            Link::Online { node, .. } => node.as_str(),
            Link::Waiting
            | Link::Connecting { .. }
            | Link::Offline { .. }
            | Link::Closed { .. } => "",
        };
        let back = hint(state, Action::Monitor, "shows the chat.");
        let back = back.unwrap_or_default();
        return Some(format!(" {node}: {REFUSED}. {back}"));
    }
    Some(" waiting for the nodes' figures …".to_owned())
}

/// Cells from which the keys' line has room for what the other lists are called.
const LISTS_NAMED_FROM_CELLS: u16 = 110;

/// All in one line: how many nodes are up, and what they do.
fn header(state: &State, alarms: &[Alarm], area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let cluster = state.monitor.cluster();
    let count = |state: NodeState| cluster.nodes.values().filter(|n| n.state == state).count();
    let (up, down) = (count(NodeState::Up), count(NodeState::Down));
    let mut spans = vec![Span::styled(" monitor ", theme.chosen())];
    if let Some(at) = cluster.at {
        let old = !state.monitor.is_paused() && !(0..=OLD_AFTER_US).contains(&(state.now.0 - at.0));
        if state.monitor.is_paused() || old {
            let word = if old { "OLD" } else { "PAUSED" };
            let clock = words::clock(at, &state.zone);
            spans.push(Span::styled(format!(" {word} {clock}"), theme.warning()));
        }
        spans.push(Span::styled(format!(" {up} up"), theme.good()));
        if down > 0 {
            spans.push(Span::styled(format!(" {down} DOWN"), theme.wrong()));
        }
        let wrong = alarms.iter().filter(|a| a.level == Level::Wrong).count();
        if wrong > 0 {
            let s = if wrong == 1 { "" } else { "S" };
            spans.push(Span::styled(format!(" {wrong} ALARM{s}"), theme.wrong()));
        }
        let totals = cluster.totals.back().copied().unwrap_or_default();
        let rooms = cluster.up().filter_map(|node| node.figures.as_ref());
        let rooms = rooms.map(|figures| figures.rooms).max().unwrap_or(0);
        for words in [
            words::counted(totals.sessions.into(), "session"),
            words::counted(rooms.into(), "room"),
            format!("{} msg/s", words::rate(totals.messages_per_s)),
            format!("{} deliveries/s", words::rate(totals.deliveries_per_s)),
        ] {
            spans.push(Span::styled(format!(" · {words}"), theme.plain()));
        }
    }
    let unread: u32 = state
        .rooms
        .iter()
        .map(|room| room.unread)
        .fold(0, u32::saturating_add);
    if unread > 0 {
        spans.push(Span::styled(
            format!(" · {unread} unread in the chat"),
            theme.accent(),
        ));
    }
    whole_parts(spans, area.width).render(area, buffer);
}

/// The parts for which there is room, none of them cut but the first.
fn whole_parts(spans: Vec<Span<'static>>, cells: u16) -> Line<'static> {
    let mut left = usize::from(cells);
    let mut kept = Vec::new();
    for span in spans {
        let takes = width(&span.content);
        if takes > left && !kept.is_empty() {
            break;
        }
        left = left.saturating_sub(takes);
        kept.push(span);
    }
    Line::from(kept)
}

/// The lists for which there is room.
fn body(state: &State, area: Rect, buffer: &mut Buffer) {
    let monitor = &state.monitor;
    let nodes = u16::try_from(monitor.cluster().nodes.len()).unwrap_or(u16::MAX);
    if area.width >= 140 && area.height >= 20 {
        let (top, below) = split(area, (nodes + 2).min(area.height / 2));
        tables::nodes(state, true, top, buffer);
        let (courses, below) = split(below, (nodes + 2).min(below.height / 3));
        courses::of_each(state, courses, buffer);
        let third = below.width / 3;
        let column = |at: u16, width: u16| Rect {
            x: below.x + at,
            width: width.saturating_sub(2),
            ..below
        };
        tables::rooms(state, column(0, third), buffer);
        tables::links(state, column(third, third), buffer);
        tables::events(
            state,
            column(third * 2, below.width - third * 2 + 2),
            buffer,
        );
        return;
    }
    if area.height < 9 {
        return list(state, monitor.list, area, buffer);
    }
    let (top, below) = split(area, (nodes + 2).min(area.height / 2));
    tables::nodes(state, true, top, buffer);
    let second = match monitor.list {
        List::Nodes => List::Events,
        other => other,
    };
    list(state, second, below, buffer);
}

fn list(state: &State, list: List, area: Rect, buffer: &mut Buffer) {
    match list {
        List::Nodes => tables::nodes(state, area.height >= 9, area, buffer),
        List::Rooms => tables::rooms(state, area, buffer),
        List::Links => tables::links(state, area, buffer),
        List::Events => tables::events(state, area, buffer),
    }
}

fn split(area: Rect, top: u16) -> (Rect, Rect) {
    let top = top.min(area.height);
    let below = Rect {
        y: area.y + top,
        height: area.height - top,
        ..area
    };
    (
        Rect {
            height: top,
            ..area
        },
        below,
    )
}

fn alarm_lines(theme: Theme, alarms: &[Alarm], area: Rect, buffer: &mut Buffer) {
    let cells = usize::from(area.width);
    let room = usize::from(area.height);
    let line = |(at, alarm): (usize, &Alarm)| {
        let style = match alarm.level {
            Level::Wrong => theme.wrong(),
            Level::Warning => theme.warning(),
        };
        let hidden = alarms.len() - at - 1;
        let more = if at + 1 == room && hidden > 0 {
            format!(" (+{hidden} more)")
        } else {
            String::new()
        };
        let words = format!(" {} {}: {}", alarm.level.word(), alarm.node, alarm.words);
        let words = fit(&words, cells.saturating_sub(width(&more)));
        Line::from(vec![
            Span::styled(words, style),
            Span::styled(more, theme.quiet()),
        ])
    };
    super::lines(alarms.iter().enumerate().take(room).map(line), area, buffer);
}

/// The first key for this, and what it does; nothing if there is none.
fn hint(state: &State, action: Action, does: &str) -> Option<String> {
    let key = state.keys.first(action)?;
    Some(format!("{key} {does}"))
}

/// The keys that one needs first.
fn hints(state: &State, area: Rect, buffer: &mut Buffer) {
    let key = |pane: Pane, does: &str| hint(state, Action::Pane(pane), does);
    let arrows = |does: &str| match (key(Pane::Up, ""), key(Pane::Down, "")) {
        (Some(up), Some(down)) if (up.trim(), down.trim()) == ("Up", "Down") => {
            Some(format!("↑↓ {does}"))
        }
        (Some(up), Some(down)) => Some(format!("{}, {} {does}", up.trim(), down.trim())),
        (None, _) | (_, None) => None,
    };
    let others: Vec<&str> = (1..List::ALL.len())
        .map(|by| state.monitor.list.step(by).title())
        .collect();
    let others = match area.width {
        LISTS_NAMED_FROM_CELLS.. => others.join(", "),
        _ => "list".to_owned(),
    };
    let (list, sort) = (key(Pane::NextList, &others), key(Pane::Sort, "sort"));
    let open = key(Pane::Open, "open");
    let mut hints = match (&state.monitor.detail, state.monitor.is_paused()) {
        (Some(_), _) => vec![
            key(Pane::Back, "back"),
            arrows("scroll"),
            key(Pane::Pause, "pause"),
        ],
        (None, true) => vec![key(Pane::Pause, "go on"), list, sort, open],
        (None, false) => {
            vec![
                list,
                arrows("choose"),
                open,
                sort,
                key(Pane::Pause, "pause"),
            ]
        }
    };
    hints.push(hint(state, Action::Help, "all keys"));
    hints.push(hint(state, Action::Monitor, "chat"));
    let hints: Vec<String> = hints.into_iter().flatten().collect();
    let text = fit(&format!(" {}", hints.join(" · ")), usize::from(area.width));
    Line::from(Span::styled(text, state.theme.quiet())).render(area, buffer);
}

/// Whether the list has the keys.
fn has_keys(monitor: &Monitor, list: List) -> bool {
    monitor.list == list && monitor.detail.is_none()
}
