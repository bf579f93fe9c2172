//! Help, made from the tables of keys and commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::commands::COMMANDS;
use crate::tui::keys::{Action, Topic};
use crate::tui::shown::{fit, pad};
use crate::tui::state::State;
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap;

/// Columns that help takes at most.
const COLUMNS_MAX: u16 = 76;

/// Cells of the column with keys, and of that with commands.
const LABEL_CELLS: usize = 22;

/// Cells from which what a thing does stands beside what it is called.
const BESIDE_FROM_CELLS: usize = 60;

/// The row at which its last line is at the bottom.
pub fn last_row(state: &State) -> usize {
    let (width, height) = state.size;
    let inner = Block::bordered().inner(area(Rect::new(0, 0, width, height)));
    let lines = text(state, usize::from(inner.width)).len();
    lines.saturating_sub(usize::from(inner.height))
}

fn area(screen: Rect) -> Rect {
    let width = screen.width.min(COLUMNS_MAX);
    let height = screen.height.saturating_sub(2).max(screen.height.min(3));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}

pub fn draw(state: &State, row: usize, screen: Rect, buffer: &mut Buffer) {
    let area = area(screen);
    let key = |action, does: &str| {
        let label = state.keys.label(action);
        if label.is_empty() {
            return String::new();
        }
        format!(" · {label} {does}")
    };
    let on = key(Action::PageDown, "goes on");
    let off = key(Action::Cancel, "leaves");
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_style(state.theme.quiet())
        .title(format!(" help{on}{off} "));
    let inner = block.inner(area);
    block.render(area, buffer);
    let lines = text(state, usize::from(inner.width));
    let last = lines.len().saturating_sub(usize::from(inner.height));
    super::lines(lines.into_iter().skip(row.min(last)), inner, buffer);
}

fn text(state: &State, cells: usize) -> Vec<Line<'static>> {
    let theme = state.theme;
    let heading = |title: &str| Line::from(Span::styled(fit(title, cells), theme.strong()));
    let entry = |label: &str, help: &str| entry(state.theme, label, help, cells);
    let keys = |topic: Topic| {
        let bindings = state.keys.labelled().filter(|(binding, label)| {
            binding.topic == topic && !binding.help.is_empty() && !label.is_empty()
        });
        let mut lines = vec![heading(topic.title())];
        lines.extend(bindings.flat_map(|(binding, label)| entry(&label, binding.help)));
        lines.push(Line::default());
        lines
    };
    let mut lines = Vec::new();
    if state.monitor.open {
        // What one can do here, before what one can do elsewhere.
        lines.extend(keys(Topic::Monitoring));
    }
    lines.extend([heading("Commands (// begins a text with a slash)")]);
    for command in COMMANDS {
        let label = format!("/{} {}", command.names[0], command.arguments);
        lines.extend(entry(&label, command.help));
    }
    lines.push(Line::default());
    for topic in Topic::ALL {
        if topic != Topic::Monitoring || !state.monitor.open {
            lines.extend(keys(topic));
        }
    }
    lines.push(heading("Your messages"));
    lines.extend(entry(
        "… sending",
        "no node has it yet; it is sent again by itself",
    ));
    lines.extend(entry("✓   ✓✓", "stored on one node, on two or more"));
    let again = match state.keys.first(Action::Resend) {
        Some(key) => format!("refused; {key} sends it again"),
        None => "refused; /resend sends it again".to_owned(),
    };
    lines.extend(entry("✗ not sent", &again));
    lines.push(Line::default());
    lines.push(heading("Others' messages"));
    lines.extend(entry(
        "(came late)",
        "reached your node after newer ones, and stands before them",
    ));
    lines
}

/// What it is called, and beside it, or below where there is no room beside, what it does.
fn entry(theme: Theme, label: &str, help: &str, cells: usize) -> Vec<Line<'static>> {
    if cells < BESIDE_FROM_CELLS {
        let label = fit(label, cells.saturating_sub(1));
        let label = Line::from(Span::styled(format!(" {label}"), theme.accent()));
        let below = wrap(&[(help, theme.plain())], cells.saturating_sub(3));
        let below = below.into_iter().map(|mut line| {
            line.spans.insert(0, Span::raw("   "));
            line
        });
        return std::iter::once(label).chain(below).collect();
    }
    let label = Span::styled(format!(" {} ", pad(label, LABEL_CELLS)), theme.accent());
    let help = fit(help, cells.saturating_sub(LABEL_CELLS + 2));
    vec![Line::from(vec![label, Span::styled(help, theme.plain())])]
}
