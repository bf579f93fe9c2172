//! Fan-out: which links read which room, and handing them what was committed.
//!
//! It owns the channels (a ring of encoded lines for each room, and one for each user), and the
//! vector of what has been published. Invariants: it hears of a message only from the store, after
//! the commit, so nothing is shown that a restart could take back; and whoever begins to read takes
//! the ring's end and the published vector in one moment, so that what is read from the log up to
//! that vector and what follows in the ring have nothing missing and nothing twice between them.
//!
//! Reading order: [`ring`] (pure), [`newest`] (what it keeps for those who come in), [`channel`] (a ring, its readers, waking them), [`memberships`]
//! (one link's reading side), [`render`] (events to lines), [`publish`] (commits into the rings),
//! [`desk`] and [`delivery`] (the threads that do it, and write to the links), [`replay`] (from the log, for who fell
//! off).

pub mod channel;
pub mod delivery;
pub mod desk;
pub mod memberships;
pub mod newest;
pub mod publish;
pub mod render;
pub mod replay;
pub mod ring;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub use channel::{Channel, ChannelKey, Signal, lock};
pub use delivery::Delivery;
pub use desk::{Delivered, Link, Ticket, Together, When};
pub use memberships::{Drained, Due, Entry, Memberships, Slot};
pub use newest::Newest;
pub use replay::{Page, Replaying};
pub use ring::{Cursor, Except, Line, Piece, Reach};

use crate::protocol::{RoomKey, RoomName, ServerFrame, VersionVector};

/// The channels of this node, and how far the log has been published in them.
///
/// Locks, in this order: `published`, `channels`, a channel's own. None is held across an `.await`.
#[derive(Debug, Default)]
pub struct Hub {
    /// All that the channels have been given of the log. It is held while lines of a commit are
    /// pushed, so that no reader begins in between.
    published: Mutex<Arc<VersionVector>>,
    channels: Mutex<HashMap<ChannelKey, Arc<Channel>>>,
    /// The threads that write to the links.
    pub delivery: Delivery,
}

impl Hub {
    /// `stored` is what the log holds at the start.
    pub fn new(stored: VersionVector) -> Hub {
        Hub {
            published: Mutex::new(Arc::new(stored)),
            channels: Mutex::default(),
            delivery: Delivery::default(),
        }
    }

    /// What the channels have been given of the log.
    pub fn published(&self) -> Arc<VersionVector> {
        Arc::clone(&lock(&self.published))
    }

    /// The way into a channel, from this moment on: everything up to `cursor.held` is to be read from
    /// the log, everything after it will be in the ring. The channel is made if there is none.
    pub fn enter(&self, key: &ChannelKey) -> Entry {
        let published = lock(&self.published);
        let mut channels = lock(&self.channels);
        let channel = channels
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Channel::new(key.clone())));
        let cursor = Cursor {
            next: channel.end(),
            held: Arc::clone(&published),
        };
        let channel = Arc::clone(channel);
        Entry {
            channel,
            cursor,
            ahead: None,
        }
    }

    /// The same for a channel that is read already.
    pub fn now(&self, channel: &Channel) -> Cursor {
        let published = lock(&self.published);
        Cursor {
            next: channel.end(),
            held: Arc::clone(&published),
        }
    }

    /// Gives up the channels that nobody reads or is about to read. To be called every few seconds.
    pub fn sweep(&self) {
        let mut channels = lock(&self.channels);
        // Whoever is about to read holds the channel too; new ones come through this lock.
        channels.retain(|_, channel| channel.readers() > 0 || Arc::strong_count(channel) > 1);
    }

    /// Says something that the log does not hold to all who read the channel.
    pub fn say(&self, key: &ChannelKey, frame: &ServerFrame, except: Option<Except>) {
        if let Some(channel) = self.find(key) {
            channel.push_passing(Line::passing(frame.encode(), except));
        }
    }

    /// The channel, if anybody reads it.
    pub fn find(&self, key: &ChannelKey) -> Option<Arc<Channel>> {
        lock(&self.channels).get(key).cloned()
    }

    /// The room's name as those have it who are in the room already: so that it is in memory once, not once
    /// for each of them.
    pub fn shared_name(&self, room: &RoomName) -> RoomName {
        let channel = self.find(&ChannelKey::Room(room.clone()));
        match channel.as_deref().map(|channel| &channel.key) {
            Some(ChannelKey::Room(shared)) => shared.clone(),
            Some(ChannelKey::Personal(_)) | None => room.clone(),
        }
    }

    /// Whether anybody here is concerned by what happens in the room.
    pub fn is_read(&self, room: &RoomKey) -> bool {
        let channels = lock(&self.channels);
        keys_of(room).iter().any(|key| channels.contains_key(key))
    }

    /// Publishes a commit: `push` gives the channels their lines, and the published vector moves on by
    /// `stored`. Nobody begins to read in between.
    pub fn publish(&self, stored: &VersionVector, push: impl FnOnce(&mut Publishing<'_>)) {
        let mut published = lock(&self.published);
        let mut held = VersionVector::clone(&published);
        held.merge(stored);
        let held = Arc::new(held);
        push(&mut Publishing {
            hub: self,
            held: &held,
        });
        *published = held;
    }
}

/// A commit being published.
pub struct Publishing<'a> {
    hub: &'a Hub,
    held: &'a Arc<VersionVector>,
}

impl Publishing<'_> {
    /// Whether anybody reads the channel, or is about to.
    pub fn is_read(&self, key: &ChannelKey) -> bool {
        lock(&self.hub.channels).contains_key(key)
    }

    /// Gives the channel its lines, if anybody reads it.
    pub fn push(&mut self, key: &ChannelKey, lines: Vec<Line>) {
        if let Some(channel) = self.hub.find(key) {
            channel.push_stored(lines, self.held);
        }
    }
}

/// The channels that carry a room: its own, or, for a direct conversation, those of both sides.
pub fn keys_of(room: &RoomKey) -> Vec<ChannelKey> {
    match room {
        RoomKey::Room(name) => vec![ChannelKey::Room(name.clone())],
        RoomKey::Direct(one, other) if one == other => vec![ChannelKey::Personal(one.clone())],
        RoomKey::Direct(one, other) => vec![
            ChannelKey::Personal(one.clone()),
            ChannelKey::Personal(other.clone()),
        ],
    }
}
