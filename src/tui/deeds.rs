//! What single keys do with the chosen message.

use super::commands::Outcome;
use super::event::Effect;
use super::keys::Deed;
use super::room::{Delivery, Pending};
use super::selection::{Chosen, Target, above, below, choose, chosen, is_choosable, leave};
use super::state::State;
use super::timeline::Post;
use super::{reacting, speaking, travel};
use crate::private_file::OnDisk;
use crate::protocol::text::clean;
use crate::protocol::{MessageId, Nonce};

/// Bytes of a text that is copied: more than a message may have, and no more than terminals take.
const COPY_BYTES_MAX: usize = 32 * 1024;

pub fn carry_out(state: &mut State, deed: Deed) -> Outcome {
    match deed {
        Deed::Up => go(state, true, 1),
        Deed::Down => go(state, false, 1),
        Deed::First => go(state, true, usize::MAX),
        Deed::Last => go(state, false, usize::MAX),
        Deed::PageUp => page(state, true),
        Deed::PageDown => page(state, false),
        Deed::Leave => return Ok(leave(state)),
        Deed::Answered => answered(state)?,
        Deed::Reply => return reply(state),
        Deed::React => {
            let id = stored(state)?.message.id.clone();
            reacting::open(state, id);
        }
        Deed::Copy => return copy(state),
        Deed::Edit => return edit(state),
        Deed::Delete => {
            own(state)?;
            if let Some(selection) = &mut state.selection {
                selection.deleting = true;
            }
        }
        Deed::Resend => {
            let nonce = failed(state)?;
            let mut effects = speaking::resend_where(state, |pending| pending.nonce == nonce);
            effects.extend(leave(state));
            return Ok(effects);
        }
        Deed::Discard => {
            let nonce = failed(state)?;
            let mut effects = leave(state);
            let dropped = |pending: &Pending| pending.nonce == nonce;
            effects.extend(speaking::discard_where(state, dropped));
            return Ok(effects);
        }
    }
    Ok(Vec::new())
}

/// So many messages up or down, as far as there are any.
fn go(state: &mut State, up: bool, by: usize) {
    let (Some(room), Some(selection)) = (state.room(), &state.selection) else {
        return;
    };
    let targets = if up {
        above(room, &selection.target)
    } else {
        below(room, &selection.target)
    };
    if let Some(target) = targets.take(by).last() {
        choose(state, target);
    }
}

/// To the first or last message in sight; from there a screenful on.
fn page(state: &mut State, up: bool) {
    let other_edge = |state: &State| {
        let chosen = state.selection.as_ref().map(|selection| &selection.target);
        edge_in_sight(state, up).filter(|edge| Some(edge) != chosen)
    };
    if let Some(edge) = other_edge(state) {
        return choose(state, edge);
    }
    let rows = travel::page_rows(state);
    travel::scroll(state, if up { -rows } else { rows });
    match other_edge(state) {
        Some(edge) => choose(state, edge),
        // The next one is higher than the screen.
        None => go(state, up, 1),
    }
}

/// The first or last message that is in sight as a whole, or of which nothing but it is in sight.
fn edge_in_sight(state: &State, first: bool) -> Option<Target> {
    let height = travel::height(state);
    let sheet = travel::sheet(state)?;
    let mut targets = sheet.targets(height).into_iter().flatten();
    let wanted = |target: &Target| {
        let is_whole = sheet.brought_into_sight(target, height).is_none();
        is_whole && is_choosable(state, target)
    };
    if first {
        targets.find(wanted)
    } else {
        targets.rfind(wanted)
    }
}

fn answered(state: &mut State) -> Result<(), String> {
    let post = stored(state)?;
    let answered = post.message.reply_to.clone();
    let id = answered.ok_or("it answers no other message")?;
    let held = state.room().and_then(|room| room.timeline.place(&id));
    if held.is_none() {
        return Err("the message that it answers is further up than what is loaded".to_owned());
    }
    choose(state, Target::Post(id));
    Ok(())
}

fn reply(state: &mut State) -> Outcome {
    let id = stored(state)?.message.id.clone();
    let effects = leave(state);
    if let Some(room) = state.room_mut() {
        room.composer.reply(id);
    }
    Ok(effects)
}

fn copy(state: &mut State) -> Outcome {
    let text = match chosen(state) {
        Some(Chosen::Post(post)) => post.message.text.clone(),
        Some(Chosen::Pending(pending)) => Some(pending.text.as_str().to_owned()),
        None => None,
    };
    let text = text.ok_or("there is no text in it any more")?;
    // Tabs are a text's own, where they indent.
    let pieces: Vec<String> = text.split('\t').map(|piece| clean(piece, true)).collect();
    let text = pieces.join("\t");
    let bytes = text.floor_char_boundary(COPY_BYTES_MAX);
    let mut effects = leave(state);
    state.say(format!(
        "copied {} characters",
        text[..bytes].chars().count()
    ));
    effects.push(Effect::Copy(text[..bytes].to_owned()));
    Ok(effects)
}

/// An own message comes into the composer; one that was refused to be sent anew.
fn edit(state: &mut State) -> Outcome {
    if let Some(Chosen::Pending(pending)) = chosen(state) {
        let (text, reply_to) = (pending.text.clone(), pending.reply_to.clone());
        let nonce = failed(state)?;
        if state.room().is_some_and(|room| !room.composer.is_idle()) {
            return Err("another text is begun: send it or clear it first".to_owned());
        }
        let mut effects = leave(state);
        if let Some(room) = state.room_mut() {
            room.take_pending(&nonce);
            if let Some(id) = reply_to {
                room.composer.reply(id);
            }
            room.composer.insert(text.as_str());
        }
        // On the disk as a draft before it is no longer there as a message.
        effects.extend([Effect::KeepDrafts(OnDisk::Now), state.keep()]);
        return Ok(effects);
    }
    let id = own(state)?;
    // Before the list is left: that may let go of the window that the text is in.
    speaking::edit_in_composer(state, id);
    Ok(leave(state))
}

/// Takes an own message back: the second key.
pub fn delete(state: &mut State) -> Outcome {
    let id = own(state)?;
    let mut effects = speaking::delete(state, id)?;
    effects.extend(leave(state));
    Ok(effects)
}

/// The chosen message, if a node has it and it is not deleted.
fn stored(state: &State) -> Result<&Post, String> {
    match chosen(state) {
        Some(Chosen::Post(post)) if !post.message.deleted => Ok(post),
        Some(Chosen::Post(_)) | None => Err("it is deleted".to_owned()),
        Some(Chosen::Pending(_)) => Err("no node has it yet".to_owned()),
    }
}

fn own(state: &State) -> Result<MessageId, String> {
    let message = &stored(state)?.message;
    if state.is_me(&message.uid) {
        Ok(message.id.clone())
    } else {
        Err(format!("it is {}'s, not yours", message.from))
    }
}

fn failed(state: &State) -> Result<Nonce, String> {
    match chosen(state) {
        Some(Chosen::Pending(pending)) if pending.state != Delivery::Waiting => {
            Ok(pending.nonce.clone())
        }
        Some(Chosen::Pending(_)) => Err("it is on its way, and sent again by itself".to_owned()),
        Some(Chosen::Post(_)) | None => Err("it is stored".to_owned()),
    }
}
