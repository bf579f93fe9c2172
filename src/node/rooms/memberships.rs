//! The reading side: all channels that one link reads, and what is due of them.
//!
//! A link is whatever carries lines out: a client's connection, or the one to a bridge. It owns one
//! [`Memberships`], waits in [`Memberships::woken`], and takes what is due with
//! [`Memberships::drain`], as much as its own buffer has room for. What it does not take stays in the
//! ring, and later in the log: a slow link holds no memory here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::channel::{Channel, ChannelKey, Member, Signal};
use super::desk::When;
use super::ring::{Cursor, Line, Piece, Reach};
use crate::protocol::VersionVector;

/// Which of a link's memberships; reused once it is left.
pub type Slot = usize;

/// Memberships up to which a channel is looked for one by one: that is quicker than a table of them.
const FEW: usize = 8;

/// The way into a channel: where to start reading, fixed when the answer to the `join` was read.
#[derive(Clone, Debug)]
pub struct Entry {
    pub channel: Arc<Channel>,
    pub cursor: Cursor,
    /// What the reader holds that this node does not yet: those messages are not shown to it again.
    pub ahead: Option<Arc<VersionVector>>,
}

impl Entry {
    /// The same for a reader that holds `since`.
    #[must_use]
    pub fn holding(mut self, since: &VersionVector) -> Entry {
        let is_ahead = !self.cursor.held.includes(since);
        self.ahead = is_ahead.then(|| Arc::new(since.clone()));
        self
    }
}

/// What a draining came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is due.
    Empty,
    /// The budget is used up; ask again once there is room.
    Full,
}

/// Lines that are due to a link.
#[derive(Debug)]
pub enum Due<'a> {
    Line(&'a Line),
    /// Several, for everybody.
    Piece(Piece),
}

/// All memberships of one link.
#[derive(Debug)]
pub struct Memberships {
    signal: Arc<Signal>,
    slots: Vec<Option<Membership>>,
    /// Of a link with more than a few.
    by_key: Option<Box<ByKey>>,
    /// None of a link that has taken all and left nothing, as most have for most of the time.
    queues: Option<Box<Queues>>,
}

/// Which slot reads which channel.
#[derive(Debug)]
struct ByKey(HashMap<ChannelKey, Slot>);

/// Memberships that are not only waiting for lines.
#[derive(Debug, Default)]
struct Queues {
    /// Slots that are free.
    free: Vec<Slot>,
    due: VecDeque<Slot>,
    /// Fell off their rings, and nobody reads the log for them yet.
    behind: VecDeque<Slot>,
}

impl Queues {
    fn is_empty(&self) -> bool {
        self.free.is_empty() && self.due.is_empty() && self.behind.is_empty()
    }
}

#[derive(Debug)]
struct Membership {
    channel: Arc<Channel>,
    member: Arc<Member>,
    cursor: Cursor,
    behind: bool,
    ahead: Option<Arc<VersionVector>>,
}

impl Membership {
    /// Whether the reader was shown this before it came here.
    fn knows(ahead: Option<&VersionVector>, line: &Line) -> bool {
        let place = line.place.as_ref().filter(|_| line.is_message());
        match (ahead, place) {
            (Some(ahead), Some((origin, seq))) => ahead.covers(origin, *seq),
            (Some(_), None) | (None, _) => false,
        }
    }
}

impl Default for Memberships {
    fn default() -> Memberships {
        Memberships::of(Arc::new(Signal::to_task()))
    }
}

impl Memberships {
    /// Of a link that is told of what is due by `signal`.
    pub fn of(signal: Arc<Signal>) -> Memberships {
        Memberships {
            signal,
            slots: Vec::new(),
            by_key: None,
            queues: None,
        }
    }

    fn queues(&mut self) -> &mut Queues {
        self.queues.get_or_insert_default()
    }

    /// Begins to read a channel at the entry's cursor. One that is read already goes on where it was.
    /// What has come since the entry was made is due at once: whoever carries lines out drains after
    /// this, and nobody is woken for it.
    pub fn enter(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.slot(&entry.channel.key) {
            return slot;
        }
        let free = self.queues().free.pop();
        let slot = free.unwrap_or_else(|| {
            // Most have two or three for good.
            if self.slots.len() == self.slots.capacity() {
                self.slots.reserve_exact(2 + self.slots.len() / 2);
            }
            self.slots.push(None);
            self.slots.len() - 1
        });
        let member = entry.channel.enter(&self.signal, slot);
        if let Some(by_key) = &mut self.by_key {
            by_key.0.insert(entry.channel.key.clone(), slot);
        }
        self.queues().due.push_back(slot);
        self.slots[slot] = Some(Membership {
            channel: entry.channel,
            member,
            cursor: entry.cursor,
            behind: false,
            ahead: entry.ahead,
        });
        if self.by_key.is_none() && self.slots.len() > FEW {
            let slots = self.slots.iter().enumerate();
            let by_key = slots.filter_map(|(slot, membership)| {
                let membership = membership.as_ref()?;
                Some((membership.channel.key.clone(), slot))
            });
            self.by_key = Some(Box::new(ByKey(by_key.collect())));
        }
        slot
    }

