//! Text mode: a person at `telnet` or `nc`, who types lines and reads lines.
//!
//! It stands between the connection and its session: what is typed becomes requests like those of any
//! client, and the frames that come back become plain text. It owns what such a person's client would
//! know (the name, the current room, the messages shown last), and must never do what a client could
//! not ask for itself.
//!
//! The connection makes a [`TextMode`] when the first line does not begin with `{`, and then
//!
//! - carries out [`TextMode::next_request`] for as long as there is one, before it takes a line;
//! - takes no line while [`TextMode::is_waiting`]: the answer decides what the line is (a name, or a
//!   text, and for which room);
//! - gives each line to [`TextMode::typed`], and each frame, direct or live, to [`TextMode::frame`] or
//!   [`TextMode::frame_line`].
//!
//! So `printf 'bob\n/join ops\nhello\n' | nc` says hello in `ops`, and not before it is there.

mod recent;
mod shown;
#[cfg(test)]
mod tests;
mod typed;
mod under_way;
mod words;

use std::collections::{BTreeMap, VecDeque};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::protocol::names::RoomRef;
use crate::protocol::{ClientFrame, Re, Refusal, Request, ServerFrame, Ts, Uid};
use recent::Recent;
use under_way::UnderWay;

/// Stands in the `connect` frame, the one thing a person sees before the first line is typed.
pub const HINT: &str = "to chat from here, type a name and press Enter; /help says more";

/// The room that everybody in text mode begins in.
pub const FIRST_ROOM: &str = "lobby";

/// Messages that are shown on coming into a room: a screen of a terminal.
pub const JOIN_MESSAGES: usize = 20;

/// Messages that `/history` shows unless it is told how many.
pub const HISTORY_MESSAGES: usize = 50;

/// Users that `/who` names; of more it says how many there are.
pub const WHO_USERS_MAX: usize = 200;

/// One person's side of the conversation.
#[derive(Debug)]
pub struct TextMode {
    zone: TimeZone,
    /// Who the person is, once the session is open.
    user: Option<User>,
    /// Where a text goes.
    current: Option<String>,
    /// The rooms that the session is in, with their topics.
    rooms: BTreeMap<String, String>,
    /// Requests that are to be carried out.
    requests: VecDeque<Request>,
    /// The request whose answer is waited for.
    asked: Option<Asked>,
    /// The texts that were sent and not answered yet.
    under_way: UnderWay,
    /// The messages shown last.
    recent: Recent,
    /// Where `/history more` goes on: before this time in this room.
    older: Option<(String, Ts)>,
    /// The day of the line shown last.
    day: Option<Date>,
    /// Who was renamed last, and to what: it is told in every room, and shown once.
    renamed: Option<(Uid, String)>,
}

#[derive(Debug)]
struct User {
    name: String,
    uid: Uid,
}

/// What was asked, where the answer changes what later lines mean or how it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Name,
    Join,
    /// A direct conversation, which nobody joins.
    Open,
    Leave(String),
    Topic,
    Who,
    Rooms,
    Search,
    /// A block of history; `older`: what comes before the block shown last.
    History {
        older: bool,
    },
}

impl TextMode {
    /// `zone` is the one in which times are shown; `now` begins the day.
    pub fn new(zone: TimeZone, now: Ts) -> TextMode {
        TextMode {
            day: words::date(now, &zone),
            zone,
            user: None,
            current: None,
            rooms: BTreeMap::new(),
            requests: VecDeque::new(),
            asked: None,
            under_way: UnderWay::default(),
            recent: Recent::default(),
            older: None,
            renamed: None,
        }
    }

    /// A line that the person typed, without its end. What can be answered at once is put into `out`;
    /// the rest waits in [`TextMode::next_request`].
    pub fn typed(&mut self, line: &str, out: &mut Vec<u8>) {
        typed::line(self, line, out);
    }

    /// The next request to carry out.
    pub fn next_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// Whether a request waits to be carried out.
    pub fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Whether the answer to a request must come before another line is taken.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// A frame from the server, shown if it is for a person's eyes.
    pub fn frame(&mut self, frame: &ServerFrame, out: &mut Vec<u8>) {
        shown::frame(self, frame, out);
    }

    /// The same for a frame that is a line of JSON already.
    pub fn frame_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let decoded = std::str::from_utf8(line).map(ServerFrame::decode);
        if let Ok(Ok(frame)) = decoded {
            self.frame(&frame, out);
        }
    }

    /// A line that was skipped as it came (too long, not UTF-8).
    pub fn skipped(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        words::say(out, &format!("not sent: {}", refusal.message));
    }

    /// Asks, and waits for the answer.
    fn ask(&mut self, asked: Asked, frame: ClientFrame) {
        self.asked = Some(asked);
        self.requests.push_back(Request {
            re: Some(Re::Text(ASKED.to_owned())),
            frame,
        });
    }

    /// Sends, and goes on.
    fn send(&mut self, frame: ClientFrame) {
        let re = Some(Re::Text(SENT.to_owned()));
        self.requests.push_back(Request { re, frame });
    }

    fn is_current(&self, room: &str) -> bool {
        self.current.as_deref() == Some(room)
    }

    /// The current room as a request names it.
    fn current_room(&self) -> Option<RoomRef> {
        self.current
            .as_deref()
            .and_then(|room| RoomRef::parse(room).ok())
    }
}

/// The mark of the one request that is waited for.
const ASKED: &str = "asked";

/// The mark of requests that are not.
const SENT: &str = "sent";
