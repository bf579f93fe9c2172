//! All that the terminal client knows, as plain data. [`super::update`] alone
//! changes it, and at the start, the end and where something cannot be kept, [`super::edge`].

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::attention::Quiet;
use super::changes::Changing;
use super::complete::Behind;
use super::composer::Composer;
use super::drafts::{self, Draft};
use super::event::{Effect, Unsent};
use super::flash::Flash;
use super::keymap::Keymap;
use super::markup::memo::Memo;
use super::monitor::Monitor;
use super::reacting::Reactions;
use super::room::Room;
use super::rows::mentions;
use super::search::Search;
use super::selection::Selection;
use super::sent_lines::SentLines;
use super::switcher::Switcher;
use super::theme::Theme;
use super::timeline::Beyond;
use super::unsent;
use crate::client::Command;
use crate::protocol::server::{Message, UserInfo};
use crate::protocol::{ClientFrame, MessageId, Nonce, Ts, Uid, UserName};

/// Questions on their way, at most. A client that was left alone for years asks no more than that.
const ASKED_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub struct State {
    /// The wall clock at the last event.
    pub now: Ts,
    /// In which times are shown.
    pub zone: TimeZone,
    pub theme: Theme,
    pub keys: Keymap,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Whether the person is looking.
    pub focused: bool,
    /// Since when.
    pub focused_at: Option<Ts>,
    pub link: Link,
    /// The node of the last session.
    pub last_node: Option<String>,
    pub me: Option<Me>,
    /// In the order in which they were opened; none, once all have been left.
    pub rooms: Vec<Room>,
    /// The room that is shown.
    pub active: usize,
    /// What is written while there is no room: commands.
    pub roomless: Composer,
    /// The message of the room that is chosen; then keys are about that.
    pub selection: Option<Selection>,
    pub overlay: Overlay,
    pub monitor: Monitor,
    /// A message that is fetched to be gone to; none once the reader has gone elsewhere.
    pub jumps_to: Option<MessageId>,
    pub search: Search,
    /// The hours in which nothing rings.
    pub quiet: Option<Quiet>,
    /// When it last rang.
    pub rung: Option<Ts>,
    /// When a key was last pressed.
    pub pressed: Option<Ts>,
    /// When a key was first pressed since what is being written was last kept.
    pub touched: Option<Ts>,
    /// What the window is called.
    pub title: String,
    /// A word to the person.
    pub flash: Option<Flash>,
    /// When Ctrl+C was last pressed on an empty line.
    pub interrupted: Option<Ts>,
    pub sent_lines: SentLines,
    /// Texts that were taken apart for the screen.
    pub memo: Memo,
    /// The words that Tab goes through.
    pub completion: Option<Completion>,
    /// What Tab has put before the cursor, for the key that comes next.
    pub behind: Behind,
    /// Public rooms that the node has told of.
    pub known_rooms: Vec<String>,
    /// Questions on their way, by their mark.
    pub asked: HashMap<i64, Asked>,
    /// Changes on their way.
    pub changes: Vec<Changing>,
    /// What an earlier run could not send; it goes out with the first session.
    pub unsent: Vec<Unsent>,
    /// What an earlier run was writing in rooms that are not open yet.
    pub drafts: Vec<Draft>,
    /// The list of rooms is to be asked for.
    pub lists_rooms: bool,
    /// For whom something waits is known better than it was kept.
    pub keeps_anew: bool,
    /// When the round trip was last measured.
    pub pinged: Option<Ts>,
    /// When a read marker was last sent.
    pub read_sent: Option<Ts>,
    pub nonces: Nonces,
    next_re: i64,
}

/// Who this person is in the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    pub name: String,
    pub uid: Uid,
    pub away: bool,
    /// Whether the session may see the nodes' figures.
    pub admin: bool,
}

impl Me {
    /// Whether this person has said it.
    pub fn wrote(&self, message: &Message) -> bool {
        self.uid == message.uid
    }

    /// Whether somebody else names this person in it.
    pub fn is_named_in(&self, message: &Message) -> bool {
        let text = message.text.as_deref();
        !self.wrote(message) && text.is_some_and(|text| mentions(text, &self.name))
    }
}

/// The connection, as the status line tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nobody has said a name yet.
    Waiting,
    Connecting {
        address: String,
        attempt: u32,
    },
    Online {
        node: String,
        /// Microseconds.
        round_trip_us: Option<i64>,
    },
    Offline {
        reason: String,
        /// When the next attempt begins.
        retry_at: Ts,
    },
    /// For good.
    Closed {
        reason: String,
    },
}