    /// Has a membership read from the log what is past `held`, before it goes on in the ring.
    pub fn go_back(&mut self, slot: Slot, held: Arc<VersionVector>) {
        if let Some(membership) = self.slots.get_mut(slot).and_then(Option::as_mut) {
            membership.cursor.held = held;
            membership.behind = true;
            self.queues().behind.push_back(slot);
        }
    }

    /// Whether a membership reads from the log, or is about to.
    pub fn is_behind(&self, slot: Slot) -> bool {
        let membership = self.slots.get(slot).and_then(Option::as_ref);
        membership.is_some_and(|membership| membership.behind)
    }

    /// Whether the membership's reader was shown this before it came here.
    pub fn knows(&self, slot: Slot, line: &Line) -> bool {
        let membership = self.slots.get(slot).and_then(Option::as_ref);
        membership.is_some_and(|m| Membership::knows(m.ahead.as_deref(), line))
    }

    /// Stops reading a channel.
    pub fn leave(&mut self, key: &ChannelKey) -> Option<Slot> {
        let slot = self.slot(key)?;
        if let Some(by_key) = &mut self.by_key {
            by_key.0.remove(key);
        }
        let membership = self.slots[slot].take()?;
        membership.channel.leave(&membership.member);
        self.queues().free.push(slot);
        Some(slot)
    }

    /// Which slot reads the channel.
    pub fn slot(&self, key: &ChannelKey) -> Option<Slot> {
        if let Some(by_key) = &self.by_key {
            return by_key.0.get(key).copied();
        }
        let reads = |membership: &Option<Membership>| {
            membership
                .as_ref()
                .is_some_and(|membership| membership.channel.key == *key)
        };
        self.slots.iter().position(reads)
    }

    /// Where a membership stands, and in which channel.
    pub fn at(&self, slot: Slot) -> Option<(&Arc<Channel>, &Cursor)> {
        let membership = self.slots.get(slot)?.as_ref()?;
        Some((&membership.channel, &membership.cursor))
    }

    /// Hands all that is left of one channel's ring to `take`: before an answer that is newer than it.
    pub fn drain_channel(&mut self, key: &ChannelKey, mut take: impl FnMut(&Line)) {
        let slot = self.slot(key);
        let Some(membership) = slot.and_then(|slot| self.slots[slot].as_mut()) else {
            return;
        };
        if !membership.behind {
            let (cursor, ahead) = (&mut membership.cursor, membership.ahead.as_deref());
            // Should it have fallen off the ring, it will notice so at the next draining.
            let _ = membership.channel.read(cursor, usize::MAX, |line| {
                if !Membership::knows(ahead, line) {
                    take(line);
                }
            });
        }
    }

    /// Ends when something is due. It may be dropped and asked again at any time.
    pub async fn woken(&self) {
        self.signal.woken().await;
    }

    /// Hands what is due to `take`, line by line, until it has been handed about `budget` bytes.
    pub fn drain(&mut self, budget: usize, mut take: impl FnMut(Slot, &Line)) -> Drained {
        self.drain_due(budget, false, |slot, due| match due {
            Due::Line(line) => take(slot, line),
            Due::Piece(_) => {}
        })
    }

