//! What the client tells: the connection's state, and the frames of the server, one handler each.

use super::commands;
use super::conversation::Other;
use super::event::Effect;
use super::room::{Again, Membership, Room, TYPING_ENDS_US};
use super::shown::safe;
use super::state::{Asked, Link, Me, Overlay, State};
use super::timeline::{Beyond, Put};
use super::{
    again, answers, attention, changes, conversation, drafts, monitor, search, speaking, travel,
    unread, unsent,
};
use crate::client::ClientEvent;
use crate::protocol::error::ErrorCode;
use crate::protocol::server::Room as RoomFrame;
use crate::protocol::server::{
    AwayChanged, ErrorFrame, History, Message, MessageUpdate, Renamed, Role, RoomInfo, ServerFrame,
    Session, TopicChanged, Typing, UserJoined, UserLeft, UserListUpdate,
};
use crate::protocol::{ClientFrame, Re, RoomRef, Ts, UserName, VersionVector};

pub fn update(state: &mut State, event: ClientEvent) -> Vec<Effect> {
    match event {
        ClientEvent::Connecting { node, attempt } => {
            state.link = Link::Connecting {
                address: node,
                attempt,
            };
            Vec::new()
        }
        ClientEvent::Online { session, .. } => online(state, *session),
        ClientEvent::NameRefused { name, error } => name_refused(state, &name, error),
        ClientEvent::Offline { reason, retry_in } => {
            let wait_us = i64::try_from(retry_in.as_micros()).unwrap_or(i64::MAX);
            let retry_at = Ts(state.now.0.saturating_add(wait_us));
            offline(state, Link::Offline { reason, retry_at });
            Vec::new()
        }
        ClientEvent::Closed { reason } => {
            offline(state, Link::Closed { reason });
            Vec::new()
        }
        ClientEvent::Frame(frame) => take_frame(state, *frame),
        ClientEvent::CaughtUp { room } => {
            if let Some(room) = state.find(&room.to_string()) {
                (room.caught_up, room.holes) = (true, false);
            }
            Vec::new()
        }
        ClientEvent::Sent(sent) => speaking::sent(state, sent),
        ClientEvent::Done { nonce, .. } => changes::done(state, &nonce),
        ClientEvent::PutOff { error, .. } => {
            // Who says much in a short time just waits; all else the person may have to do something about.
            if error.code != ErrorCode::RateLimited {
                state.tell_news(format!("not stored yet: {}", error.message));
            }
            Vec::new()
        }
        ClientEvent::Failed { nonce, error } => speaking::failed(state, &nonce, error),
        ClientEvent::JoinRefused { room, error } => join_refused(state, &room, error),
        ClientEvent::Unanswered { re } => {
            let asked = state.asked.remove(&re);
            asked.map_or_else(Vec::new, |asked| answers::unanswered(state, asked))
        }
    }
}

fn online(state: &mut State, session: Session) -> Vec<Effect> {
    let first = state.me.is_none();
    let away = state.me.as_ref().is_some_and(|me| me.away);
    let renamed = state.me.as_ref().is_some_and(|me| me.name != session.user);
    if state.me.as_ref().is_some_and(|me| me.uid != session.uid) {
        // This user has read nothing of it.
        for room in &mut state.rooms {
            (room.read, room.read_lost) = (VersionVector::new(), false);
        }
    }
    state.me = Some(Me {
        name: session.user.clone(),
        uid: session.uid,
        away,
        admin: session.role == Role::Admin,
    });
    if state.last_node.is_some() {
        again::moved(state);
    }
    let another = state
        .last_node
        .as_ref()
        .is_some_and(|before| *before != session.node);
    match state.last_node.replace(session.node.clone()) {
        Some(before) if before != session.node => {
            state.tell_news(format!("moved from {before} to {}", session.node));
        }
        Some(_) => state.tell_news(format!("connected to {} again", session.node)),
        None => {}
    }
    if renamed {
        state.tell_news(format!("you are {} now", session.user));
    }
    state.link = Link::Online {
        node: session.node,
        round_trip_us: None,
    };
    if matches!(state.overlay, Overlay::Name { .. }) {
        state.overlay = Overlay::None;
    }
    state.pinged = None;
    // Rooms are entered anew; conversations are just there.
    let direct = state.rooms.iter_mut().filter(|room| room.is_direct());
    direct.for_each(reopen);
    let mut effects = if first {
        unsent::send_all(state)
    } else {
        Vec::new()
    };
    // The list counts what is past the markers that the node has.
    effects.extend(travel::retell_markers(state, another));
    effects.push(state.ask(Asked::Rooms { show_in: None }, ClientFrame::Rooms));
    if away {
        effects.push(state.ask(Asked::Away { on: true }, ClientFrame::Away { on: true }));
    }
    effects
}

