//! What can go wrong with the store, as its callers and the person who starts the node are told.

use std::path::{Path, PathBuf};

use crate::protocol::{ErrorCode, Refusal};

/// Why a store does not open, or a request of it was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the data folder {} is in use by another process: stop that one, or give this node a folder of its own with --data",
        .0.display()
    )]
    InUse(PathBuf),
    #[error("cannot write to the data folder {}: {reason}; make it writable, or name another with --data", path.display())]
    NotWritable { path: PathBuf, reason: String },
    #[error(
        "{} was written by a newer version of this program (schema {found}, this one knows {known}): start that version, or name another folder with --data",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{} is not a log of this program: {reason}; name another folder with --data", path.display())]
    NotALog { path: PathBuf, reason: String },
    #[error(
        "SQLite {0} is too old, earlier ones than 3.51.3 can corrupt a log: build with the bundled one"
    )]
    SqliteTooOld(String),

    /// Only a message's writer edits or deletes it.
    #[error("only its writer may change a message")]
    Forbidden,
    /// Not in the log here, not in that room, or deleted.
    #[error("there is no such message in this room")]
    NoSuchMessage,
    /// The queue is full: nothing was stored. See [`Store::reserve`](super::Store::reserve).
    #[error("the node has more to store than it can; send it again")]
    Busy,
    /// The disk is full or fails. Nothing of it was acknowledged, though it may still appear; the
    /// next write tries again.
    #[error("the node cannot store at the moment: {0}")]
    Unavailable(String),
    /// The index for searching cannot be written or read; all else goes on.
    #[error("the node cannot search at the moment: {0}")]
    NoSearch(String),
    /// What was read is not what this program writes.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// For `map_err`: what the system said about a path of the data folder.
    pub(super) fn not_writable(path: &Path) -> impl Fn(std::io::Error) -> StoreError {
        let path = path.to_owned();
        move |error| StoreError::NotWritable {
            path: path.clone(),
            reason: error.to_string(),
        }
    }

    /// For `map_err` on what is read back: its kind, and what is wrong with it.
    pub(super) fn damaged<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> StoreError {
        move |error| StoreError::Damaged(format!("{what}: {error}"))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Unavailable(error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        let code = match &error {
            StoreError::Forbidden => ErrorCode::Forbidden,
            StoreError::NoSuchMessage => ErrorCode::NoSuchMessage,
            StoreError::Busy
            | StoreError::Unavailable(_)
            | StoreError::NoSearch(_)
            | StoreError::Closed => ErrorCode::Unavailable,
            StoreError::InUse(_)
            | StoreError::NotWritable { .. }
            | StoreError::Newer { .. }
            | StoreError::NotALog { .. }
            | StoreError::SqliteTooOld(_)
            | StoreError::Damaged(_) => ErrorCode::Internal,
        };
        Refusal::new(code, error.to_string())
    }
}
