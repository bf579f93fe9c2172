//! Keeps the write-ahead log short without holding up writers or readers.
//!
//! A thread of its own copies committed pages into the log's file while the writer goes on. Under
//! unbroken load that never quite catches up, so past a bound the writer does the rest itself and
//! has the write-ahead log begin anew.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::StoreError;
use super::schema;
use super::writer::lock;

/// Pages (4 KiB) not yet copied at which the thread is woken: 4 MiB.
const COPY_AT_PAGES: i64 = 1024;

/// Pages in the write-ahead log at which the writer has it begin anew: 12 MiB, so that with what comes
/// until the next look it stays within the file.
const RESTART_AT_PAGES: i64 = 3 * 1024;

/// Pages in it at which the writer waits for the thread, should that be copying: SQLite would refuse it at
/// once. Below, it looks again later.
const WAIT_AT_PAGES: i64 = 2 * RESTART_AT_PAGES;

/// How long the writer leaves it after a reader was in the way: each try waits for that a while.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Pages that come in a pause at which it tries again all the same: 12 MiB, which a writer in full flight
/// writes in a tenth of it.
const PAUSE_PAGES_MAX: i64 = 3 * 1024;

/// The length of the write-ahead log's file from the start on, and the one that it is cut back to.
pub(super) const WAL_BYTES_KEPT: u32 = 16 * 1024 * 1024;

/// Events between two looks at it.
const LOOK_EVERY_EVENTS: u64 = 512;
/// Transactions between two looks at it.
const LOOK_EVERY_COMMITS: u32 = 64;

/// Fills the write-ahead log's file up with zeros, behind what is in it: they are no pages to SQLite, and
/// writing over them needs no new blocks of the file system, which makes a commit nearly twice as fast.
/// To be called before anything is written. Where there is no room for it, there is no harm.
fn lengthen(log: &Path) {
    let mut path = log.as_os_str().to_owned();
    path.push("-wal");
    let lengthened = OpenOptions::new().write(true).open(&path).and_then(|file| {
        let length = file.metadata()?.len();
        fill(&file, length).inspect_err(|_| {
            // Best is to leave it as it was; zeros that stay do no harm either.
            let _ = file.set_len(length);
        })
    });
    if let Err(error) = lengthened {
        tracing::debug!(%error, "the write-ahead log's file is not filled up");
    }
}

fn fill(file: &File, from: u64) -> io::Result<()> {
    let zeros = vec![0; 1024 * 1024];
    let (mut at, end) = (from, u64::from(WAL_BYTES_KEPT));
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let part = &zeros[..left.min(zeros.len())];
        file.write_all_at(part, at)?;
        at += part.len() as u64;
    }
    file.sync_all()
}

/// The writer's side.
pub(super) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Held by whichever of both copies.
    copying: Arc<Mutex<()>>,
    events: u64,
    commits: u32,
    /// It does not try to begin anew.
    pause: Option<Pause>,
}

/// Ends with whichever comes first.
struct Pause {
    until: Instant,
    at_pages: i64,
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Checkpoints, StoreError> {
        lengthen(path);
        let conn = schema::open_copier(path)?;
        let (wake, woken) = sync_channel::<()>(1);
        // What an earlier process has left is copied first.
        let _ = wake.try_send(());
        let copying = Arc::new(Mutex::new(()));
        let held = Arc::clone(&copying);
        let thread = std::thread::Builder::new()
            .name("store-wal".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    let _copying = lock(&held);
                    if let Err(error) = checkpoint(&conn, "PASSIVE") {
                        tracing::warn!(%error, "the store cannot copy its write-ahead log");
                    }
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(Checkpoints {
            wake: Some(wake),
            thread: Some(thread),
            copying,
            events: 0,
            commits: 0,
            pause: None,
        })
    }

    /// After each transaction, on the writer's connection.
    pub(super) fn after_commit(&mut self, conn: &Connection, events: u64) {
        self.events += events;
        self.commits += 1;
        if self.events < LOOK_EVERY_EVENTS && self.commits < LOOK_EVERY_COMMITS {
            return;
        }
        (self.events, self.commits) = (0, 0);
        let looked = checkpoint(conn, "NOOP").and_then(|pages| {
            let is_over =
                |pause: &Pause| pause.until <= Instant::now() || pages.all >= pause.at_pages;
            if pages.all >= RESTART_AT_PAGES && self.pause.as_ref().is_none_or(is_over) {
                let _copying = match self.copying.try_lock() {
                    Ok(copying) => copying,
                    Err(TryLockError::WouldBlock) if pages.all < WAIT_AT_PAGES => return Ok(()),
                    Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => {
                        lock(&self.copying)
                    }
                };
                let tried = checkpoint(conn, "RESTART")?;
                self.pause = tried.busy.then(|| Pause {
                    until: Instant::now() + RESTART_PAUSE,
                    at_pages: pages.all + PAUSE_PAGES_MAX,
                });
                return Ok(());
            }
            if pages.all - pages.copied >= COPY_AT_PAGES
                && let Some(wake) = &self.wake
            {
                // Full: it is awake already.
                let _ = wake.try_send(());
            }
            Ok(())
        });
        if let Err(error) = looked {
            tracing::warn!(%error, "the store cannot keep its write-ahead log short");
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Pages of the write-ahead log.
struct Pages {
    /// A reader was in the way.
    busy: bool,
    all: i64,
    copied: i64,
}

fn checkpoint(conn: &Connection, mode: &str) -> Result<Pages, StoreError> {
    let pages = conn
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| {
            Ok(Pages {
                busy: row.get(0)?,
                all: row.get(1)?,
                copied: row.get(2)?,
            })
        })?;
    Ok(pages)
}