/// What lies over the room.
#[derive(Clone, Debug, Default)]
pub enum Overlay {
    #[default]
    None,
    /// Keys and commands, from this row on.
    Help { row: usize },
    /// Asking for a name, and why.
    Name { input: Box<Composer>, why: String },
    /// Where to go, and what to do.
    Switcher(Box<Switcher>),
    /// What was looked for and found.
    Search,
    /// With what to react to the chosen message.
    Reactions(Box<Reactions>),
}

/// What a question was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A page before the window.
    Older {
        room: String,
    },
    /// A page after the window.
    Newer {
        room: String,
    },
    /// The newest page, the window having been emptied.
    Newest {
        room: String,
    },
    /// A page of the window, once more, from another node.
    Again {
        room: String,
    },
    /// The rooms; to be shown to the person in the room where they were asked for.
    Rooms {
        show_in: Option<String>,
    },
    /// The rooms, for the switcher.
    Switcher,
    /// What was said, by its words.
    Search {
        serial: u32,
    },
    /// The page that ends with this message; the timeline's mark when it was asked for.
    Around {
        room: String,
        id: MessageId,
        mark: u64,
    },
    /// Who is in the room.
    Who {
        room: String,
    },
    Away {
        on: bool,
    },
    Ping {
        sent: Ts,
    },
    /// The nodes' figures, again and again.
    Stats,
    /// The read marker; only its loss matters.
    Read {
        room: String,
    },
}

/// Tab goes through these, in place of the word that was there.
#[derive(Clone, Debug)]
pub struct Completion {
    pub words: Vec<Candidate>,
    pub at: usize,
    /// Scalar values of what stands in the composer for it now.
    pub chars: usize,
}

/// What a word may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// As it stands in the text then.
    pub text: String,
    /// As it is offered.
    pub label: String,
    /// Scalar values behind it that a sign takes the place of.
    pub tail: usize,
}

/// Makes nonces from the time and from chance that came in at the start.
#[derive(Clone, Debug)]
pub struct Nonces {
    seed: u64,
}

impl Nonces {
    pub fn new(seed: u64) -> Nonces {
        Nonces { seed }
    }

