//! The edge of the terminal client: keys, clock, chance, network, files. It does what
//! [`update`] decides, and draws.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::{Event as TerminalEvent, EventStream, KeyEventKind};
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::attention::Quiet;
use super::drafts::{self, Draft};
use super::event::{Effect, Event, Unsent};
use super::kept::Kept;
use super::keymap::Keymap;
use super::shown::{Emoji, show_emoji};
use super::state::State;
use super::terminal::{self, Guard, Screen, Speaks, TerminalError};
use super::theme::{Ground, Theme};
use super::update::{is_moving, update};
use super::{net, travel, unsent, view};
use crate::client::{Client, ClientEvent, Command, Handle, Options, Seek};
use crate::private_file::OnDisk;
use crate::protocol::server::Session;
use crate::protocol::{RoomRef, Ts, UserName};

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(250);

/// Between two screens while messages pour in; a key is answered at once.
const SCREEN_EVERY: Duration = Duration::from_millis(16);

/// For what the client tells, before keys and the screen have their turn again.
const HEAR_FOR: Duration = Duration::from_millis(8);

/// Commands that wait for the client's task. It has a queue of its own; this is for what a start
/// with many kept messages brings.
const COMMANDS_MAX: usize = 4096;

/// Keeps a session's token.
pub type KeepSession = Box<dyn FnMut(&Session) -> io::Result<()> + Send>;

/// Keeps the rooms for the next start.
pub type KeepRooms = Box<dyn FnMut(&[RoomRef]) -> io::Result<()> + Send>;

/// Keeps the room that was shown last.
pub type KeepShown = Box<dyn FnMut(&RoomRef) -> io::Result<()> + Send>;

/// Files that several clients of one person share.
#[derive(Debug)]
pub struct KeptFiles {
    pub unsent: PathBuf,
    pub drafts: PathBuf,
}

/// Keeps the hours without bell and notifications for the next start.
pub type KeepQuiet = Box<dyn FnMut(Option<Quiet>) -> io::Result<()> + Send>;

/// How the terminal client is to run.
pub struct Config {
    /// Addresses of nodes, `host:port`, tried in this order.
    pub nodes: Vec<String>,
    /// Looks for nodes again when none of these answers; none where they are the ones that were named.
    pub seek: Option<Box<dyn Seek>>,
    /// The name to join with.
    pub name: UserName,
    /// Opens the user of an earlier session.
    pub token: Option<String>,
    /// Administrators' tokens, by the node's address or name.
    pub admin: BTreeMap<String, String>,
    /// The rooms and conversations to begin with.
    pub rooms: Vec<RoomRef>,
    /// The one that is shown; else the first.
    pub shown: Option<RoomRef>,
    /// Called with the room that is shown when it is another one, for the next start.
    pub keep_shown: KeepShown,
    /// Where it is kept what could not be sent, and what was being written.
    pub kept: KeptFiles,
    /// Called with each session that is opened, so that its token can be kept.
    pub keep_session: KeepSession,
    /// Called with the rooms this client is in when they have changed, for the next start.
    pub keep_rooms: KeepRooms,
    /// The hours without bell and notifications.
    pub quiet: Option<Quiet>,
    /// Called with them when they have changed, for the next start.
    pub keep_quiet: KeepQuiet,
    /// False draws without colours.
    pub colour: bool,
    /// What the colours are chosen for.
    pub ground: Ground,
    /// How emoji of several characters are shown; by the terminal, if not said.
    pub emoji: Option<Emoji>,
    /// Takes the wheel and clicks; then text is selected with Shift held.
    pub mouse: bool,
    /// Begins with the monitoring pane.
    pub monitor: bool,
    /// Which keys ask for what.
    pub keys: Keymap,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("nodes", &self.nodes)
            .field("name", &self.name)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}

/// Runs until the person quits, or a signal ends it.
///
/// # Errors
/// When there is no terminal, or it fails, or something cannot be kept for the next start.
pub async fn run(config: Config) -> Result<(), TerminalError> {
    let (guard, screen) = Guard::take(config.mouse)?;
    let mut edge = Edge::new(config, screen)?;
    let result = edge.run(&guard).await;
    // The terminal first: saying goodbye to the node may take a moment.
    drop(guard);
    let kept = edge.keep_for_the_next_start();
    edge.client.close().await;
    match (result, kept) {
        (result, Ok(())) => result,
        (Ok(()), Err(word)) => Err(TerminalError::NotKept(word)),
        (Err(error), Err(word)) => Err(TerminalError::NotKept(format!("{error}; but {word}"))),
    }
}

struct Edge {
    config: Config,
    screen: Screen,
    state: State,
    unsent: Kept<Unsent>,
    /// There is less that waits than is kept.
    keeps_unsent: bool,
    /// The room that is kept as the one that was shown last.
    shown: Option<String>,
    /// What could not be kept, and why: the first of it, which is the most important one at the end.
    not_kept: Option<String>,
    drafts: Kept<Draft>,
    speaks: Speaks,
    client: Handle,
    heard: mpsc::Receiver<ClientEvent>,
    /// What the client's task could not take yet.
    commands: VecDeque<Command>,
    drawn: Instant,
    dirty: bool,
    quit: bool,
}

