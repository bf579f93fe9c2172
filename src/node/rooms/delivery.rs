//! The few threads that bring lines to the links: they publish what was committed, and write to each
//! link that has something due once, after all that was there has been taken in.
//!
//! One message to a thousand links is then a thousand writes and nothing else: no task is woken for
//! each, and what comes meanwhile goes out together with the next round. A link is always served by
//! the same thread; the first one publishes too.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::channel::lock;
use super::publish::Publisher;
use crate::node::shared::Shared;
use crate::node::store::{Answering, Commits};

/// How long lines wait that nobody waits for (who came and went, who writes): those of many at once go
/// out together.
const SOON: Duration = Duration::from_millis(20);

/// Events and links up to which the store's writer publishes and writes by itself while the thread sleeps:
/// that takes less time than to wake it.
const FEW_EVENTS: usize = 4;
const FEW_LINKS: usize = 8;

/// Threads, at most; there is one for each two cores.
const THREADS_MAX: usize = 4;

/// Whatever carries lines out and can be asked to write them at any time.
pub trait Link: Send + Sync + 'static {
    /// Writes what is due. It must not block.
    fn deliver(self: Arc<Self>) -> Delivered;

    /// Writing has failed in a way that it must not: the link is to end.
    fn give_up(&self);
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

/// All threads of a node.
#[derive(Debug)]
pub struct Delivery {
    desks: Vec<Arc<Desk>>,
    next: AtomicUsize,
}

/// What waits for one thread.
#[derive(Default)]
pub struct Desk {
    due: Mutex<Vec<Arc<dyn Link>>>,
    soon: Mutex<Soon>,
    /// The thread sleeps, or is about to.
    sleeps: AtomicBool,
    /// Nobody wakes it: more is about to come, and it is woken then.
    held: AtomicBool,
    over: AtomicBool,
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
    queued: AtomicU8,
}

/// What a ticket is queued for.
const NOT_QUEUED: u8 = 0;
const QUEUED_SOON: u8 = 1;
const QUEUED_NOW: u8 = 2;

