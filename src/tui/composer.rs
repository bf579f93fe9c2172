//! What is being written: the text, its cursor, undo, and what it is meant for.
//!
//! `ratatui-textarea` keeps text, cursor and undo; moving and deleting here go by what a reader
//! takes for one character, and drawing is ours, so that no joined emoji is ever split.

use ratatui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use serde::{Deserialize, Serialize};

use super::shown::{safe, width};
use crate::protocol::MessageId;
use crate::protocol::text::clean;

/// Scalar values that the composer takes: enough that a paste which is too long can be cut down by
/// hand, and no more.
const CHARS_MAX: usize = 20_000;

/// What Enter does with the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    #[default]
    New,
    Reply(MessageId),
    Edit(MessageId),
}

#[derive(Clone, Debug, Default)]
pub struct Composer {
    area: TextArea<'static>,
    pub purpose: Purpose,
    /// What stood here before an edit.
    kept: Option<Kept>,
    /// The text of an edit as it was when it began.
    original: String,
}

/// What was being written when an edit began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    text: String,
    purpose: Purpose,
}

/// What stands in a composer, to be put there again at another start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    text: String,
    purpose: Purpose,
    /// Of an edit, the text as it was; and what stood there before it.
    #[serde(default)]
    original: String,
    #[serde(default)]
    before: Option<Kept>,
}

/// The composer's text broken into rows, and where the cursor stands in them, in cells.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    pub rows: Vec<String>,
    pub cursor_row: usize,
    pub cursor_cell: usize,
}

impl Composer {
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Nothing is written, answered or changed, and nothing waits to stand here again.
    pub fn is_idle(&self) -> bool {
        self.is_empty() && self.purpose == Purpose::New && self.kept.is_none()
    }

    /// Whether an edit has changed nothing yet. What came in is not always what was put in: tabs are spaces here.
    pub fn is_unchanged(&self) -> bool {
        self.text() == self.original
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Unicode scalar values of the text.
    pub fn chars(&self) -> usize {
        let lines = self.area.lines();
        let in_lines: usize = lines.iter().map(|line| line.chars().count()).sum();
        in_lines + lines.len() - 1
    }

    pub fn lines(&self) -> usize {
        self.area.lines().len()
    }

    /// Empties it, for good: undo does not bring a sent message back. What stood here before an edit
    /// stands here again after it.
    pub fn reset(&mut self) {
        let kept = self.kept.take();
        *self = Composer::default();
        if let Some(kept) = kept {
            self.purpose = kept.purpose;
            self.insert(&kept.text);
        }
    }

    /// The text, as far as there is one, answers this message.
    pub fn reply(&mut self, to: MessageId) {
        self.leave();
        self.purpose = Purpose::Reply(to);
    }

    /// Takes an own message to be changed.
    pub fn edit(&mut self, id: MessageId, text: &str) {
        if matches!(self.purpose, Purpose::Edit(_)) {
            self.leave();
        }
        let kept = (!self.is_empty()).then(|| Kept {
            text: self.text(),
            purpose: std::mem::replace(&mut self.purpose, Purpose::New),
        });
        *self = Composer {
            purpose: Purpose::Edit(id),
            kept,
            ..Composer::default()
        };
        self.insert(text);
        self.original = self.text();
    }

    /// Leaves an edit, or makes an answer a message of its own.
    pub fn leave(&mut self) {
        match self.purpose {
            Purpose::New => {}
            Purpose::Reply(_) => self.purpose = Purpose::New,
            Purpose::Edit(_) => self.reset(),
        }
    }

    /// What would be lost with it.
    pub fn written(&self) -> Option<Written> {
        let changes_nothing = matches!(self.purpose, Purpose::Edit(_)) && self.is_unchanged();
        if changes_nothing || self.text().trim().is_empty() {
            let kept = self.kept.clone()?;
            return Some(Written {
                text: kept.text,
                purpose: kept.purpose,
                original: String::new(),
                before: None,
            });
        }
        Some(Written {
            text: self.text(),
            purpose: self.purpose.clone(),
            original: self.original.clone(),
            before: self.kept.clone(),
        })
    }

    /// Puts it back; below what stands here already.
    pub fn restore(&mut self, written: Written) {
        let Written {
            text,
            purpose,
            original,
            before,
        } = written;
        match (&self.purpose, purpose) {
            // One message is changed at a time: the other text is not lost, and stands here after it.
            (Purpose::Edit(_), _) => {
                let kept = self.kept.get_or_insert_default();
                for text in before.map(|before| before.text).into_iter().chain([text]) {
                    if !kept.text.is_empty() {
                        kept.text.push('\n');
                    }
                    kept.text.push_str(&text);
                }
            }
            (Purpose::New | Purpose::Reply(_), Purpose::Edit(id)) => {
                if let Some(before) = before {
                    self.append(&before.text, before.purpose);
                }
                self.edit(id, &original);
                self.set_text(&text);
            }
            (Purpose::New | Purpose::Reply(_), purpose) => self.append(&text, purpose),
        }
    }

    fn append(&mut self, text: &str, purpose: Purpose) {
        if self.is_empty() {
            self.purpose = purpose;
        } else {
            self.insert("\n");
        }
        self.insert(text);
    }

    /// Replaces the text; undo brings the old one back.
    pub fn set_text(&mut self, text: &str) {
        self.area.select_all();
        self.area.cut();
        self.insert(text);
    }

    /// Inserts at the cursor, as if typed at once. Control characters are left out, a tab becomes
    /// four spaces.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = clean(&text.replace('\t', "    "), true);
        let room = CHARS_MAX.saturating_sub(self.chars());
        let fitting: String = text.chars().take(room).collect();
        self.area.insert_str(fitting);
    }

