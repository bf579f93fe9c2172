//! The one door for foreign text on its way to the screen.
//!
//! Invariant: whatever is drawn came through [`safe`]. What leaves it has no control character, no
//! escape sequence, no direction mark, and takes as many cells on every terminal as it takes here:
//! sequences that terminals disagree about (joined emoji, skin tones, flags, variation selectors)
//! are shown as their parts, but on terminals that are known to draw each as one ([`Emoji::Full`]).

use std::cell::Cell;
use std::fmt;

use ratatui::buffer::CellWidth;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use crate::protocol::text::clean;

/// Marks that one character may carry; more of them run over the lines above and below.
const MARKS_MAX: usize = 3;

/// Characters of an emoji that is shown whole: two people of two skins kissing.
const EMOJI_CHARS_MAX: usize = 10;

/// How emoji are shown that are made of several characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emoji {
    /// Whole, in two cells.
    Full,
    /// As their parts, of which every terminal knows how wide they are; flags as their letters.
    #[default]
    Simple,
}

thread_local! {
    /// What this terminal draws. A screen is drawn by one thread, which is told at the start.
    static EMOJI: Cell<Emoji> = const { Cell::new(Emoji::Simple) };
}

/// From now on emoji are shown like this on this thread.
pub fn show_emoji(emoji: Emoji) {
    EMOJI.set(emoji);
}

impl Emoji {
    /// Reads `full` or `simple`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Emoji, String> {
        match text.trim().to_lowercase().as_str() {
            "full" => Ok(Emoji::Full),
            "simple" => Ok(Emoji::Simple),
            _ => Err("emoji are shown full or simple".to_owned()),
        }
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Emoji::Full => "full",
            Emoji::Simple => "simple",
        })
    }
}

/// What `text` may look like on a terminal. Line ends stay where `lines` are wanted, and are
/// spaces otherwise.
pub fn safe(text: &str, lines: bool) -> String {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.to_owned();
    }
    let whole = EMOJI.get() == Emoji::Full;
    let mut text = clean(text, lines);
    // Without what stood between them, characters may join that did not: until nothing is taken away.
    loop {
        let mut shown = String::with_capacity(text.len());
        for grapheme in text.graphemes(true) {
            if whole && is_whole_emoji(grapheme) {
                shown.push_str(grapheme);
            } else {
                push_grapheme(&mut shown, grapheme);
            }
        }
        if shown == text {
            return shown;
        }
        text = shown;
    }
}

/// Whether it is one emoji of several characters, and none but such as emoji are made of.
fn is_whole_emoji(grapheme: &str) -> bool {
    let mut chars = grapheme.chars();
    let (Some(first), Some(second)) = (chars.next(), chars.next()) else {
        return false;
    };
    let flag = letter_of_flag(first).is_some();
    let keycap = first.is_ascii_digit() || matches!(first, '#' | '*');
    let begins = flag || first.width() == Some(2) || second == '\u{fe0f}';
    let of_emoji = |c: char| match c {
        '\u{200d}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' => true,
        '\u{2190}'..='\u{2bff}' => true,
        '\u{20e3}' => keycap,
        c if letter_of_flag(c).is_some() => flag,
        c => c.width() == Some(2) && !c.is_alphanumeric(),
    };
    begins
        && (!first.is_alphanumeric() || keycap)
        && grapheme.chars().count() <= EMOJI_CHARS_MAX
        && grapheme.chars().skip(1).all(of_emoji)
        && grapheme_width(grapheme) == 2
}

/// Cells that `text` takes; it must be safe.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(grapheme_width).sum()
}

/// Cells of one grapheme, as the screen's buffer counts them.
pub fn grapheme_width(grapheme: &str) -> usize {
    if grapheme == "\n" {
        return 0;
    }
    usize::from(grapheme.cell_width())
}

/// `text` on one line of `cells_max` cells at most, with an ellipsis where it was cut.
pub fn fit(text: &str, cells_max: usize) -> String {
    let text = safe(text, false);
    if width(&text) <= cells_max {
        return text;
    }
    if cells_max == 0 {
        return String::new();
    }
    let mut fitted = String::new();
    let mut cells = 0;
    for grapheme in text.graphemes(true) {
        let more = grapheme_width(grapheme);
        if cells + more > cells_max - 1 {
            break;
        }
        fitted.push_str(grapheme);
        cells += more;
    }
    fitted.push('…');
    fitted
}

