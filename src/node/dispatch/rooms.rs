//! Coming and going: `join`, `leave`, `who`, `away`, `typing`.

use std::sync::Arc;

use super::Context;
use crate::node::names::Stay;
use crate::node::presence::Notice;
use crate::node::replicator::Typist;
use crate::node::rooms::{ChannelKey, Entry, Newest};
use crate::node::session::{Answer, Effect, Handling, User};
use crate::node::shared::Shared;
use crate::node::store::{Reader, SincePage, SoftRow, StoreError};
use crate::protocol::limits::{
    HISTORY_DEFAULT, HISTORY_MAX, ROOM_USERS_LISTED, SERVER_LINE_BYTES_MAX, SESSION_ROOMS_MAX,
};
use crate::protocol::presence::LeaveReason;
use crate::protocol::server::{self, Message, MessageUpdate, UserInfo, UserListUpdate};
use crate::protocol::{
    ErrorCode, Refusal, RoomKey, RoomName, RoomRef, ServerFrame, Uid, VersionVector,
};

/// Bytes of a user in a list, at most: a name of 32 characters of four bytes, and what is around it.
const USER_BYTES_MAX: usize = 256;

/// Users that one answer to `who` names; a line has its limit.
const WHO_USERS_MAX: usize = SERVER_LINE_BYTES_MAX / USER_BYTES_MAX;

/// Comes into a room, making it if it is not there.
pub(super) fn join(
    context: Context,
    room: RoomRef,
    since: Option<VersionVector>,
    limit: Option<usize>,
) -> Handling {
    let RoomRef::Room(name) = room else {
        let message = "nobody joins a direct conversation: send to it, and read it with history";
        return context.refuse(Refusal::new(ErrorCode::BadRoom, message));
    };
    let limit = limit.unwrap_or(HISTORY_DEFAULT).min(HISTORY_MAX);
    Handling::Alone(Box::pin(enter(context, name, since, limit)))
}

async fn enter(
    context: Context,
    name: RoomName,
    since: Option<VersionVector>,
    limit: usize,
) -> Answer {
    let name = context.shared.hub.shared_name(&name);
    let was_in = context.user.is_in(&name);
    if !context.user.enter(&name, SESSION_ROOMS_MAX) {
        let message = format!("a session is in {SESSION_ROOMS_MAX} rooms at most; leave one first");
        return context.refused(Refusal::new(ErrorCode::Forbidden, message));
    }
    if let Some(since) = &since {
        context.shared.reach(since).await;
    }
    let (entry, people) = stand_in(&context.shared, &context.user, &name);
    let entry = match &since {
        Some(since) => entry.holding(since),
        None => entry,
    };
    let room = match from_memory(&context, &entry, since.as_ref(), limit) {
        Some(room) => room,
        None => match from_log(&context, &name, &entry, since, limit).await {
            Ok(room) => room,
            Err(error) => {
                if !was_in {
                    step_out(&context.shared, &context.user, &name);
                }
                return context.failed(error);
            }
        },
    };
    let frame = ServerFrame::Room(Box::new(server::Room {
        re: context.re,
        room: name.into(),
        topic: room.topic,
        private: false,
        total: people.total,
        users: people.users,
        messages: room.messages,
        updates: room.updates,
        more: room.more,
        since: room.since,
        read: room.read,
    }));
    Answer::frame(frame).and(Effect::Enter(entry))
}

/// What the room is, where that is known without the log: somebody has come in before, nothing was said
/// since, and the user cannot have read anything yet.
fn from_memory(
    context: &Context,
    entry: &Entry,
    since: Option<&VersionVector>,
    limit: usize,
) -> Option<RoomRead> {
    let user = &context.user;
    if since.is_some() || !user.new || context.shared.marked.may_have(&user.uid) {
        return None;
    }
    let newest = entry.channel.newest(entry.cursor.next, limit)?;
    Some(RoomRead {
        known: true,
        topic: newest.topic.clone(),
        messages: newest.messages.clone(),
        updates: Vec::new(),
        more: newest.more,
        since: VersionVector::clone(&entry.cursor.held),
        read: VersionVector::new(),
    })
}

