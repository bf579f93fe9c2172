//! What this person says: messages, edits and other changes, on their way to a node.

use super::changes;
use super::commands::{self, Outcome};
use super::composer::Purpose;
use super::conversation;
use super::event::{Change, Effect};
use super::room::{Delivery, Pending, Room};
use super::state::State;
use super::{nobody, travel};
use crate::client::Command;
use crate::private_file::OnDisk;
use crate::protocol::error::ErrorCode;
use crate::protocol::server::{ErrorFrame, Message, Sent};
use crate::protocol::{ClientFrame, MessageId, Nonce, RoomRef, Text};

/// Microseconds after which "is writing" is said again while the person goes on.
const TYPING_AGAIN_US: i64 = 3_000_000;

/// Enter: carries out what stands in the composer. What cannot be carried out stays there, with a
/// word why.
pub fn submit(state: &mut State) -> Vec<Effect> {
    let room = state.room().map(|room| room.name.clone());
    let composer = state.composer_mut();
    let (text, purpose) = (composer.text(), composer.purpose.clone());
    if text.trim().is_empty() {
        return Vec::new();
    }
    if matches!(purpose, Purpose::Edit(_)) && composer.is_unchanged() {
        composer.leave();
        return Vec::new();
    }
    // What was said of the line before does not concern this one.
    state.flash = None;
    let outcome = match purpose {
        Purpose::New => speak_or_command(state, &text),
        Purpose::Reply(id) => send(state, &text, Some(id)),
        Purpose::Edit(id) => edit(state, id, &text),
    };
    match outcome {
        Ok(mut effects) => {
            let here = room.as_deref().and_then(|name| state.find(name));
            let draft = here.and_then(|room| room.draft.take());
            effects.extend(draft.map(|_| Effect::KeepDrafts(OnDisk::Later)));
            // A command may have begun something else in the composer.
            let composer = match room {
                Some(name) => state.find(&name).map(|room| &mut room.composer),
                None => Some(&mut state.roomless),
            };
            if let Some(composer) = composer.filter(|composer| composer.text() == text) {
                composer.reset();
            }
            state.sent_lines.push(text);
            effects
        }
        Err(why) => {
            state.refuse(why);
            Vec::new()
        }
    }
}

/// A line that begins with a slash is a command, with two it is a text that begins with one.
fn speak_or_command(state: &mut State, text: &str) -> Outcome {
    match text.strip_prefix('/') {
        None => send(state, text, None),
        Some(rest) if rest.starts_with('/') => send(state, rest, None),
        Some(line) => commands::run(state, line),
    }
}

/// Says `text` in the room that is shown.
pub fn send(state: &mut State, text: &str, reply_to: Option<MessageId>) -> Outcome {
    // A paste ends with a line end more often than not.
    let parsed = Text::parse(text.trim_end()).map_err(|refusal| refusal.message)?;
    let nonce = state.nonces.next(state.now);
    let now = state.now;
    let Some(room) = state.room_mut() else {
        return Err("there is no room to say this in: /join ROOM enters one".to_owned());
    };
    let Some(reference) = room.reference() else {
        return Err(format!("{} is not a room", room.name));
    };
    let pending = Pending {
        uid: None,
        nonce,
        text: parsed,
        reply_to,
        ts: now,
        state: Delivery::Waiting,
    };
    let effect = write(&pending, reference);
    room.pending.push(pending);
    (room.first_unread, room.unread_back) = (None, 0);
    room.typing_sent = None;
    let mut effects = travel::to_newest(state);
    effects.extend([effect, state.keep()]);
    Ok(state.hand_over(effects))
}

/// Changes the text of an own message; nothing, if it is the same.
pub fn edit(state: &mut State, id: MessageId, text: &str) -> Outcome {
    let text = Text::parse(text.trim_end()).map_err(|refusal| refusal.message)?;
    let room = here(state)?;
    let held = state.room().and_then(|room| room.timeline.message(&id));
    let held = held.and_then(|message| message.text.as_deref());
    if changes::text_under_way(state, &id).or(held) == Some(text.as_str()) {
        return Ok(Vec::new());
    }
    Ok(changes::make(state, &room, Change::Edit { id, text }))
}

/// Takes an own message back, for good.
pub fn delete(state: &mut State, id: MessageId) -> Outcome {
    let room = here(state)?;
    Ok(changes::make(state, &room, Change::Delete { id }))
}

/// Puts a reaction to a message of the room that is shown, or takes it back.
pub fn react(state: &mut State, id: MessageId, emoji: String) -> Outcome {
    let room = here(state)?;
    let message = room_message(state, &id).ok_or("there is no such message here")?;
    let me = state.me.as_ref().map(|me| &me.name);
    let names = message.reactions.get(&emoji);
    let mine = names.zip(me).is_some_and(|(names, me)| names.contains(me));
    let on = !mine;
    Ok(changes::make(state, &room, Change::React { id, emoji, on }))
}

fn room_message<'a>(state: &'a State, id: &MessageId) -> Option<&'a Message> {
    state.room()?.timeline.message(id)
}

/// The room that is shown, as the protocol refers to it.
fn here(state: &State) -> Result<RoomRef, String> {
    let here = state.room().and_then(Room::reference);
    here.ok_or_else(|| "there is no room".to_owned())
}

