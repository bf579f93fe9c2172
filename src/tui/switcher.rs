//! The switcher: a line to type into, and below it where one may go and what one may do. It is made of
//! the rooms and people that are known here, of the rooms that the node tells of, and of the
//! tables of keys and commands.
//!
//! The list is made anew when something is typed, not when something is heard: what is about to be
//! chosen stays where it is.

use std::cmp::Reverse;
use std::collections::HashSet;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;

use super::commands::{self, COMMANDS, Outcome};
use super::composer::Composer;
use super::event::Effect;
use super::fuzzy::Query;
use super::keys::{Action, Choice, Topic, typed};
use super::layout;
use super::room::Room;
use super::shown::safe;
use super::state::{Asked, Overlay, State, same_name};
use super::update::{act, edit};
use super::{monitor, travel};
use crate::protocol::server::RoomInfo;
use crate::protocol::{ClientFrame, RoomName, UserName};

/// Characters that are typed at most: no name and no command comes near.
const QUERY_CHARS_MAX: usize = 300;

/// Entries that are listed; more are found by typing on.
const FOUND_MAX: usize = 300;

#[derive(Clone, Debug, Default)]
pub struct Switcher {
    pub input: Composer,
    pub found: Vec<Entry>,
    /// The chosen one of `found`.
    pub at: usize,
    /// The first one in sight.
    first: usize,
    /// The rooms that the node told of.
    others: Vec<RoomInfo>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub target: Target,
    /// What it is called: safe, so that the marks count what is seen.
    pub label: String,
    /// The label's visible characters that were looked for.
    pub marks: Vec<usize>,
    /// What is to be said of it.
    pub note: String,
    /// The keys that do it too.
    pub keys: String,
    pub unread: u32,
    /// Those of them that are meant for this person.
    pub urgent: u32,
}

/// Where an entry leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A room or conversation that is open here.
    Open(String),
    Person(String),
    /// A room that is yet to be entered.
    Enter(String),
    Act(Action),
    /// A slash command, by its name.
    Command(&'static str),
}

impl Switcher {
    /// Moves what is chosen, as far as the list goes.
    pub fn go(&mut self, by: isize, size: (u16, u16)) {
        let last = self.found.len().saturating_sub(1);
        self.choose(self.at.saturating_add_signed(by).min(last), size);
    }

    /// The same, round and round.
    fn step(&mut self, by: isize, size: (u16, u16)) {
        let last = self.found.len().saturating_sub(1);
        let at = match self.at.checked_add_signed(by) {
            Some(at) if at <= last => at,
            Some(_) => 0,
            None => last,
        };
        self.choose(at, size);
    }

    fn choose(&mut self, at: usize, size: (u16, u16)) {
        self.at = at;
        self.first = self.first_in_sight(usize::from(layout::switcher(size).list.height));
    }

    /// The first entry that is shown in a list of so many rows, so that the chosen one is in sight.
    pub fn first_in_sight(&self, rows: usize) -> usize {
        let lowest = (self.at + 1).saturating_sub(rows);
        self.first.clamp(lowest, self.at.max(lowest))
    }

    /// Lists what fits to what is typed.
    fn find(&mut self, state: &State) {
        self.found = found(state, &self.input.text(), &self.others);
        (self.at, self.first) = (0, 0);
    }
}

/// Opens it, and asks which rooms there are besides those that are known.
pub fn open(state: &mut State) -> Vec<Effect> {
    open_with(state, "")
}

/// The same with something typed.
pub fn open_with(state: &mut State, typed: &str) -> Vec<Effect> {
    let mut switcher = Box::<Switcher>::default();
    switcher.input.insert(typed);
    switcher.find(state);
    state.overlay = Overlay::Switcher(switcher);
    if state.is_online() {
        return vec![state.ask(Asked::Switcher, ClientFrame::Rooms)];
    }
    Vec::new()
}

/// The rooms that there are. What is chosen stays chosen.
pub fn take(state: &mut State, rooms: &[RoomInfo]) {
    with(state, |switcher, state| {
        switcher.others = rooms.to_vec();
        let (chosen, moved) = (switcher.found.get(switcher.at).cloned(), switcher.at > 0);
        switcher.find(state);
        let chosen = chosen.filter(|_| moved);
        let at = chosen.and_then(|chosen| {
            let mut found = switcher.found.iter();
            found.position(|entry| entry.target == chosen.target)
        });
        switcher.choose(at.unwrap_or(0), state.size);
    });
}

