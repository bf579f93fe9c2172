//! The cluster's secret and the keys that come from it. Who knows the secret is a node or a bridge of
//! the cluster; each use has a key of its own, so that nothing signed for one can serve another.

use std::fmt;

/// Bytes of a secret, at least.
pub const SECRET_BYTES_MIN: usize = 32;

/// What all nodes and bridges of a cluster share. It is never shown, logged or sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the secret as it stands in a file or variable; white space around it does not count.
    /// `None` when it is shorter than 32 bytes.
    pub fn new(bytes: &[u8]) -> Option<Secret> {
        let trimmed = bytes.trim_ascii();
        (trimmed.len() >= SECRET_BYTES_MIN).then(|| Secret(trimmed.into()))
    }

    /// The key with which session tokens are signed.
    pub fn token_key(&self) -> [u8; 32] {
        self.derive("chat 2026 session token v1")
    }

    /// The key with which a bridge and a node prove to each other that they know the secret.
    pub fn bridge_key(&self) -> [u8; 32] {
        self.derive("chat 2026 bridge link v1")
    }

    /// The seed of the key pair that every node's certificate on peer links has.
    pub fn peer_seed(&self) -> [u8; 32] {
        self.derive("chat 2026 peer link v1")
    }

    /// The key of the seals on the datagrams that nodes gossip with.
    pub fn gossip_key(&self) -> [u8; 32] {
        self.derive("chat 2026 gossip v1")
    }

    /// Tells this cluster from others where its secret is nobody's business: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let key = blake3::Hash::from(self.derive("chat 2026 fingerprint v1"));
        key.to_hex().chars().take(16).collect()
    }

    fn derive(&self, context: &str) -> [u8; 32] {
        blake3::derive_key(context, &self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_32_bytes_and_gives_each_use_its_own_key() {
        assert!(Secret::new(&[b'x'; 31]).is_none());
        let secret = Secret::new(format!("{}\n", "x".repeat(32)).as_bytes()).unwrap();
        assert_ne!(secret.token_key(), secret.bridge_key());
        assert_ne!(secret.token_key(), secret.peer_seed());
        assert_ne!(secret.peer_seed(), secret.gossip_key());
        assert_eq!(secret.fingerprint().len(), 16);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
