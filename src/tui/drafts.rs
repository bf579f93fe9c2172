//! What is written and not sent, from one start to the next.

use serde::{Deserialize, Serialize};

use super::composer::Written;
use super::conversation::{self, Other};
use super::kept::Keep;
use super::state::State;
use crate::protocol::{Nonce, RoomRef, Ts, Uid};

/// Drafts that are kept; past it the oldest go.
const DRAFTS_MAX: usize = 200;

/// What stands in a room's composer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Of this text: another client may be writing in the same room.
    pub nonce: Nonce,
    pub room: String,
    /// With whom the conversation is, where that is known: it is for nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Uid>,
    pub ts: Ts,
    #[serde(flatten)]
    pub written: Written,
}

impl Keep for Draft {
    fn key(&self) -> &str {
        self.nonce.as_str()
    }

    fn is_valid(&self) -> bool {
        RoomRef::parse(&self.room).is_ok()
    }
}

/// All there are now: in the rooms, and of earlier runs in rooms that have not been opened in this one.
pub fn all(state: &mut State) -> Vec<Draft> {
    let mut drafts = state.drafts.clone();
    for room in &mut state.rooms {
        let written = room.composer.written();
        let same =
            |draft: &Draft| Some(&draft.written) == written.as_ref() && draft.with == room.with;
        if !room.draft.as_ref().is_some_and(same) {
            room.draft = written.map(|written| Draft {
                nonce: state.nonces.next(state.now),
                room: room.name.clone(),
                with: room.with.clone(),
                ts: state.now,
                written,
            });
        }
        drafts.extend(room.draft.clone());
    }
    let surplus = drafts.len().saturating_sub(DRAFTS_MAX);
    drafts.split_off(surplus)
}

/// Puts what was being written in a room back into its composer. What several clients have left there
/// stands one below the other.
pub fn restore(state: &mut State, at: usize) {
    let Some(room) = state.rooms.get_mut(at) else {
        return;
    };
    let here = |draft: &mut Draft| match &draft.with {
        Some(_) => room.with == draft.with,
        None => draft.room == room.name,
    };
    let here: Vec<Draft> = state.drafts.extract_if(.., here).collect();
    if here.is_empty() {
        return;
    }
    for draft in &here {
        room.composer.restore(draft.written.clone());
    }
    // Kept again as it is, if nothing becomes of it.
    room.draft = here
        .into_iter()
        .next_back()
        .filter(|draft| room.composer.written().as_ref() == Some(&draft.written));
}

/// Conversations in which something is written are there from the start.
pub fn open_conversations(state: &mut State) {
    let drafts = state.drafts.iter();
    let direct = drafts.filter(|draft| draft.room.starts_with('@'));
    let direct: Vec<_> = direct
        .map(|draft| (draft.room.clone(), draft.with.clone()))
        .collect();
    for (room, with) in direct {
        let other = with.map(|uid| Other { uid, name: None });
        conversation::open(state, &room, other.as_ref());
    }
}
