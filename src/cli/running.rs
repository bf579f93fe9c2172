//! The nodes that this person runs on this machine: each start leaves word in the state folder, by its
//! address, of the node's name and folder. So the client programs find nodes on any port, and their
//! administrators' tokens wherever the data lies.
//!
//! What a node that crashed has left is believed only as far as somebody answers there.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::places;
use super::stop::failed;
use crate::node::admin::FILE_NAME as ADMIN_TOKEN;
use crate::private_file;
use crate::protocol::secret::Secret;

/// Nodes that are looked for, in each of the two places.
const NODES_MAX: usize = 64;

/// Files that are read to find them: those that crashed have left theirs.
const FILES_MAX: usize = 1024;

/// A node as its start has told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Running {
    /// Where clients of this machine connect.
    pub address: String,
    pub node: String,
    pub data: PathBuf,
    /// Which cluster it is in; earlier versions do not say.
    pub cluster: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Word {
    node: String,
    data: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
}

/// Leaves word of a node that listens at `listen`. Without it the node does as well, so that it cannot
/// be left is only logged.
pub(super) fn tell(listen: SocketAddr, node: &str, data: &Path, secret: &Secret) {
    let told = || -> io::Result<()> {
        let word = Word {
            node: node.to_owned(),
            data: std::fs::canonicalize(data)?,
            cluster: Some(secret.fingerprint()),
        };
        let path = folder().ok_or(io::ErrorKind::NotFound)?;
        let line = serde_json::to_string(&word)? + "\n";
        private_file::replace(&path.join(address(listen)), &line)
    };
    if let Err(error) = told() {
        tracing::debug!(%error, "no word can be left of where the node runs");
    }
}

/// Takes the word back: the node is about to stop.
pub(super) fn forget(listen: SocketAddr) {
    if let Some(folder) = folder() {
        // It may not have been left.
        let _ = std::fs::remove_file(folder.join(address(listen)));
    }
}

/// The nodes of which word was left, the newest first.
pub(super) fn nodes() -> Vec<Running> {
    folder().map_or_else(Vec::new, |folder| nodes_in(&folder))
}

fn nodes_in(folder: &Path) -> Vec<Running> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let told = |path: PathBuf| -> Option<(SystemTime, Running)> {
        let address = path.file_name()?.to_str()?.parse::<SocketAddr>().ok()?;
        let word: Word = serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
        let since = path.metadata().and_then(|file| file.modified()).ok()?;
        let running = Running {
            address: address.to_string(),
            node: word.node,
            data: word.data,
            cluster: word.cluster,
        };
        Some((since, running))
    };
    let entries = entries.filter_map(Result::ok).take(FILES_MAX);
    let mut found: Vec<_> = entries.filter_map(|entry| told(entry.path())).collect();
    found.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
    found.truncate(NODES_MAX);
    found.into_iter().map(|(_, running)| running).collect()
}

/// Administrators' tokens of this person's nodes: of those of which word was left by address and name together,
/// so that whoever listens there later under another name is not shown it; and by the name alone, of those
/// whose data lies in the usual place, else of the newest of which word was left.
pub(super) fn tokens() -> BTreeMap<String, String> {
    let token = |folder: &Path| {
        let token = std::fs::read_to_string(folder.join(ADMIN_TOKEN)).ok()?;
        Some(token.trim().to_owned())
    };
    let mut tokens = BTreeMap::new();
    let folders = places::data().and_then(|data| std::fs::read_dir(data).map_err(failed));
    let folders = folders.into_iter().flatten().filter_map(Result::ok);
    for entry in folders.take(NODES_MAX) {
        let name = entry.file_name().to_str().map(str::to_owned);
        if let (Some(name), Some(token)) = (name, token(&entry.path())) {
            tokens.insert(name, token);
        }
    }
    for Running {
        address,
        node,
        data,
        ..
    } in nodes()
    {
        if let Some(token) = token(&data) {
            tokens.insert(format!("{address} {node}"), token.clone());
            tokens.entry(node).or_insert(token);
        }
    }
    tokens
}

fn folder() -> Option<PathBuf> {
    places::state().ok().map(|state| state.join("nodes"))
}

/// What a client on this machine connects to.
fn address(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_of_a_node_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("127.0.0.1:9001", r#"{"node":"n1","data":"/srv/n1"}"#);
        write(
            "127.0.0.1:9003",
            r#"{"node":"n3","data":"/srv/n3","cluster":"c"}"#,
        );
        write("127.0.0.1:9002", "{");
        write("notes", r#"{"node":"n3","data":"/srv/n3"}"#);
        let expected = |number: usize, cluster: Option<&str>| Running {
            address: format!("127.0.0.1:900{number}"),
            node: format!("n{number}"),
            data: PathBuf::from(format!("/srv/n{number}")),
            cluster: cluster.map(str::to_owned),
        };
        let mut found = nodes_in(folder.path());
        found.sort_by(|one, other| one.address.cmp(&other.address));
        assert_eq!(found, [expected(1, None), expected(3, Some("c"))]);
        assert_eq!(nodes_in(&folder.path().join("nowhere")), []);
    }

    #[test]
    fn a_node_that_listens_everywhere_is_found_on_this_machine() {
        let at = |text: &str| address(text.parse().unwrap());
        assert_eq!(at("0.0.0.0:9001"), "127.0.0.1:9001");
        assert_eq!(at("[::]:9001"), "[::1]:9001");
        assert_eq!(at("10.0.0.1:9001"), "10.0.0.1:9001");
    }
}
