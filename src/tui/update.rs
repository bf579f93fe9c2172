//! What happens, and what is done about it. The state changes here and in what this calls; else
//! only its edge does, at the start and at the end and where something cannot be kept.

use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position as Cell;

use super::complete::{self, Behind};
use super::composer::{Composer, Purpose};
use super::event::{Effect, Event};
use super::keys::{Action, Choice, typed};
use super::room::Room;
use super::state::{Asked, Link, Overlay, State};
use super::view::help;
use super::{
    again, attention, conversation, flash, monitor, net, reacting, search, selection, speaking,
    switcher, travel,
};
use crate::client::{ClientEvent, Command};
use crate::private_file::OnDisk;
use crate::protocol::limits::NAME_CHARS_MAX;
use crate::protocol::server::ServerFrame;
use crate::protocol::{ClientFrame, Ts, UserName};

/// Rows that a turn of the wheel moves.
const WHEEL_ROWS: isize = 3;

/// Microseconds for which a click is one that brought the focus, and is about no message.
const FOCUS_CLICK_US: i64 = 300_000;

/// Microseconds between two measurements of the round trip.
const PING_AGAIN_US: i64 = 5_000_000;

/// Microseconds within which a second Ctrl+C quits.
const INTERRUPT_AGAIN_US: i64 = 2_000_000;

/// Microseconds after which what is being written is kept, so that no end of the program takes it away.
const KEEP_WRITTEN_US: i64 = 2_000_000;

/// Takes one event and says what is to be done.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    let is_frequent = is_frequent(&event);
    let mut effects = match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Event::Key(key) => {
            state.touched.get_or_insert(state.now);
            press(state, &key)
        }
        Event::Paste(text) => {
            state.touched.get_or_insert(state.now);
            paste(state, &text)
        }
        Event::Mouse(mouse) => pointed(state, &mouse),
        Event::Resize(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Event::Focus(on) => {
            let marker = travel::out_of_sight(state);
            state.focused = on;
            state.focused_at = on.then_some(state.now);
            marker.into_iter().collect()
        }
        Event::Net(event) => net::update(state, event),
        Event::Tick(now) => tick(state, now),
    };
    selection::hold(state, is_frequent);
    effects.extend(travel::fetch(state));
    effects.extend(again::ask(state));
    effects.extend(travel::mark_read(state));
    effects.extend(monitor::ask(state));
    effects.extend(conversation::follow_up(state));
    effects.extend(attention::title(state));
    effects
}

/// Of these there may be a thousand a second.
fn is_frequent(event: &Event) -> bool {
    match event {
        Event::Tick(_) => true,
        Event::Net(ClientEvent::Frame(frame)) => matches!(**frame, ServerFrame::NewMessage(_)),
        _ => false,
    }
}

fn tick(state: &mut State, now: Ts) -> Vec<Effect> {
    state.now = now;
    flash::tick(state);
    for room in &mut state.rooms {
        room.typing.retain(|_, (_, until)| now < *until);
    }
    let mut effects = Vec::new();
    let since_touched = state.touched.map(|touched| now.0 - touched.0);
    if since_touched.is_some_and(|since| !(0..KEEP_WRITTEN_US).contains(&since)) {
        state.touched = None;
        effects.push(Effect::KeepDrafts(OnDisk::Later));
    }
    let ping_due = state
        .pinged
        // A clock that was set back must not keep it waiting.
        .is_none_or(|pinged| !(0..PING_AGAIN_US).contains(&(now.0 - pinged.0)));
    if state.is_online() && ping_due {
        state.pinged = Some(now);
        effects.push(state.ask(Asked::Ping { sent: now }, ClientFrame::Ping));
    }
    effects
}

fn press(state: &mut State, key: &KeyEvent) -> Vec<Effect> {
    state.pressed = Some(state.now);
    let action = state.keys.action(key);
    let taken = state.keys.choice(key) == Some(Choice::Take);
    if !matches!(action, Some(Action::Complete | Action::CompleteBack)) {
        state.completion = None;
    }
    let behind = std::mem::take(&mut state.behind);
    flash::pressed(state, is_writing(state, action));
    if action != Some(Action::Interrupt) {
        state.interrupted = None;
    }
    match &mut state.overlay {
        Overlay::Help { .. } => help_key(state, action),
        Overlay::Name { input, .. } => match action {
            Some(Action::Send) => take_name(state),
            _ if taken => take_name(state),
            Some(Action::Interrupt | Action::Quit) => vec![Effect::Quit],
            Some(action) => {
                edit(input, action);
                Vec::new()
            }
            None => {
                if let Some(c) = typed(key)
                    && input.chars() < NAME_CHARS_MAX
                {
                    input.insert(c.encode_utf8(&mut [0; 4]));
                }
                Vec::new()
            }
        },
        Overlay::Switcher(_) => switcher::press(state, key),
        Overlay::Search => search::press(state, key),
        Overlay::Reactions(_) => reacting::press(state, key),
        Overlay::None if state.monitor.open => match monitor::press(state, key) {
            Some(Action::Cancel) | None => Vec::new(),
            Some(Action::Interrupt) => interrupt_twice(state),
            Some(action) => act(state, action),
        },
        Overlay::None if state.selection.is_some() => selection::press(state, key),
        Overlay::None => match (action, typed(key)) {
            (Some(action), _) => act(state, action),
            (None, Some(c)) => type_in(state, c, behind),
            (None, None) => Vec::new(),
        },
    }
}

