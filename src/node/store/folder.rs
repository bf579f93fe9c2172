//! The data folder: made, locked, and told apart from a copy of it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// The log's file in the data folder.
pub(super) const LOG_FILE: &str = "log.sqlite3";
/// The file whose lock says that a process has the folder.
const LOCK_FILE: &str = "lock";
/// For this user's eyes only: the log holds what people said to each other.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Held as long as the store is open; the system lets it go with the process.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

/// Makes the folder if it is not there, takes its lock, and makes an empty log file with a mode of
/// its own (SQLite gives its other files the same).
///
/// # Errors
/// `InUse`, `NotWritable`.
pub(super) fn take(dir: &Path) -> Result<(FolderLock, PathBuf), StoreError> {
    let not_writable = StoreError::not_writable(dir);
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(dir)
        .map_err(&not_writable)?;
    let open = |name: &str| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(dir.join(name))
            .map_err(&not_writable)
    };
    let lock = open(LOCK_FILE)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => return Err(not_writable(error)),
    }
    let log = open(LOG_FILE)?;
    let mode = log.metadata().map_err(&not_writable)?.permissions().mode();
    if mode & 0o077 != 0 {
        log.set_permissions(PermissionsExt::from_mode(FILE_MODE))
            .map_err(&not_writable)?;
    }
    Ok((FolderLock { _file: lock }, dir.join(LOG_FILE)))
}

/// What tells the file from a restored or copied one: device, inode, and this boot of the machine. A
/// log goes on under its origin only while this is the same: a power cut may have rolled the disk
/// back behind what peers have heard.
///
/// # Errors
/// `NotWritable`, when the file cannot be looked at.
pub(super) fn identity(log: &Path) -> Result<String, StoreError> {
    let metadata = std::fs::metadata(log).map_err(StoreError::not_writable(log))?;
    // Where the system does not tell (another kernel), the time it was started does as well.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_else(|_| format!("started {:?}", sysinfo::System::boot_time()));
    Ok(format!(
        "{}:{} {}",
        metadata.dev(),
        metadata.ino(),
        boot.trim()
    ))
}
