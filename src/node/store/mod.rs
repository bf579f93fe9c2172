//! The log: every event of every origin, on stable storage before anybody sees it.
//!
//! Owns the data folder and the one thread that writes. Nothing is shown, acknowledged or handed to
//! a peer that is not committed; both what users of this node do and what peers send comes out of
//! the same ordered stream of commits. It never reads the network, and never decides who may be in
//! a room: only who may change a message.
//!
//! # What it offers
//!
//! - [`Store::open`] gives the handle and [`Commits`], the ordered stream of what was committed. Its
//!   consumer must keep taking: the writer waits for it.
//! - [`Store::submit`] stores a [`Deed`]; the order of calls is the order in the log, and the
//!   [`Ticket`] resolves to where it is [`Placed`]. When the queue is full it is
//!   [`StoreError::Busy`] at once; who would rather wait takes a [`Slot`] by [`Store::reserve`].
//! - [`Store::ingest`] stores events of peers, each origin's in order and without gaps.
//! - [`Store::read`] runs a closure with a [`Reader`], on the log as it was at one moment. Questions
//!   about a room take `up_to`, a version vector past which nothing is seen; give them what the room
//!   has been shown, and live events go on exactly there.
//! - [`Store::merge_soft`] and [`Reader::soft_since`] are the facts that nodes gossip: rooms, names,
//!   read markers.
//! - [`Store::start_search`] keeps an index of the words beside the log, and [`Store::search`] asks it.
//! - [`Store::held`], [`Store::origin`], [`Store::figures`] answer from memory.
//! - [`Store::close`] ends it in an orderly way.
//!
//! Messages come as the protocol's [`Message`](crate::protocol::server::Message), save that `room`
//! is the text of a [`RoomKey`](crate::protocol::RoomKey).
//!
//! # Reading order
//!
//! `commit` (what goes in and out), `writer` (the thread), `log` (the door), `merge` and `registers`
//! (what events change), `identities` (where messages stand), `clock`; `schema`, `rows`, `intern` (the tables); `reader`, `pages`, `missed`,
//! `since`, `replay`, `view` (reading); `soft`; `dump`; `folder`, `origin`, `mark`, `wal`, `pool`,
//! `figures`; `search` (finding words); `by_hand` (without the thread).

#[doc(hidden)]
pub mod by_hand;
pub mod clock;
mod commit;
mod dump;
mod error;
mod figures;
mod folder;
mod identities;
mod intern;
mod log;
mod mark;
mod merge;
mod missed;
mod origin;
mod pages;
mod pool;
mod reader;
mod registers;
mod replay;
mod rows;
mod schema;
mod search;
#[cfg(test)]
pub(in crate::node) mod simulated;
mod since;
mod soft;
mod view;
mod wal;
mod writer;

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};

pub use clock::{Clock, ManualClock};
pub use commit::{
    Answering, Commits, Committed, Deed, Early, Ingested, Outcome, Placed, UpdateKind,
};
pub use error::StoreError;
pub use figures::Figures;
pub use mark::MARKS;
pub use pages::Page;
pub use reader::{Reader, RoomSummary, Topic};
pub use replay::{Replay, Replayed};
pub use search::{Found, Query, Scope};
pub use since::SincePage;
pub use view::message_bytes;

pub use crate::protocol::soft::{SoftPage, SoftRow};
use crate::protocol::{Event, Origin, Ts, VersionVector};
use log::Log;
use mark::Mark;
use pool::Pool;
use search::Searching;
use wal::Checkpoints;
use writer::{COMMITS_WAITING_MAX, QUEUE_MAX, Request, Shown, Writer, lock};

/// A handle of the store; clones are cheap and mean the same store.
#[derive(Clone)]
pub struct Store {
    requests: mpsc::Sender<Request>,
    pool: Arc<Pool>,
    shown: Arc<Shown>,
    /// Once it is started.
    search: Option<Arc<Searching>>,
}

/// A deed's answer to be: where it is stored, once it is on stable storage. Dropping it does not
/// take the deed back.
#[derive(Debug)]
#[must_use = "the deed is stored only if this says so"]
pub struct Ticket(Waiting);

#[derive(Debug)]
enum Waiting {
    For(oneshot::Receiver<Result<Placed, StoreError>>),
    Refused(StoreError),
}

/// A place in the store's queue that is kept free.
pub struct Slot(mpsc::OwnedPermit<Request>);

