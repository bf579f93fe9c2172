//! What a person is shown of the server's frames.

use unicode_width::UnicodeWidthStr;

use super::words::{self, say};
use super::{ASKED, Asked, SENT, TextMode, User, WHO_USERS_MAX, typed};
use crate::protocol::server::{
    CloseReason, Disconnect, ErrorFrame, History, Message, MessageUpdate, Renamed, Results, Room,
    RoomInfo, Session, TopicChanged, UserLeft, UserListUpdate,
};
use crate::protocol::{ErrorCode, Re, ServerFrame};

/// Columns of a room's name in the list of rooms.
const ROOM_COLUMNS: usize = 16;

/// Shows one frame.
pub(super) fn frame(mode: &mut TextMode, frame: &ServerFrame, out: &mut Vec<u8>) {
    match frame {
        ServerFrame::Session(session) => opened(mode, session, out),
        ServerFrame::Room(room) => entered(mode, room, out),
        ServerFrame::Ok(_) => done(mode, out),
        ServerFrame::UserJoin(joined) => {
            in_room(
                mode,
                &joined.room,
                &format!("{} joined", joined.user.name),
                out,
            );
        }
        ServerFrame::UserLeave(left) => in_room(mode, &left.room, &why_left(left), out),
        ServerFrame::UserListUpdate(update) => users(mode, update, out),
        ServerFrame::Away(away) => {
            let state = if away.on { "away" } else { "back" };
            in_room(mode, &away.room, &format!("{} is {state}", away.user), out);
        }
        ServerFrame::Renamed(renamed) => self::renamed(mode, renamed, out),
        ServerFrame::Rooms(list) => rooms(mode, &list.rooms, out),
        ServerFrame::Topic(topic) => topic_changed(mode, topic, out),
        ServerFrame::NewMessage(message) => new_message(mode, message, out),
        ServerFrame::MessageUpdate(update) => updated(mode, update, out),
        ServerFrame::History(history) => self::history(mode, history, out),
        ServerFrame::Results(results) => self::results(mode, results, out),
        ServerFrame::Gap(gap) => {
            let text = "you have missed more than is shown here; /history has the newest";
            in_room(mode, &gap.room, text, out);
        }
        ServerFrame::Disconnect(disconnect) => closed(disconnect, out),
        ServerFrame::Error(error) => self::error(mode, error, out),
        // The message itself comes back, and says that it is there.
        ServerFrame::Sent(_) => {
            mode.under_way.answered();
        }
        // These are not asked for in text mode, or would only unsettle the screen.
        ServerFrame::Connect(_)
        | ServerFrame::Typing(_)
        | ServerFrame::Read(_)
        | ServerFrame::Pong(_)
        | ServerFrame::Stats(_) => {}
    }
}

fn opened(mode: &mut TextMode, session: &Session, out: &mut Vec<u8>) {
    mode.asked = None;
    mode.user = Some(User {
        name: session.user.clone(),
        uid: session.uid.clone(),
    });
    let welcome = format!(
        "welcome, {}; /help lists the commands, /quit goes",
        session.user
    );
    say(out, &welcome);
    typed::join_first(mode, out);
}

fn entered(mode: &mut TextMode, room: &Room, out: &mut Vec<u8>) {
    mode.asked = None;
    mode.current = Some(room.room.clone());
    mode.rooms.insert(room.room.clone(), room.topic.clone());
    let people = words::people(&room.users, room.users.len(), room.total);
    let topic = match room.topic.as_str() {
        "" => String::new(),
        topic => format!(": {topic}"),
    };
    say(out, &format!("you are in {}{topic}", room.room));
    say(out, &format!("{} here: {people}", room.total));
    block(mode, &room.room, &room.messages, room.more, out);
}

fn done(mode: &mut TextMode, out: &mut Vec<u8>) {
    if let Some(Asked::Leave(room)) = mode.asked.take() {
        mode.rooms.remove(&room);
        if mode.is_current(&room) {
            typed::go_on(mode, &room, out);
        } else {
            say(out, &format!("you have left {room}"));
        }
    }
}

fn why_left(left: &UserLeft) -> String {
    let how = match left.reason.as_str() {
        "lost" => "left (connection lost)",
        "kicked" => "was kicked",
        "banned" => "was banned",
        "flood" => "left (said too much at once)",
        _ => "left",
    };
    format!("{} {how}", left.user)
}

