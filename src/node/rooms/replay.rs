//! Reading on from the log: for a membership that fell off its ring.
//!
//! One page at a time, asked for when the link has room for it, so that a slow link holds one page at
//! most. Each event comes once, in the order of its origin, as a live frame would show it now. With
//! the last page the membership has a cursor into the ring again; should that have moved on
//! meanwhile, it falls off once more, and the next replay goes on from there.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use super::channel::{Channel, ChannelKey};
use super::memberships::{Memberships, Slot};
use super::render;
use super::ring::{Cursor, Line};
use crate::node::dispatch;
use crate::node::metrics::Counted;
use crate::node::shared::Shared;
use crate::node::store::{Replay, StoreError};
use crate::protocol::server::Gap;
use crate::protocol::{RoomKey, ServerFrame, Uid, VersionVector};

/// Events that a slow reader is given back of a room; one that missed more is told of a gap, and
/// asks for as much as it wants.
pub const REPLAY_EVENTS_MAX: u32 = 10_000;

/// Events of one page.
const PAGE_EVENTS: usize = 200;

/// One membership's way back into its ring.
pub struct Replaying {
    slot: Slot,
    shared: Arc<Shared>,
    state: State,
    _counted: Counted,
}

enum State {
    Resting(Box<Task>),
    Reading(Pin<Box<dyn Future<Output = (Box<Task>, Page)> + Send>>),
    Over,
}

/// What is still to be read.
struct Task {
    shared: Arc<Shared>,
    channel: Arc<Channel>,
    /// What the reader held when it fell off.
    held: Arc<VersionVector>,
    /// Where it will go on; set with the first page.
    to: Option<Cursor>,
    /// The rooms that are still to be read, each from what is held of it.
    rooms: VecDeque<(RoomKey, VersionVector)>,
}

/// A part of what was missed.
#[derive(Debug, Default)]
pub struct Page {
    pub lines: Vec<Line>,
    /// With the last page: where the membership goes on.
    pub caught_up: Option<Cursor>,
}

impl Replaying {
    /// Begins for a membership that is behind.
    pub fn begin(shared: &Arc<Shared>, memberships: &Memberships, slot: Slot) -> Option<Replaying> {
        let (channel, cursor) = memberships.at(slot)?;
        let task = Task {
            shared: Arc::clone(shared),
            channel: Arc::clone(channel),
            held: Arc::clone(&cursor.held),
            to: None,
            rooms: VecDeque::new(),
        };
        shared.metrics.replays.inc();
        Some(Replaying {
            slot,
            shared: Arc::clone(shared),
            state: State::Resting(Box::new(task)),
            _counted: shared.metrics.reads_from_log(),
        })
    }

    /// Whose it is.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The next page; after the last one it does not end. It may be dropped and asked again at any
    /// time.
    pub async fn next(&mut self) -> Page {
        if let State::Resting(_) = self.state
            && let State::Resting(task) = std::mem::replace(&mut self.state, State::Over)
        {
            self.state = State::Reading(Box::pin(task.page()));
        }
        let State::Reading(reading) = &mut self.state else {
            return std::future::pending().await;
        };
        let (task, page) = reading.await;
        if page.caught_up.is_none() {
            self.state = State::Resting(task);
        } else {
            self.state = State::Over;
            tracing::debug!(channel = ?task.channel.key, node = %self.shared.config.name, "caught up");
        }
        page
    }
}

impl Task {
    async fn page(mut self: Box<Task>) -> (Box<Task>, Page) {
        match self.read().await {
            Ok(page) => (self, page),
            Err(error) => {
                tracing::error!(%error, "a slow reader cannot be given what it missed");
                self.shared.metrics.faults.inc();
                // It is told what it holds, so that it can ask itself.
                let page = self.give_up();
                (self, page)
            }
        }
    }

