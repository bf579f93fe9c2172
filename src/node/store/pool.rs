//! Connections for reading, few and reused. Reading never waits for writing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::error::StoreError;
use super::reader::Reader;
use super::schema;
use super::writer::lock;

/// Reads that run at once. Each is short; more would only wait for the same disk.
const READERS_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Reader>>,
}

impl Pool {
    pub(super) fn new(path: &Path) -> Pool {
        Pool {
            path: path.to_owned(),
            permits: Arc::new(Semaphore::new(READERS_MAX)),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs `work` on a thread for blocking work, on the log as it was at one moment.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Pool>,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let pool = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            pool.run(work)
        });
        done.await
            .unwrap_or_else(|error| Err(StoreError::Unavailable(format!("a read ended: {error}"))))
    }

    /// Runs `work` here and now; for threads that may block.
    pub(super) fn read_blocking<T>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.permits.is_closed() {
            return Err(StoreError::Closed);
        }
        self.run(work)
    }

    fn run<T>(&self, work: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = lock(&self.idle).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => Reader::new(schema::open_reader(&self.path)?),
        };
        let done = reader.at_one_moment(work);
        // One that failed may be in any state; the next read opens another.
        if done.is_ok() && !self.permits.is_closed() {
            lock(&self.idle).push(reader);
        }
        done
    }

    /// Ends reading and closes what is idle.
    pub(super) fn close(&self) {
        self.permits.close();
        lock(&self.idle).clear();
    }
}
