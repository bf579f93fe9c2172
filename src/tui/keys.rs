//! The one table of keys. What a key does and what help says of it come from here.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Send,
    NewLine,
    Complete,
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    /// The line above in the composer, or the line sent before.
    Up,
    /// The line below in the composer, or the line sent after.
    Down,
    Backspace,
    Delete,
    DeleteWordBack,
    DeleteWordForward,
    KillToStart,
    KillToEnd,
    Yank,
    Undo,
    Redo,
    EditLast,
    Resend,
    PageUp,
    PageDown,
    ScrollUp,
    ScrollDown,
    /// To the newest message, or, when there already, to the end of the line.
    NewestOrEnd,
    Newest,
    FirstUnread,
    PreviousRoom,
    NextRoom,
    ActiveRoom,
    /// The room with this number, from 1.
    Room(u8),
    Help,
    /// Shows the monitoring pane, or the chat again.
    Monitor,
    /// Something in the monitoring pane.
    Pane(Pane),
    Redraw,
    /// Leaves an overlay, a reply or an edit.
    Cancel,
    /// Clears the line; on an empty one, twice, quits.
    Interrupt,
    Quit,
}

/// What a key asks for in the monitoring pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Back,
    NextList,
    PreviousList,
    Sort,
    Reverse,
    Pause,
}

/// A key with its modifiers; Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Under which heading help shows a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Writing,
    Reading,
    Rooms,
    Program,
    /// In the monitoring pane, and there alone.
    Monitoring,
}

impl Topic {
    pub const ALL: [Topic; 5] = [
        Topic::Writing,
        Topic::Reading,
        Topic::Rooms,
        Topic::Monitoring,
        Topic::Program,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Topic::Writing => "Writing",
            Topic::Reading => "Reading",
            Topic::Rooms => "Rooms",
            Topic::Program => "Program",
            Topic::Monitoring => "In the monitoring pane",
        }
    }
}

pub struct Binding {
    pub topic: Topic,
    pub keys: &'static [Key],
    pub action: Action,
    /// What it does, for help; empty for what goes without saying.
    pub help: &'static str,
}

