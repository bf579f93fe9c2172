//! What waits for one browser: its frames in order, bounded.
//!
//! A browser that reads too slowly loses no answer and costs no memory without bound: once its box is
//! full, a room's events are left out and the room is remembered; when there is space again, `gap`
//! tells from where to ask `history`. What the log does not hold (typing, presence) is left out.
//!
//! A frame has a place, counted from 1. A WebSocket takes frames out for good; a poll looks at
//! them, and confirms them when it asks for what is behind them. The newest of those stay for a
//! while: a client that asks from an earlier place again is given the same frames.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::Notify;

use crate::protocol::server::{CloseReason, Disconnect, Gap};
use crate::protocol::{ServerFrame, VersionVector};

/// A frame as a browser gets it, one for all who get it.
pub type Frame = Arc<str>;

/// Frames that wait for one browser. Lines of a room are shared by all who wait for them, so this is
/// mostly 16 bytes each.
pub const FRAMES_MAX: usize = 4096;

/// Bytes of those frames: eight pages of history, or a thousand of the longest messages.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Frames that are kept although a later poll has confirmed them.
const KEPT_FRAMES_MAX: usize = 1024;

/// Bytes of those frames.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// Frames that one take or poll hands out.
const TAKE_FRAMES_MAX: usize = 1024;

/// Bytes that one take or poll hands out, give or take one frame.
const TAKE_BYTES_MAX: usize = 1024 * 1024;

/// Rooms for which a gap is remembered: more than a session can be in, direct conversations included.
const GAPS_MAX: usize = 1024;

/// The frames of one session. Shared by the switchboard, which fills it, and the session's transport.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    /// For polls: something was put in, or the session ended, or a newer poll came.
    pub due: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Frame>,
    /// Frames that have been taken out: the place of the last of them.
    taken: u64,
    /// How many frames, in front, a poll has confirmed.
    kept: usize,
    kept_bytes: usize,
    /// Bytes of the others: those that wait.
    bytes: usize,
    /// By room: what the browser held when its events began to be left out.
    gaps: BTreeMap<String, VersionVector>,
    ended: bool,
    polls: u64,
    /// A ping is due.
    ping: bool,
    /// The WebSocket's task, while it waits for something to do.
    waker: Option<Waker>,
}

/// What a WebSocket has taken, beside the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The browser is to be pinged.
    pub ping: bool,
    /// Nothing will come any more.
    pub ended: bool,
}

/// What a poll sees.
#[derive(Debug, PartialEq)]
pub struct Polled {
    pub frames: Vec<Frame>,
    /// Place of the last of them; what to say as `after` next.
    pub next: u64,
    pub ended: bool,
}

impl Outbox {
    /// An answer, or another frame that must not be left out.
    pub fn answer(&self, frame: Frame) {
        let mut state = self.lock();
        if !state.ended {
            state.push(frame);
            self.wake(state);
        }
    }

    /// An event of a room; `held` is what the browser holds of the room without it. Whether it went in.
    pub fn event(&self, room: &str, held: &VersionVector, frame: Frame) -> bool {
        let mut state = self.lock();
        if state.ended {
            return true;
        }
        if state.gaps.contains_key(room) {
            return false;
        }
        if state.is_full() {
            if state.gaps.len() < GAPS_MAX {
                state.gaps.insert(room.to_owned(), held.clone());
            }
            return false;
        }
        state.push(frame);
        self.wake(state);
        true
    }

    /// A frame that may be lost.
    pub fn passing(&self, frame: Frame) {
        let mut state = self.lock();
        if !state.ended && !state.is_full() {
            state.push(frame);
            self.wake(state);
        }
    }

    /// The last frame: nothing goes in behind it.
    pub fn end(&self, reason: CloseReason, message: &str) {
        let message = message.to_owned();
        let frame = ServerFrame::Disconnect(Disconnect { reason, message });
        self.answer(json(&frame));
        self.close();
    }

    /// The session is over; what waits can still be taken.
    pub fn close(&self) {
        let mut state = self.lock();
        state.ended = true;
        self.wake(state);
    }

    /// Whether the session is over, though there may be something to take yet.
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// The browser is to be pinged.
    pub fn ping(&self) {
        let mut state = self.lock();
        state.ping = true;
        self.wake(state);
    }

    /// A request was answered: there may be room for the next one.
    pub fn answered(&self) {
        self.wake(self.lock());
    }

    /// The WebSocket's task is woken, once, when something is due or a request was answered.
    pub fn wake_when_due(&self, task: &Waker) {
        let mut state = self.lock();
        match &mut state.waker {
            Some(waker) => waker.clone_from(task),
            waker => *waker = Some(task.clone()),
        }
    }

