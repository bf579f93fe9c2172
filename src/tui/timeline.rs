//! A room's messages as far as they are held: a window onto its history, kept in order.
//!
//! Invariant: a message is in it once, by its id, at its place `(ts, origin)`, however often and in
//! whatever order live frames, pages and replays bring it.

use std::collections::{BTreeMap, HashMap};

use self::outside::{Live, Outside};
use crate::protocol::server::{Message, MessageUpdate};
use crate::protocol::{MessageId, Origin, Ts};

mod outside;

/// Items that a window holds. Past it, those farthest from the reader go, to be fetched again.
pub const WINDOW_ITEMS_MAX: usize = 2000;

/// People that a folded notice names on each side.
const FOLDED_NAMES_MAX: usize = 500;

/// Where an item stands: time, then origin, then the place in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub ts: Ts,
    pub origin: Origin,
    pub tie: u64,
}

/// What stands in the list.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Post(Box<Post>),
    /// Who came and went since the item before, folded into one.
    Presence {
        came: Vec<String>,
        went: Vec<String>,
    },
    /// A sentence of the program itself, or a change of the topic.
    Note(Note),
}

/// A message, what is known of its acknowledgement, and whether it is yet to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub message: Message,
    /// Nodes that have it on stable storage, as `sent` told; 0 for others' messages.
    pub copies: u32,
    pub counted: Counted,
}

/// As what a message counts among those of its room that are unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    #[default]
    Not,
    Unread,
    /// It names this person.
    Meant,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub text: String,
    pub wrong: bool,
}

/// What lies past one side of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing: the window reaches the end.
    #[default]
    Nothing,
    /// Messages that are not held.
    More,
    /// Messages that have been asked for.
    Asked,
}

impl Beyond {
    fn or_nothing(more: bool) -> Beyond {
        if more { Beyond::More } else { Beyond::Nothing }
    }
}

/// What became of a message that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    New,
    /// It was held already; its content or place may have changed.
    Known,
    /// It belongs past a side of the window; it comes with a page when that is read.
    Outside,
}

#[derive(Clone, Debug, Default)]
pub struct Timeline {
    items: BTreeMap<Place, Item>,
    places: HashMap<MessageId, Place>,
    pub older: Beyond,
    pub newer: Beyond,
    outside: Outside,
    /// Marks in `outside`: when each side was last asked for.
    older_asked: u64,
    newer_asked: u64,
}

