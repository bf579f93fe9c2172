//! Who this person is to the nodes: the token that the programs of one person share, a file for each
//! name, so that `chat send` is the same user as the open `chat-tui`.

use std::io;
use std::path::PathBuf;

use super::places;
use super::stop::Stop;
use crate::private_file;
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

/// The name of who runs the program, as far as it can be a name in the chat: by the environment, which
/// a service or a cron job may not have, else by the password database.
pub(super) fn login_name() -> Option<UserName> {
    let told = ["USER", "LOGNAME"].map(std::env::var).into_iter().flatten();
    first_name(told.chain(std::iter::once_with(of_the_system).flatten()))
}

/// The first of these that makes a name.
fn first_name(logins: impl Iterator<Item = String>) -> Option<UserName> {
    let allowed = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut names = logins.filter_map(|login| {
        let name: String = login.chars().filter(allowed).take(NAME_CHARS_MAX).collect();
        UserName::parse(&name).ok()
    });
    names.next()
}

/// What the password database calls the user that this process runs as.
fn of_the_system() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid());
    user.ok().flatten().map(|user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_is_missing_or_makes_no_name_gives_way_to_the_next() {
        let named = |logins: &[&str]| {
            first_name(logins.iter().map(|login| (*login).to_owned()))
                .map(|name| name.as_str().to_owned())
        };
        assert_eq!(named(&["", "$$", "dom\\yves", "root"]).unwrap(), "domyves");
        assert_eq!(named(&[]), None);
    }

    #[test]
    fn the_system_knows_who_runs_the_program() {
        // `id` asks the same database; where it knows nobody of that number, nor do we.
        let output = std::process::Command::new("id")
            .arg("-un")
            .output()
            .unwrap();
        let name = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let known = output.status.success().then_some(name);
        assert_eq!(of_the_system(), known);
    }
}
