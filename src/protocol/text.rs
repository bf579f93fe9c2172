//! What people write: texts, topics, emoji.

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

/// What a remote text becomes before it reaches a terminal or a log: no escape sequence, control
/// character, C1 byte, or mark that turns the direction of what follows. Line ends become spaces
/// unless `lines` are kept; a tab becomes a space.
pub fn clean(text: &str, lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
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
            "a[31mbc d e"
        );
        assert_eq!(clean("a\nb", true), "a\nb");
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
