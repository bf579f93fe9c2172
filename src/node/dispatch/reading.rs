//! What is read back: `history`, `rooms`, and the read marker.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Context;
use crate::node::session::{Answer, Handling};
use crate::node::store::{Page, Reader, SoftRow, StoreError};
use crate::protocol::limits::{HISTORY_DEFAULT, HISTORY_MAX, SERVER_LINE_BYTES_MAX};
use crate::protocol::server::{History, Message, MessageUpdate, RoomInfo, RoomList};
use crate::protocol::{HistoryRange, RoomKey, RoomName, RoomRef, ServerFrame, VersionVector};

/// Unread messages of a room are counted up to this: the list says "1,000 or more".
pub const UNREAD_MAX: u32 = 1_000;

/// Bytes of a room in the list, without its name and topic, at most.
const ROOM_BYTES: usize = 160;

pub(super) fn history(
    context: Context,
    room: RoomRef,
    range: HistoryRange,
    limit: Option<usize>,
) -> Handling {
    let room = match context.room(&room) {
        Ok(room) => room,
        Err(denied) => return context.deny(denied),
    };
    let limit = limit.unwrap_or(HISTORY_DEFAULT).clamp(1, HISTORY_MAX);
    Handling::Alone(Box::pin(async move {
        let asked = room.clone();
        if let HistoryRange::Since(since) = &range {
            context.shared.reach(since).await;
        }
        // All that is stored: this session's own messages, acknowledged before this, are in it.
        let held = context.shared.store.held();
        let read = context
            .shared
            .store
            .read(move |reader| read_range(reader, &asked, &range, limit, &held));
        let RangeRead {
            page,
            updates,
            since,
        } = match read.await {
            Ok(read) => read,
            Err(error) => return context.failed(error),
        };
        let label = context.label(&room);
        let update = |update| MessageUpdate {
            room: label.clone(),
            ..update
        };
        Answer::frame(ServerFrame::History(History {
            messages: labelled(page.messages, &label),
            updates: updates.into_iter().map(update).collect(),
            room: label,
            re: context.re,
            more: page.more,
            since,
        }))
    }))
}

struct RangeRead {
    page: Page,
    /// These two with `since` only.
    updates: Vec<MessageUpdate>,
    since: Option<VersionVector>,
}

fn read_range(
    reader: &Reader,
    room: &RoomKey,
    range: &HistoryRange,
    limit: usize,
    held: &VersionVector,
) -> Result<RangeRead, StoreError> {
    let page = match range {
        HistoryRange::Newest => reader.newest(room, limit, held)?,
        HistoryRange::Before(ts) => reader.before(room, *ts, limit, held)?,
        HistoryRange::After(ts) => reader.after(room, *ts, limit, held)?,
        HistoryRange::Since(since) => {
            let missed = reader.since(room, since, limit, held)?;
            return Ok(RangeRead {
                page: Page {
                    messages: missed.messages,
                    more: missed.more,
                },
                updates: missed.updates,
                since: Some(missed.since),
            });
        }
    };
    Ok(RangeRead {
        page,
        updates: Vec::new(),
        since: None,
    })
}

/// The messages as those see them who call their room `label`.
pub(super) fn labelled(mut messages: Vec<Message>, label: &str) -> Vec<Message> {
    for message in &mut messages {
        if message.room != label {
            label.clone_into(&mut message.room);
        }
    }
    messages
}

/// Moves the user's read marker, and tells the user's other sessions.
pub(super) fn read(context: Context, room: RoomRef, since: VersionVector) -> Handling {
    let room = match context.room(&room) {
        Ok(room) => room,
        Err(denied) => return context.deny(denied),
    };
    let uid = context.user.uid.clone();
    let rows = since.iter().map(|(origin, seq)| SoftRow::Read {
        uid: uid.clone(),
        room: room.clone(),
        origin: origin.clone(),
        seq,
    });
    let rows: Vec<SoftRow> = rows.collect();
    context.shared.marked.note(&rows);
    Handling::Alone(Box::pin(async move {
        let shared = Arc::clone(&context.shared);
        match shared.store.merge_soft(rows).await {
            Ok(news) if news.is_empty() => {}
            Ok(_) => {
                shared.replicator().soft_changed();
                shared.show_read(&uid, &room, since, Some(context.user.session));
            }
            Err(error) => return context.failed(error),
        }
        Answer::frame(context.done())
    }))
}

