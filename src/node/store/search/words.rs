//! Which words a text has, for the index and for queries alike: what this makes of both is all that is
//! compared. Pure.
//!
//! SQLite's own tokenizers take a run of Chinese or Thai for one word, so that no part of it is found, and
//! pass emoji over. So texts are divided here, and the index is given words with spaces between them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of a word that count; what is longer is no word of a language.
const WORD_CHARS_MAX: usize = 64;

/// Before the words that stand for a writer, a room or a side of a conversation: no text has a word with it.
const SIGN: char = '\u{e000}';

/// The words of a text in order: letters and digits without case and accents; every character by itself
/// in scripts that write no spaces; every emoji.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = 0;
    for c in folded(text) {
        let alone = is_unspaced(c) || is_pictograph(c);
        if !alone && is_of_word(c, chars > 0) {
            chars += 1;
            if chars <= WORD_CHARS_MAX {
                word.push(c);
            }
            continue;
        }
        if chars > 0 {
            words.push(std::mem::take(&mut word));
            chars = 0;
        }
        if alone {
            words.push(c.to_string());
        }
    }
    if chars > 0 {
        words.push(word);
    }
    words
}

/// Characters as they are compared: compatible forms, case and accents folded away.
fn folded(text: &str) -> impl Iterator<Item = char> {
    let lower = text.nfkd().flat_map(char::to_lowercase);
    // Accents of Latin, Greek and Cyrillic letters; the marks of other scripts tell words apart.
    let bare = lower.filter(|c| !matches!(c, '\u{300}'..='\u{36f}') && !is_passed_over(*c));
    bare.nfc().flat_map(|c| {
        let (one, other) = match c {
            'ς' => ('σ', None),
            'ß' => ('s', Some('s')),
            c => (c, None),
        };
        std::iter::once(one).chain(other)
    })
}

/// What joins or colours emoji, and is not seen: with it or without, it is the same to who looks for it.
fn is_passed_over(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{ad}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

fn is_of_word(c: char, inside: bool) -> bool {
    c.is_alphanumeric() || (inside && is_combining_mark(c))
}

/// Scripts that write no spaces between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer.
pub(super) fn is_unspaced(c: char) -> bool {
    let script = matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3041}'..='\u{30ff}' | '\u{3100}'..='\u{312f}' | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}');
    script && (c.is_alphanumeric() || is_combining_mark(c))
}

/// Arrows, signs, emoji.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1fbef}') && !c.is_alphanumeric()
}

/// The word that stands for who wrote a message, by the key of the name.
pub(super) fn writer(key: &str) -> String {
    sign('f', key)
}

/// The word that stands for a room, by its number.
pub(super) fn room(rid: i64) -> String {
    sign('r', &rid.to_string())
}

/// The word that stands for a side of a direct conversation.
pub(super) fn side(uid: &str) -> String {
    sign('u', uid)
}

/// In digits: whatever the text is, it makes one word.
fn sign(kind: char, text: &str) -> String {
    let mut word = format!("{SIGN}{kind}");
    for byte in text.bytes() {
        word.push_str(&format!("{byte:02x}"));
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> String {
        words(text).join(" ")
    }

    #[test]
    fn texts_are_divided_as_their_readers_do() {
        for (text, wanted) in [
            ("Hello, world!", "hello world"),
            ("Ärger mit ÉCOLE", "arger mit ecole"),
            ("STRASSE straße", "strasse strasse"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("Ёлка ёж", "елка еж"),
            ("don't n1.example.com", "don t n1 example com"),
            ("snake_case", "snake case"),
            ("負荷テスト", "負 荷 テ ス ト"),
            ("ｶﾞ ガ", "ガ ガ"),
            ("release版v2", "release 版 v2"),
            ("ที่", "ท ี ่"),
            ("한국어 한국", "한국어 한국"),
            ("हिन्दी", "हिन्दी"),
            ("ok👍🏽!", "ok 👍"),
            ("👩‍💻❤️", "👩 💻 ❤"),
            ("a\0b", "a b"),
            ("ﬁne ①", "fine 1"),
            ("!?\u{e000}f00 \"' ()*", "f00"),
            ("", ""),
        ] {
            assert_eq!(of(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_word_counts_up_to_64_characters() {
        let long = "x".repeat(65);
        assert_eq!(words(&long), [long[..64].to_owned()]);
    }

    proptest! {
        #[test]
        fn a_word_is_one_to_the_index_and_stays_what_it_is(text in "\\PC{0,40}|.{0,40}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.chars().count() <= WORD_CHARS_MAX);
                // What the index's own tokenizer divides at, and what only signs have.
                prop_assert!(word.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric()), "{word:?}");
                prop_assert!(!word.contains(SIGN));
            }
        }
    }
}