/// The same from the log. A room that nobody has heard of is made; the next ones need not read it.
async fn from_log(
    context: &Context,
    name: &RoomName,
    entry: &Entry,
    since: Option<VersionVector>,
    limit: usize,
) -> Result<RoomRead, StoreError> {
    let shared = &context.shared;
    let (uid, key) = (context.user.uid.clone(), RoomKey::Room(name.clone()));
    let held = Arc::clone(&entry.cursor.held);
    let is_newest = since.is_none();
    let read = move |reader: &Reader| read_room(reader, &key, &uid, since.as_ref(), limit, &held);
    let room = shared.store.read(read).await?;
    if !room.known {
        let row = SoftRow::Room { room: name.clone() };
        shared.remember_rows(vec![row]).await;
    }
    // A room that could not be written down is to be tried again by whoever comes next.
    if is_newest && room.known {
        let newest = Newest {
            limit,
            messages: room.messages.clone(),
            more: room.more,
            topic: room.topic.clone(),
        };
        entry.channel.keep_newest(entry.cursor.next, newest);
    }
    Ok(room)
}

/// Who is in a room at the moment of entering it.
struct Present {
    total: u32,
    users: Vec<UserInfo>,
}

/// Takes the place in the room: from this moment on its lines, notices included, are for the session.
fn stand_in(shared: &Shared, user: &User, room: &RoomName) -> (Entry, Present) {
    shared.change_people_then(
        |people| people.presence.enter(user.session, room),
        |people| {
            let present = Present {
                total: people.presence.total(room),
                users: people.presence.users(room, ROOM_USERS_LISTED),
            };
            (shared.hub.enter(&ChannelKey::Room(room.clone())), present)
        },
    )
}

/// Takes the place in the room for a session that was in it on another node: nothing is answered.
/// `None` when it may be in no more rooms.
pub(in crate::node) fn resume(shared: &Shared, user: &User, room: &RoomName) -> Option<Entry> {
    let room = &shared.hub.shared_name(room);
    let may = user.enter(room, SESSION_ROOMS_MAX);
    may.then(|| stand_in(shared, user, room).0)
}

/// Who is in the room now, for sessions that were in it on another node. Of a large room only how
/// many: its members come and go in `user_list_update` too.
pub(in crate::node) fn present(shared: &Shared, room: &RoomName) -> ServerFrame {
    let people = shared.people();
    let total = people.presence.total(room);
    let users = people.presence.users(room, ROOM_USERS_LISTED + 1);
    drop(people);
    ServerFrame::UserListUpdate(UserListUpdate {
        re: None,
        room: room.as_str().to_owned(),
        total,
        joined: Vec::new(),
        left: Vec::new(),
        users: (users.len() <= ROOM_USERS_LISTED).then_some(users),
    })
}

/// What the log says of a room.
struct RoomRead {
    known: bool,
    topic: String,
    messages: Vec<Message>,
    updates: Vec<MessageUpdate>,
    more: bool,
    since: VersionVector,
    read: VersionVector,
}

fn read_room(
    reader: &Reader,
    room: &RoomKey,
    uid: &Uid,
    since: Option<&VersionVector>,
    limit: usize,
    held: &VersionVector,
) -> Result<RoomRead, StoreError> {
    let missed = match since {
        Some(since) => reader.since(room, since, limit, held)?,
        None => {
            let page = reader.newest(room, limit, held)?;
            SincePage {
                messages: page.messages,
                updates: Vec::new(),
                since: held.clone(),
                more: page.more,
            }
        }
    };
    Ok(RoomRead {
        known: reader.room_exists(room)?,
        topic: reader
            .topic(room)?
            .map_or_else(String::new, |topic| topic.topic),
        messages: missed.messages,
        updates: missed.updates,
        more: missed.more,
        since: missed.since,
        read: reader.read_marker(uid, room)?,
    })
}