fn users(mode: &mut TextMode, update: &UserListUpdate, out: &mut Vec<u8>) {
    let Some(users) = &update.users else {
        let changes = [(update.joined.len(), "joined"), (update.left.len(), "left")];
        let changes = changes.iter().filter(|(count, _)| *count > 0);
        let changes: Vec<String> = changes
            .map(|(count, how)| format!("{count} {how}"))
            .collect();
        let text = format!("{}, {} here", changes.join(", "), update.total);
        return in_room(mode, &update.room, &text, out);
    };
    if mode.asked == Some(Asked::Who) {
        mode.asked = None;
    }
    let people = words::people(users, WHO_USERS_MAX, update.total);
    say(
        out,
        &format!("{} in {}: {people}", update.total, update.room),
    );
}

fn renamed(mode: &mut TextMode, renamed: &Renamed, out: &mut Vec<u8>) {
    let said = Some((renamed.uid.clone(), renamed.to.clone()));
    if mode.renamed == said {
        return;
    }
    mode.renamed = said;
    let (from, to) = (format!("@{}", renamed.from), format!("@{}", renamed.to));
    if mode.is_current(&from) {
        mode.current = Some(to);
    }
    match &mut mode.user {
        Some(user) if user.uid == renamed.uid => {
            user.name.clone_from(&renamed.to);
            say(
                out,
                &format!(
                    "you are {} now: the name {} was somebody else's first",
                    renamed.to, renamed.from
                ),
            );
        }
        Some(_) | None => say(out, &format!("{} is {} now", renamed.from, renamed.to)),
    }
}

fn rooms(mode: &mut TextMode, rooms: &[RoomInfo], out: &mut Vec<u8>) {
    mode.asked = None;
    say(
        out,
        &format!("{} (* you are in it)", words::count(rooms.len(), "room")),
    );
    for room in rooms {
        let mark = if room.joined { '*' } else { ' ' };
        let padding = ROOM_COLUMNS.saturating_sub(room.room.width());
        let here = match room.total {
            0 => String::new(),
            total => format!("{total} here"),
        };
        // What is said in a room that one is in has been on the screen.
        let unread = match room.unread {
            unread if unread > 0 && !room.joined => format!("{unread} unread"),
            _ => String::new(),
        };
        let room_line = format!(
            "{mark} {}{:padding$} {here:>8} {unread:>11}  {}",
            room.room,
            "",
            words::one_line(&room.topic, 60)
        );
        say(out, room_line.trim_end());
    }
}

fn topic_changed(mode: &mut TextMode, topic: &TopicChanged, out: &mut Vec<u8>) {
    if mode.asked == Some(Asked::Topic) && topic.re.is_some() {
        mode.asked = None;
    }
    let known = mode.rooms.get_mut(&topic.room);
    // The one who set it gets it twice: as the answer, and as everybody in the room does.
    if let Some(known) = known
        && std::mem::replace(known, topic.topic.clone()) == topic.topic
    {
        return;
    }
    let text = match topic.topic.as_str() {
        "" => format!("{} cleared the topic", topic.user),
        set => format!("{} set the topic: {set}", topic.user),
    };
    in_room(mode, &topic.room, &text, out);
}

fn new_message(mode: &mut TextMode, message: &Message, out: &mut Vec<u8>) {
    let text = message.text.as_deref().unwrap_or_default();
    // It moved to another place, or an answer had it already.
    if mode.recent.put(&message.id, &message.from, text) {
        self::message(mode, message, out);
    }
}

fn updated(mode: &mut TextMode, update: &MessageUpdate, out: &mut Vec<u8>) {
    let shown = mode.recent.get(&update.id).cloned();
    let which = match &shown {
        Some(shown) => format!("{}'s \"{}\"", shown.from, shown.start),
        None => "an older message".to_owned(),
    };
    if update.deleted {
        mode.recent.edit(&update.id, "(deleted)");
        in_room(mode, &update.room, &format!("{which} was deleted"), out);
    } else if let Some(text) = &update.text {
        mode.recent.edit(&update.id, text);
        in_room(
            mode,
            &update.room,
            &format!("{which} reads now: {text}"),
            out,
        );
    } else if let Some(reactions) = &update.reactions
        && shown.is_some()
    {
        let text = match words::reactions(reactions) {
            none if none.is_empty() => format!("{which} has no reactions any more"),
            reactions => format!("{which} got {reactions}"),
        };
        in_room(mode, &update.room, &text, out);
    }
}

fn history(mode: &mut TextMode, history: &History, out: &mut Vec<u8>) {
    match mode.asked.take() {
        Some(Asked::Open) => {
            mode.current = Some(history.room.clone());
            say(out, &format!("what you type goes to {} now", history.room));
        }
        Some(Asked::History { older: true }) if history.messages.is_empty() => {
            return say(out, "there is nothing older");
        }
        _ => {}
    }
    block(mode, &history.room, &history.messages, history.more, out);
}

