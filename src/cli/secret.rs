//! The cluster's secret: given, or made once for the programs of one user on one machine.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::places;
use super::stop::{Stop, failed, wrong};
use crate::private_file;
use crate::protocol::secret::{SECRET_BYTES_MIN, Secret};

/// The variable that holds it.
pub const SECRET_VARIABLE: &str = "CHAT_SECRET_KEY";

/// Finds the secret: the variable, the named file, or, where everything is on this machine
/// (`far` is empty), the one that this user's programs share. `far` is the address, as given, that
/// leads off this machine.
///
/// # Errors
/// When it is too short, cannot be read or made, or there is none for other machines.
pub(super) fn find(file: Option<&Path>, far: Option<&str>) -> Result<Secret, Stop> {
    if let Some(path) = file {
        return read(path);
    }
    if let Some(given) = std::env::var_os(SECRET_VARIABLE).filter(|value| !value.is_empty()) {
        let secret = Secret::new(given.as_encoded_bytes());
        return secret.ok_or_else(|| wrong(too_short(&format!("${SECRET_VARIABLE}"))));
    }
    match far {
        Some(address) => Err(wrong(format!(
            "{address} is not on this machine, so the cluster needs a secret: set ${SECRET_VARIABLE} \
             or --secret-file, the same on all machines"
        ))),
        None => shared(),
    }
}

fn read(path: &Path) -> Result<Secret, Stop> {
    let bytes = std::fs::read(path).map_err(|error| {
        wrong(format!(
            "--secret-file {}: cannot be read: {error}",
            path.display()
        ))
    })?;
    let secret = Secret::new(&bytes)
        .ok_or_else(|| wrong(too_short(&format!("--secret-file {}", path.display()))))?;
    warn_if_others_may_read(path);
    Ok(secret)
}

fn warn_if_others_may_read(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!("other users may read the secret: chmod 600 {path}");
    }
}

/// The secret beside the nodes' folders; made if it is not there.
fn shared() -> Result<Secret, Stop> {
    let path = places::data()?.join("secret");
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            random().and_then(|new| private_file::make_or_read(&path, &new))
        }
        read => read,
    };
    let text = text.map_err(|error| {
        failed(format!(
            "the secret {} cannot be read or made: {error}; set ${SECRET_VARIABLE} instead",
            path.display()
        ))
    })?;
    Secret::new(text.as_bytes()).ok_or_else(|| failed(too_short(&path.display().to_string())))
}

/// 32 random bytes as text.
fn random() -> io::Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        + "\n")
}

fn too_short(whose: &str) -> String {
    format!(
        "{whose}: a secret has {SECRET_BYTES_MIN} bytes or more; `openssl rand -hex 32` makes one"
    )
}