/// All rooms, and the user's direct conversations.
pub(super) fn rooms(context: Context) -> Handling {
    Handling::Alone(Box::pin(async move {
        let uid = context.user.uid.clone();
        let held = context.shared.store.held();
        let read = context.shared.store.read(move |reader| {
            let mut rooms = reader.rooms()?;
            rooms.extend(reader.directs(&uid)?);
            let with_unread = rooms.into_iter().map(|room| {
                let marker = reader.read_marker(&uid, &room.room)?;
                let unread = reader.unread(&room.room, &uid, &marker, &held, UNREAD_MAX)?;
                Ok((room, unread))
            });
            with_unread.collect::<Result<Vec<_>, StoreError>>()
        });
        let found = match read.await {
            Ok(found) => found,
            Err(error) => return context.failed(error),
        };
        let people = context.shared.people();
        let user = &context.user;
        let info = |(room, unread): (crate::node::store::RoomSummary, u32)| RoomInfo {
            total: total(&people, &room.room),
            joined: room_name(&room.room).is_none_or(|name| user.is_in(name)),
            room: people.room_label(&room.room, &user.uid),
            topic: room.topic,
            private: matches!(room.room, RoomKey::Direct(..)),
            last: room.last,
            unread,
        };
        let rooms: Vec<RoomInfo> = found.into_iter().map(info).collect();
        drop(people);
        let rooms = fitting(rooms);
        let re = context.re;
        Answer::frame(ServerFrame::Rooms(RoomList { re, rooms }))
    }))
}

/// As many rooms as a line holds, in the order of their names: those that the session is in first,
/// then those where something was said last.
fn fitting(mut rooms: Vec<RoomInfo>) -> Vec<RoomInfo> {
    rooms.sort_by_key(|room| (!room.joined, Reverse(room.last)));
    let mut bytes = 0;
    let fit = rooms.iter().take_while(|room| {
        bytes += ROOM_BYTES + room.room.len() + 6 * room.topic.len();
        bytes <= SERVER_LINE_BYTES_MAX
    });
    let fit = fit.count();
    rooms.truncate(fit);
    rooms.sort_by(|one, other| one.room.cmp(&other.room));
    rooms
}

fn room_name(room: &RoomKey) -> Option<&RoomName> {
    match room {
        RoomKey::Room(name) => Some(name),
        RoomKey::Direct(..) => None,
    }
}

/// Users online in it; of a direct conversation, how many of the two are.
fn total(people: &crate::node::people::People, room: &RoomKey) -> u32 {
    match room {
        RoomKey::Room(name) => people.presence.total(name),
        RoomKey::Direct(one, other) => {
            let here = |uid| u32::from(people.presence.is_here(uid));
            if one == other {
                here(one)
            } else {
                here(one) + here(other)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Ts;

    #[test]
    fn a_list_of_rooms_fits_a_line_and_keeps_those_that_matter() {
        let room = |n: i64| RoomInfo {
            room: format!("room-{n:06}"),
            topic: "\u{1f44d}".repeat(20),
            total: 1_000_000,
            private: false,
            joined: n < 5,
            last: Ts(1_763_800_000_000_000 + n),
            unread: 1_000,
        };
        let rooms = fitting((0..10_000).map(room).collect());
        assert!(rooms.len() < 10_000);
        let names: Vec<&str> = rooms.iter().map(|room| room.room.as_str()).collect();
        assert_eq!(
            names[..5],
            [
                "room-000000",
                "room-000001",
                "room-000002",
                "room-000003",
                "room-000004"
            ]
        );
        assert_eq!(names.last(), Some(&"room-009999"));
        assert!(names.is_sorted());
        let frame = ServerFrame::Rooms(RoomList { re: None, rooms });
        assert!(frame.encode().len() <= SERVER_LINE_BYTES_MAX);
    }
}
