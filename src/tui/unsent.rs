//! The file in which messages wait for the next start, when this one could not send them.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::event::Unsent;

/// Messages that are read back; what a file holds beyond that was not written by this program.
const MESSAGES_MAX: usize = 1000;

/// What was kept. A file that is missing or damaged holds nothing.
pub fn load(path: &Path) -> Vec<Unsent> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().take(MESSAGES_MAX);
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Keeps these in place of what was kept; the file is for this person's eyes only.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn save(path: &Path, messages: &[Unsent]) -> io::Result<()> {
    if messages.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        };
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    for message in messages {
        let line = serde_json::to_string(message)?;
        writeln!(file, "{line}")?;
    }
    drop(file);
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Nonce, Text, Ts};

    #[test]
    fn what_is_kept_comes_back_and_what_is_sent_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/unsent");
        let message = Unsent {
            uid: None,
            room: "lobby".to_owned(),
            nonce: Nonce::parse("n1").unwrap(),
            text: Text::parse("two\nlines").unwrap(),
            reply_to: None,
            ts: Ts(5),
        };
        assert_eq!(load(&path), []);
        save(&path, std::slice::from_ref(&message)).unwrap();
        assert_eq!(load(&path), [message]);
        save(&path, &[]).unwrap();
        assert_eq!(load(&path), []);
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_line_costs_that_line_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unsent");
        let good = r#"{"uid":null,"room":"lobby","nonce":"a","text":"x","reply_to":null,"ts":1}"#;
        fs::write(&path, format!("{{broken\n{good}\n")).unwrap();
        assert_eq!(load(&path).len(), 1);
    }
}
