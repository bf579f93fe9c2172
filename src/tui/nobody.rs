//! A conversation with somebody whom no node knows: it is closed again, and what was to be said comes back
//! into the line.

use super::commands;
use super::composer::Composer;
use super::event::Effect;
use super::room::Delivery;
use super::state::State;
use crate::private_file::OnDisk;

/// The node knows nobody of that name. A conversation in which something was said stays, and so does
/// one whose text would find no empty line to come back to: then nothing is done, and none given.
pub fn forget(state: &mut State, room: &str) -> Option<Vec<Effect>> {
    let at = state.index_of(room)?;
    let closing = &state.rooms[at];
    // It is with a user, whoever bears the name now.
    if closing.with.is_some() {
        return None;
    }
    let name = closing.name.strip_prefix('@')?.to_owned();
    let way_back = closing.way_back.clone();
    let text = match &closing.pending[..] {
        [] => None,
        [one] if one.state != Delivery::Waiting => Some(one.text.as_str().to_owned()),
        _ => return None,
    };
    let was_said = closing.timeline.messages_back().next().is_some();
    if was_said || !closing.composer.is_idle() {
        return None;
    }
    let back = way_back.as_deref().and_then(|back| state.find(back));
    let line = match back {
        Some(room) => Some(&room.composer),
        None => (state.rooms.len() == 1).then_some(&state.roomless),
    };
    if text.is_some() && !line.is_some_and(Composer::is_idle) {
        return None;
    }
    let (_, mut effects) = commands::close(state, at, way_back.as_deref());
    let word = format!("nobody is called {name}: /who lists who is in a room");
    if let Some(text) = text {
        let back = way_back.as_deref().and_then(|back| state.index_of(back));
        let line = match back {
            Some(back) => &mut state.rooms[back].composer,
            None => &mut state.roomless,
        };
        line.insert(&format!("/msg {name} {text}"));
        state.refuse(word);
    } else {
        state.tell_news(word);
    }
    effects.extend([Effect::KeepDrafts(OnDisk::Now), state.keep()]);
    Some(effects)
}
