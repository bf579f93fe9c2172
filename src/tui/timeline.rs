//! A room's messages as far as they are held: a window onto its history, kept in order.
//!
//! Invariant: a message is in it once, by its id, at its place `(ts, origin)`, however often and in
//! whatever order live frames, pages and replays bring it.

use std::collections::{BTreeMap, HashMap};

use crate::protocol::server::{Message, MessageUpdate};
use crate::protocol::{MessageId, Origin, Ts};

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

    /// The time of the newest message, for asking what is after it and for `after` of a new one.
    pub fn newest_ts(&self) -> Option<Ts> {
        self.messages_back().next().map(|message| message.ts)
    }

    /// A message that has just happened, or that was missed. One that is held and has an earlier place,
    /// before the window, goes there: between it and the window may be others.
    pub fn put_live(&mut self, message: Message) -> Put {
        let known = self.places.contains_key(&message.id);
        let before_window = self.older != Beyond::Nothing
            && self.oldest_ts().is_some_and(|oldest| message.ts < oldest);
        let past_window = !known && self.newer != Beyond::Nothing;
        if !before_window && !past_window {
            return self.put(message);
        }
        if let Some(place) = self.places.remove(&message.id) {
            self.items.remove(&place);
        }
        Put::Outside
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

    /// What has become of a message; nothing if it is not held.
    pub fn update(&mut self, update: &MessageUpdate) {
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
mod tests {
    use super::*;
    use crate::tui::testing::message;

    fn texts(timeline: &Timeline) -> Vec<String> {
        let text = |m: &Message| m.text.clone().unwrap_or_default();
        let mut texts: Vec<String> = timeline.messages_back().map(text).collect();
        texts.reverse();
        texts
    }

    #[test]
    fn frames_that_overlap_in_any_order_show_each_message_once_and_in_order() {
        let all: Vec<Message> = (0..20)
            .map(|n| message(n, "alice", &n.to_string()))
            .collect();
        let mut timeline = Timeline::default();
        for part in [10..20, 5..15, 0..8, 0..20] {
            for at in part.rev() {
                timeline.put(all[at].clone());
            }
        }
        let wanted: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert_eq!(texts(&timeline), wanted);
    }

    #[test]
    fn a_message_with_two_places_stands_at_the_smaller_one() {
        let (first, second) = (message(1, "alice", "a"), message(2, "bob", "b"));
        let mut moved = first.clone();
        moved.ts = Ts(second.ts.0 + 1);
        for order in [[&first, &moved], [&moved, &first]] {
            let mut timeline = Timeline::default();
            timeline.put(second.clone());
            order.into_iter().for_each(|m| {
                timeline.put(m.clone());
            });
            assert_eq!(texts(&timeline), ["a", "b"]);
        }
    }

    proptest::proptest! {
        /// However messages come, how often, and at which of their places first: the list is the same.
        #[test]
        fn the_list_does_not_depend_on_the_order_of_arrival(
            heard in proptest::collection::vec((0_u64..12, 0_i64..4, 0_i64..3, 0_u8..8), 1..60),
            turn in 0_usize..60,
        ) {
            let heard: Vec<Message> = heard
                .into_iter()
                .map(|(n, place, edit, fate)| {
                    let mut message = message(n, "alice", &format!("{n} edited {edit}"));
                    message.ts.0 += place * 90_000_000;
                    message.edited = (edit > 0).then_some(Ts(edit));
                    if fate == 0 {
                        (message.deleted, message.text, message.edited) = (true, None, None);
                    }
                    message
                })
                .collect();
            let list = |messages: &mut dyn Iterator<Item = &Message>| {
                let mut timeline = Timeline::default();
                messages.for_each(|m| {
                    timeline.put(m.clone());
                });
                timeline.items
            };
            let forward = list(&mut heard.iter());
            let backward = list(&mut heard.iter().rev());
            let (head, tail) = heard.split_at(turn % heard.len());
            let turned = list(&mut tail.iter().chain(head).chain(tail));
            proptest::prop_assert_eq!(&forward, &backward);
            proptest::prop_assert_eq!(&forward, &turned);
        }
    }

    #[test]
    fn a_message_that_moves_before_the_window_is_read_there() {
        let mut timeline = Timeline::default();
        timeline.reset(Beyond::More, Beyond::Nothing);
        (10..13).for_each(|n| {
            timeline.put(message(n, "alice", &n.to_string()));
        });
        let mut moved = message(12, "alice", "12");
        moved.ts = message(2, "alice", "").ts;
        assert_eq!(timeline.put_live(moved.clone()), Put::Outside);
        assert_eq!(texts(&timeline), ["10", "11"]);
        // What is before the window is fetched from here on, and has it at its place.
        assert_eq!(timeline.oldest_ts(), Some(message(10, "alice", "").ts));
        timeline.put(moved);
        assert_eq!(texts(&timeline), ["12", "10", "11"]);
    }

    #[test]
    fn looking_again_brings_what_another_node_knows_and_no_other_messages() {
        let mut timeline = Timeline::default();
        timeline.put(message(1, "alice", "a"));
        let mut gone = message(2, "bob", "b");
        (gone.deleted, gone.text) = (true, None);
        timeline.put(gone);
        let mut loved = message(1, "alice", "a");
        loved
            .reactions
            .insert("+".to_owned(), vec!["bob".to_owned()]);
        for heard in [loved, message(2, "bob", "b"), message(3, "carol", "c")] {
            timeline.look_again(heard);
        }
        assert_eq!(texts(&timeline), ["a", ""]);
        let first = timeline.message(&message(1, "alice", "").id).unwrap();
        assert_eq!(first.reactions["+"], ["bob"]);
    }

    #[test]
    fn a_deleted_message_stays_deleted_and_an_older_edit_changes_nothing() {
        let mut timeline = Timeline::default();
        let mut edited = message(1, "alice", "new");
        edited.edited = Some(Ts(50));
        timeline.put(edited.clone());
        timeline.put(message(1, "alice", "old"));
        assert_eq!(texts(&timeline), ["new"]);
        let mut gone = edited.clone();
        (gone.deleted, gone.text, gone.edited) = (true, None, None);
        timeline.put(gone);
        timeline.put(edited);
        assert_eq!(texts(&timeline), [""]);
    }

    #[test]
    fn the_window_stays_bounded_and_keeps_what_is_near_the_reader() {
        let mut timeline = Timeline::default();
        let many = WINDOW_ITEMS_MAX as u64 + 300;
        for n in 0..many {
            timeline.put(message(n, "alice", &n.to_string()));
        }
        let mut at_end = timeline.clone();
        at_end.trim(None);
        assert_eq!(at_end.len(), WINDOW_ITEMS_MAX);
        assert_eq!(
            (at_end.older, at_end.newer),
            (Beyond::More, Beyond::Nothing)
        );
        assert_eq!(texts(&at_end).last(), Some(&(many - 1).to_string()));

        let reader = place_of(&message(5, "alice", ""));
        timeline.trim(Some(&reader));
        assert_eq!(
            (timeline.older, timeline.newer),
            (Beyond::Nothing, Beyond::More)
        );
        assert_eq!(texts(&timeline)[0], "0");
        let live = message(many + 1, "bob", "live");
        assert_eq!(timeline.put_live(live), Put::Outside);
    }

    #[test]
    fn who_comes_and_goes_is_folded_into_one_notice() {
        let mut timeline = Timeline::default();
        timeline.presence(Ts(1), "alice", true);
        timeline.presence(Ts(2), "bob", true);
        timeline.presence(Ts(3), "alice", false);
        timeline.presence(Ts(4), "carol", false);
        let (_, item) = timeline.iter().next().unwrap();
        let (came, went) = (vec!["bob".to_owned()], vec!["carol".to_owned()]);
        assert_eq!(item, &Item::Presence { came, went });
        timeline.presence(Ts(5), "bob", false);
        timeline.presence(Ts(6), "carol", true);
        assert!(timeline.is_empty());
    }
}