/// The newest message of this person in the room that is shown.
pub fn last_own(state: &State) -> Option<MessageId> {
    let me = state.me.as_ref()?;
    let mut back = state.room()?.timeline.messages_back();
    let stays = |message: &Message| !message.deleted && !changes::is_going(state, &message.id);
    back.find(|message| message.uid == me.uid && stays(message))
        .map(|message| message.id.clone())
}

/// Puts the last own message into the composer, to be changed there.
pub fn begin_edit(state: &mut State) {
    match last_own(state) {
        Some(id) => edit_in_composer(state, id),
        None => state.say("there is no message of yours here"),
    }
}

/// Puts an own message into the composer, to be changed there.
pub fn edit_in_composer(state: &mut State, id: MessageId) {
    let under_way = changes::text_under_way(state, &id).map(str::to_owned);
    let Some(room) = state.room_mut() else { return };
    let message = room.timeline.message(&id);
    let text = under_way.or_else(|| message.and_then(|message| message.text.clone()));
    room.composer.edit(id, &text.unwrap_or_default());
}

/// Sends what was refused again, under the same nonces.
pub fn resend(state: &mut State) -> Vec<Effect> {
    resend_where(state, |_| true)
}

/// Sends those again that were refused and are wanted.
pub fn resend_where(state: &mut State, wanted: impl Fn(&Pending) -> bool) -> Vec<Effect> {
    let mut effects = Vec::new();
    let known = state.me.is_some();
    if let Some(room) = state.room_mut()
        && let Some(reference) = room.reference()
    {
        for pending in &mut room.pending {
            if pending.state != Delivery::Waiting && wanted(pending) {
                pending.state = Delivery::Waiting;
                // Before the first session it is not known who this is.
                if known {
                    pending.uid = None;
                }
                effects.push(write(pending, reference.clone()));
            }
        }
    }
    if effects.is_empty() {
        state.say("nothing has failed here");
        return effects;
    }
    effects.push(state.keep());
    state.hand_over(effects)
}

/// Drops those that were refused and are wanted no more; says how many.
pub fn discard_where(state: &mut State, dropped: impl Fn(&Pending) -> bool) -> Vec<Effect> {
    let Some(room) = state.room_mut() else {
        return Vec::new();
    };
    let before = room.pending.len();
    room.pending
        .retain(|pending| pending.state == Delivery::Waiting || !dropped(pending));
    let count = before - room.pending.len();
    if count == 0 {
        state.say("nothing has failed here");
        return Vec::new();
    }
    state.say(format!("{count} dropped"));
    vec![state.keep()]
}

/// A node has stored an own message.
pub fn sent(state: &mut State, sent: Sent) -> Vec<Effect> {
    let me = state.me.clone();
    // However the node writes the room: this is where it was said.
    let at = conversation::awaiting(state, &sent.nonce)
        .and_then(|at| conversation::told(state, at, &sent.room, None))
        .or_else(|| conversation::meant(state, &sent.room, None));
    let Some(at) = at else {
        return vec![state.keep()];
    };
    let room = &mut state.rooms[at];
    if let (Some(pending), Some(me)) = (room.take_pending(&sent.nonce), me) {
        room.timeline.put_live(Message {
            room: sent.room.clone(),
            id: sent.id.clone(),
            from: me.name,
            uid: me.uid,
            ts: sent.ts,
            origin: sent.origin.clone(),
            seq: sent.seq,
            text: Some(pending.text.as_str().to_owned()),
            nonce: sent.nonce.clone(),
            reply_to: pending.reply_to,
            edited: None,
            deleted: false,
            reactions: std::collections::BTreeMap::new(),
            late: false,
        });
    }
    room.timeline.acknowledge(&sent.id, sent.copies);
    vec![state.keep()]
}

/// A message or a change was refused for good.
pub fn failed(state: &mut State, nonce: &Nonce, error: ErrorFrame) -> Vec<Effect> {
    for room in &mut state.rooms {
        if let Some(pending) = room.pending_mut(nonce) {
            pending.state = Delivery::Failed(error.message);
            let room = room.name.clone();
            return match error.code {
                ErrorCode::NoSuchUser => {
                    nobody::forget(state, &room).unwrap_or_else(|| vec![state.keep()])
                }
                _ => vec![state.keep()],
            };
        }
    }
    changes::refused(state, nonce, &error)
}

/// The composer has changed: the others hear that this person is writing, now and then.
pub fn typing(state: &mut State) -> Vec<Effect> {
    let (now, online) = (state.now, state.is_online());
    let Some(room) = state.room_mut() else {
        return Vec::new();
    };
    let (text, writes) = (
        room.composer.before_cursor(),
        room.composer.purpose == Purpose::New,
    );
    let command = text.starts_with('/') && !text.starts_with("//");
    let due = room
        .typing_sent
        .is_none_or(|sent| now.0 - sent.0 >= TYPING_AGAIN_US);
    if !online || !writes || command || !due || room.composer.is_empty() {
        return Vec::new();
    }
    let Some(reference) = room.reference() else {
        return Vec::new();
    };
    room.typing_sent = Some(now);
    let frame = ClientFrame::Typing {
        room: reference,
        on: true,
    };
    vec![state.tell(frame)]
}

pub fn write(pending: &Pending, room: RoomRef) -> Effect {
    Effect::Net(Command::Write(ClientFrame::Send {
        room,
        text: pending.text.clone(),
        nonce: Some(pending.nonce.clone()),
        reply_to: pending.reply_to.clone(),
        after: None,
    }))
}