    /// Whether so much waits that no further request should be taken from this browser.
    pub fn is_crowded(&self) -> bool {
        self.lock().bytes > BYTES_MAX / 4
    }

    /// Takes the next frames out, for good, until they have `bytes_max` bytes, and gives each to `out`.
    pub fn take(&self, bytes_max: usize, mut out: impl FnMut(&str)) -> Taken {
        let mut state = self.lock();
        let mut bytes = 0;
        while bytes < bytes_max
            && let Some(frame) = state.pop()
        {
            bytes += frame.len();
            out(&frame);
        }
        if state.frames.is_empty() {
            // A browser that is silent holds no memory.
            state.frames = VecDeque::new();
        }
        state.tell_gaps();
        Taken {
            ping: std::mem::take(&mut state.ping),
            ended: state.ended && state.frames.is_empty(),
        }
    }

    /// The frames behind place `after`; those up to it wait no longer.
    pub fn poll(&self, after: u64) -> Polled {
        let mut state = self.lock();
        let last = state.taken + state.frames.len() as u64;
        state.confirm(after.min(last));
        let from = after.clamp(state.taken, last);
        state.tell_gaps();
        let skipped = usize::try_from(from - state.taken).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let frames: Vec<Frame> = state
            .frames
            .iter()
            .skip(skipped)
            .take(TAKE_FRAMES_MAX)
            .take_while(|frame| {
                let fits = bytes < TAKE_BYTES_MAX;
                bytes += frame.len();
                fits
            })
            .cloned()
            .collect();
        Polled {
            next: from + frames.len() as u64,
            frames,
            ended: state.ended,
        }
    }

    /// A poll begins; older ones are to end. Its number.
    pub fn begin_poll(&self) -> u64 {
        let mut state = self.lock();
        state.polls += 1;
        self.due.notify_waiters();
        state.polls
    }

    /// Whether a newer poll has begun than the one of this number.
    pub fn is_outdone(&self, poll: u64) -> bool {
        self.lock().polls != poll
    }

    /// Whoever waits for something to be in the state. Not under its lock: who is woken wants that.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let (task, is_polled) = (state.waker.take(), state.polls > 0);
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        if is_polled {
            self.due.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.frames.len() - self.kept >= FRAMES_MAX || self.bytes >= BYTES_MAX
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        if self.kept > 0 {
            self.kept -= 1;
            self.kept_bytes -= frame.len();
        } else {
            self.bytes -= frame.len();
        }
        self.taken += 1;
        Some(frame)
    }

    /// The frames up to this place, which is one of theirs, wait no longer; the newest are kept.
    fn confirm(&mut self, place: u64) {
        while self.taken + (self.kept as u64) < place {
            let bytes = self.frames[self.kept].len();
            self.bytes -= bytes;
            self.kept_bytes += bytes;
            self.kept += 1;
        }
        while self.kept > KEPT_FRAMES_MAX || self.kept_bytes > KEPT_BYTES_MAX {
            self.pop();
        }
    }

    /// Once there is space again: from now on the rooms' events go in, and what was left out is told.
    fn tell_gaps(&mut self) {
        if self.is_full() {
            return;
        }
        for (room, since) in std::mem::take(&mut self.gaps) {
            self.push(json(&ServerFrame::Gap(Gap { room, since })));
        }
    }
}

