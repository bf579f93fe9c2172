//! The store's door without its thread, for simulations: one transaction at a time, committed when
//! the simulation says so, on a disk that outlives the process and can be set back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

pub(in crate::node) use super::origin::chosen;

use super::clock::Clock;
use super::commit::{Committed, Deed, Ingested, Placed};
use super::error::StoreError;
use super::folder::LOG_FILE;
use super::log::Log;
use super::mark::Mark;
use super::reader::Reader;
use super::schema;
use crate::protocol::{Event, Origin, Ts, VersionVector};

/// A machine's disk, and the memory that lasts as long as its boot.
pub(in crate::node) struct Disk {
    dir: TempDir,
    marks: TempDir,
    /// What the system would tell of the file: changes with the inode and the boot.
    inode: u32,
    boot: u32,
}

/// The log on a disk, as it was at one moment.
pub(in crate::node) struct Snapshot {
    file: Vec<u8>,
    wal: Vec<u8>,
}

/// The store of a running process.
pub(in crate::node) struct Running {
    log: Log,
    reader: Reader,
}

impl Disk {
    pub(in crate::node) fn new() -> Disk {
        Disk {
            dir: in_memory(),
            marks: in_memory(),
            inode: 1,
            boot: 1,
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join(LOG_FILE)
    }

    /// Starts a process on the disk.
    pub(in crate::node) fn start(&self, node: &str, clock: Arc<dyn Clock>) -> Running {
        let path = self.file();
        if !path.exists() {
            std::fs::write(&path, "").unwrap();
        }
        let conn = schema::open_writer(&path).unwrap();
        // What it writes is safe when the simulation says so, and it has no use for the real disk.
        conn.pragma_update(None, "synchronous", "OFF").unwrap();
        let identity = format!("{}:{}", self.inode, self.boot);
        let mark = Mark::open(self.marks.path(), &path);
        let mut log = Log::open(conn, node, &identity, mark, clock).unwrap();
        // Few, so that processes end in the midst of it.
        log.identities.merge_at(6);
        log.settle_if_due();
        let reader = Reader::new(schema::open_reader(&path).unwrap());
        Running { log, reader }
    }

    /// One more connection that reads.
    pub(in crate::node) fn reader(&self) -> Reader {
        Reader::new(schema::open_reader(&self.file()).unwrap())
    }

    /// The machine has started anew: what was only in memory is gone.
    pub(in crate::node) fn boot(&mut self) {
        self.boot += 1;
        for folder in std::fs::read_dir(self.marks.path()).unwrap() {
            std::fs::remove_dir_all(folder.unwrap().path()).unwrap();
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.dir.path().join(format!("{LOG_FILE}{suffix}"))
    }

    /// A copy of the log as it is committed.
    pub(in crate::node) fn snapshot(&self) -> Snapshot {
        Snapshot {
            file: std::fs::read(self.file()).unwrap(),
            wal: std::fs::read(self.beside("-wal")).unwrap_or_default(),
        }
    }

    /// Puts a copy back: into the file itself, or as a new file in its place. No process may run.
    pub(in crate::node) fn restore(&mut self, snapshot: &Snapshot, in_place: bool) {
        let _ = std::fs::remove_file(self.beside("-shm"));
        std::fs::write(self.beside("-wal"), &snapshot.wal).unwrap();
        std::fs::write(self.file(), &snapshot.file).unwrap();
        if !in_place {
            self.inode += 1;
        }
    }
}

fn in_memory() -> TempDir {
    let memory = Path::new("/dev/shm");
    match tempfile::tempdir_in(memory) {
        Ok(dir) => dir,
        Err(_) => tempfile::tempdir().unwrap(),
    }
}

impl Running {
    pub(in crate::node) fn origin(&self) -> Origin {
        self.log.origin().clone()
    }

    pub(in crate::node) fn last_written(&self) -> Ts {
        self.log.last_written()
    }

    pub(in crate::node) fn held(&self) -> VersionVector {
        self.reader.held().unwrap()
    }

    pub(in crate::node) fn begin(&mut self) {
        self.log.begin().unwrap();
    }

    pub(in crate::node) fn begin_new_origin(&mut self) {
        self.log.begin_new_origin().unwrap();
    }

    pub(in crate::node) fn submit(
        &mut self,
        deed: Deed,
    ) -> Result<(Placed, Option<Committed>), StoreError> {
        let (placed, appended) = self.log.submit(deed).unwrap()?;
        Ok((placed, appended.map(|event| committed(event, true))))
    }

    pub(in crate::node) fn ingest(
        &mut self,
        events: Vec<Arc<Event>>,
    ) -> (Ingested, Vec<Committed>) {
        let mut appended = Vec::new();
        let report = self.log.ingest(events, &mut appended).unwrap();
        let stored = appended.into_iter().map(|event| committed(event, false));
        (report, stored.collect())
    }

    pub(in crate::node) fn hand_out(&mut self) {
        self.log.hand_out();
    }

    pub(in crate::node) fn commit(&mut self) {
        self.log.merge_identities().unwrap();
        self.log.commit().unwrap();
    }

    pub(in crate::node) fn roll_back(&mut self) {
        self.log.roll_back();
    }

    /// The disk refuses the commit.
    pub(in crate::node) fn commit_in_vain(&mut self) {
        self.log.identities.merge_some(&self.log.conn).unwrap();
        self.log.roll_back();
    }

    /// Messages whose identity is only in memory, and whether some of them are on their way into the
    /// table.
    pub(in crate::node) fn recent_identities(&self) -> (usize, bool) {
        self.log.identities.recent()
    }

    pub(in crate::node) fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // As the end of a process does: what is not committed is gone.
        self.log.roll_back();
    }
}

fn committed((event, outcome): super::log::Appended, local: bool) -> Committed {
    Committed {
        event,
        outcome,
        local,
        received_at: std::time::Instant::now(),
    }
}
