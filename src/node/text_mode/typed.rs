//! What a person types: a name, a text, a command.

use super::words::{self, say};
use super::{Asked, FIRST_ROOM, HISTORY_MESSAGES, JOIN_MESSAGES, TextMode};
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::names::{RoomRef, UserName};
use crate::protocol::text::{parse_topic, without_sequences};
use crate::protocol::{Claim, ClientFrame, HistoryRange, Text};

/// A command: how it is typed, and what it does.
const COMMANDS: &[(&str, &str)] = &[
    (
        "/join ROOM",
        "go to a room, made if it is new; /join @NAME to talk with one person",
    ),
    ("/leave [ROOM]", "leave this room, or another"),
    ("/rooms", "the rooms there are"),
    ("/who [ROOM]", "who is here, or in another room"),
    ("/msg NAME TEXT", "say something to one person"),
    ("/topic [TEXT]", "show or set this room's topic"),
    (
        "/history [N]",
        "the newest messages again; /history more for older ones",
    ),
    (
        "/search WORDS",
        "the newest messages with these words, \"phrases\", dep*, from:NAME, room:ROOM, before:2026-11-01",
    ),
    ("/help", "this"),
    ("/quit", "go"),
];

/// Shown before the person has a name.
const GREETING: [&str; 2] = [
    "This is chat. Type the name you want to be known by, and press Enter: you are then in the lobby,",
    "and what you type is said there. /help lists the commands, /quit goes.",
];

/// Takes one line.
pub(super) fn line(mode: &mut TextMode, line: &str, out: &mut Vec<u8>) {
    // What a terminal sends for arrow keys and the like is not meant for anybody.
    let line: String = without_sequences(line)
        .chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .collect();
    let line = line.trim_end();
    if line.trim().is_empty() {
        return;
    }
    if let Some(command) = line.strip_prefix('/') {
        match command.strip_prefix('/') {
            Some(_) if mode.user.is_some() => text(mode, &line[1..], out),
            Some(_) | None => self::command(mode, command, out),
        }
    } else if mode.user.is_none() {
        name(mode, line.trim(), out);
    } else {
        text(mode, line, out);
    }
}

fn name(mode: &mut TextMode, name: &str, out: &mut Vec<u8>) {
    match UserName::parse(name) {
        Ok(name) => {
            let claim = Claim::Name {
                name,
                password: None,
            };
            mode.ask(
                Asked::Name,
                ClientFrame::UserJoin {
                    claim,
                    admin: None,
                    brief: false,
                },
            );
        }
        Err(refusal) => {
            say(out, &refusal.message);
            greet(out);
        }
    }
}

fn text(mode: &mut TextMode, text: &str, out: &mut Vec<u8>) {
    match mode.current_room() {
        Some(room) => send(mode, room, text, out),
        None => say(out, "not sent: you are in no room; /join one first"),
    }
}

fn send(mode: &mut TextMode, room: RoomRef, text: &str, out: &mut Vec<u8>) {
    match Text::parse(text) {
        Ok(text) => {
            mode.under_way.push(text.as_str());
            mode.send(ClientFrame::Send {
                room,
                text,
                nonce: None,
                reply_to: None,
                after: None,
            });
        }
        Err(refusal) => say(out, &format!("not sent: {}", refusal.message)),
    }
}

fn command(mode: &mut TextMode, command: &str, out: &mut Vec<u8>) {
    let (verb, rest) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let rest = rest.trim();
    match verb.to_lowercase().as_str() {
        "help" | "?" => help(mode, out),
        "quit" | "exit" | "bye" => mode.send(ClientFrame::Quit),
        _ if mode.user.is_none() => greet(out),
        "join" | "j" => join(mode, rest, out),
        "leave" | "part" => leave(mode, rest, out),
        "who" => who(mode, rest, out),
        "rooms" | "list" => mode.ask(Asked::Rooms, ClientFrame::Rooms),
        "topic" => topic(mode, rest, out),
        "msg" => message(mode, rest, out),
        "history" => history(mode, rest, out),
        "search" | "find" => search(mode, rest, out),
        _ => {
            let verb = words::one_line(verb, 32);
            say(
                out,
                &format!("there is no /{verb}, and nothing was sent; /help lists the commands"),
            );
            say(out, "to say a text that begins with a slash, type two: //");
        }
    }
}

fn join(mode: &mut TextMode, name: &str, out: &mut Vec<u8>) {
    if name.is_empty() {
        return usage("join", out);
    }
    match RoomRef::parse(name.strip_prefix('#').unwrap_or(name)) {
        Ok(room @ RoomRef::Room(_)) => mode.ask(
            Asked::Join,
            ClientFrame::Join {
                room,
                since: None,
                limit: Some(JOIN_MESSAGES),
            },
        ),
        // Nobody joins a direct conversation: what was said in it shows that it is there.
        Ok(room @ (RoomRef::Direct(_) | RoomRef::DirectUid(_))) => mode.ask(
            Asked::Open,
            ClientFrame::History {
                room,
                range: HistoryRange::Newest,
                limit: Some(JOIN_MESSAGES),
            },
        ),
        Err(refusal) => say(out, &refusal.message),
    }
}

/// The session has just been opened: on to the first room.
pub(super) fn join_first(mode: &mut TextMode, out: &mut Vec<u8>) {
    join(mode, FIRST_ROOM, out);
}