impl Timeline {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Items from the oldest to the newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Place, &Item)> {
        self.items.iter()
    }

    /// Items from `place` on.
    pub fn from<'a>(
        &'a self,
        place: &Place,
    ) -> impl DoubleEndedIterator<Item = (&'a Place, &'a Item)> + use<'a> {
        self.items.range(place.clone()..)
    }

    /// Items before `place`.
    pub fn before<'a>(
        &'a self,
        place: &Place,
    ) -> impl DoubleEndedIterator<Item = (&'a Place, &'a Item)> + use<'a> {
        self.items.range(..place.clone())
    }

    pub fn message(&self, id: &MessageId) -> Option<&Message> {
        self.post(id).map(|post| &post.message)
    }

    pub fn post(&self, id: &MessageId) -> Option<&Post> {
        match self.items.get(self.places.get(id)?) {
            Some(Item::Post(post)) => Some(post),
            Some(Item::Presence { .. } | Item::Note(_)) | None => None,
        }
    }

    pub fn post_mut(&mut self, id: &MessageId) -> Option<&mut Post> {
        match self.items.get_mut(self.places.get(id)?) {
            Some(Item::Post(post)) => Some(post),
            Some(Item::Presence { .. } | Item::Note(_)) | None => None,
        }
    }

    pub fn posts_mut(&mut self) -> impl Iterator<Item = &mut Post> {
        self.items.values_mut().filter_map(|item| match item {
            Item::Post(post) => Some(&mut **post),
            Item::Presence { .. } | Item::Note(_) => None,
        })
    }

    /// Messages from the newest to the oldest.
    pub fn messages_back(&self) -> impl Iterator<Item = &Message> {
        self.items.values().rev().filter_map(|item| match item {
            Item::Post(post) => Some(&post.message),
            Item::Presence { .. } | Item::Note(_) => None,
        })
    }

    /// The time of the oldest message, for asking what is before it.
    pub fn oldest_ts(&self) -> Option<Ts> {
        self.items.values().find_map(|item| match item {
            Item::Post(post) => Some(post.message.ts),
            Item::Presence { .. } | Item::Note(_) => None,
        })
    }

    /// Where the oldest message stands.
    pub fn oldest_place(&self) -> Option<Place> {
        let mut posts = self.items.iter();
        let (place, _) = posts.find(|(_, item)| matches!(item, Item::Post(_)))?;
        Some(place.clone())
    }

    fn newest_place(&self) -> Option<&Place> {
        let mut posts = self.items.iter().rev();
        let (place, _) = posts.find(|(_, item)| matches!(item, Item::Post(_)))?;
        Some(place)
    }

    /// The time of the newest message, for asking what is after it.
    pub fn newest_ts(&self) -> Option<Ts> {
        self.messages_back().next().map(|message| message.ts)
    }

    /// A message that has just happened, or that was missed. One that is held and has an earlier place,
    /// before the window, goes there: between it and the window may be others.
    pub fn put_live(&mut self, message: Message) -> Put {
        let known = self.places.contains_key(&message.id);
        let before_window = self.older != Beyond::Nothing
            && self.oldest_ts().is_some_and(|oldest| message.ts < oldest);
        let past_window = !known
            && self.newer != Beyond::Nothing
            && self
                .newest_place()
                .is_none_or(|newest| place_of(&message) > *newest);
        if !before_window && !past_window {
            return self.put(message);
        }
        if let Some(place) = self.places.remove(&message.id) {
            self.items.remove(&place);
        }
        self.outside.push(Live::Message(Box::new(message)));
        Put::Outside
    }

    /// What is past the oldest side has been asked for.
    pub fn asked_older(&mut self) {
        self.older = Beyond::Asked;
        self.older_asked = self.outside.mark();
    }

    /// What is past the newest side has been asked for.
    pub fn asked_newer(&mut self) {
        self.newer = Beyond::Asked;
        self.newer_asked = self.outside.mark();
    }

    /// Takes the page past the oldest side; the node says whether there is `more`.
    pub fn take_older(&mut self, page: Vec<Message>, more: bool) {
        self.older = Beyond::More;
        if let Some(lives) = self.outside.since(self.older_asked) {
            self.older = Beyond::or_nothing(more);
            self.take_page(page, lives);
        }
    }

    /// Takes the newest page, asked for as what is past the oldest side of an empty window. A late message
    /// that came before it may stand farther back, with others between.
    pub fn take_newest(&mut self, page: Vec<Message>, more: bool) {
        let begin = page.first().map(place_of);
        self.take_older(page, more);
        while let (Some(begin), Beyond::More) = (&begin, self.older)
            && let Some(place) = self.oldest_place().filter(|oldest| oldest < begin)
            && let Some(Item::Post(post)) = self.items.remove(&place)
        {
            self.places.remove(&post.message.id);
        }
    }

    /// Takes the page past the newest side.
    pub fn take_newer(&mut self, page: Vec<Message>, more: bool) {
        self.newer = Beyond::More;
        if let Some(lives) = self.outside.since(self.newer_asked) {
            self.newer = Beyond::or_nothing(more);
            self.take_page(page, lives);
        }
    }

    /// A question that is asked now is answered by a page with which another window opens.
    pub fn mark(&self) -> u64 {
        self.outside.mark()
    }

    /// Opens another window, with a page that was asked for at the `mark`: false if too much has come since
    /// then, and it has to be asked for again.
    pub fn open_anew(&mut self, page: Vec<Message>, more: bool, mark: u64) -> bool {
        let Some(lives) = self.outside.since(mark) else {
            return false;
        };
        self.reset(Beyond::or_nothing(more), Beyond::More);
        self.take_page(page, lives);
        true
    }

    fn take_page(&mut self, page: Vec<Message>, meanwhile: Vec<Live>) {
        for message in page {
            self.put(message);
        }
        for live in meanwhile {
            match live {
                Live::Message(message) if self.is_within(&place_of(&message)) => {
                    self.put(*message);
                }
                Live::Message(_) => {}
                Live::Update(update) => self.update(&update),
            }
        }
    }

    /// Whether nothing that is not held stands between that place and the window.
    fn is_within(&self, place: &Place) -> bool {
        let from = self.older == Beyond::Nothing
            || self.oldest_place().is_some_and(|oldest| *place >= oldest);
        let to = self.newer == Beyond::Nothing
            || self.newest_place().is_some_and(|newest| place <= newest);
        from && to
    }

    /// A message of the window, as another node has it. One that is not held is left out: it is not for
    /// this to bring what was missed.
    pub fn look_again(&mut self, message: Message) {
        if self.places.contains_key(&message.id) {
            self.put_live(message);
        }
    }

    /// Where a message stands.
    pub fn place(&self, id: &MessageId) -> Option<&Place> {
        self.places.get(id)
    }

    /// A message of a page next to the window.
    pub fn put(&mut self, message: Message) -> Put {
        let place = place_of(&message);
        let Some(held_at) = self.places.get(&message.id).cloned() else {
            self.places.insert(message.id.clone(), place.clone());
            let post = Post {
                message,
                copies: 0,
                counted: Counted::Not,
            };
            self.items.insert(place, Item::Post(Box::new(post)));
            return Put::New;
        };
        let Some(Item::Post(mut post)) = self.items.remove(&held_at) else {
            return Put::Known;
        };
        let stands_at = held_at.min(place);
        take_over(&mut post.message, message);
        post.message.ts = stands_at.ts;
        post.message.origin = stands_at.origin.clone();
        post.message.seq = stands_at.tie;
        self.places
            .insert(post.message.id.clone(), stands_at.clone());
        self.items.insert(stands_at, Item::Post(post));
        Put::Known
    }

    /// Notes on how many nodes an own message is stored.
    pub fn acknowledge(&mut self, id: &MessageId, copies: u32) {
        if let Some(post) = self.post_mut(id) {
            post.copies = post.copies.max(copies);
        }
    }

    /// What has become of a message, live. One that is not held may be in a page that is on its way.
    pub fn update_live(&mut self, update: &MessageUpdate) {
        if self.places.contains_key(&update.id) {
            self.update(update);
        } else {
            self.outside.push(Live::Update(Box::new(update.clone())));
        }
    }

    /// What has become of a message; nothing if it is not held.
    fn update(&mut self, update: &MessageUpdate) {
        let Some(post) = self.post_mut(&update.id) else {
            return;
        };
        let message = &mut post.message;
        if update.deleted {
            delete(message);
        }
        if let (Some(text), false) = (&update.text, message.deleted) {
            let edited = update.edited.unwrap_or(update.ts);
            if message.edited.is_none_or(|before| before <= edited) {
                message.text = Some(text.clone());
                message.edited = Some(edited);
            }
        }
        if let (Some(reactions), false) = (&update.reactions, message.deleted) {
            message.reactions = reactions.clone();
        }
    }

    /// Somebody came or went: folded into the newest item if that is such a notice already. Whoever
    /// came and went again, or the other way round, is not named.
    pub fn presence(&mut self, now: Ts, name: &str, came: bool) {
        if self.newer != Beyond::Nothing {
            return;
        }
        if !matches!(
            self.items.last_key_value(),
            Some((_, Item::Presence { .. }))
        ) {
            let place = self.place_at_end(now);
            let (came, went) = (Vec::new(), Vec::new());
            self.items.insert(place, Item::Presence { came, went });
        }
        let Some(mut entry) = self.items.last_entry() else {
            return;
        };
        let Item::Presence { came: to, went } = entry.get_mut() else {
            return;
        };
        let (here, there) = if came { (to, went) } else { (went, to) };
        if let Some(at) = there.iter().position(|other| other == name) {
            there.remove(at);
        } else if !here.iter().any(|other| other == name) && here.len() < FOLDED_NAMES_MAX {
            here.push(name.to_owned());
        }
        if here.is_empty() && there.is_empty() {
            entry.remove();
        }
    }

    /// Appends a sentence of the program.
    pub fn note(&mut self, now: Ts, text: String, wrong: bool) {
        if self.newer == Beyond::Nothing {
            let place = self.place_at_end(now);
            self.items.insert(place, Item::Note(Note { text, wrong }));
        }
    }

    /// Forgets everything; both sides are as given.
    pub fn reset(&mut self, older: Beyond, newer: Beyond) {
        *self = Timeline {
            older,
            newer,
            outside: std::mem::take(&mut self.outside),
            ..Timeline::default()
        };
    }

    /// Drops what is farthest from `reader` (the newest end when `None`) until the window is not
    /// over its size.
    pub fn trim(&mut self, reader: Option<&Place>) {
        let surplus = self.items.len().saturating_sub(WINDOW_ITEMS_MAX);
        if surplus == 0 {
            return;
        }
        let newer_than_reader = reader.map_or(0, |place| self.from(place).count());
        for _ in 0..surplus {
            let from_newest = newer_than_reader > WINDOW_ITEMS_MAX / 2;
            let dropped = if from_newest {
                self.newer = Beyond::More;
                self.items.pop_last()
            } else {
                self.older = Beyond::More;
                self.items.pop_first()
            };
            if let Some((_, Item::Post(post))) = dropped {
                self.places.remove(&post.message.id);
            }
        }
    }

    /// A place after all items.
    fn place_at_end(&self, now: Ts) -> Place {
        // "~" sorts behind the letters and digits that origins are made of.
        let origin = Origin::parse("~").expect("a printable character is an origin");
        let Some((last, _)) = self.items.last_key_value() else {
            return Place {
                ts: now,
                origin,
                tie: 0,
            };
        };
        let tie = if last.origin == origin {
            last.tie + 1
        } else {
            0
        };
        Place {
            ts: last.ts.max(now),
            origin,
            tie,
        }
    }
}

pub fn place_of(message: &Message) -> Place {
    Place {
        ts: message.ts,
        origin: message.origin.clone(),
        tie: message.seq,
    }
}

/// Brings `held` up to `heard`, which may be older: a node that lags tells an earlier state.
fn take_over(held: &mut Message, heard: Message) {
    if held.deleted || heard.deleted {
        delete(held);
        return;
    }
    if heard.edited >= held.edited {
        held.text = heard.text;
        held.edited = heard.edited;
    }
    held.reactions = heard.reactions;
    held.late |= heard.late;
}

fn delete(message: &mut Message) {
    message.deleted = true;
    message.text = None;
    message.edited = None;
    message.reactions.clear();
}

#[cfg(test)]
mod tests;
