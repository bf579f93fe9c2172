//! A channel's newest lines, encoded once, for all who read it.
//!
//! Pure: no lock, no task. A reader is a [`Cursor`]; who is further behind than the ring is long reads
//! the log, from what the cursor holds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::newest::Newest;
use crate::node::presence::SessionId;
use crate::protocol::{Origin, Seq, Uid, VersionVector};

/// Lines a channel keeps ready for its readers; who is further behind reads the log. At 50 messages a
/// second it is twenty seconds of a stalled terminal.
pub const RING_LINES_MAX: usize = 1024;

/// Bytes of those lines, at most: a thousand long messages would be four times that.
pub const RING_BYTES_MAX: usize = 1024 * 1024;

/// One encoded frame with its line end.
#[derive(Clone, Debug)]
pub struct Line {
    pub bytes: Bytes,
    /// Where the log holds it; none for what is never stored (typing, presence), which may be lost.
    pub place: Option<(Origin, Seq)>,
    /// When what it shows was handed to the store.
    pub received_at: Option<Instant>,
    /// Who does not get it.
    pub except: Option<Except>,
}

/// Who does not get a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Except {
    /// All sessions of a user: its own coming or typing is no news to it.
    User(Uid),
    /// One session: it has been answered.
    Session(SessionId),
}

impl Line {
    /// Whether it shows a message, not what became of one.
    pub fn is_message(&self) -> bool {
        self.bytes.starts_with(b"{\"type\":\"new_message\"")
    }

    /// A line that the log does not hold.
    pub fn passing(bytes: Vec<u8>, except: Option<Except>) -> Line {
        Line {
            // A room keeps hundreds of them.
            bytes: bytes.into_boxed_slice().into(),
            place: None,
            received_at: None,
            except,
        }
    }
}

/// Where a reader stands.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// Index of the next line to read.
    pub next: u64,
    /// What of the log the reader has been given, for the day it falls off the ring.
    pub held: Arc<VersionVector>,
}

/// Lines in one piece, the same for all who read on from the same place.
#[derive(Clone, Debug)]
pub struct Piece {
    pub bytes: Bytes,
    /// How many lines it is.
    pub lines: u64,
    /// When what the newest of them shows was handed to the store.
    pub received_at: Option<Instant>,
}

/// What a reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All there is.
    End,
    /// The budget is used up; there is more.
    Part,
    /// The next line is not in the ring any more.
    Behind,
}

/// The newest lines, counted from the channel's making on.
#[derive(Debug, Default)]
pub struct Ring {
    lines: VecDeque<Line>,
    /// Index of the first line kept.
    first: u64,
    bytes: usize,
    /// What of the log was published when the last stored line was pushed.
    held: Arc<VersionVector>,
    /// The piece that was last made, and the index of its first line; it goes up to the end.
    piece: Option<Box<(u64, Piece)>>,
    /// Index behind the last stored line.
    stored_to: u64,
    /// What the log says of the room, and the end of the ring when it did; no stored line since.
    newest: Option<Box<(u64, Arc<Newest>)>>,
}

impl Ring {
    /// Index that the next line will get.
    pub fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// Adds stored lines; `held` is what is published once they are.
    pub fn push_stored(
        &mut self,
        lines: impl IntoIterator<Item = Line>,
        held: &Arc<VersionVector>,
    ) {
        for line in lines {
            self.push(line);
        }
        self.held = Arc::clone(held);
        self.stored_to = self.end();
        self.newest = None;
    }

    /// Adds a line that the log does not hold.
    pub fn push_passing(&mut self, line: Line) {
        self.push(line);
    }