impl Edge {
    fn new(mut config: Config, screen: Screen) -> Result<Edge, TerminalError> {
        let theme = Theme::new(config.ground, config.colour);
        show_emoji(config.emoji.unwrap_or(if Speaks::emoji_are_whole() {
            Emoji::Full
        } else {
            Emoji::Simple
        }));
        let size = screen.size()?;
        let seed = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        let zone = TimeZone::system();
        let mut state = State::new(now(), zone, theme, (size.width, size.height), seed);
        state.keys.clone_from(&config.keys);
        state.quiet = config.quiet;
        let (unsent, messages, wrong) = Kept::open(&config.kept.unsent);
        let (drafts, written, wrong_too) = Kept::open(&config.kept.drafts);
        (state.unsent, state.drafts) = (messages, written);
        let words: Vec<String> = wrong.into_iter().chain(wrong_too).collect();
        if !words.is_empty() {
            state.tell_news(words.join("; "));
        }
        let (client, heard) = connect(&mut config);
        let mut edge = Edge {
            config,
            screen,
            state,
            unsent,
            keeps_unsent: false,
            shown: None,
            not_kept: None,
            drafts,
            speaks: Speaks::here(),
            client,
            heard,
            commands: VecDeque::new(),
            drawn: Instant::now(),
            dirty: true,
            quit: false,
        };
        edge.begin();
        Ok(edge)
    }

    fn begin(&mut self) {
        self.state.monitor.open = self.config.monitor;
        let joins = net::begin(
            &mut self.state,
            &self.config.rooms,
            self.config.shown.as_ref(),
        );
        self.carry_out(joins);
    }

    async fn run(&mut self, guard: &Guard) -> Result<(), TerminalError> {
        let mut keys = EventStream::new();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        self.draw()?;
        while !self.quit {
            if !guard.holds() {
                return Err(TerminalError::Panicked);
            }
            if self.dirty && self.drawn.elapsed() >= SCREEN_EVERY {
                self.draw()?;
            }
            let draw_at = self.drawn + SCREEN_EVERY;
            tokio::select! {
                key = keys.next() => match key {
                    Some(Ok(event)) => self.typed(event)?,
                    // The terminal is gone.
                    Some(Err(_)) | None => self.quit = true,
                },
                Some(event) = self.heard.recv() => self.take_heard(event),
                _ = ticks.tick() => {
                    self.keep_shown();
                    if self.keeps_unsent {
                        self.keep_unsent(&unsent::all(&self.state));
                    }
                    self.dirty |= is_moving(&self.state);
                    self.happen(Event::Tick(now()));
                }
                () = sleep_until(draw_at), if self.dirty => {}
                _ = terminate.recv() => self.quit = true,
                _ = hang_up.recv() => self.quit = true,
                _ = interrupt.recv() => self.quit = true,
            }
        }
        Ok(())
    }

    /// A key is answered on the screen at once.
    fn typed(&mut self, event: TerminalEvent) -> Result<(), TerminalError> {
        #[cfg(debug_assertions)]
        panic_if_asked(&event);
        let event = match event {
            TerminalEvent::Key(key) if key.kind == KeyEventKind::Release => return Ok(()),
            TerminalEvent::Key(key) => Event::Key(key),
            TerminalEvent::Paste(text) => Event::Paste(text),
            TerminalEvent::Mouse(mouse) => Event::Mouse(mouse),
            TerminalEvent::Resize(columns, rows) => Event::Resize(columns, rows),
            TerminalEvent::FocusGained => Event::Focus(true),
            TerminalEvent::FocusLost => Event::Focus(false),
        };
        self.happen(Event::Tick(now()));
        self.happen(event);
        self.draw()
    }

    /// What the client has told, as far as it is there already.
    fn take_heard(&mut self, first: ClientEvent) {
        let mut next = Some(first);
        let begun = Instant::now();
        while let Some(event) = next {
            if let ClientEvent::Online { session, .. } = &event {
                let kept = (self.config.keep_session)(session);
                self.kept("the session's token", kept);
            }
            self.happen(Event::Tick(now()));
            self.happen(Event::Net(event));
            let goes_on = begun.elapsed() < HEAR_FOR;
            next = goes_on.then(|| self.heard.try_recv().ok()).flatten();
        }
        self.dirty = true;
    }

