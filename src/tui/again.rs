//! Reading what is in the window once more, after a move to another node.
//!
//! The node that was left may have told of reactions and edits in another order, or not have known of
//! some that this one knows; `since` covers them all, so nothing brings them by itself. Quietly: nothing
//! of this is new, nothing is counted, and what is in sight stays where it is.

use super::event::Effect;
use super::room::{Again, Membership, Room};
use super::state::{Asked, State};
use super::timeline::Item;
use super::unread;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::server::{History, MessageUpdate};
use crate::protocol::{ClientFrame, HistoryRange, Ts};

/// There is another connection: every window was told by some other node.
pub fn moved(state: &mut State) {
    for room in &mut state.rooms {
        room.again = Again::Due(None);
    }
}

/// Asks for the next page of the window in sight that has to be read once more, the newest first.
pub fn ask(state: &mut State) -> Vec<Effect> {
    let online = state.is_online();
    let Some(room) = state.room_mut() else {
        return Vec::new();
    };
    let (Again::Due(before), Some(reference)) = (&room.again, room.reference()) else {
        return Vec::new();
    };
    let is_in = room.is_direct() || room.membership == Membership::In;
    if !online || !is_in || !room.caught_up {
        return Vec::new();
    }
    let end = Ts(room.timeline.newest_ts().map_or(0, |newest| newest.0 + 1));
    let before = before.map_or(end, |before| before.min(end));
    let limit = messages_before(room, before).min(HISTORY_MAX);
    if limit == 0 {
        room.again = Again::No;
        return Vec::new();
    }
    room.again = Again::Asked {
        before,
        changed: Default::default(),
    };
    let about = Asked::Again {
        room: room.name.clone(),
    };
    let frame = ClientFrame::History {
        room: reference,
        range: HistoryRange::Before(before),
        limit: Some(limit),
    };
    vec![state.ask(about, frame)]
}

/// Something becomes of a message: a page on its way may be older than that.
pub fn changed(room: &mut Room, update: &MessageUpdate) {
    if let Again::Asked { changed, .. } = &mut room.again {
        changed.insert(update.id.clone());
    }
}

/// A page of the window.
pub fn page(room: &mut Room, page: History) {
    let Again::Asked { before, changed } = std::mem::take(&mut room.again) else {
        return;
    };
    let oldest = page.messages.first().map(|message| message.ts);
    for message in page.messages {
        if !changed.contains(&message.id) {
            let id = message.id.clone();
            room.timeline.look_again(message);
            unread::take_off_deleted(room, &id);
        }
    }
    // It goes on as long as that leads on.
    room.again = match oldest {
        Some(oldest) if page.more && oldest < before => Again::Due(Some(oldest)),
        Some(_) | None => Again::No,
    };
}

/// The page was refused: the window stays as it is.
pub fn refused(room: &mut Room) {
    room.again = Again::No;
}

fn messages_before(room: &Room, before: Ts) -> usize {
    let older = room
        .timeline
        .iter()
        .take_while(|(place, _)| place.ts < before);
    older
        .filter(|(_, item)| matches!(item, Item::Post(_)))
        .count()
}
