//! The store without its writer's thread: the same transactions, made by whoever holds it. For the guard
//! of instruction counts (`benches/instructions.rs`), which counts what one thread does; a node has no
//! use for it.

use std::path::Path;

use super::writer::Writer;
use super::{Clock, Commits, Store, StoreError};

/// Makes a store's transactions. What is queued by its [`Store`] waits for [`ByHand::transaction`].
pub struct ByHand(Writer);

impl ByHand {
    /// Opens the log as [`Store::open`] does.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(
        dir: &Path,
        marks: &Path,
        node: &str,
        clock: impl Clock,
    ) -> Result<(ByHand, Store, Commits), StoreError> {
        let (writer, store, commits) = Store::assemble(dir, marks, node, clock)?;
        Ok((ByHand(writer), store, commits))
    }

    /// Commits what is queued, as much of it as the writer's thread would in one transaction, hands it on
    /// and answers; whether there was anything. It blocks while too many transactions wait in the
    /// [`Commits`].
    pub fn transaction(&mut self) -> bool {
        let Ok(first) = self.0.requests.try_recv() else {
            return false;
        };
        self.0.transaction(first);
        true
    }
}
