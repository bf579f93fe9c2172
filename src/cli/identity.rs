//! Who this person is to the nodes: the token that the programs of one person share, a file for each
//! name, so that `chat send` is the same user as the open `chat-tui`.

use std::io;
use std::path::PathBuf;

use super::stop::Stop;
use super::{places, private_file};
use crate::protocol::UserName;
use crate::protocol::limits::NAME_CHARS_MAX;

/// The name for whom the system has none that would do.
const NAME_DEFAULT: &str = "guest";

/// A name and the token of the user who goes by it, or would if it had been free.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As asked for; the node may know the user under another.
    pub name: UserName,
    /// Opens the user of an earlier session.
    pub token: Option<String>,
    path: PathBuf,
}

impl Identity {
    /// Looks the token up. One that cannot be read is as good as none: the node gives a new one.
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn find(name: Option<UserName>) -> Result<Identity, Stop> {
        let name = name
            .or_else(login_name)
            .unwrap_or_else(|| UserName::parse(NAME_DEFAULT).expect("letters are a name"));
        let path = places::state()?.join("tokens").join(name.key().as_str());
        let token = std::fs::read_to_string(&path).ok();
        let token = token.map(|text| text.trim().to_owned());
        Ok(Identity {
            name,
            token: token.filter(|token| !token.is_empty()),
            path,
        })
    }

    /// Keeps the token that a node has given. One that another program has stored meanwhile stays,
    /// so that two that start at once are one user from then on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&mut self, token: &str) -> io::Result<()> {
        if self.token.as_deref() == Some(token) {
            return Ok(());
        }
        let stored = std::fs::read_to_string(&self.path).ok();
        let stored = stored
            .as_deref()
            .map(str::trim)
            .filter(|stored| !stored.is_empty());
        if stored.is_none() || stored == self.token.as_deref() {
            private_file::replace(&self.path, &format!("{token}\n"))?;
        }
        self.token = Some(token.to_owned());
        Ok(())
    }
}

/// The name of who runs the program, as far as it can be a name in the chat.
pub(super) fn login_name() -> Option<UserName> {
    let login = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let allowed = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let login = login.unwrap_or_default();
    let name: String = login.chars().filter(allowed).take(NAME_CHARS_MAX).collect();
    UserName::parse(&name).ok()
}
