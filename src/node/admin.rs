//! The administrator's token: a file in the data folder that only the person who runs the node can
//! read. Who can say what is in it is an administrator.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The file's name in the node's folder.
pub const FILE_NAME: &str = "admin-token";

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// The token as text. It is compared in constant time and never shown.
pub struct AdminToken(String);

impl AdminToken {
    /// Reads the token of the node whose folder this is, or makes a new one.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn load_or_make(folder: &Path) -> io::Result<AdminToken> {
        let path = folder.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= TOKEN_BYTES => {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
                Ok(AdminToken(text.trim().to_owned()))
            }
            Ok(_) => AdminToken::make(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => AdminToken::make(folder),
            Err(error) => Err(error),
        }
    }

    /// Whether this is the token.
    pub fn is(&self, said: &str) -> bool {
        // Hashes differ as a whole, so comparing them tells nothing of where the texts do.
        blake3::hash(said.as_bytes()) == blake3::hash(self.0.as_bytes())
    }

    /// Written under another name first, so that nobody reads half a token.
    fn make(folder: &Path) -> io::Result<AdminToken> {
        let mut bytes = [0u8; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (path, new) = (folder.join(FILE_NAME), folder.join("admin-token.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        writeln!(file, "{token}")?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        Ok(AdminToken(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = AdminToken::load_or_make(folder.path()).unwrap();
        let again = AdminToken::load_or_make(folder.path()).unwrap();
        assert!(again.is(&first.0) && !again.is("") && !again.is("x"));
        let file = fs::metadata(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}
