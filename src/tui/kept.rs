//! A file in which something waits for the next start, one JSON object a line, for its owner's eyes only.
//!
//! Several clients of one person may have it open: each puts in and takes out what is its own, and leaves
//! the rest as it is. What cannot be read is put aside, and never overwritten.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::private_file::{self, OnDisk};

/// Lines that a file holds; what it holds beyond that was not written by this program.
const LINES_MAX: usize = 10_000;

/// Bytes that a file may have: more than so many lines of the longest texts.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What can be kept.
pub trait Keep: Serialize + DeserializeOwned {
    /// What tells it from all others.
    fn key(&self) -> &str;

    /// Whether it is what this program writes: anybody may have written the file.
    fn is_valid(&self) -> bool;
}

/// One such file.
#[derive(Debug)]
pub struct Kept<T> {
    path: PathBuf,
    /// Of what is in the file, what this client answers for.
    own: HashSet<String>,
    /// What was there at the start: another client may have it, too.
    found: HashSet<String>,
    what: PhantomData<T>,
}

impl<T: Keep> Kept<T> {
    /// What was kept; from now on it is this client's. Says what the person should know, if anything.
    pub fn open(path: &Path) -> (Kept<T>, Vec<T>, Option<String>) {
        let mut kept = Kept {
            path: path.to_owned(),
            own: HashSet::new(),
            found: HashSet::new(),
            what: PhantomData,
        };
        // Where there is no folder, there is no file that another could be at.
        let lock = path.parent().filter(|folder| folder.is_dir());
        let lock = lock.and_then(|_| Lock::of(path).ok());
        if lock.is_some() {
            private_file::clear_up(path);
        }
        let (items, word) = match read::<T>(path) {
            Ok((items, wrong)) if wrong.is_empty() => (items, None),
            Ok((items, wrong)) => {
                let count = wrong.len();
                let word = match kept.put_aside(&items, &wrong) {
                    Ok(aside) => format!("{} of it in {}", lines(count), aside.display()),
                    Err(error) => format!("{} of it, which stay there: {error}", lines(count)),
                };
                (
                    items,
                    Some(format!("not all that was kept can be read: {word}")),
                )
            }
            Err(error) => {
                let word = format!("{} cannot be read: {error}", path.display());
                (Vec::new(), Some(word))
            }
        };
        drop(lock);
        kept.own = items.iter().map(|item| item.key().to_owned()).collect();
        kept.found.clone_from(&kept.own);
        (kept, items, word)
    }

    /// Keeps these in place of what this client kept before, but for what it has found at the start and another
    /// client has taken out meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be made, or the file not be read or written.
    pub fn keep_shared(&mut self, mut items: Vec<T>, on_disk: OnDisk) -> io::Result<()> {
        let is_kept = items.iter().all(|item| self.has(item));
        if items.is_empty() && self.own.is_empty()
            || on_disk == OnDisk::Later && is_kept && items.len() == self.own.len()
        {
            return Ok(());
        }
        let lock = Lock::of(&self.path)?;
        let (there, _) = read::<T>(&self.path)?;
        let there: HashSet<&str> = there.iter().map(T::key).collect();
        items.retain(|item| there.contains(item.key()) || !self.found.contains(item.key()));
        self.write(&items, on_disk, &lock)
    }

    /// Keeps these in place of what this client kept before. They are on the disk then.
    ///
    /// # Errors
    /// When the folder cannot be made, or the file not be read or written.
    pub fn keep(&mut self, items: &[T]) -> io::Result<()> {
        if items.is_empty() && self.own.is_empty() {
            return Ok(());
        }
        let lock = Lock::of(&self.path)?;
        self.write(items, OnDisk::Now, &lock)
    }

    /// Whether this client has it in the file, perhaps with other words about it.
    pub fn has(&self, item: &T) -> bool {
        self.own.contains(item.key())
    }

