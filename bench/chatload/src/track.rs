//! Who has been given what: loss, duplication, order and latency of every delivery.
//!
//! Messages belong to streams (a publisher's, or a room's), and each message of a stream is due once at
//! each of its seats (the subscribers, or the room's members).

use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;

use hdrhistogram::Histogram;
use memchr::memmem;

/// The shortest payload: mark, run, time, stream, number.
pub const PAYLOAD_BYTES_MIN: usize = 2 + 8 + 16 + 4 + 8;

/// Streams that the payload has digits for.
pub const STREAMS_MAX: usize = 1 << 16;

#[derive(Default)]
struct Stream {
    /// Messages so far; they are numbered from 0.
    next: u32,
    /// The oldest message that some seat still misses, and how many have each from there on.
    base: u32,
    delivered: VecDeque<u32>,
}

/// What one seat has of its stream: the highest number + 1, and the 64 before it as bits.
#[derive(Clone, Copy, Default)]
struct Seen {
    next: u32,
    bits: u64,
}

pub struct Tracker {
    run: u32,
    seats: usize,
    streams: Vec<Stream>,
    seen: Vec<Seen>,
    /// Deliveries stamped in this span count for the latency.
    pub timed_ns: Range<u64>,
    /// Nanoseconds.
    pub latency: Histogram<u64>,
    /// Deliveries to seats, without duplicates; to publishers (their own echo and the others').
    pub delivered: u64,
    pub echoed: u64,
    pub duplicated: u64,
    pub out_of_order: u64,
}

impl Tracker {
    pub fn new(run: u32, streams: usize, seats: usize) -> Self {
        Tracker {
            run,
            seats,
            streams: (0..streams).map(|_| Stream::default()).collect(),
            seen: vec![Seen::default(); seats * streams],
            timed_ns: 0..0,
            latency: histogram(),
            delivered: 0,
            echoed: 0,
            duplicated: 0,
            out_of_order: 0,
        }
    }

    /// The next message of the stream, of `size` bytes, stamped `at_ns`.
    pub fn payload(&mut self, stream: usize, at_ns: u64, size: usize, out: &mut Vec<u8>) {
        let counted = &mut self.streams[stream];
        out.clear();
        // Writing to a Vec cannot fail.
        let _ = write!(
            out,
            "@T{:08x}{at_ns:016x}{stream:04x}{:08x}",
            self.run, counted.next
        );
        out.resize(size, b'x');
        counted.next += 1;
        counted.delivered.push_back(0);
    }

    /// How many messages of the stream have not reached every seat.
    pub fn in_flight(&self, stream: usize) -> u32 {
        self.streams[stream].next - self.streams[stream].base
    }

    pub fn published(&self) -> u64 {
        self.streams.iter().map(|s| u64::from(s.next)).sum()
    }

    pub fn due(&self) -> u64 {
        self.published() * self.seats as u64
    }

    /// A message has come to a seat, or to a publisher who has none.
    pub fn arrived(&mut self, seat: Option<usize>, data: &[u8], now_ns: u64) {
        let Some(stamp) = Stamp::find(data) else {
            return;
        };
        if stamp.run != self.run || stamp.stream >= self.streams.len() {
            return;
        }
        let Some(seat) = seat else {
            self.echoed += 1;
            return;
        };
        if !self.is_new(stamp.stream * self.seats + seat, stamp.number) {
            self.duplicated += 1;
            return;
        }
        self.delivered += 1;
        if self.timed_ns.contains(&stamp.at_ns) {
            self.latency
                .saturating_record(now_ns.saturating_sub(stamp.at_ns));
        }
        let stream = &mut self.streams[stamp.stream];
        let behind = stamp.number.checked_sub(stream.base);
        if let Some(count) = behind.and_then(|i| stream.delivered.get_mut(i as usize)) {
            *count += 1;
        }
        while stream
            .delivered
            .front()
            .is_some_and(|&count| count as usize >= self.seats)
        {
            stream.delivered.pop_front();
            stream.base += 1;
        }
    }

    fn is_new(&mut self, place: usize, number: u32) -> bool {
        let seen = &mut self.seen[place];
        if number >= seen.next {
            let step = number + 1 - seen.next;
            seen.bits = seen.bits.checked_shl(step).unwrap_or(0) | 1;
            seen.next = number + 1;
            return true;
        }
        let bit = 1u64.checked_shl(seen.next - 1 - number).unwrap_or(0);
        if bit == 0 || seen.bits & bit != 0 {
            return false;
        }
        seen.bits |= bit;
        self.out_of_order += 1;
        true
    }
}

/// The longest time that is told from longer ones, in nanoseconds: no run lasts that long.
const LATENCY_NS_MAX: u64 = 120_000_000_000;

/// Of nanoseconds, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LATENCY_NS_MAX, 3).expect("three digits are a precision that it has")
}

struct Stamp {
    run: u32,
    at_ns: u64,
    stream: usize,
    number: u32,
}

impl Stamp {
    fn find(data: &[u8]) -> Option<Stamp> {
        let at = memmem::find(data, b"@T")? + 2;
        let digits = data.get(at..at + PAYLOAD_BYTES_MIN - 2)?;
        Some(Stamp {
            run: hex(&digits[..8])? as u32,
            at_ns: hex(&digits[8..24])?,
            stream: hex(&digits[24..28])? as usize,
            number: hex(&digits[28..36])? as u32,
        })
    }
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_duplicates_and_order_are_told_apart() {
        let mut tracker = Tracker::new(7, 1, 2);
        let mut messages = Vec::new();
        for _ in 0..4 {
            let mut message = Vec::new();
            tracker.payload(0, 1, 50, &mut message);
            assert_eq!(message.len(), 50);
            messages.push(message);
        }
        for i in [0, 2, 1, 1, 3] {
            tracker.arrived(Some(0), &messages[i], 2);
        }
        let counted = (tracker.delivered, tracker.duplicated, tracker.out_of_order);
        assert_eq!(counted, (4, 1, 1));
        tracker.arrived(Some(1), &messages[0], 2);
        tracker.arrived(Some(1), &messages[3], 2);
        assert_eq!(tracker.in_flight(0), 3);
        assert_eq!(tracker.due() - tracker.delivered, 2);
        tracker.arrived(None, &messages[3], 2);
        tracker.arrived(Some(1), b"@Tother", 2);
        assert_eq!((tracker.echoed, tracker.delivered), (1, 6));
    }

    #[test]
    fn a_delivery_is_timed_from_its_stamp() {
        let mut tracker = Tracker::new(7, 1, 1);
        tracker.timed_ns = 0..1000;
        let mut message = Vec::new();
        tracker.payload(0, 500, 50, &mut message);
        tracker.arrived(Some(0), &message, 20_000_500);
        assert_eq!(tracker.latency.max() / 1_000_000, 20);
    }
}
