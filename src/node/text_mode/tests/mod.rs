//! Stories of a person at telnet.

mod shown;
mod told;
mod typed;

use super::recent::RECENT_MESSAGES_MAX;
use super::*;
use crate::protocol::server::*;
use crate::protocol::{
    Claim, ErrorCode, HistoryRange, MessageId, Nonce, Origin, Text, UserName, VersionVector,
};

/// 22 November 2026, 12:04 UTC.
const NOON: i64 = 1_795_349_040_000_000;
const MINUTE: i64 = 60_000_000;

/// A person at a terminal: what was asked of the server, and what is on the screen.
struct Person {
    mode: TextMode,
    out: Vec<u8>,
}

impl Person {
    fn new() -> Person {
        Person {
            mode: TextMode::new(TimeZone::UTC, Ts(NOON)),
            out: Vec::new(),
        }
    }

    /// Alice, in the lobby with Bob, nothing on the screen.
    fn in_lobby() -> Person {
        let mut person = Person::new();
        person.types("alice");
        person.sees(&session("alice"));
        person.requests();
        person.sees(&room("lobby", "", vec![]));
        person.out.clear();
        person
    }

    fn types(&mut self, line: &str) {
        self.mode.typed(line, &mut self.out);
    }

    fn sees(&mut self, frame: &ServerFrame) {
        self.mode.frame(frame, &mut self.out);
    }

    /// What has been asked since.
    fn requests(&mut self) -> Vec<ClientFrame> {
        std::iter::from_fn(|| self.mode.next_request())
            .map(|request| request.frame)
            .collect()
    }

    /// What has come on the screen since. Every line has its end.
    fn screen(&mut self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut self.out)).unwrap();
        let lines: Vec<String> = text.split_inclusive("\r\n").map(str::to_owned).collect();
        let line = |line: String| line.strip_suffix("\r\n").unwrap().to_owned();
        lines.into_iter().map(line).collect()
    }

    fn refused(&mut self, asked: &str, code: ErrorCode, message: &str, suggestion: Option<&str>) {
        self.sees(&ServerFrame::Error(ErrorFrame {
            re: Some(Re::Text(asked.into())),
            code,
            message: message.into(),
            retry_after_ms: None,
            suggestion: suggestion.map(str::to_owned),
        }));
    }
}

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn room_ref(text: &str) -> RoomRef {
    RoomRef::parse(text).unwrap()
}

fn send(room: &str, text: &str) -> ClientFrame {
    ClientFrame::Send {
        room: room_ref(room),
        text: Text::parse(text).unwrap(),
        nonce: None,
        reply_to: None,
        after: None,
    }
}

fn session(user: &str) -> ServerFrame {
    ServerFrame::Session(Session {
        re: None,
        user: user.into(),
        uid: uid("aaaa"),
        guest: true,
        role: Role::User,
        token: "t".into(),
        node: "n1".into(),
        poll: None,
    })
}

fn user(name: &str, away: bool) -> UserInfo {
    UserInfo {
        name: name.into(),
        uid: uid("bbbb"),
        away,
    }
}

fn room(name: &str, topic: &str, messages: Vec<Message>) -> ServerFrame {
    ServerFrame::Room(Box::new(Room {
        re: None,
        room: name.into(),
        topic: topic.into(),
        private: false,
        total: 2,
        users: vec![user("alice", false), user("bob", true)],
        messages,
        updates: Vec::new(),
        more: false,
        since: VersionVector::new(),
        read: VersionVector::new(),
    }))
}

fn message(room: &str, nonce: &str, text: &str) -> Message {
    Message {
        room: room.into(),
        id: MessageId::new(&uid("bbbb"), &Nonce::parse(nonce).unwrap()),
        from: "bob".into(),
        uid: uid("bbbb"),
        ts: Ts(NOON),
        origin: Origin::parse("n1-4f2a").unwrap(),
        seq: 1,
        text: Some(text.into()),
        nonce: Nonce::parse(nonce).unwrap(),
        reply_to: None,
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
        late: false,
    }
}

fn said(message: Message) -> ServerFrame {
    ServerFrame::NewMessage(message)
}

fn update(nonce: &str) -> MessageUpdate {
    let message = message("lobby", nonce, "");
    MessageUpdate {
        room: message.room,
        id: message.id,
        ts: message.ts,
        origin: message.origin,
        seq: 2,
        text: None,
        edited: None,
        deleted: false,
        reactions: None,
    }
}
