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
/// then does not fall behind those that were said after it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pending: VecDeque<Pending>,
    /// The first one has been written on this connection.
    in_flight: bool,
    /// No write before this moment, milliseconds.
    hold_until_ms: u64,
    /// How often in a row this node could not take the first one.
    refusals: u32,
}

#[derive(Debug)]
struct Pending {
    nonce: Nonce,
    frame: ClientFrame,
    /// It was written on some connection, so a node may have stored it.
    written: bool,
}

impl Outbox {
    /// Keeps a write; gives it back when too many wait.
    pub(super) fn push(&mut self, nonce: Nonce, frame: ClientFrame) -> Result<(), Nonce> {
        if self.pending.len() >= PENDING_MAX {
            return Err(nonce);
        }
        self.pending.push_back(Pending {
            nonce,
            frame,
            written: false,
        });
        Ok(())
    }

    /// The write that is due, marked as written. `newest` gives the greatest time seen in a room.
    pub(super) fn next(
        &mut self,
        now_ms: u64,
        newest: impl Fn(&RoomRef) -> Option<Ts>,
    ) -> Option<(Nonce, ClientFrame)> {
        if self.in_flight || now_ms < self.hold_until_ms {
            return None;
        }
        let first = self.pending.front_mut()?;
        first.written = true;
        self.in_flight = true;
        let mut frame = first.frame.clone();
        if let Some((room, after)) = room_and_after(&mut frame) {
            *after = newest(room).max(*after);
        }
        Some((first.nonce.clone(), frame))
    }

    /// When the write that was told to wait is due, milliseconds.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (!self.in_flight && !self.pending.is_empty()).then_some(self.hold_until_ms)
    }

    /// The room of a write.
    pub(super) fn room(&self, nonce: &Nonce) -> Option<RoomRef> {
        let pending = self.pending.iter().find(|p| p.nonce == *nonce)?;
        room_and_after(&mut pending.frame.clone()).map(|(room, _)| room.clone())
    }

    /// What is for whoever bears that name is for this user from now on.
    pub(super) fn readdress(&mut self, name: &UserName, uid: &Uid) {
        for pending in &mut self.pending {
            match room_of(&mut pending.frame) {
                Some(room @ RoomRef::Direct(_)) if is_named(room, name) => {
                    *room = RoomRef::DirectUid(uid.clone());
                }
                Some(_) | None => {}
            }
        }
    }

    /// The write is over, well or not.
    pub(super) fn finish(&mut self, nonce: &Nonce) -> bool {
        let Some(at) = self.pending.iter().position(|p| p.nonce == *nonce) else {
            return false;
        };
        self.pending.remove(at);
        if at == 0 {
            self.in_flight = false;
            self.refusals = 0;
        }
        true
    }

    /// The node cannot take the first one now; it is tried again `after_ms` later. False once the
    /// node has said so too often.
    pub(super) fn put_off(&mut self, now_ms: u64, after_ms: u64, counts: bool) -> bool {
        self.in_flight = false;
        self.hold_until_ms = now_ms + after_ms;
        self.refusals += u32::from(counts);
        self.refusals < REFUSALS_MAX
    }

    /// The connection is gone: what was on its way is written again on the next one.
    pub(super) fn lost(&mut self) {
        self.in_flight = false;
        self.hold_until_ms = 0;
        self.refusals = 0;
    }

    /// The user is another one from now on. What may have been stored for the first one would be
    /// stored twice, so it is given up.
    pub(super) fn orphan(&mut self) -> Vec<Nonce> {
        let (written, kept) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition::<VecDeque<_>, _>(|pending| pending.written);
        self.pending = kept;
        written.into_iter().map(|pending| pending.nonce).collect()
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

fn room_of(frame: &mut ClientFrame) -> Option<&mut RoomRef> {
    match frame {
        ClientFrame::Send { room, .. }
        | ClientFrame::Edit { room, .. }
        | ClientFrame::Delete { room, .. }
        | ClientFrame::React { room, .. } => Some(room),
        _ => None,
    }
}

fn room_and_after(frame: &mut ClientFrame) -> Option<(&RoomRef, &mut Option<Ts>)> {
    match frame {
        ClientFrame::Send { room, after, .. }
        | ClientFrame::Edit { room, after, .. }
        | ClientFrame::Delete { room, after, .. }
        | ClientFrame::React { room, after, .. }
        | ClientFrame::Topic { room, after, .. } => Some((room, after)),
        _ => None,
    }
}