    fn happen(&mut self, event: Event) {
        let effects = update(&mut self.state, event);
        self.dirty |= !effects.is_empty();
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Net(command) => {
                    if self.commands.len() < COMMANDS_MAX {
                        self.commands.push_back(command);
                    }
                }
                Effect::Keep(unsent) => {
                    // What is new must not go. What waits no longer may be there for a moment: it counts once.
                    if unsent.iter().all(|unsent| self.unsent.has(unsent)) {
                        self.keeps_unsent = true;
                    } else {
                        self.keep_unsent(&unsent);
                    }
                }
                Effect::KeepDrafts(on_disk) => self.keep_drafts(on_disk),
                Effect::KeepRooms(rooms) => {
                    let kept = (self.config.keep_rooms)(&rooms);
                    self.kept("the list of rooms", kept);
                }
                Effect::KeepQuiet(hours) => {
                    let kept = (self.config.keep_quiet)(hours);
                    self.kept("the quiet hours", kept);
                }
                Effect::Bell => self.tell("\x07"),
                Effect::Notify(notice) => self.tell(&self.speaks.notification(&notice)),
                Effect::Copy(text) => self.tell(&self.speaks.clipboard(&text)),
                Effect::Title(title) => self.tell(&terminal::title(&title)),
                Effect::Redraw => {
                    // An error here comes again at the next drawing.
                    let _ = self.screen.clear();
                    self.dirty = true;
                }
                Effect::Quit => self.quit = true,
            }
        }
        self.command();
    }

    fn keep_unsent(&mut self, unsent: &[Unsent]) {
        self.keeps_unsent = false;
        let kept = self.unsent.keep(unsent);
        let kept = at(&self.config.kept.unsent, kept);
        self.kept("what is not sent", kept);
    }

    /// The room that is shown, if it is another one than was kept. By the name that it goes by: that is what
    /// the next start has to show.
    fn keep_shown(&mut self) {
        let shown = self.state.room().map(|room| room.name.clone());
        if shown.is_none() || self.shown == shown {
            return;
        }
        self.shown = shown;
        let shown = self.shown.as_deref().map(RoomRef::parse);
        if let Some(Ok(shown)) = shown {
            let kept = (self.config.keep_shown)(&shown);
            self.kept("the room that was shown", kept);
        }
    }

    /// Says what cannot be kept for the next start.
    fn kept(&mut self, what: &str, kept: io::Result<()>) {
        if let Err(error) = kept {
            let word = format!("{what} cannot be kept: {error}");
            self.state.tell_news(word.clone());
            self.not_kept.get_or_insert(word);
        }
    }

    /// The screen waits for it: while somebody writes, the disk may come later.
    fn keep_drafts(&mut self, on_disk: OnDisk) {
        let drafts = drafts::all(&mut self.state);
        let kept = self.drafts.keep_shared(drafts, on_disk);
        let kept = at(&self.config.kept.drafts, kept);
        self.kept("what is being written", kept);
    }

    /// However it ends: what has been read, what is written and not sent, and where the person was.
    ///
    /// # Errors
    /// What cannot be kept, and why: nobody sees the screen any more.
    fn keep_for_the_next_start(&mut self) -> Result<(), String> {
        self.not_kept = None;
        let marker = travel::out_of_sight(&mut self.state);
        self.carry_out(marker.into_iter().collect());
        self.keep_unsent(&unsent::all(&self.state));
        self.keep_drafts(OnDisk::Now);
        self.shown = None;
        self.keep_shown();
        self.not_kept.take().map_or(Ok(()), Err)
    }

    /// Tells the terminal something that is not part of the screen; it goes out with the next one.
    fn tell(&mut self, sequence: &str) {
        // An error here comes again at the next drawing.
        let _ = self.screen.backend_mut().write_all(sequence.as_bytes());
        self.dirty = true;
    }

    /// Gives the client what it takes.
    fn command(&mut self) {
        while let Some(command) = self.commands.front() {
            if self.client.command(command.clone()).is_err() {
                return;
            }
            self.commands.pop_front();
        }
    }

    fn draw(&mut self) -> Result<(), TerminalError> {
        let state = &self.state;
        self.screen.draw(|frame| view::draw(state, frame))?;
        self.drawn = Instant::now();
        self.dirty = false;
        Ok(())
    }
}

/// For tests of what a panic leaves behind: F12 panics, in this thread or in a task, where this variable
/// says `here` or `task`.
#[cfg(debug_assertions)]
fn panic_if_asked(event: &TerminalEvent) {
    use crossterm::event::KeyCode;
    let TerminalEvent::Key(key) = event else {
        return;
    };
    if key.code != KeyCode::F(12) {
        return;
    }
    match std::env::var("CHAT_TUI_PANIC").as_deref() {
        Ok("here") => panic!("as asked for"),
        Ok("task") => drop(tokio::spawn(async { panic!("as asked for") })),
        _ => {}
    }
}

/// The error says which file it is about.
fn at(path: &Path, kept: io::Result<()>) -> io::Result<()> {
    kept.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

fn connect(config: &mut Config) -> (Handle, mpsc::Receiver<ClientEvent>) {
    let options = Options {
        nodes: config.nodes.clone(),
        name: config.name.clone(),
        token: config.token.clone(),
        take_suggestion: false,
        admin: config.admin.clone(),
        stays_here: config.monitor,
    };
    match config.seek.take() {
        Some(seek) => Client::connect_seeking(options, seek),
        None => Client::connect(options),
    }
}

fn now() -> Ts {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ts(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
