//! What waits for one delivery thread: links that have something due, and commits to be published.
//!
//! A link's [`Ticket`] is queued by whoever has something for it; the thread sleeps in
//! [`Desk::sleep`] while nothing is. The order of the steps matters: who queues writes first what is due
//! and then looks whether the thread sleeps; the thread says first that it sleeps and then looks whether
//! something is due. So one of them sees the other.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::runtime::Handle;

use super::channel::lock;
use super::publish::Publisher;
use crate::node::store::Answering;

/// How long lines wait that nobody waits for (who came and went, who writes): those of many at once go
/// out together.
pub(super) const SOON: Duration = Duration::from_millis(20);

/// Events and links up to which the store's writer publishes and writes by itself while the thread sleeps:
/// that takes less time than to wake it.
pub(super) const FEW_EVENTS: usize = 4;
pub(super) const FEW_LINKS: usize = 8;

/// Whatever carries lines out and can be asked to write them at any time.
pub trait Link: Send + Sync + 'static {
    /// Writes what is due. It must not block.
    fn deliver(self: Arc<Self>) -> Delivered;

    /// Writing has failed in a way that it must not: the link is to end.
    fn give_up(&self);

    /// The node stops.
    fn stop(&self);
}

/// What a writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Nothing more can be written now.
    Done,
    /// The socket took all it was given, and there is more: others have their turn first.
    Part,
}

/// When a link is to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Now,
    Soon,
}

/// What waits for one thread.
#[derive(Default)]
pub struct Desk {
    /// All links that it serves: to be told when the node stops.
    links: Mutex<Slab<Weak<dyn Link>>>,
    due: Mutex<Vec<Arc<dyn Link>>>,
    soon: Mutex<Soon>,
    /// The thread sleeps, or is about to.
    sleeps: AtomicBool,
    /// Nobody wakes it: more is about to come, and it is woken then.
    held: AtomicBool,
    /// The same, by so many who answer.
    together: AtomicUsize,
    over: AtomicBool,
    /// What was last taken was for many links: the thread publishes what comes next. Marking them all
    /// on one core and writing to them on another would move what is known of each between the two.
    many: AtomicBool,
    thread: OnceLock<Thread>,
    /// The first desk's.
    publisher: Mutex<Option<Publisher>>,
    runtime: OnceLock<Handle>,
}

#[derive(Default)]
struct Soon {
    links: Vec<Arc<dyn Link>>,
    at: Option<Instant>,
}

/// A link's place at its desk.
pub struct Ticket {
    link: Weak<dyn Link>,
    desk: Arc<Desk>,
    /// Among the desk's links.
    place: u32,
    queued: AtomicU8,
}

/// What a ticket is queued for.
const NOT_QUEUED: u8 = 0;
const QUEUED_SOON: u8 = 1;
const QUEUED_NOW: u8 = 2;

impl Ticket {
    pub(super) fn new(link: Weak<dyn Link>, desk: &Arc<Desk>) -> Ticket {
        let place = lock(&desk.links).insert(Weak::clone(&link));
        Ticket {
            link,
            desk: Arc::clone(desk),
            place: u32::try_from(place).expect("fewer links than sockets"),
            queued: AtomicU8::new(NOT_QUEUED),
        }
    }

    /// Has the link write.
    pub fn queue(&self, when: When) {
        let as_what = match when {
            When::Now => QUEUED_NOW,
            When::Soon => QUEUED_SOON,
        };
        if self.queued.fetch_max(as_what, Ordering::AcqRel) >= as_what {
            return;
        }
        if let Some(link) = self.link.upgrade() {
            match when {
                When::Now => self.desk.queue(link),
                When::Soon => self.desk.queue_soon(link),
            }
        }
    }

    /// The link is about to write: what comes from here on queues it again.
    pub fn begin(&self) {
        self.queued.store(NOT_QUEUED, Ordering::Release);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = lock(&self.desk.links).try_remove(self.place as usize);
    }
}

impl Desk {
    pub(super) fn stop_links(&self) {
        let links: Vec<Weak<dyn Link>> = lock(&self.links)
            .iter()
            .map(|(_, link)| Weak::clone(link))
            .collect();
        for link in links.iter().filter_map(Weak::upgrade) {
            link.stop();
        }
    }

    /// The thread of the desk is this one.
    pub(super) fn sit_down(&self) {
        let _ = self.thread.set(thread::current());
    }

    /// Publishing is this desk's, and within `runtime` whoever does it.
    pub(super) fn take_over(&self, publisher: Publisher, runtime: Handle) {
        let _ = self.runtime.set(runtime);
        *lock(&self.publisher) = Some(publisher);
    }

