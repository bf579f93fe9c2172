//! The bottom line: the connection in words and colour, and a word to the person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::tui::room::Delivery;
use crate::tui::shown::{fit, width};
use crate::tui::state::{Link, State};

pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let cells = usize::from(area.width);
    let (sign, words, style) = link(state);
    let mut spans = vec![Span::styled(format!(" {sign} "), style)];
    // A word to the person comes first where there is no room for all.
    let narrow = cells < 60;
    if let (true, Some((word, _))) = (narrow, &state.flash) {
        spans.push(Span::styled(
            fit(word, cells.saturating_sub(3)),
            theme.accent(),
        ));
        return Line::from(spans).render(area, buffer);
    }
    spans.push(Span::styled(fit(&words, cells.saturating_sub(3)), style));
    if let Some(me) = &state.me {
        let away = if me.away { " (away)" } else { "" };
        spans.push(Span::styled(
            fit(&format!(" · {}{away}", me.name), 40),
            theme.plain(),
        ));
    }
    let (waiting, failed) = unsent(state);
    if waiting > 0 {
        spans.push(Span::styled(
            format!(" · {waiting} waiting"),
            theme.warning(),
        ));
    }
    if failed > 0 {
        spans.push(Span::styled(format!(" · {failed} failed"), theme.wrong()));
    }
    if let Some((word, _)) = &state.flash {
        let used: usize = spans.iter().map(|span| width(&span.content)).sum();
        spans.push(Span::styled(
            fit(&format!(" · {word}"), cells.saturating_sub(used)),
            theme.accent(),
        ));
    }
    Line::from(spans).render(area, buffer);
}

fn link(state: &State) -> (&'static str, String, Style) {
    let theme = state.theme;
    match &state.link {
        Link::Waiting => ("○", "not connected".to_owned(), theme.warning()),
        Link::Connecting { address, attempt } => {
            let again = if *attempt > 1 {
                format!(" (attempt {attempt})")
            } else {
                String::new()
            };
            let words = format!("connecting to {address}{again} …");
            ("◐", words, theme.warning())
        }
        Link::Online {
            node,
            round_trip_us,
        } => {
            let trip = round_trip_us.map_or(String::new(), |us| format!(" {}", milliseconds(us)));
            ("●", format!("connected to {node}{trip}"), theme.good())
        }
        Link::Offline { reason, retry_at } => {
            let left_us = retry_at.0 - state.now.0;
            let when = if left_us > 1_000_000 {
                format!("; next attempt in {} s", (left_us + 999_999) / 1_000_000)
            } else {
                String::new()
            };
            let what = match (&state.last_node, &state.me) {
                (None, None) => "no node answers",
                (Some(_), _) | (_, Some(_)) => "connection lost",
            };
            let words = format!("{what}: {reason}{when}");
            ("○", words, theme.wrong())
        }
        Link::Closed { reason } => ("✗", format!("closed: {reason}"), theme.wrong()),
    }
}

/// Own messages and changes on their way, and refused messages, in all rooms.
fn unsent(state: &State) -> (usize, usize) {
    let pending = state.rooms.iter().flat_map(|room| &room.pending);
    let (waiting, failed): (Vec<_>, Vec<_>) =
        pending.partition(|pending| pending.state == Delivery::Waiting);
    let waiting = waiting.len() + state.changes.len() + state.unsent.len();
    (waiting, failed.len())
}

fn milliseconds(us: i64) -> String {
    if us < 10_000 {
        format!("{:.1} ms", us as f64 / 1000.0)
    } else {
        format!("{} ms", us / 1000)
    }
}
