//! How it went over the last minutes, as sparklines.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::monitor::cluster::{Cluster, SAMPLES_MAX, Sample, Totals};
use crate::tui::monitor::columns::node_rows;
use crate::tui::monitor::words;
use crate::tui::shown::{pad, width};
use crate::tui::state::State;
use crate::tui::theme::Theme;

/// Cells of a sparkline at most.
pub const SPARK_CELLS_MAX: usize = 150;

/// Cells of a node's name before its courses, and of what stands behind each.
const COURSE_NAME_CELLS: usize = 9;
const COURSE_MOST_CELLS: usize = 12;

/// How messages and deliveries went over the last minutes.
pub fn of_all(theme: Theme, cluster: &Cluster, area: Rect, buffer: &mut Buffer) {
    type Of = fn(&Totals) -> f64;
    let both: [(&str, Of); 2] = [
        ("deliveries/s", |totals| totals.deliveries_per_s),
        ("messages/s  ", |totals| totals.messages_per_s),
    ];
    let lines = both.map(|(title, of)| {
        let values = cluster.totals.iter().map(of);
        let most = values.clone().fold(0.0, f64::max);
        spark_line(theme, title, values, &words::rate(most), area.width)
    });
    crate::tui::view::lines(lines, area, buffer);
}

/// `title most ▁▂▃`: the last minutes, as wide as there is room.
fn spark_line(
    theme: Theme,
    title: &str,
    values: impl DoubleEndedIterator<Item = f64>,
    most: &str,
    cells: u16,
) -> Line<'static> {
    let left = format!(" {title} ");
    let right = format!(" max {most}");
    let room = usize::from(cells).saturating_sub(width(&left) + width(&right));
    let drawn = words::spark(values, SAMPLES_MAX, room.min(SPARK_CELLS_MAX));
    Line::from(vec![
        Span::styled(left, theme.quiet()),
        Span::styled(drawn, theme.good()),
        Span::styled(right, theme.quiet()),
    ])
}

/// How each node went over the last minutes, a row a node, under headings of their own.
pub fn of_each(state: &State, area: Rect, buffer: &mut Buffer) {
    type Of = fn(&Sample) -> f64;
    type InWords = fn(f64) -> String;
    let courses: [(&str, Of, InWords); 4] = [
        ("MSG/S", |s| s.messages_per_s, words::rate),
        ("DLV/S", |s| s.deliveries_per_s, words::rate),
        ("CPU", |s| s.cpu_percent.unwrap_or(0.0), words::percent),
        (
            "DLV99",
            |s| s.delivery_p99_us as f64,
            |us| words::micros(us as u64),
        ),
    ];
    let theme = state.theme;
    let monitor = &state.monitor;
    let rows = node_rows(monitor.cluster(), monitor.nodes.sort);
    let each = usize::from(area.width).saturating_sub(COURSE_NAME_CELLS + 1) / courses.len();
    let heading = courses
        .map(|(title, _, _)| pad(&format!("{title}, 5 min"), each))
        .concat();
    let mut lines = vec![Line::from(Span::styled(
        format!(" {}{heading}", pad("COURSE", COURSE_NAME_CELLS)),
        theme.quiet(),
    ))];
    for node in rows
        .into_iter()
        .take(usize::from(area.height).saturating_sub(2))
    {
        let name = format!(" {}", pad(&node.name, COURSE_NAME_CELLS));
        let mut spans = vec![Span::styled(name, theme.plain())];
        for (_, of, in_words) in &courses {
            let values = node.samples.iter().map(of);
            let most = format!(" max {} ", in_words(values.clone().fold(0.0, f64::max)));
            let most = pad(&most, COURSE_MOST_CELLS);
            let drawn = words::spark(values, SAMPLES_MAX, each.saturating_sub(COURSE_MOST_CELLS));
            spans.push(Span::styled(drawn, theme.good()));
            spans.push(Span::styled(most, theme.quiet()));
        }
        lines.push(Line::from(spans));
    }
    crate::tui::view::lines(lines, area, buffer);
}