    /// Ends the thread.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.sleeps.store(false, Ordering::SeqCst);
        self.unpark();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Sleeps until something is due, `until` at the latest.
    pub(super) fn sleep(&self, until: Option<Instant>) {
        self.sleeps.store(true, Ordering::SeqCst);
        let has_commits = lock(&self.publisher)
            .as_ref()
            .is_some_and(Publisher::is_due);
        let has_links = !lock(&self.due).is_empty();
        let has_soon = until.is_none() && lock(&self.soon).at.is_some();
        if !has_commits && !has_links && !has_soon && !self.over.load(Ordering::Acquire) {
            match until {
                Some(until) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()))
                }
                None => thread::park(),
            }
        }
        self.sleeps.store(false, Ordering::SeqCst);
    }

    fn queue(&self, link: Arc<dyn Link>) {
        lock(&self.due).push(link);
        self.wake();
    }

    fn queue_soon(&self, link: Arc<dyn Link>) {
        let mut soon = lock(&self.soon);
        soon.links.push(link);
        let first = soon.at.is_none();
        if first {
            soon.at = Some(Instant::now() + SOON);
        }
        drop(soon);
        if first {
            self.wake();
        }
    }

    fn wake(&self) {
        if !self.is_held() && self.sleeps.swap(false, Ordering::SeqCst) {
            self.unpark();
        }
    }

    #[cfg(test)]
    pub(super) fn is_asleep(&self) -> bool {
        self.sleeps.load(Ordering::SeqCst)
    }

    /// Whether somebody is at it who looks for what is due, and wakes the thread, once that is done.
    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) || self.together.load(Ordering::SeqCst) > 0
    }

    /// Wakes the thread if something is left for it. Whoever is at it still does so when that is done, and
    /// may be publishing on this very thread.
    fn wake_for_the_rest(&self) {
        if !self.sleeps.load(Ordering::SeqCst) || self.is_held() {
            // The thread looks at everything before it sleeps, and may be publishing at the moment.
            return;
        }
        let is_left = !lock(&self.due).is_empty()
            || lock(&self.soon).at.is_some()
            || lock(&self.publisher)
                .as_ref()
                .is_some_and(Publisher::is_due);
        if is_left {
            self.wake();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Publishes what was committed; whether that was something. None where nothing will be any more.
    pub(super) fn publish(&self) -> Option<bool> {
        let mut publisher = lock(&self.publisher);
        let publisher = publisher.as_mut()?;
        match panic::catch_unwind(AssertUnwindSafe(|| publisher.publish())) {
            Ok(published) => published,
            // The rooms would be silent from here on, or have a hole. What is stored is safe, and another
            // node, or this one started again, shows it.
            Err(_) => {
                tracing::error!("publishing has failed: the node ends");
                std::process::abort()
            }
        }
    }

    /// Has the links write. One that fails at it takes nobody along: it is given up.
    pub(super) fn serve(&self, links: Vec<Arc<dyn Link>>) {
        for link in links {
            let written = panic::catch_unwind(AssertUnwindSafe(|| Arc::clone(&link).deliver()));
            match written {
                Ok(Delivered::Done) => {}
                Ok(Delivered::Part) => lock(&self.due).push(link),
                Err(_) => {
                    tracing::error!("a connection is given up: writing to it has failed");
                    link.give_up();
                }
            }
        }
    }

    /// Whether so many events are published sooner by the writer than by the thread, once that is awake.
    pub(super) fn are_few(&self, events: usize) -> bool {
        (1..=FEW_EVENTS).contains(&events) && !self.many.load(Ordering::Relaxed)
    }

    /// The round of a few, on the thread of the store's writer.
    fn small_round(&self) {
        let _context = self.runtime.get().map(Handle::enter);
        if self.publish() == Some(true) {
            self.serve_few();
        }
    }

    /// Has the links write that are due, if they are few.
    fn serve_few(&self) {
        let mut due = lock(&self.due);
        let links = if due.len() <= FEW_LINKS {
            std::mem::take(&mut *due)
        } else {
            Vec::new()
        };
        drop(due);
        self.serve(links);
    }

    /// What is to be written now, and until when the thread may sleep if that is nothing.
    pub(super) fn take(&self) -> (Vec<Arc<dyn Link>>, Option<Instant>) {
        let mut due = std::mem::take(&mut *lock(&self.due));
        if !due.is_empty() {
            self.many.store(due.len() > FEW_LINKS, Ordering::Relaxed);
        }
        let mut soon = lock(&self.soon);
        if soon
            .at
            .is_some_and(|at| !due.is_empty() || at <= Instant::now())
        {
            soon.at = None;
            due.append(&mut soon.links);
        }
        (due, soon.at)
    }
}

/// The writer is about to answer those whose events are committed: what they are told and what the rooms
/// are told goes out in one round.
impl Answering for Desk {
    fn begin(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    fn end(&self, events: usize) {
        if self.are_few(events) && self.sleeps.load(Ordering::SeqCst) {
            self.small_round();
        }
        self.held.store(false, Ordering::SeqCst);
        self.wake_for_the_rest();
    }
}

/// Somebody answers, beside the writer: what they are told who wait goes out in one round, once this is
/// dropped. While the thread sleeps, a few are written to by whoever drops it.
pub struct Together(Arc<Desk>);

impl Together {
    pub(super) fn at(desk: &Arc<Desk>) -> Together {
        desk.together.fetch_add(1, Ordering::SeqCst);
        Together(Arc::clone(desk))
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        let desk = &self.0;
        // Within the writer's round, they are written to in that.
        if desk.sleeps.load(Ordering::SeqCst) && !desk.held.load(Ordering::SeqCst) {
            let _context = desk.runtime.get().map(Handle::enter);
            desk.serve_few();
        }
        desk.together.fetch_sub(1, Ordering::SeqCst);
        desk.wake_for_the_rest();
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}
