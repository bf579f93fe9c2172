//! What is written and not sent, from one start to the next.

use serde::{Deserialize, Serialize};

use super::composer::Written;
use super::kept::Keep;
use super::state::State;
use crate::protocol::{Nonce, RoomRef, Ts};

/// Drafts that are kept; past it the oldest go.
const DRAFTS_MAX: usize = 200;

/// What stands in a room's composer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Of this text: another client may be writing in the same room.
    pub nonce: Nonce,
    pub room: String,
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
    for room in &state.rooms {
        let Some(written) = room.composer.written() else {
            continue;
        };
        match &room.draft {
            Some(draft) if draft.written == written => drafts.push(draft.clone()),
            Some(_) | None => drafts.push(Draft {
                nonce: state.nonces.next(state.now),
                room: room.name.clone(),
                ts: state.now,
                written,
            }),
        }
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
    let here = |draft: &mut Draft| draft.room == room.name;
    let here: Vec<Draft> = state.drafts.extract_if(.., here).collect();
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
    let rooms = state.drafts.iter().map(|draft| draft.room.clone());
    let direct: Vec<String> = rooms.filter(|room| room.starts_with('@')).collect();
    for room in direct {
        state.open(&room);
    }
}
