//! Which rooms are the busiest: messages of the last minute by room.
//!
//! Direct conversations are left out: who talks with whom is nobody's business, an administrator's
//! neither.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::rooms::lock;
use crate::protocol::RoomName;

/// A minute is counted in so many pieces; the oldest is let go as a new one begins.
const PIECES: usize = 6;

/// How long a piece is.
const PIECE: Duration = Duration::from_secs(10);

/// Rooms that are counted at the same time. More do not speak within a minute where people write.
const ROOMS_MAX: usize = 4096;

/// Messages of the last minute, by room.
#[derive(Debug, Default)]
pub struct BusyRooms(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    by_room: HashMap<RoomName, [u32; PIECES]>,
    /// The piece that is counted into.
    piece: usize,
    began: Option<Instant>,
}

impl BusyRooms {
    /// Messages that were committed, one for each room named.
    pub fn count<'a>(&self, rooms: impl Iterator<Item = &'a RoomName>) {
        let mut counts = lock(&self.0);
        let piece = counts.piece;
        for room in rooms {
            if let Some(pieces) = counts.by_room.get_mut(room) {
                pieces[piece] = pieces[piece].saturating_add(1);
            } else if counts.by_room.len() < ROOMS_MAX {
                let mut pieces = [0; PIECES];
                pieces[piece] = 1;
                counts.by_room.insert(room.clone(), pieces);
            }
        }
    }

    /// To be called about once a second.
    pub fn tick(&self, now: Instant) {
        let mut counts = lock(&self.0);
        let began = *counts.began.get_or_insert(now);
        if now - began < PIECE {
            return;
        }
        counts.began = Some(now);
        let next = (counts.piece + 1) % PIECES;
        counts.piece = next;
        counts.by_room.retain(|_, pieces| {
            pieces[next] = 0;
            pieces.iter().any(|count| *count > 0)
        });
    }

    /// The busiest rooms and their messages of the last minute, `limit` at most.
    pub fn top(&self, limit: usize) -> Vec<(RoomName, u64)> {
        let counts = lock(&self.0);
        let sum = |pieces: &[u32; PIECES]| pieces.iter().map(|count| u64::from(*count)).sum();
        let mut all: Vec<(&RoomName, u64)> = counts
            .by_room
            .iter()
            .map(|(room, pieces)| (room, sum(pieces)))
            .collect();
        all.sort_by(|(one, more), (other, less)| less.cmp(more).then(one.cmp(other)));
        all.truncate(limit);
        all.into_iter()
            .map(|(room, messages)| (room.clone(), messages))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    #[test]
    fn the_busiest_rooms_of_the_last_minute_come_first() {
        let (busy, start) = (BusyRooms::default(), Instant::now());
        busy.tick(start);
        busy.count([room("quiet"), room("loud"), room("loud")].iter());
        let both = [(room("loud"), 2), (room("quiet"), 1)];
        assert_eq!(busy.top(9), both);
        assert_eq!(busy.top(1), both[..1]);
        for piece in 1..6 {
            busy.tick(start + PIECE * piece);
        }
        busy.count([room("quiet")].iter());
        assert_eq!(busy.top(9), [(room("loud"), 2), (room("quiet"), 2)]);
        busy.tick(start + PIECE * 6);
        assert_eq!(busy.top(9), [(room("quiet"), 1)], "a minute is over");
    }

    #[test]
    fn rooms_past_the_limit_are_not_counted() {
        let busy = BusyRooms::default();
        let rooms: Vec<RoomName> = (0..=ROOMS_MAX).map(|n| room(&format!("r{n}"))).collect();
        busy.count(rooms.iter());
        assert_eq!(busy.top(usize::MAX).len(), ROOMS_MAX);
    }
}
