//! Answers to what was asked, by what it was about.

use super::again;
use super::conversation;
use super::event::Effect;
use super::net::{describe, is_final};
use super::state::{Asked, Link, State};
use super::timeline::Beyond;
use super::{jump, monitor, nobody, search, switcher, travel, unread};
use crate::protocol::error::ErrorCode;
use crate::protocol::server::{ErrorFrame, History, RoomInfo};

/// Rooms that are remembered, to complete their names.
const KNOWN_ROOMS_MAX: usize = 500;

/// A page of history next to the window.
pub fn page(state: &mut State, at: usize, asked: Asked, page: History) -> Vec<Effect> {
    if let Asked::Around { id, mark, .. } = &asked {
        return jump::page(state, at, id, *mark, page);
    }
    let older = matches!(asked, Asked::Older { .. } | Asked::Newest { .. });
    let top = travel::rows_at_top(state);
    let room = &mut state.rooms[at];
    let oldest = room.timeline.oldest_place();
    match asked {
        Asked::Older { .. } => room.timeline.take_older(page.messages, page.more),
        Asked::Newer { .. } => room.timeline.take_newer(page.messages, page.more),
        Asked::Newest { .. } => {
            for message in &page.messages {
                room.held.advance(&message.origin, message.seq);
            }
            room.timeline.take_newest(page.messages, page.more);
        }
        Asked::Again { .. } => {
            again::page(room, page);
            return Vec::new();
        }
        Asked::Around { .. }
        | Asked::Search { .. }
        | Asked::Rooms { .. }
        | Asked::Switcher
        | Asked::Who { .. }
        | Asked::Away { .. }
        | Asked::Ping { .. }
        | Asked::Stats
        | Asked::Read { .. } => return Vec::new(),
    }
    let sought = older && travel::unread_goes_back(state, at, oldest);
    let room = &mut state.rooms[at];
    let reader = room.reader().cloned();
    room.timeline.trim(reader.as_ref());
    if !sought {
        travel::hold_top(state, top);
    }
    Vec::new()
}

/// Conversations with something unread are opened, and what is unread in those that are open is known anew;
/// all are shown to whoever asked.
pub fn rooms(state: &mut State, asked: Option<Asked>, list: &[RoomInfo]) -> Vec<Effect> {
    let public = list.iter().filter(|info| !info.room.starts_with('@'));
    let names = public.take(KNOWN_ROOMS_MAX).map(|info| info.room.clone());
    state.known_rooms = names.collect();
    for info in list.iter().filter(|info| info.room.starts_with('@')) {
        let at = match conversation::meant(state, &info.room, None) {
            None if info.unread == 0 => continue,
            None => conversation::open(state, &info.room, None),
            Some(at) => at,
        };
        unread::counted(state, at, info);
    }
    if asked == Some(Asked::Switcher) {
        switcher::take(state, list);
        return Vec::new();
    }
    if let Some(Asked::Rooms {
        show_in: Some(room),
    }) = asked
    {
        let lines: Vec<String> = list.iter().map(|info| describe(state, info)).collect();
        let text = if lines.is_empty() {
            "there are no rooms yet: /join ROOM makes one".to_owned()
        } else {
            lines.join("\n")
        };
        state.answer_in(&room, text);
    }
    Vec::new()
}

/// The list of people has been taken over; it is shown to whoever asked.
pub fn who(state: &mut State, asked: Option<Asked>) {
    let Some(Asked::Who { room }) = asked else {
        return;
    };
    let Some(at) = state.index_of(&room) else {
        return;
    };
    let people = &state.rooms[at].people;
    let named = people.sorted().into_iter().map(|user| {
        if user.away {
            format!("{} (away)", user.name)
        } else {
            user.name.clone()
        }
    });
    let names = named.collect::<Vec<_>>().join(", ");
    let text = format!("{} here: {names}", people.total);
    state.answer_in(&room, text);
}

pub fn done(state: &mut State, asked: Option<Asked>) -> Vec<Effect> {
    if let Some(Asked::Away { on }) = asked {
        if let Some(me) = &mut state.me {
            me.away = on;
        }
        state.say(if on {
            "you are away: /back when you are here again"
        } else {
            "you are here again"
        });
    }
    Vec::new()
}

pub fn pong(state: &mut State, asked: Option<Asked>) -> Vec<Effect> {
    let now = state.now;
    if let (Some(Asked::Ping { sent }), Link::Online { round_trip_us, .. }) =
        (asked, &mut state.link)
    {
        *round_trip_us = Some((now.0 - sent.0).max(0));
    }
    Vec::new()
}

pub fn error(state: &mut State, asked: Option<Asked>, error: ErrorFrame) -> Vec<Effect> {
    match asked {
        Some(Asked::Older { room } | Asked::Newest { room }) => {
            if error.code == ErrorCode::NoSuchUser
                && let Some(effects) = nobody::forget(state, &room)
            {
                return effects;
            }
            let beyond = if is_final(error.code) {
                Beyond::Nothing
            } else {
                // Asked for again with the next connection, not in a loop.
                Beyond::Asked
            };
            let now = state.now;
            if let Some(room) = state.find(&room) {
                room.timeline.older = beyond;
                room.timeline.note(now, error.message, true);
            }
        }
        Some(Asked::Newer { room }) => {
            if let Some(room) = state.find(&room) {
                room.timeline.newer = Beyond::Asked;
            }
            state.tell_news(error.message);
        }
        Some(Asked::Read { room }) => {
            if let Some(room) = state.find(&room) {
                room.read_lost = error.code.is_passing();
            }
        }
        Some(Asked::Again { room }) => {
            if let Some(room) = state.find(&room) {
                again::refused(room);
            }
        }
        Some(Asked::Search { .. }) => search::refused(state, asked.as_ref(), &error),
        Some(Asked::Stats) => {
            monitor::refused(state, &error);
            state.tell_news(error.message);
        }
        Some(Asked::Ping { .. } | Asked::Rooms { show_in: None } | Asked::Switcher) => {}
        Some(
            Asked::Around { .. }
            | Asked::Who { .. }
            | Asked::Away { .. }
            | Asked::Rooms { show_in: Some(_) },
        )
        | None => {
            state.tell_news(error.message);
        }
    }
    Vec::new()
}

/// The connection went before the answer came: what is still needed is asked for again.
pub fn unanswered(state: &mut State, asked: Asked) -> Vec<Effect> {
    match asked {
        Asked::Older { room } | Asked::Newest { room } => {
            if let Some(room) = state.find(&room) {
                room.timeline.older = Beyond::More;
            }
        }
        Asked::Newer { room } => {
            if let Some(room) = state.find(&room) {
                room.timeline.newer = Beyond::More;
            }
        }
        Asked::Rooms { show_in: Some(_) } | Asked::Who { .. } | Asked::Away { .. } => {
            state.tell_news("the connection was lost before the answer came");
        }
        Asked::Around { .. } => {
            state.tell_news("the connection was lost before the message came");
        }
        Asked::Search { .. } => search::lost(state, &asked),
        Asked::Stats => monitor::offline(state),
        // With the next connection all of it is due again.
        Asked::Again { .. }
        | Asked::Rooms { show_in: None }
        | Asked::Switcher
        | Asked::Ping { .. } => {}
        Asked::Read { room } => {
            if let Some(room) = state.find(&room) {
                room.read_lost = true;
            }
        }
    }
    Vec::new()
}
