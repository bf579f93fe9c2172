//! People who read one room, and move from node to node with nothing but their `since`.

use std::collections::BTreeMap;

use crate::node::cluster::replication::Moment;
use crate::node::store::{Committed, Outcome, Reader as StoreReader};
use crate::protocol::server::{Message, MessageUpdate};
use crate::protocol::{MessageId, RoomKey, VersionVector};

/// Messages of a page.
const PAGE: usize = 7;

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    Nowhere,
    /// At a node, with pages to be fetched up to now.
    CatchingUp(usize),
    /// At a node, shown what it commits.
    Live(usize),
}

pub struct Reader {
    pub room: RoomKey,
    pub since: VersionVector,
    pub shown: BTreeMap<MessageId, Message>,
    pub seat: Seat,
    pub moves_at: Moment,
    /// What was wrong with what it was shown.
    pub wrong: Vec<String>,
}

impl Reader {
    pub fn new(room: RoomKey) -> Reader {
        Reader {
            room,
            since: VersionVector::new(),
            shown: BTreeMap::new(),
            seat: Seat::Nowhere,
            moves_at: Moment::ZERO,
            wrong: Vec::new(),
        }
    }

    /// Takes one page of what was missed; then, if it was the last, what is committed from here on.
    pub fn page(&mut self, node: usize, store: &StoreReader, published: &VersionVector) {
        let before = self.since.clone();
        let page = store
            .since(&self.room, &self.since, PAGE, published)
            .unwrap();
        for message in page.messages {
            self.missed(message, store, &before, published);
        }
        for update in &page.updates {
            self.change(update);
        }
        if !page.since.includes(&self.since) {
            self.wrong
                .push("a page took back what the reader held".to_owned());
        }
        self.since = page.since;
        self.seat = if page.more {
            Seat::CatchingUp(node)
        } else {
            self.look_again(store);
            Seat::Live(node)
        };
    }

    /// Reads what is on the screen again, as this node has it. The node that was left may not have known
    /// of reactions that this one knows, and `since` covers them.
    fn look_again(&mut self, store: &StoreReader) {
        let shown: Vec<MessageId> = self.shown.keys().cloned().collect();
        for message in shown.iter().filter_map(|id| store.message(id).unwrap()) {
            self.show(message);
        }
    }

    /// A message of a page: new, in an earlier place, or something has happened to it since.
    fn missed(
        &mut self,
        message: Message,
        store: &StoreReader,
        before: &VersionVector,
        published: &VersionVector,
    ) {
        if let Some(known) = self.shown.get(&message.id) {
            let same_place = known.origin == message.origin && known.seq == message.seq;
            let news =
                place(&message) < place(known) || has_news(store, &message.id, before, published);
            let changed = same_place && known != &message;
            if !news && !changed {
                self.wrong
                    .push(format!("{} was shown twice in one place", message.id));
            }
        }
        self.show(message);
    }

    /// What the node has committed.
    pub fn live(&mut self, committed: &Committed) {
        let event = &committed.event;
        if event.room != self.room {
            return;
        }
        match &committed.outcome {
            Outcome::Message(message) => {
                let known = self.shown.get(&message.id);
                // What it held before it came here it passes over: the node hears of it only now.
                let held = self.since.covers(&event.origin, event.seq);
                if !held && known.is_some_and(|known| place(known) == place(message)) {
                    self.wrong
                        .push(format!("{} was shown twice in one place", message.id));
                }
                self.show(message.clone());
            }
            Outcome::Moved(message) => self.show(message.clone()),
            Outcome::Updated { view, .. } => {
                // A client knows what an update is about, or passes it over.
                if self.shown.contains_key(&view.id) {
                    self.show(view.clone());
                }
            }
            Outcome::Early(update) => self.change(update),
            Outcome::Topic | Outcome::Hidden => {}
        }
        self.since.advance(&event.origin, event.seq);
    }

    /// A change of a message that the node does not have.
    fn change(&mut self, update: &MessageUpdate) {
        let Some(mut message) = self.shown.get(&update.id).cloned() else {
            return;
        };
        if update.deleted {
            (message.deleted, message.text, message.edited) = (true, None, None);
            message.reactions.clear();
        } else if update.edited >= message.edited {
            message.text.clone_from(&update.text);
            message.edited = update.edited;
        }
        self.show(message);
    }

    /// As clients do: of two places the smaller one stands, and what is deleted stays so; else a message
    /// is what the node says that it is.
    fn show(&mut self, mut message: Message) {
        // Whether it came late is a node's own affair.
        message.late = false;
        if let Some(known) = self.shown.get(&message.id) {
            if place(known) < place(&message) {
                (message.ts, message.seq) = (known.ts, known.seq);
                message.origin = known.origin.clone();
            }
            if known.deleted {
                let reply_to = message.reply_to.take();
                message = Message {
                    reply_to,
                    ts: message.ts,
                    seq: message.seq,
                    origin: message.origin,
                    ..known.clone()
                };
            }
        }
        self.shown.insert(message.id.clone(), message);
    }
}

fn place(message: &Message) -> (i64, String) {
    (message.ts.0, message.origin.as_str().to_owned())
}

/// Whether something happened to the message past `before`.
fn has_news(
    store: &StoreReader,
    id: &MessageId,
    before: &VersionVector,
    published: &VersionVector,
) -> bool {
    published.iter().any(|(origin, to)| {
        let from = before.get(origin);
        from < to && {
            let events = store
                .events_after(origin, from, (to - from) as usize, usize::MAX)
                .unwrap();
            events
                .iter()
                .any(|event| event.message_id().as_ref() == Some(id))
        }
    })
}
