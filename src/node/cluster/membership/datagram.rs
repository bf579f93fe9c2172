//! A datagram of the gossip: what it is, who sent it to whom, its number, and a seal over all of it
//! that only who knows the cluster's secret can make. Plain bytes in and out; whether one is a replay is
//! the business of the [`door`](super::door).
//!
//! ```text
//! 4  "CHG" and the version, 1
//! 1  kind: 0 gossip, 1 greeting
//! 8  the sender's incarnation
//! 8  the receiver's incarnation, as the sender knows it; 0 when it does not
//! 8  the sender's count of its datagrams, from 1
//! …  what it carries
//! 32 BLAKE3 of all the above, keyed
//! ```
//!
//! Numbers are big-endian. What is carried is authenticated, not hidden: names and addresses of nodes,
//! nothing of users or rooms.

use crate::protocol::peer::Incarnation;

/// The longest datagram that UDP over IPv4 carries.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// All but what is carried.
pub const SEAL_BYTES: usize = HEAD_BYTES + MAC_BYTES;

const MAGIC: [u8; 4] = *b"CHG\x01";
const HEAD_BYTES: usize = 4 + 1 + 3 * 8;
const MAC_BYTES: usize = 32;

/// What a datagram is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It carries a message of the gossip.
    Gossip,
    /// It carries nothing: the answer to one that was not addressed to this run of the receiver, so
    /// that its sender knows the address from now on.
    Greeting,
}

/// What stands before the carried bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub kind: Kind,
    pub from: Incarnation,
    /// The run that it is for; 0 when the sender does not know whom it will reach.
    pub to: Incarnation,
    pub number: u64,
}

/// The bytes were not made by a node of this cluster, or not by this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no datagram of this cluster")]
pub struct Forged;

/// Writes a datagram.
pub fn seal(key: &[u8; 32], head: &Head, carried: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SEAL_BYTES + carried.len());
    bytes.extend(MAGIC);
    bytes.push(match head.kind {
        Kind::Gossip => 0,
        Kind::Greeting => 1,
    });
    for number in [head.from.0, head.to.0, head.number] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(carried);
    let mac = blake3::keyed_hash(key, &bytes);
    bytes.extend(mac.as_bytes());
    bytes
}

/// Reads a datagram: what stands before, and what it carries. Nothing of it is looked at before the
/// seal has been found good.
///
/// # Errors
/// `Forged`.
pub fn open<'a>(key: &[u8; 32], bytes: &'a [u8]) -> Result<(Head, &'a [u8]), Forged> {
    let (sealed, mac) = bytes.split_last_chunk::<MAC_BYTES>().ok_or(Forged)?;
    // Comparing hashes of this library takes the same time wherever they differ.
    if blake3::keyed_hash(key, sealed) != blake3::Hash::from_bytes(*mac) {
        return Err(Forged);
    }
    let (magic, rest) = sealed.split_first_chunk::<4>().ok_or(Forged)?;
    let (kind, rest) = rest.split_first().ok_or(Forged)?;
    let kind = match kind {
        0 => Kind::Gossip,
        1 => Kind::Greeting,
        _ => return Err(Forged),
    };
    let (from, rest) = number(rest)?;
    let (to, rest) = number(rest)?;
    let (number, carried) = number(rest)?;
    if *magic != MAGIC {
        return Err(Forged);
    }
    let head = Head {
        kind,
        from: Incarnation(from),
        to: Incarnation(to),
        number,
    };
    Ok((head, carried))
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), Forged> {
    let (number, rest) = bytes.split_first_chunk::<8>().ok_or(Forged)?;
    Ok((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::secret::Secret;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];

    fn head(kind: Kind) -> Head {
        Head {
            kind,
            from: Incarnation(u64::MAX - 1),
            to: Incarnation(2),
            number: 3,
        }
    }

    #[test]
    fn the_bytes_are_what_earlier_nodes_wrote() {
        let bytes = seal(&KEY, &head(Kind::Gossip), b"hi");
        let (sealed, mac) = bytes.split_at(bytes.len() - MAC_BYTES);
        let expected =
            b"CHG\x01\x00\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03hi";
        assert_eq!(sealed, expected);
        assert_eq!(mac, blake3::keyed_hash(&KEY, expected).as_bytes());
    }

    #[test]
    fn another_secret_opens_nothing() {
        let secret = |c: u8| Secret::new(&[c; 32]).unwrap().gossip_key();
        let bytes = seal(&secret(b'a'), &head(Kind::Gossip), b"hi");
        assert!(open(&secret(b'a'), &bytes).is_ok());
        assert_eq!(open(&secret(b'b'), &bytes), Err(Forged));
    }

    #[test]
    fn a_later_version_or_kind_is_not_read_as_this_one() {
        for at in [3, 4] {
            let bytes = seal(&KEY, &head(Kind::Greeting), b"");
            let mut sealed = bytes[..bytes.len() - MAC_BYTES].to_vec();
            sealed[at] = 9;
            let mac = blake3::keyed_hash(&KEY, &sealed);
            sealed.extend(mac.as_bytes());
            assert_eq!(open(&KEY, &sealed), Err(Forged));
        }
    }

    fn any_head() -> impl Strategy<Value = Head> {
        let kind = prop_oneof![Just(Kind::Gossip), Just(Kind::Greeting)];
        (kind, any::<[u64; 3]>()).prop_map(|(kind, [from, to, number])| Head {
            kind,
            from: Incarnation(from),
            to: Incarnation(to),
            number,
        })
    }

    proptest! {
        #[test]
        fn what_is_sealed_comes_back_as_it_went(head in any_head(), carried: Vec<u8>) {
            let bytes = seal(&KEY, &head, &carried);
            prop_assert_eq!(bytes.len(), carried.len() + SEAL_BYTES);
            prop_assert_eq!(open(&KEY, &bytes), Ok((head, &carried[..])));
        }

        #[test]
        fn a_damaged_datagram_is_never_accepted(
            head in any_head(), carried: Vec<u8>, at in any::<prop::sample::Index>(), flip in 1_u8..
        ) {
            let mut bytes = seal(&KEY, &head, &carried);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(open(&KEY, &bytes), Err(Forged));
        }

        #[test]
        fn a_truncated_or_lengthened_datagram_is_never_accepted(
            head in any_head(), carried: Vec<u8>, at in any::<prop::sample::Index>(), more: Vec<u8>
        ) {
            let mut bytes = seal(&KEY, &head, &carried);
            prop_assert_eq!(open(&KEY, &bytes[..at.index(bytes.len())]), Err(Forged));
            if !more.is_empty() {
                bytes.extend(more);
                prop_assert_eq!(open(&KEY, &bytes), Err(Forged));
            }
        }

        #[test]
        fn noise_is_never_accepted(bytes: Vec<u8>) {
            prop_assert_eq!(open(&KEY, &bytes), Err(Forged));
        }
    }
}
