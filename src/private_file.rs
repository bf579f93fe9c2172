//! Small files that only their owner may read, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// When what was written has to be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// Before the call returns.
    Now,
    /// When the system comes to it: a power cut may leave what was there before, or nothing.
    Later,
}

/// Puts `content` there, in place of what was there before, on the disk.
pub(crate) fn replace(path: &Path, content: &str) -> io::Result<()> {
    replace_when(path, content, OnDisk::Now)
}

/// Puts `content` there, in place of what was there before.
pub(crate) fn replace_when(path: &Path, content: &str, on_disk: OnDisk) -> io::Result<()> {
    let draft = draft(path, content, on_disk)?;
    let moved = fs::rename(&draft, path);
    if moved.is_err() {
        let _ = fs::remove_file(&draft);
    }
    moved?;
    match on_disk {
        OnDisk::Now => sync_folder(path),
        OnDisk::Later => Ok(()),
    }
}

/// Puts `content` there unless there is something already; gives what is there then. Of several
/// programs that do this at once, one wins and all get the same.
pub(crate) fn make_or_read(path: &Path, content: &str) -> io::Result<String> {
    let draft = draft(path, content, OnDisk::Now)?;
    // Unlike a rename, a link never takes the place of what is there.
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => sync_folder(path)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    fs::read_to_string(path)
}

/// Takes away what a program that was killed in the middle has left of a file. Nobody else may be writing it.
pub(crate) fn clear_up(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return;
    };
    let begin = format!(".{}.", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let random = file.to_str().and_then(|file| file.strip_prefix(&begin));
        let is_draft =
            |random: &str| random.len() == 16 && random.chars().all(|c| c.is_ascii_hexdigit());
        if random.is_some_and(is_draft) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes the folder and those above it, for their owner alone.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// The content under another name beside `path`.
fn draft(path: &Path, content: &str, on_disk: OnDisk) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{:016x}", u64::from_le_bytes(random)));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(content.as_bytes())
        .and_then(|()| match on_disk {
            OnDisk::Now => file.sync_all(),
            OnDisk::Later => Ok(()),
        });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map(|()| draft)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn of_many_that_make_a_file_at_once_all_read_the_same_and_only_the_owner_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/secret");
        let make = |number: usize| {
            let path = path.clone();
            std::thread::spawn(move || make_or_read(&path, &format!("secret {number}")).unwrap())
        };
        let makers: Vec<_> = (0..16).map(make).collect();
        let read: Vec<String> = makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect();
        assert!(read.iter().all(|secret| *secret == read[0]), "{read:?}");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "no drafts are left");
    }

    #[test]
    fn what_is_replaced_is_never_half_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    }
}
