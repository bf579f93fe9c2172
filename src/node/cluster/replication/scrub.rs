//! Comparing logs with the peers', a piece at a time, for ever: what disks or hands have changed in one
//! copy is found without anybody asking.
//!
//! Every so often a node hashes the next piece of some origin's log and tells its peers; each compares
//! it with its own. Nothing is repaired: which of two copies is right, a person decides.

use std::collections::BTreeMap;
use std::time::Duration;

use super::limits::PIECE_EVENTS;
use super::{LinkId, Moment};
use crate::protocol::peer::Piece;
use crate::protocol::{Origin, Seq, VersionVector};

#[derive(Debug)]
pub struct Scrub {
    every: Duration,
    due: Moment,
    /// The last piece that was begun; the next one follows it, and after the last the first.
    last: Option<(Origin, Seq)>,
    /// Pieces of peers that are being hashed here: one for each link.
    comparing: BTreeMap<LinkId, Piece>,
}

impl Scrub {
    pub fn new(every: Duration) -> Scrub {
        Scrub {
            every,
            due: every,
            last: None,
            comparing: BTreeMap::new(),
        }
    }

    /// The piece to be hashed now, if one is due.
    pub fn next(&mut self, now: Moment, held: &VersionVector) -> Option<(Origin, Seq, Seq)> {
        if now < self.due {
            return None;
        }
        self.due = now + self.every;
        let (origin, after) = match &self.last {
            Some((origin, end)) if held.get(origin) > *end => (origin.clone(), *end),
            Some((origin, _)) => {
                let mut later = held.iter().filter(|(other, _)| *other > origin);
                let next = later.next().or_else(|| held.iter().next())?;
                (next.0.clone(), 0)
            }
            None => (held.iter().next()?.0.clone(), 0),
        };
        let up_to = held.get(&origin).min(after + PIECE_EVENTS);
        self.last = Some((origin.clone(), up_to));
        Some((origin, after, up_to))
    }

    /// A peer has hashed this piece; whether it is to be hashed here. One at a time for each peer.
    pub fn compare(&mut self, link: LinkId, piece: &Piece, held: &VersionVector) -> bool {
        let whole = piece.after < piece.up_to
            && piece.up_to - piece.after <= PIECE_EVENTS
            && held.covers(&piece.origin, piece.up_to);
        let free = !self.comparing.contains_key(&link);
        if whole && free {
            self.comparing.insert(link, piece.clone());
        }
        whole && free
    }

    /// The hash of what `link` asked to compare is known; the piece, if it is another one there.
    pub fn compared(&mut self, link: LinkId, hash: Option<&str>) -> Option<Piece> {
        let piece = self.comparing.remove(&link)?;
        hash.is_some_and(|hash| hash != piece.hash).then_some(piece)
    }

    pub fn lost(&mut self, link: LinkId) {
        self.comparing.remove(&link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn origin(name: &str) -> Origin {
        Origin::parse(name).unwrap()
    }

    fn held(places: &[(&str, Seq)]) -> VersionVector {
        places
            .iter()
            .map(|(name, seq)| (origin(name), *seq))
            .collect()
    }

    #[test]
    fn all_logs_are_gone_through_piece_by_piece_and_then_again() {
        let held = held(&[("n1-a", PIECE_EVENTS + 5), ("n2-b", 7)]);
        let mut scrub = Scrub::new(SECOND);
        assert_eq!(scrub.next(Duration::ZERO, &held), None, "not at once");
        let pieces: Vec<_> = (1..=4)
            .filter_map(|n| scrub.next(SECOND * n, &held))
            .collect();
        assert_eq!(
            pieces,
            [
                (origin("n1-a"), 0, PIECE_EVENTS),
                (origin("n1-a"), PIECE_EVENTS, PIECE_EVENTS + 5),
                (origin("n2-b"), 0, 7),
                (origin("n1-a"), 0, PIECE_EVENTS),
            ]
        );
    }

    #[test]
    fn only_pieces_that_are_held_whole_are_compared_and_one_at_a_time() {
        let held = held(&[("n1-a", 10)]);
        let piece = |after, up_to| Piece {
            origin: origin("n1-a"),
            after,
            up_to,
            hash: "x".to_owned(),
        };
        let mut scrub = Scrub::new(SECOND);
        for wrong in [(0, 11), (5, 5), (9, 2), (0, u64::MAX)] {
            assert!(!scrub.compare(LinkId(1), &piece(wrong.0, wrong.1), &held));
        }
        assert!(scrub.compare(LinkId(1), &piece(0, 10), &held));
        assert!(!scrub.compare(LinkId(1), &piece(0, 5), &held));
        assert_eq!(scrub.compared(LinkId(1), Some("y")), Some(piece(0, 10)));
        assert!(scrub.compare(LinkId(1), &piece(0, 10), &held));
        assert_eq!(scrub.compared(LinkId(1), Some("x")), None);
    }
}
