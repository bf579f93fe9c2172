//! Which users may have read markers: whoever comes in new has none, and need not be looked up.
//!
//! It is asked of users only who were made here since the node started, so it has heard of each of
//! their markers, whether a session here moved it or another node told of it. It must be told before the
//! store is.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::store::SoftRow;
use crate::protocol::Uid;

/// Users share that many bits, 32 KiB: of 10,000 who have read something, one in 26 of those who
/// have not is looked up all the same.
const BITS: usize = 256 * 1024;

/// A bit for some users each: set when one of them may have a marker.
pub struct Marked {
    bits: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Marked {
    fn default() -> Marked {
        Marked {
            bits: (0..BITS / 64).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Marked {
    /// These rows are about to be stored.
    pub fn note(&self, rows: &[SoftRow]) {
        for row in rows {
            match row {
                SoftRow::Read { uid, .. } => {
                    let (word, bit) = self.place(uid);
                    self.bits[word].fetch_or(bit, Ordering::AcqRel);
                }
                SoftRow::Room { .. } | SoftRow::User(_) => {}
            }
        }
    }

    /// Whether the user may have a marker in some room.
    pub fn may_have(&self, uid: &Uid) -> bool {
        let (word, bit) = self.place(uid);
        self.bits[word].load(Ordering::Acquire) & bit != 0
    }

    fn place(&self, uid: &Uid) -> (usize, u64) {
        let at = self.hasher.hash_one(uid) as usize % BITS;
        (at / 64, 1 << (at % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Origin, RoomKey, RoomName};

    #[test]
    fn a_user_whose_marker_is_stored_may_have_one_and_most_others_do_not() {
        let uid = |n: usize| Uid::parse(&format!("user{n}")).unwrap();
        let marked = Marked::default();
        marked.note(&[SoftRow::Read {
            uid: uid(0),
            room: RoomKey::Room(RoomName::parse("lobby").unwrap()),
            origin: Origin::parse("n1-aaaa").unwrap(),
            seq: 1,
        }]);
        assert!(marked.may_have(&uid(0)));
        let others = (1..1000).filter(|n| marked.may_have(&uid(*n))).count();
        assert!(others < 10, "{others}");
    }
}