pub fn press(state: &mut State, key: &KeyEvent) -> Vec<Effect> {
    match state.keys.choice(key) {
        Some(Choice::Take) => return take_chosen(state),
        Some(Choice::Leave) => {
            state.overlay = Overlay::None;
            return Vec::new();
        }
        Some(choice) => {
            with(state, |switcher, state| switcher.turn(choice, state.size));
            return Vec::new();
        }
        None => {}
    }
    match (state.keys.action(key), typed(key)) {
        (Some(Action::Quit), _) => return vec![Effect::Quit],
        (Some(Action::Redraw), _) => return vec![Effect::Redraw],
        (Some(Action::Switcher | Action::Cancel | Action::Interrupt), _) => {
            state.overlay = Overlay::None;
        }
        // The line has no second one.
        (Some(Action::NewLine), _) => {}
        (Some(action), _) => type_in(state, |input| edit(input, action)),
        (None, Some(c)) => type_in(state, |input| {
            if input.chars() < QUERY_CHARS_MAX {
                input.insert(c.encode_utf8(&mut [0; 4]));
            }
        }),
        (None, None) => {}
    }
    Vec::new()
}

pub fn paste(state: &mut State, text: &str) {
    let line = text.lines().next().unwrap_or_default();
    type_in(state, |input| {
        let room = QUERY_CHARS_MAX.saturating_sub(input.chars());
        input.insert(&line.chars().take(room).collect::<String>());
    });
}

/// What is clicked on is taken; a click beside the switcher leaves it.
pub fn click(state: &mut State, at: Position) -> Vec<Effect> {
    let parts = layout::switcher(state.size);
    if !parts.frame.contains(at) {
        state.overlay = Overlay::None;
        return Vec::new();
    }
    let Overlay::Switcher(switcher) = &mut state.overlay else {
        return Vec::new();
    };
    if parts.list.contains(at) {
        let first = switcher.first_in_sight(usize::from(parts.list.height));
        let clicked = first + usize::from(at.y - parts.list.y);
        if clicked < switcher.found.len() {
            switcher.at = clicked;
            return take_chosen(state);
        }
    }
    Vec::new()
}

impl Switcher {
    fn turn(&mut self, choice: Choice, size: (u16, u16)) {
        let rows = usize::from(layout::switcher(size).list.height);
        let page = isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(1);
        match choice {
            Choice::Up => self.step(-1, size),
            Choice::Down => self.step(1, size),
            Choice::PageUp => self.go(-page, size),
            Choice::PageDown => self.go(page, size),
            Choice::Take | Choice::Leave => {}
        }
    }
}

/// Changes the switcher by what else is known.
fn with(state: &mut State, change: impl FnOnce(&mut Switcher, &State)) {
    let mut overlay = std::mem::take(&mut state.overlay);
    if let Overlay::Switcher(switcher) = &mut overlay {
        change(switcher, state);
    }
    state.overlay = overlay;
}

fn type_in(state: &mut State, change: impl FnOnce(&mut Composer)) {
    with(state, |switcher, state| {
        let before = switcher.input.text();
        change(&mut switcher.input);
        if switcher.input.text() != before {
            switcher.find(state);
        }
    });
}

/// Goes where the chosen entry leads.
fn take_chosen(state: &mut State) -> Vec<Effect> {
    let Overlay::Switcher(switcher) = &mut state.overlay else {
        return Vec::new();
    };
    let Some(entry) = switcher.found.get(switcher.at) else {
        return Vec::new();
    };
    let target = entry.target.clone();
    let line = switcher.input.text();
    if let Target::Command(name) = target {
        let arguments = arguments(&line, name);
        if arguments.is_none() && wants_arguments(name) {
            switcher.input.set_text(&format!("/{name} "));
            with(state, |switcher, state| switcher.find(state));
            return Vec::new();
        }
    }
    state.overlay = Overlay::None;
    match go(state, &target, &line) {
        Ok(effects) => effects,
        Err(why) => {
            state.say(why);
            Vec::new()
        }
    }
}

