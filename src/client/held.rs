//! What a client holds of one room: the vector from which it resumes.

use crate::protocol::server::{History, Room};
use crate::protocol::{Origin, Seq, Ts, VersionVector};

/// All events up to here have been handed out, and the client may ask for what comes after.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// What a `join` or `history` resumes from.
    pub since: VersionVector,
    /// Pages are still missing. Until they are here a live event says nothing about those before it,
    /// so it does not count.
    pub more: bool,
    /// The greatest time seen, for the `after` of what is written next.
    pub newest: Ts,
}

impl Held {
    /// Takes a `room` answer. `resumed`: the `join` had a `since`, so `more` speaks of newer events;
    /// else of older ones, which are not missing.
    pub fn take_room(&mut self, room: &Room, resumed: bool) {
        if resumed {
            self.since.merge(&room.since);
        } else {
            self.since = room.since.clone();
        }
        self.more = resumed && room.more;
        for message in &room.messages {
            self.note(message.ts);
        }
    }

    /// Takes an answer to `history` with `since`.
    pub fn take_page(&mut self, page: &History) {
        if let Some(since) = &page.since {
            self.since.merge(since);
            self.more = page.more;
        }
        for message in &page.messages {
            self.note(message.ts);
        }
    }

    /// Takes a live event.
    pub fn take_live(&mut self, origin: &Origin, seq: Seq, ts: Ts) {
        if !self.more {
            self.since.advance(origin, seq);
        }
        self.note(ts);
    }

    /// The server skipped what lies past `since`.
    pub fn take_gap(&mut self, since: &VersionVector) {
        self.since = since.clone();
        self.more = true;
    }

    /// Something of this time was seen.
    pub fn note(&mut self, ts: Ts) {
        self.newest = self.newest.max(ts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(places: &[(&str, Seq)]) -> VersionVector {
        let place = |(origin, seq): &(&str, Seq)| (Origin::parse(origin).unwrap(), *seq);
        places.iter().map(place).collect()
    }

    #[test]
    fn a_live_event_counts_only_when_no_page_is_missing() {
        let n1 = Origin::parse("n1-a").unwrap();
        let mut held = Held {
            since: at(&[("n1-a", 5)]),
            more: true,
            newest: Ts(0),
        };
        held.take_live(&n1, 9, Ts(90));
        assert_eq!(
            (held.since.clone(), held.newest),
            (at(&[("n1-a", 5)]), Ts(90))
        );
        held.take_page(&History {
            re: None,
            room: "lobby".to_owned(),
            messages: Vec::new(),
            updates: Vec::new(),
            more: false,
            since: Some(at(&[("n1-a", 9), ("n2-b", 4)])),
        });
        held.take_live(&n1, 10, Ts(80));
        assert_eq!(held.since, at(&[("n1-a", 10), ("n2-b", 4)]));
        assert_eq!(held.newest, Ts(90));
    }

    #[test]
    fn a_page_without_a_vector_is_no_step_of_resuming() {
        let mut held = Held {
            since: at(&[("n1-a", 5)]),
            more: true,
            newest: Ts(0),
        };
        held.take_page(&History {
            re: None,
            room: "lobby".to_owned(),
            messages: Vec::new(),
            updates: Vec::new(),
            more: false,
            since: None,
        });
        assert!(held.more);
    }
}
