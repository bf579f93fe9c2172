//! Holds the wire to the golden lines in `tests/golden/`: each is read and written back byte for byte,
//! and everything that can be said has a line. In test builds only.
//!
//! A frame that is new fails to compile here until it is named, and then fails until it has its
//! line. A line that has to change is a change of the protocol.

use std::collections::BTreeSet;

use super::client::{Claim, ClientFrame, HistoryRange};
use super::decode::decode;
use super::error::ErrorCode;
use super::server::{CloseReason, Role, ServerFrame};

const CLIENT: &str = include_str!("../../tests/golden/client.jsonl");
const SERVER: &str = include_str!("../../tests/golden/server.jsonl");

/// Names every variant of an enum: a function from the value to the name, and all names.
macro_rules! named {
    ($name:ident, $all:ident, $type:ident: $($variant:ident),+ $(,)?) => {
        fn $name(value: &$type) -> &'static str {
            match value {
                $($type::$variant { .. } => stringify!($variant),)+
            }
        }
        const $all: &[&str] = &[$(stringify!($variant)),+];
    };
}

named!(client_frame, CLIENT_FRAMES, ClientFrame:
    UserJoin, Join, Leave, Send, Edit, Delete, React, Topic, History, Typing, Read, Search, Rooms,
    Who, Away, Ping, Stats, Quit,
);

named!(claim, CLAIMS, Claim: Name, Token);

named!(range, RANGES, HistoryRange: Newest, Before, After, Since);

named!(server_frame, SERVER_FRAMES, ServerFrame:
    Connect, Session, Room, Ok, UserJoin, UserLeave, UserListUpdate, Away, Renamed, Rooms, Topic,
    Sent, NewMessage, MessageUpdate, History, Gap, Typing, Read, Results, Pong, Stats, Disconnect,
    Error,
);

named!(code, CODES, ErrorCode:
    BadJson, BadFrame, UnknownType, LineTooLong, NotUtf8, NotJoined, BadName, NameTaken,
    BadPassword, BadToken, BadRoom, NoSuchRoom, NotInRoom, Forbidden, NoSuchMessage, NoSuchUser,
    EmptyText, TextTooLong, BadNonce, RateLimited, TooManyConnections, Unavailable, Internal,
);

named!(reason, REASONS, CloseReason:
    Quit, ShuttingDown, Kicked, Banned, Flood, TooManyConnections, Replaced,
);

named!(role, ROLES, Role: User, Admin);

/// What has been met in the lines.
#[derive(Default)]
struct Met(BTreeSet<&'static str>);

impl Met {
    fn all(&self, names: &[&str]) {
        for name in names {
            assert!(self.0.contains(name), "no golden line for {name}");
        }
    }
}

#[test]
fn every_client_frame_has_a_line_that_is_read_and_written_back_the_same() {
    let (mut frames, mut claims, mut ranges) = (Met::default(), Met::default(), Met::default());
    for line in CLIENT.lines() {
        let request = decode(line).unwrap_or_else(|rejected| panic!("{line}: {rejected:?}"));
        let written = String::from_utf8(request.encode()).unwrap();
        assert_eq!(written, format!("{line}\n"));
        frames.0.insert(client_frame(&request.frame));
        match &request.frame {
            ClientFrame::UserJoin { claim: said, .. } => claims.0.insert(claim(said)),
            ClientFrame::History { range: said, .. } => ranges.0.insert(range(said)),
            _ => true,
        };
    }
    frames.all(CLIENT_FRAMES);
    claims.all(CLAIMS);
    ranges.all(RANGES);
}

#[test]
fn every_server_frame_has_a_line_that_is_read_and_written_back_the_same() {
    let (mut frames, mut codes) = (Met::default(), Met::default());
    let (mut reasons, mut roles) = (Met::default(), Met::default());
    for line in SERVER.lines() {
        let frame = ServerFrame::decode(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let written = String::from_utf8(frame.encode()).unwrap();
        assert_eq!(written, format!("{line}\n"));
        frames.0.insert(server_frame(&frame));
        match &frame {
            ServerFrame::Error(error) => codes.0.insert(code(&error.code)),
            ServerFrame::Disconnect(close) => reasons.0.insert(reason(&close.reason)),
            ServerFrame::Session(session) => roles.0.insert(role(&session.role)),
            _ => true,
        };
    }
    frames.all(SERVER_FRAMES);
    codes.all(CODES);
    reasons.all(REASONS);
    roles.all(ROLES);
}

#[test]
fn a_client_passes_over_fields_that_a_later_server_adds() {
    for line in SERVER.lines() {
        let later = format!("{},\"later\":{{\"x\":[1]}}}}", &line[..line.len() - 1]);
        let frame = ServerFrame::decode(&later).unwrap_or_else(|error| panic!("{later}: {error}"));
        assert_eq!(frame, ServerFrame::decode(line).unwrap());
    }
    for line in CLIENT.lines() {
        let later = format!("{},\"later\":{{\"x\":[1]}}}}", &line[..line.len() - 1]);
        assert_eq!(decode(&later).unwrap(), decode(line).unwrap());
    }
}

#[test]
fn a_line_cut_anywhere_is_refused_and_never_panics() {
    for line in CLIENT.lines() {
        for at in (0..line.len()).filter(|at| line.is_char_boundary(*at)) {
            assert!(decode(&line[..at]).is_err(), "{}", &line[..at]);
        }
    }
    for line in SERVER.lines() {
        for at in (0..line.len()).filter(|at| line.is_char_boundary(*at)) {
            assert!(ServerFrame::decode(&line[..at]).is_err(), "{}", &line[..at]);
        }
    }
}