/// A block of messages of one room, framed so that it is not taken for new ones.
fn block(mode: &mut TextMode, room: &str, messages: &[Message], more: bool, out: &mut Vec<u8>) {
    let Some(first) = messages.first() else {
        return say(out, "nothing has been said yet");
    };
    mode.older = Some((room.to_owned(), first.ts));
    let older = if more {
        " (/history more for older ones)"
    } else {
        ""
    };
    say(
        out,
        &format!("{}{older}:", words::count(messages.len(), "message")),
    );
    for message in messages {
        let text = message.text.as_deref().unwrap_or_default();
        mode.recent.put(&message.id, &message.from, text);
        self::message(mode, message, out);
    }
    say(out, "end");
}

/// What was found, in the order of time like all that is shown.
fn results(mode: &mut TextMode, results: &Results, out: &mut Vec<u8>) {
    if mode.asked == Some(Asked::Search) {
        mode.asked = None;
    }
    if results.indexed == Some(false) {
        say(
            out,
            "not all that was said is looked through yet; try again later",
        );
    }
    if results.messages.is_empty() {
        return say(out, "nothing was found");
    }
    let newest = if results.more { ", the newest" } else { "" };
    say(
        out,
        &format!(
            "{} found{newest}:",
            words::count(results.messages.len(), "message")
        ),
    );
    for message in results.messages.iter().rev() {
        self::message(mode, message, out);
    }
    say(out, "end");
}

/// `12:04 alice: hello`, with the room where it is not the current one.
fn message(mode: &mut TextMode, message: &Message, out: &mut Vec<u8>) {
    new_day(mode, message, out);
    let time = words::time(message.ts, &mode.zone);
    let room = room_mark(mode, &message.room);
    let reply_to = message.reply_to.as_ref().map(|id| mode.recent.get(id));
    let to = match reply_to {
        None => String::new(),
        Some(None) => " (in reply)".to_owned(),
        Some(Some(shown)) => format!(" (to {}: {})", shown.from, shown.start),
    };
    let text = match &message.text {
        Some(text) if !message.deleted => text.as_str(),
        Some(_) | None => "(deleted)",
    };
    let mut line = format!("{time} {room}{}{to}: {text}", message.from);
    if message.edited.is_some() && !message.deleted {
        line.push_str(" (edited)");
    }
    if message.late {
        line.push_str(" (came late)");
    }
    let reactions = words::reactions(&message.reactions);
    if !reactions.is_empty() {
        line.push_str(&format!(" [{reactions}]"));
    }
    words::line(out, &line);
}

fn new_day(mode: &mut TextMode, message: &Message, out: &mut Vec<u8>) {
    let date = words::date(message.ts, &mode.zone);
    if date != mode.day
        && let Some(date) = date
    {
        say(out, &words::day(date));
        mode.day = Some(date);
    }
}

fn closed(disconnect: &Disconnect, out: &mut Vec<u8>) {
    match disconnect.reason {
        CloseReason::Quit => say(out, "good-bye"),
        CloseReason::ShuttingDown
        | CloseReason::Kicked
        | CloseReason::Banned
        | CloseReason::Flood
        | CloseReason::TooManyConnections
        | CloseReason::Replaced => say(out, &format!("closed: {}", disconnect.message)),
    }
}

fn error(mode: &mut TextMode, error: &ErrorFrame, out: &mut Vec<u8>) {
    let asked = match &error.re {
        Some(Re::Text(mark)) if mark == ASKED => mode.asked.take(),
        _ => None,
    };
    let sent = matches!(&error.re, Some(Re::Text(mark)) if mark == SENT);
    match (&error.code, &error.suggestion) {
        (ErrorCode::NameTaken, Some(free)) => {
            say(
                out,
                &format!("that name is taken; {free} is free: type it, or another"),
            );
        }
        (ErrorCode::NotJoined, _) => say(out, "no name was typed in time; connect again"),
        _ if asked == Some(Asked::Name) => {
            say(out, &error.message);
            say(out, "type the name you want to be known by");
        }
        _ if sent => match mode.under_way.answered() {
            Some(start) => say(out, &format!("not sent: {} (\"{start}\")", error.message)),
            None => say(out, &format!("not sent: {}", error.message)),
        },
        _ => say(out, &error.message),
    }
}

/// A line of the server's about a room.
fn in_room(mode: &TextMode, room: &str, text: &str, out: &mut Vec<u8>) {
    say(out, &format!("{}{text}", room_mark(mode, room)));
}

/// `[ops] ` for a room that is not the current one.
fn room_mark(mode: &TextMode, room: &str) -> String {
    if mode.is_current(room) {
        String::new()
    } else {
        format!("[{room}] ")
    }
}