/// All bindings, in the order in which help shows them.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = {
    use Action::*;
    use KeyCode as K;
    use Topic::*;
    &[
        bind(Writing, &[plain(K::Enter)], Send, "send"),
        bind(Writing, &[alt(K::Enter), ctrl('j')], NewLine, "new line"),
        bind(Writing, &[plain(K::Tab)], Complete, "complete a name or command"),
        bind(Writing, &[plain(K::Up)], Up, "line above, or what was sent before"),
        bind(Writing, &[plain(K::Down)], Down, "line below, or what was sent after"),
        bind(Writing, &[plain(K::Left), ctrl('b')], Left, ""),
        bind(Writing, &[plain(K::Right), ctrl('f')], Right, ""),
        bind(Writing, &[alt(K::Char('b')), ctrl_code(K::Left)], WordLeft, "word to the left"),
        bind(Writing, &[alt(K::Char('f')), ctrl_code(K::Right)], WordRight, "word to the right"),
        bind(Writing, &[ctrl('a'), plain(K::Home)], LineStart, "start of the line"),
        bind(Writing, &[ctrl('e')], LineEnd, "end of the line"),
        bind(Writing, &[plain(K::Backspace), ctrl('h')], Backspace, ""),
        bind(Writing, &[plain(K::Delete), ctrl('d')], Delete, ""),
        bind(Writing, &[ctrl('w'), alt(K::Backspace)], DeleteWordBack, "delete the word before"),
        bind(Writing, &[alt(K::Char('d'))], DeleteWordForward, "delete the word after"),
        bind(Writing, &[ctrl('u')], KillToStart, "delete to the start of the line"),
        bind(Writing, &[ctrl('k')], KillToEnd, "delete to the end of the line"),
        bind(Writing, &[ctrl('y')], Yank, "put back what was deleted"),
        bind(Writing, &[ctrl('z'), ctrl('_'), ctrl('7')], Undo, "undo"),
        bind(Writing, &[alt(K::Char('z'))], Redo, "redo"),
        bind(Writing, &[alt(K::Char('e'))], EditLast, "edit your last message"),
        bind(Writing, &[ctrl('r')], Resend, "send failed messages again"),
        bind(Reading, &[plain(K::PageUp)], PageUp, "page up, through the whole history"),
        bind(Reading, &[plain(K::PageDown)], PageDown, "page down"),
        bind(Reading, &[ctrl_code(K::Up), shift(K::Up)], ScrollUp, "line up (or the wheel)"),
        bind(Reading, &[ctrl_code(K::Down), shift(K::Down)], ScrollDown, "line down"),
        bind(Reading, &[plain(K::End)], NewestOrEnd, "newest message"),
        bind(Reading, &[ctrl_code(K::End)], Newest, ""),
        bind(Reading, &[alt(K::Char('u'))], FirstUnread, "first unread message"),
        bind(Rooms, &[alt(K::Up), ctrl('p')], PreviousRoom, "room above"),
        bind(Rooms, &[alt(K::Down), ctrl('n')], NextRoom, "room below"),
        bind(Rooms, &[alt(K::Char('a'))], ActiveRoom, "next room with something unread"),
        bind(Rooms, &[alt(K::Char('1'))], Room(1), "room by its number"),
        bind(Rooms, &[alt(K::Char('2'))], Room(2), ""),
        bind(Rooms, &[alt(K::Char('3'))], Room(3), ""),
        bind(Rooms, &[alt(K::Char('4'))], Room(4), ""),
        bind(Rooms, &[alt(K::Char('5'))], Room(5), ""),
        bind(Rooms, &[alt(K::Char('6'))], Room(6), ""),
        bind(Rooms, &[alt(K::Char('7'))], Room(7), ""),
        bind(Rooms, &[alt(K::Char('8'))], Room(8), ""),
        bind(Rooms, &[alt(K::Char('9'))], Room(9), ""),
        bind(Program, &[plain(K::F(1))], Help, "this help"),
        bind(Program, &[plain(K::F(2))], Monitor, "the nodes' figures, for administrators; back"),
        bind(Program, &[plain(K::Esc)], Cancel, "leave help, a reply or an edit"),
        bind(Program, &[ctrl('l')], Redraw, "draw the screen anew"),
        bind(Program, &[ctrl('c')], Interrupt, "clear the line; twice: quit"),
        bind(Program, &[ctrl('q')], Quit, "quit"),
        bind(Monitoring, &[plain(K::Tab)], Pane(self::Pane::NextList), "nodes, rooms, links, events"),
        bind(Monitoring, &[plain(K::BackTab), shift(K::BackTab)], Pane(self::Pane::PreviousList), ""),
        bind(Monitoring, &[plain(K::Up), plain(K::Char('k'))], Pane(self::Pane::Up), "row above"),
        bind(Monitoring, &[plain(K::Down), plain(K::Char('j'))], Pane(self::Pane::Down), "row below"),
        bind(Monitoring, &[plain(K::PageUp)], Pane(self::Pane::PageUp), ""),
        bind(Monitoring, &[plain(K::PageDown)], Pane(self::Pane::PageDown), ""),
        bind(Monitoring, &[plain(K::Home)], Pane(self::Pane::First), "first row"),
        bind(Monitoring, &[plain(K::End)], Pane(self::Pane::Last), "last row"),
        bind(Monitoring, &[plain(K::Enter)], Pane(self::Pane::Open), "all of the chosen node or room"),
        bind(Monitoring, &[plain(K::Esc)], Pane(self::Pane::Back), "back to the lists"),
        bind(Monitoring, &[plain(K::Char('s'))], Pane(self::Pane::Sort), "sort by the next column"),
        bind(Monitoring, &[plain(K::Char('r'))], Pane(self::Pane::Reverse), "the other way round"),
        bind(Monitoring, &[plain(K::Char(' '))], Pane(self::Pane::Pause), "pause, and go on"),
    ]
};

/// What the key asks for; none for a character to be typed, and for keys that mean nothing.
pub fn action(event: &KeyEvent) -> Option<Action> {
    bound(event, |topic| topic != Topic::Monitoring)
}

/// The same in the monitoring pane, where nothing is typed.
pub fn pane_action(event: &KeyEvent) -> Option<Action> {
    let pane = bound(event, |topic| topic == Topic::Monitoring);
    pane.or_else(|| bound(event, |topic| topic == Topic::Program))
}

fn bound(event: &KeyEvent, here: impl Fn(Topic) -> bool) -> Option<Action> {
    let pressed = Key::of(event);
    let mut bindings = BINDINGS.iter().filter(|binding| here(binding.topic));
    let bound = bindings.find(|binding| binding.keys.contains(&pressed));
    bound.map(|binding| binding.action)
}

