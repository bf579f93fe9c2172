//! Full text: finding messages by their words.
//!
//! Owns an index in a file of its own beside the log, and the one thread that brings it up to the log. It
//! is on nobody's way: the thread reads the log as any reader does, rests while the node is busy, and
//! whatever happens to the index, storing goes on. Nothing in it is not in the log: one that is missing,
//! damaged, of another version or of another log is made anew. What is found is shown as the log has it.
//!
//! # Reading order
//!
//! `words` (what is compared), `query` (what is asked for), `file` (the tables), `indexing` (from the log
//! into them), `find` (and back).

mod file;
mod find;
mod indexing;
mod query;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use query::Query;

use super::error::StoreError;
use super::pages::Page;
use super::reader::Reader;
use super::schema;
use super::writer::{Shown, lock};
use crate::protocol::server::Message;
use crate::protocol::{RoomKey, Uid, VersionVector};
use file::Fault;
use indexing::Index;

/// Between two looks at whether the log has grown. Who searches wakes the thread sooner.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Until it is tried again to write an index that could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How long who searches waits for what was stored before, in case the index is just behind.
const REACH_MAX: Duration = Duration::from_millis(250);

/// Searches that run at once: others read too.
const SEARCHES_MAX: usize = 2;

/// Events a second past which the node is busy.
const BUSY_EVENTS_PER_S: f64 = 500.0;

/// How long the thread rests, as a multiple of how long it worked: half a processor, and a tenth of one
/// while the node is busy.
const REST: u32 = 1;
const REST_WHILE_BUSY: u32 = 9;

/// Where is searched: these rooms, and the direct conversations of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    pub rooms: Vec<RoomKey>,
    pub directs_of: Option<Uid>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Newest first.
    pub messages: Vec<Message>,
    /// There are older ones.
    pub more: bool,
    /// All was looked at that was stored when this was asked.
    pub indexed: bool,
}

/// How far the index is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// There is an index to look into.
    open: bool,
    indexed: VersionVector,
    /// Why it does not go on.
    fault: Option<String>,
}

/// The index and its thread. Dropping it ends the thread.
pub(super) struct Searching {
    state: Arc<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    path: PathBuf,
    log: PathBuf,
    shown: Arc<Shown>,
    progress: watch::Sender<Progress>,
    told: Mutex<Told>,
    telling: Condvar,
    permits: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

/// What the thread is told.
#[derive(Debug, Default)]
struct Told {
    stop: bool,
    /// Somebody waits.
    wanted: bool,
    /// Who read it found it damaged.
    damaged: bool,
}

/// Connections that wait for the next search; to the file of this generation.
#[derive(Default)]
struct Idle {
    generation: u64,
    conns: Vec<Connection>,
}

impl Searching {
    /// Begins to index the log at `log` into a file in `dir`.
    pub(super) fn start(
        dir: &Path,
        log: &Path,
        shown: Arc<Shown>,
    ) -> Result<Searching, StoreError> {
        let state = Arc::new(State {
            path: dir.join(file::INDEX_FILE),
            log: log.to_owned(),
            shown,
            progress: watch::Sender::default(),
            told: Mutex::default(),
            telling: Condvar::new(),
            permits: Arc::new(Semaphore::new(SEARCHES_MAX)),
            idle: Mutex::default(),
        });
        let running = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("store-search".to_owned())
            .spawn(move || running.run())
            .map_err(|error| StoreError::NoSearch(format!("no thread: {error}")))?;
        Ok(Searching {
            state,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Waits a moment for the index to be where the log was when this was asked; whether it is.
    pub(super) async fn reach(&self, held: &VersionVector) -> Result<bool, StoreError> {
        let mut progress = self.state.progress.subscribe();
        let is_there = |progress: &Progress| {
            progress.fault.is_some() || (progress.open && progress.indexed.includes(held))
        };
        if !is_there(&progress.borrow()) {
            self.state.tell(|told| told.wanted = true);
            // Past the time it answers with what there is.
            let _ = tokio::time::timeout(REACH_MAX, progress.wait_for(is_there)).await;
        }
        let progress = progress.borrow();
        match &progress.fault {
            Some(fault) => Err(StoreError::NoSearch(fault.clone())),
            None if !progress.open => {
                let why = "its index is not open yet";
                Err(StoreError::NoSearch(why.to_owned()))
            }
            None => Ok(progress.indexed.includes(held)),
        }
    }

    /// Room for one more search.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let permits = Arc::clone(&self.state.permits);
        permits.acquire_owned().await.ok()
    }

    /// A search that runs on whichever thread may block, without this.
    pub(super) fn finder(
        &self,
    ) -> impl FnOnce(&Reader, &Query, &Scope, usize) -> Result<Page, StoreError> + Send + use<>
    {
        let state = Arc::clone(&self.state);
        move |log, query, scope, limit| state.find(log, query, scope, limit)
    }

    /// Ends the thread, and waits for it; what it has in hand is done first.
    pub(super) async fn stop(&self) {
        self.state.tell(|told| told.stop = true);
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        lock(&self.state.idle).conns.clear();
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        self.state.tell(|told| told.stop = true);
    }
}

impl State {
    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut lock(&self.told));
        self.telling.notify_all();
    }

