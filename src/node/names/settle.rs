//! One name, two bearers: what is done after nodes that could not hear each other do again.

use super::{Names, claim_of};
use crate::node::presence::Presence;
use crate::protocol::Ts;
use crate::protocol::presence::UserRecord;

impl Names {
    /// Of several who are here under one name, the earliest claim stands, and the others get free
    /// names. Only users are renamed for whom this node decides ([`Presence::decides_for`]), so that
    /// two nodes do not give one user two names; and a new name that is taken elsewhere at the same
    /// moment is settled in the same way again.
    ///
    /// Returns the new records, each for [`Presence::rename`] and the store. To be called at every
    /// tick; it is free while no name is contested.
    pub fn settle(&mut self, presence: &Presence, now: Ts) -> Vec<UserRecord> {
        let mut renamed = Vec::new();
        for key in presence.contested() {
            let mut bearers: Vec<_> = presence.bearers(key).collect();
            bearers.sort_by_cached_key(|face| claim_of(face));
            for face in bearers.into_iter().skip(1) {
                if !presence.decides_for(&face.uid) {
                    continue;
                }
                let record = UserRecord {
                    uid: face.uid.clone(),
                    name: self.free_name(&face.name, &face.uid, presence, now),
                    claimed_at: Ts(now.0.max(face.named_at.0 + 1)),
                    last_seen: now,
                };
                self.put(record.clone());
                renamed.push(record);
            }
        }
        renamed
    }
}
