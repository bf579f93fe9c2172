//! Going to a message wherever in its room it stands. If it is not in the window, the window is let go and
//! opened anew around it.

use super::conversation;
use super::event::Effect;
use super::page::AHEAD_ITEMS;
use super::room::Position;
use super::state::{Asked, State};
use super::timeline::Place;
use super::travel;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::server::History;
use crate::protocol::{ClientFrame, HistoryRange, MessageId, Ts};

/// Shows the message of that id, which was written then.
pub fn to(state: &mut State, room: &str, id: &MessageId, ts: Ts) -> Vec<Effect> {
    let direct = room.starts_with('@');
    let found = match direct {
        true => Some(conversation::open(state, room, None)),
        false => state.index_of(room),
    };
    let Some(at) = found else {
        state.say(format!("you are not in #{room} any more"));
        return Vec::new();
    };
    let mut effects = travel::show(state, at);
    state.jumps_to = None;
    if let Some(place) = state.rooms[at].timeline.place(id).cloned() {
        bring(state, at, id, place);
        return effects;
    }
    let before = Ts(ts.0.saturating_add(1));
    match ask(state, at, id, before) {
        Some(asks) => effects.push(asks),
        None => state.say("there is no connection to fetch this message over"),
    }
    effects
}

/// Asks for the page that ends with the message.
fn ask(state: &mut State, at: usize, id: &MessageId, before: Ts) -> Option<Effect> {
    let room = &state.rooms[at];
    let reference = room.reference().filter(|_| state.is_online())?;
    let about = Asked::Around {
        room: room.name.clone(),
        id: id.clone(),
        mark: room.timeline.mark(),
    };
    let frame = ClientFrame::History {
        room: reference,
        range: HistoryRange::Before(before),
        limit: Some(HISTORY_MAX.min(AHEAD_ITEMS * 3)),
    };
    state.jumps_to = Some(id.clone());
    Some(state.ask(about, frame))
}

/// The page that ends with the message, asked for at the `mark`.
pub fn page(state: &mut State, at: usize, id: &MessageId, mark: u64, page: History) -> Vec<Effect> {
    // Whoever has gone elsewhere meanwhile is not taken away from there.
    if at != state.active || state.jumps_to.take_if(|wanted| wanted == id).is_none() {
        return Vec::new();
    }
    let room = &mut state.rooms[at];
    if room.timeline.place(id).is_none() {
        let Some(last) = page.messages.iter().rfind(|message| message.id == *id) else {
            state.tell_news("this message is not there any more");
            return Vec::new();
        };
        let before = Ts(last.ts.0.saturating_add(1));
        let name = room.name.clone();
        if !room.timeline.open_anew(page.messages, page.more, mark) {
            return ask(state, at, id, before).into_iter().collect();
        }
        state.rooms[at].unread_back = 0;
        state.forget_pages(&name);
    }
    if let Some(place) = state.rooms[at].timeline.place(id).cloned() {
        bring(state, at, id, place);
    }
    Vec::new()
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