    /// The thread.
    fn run(&self) {
        while !lock(&self.told).stop {
            let Err(fault) = self.keep_up() else { return };
            tracing::warn!(error = %fault, "the index for searching cannot be written; it is tried again");
            let damaged = fault.is_cured_by_beginning_anew();
            if damaged && let Err(error) = self.begin_anew() {
                tracing::warn!(%error, "a damaged index cannot be removed");
            }
            self.progress.send_replace(Progress {
                // What is damaged is made anew at once.
                fault: (!damaged).then(|| fault.to_string()),
                ..Progress::default()
            });
            let pause = if damaged { LOOK_EVERY } else { RETRY_AFTER };
            self.wait(pause, |told| told.stop);
        }
    }

    /// Removes the index's file; who has it open finds nothing new in it.
    fn begin_anew(&self) -> std::io::Result<()> {
        let mut idle = lock(&self.idle);
        idle.generation += 1;
        idle.conns.clear();
        lock(&self.told).damaged = false;
        file::remove(&self.path)
    }

    /// Follows the log until it is told to stop.
    fn keep_up(&self) -> Result<(), Fault> {
        let log = Reader::new(schema::open_reader(&self.log)?);
        {
            // A file that is replaced at the opening is another one to those who have the old one open.
            let mut idle = lock(&self.idle);
            idle.generation += 1;
            idle.conns.clear();
        }
        let mut index = Index::open(&self.path, &log)?;
        loop {
            let seen = self.shown.events.load(Ordering::Relaxed);
            let began = Instant::now();
            let events = index.go_on(&log)?;
            let indexed = index.vector(&log)?;
            self.progress.send_modify(|progress| {
                progress.open = true;
                progress.indexed = indexed;
                progress.fault = None;
            });
            if lock(&self.told).damaged {
                return Err(Fault::Damaged("it cannot be read".to_owned()));
            }
            if events > 0 {
                self.rest(began, seen);
            } else {
                while self.shown.events.load(Ordering::Relaxed) == seen
                    && !self.wait(LOOK_EVERY, |told| told.stop || told.wanted || told.damaged)
                {
                }
            }
            let mut told = lock(&self.told);
            told.wanted = false;
            if told.stop {
                return Ok(());
            }
        }
    }

    /// Leaves the processor and the disk to the others after some work, unless somebody waits.
    fn rest(&self, began: Instant, seen: u64) {
        let took = began.elapsed();
        let stored = self
            .shown
            .events
            .load(Ordering::Relaxed)
            .saturating_sub(seen);
        let busy = stored as f64 > BUSY_EVENTS_PER_S * took.as_secs_f64();
        let rest = took * if busy { REST_WHILE_BUSY } else { REST };
        self.wait(rest, |told| told.stop || told.wanted);
    }

    /// Whether `until` came true in this time.
    fn wait(&self, time: Duration, until: impl Fn(&Told) -> bool) -> bool {
        let told = lock(&self.told);
        let waited = self
            .telling
            .wait_timeout_while(told, time, |told| !until(told));
        let (told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        until(&told)
    }

    fn find(
        &self,
        log: &Reader,
        query: &Query,
        scope: &Scope,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let (generation, idle) = {
            let mut idle = lock(&self.idle);
            (idle.generation, idle.conns.pop())
        };
        let found = idle
            .map_or_else(|| file::open_reader(&self.path), Ok)
            .and_then(|conn| {
                let page = find::find(&conn, log, query, scope, limit)?;
                let mut idle = lock(&self.idle);
                if idle.generation == generation && idle.conns.len() < SEARCHES_MAX {
                    idle.conns.push(conn);
                }
                Ok(page)
            });
        found.map_err(|fault| match fault {
            Fault::Log(error) => error,
            // Its file may be on its way: the thread says in a moment what is wrong with it.
            Fault::Unavailable(why) | Fault::Unexpected(why) => StoreError::NoSearch(why),
            Fault::Damaged(why) => {
                if lock(&self.idle).generation == generation {
                    self.tell(|told| told.damaged = true);
                }
                StoreError::NoSearch(format!("the index is damaged and is made anew: {why}"))
            }
        })
    }
}