    fn push(&mut self, line: Line) {
        self.piece = None;
        self.bytes += line.bytes.len();
        self.lines.push_back(line);
        while self.lines.len() > RING_LINES_MAX || self.bytes > RING_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes.len();
            self.first += 1;
        }
    }

    /// Keeps what the log says of the room up to where a reader began when the ring's end was `as_of`, unless
    /// something was stored since.
    pub fn keep_newest(&mut self, as_of: u64, newest: Newest) {
        if as_of >= self.stored_to && newest.is_small() {
            self.newest = Some(Box::new((as_of, Arc::new(newest))));
        }
    }

    /// What the log says of the room up to where a reader begins at `next`, if that is known.
    pub fn newest(&self, next: u64, limit: usize) -> Option<Arc<Newest>> {
        let (as_of, newest) = &**self.newest.as_ref()?;
        // What was read later may have more than the reader's vector.
        (*as_of <= next && newest.answers(limit)).then(|| Arc::clone(newest))
    }

    /// Hands the lines from `cursor` on to `take`, and moves it behind them. It stops once `take` has
    /// been handed `budget` bytes or more.
    pub fn read(&self, cursor: &mut Cursor, budget: usize, mut take: impl FnMut(&Line)) -> Reach {
        if cursor.next < self.first {
            return Reach::Behind;
        }
        let skip = usize::try_from(cursor.next - self.first).unwrap_or(usize::MAX);
        let (mut bytes, mut stored) = (0, false);
        for (taken, line) in self.lines.iter().skip(skip).enumerate() {
            if bytes >= budget {
                self.hold(cursor, skip, taken);
                return Reach::Part;
            }
            bytes += line.bytes.len();
            stored |= line.place.is_some();
            cursor.next += 1;
            take(line);
        }
        // Without a stored line, what the cursor holds may be newer than the ring's.
        if stored {
            cursor.held = Arc::clone(&self.held);
        }
        Reach::End
    }

    /// All lines from `cursor` to the end in one piece, and moves it there; the piece is made once for all
    /// readers. None where the lines have to be looked at one by one: there are none, they are more than
    /// `budget` bytes, some are not for everybody, or the next one is not in the ring any more.
    pub fn read_piece(&mut self, cursor: &mut Cursor, budget: usize) -> Option<Piece> {
        let end = self.end();
        if cursor.next < self.first || cursor.next >= end {
            return None;
        }
        if self.piece.as_ref().is_none_or(|made| made.0 != cursor.next) {
            let piece = self.make_piece(cursor.next, budget)?;
            self.piece = Some(Box::new((cursor.next, piece)));
        }
        let piece = &self.piece.as_ref()?.1;
        if piece.bytes.len() > budget {
            return None;
        }
        cursor.next = end;
        cursor.held = Arc::clone(&self.held);
        Some(piece.clone())
    }

    fn make_piece(&self, from: u64, budget: usize) -> Option<Piece> {
        let skip = usize::try_from(from - self.first).ok()?;
        let (mut bytes, mut received_at, mut stored) = (0, None, false);
        for line in self.lines.range(skip..) {
            bytes += line.bytes.len();
            received_at = line.received_at.or(received_at);
            stored |= line.place.is_some();
            if line.except.is_some() || bytes > budget {
                return None;
            }
        }
        // Without a stored line, what a reader holds may be newer than the ring's.
        if !stored {
            return None;
        }
        let lines = (self.lines.len() - skip) as u64;
        let bytes = match self.lines.len() - skip {
            1 => self.lines[skip].bytes.clone(),
            _ => {
                let mut all = Vec::with_capacity(bytes);
                for line in self.lines.range(skip..) {
                    all.extend_from_slice(&line.bytes);
                }
                all.into()
            }
        };
        Some(Piece {
            bytes,
            lines,
            received_at,
        })
    }

    /// A reader that stops on the way holds exactly the lines it was given.
    fn hold(&self, cursor: &mut Cursor, skip: usize, taken: usize) {
        if taken == 0 {
            return;
        }
        let held = Arc::make_mut(&mut cursor.held);
        for (origin, seq) in self
            .lines
            .range(skip..skip + taken)
            .filter_map(|l| l.place.as_ref())
        {
            held.advance(origin, *seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::parse("n1-aaaa").unwrap()
    }

    fn line(seq: Seq, bytes: usize) -> Line {
        Line {
            bytes: vec![b'x'; bytes].into(),
            place: Some((origin(), seq)),
            received_at: None,
            except: None,
        }
    }

    fn vector(seq: Seq) -> Arc<VersionVector> {
        Arc::new([(origin(), seq)].into_iter().collect())
    }

    fn cursor() -> Cursor {
        Cursor {
            next: 0,
            held: Arc::default(),
        }
    }

    #[test]
    fn a_ring_keeps_1024_lines_and_who_needs_an_older_one_is_behind() {
        let mut ring = Ring::default();
        ring.push_stored((1..=1024).map(|seq| line(seq, 10)), &vector(1024));
        let mut at = cursor();
        assert_eq!(ring.read(&mut at, 1, |_| {}), Reach::Part);
        ring.push_stored([line(1025, 10)], &vector(1025));
        assert_eq!(ring.read(&mut at.clone(), usize::MAX, |_| {}), Reach::End);
        assert_eq!(ring.read(&mut cursor(), usize::MAX, |_| {}), Reach::Behind);
    }

    #[test]
    fn a_ring_keeps_a_mebibyte_at_most() {
        let mut ring = Ring::default();
        ring.push_stored((1..=5).map(|seq| line(seq, 256 * 1024)), &vector(5));
        assert_eq!(ring.read(&mut cursor(), usize::MAX, |_| {}), Reach::Behind);
        let mut at = Cursor {
            next: 1,
            ..cursor()
        };
        assert_eq!(ring.read(&mut at, usize::MAX, |_| {}), Reach::End);
        assert_eq!(at.next, 5);
    }

    #[test]
    fn a_reader_that_stops_on_the_way_holds_what_it_was_given_and_no_more() {
        let mut ring = Ring::default();
        ring.push_stored((1..=10).map(|seq| line(seq, 10)), &vector(20));
        let mut at = cursor();
        assert_eq!(ring.read(&mut at, 25, |_| {}), Reach::Part);
        assert_eq!((at.next, at.held.get(&origin())), (3, 3));
        assert_eq!(ring.read(&mut at, usize::MAX, |_| {}), Reach::End);
        assert_eq!((at.next, at.held.get(&origin())), (10, 20));
    }

    #[test]
    fn a_passing_line_takes_nothing_from_what_a_reader_holds() {
        let mut ring = Ring::default();
        ring.push_stored([line(1, 10)], &vector(1));
        let mut at = Cursor {
            next: ring.end(),
            held: vector(7),
        };
        ring.push_passing(Line::passing(vec![b'x'], None));
        assert_eq!(ring.read(&mut at, usize::MAX, |_| {}), Reach::End);
        assert_eq!(at.held.get(&origin()), 7);
    }

    fn newest(limit: usize, more: bool) -> Newest {
        Newest {
            limit,
            messages: Vec::new(),
            more,
            topic: String::new(),
        }
    }

    #[test]
    fn what_the_log_says_of_a_room_is_kept_until_it_says_something_else() {
        let mut ring = Ring::default();
        ring.push_passing(Line::passing(vec![b'x'], None));
        ring.keep_newest(1, newest(50, true));
        ring.push_passing(Line::passing(vec![b'x'], None));
        assert!(ring.newest(2, 50).is_some());
        assert!(ring.newest(2, 51).is_none(), "more messages are asked for");
        assert!(ring.newest(0, 50).is_none(), "somebody began before");
        ring.push_stored([line(1, 10)], &vector(1));
        assert!(ring.newest(3, 50).is_none());
        ring.keep_newest(2, newest(50, true));
        assert!(ring.newest(3, 50).is_none(), "read before the last line");
        ring.keep_newest(3, newest(50, false));
        assert!(ring.newest(3, 10).is_some(), "there are no more than these");
    }
}
