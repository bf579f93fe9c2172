//! Where the programs keep their files: the XDG folders.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::stop::{Stop, failed};

/// The configuration file's usual place.
pub(super) fn config_file() -> Option<PathBuf> {
    project().map(|folders| folders.config_dir().join("config.toml"))
}

/// The folder of the nodes' folders and of the secret that was made.
///
/// # Errors
/// When there is no home folder.
pub(super) fn data() -> Result<PathBuf, Stop> {
    let folders = project().ok_or_else(|| homeless("--data DIR"))?;
    Ok(folders.data_dir().to_owned())
}

/// The folder of what belongs to the person: tokens, rooms, what waits for the next start.
///
/// # Errors
/// When there is no home folder.
pub(super) fn state() -> Result<PathBuf, Stop> {
    let folders = project().ok_or_else(|| homeless("HOME"))?;
    let state = folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir());
    Ok(state.to_owned())
}

/// The folder of the node `name`, when several share `data` or none was named.
pub(super) fn node(data: Option<&Path>, name: &str) -> Result<PathBuf, Stop> {
    match data {
        Some(data) => Ok(data.join(name)),
        None => Ok(self::data()?.join(name)),
    }
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "chat")
}

fn homeless(instead: &str) -> Stop {
    failed(format!(
        "there is no home folder to keep files in: set {instead}"
    ))
}
