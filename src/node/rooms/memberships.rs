//! The reading side: all channels that one link reads, and what is due of them.
//!
//! A link is whatever carries lines out: a client's connection, or the one to a bridge. It owns one
//! [`Memberships`], waits in [`Memberships::woken`], and takes what is due with
//! [`Memberships::drain`], as much as its own buffer has room for. What it does not take stays in the
//! ring, and later in the log: a slow link holds no memory here.

use std::collections::VecDeque;
use std::sync::Arc;

use litemap::LiteMap;

use super::channel::{Channel, ChannelKey, Member, Signal};
use super::desk::When;
use super::ring::{Cursor, Line, Piece, Reach};
use crate::protocol::VersionVector;

/// Which of a link's memberships; reused once it is left.
pub type Slot = usize;

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
    /// Those of them that are free.
    free: Vec<Slot>,
    by_key: LiteMap<ChannelKey, Slot>,
    due: VecDeque<Slot>,
    /// Fell off their rings, and nobody reads the log for them yet.
    behind: VecDeque<Slot>,
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
            free: Vec::new(),
            by_key: LiteMap::with_capacity(2),
            due: VecDeque::new(),
            behind: VecDeque::new(),
        }
    }

    /// Begins to read a channel at the entry's cursor. One that is read already goes on where it was.
    pub fn enter(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.by_key.get(&entry.channel.key) {
            return *slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            // Most have two or three for good.
            self.slots.reserve_exact(1 + self.slots.len() / 2);
            self.slots.push(None);
            self.slots.len() - 1
        });
        let member = entry.channel.enter(&self.signal, slot);
        self.by_key.insert(entry.channel.key.clone(), slot);
        self.slots[slot] = Some(Membership {
            channel: entry.channel,
            member,
            cursor: entry.cursor,
            behind: false,
            ahead: entry.ahead,
        });
        slot
    }

    /// Has a membership read from the log what is past `held`, before it goes on in the ring.
    pub fn go_back(&mut self, slot: Slot, held: Arc<VersionVector>) {
        if let Some(membership) = self.slots.get_mut(slot).and_then(Option::as_mut) {
            membership.cursor.held = held;
            membership.behind = true;
            self.behind.push_back(slot);
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
        let slot = self.by_key.remove(key)?;
        let membership = self.slots[slot].take()?;
        membership.channel.leave(&membership.member);
        self.free.push(slot);
        Some(slot)
    }

    /// Which slot reads the channel.
    pub fn slot(&self, key: &ChannelKey) -> Option<Slot> {
        self.by_key.get(key).copied()
    }

    /// Where a membership stands, and in which channel.
    pub fn at(&self, slot: Slot) -> Option<(&Arc<Channel>, &Cursor)> {
        let membership = self.slots.get(slot)?.as_ref()?;
        Some((&membership.channel, &membership.cursor))
    }

    /// Hands all that is left of one channel's ring to `take`: before an answer that is newer than it.
    pub fn drain_channel(&mut self, key: &ChannelKey, mut take: impl FnMut(&Line)) {
        let slot = self.by_key.get(key);
        let Some(membership) = slot.and_then(|slot| self.slots[*slot].as_mut()) else {
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
        let mut told = self.signal.take().into_iter();
        let mut left = budget;
        while let Some(slot) = self.due.pop_front().or_else(|| told.next()) {
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
                    self.due.push_front(slot);
                    self.due.extend(told);
                    return Drained::Full;
                }
                Reach::Behind => {
                    membership.behind = true;
                    self.behind.push_back(slot);
                }
            }
        }
        Drained::Empty
    }

    /// Whether one fell off its ring that nobody was told of.
    pub fn has_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// A membership that fell off its ring: it is silent until [`Memberships::resume`]. Each is told once.
    pub fn next_behind(&mut self) -> Option<Slot> {
        loop {
            let slot = self.behind.pop_front()?;
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
        let keys: Vec<ChannelKey> = self.by_key.keys().cloned().collect();
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
}
