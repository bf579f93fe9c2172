//! How far anybody may have heard of this store's own log, kept outside of the data folder, in memory
//! of the machine that does not outlive its boot.
//!
//! A log goes on under its origin only while no place of it can be given to two events. Whoever puts
//! an older copy of the log file into its place, keeping the inode, does not change the mark: the log
//! then ends before it, and the store begins a new origin. The same when the process was killed
//! between handing an event to the peers and committing it here.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::protocol::{Origin, Seq};

/// Where marks are kept: memory that is empty after each boot.
pub const MARKS: &str = "/dev/shm";

/// A mark that nobody has touched for so long is thrown away; its store begins a new origin then.
const UNTOUCHED_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Bytes of a mark, padded with spaces, so that each writing replaces all of the one before.
const MARK_BYTES: usize = 128;

/// The mark of one log file.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    /// `None` where it cannot be kept: then nothing is proved, and each start begins a new origin.
    file: Option<File>,
    noted: Option<(Origin, Seq)>,
}

impl Mark {
    /// The mark of the log file `log`, in the folder `marks`, made if it is not there.
    pub(super) fn open(marks: &Path, log: &Path) -> Mark {
        match open(marks, log) {
            Ok((path, file)) => {
                let noted = read(&file);
                let file = Some(file);
                Mark { path, file, noted }
            }
            Err(error) => {
                let folder = marks.display();
                tracing::info!(%folder, %error, "no mark of the log can be kept: each start begins a new origin");
                Mark {
                    path: PathBuf::new(),
                    file: None,
                    noted: None,
                }
            }
        }
    }

    /// How far which log may have been heard of; `None` if nothing is known.
    pub(super) fn noted(&self) -> Option<&(Origin, Seq)> {
        self.noted.as_ref()
    }

    /// Notes that `origin` may be heard of up to `seq`: before it is.
    pub(super) fn note(&mut self, origin: &Origin, seq: Seq) {
        if matches!(&self.noted, Some((noted, up_to)) if noted == origin && *up_to >= seq) {
            return;
        }
        let Some(file) = &self.file else { return };
        let line = format!("{:<1$}", format!("{origin} {seq}"), MARK_BYTES);
        match file.write_all_at(line.as_bytes(), 0) {
            Ok(()) => self.noted = Some((origin.clone(), seq)),
            Err(error) => {
                // A mark that says too little is worse than none.
                tracing::warn!(%error, "the mark of the log cannot be kept any more");
                let _ = std::fs::remove_file(&self.path);
                (self.file, self.noted) = (None, None);
            }
        }
    }
}

fn open(marks: &Path, log: &Path) -> io::Result<(PathBuf, File)> {
    let log = std::fs::metadata(log)?;
    let folder = marks.join(format!("chat-{}", log.uid()));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let owner = std::fs::symlink_metadata(&folder)?;
    if !owner.is_dir() || owner.uid() != log.uid() || owner.mode() & 0o077 != 0 {
        return Err(io::Error::other("somebody else has made the folder"));
    }
    throw_away_old(&folder);
    let path = folder.join(format!("{:x}-{:x}", log.dev(), log.ino()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)?;
    Ok((path, file))
}

fn read(file: &File) -> Option<(Origin, Seq)> {
    let mut bytes = [0; MARK_BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let (origin, seq) = std::str::from_utf8(&bytes)
        .ok()?
        .trim_end()
        .split_once(' ')?;
    Some((Origin::parse(origin).ok()?, seq.parse().ok()?))
}

fn throw_away_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let Some(limit) = SystemTime::now().checked_sub(UNTOUCHED_MAX) else {
        return;
    };
    for entry in entries.flatten() {
        let touched = entry.metadata().and_then(|metadata| metadata.modified());
        if touched.is_ok_and(|touched| touched < limit) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(name: &str) -> Origin {
        Origin::parse(name).unwrap()
    }

    #[test]
    fn what_was_noted_is_known_at_the_next_start_of_the_same_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        std::fs::write(&log, "").unwrap();
        let mut mark = Mark::open(dir.path(), &log);
        assert_eq!(mark.noted(), None);
        mark.note(&origin("n1-4f2a"), 153);
        mark.note(&origin("n1-4f2a"), 7);
        assert_eq!(
            Mark::open(dir.path(), &log).noted(),
            Some(&(origin("n1-4f2a"), 153))
        );
        mark.note(&origin("n1-0000"), 1);
        assert_eq!(
            Mark::open(dir.path(), &log).noted(),
            Some(&(origin("n1-0000"), 1)),
            "a shorter line replaces all of a longer one"
        );
        let copy = dir.path().join("copy");
        std::fs::copy(&log, &copy).unwrap();
        assert_eq!(Mark::open(dir.path(), &copy).noted(), None);
    }

    #[test]
    fn noise_and_a_folder_that_is_not_ours_prove_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        std::fs::write(&log, "").unwrap();
        let mark = Mark::open(dir.path(), &log);
        std::fs::write(&mark.path, "n1-4f2a 15").unwrap();
        assert_eq!(Mark::open(dir.path(), &log).noted(), None);
        let mut mark = Mark::open(Path::new("/proc/nowhere"), &log);
        mark.note(&origin("n1-4f2a"), 1);
        assert_eq!(mark.noted(), None);
    }
}
