//! Finding names by a few of their letters, in order.
//!
//! Of all the ways in which the letters may stand in a name the best one counts, found by dynamic
//! programming as fzf does: letters that begin a word or follow one another are worth more.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// Letters of a name that are looked at; names are shorter, what is longer is cut on the screen too.
const LETTERS_MAX: usize = 128;

const LETTER: i32 = 16;
const BEGINS_WORD: i32 = 10;
const FOLLOWS: i32 = 12;
const GAP: i32 = -3;

/// What is looked for: words, each of which a name must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Folded; none is empty.
    words: Vec<Vec<char>>,
}

/// How well a name fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// More for better.
    pub score: i32,
    /// The name's visible characters that were looked for, by their places, rising.
    pub marks: Vec<usize>,
}

struct Letter {
    folded: char,
    /// Which visible character it belongs to.
    at: usize,
    begins_word: bool,
}

impl Query {
    pub fn new(text: &str) -> Query {
        let words = text.split_whitespace().map(|word| {
            let folded = word.graphemes(true).flat_map(fold);
            folded.take(LETTERS_MAX).collect()
        });
        Query {
            words: words.filter(|word: &Vec<char>| !word.is_empty()).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How well the name fits, if it does; to an empty query all do.
    pub fn fit(&self, name: &str) -> Option<Fit> {
        let letters = letters(name);
        let mut fit = Fit::default();
        for word in &self.words {
            let (score, marks) = best(word, &letters)?;
            fit.score += score;
            fit.marks.extend(marks);
        }
        fit.marks.sort_unstable();
        fit.marks.dedup();
        Some(fit)
    }
}

fn letters(name: &str) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let mut in_word = false;
    for (at, grapheme) in name.graphemes(true).enumerate() {
        for folded in fold(grapheme) {
            if letters.len() == LETTERS_MAX {
                return letters;
            }
            letters.push(Letter {
                folded,
                at,
                begins_word: !in_word,
            });
            in_word = folded.is_alphanumeric();
        }
    }
    letters
}

/// Without case, accents and widths.
fn fold(grapheme: &str) -> Vec<char> {
    let bare = grapheme.nfkd().filter(|c| !is_combining_mark(*c));
    bare.flat_map(char::to_lowercase).collect()
}

/// The best places for the word's letters: their worth, and the visible characters.
fn best(word: &[char], letters: &[Letter]) -> Option<(i32, Vec<usize>)> {
    // What the best way is worth that ends with this letter of the word at that letter of the name,
    // and where the letter before it stood.
    let mut ways: Vec<Vec<Option<(i32, usize)>>> = Vec::with_capacity(word.len());
    for (nth, wanted) in word.iter().enumerate() {
        let before = nth.checked_sub(1).map(|before| &ways[before]);
        // The best way that ended further back than the letter just before.
        let mut further: Option<(i32, usize)> = None;
        let mut row = Vec::with_capacity(letters.len());
        for (at, letter) in letters.iter().enumerate() {
            let just_before = match (before, at.checked_sub(1)) {
                (Some(before), Some(last)) => before[last].map(|(score, _)| (score, last)),
                (_, _) => None,
            };
            let come = match before {
                None => Some((0, at)),
                Some(_) => {
                    let follows = just_before.map(|(score, from)| (score + FOLLOWS, from));
                    let gap = further.map(|(score, from)| (score + GAP, from));
                    follows.max(gap)
                }
            };
            let worth = LETTER + if letter.begins_word { BEGINS_WORD } else { 0 };
            row.push(
                come.filter(|_| letter.folded == *wanted)
                    .map(|(score, from)| (score + worth, from)),
            );
            further = further.max(just_before);
        }
        ways.push(row);
    }
    let last = ways.last()?;
    let ends = last.iter().enumerate();
    let ends = ends.filter_map(|(at, way)| way.map(|(score, _)| (score, at)));
    // The first of the best.
    let (score, mut at) = ends.max_by_key(|(score, at)| (*score, std::cmp::Reverse(*at)))?;
    let mut marks = Vec::with_capacity(word.len());
    for row in ways.iter().rev() {
        marks.push(letters[at].at);
        at = row[at]?.1;
    }
    Some((score, marks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(query: &str, name: &str) -> Option<Vec<usize>> {
        Query::new(query).fit(name).map(|fit| fit.marks)
    }

    fn order<'a>(query: &str, names: &[&'a str]) -> Vec<&'a str> {
        let query = Query::new(query);
        let mut found: Vec<(i32, &str)> = names
            .iter()
            .filter_map(|name| Some((query.fit(name)?.score, *name)))
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn letters_have_to_come_in_order() {
        assert_eq!(marks("dpl", "#deploy"), Some(vec![1, 3, 4]));
        assert_eq!(marks("lpd", "#deploy"), None);
        assert_eq!(marks("", "#deploy"), Some(vec![]));
        assert_eq!(marks("deployer", "#deploy"), None);
    }

    #[test]
    fn beginnings_of_words_and_runs_are_worth_more() {
        assert_eq!(
            order("op", &["#loop", "#shop", "#a-o-p", "#ops"])[..2],
            ["#ops", "#a-o-p"]
        );
        assert_eq!(order("gen", &["#degenerate", "#general"])[0], "#general");
        assert_eq!(order("dp", &["#deploy", "#dusk-party"])[0], "#dusk-party");
        assert_eq!(marks("ab", "xaxb-ab"), Some(vec![5, 6]));
        assert_eq!(marks("a", "banana"), Some(vec![1]));
    }

    #[test]
    fn case_accents_and_widths_do_not_matter_and_marks_count_what_is_seen() {
        assert_eq!(marks("eRIK", "@Érik"), Some(vec![1, 2, 3, 4]));
        assert_eq!(marks("é", "e\u{301}x"), Some(vec![0]));
        assert_eq!(marks("本", "#日本語"), Some(vec![2]));
        assert_eq!(marks("ﾄ", "ト"), Some(vec![0]));
        assert_eq!(marks("fi", "ﬁx"), Some(vec![0]));
    }

    #[test]
    fn each_word_is_looked_for_wherever_it_stands() {
        assert_eq!(
            marks("room next", "next room"),
            Some(vec![0, 1, 2, 3, 5, 6, 7, 8])
        );
        assert_eq!(marks("next rooms", "next room"), None);
    }

    #[test]
    fn nothing_is_too_long_or_too_strange() {
        let long = "ab".repeat(10_000);
        assert!(marks(&long, &long).is_some());
        for text in ["\u{301}", "\u{1b}[31m", "👩\u{200d}👩", "ß", "İ"] {
            assert!(marks(text, text).is_some(), "{text:?}");
        }
    }
}