impl Store {
    /// Opens the log in the folder `dir`, making both if they are not there. `node` is the first
    /// part of the origin it writes under; `marks` is [`MARKS`], or a folder like it.
    ///
    /// # Errors
    /// `InUse`, `NotWritable`, `Newer`, `NotALog`, `SqliteTooOld`, `Unavailable`: each a sentence
    /// for the person who starts the node. Nothing is changed then.
    pub fn open(
        dir: &Path,
        marks: &Path,
        node: &str,
        clock: impl Clock,
    ) -> Result<(Store, Commits), StoreError> {
        let (writer, store, commits) = Store::assemble(dir, marks, node, clock)?;
        writer::spawn(writer, dir)?;
        Ok((store, commits))
    }

    fn assemble(
        dir: &Path,
        marks: &Path,
        node: &str,
        clock: impl Clock,
    ) -> Result<(Writer, Store, Commits), StoreError> {
        let (folder_lock, path) = folder::take(dir)?;
        let conn = schema::open_writer(&path)?;
        let identity = folder::identity(&path)?;
        let mark = Mark::open(marks, &path);
        let mut log = Log::open(conn, node, &identity, mark, Arc::new(clock))?;
        log.settle_if_due();
        let held = log.held()?;
        let events = held.iter().map(|(_, seq)| seq).sum();
        let shown = Arc::new(Shown {
            early: OnceLock::new(),
            answering: OnceLock::new(),
            origin: Mutex::new(log.origin().clone()),
            held: Mutex::new(held),
            soft_rev: watch::Sender::new(log.rev as u64),
            counters: figures::Counters::new(&path),
            events: AtomicU64::new(events),
            last_written: AtomicI64::new(log.last_written().0),
        });
        shown.counters.starts_with(events);
        let (requests, waiting) = mpsc::channel(QUEUE_MAX);
        let (commits, committed) = mpsc::channel(COMMITS_WAITING_MAX);
        let writer = Writer {
            log,
            requests: waiting,
            commits,
            shown: shown.clone(),
            checkpoints: Checkpoints::start(&path)?,
            lock: folder_lock,
        };
        let store = Store {
            requests,
            pool: Arc::new(Pool::new(&path)),
            shown,
            search: None,
        };
        Ok((writer, store, Commits(committed)))
    }

    /// Queues the deed; its place in the queue is taken before this returns.
    ///
    /// The ticket's errors: `Busy`, `Unavailable`, `Closed`, and for what changes a message
    /// `NoSuchMessage` (not here, in another room, or deleted) or `Forbidden` (somebody else's).
    pub fn submit(&self, deed: Deed) -> Ticket {
        match self.try_reserve() {
            Ok(slot) => slot.submit(deed),
            Err(error) => Ticket(Waiting::Refused(error)),
        }
    }

    /// A place in the queue, if one is free and nobody waits for it.
    ///
    /// # Errors
    /// `Busy`, `Closed`.
    pub fn try_reserve(&self) -> Result<Slot, StoreError> {
        match self.requests.clone().try_reserve_owned() {
            Ok(permit) => Ok(Slot(permit)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(StoreError::Closed),
        }
    }

    /// Waits for room in the queue, and keeps it: how a session that sends faster than the disk
    /// takes it is slowed down. Fair: first come, first served.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn reserve(&self) -> Result<Slot, StoreError> {
        let permit = self.requests.clone().reserve_owned().await;
        permit.map(Slot).map_err(|_| StoreError::Closed)
    }

    /// Stores many deeds in one transaction, and answers for each.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`: then none of them is stored.
    pub async fn submit_all(
        &self,
        deeds: Vec<Deed>,
    ) -> Result<Vec<Result<Placed, StoreError>>, StoreError> {
        let now = Instant::now();
        self.ask(|reply| Request::SubmitAll(deeds, now, reply))
            .await
    }

    /// Stores what a peer has sent: of each origin the events that follow what is held. Others are
    /// passed over, and the answer says where to go on.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`: then none of them is stored.
    pub async fn ingest(&self, events: Vec<Arc<Event>>) -> Result<Ingested, StoreError> {
        let now = Instant::now();
        self.ask(|reply| {
            let tell = move |answer| {
                let _ = reply.send(answer);
            };
            Request::Ingest(events, now, Box::new(tell))
        })
        .await
    }

    /// The same for who does not wait: `tell` is called with the answer, on the store's thread, which must
    /// not be held up; it is dropped when the store is closed before.
    ///
    /// # Errors
    /// Gives the events back when the queue is full, or the store closed.
    pub fn ingest_and_tell(
        &self,
        events: Vec<Arc<Event>>,
        tell: impl FnOnce(Result<Ingested, StoreError>) + Send + 'static,
    ) -> Result<(), Vec<Arc<Event>>> {
        match self.requests.try_reserve() {
            Ok(room) => {
                let tell = Box::new(tell);
                room.send(Request::Ingest(events, Instant::now(), tell));
                Ok(())
            }
            Err(_) => Err(events),
        }
    }

