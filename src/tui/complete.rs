//! Tab: goes through what the word before the cursor may become: commands, rooms, names, emoji.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::commands::{self, COMMANDS};
use super::composer::Composer;
use super::emoji;
use super::state::{Candidate, Completion, State};
use crate::protocol::text::clean;

/// Words that Tab goes through.
const WORDS_MAX: usize = 50;

/// Signs that stand directly behind a word.
const CLOSING: &str = ".,:;!?)]}'’…";

/// What Tab has put before the cursor, until the next key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behind {
    #[default]
    Nothing,
    /// A completed word and a space that nobody has typed; a sign takes the place of so many
    /// characters behind the word.
    Space(usize),
    /// A sign, which has taken their place.
    Sign,
}

/// Puts the next word in place of the one before the cursor; `back` goes the other way round.
pub fn step(state: &mut State, back: bool) {
    let completion = match state.completion.take() {
        Some(mut going) => {
            let count = going.words.len();
            going.at = (going.at + if back { count - 1 } else { 1 }) % count;
            going
        }
        None => match begin(state) {
            Some(mut first) => {
                first.at = if back { first.words.len() - 1 } else { 0 };
                first
            }
            None => return,
        },
    };
    let candidate = &completion.words[completion.at];
    let (word, tail) = (candidate.text.clone(), candidate.tail);
    let composer = state.composer_mut();
    composer.replace_before(completion.chars, &word);
    state.behind = Behind::Space(tail);
    state.completion = Some(Completion {
        chars: word.chars().count(),
        ..completion
    });
}

/// Makes way for a character that is typed behind what Tab has put there: a space stands there already, a
/// sign takes its place, and where the sign turns out to begin something, such as `:tada:` or `:)`, the
/// space comes back. False when nothing is left to be typed.
pub fn make_way(state: &mut State, behind: Behind, c: char) -> bool {
    let composer = state.composer_mut();
    match behind {
        Behind::Nothing => {}
        Behind::Space(_) if c == ' ' => return false,
        Behind::Space(tail) if tail > 0 && CLOSING.contains(c) => {
            composer.replace_before(tail, "");
            state.behind = Behind::Sign;
        }
        Behind::Space(_) => {}
        Behind::Sign => {
            let smiles = "-)(/|*".contains(c);
            let sign = match composer.before_cursor().chars().next_back() {
                Some(':') if smiles || c == '+' || c.is_alphanumeric() => " :",
                Some(';') if smiles => " ;",
                Some(_) | None => return true,
            };
            composer.replace_before(1, sign);
        }
    }
    true
}

/// A name between two colons is meant as it is: the second colon makes it the emoji.
pub fn close_emoji(composer: &mut Composer) {
    let before = composer.before_cursor();
    let Some(open) = before.strip_suffix(':') else {
        return;
    };
    let Some(name) = signed(last_word(open), ':').filter(|name| name.len() > 1) else {
        return;
    };
    if let Some(emoji) = emoji::named(name) {
        composer.replace_before(name.chars().count() + 2, emoji);
    }
}

fn begin(state: &State) -> Option<Completion> {
    let composer = state.composer();
    let before = composer.before_cursor();
    let begun = last_word(&before);
    let rest = &before[..before.len() - begun.len()];
    let at_start = rest.is_empty() && composer.in_first_line();
    let (words, typed) = found(state, begun, rest.trim_end(), at_start);
    (!words.is_empty()).then(|| Completion {
        words,
        at: 0,
        chars: typed.chars().count(),
    })
}

/// What the word may become, and the part of it in whose place that stands.
fn found<'a>(
    state: &State,
    begun: &'a str,
    rest: &str,
    at_start: bool,
) -> (Vec<Candidate>, &'a str) {
    if let Some(name) = begun.strip_prefix('/').filter(|_| at_start) {
        return (command_names(name), begun);
    }
    let command = rest.strip_prefix('/').and_then(commands::find);
    let arguments = match command.map(|command| command.names[0]) {
        Some("join") => Some(rooms(state, begun.trim_start_matches('#'), "")),
        Some("leave") => Some(open_rooms(state, begun)),
        Some("msg") => Some(names(state, begun.trim_start_matches('@'), "", " ")),
        Some("react") => Some(emoji_named(begun.trim_start_matches(':'))),
        _ => None,
    };
    if let Some(arguments) = arguments {
        return (arguments.into_iter().map(argument).collect(), begun);
    }
    let tail = |name: &str| &begun[begun.len() - name.len() - 1..];
    if let Some(name) = signed(begun, ':').filter(|name| !name.is_empty()) {
        return (emoji_named(name), tail(name));
    }
    if let Some(name) = signed(begun, '#') {
        return (rooms(state, name, "#"), tail(name));
    }
    if let Some(name) = signed(begun, '@') {
        return (names(state, name, "@", " "), tail(name));
    }
    if begun.is_empty() {
        return (Vec::new(), begun);
    }
    let after = if at_start { ": " } else { " " };
    (names(state, begun, "", after), begun)
}

fn last_word(before: &str) -> &str {
    before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default()
}