pub(super) fn leave(context: Context, room: RoomRef) -> Handling {
    let room = match context.room(&room) {
        Ok(RoomKey::Room(room)) => room,
        Ok(RoomKey::Direct(..)) => {
            let message = "nobody is in a direct conversation, so nobody leaves it";
            return context.refuse(Refusal::new(ErrorCode::BadRoom, message));
        }
        Err(denied) => return context.deny(denied),
    };
    step_out(&context.shared, &context.user, &room);
    let answer = context.done();
    Handling::Now(Answer::frame(answer).and(Effect::Leave(ChannelKey::Room(room))))
}

fn step_out(shared: &Shared, user: &User, room: &RoomName) {
    user.leave(room);
    shared.change_people(|people| ((), people.presence.leave(user.session, room)));
}

/// The session ends: it leaves all rooms, and its user perhaps the node.
///
/// Of a node that stops nobody is told that its users leave: they come back through another one
/// before they are missed, or are missed when it has been silent for long enough.
pub(in crate::node) fn leave_all(shared: &Arc<Shared>, user: &User, reason: LeaveReason) {
    let now = shared.now();
    let stopping = shared.stop.is_cancelled();
    let left = shared.change_people(|people| {
        let notices: Vec<Notice> = if stopping {
            Vec::new()
        } else {
            people.presence.close(user.session, reason)
        };
        let here_still = people.presence.is_local(&user.uid) && !stopping;
        let left = match user.stay {
            Stay::Kept if !here_still => people.names.left(&user.uid, now),
            Stay::Kept | Stay::Brief => None,
        };
        (left, notices)
    });
    shared.remember(left.into_iter().collect());
}

pub(super) fn who(context: Context, room: RoomRef) -> Handling {
    let room = match context.room(&room) {
        Ok(RoomKey::Room(room)) => room,
        Ok(direct @ RoomKey::Direct(..)) => return who_of_two(context, &direct),
        Err(denied) => return context.deny(denied),
    };
    // Alone, so that lists which nobody reads yet do not pile up.
    Handling::Alone(Box::pin(async move {
        let people = context.shared.people();
        let total = people.presence.total(&room);
        let users = people.presence.users(&room, WHO_USERS_MAX);
        drop(people);
        list(context, room.into(), total, users)
    }))
}

/// Of a direct conversation: which of the two are here.
fn who_of_two(context: Context, room: &RoomKey) -> Handling {
    let label = context.label(room);
    let people = context.shared.people();
    let mut uids = vec![&context.user.uid];
    uids.extend(
        room.other_side(&context.user.uid)
            .filter(|other| **other != context.user.uid),
    );
    let faces = uids.into_iter().filter_map(|uid| people.presence.face(uid));
    let users: Vec<UserInfo> = faces
        .map(|face| UserInfo {
            name: face.name.as_str().to_owned(),
            uid: face.uid.clone(),
            away: face.away,
        })
        .collect();
    drop(people);
    let total = u32::try_from(users.len()).unwrap_or(u32::MAX);
    Handling::Now(list(context, label, total, users))
}

fn list(context: Context, room: String, total: u32, users: Vec<UserInfo>) -> Answer {
    Answer::frame(ServerFrame::UserListUpdate(UserListUpdate {
        re: context.re,
        room,
        total,
        joined: Vec::new(),
        left: Vec::new(),
        users: Some(users),
    }))
}

pub(super) fn away(context: Context, on: bool) -> Handling {
    let now = context.shared.now();
    let session = context.user.session;
    context
        .shared
        .change_people(|people| ((), people.presence.away(session, on, now)));
    Handling::frame(context.done())
}

/// Shows to the others that the user writes; it has no answer.
pub(super) fn typing(context: Context, room: RoomRef, on: bool) -> Handling {
    let room = match context.room(&room) {
        Ok(room) => room,
        Err(denied) => return context.deny(denied),
    };
    let uid = context.user.uid.clone();
    let Some(name) = context.shared.people().name(&uid).cloned() else {
        return Handling::Now(Answer::none());
    };
    if context.user.stay == Stay::Brief {
        return Handling::Now(Answer::none());
    }
    let typist = Typist {
        room,
        uid,
        name,
        on,
    };
    context.shared.show_typing(&typist);
    context.shared.replicator().typing(typist);
    Handling::Now(Answer::none())
}