fn leave(mode: &mut TextMode, name: &str, out: &mut Vec<u8>) {
    let Some(room) = room_or_current(mode, name, out) else {
        return;
    };
    match room {
        RoomRef::Room(name) => {
            let asked = Asked::Leave(name.as_str().to_owned());
            mode.ask(
                asked,
                ClientFrame::Leave {
                    room: RoomRef::Room(name),
                },
            );
        }
        direct @ (RoomRef::Direct(_) | RoomRef::DirectUid(_)) => {
            if mode.current_room() == Some(direct) {
                let left = mode.current.take().unwrap_or_default();
                go_on(mode, &left, out);
            } else {
                say(
                    out,
                    "nobody is in a direct conversation, so there is nothing to leave",
                );
            }
        }
    }
}

/// `left` is no longer where texts go: to the lobby, or any other room the person is in.
pub(super) fn go_on(mode: &mut TextMode, left: &str, out: &mut Vec<u8>) {
    let others = || mode.rooms.keys().filter(|room| *room != left);
    let next = others()
        .find(|room| *room == FIRST_ROOM)
        .or_else(|| others().next());
    mode.current = next.cloned();
    match &mode.current {
        Some(room) => say(out, &format!("you have left {left}; you are in {room} now")),
        None => say(
            out,
            &format!("you have left {left}; /join another room, or /quit"),
        ),
    }
}

fn who(mode: &mut TextMode, name: &str, out: &mut Vec<u8>) {
    if let Some(room) = room_or_current(mode, name, out) {
        mode.ask(Asked::Who, ClientFrame::Who { room });
    }
}

fn topic(mode: &mut TextMode, topic: &str, out: &mut Vec<u8>) {
    let Some(room) = room_or_current(mode, "", out) else {
        return;
    };
    if topic.is_empty() {
        let room = mode.current.clone().unwrap_or_default();
        let topic = mode.rooms.get(&room).map_or("", String::as_str);
        return words::topic(out, &room, topic);
    }
    match parse_topic(topic) {
        Ok(topic) => mode.ask(
            Asked::Topic,
            ClientFrame::Topic {
                room,
                topic,
                nonce: None,
                after: None,
            },
        ),
        Err(refusal) => say(out, &refusal.message),
    }
}

fn message(mode: &mut TextMode, rest: &str, out: &mut Vec<u8>) {
    let Some((name, text)) = rest.split_once(char::is_whitespace) else {
        return usage("msg", out);
    };
    match UserName::parse(name.strip_prefix('@').unwrap_or(name)) {
        Ok(name) => send(mode, RoomRef::Direct(name), text.trim_start(), out),
        Err(refusal) => say(out, &format!("not sent: {}", refusal.message)),
    }
}

fn history(mode: &mut TextMode, rest: &str, out: &mut Vec<u8>) {
    let Some(room) = room_or_current(mode, "", out) else {
        return;
    };
    let older = rest == "more";
    let before = mode
        .older
        .as_ref()
        .filter(|(room, _)| mode.is_current(room));
    let (range, limit) = match (older, before, rest.parse::<usize>()) {
        (true, Some((_, before)), _) => (HistoryRange::Before(*before), HISTORY_MESSAGES),
        (true, None, _) => (HistoryRange::Newest, HISTORY_MESSAGES),
        (false, _, Ok(count)) => (HistoryRange::Newest, count.clamp(1, HISTORY_MAX)),
        (false, _, Err(_)) if rest.is_empty() => (HistoryRange::Newest, HISTORY_MESSAGES),
        (false, _, Err(_)) => return usage("history", out),
    };
    let limit = Some(limit);
    mode.ask(
        Asked::History { older },
        ClientFrame::History { room, range, limit },
    );
}

fn search(mode: &mut TextMode, query: &str, out: &mut Vec<u8>) {
    if query.is_empty() {
        return usage("search", out);
    }
    mode.ask(
        Asked::Search,
        ClientFrame::Search {
            query: query.to_owned(),
            room: None,
            before: None,
            limit: None,
        },
    );
}

fn help(mode: &TextMode, out: &mut Vec<u8>) {
    if mode.user.is_none() {
        greet(out);
    }
    for (typed, does) in COMMANDS {
        say(out, &format!("{typed:<16} {does}"));
    }
    say(
        out,
        "all else that you type is said in the room; // begins a text with a slash",
    );
}

pub(super) fn greet(out: &mut Vec<u8>) {
    for line in GREETING {
        say(out, line);
    }
}

fn usage(verb: &str, out: &mut Vec<u8>) {
    let command = COMMANDS
        .iter()
        .find(|(typed, _)| typed[1..].starts_with(verb));
    if let Some((typed, does)) = command {
        say(out, &format!("{typed}: {does}"));
    }
}

/// The room that a command names, or the current one.
fn room_or_current(mode: &TextMode, name: &str, out: &mut Vec<u8>) -> Option<RoomRef> {
    if name.is_empty() {
        if mode.current.is_none() {
            say(out, "you are in no room; /join one first");
        }
        return mode.current_room();
    }
    match RoomRef::parse(name.strip_prefix('#').unwrap_or(name)) {
        Ok(room) => Some(room),
        Err(refusal) => {
            say(out, &refusal.message);
            None
        }
    }
}
