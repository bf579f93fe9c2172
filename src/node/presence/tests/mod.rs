//! Stories of who comes and goes.

mod clients;
mod large;
mod local;
mod remote;

use super::*;

const SECOND: i64 = 1_000_000;

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

fn room(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

fn lobby() -> RoomName {
    room("lobby")
}

/// The `n`th of many users: uid `u00042`, name `user42`.
fn nth(n: usize) -> UserRecord {
    record(&format!("u{n:05}"), &format!("user{n}"), 0)
}

fn record(id: &str, shown: &str, claimed_at: i64) -> UserRecord {
    UserRecord {
        uid: uid(id),
        name: name(shown),
        claimed_at: Ts(claimed_at),
        last_seen: Ts(0),
    }
}

/// A node on which sessions are opened in some room at once.
fn node(name: &str) -> Presence {
    Presence::new(name, 1)
}

fn open_in(node: &mut Presence, session: u64, user: &UserRecord, room: &RoomName) -> Vec<Notice> {
    node.open(SessionId(session), user);
    node.enter(SessionId(session), room)
}

/// Sends all that `from` has to tell to `to`; whether `to` asks for a snapshot.
fn tell(from: &mut Presence, name: &str, to: &mut Presence, now: i64) -> (Vec<String>, bool) {
    let (mut told, mut ask) = (Vec::new(), false);
    while let Some(batch) = from.take_changes() {
        let heard = to.change(name, batch, Ts(now));
        told.extend(heard.notices.iter().map(story));
        ask |= heard.ask_snapshot;
    }
    (told, ask)
}

fn send_snapshot(from: &Presence, name: &str, to: &mut Presence, now: i64) -> Vec<String> {
    let parts = from.our_snapshot();
    let notices = parts
        .into_iter()
        .flat_map(|part| to.snapshot(name, part, Ts(now)));
    notices.map(|notice| story(&notice)).collect()
}

/// A notice in a few words.
fn story(notice: &Notice) -> String {
    match notice {
        Notice::Joined { room, user, total } => format!("{room}: {} joined, {total}", user.name),
        Notice::Left {
            room,
            name,
            reason,
            total,
            ..
        } => format!("{room}: {name} left ({}), {total}", reason.as_str()),
        Notice::Away { room, name, on, .. } => format!("{room}: {name} away {on}"),
        Notice::Renamed {
            rooms, from, to, ..
        } => format!("{rooms:?}: {from} is {to}"),
        Notice::Batch {
            room,
            total,
            joined,
            left,
        } => format!("{room}: +{} -{}, {total}", joined.len(), left.len()),
    }
}

fn stories(notices: &[Notice]) -> Vec<String> {
    notices.iter().map(story).collect()
}

fn names(node: &Presence, room: &RoomName) -> Vec<String> {
    let users = node.users(room, usize::MAX);
    users.into_iter().map(|user| user.name).collect()
}

const NONE: [&str; 0] = [];