fn go(state: &mut State, target: &Target, line: &str) -> Outcome {
    let in_pane = matches!(
        target,
        Target::Act(Action::Monitor | Action::Help | Action::Redraw | Action::Quit)
    );
    if state.monitor.open && !in_pane {
        monitor::toggle(state);
    }
    match target {
        Target::Open(name) => match state.index_of(name) {
            Some(at) => Ok(travel::show(state, at)),
            None => Err(format!("you are not in {name} any more")),
        },
        Target::Person(name) => {
            let name = UserName::parse(name).map_err(|refusal| refusal.message)?;
            Ok(commands::talk(state, &name))
        }
        Target::Enter(name) => {
            let name = RoomName::parse(name).map_err(|refusal| refusal.message)?;
            Ok(commands::enter(state, &name))
        }
        Target::Act(action) => Ok(act(state, *action)),
        Target::Command(name) => {
            let arguments = arguments(line, name).unwrap_or_default();
            commands::run(state, &format!("{name} {arguments}"))
        }
    }
}

/// What is typed behind the command, if it is typed in full.
fn arguments<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (typed, arguments) = line.strip_prefix('/')?.split_once(char::is_whitespace)?;
    let is_it = commands::find(typed)?.names[0] == name;
    is_it.then(|| arguments.trim())
}

fn is_called(entry: &Entry, typed: &str) -> bool {
    let Target::Command(name) = &entry.target else {
        return false;
    };
    let Some(typed) = typed.strip_prefix('/') else {
        return false;
    };
    commands::find(typed).is_some_and(|command| command.names[0] == *name)
}

fn wants_arguments(name: &str) -> bool {
    commands::find(name)
        .is_some_and(|command| !command.arguments.is_empty() && !command.arguments.starts_with('['))
}

/// Where one may go, the best first, and below it what one may do. A line that begins with `>` is about
/// what to do alone, with `/` about commands, with `#` about rooms, with `@` about people.
fn found(state: &State, line: &str, others: &[RoomInfo]) -> Vec<Entry> {
    let line = line.trim_start();
    let (places, doings, wanted) = match line.chars().next() {
        Some('>') => (false, true, &line[1..]),
        // Behind a command stands what it is about.
        Some('/') => (false, true, line.split(' ').next().unwrap_or(line)),
        Some('#' | '@') => (true, false, line),
        Some(_) | None => (true, true, line),
    };
    let query = Query::new(wanted);
    let mut found = Vec::new();
    if places {
        let mut all = open_rooms(state);
        all.extend(people(state, others));
        all.extend(other_rooms(state, others));
        found = fitting(all, &query);
        found.extend(new_place(wanted, &found));
    }
    if doings {
        let mut all = actions(state);
        let (called, others): (Vec<Entry>, Vec<Entry>) = slash_commands()
            .into_iter()
            .partition(|entry| is_called(entry, wanted));
        // A command that is typed in full, by whichever of its names, is the one that is meant.
        found.splice(0..0, called);
        all.extend(others);
        found.extend(fitting(all, &query));
    }
    found.truncate(FOUND_MAX);
    found
}

/// Those that fit, the best first; where there is no telling, the shorter one, else they stay in their
/// order.
fn fitting(all: Vec<Entry>, query: &Query) -> Vec<Entry> {
    if query.is_empty() {
        return all;
    }
    let fits = all.into_iter().filter_map(|mut entry| {
        let fit = query.fit(&entry.label)?;
        entry.marks = fit.marks;
        Some((fit.score, entry))
    });
    let mut fits: Vec<(i32, Entry)> = fits.collect();
    fits.sort_by_key(|(score, entry)| (Reverse(*score), entry.label.chars().count()));
    fits.into_iter().map(|(_, entry)| entry).collect()
}

/// Rooms and conversations that are open, what is meant for this person first, then what is unread;
/// the one that is shown stands last.
fn open_rooms(state: &State) -> Vec<Entry> {
    let mut rooms: Vec<(usize, &Room)> = state.rooms.iter().enumerate().collect();
    rooms.sort_by_key(|(at, room)| (*at == state.active, room.urgent() == 0, room.unread == 0));
    let entries = rooms.into_iter().map(|(at, room)| Entry {
        note: if at == state.active {
            "you are here".to_owned()
        } else {
            room.topic.clone()
        },
        unread: room.unread,
        urgent: room.urgent(),
        ..entry(Target::Open(room.name.clone()), &room.title())
    });
    entries.collect()
}

