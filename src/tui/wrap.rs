//! Breaking styled text into rows of a given number of cells.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::shown::{grapheme_width, safe};

/// One visible character, or a line end.
struct Glyph {
    text: String,
    style: Style,
    cells: usize,
}

impl Glyph {
    fn is_space(&self) -> bool {
        self.text == " "
    }
}

/// Breaks `pieces` into rows of `cells_max` cells at most: at line ends, else at spaces, else next
/// to a wide character, else within a word. There is always one row. The pieces' text needs no
/// cleaning before.
pub fn wrap(pieces: &[(&str, Style)], cells_max: usize) -> Vec<Line<'static>> {
    // A wide character needs two cells, whatever the screen has.
    let cells_max = cells_max.max(2);
    let mut rows = Vec::new();
    for paragraph in paragraphs(pieces) {
        break_rows(&paragraph, cells_max, &mut rows);
    }
    rows
}

/// Breaks `pieces` wherever a row is full, and keeps every space: what code is copied from.
pub fn wrap_anywhere(pieces: &[(&str, Style)], cells_max: usize) -> Vec<Line<'static>> {
    let cells_max = cells_max.max(2);
    let mut rows = Vec::new();
    for glyphs in paragraphs(pieces) {
        let mut start = 0;
        loop {
            let mut cells = 0;
            let fits = glyphs[start..].iter().take_while(|glyph| {
                cells += glyph.cells;
                cells <= cells_max
            });
            let end = (start + fits.count()).max(start + 1).min(glyphs.len());
            rows.push(to_line(&glyphs[start..end]));
            start = end;
            if start == glyphs.len() {
                break;
            }
        }
    }
    rows
}

/// The glyphs of each line that was written.
fn paragraphs(pieces: &[(&str, Style)]) -> Vec<Vec<Glyph>> {
    let mut paragraphs = vec![Vec::new()];
    for (text, style) in pieces {
        for grapheme in safe(text, true).graphemes(true) {
            if grapheme == "\n" {
                paragraphs.push(Vec::new());
                continue;
            }
            let glyph = Glyph {
                text: grapheme.to_owned(),
                style: *style,
                cells: grapheme_width(grapheme),
            };
            if let Some(paragraph) = paragraphs.last_mut() {
                paragraph.push(glyph);
            }
        }
    }
    paragraphs
}

fn break_rows(glyphs: &[Glyph], cells_max: usize, rows: &mut Vec<Line<'static>>) {
    let mut start = 0;
    loop {
        let end = row_end(&glyphs[start..], cells_max) + start;
        if end == glyphs.len() {
            rows.push(to_line(&glyphs[start..]));
            return;
        }
        // The spaces at which a row was broken belong to neither row.
        let row = &glyphs[start..end];
        let kept = row.iter().rposition(|glyph| !glyph.is_space());
        rows.push(to_line(&row[..kept.map_or(row.len(), |last| last + 1)]));
        start = end;
        while start < glyphs.len() && glyphs[start].is_space() {
            start += 1;
        }
        if start == glyphs.len() {
            return;
        }
    }
}

/// How many glyphs go into the next row.
fn row_end(glyphs: &[Glyph], cells_max: usize) -> usize {
    let mut cells = 0;
    let mut last_break = None;
    for (at, glyph) in glyphs.iter().enumerate() {
        if at > 0 && may_break(&glyphs[at - 1], glyph) {
            last_break = Some(at);
        }
        cells += glyph.cells;
        if cells > cells_max {
            let Some(at_break) = last_break else {
                return at.max(1);
            };
            // Indentation alone is no row.
            let indented_only = glyphs[..at_break].iter().all(Glyph::is_space);
            return if indented_only { at.max(1) } else { at_break };
        }
    }
    glyphs.len()
}

fn may_break(before: &Glyph, after: &Glyph) -> bool {
    after.is_space() || before.is_space() || before.cells == 2 || after.cells == 2
}

/// Glyphs of one style after another become one span.
fn to_line(glyphs: &[Glyph]) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for glyph in glyphs {
        match spans.last_mut() {
            Some(span) if span.style == glyph.style => span.content.to_mut().push_str(&glyph.text),
            _ => spans.push(Span::styled(glyph.text.clone(), glyph.style)),
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, cells_max: usize) -> Vec<String> {
        let rows = wrap(&[(text, Style::new())], cells_max);
        rows.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(rows("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(rows("abcdefghijkl mno", 5), ["abcde", "fghij", "kl", "mno"]);
        assert_eq!(rows("", 5), [""]);
    }

    #[test]
    fn line_ends_and_indentation_are_kept() {
        assert_eq!(rows("a\n\n  b", 10), ["a", "", "  b"]);
        assert_eq!(rows("      abcdef", 8), ["      ab", "cdef"]);
    }

    #[test]
    fn no_row_is_wider_than_asked_whatever_the_text() {
        let text = "日本語テキスト and 👩\u{200d}👩\u{200d}👧\u{200d}👦 emoji 🇩🇪🇫🇷 w\u{301}ords\ta\u{200b}b ﾊﾟ";
        for cells_max in 2..40 {
            for row in wrap(&[(text, Style::new())], cells_max) {
                let cells = super::super::shown::width(&row.to_string());
                assert!(cells <= cells_max, "{row:?} takes {cells} of {cells_max}");
            }
        }
    }

    #[test]
    fn code_is_broken_where_a_row_is_full_and_keeps_its_spaces() {
        let rows = |text: &str, cells_max| -> Vec<String> {
            let rows = wrap_anywhere(&[(text, Style::new())], cells_max);
            rows.iter().map(ToString::to_string).collect()
        };
        assert_eq!(rows("    let x = 1;", 6), ["    le", "t x = ", "1;"]);
        assert_eq!(rows("日本語", 3), ["日", "本", "語"]);
        assert_eq!(rows("\n", 3), ["", ""]);
    }

    #[test]
    fn styles_follow_their_text() {
        let bold = Style::new().bold();
        let rows = wrap(&[("ab cd", Style::new()), (" ef", bold)], 6);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].spans, [Span::styled("ef", bold)]);
    }
}
