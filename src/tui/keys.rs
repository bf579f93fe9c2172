//! The one table of keys: what can be asked for, by what name, with which keys, and what help says of it.
//! Which keys are bound in the end is in [`keymap`](super::keymap).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keymap::{Key, alt, ctrl, ctrl_code, plain, shift};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Send,
    NewLine,
    /// The next word that the one before the cursor may become.
    Complete,
    /// The one before it.
    CompleteBack,
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    /// The line above in the composer; from an empty one to the last own message, and to the lines sent
    /// before.
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
    /// What was said, by its words.
    Search,
    /// Chooses a message, to do something with it.
    Select,
    PreviousRoom,
    NextRoom,
    ActiveRoom,
    /// The room with this number, from 1.
    Room(u8),
    Help,
    /// Where to go and what to do, by a few letters.
    Switcher,
    /// Shows the monitoring pane, or the chat again.
    Monitor,
    /// Something in the monitoring pane.
    Pane(Pane),
    /// Something in a list over the screen.
    Choice(Choice),
    /// Something with the chosen message.
    Deed(Deed),
    Redraw,
    /// Leaves an overlay, a reply or an edit.
    Cancel,
    /// Clears the line; on an empty one, twice, quits.
    Interrupt,
    Quit,
}

impl Action {
    /// Whether it is about the text that is being written.
    pub fn is_writing(self) -> bool {
        let mut bindings = BINDINGS.iter();
        let binding = bindings.find(|binding| binding.action == self);
        binding.is_some_and(|binding| binding.topic == Topic::Writing)
    }
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

/// What a key asks for where one of several is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Up,
    Down,
    PageUp,
    PageDown,
    Take,
    Leave,
}

/// What a key asks for while a message is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The message above.
    Up,
    Down,
    PageUp,
    PageDown,
    /// The oldest one that is held; pressed again, those before it.
    First,
    Last,
    /// To the message that this one answers.
    Answered,
    Reply,
    React,
    Copy,
    Edit,
    Delete,
    Resend,
    Discard,
    Leave,
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
    /// In a list over the screen, and there alone.
    Choosing,
    /// While a message is chosen, and then alone.
    Selecting,
}

impl Topic {
    pub const ALL: [Topic; 7] = [
        Topic::Writing,
        Topic::Reading,
        Topic::Selecting,
        Topic::Rooms,
        Topic::Choosing,
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
            Topic::Choosing => "In the switcher and other lists",
            Topic::Selecting => "On a chosen message",
        }
    }
}