/// People of the rooms, and those of earlier conversations, that have no conversation open.
fn people(state: &State, others: &[RoomInfo]) -> Vec<Entry> {
    let is_open = |name: &str| {
        let mut open = state
            .rooms
            .iter()
            .filter_map(|room| room.name.strip_prefix('@'));
        open.any(|other| same_name(other, name))
    };
    let mut seen = HashSet::new();
    let mut people: Vec<(String, &'static str)> = Vec::new();
    for user in state
        .rooms
        .iter()
        .flat_map(|room| room.people.list.values())
    {
        if !state.is_me(&user.uid) && seen.insert(user.uid.clone()) {
            people.push((user.name.clone(), if user.away { "away" } else { "" }));
        }
    }
    let conversations = others.iter().filter_map(|info| info.room.strip_prefix('@'));
    for name in conversations {
        if !people.iter().any(|(known, _)| same_name(known, name)) {
            people.push((name.to_owned(), "an earlier conversation"));
        }
    }
    people.retain(|(name, _)| !is_open(name));
    people.sort_by_cached_key(|(name, note)| (*note, name.to_lowercase()));
    let entries = people.into_iter().map(|(name, note)| Entry {
        note: note.to_owned(),
        ..entry(Target::Person(name.clone()), &format!("@{name}"))
    });
    entries.collect()
}

/// Rooms that this person is not in, those with the most people first.
fn other_rooms(state: &State, others: &[RoomInfo]) -> Vec<Entry> {
    let mut rooms: Vec<&RoomInfo> = others
        .iter()
        .filter(|info| !info.room.starts_with('@') && state.index_of(&info.room).is_none())
        .collect();
    rooms.sort_by_key(|info| (Reverse(info.total), info.room.as_str()));
    let entries = rooms.into_iter().map(|info| {
        let mut note = format!("{} here", info.total);
        if !info.topic.is_empty() {
            note = format!("{note}, {}", info.topic);
        }
        Entry {
            note,
            ..entry(Target::Enter(info.room.clone()), &format!("#{}", info.room))
        }
    });
    entries.collect()
}

/// A room or person that nothing is known of, by its full name.
fn new_place(wanted: &str, found: &[Entry]) -> Option<Entry> {
    let wanted = wanted.trim_end();
    let known = |title: &str| found.iter().any(|entry| entry.label == title);
    if let Some(name) = wanted.strip_prefix('@') {
        let name = UserName::parse(name).ok()?.to_string();
        let title = format!("@{name}");
        return (!known(&title)).then(|| Entry {
            note: "talk to this person".to_owned(),
            ..entry(Target::Person(name), &title)
        });
    }
    if !found.is_empty() && !wanted.starts_with('#') {
        return None;
    }
    let name = RoomName::parse(wanted.trim_start_matches('#')).ok()?;
    let title = format!("#{name}");
    (!known(&title)).then(|| Entry {
        note: "enter this room; it is made if there is none".to_owned(),
        ..entry(Target::Enter(name.to_string()), &title)
    })
}

/// What the table of keys has, but for what is about the text that is being written.
fn actions(state: &State) -> Vec<Entry> {
    let listed = state.keys.labelled().filter(|(binding, _)| {
        let wanted = match binding.topic {
            Topic::Reading | Topic::Rooms | Topic::Program => true,
            Topic::Writing => matches!(binding.action, Action::EditLast | Action::Resend),
            Topic::Monitoring | Topic::Choosing | Topic::Selecting => false,
        };
        let here = matches!(
            binding.action,
            Action::Switcher
                | Action::Cancel
                | Action::Interrupt
                | Action::NewestOrEnd
                | Action::Room(_)
        );
        wanted && !here && !binding.help.is_empty()
    });
    let entries = listed.map(|(binding, keys)| Entry {
        keys,
        ..entry(Target::Act(binding.action), binding.help)
    });
    entries.collect()
}

fn slash_commands() -> Vec<Entry> {
    let entries = COMMANDS.iter().map(|command| {
        let label = format!("/{} {}", command.names[0], command.arguments);
        Entry {
            note: command.help.to_owned(),
            ..entry(Target::Command(command.names[0]), label.trim_end())
        }
    });
    entries.collect()
}

fn entry(target: Target, label: &str) -> Entry {
    Entry {
        target,
        label: safe(label, false),
        marks: Vec::new(),
        note: String::new(),
        keys: String::new(),
        unread: 0,
        urgent: 0,
    }
}