    /// The same, with `pieces` in as large ones as there are.
    pub fn drain_due(
        &mut self,
        budget: usize,
        pieces: bool,
        mut take: impl FnMut(Slot, Due<'_>),
    ) -> Drained {
        let mut queues = self
            .queues
            .take()
            .map_or_else(Queues::default, |boxed| *boxed);
        let drained = self.drain_from(&mut queues, budget, pieces, &mut take);
        if !queues.is_empty() {
            self.queues = Some(Box::new(queues));
        }
        drained
    }

    fn drain_from(
        &mut self,
        queues: &mut Queues,
        budget: usize,
        pieces: bool,
        take: &mut impl FnMut(Slot, Due<'_>),
    ) -> Drained {
        let told = self.signal.take().into_iter();
        let mut told = told.map(|slot| slot as Slot);
        let mut left = budget;
        while let Some(slot) = queues.due.pop_front().or_else(|| told.next()) {
            let Some(membership) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
                continue;
            };
            if membership.behind {
                continue;
            }
            membership.member.begin();
            if pieces
                && membership.ahead.is_none()
                && let Some(piece) = membership.channel.read_piece(&mut membership.cursor, left)
            {
                left -= piece.bytes.len();
                take(slot, Due::Piece(piece));
                continue;
            }
            let ahead = membership.ahead.clone();
            let reach = membership
                .channel
                .read(&mut membership.cursor, left, |line| {
                    left = left.saturating_sub(line.bytes.len());
                    if !Membership::knows(ahead.as_deref(), line) {
                        take(slot, Due::Line(line));
                    }
                });
            let held = &membership.cursor.held;
            membership.ahead.take_if(|ahead| held.includes(ahead));
            match reach {
                Reach::End => {}
                Reach::Part => {
                    queues.due.push_front(slot);
                    queues.due.extend(told);
                    return Drained::Full;
                }
                Reach::Behind => {
                    membership.behind = true;
                    queues.behind.push_back(slot);
                }
            }
        }
        Drained::Empty
    }

    /// Whether one fell off its ring that nobody was told of.
    pub fn has_behind(&self) -> bool {
        let behind = self.queues.as_ref().map(|queues| &queues.behind);
        behind.is_some_and(|behind| !behind.is_empty())
    }

    /// A membership that fell off its ring: it is silent until [`Memberships::resume`]. Each is told once.
    pub fn next_behind(&mut self) -> Option<Slot> {
        loop {
            let slot = self.queues.as_mut()?.behind.pop_front()?;
            if self
                .slots
                .get(slot)
                .and_then(Option::as_ref)
                .is_some_and(|m| m.behind)
            {
                return Some(slot);
            }
        }
    }

    /// A membership that was behind has been given all up to `cursor` from the log.
    pub fn resume(&mut self, slot: Slot, cursor: Cursor) {
        if let Some(membership) = self.slots.get_mut(slot).and_then(Option::as_mut) {
            membership.cursor = cursor;
            membership.behind = false;
            let held = &membership.cursor.held;
            membership.ahead.take_if(|ahead| held.includes(ahead));
            // It may have been told of lines while it was behind, and not again since.
            membership.member.begin();
            membership.member.mark(When::Now);
        }
    }

    /// Leaves all channels, and names them.
    pub fn leave_all(&mut self) -> Vec<ChannelKey> {
        let all = self.slots.iter().flatten();
        let keys: Vec<ChannelKey> = all.map(|one| one.channel.key.clone()).collect();
        for key in &keys {
            self.leave(key);
        }
        keys
    }
}

impl Drop for Memberships {
    fn drop(&mut self) {
        self.leave_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Origin, RoomName};

    fn channel(name: &str) -> Arc<Channel> {
        let room = RoomName::parse(name).unwrap();
        Arc::new(Channel::new(ChannelKey::Room(room)))
    }

    fn entry(channel: &Arc<Channel>) -> Entry {
        Entry {
            channel: Arc::clone(channel),
            cursor: Cursor {
                next: channel.end(),
                held: Arc::default(),
            },
            ahead: None,
        }
    }

    fn say(channel: &Channel, seq: u64) {
        let origin = Origin::parse("n1-aaaa").unwrap();
        let held: VersionVector = [(origin.clone(), seq)].into_iter().collect();
        let line = Line {
            bytes: format!("{seq}\n").into_bytes().into(),
            place: Some((origin, seq)),
            received_at: None,
            except: None,
        };
        channel.push_stored([line], &Arc::new(held));
    }

    fn drain(memberships: &mut Memberships, budget: usize) -> (Vec<(Slot, String)>, Drained) {
        let mut lines = Vec::new();
        let drained = memberships.drain(budget, |slot, line| {
            let text = String::from_utf8(line.bytes.to_vec()).unwrap();
            lines.push((slot, text.trim_end().to_owned()));
        });
        (lines, drained)
    }

    #[tokio::test]
    async fn a_link_is_woken_once_and_takes_what_is_due_of_all_its_rooms() {
        let (lobby, ops) = (channel("lobby"), channel("ops"));
        let mut memberships = Memberships::default();
        let (a, b) = (
            memberships.enter(entry(&lobby)),
            memberships.enter(entry(&ops)),
        );
        for seq in 1..=3 {
            say(&lobby, seq);
            say(&ops, seq + 10);
        }
        memberships.woken().await;
        let (lines, drained) = drain(&mut memberships, usize::MAX);
        let all = |slot, seqs: [&str; 3]| seqs.map(|seq| (slot, seq.to_owned()));
        let expected = [all(a, ["1", "2", "3"]), all(b, ["11", "12", "13"])].concat();
        assert_eq!((lines, drained), (expected, Drained::Empty));
    }

