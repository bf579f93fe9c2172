//! The words that were looked for in the texts that were found.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

use super::shown::safe;

/// Where to look, not for what.
const WHERE: [&str; 5] = ["from:", "room:", "in:", "before:", "after:"];

/// Visible characters before the first word that was found, where the text is cut before it.
const LEAD: usize = 12;

/// The words of a query, folded: phrases in quotes are one, and a star at the end goes.
pub fn words_of(query: &str) -> Vec<String> {
    let query = query.replace(['“', '”', '„'], "\"");
    let mut words = Vec::new();
    // Every second piece was quoted.
    for (at, piece) in query.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(folded(piece.trim()));
            continue;
        }
        let is_where = |word: &str| {
            let lower = word.to_lowercase();
            WHERE.iter().any(|begin| lower.starts_with(begin))
        };
        let plain = piece.split_whitespace().filter(|word| !is_where(word));
        words.extend(plain.map(|word| folded(word.trim_start_matches('-').trim_end_matches('*'))));
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The text on one line, with the words marked: from its beginning, or, where the first of them would be out
/// of sight within `chars_max`, from shortly before that.
pub fn marked(text: &str, words: &[String], chars_max: usize) -> Vec<(String, bool)> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = safe(&line, false);
    let graphemes: Vec<&str> = line.graphemes(true).collect();
    let folds: Vec<String> = graphemes.iter().map(|grapheme| folded(grapheme)).collect();
    let mut hits = vec![false; graphemes.len()];
    let mut first = None;
    for at in 0..graphemes.len() {
        let length = words
            .iter()
            .filter_map(|word| hit(&folds[at..], word))
            .max();
        let Some(length) =
            length.filter(|_| at == 0 || begins_word(graphemes[at - 1], graphemes[at]))
        else {
            continue;
        };
        first.get_or_insert(at);
        hits[at..at + length].fill(true);
    }
    let from = first.map_or(0, |first| {
        if first + LEAD > chars_max {
            first.saturating_sub(LEAD)
        } else {
            0
        }
    });
    let mut pieces: Vec<(String, bool)> = Vec::new();
    if from > 0 {
        pieces.push(("…".to_owned(), false));
    }
    for at in from..graphemes.len() {
        match pieces.last_mut() {
            Some((text, hit)) if *hit == hits[at] => text.push_str(graphemes[at]),
            Some(_) | None => pieces.push((graphemes[at].to_owned(), hits[at])),
        }
    }
    pieces
}

/// How many of the folded characters are the word.
fn hit(folds: &[String], word: &str) -> Option<usize> {
    let mut rest = word;
    for (count, fold) in folds.iter().enumerate() {
        if rest.is_empty() {
            return Some(count);
        }
        rest = match rest.strip_prefix(fold.as_str()) {
            Some(rest) => rest,
            None if fold.starts_with(rest) => "",
            None => return None,
        };
    }
    rest.is_empty().then_some(folds.len())
}

/// Whether a word may begin between the two. In some scripts every character begins one.
fn begins_word(before: &str, after: &str) -> bool {
    let last = before.chars().next_back();
    let unspaced = after.chars().next().is_some_and(|c| {
        matches!(
            c.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        )
    });
    unspaced || !last.is_some_and(|c| c.is_alphanumeric() || is_combining_mark(c))
}

/// Without case and accents.
fn folded(text: &str) -> String {
    let letters = text.nfd().filter(|c| !is_combining_mark(*c));
    letters.collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str, query: &str) -> Vec<String> {
        let pieces = marked(text, &words_of(query), 200);
        let hits = pieces.into_iter().filter(|(_, hit)| *hit);
        hits.map(|(text, _)| text).collect()
    }

    #[test]
    fn the_words_of_a_query_are_what_is_not_said_of_where_to_look() {
        assert_eq!(
            words_of("disk \"full up\" from:alice in:ops dep* -not"),
            ["disk", "full up", "dep", "not"]
        );
        assert_eq!(words_of("“disk full” before:2026-01-01"), ["disk full"]);
    }

    #[test]
    fn words_are_marked_where_they_begin_without_case_and_accents() {
        assert_eq!(
            hits("The disk, DISKS and asterisk", "disk"),
            ["disk", "DISK"]
        );
        assert_eq!(hits("Café, 負荷分散", "cafe 分散"), ["Café", "分散"]);
        assert_eq!(hits("the disk\n is  full", "\"disk is\""), ["disk is"]);
        assert!(hits("anything", "from:x").is_empty());
        for odd in ["(", "[a-", "\\", "*", "\"", "a{2", "$^|", "\u{301}"] {
            hits("a text (", odd);
        }
    }

    #[test]
    fn a_long_text_is_shown_from_shortly_before_the_first_hit() {
        let text = format!("{}needle {}", "x ".repeat(400), "y ".repeat(400));
        let pieces = marked(&text, &words_of("needle"), 60);
        assert_eq!(pieces[0].0, "…x x x x x x ");
        assert_eq!(pieces[1], ("needle".to_owned(), true));
    }
}
