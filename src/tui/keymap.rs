//! Keys as they are bound: as the table has them, but for what the settings say otherwise.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys::{Action, BINDINGS, Binding, Choice, Topic};
use super::near::nearest;

/// Keys that help names for an action.
const LABELS_MAX: usize = 2;

/// A key with its modifiers; Shift is part of the character, and of the tab that goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Which keys ask for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// Those of each binding, in the order of the table.
    keys: Vec<Vec<Key>>,
}

/// What the settings say of one action: these keys ask for it, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// Its place in the table.
    at: usize,
    keys: Vec<Key>,
}

/// Where a key means something; the same key may mean something else elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Chat,
    Pane,
    List,
    Message,
}

fn place(topic: Topic) -> Place {
    match topic {
        Topic::Writing | Topic::Reading | Topic::Rooms | Topic::Program => Place::Chat,
        Topic::Monitoring => Place::Pane,
        Topic::Choosing => Place::List,
        Topic::Selecting => Place::Message,
    }
}

impl Default for Keymap {
    fn default() -> Keymap {
        let keys = BINDINGS.iter().map(|binding| binding.keys.to_vec());
        Keymap {
            keys: keys.collect(),
        }
    }
}

impl Keymap {
    /// The table with these changes. A key that is given to one action is taken from the others.
    ///
    /// # Errors
    /// When the changes give one key to two actions, or name an action twice; with the reason.
    pub fn rebound(changes: &[Rebinding]) -> Result<Keymap, String> {
        let mut map = Keymap::default();
        for (nth, change) in changes.iter().enumerate() {
            let name = BINDINGS[change.at].name;
            let here = place(BINDINGS[change.at].topic);
            for before in &changes[..nth] {
                let other = &BINDINGS[before.at];
                if before.at == change.at {
                    return Err(format!("\"{name}\" is bound twice"));
                }
                let shared = change.keys.iter().find(|key| before.keys.contains(key));
                if let Some(key) = shared.filter(|_| place(other.topic) == here) {
                    return Err(format!(
                        "\"{key}\" is bound to both \"{}\" and \"{name}\"",
                        other.name
                    ));
                }
            }
            for (binding, keys) in BINDINGS.iter().zip(&mut map.keys) {
                if place(binding.topic) == here {
                    keys.retain(|key| !change.keys.contains(key));
                }
            }
            map.keys[change.at].clone_from(&change.keys);
        }
        Ok(map)
    }

    /// What the key asks for; none for a character to be typed, and for keys that mean nothing.
    pub fn action(&self, event: &KeyEvent) -> Option<Action> {
        self.bound(event, |topic| place(topic) == Place::Chat)
    }

    /// The same in the monitoring pane, where nothing is typed.
    pub fn pane_action(&self, event: &KeyEvent) -> Option<Action> {
        let pane = self.bound(event, |topic| topic == Topic::Monitoring);
        pane.or_else(|| self.bound(event, |topic| topic == Topic::Program))
    }

    /// The same in a list over the screen.
    pub fn choice(&self, event: &KeyEvent) -> Option<Choice> {
        match self.bound(event, |topic| topic == Topic::Choosing) {
            Some(Action::Choice(choice)) => Some(choice),
            Some(_) | None => None,
        }
    }

    /// The same while a message is chosen, where nothing is typed.
    pub fn message_action(&self, event: &KeyEvent) -> Option<Action> {
        let deed = self.bound(event, |topic| topic == Topic::Selecting);
        let moves = |topic| matches!(topic, Topic::Reading | Topic::Rooms | Topic::Program);
        deed.or_else(|| self.bound(event, moves))
    }

    fn bound(&self, event: &KeyEvent, here: impl Fn(Topic) -> bool) -> Option<Action> {
        let pressed = Key::of(event);
        let mut bindings = BINDINGS.iter().zip(&self.keys);
        let bound = bindings.find(|(binding, keys)| here(binding.topic) && keys.contains(&pressed));
        bound.map(|(binding, _)| binding.action)
    }

    /// The bindings, each with its keys as help names them: nothing for what no key asks for.
    pub fn labelled(&self) -> impl Iterator<Item = (&'static Binding, String)> {
        let bindings = BINDINGS.iter().zip(&self.keys);
        bindings.map(|(binding, keys)| (binding, self.label_of(binding, keys)))
    }

    /// The keys that ask for this, as help names them.
    pub fn label(&self, action: Action) -> String {
        let found = self
            .labelled()
            .find(|(binding, _)| binding.action == action);
        found.map(|(_, label)| label).unwrap_or_default()
    }