    fn write(&mut self, items: &[T], on_disk: OnDisk, _: &Lock) -> io::Result<()> {
        let mut content = String::new();
        let mut own: HashSet<&str> = items.iter().map(T::key).collect();
        own.extend(self.own.iter().map(String::as_str));
        let of_others = |line: &&str| {
            let item = parse::<T>(line);
            item.is_none_or(|item| !own.contains(item.key()))
        };
        let before = text(&self.path)?;
        for line in before.lines().filter(of_others) {
            content.push_str(line);
            content.push('\n');
        }
        for item in items {
            content.push_str(&serde_json::to_string(item)?);
            content.push('\n');
        }
        if content.lines().count() > LINES_MAX {
            let word = format!("more than {} would wait there", lines(LINES_MAX));
            return Err(io::Error::other(word));
        }
        replace(&self.path, &content, on_disk)?;
        self.own = items.iter().map(|item| item.key().to_owned()).collect();
        Ok(())
    }

    /// Moves the lines that cannot be read to a file beside this one; gives its name.
    fn put_aside(&self, items: &[T], wrong: &[String]) -> io::Result<PathBuf> {
        let aside = beside(&self.path, "unreadable");
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).mode(0o600).open(&aside)?;
        file.write_all((wrong.join("\n") + "\n").as_bytes())?;
        let good: Result<Vec<String>, _> = items.iter().map(serde_json::to_string).collect();
        let good: String = good?.iter().map(|line| format!("{line}\n")).collect();
        replace(&self.path, &good, OnDisk::Now)?;
        Ok(aside)
    }
}

/// What is in the file, and the lines that are nothing of that kind. One that is missing holds nothing.
fn read<T: Keep>(path: &Path) -> io::Result<(Vec<T>, Vec<String>)> {
    let (mut items, mut wrong) = (Vec::new(), Vec::new());
    for line in text(path)?.lines() {
        match parse(line) {
            Some(item) if items.len() < LINES_MAX => items.push(item),
            Some(_) | None => wrong.push(line.to_owned()),
        }
    }
    Ok((items, wrong))
}

fn parse<T: Keep>(line: &str) -> Option<T> {
    let item: T = serde_json::from_str(line).ok()?;
    item.is_valid().then_some(item)
}

fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let read = match File::open(path) {
        Ok(file) => file.take(BYTES_MAX).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if read as u64 == BYTES_MAX {
        return Err(io::Error::other(
            "it is too large to be one of this program",
        ));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The file has this content, as a whole or not at all; an empty one is not there.
fn replace(path: &Path, content: &str, on_disk: OnDisk) -> io::Result<()> {
    if !content.is_empty() {
        return private_file::replace_when(path, content, on_disk);
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
/// A file of another kind beside this one. Names may have dots in them, but no `~`.
fn beside(path: &Path, kind: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}~{kind}"))
}

fn lines(count: usize) -> String {
    match count {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    }
}

/// No other client is at the file as long as this is there. A system without locks goes without.
struct Lock {
    _folder: Option<File>,
}

impl Lock {
    /// Makes the folder, if there is none.
    fn of(path: &Path) -> io::Result<Lock> {
        let folder = path.parent().unwrap_or(path);
        private_file::make_folder(folder)?;
        let folder = File::open(folder).ok();
        Ok(Lock {
            _folder: folder.filter(|folder| folder.lock().is_ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::os::unix::fs::PermissionsExt;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        key: String,
        text: String,
    }

    impl Keep for Thing {
        fn key(&self) -> &str {
            &self.key
        }

        fn is_valid(&self) -> bool {
            self.text != "never"
        }
    }

    fn thing(key: &str) -> Thing {
        let (key, text) = (key.to_owned(), format!("text {key}"));
        Thing { key, text }
    }

    fn open(path: &Path) -> (Kept<Thing>, Vec<String>) {
        let (kept, things, word) = Kept::<Thing>::open(path);
        assert_eq!(word, None);
        (kept, things.into_iter().map(|thing| thing.key).collect())
    }

    #[test]
    fn what_is_kept_comes_back_for_its_owner_alone_and_nothing_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/kept/a.name");
        let (mut kept, things) = open(&path);
        assert!(things.is_empty() && !path.exists());
        kept.keep(&[]).unwrap();
        assert!(!path.exists());
        kept.keep(&[thing("1"), thing("2")]).unwrap();
        assert_eq!(open(&path).1, ["1", "2"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        kept.keep(&[]).unwrap();
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 0);
    }

    #[test]
    fn of_two_at_once_neither_takes_away_what_is_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let ((mut one, _), (mut other, _)) = (open(&path), open(&path));
        one.keep(&[thing("a"), thing("b")]).unwrap();
        other.keep(&[thing("c")]).unwrap();
        one.keep(&[thing("b")]).unwrap();
        assert_eq!(open(&path).1, ["c", "b"]);
        one.keep(&[]).unwrap();
        assert_eq!(open(&path).1, ["c"]);
        let (mut third, _) = open(&path);
        third.keep(&[]).unwrap();
        other.keep(&[thing("c"), thing("d")]).unwrap();
        assert_eq!(open(&path).1, ["c", "d"], "it is still on its way there");
    }

    #[test]
    fn what_another_one_has_used_up_does_not_come_back_and_what_one_has_made_does_not_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let (mut one, _) = open(&path);
        one.keep_shared(vec![thing("a")], OnDisk::Later).unwrap();
        let (mut other, found) = open(&path);
        assert_eq!(found, ["a"]);
        // Who has made it sends it.
        one.keep_shared(Vec::new(), OnDisk::Later).unwrap();
        for more in ["b", "c"] {
            let all = vec![thing("a"), thing(more)];
            other.keep_shared(all, OnDisk::Later).unwrap();
            assert_eq!(open(&path).1, [more]);
        }
        // Who has found it clears it: the one that has made it still has it before its eyes.
        let (mut third, _) = open(&path);
        third.keep_shared(Vec::new(), OnDisk::Later).unwrap();
        other.keep_shared(vec![thing("c")], OnDisk::Now).unwrap();
        assert_eq!(open(&path).1, ["c"]);
    }

    #[test]
    fn more_than_a_file_holds_is_an_error_and_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let (mut kept, _) = open(&path);
        kept.keep(&[thing("a")]).unwrap();
        let many: Vec<Thing> = (0..=LINES_MAX).map(|n| thing(&n.to_string())).collect();
        let error = kept.keep(&many).unwrap_err().to_string();
        assert!(error.contains("10000 lines"), "{error}");
        assert_eq!(open(&path).1, ["a"]);
    }

    #[test]
    fn what_a_killed_client_has_left_in_the_middle_of_a_write_is_cleared_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.name");
        let left = |name: &str| fs::write(folder.path().join(name), "private").unwrap();
        left(".a.name.0123456789abcdef");
        left(".a.name.another");
        let _ = open(&path);
        let mut there: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        let there = there.pop().unwrap().unwrap().file_name();
        assert_eq!(there, ".a.name.another");
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let keep = |client: usize| {
            let path = path.clone();
            std::thread::spawn(move || {
                let (mut kept, _) = open_own(&path);
                for n in 0..20 {
                    kept.keep(&[thing(&format!("{client}-{n}"))]).unwrap();
                }
            })
        };
        fn open_own(path: &Path) -> (Kept<Thing>, ()) {
            // Whoever begins has nothing of the others'.
            let mut kept = Kept::<Thing>::open(path).0;
            kept.own.clear();
            (kept, ())
        }
        let clients: Vec<_> = (0..4).map(keep).collect();
        clients
            .into_iter()
            .for_each(|client| client.join().unwrap());
        let mut left = open(&path).1;
        left.sort();
        assert_eq!(left, ["0-19", "1-19", "2-19", "3-19"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_of_and_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let good = serde_json::to_string(&thing("1")).unwrap();
        let mut bytes =
            format!("{{broken\n{good}\n{{\"key\":\"2\",\"text\":\"never\"}}\n").into_bytes();
        bytes.extend(b"\xff\xfe\x1b[31m\n");
        fs::write(&path, bytes).unwrap();
        let (_, things, word) = Kept::<Thing>::open(&path);
        assert_eq!(things, [thing("1")]);
        let word = word.unwrap();
        assert!(
            word.contains("3 lines") && word.contains("kept~unreadable"),
            "{word}"
        );
        assert_eq!(open(&path).1, ["1"], "the next start has nothing to tell");
        let aside = fs::read(folder.path().join("kept~unreadable")).unwrap();
        let aside = String::from_utf8_lossy(&aside).into_owned();
        assert!(
            aside.contains("{broken") && aside.contains("never"),
            "{aside}"
        );
    }

    #[test]
    fn a_file_that_is_none_is_told_of_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (mut kept, things, word) = Kept::<Thing>::open(folder.path());
        assert!(things.is_empty() && word.unwrap().contains("cannot be read"));
        assert!(kept.keep(&[thing("1")]).is_err());
    }
}