/// A frame as a browser gets it: without the line end.
pub fn json(frame: &ServerFrame) -> Frame {
    let mut line = frame.encode();
    line.pop();
    String::from_utf8(line).expect("JSON is UTF-8").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Origin;

    fn held(seq: u64) -> VersionVector {
        [(Origin::parse("n1-a").unwrap(), seq)]
            .into_iter()
            .collect()
    }

    fn texts(frames: &[Frame]) -> Vec<&str> {
        frames.iter().map(|frame| &**frame).collect()
    }

    fn taken(outbox: &Outbox) -> Vec<Frame> {
        let mut frames = Vec::new();
        outbox.take(usize::MAX, |frame| frames.push(frame.into()));
        frames
    }

    #[test]
    fn a_full_box_leaves_events_out_and_tells_from_where() {
        let outbox = Outbox::default();
        for seq in 0..FRAMES_MAX as u64 {
            assert!(outbox.event("lobby", &held(seq), "e".into()));
        }
        let full = FRAMES_MAX as u64;
        assert!(!outbox.event("lobby", &held(full), "lost".into()));
        assert!(!outbox.event("lobby", &held(full + 1), "lost too".into()));
        assert!(!outbox.event("ops", &held(9), "lost".into()));
        outbox.passing("typing".into());
        outbox.answer("answer".into());

        let mut all = Vec::new();
        loop {
            let frames = taken(&outbox);
            if frames.is_empty() {
                break;
            }
            all.extend(frames);
        }
        let tail = &texts(&all)[FRAMES_MAX..];
        assert_eq!(tail.len(), 3, "{tail:?}");
        // Told as soon as there is space: behind what waited then.
        assert!(tail.contains(&"answer"), "{tail:?}");
        let gap = format!(r#"{{"type":"gap","room":"lobby","since":{{"n1-a":{full}}}}}"#);
        assert!(tail.contains(&gap.as_str()), "{tail:?}");
        assert!(
            tail.iter()
                .any(|f| f.contains(r#""room":"ops","since":{"n1-a":9}"#))
        );
        assert!(outbox.event("lobby", &held(full + 2), "on again".into()));
    }

    #[test]
    fn a_box_of_four_mebibytes_is_full() {
        let outbox = Outbox::default();
        let large: Frame = "x".repeat(BYTES_MAX / 2).into();
        assert!(outbox.event("lobby", &held(0), large.clone()));
        assert!(outbox.is_crowded());
        assert!(outbox.event("lobby", &held(1), large.clone()));
        assert!(!outbox.event("lobby", &held(2), large));
    }

    #[test]
    fn a_poll_repeated_gives_the_same_frames_until_it_asks_for_more() {
        let outbox = Outbox::default();
        for frame in ["a", "b", "c"] {
            outbox.answer(frame.into());
        }
        let first = outbox.poll(0);
        assert_eq!((texts(&first.frames), first.next), (vec!["a", "b", "c"], 3));
        assert_eq!(outbox.poll(0), first);
        outbox.answer("d".into());
        let second = outbox.poll(3);
        assert_eq!((texts(&second.frames), second.next), (vec!["d"], 4));
        assert_eq!(outbox.poll(3), second);
        let again = outbox.poll(1);
        assert_eq!((texts(&again.frames), again.next), (vec!["b", "c", "d"], 4));
        let none = outbox.poll(4);
        assert_eq!((none.frames.len(), none.next), (0, 4));
        assert_eq!(
            outbox.poll(u64::MAX).next,
            4,
            "a place that is not there yet"
        );
    }

    #[test]
    fn what_was_confirmed_is_kept_within_bounds_and_fills_no_box() {
        let outbox = Outbox::default();
        for n in 0..FRAMES_MAX as u64 * 2 {
            assert!(outbox.event("lobby", &held(n), "e".into()), "event {n}");
            assert_eq!(outbox.poll(n).next, n + 1);
        }
        let all = FRAMES_MAX as u64 * 2;
        let kept = outbox.poll(0);
        assert_eq!(kept.frames.len(), TAKE_FRAMES_MAX);
        assert!(kept.next <= all);
        let large: Frame = "x".repeat(BYTES_MAX / 2).into();
        outbox.answer(large);
        assert_eq!(outbox.poll(all + 1).frames.len(), 0);
        assert!(!outbox.is_crowded());
        assert_eq!(outbox.poll(0).frames.len(), 0, "more than is kept");
    }

    #[test]
    fn nothing_goes_in_behind_the_end() {
        let outbox = Outbox::default();
        outbox.end(CloseReason::Quit, "bye");
        outbox.answer("late".into());
        assert_eq!(
            texts(&taken(&outbox)),
            [r#"{"type":"disconnect","reason":"quit","message":"bye"}"#]
        );
        assert!(outbox.take(0, |_| {}).ended && outbox.poll(0).ended);
    }

    #[test]
    fn a_socket_takes_about_as_much_as_it_asks_for_and_is_woken_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        struct Woken(AtomicUsize);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let times = || woken.0.load(Ordering::Relaxed);
        let outbox = Outbox::default();
        outbox.answer("before".into());
        outbox.wake_when_due(&Arc::clone(&woken).into());
        assert_eq!(times(), 0);
        for frame in ["four", "five", "six"] {
            outbox.answer(frame.into());
        }
        assert_eq!(times(), 1);
        let mut first = Vec::new();
        let more = outbox.take(10, |frame| first.push(frame.to_owned()));
        assert_eq!(first, ["before", "four"]);
        assert_eq!(
            more,
            Taken {
                ping: false,
                ended: false
            }
        );
        for wakes in [Outbox::answered, Outbox::ping, Outbox::close] {
            let before = times();
            outbox.wake_when_due(&Arc::clone(&woken).into());
            wakes(&outbox);
            assert_eq!(times(), before + 1);
        }
        let part = outbox.take(1, |_| {});
        assert_eq!(
            part,
            Taken {
                ping: true,
                ended: false
            },
            "one still waits"
        );
        assert_eq!(
            outbox.take(1, |_| {}),
            Taken {
                ping: false,
                ended: true
            }
        );
    }
}
