//! What is unread, and what of it is meant for this person.
//!
//! A message that counts is marked in the window, so that it counts no longer once it is deleted. One
//! that the window does not hold counts until the room is read. What this person has said never does.

use super::room::Room;
use super::state::{Asked, State};
use super::timeline::{Beyond, Counted, Item};
use super::travel;
use crate::protocol::MessageId;
use crate::protocol::server::{Message, ReadMoved, RoomInfo};

/// The node has counted what is unread in a conversation. What came live before its answer is among it,
/// but for what is later than all that it has counted.
pub fn counted(state: &mut State, at: usize, info: &RoomInfo) {
    let name = &state.rooms[at].name;
    // Answers come in the order of the questions: this list does not know of a marker that has none yet.
    let mut asked = state.asked.values();
    let reads_on = asked.any(|asked| matches!(asked, Asked::Read { room } if room == name));
    let (reading, me) = (travel::is_reading(state, at), state.me.clone());
    let room = &mut state.rooms[at];
    room.counted_to = room.counted_to.max(info.last);
    if reading && info.unread > 0 && room.first_unread.is_none() {
        travel::find_unread(room, me.as_ref(), info.unread);
    }
    if reading || reads_on {
        return;
    }
    let (mut later, read) = (0, &room.read);
    for post in room.timeline.posts_mut() {
        let message = &post.message;
        if read.covers(&message.origin, message.seq) {
            post.counted = Counted::Not;
        } else if message.ts > info.last {
            later += u32::from(post.counted != Counted::Not);
        } else if info.unread == 0 {
            post.counted = Counted::Not;
        }
    }
    room.unread = info.unread + later;
    room.mentions = room.mentions.min(room.unread);
}

/// One more that is unread, `meant` for this person, unless the node has counted it already.
pub fn count(room: &mut Room, id: &MessageId, meant: bool, counted: bool) {
    room.unread += u32::from(!counted);
    room.mentions += u32::from(meant);
    if let Some(post) = room.timeline.post_mut(id) {
        post.counted = if meant {
            Counted::Meant
        } else {
            Counted::Unread
        };
    }
}

/// Counts the first messages of a room. What the read marker does not cover is unread, but for somebody
/// who has never read here at all.
pub fn count_first(state: &mut State, at: usize, ids: &[MessageId]) {
    let me = state.me.clone();
    let reading = travel::is_reading(state, at);
    let room = &mut state.rooms[at];
    let is_unread = |message: &Message| {
        let mine = me.as_ref().is_some_and(|me| me.wrote(message));
        !mine && !message.deleted && !room.read.covers(&message.origin, message.seq)
    };
    let meant = |message: &Message| me.as_ref().is_some_and(|me| me.is_named_in(message));
    let held = ids.iter().filter_map(|id| room.timeline.message(id));
    let unread = held.filter(|message| is_unread(message));
    let unread: Vec<(MessageId, bool)> = unread
        .map(|message| (message.id.clone(), meant(message)))
        .collect();
    if unread.is_empty() || room.read.is_empty() {
        return;
    }
    travel::find_unread(room, me.as_ref(), 0);
    if !reading {
        (room.unread, room.mentions) = (0, 0);
        for (id, meant) in unread {
            count(room, &id, meant, false);
        }
    }
}

/// If this message is deleted, nobody has to read it any more.
pub fn take_off_deleted(room: &mut Room, id: &MessageId) {
    let Some(post) = room.timeline.post_mut(id) else {
        return;
    };
    if !post.message.deleted {
        return;
    }
    match std::mem::take(&mut post.counted) {
        Counted::Not => return,
        Counted::Unread => {}
        Counted::Meant => room.mentions = room.mentions.saturating_sub(1),
    }
    room.unread = room.unread.saturating_sub(1);
    if room.first_unread.as_ref() == room.timeline.place(id) || room.unread == 0 {
        let mut items = room.timeline.iter();
        let counts = |item: &Item| matches!(item, Item::Post(post) if post.counted != Counted::Not);
        let first = items.find(|(_, item)| counts(item));
        room.first_unread = first.map(|(place, _)| place.clone());
    }
}

/// All of it is before the person's eyes.
pub fn all_read(room: &mut Room) {
    if room.unread == 0 && room.mentions == 0 {
        return;
    }
    (room.unread, room.mentions) = (0, 0);
    for post in room.timeline.posts_mut() {
        post.counted = Counted::Not;
    }
}

/// Whether everything past the read marker is in the window.
fn holds_all_unread(room: &Room) -> bool {
    let oldest = room.timeline.messages_back().last();
    let reaches_read = room.timeline.older == Beyond::Nothing
        || oldest.is_some_and(|oldest| room.read.covers(&oldest.origin, oldest.seq));
    reaches_read && room.timeline.newer == Beyond::Nothing
}

/// Another session of this person has read on.
pub fn read_elsewhere(state: &mut State, read: &ReadMoved) {
    let me = state.me.clone();
    let Some(room) = state.find(&read.room) else {
        return;
    };
    room.read.merge(&read.since);
    if !room.is_direct() && room.read.includes(&room.held) {
        return all_read(room);
    }
    let (mut count, mut meant) = (0, 0);
    let covered = &room.read;
    for post in room.timeline.posts_mut() {
        let message = &post.message;
        if covered.covers(&message.origin, message.seq) {
            post.counted = Counted::Not;
            continue;
        }
        if message.deleted || me.as_ref().is_some_and(|me| me.wrote(message)) {
            continue;
        }
        count += 1;
        meant += u32::from(me.as_ref().is_some_and(|me| me.is_named_in(message)));
    }
    if holds_all_unread(room) {
        room.unread = room.unread.min(count);
        room.mentions = room.mentions.min(meant);
    } else if room.is_direct() {
        // Of conversations the node tells how much is unread.
        state.lists_rooms = true;
    }
}
