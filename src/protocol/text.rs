//! What people write: texts, topics, emoji.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, Refusal};
use super::limits::{EMOJI_BYTES_MAX, TEXT_CHARS_MAX, TOPIC_CHARS_MAX};

/// A message's text: 1 to 4,000 Unicode scalar values, something in it to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    pub fn parse(text: &str) -> Result<Text, Refusal> {
        if !text.chars().any(is_visible) {
            return Err(Refusal::new(ErrorCode::EmptyText, "the text is empty"));
        }
        let chars = text.chars().count();
        if chars > TEXT_CHARS_MAX {
            let message = format!("the text has {chars} characters, {TEXT_CHARS_MAX} at most");
            return Err(Refusal::new(ErrorCode::TextTooLong, message));
        }
        Ok(Text(text.to_owned()))
    }

    /// A text that was checked before it was stored, or by the node that accepted it.
    pub fn stored(text: String) -> Text {
        Text(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a topic: one line, 300 Unicode scalar values at most, empty to clear it.
pub fn parse_topic(text: &str) -> Result<String, Refusal> {
    let topic = text.trim();
    if topic.chars().count() > TOPIC_CHARS_MAX {
        let message = format!("a topic has {TOPIC_CHARS_MAX} characters at most");
        return Err(Refusal::new(ErrorCode::TextTooLong, message));
    }
    if topic.chars().any(char::is_control) {
        return Err(Refusal::field(
            "topic",
            "has a line end or another control character",
        ));
    }
    Ok(topic.to_owned())
}

/// Checks what a reaction is made of: 1 to 64 bytes without white space or control characters.
pub fn parse_emoji(text: &str) -> Result<String, Refusal> {
    if text.is_empty() || text.len() > EMOJI_BYTES_MAX {
        return Err(Refusal::field(
            "emoji",
            format!("has 1 to {EMOJI_BYTES_MAX} bytes"),
        ));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) || !text.chars().any(is_visible) {
        return Err(Refusal::field(
            "emoji",
            "has white space or control characters",
        ));
    }
    Ok(text.to_owned())
}

/// The text without what steers terminals: whole sequences, where removing their control characters
/// alone would leave `[31m`. One that has no end is left as it stands: it hides nothing.
pub fn without_sequences(text: &str) -> Cow<'_, str> {
    let begins = |c: char| {
        matches!(
            c,
            '\u{1b}' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}'
        )
    };
    if !text.contains(begins) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(begins) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = sequence(rest).unwrap_or_else(|| {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            kept.push_str(&rest[..first]);
            first
        });
        rest = &rest[length..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// Bytes of the sequence that the text begins with (ECMA-48): a control sequence, a string up to its
/// terminator, a key's code. None where it is none, or has no end on this line.
fn sequence(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    let mut kind = match chars.next()?.1 {
        '\u{1b}' => chars.next()?.1,
        // The same in one character: ESC and the one that is 64 before it.
        c1 => char::from_u32(u32::from(c1) - 0x40)?,
    };
    let string = matches!(kind, ']' | 'P' | 'X' | '^' | '_');
    for (at, c) in chars {
        let after = at + c.len_utf8();
        match (kind, c) {
            ('[', '0'..='?' | ' '..='/') => {}
            ('[' | 'O', '@'..='~') => return Some(after),
            (_, '\u{7}' | '\u{9c}') if string => return Some(after),
            (_, '\u{1b}') if string => kind = '\u{1b}',
            ('\u{1b}', '\\') => return Some(after),
            (_, '\n') => return None,
            (']' | 'P' | 'X' | '^' | '_', _) => {}
            (_, _) => return None,
        }
    }
    None
}

/// What a remote text becomes before it reaches a terminal or a log: no escape sequence, control
/// character, C1 byte, or mark that turns the direction of what follows. Line ends become spaces
/// unless `lines` are kept; a tab becomes a space.
pub fn clean(text: &str, lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in without_sequences(text).chars() {
        match c {
            '\n' if lines => shown.push('\n'),
            '\n' | '\t' => shown.push(' '),
            c if c.is_control() || is_direction_mark(c) => {}
            // Line and paragraph separators; tag characters hide text.
            '\u{2028}' | '\u{2029}' => shown.push(' '),
            '\u{e0000}'..='\u{e001f}' => {}
            c => shown.push(c),
        }
    }
    shown
}

/// Bidirectional embeddings, overrides, isolates and marks.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether there is anything to see: neither white space nor zero-width.
pub(super) fn is_visible(c: char) -> bool {
    !(c.is_whitespace()
        || c.is_control()
        || is_direction_mark(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_something_in_it_and_4000_scalar_values_at_most() {
        for empty in ["", " \n\t", "\u{200b}\u{2060}"] {
            assert_eq!(
                Text::parse(empty).unwrap_err().code,
                ErrorCode::EmptyText,
                "{empty:?}"
            );
        }
        assert!(Text::parse(&"😀".repeat(4000)).is_ok());
        let long = Text::parse(&"😀".repeat(4001)).unwrap_err();
        assert_eq!(long.code, ErrorCode::TextTooLong);
    }

    #[test]
    fn nothing_that_steers_a_terminal_gets_through_cleaning() {
        assert_eq!(
            clean("a\u{1b}[31mb\u{9b}c\r\n\u{202e}d\te", false),
            "ab d e"
        );
        assert_eq!(clean("a\nb", true), "a\nb");
    }

    #[test]
    fn an_escape_sequence_goes_as_a_whole_and_nothing_else_with_it() {
        for (said, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{9b}1;31mred\u{9b}m", "red"),
            ("a\u{1b}[?25lb\u{1b}[2 qc", "abc"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;http://x\u{1b}\\b\u{9d}0;t\u{9c}c", "abc"),
            ("a\u{1b}P1$q\u{1b}\\b", "ab"),
            ("a\u{1b}OAb", "ab"),
            // Without an end it is shown: nothing may hide what follows.
            ("a\u{1b}]0;the rest", "a]0;the rest"),
            ("a\u{1b}]0;x\nb\u{7}", "a]0;x b"),
            ("a\u{1b}[31", "a[31"),
            ("a\u{1b}[3é1m", "a[3é1m"),
            ("a\u{1b}\u{1b}[1mb\u{1b}", "ab"),
            ("a\u{1b}]0;\u{1b}[1mb\u{7}c", "a]0;bc"),
        ] {
            assert_eq!(clean(said, false), shown, "{said:?}");
        }
    }

    #[test]
    fn a_topic_is_one_line_and_an_emoji_has_no_spaces() {
        assert_eq!(parse_topic("  deploys ").unwrap(), "deploys");
        assert!(parse_topic("a\nb").is_err());
        assert!(parse_topic(&"x".repeat(301)).is_err());
        assert_eq!(parse_emoji("👩‍👩‍👧").unwrap(), "👩‍👩‍👧");
        assert!(parse_emoji("a b").is_err() && parse_emoji("").is_err());
        assert!(parse_emoji(&"x".repeat(65)).is_err());
    }
}