fn offline(state: &mut State, link: Link) {
    state.link = link;
    monitor::offline(state);
    for room in &mut state.rooms {
        room.typing.clear();
        room.typing_sent = None;
        room.caught_up = room.is_direct();
        if room.membership == Membership::In {
            room.membership = Membership::Coming;
        }
    }
}

fn name_refused(state: &mut State, name: &UserName, error: ErrorFrame) -> Vec<Effect> {
    let suggested = error.suggestion.as_deref().map(UserName::parse);
    let name = suggested.and_then(Result::ok).unwrap_or(name.clone());
    state.ask_name(name.as_str(), error.message);
    state.link = Link::Waiting;
    Vec::new()
}

fn join_refused(state: &mut State, room: &RoomRef, error: ErrorFrame) -> Vec<Effect> {
    let now = state.now;
    if let Some(room) = state.find(&room.to_string()) {
        room.membership = Membership::Refused;
        let why = safe(&error.message, false);
        let text = format!("{} cannot be entered: {why}", room.title());
        room.timeline.note(now, text, true);
    }
    Vec::new()
}

fn take_frame(state: &mut State, frame: ServerFrame) -> Vec<Effect> {
    match frame {
        ServerFrame::Room(room) => entered(state, *room),
        ServerFrame::NewMessage(message) => new_message(state, message),
        ServerFrame::MessageUpdate(update) => message_update(state, &update),
        ServerFrame::History(history) => page(state, history),
        ServerFrame::UserJoin(joined) => user_join(state, joined),
        ServerFrame::UserLeave(left) => user_leave(state, left),
        ServerFrame::UserListUpdate(update) => user_list(state, update),
        ServerFrame::Away(away) => away_changed(state, &away),
        ServerFrame::Renamed(renamed) => user_renamed(state, &renamed),
        ServerFrame::Topic(topic) => topic_changed(state, topic),
        ServerFrame::Typing(typing) => somebody_types(state, typing),
        ServerFrame::Read(read) => {
            unread::read_elsewhere(state, &read);
            Vec::new()
        }
        ServerFrame::Gap(gap) => {
            if let Some(room) = state.find(&gap.room) {
                (room.caught_up, room.holes) = (false, true);
            }
            Vec::new()
        }
        ServerFrame::Rooms(list) => {
            let asked = take_asked(state, list.re.as_ref());
            answers::rooms(state, asked, &list.rooms)
        }
        ServerFrame::Ok(done) => {
            let asked = take_asked(state, done.re.as_ref());
            answers::done(state, asked)
        }
        ServerFrame::Results(results) => {
            let asked = take_asked(state, results.re.as_ref());
            search::take(state, asked, results);
            Vec::new()
        }
        ServerFrame::Pong(pong) => {
            let asked = take_asked(state, pong.re.as_ref());
            answers::pong(state, asked)
        }
        ServerFrame::Stats(stats) => monitor::take(state, *stats),
        ServerFrame::Error(error) => {
            let asked = take_asked(state, error.re.as_ref());
            answers::error(state, asked, error)
        }
        ServerFrame::Connect(_)
        | ServerFrame::Session(_)
        | ServerFrame::Sent(_)
        | ServerFrame::Disconnect(_) => Vec::new(),
    }
}

