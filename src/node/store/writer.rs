//! The one thread that writes: it drains what waits into one transaction, hands what was committed
//! on in order, and only then answers.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};

use super::commit::{Answering, Committed, Deed, Early, Ingested, Placed};
use super::error::StoreError;
use super::figures::Counters;
use super::folder::FolderLock;
use super::log::{Appended, Log};
use super::wal::Checkpoints;
use crate::protocol::soft::SoftRow;
use crate::protocol::{Event, Origin, VersionVector};

/// Requests that wait for the writer. At its rate, less than a tenth of a second.
pub(super) const QUEUE_MAX: usize = 8 * 1024;

/// Events of one transaction, save that a request is not divided.
const BATCH_EVENTS_MAX: usize = 1024;

/// Transactions that wait for the consumer of the commits.
pub(super) const COMMITS_WAITING_MAX: usize = 64;

type ReplyTo<T> = oneshot::Sender<Result<T, StoreError>>;

/// An answer that is given by calling it, on the writer's thread.
pub(super) type Tell<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// What the writer is asked for.
pub(super) enum Request {
    Submit(Deed, Instant, ReplyTo<Placed>),
    SubmitAll(Vec<Deed>, Instant, ReplyTo<Vec<Result<Placed, StoreError>>>),
    Ingest(Vec<Arc<Event>>, Instant, Tell<Ingested>),
    Soft(Vec<SoftRow>, ReplyTo<Vec<SoftRow>>),
    BeginOrigin(ReplyTo<Origin>),
    /// Ends the thread; answered once the file is closed.
    Close(oneshot::Sender<()>),
    #[cfg(test)]
    LimitPages(Option<i64>, ReplyTo<()>),
}

impl Request {
    /// Events that it writes, about.
    fn weight(&self) -> usize {
        match self {
            Request::SubmitAll(deeds, ..) => deeds.len(),
            Request::Ingest(events, ..) => events.len(),
            Request::Soft(rows, _) => rows.len(),
            Request::Submit(..) | Request::BeginOrigin(_) | Request::Close(_) => 1,
            #[cfg(test)]
            Request::LimitPages(..) => 1,
        }
    }
}

/// What the writer shows to the store's handles.
pub(super) struct Shown {
    /// Who is handed this node's events before they are committed.
    pub(super) early: OnceLock<Box<dyn Early>>,
    /// Who is told around answers.
    pub(super) answering: OnceLock<Arc<dyn Answering>>,
    pub(super) held: Mutex<VersionVector>,
    pub(super) origin: Mutex<Origin>,
    pub(super) soft_rev: watch::Sender<u64>,
    pub(super) counters: Counters,
    /// Events in the log.
    pub(super) events: AtomicU64,
    /// The time of this origin's last event.
    pub(super) last_written: AtomicI64,
}

pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) commits: mpsc::Sender<Vec<Committed>>,
    pub(super) shown: Arc<Shown>,
    pub(super) checkpoints: Checkpoints,
    pub(super) lock: FolderLock,
}

/// Tells of the writer's end.
struct Ended(Arc<Shown>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(answering) = self.0.answering.get() {
            answering.end(0);
        }
    }
}

/// Answers one request, once it is known whether the transaction was committed.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A transaction in the making.
#[derive(Default)]
struct Batch {
    committed: Vec<Committed>,
    answers: Vec<Answer>,
    received: Vec<Instant>,
    /// Why the transaction cannot go on.
    fault: Option<StoreError>,
    close: Option<oneshot::Sender<()>>,
}

impl Writer {
    /// Runs until the store is closed or its last handle is dropped.
    pub(super) fn run(self) {
        // Dropped after the writer, also when that has failed: whoever waits for commits hears of the end.
        let _ended = Ended(Arc::clone(&self.shown));
        self.write_all();
    }

    fn write_all(mut self) {
        let mut closed = None;
        while closed.is_none() {
            let Some(first) = self.requests.blocking_recv() else {
                break;
            };
            closed = self.transaction(first);
        }
        self.requests.close();
        if let Err(error) = self.log.settle() {
            tracing::warn!(%error, "the store closes with work left for its next start");
        }
        let Writer {
            log,
            requests,
            checkpoints,
            lock,
            commits,
            shown,
        } = self;
        drop((requests, checkpoints, log, commits));
        drop(lock);
        if let Some(answering) = shown.answering.get() {
            answering.end(0);
        }
        if let Some(closed) = closed {
            let _ = closed.send(());
        }
    }

    pub(super) fn transaction(&mut self, first: Request) -> Option<oneshot::Sender<()>> {
        let mut batch = Batch {
            fault: self.log.begin().err(),
            ..Batch::default()
        };
        let mut weight = first.weight();
        self.carry_out(first, &mut batch);
        while weight < BATCH_EVENTS_MAX && batch.close.is_none() {
            let Ok(request) = self.requests.try_recv() else {
                break;
            };
            weight += request.weight();
            self.carry_out(request, &mut batch);
        }
        let outcome = match batch.fault.take() {
            None => self.log.merge_identities().and_then(|()| {
                self.hand_out(&batch.committed);
                self.log.commit()
            }),
            Some(fault) => Err(fault),
        };
        let written = batch.committed.len();
        match &outcome {
            Ok(()) => self.show(batch.committed, &batch.received),
            Err(error) => {
                tracing::error!(%error, "the store could not write; nothing was acknowledged");
                self.log.roll_back();
                self.shown.counters.failed();
            }
        }
        let answering = self.shown.answering.get();
        if let Some(answering) = answering {
            answering.begin();
        }
        for answer in batch.answers {
            answer(outcome.clone());
        }
        if let Some(answering) = answering {
            answering.end(written);
        }
        if outcome.is_ok() {
            self.checkpoints
                .after_commit(&self.log.conn, written as u64);
        }
        batch.close
    }

