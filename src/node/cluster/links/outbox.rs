//! A link's bounded queue of frames to be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::protocol::peer::PeerFrame;

/// Frames queued for a peer.
const FRAMES_MAX: usize = 1024;

/// Bytes queued for a peer: two of the longest frames, so that one always finds room behind another.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of frames that are written in one call.
const WRITE_BYTES: usize = 64 * 1024;

/// Where frames for a peer go in. A frame that finds no room is dropped: whatever it was, it is asked
/// for again or sent again later.
#[derive(Clone, Debug)]
pub struct LinkOut {
    queue: mpsc::Sender<Bytes>,
    queued_bytes: Arc<AtomicUsize>,
}

/// Where the link's writer takes them out.
#[derive(Debug)]
pub struct Outbox {
    queue: mpsc::Receiver<Bytes>,
    queued_bytes: Arc<AtomicUsize>,
}

/// A queue for one link.
pub fn outbox() -> (LinkOut, Outbox) {
    let (sender, receiver) = mpsc::channel(FRAMES_MAX);
    let queued_bytes = Arc::new(AtomicUsize::new(0));
    let out = LinkOut {
        queue: sender,
        queued_bytes: queued_bytes.clone(),
    };
    let queue = receiver;
    (
        out,
        Outbox {
            queue,
            queued_bytes,
        },
    )
}

impl LinkOut {
    /// Queues the frame; false when there is no room, or the link has ended.
    pub fn send(&self, frame: &PeerFrame) -> bool {
        match frame.encode() {
            Ok(bytes) => self.send_encoded(bytes),
            Err(error) => {
                tracing::error!(%error, "a frame for a peer was left out");
                false
            }
        }
    }

    /// Queues a frame that is encoded already, for several links.
    pub fn send_encoded(&self, frame: Bytes) -> bool {
        let length = frame.len();
        if self.queued_bytes.load(Ordering::Relaxed) + length > BYTES_MAX {
            return false;
        }
        self.queued_bytes.fetch_add(length, Ordering::Relaxed);
        let queued = self.queue.try_send(frame).is_ok();
        if !queued {
            self.queued_bytes.fetch_sub(length, Ordering::Relaxed);
        }
        queued
    }

    /// Frames that wait.
    pub fn queued(&self) -> u32 {
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        u32::try_from(waiting).unwrap_or(u32::MAX)
    }
}

impl Outbox {
    /// What is to be written next, several small frames at once. `None` when no more can come.
    pub async fn next(&mut self) -> Option<Bytes> {
        let first = self.queue.recv().await?;
        Some(self.with_more(first))
    }

    /// The same, of what is there already.
    pub fn ready(&mut self) -> Option<Bytes> {
        let first = self.queue.try_recv().ok()?;
        Some(self.with_more(first))
    }

    fn with_more(&mut self, first: Bytes) -> Bytes {
        let first = self.take(first);
        let Ok(second) = self.queue.try_recv() else {
            return first;
        };
        let mut frames = BytesMut::from(first);
        frames.extend_from_slice(&self.take(second));
        while frames.len() < WRITE_BYTES {
            match self.queue.try_recv() {
                Ok(frame) => frames.extend_from_slice(&self.take(frame)),
                Err(_) => break,
            }
        }
        frames.freeze()
    }

    fn take(&self, frame: Bytes) -> Bytes {
        self.queued_bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::peer::PEER_FRAME_BYTES_MAX;

    #[tokio::test]
    async fn a_slow_peer_holds_8_mib_and_no_more() {
        let (out, mut queue) = outbox();
        let big = Bytes::from(vec![0; PEER_FRAME_BYTES_MAX]);
        assert!(out.send_encoded(big.clone()) && out.send_encoded(big.clone()));
        assert!(!out.send_encoded(Bytes::from_static(b"x")));
        queue.next().await.unwrap();
        assert!(out.send_encoded(big), "there is room again");
    }

    #[tokio::test]
    async fn small_frames_leave_together_and_in_order() {
        let (out, mut queue) = outbox();
        for frame in ["a", "b", "c"] {
            assert!(out.send_encoded(Bytes::from_static(frame.as_bytes())));
        }
        assert_eq!(queue.next().await.unwrap(), "abc");
        let sent = (0..2000)
            .filter(|_| out.send_encoded(Bytes::from_static(b"x")))
            .count();
        assert_eq!((sent, out.queued()), (FRAMES_MAX, FRAMES_MAX as u32));
    }
}
