//! A link's bounded queue of frames, and the half of the stream that takes them.
//!
//! Whoever has a small frame while nothing else waits writes it at once: that takes less time than to
//! wake the link's task. What is large, or is not taken by the socket, is the task's. Frames go out in the
//! order in which they were queued, whoever writes them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use tokio::io::AsyncWrite;

use super::lock;
use crate::protocol::peer::PeerFrame;

/// Frames queued for a peer.
const FRAMES_MAX: usize = 1024;

/// Bytes queued for a peer: two of the longest frames, so that one always finds room behind another.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of frames that are written in one call.
const WRITE_BYTES: usize = 64 * 1024;

/// A frame up to this size is written by whoever has it: to encrypt it takes some microseconds.
const AT_ONCE_BYTES_MAX: usize = 16 * 1024;

/// Where frames for a peer go in. A frame that finds no room is dropped: whatever it was, it is asked
/// for again or sent again later.
#[derive(Clone)]
pub struct LinkOut(Arc<Way>);

/// The same, for the link's task.
pub struct Outbox(Arc<Way>);

/// Locks, in this order: `writing`, `waiting`.
struct Way {
    waiting: Mutex<Waiting>,
    writing: Mutex<Writing>,
    /// The link's task.
    task: AtomicWaker,
}

/// What is queued.
#[derive(Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Nothing more is taken.
    ended: bool,
}

struct Writing {
    /// None once the link has ended.
    stream: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    /// What was taken out of the queue, and not by the stream.
    rest: Bytes,
    /// The stream may have something that is not in the socket.
    unflushed: bool,
    /// The task waits for the socket, and is the only one that asks it.
    blocked: bool,
    /// Why somebody else than the task could not write.
    failed: Option<io::Error>,
}

/// A queue for one link, whose frames `stream` takes.
pub fn outbox(stream: impl AsyncWrite + Send + Unpin + 'static) -> (LinkOut, Outbox) {
    let way = Arc::new(Way {
        waiting: Mutex::default(),
        writing: Mutex::new(Writing {
            stream: Some(Box::new(stream)),
            rest: Bytes::new(),
            unflushed: false,
            blocked: false,
            failed: None,
        }),
        task: AtomicWaker::new(),
    });
    (LinkOut(Arc::clone(&way)), Outbox(way))
}

impl LinkOut {
    /// Sends the frame; false when there is no room, or the link has ended.
    pub fn send(&self, frame: &PeerFrame) -> bool {
        match frame.encode() {
            Ok(bytes) => self.send_encoded(bytes),
            Err(error) => {
                tracing::error!(%error, "a frame for a peer was left out");
                false
            }
        }
    }

    /// Sends a frame that is encoded already, for several links. It never waits.
    pub fn send_encoded(&self, frame: Bytes) -> bool {
        let small = frame.len() <= AT_ONCE_BYTES_MAX;
        match lock(&self.0.waiting).push(frame) {
            Pushed::NoRoom => return false,
            // Whoever queued the first of them sees to it that all are written.
            Pushed::BehindOthers => return true,
            Pushed::First => {}
        }
        if !(small && self.0.write_at_once()) {
            self.0.task.wake();
        }
        true
    }

    /// Frames that wait.
    pub fn queued(&self) -> u32 {
        u32::try_from(lock(&self.0.waiting).frames.len()).unwrap_or(u32::MAX)
    }
}

enum Pushed {
    First,
    BehindOthers,
    NoRoom,
}

