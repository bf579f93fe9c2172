//! A session's answers: their frames, and the channels that the session hears from then on.

use super::heard::place;
use super::link::Link;
use crate::node::rooms::{Cursor, Entry, Reach, Replaying, Slot};
use crate::node::session::{Answer, Effect};
use crate::protocol::ServerFrame;
use crate::protocol::bridge::{SessionId, ToBridge};
use crate::protocol::presence::LeaveReason;
use crate::protocol::server::Gap;
use tokio::time::Instant;

impl Link {
    /// Gives an answer, or keeps it until its room can be entered.
    pub(super) fn answer(&mut self, id: SessionId, answer: Answer) {
        for effect in &answer.effects {
            if let Effect::Enter(entry) = effect
                && !self.come_level(entry)
            {
                if let Some(bridged) = self.sessions.get_mut(&id) {
                    bridged.stalled = Some(Box::new(answer));
                    self.stalled.insert(id);
                }
                return;
            }
        }
        for frame in &answer.frames {
            self.say(id, frame);
        }
        self.note_user(id);
        for effect in answer.effects {
            self.carry_out(id, effect);
        }
    }

    fn carry_out(&mut self, id: SessionId, effect: Effect) {
        match effect {
            Effect::Enter(entry) => self.enter(id, &entry),
            Effect::Leave(key) => {
                if let Some(slot) = self.memberships.slot(&key) {
                    self.leave(slot, id);
                }
            }
            Effect::Every(Some(every)) => {
                let first = Instant::now() + every.interval;
                self.every.insert(id, (every, first));
            }
            Effect::Every(None) => {
                self.every.remove(&id);
            }
            Effect::Close => {
                ToBridge::Closed { id }.write(self.output.bytes());
                self.close(id, LeaveReason::Quit);
            }
        }
    }

    /// Once a session's user is known, lines that leave out a user leave it out.
    fn note_user(&mut self, id: SessionId) {
        if let Some(bridged) = self.sessions.get_mut(&id)
            && bridged.uid.is_none()
            && let Some(user) = bridged.session.user()
        {
            bridged.uid = Some(user.uid.clone());
            self.heard.opened(id, bridged.session.id(), &user.uid);
        }
    }

    /// Has the link read the channel, and have been given at least as much of it as the answer holds.
    /// False while it is reading the log for that.
    fn come_level(&mut self, entry: &Entry) -> bool {
        let key = &entry.channel.key;
        let Some(slot) = self.memberships.slot(key) else {
            let slot = self.memberships.enter(Entry {
                // One membership serves all sessions in the room; pages see to what each of them holds.
                ahead: None,
                ..entry.clone()
            });
            let heard = self.heard.insert(slot, key.clone());
            heard.write_handle(&entry.cursor.held, self.output.bytes());
            return true;
        };
        let level = |link: &Link| {
            let at = link.memberships.at(slot);
            at.is_some_and(|(_, cursor)| cursor.next >= entry.cursor.next)
        };
        if !level(self) && !self.memberships.is_behind(slot) {
            // What is due is in rings, so there is an end to it.
            self.drain(usize::MAX);
        }
        !self.memberships.is_behind(slot) && level(self)
    }

    /// From here on the session hears the channel. What the link has been given past the answer is
    /// given to the session alone.
    fn enter(&mut self, id: SessionId, entry: &Entry) {
        let Some(slot) = self.memberships.slot(&entry.channel.key) else {
            return;
        };
        self.catch_up(id, slot, entry);
        let Some(heard) = self.heard.join(slot, id) else {
            return;
        };
        match heard.handle() {
            Some(handle) => ToBridge::Entered { handle, id }.write(self.output.bytes()),
            None => {
                let held = entry.cursor.held.as_ref().clone();
                ToBridge::HeldDirect { id, held }.write(self.output.bytes());
            }
        }
    }

    fn catch_up(&mut self, id: SessionId, slot: Slot, entry: &Entry) {
        let Some((channel, at)) = self.memberships.at(slot) else {
            return;
        };
        let mut lines = at.next.saturating_sub(entry.cursor.next);
        if lines == 0 {
            return;
        }
        let mut cursor: Cursor = entry.cursor.clone();
        let (heard, output) = (&self.heard, self.output.bytes());
        let reach = channel.read(&mut cursor, usize::MAX, |line| {
            if lines == 0 {
                return;
            }
            lines -= 1;
            if let Ok(json) = std::str::from_utf8(&line.bytes)
                && !heard.is_excepted(id, line.except.as_ref())
            {
                ToBridge::Direct {
                    ids: vec![id],
                    place: place(line.place.as_ref()),
                    json: json.trim_end(),
                }
                .write(output);
            }
        });
        if reach == Reach::Behind
            && let Some(name) = heard.get(slot).and_then(|heard| heard.room())
        {
            // The answer took so long that the ring has moved past it.
            let (room, since) = (name.as_str().to_owned(), entry.cursor.held.as_ref().clone());
            self.say(id, &ServerFrame::Gap(Gap { room, since }));
        }
    }

    /// The session does not hear the channel any more; with the last one the link does not either.
    pub(super) fn leave(&mut self, slot: Slot, id: SessionId) {
        let handle = self.heard.get(slot).and_then(|heard| heard.handle());
        let Some(empty) = self.heard.leave(slot, id) else {
            return;
        };
        if let Some(handle) = handle {
            ToBridge::Left { handle, id }.write(self.output.bytes());
        }
        if empty {
            if let Some(heard) = self.heard.remove(slot) {
                self.memberships.leave(&heard.key);
            }
            self.behind.retain(|behind| *behind != slot);
            self.replays
                .retain(|replay: &Replaying| replay.slot() != slot);
        }
    }
}
