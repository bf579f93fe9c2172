//! Stories of the store.

mod disk;
mod folder;
mod following;
mod identities;
mod merging;
mod messages;
mod reading;
mod softly;
mod speed;
mod updates;

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::protocol::server::Message;
use crate::protocol::{Body, MessageId, Nonce, RoomKey, RoomName, Text, Ts, Uid, UserName};

/// When the stories take place.
const START: Ts = Ts(1_763_800_000_000_000);

const ALICE: &str = "aaaa2222";
const BOB: &str = "bbbb3333";

/// A store in a folder of its own, with a clock that the story moves.
struct Story {
    store: Store,
    commits: Commits,
    /// What was committed and not asked for yet.
    taken: Vec<Committed>,
    clock: Arc<ManualClock>,
    dir: TempDir,
    marks: TempDir,
}

impl Story {
    fn begin(node: &str) -> Story {
        Story::at(tempfile::tempdir().unwrap(), node)
    }

    fn at(dir: TempDir, node: &str) -> Story {
        let clock = Arc::new(ManualClock::at(START));
        let marks = tempfile::tempdir().unwrap();
        let (store, commits) = Store::open(dir.path(), marks.path(), node, clock.clone()).unwrap();
        Story {
            store,
            commits,
            taken: Vec::new(),
            clock,
            dir,
            marks,
        }
    }

    /// The process ends in an orderly way and starts again.
    async fn restart(self, node: &str) -> Story {
        self.store.close().await;
        let (dir, marks) = (self.dir.path(), self.marks.path());
        let (store, commits) = Store::open(dir, marks, node, self.clock.clone()).unwrap();
        Story {
            store,
            commits,
            taken: Vec::new(),
            ..self
        }
    }

    async fn say(&mut self, text: &str) -> Placed {
        let nonce = text.replace(' ', "-");
        self.do_it(deed(ALICE, &nonce, said(text))).await.unwrap()
    }

    async fn do_it(&mut self, deed: Deed) -> Result<Placed, StoreError> {
        self.clock.advance_us(1_000);
        let placed = self.store.submit(deed).await;
        while let Some(batch) = self.commits.try_next() {
            self.taken.extend(batch);
        }
        placed
    }

    /// All that was committed since the last call.
    fn committed(&mut self) -> Vec<Committed> {
        let rest = std::iter::from_fn(|| self.commits.try_next()).flatten();
        self.taken.drain(..).chain(rest).collect()
    }

    fn newest(&self, limit: usize) -> Page {
        let held = self.store.held();
        self.store
            .read_blocking(|reader| reader.newest(&lobby(), limit, &held))
            .unwrap()
    }

    /// The texts of the room, oldest first.
    fn texts(&self) -> Vec<String> {
        texts(&self.newest(200).messages)
    }

    /// All events of this store, for a peer.
    fn log(&self) -> Vec<Arc<Event>> {
        let events = self.store.read_blocking(|reader| {
            let mut events = Vec::new();
            for (origin, _) in reader.held()?.iter() {
                events.extend(reader.events_after(origin, 0, usize::MAX, usize::MAX)?);
            }
            Ok(events)
        });
        events.unwrap()
    }
}

fn lobby() -> RoomKey {
    RoomKey::Room(RoomName::parse("lobby").unwrap())
}

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn id(by: &str, nonce: &str) -> MessageId {
    MessageId::new(&uid(by), &Nonce::parse(nonce).unwrap())
}

fn said(text: &str) -> Body {
    Body::Message {
        text: Text::parse(text).unwrap(),
        reply_to: None,
    }
}

fn edited(id: &MessageId, text: &str) -> Body {
    Body::Edit {
        id: id.clone(),
        text: Text::parse(text).unwrap(),
    }
}

fn reacted(id: &MessageId, emoji: &str, on: bool) -> Body {
    Body::React {
        id: id.clone(),
        emoji: emoji.to_owned(),
        on,
    }
}

fn deleted(id: &MessageId) -> Body {
    Body::Delete { id: id.clone() }
}

/// What the user `by` does in the lobby.
fn deed(by: &str, nonce: &str, body: Body) -> Deed {
    Deed {
        room: lobby(),
        uid: uid(by),
        name: UserName::parse(match by {
            ALICE => "alice",
            BOB => "bob",
            other => other,
        })
        .unwrap(),
        nonce: Nonce::parse(nonce).unwrap(),
        body,
        after: None,
    }
}

fn texts(messages: &[Message]) -> Vec<String> {
    let text = |m: &Message| m.text.clone().unwrap_or("(deleted)".to_owned());
    messages.iter().map(text).collect()
}
