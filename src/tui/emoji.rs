//! Emoji by their names, as they are typed between colons: the names of GitHub, which the browser knows
//! too.

use unicode_segmentation::UnicodeSegmentation;

/// What a message may be answered with by one key, the same at every start; the first four are the ones
/// that the browser has at hand.
pub const AT_HAND: &[&str] = &["👍", "❤️", "😂", "🎉", "👀", "✅", "🙏", "😮"];

/// The same with their names.
pub fn at_hand() -> impl Iterator<Item = (&'static str, &'static str)> {
    AT_HAND
        .iter()
        .map(|emoji| (*emoji, name_of(emoji).unwrap_or_default()))
}

/// The emoji of exactly this name.
pub fn named(name: &str) -> Option<&'static str> {
    emojis::get_by_shortcode(&name.to_lowercase()).map(emojis::Emoji::as_str)
}

/// The emoji that is meant: it stands there itself, or its name does, between colons or not.
pub fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(emoji) = emojis::get(text) {
        return Some(emoji.as_str().to_owned());
    }
    let name = text
        .strip_prefix(':')
        .and_then(|text| text.strip_suffix(':'));
    let name = name.unwrap_or(text).trim().replace([' ', '-'], "_");
    let emoji = named(name.as_str()).or_else(|| named(text));
    emoji
        .map(str::to_owned)
        .or_else(|| is_newer(text).then(|| text.to_owned()))
}

/// Whether it looks like an emoji that is not in the table yet: a single character of the planes where
/// they are.
fn is_newer(text: &str) -> bool {
    let first = text.chars().next();
    let is_picture = |c: char| ('\u{1f000}'..='\u{1faff}').contains(&c) && !c.is_alphanumeric();
    first.is_some_and(is_picture) && text.graphemes(true).count() == 1
}

/// What an emoji is called between colons; nothing for what is none.
pub fn name_of(emoji: &str) -> Option<&'static str> {
    emojis::get(emoji)?.shortcode()
}

/// Emoji with their names that fit what is typed, the best first: `most` of them.
pub fn find(typed: &str, most: usize) -> Vec<(&'static str, &'static str)> {
    let typed = typed.trim().to_lowercase();
    let wanted = typed.replace(' ', "_");
    let mut found: Vec<(u32, &str, &str)> = emojis::iter()
        .filter_map(|emoji| {
            let named = emoji.shortcodes().filter_map(|name| {
                let rank = rank(name, &wanted)?;
                Some((rank, name))
            });
            let described = || {
                let fits = emoji.name().to_lowercase().contains(&typed);
                Some((DESCRIBED, emoji.shortcode()?)).filter(|_| fits)
            };
            let (rank, name) = named.min_by_key(|(rank, _)| *rank).or_else(described)?;
            Some((rank, emoji.as_str(), name))
        })
        .collect();
    // It keeps the table's order among equals: faces first, flags last.
    found.sort_by_key(|(rank, _, name)| (*rank, name.len()));
    let best = found.into_iter().take(most);
    best.map(|(_, emoji, name)| (emoji, name)).collect()
}

/// A word of what it shows, where no name fits.
const DESCRIBED: u32 = 4;

/// How well a name fits; less is better.
fn rank(name: &str, wanted: &str) -> Option<u32> {
    if name == wanted {
        return Some(0);
    }
    if name.starts_with(wanted) {
        return Some(1);
    }
    let mut words = name.split('_');
    if words.any(|word| word.starts_with(wanted)) {
        return Some(2);
    }
    name.contains(wanted).then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_browser_has() {
        for (name, emoji) in [
            ("tada", "🎉"),
            ("+1", "👍"),
            ("heart", "❤️"),
            ("100", "💯"),
            ("white_check_mark", "✅"),
            ("TADA", "🎉"),
        ] {
            assert_eq!(named(name), Some(emoji), "{name}");
        }
        assert_eq!((named("nosuch"), named("")), (None, None));
        for emoji in AT_HAND {
            assert_eq!(name_of(emoji).and_then(named), Some(*emoji));
        }
    }

    #[test]
    fn an_emoji_is_meant_by_itself_and_by_its_name() {
        for (text, emoji) in [
            ("👍", "👍"),
            ("👍🏽", "👍🏽"),
            ("👩\u{200d}👩\u{200d}👧", "👩\u{200d}👩\u{200d}👧"),
            ("🇩🇪", "🇩🇪"),
            ("❤️", "❤️"),
            ("❤", "❤️"),
            ("1️⃣", "1️⃣"),
            (":tada:", "🎉"),
            ("tada", "🎉"),
            ("Tada", "🎉"),
            ("+1", "👍"),
            (":+1:", "👍"),
            ("-1", "👎"),
            ("white check mark", "✅"),
            ("e-mail", "📧"),
            // Not named yet.
            ("\u{1faff}", "\u{1faff}"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(emoji), "{text}");
        }
        for text in [
            "",
            "yes",
            "ja!",
            "日本",
            "a👍",
            "👍👍",
            ":",
            "::",
            "🅰\u{200d}x",
            "é",
            "<b>",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    #[test]
    fn the_exact_name_is_found_first_then_what_begins_so() {
        assert_eq!(find("heart", 3)[0], ("❤️", "heart"));
        let found = find("tad", 5);
        assert_eq!(found[0], ("🎉", "tada"));
        assert!(find("crab", 5).contains(&("🦀", "crab")));
        assert!(find("e", 7).len() == 7 && find("zzzz", 7).is_empty());
    }

    #[test]
    fn what_it_shows_leads_there_where_no_name_does() {
        assert!(find("tears of joy", 5).contains(&("😂", "joy")));
    }
}