    pub fn left(&mut self) {
        let (line, col) = self.here();
        let chars = grapheme_before(&line, col).max(1);
        for _ in 0..chars {
            self.area.move_cursor(CursorMove::Back);
        }
    }

    pub fn right(&mut self) {
        let (line, col) = self.here();
        let chars = grapheme_after(&line, col).max(1);
        for _ in 0..chars {
            self.area.move_cursor(CursorMove::Forward);
        }
    }

    pub fn word_left(&mut self) {
        self.area.move_cursor(CursorMove::WordBack);
    }

    pub fn word_right(&mut self) {
        self.area.move_cursor(CursorMove::WordForward);
    }

    pub fn line_start(&mut self) {
        self.area.move_cursor(CursorMove::Head);
    }

    pub fn line_end(&mut self) {
        self.area.move_cursor(CursorMove::End);
    }

    /// One written line up; false in the first one.
    pub fn up(&mut self) -> bool {
        self.go_to_row(self.cursor().0.checked_sub(1))
    }

    /// One written line down; false in the last one.
    pub fn down(&mut self) -> bool {
        let row = self.cursor().0 + 1;
        self.go_to_row((row < self.lines()).then_some(row))
    }

    pub fn backspace(&mut self) {
        let (line, col) = self.here();
        match grapheme_before(&line, col) {
            0 | 1 => {
                self.area.delete_char();
            }
            chars => {
                (0..chars).for_each(|_| self.area.move_cursor(CursorMove::Back));
                self.delete_chars(chars);
            }
        }
    }

    pub fn delete(&mut self) {
        let (line, col) = self.here();
        match grapheme_after(&line, col) {
            0 | 1 => {
                self.area.delete_next_char();
            }
            chars => self.delete_chars(chars),
        }
    }

    /// To the white space before, as in a shell.
    pub fn delete_word_back(&mut self) {
        let (line, col) = self.here();
        let before: Vec<char> = line.chars().take(col).collect();
        if before.is_empty() {
            self.area.delete_char();
            return;
        }
        let word_end = before.iter().rposition(|c| !c.is_whitespace());
        let start = before[..word_end.map_or(0, |end| end + 1)]
            .iter()
            .rposition(|c| c.is_whitespace())
            .map_or(0, |space| space + 1);
        let chars = col - start;
        (0..chars).for_each(|_| self.area.move_cursor(CursorMove::Back));
        self.area.delete_str(chars);
    }

    pub fn delete_word_forward(&mut self) {
        self.area.delete_next_word();
    }

    pub fn kill_to_end(&mut self) {
        self.area.delete_line_by_end();
    }