pub struct Binding {
    pub topic: Topic,
    /// What it is called in the settings.
    pub name: &'static str,
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
        bind(Writing, "send", &[plain(K::Enter)], Send, "send"),
        bind(Writing, "new-line", &[alt(K::Enter), ctrl('j')], NewLine, "new line"),
        bind(Writing, "complete", &[plain(K::Tab)], Complete, "complete a name, room, command or :emoji:"),
        bind(Writing, "complete-back", &[plain(K::BackTab)], CompleteBack, ""),
        bind(Writing, "up", &[plain(K::Up)], Up, "line above; your last message; what was sent"),
        bind(Writing, "down", &[plain(K::Down)], Down, "line below, or what was sent after"),
        bind(Writing, "left", &[plain(K::Left), ctrl('b')], Left, ""),
        bind(Writing, "right", &[plain(K::Right), ctrl('f')], Right, ""),
        bind(Writing, "word-left", &[alt(K::Char('b')), ctrl_code(K::Left)], WordLeft, "word to the left"),
        bind(Writing, "word-right", &[alt(K::Char('f')), ctrl_code(K::Right)], WordRight, "word to the right"),
        bind(Writing, "line-start", &[ctrl('a'), plain(K::Home)], LineStart, "start of the line"),
        bind(Writing, "line-end", &[ctrl('e')], LineEnd, "end of the line"),
        bind(Writing, "backspace", &[plain(K::Backspace), ctrl('h')], Backspace, ""),
        bind(Writing, "delete", &[plain(K::Delete), ctrl('d')], Delete, ""),
        bind(Writing, "delete-word-back", &[ctrl('w'), alt(K::Backspace)], DeleteWordBack, "delete the word before"),
        bind(Writing, "delete-word-forward", &[alt(K::Char('d'))], DeleteWordForward, "delete the word after"),
        bind(Writing, "kill-to-start", &[ctrl('u')], KillToStart, "delete to the start of the line"),
        bind(Writing, "kill-to-end", &[alt(K::Char('k'))], KillToEnd, "delete to the end of the line"),
        bind(Writing, "yank", &[ctrl('y')], Yank, "put back what was deleted"),
        bind(Writing, "undo", &[ctrl('z'), ctrl('_'), ctrl('7')], Undo, "undo"),
        bind(Writing, "redo", &[alt(K::Char('z'))], Redo, "redo"),
        bind(Writing, "edit-last", &[alt(K::Char('e'))], EditLast, "edit your last message"),
        bind(Writing, "resend", &[ctrl('r')], Resend, "send failed messages again"),
        bind(Reading, "page-up", &[plain(K::PageUp)], PageUp, "page up, through the whole history"),
        bind(Reading, "page-down", &[plain(K::PageDown)], PageDown, "page down"),
        bind(Reading, "scroll-up", &[shift(K::Up)], ScrollUp, "line up (or the wheel)"),
        bind(Reading, "scroll-down", &[shift(K::Down), ctrl_code(K::Down)], ScrollDown, "line down"),
        bind(Reading, "newest-or-end", &[plain(K::End)], NewestOrEnd, "newest message"),
        bind(Reading, "newest", &[ctrl_code(K::End)], Newest, ""),
        bind(Reading, "first-unread", &[alt(K::Char('u'))], FirstUnread, "first unread message"),
        bind(Reading, "search", &[plain(K::F(3)), alt(K::Char('s'))], Search, "search what was said; the list again"),
        bind(Reading, "select", &[alt(K::Char('m')), ctrl_code(K::Up)], Select, "choose a message: reply, react, copy, …"),
        bind(Rooms, "previous-room", &[alt(K::Up), ctrl('p')], PreviousRoom, "room above"),
        bind(Rooms, "next-room", &[alt(K::Down), ctrl('n')], NextRoom, "room below"),
        bind(Rooms, "active-room", &[alt(K::Char('a'))], ActiveRoom, "next room with something unread"),
        bind(Rooms, "room-1", &[alt(K::Char('1'))], Room(1), "room by its number"),
        bind(Rooms, "room-2", &[alt(K::Char('2'))], Room(2), ""),
        bind(Rooms, "room-3", &[alt(K::Char('3'))], Room(3), ""),
        bind(Rooms, "room-4", &[alt(K::Char('4'))], Room(4), ""),
        bind(Rooms, "room-5", &[alt(K::Char('5'))], Room(5), ""),
        bind(Rooms, "room-6", &[alt(K::Char('6'))], Room(6), ""),
        bind(Rooms, "room-7", &[alt(K::Char('7'))], Room(7), ""),
        bind(Rooms, "room-8", &[alt(K::Char('8'))], Room(8), ""),
        bind(Rooms, "room-9", &[alt(K::Char('9'))], Room(9), ""),
        bind(Program, "switcher", &[ctrl('k'), ctrl('g')], Switcher, "go to a room or person; commands, actions"),
        bind(Program, "help", &[plain(K::F(1))], Help, "this help"),
        bind(Program, "monitor", &[plain(K::F(2))], Monitor, "the nodes' figures, for administrators; back"),
        bind(Program, "cancel", &[plain(K::Esc)], Cancel, "leave help, a reply or an edit"),
        bind(Program, "redraw", &[ctrl('l')], Redraw, "draw the screen anew"),
        bind(Program, "interrupt", &[ctrl('c')], Interrupt, "clear the line; twice: quit"),
        bind(Program, "quit", &[ctrl('q')], Quit, "quit"),
        bind(Choosing, "choose-up", &[plain(K::Up), ctrl('p')], Choice(self::Choice::Up), "the one above"),
        bind(Choosing, "choose-down", &[plain(K::Down), ctrl('n')], Choice(self::Choice::Down), "the one below"),
        bind(Choosing, "choose-page-up", &[plain(K::PageUp)], Choice(self::Choice::PageUp), ""),
        bind(Choosing, "choose-page-down", &[plain(K::PageDown)], Choice(self::Choice::PageDown), ""),
        bind(Choosing, "choose-take", &[plain(K::Enter)], Choice(self::Choice::Take), "go there, or do it"),
        bind(Choosing, "choose-leave", &[plain(K::Esc)], Choice(self::Choice::Leave), "leave the list"),
        bind(Selecting, "message-up", &[plain(K::Up), plain(K::Char('k')), ctrl_code(K::Up)], Deed(self::Deed::Up), "the message above"),
        bind(Selecting, "message-down", &[plain(K::Down), plain(K::Char('j')), ctrl_code(K::Down)], Deed(self::Deed::Down), "the message below"),
        bind(Selecting, "message-page-up", &[plain(K::PageUp)], Deed(self::Deed::PageUp), ""),
        bind(Selecting, "message-page-down", &[plain(K::PageDown)], Deed(self::Deed::PageDown), ""),
        bind(Selecting, "message-first", &[plain(K::Char('g')), plain(K::Home)], Deed(self::Deed::First), "the oldest one that is loaded; again: more"),
        bind(Selecting, "message-last", &[plain(K::Char('G')), plain(K::End)], Deed(self::Deed::Last), "the newest one"),
        bind(Selecting, "message-answered", &[plain(K::Char('o'))], Deed(self::Deed::Answered), "the one that it answers"),
        bind(Selecting, "message-reply", &[plain(K::Char('r'))], Deed(self::Deed::Reply), "reply"),
        bind(Selecting, "message-react", &[plain(K::Char('+')), plain(K::Char(':'))], Deed(self::Deed::React), "react, or take it back"),
        bind(Selecting, "message-copy", &[plain(K::Char('y'))], Deed(self::Deed::Copy), "copy the text (OSC 52)"),
        bind(Selecting, "message-edit", &[plain(K::Char('e'))], Deed(self::Deed::Edit), "edit, if it is yours"),
        bind(Selecting, "message-delete", &[plain(K::Char('d')), plain(K::Delete)], Deed(self::Deed::Delete), "delete, if it is yours; pressed twice"),
        bind(Selecting, "message-resend", &[plain(K::Char('R'))], Deed(self::Deed::Resend), "send one that failed again"),
        bind(Selecting, "message-discard", &[plain(K::Char('x'))], Deed(self::Deed::Discard), "drop one that failed"),
        bind(Selecting, "message-leave", &[plain(K::Esc), plain(K::Enter), plain(K::Char('q'))], Deed(self::Deed::Leave), "back to writing"),
        bind(Monitoring, "pane-next-list", &[plain(K::Tab)], Pane(self::Pane::NextList), "nodes, rooms, links, events"),
        bind(Monitoring, "pane-previous-list", &[plain(K::BackTab)], Pane(self::Pane::PreviousList), ""),
        bind(Monitoring, "pane-up", &[plain(K::Up), plain(K::Char('k'))], Pane(self::Pane::Up), "row above"),
        bind(Monitoring, "pane-down", &[plain(K::Down), plain(K::Char('j'))], Pane(self::Pane::Down), "row below"),
        bind(Monitoring, "pane-page-up", &[plain(K::PageUp)], Pane(self::Pane::PageUp), ""),
        bind(Monitoring, "pane-page-down", &[plain(K::PageDown)], Pane(self::Pane::PageDown), ""),
        bind(Monitoring, "pane-first", &[plain(K::Home)], Pane(self::Pane::First), "first row"),
        bind(Monitoring, "pane-last", &[plain(K::End)], Pane(self::Pane::Last), "last row"),
        bind(Monitoring, "pane-open", &[plain(K::Enter)], Pane(self::Pane::Open), "all of the chosen node or room"),
        bind(Monitoring, "pane-back", &[plain(K::Esc)], Pane(self::Pane::Back), "back to the lists"),
        bind(Monitoring, "pane-sort", &[plain(K::Char('s'))], Pane(self::Pane::Sort), "sort by the next column"),
        bind(Monitoring, "pane-reverse", &[plain(K::Char('r'))], Pane(self::Pane::Reverse), "the other way round"),
        bind(Monitoring, "pane-pause", &[plain(K::Char(' '))], Pane(self::Pane::Pause), "pause, and go on"),
    ]
};

/// The character that the key types.
pub fn typed(event: &KeyEvent) -> Option<char> {
    let command = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER;
    match event.code {
        KeyCode::Char(c) if !event.modifiers.intersects(command) => Some(c),
        _ => None,
    }
}

const fn bind(
    topic: Topic,
    name: &'static str,
    keys: &'static [Key],
    action: Action,
    help: &'static str,
) -> Binding {
    Binding {
        topic,
        name,
        keys,
        action,
        help,
    }
}