    /// Hands this node's new events out, so that the peers' disks write while ours does. What then is
    /// not committed here is not taken back: nothing else gets its place.
    fn hand_out(&mut self, events: &[Committed]) {
        let Some(early) = self.shown.early.get().filter(|early| early.is_wanted()) else {
            return;
        };
        let own = events.iter().filter(|item| item.local);
        let own: Vec<Arc<Event>> = own.map(|item| item.event.clone()).collect();
        if !own.is_empty() {
            self.log.hand_out();
            early.written(own);
        }
    }

    /// Makes what was committed known: first how far the log is, then the events themselves.
    fn show(&mut self, committed: Vec<Committed>, received: &[Instant]) {
        let written = committed.len() as u64;
        {
            let mut held = lock(&self.shown.held);
            for item in &committed {
                held.advance(&item.event.origin, item.event.seq);
            }
        }
        *lock(&self.shown.origin) = self.log.origin().clone();
        let last = self.log.last_written().0;
        self.shown.last_written.store(last, Ordering::Release);
        let rev = self.log.rev as u64;
        self.shown.soft_rev.send_if_modified(|shown| {
            let changed = *shown != rev;
            *shown = rev;
            changed
        });
        let events = self.shown.events.fetch_add(written, Ordering::Relaxed) + written;
        self.shown.counters.committed(received, written, events);
        if !committed.is_empty() {
            // Nobody listens any more: the node is on its way out, the log goes on.
            let _ = self.commits.blocking_send(committed);
        }
    }

    fn carry_out(&mut self, request: Request, batch: &mut Batch) {
        let log = &mut self.log;
        match request {
            Request::Submit(deed, at, reply) => {
                batch.received.push(at);
                batch.step(reply, |events| submit(log, deed, at, events));
            }
            Request::SubmitAll(deeds, at, reply) => {
                batch.received.push(at);
                batch.step(reply, |events| {
                    let each = deeds.into_iter().map(|deed| submit(log, deed, at, events));
                    each.collect::<Result<Vec<_>, _>>().map(Ok)
                });
            }
            Request::Ingest(events, at, tell) => {
                batch.received.push(at);
                batch.step_and_tell(tell, |committed| {
                    let mut appended = Vec::with_capacity(events.len());
                    let report = log.ingest(events, &mut appended)?;
                    committed.extend(appended.into_iter().map(|event| item(event, false, at)));
                    Ok(Ok(report))
                });
            }
            Request::Soft(rows, reply) => batch.step(reply, |_| log.merge_soft(rows).map(Ok)),
            Request::BeginOrigin(reply) => batch.step(reply, |_| log.begin_new_origin().map(Ok)),
            Request::Close(reply) => batch.close = Some(reply),
            #[cfg(test)]
            Request::LimitPages(more, reply) => {
                batch.step(reply, |_| log.limit_pages(more).map(Ok));
            }
        }
    }
}

impl Batch {
    /// Does one request's work, unless the transaction has failed already, and keeps its answer.
    fn step<T: Send + 'static>(
        &mut self,
        reply: ReplyTo<T>,
        work: impl FnOnce(&mut Vec<Committed>) -> Result<Result<T, StoreError>, StoreError>,
    ) {
        let tell = |answer| {
            let _ = reply.send(answer);
        };
        self.step_and_tell(tell, work);
    }

    fn step_and_tell<T: Send + 'static>(
        &mut self,
        tell: impl FnOnce(Result<T, StoreError>) + Send + 'static,
        work: impl FnOnce(&mut Vec<Committed>) -> Result<Result<T, StoreError>, StoreError>,
    ) {
        let value = match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => work(&mut self.committed).unwrap_or_else(|fault| {
                self.fault = Some(fault.clone());
                Err(fault)
            }),
        };
        self.answers
            .push(Box::new(move |outcome| tell(outcome.and(value))));
    }
}

fn submit(
    log: &mut Log,
    deed: Deed,
    received_at: Instant,
    committed: &mut Vec<Committed>,
) -> Result<Result<Placed, StoreError>, StoreError> {
    match log.submit(deed)? {
        Ok((placed, appended)) => {
            committed.extend(appended.map(|event| item(event, true, received_at)));
            Ok(Ok(placed))
        }
        Err(refusal) => Ok(Err(refusal)),
    }
}

fn item((event, outcome): Appended, local: bool, received_at: Instant) -> Committed {
    Committed {
        event,
        outcome,
        local,
        received_at,
    }
}

/// The data behind the lock; a thread that panicked with it has left whole values.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread.
pub(super) fn spawn(writer: Writer, path: &Path) -> Result<(), StoreError> {
    let name = "store-writer".to_owned();
    std::thread::Builder::new()
        .name(name)
        .spawn(move || writer.run())
        .map(|_| ())
        .map_err(StoreError::not_writable(path))
}
