//! Keeps the write-ahead log short without holding up writers or readers.
//!
//! A thread of its own copies committed pages into the log's file while the writer goes on. Under
//! unbroken load that never quite catches up, so past a bound the writer does the rest itself and
//! has the write-ahead log begin anew.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::error::StoreError;
use super::schema;

/// Pages (4 KiB) not yet copied at which the thread is woken: 8 MiB.
const COPY_AT_PAGES: i64 = 2 * 1024;

/// Pages in the write-ahead log at which the writer has it begin anew: 64 MiB.
const RESTART_AT_PAGES: i64 = 16 * 1024;

/// Events between two looks at it.
const LOOK_EVERY_EVENTS: u64 = 512;
/// Transactions between two looks at it.
const LOOK_EVERY_COMMITS: u32 = 64;

/// The writer's side.
pub(super) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    events: u64,
    commits: u32,
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Checkpoints, StoreError> {
        let conn = schema::open_copier(path)?;
        let (wake, woken) = sync_channel::<()>(1);
        // What an earlier process has left is copied first.
        let _ = wake.try_send(());
        let thread = std::thread::Builder::new()
            .name("store-wal".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    if let Err(error) = checkpoint(&conn, "PASSIVE") {
                        tracing::warn!(%error, "the store cannot copy its write-ahead log");
                    }
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(Checkpoints {
            wake: Some(wake),
            thread: Some(thread),
            events: 0,
            commits: 0,
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
            if pages.all >= RESTART_AT_PAGES {
                return checkpoint(conn, "RESTART").map(|_| ());
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
    all: i64,
    copied: i64,
}

fn checkpoint(conn: &Connection, mode: &str) -> Result<Pages, StoreError> {
    let pages = conn
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| {
            Ok(Pages {
                all: row.get(1)?,
                copied: row.get(2)?,
            })
        })?;
    Ok(pages)
}