/// The room as it is, or what was missed of it.
fn entered(state: &mut State, frame: RoomFrame) -> Vec<Effect> {
    let at = state.open(&frame.room);
    let Some(room) = state.rooms.get_mut(at) else {
        return Vec::new();
    };
    room.membership = Membership::In;
    room.topic = frame.topic;
    room.people.replace(frame.users, frame.total);
    // What was read without a connection, or told to a node that could not pass it on.
    let untold = !frame.read.includes(&room.read);
    room.read.merge(&frame.read);
    room.holes = !room.fresh && frame.more;
    if std::mem::take(&mut room.fresh) {
        room.held = frame.since;
        let older = if frame.more {
            Beyond::More
        } else {
            Beyond::Nothing
        };
        room.timeline.reset(older, Beyond::Nothing);
        room.again = Again::No;
        room.to_newest();
        take_first(state, at, frame.messages);
    } else {
        room.held.merge(&frame.since);
        // An error may have ended fetching; this is another connection.
        reopen(room);
        take_missed(state, at, frame.messages, &frame.updates);
    }
    let tells = untold.then(|| travel::tell_read(state, at));
    tells.flatten().into_iter().collect()
}

fn reopen(room: &mut Room) {
    if room.timeline.older == Beyond::Asked {
        room.timeline.older = Beyond::More;
    }
    if room.timeline.newer == Beyond::Asked {
        room.timeline.newer = Beyond::More;
    }
}

/// The first messages of a room.
fn take_first(state: &mut State, at: usize, messages: Vec<Message>) {
    let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
    for message in messages {
        if state.is_me(&message.uid) {
            state.rooms[at].take_pending(&message.nonce);
        }
        state.rooms[at].timeline.put(message);
    }
    unread::count_first(state, at, &ids);
}

fn take_missed(state: &mut State, at: usize, messages: Vec<Message>, updates: &[MessageUpdate]) {
    for message in messages {
        let (origin, seq) = (message.origin.clone(), message.seq);
        take_message(state, at, message, true);
        // Pages bring old messages again when they have changed: those say nothing new of `held`.
        state.rooms[at].hold(&origin, seq);
    }
    for update in updates {
        state.rooms[at].timeline.update_live(update);
        unread::take_off_deleted(&mut state.rooms[at], &update.id);
    }
}

fn new_message(state: &mut State, message: Message) -> Vec<Effect> {
    let direct = message.room.starts_with('@');
    let other = conversation::author(state, &message);
    let at = match other {
        // Own messages may come before the answer to what was sent.
        None => conversation::awaiting(state, &message.nonce)
            .and_then(|at| conversation::told(state, at, &message.room, None)),
        Some(_) => None,
    };
    let Some(at) = at
        .or_else(|| conversation::meant(state, &message.room, other.as_ref()))
        .or_else(|| direct.then(|| conversation::open(state, &message.room, other.as_ref())))
    else {
        return Vec::new();
    };
    let (origin, seq) = (message.origin.clone(), message.seq);
    // Most messages are meant for nobody in particular, and not worth a copy.
    let meant = direct || names_me(state, &message);
    let copy = meant.then(|| message.clone());
    let rings = take_message(state, at, message, false);
    state.rooms[at].hold(&origin, seq);
    match copy {
        Some(message) if rings => attention::ring(state, at, &message),
        Some(_) | None => Vec::new(),
    }
}

/// Puts a message where it belongs and counts it; true when it is meant for this person.
fn take_message(state: &mut State, at: usize, message: Message, missed: bool) -> bool {
    let mine = state.is_me(&message.uid);
    let reading = travel::is_reading(state, at);
    let named = names_me(state, &message);
    let room = &mut state.rooms[at];
    if mine {
        room.take_pending(&message.nonce);
    }
    room.typing.remove(&message.uid);
    let place = super::timeline::place_of(&message);
    let seen = room.read.covers(&message.origin, message.seq);
    let reader = room.reader().cloned();
    // One of long ago that has changed: it is neither new nor in the window.
    let long_ago = room
        .timeline
        .oldest_ts()
        .is_some_and(|oldest| message.ts < oldest);
    let counted = missed && message.ts <= room.counted_to;
    let (id, deleted) = (message.id.clone(), message.deleted);
    let stood_at = room.timeline.place(&id).cloned();
    let put = room.timeline.put_live(message);
    if stood_at.is_some() && room.first_unread == stood_at {
        room.first_unread = room.timeline.place(&id).cloned();
    }
    room.timeline.trim(reader.as_ref());
    if deleted {
        // It may be one that waited to be read.
        unread::take_off_deleted(room, &id);
        return false;
    }
    if put == Put::Known || (put == Put::Outside && long_ago) || mine || seen {
        return false;
    }
    if reader.is_some() {
        room.new_below += 1;
    }
    if !reading {
        unread::count(room, &id, named, counted);
        let all_read_before = room.unread == 1;
        if (all_read_before || room.first_unread.is_none()) && put == Put::New {
            room.first_unread = Some(place);
        }
    }
    named || room.is_direct()
}

