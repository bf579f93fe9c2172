//! Between the store and the rings: what was committed is encoded once, published, and handed on to the
//! other nodes.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::channel::ChannelKey;
use super::render;
use super::ring::{Line, RING_LINES_MAX};
use super::{Publishing, keys_of};
use crate::node::shared::Shared;
use crate::node::store::{Commits, Committed, Outcome};
use crate::protocol::{RoomKey, VersionVector};

/// Commits are published together up to this many events: half a ring, so that who keeps up stays on it.
const PUBLISHED_MAX: usize = RING_LINES_MAX / 2;

/// What one channel gets of a commit: all of it at once, since the ring's vector moves past it then.
struct Group<'a> {
    key: ChannelKey,
    /// Each with what the channel's readers call its room.
    events: Vec<(Arc<str>, &'a Committed)>,
    lines: Option<Vec<Line>>,
}

/// Publishes what the store commits.
pub struct Publisher {
    shared: Weak<Shared>,
    commits: Commits,
}

impl Publisher {
    pub fn new(shared: Weak<Shared>, commits: Commits) -> Publisher {
        Publisher { shared, commits }
    }

    /// Whether something was committed that is not published, or the store is closed.
    pub fn is_due(&self) -> bool {
        self.commits.is_due()
    }

    /// Publishes what was committed; whether that was something. None once the store is closed.
    pub fn publish(&mut self) -> Option<bool> {
        let mut batch = match self.commits.try_next() {
            Some(batch) => batch,
            None if self.commits.is_closed() => return None,
            None => return Some(false),
        };
        let shared = self.shared.upgrade()?;
        while batch.len() < PUBLISHED_MAX
            && let Some(mut more) = self.commits.try_next()
        {
            batch.append(&mut more);
        }
        publish(&shared, &batch);
        count(&shared, &batch);
        shared.replicator().committed(&batch);
        Some(true)
    }
}

fn publish(shared: &Shared, batch: &[Committed]) {
    let stored: VersionVector = batch
        .iter()
        .map(|c| (c.event.origin.clone(), c.event.seq))
        .collect();
    let mut groups = group(shared, batch);
    for group in &mut groups {
        if shared.hub.find(&group.key).is_some() {
            group.encode();
        }
    }
    shared.hub.publish(&stored, |hub| {
        for group in &mut groups {
            group.push(hub);
        }
    });
}

/// The events by the channels that carry them. Labels are looked up here: under the hub's lock
/// nothing else is waited for.
fn group<'a>(shared: &Shared, batch: &'a [Committed]) -> Vec<Group<'a>> {
    let mut labels: HashMap<(ChannelKey, &RoomKey), Arc<str>> = HashMap::new();
    let mut index: HashMap<ChannelKey, usize> = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for committed in batch {
        if committed.outcome == Outcome::Hidden {
            continue;
        }
        let room = &committed.event.room;
        for key in keys_of(room) {
            let named = labels.entry((key.clone(), room));
            let label = Arc::clone(named.or_insert_with(|| label(shared, &key, room).into()));
            let at = *index.entry(key.clone()).or_insert_with(|| {
                groups.push(Group {
                    key,
                    events: Vec::new(),
                    lines: None,
                });
                groups.len() - 1
            });
            groups[at].events.push((label, committed));
        }
    }
    groups
}

fn label(shared: &Shared, key: &ChannelKey, room: &RoomKey) -> String {
    match key {
        ChannelKey::Room(name) => name.as_str().to_owned(),
        ChannelKey::Personal(uid) => shared.people().room_label(room, uid),
    }
}

impl Group<'_> {
    fn encode(&mut self) {
        let lines = self.events.iter();
        let lines = lines.filter_map(|(label, c)| {
            let line = render::line(&c.event, &c.outcome, label)?;
            let received_at = Some(c.received_at);
            Some(Line {
                received_at,
                ..line
            })
        });
        self.lines = Some(lines.collect());
    }

    /// Pushes into the channel, if anybody reads it. Somebody may have come since it was looked for.
    fn push(&mut self, hub: &mut Publishing<'_>) {
        if self.lines.is_none() && hub.is_read(&self.key) {
            self.encode();
        }
        if let Some(lines) = self.lines.take() {
            hub.push(&self.key, lines);
        }
    }
}

fn count(shared: &Shared, batch: &[Committed]) {
    let metrics = &shared.metrics;
    metrics.events.inc_by(batch.len() as u64);
    let messages = batch
        .iter()
        .filter_map(|committed| match &committed.outcome {
            Outcome::Message(message) => Some((&committed.event.room, message.late)),
            Outcome::Moved(_)
            | Outcome::Updated { .. }
            | Outcome::Early(_)
            | Outcome::Topic
            | Outcome::Hidden => None,
        });
    let (all, late) = messages.clone().fold((0, 0), |(all, late), (_, is_late)| {
        (all + 1, late + u64::from(is_late))
    });
    metrics.messages.inc_by(all);
    metrics.late.inc_by(late);
    metrics
        .busy_rooms
        .count(messages.filter_map(|(room, _)| match room {
            RoomKey::Room(name) => Some(name),
            RoomKey::Direct(..) => None,
        }));
}