impl Default for Delivery {
    fn default() -> Delivery {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = (cores / 2).clamp(1, THREADS_MAX);
        Delivery {
            desks: (0..threads).map(|_| Arc::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }
}

impl Delivery {
    /// Starts the threads; the token is cancelled once they have ended, which they do when the store is
    /// closed. To be called within a tokio runtime: answers in the making may need its timers.
    pub fn start(shared: &Arc<Shared>, commits: Commits) -> CancellationToken {
        let delivery = &shared.hub.delivery;
        let first = Arc::clone(&delivery.desks[0]);
        shared.store.set_answering(first);
        let ended = CancellationToken::new();
        *lock(&delivery.desks[0].publisher) = Some(Publisher::new(Arc::downgrade(shared), commits));
        for desk in &delivery.desks {
            let thread = Deliverer {
                desk: Arc::clone(desk),
                all: delivery.desks.clone(),
                publishes: Arc::ptr_eq(desk, &delivery.desks[0]),
                ended: ended.clone(),
            };
            let runtime = Handle::current();
            let _ = desk.runtime.set(runtime.clone());
            let name = "delivery".to_owned();
            let spawned = thread::Builder::new().name(name).spawn(move || {
                let _context = runtime.enter();
                thread.run();
            });
            match spawned {
                Ok(_) => {}
                // Nothing runs without it.
                Err(error) => panic!("cannot start a thread: {error}"),
            }
        }
        ended
    }

    /// A place for a new link.
    pub fn ticket(&self, link: Weak<dyn Link>) -> Ticket {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.desks.len();
        Ticket {
            link,
            desk: Arc::clone(&self.desks[at]),
            queued: AtomicU8::new(NOT_QUEUED),
        }
    }
}

impl Ticket {
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

impl Desk {
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
        if !self.held.load(Ordering::Acquire) && self.sleeps.swap(false, Ordering::SeqCst) {
            self.unpark();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Publishes what was committed; whether that was something. None where nothing will be any more.
    fn publish(&self) -> Option<bool> {
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
    fn serve(&self, links: Vec<Arc<dyn Link>>) {
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

    /// The round of a few, on the thread of the store's writer.
    fn small_round(&self) {
        let _context = self.runtime.get().map(Handle::enter);
        if self.publish() == Some(true) {
            let mut due = lock(&self.due);
            let links = if due.len() <= FEW_LINKS {
                std::mem::take(&mut *due)
            } else {
                Vec::new()
            };
            drop(due);
            self.serve(links);
        }
    }

    /// What is to be written now, and until when the thread may sleep if that is nothing.
    fn take(&self) -> (Vec<Arc<dyn Link>>, Option<Instant>) {
        let mut due = std::mem::take(&mut *lock(&self.due));
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
        self.held.store(true, Ordering::Release);
    }

    fn end(&self, events: usize) {
        if (1..=FEW_EVENTS).contains(&events) && self.sleeps.load(Ordering::SeqCst) {
            self.small_round();
        }
        self.held.store(false, Ordering::Release);
        let is_left = !lock(&self.due).is_empty()
            || lock(&self.soon).at.is_some()
            || lock(&self.publisher)
                .as_ref()
                .is_some_and(Publisher::is_due);
        if is_left {
            self.wake();
        }
    }
}

/// One thread.
struct Deliverer {
    desk: Arc<Desk>,
    all: Vec<Arc<Desk>>,
    publishes: bool,
    ended: CancellationToken,
}

impl Deliverer {
    fn run(self) {
        // Before it sleeps for the first time: whoever wakes it must find it.
        let _ = self.desk.thread.set(thread::current());
        loop {
            let published = match self.desk.publish() {
                Some(published) => published,
                None if self.publishes => break self.end(),
                None if self.desk.over.load(Ordering::Acquire) => break,
                None => false,
            };
            let (due, sleep_until) = self.desk.take();
            if due.is_empty() && !published {
                self.sleep(sleep_until);
            }
            self.desk.serve(due);
        }
    }

    fn sleep(&self, until: Option<Instant>) {
        let desk = &self.desk;
        desk.sleeps.store(true, Ordering::SeqCst);
        let has_commits = lock(&desk.publisher)
            .as_ref()
            .is_some_and(Publisher::is_due);
        let has_links = !lock(&desk.due).is_empty();
        let has_soon = until.is_none() && lock(&desk.soon).at.is_some();
        if !has_commits && !has_links && !has_soon && !desk.over.load(Ordering::Acquire) {
            match until {
                Some(until) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()))
                }
                None => thread::park(),
            }
        }
        desk.sleeps.store(false, Ordering::SeqCst);
    }

    /// The store is closed: so are all threads' doors.
    fn end(&self) {
        for desk in &self.all {
            desk.over.store(true, Ordering::Release);
            desk.sleeps.store(false, Ordering::SeqCst);
            desk.unpark();
        }
        self.ended.cancel();
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Told {
        ticket: Ticket,
        writes: Mutex<mpsc::SyncSender<Instant>>,
    }

    impl Link for Told {
        fn deliver(self: Arc<Self>) -> Delivered {
            self.ticket.begin();
            lock(&self.writes).send(Instant::now()).unwrap();
            Delivered::Done
        }

        fn give_up(&self) {
            self.ticket.begin();
        }
    }

    fn link(delivery: &Delivery) -> (Arc<Told>, mpsc::Receiver<Instant>) {
        let (writes, written) = mpsc::sync_channel(8);
        let link = Arc::new_cyclic(|me: &Weak<Told>| Told {
            ticket: delivery.ticket(me.clone()),
            writes: Mutex::new(writes),
        });
        (link, written)
    }

    /// A desk with a thread that publishes nothing.
    fn working() -> (Delivery, Arc<Desk>) {
        let delivery = Delivery {
            desks: vec![Arc::default()],
            next: AtomicUsize::new(0),
        };
        let desk = Arc::clone(&delivery.desks[0]);
        let deliverer = Deliverer {
            desk: Arc::clone(&desk),
            all: Vec::new(),
            publishes: false,
            ended: CancellationToken::new(),
        };
        thread::spawn(move || deliverer.run());
        (delivery, desk)
    }

    fn end(desk: &Desk) {
        desk.over.store(true, Ordering::Release);
        desk.sleeps.store(false, Ordering::SeqCst);
        desk.unpark();
    }

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_link_that_is_told_many_times_while_others_write_writes_once() {
        let (delivery, desk) = working();
        let (one, written) = link(&delivery);
        desk.begin();
        for _ in 0..100 {
            one.ticket.queue(When::Now);
        }
        Answering::end(&*desk, 1);
        written.recv_timeout(LONG).unwrap();
        assert!(written.recv_timeout(Duration::from_millis(50)).is_err());
        one.ticket.queue(When::Now);
        written.recv_timeout(LONG).unwrap();
        end(&desk);
    }

    #[test]
    fn a_link_that_fails_takes_nobody_along() {
        let (delivery, desk) = working();
        let (bad, gone) = link(&delivery);
        drop(gone);
        bad.ticket.queue(When::Now);
        let (good, written) = link(&delivery);
        good.ticket.queue(When::Now);
        written.recv_timeout(LONG).unwrap();
        end(&desk);
    }

    #[test]
    fn what_nobody_waits_for_comes_soon_and_with_the_next_that_is_urgent() {
        let (delivery, desk) = working();
        let (one, written) = link(&delivery);
        let began = Instant::now();
        one.ticket.queue(When::Soon);
        let at = written.recv_timeout(LONG).unwrap();
        assert!(at >= began + SOON);
        one.ticket.queue(When::Soon);
        one.ticket.queue(When::Now);
        written.recv_timeout(LONG).unwrap();
        end(&desk);
    }
}