    /// The first of them, for a hint.
    pub fn first(&self, action: Action) -> Option<String> {
        let mut bindings = BINDINGS.iter().zip(&self.keys);
        let (_, keys) = bindings.find(|(binding, _)| binding.action == action)?;
        keys.first().map(Key::label)
    }

    fn label_of(&self, binding: &Binding, keys: &[Key]) -> String {
        if binding.action == Action::Room(1) && self.numbers_are_as_usual() {
            return "Alt+1…9".to_owned();
        }
        let labels: Vec<String> = keys.iter().take(LABELS_MAX).map(Key::label).collect();
        labels.join(", ")
    }

    fn numbers_are_as_usual(&self) -> bool {
        let mut bindings = BINDINGS.iter().zip(&self.keys);
        bindings.all(|(binding, keys)| {
            !matches!(binding.action, Action::Room(_)) || keys == binding.keys
        })
    }
}

impl Rebinding {
    /// Binds the action of this name to these keys, to none if there are none.
    ///
    /// # Errors
    /// When there is no such action or key, or the key is needed for writing; with the reason.
    pub fn new(name: &str, keys: &[&str]) -> Result<Rebinding, String> {
        let Some(at) = BINDINGS.iter().position(|binding| binding.name == name) else {
            let names: Vec<&str> = BINDINGS.iter().map(|binding| binding.name).collect();
            let wanted = match nearest(name, names.iter().copied()) {
                Some(near) => format!("there is \"{near}\""),
                None => format!("actions are {}", names.join(", ")),
            };
            return Err(format!("there is no action \"{name}\"; {wanted}"));
        };
        let writes = matches!(place(BINDINGS[at].topic), Place::Chat | Place::List);
        let mut parsed: Vec<Key> = Vec::new();
        for text in keys {
            let key = Key::parse(text)?;
            if writes && matches!(key.code, KeyCode::Char(_)) && key.modifiers.is_empty() {
                return Err(format!(
                    "\"{text}\" is a character to write with: put ctrl- or alt- before it"
                ));
            }
            if !parsed.contains(&key) {
                parsed.push(key);
            }
        }
        Ok(Rebinding { at, keys: parsed })
    }

    /// Reads `name=key key`, as an option has it.
    ///
    /// # Errors
    /// As [`Rebinding::new`].
    pub fn parse(text: &str) -> Result<Rebinding, String> {
        let (name, keys) = text
            .split_once('=')
            .ok_or("a binding is ACTION=KEY, such as switcher=ctrl-k")?;
        let keys: Vec<&str> = keys.split_whitespace().collect();
        Rebinding::new(name.trim(), &keys)
    }
}

/// As [`Rebinding::parse`] reads it.
impl fmt::Display for Rebinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(Key::to_string).collect();
        write!(f, "{}={}", BINDINGS[self.at].name, keys.join(" "))
    }
}

/// Names of keys in the settings.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("esc", KeyCode::Esc),
    ("space", KeyCode::Char(' ')),
    ("minus", KeyCode::Char('-')),
    ("plus", KeyCode::Char('+')),
    ("comma", KeyCode::Char(',')),
    ("backspace", KeyCode::Backspace),
    ("del", KeyCode::Delete),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
];

/// What terminals send for other keys too, so that the one cannot be told from the other.
const SAME_AS: &[(char, &str)] = &[('i', "tab"), ('m', "enter"), ('[', "esc")];

