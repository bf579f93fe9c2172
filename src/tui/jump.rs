//! Going to a message wherever in its room it stands. If it is not in the window, the window is let go and
//! opened anew around it.

use super::event::Effect;
use super::page::AHEAD_ITEMS;
use super::room::{Position, Room};
use super::state::{Asked, State};
use super::timeline::{Beyond, Place};
use super::travel;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::server::History;
use crate::protocol::{ClientFrame, HistoryRange, MessageId, Ts};

/// Shows the message of that id, which was written then.
pub fn to(state: &mut State, room: &str, id: &MessageId, ts: Ts) -> Vec<Effect> {
    let known = state.index_of(room);
    let Some(at) = known.or_else(|| room.starts_with('@').then(|| state.open(room))) else {
        state.say(format!("you are not in #{room} any more"));
        return Vec::new();
    };
    let mut effects = travel::show(state, at);
    state.jumps_to = None;
    if let Some(place) = state.rooms[at].timeline.place(id).cloned() {
        bring(state, at, id, place);
        return effects;
    }
    let reference = state.rooms[at].reference();
    let (Some(reference), true) = (reference, state.is_online()) else {
        state.say("there is no connection to fetch this message over");
        return effects;
    };
    let about = Asked::Around {
        room: state.rooms[at].name.clone(),
        id: id.clone(),
    };
    let frame = ClientFrame::History {
        room: reference,
        range: HistoryRange::Before(Ts(ts.0.saturating_add(1))),
        limit: Some(HISTORY_MAX.min(AHEAD_ITEMS * 3)),
    };
    effects.push(state.ask(about, frame));
    state.jumps_to = Some(id.clone());
    effects
}

/// The page that ends with the message.
pub fn page(state: &mut State, at: usize, id: &MessageId, page: History) {
    // Whoever has gone elsewhere meanwhile is not taken away from there.
    if at != state.active || state.jumps_to.take_if(|wanted| wanted == id).is_none() {
        return;
    }
    let room = &mut state.rooms[at];
    if room.timeline.place(id).is_none() {
        if !page.messages.iter().any(|message| message.id == *id) {
            return state.tell_news("this message is not there any more");
        }
        let name = room.name.clone();
        open_anew(room, page);
        // What was asked for was to stand next to the window of before.
        state.asked.retain(|_, asked| match asked {
            Asked::Older { room } | Asked::Newer { room } | Asked::Newest { room } => *room != name,
            Asked::Around { .. }
            | Asked::Again { .. }
            | Asked::Rooms { .. }
            | Asked::Switcher
            | Asked::Search { .. }
            | Asked::Who { .. }
            | Asked::Away { .. }
            | Asked::Ping { .. }
            | Asked::Stats
            | Asked::Nothing => true,
        });
    }
    if let Some(place) = state.rooms[at].timeline.place(id).cloned() {
        bring(state, at, id, place);
    }
}

fn open_anew(room: &mut Room, page: History) {
    let older = if page.more {
        Beyond::More
    } else {
        Beyond::Nothing
    };
    room.timeline.reset(older, Beyond::More);
    for message in page.messages {
        room.timeline.put(message);
    }
}

/// The message in sight, with some of what was said before it.
fn bring(state: &mut State, at: usize, id: &MessageId, place: Place) {
    state.selection = None;
    let room = &mut state.rooms[at];
    room.seeks_unread = false;
    room.position = Position::At { top: place, row: 0 };
    if at == state.active {
        let above = isize::try_from(travel::height(state) / 3).unwrap_or(0);
        travel::scroll(state, -above);
    }
    // After scrolling, which may have come to the end, where nothing else is pointed at.
    state.rooms[at].found = Some(id.clone());
}