    /// A ULID: nonces that rise with time keep the node's index compact.
    pub fn next(&mut self, now: Ts) -> Nonce {
        let chance = (u128::from(self.draw()) << 64) | u128::from(self.draw());
        let ms = u64::try_from(now.0 / 1000).unwrap_or(0);
        let ulid = ulid::Ulid::from_parts(ms, chance);
        Nonce::parse(&ulid.to_string()).expect("a ULID is 26 letters and digits")
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl State {
    /// Before anything has happened. `seed` is chance.
    pub fn new(now: Ts, zone: TimeZone, theme: Theme, size: (u16, u16), seed: u64) -> State {
        State {
            now,
            zone,
            theme,
            keys: Keymap::default(),
            size,
            focused: true,
            focused_at: None,
            link: Link::Waiting,
            last_node: None,
            me: None,
            rooms: Vec::new(),
            active: 0,
            roomless: Composer::default(),
            selection: None,
            overlay: Overlay::None,
            monitor: Monitor::default(),
            jumps_to: None,
            search: Search::default(),
            quiet: None,
            rung: None,
            pressed: Some(now),
            touched: None,
            title: String::new(),
            flash: None,
            interrupted: None,
            sent_lines: SentLines::default(),
            memo: Memo::default(),
            completion: None,
            behind: Behind::Nothing,
            known_rooms: Vec::new(),
            asked: HashMap::new(),
            changes: Vec::new(),
            unsent: Vec::new(),
            drafts: Vec::new(),
            lists_rooms: false,
            keeps_anew: false,
            pinged: None,
            read_sent: None,
            nonces: Nonces::new(seed),
            next_re: 1,
        }
    }

    pub fn room(&self) -> Option<&Room> {
        self.rooms.get(self.active)
    }

    pub fn room_mut(&mut self) -> Option<&mut Room> {
        self.rooms.get_mut(self.active)
    }

    /// Where this person writes: in the room that is shown, if there is one.
    pub fn composer(&self) -> &Composer {
        self.room().map_or(&self.roomless, |room| &room.composer)
    }

    pub fn composer_mut(&mut self) -> &mut Composer {
        match self.rooms.get_mut(self.active) {
            Some(room) => &mut room.composer,
            None => &mut self.roomless,
        }
    }

    pub fn find(&mut self, name: &str) -> Option<&mut Room> {
        let at = self.index_of(name)?;
        self.rooms.get_mut(at)
    }

    /// The room of that name; `@=uid` names a conversation by whom it is with.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        let called = |room: &Room| room.name == name;
        self.rooms.iter().position(called).or_else(|| {
            let uid = name.strip_prefix("@=")?;
            let with = |room: &Room| room.with.as_ref().is_some_and(|with| with.as_str() == uid);
            self.rooms.iter().position(with)
        })
    }

    /// The room's place in the list; it is opened if it was not.
    pub fn open(&mut self, name: &str) -> usize {
        self.index_of(name).unwrap_or_else(|| {
            self.rooms.push(Room::new(name));
            let at = self.rooms.len() - 1;
            drafts::restore(self, at);
            at
        })
    }

    pub fn is_online(&self) -> bool {
        matches!(self.link, Link::Online { .. })
    }

    pub fn is_me(&self, uid: &Uid) -> bool {
        self.me.as_ref().is_some_and(|me| me.uid == *uid)
    }

    /// A sentence among the messages of a room, for a person who has just asked there.
    pub fn answer_in(&mut self, room: &str, text: impl Into<String>) {
        let now = self.now;
        match self.find(room) {
            Some(room) if room.timeline.newer == Beyond::Nothing => {
                room.timeline.note(now, text.into(), false);
                room.to_newest();
            }
            Some(_) | None => self.say(text),
        }
    }

    /// A frame that has no answer.
    pub fn tell(&mut self, frame: ClientFrame) -> Effect {
        let re = self.next_re;
        self.next_re += 1;
        Effect::Net(Command::Ask { re, frame })
    }

    /// A question to the node; its answer comes back with what it was about.
    pub fn ask(&mut self, about: Asked, frame: ClientFrame) -> Effect {
        if self.asked.len() >= ASKED_MAX {
            self.asked.clear();
        }
        let re = self.next_re;
        self.next_re += 1;
        self.asked.insert(re, about);
        Effect::Net(Command::Ask { re, frame })
    }

    /// Pages that have been asked for were to stand next to a window that is let go.
    pub fn forget_pages(&mut self, of: &str) {
        self.asked.retain(|_, asked| match asked {
            Asked::Older { room } | Asked::Newer { room } | Asked::Newest { room } => room != of,
            Asked::Around { .. }
            | Asked::Again { .. }
            | Asked::Rooms { .. }
            | Asked::Switcher
            | Asked::Search { .. }
            | Asked::Who { .. }
            | Asked::Away { .. }
            | Asked::Ping { .. }
            | Asked::Stats
            | Asked::Read { .. } => true,
        });
    }

    /// Before the first session nothing is written: what an earlier run has left comes first, if it is this
    /// user's at all. It waits in its room, and [`unsent::send_all`] writes it then.
    pub fn hand_over(&self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if self.me.is_none() {
            effects.retain(|effect| !matches!(effect, Effect::Net(Command::Write(_))));
        }
        effects
    }

    /// Own messages and changes that are on their way, to be kept.
    pub fn keep(&self) -> Effect {
        Effect::Keep(unsent::all(self))
    }

    /// The rooms this person is in, to be kept. Conversations come by themselves.
    pub fn keep_rooms(&self) -> Effect {
        let rooms = self.rooms.iter().filter(|room| !room.is_direct());
        Effect::KeepRooms(rooms.filter_map(Room::reference).collect())
    }

    /// Asks for a name, with `suggested` filled in.
    pub fn ask_name(&mut self, suggested: &str, why: impl Into<String>) {
        let mut input = Box::<Composer>::default();
        input.insert(suggested);
        let why = why.into();
        self.overlay = Overlay::Name { input, why };
    }
}

/// Whether two user names are one to a reader.
pub fn same_name(one: &str, other: &str) -> bool {
    match (UserName::parse(one), UserName::parse(other)) {
        (Ok(one), Ok(other)) => one.key() == other.key(),
        _ => one == other,
    }
}

/// The user of that name among those listed.
pub fn by_name<'a>(people: impl Iterator<Item = &'a UserInfo>, name: &str) -> Option<&'a UserInfo> {
    let mut people = people;
    people.find(|user| same_name(&user.name, name))
}