impl Key {
    /// Reads `ctrl-k`, `alt-enter`, `f5`, `shift-up`; also as help shows them, `Ctrl+K`.
    fn parse(text: &str) -> Result<Key, String> {
        let no_key = || format!("there is no key \"{text}\"; keys are ctrl-k, alt-enter, f5, …");
        let lower = text.to_lowercase();
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = lower.as_str();
        while let Some((modifier, behind)) = ["ctrl", "alt", "shift"].iter().find_map(|name| {
            let behind = rest.strip_prefix(name)?.strip_prefix(['-', '+'])?;
            Some((*name, behind))
        }) {
            modifiers |= match modifier {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                _ => KeyModifiers::SHIFT,
            };
            rest = behind;
        }
        // A capital letter alone is one that is typed with Shift.
        let mut chars = if modifiers.is_empty() { text } else { rest }.chars();
        let single = chars.next().filter(|_| chars.next().is_none());
        let named = NAMED.iter().find(|(name, _)| *name == rest);
        let function = rest.strip_prefix('f').and_then(|n| n.parse::<u8>().ok());
        let code = match (single, named, function) {
            (Some(c), ..) if !c.is_control() && !c.is_whitespace() => KeyCode::Char(c),
            (_, Some((_, code)), _) => *code,
            (_, _, Some(n @ 1..=24)) => KeyCode::F(n),
            _ => return Err(no_key()),
        };
        let ctrl = modifiers.contains(KeyModifiers::CONTROL);
        let same = SAME_AS
            .iter()
            .find(|(c, _)| ctrl && code == KeyCode::Char(*c));
        if let Some((_, same)) = same {
            return Err(format!(
                "terminals send the same for \"{text}\" as for {same}: write \"{same}\""
            ));
        }
        if code == KeyCode::Tab && modifiers.contains(KeyModifiers::SHIFT) {
            modifiers.remove(KeyModifiers::SHIFT);
            return Ok(with(KeyCode::BackTab, modifiers));
        }
        if let KeyCode::Char(c) = code
            && modifiers.contains(KeyModifiers::SHIFT)
        {
            if ctrl {
                return Err(format!(
                    "terminals send the same for \"{text}\" without shift"
                ));
            }
            modifiers.remove(KeyModifiers::SHIFT);
            let upper = c.to_uppercase().next().unwrap_or(c);
            return Ok(with(KeyCode::Char(upper), modifiers));
        }
        Ok(with(code, modifiers))
    }

    fn of(event: &KeyEvent) -> Key {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        with(event.code, modifiers)
    }

    /// `Ctrl+A`, `Alt+Enter`, `F1`.
    pub fn label(&self) -> String {
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
            KeyCode::Char(c) if c.is_uppercase() => {
                label.push_str("Shift+");
                label.push(c);
            }
            KeyCode::Char(c) => label.extend(c.to_uppercase()),
            KeyCode::BackTab => label.push_str("Shift+Tab"),
            KeyCode::PageUp => label.push_str("PgUp"),
            KeyCode::PageDown => label.push_str("PgDn"),
            KeyCode::Delete => label.push_str("Del"),
            code => label.push_str(&code.to_string()),
        }
        label
    }
}

/// As the settings have it: `ctrl-a`, `alt-enter`, `f1`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        match (named, self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) if c.is_uppercase() => {
                write!(f, "shift-{}", c.to_lowercase())
            }
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, code) => f.write_str(&code.to_string().to_lowercase()),
        }
    }
}

pub(super) const fn plain(code: KeyCode) -> Key {
    with(code, KeyModifiers::NONE)
}

pub(super) const fn ctrl(c: char) -> Key {
    with(KeyCode::Char(c), KeyModifiers::CONTROL)
}

pub(super) const fn ctrl_code(code: KeyCode) -> Key {
    with(code, KeyModifiers::CONTROL)
}

pub(super) const fn alt(code: KeyCode) -> Key {
    with(code, KeyModifiers::ALT)
}

pub(super) const fn shift(code: KeyCode) -> Key {
    with(code, KeyModifiers::SHIFT)
}