/// Whether the key changes the text that is being written, or moves in it.
fn is_writing(state: &State, action: Option<Action>) -> bool {
    let writes = action.is_none_or(|action| action != Action::Send && action.is_writing());
    writes
        && matches!(state.overlay, Overlay::None)
        && state.selection.is_none()
        && !state.monitor.open
}

fn help_key(state: &mut State, action: Option<Action>) -> Vec<Effect> {
    let page = travel::page_rows(state).unsigned_abs();
    let last = help::last_row(state);
    let Overlay::Help { row } = &mut state.overlay else {
        return Vec::new();
    };
    match action {
        Some(Action::PageDown) => *row = (*row + page).min(last),
        Some(Action::PageUp) => *row = row.saturating_sub(page),
        Some(Action::Down | Action::ScrollDown) => *row = (*row + 1).min(last),
        Some(Action::Up | Action::ScrollUp) => *row = row.saturating_sub(1),
        Some(Action::Quit) => return vec![Effect::Quit],
        Some(_) | None => state.overlay = Overlay::None,
    }
    Vec::new()
}

/// The name that was typed is the one to join with.
fn take_name(state: &mut State) -> Vec<Effect> {
    let Overlay::Name { input, why } = &mut state.overlay else {
        return Vec::new();
    };
    match UserName::parse(input.text().trim()) {
        Ok(name) => {
            state.overlay = Overlay::None;
            vec![Effect::Net(Command::Name(name))]
        }
        Err(refusal) => {
            *why = refusal.message;
            Vec::new()
        }
    }
}

/// Types a character into the composer, behind what Tab may have put there.
fn type_in(state: &mut State, c: char, behind: Behind) -> Vec<Effect> {
    if !complete::make_way(state, behind, c) {
        return Vec::new();
    }
    let effects = write(state, c.encode_utf8(&mut [0; 4]));
    if c == ':' {
        complete::close_emoji(state.composer_mut());
    }
    effects
}

/// Types `text` into the composer.
fn write(state: &mut State, text: &str) -> Vec<Effect> {
    state.composer_mut().insert(text);
    state.sent_lines.stop();
    speaking::typing(state)
}

fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    state.completion = None;
    state.behind = Behind::Nothing;
    flash::pressed(state, true);
    match &mut state.overlay {
        Overlay::Name { input, .. } => {
            let line = text.lines().next().unwrap_or_default();
            let room = NAME_CHARS_MAX.saturating_sub(input.chars());
            input.insert(&line.chars().take(room).collect::<String>());
            Vec::new()
        }
        Overlay::Switcher(_) => {
            switcher::paste(state, text);
            Vec::new()
        }
        Overlay::Search => {
            search::paste(state, text);
            Vec::new()
        }
        Overlay::Reactions(_) => {
            reacting::paste(state, text);
            Vec::new()
        }
        Overlay::Help { .. } | Overlay::None if state.monitor.open => Vec::new(),
        Overlay::Help { .. } | Overlay::None => {
            state.overlay = Overlay::None;
            let mut effects = selection::leave(state);
            effects.extend(write(state, text));
            effects
        }
    }
}

pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Send => return speaking::submit(state),
        Action::Resend => return speaking::resend(state),
        Action::EditLast => {
            let effects = selection::leave(state);
            speaking::begin_edit(state);
            return effects;
        }
        Action::Complete => complete::step(state, false),
        Action::CompleteBack => complete::step(state, true),
        Action::Up => line_up(state),
        Action::Down => line_down(state),
        Action::PageUp => travel::scroll(state, -travel::page_rows(state)),
        Action::PageDown => travel::scroll(state, travel::page_rows(state)),
        Action::ScrollUp => travel::scroll(state, -1),
        Action::ScrollDown => travel::scroll(state, 1),
        Action::Newest => return travel::to_newest(state),
        Action::NewestOrEnd => return newest_or_end(state),
        Action::FirstUnread => travel::to_first_unread(state),
        Action::Search => return search::open(state, ""),
        Action::Select => selection::begin(state),
        Action::PreviousRoom => return travel::step(state, -1),
        Action::NextRoom => return travel::step(state, 1),
        Action::ActiveRoom => return travel::step_active(state),
        Action::Room(number) => return travel::show(state, usize::from(number) - 1),
        Action::Monitor => return monitor::toggle(state),
        Action::Switcher => return switcher::open(state),
        // They are for the pane, a list or a chosen message alone, and bound there alone.
        Action::Pane(_) | Action::Choice(_) | Action::Deed(_) => {}
        Action::Help => state.overlay = Overlay::Help { row: 0 },
        Action::Redraw => return vec![Effect::Redraw],
        Action::Cancel => state.composer_mut().leave(),
        Action::Interrupt => return interrupt(state),
        Action::Quit => return vec![Effect::Quit],
        Action::NewLine
        | Action::Left
        | Action::Right
        | Action::WordLeft
        | Action::WordRight
        | Action::LineStart
        | Action::LineEnd
        | Action::Backspace
        | Action::Delete
        | Action::DeleteWordBack
        | Action::DeleteWordForward
        | Action::KillToStart
        | Action::KillToEnd
        | Action::Yank
        | Action::Undo
        | Action::Redo => edit(state.composer_mut(), action),
    }
    Vec::new()
}

/// What a key does to a text; nothing for those that are not about texts.
pub(super) fn edit(composer: &mut Composer, action: Action) {
    match action {
        Action::NewLine => composer.insert("\n"),
        Action::Left => composer.left(),
        Action::Right => composer.right(),
        Action::WordLeft => composer.word_left(),
        Action::WordRight => composer.word_right(),
        Action::LineStart => composer.line_start(),
        Action::LineEnd | Action::NewestOrEnd => composer.line_end(),
        Action::Backspace => composer.backspace(),
        Action::Delete => composer.delete(),
        Action::DeleteWordBack => composer.delete_word_back(),
        Action::DeleteWordForward => composer.delete_word_forward(),
        Action::KillToStart => composer.kill_to_start(),
        Action::KillToEnd => composer.kill_to_end(),
        Action::Yank => composer.yank(),
        Action::Undo => composer.undo(),
        Action::Redo => composer.redo(),
        Action::Send
        | Action::Complete
        | Action::CompleteBack
        | Action::Select
        | Action::Up
        | Action::Down
        | Action::EditLast
        | Action::Resend
        | Action::PageUp
        | Action::PageDown
        | Action::ScrollUp
        | Action::ScrollDown
        | Action::Newest
        | Action::FirstUnread
        | Action::Search
        | Action::PreviousRoom
        | Action::NextRoom
        | Action::ActiveRoom
        | Action::Room(_)
        | Action::Help
        | Action::Switcher
        | Action::Monitor
        | Action::Pane(_)
        | Action::Choice(_)
        | Action::Deed(_)
        | Action::Redraw
        | Action::Cancel
        | Action::Interrupt
        | Action::Quit => {}
    }
}

/// Up: the line above. From an empty composer to the last own message, to be changed; from there, if
/// nothing is changed, and from a text that is begun, to what was sent before.
fn line_up(state: &mut State) {
    let last_is_stored = state.room().is_some_and(|room| room.pending.is_empty());
    let last_own = speaking::last_own(state).filter(|_| last_is_stored);
    let browses = state.sent_lines.is_browsing();
    let composer = state.composer_mut();
    if composer.up() {
        return;
    }
    match (&composer.purpose, last_own) {
        (Purpose::Edit(_), _) if !composer.is_unchanged() => return,
        (Purpose::New, Some(id)) if composer.is_empty() && !browses => {
            return speaking::edit_in_composer(state, id);
        }
        (Purpose::New | Purpose::Edit(_) | Purpose::Reply(_), _) => {}
    }
    let waits = !last_is_stored && composer.is_empty() && !browses;
    let shown = composer.text();
    let Some(at) = state.sent_lines.before(&shown) else {
        return;
    };
    if waits {
        state.say("your last message is not sent yet: this will be another one");
    }
    let composer = state.composer_mut();
    if matches!(composer.purpose, Purpose::Edit(_)) {
        composer.leave();
    }
    let current = composer.text();
    if let Some(line) = state.sent_lines.show(at, current) {
        state.composer_mut().set_text(&line);
    }
}

