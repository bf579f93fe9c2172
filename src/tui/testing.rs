//! What the tests of this module share: made-up people and messages, and a story that presses keys,
//! hears the server and reads the screen.

use std::collections::BTreeMap;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::drafts::Draft;
use super::event::{Effect, Event};
use super::state::State;
use super::theme::{Ground, Theme};
use super::update::update;
use super::view;
use crate::client::{ClientEvent, Command};
use crate::protocol::server::{Message, Role, Room, Sent, ServerFrame, Session, UserInfo};
use crate::protocol::{
    ClientFrame, HistoryRange, MessageId, Nonce, Origin, Re, RoomRef, Ts, Uid, VersionVector,
};

/// 22 November 2026, 09:00 UTC.
pub const MORNING: Ts = Ts(1_795_338_000_000_000);

/// The user's id that the tests give to a name.
pub fn uid(name: &str) -> Uid {
    let letters: String = name.chars().filter(char::is_ascii_lowercase).collect();
    Uid::parse(&format!("uid{letters}")).unwrap()
}

pub fn user(name: &str) -> UserInfo {
    UserInfo {
        name: name.to_owned(),
        uid: uid(name),
        away: false,
    }
}

pub fn origin() -> Origin {
    Origin::parse("n1-a").unwrap()
}

/// The `n`th message of `lobby`, one a minute from the morning on.
pub fn message(n: u64, from: &str, text: &str) -> Message {
    let nonce = Nonce::parse(&format!("nonce{n}")).unwrap();
    let minutes = i64::try_from(n).unwrap();
    Message {
        room: "lobby".to_owned(),
        id: MessageId::new(&uid(from), &nonce),
        from: from.to_owned(),
        uid: uid(from),
        ts: Ts(MORNING.0 + minutes * 60_000_000),
        origin: origin(),
        seq: n + 1,
        text: Some(text.to_owned()),
        nonce,
        reply_to: None,
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
        late: false,
    }
}

/// One run of the client as alice: what she does, what the server says, what is seen.
pub struct Story {
    pub state: State,
    effects: Vec<Effect>,
}

impl Story {
    /// Before any connection.
    pub fn new(columns: u16, rows: u16) -> Story {
        Story::after(columns, rows, Vec::new(), &["lobby"], None)
    }

    /// The same, where an earlier run has left these drafts, was in these rooms and showed one of them.
    pub fn after(
        columns: u16,
        rows: u16,
        drafts: Vec<Draft>,
        rooms: &[&str],
        shown: Option<&str>,
    ) -> Story {
        let theme = Theme::new(Ground::Terminal, false);
        let mut state = State::new(MORNING, TimeZone::UTC, theme, (columns, rows), 1);
        state.drafts = drafts;
        let parse = |name: &str| RoomRef::parse(name).unwrap();
        let rooms: Vec<RoomRef> = rooms.iter().copied().map(parse).collect();
        let shown = shown.map(parse);
        let effects = super::net::begin(&mut state, &rooms, shown.as_ref());
        Story { state, effects }
    }

    /// Connected to n1 and in the lobby with bob and carol, with these messages.
    pub fn in_lobby(columns: u16, rows: u16, messages: Vec<Message>) -> Story {
        let mut story = Story::new(columns, rows);
        story.online("n1");
        story.enter_lobby(messages, false);
        story.effects.clear();
        story
    }

    pub fn online(&mut self, node: &str) {
        let session = Session {
            re: None,
            user: "alice".to_owned(),
            uid: uid("alice"),
            guest: true,
            role: Role::User,
            token: "token".to_owned(),
            node: node.to_owned(),
            poll: None,
        };
        self.net(ClientEvent::Online {
            session: Box::new(session),
            address: "127.0.0.1:9001".to_owned(),
        });
    }

    pub fn offline(&mut self) {
        self.net(ClientEvent::Offline {
            reason: "the node is gone".to_owned(),
            retry_in: Duration::from_secs(3),
        });
    }

    /// The answer to joining the lobby.
    pub fn enter_lobby(&mut self, messages: Vec<Message>, more: bool) {
        let newest = messages.last().map_or(0, |message| message.seq);
        let since: VersionVector = [(origin(), newest)].into_iter().collect();
        let room = Room {
            re: None,
            room: "lobby".to_owned(),
            topic: "deploys and tea".to_owned(),
            private: false,
            total: 3,
            users: vec![user("alice"), user("bob"), user("carol")],
            messages,
            updates: Vec::new(),
            more,
            since: since.clone(),
            read: since,
        };
        self.frame(ServerFrame::Room(Box::new(room)));
        let room = RoomRef::parse("lobby").unwrap();
        self.net(ClientEvent::CaughtUp { room });
    }

    /// The same, with the read marker after so many messages.
    pub fn enter_lobby_read(&mut self, messages: Vec<Message>, read: u64) {
        let newest = messages.last().map_or(0, |message| message.seq);
        let room = Room {
            re: None,
            room: "lobby".to_owned(),
            topic: String::new(),
            private: false,
            total: 1,
            users: vec![user("alice")],
            messages,
            updates: Vec::new(),
            more: true,
            since: [(origin(), newest)].into_iter().collect(),
            read: [(origin(), read)].into_iter().collect(),
        };
        self.frame(ServerFrame::Room(Box::new(room)));
        let room = RoomRef::parse("lobby").unwrap();
        self.net(ClientEvent::CaughtUp { room });
    }