const fn with(code: KeyCode, modifiers: KeyModifiers) -> Key {
    Key { code, modifiers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::{Pane, typed};

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    fn map(changes: &[(&str, &[&str])]) -> Result<Keymap, String> {
        let changes = changes
            .iter()
            .map(|(name, keys)| Rebinding::new(name, keys));
        Keymap::rebound(&changes.collect::<Result<Vec<_>, _>>()?)
    }

    #[test]
    fn no_key_is_bound_twice_and_no_name_given_twice() {
        for here in [Place::Chat, Place::Pane, Place::List, Place::Message] {
            let mut keys: Vec<Key> = Vec::new();
            let bindings = BINDINGS.iter().filter(|b| place(b.topic) == here);
            for key in bindings.flat_map(|binding| binding.keys) {
                assert!(!keys.contains(key), "{key} is bound twice");
                keys.push(*key);
            }
        }
        let mut names: Vec<&str> = BINDINGS.iter().map(|binding| binding.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BINDINGS.len());
    }

    #[test]
    fn the_page_about_the_terminal_has_the_table() {
        let page = include_str!("../../docs/TERMINAL.md");
        for binding in BINDINGS {
            let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            let (name, help) = (binding.name, binding.help);
            let row = format!("| `{name}` | {} | {help} |\n", keys.join(", "));
            assert!(page.contains(&row), "docs/TERMINAL.md needs {row}");
        }
    }

    #[test]
    fn keys_are_known_with_their_modifiers() {
        let keys = Keymap::default();
        let key = |code, modifiers| keys.action(&pressed(code, modifiers));
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
        let shifted = pressed(KeyCode::Char('A'), KeyModifiers::SHIFT);
        assert_eq!((keys.action(&shifted), typed(&shifted)), (None, Some('A')));
    }

    #[test]
    fn the_pane_has_keys_of_its_own_and_those_of_the_program() {
        let keys = Keymap::default();
        let key = |code| keys.pane_action(&pressed(code, KeyModifiers::NONE));
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
        let keys = Keymap::default();
        assert_eq!(keys.label(Action::NewLine), "Alt+Enter, Ctrl+J");
        assert_eq!(keys.label(Action::PageUp), "PgUp");
        assert_eq!(keys.label(Action::Room(1)), "Alt+1…9");
    }

    #[test]
    fn a_rebound_key_is_taken_from_what_it_asked_for_before() {
        let keys = map(&[
            ("switcher", &["ctrl-w", "F5"]),
            ("quit", &[]),
            ("room-1", &["alt-shift-j"]),
        ])
        .unwrap();
        let key = |code, modifiers| keys.action(&pressed(code, modifiers));
        let control = KeyModifiers::CONTROL;
        assert_eq!(key(KeyCode::Char('w'), control), Some(Action::Switcher));
        assert_eq!(
            key(KeyCode::F(5), KeyModifiers::NONE),
            Some(Action::Switcher)
        );
        assert_eq!(key(KeyCode::Char('k'), control), None);
        assert_eq!(key(KeyCode::Char('q'), control), None);
        let shifted = KeyModifiers::ALT | KeyModifiers::SHIFT;
        assert_eq!(key(KeyCode::Char('J'), shifted), Some(Action::Room(1)));
        assert_eq!(keys.label(Action::DeleteWordBack), "Alt+Backspace");
        assert_eq!(keys.label(Action::Quit), "");
        assert_eq!(keys.label(Action::Room(1)), "Alt+Shift+J");
    }

    #[test]
    fn what_a_key_means_in_a_list_or_the_pane_is_another_matter() {
        let keys = map(&[("previous-room", &["up"]), ("up", &["ctrl-p"])]).unwrap();
        let up = pressed(KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(keys.action(&up), Some(Action::PreviousRoom));
        assert_eq!(keys.choice(&up), Some(Choice::Up));
        assert_eq!(keys.pane_action(&up), Some(Action::Pane(Pane::Up)));
        assert!(map(&[("pane-sort", &["o"])]).is_ok());
    }

    #[test]
    fn a_wrong_binding_is_told_of() {
        let wrong = |changes: &[(&str, &[&str])]| map(changes).unwrap_err();
        assert_eq!(
            wrong(&[("swicher", &[])]),
            "there is no action \"swicher\"; there is \"switcher\""
        );
        assert!(
            wrong(&[("fly", &[])])
                .starts_with("there is no action \"fly\"; actions are send, new-line,")
        );
        assert_eq!(
            wrong(&[("quit", &["hyper-q"])]),
            "there is no key \"hyper-q\"; keys are ctrl-k, alt-enter, f5, …"
        );
        for text in ["", "ctrl-", "f0", "f25", "ctrl-\u{1b}", "kk", "-", "x-y"] {
            assert!(map(&[("quit", &[text])]).is_err(), "{text}");
        }
        assert_eq!(
            wrong(&[("quit", &["ctrl-m"])]),
            "terminals send the same for \"ctrl-m\" as for enter: write \"enter\""
        );
        assert!(wrong(&[("quit", &["q"])]).contains("to write with"));
        assert!(wrong(&[("quit", &["shift-q"])]).contains("to write with"));
        assert_eq!(
            wrong(&[("quit", &["ctrl-x"]), ("send", &["Ctrl+X"])]),
            "\"ctrl-x\" is bound to both \"quit\" and \"send\""
        );
        assert_eq!(
            wrong(&[("quit", &["f9"]), ("quit", &["f8"])]),
            "\"quit\" is bound twice"
        );
    }

    #[test]
    fn every_key_of_the_table_can_be_written_in_the_settings() {
        for binding in BINDINGS {
            let names: Vec<String> = binding.keys.iter().map(Key::to_string).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let bound = Rebinding::new(binding.name, &names).unwrap();
            assert_eq!(bound.keys, binding.keys, "{names:?}");
            assert_eq!(Rebinding::parse(&bound.to_string()), Ok(bound));
            let labels: Vec<String> = binding.keys.iter().map(Key::label).collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            assert_eq!(
                Rebinding::new(binding.name, &labels).unwrap().keys,
                binding.keys
            );
        }
    }
}
