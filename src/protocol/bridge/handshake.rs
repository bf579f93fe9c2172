//! How bridge and node prove to each other that they know the cluster's secret, in four lines:
//!
//! ```text
//! bridge  {"type":"bridge","version":1,"name":"web-1","nonce":"<32 hex digits>"}
//! node    {"type":"bridge_challenge","nonce":"<32 hex digits>"}
//! bridge  {"type":"bridge_auth","mac":"<64 hex digits>"}
//! node    {"type":"bridge_ready","node":"n1","mac":"<64 hex digits>","figures":true}
//! ```
//!
//! A MAC is BLAKE3 keyed with [`Secret::bridge_key`], over the role of who makes it, both nonces and
//! both names. The role keeps a MAC from being sent back as one's own; the nonces keep it from being
//! used again. No chance in here: the nonce is an argument.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocol::secret::Secret;

/// The version of the link that both sides must share.
pub const LINK_VERSION: u32 = 1;

/// Bytes of a name in the handshake, at most.
const NAME_BYTES_MAX: usize = 64;

/// Sixteen random bytes, used once.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkNonce([u8; 16]);

/// The bridge's first line: it asks for a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "bridge")]
pub struct Hello {
    pub version: u32,
    pub name: String,
    pub nonce: LinkNonce,
}

/// The node's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "bridge_challenge")]
pub struct Challenge {
    pub nonce: LinkNonce,
}

/// The bridge's proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "bridge_auth")]
pub struct Auth {
    mac: String,
}

/// The node's proof; addressed lines follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "bridge_ready")]
pub struct Ready {
    pub node: String,
    mac: String,
    /// Whether the bridge may ask for all nodes' figures: a node that does not know the question would end
    /// the link.
    #[serde(default)]
    pub figures: bool,
}

impl LinkNonce {
    pub fn new(random: [u8; 16]) -> LinkNonce {
        LinkNonce(random)
    }
}

impl Hello {
    pub fn new(name: &str, nonce: LinkNonce) -> Hello {
        Hello {
            version: LINK_VERSION,
            name: name.to_owned(),
            nonce,
        }
    }

    /// Reads a connection's first line; `None` when it is not a bridge's.
    pub fn read(line: &str) -> Option<Hello> {
        let hello: Hello = serde_json::from_str(line).ok()?;
        (hello.name.len() <= NAME_BYTES_MAX).then_some(hello)
    }
}

impl Auth {
    pub fn new(secret: &Secret, hello: &Hello, challenge: &Challenge) -> Auth {
        let mac = mac(secret, "bridge", hello, challenge.nonce, "");
        Auth {
            mac: mac.to_hex().to_string(),
        }
    }

    /// Whether its sender knows `secret`.
    pub fn proves(&self, secret: &Secret, hello: &Hello, challenge: &Challenge) -> bool {
        same(&self.mac, mac(secret, "bridge", hello, challenge.nonce, ""))
    }
}

impl Ready {
    pub fn new(secret: &Secret, hello: &Hello, challenge: &Challenge, node: &str) -> Ready {
        let mac = mac(secret, "node", hello, challenge.nonce, node);
        Ready {
            node: node.to_owned(),
            mac: mac.to_hex().to_string(),
            figures: true,
        }
    }

    /// Whether its sender knows `secret`.
    pub fn proves(&self, secret: &Secret, hello: &Hello, challenge: &Challenge) -> bool {
        same(
            &self.mac,
            mac(secret, "node", hello, challenge.nonce, &self.node),
        )
    }
}

fn mac(secret: &Secret, role: &str, hello: &Hello, theirs: LinkNonce, node: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&secret.bridge_key());
    hasher.update(&hello.version.to_le_bytes());
    // Each part with its length, so that no two sets of parts run together into the same bytes.
    for part in [
        role.as_bytes(),
        &hello.nonce.0,
        &theirs.0,
        hello.name.as_bytes(),
        node.as_bytes(),
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

/// Compares in constant time.
fn same(hex: &str, mac: blake3::Hash) -> bool {
    blake3::Hash::from_hex(hex).is_ok_and(|said| said == mac)
}

impl TryFrom<String> for LinkNonce {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<LinkNonce, &'static str> {
        let wrong = "a nonce has 32 hexadecimal digits";
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        let number = u128::from_str_radix(&hex, 16).map_err(|_| wrong)?;
        Ok(LinkNonce(number.to_be_bytes()))
    }
}

impl From<LinkNonce> for String {
    fn from(nonce: LinkNonce) -> String {
        nonce.to_string()
    }
}

impl fmt::Display for LinkNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for LinkNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new(&[byte; 32]).unwrap()
    }

    fn opening() -> (Hello, Challenge) {
        let hello = Hello::new("web-1", LinkNonce::new([1; 16]));
        let nonce = LinkNonce::new([2; 16]);
        (hello, Challenge { nonce })
    }

    #[test]
    fn both_sides_prove_that_they_know_the_secret() {
        let (hello, challenge) = opening();
        let auth = Auth::new(&secret(b'a'), &hello, &challenge);
        assert!(auth.proves(&secret(b'a'), &hello, &challenge));
        assert!(!auth.proves(&secret(b'b'), &hello, &challenge));
        let ready = Ready::new(&secret(b'a'), &hello, &challenge, "n1");
        assert!(ready.proves(&secret(b'a'), &hello, &challenge));
        assert!(!ready.proves(&secret(b'b'), &hello, &challenge));
        let other_name = Ready {
            node: "n2".into(),
            ..ready
        };
        assert!(!other_name.proves(&secret(b'a'), &hello, &challenge));
    }

    #[test]
    fn a_node_that_does_not_say_so_is_not_asked_for_figures() {
        let line = r#"{"type":"bridge_ready","node":"n1","mac":"00"}"#;
        assert!(!serde_json::from_str::<Ready>(line).unwrap().figures);
    }

    #[test]
    fn a_proof_is_of_no_use_to_the_other_role_or_another_time() {
        let (hello, challenge) = opening();
        let auth = Auth::new(&secret(b'a'), &hello, &challenge);
        let reflected = Ready {
            node: String::new(),
            mac: auth.mac.clone(),
            figures: true,
        };
        assert!(!reflected.proves(&secret(b'a'), &hello, &challenge));
        let later = Challenge {
            nonce: LinkNonce::new([3; 16]),
        };
        assert!(!auth.proves(&secret(b'a'), &hello, &later));
    }

    #[test]
    fn the_lines_are_as_documented_and_others_are_not_taken_for_them() {
        let (hello, challenge) = opening();
        let line = serde_json::to_string(&hello).unwrap();
        assert_eq!(
            line,
            r#"{"type":"bridge","version":1,"name":"web-1","nonce":"01010101010101010101010101010101"}"#
        );
        assert_eq!(Hello::read(&line), Some(hello.clone()));
        assert_eq!(
            serde_json::to_string(&challenge).unwrap(),
            r#"{"type":"bridge_challenge","nonce":"02020202020202020202020202020202"}"#
        );
        for other in [
            "",
            "{}",
            "alice",
            r#"{"type":"ping"}"#,
            r#"{"type":"bridge"}"#,
            r#"{"type":"bridge","version":1,"name":"w","nonce":"+1010101010101010101010101010101"}"#,
            r#"{"type":"bridge","version":1,"name":"w","nonce":"ä1010101010101010101010101010"}"#,
        ] {
            assert_eq!(Hello::read(other), None, "{other}");
        }
        let long = line.replace("web-1", &"x".repeat(NAME_BYTES_MAX + 1));
        assert_eq!(Hello::read(&long), None);
    }
}