fn line_down(state: &mut State) {
    let composer = state.composer_mut();
    if composer.down() || matches!(composer.purpose, Purpose::Edit(_)) {
        return;
    }
    if let Some(line) = state.sent_lines.forward() {
        state.composer_mut().set_text(&line);
    }
}

fn newest_or_end(state: &mut State) -> Vec<Effect> {
    let elsewhere = |room: &Room| room.reader().is_some() || room.found.is_some();
    if state.room().is_some_and(elsewhere) {
        return travel::to_newest(state);
    }
    state.composer_mut().line_end();
    Vec::new()
}

/// Ctrl+C: leaves an edit, else clears the line, which undo brings back; then a reply, then the program.
fn interrupt(state: &mut State) -> Vec<Effect> {
    let composer = state.composer_mut();
    match composer.purpose {
        Purpose::Edit(_) => composer.leave(),
        Purpose::New | Purpose::Reply(_) if !composer.is_empty() => {
            composer.set_text("");
            state.sent_lines.stop();
        }
        Purpose::Reply(_) => composer.leave(),
        Purpose::New => return interrupt_twice(state),
    }
    Vec::new()
}

pub(super) fn interrupt_twice(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let again = state
        .interrupted
        .is_some_and(|before| now.0 - before.0 < INTERRUPT_AGAIN_US);
    if again {
        return vec![Effect::Quit];
    }
    state.interrupted = Some(now);
    let key = state.keys.first(Action::Interrupt);
    let word = format!("{} again quits", key.unwrap_or_default());
    state.say_for(INTERRUPT_AGAIN_US, word);
    Vec::new()
}

fn pointed(state: &mut State, mouse: &MouseEvent) -> Vec<Effect> {
    let up = match mouse.kind {
        MouseEventKind::ScrollUp => true,
        MouseEventKind::ScrollDown => false,
        MouseEventKind::Down(MouseButton::Left) => return clicked(state, mouse),
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return Vec::new(),
    };
    let last_of_help = help::last_row(state);
    match (&mut state.overlay, up) {
        (Overlay::Help { row }, up) => {
            let by = if up { -WHEEL_ROWS } else { WHEEL_ROWS };
            *row = row.saturating_add_signed(by).min(last_of_help);
        }
        (Overlay::Name { .. }, _) => {}
        (Overlay::Search, up) => return search::go(state, if up { -1 } else { 1 }),
        (Overlay::Switcher(switcher), true) => switcher.go(-1, state.size),
        (Overlay::Switcher(switcher), false) => switcher.go(1, state.size),
        (Overlay::Reactions(over), _) => over.go(if up { -1 } else { 1 }),
        (Overlay::None, _) if state.monitor.open => monitor::go(state, if up { -1 } else { 1 }),
        (Overlay::None, true) => travel::scroll(state, -WHEEL_ROWS),
        (Overlay::None, false) => travel::scroll(state, WHEEL_ROWS),
    }
    selection::follow(state);
    Vec::new()
}

/// A room that is clicked on is shown, a message is chosen.
fn clicked(state: &mut State, mouse: &MouseEvent) -> Vec<Effect> {
    let at = Cell::new(mouse.column, mouse.row);
    flash::pressed(state, false);
    match &state.overlay {
        Overlay::Switcher(_) => return switcher::click(state, at),
        Overlay::Search => return search::click(state, at),
        Overlay::Reactions(_) => return reacting::click(state, at),
        Overlay::Help { .. } | Overlay::Name { .. } => return Vec::new(),
        Overlay::None if state.monitor.open => return Vec::new(),
        Overlay::None => {}
    }
    let parts = travel::parts(state);
    if parts.rooms.contains(at) {
        let row = usize::from(mouse.row - parts.rooms.y);
        let first = super::view::first_room_in_sight(state, parts.rooms.height);
        // The first row is the heading.
        if row >= 1 && first + row - 1 < state.rooms.len() {
            return travel::show(state, first + row - 1);
        }
    }
    let comes_back = state
        .focused_at
        .is_some_and(|since| (0..FOCUS_CLICK_US).contains(&(state.now.0 - since.0)));
    if parts.messages.contains(at) && !comes_back {
        return selection::click(state, usize::from(mouse.row - parts.messages.y));
    }
    if parts.composer.contains(at) {
        return selection::leave(state);
    }
    if parts.notice.contains(at) && state.room().is_some_and(|room| room.new_below > 0) {
        return travel::to_newest(state);
    }
    Vec::new()
}

/// Whether something on the screen changes with time alone.
pub fn is_moving(state: &State) -> bool {
    let writers = state.room().is_some_and(|room| !room.typing.is_empty());
    flash::is_going(state)
        || state.monitor.open
        || writers
        || matches!(state.link, Link::Offline { .. })
}