    /// The answer to joining the lobby once more, where nothing was missed.
    pub fn enter_again(&mut self, since: VersionVector) {
        let room = Room {
            re: None,
            room: "lobby".to_owned(),
            topic: "deploys and tea".to_owned(),
            private: false,
            total: 3,
            users: vec![user("alice"), user("bob"), user("carol")],
            messages: Vec::new(),
            updates: Vec::new(),
            more: false,
            since,
            read: VersionVector::new(),
        };
        self.frame(ServerFrame::Room(Box::new(room)));
        let room = RoomRef::parse("lobby").unwrap();
        self.net(ClientEvent::CaughtUp { room });
    }

    pub fn happen(&mut self, event: Event) {
        let effects = update(&mut self.state, event);
        self.effects.extend(effects);
    }

    pub fn net(&mut self, event: ClientEvent) {
        self.happen(Event::Net(event));
    }

    pub fn frame(&mut self, frame: ServerFrame) {
        self.net(ClientEvent::Frame(Box::new(frame)));
    }

    pub fn hear(&mut self, message: Message) {
        self.frame(ServerFrame::NewMessage(message));
    }

    /// The node has stored the own message with this nonce, on two nodes.
    pub fn stored(&mut self, nonce: &Nonce, n: u64) {
        self.stored_in("lobby", nonce, n);
    }

    pub fn stored_in(&mut self, room: &str, nonce: &Nonce, n: u64) {
        let made_up = message(n, "alice", "");
        self.net(ClientEvent::Sent(Sent {
            re: None,
            nonce: nonce.clone(),
            room: room.to_owned(),
            id: MessageId::new(&uid("alice"), nonce),
            ts: made_up.ts,
            origin: made_up.origin,
            seq: made_up.seq,
            copies: 2,
        }));
    }

    pub fn press(&mut self, code: KeyCode) {
        self.happen(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    pub fn ctrl(&mut self, c: char) {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        self.happen(Event::Key(key));
    }

    pub fn alt(&mut self, code: KeyCode) {
        self.happen(Event::Key(KeyEvent::new(code, KeyModifiers::ALT)));
    }

    pub fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c));
        }
    }

    /// Types a line and sends it.
    pub fn enter(&mut self, text: &str) {
        self.write(text);
        self.press(KeyCode::Enter);
    }

    pub fn wheel(&mut self, kind: MouseEventKind) {
        self.happen(Event::Mouse(MouseEvent {
            kind,
            column: 30,
            row: 5,
            modifiers: KeyModifiers::NONE,
        }));
    }

    /// So many seconds go by.
    pub fn wait(&mut self, seconds: i64) {
        let then = Ts(self.state.now.0 + seconds * 1_000_000);
        self.happen(Event::Tick(then));
    }

    /// What was to be done since the last look.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What was written for good since the last look.
    pub fn written(&mut self) -> Vec<ClientFrame> {
        let frames = self
            .effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Net(Command::Write(frame)) => Some(frame),
                _ => None,
            });
        frames.collect()
    }

    /// The mark of the question that is like this.
    pub fn mark_of(&mut self, wanted: impl Fn(&ClientFrame) -> bool) -> Option<Re> {
        self.effects()
            .into_iter()
            .rev()
            .find_map(|effect| match effect {
                Effect::Net(Command::Ask { re, frame }) if wanted(&frame) => Some(Re::Number(re)),
                _ => None,
            })
    }

    /// The questions since the last look, with their marks; markers, pings and typing left out.
    pub fn asked(&mut self) -> Vec<(i64, HistoryRange)> {
        let asked = self
            .effects()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Net(Command::Ask {
                    re,
                    frame: ClientFrame::History { range, .. },
                }) => Some((re, range)),
                _ => None,
            });
        asked.collect()
    }

    /// The screen as text, row by row, without the space at the ends.
    pub fn screen(&self) -> String {
        let buffer = self.buffer();
        let mut screen = rows_of(&buffer, buffer.area).join("\n");
        screen.push('\n');
        screen
    }

    pub fn buffer(&self) -> Buffer {
        let (columns, rows) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal
            .draw(|frame| view::draw(&self.state, frame))
            .unwrap();
        terminal.backend().buffer().clone()
    }

    /// The rows of the part of the screen that shows messages.
    pub fn reading(&self) -> Vec<String> {
        rows_of(&self.buffer(), super::travel::parts(&self.state).messages)
    }
}

/// A part of the screen as text.
fn rows_of(buffer: &Buffer, area: Rect) -> Vec<String> {
    let row_text = |row: Rect| {
        let mut line = String::new();
        let mut hidden = 0;
        for at in row.positions() {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            let symbol = buffer[at].symbol();
            line.push_str(symbol);
            hidden = super::shown::grapheme_width(symbol).saturating_sub(1);
        }
        line.trim_end().to_owned()
    };
    area.rows().map(row_text).collect()
}
