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
    file: File,
}

impl Drop for FolderLock {
    /// By name: closing the file is not enough while a process that is just being started from this
    /// one still has a copy of it.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "cannot let go of the data folder");
        }
    }
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
    Ok((FolderLock { file: lock }, dir.join(LOG_FILE)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_free_once_it_is_let_go_whoever_has_a_copy_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, _) = take(dir.path()).unwrap();
        // What a child has between fork and exec.
        let _copy = lock.file.try_clone().unwrap();
        assert!(matches!(take(dir.path()), Err(StoreError::InUse(_))));
        drop(lock);
        assert!(take(dir.path()).is_ok());
    }
}
