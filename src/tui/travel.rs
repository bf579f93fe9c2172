//! Moving: among rooms, and through a room's history.

use super::complete::Behind;
use super::composer::Purpose;
use super::event::Effect;
use super::flash;
use super::layout::{composer_width, regions};
use super::page::AHEAD_ITEMS;
use super::room::{Membership, Position, Room};
use super::rows::Sheet;
use super::selection;
use super::state::{Asked, Me, State};
use super::timeline::{Beyond, Item, Place};
use super::unread;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::{ClientFrame, HistoryRange};

/// Microseconds between two read markers.
const READ_AGAIN_US: i64 = 1_000_000;

/// Shows the room with this index.
pub fn show(state: &mut State, at: usize) -> Vec<Effect> {
    if at >= state.rooms.len() {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if at != state.active {
        effects.extend(out_of_sight(state));
        effects.extend(selection::leave(state));
    }
    if at != state.active
        && let Some(left) = state.room_mut()
    {
        left.first_unread = None;
        left.unread_back = 0;
        left.seeks_unread = false;
        left.found = None;
        left.typing_sent = None;
    }
    state.active = at;
    state.completion = None;
    state.behind = Behind::Nothing;
    state.sent_lines.stop();
    let me = state.me.clone();
    if let Some(room) = state.room_mut()
        && room.unread > 0
    {
        find_unread(room, me.as_ref(), room.unread);
    }
    effects
}

/// Finds where what is unread begins, `count` messages of others. Of a conversation it may be that nothing
/// but their number is known.
pub fn find_unread(room: &mut Room, me: Option<&Me>, count: u32) {
    room.read_before = room.read.clone();
    if room.is_direct() && room.read.is_empty() {
        room.first_unread = None;
        room.unread_back = count;
        count_back(room, me, None);
    } else {
        room.first_unread = first_unread(room, me);
    }
}

/// Goes back over so many messages of others as are yet to be found, from those that are held before this
/// place on.
fn count_back(room: &mut Room, me: Option<&Me>, before: Option<&Place>) {
    let posts = room.timeline.iter().rev();
    let posts = posts.filter_map(|(place, item)| match item {
        Item::Post(post) => Some((place, &post.message)),
        Item::Presence { .. } | Item::Note(_) => None,
    });
    let unread = posts.filter(|(place, message)| {
        let mine = me.is_some_and(|me| me.wrote(message));
        !mine && !message.deleted && before.is_none_or(|before| *place < before)
    });
    let mut found: Vec<&Place> = unread
        .map(|(place, _)| place)
        .take(room.unread_back as usize)
        .collect();
    room.unread_back -= u32::try_from(found.len()).unwrap_or(0);
    if let Some(first) = found.pop() {
        room.first_unread = Some(first.clone());
    }
}

/// The first message past what had been read that is somebody else's.
pub fn first_unread(room: &Room, me: Option<&Me>) -> Option<Place> {
    let unread = room.timeline.iter().find(|(_, item)| match item {
        Item::Post(post) => {
            let message = &post.message;
            let is_read = room.read_before.covers(&message.origin, message.seq);
            !is_read && !message.deleted && !me.is_some_and(|me| me.wrote(message))
        }
        Item::Presence { .. } | Item::Note(_) => false,
    });
    unread.map(|(place, _)| place.clone())
}

/// Shows the room before or after, round and round.
pub fn step(state: &mut State, by: isize) -> Vec<Effect> {
    let count = isize::try_from(state.rooms.len()).unwrap_or(0);
    if count == 0 {
        return Vec::new();
    }
    let at = isize::try_from(state.active).unwrap_or(0) + by;
    show(state, usize::try_from(at.rem_euclid(count)).unwrap_or(0))
}

/// Shows the next room that has something unread, mentions and conversations first.
pub fn step_active(state: &mut State) -> Vec<Effect> {
    let count = state.rooms.len();
    let after = (1..count).map(|by| (state.active + by) % count);
    let unread: Vec<usize> = after.filter(|at| state.rooms[*at].unread > 0).collect();
    let urgent = |at: &&usize| state.rooms[**at].urgent() > 0;
    match unread.iter().find(urgent).or(unread.first()) {
        Some(at) => show(state, *at),
        None => {
            state.say("nothing is unread");
            Vec::new()
        }
    }
}

/// Moves up (negative) or down through the room's messages.
pub fn scroll(state: &mut State, rows: isize) {
    state.jumps_to = None;
    let height = height(state);
    let Some(sheet) = sheet(state) else { return };
    let by = rows.unsigned_abs();
    let position = if rows < 0 {
        sheet.up(by, height)
    } else {
        sheet.down(by, height)
    };
    place_reader(state, position);
}

/// At the newest message again, if that is in sight.
pub fn settle(state: &mut State) {
    scroll(state, 0);
}

/// A screenful, less the row that keeps the eye.
pub fn page_rows(state: &State) -> isize {
    isize::try_from(height(state).saturating_sub(1).max(1)).unwrap_or(1)
}

/// To the first unread message. It may stand before what is held: then older pages come until it is there,
/// or the reader goes elsewhere.
pub fn to_first_unread(state: &mut State) {
    let height = height(state);
    let place = state.room().and_then(|room| room.first_unread.clone());
    let position = match (&place, sheet(state)) {
        (Some(place), Some(sheet)) => sheet.at(place, height),
        (None, _) | (_, None) => return state.say("nothing is unread here"),
    };
    place_reader(state, position);
    if let (Some(place), Some(room)) = (place, state.room_mut()) {
        let oldest = room.timeline.oldest_place() == Some(place.clone());
        room.seeks_unread = oldest && room.timeline.older != Beyond::Nothing;
        if room.seeks_unread {
            room.position = Position::At { top: place, row: 0 };
        }
    }
}

/// Older messages have come: if all that was held was unread, the first unread one may be among them.
/// `oldest` is where the oldest stood before. True when the reader was taken there.
pub fn unread_goes_back(state: &mut State, at: usize, oldest: Option<Place>) -> bool {
    let me = state.me.clone();
    let room = &mut state.rooms[at];
    if room.unread_back > 0 {
        count_back(room, me.as_ref(), oldest.as_ref());
    } else if room.first_unread.is_none() || room.first_unread != oldest {
        return false;
    } else {
        room.first_unread = first_unread(room, me.as_ref());
    }
    if !std::mem::take(&mut room.seeks_unread) {
        return false;
    }
    room.seeks_unread =
        room.first_unread == room.timeline.oldest_place() && room.timeline.older != Beyond::Nothing;
    if let Some(top) = room.first_unread.clone() {
        room.position = Position::At { top, row: 0 };
    }
    true
}

/// To the newest message; if the window does not reach it, the newest page is fetched.
pub fn to_newest(state: &mut State) -> Vec<Effect> {
    state.jumps_to = None;
    let Some(room) = state.room_mut() else {
        return Vec::new();
    };
    room.to_newest();
    fetch(state)
}

/// The window of a reader who went to the newest message, which it does not reach, is let go. Without a
/// connection it stays: it is all there is to read.
fn let_go(state: &mut State) {
    let Some(room) = state.room_mut() else { return };
    let reaches_it = room.timeline.newer == Beyond::Nothing;
    if room.position != Position::Newest || reaches_it || waits_for_join(room) {
        return;
    }
    let name = room.name.clone();
    room.unread_back = 0;
    room.timeline.reset(Beyond::More, Beyond::Nothing);
    state.forget_pages(&name);
}

/// Asks for what the reader is about to need.
pub fn fetch(state: &mut State) -> Vec<Effect> {
    if !state.is_online() {
        return Vec::new();
    }
    let_go(state);
    let height = height(state);
    let Some(sheet) = sheet(state) else {
        return Vec::new();
    };
    let (older, newer) = (sheet.wants_older(height), sheet.wants_newer(height));
    let Some(room) = state.room_mut() else {
        return Vec::new();
    };
    let Some(reference) = room.reference() else {
        return Vec::new();
    };
    if waits_for_join(room) || !(older || newer) {
        return Vec::new();
    }
    let name = room.name.clone();
    let (oldest, newest) = (room.timeline.oldest_ts(), room.timeline.newest_ts());
    let (about, range) = match (older, oldest, newest) {
        (true, Some(oldest), _) => (Asked::Older { room: name }, HistoryRange::Before(oldest)),
        (false, _, Some(newest)) => (Asked::Newer { room: name }, HistoryRange::After(newest)),
        (true, None, _) | (false, _, None) => (Asked::Newest { room: name }, HistoryRange::Newest),
    };
    if older {
        room.timeline.asked_older();
    } else {
        room.timeline.asked_newer();
    }
    let frame = ClientFrame::History {
        room: reference,
        range,
        limit: Some(HISTORY_MAX.min(AHEAD_ITEMS * 3)),
    };
    vec![state.ask(about, frame)]
}

/// Nothing can be asked of a room before its answer to the join.
fn waits_for_join(room: &Room) -> bool {
    !room.is_direct() && (room.fresh || room.membership != Membership::In)
}

/// Whether the person has the newest messages of the room before their eyes.
pub fn is_reading(state: &State, at: usize) -> bool {
    state.focused
        && !state.monitor.open
        && state.active == at
        && state
            .rooms
            .get(at)
            .is_some_and(|room| room.position == Position::Newest)
}

/// Moves the read marker when what is before the person's eyes is past it.
pub fn mark_read(state: &mut State) -> Vec<Effect> {
    let at = state.active;
    if !is_reading(state, at) {
        return Vec::new();
    }
    if let Some(room) = state.room_mut() {
        unread::all_read(room);
    }
    let since = state.read_sent.map(|sent| state.now.0 - sent.0);
    if since.is_some_and(|since| (0..READ_AGAIN_US).contains(&since)) {
        return Vec::new();
    }
    move_marker(state).into_iter().collect()
}

/// What is before the person's eyes will not be any more: whoever only glances at a room has read it all
/// the same.
pub fn out_of_sight(state: &mut State) -> Option<Effect> {
    if is_reading(state, state.active) {
        move_marker(state)
    } else {
        None
    }
}

/// Says that everything that is held of the room that is shown has been read.
fn move_marker(state: &mut State) -> Option<Effect> {
    let (online, at) = (state.is_online(), state.active);
    let room = state.room_mut()?;
    if room.holes || (room.read.includes(&room.held) && !room.read_lost) {
        return None;
    }
    room.read.merge(&room.held);
    room.read_lost = true;
    if !online || !room.caught_up {
        return None;
    }
    state.read_sent = Some(state.now);
    tell_read(state, at)
}

/// Says again what has been read of conversations and the node may not know: the connection was lost before
/// its answer, or it is `another` one, which may not have been told yet.
pub fn retell_markers(state: &mut State, another: bool) -> Vec<Effect> {
    let untold = |room: &Room| room.read_lost || (another && !room.read.is_empty());
    let rooms = state.rooms.iter().enumerate();
    let untold = rooms.filter(|(_, room)| room.is_direct() && untold(room));
    let untold: Vec<usize> = untold.map(|(at, _)| at).collect();
    let told = untold.into_iter().map(|at| tell_read(state, at));
    told.flatten().collect()
}

/// Says how far the room has been read.
pub fn tell_read(state: &mut State, at: usize) -> Option<Effect> {
    let room = state.rooms.get_mut(at)?;
    let frame = ClientFrame::Read {
        room: room.reference()?,
        since: room.read.clone(),
    };
    room.read_lost = false;
    let about = Asked::Read {
        room: room.name.clone(),
    };
    Some(state.ask(about, frame))
}

/// Rows of messages on the screen.
pub fn height(state: &State) -> usize {
    usize::from(parts(state).messages.height)
}

/// The parts of the screen as it is now.
pub fn parts(state: &State) -> super::layout::Regions {
    let composer = state.composer();
    let rows = composer.rows(composer_width(state.size));
    let aside = composer.purpose != Purpose::New;
    regions(state.size, rows, aside, flash::height(state))
}

/// The rows of the room that is shown.
pub fn sheet(state: &State) -> Option<Sheet<'_>> {
    let room = state.room()?;
    Some(Sheet::new(state, room, parts(state).messages.width))
}

/// Rows of the item at the top of what is in sight.
pub fn rows_at_top(state: &State) -> Option<usize> {
    sheet(state)?.rows_at_top()
}

/// What came in above may have taken the line of its day from the item at the top, which had so many rows
/// `before`: what is below that line stays where it is.
pub fn hold_top(state: &mut State, before: Option<usize>) {
    let after = rows_at_top(state);
    let gone = match (before, after) {
        (Some(before), Some(after)) => before.saturating_sub(after),
        (None, _) | (_, None) => 0,
    };
    if gone > 0 {
        scroll(state, -isize::try_from(gone).unwrap_or(0));
    }
}

fn place_reader(state: &mut State, position: Position) {
    let Some(room) = state.room_mut() else { return };
    room.seeks_unread = false;
    if position == Position::Newest {
        room.to_newest();
    } else {
        room.position = position;
    }
}