    /// Takes in facts, this node's own or a peer's, and returns those that were news.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`.
    pub async fn merge_soft(&self, rows: Vec<SoftRow>) -> Result<Vec<SoftRow>, StoreError> {
        self.ask(|reply| Request::Soft(rows, reply)).await
    }

    /// Writes under a new random origin from now on; what was written stays as history. Due when a
    /// peer knows more of the old one than this store does.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`.
    pub async fn begin_new_origin(&self) -> Result<Origin, StoreError> {
        self.ask(Request::BeginOrigin).await
    }

    /// Asks the log as it is at one moment, away from the async threads.
    ///
    /// # Errors
    /// Those of `work`; `Unavailable`, `Damaged`, `Closed`.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.pool.read(work).await
    }

    /// The same on this thread, which may block.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.pool.read_blocking(work)
    }

    /// Begins to keep an index of what is said, in a file of its own in the store's folder `dir`. Whatever is
    /// wrong with that file is told to those who search, and to nobody else.
    ///
    /// # Errors
    /// `NoSearch`, when there is no thread for it.
    pub fn start_search(&mut self, dir: &Path) -> Result<(), StoreError> {
        let log = dir.join(folder::LOG_FILE);
        let searching = Searching::start(dir, &log, Arc::clone(&self.shown))?;
        self.search = Some(Arc::new(searching));
        Ok(())
    }

    /// The newest messages that the query finds in `scope`, `limit` of them (200 at most), about 256 KiB, and
    /// those of the oldest one's time. What was stored before this is waited for a moment.
    ///
    /// # Errors
    /// `NoSearch`; as [`Store::read`].
    pub async fn search(
        &self,
        query: Query,
        scope: Scope,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let searching = self.search.as_ref().ok_or(StoreError::Closed)?;
        let indexed = searching.reach(&self.held()).await?;
        let permit = searching.permit().await;
        let find = searching.finder();
        let read = self.read(move |log| {
            // It goes on when whoever asked has left.
            let _permit = permit;
            find(log, &query, &scope, limit)
        });
        let Page { messages, more } = read.await?;
        Ok(Found {
            messages,
            more,
            indexed,
        })
    }

    /// How far each origin is on stable storage here.
    pub fn held(&self) -> VersionVector {
        lock(&self.shown.held).clone()
    }

    /// The time of the last event that this store wrote under its origin; 0 for none.
    pub fn last_written(&self) -> Ts {
        Ts(self.shown.last_written.load(Ordering::Acquire))
    }

    /// The origin that this store writes under.
    pub fn origin(&self) -> Origin {
        lock(&self.shown.origin).clone()
    }

    /// From now on `answering` is told around each transaction's answers; once only.
    pub fn set_answering(&self, answering: Arc<dyn Answering>) {
        if self.shown.answering.set(answering).is_err() {
            tracing::error!("one is told of the store's answers; the second one is not");
        }
    }

    /// From now on `early` is handed this node's events before they are committed; once only.
    pub fn set_early(&self, early: impl Early) {
        if self.shown.early.set(Box::new(early)).is_err() {
            tracing::error!("a store hands its events out to one place; the second is not used");
        }
    }

    /// Rises with every change of soft state.
    pub fn soft_rev(&self) -> watch::Receiver<u64> {
        self.shown.soft_rev.subscribe()
    }

    pub fn figures(&self) -> Figures {
        let waiting = self.requests.max_capacity() - self.requests.capacity();
        self.shown.counters.read(waiting)
    }

    /// Stores what is queued, then closes the files and lets the folder go. Reads end; every handle
    /// gets `Closed` from then on.
    pub async fn close(&self) {
        if let Some(search) = &self.search {
            search.stop().await;
        }
        self.pool.close();
        let (reply, closed) = oneshot::channel();
        if self.requests.send(Request::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(request(reply))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Slot {
    /// As [`Store::submit`], but never `Busy`.
    pub fn submit(self, deed: Deed) -> Ticket {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request::Submit(deed, Instant::now(), reply));
        Ticket(Waiting::For(answer))
    }
}

impl Future for Ticket {
    type Output = Result<Placed, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Waiting::For(answer) => Pin::new(answer)
                .poll(context)
                .map(|answer| answer.unwrap_or(Err(StoreError::Closed))),
            Waiting::Refused(error) => Poll::Ready(Err(error.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
