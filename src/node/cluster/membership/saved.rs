//! Where other nodes were last reached, kept in the data folder: a node that starts again finds them
//! without being told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::protocol::Origin;

/// The file's name in the node's folder.
pub const FILE_NAME: &str = "peers.json";

/// Addresses kept; the one that was reached longest ago goes.
const PEERS_MAX: usize = 64;

/// Bytes of the file, at most: a longer one was not written here.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where a node was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPeer {
    pub name: String,
    pub origin: Origin,
    pub address: SocketAddr,
}

/// The nodes that were reached, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPeers {
    peers: Vec<SavedPeer>,
}

impl SavedPeers {
    /// Reads the file. One that is not there is empty; so is, with a warning, one that cannot be read:
    /// what it held is learned again.
    pub fn load(folder: &Path) -> SavedPeers {
        let path = folder.join(FILE_NAME);
        match read(&path) {
            Ok(mut saved) => {
                saved.peers.truncate(PEERS_MAX);
                saved
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => SavedPeers::default(),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "the addresses of other nodes cannot be read; starting over");
                SavedPeers::default()
            }
        }
    }

    /// Writes the file under another name first, so that nobody reads half of it.
    ///
    /// # Errors
    /// As the system says it.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let (path, new) = (folder.join(FILE_NAME), folder.join("peers.json.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.peers.iter().map(|peer| peer.address).collect()
    }

    /// The node was reached there. Whether that is news; it is worth a write only then.
    pub fn reached(&mut self, peer: SavedPeer) -> bool {
        if self.peers.contains(&peer) {
            return false;
        }
        // A node has one address, and an address one node.
        self.peers
            .retain(|kept| kept.origin != peer.origin && kept.address != peer.address);
        self.peers.insert(0, peer);
        self.peers.truncate(PEERS_MAX);
        true
    }
}

fn read(path: &Path) -> io::Result<SavedPeers> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("it is too long"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn peer(name: &str, port: u16) -> SavedPeer {
        SavedPeer {
            name: name.to_owned(),
            origin: Origin::parse(&format!("{name}-0000")).unwrap(),
            address: SocketAddr::from(([10, 0, 0, 1], port)),
        }
    }

    #[test]
    fn what_is_saved_is_read_and_only_the_owner_may() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SavedPeers::load(folder.path()), SavedPeers::default());
        let mut saved = SavedPeers::default();
        assert!(saved.reached(peer("n2", 1)) && !saved.reached(peer("n2", 1)));
        saved.save(folder.path()).unwrap();
        assert!(saved.reached(peer("n3", 2)));
        saved.save(folder.path()).unwrap();
        assert_eq!(SavedPeers::load(folder.path()), saved);
        let path = folder.path().join(FILE_NAME);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let first = r#"{"peers":[{"name":"n3","origin":"n3-0000","address":"10.0.0.1:2"},{"#;
        assert!(fs::read_to_string(path).unwrap().starts_with(first));
    }

    #[test]
    fn a_broken_file_is_started_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let long = vec![b' '; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
        let wrong = br#"{"peers":[{"name":"n2","origin":"","address":"x"}]}"#;
        for broken in [&b"{\"peers\":["[..], b"\0\xff", b"", wrong, &long] {
            fs::write(&path, broken).unwrap();
            assert_eq!(SavedPeers::load(folder.path()), SavedPeers::default());
        }
        let mut saved = SavedPeers::default();
        saved.reached(peer("n2", 1));
        saved.save(folder.path()).unwrap();
        assert_eq!(SavedPeers::load(folder.path()), saved);
    }

    #[test]
    fn a_node_that_has_moved_is_kept_once_and_an_address_has_one_node() {
        let mut saved = SavedPeers::default();
        saved.reached(peer("n2", 1));
        saved.reached(peer("n3", 2));
        assert!(saved.reached(peer("n2", 3)));
        assert!(saved.reached(peer("n4", 2)));
        let kept: Vec<_> = saved
            .addresses()
            .iter()
            .map(std::net::SocketAddr::port)
            .collect();
        assert_eq!(kept, [2, 3]);
    }

    #[test]
    fn no_more_than_64_are_kept() {
        let mut saved = SavedPeers::default();
        for port in 1..=100 {
            saved.reached(peer(&format!("n{port}"), port));
        }
        assert_eq!(saved.addresses().len(), PEERS_MAX);
        assert_eq!(saved.addresses()[0].port(), 100);
    }
}
