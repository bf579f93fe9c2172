//! What a mistyped word was meant to be.

/// The word that is nearest, if it is one or two slips away: a letter missing, too many, wrong, or two in the
/// wrong order.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    let most = match typed.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let slips = words.into_iter().map(|word| (slips(&typed, word), word));
    let near = slips.filter(|(slips, _)| *slips <= most);
    near.min_by_key(|(slips, _)| *slips).map(|(_, word)| word)
}

/// How many slips lie between the two (optimal string alignment).
fn slips(typed: &[char], word: &str) -> usize {
    let word: Vec<char> = word.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (at, c) in typed.iter().enumerate() {
        let mut next = vec![at + 1];
        for (to, d) in word.iter().enumerate() {
            let differs = usize::from(c != d);
            let mut best = (row[to] + differs).min(row[to + 1] + 1).min(next[to] + 1);
            let swapped = at > 0 && to > 0 && typed[at - 1] == *d && *c == word[to - 1];
            if swapped {
                best = best.min(above[to - 1] + 1);
            }
            next.push(best);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_lead_to_the_word_and_more_do_not() {
        let words = ["join", "leave", "switcher", "theme"];
        for (typed, meant) in [
            ("jion", Some("join")),
            ("joi", Some("join")),
            ("Joinn", Some("join")),
            ("swicher", Some("switcher")),
            ("swithcer", Some("switcher")),
            ("theem", Some("theme")),
            ("jo", None),
            ("", None),
            ("shout", None),
            ("coin", Some("join")),
            ("cobra", None),
        ] {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
    }
}