fn names_me(state: &State, message: &Message) -> bool {
    state.me.as_ref().is_some_and(|me| me.is_named_in(message))
}

fn message_update(state: &mut State, update: &MessageUpdate) -> Vec<Effect> {
    if let Some(at) = conversation::holding(state, update) {
        let room = &mut state.rooms[at];
        room.hold(&update.origin, update.seq);
        again::changed(room, update);
        room.timeline.update_live(update);
        unread::take_off_deleted(room, &update.id);
    }
    Vec::new()
}

/// A page: of what was missed when it has `since`, else the answer to a question of ours.
fn page(state: &mut State, page: History) -> Vec<Effect> {
    let asked = take_asked(state, page.re.as_ref());
    let Some(at) = paged(state, asked.as_ref(), &page) else {
        return Vec::new();
    };
    match (&page.since, asked) {
        (Some(since), _) => {
            state.rooms[at].held.merge(since);
            take_missed(state, at, page.messages, &page.updates);
            Vec::new()
        }
        (None, Some(asked)) => answers::page(state, at, asked, page),
        (None, None) => Vec::new(),
    }
}

/// The room of a page: the one that was asked about, however the node writes it. What was missed of a
/// conversation may be with another one than bore that name before.
fn paged(state: &mut State, asked: Option<&Asked>, page: &History) -> Option<usize> {
    let other = conversation::author_of(state, &page.messages);
    if let Some(room) = asked.and_then(Asked::room) {
        let at = state.index_of(room)?;
        let told = conversation::told(state, at, &page.room, other.as_ref());
        if told.is_none() {
            reopen(&mut state.rooms[at]);
        }
        return told;
    }
    let meant = conversation::meant(state, &page.room, other.as_ref());
    meant.or_else(|| {
        let is_missed = page.since.is_some() && other.is_some();
        let is_anothers = is_missed && conversation::called(state, &page.room).is_some();
        is_anothers.then(|| conversation::open(state, &page.room, other.as_ref()))
    })
}

fn user_join(state: &mut State, joined: UserJoined) -> Vec<Effect> {
    let (now, mine) = (state.now, state.is_me(&joined.user.uid));
    if let Some(room) = state.find(&joined.room) {
        if !mine && !room.people.list.contains_key(&joined.user.uid) {
            let name = safe(&joined.user.name, false);
            room.timeline.presence(now, &name, true);
        }
        room.people.put(joined.user);
        room.people.total = joined.total;
    }
    Vec::new()
}

fn user_leave(state: &mut State, left: UserLeft) -> Vec<Effect> {
    let (now, mine) = (state.now, state.is_me(&left.uid));
    if let Some(room) = state.find(&left.room) {
        if !mine {
            room.timeline.presence(now, &safe(&left.user, false), false);
        }
        room.people.remove(&left.uid);
        room.people.total = left.total;
        room.typing.remove(&left.uid);
    }
    Vec::new()
}

fn user_list(state: &mut State, update: UserListUpdate) -> Vec<Effect> {
    let asked = take_asked(state, update.re.as_ref());
    if let Some(room) = state.find(&update.room) {
        match update.users {
            Some(users) => room.people.replace(users, update.total),
            None => {
                update
                    .joined
                    .into_iter()
                    .for_each(|user| room.people.put(user));
                update.left.iter().for_each(|uid| room.people.remove(uid));
                room.people.total = update.total;
            }
        }
    }
    answers::who(state, asked);
    Vec::new()
}

