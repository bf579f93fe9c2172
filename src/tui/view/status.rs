//! The bottom line: the connection in words and colour, and a word to the person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::tui::room::Delivery;
use crate::tui::shown::{fit, safe, width};
use crate::tui::state::{Link, State};

pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let cells = usize::from(area.width);
    let (sign, words, style) = link(state);
    let mut spans = vec![Span::styled(format!(" {sign} "), style)];
    let room = cells.saturating_sub(3);
    // A word to the person comes first where there is no room for all.
    let narrow = cells < 60;
    if let (true, Some((word, _))) = (narrow, &state.flash) {
        spans.push(Span::styled(fit_words(word, room), theme.accent()));
        return Line::from(spans).render(area, buffer);
    }
    let mut parts = Vec::new();
    if let Some(me) = &state.me {
        let away = if me.away { " (away)" } else { "" };
        let name = fit(&format!(" · {}{away}", me.name), 40);
        parts.push(Span::styled(name, theme.plain()));
    }
    let named = parts.len();
    let (waiting, failed) = unsent(state);
    if waiting > 0 {
        let words = format!(" · {waiting} waiting");
        parts.push(Span::styled(words, theme.warning()));
    }
    if failed > 0 {
        parts.push(Span::styled(format!(" · {failed} failed"), theme.wrong()));
    }
    let (words, left_out) = choose(&words, &parts, named, room);
    spans.push(Span::styled(words, style));
    spans.extend(parts.into_iter().skip(left_out));
    if let Some((word, _)) = &state.flash {
        let used: usize = spans.iter().map(|span| width(&span.content)).sum();
        let words = fit_words(&format!(" · {word}"), cells.saturating_sub(used));
        spans.push(Span::styled(words, theme.accent()));
    }
    Line::from(spans).render(area, buffer);
}

/// The longest words for which there is room together with the parts behind them, and how many of
/// these are left out for it: the name, which is the least news, or none.
fn choose(words: &[String], parts: &[Span<'_>], named: usize, room: usize) -> (String, usize) {
    let behind = |from: usize| -> usize { parts[from..].iter().map(Span::width).sum() };
    for words in words {
        let words = safe(words, false);
        for left_out in [0, named] {
            if width(&words) + behind(left_out) <= room {
                return (words, left_out);
            }
        }
    }
    let shortest = words.last().map_or("", String::as_str);
    let left = room.saturating_sub(behind(named));
    (fit_words(shortest, left), named)
}

/// [`fit`], cut between two words where there are several.
fn fit_words(text: &str, cells: usize) -> String {
    let text = safe(text, false);
    if width(&text) <= cells {
        return text;
    }
    let cut = fit(&text, cells);
    let kept = cut.trim_end_matches('…');
    let whole = text
        .strip_prefix(kept)
        .is_some_and(|rest| rest.starts_with(' '));
    let words = kept.rsplit_once(' ').map(|(words, _)| words);
    match words.filter(|words| !whole && !words.trim_matches([' ', '·']).is_empty()) {
        Some(words) => format!("{}…", words.trim_end_matches([' ', ',', ';', ':'])),
        None => cut,
    }
}

/// The connection: a sign, and words from the longest to the shortest.
fn link(state: &State) -> (&'static str, Vec<String>, Style) {
    let theme = state.theme;
    match &state.link {
        Link::Waiting => ("○", vec!["not connected".to_owned()], theme.warning()),
        Link::Connecting { address, attempt } => {
            let mut words = vec![
                format!("connecting to {address} …"),
                "connecting …".to_owned(),
            ];
            if *attempt > 1 {
                let again = format!("connecting to {address} (attempt {attempt}) …");
                words.insert(0, again);
            }
            ("◐", words, theme.warning())
        }
        Link::Online {
            node,
            round_trip_us,
        } => {
            let connected = format!("connected to {node}");
            let trip = round_trip_us.map(|us| format!("{connected} {}", milliseconds(us)));
            let words = trip.into_iter().chain([connected, node.clone()]);
            ("●", words.collect(), theme.good())
        }
        Link::Offline { reason, retry_at } => {
            let left_us = retry_at.0 - state.now.0;
            let what = match (&state.last_node, &state.me) {
                (None, None) => "no node answers",
                (Some(_), _) | (_, Some(_)) => "connection lost",
            };
            let mut words = vec![format!("{what}: {reason}"), what.to_owned()];
            if left_us > 1_000_000 {
                let seconds = (left_us + 999_999) / 1_000_000;
                let when = format!("; next attempt in {seconds} s");
                words = vec![
                    format!("{what}: {reason}{when}"),
                    format!("{what}{when}"),
                    what.to_owned(),
                ];
            }
            ("○", words, theme.wrong())
        }
        Link::Closed { reason } => {
            let words = vec![format!("closed: {reason}"), "closed".to_owned()];
            ("✗", words, theme.wrong())
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str], parts: &[&'static str], room: usize) -> String {
        let words: Vec<String> = words.iter().map(|words| (*words).to_owned()).collect();
        let parts: Vec<Span<'_>> = parts.iter().map(|part| Span::raw(*part)).collect();
        let (mut line, left_out) = choose(&words, &parts, 1, room);
        for part in &parts[left_out..] {
            line += &part.content;
        }
        line
    }

    #[test]
    fn where_there_is_no_room_whole_parts_are_left_out_and_never_the_unsent() {
        let lost = [
            "connection lost: connection refused; next attempt in 3 s",
            "connection lost; next attempt in 3 s",
            "connection lost",
        ];
        let parts = [" · alice", " · 1 waiting"];
        for (cells, shown) in [
            (
                80,
                "connection lost: connection refused; next attempt in 3 s · alice · 1 waiting",
            ),
            (
                70,
                "connection lost: connection refused; next attempt in 3 s · 1 waiting",
            ),
            (
                60,
                "connection lost; next attempt in 3 s · alice · 1 waiting",
            ),
            (37, "connection lost · alice · 1 waiting"),
            (30, "connection lost · 1 waiting"),
            (25, "connection… · 1 waiting"),
        ] {
            assert_eq!(line(&lost, &parts, cells), shown, "{cells}");
        }
    }

    #[test]
    fn a_word_that_is_too_long_is_cut_between_its_words() {
        assert_eq!(fit_words("moved from n1 to n2", 40), "moved from n1 to n2");
        assert_eq!(fit_words("moved from n1 to n2", 14), "moved from n1…");
        assert_eq!(fit_words("incomprehensible", 6), "incom…");
        assert_eq!(fit_words(" · incomprehensible", 8), " · inco…");
    }
}
