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
    let failed = match &pending.state {
        Delivery::Waiting => None,
        Delivery::Failed(why) => Some(why.clone()),
    };
    Unsent {
        uid: pending.uid.clone().or_else(|| uid.cloned()),
        room: room.name.clone(),
        with: room.with.clone(),
        nonce: pending.nonce.clone(),
        ts: pending.ts,
        failed,
        what: What::Message {
            text: pending.text.clone(),
            reply_to: pending.reply_to.clone(),
        },
    }
}

/// Puts what an earlier run could not send into its rooms, where it waits for the node to say who this is.
pub fn place(state: &mut State) -> Vec<Effect> {
    let mut joins = Vec::new();
    for kept in std::mem::take(&mut state.unsent) {
        let Ok(reference) = RoomRef::parse(&kept.room) else {
            continue;
        };
        let known = state.index_of(&kept.room).is_some();
        match kept.what {
            What::Change { change } => state.changes.push(Changing {
                uid: kept.uid,
                room: kept.room.clone(),
                nonce: kept.nonce,
                ts: kept.ts,
                change,
            }),
            What::Message { text, reply_to } => {
                let at = match kept.with {
                    Some(uid) => {
                        let other = Other { uid, name: None };
                        conversation::open(state, &kept.room, Some(&other))
                    }
                    None => state.open(&kept.room),
                };
                state.rooms[at].pending.push(Pending {
                    uid: kept.uid,
                    nonce: kept.nonce,
                    text,
                    reply_to,
                    ts: kept.ts,
                    state: kept.failed.map_or(Delivery::Waiting, Delivery::Failed),
                });
            }
        }
        if let (false, RoomRef::Room(name)) = (known, &reference) {
            let at = state.open(&kept.room);
            joins.push(commands::join_effect(&mut state.rooms[at], name));
        }
    }
    joins
}

/// The first session of this run: sends all that waits for it, in the order in which it was written. What
/// another user wrote would be another message: that is for the person to decide. Another's change is of
/// no use.
pub fn send_all(state: &mut State) -> Vec<Effect> {
    let mut effects = place(state);
    let uid = state.me.as_ref().map(|me| me.uid.clone());
    let same_user = |of: &Option<Uid>| of.is_none() || *of == uid;
    let before = state.changes.len();
    state.changes.retain(|changing| same_user(&changing.uid));
    if state.changes.len() < before {
        state.tell_news("changes that were not sent are dropped: you are another user now");
        effects.push(state.keep());
    }
    let mut all = Vec::new();
    for room in &mut state.rooms {
        let Some(reference) = room.reference() else {
            continue;
        };
        for pending in &mut room.pending {
            if !same_user(&pending.uid) {
                pending.state = Delivery::Failed("you are another user now".to_owned());
            } else if pending.state == Delivery::Waiting {
                pending.uid = None;
                let write = speaking::write(pending, reference.clone());
                all.push((pending.ts, write));
            }
        }
    }
    for changing in &state.changes {
        if let Ok(reference) = RoomRef::parse(&changing.room) {
            let write = changes::write(changing, reference);
            all.push((changing.ts, write));
        }
    }
    all.sort_by_key(|(ts, _)| *ts);
    effects.extend(all.into_iter().map(|(_, write)| write));
    effects
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
        let unsent = |(n, what): (usize, What)| Unsent {
            failed: (n == 0).then(|| "no".to_owned()),
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