/// [`fit`], filled up with spaces to exactly `cells`.
pub fn pad(text: &str, cells: usize) -> String {
    let mut padded = fit(text, cells);
    let missing = cells.saturating_sub(width(&padded));
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

/// Appends the parts of a grapheme that every terminal counts alike.
fn push_grapheme(shown: &mut String, grapheme: &str) {
    // Halfwidth sound marks, and the vowels and ends of Korean syllables: a cell of their own to some
    // terminals, none to others. Composed they agree.
    let apart = |c: char| matches!(c, '\u{ff9e}' | '\u{ff9f}' | '\u{1160}'..='\u{11ff}');
    let composed: String;
    let grapheme = if grapheme.contains(apart) {
        composed = grapheme.nfkc().collect();
        composed.as_str()
    } else {
        grapheme
    };
    let joined_emoji = grapheme.chars().any(|c| c.width() == Some(2));
    let mut marks = 0;
    let mut first = true;
    for c in grapheme.chars() {
        let cells = c.width().unwrap_or(0);
        let shows = match c {
            '\n' => true,
            // Variation selectors: half of the terminals widen the character before, half do not.
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => false,
            '\u{200d}' if joined_emoji => false,
            '\u{200c}' | '\u{200d}' => !first,
            // Skin tones: two cells of their own to some, none to others.
            '\u{1f3fb}'..='\u{1f3ff}' => first,
            // Tag letters (flags of regions), and characters that nobody sees.
            '\u{e0000}'..='\u{e007f}' | '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{206f}' => false,
            '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{180e}' | '\u{34f}' => false,
            _ if cells > 0 => true,
            // A mark with nothing to stand on would go onto the cell before it.
            _ if first => false,
            _ => {
                marks += 1;
                marks <= MARKS_MAX
            }
        };
        if shows {
            shown.push(letter_of_flag(c).unwrap_or(c));
            first = false;
        }
    }
}

/// Flags are pairs of letters that terminals count as one cell, two, or four: plain letters agree.
fn letter_of_flag(c: char) -> Option<char> {
    let at = u32::from(c).checked_sub(0x1f1e6).filter(|at| *at < 26)?;
    char::from_u32(u32::from('A') + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn joined_emoji_are_shown_as_their_parts() {
        assert_eq!(safe("👩\u{200d}👩\u{200d}👧!", false), "👩👩👧!");
        assert_eq!(safe("👍🏽", false), "👍");
        assert_eq!(safe("❤\u{fe0f}", false), "❤");
        assert_eq!(safe("🇩🇪 🇫", false), "DE F");
        assert_eq!(safe("\u{1112}\u{1161}\u{11ab}ﾊﾟ", false), "한パ");
        assert_eq!(safe("1\u{fe0f}\u{20e3}", false), "1\u{20e3}");
    }

    #[test]
    fn on_a_terminal_that_draws_them_emoji_stay_whole_and_nothing_else_gets_through() {
        show_emoji(Emoji::Full);
        for whole in [
            "👩\u{200d}👩\u{200d}👧\u{200d}👦",
            "👍🏽",
            "❤\u{fe0f}",
            "🇩🇪",
            "🏳\u{fe0f}\u{200d}🌈",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "👩🏻\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏿",
        ] {
            assert_eq!((safe(whole, false).as_str(), width(whole)), (whole, 2));
        }
        for (other, shown) in [
            ("日\u{200d}本", "日本"),
            ("a\u{fe0f}", "a"),
            ("🇫", "F"),
            ("ﾊﾟ", "パ"),
        ] {
            assert_eq!(safe(other, false), shown);
        }
        let endless = format!("👩{}", "\u{200d}👩".repeat(40));
        assert_eq!(safe(&endless, false), "👩".repeat(41));
        assert_eq!(fit("👍🏽👍🏽👍🏽", 5), "👍🏽👍🏽…");
        show_emoji(Emoji::Simple);
        assert_eq!(safe("👍🏽", false), "👍");
    }

    #[test]
    fn a_grapheme_takes_the_cells_of_its_characters_and_no_other_number() {
        let texts =
            "a é 日本 한국 👩\u{200d}🚀 🏳\u{fe0f}\u{200d}🌈 👍🏿 ﾊﾟ क्षि e\u{301}\u{301} ☎\u{fe0f} ⚽";
        let shown = safe(texts, false);
        for grapheme in shown.graphemes(true) {
            let cells: usize = grapheme.chars().map(|c| c.width().unwrap_or(0)).sum();
            // Devanagari vowel signs are the exception: half of a cell's worth on their own.
            let vowel_sign = grapheme.contains('\u{93f}');
            assert!(
                grapheme_width(grapheme) == cells || vowel_sign,
                "{grapheme:?}: {cells}"
            );
        }
    }

    #[test]
    fn piled_up_and_lone_marks_stay_on_their_line() {
        let piled = format!("a{}b", "\u{301}".repeat(100));
        assert_eq!(safe(&piled, false).chars().count(), 2 + MARKS_MAX);
        assert_eq!(safe("\u{301}x", false), "x");
    }

    #[test]
    fn cutting_counts_cells_and_never_halves_a_wide_character() {
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("hello!", 5), "hell…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(pad("日本語", 4), "日… ");
        assert_eq!(fit("x", 0), "");
    }

    #[test]
    fn characters_do_not_join_over_what_is_taken_away_between_them() {
        assert_eq!(safe("👩\u{200b}🏽", false), "👩");
        assert_eq!(safe("👩\u{ad}\u{200d}\u{2060}👩", false), "👩👩");
    }

    proptest! {
        #[test]
        fn what_is_safe_stays_as_it_is(
            parts in prop::collection::vec(prop::sample::select(PARTS), 0..12),
            full in any::<bool>(),
        ) {
            show_emoji(if full { Emoji::Full } else { Emoji::Simple });
            let once = safe(&parts.concat(), true);
            prop_assert_eq!(safe(&once, true), once);
            show_emoji(Emoji::Simple);
        }
    }

    const PARTS: &[&str] = &[
        "plain",
        "日",
        "👩",
        "❤",
        "🏽",
        "🏿",
        "🇩",
        "🇪",
        "🏴",
        "1",
        " ",
        "\n",
        "é",
        "क",
        "ﾊ",
        "\u{ff9f}",
        "ع",
        "\u{301}",
        "\u{20e3}",
        "\u{93f}",
        "\u{fe0f}",
        "\u{fe0e}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{202e}",
        "\u{ad}",
        "\u{34f}",
        "\u{2060}",
        "\u{feff}",
        "\u{180e}",
        "\u{1112}",
        "\u{1161}",
        "\u{11ab}",
        "\u{e0067}",
        "\u{e007f}",
        "\u{e0100}",
        "\u{1b}[31m",
        "\u{fdfa}",
    ];
}
