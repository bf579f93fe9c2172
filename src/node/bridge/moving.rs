//! Sessions that come from another node: they hold events of their rooms already, perhaps more than
//! this node has; what they miss is read from the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::heard::{Ahead, place};
use super::link::Link;
use crate::node::dispatch;
use crate::node::rooms::{ChannelKey, Page, Slot};
use crate::protocol::bridge::{SessionId, ToBridge};
use crate::protocol::server::Gap;
use crate::protocol::{RoomName, ServerFrame, VersionVector};

impl Link {
    /// Sessions of a room that all hold `held` of it.
    pub(super) fn resume(&mut self, ids: &[SessionId], room: &RoomName, held: VersionVector) {
        for id in ids {
            let user = self
                .sessions
                .get(id)
                .and_then(|bridged| bridged.session.user());
            let Some(user) = user else { continue };
            let Some(entry) = dispatch::resume(&self.shared, user, room) else {
                continue;
            };
            let (slot, new) = match self.memberships.slot(&entry.channel.key) {
                Some(slot) => (slot, false),
                None => (self.memberships.enter(entry.clone()), true),
            };
            if new {
                let held = Arc::new(held.clone());
                self.memberships.go_back(slot, Arc::clone(&held));
                let heard = self.heard.insert(slot, entry.channel.key.clone());
                heard.write_handle(&held, self.output.bytes());
                let members = BTreeSet::new();
                heard.ahead = Some(Ahead { held, members });
            }
            let Some(heard) = self.heard.join(slot, *id) else {
                continue;
            };
            if let Some(handle) = heard.handle() {
                let id = *id;
                ToBridge::Entered { handle, id }.write(self.output.bytes());
            }
            match &mut heard.ahead {
                Some(ahead) if *ahead.held == held => {
                    ahead.members.insert(*id);
                }
                // The room goes on from what others hold: this one has to ask for what it missed.
                Some(_) | None => {
                    let (room, since) = (room.as_str().to_owned(), held.clone());
                    self.say(*id, &ServerFrame::Gap(Gap { room, since }));
                }
            }
        }
    }

    /// A session that holds `held` of its user's direct conversations.
    pub(super) fn resume_direct(&mut self, id: SessionId, held: VersionVector) {
        let uid = self
            .sessions
            .get(&id)
            .and_then(|bridged| bridged.uid.clone());
        let Some(uid) = uid else { return };
        let Some(slot) = self.memberships.slot(&ChannelKey::Personal(uid)) else {
            return;
        };
        let Some(heard) = self.heard.get_mut(slot) else {
            return;
        };
        match &mut heard.ahead {
            // All sessions of a user on a bridge have been given the same; one that was opened later
            // says so with a vector that is further on where nothing concerned it.
            Some(ahead) => {
                Arc::make_mut(&mut ahead.held).merge(&held);
                ahead.members.insert(id);
            }
            None => {
                let held = Arc::new(held);
                let members = BTreeSet::from([id]);
                self.memberships.go_back(slot, Arc::clone(&held));
                heard.ahead = Some(Ahead { held, members });
            }
        }
    }

    /// Gives what was read from the log.
    pub(super) fn give_page(&mut self, at: usize, page: Page) {
        let Some(slot) = self.replays.get(at).map(|replay| replay.slot()) else {
            return;
        };
        let (output, heard) = (self.output.bytes(), &self.heard);
        for line in &page.lines {
            self.shared
                .metrics
                .deliveries
                .inc_by(heard.write(slot, line, output) as u64);
        }
        let Some(cursor) = page.caught_up else { return };
        self.replays.swap_remove(at);
        self.caught_up(slot, &cursor.held);
        self.memberships.resume(slot, cursor);
        self.unstall(slot);
    }

    /// All up to `held` has been given.
    fn caught_up(&mut self, slot: Slot, held: &VersionVector) {
        let Some(heard) = self.heard.get_mut(slot) else {
            return;
        };
        heard.write_held(held, self.output.bytes());
        let moved = heard.ahead.is_some();
        if heard
            .ahead
            .as_ref()
            .is_some_and(|ahead| held.includes(&ahead.held))
        {
            heard.ahead = None;
        }
        if let (true, Some(name)) = (moved, heard.room()) {
            // Who came and went meanwhile was told to nobody.
            let present = dispatch::present(&self.shared, name).encode();
            if let Ok(json) = std::str::from_utf8(&present) {
                let nobody = BTreeSet::new();
                heard.write(json.trim_end(), &nobody, place(None), self.output.bytes());
            }
        }
    }

    /// Answers that waited for this channel can be given.
    fn unstall(&mut self, slot: Slot) {
        let Some(key) = self.heard.get(slot).map(|heard| heard.key.clone()) else {
            return;
        };
        let waits = |id: &SessionId| {
            let stalled = self.sessions.get(id)?.stalled.as_ref()?;
            stalled.enters(&key).then_some(*id)
        };
        let ids: Vec<SessionId> = self.stalled.iter().filter_map(waits).collect();
        for id in ids {
            let stalled = self
                .sessions
                .get_mut(&id)
                .and_then(|bridged| bridged.stalled.take());
            if let Some(answer) = stalled {
                self.answer(id, *answer);
                self.advance(id);
            }
        }
    }
}