/// What stands behind the sign, where the sign begins a word.
fn signed(word: &str, sign: char) -> Option<&str> {
    let (ahead, name) = word.rsplit_once(sign)?;
    let begins = ahead
        .graphemes(true)
        .next_back()
        .is_none_or(|before| "([{\"'*_>".contains(before) || emoji::name_of(before).is_some());
    let part = |c: char| match sign {
        ':' => c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-'),
        _ => c.is_alphanumeric() || matches!(c, '_' | '.' | '-'),
    };
    (begins && name.chars().all(part)).then_some(name)
}

fn command_names(begun: &str) -> Vec<Candidate> {
    let names = COMMANDS.iter().map(|command| command.names[0]);
    let fitting = names.filter(|name| begins(name, begun));
    fitting
        .map(|name| argument(candidate(&format!("/{name}"), " ")))
        .collect()
}

fn emoji_named(name: &str) -> Vec<Candidate> {
    let found = if name.is_empty() {
        emoji::at_hand().collect()
    } else {
        emoji::find(name, WORDS_MAX)
    };
    let words = found.into_iter().map(|(emoji, name)| Candidate {
        label: format!("{emoji} :{name}:"),
        ..candidate(emoji, " ")
    });
    words.collect()
}

/// Rooms that this person is in, then those that the node has told of.
fn rooms(state: &State, begun: &str, sign: &str) -> Vec<Candidate> {
    let open = state.rooms.iter().filter(|room| !room.is_direct());
    let told = state.known_rooms.iter().map(String::as_str);
    let names = open.map(|room| room.name.as_str()).chain(told);
    let words = distinct(names.filter(|name| begins(name, begun)));
    words
        .map(|name| candidate(&format!("{sign}{name}"), " "))
        .collect()
}

/// What can be left: rooms, and conversations with their sign.
fn open_rooms(state: &State, begun: &str) -> Vec<Candidate> {
    let begun = begun.trim_start_matches('#');
    let names = state.rooms.iter().map(|room| room.name.as_str());
    let fitting = names.filter(|name| begins(name, begun));
    fitting.map(|name| candidate(name, " ")).collect()
}

/// Names of the people here, who wrote last first, then of those in other rooms.
fn names(state: &State, begun: &str, sign: &str, after: &str) -> Vec<Candidate> {
    let Some(room) = state.room() else {
        return Vec::new();
    };
    let writers = room
        .timeline
        .messages_back()
        .map(|message| message.from.as_str());
    let here = room.people.sorted().into_iter();
    let elsewhere = state.rooms.iter().flat_map(|room| room.people.sorted());
    let listed = here.chain(elsewhere).map(|user| user.name.as_str());
    let me = state.me.as_ref().map(|me| me.name.as_str());
    let fitting = writers
        .chain(listed)
        .filter(|name| begins(name, begun) && Some(*name) != me);
    let words = distinct(fitting);
    words
        .map(|name| candidate(&format!("{sign}{name}"), after))
        .collect()
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut seen = HashSet::new();
    names.filter(move |name| seen.insert(*name)).take(WORDS_MAX)
}

fn candidate(word: &str, after: &str) -> Candidate {
    // As the composer takes it, so that it can be counted.
    let word = clean(word, false);
    Candidate {
        text: format!("{word}{after}"),
        label: word,
        tail: after.len(),
    }
}

/// A word of a command: what is typed behind it is the next one.
fn argument(word: Candidate) -> Candidate {
    Candidate { tail: 0, ..word }
}

/// Whether a word begins like that, in any case.
fn begins(word: &str, begun: &str) -> bool {
    let mut letters = word.graphemes(true);
    begun.graphemes(true).all(|wanted| {
        letters
            .next()
            .is_some_and(|g| g.to_lowercase() == wanted.to_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_begins_a_word() {
        for (word, sign, name) in [
            (":ta", ':', Some("ta")),
            ("(:ta", ':', Some("ta")),
            ("#lob", '#', Some("lob")),
            ("\"@bo", '@', Some("bo")),
            ("a:ta", ':', None),
            ("std::io", ':', None),
            ("12:30", ':', None),
            ("me@bo", '@', None),
            ("👩\u{200d}👩\u{200d}👧:ta", ':', Some("ta")),
            ("é:ta", ':', None),
            (":a/b", ':', None),
        ] {
            assert_eq!(signed(word, sign), name, "{word}");
        }
    }

    #[test]
    fn a_closed_name_becomes_the_emoji_and_what_is_none_stays() {
        for (typed, left) in [
            (":tada:", "🎉"),
            ("so (:+1:", "so (👍"),
            ("🎉:tada:", "🎉🎉"),
            (":nosuch:", ":nosuch:"),
            ("std::io::", "std::io::"),
            ("at 12:30:", "at 12:30:"),
            (":x:", ":x:"),
        ] {
            let mut composer = Composer::default();
            composer.insert(typed);
            close_emoji(&mut composer);
            assert_eq!(composer.text(), left);
            if left != typed {
                composer.undo();
                composer.undo();
                assert_eq!(composer.text(), typed);
            }
        }
    }
}
