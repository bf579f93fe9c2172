//! A channel: a ring and those who read it; and how they are woken.
//!
//! Locks are held for the push or the reading of lines already encoded, never across an `.await`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;
use tokio::sync::Notify;

use super::desk::{Ticket, When};
use super::newest::Newest;
use super::ring::{Cursor, Line, Piece, Reach, Ring};
use crate::protocol::{RoomName, Uid, VersionVector};

/// What a channel carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelKey {
    /// A room's lines, the same for all in it.
    Room(RoomName),
    /// What concerns one user in every session: direct conversations as that side sees them, read
    /// markers, a new name.
    Personal(Uid),
}

/// A ring and its readers.
#[derive(Debug)]
pub struct Channel {
    pub key: ChannelKey,
    /// None before the first line: most users' own channels never have one.
    ring: Mutex<Option<Box<Ring>>>,
    members: Mutex<Members>,
}

/// Most users have one session or two: no memory is asked for.
type Members = SmallVec<[Arc<Member>; 2]>;

/// A link's place among a channel's readers.
#[derive(Debug)]
pub struct Member {
    signal: Arc<Signal>,
    /// Which of the link's memberships this is.
    slot: u32,
    /// It has been told of new lines and has not begun to read them.
    dirty: AtomicBool,
    /// Its index among the channel's members.
    position: AtomicU32,
}

/// Wakes a link, and tells it which of its memberships have something.
#[derive(Debug)]
pub struct Signal {
    dirty: Mutex<Slots>,
    wake: Wake,
}

/// Most links have no more than two or three memberships: no memory is asked for.
pub type Slots = SmallVec<[u32; 4]>;

#[derive(Debug)]
enum Wake {
    /// A task that waits in [`Signal::woken`].
    Task(Notify),
    /// A link that a delivery thread writes for.
    Delivery(Ticket),
}

impl Channel {
    pub fn new(key: ChannelKey) -> Channel {
        Channel {
            key,
            ring: Mutex::default(),
            members: Mutex::default(),
        }
    }

    /// Adds stored lines and wakes the readers; `held` is what is published once they are.
    pub fn push_stored(&self, lines: impl IntoIterator<Item = Line>, held: &Arc<VersionVector>) {
        lock(&self.ring)
            .get_or_insert_default()
            .push_stored(lines, held);
        self.wake_members(When::Now);
    }

    /// Adds a line that the log does not hold, and wakes the readers.
    pub fn push_passing(&self, line: Line) {
        lock(&self.ring).get_or_insert_default().push_passing(line);
        self.wake_members(When::Soon);
    }

    /// See [`Ring::read`].
    pub fn read(&self, cursor: &mut Cursor, budget: usize, take: impl FnMut(&Line)) -> Reach {
        match &*lock(&self.ring) {
            Some(ring) => ring.read(cursor, budget, take),
            None => Reach::End,
        }
    }

    /// See [`Ring::read_piece`].
    pub fn read_piece(&self, cursor: &mut Cursor, budget: usize) -> Option<Piece> {
        lock(&self.ring).as_mut()?.read_piece(cursor, budget)
    }

    /// Index that the next line will get.
    pub fn end(&self) -> u64 {
        lock(&self.ring).as_ref().map_or(0, |ring| ring.end())
    }

    /// See [`Ring::newest`].
    pub fn newest(&self, next: u64, limit: usize) -> Option<Arc<Newest>> {
        lock(&self.ring).as_ref()?.newest(next, limit)
    }

    /// See [`Ring::keep_newest`].
    pub fn keep_newest(&self, as_of: u64, newest: Newest) {
        lock(&self.ring)
            .get_or_insert_default()
            .keep_newest(as_of, newest);
    }

    /// Links that read it.
    pub fn readers(&self) -> usize {
        lock(&self.members).len()
    }

    /// Adds a reader. It looks by itself whether there is something to read already.
    pub fn enter(&self, signal: &Arc<Signal>, slot: usize) -> Arc<Member> {
        let mut members = lock(&self.members);
        let member = Arc::new(Member {
            signal: Arc::clone(signal),
            slot: number(slot),
            dirty: AtomicBool::new(false),
            position: AtomicU32::new(number(members.len())),
        });
        members.push(Arc::clone(&member));
        member
    }

    /// Takes a reader out.
    pub fn leave(&self, member: &Member) {
        let mut members = lock(&self.members);
        let position = member.position.load(Ordering::Relaxed);
        let at = position as usize;
        members.swap_remove(at);
        if let Some(moved) = members.get(at) {
            moved.position.store(position, Ordering::Relaxed);
        }
    }

    fn wake_members(&self, when: When) {
        for member in lock(&self.members).iter() {
            member.mark(when);
        }
    }
}

impl Member {
    /// Tells the link that there is something to read, unless it has been told already.
    pub fn mark(&self, when: When) {
        let news = !self.dirty.swap(true, Ordering::AcqRel);
        if news {
            lock(&self.signal.dirty).push(self.slot);
        }
        match &self.signal.wake {
            Wake::Task(task) if news => task.notify_one(),
            Wake::Task(_) => {}
            // It may have been told that there is time.
            Wake::Delivery(ticket) => ticket.queue(when),
        }
    }

    /// From here on new lines are told again; to be called before reading.
    pub fn begin(&self) {
        self.dirty.store(false, Ordering::Release);
    }
}

impl Signal {
    /// For a link that is a task: it waits in [`Signal::woken`].
    pub fn to_task() -> Signal {
        Signal {
            dirty: Mutex::default(),
            wake: Wake::Task(Notify::new()),
        }
    }

    /// For a link that a delivery thread writes for.
    pub fn to_delivery(ticket: Ticket) -> Signal {
        Signal {
            dirty: Mutex::default(),
            wake: Wake::Delivery(ticket),
        }
    }

    /// Tells the link that something is due.
    pub fn tell(&self, when: When) {
        match &self.wake {
            Wake::Task(task) => task.notify_one(),
            Wake::Delivery(ticket) => ticket.queue(when),
        }
    }

    /// A delivery thread is about to write: what is due from here on is told again.
    pub fn begin(&self) {
        if let Wake::Delivery(ticket) = &self.wake {
            ticket.begin();
        }
    }

    /// Ends when a membership has something to read, or had since it was last asked. Never for a link
    /// that is not a task.
    pub async fn woken(&self) {
        match &self.wake {
            Wake::Task(task) => task.notified().await,
            Wake::Delivery(_) => std::future::pending().await,
        }
    }

    /// The memberships that have something to read.
    pub fn take(&self) -> Slots {
        std::mem::take(&mut *lock(&self.dirty))
    }
}

/// Whatever a link waits for otherwise can be told to wake it.
impl std::task::Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Signal::tell(self, When::Now);
    }
}

/// Places in memory that hold more than four bytes each.
fn number(place: usize) -> u32 {
    u32::try_from(place).expect("less than there are bytes for")
}

/// What these locks guard is whole after every statement, so a panic elsewhere does not spoil it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
