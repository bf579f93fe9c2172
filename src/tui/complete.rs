//! Tab: goes through the commands, rooms and names that the word before the cursor may become.

use unicode_segmentation::UnicodeSegmentation;

use super::commands::COMMANDS;
use super::state::{Completion, State};

/// Words that Tab goes through.
const WORDS_MAX: usize = 50;

/// Puts the next word in place of the one before the cursor.
pub fn next(state: &mut State) {
    let completion = match state.completion.take() {
        Some(mut going) => {
            going.at = (going.at + 1) % going.words.len();
            going
        }
        None => match begin(state) {
            Some(first) => first,
            None => return,
        },
    };
    let word = completion.words[completion.at].clone();
    let Some(room) = state.room_mut() else { return };
    room.composer.replace_before(completion.chars, &word);
    state.completion = Some(Completion {
        chars: word.chars().count(),
        ..completion
    });
}

fn begin(state: &State) -> Option<Completion> {
    let room = state.room()?;
    let before = room.composer.before_cursor();
    let begun = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let rest = &before[..before.len() - begun.len()];
    let at_start = rest.is_empty() && room.composer.in_first_line();
    let words = match begun.strip_prefix('/') {
        Some(name) if at_start => commands(name),
        Some(_) | None if rest.trim_end() == "/join" || rest.trim_end() == "/leave" => {
            rooms(state, begun)
        }
        Some(_) | None => names(state, begun, at_start),
    };
    (!words.is_empty()).then(|| Completion {
        words,
        at: 0,
        chars: begun.chars().count(),
    })
}

fn commands(begun: &str) -> Vec<String> {
    let names = COMMANDS.iter().map(|command| command.names[0]);
    let fitting = names.filter(|name| begins(name, begun));
    fitting.map(|name| format!("/{name} ")).collect()
}

fn rooms(state: &State, begun: &str) -> Vec<String> {
    let begun = begun.trim_start_matches('#');
    let rooms = state.rooms.iter().filter(|room| !room.is_direct());
    let fitting = rooms.filter(|room| begins(&room.name, begun));
    fitting.map(|room| format!("{} ", room.name)).collect()
}

/// Names of the people here, who wrote last first; at the start of a text they are spoken to.
fn names(state: &State, begun: &str, at_start: bool) -> Vec<String> {
    let (sign, begun) = match begun.strip_prefix('@') {
        Some(begun) => ("@", begun),
        None => ("", begun),
    };
    let Some(room) = state.room() else {
        return Vec::new();
    };
    if begun.is_empty() && sign.is_empty() {
        return Vec::new();
    }
    let writers = room
        .timeline
        .messages_back()
        .map(|message| message.from.as_str());
    let people = room.people.sorted();
    let listed = people.iter().map(|user| user.name.as_str());
    let me = state.me.as_ref().map(|me| me.name.as_str());
    let mut names: Vec<String> = Vec::new();
    for name in writers.chain(listed) {
        if names.len() < WORDS_MAX
            && begins(name, begun)
            && Some(name) != me
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    let after = if at_start && sign.is_empty() {
        ": "
    } else {
        " "
    };
    names
        .into_iter()
        .map(|name| format!("{sign}{name}{after}"))
        .collect()
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
