//! Messages and changes that wait for the next start, when this one could not send them: how they are
//! kept, and how they go out then.

use super::changes::{self, Changing};
use super::commands;
use super::conversation::{self, Other};
use super::event::{Effect, Unsent, What};
use super::kept::Keep;
use super::room::{Delivery, Pending, Room};
use super::speaking;
use super::state::State;
use crate::protocol::{RoomRef, Uid};

impl Keep for Unsent {
    fn key(&self) -> &str {
        self.nonce.as_str()
    }

    fn is_valid(&self) -> bool {
        let is_change = match &self.what {
            What::Message { .. } => true,
            What::Change { change } => change.is_valid(),
        };
        is_change && RoomRef::parse(&self.room).is_ok()
    }
}

/// All that is on its way, to be kept.
pub fn all(state: &State) -> Vec<Unsent> {
    let uid = state.me.as_ref().map(|me| &me.uid);
    let mut unsent = state.unsent.clone();
    for room in &state.rooms {
        let pending = room.pending.iter();
        unsent.extend(pending.map(|pending| message(pending, room, uid)));
    }
    let changes = state.changes.iter();
    unsent.extend(changes.map(|changing| changing.kept(uid)));
    unsent
}

fn message(pending: &Pending, room: &Room, uid: Option<&Uid>) -> Unsent {
    Unsent {
        uid: uid.cloned(),
        room: room.name.clone(),
        with: room.with.clone(),
        nonce: pending.nonce.clone(),
        ts: pending.ts,
        what: What::Message {
            text: pending.text.clone(),
            reply_to: pending.reply_to.clone(),
        },
    }
}

/// Sends what an earlier run could not, if this is still the same user. Under another one it would
/// be another message: that is for the person to decide. A change is of no use to another one.
pub fn restore(state: &mut State) -> Vec<Effect> {
    let unsent = std::mem::take(&mut state.unsent);
    let uid = state.me.as_ref().map(|me| me.uid.clone());
    let (mut joins, mut effects, mut dropped) = (Vec::new(), Vec::new(), 0);
    for kept in unsent {
        let Ok(reference) = RoomRef::parse(&kept.room) else {
            continue;
        };
        let same_user = kept.uid.is_none() || kept.uid == uid;
        let known = state.index_of(&kept.room).is_some();
        match kept.what {
            What::Change { .. } if !same_user => {
                dropped += 1;
                continue;
            }
            What::Change { change } => {
                let changing = Changing {
                    room: kept.room.clone(),
                    nonce: kept.nonce,
                    ts: kept.ts,
                    change,
                };
                effects.push(changes::make_again(state, changing, reference.clone()));
            }
            What::Message { text, reply_to } => {
                let pending = Pending {
                    nonce: kept.nonce,
                    text,
                    reply_to,
                    ts: kept.ts,
                    state: delivery(same_user),
                };
                let at = match kept.with {
                    Some(uid) => {
                        let other = Other { uid, name: None };
                        conversation::open(state, &kept.room, Some(&other))
                    }
                    None => state.open(&kept.room),
                };
                let room = &mut state.rooms[at];
                if same_user && let Some(reference) = room.reference() {
                    effects.push(speaking::write(&pending, reference));
                }
                room.pending.push(pending);
            }
        }
        if let (false, RoomRef::Room(name)) = (known, &reference) {
            let at = state.open(&kept.room);
            joins.push(commands::join_effect(&mut state.rooms[at], name));
        }
    }
    if dropped > 0 {
        state.say("changes that were not sent are dropped: you are another user now");
        effects.push(state.keep());
    }
    joins.extend(effects);
    joins
}

fn delivery(same_user: bool) -> Delivery {
    if same_user {
        Delivery::Waiting
    } else {
        Delivery::Failed("you are another user now".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{MessageId, Nonce, Text, Ts};
    use crate::tui::event::Change;
    use crate::tui::kept::Kept;
    use crate::tui::testing::uid;

    fn open(path: &std::path::Path) -> (Kept<Unsent>, Vec<Unsent>) {
        let (kept, unsent, word) = Kept::open(path);
        assert_eq!(word, None);
        (kept, unsent)
    }

    #[test]
    fn all_that_can_be_said_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unsent");
        let nonce = |n: usize| Nonce::parse(&format!("n{n}")).unwrap();
        let id = MessageId::new(&uid("bob"), &nonce(9));
        let text = Text::parse("two\nlines \u{1b}").unwrap();
        let on = true;
        let emoji = "👍".to_owned();
        let changes = [
            Change::Edit {
                id: id.clone(),
                text: text.clone(),
            },
            Change::Delete { id: id.clone() },
            Change::React {
                id: id.clone(),
                emoji,
                on,
            },
            Change::Topic {
                topic: String::new(),
            },
        ];
        let mut all = vec![What::Message {
            text,
            reply_to: Some(id),
        }];
        all.extend(changes.map(|change| What::Change { change }));
        let unsent = |(n, what)| Unsent {
            uid: Some(uid("alice")),
            room: "lobby".to_owned(),
            with: None,
            nonce: nonce(n),
            ts: Ts(5),
            what,
        };
        let all: Vec<Unsent> = all.into_iter().enumerate().map(unsent).collect();
        let (mut kept, _) = open(&path);
        kept.keep(&all).unwrap();
        assert_eq!(open(&path).1, all);
    }

    #[test]
    fn what_earlier_versions_have_kept_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unsent");
        let line = r#"{"uid":null,"room":"lobby","nonce":"a","text":"x","reply_to":null,"ts":1}"#;
        std::fs::write(&path, format!("{line}\n")).unwrap();
        let (_, unsent) = open(&path);
        assert!(
            matches!(&unsent[..], [Unsent { what: What::Message { text, .. }, .. }] if text.as_str() == "x"),
            "{unsent:?}"
        );
    }

    #[test]
    fn what_this_program_would_not_have_written_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unsent");
        for wrong in [
            r#"{"uid":null,"room":"no such name","nonce":"a","text":"x","reply_to":null,"ts":1}"#,
            r#"{"uid":null,"room":"lobby","nonce":"a","change":{"type":"topic","topic":"\u001b[2J"},"ts":1}"#,
        ] {
            std::fs::write(&path, format!("{wrong}\n")).unwrap();
            let (_, unsent, word) = Kept::<Unsent>::open(&path);
            assert!(unsent.is_empty() && word.is_some(), "{wrong}");
        }
    }
}
