//! A message's text as rows: what is marked in it looks marked, and blocks of code stand apart, with nothing
//! beside them that would be copied with them.

use std::borrow::Cow;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::markup::{Body, Kind, Look, Part, Piece, What};
use super::rows::is_named;
use super::shown::{fit, width};
use super::theme::Theme;
use super::wrap::{wrap, wrap_anywhere};

/// Cells that the lines above and below a block of code take at least, where there is room.
const RULE_CELLS_MIN: usize = 16;

/// What a text's looks depend on, besides the text.
#[derive(Clone, Copy)]
pub struct Dress<'a> {
    pub theme: Theme,
    /// How the text looks where nothing is marked.
    pub base: Style,
    /// This person's name, where it is to be seen.
    pub me: Option<&'a str>,
    /// Whether there is a room of that name.
    pub is_room: &'a dyn Fn(&str) -> bool,
    /// Cells of a row.
    pub cells: usize,
}

impl Dress<'_> {
    /// The rows of the parts, with `tail` behind the last.
    pub fn rows(&self, parts: &[Part], tail: &[(&str, Style)]) -> Vec<Line<'static>> {
        let mut rows = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            let before_max = self.cells / 2;
            let first = fit(&part.first, before_max);
            let further = fit(&part.further, before_max);
            let cells = self.cells - width(&first).max(width(&further));
            let lines = match &part.body {
                Body::Text(pieces) => {
                    let mut styled = self.styled(pieces, part.quoted);
                    if last {
                        styled.extend(tail.iter().map(|(text, style)| ((*text).into(), *style)));
                    }
                    wrap(&borrowed(&styled), cells)
                }
                Body::Code { language, lines } => self.code(language, lines, cells),
            };
            for (row, mut line) in lines.into_iter().enumerate() {
                let before = if row == 0 { &first } else { &further };
                if !before.is_empty() {
                    let span = Span::styled(before.clone(), self.theme.quiet());
                    line.spans.insert(0, span);
                }
                rows.push(line);
            }
            if last && !tail.is_empty() && matches!(part.body, Body::Code { .. }) {
                self.end_of_code(tail, &mut rows);
            }
        }
        rows
    }

    /// Puts `tail` at the end of the line below a block of code, which gives the cells for it; on a row of
    /// its own where it is too short for that.
    fn end_of_code(&self, tail: &[(&str, Style)], rows: &mut Vec<Line<'static>>) {
        let wanted = tail.iter().map(|(text, _)| width(text)).sum::<usize>();
        if let Some(line) = rows.last_mut() {
            let over = (width_of(line) + wanted).saturating_sub(self.cells);
            let rule = line.spans.last_mut();
            if let Some(rule) = rule.filter(|rule| rule.content.chars().count() > over) {
                let left = rule.content.chars().count() - over;
                rule.content = rule.content.chars().take(left).collect::<String>().into();
                let spans = tail
                    .iter()
                    .map(|(text, style)| Span::styled((*text).to_owned(), *style));
                line.spans.extend(spans);
                return;
            }
        }
        let mut tail = tail.to_vec();
        tail[0].0 = tail[0].0.trim_start();
        rows.extend(wrap(&tail, self.cells));
    }

    /// A text without marks.
    pub fn plain_rows(&self, text: &str, tail: &[(&str, Style)]) -> Vec<Line<'static>> {
        let mut styled = Vec::new();
        self.push_named(text, self.base, &mut styled);
        styled.extend(tail.iter().map(|(text, style)| ((*text).into(), *style)));
        wrap(&borrowed(&styled), self.cells)
    }

    fn styled<'p>(&self, pieces: &'p [Piece], quoted: bool) -> Vec<(Cow<'p, str>, Style)> {
        let mut styled = Vec::new();
        let base = if quoted {
            self.base.patch(self.theme.quiet())
        } else {
            self.base
        };
        for Piece { text, look } in pieces {
            let style = self.style(text, *look, base);
            match look.what {
                // Without colours nothing else tells it from what is around it.
                What::Code if !self.theme.colour => {
                    styled.push((Cow::Owned(format!("`{text}`")), style));
                }
                What::Text | What::Mention => self.push_named(text, style, &mut styled),
                What::Code | What::Link | What::Address | What::Warning | What::Room => {
                    styled.push((text.into(), style));
                }
            }
        }
        styled
    }

    fn style(&self, text: &str, look: Look, base: Style) -> Style {
        let theme = self.theme;
        let mut style = match look.what {
            What::Text => base,
            What::Code => base.patch(theme.inline_code()),
            What::Link => base.patch(theme.link()),
            What::Address => theme.quiet(),
            What::Warning => theme.warning(),
            What::Mention => base.patch(theme.strong()),
            What::Room if (self.is_room)(text.trim_start_matches('#')) => {
                base.patch(theme.strong())
            }
            What::Room => base,
        };
        if look.strong {
            style = style.add_modifier(Modifier::BOLD);
        }
        if look.emphasis {
            style = style.add_modifier(Modifier::ITALIC);
        }
        if look.strike {
            // Dimmed too: not every terminal strikes through.
            style = style.add_modifier(Modifier::CROSSED_OUT | Modifier::DIM);
        }
        style
    }

    /// The text, with this person's name in it made to be seen.
    fn push_named<'p>(&self, text: &'p str, style: Style, to: &mut Vec<(Cow<'p, str>, Style)>) {
        let Some(me) = self.me else {
            to.push((text.into(), style));
            return;
        };
        let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let mut from = 0;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let word = rest.find(|c| !part_of_name(c)).unwrap_or(rest.len());
            if word == 0 {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            if is_named(&rest[..word], me) {
                let word_only = rest[..word].trim_end_matches('.').len().max(1);
                let begin = at - usize::from(text[from..at].ends_with('@'));
                if begin > from {
                    to.push((text[from..begin].into(), style));
                }
                from = at + word_only;
                to.push((text[begin..from].into(), style.patch(self.theme.own_name())));
            }
            at += word;
        }
        if from < text.len() {
            to.push((text[from..].into(), style));
        }
    }

    /// Lines across above and below set it apart; its own lines begin and end with themselves.
    fn code(
        &self,
        language: &str,
        lines: &[Vec<(Kind, String)>],
        cells: usize,
    ) -> Vec<Line<'static>> {
        let theme = self.theme;
        let line_cells =
            |line: &Vec<(Kind, String)>| line.iter().map(|(_, text)| width(text)).sum();
        let longest = lines.iter().map(line_cells).max().unwrap_or(0);
        let across = longest.max(RULE_CELLS_MIN).min(cells);
        let name = fit(language, across.saturating_sub(6));
        let head = if name.is_empty() {
            String::new()
        } else {
            format!("── {name} ")
        };
        let rule = |head: String| {
            let dashes = "─".repeat(across.saturating_sub(width(&head)));
            Line::from(Span::styled(head + &dashes, theme.quiet()))
        };
        let mut rows = vec![rule(head)];
        for line in lines {
            let pieces = line
                .iter()
                .map(|(kind, text)| (text.as_str(), theme.code(*kind)));
            let pieces: Vec<(&str, Style)> = pieces.collect();
            rows.extend(wrap_anywhere(&pieces, cells));
        }
        rows.push(rule(String::new()));
        rows
    }
}

fn width_of(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

fn borrowed<'p>(styled: &'p [(Cow<'_, str>, Style)]) -> Vec<(&'p str, Style)> {
    let pieces = styled.iter().map(|(text, style)| (text.as_ref(), *style));
    pieces.collect()
}