    pub fn kill_to_start(&mut self) {
        self.area.delete_line_by_head();
    }

    /// Puts back what was killed last.
    pub fn yank(&mut self) {
        self.area.paste();
    }

    pub fn undo(&mut self) {
        self.area.undo();
    }

    pub fn redo(&mut self) {
        self.area.redo();
    }

    /// The text of the cursor's line up to the cursor.
    pub fn before_cursor(&self) -> String {
        let (line, col) = self.here();
        line.chars().take(col).collect()
    }

    /// Whether the cursor's line is the first one.
    pub fn in_first_line(&self) -> bool {
        self.cursor().0 == 0
    }

    /// Puts `text` in place of the `chars` scalar values before the cursor.
    pub fn replace_before(&mut self, chars: usize, text: &str) {
        (0..chars).for_each(|_| self.area.move_cursor(CursorMove::Back));
        self.delete_chars(chars);
        self.insert(text);
    }

    /// The text in rows of `cells_max` cells.
    pub fn layout(&self, cells_max: usize) -> Layout {
        let cells_max = cells_max.max(2);
        let (cursor_line, cursor_col) = self.cursor();
        let mut layout = Layout {
            rows: Vec::new(),
            cursor_row: 0,
            cursor_cell: 0,
        };
        for (at, line) in self.area.lines().iter().enumerate() {
            let cursor = (at == cursor_line).then_some(cursor_col);
            lay_out_line(line, cursor, cells_max, &mut layout);
        }
        layout
    }

    /// Deletes after the cursor without touching what was killed.
    fn delete_chars(&mut self, chars: usize) {
        let killed = self.area.yank_text();
        self.area.delete_str(chars);
        self.area.set_yank_text(killed);
    }

    /// Line and character of the cursor.
    fn cursor(&self) -> (usize, usize) {
        let cursor = self.area.cursor();
        (cursor.0, cursor.1)
    }

    /// The cursor's line, and the character in it.
    fn here(&self) -> (String, usize) {
        let (row, col) = self.cursor();
        let line = self.area.lines().get(row).cloned().unwrap_or_default();
        (line, col)
    }

    fn go_to_row(&mut self, row: Option<usize>) -> bool {
        let Some(row) = row else { return false };
        let col = self.cursor().1.min(self.area.lines()[row].chars().count());
        let position = (
            u16::try_from(row).unwrap_or(u16::MAX),
            u16::try_from(col).unwrap_or(u16::MAX),
        );
        self.area
            .move_cursor(CursorMove::Jump(position.0, position.1));
        true
    }
}

/// Scalar values of the grapheme that ends at `col`; 0 at the start of the line.
fn grapheme_before(line: &str, col: usize) -> usize {
    let mut at = 0;
    for grapheme in line.graphemes(true) {
        let chars = grapheme.chars().count();
        if at + chars >= col {
            return col - at;
        }
        at += chars;
    }
    0
}

/// Scalar values of the grapheme that begins at `col`; 0 at the end of the line.
fn grapheme_after(line: &str, col: usize) -> usize {
    let rest: String = line.chars().skip(col).collect();
    rest.graphemes(true)
        .next()
        .map_or(0, |grapheme| grapheme.chars().count())
}