/// The character that the key types.
pub fn typed(event: &KeyEvent) -> Option<char> {
    let command = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER;
    match event.code {
        KeyCode::Char(c) if !event.modifiers.intersects(command) => Some(c),
        _ => None,
    }
}

impl Key {
    fn of(event: &KeyEvent) -> Key {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_)) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        Key {
            code: event.code,
            modifiers,
        }
    }

    /// `Ctrl+A`, `Alt+Enter`, `F1`.
    fn label(&self) -> String {
        let mut label = String::new();
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "Ctrl+"),
            (KeyModifiers::ALT, "Alt+"),
            (KeyModifiers::SHIFT, "Shift+"),
        ] {
            if self.modifiers.contains(modifier) {
                label.push_str(name);
            }
        }
        match self.code {
            KeyCode::Char(' ') => label.push_str("Space"),
            KeyCode::Char(c) if self.modifiers.is_empty() => label.push(c),
            KeyCode::Char(c) => label.extend(c.to_uppercase()),
            KeyCode::PageUp => label.push_str("PgUp"),
            KeyCode::PageDown => label.push_str("PgDn"),
            KeyCode::Delete => label.push_str("Del"),
            code => label.push_str(&code.to_string()),
        }
        label
    }
}

impl Binding {
    /// The keys as help names them.
    pub fn label(&self) -> String {
        if self.action == Action::Room(1) {
            return "Alt+1…9".to_owned();
        }
        let labels: Vec<String> = self.keys.iter().take(2).map(Key::label).collect();
        labels.join(", ")
    }
}

const fn bind(topic: Topic, keys: &'static [Key], action: Action, help: &'static str) -> Binding {
    Binding {
        topic,
        keys,
        action,
        help,
    }
}

const fn plain(code: KeyCode) -> Key {
    with(code, KeyModifiers::NONE)
}

const fn ctrl(c: char) -> Key {
    with(KeyCode::Char(c), KeyModifiers::CONTROL)
}

const fn ctrl_code(code: KeyCode) -> Key {
    with(code, KeyModifiers::CONTROL)
}

const fn alt(code: KeyCode) -> Key {
    with(code, KeyModifiers::ALT)
}

const fn shift(code: KeyCode) -> Key {
    with(code, KeyModifiers::SHIFT)
}

const fn with(code: KeyCode, modifiers: KeyModifiers) -> Key {
    Key { code, modifiers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_bound_twice() {
        for in_pane in [false, true] {
            let mut keys: Vec<Key> = Vec::new();
            let here = |binding: &&Binding| (binding.topic == Topic::Monitoring) == in_pane;
            let bindings = BINDINGS.iter().filter(here);
            for key in bindings.flat_map(|binding| binding.keys) {
                assert!(!keys.contains(key), "{} is bound twice", key.label());
                keys.push(*key);
            }
        }
    }

    #[test]
    fn keys_are_known_with_their_modifiers() {
        let key = |code, modifiers| action(&KeyEvent::new(code, modifiers));
        assert_eq!(
            key(KeyCode::Enter, KeyModifiers::ALT),
            Some(Action::NewLine)
        );
        assert_eq!(key(KeyCode::Enter, KeyModifiers::NONE), Some(Action::Send));
        assert_eq!(
            key(KeyCode::Char('3'), KeyModifiers::ALT),
            Some(Action::Room(3))
        );
        assert_eq!(key(KeyCode::Char('a'), KeyModifiers::NONE), None);
        let shifted = KeyEvent::new(KeyCode::Char('A'), KeyModifiers::SHIFT);
        assert_eq!((action(&shifted), typed(&shifted)), (None, Some('A')));
    }

    #[test]
    fn the_pane_has_keys_of_its_own_and_those_of_the_program() {
        let key = |code| pane_action(&KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(key(KeyCode::Enter), Some(Action::Pane(Pane::Open)));
        assert_eq!(key(KeyCode::Esc), Some(Action::Pane(Pane::Back)));
        assert_eq!(key(KeyCode::F(2)), Some(Action::Monitor));
        assert_eq!(
            (key(KeyCode::Delete), key(KeyCode::Char('x'))),
            (None, None)
        );
    }

    #[test]
    fn labels_read_as_on_the_keyboard() {
        let label = |wanted: Action| {
            let found = BINDINGS.iter().find(|binding| binding.action == wanted);
            found.unwrap().label()
        };
        assert_eq!(label(Action::NewLine), "Alt+Enter, Ctrl+J");
        assert_eq!(label(Action::PageUp), "PgUp");
        assert_eq!(label(Action::Room(1)), "Alt+1…9");
    }
}
