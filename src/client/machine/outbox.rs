//! What was said and is not acknowledged yet.

use std::collections::VecDeque;

use crate::protocol::{ClientFrame, Nonce, RoomRef, Ts, Uid, UserName};

/// Writes that may wait: what a person types in a long outage, and a bound on what a program can pile up.
pub const PENDING_MAX: usize = 1000;

/// Milliseconds before a write that the node could not take is tried again, if it did not say itself.
pub const RETRY_WRITE_MS: u64 = 1000;

/// How often a node may say that it cannot store before another one is asked.
pub const REFUSALS_MAX: u32 = 3;

/// In the order in which they were said. One at a time is on its way: a message that is told to wait
/// then does not fall behind those that were said after it in the same room.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pending: VecDeque<Pending>,
    /// The one that has been written on this connection and is not answered.
    in_flight: Option<Nonce>,
    /// No write before this moment, milliseconds.
    hold_until_ms: u64,
    /// How often in a row this node could not take what it was asked to.
    refusals: u32,
}

#[derive(Debug)]
struct Pending {
    nonce: Nonce,
    frame: ClientFrame,
}

impl Pending {
    fn is_taken(&self, takes: impl Fn(&RoomRef) -> bool) -> bool {
        room_of(&self.frame).is_none_or(takes)
    }
}

impl Outbox {
    /// Keeps a write; gives it back when too many wait.
    pub(super) fn push(&mut self, nonce: Nonce, frame: ClientFrame) -> Result<(), Nonce> {
        if self.pending.len() >= PENDING_MAX {
            return Err(nonce);
        }
        self.pending.push_back(Pending { nonce, frame });
        Ok(())
    }

    /// The write that is due: the first one to a room that takes it now. `newest` gives the greatest time
    /// seen in a room.
    pub(super) fn next(
        &mut self,
        now_ms: u64,
        takes: impl Fn(&RoomRef) -> bool,
        newest: impl Fn(&RoomRef) -> Option<Ts>,
    ) -> Option<(Nonce, ClientFrame)> {
        if self.in_flight.is_some() || now_ms < self.hold_until_ms {
            return None;
        }
        let mut pending = self.pending.iter();
        let first = pending.find(|pending| pending.is_taken(&takes))?;
        let (nonce, mut frame) = (first.nonce.clone(), first.frame.clone());
        if let Some((room, after)) = room_and_after(&mut frame) {
            *after = newest(room).max(*after);
        }
        self.in_flight = Some(nonce.clone());
        Some((nonce, frame))
    }

    /// When the write that was told to wait is due, milliseconds. What waits for its room is not.
    pub(super) fn due_ms(&self, takes: impl Fn(&RoomRef) -> bool) -> Option<u64> {
        let mut pending = self.pending.iter();
        let is_due = self.in_flight.is_none() && pending.any(|pending| pending.is_taken(&takes));
        is_due.then_some(self.hold_until_ms)
    }

    /// The first write that waits for this room.
    pub(super) fn first_in(&self, room: &RoomRef) -> Option<Nonce> {
        let mut pending = self.pending.iter();
        let first = pending.find(|pending| room_of(&pending.frame) == Some(room))?;
        Some(first.nonce.clone())
    }

    /// The room of a write.
    pub(super) fn room(&self, nonce: &Nonce) -> Option<RoomRef> {
        let pending = self.pending.iter().find(|p| p.nonce == *nonce)?;
        room_of(&pending.frame).cloned()
    }

    /// What is for whoever bears that name is for this user from now on.
    pub(super) fn readdress(&mut self, name: &UserName, uid: &Uid) {
        for pending in &mut self.pending {
            if let Some((room, _)) = room_and_after(&mut pending.frame)
                && is_named(room, name)
            {
                *room = RoomRef::DirectUid(uid.clone());
            }
        }
    }

    /// The write is over, well or not.
    pub(super) fn finish(&mut self, nonce: &Nonce) {
        let Some(at) = self.pending.iter().position(|p| p.nonce == *nonce) else {
            return;
        };
        self.pending.remove(at);
        if self.in_flight.as_ref() == Some(nonce) {
            self.in_flight = None;
            self.refusals = 0;
        }
    }

    /// The node cannot take what is on its way now; it is tried again `after_ms` later. False once the
    /// node has said so too often.
    pub(super) fn put_off(&mut self, now_ms: u64, after_ms: u64, counts: bool) -> bool {
        self.in_flight = None;
        self.hold_until_ms = now_ms + after_ms;
        self.refusals += u32::from(counts);
        self.refusals < REFUSALS_MAX
    }

    /// The connection is gone: what was on its way is written again on the next one.
    pub(super) fn lost(&mut self) {
        self.in_flight = None;
        self.hold_until_ms = 0;
        self.refusals = 0;
    }

    /// The user is another one from now on, who has said none of it: some may even be stored for the first
    /// one.
    pub(super) fn orphan(&mut self) -> Vec<Nonce> {
        self.in_flight = None;
        let orphans = std::mem::take(&mut self.pending).into_iter();
        orphans.map(|pending| pending.nonce).collect()
    }
}

/// The nonce of a frame that makes an event.
pub(super) fn nonce_of(frame: &ClientFrame) -> Option<&Nonce> {
    match frame {
        ClientFrame::Send { nonce, .. }
        | ClientFrame::Edit { nonce, .. }
        | ClientFrame::Delete { nonce, .. }
        | ClientFrame::React { nonce, .. }
        | ClientFrame::Topic { nonce, .. } => nonce.as_ref(),
        _ => None,
    }
}

fn is_named(room: &RoomRef, name: &UserName) -> bool {
    matches!(room, RoomRef::Direct(written) if written.key() == name.key())
}

fn room_of(frame: &ClientFrame) -> Option<&RoomRef> {
    match frame {
        ClientFrame::Send { room, .. }
        | ClientFrame::Edit { room, .. }
        | ClientFrame::Delete { room, .. }
        | ClientFrame::React { room, .. }
        | ClientFrame::Topic { room, .. } => Some(room),
        _ => None,
    }
}

fn room_and_after(frame: &mut ClientFrame) -> Option<(&mut RoomRef, &mut Option<Ts>)> {
    match frame {
        ClientFrame::Send { room, after, .. }
        | ClientFrame::Edit { room, after, .. }
        | ClientFrame::Delete { room, after, .. }
        | ClientFrame::React { room, after, .. }
        | ClientFrame::Topic { room, after, .. } => Some((room, after)),
        _ => None,
    }
}