/// Appends the rows of one written line.
fn lay_out_line(line: &str, cursor: Option<usize>, cells_max: usize, layout: &mut Layout) {
    let (mut row, mut cells, mut col) = (String::new(), 0, 0);
    for grapheme in line.graphemes(true) {
        let shown = safe(grapheme, false);
        let more = width(&shown);
        if cells + more > cells_max {
            layout.rows.push(std::mem::take(&mut row));
            cells = 0;
        }
        if cursor == Some(col) {
            (layout.cursor_row, layout.cursor_cell) = (layout.rows.len(), cells);
        }
        row.push_str(&shown);
        cells += more;
        col += grapheme.chars().count();
    }
    layout.rows.push(row);
    if cursor == Some(col) {
        // Behind a full row the cursor stands on a row of its own.
        if cells == cells_max {
            layout.rows.push(String::new());
            cells = 0;
        }
        (layout.cursor_row, layout.cursor_cell) = (layout.rows.len() - 1, cells);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composer(text: &str) -> Composer {
        let mut composer = Composer::default();
        composer.insert(text);
        composer
    }

    #[test]
    fn a_joined_emoji_is_one_character_to_the_keys() {
        let mut composer = composer("a👩\u{200d}👩\u{200d}👧e\u{301}");
        composer.backspace();
        assert_eq!(composer.text(), "a👩\u{200d}👩\u{200d}👧");
        composer.left();
        assert_eq!(composer.before_cursor(), "a");
        composer.right();
        composer.backspace();
        assert_eq!(composer.text(), "a");
        composer.undo();
        assert_eq!(composer.text(), "a👩\u{200d}👩\u{200d}👧");
        composer.left();
        composer.delete();
        assert_eq!(composer.text(), "a");
    }

    #[test]
    fn killing_and_yanking_goes_as_in_a_shell() {
        let mut composer = composer("one two-three  four");
        composer.delete_word_back();
        assert_eq!(composer.text(), "one two-three  ");
        composer.delete_word_back();
        assert_eq!(composer.text(), "one ");
        composer.yank();
        assert_eq!(composer.text(), "one two-three  ");
        composer.kill_to_start();
        assert_eq!(composer.text(), "");
        composer.yank();
        composer.line_start();
        composer.kill_to_end();
        assert!(composer.is_empty());
    }

    #[test]
    fn a_paste_is_cleaned_and_keeps_its_lines() {
        let composer = composer("a\r\n\tb\u{1b}[31m\rc");
        assert_eq!(composer.text(), "a\n    b\nc");
        assert_eq!(composer.lines(), 3);
    }

    #[test]
    fn the_cursor_is_where_the_next_character_goes() {
        let mut composer = composer("日本語ab");
        let layout = composer.layout(4);
        assert_eq!(layout.rows, ["日本", "語ab", ""]);
        assert_eq!((layout.cursor_row, layout.cursor_cell), (2, 0));
        composer.left();
        let layout = composer.layout(5);
        assert_eq!(layout.rows, ["日本", "語ab"]);
        assert_eq!((layout.cursor_row, layout.cursor_cell), (1, 3));
    }

    #[test]
    fn moving_up_and_down_ends_at_the_first_and_last_line() {
        let mut composer = composer("long line\nab");
        assert!(!composer.down());
        assert!(composer.up());
        assert_eq!(composer.before_cursor(), "lo");
        assert!(!composer.up() && composer.down());
    }

    #[test]
    fn what_stood_there_before_an_edit_stands_there_after_it() {
        let id = |name: &str| {
            let (uid, nonce) = (crate::tui::testing::uid(name), "n1");
            MessageId::new(&uid, &crate::protocol::Nonce::parse(nonce).unwrap())
        };
        let mut composer = composer("a draft");
        composer.reply(id("bob"));
        assert_eq!(composer.text(), "a draft");
        composer.edit(id("alice"), "helo");
        composer.edit(id("alice"), "hi");
        assert_eq!(composer.text(), "hi");
        composer.reply(id("carol"));
        assert_eq!(composer.text(), "a draft");
        composer.leave();
        assert_eq!(
            (composer.text().as_str(), &composer.purpose),
            ("a draft", &Purpose::New)
        );
    }

    #[test]
    fn an_answer_that_an_edit_has_interrupted_is_an_answer_afterwards() {
        let id = |name: &str| {
            let nonce = crate::protocol::Nonce::parse("n1").unwrap();
            MessageId::new(&crate::tui::testing::uid(name), &nonce)
        };
        let mut composer = composer("thanks");
        composer.reply(id("bob"));
        composer.edit(id("alice"), "a\ttab");
        assert!(composer.is_unchanged() && !composer.is_idle());
        composer.insert("!");
        assert!(!composer.is_unchanged());
        composer.reset();
        assert_eq!(
            (composer.text().as_str(), &composer.purpose),
            ("thanks", &Purpose::Reply(id("bob")))
        );
    }

    #[test]
    fn a_replaced_text_comes_back_with_undo() {
        let mut composer = composer("before");
        composer.set_text("after");
        assert_eq!(composer.text(), "after");
        composer.undo();
        composer.undo();
        assert_eq!(composer.text(), "before");
    }
}