    async fn read(&mut self) -> Result<Page, StoreError> {
        let to = match &self.to {
            Some(to) => to.clone(),
            None => self.set_out().await?,
        };
        let mut page = Page::default();
        if let Some((room, held)) = self.rooms.front().cloned() {
            self.read_room(room, held, &to, &mut page).await?;
        }
        if self.rooms.is_empty() {
            page.lines.extend(self.who_is_here());
            page.caught_up = Some(to);
        }
        Ok(page)
    }

    /// Fixes where the reader will go on, and lists what it has to read until there.
    async fn set_out(&mut self) -> Result<Cursor, StoreError> {
        let to = self.shared.hub.now(&self.channel);
        let rooms = match &self.channel.key {
            ChannelKey::Room(name) => vec![RoomKey::Room(name.clone())],
            ChannelKey::Personal(uid) => self.directs(uid.clone()).await?,
        };
        let held = VersionVector::clone(&self.held);
        self.rooms = rooms.into_iter().map(|room| (room, held.clone())).collect();
        self.to = Some(to.clone());
        Ok(to)
    }

    async fn directs(&self, uid: Uid) -> Result<Vec<RoomKey>, StoreError> {
        let read = self.shared.store.read(move |reader| reader.directs(&uid));
        Ok(read
            .await?
            .into_iter()
            .map(|summary| summary.room)
            .collect())
    }

    async fn read_room(
        &mut self,
        room: RoomKey,
        held: VersionVector,
        to: &Cursor,
        page: &mut Page,
    ) -> Result<(), StoreError> {
        let label = self.label(&room);
        let (asked, from, up_to) = (room.clone(), held.clone(), Arc::clone(&to.held));
        let read = self.shared.store.read(move |reader| {
            let missed = reader.missed(&asked, &from, &up_to, REPLAY_EVENTS_MAX + 1)?;
            if missed > REPLAY_EVENTS_MAX {
                return Ok(None);
            }
            reader.replay(&asked, &from, PAGE_EVENTS, &up_to).map(Some)
        });
        match read.await? {
            None => page.lines.push(self.gap(label, held)),
            Some(replay) => {
                page.lines.extend(lines(&replay, &label));
                if replay.more {
                    self.rooms[0].1 = replay.since;
                    return Ok(());
                }
            }
        }
        self.rooms.pop_front();
        Ok(())
    }

    /// Who came and went is not in the log: the reader is told who is in the room now.
    fn who_is_here(&self) -> Option<Line> {
        let ChannelKey::Room(name) = &self.channel.key else {
            return None;
        };
        let frame = dispatch::present(&self.shared, name);
        Some(Line::passing(frame.encode(), None))
    }

    fn label(&self, room: &RoomKey) -> String {
        match &self.channel.key {
            ChannelKey::Room(name) => name.as_str().to_owned(),
            ChannelKey::Personal(uid) => self.shared.people().room_label(room, uid),
        }
    }

    fn gap(&self, room: String, since: VersionVector) -> Line {
        self.shared.metrics.gaps.inc();
        Line::passing(ServerFrame::Gap(Gap { room, since }).encode(), None)
    }

    fn give_up(&mut self) -> Page {
        let mut rooms: Vec<_> = self.rooms.drain(..).collect();
        if let (true, ChannelKey::Room(name)) = (rooms.is_empty(), &self.channel.key) {
            rooms.push((
                RoomKey::Room(name.clone()),
                VersionVector::clone(&self.held),
            ));
        }
        let gaps = rooms
            .into_iter()
            .map(|(room, held)| self.gap(self.label(&room), held));
        let lines = gaps.collect();
        let cursor = self.to.clone();
        Page {
            lines,
            caught_up: Some(cursor.unwrap_or_else(|| self.shared.hub.now(&self.channel))),
        }
    }
}

fn lines(replay: &Replay, label: &str) -> Vec<Line> {
    let shown = replay.items.iter();
    shown
        .filter_map(|item| render::line(&item.event, &item.outcome, label))
        .collect()
}