    #[test]
    fn messages_that_a_reader_brought_with_it_are_not_shown_to_it_again() {
        let lobby = channel("lobby");
        let mut memberships = Memberships::default();
        let since = [(Origin::parse("n1-aaaa").unwrap(), 2)]
            .into_iter()
            .collect();
        memberships.enter(entry(&lobby).holding(&since));
        for seq in 1..=3 {
            lobby_says(&lobby, seq, "new_message");
        }
        lobby_says(&lobby, 2, "message_update");
        let (lines, _) = drain(&mut memberships, 1000);
        let lines: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(
            lines,
            [
                r#"{"type":"new_message",3}"#,
                r#"{"type":"message_update",2}"#
            ]
        );
    }

    fn lobby_says(channel: &Channel, seq: u64, kind: &str) {
        let origin = Origin::parse("n1-aaaa").unwrap();
        let held: VersionVector = [(origin.clone(), seq)].into_iter().collect();
        let line = Line {
            bytes: format!("{{\"type\":\"{kind}\",{seq}}}\n")
                .into_bytes()
                .into(),
            place: Some((origin, seq)),
            received_at: None,
            except: None,
        };
        channel.push_stored([line], &Arc::new(held));
    }

    #[test]
    fn what_does_not_fit_stays_due() {
        let lobby = channel("lobby");
        let mut memberships = Memberships::default();
        memberships.enter(entry(&lobby));
        for seq in 1..=5 {
            say(&lobby, seq);
        }
        let (lines, drained) = drain(&mut memberships, 3);
        assert_eq!((lines.len(), drained), (2, Drained::Full));
        let (lines, drained) = drain(&mut memberships, 100);
        assert_eq!((lines.len(), drained), (3, Drained::Empty));
    }

    #[test]
    fn a_membership_that_fell_off_is_silent_until_it_is_resumed() {
        let lobby = channel("lobby");
        let mut memberships = Memberships::default();
        let slot = memberships.enter(entry(&lobby));
        for seq in 1..=2000 {
            say(&lobby, seq);
        }
        assert_eq!(drain(&mut memberships, 100), (vec![], Drained::Empty));
        assert_eq!(memberships.next_behind(), Some(slot));
        say(&lobby, 2001);
        assert_eq!(drain(&mut memberships, 100), (vec![], Drained::Empty));
        let (_, cursor) = memberships.at(slot).unwrap();
        let next = lobby.end() - 1;
        let cursor = Cursor {
            next,
            ..cursor.clone()
        };
        memberships.resume(slot, cursor);
        let (lines, drained) = drain(&mut memberships, 100);
        assert_eq!(
            (lines, drained),
            (vec![(slot, "2001".to_owned())], Drained::Empty)
        );
    }

    #[test]
    fn members_that_leave_are_gone_whatever_the_order() {
        let lobby = channel("lobby");
        let mut links: Vec<Memberships> = (0..5).map(|_| Memberships::default()).collect();
        for link in &mut links {
            link.enter(entry(&lobby));
        }
        links.remove(0);
        links.pop();
        links.remove(1);
        assert_eq!(lobby.readers(), 2);
        drop(links);
        assert_eq!(lobby.readers(), 0);
    }

    #[test]
    fn a_channel_is_found_among_many_as_among_few() {
        let channels: Vec<_> = (0..3 * FEW).map(|n| channel(&format!("room{n}"))).collect();
        let mut memberships = Memberships::default();
        for (at, channel) in channels.iter().enumerate() {
            let slot = memberships.enter(entry(channel));
            assert_eq!(memberships.enter(entry(channel)), slot);
            assert_eq!(memberships.slot(&channels[at / 2].key), Some(at / 2));
        }
        for channel in &channels[1..] {
            assert!(memberships.leave(&channel.key).is_some());
            assert_eq!(memberships.slot(&channel.key), None);
        }
        let again = memberships.enter(entry(&channels[1]));
        assert!(again < channels.len(), "slots are used again");
        assert_eq!(memberships.slot(&channels[0].key), Some(0));
        assert_eq!(memberships.slot(&channels[1].key), Some(again));
    }

    #[test]
    fn what_came_since_the_entry_was_made_is_due_at_once_and_nothing_is_held_between_lines() {
        let lobby = channel("lobby");
        let before = entry(&lobby);
        say(&lobby, 1);
        let mut memberships = Memberships::default();
        memberships.enter(before);
        assert_eq!(drain(&mut memberships, 100).0, [(0, "1".to_owned())]);
        assert!(memberships.queues.is_none());
    }
}
