//! The bottom line: the connection in words and colour, and a word to the person.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use crate::tui::flash::{self, SIGN_CELLS};
use crate::tui::room::Delivery;
use crate::tui::shown::{fit, safe, width};
use crate::tui::state::{Link, State};

/// Between two parts of it.
const BETWEEN: &str = " · ";

/// Cells of one's own name.
const NAME_CELLS: usize = 40;

pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let (sign, words, style) = link(state);
    let sign = Span::styled(format!(" {sign} "), style);
    let room = usize::from(area.width).saturating_sub(SIGN_CELLS);
    let word = state.flash.as_ref();
    if let Some(rows) = flash::rows(state) {
        let style = word.map_or(style, |_| theme.accent());
        let indented = std::iter::repeat(Span::raw(" ".repeat(SIGN_CELLS)));
        let heads = std::iter::once(sign).chain(indented);
        let lines = heads.zip(rows).map(|(head, row)| {
            let row = Span::styled(fit_words(&row, room), style);
            Line::from(vec![head, row])
        });
        return super::lines(lines, area, buffer);
    }
    let name = state.me.as_ref().map(|me| {
        let away = if me.away { " (away)" } else { "" };
        Span::styled(
            fit(&format!("{}{away}", me.name), NAME_CELLS),
            theme.plain(),
        )
    });
    let (waiting, failed) = unsent(state);
    let mut news = Vec::new();
    if waiting > 0 {
        let words = format!("{waiting} waiting");
        news.push(Span::styled(words, theme.warning()));
    }
    if failed > 0 {
        news.push(Span::styled(format!("{failed} failed"), theme.wrong()));
    }
    let word = word.map(|flash| Span::styled(safe(&flash.text, false), theme.accent()));
    let words = words.into_iter();
    let words = words.map(|words| Span::styled(safe(&words, false), style));
    let parts = choose(words.collect(), name, news, word, room);
    let mut spans = vec![sign];
    for (nth, part) in parts.into_iter().enumerate() {
        if nth > 0 {
            spans.push(Span::styled(BETWEEN, part.style));
        }
        spans.push(part);
    }
    Line::from(spans).render(area, buffer);
}

/// What stands on the line, as far as there is room: the longest words for the connection with which all
/// the rest has room. The name is the least news, and left out first; a word to the person is whole.
fn choose<'a>(
    words: Vec<Span<'a>>,
    name: Option<Span<'a>>,
    news: Vec<Span<'a>>,
    word: Option<Span<'a>>,
    room: usize,
) -> Vec<Span<'a>> {
    let fits = |parts: &[Span<'_>]| {
        let cells: usize = parts.iter().map(|part| width(&part.content)).sum();
        cells + width(BETWEEN) * parts.len().saturating_sub(1) <= room
    };
    let shortest = words.last().cloned();
    // The sign says it too.
    let silent = word.is_some().then_some(None);
    let words = words.into_iter().map(Some).chain(silent);
    for words in words {
        for name in [name.as_ref(), None] {
            let parts = words.iter().chain(name).chain(&news).chain(&word);
            let parts: Vec<Span<'_>> = parts.cloned().collect();
            if fits(&parts) {
                return parts;
            }
        }
    }
    if let Some(word) = word {
        return vec![word];
    }
    let behind: usize = news
        .iter()
        .map(|part| width(&part.content) + width(BETWEEN))
        .sum();
    let words = shortest.map(|words| {
        let cut = fit_words(&words.content, room.saturating_sub(behind));
        Span::styled(cut, words.style)
    });
    words.into_iter().chain(news).collect()
}

/// [`fit`], cut between two words where there are several.
fn fit_words(text: &str, cells: usize) -> String {
    let text = safe(text, false);
    if width(&text) <= cells {
        return text;
    }
    let cut = fit(&text, cells);
    let kept = cut.trim_end_matches('…');
    let whole = text[kept.len()..].starts_with(' ');
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
            let because = format!("{what}: {reason}");
            let mut words = vec![because.clone(), what.to_owned()];
            if left_us > 1_000_000 {
                let seconds = (left_us + 999_999) / 1_000_000;
                let when = format!("; next attempt in {seconds} s");
                words = vec![
                    format!("{because}{when}"),
                    because,
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

    fn line(
        words: &[&'static str],
        news: &[&'static str],
        word: &'static str,
        room: usize,
    ) -> String {
        let spans = |texts: &[&'static str]| texts.iter().map(|text| Span::raw(*text)).collect();
        let word = (!word.is_empty()).then(|| Span::raw(word));
        let parts = choose(
            spans(words),
            Some(Span::raw("alice")),
            spans(news),
            word,
            room,
        );
        let parts: Vec<&str> = parts.iter().map(|part| part.content.as_ref()).collect();
        parts.join(BETWEEN)
    }

    const LOST: [&str; 4] = [
        "connection lost: connection refused; next attempt in 3 s",
        "connection lost: connection refused",
        "connection lost; next attempt in 3 s",
        "connection lost",
    ];

    #[test]
    fn where_there_is_no_room_whole_parts_are_left_out_and_never_the_unsent() {
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
                "connection lost: connection refused · alice · 1 waiting",
            ),
            (50, "connection lost: connection refused · 1 waiting"),
            (45, "connection lost · alice · 1 waiting"),
            (30, "connection lost · 1 waiting"),
            (25, "connection… · 1 waiting"),
        ] {
            assert_eq!(line(&LOST, &["1 waiting"], "", cells), shown, "{cells}");
        }
    }

    #[test]
    fn a_word_to_the_person_is_whole_and_the_rest_gives_way() {
        for (cells, shown) in [
            (
                77,
                "connection lost: connection refused · alice · 1 waiting · left #ops",
            ),
            (
                60,
                "connection lost: connection refused · 1 waiting · left #ops",
            ),
            (45, "connection lost · 1 waiting · left #ops"),
            (30, "alice · 1 waiting · left #ops"),
            (25, "1 waiting · left #ops"),
            (10, "left #ops"),
        ] {
            let news = &["1 waiting"];
            assert_eq!(line(&LOST, news, "left #ops", cells), shown, "{cells}");
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