fn away_changed(state: &mut State, away: &AwayChanged) -> Vec<Effect> {
    let room = state.find(&away.room);
    if let Some(user) = room.and_then(|room| room.people.list.get_mut(&away.uid)) {
        user.away = away.on;
    }
    Vec::new()
}

fn user_renamed(state: &mut State, renamed: &Renamed) -> Vec<Effect> {
    let Renamed { uid, from, to } = renamed;
    let (now, mine) = (state.now, state.is_me(uid));
    for room in &mut state.rooms {
        if let Some(user) = room.people.list.get_mut(uid) {
            user.name.clone_from(to);
            let (from, to) = (safe(from, false), safe(to, false));
            let text = format!("{from} is called {to} now: two had the same name");
            room.timeline.note(now, text, false);
        }
    }
    if mine && let Some(me) = &mut state.me {
        me.name.clone_from(to);
        state.tell_news(format!("you are called {to} now: two had the same name"));
    }
    conversation::renamed(state, uid, to);
    Vec::new()
}

fn topic_changed(state: &mut State, topic: TopicChanged) -> Vec<Effect> {
    let now = state.now;
    if let Some(room) = state.find(&topic.room) {
        // Whoever set it is answered with it, and hears of it with everybody else.
        if room.held.covers(&topic.origin, topic.seq) {
            return Vec::new();
        }
        room.hold(&topic.origin, topic.seq);
        let user = safe(&topic.user, false);
        let text = if topic.topic.is_empty() {
            format!("{user} cleared the topic")
        } else {
            format!("{user} set the topic: {}", safe(&topic.topic, false))
        };
        room.topic = topic.topic;
        room.timeline.note(now, text, false);
    }
    Vec::new()
}

fn somebody_types(state: &mut State, typing: Typing) -> Vec<Effect> {
    let (until, mine) = (Ts(state.now.0 + TYPING_ENDS_US), state.is_me(&typing.uid));
    let other = (!mine).then(|| Other {
        uid: typing.uid.clone(),
        name: Some(typing.user.clone()),
    });
    if let Some(at) = conversation::meant(state, &typing.room, other.as_ref()) {
        let room = &mut state.rooms[at];
        if typing.on && !mine {
            room.typing.insert(typing.uid, (typing.user, until));
        } else {
            room.typing.remove(&typing.uid);
        }
    }
    Vec::new()
}

fn take_asked(state: &mut State, re: Option<&Re>) -> Option<Asked> {
    match re {
        Some(Re::Number(re)) => state.asked.remove(re),
        Some(Re::Text(_)) | None => None,
    }
}

/// Opens the rooms and conversations to begin with, and shows one of them.
pub fn begin(state: &mut State, rooms: &[RoomRef], shown: Option<&RoomRef>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for reference in rooms {
        let at = state.open(&reference.to_string());
        if let RoomRef::Room(name) = reference {
            effects.push(commands::join_effect(&mut state.rooms[at], name));
        }
    }
    if let Some(shown) = shown {
        let name = shown.to_string();
        state.active = match shown {
            // Whoever has left it since does not come back by this.
            RoomRef::Room(_) => state.index_of(&name).unwrap_or(0),
            RoomRef::Direct(_) | RoomRef::DirectUid(_) => state.open(&name),
        };
    }
    drafts::open_conversations(state);
    effects.extend(unsent::place(state));
    effects
}

/// Whether the error says that there is nothing to be had here, now or later.
pub fn is_final(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NoSuchRoom
            | ErrorCode::NoSuchUser
            | ErrorCode::NotInRoom
            | ErrorCode::Forbidden
            | ErrorCode::BadRoom
    )
}

/// The rooms' list as the person reads it, one a line.
pub fn describe(state: &State, room: &RoomInfo) -> String {
    let sign = if room.room.starts_with('@') { "" } else { "#" };
    let mut line = format!("{sign}{}  {} here", room.room, room.total);
    // A node counts the person's own messages too.
    let open = state.index_of(&room.room).map(|at| state.rooms[at].unread);
    let unread = open.unwrap_or(room.unread);
    if unread > 0 {
        line.push_str(&format!(", {unread} unread"));
    }
    if !room.topic.is_empty() {
        line.push_str(&format!("  {}", room.topic));
    }
    line
}
