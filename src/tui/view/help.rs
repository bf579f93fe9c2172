//! Help, made from the tables of keys and commands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::commands::COMMANDS;
use crate::tui::keys::{BINDINGS, Topic};
use crate::tui::shown::{fit, pad};
use crate::tui::state::State;

/// Columns that help takes at most.
const COLUMNS_MAX: u16 = 76;

/// Cells of the column with keys, and of that with commands.
const LABEL_CELLS: usize = 22;

pub fn draw(state: &State, row: usize, screen: Rect, buffer: &mut Buffer) {
    let width = screen.width.min(COLUMNS_MAX);
    let height = screen.height.saturating_sub(2).max(screen.height.min(3));
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_style(state.theme.quiet())
        .title(" help · PgUp PgDn · any other key leaves ");
    let inner = block.inner(area);
    block.render(area, buffer);
    let lines = text(state, usize::from(inner.width));
    let last = lines.len().saturating_sub(usize::from(inner.height));
    super::lines(lines.into_iter().skip(row.min(last)), inner, buffer);
}

fn text(state: &State, cells: usize) -> Vec<Line<'static>> {
    let theme = state.theme;
    let heading = |title: &str| Line::from(Span::styled(fit(title, cells), theme.strong()));
    let label_cells = LABEL_CELLS.min(cells / 2);
    let entry = |label: &str, help: &str| {
        Line::from(vec![
            Span::styled(format!(" {} ", pad(label, label_cells)), theme.accent()),
            Span::styled(
                fit(help, cells.saturating_sub(label_cells + 2)),
                theme.plain(),
            ),
        ])
    };
    let mut lines = vec![heading("Commands (// begins a text with a slash)")];
    for command in COMMANDS {
        let label = format!("/{} {}", command.names[0], command.arguments);
        lines.push(entry(&label, command.help));
    }
    for topic in Topic::ALL {
        lines.push(Line::default());
        lines.push(heading(topic.title()));
        let bindings = BINDINGS
            .iter()
            .filter(|binding| binding.topic == topic && !binding.help.is_empty());
        lines.extend(bindings.map(|binding| entry(&binding.label(), binding.help)));
    }
    lines.push(Line::default());
    lines.push(heading("Your messages"));
    lines.push(entry(
        "… sending",
        "no node has it yet; it is sent again by itself",
    ));
    lines.push(entry("✓   ✓✓", "stored on one node, on two or more"));
    lines.push(entry("✗ not sent", "refused; Ctrl+R sends it again"));
    lines
}