impl Waiting {
    fn push(&mut self, frame: Bytes) -> Pushed {
        let fits = self.frames.len() < FRAMES_MAX && self.bytes + frame.len() <= BYTES_MAX;
        if !fits || self.ended {
            return Pushed::NoRoom;
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        if self.frames.len() == 1 {
            Pushed::First
        } else {
            Pushed::BehindOthers
        }
    }

    /// What is to be written next, several small frames at once.
    fn next(&mut self) -> Option<Bytes> {
        let first = self.frames.pop_front()?;
        self.bytes -= first.len();
        if self.frames.is_empty() || first.len() >= WRITE_BYTES {
            return Some(first);
        }
        let mut frames = BytesMut::from(first);
        while frames.len() < WRITE_BYTES
            && let Some(frame) = self.frames.pop_front()
        {
            self.bytes -= frame.len();
            frames.extend_from_slice(&frame);
        }
        Some(frames.freeze())
    }
}

impl Way {
    /// Writes what waits, if nobody else is at it; whether nothing is left to the task.
    fn write_at_once(&self) -> bool {
        let mut writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        if writing.blocked {
            return false;
        }
        // Where the socket takes no more, it has forgotten the task's waker for this one: the task is
        // woken, and asks again.
        let mut context = Context::from_waker(Waker::noop());
        match writing.poll_all(&self.waiting, &mut context) {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => {
                writing.failed = Some(error);
                false
            }
            Poll::Pending => false,
        }
    }
}

impl Writing {
    /// Ready once all that waits is in the socket.
    fn poll_all(
        &mut self,
        waiting: &Mutex<Waiting>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let mut stream = Pin::new(stream);
        loop {
            while self.rest.has_remaining() {
                let written = ready!(stream.as_mut().poll_write(context, &self.rest))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.rest.advance(written);
                self.unflushed = true;
            }
            match lock(waiting).next() {
                Some(frames) => self.rest = frames,
                None => break,
            }
        }
        if self.unflushed {
            ready!(stream.as_mut().poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Outbox {
    /// Writes what others leave to the task, until the stream fails: why.
    pub async fn write_on(&self) -> io::Error {
        poll_fn(|context| {
            self.0.task.register(context.waker());
            match self.poll_all(context) {
                Poll::Ready(Err(error)) => Poll::Ready(error),
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Writes what is queued, and says good-bye. Nothing more is taken.
    ///
    /// # Errors
    /// When the stream fails.
    pub async fn write_rest(&self) -> io::Result<()> {
        lock(&self.0.waiting).ended = true;
        poll_fn(|context| self.poll_all(context)).await?;
        poll_fn(|context| {
            let mut writing = lock(&self.0.writing);
            match &mut writing.stream {
                Some(stream) => Pin::new(stream).poll_shutdown(context),
                None => Poll::Ready(Ok(())),
            }
        })
        .await
    }

    fn poll_all(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut writing = lock(&self.0.writing);
        if let Some(error) = writing.failed.take() {
            return Poll::Ready(Err(error));
        }
        let written = writing.poll_all(&self.0.waiting, context);
        writing.blocked = written.is_pending();
        written
    }
}

/// The stream is let go with the link's task, whoever may still hold the other end.
impl Drop for Outbox {
    fn drop(&mut self) {
        let mut writing = lock(&self.0.writing);
        let mut waiting = lock(&self.0.waiting);
        *waiting = Waiting {
            ended: true,
            ..Waiting::default()
        };
        writing.stream = None;
    }
}

impl std::fmt::Debug for LinkOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkOut").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;
    use crate::protocol::peer::PEER_FRAME_BYTES_MAX;

    /// What comes must come within this.
    const SOON: Duration = Duration::from_secs(10);

    /// A link whose socket holds so many bytes, and its other side.
    fn link(bytes: usize) -> (LinkOut, Outbox, DuplexStream) {
        let (near, far) = duplex(bytes);
        let (out, outbox) = outbox(near);
        (out, outbox, far)
    }

    fn frame(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    async fn read(far: &mut DuplexStream, bytes: usize) -> String {
        let mut read = vec![0; bytes];
        let all = far.read_exact(&mut read);
        timeout(SOON, all).await.expect("too late").unwrap();
        String::from_utf8(read).unwrap()
    }

    #[tokio::test]
    async fn a_small_frame_is_written_by_whoever_has_it() {
        let (out, _task, mut far) = link(64);
        for text in ["a", "b", "c"] {
            assert!(out.send_encoded(frame(text)));
        }
        assert_eq!(read(&mut far, 3).await, "abc");
    }

    #[tokio::test]
    async fn what_the_socket_does_not_take_is_written_by_the_task_and_in_order() {
        let (out, task, mut far) = link(4);
        let writes = tokio::spawn(async move { task.write_on().await });
        let sent: String = ('a'..='z').collect();
        for text in sent.as_bytes().chunks(3) {
            assert!(out.send_encoded(Bytes::copy_from_slice(text)));
            tokio::task::yield_now().await;
        }
        assert_eq!(read(&mut far, sent.len()).await, sent);
        assert!(out.send_encoded(frame("again")));
        assert_eq!(read(&mut far, 5).await, "again");
        drop(far);
        // The first may still find room in what nobody reads.
        while out.send_encoded(frame("nobody")) && !writes.is_finished() {
            tokio::task::yield_now().await;
        }
        timeout(SOON, writes).await.expect("it goes on").unwrap();
    }

    #[tokio::test]
    async fn frames_of_many_threads_are_whole_and_each_threads_in_order() {
        const EACH: usize = 300;
        let (out, task, mut far) = link(256);
        let writes = tokio::spawn(async move { task.write_on().await });
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let out = out.clone();
                std::thread::spawn(move || {
                    for n in 0..EACH {
                        while !out.send_encoded(frame(&format!("{thread}:{n:06};"))) {}
                    }
                })
            })
            .collect();
        let all = read(&mut far, 3 * EACH * "0:000000;".len()).await;
        for thread in threads {
            thread.join().unwrap();
        }
        for thread in 0..3 {
            let own = format!("{thread}:");
            let came = all
                .split_terminator(';')
                .filter_map(|f| f.strip_prefix(&own));
            let came: Vec<usize> = came.map(|n| n.parse().unwrap()).collect();
            assert!(came.into_iter().eq(0..EACH), "{thread}");
        }
        writes.abort();
    }

    #[tokio::test]
    async fn a_slow_peer_holds_8_mib_and_no_more() {
        let (out, task, mut far) = link(1);
        let big = Bytes::from(vec![0; PEER_FRAME_BYTES_MAX]);
        assert!(out.send_encoded(big.clone()) && out.send_encoded(big.clone()));
        assert!(!out.send_encoded(frame("x")));
        let writes = tokio::spawn(async move { task.write_on().await });
        read(&mut far, 1).await;
        assert!(out.send_encoded(big), "there is room again");
        writes.abort();
    }

    #[tokio::test]
    async fn a_slow_peer_holds_1024_frames_and_no_more() {
        let (out, _task, _far) = link(1);
        // The first is on its way, and the socket full.
        assert!(out.send_encoded(frame("xx")));
        let sent = (0..2000).filter(|_| out.send_encoded(frame("x"))).count();
        assert_eq!((sent, out.queued()), (FRAMES_MAX, FRAMES_MAX as u32));
    }

    #[tokio::test]
    async fn what_is_queued_when_the_link_ends_still_goes_out_and_nothing_after_it() {
        let (out, task, mut far) = link(2);
        for text in ["last", "words"] {
            assert!(out.send_encoded(frame(text)));
        }
        let ends = tokio::spawn(async move { task.write_rest().await });
        assert_eq!(read(&mut far, 9).await, "lastwords");
        timeout(SOON, ends).await.expect("no end").unwrap().unwrap();
        assert!(!out.send_encoded(frame("more")));
        assert_eq!(far.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
