//! What the driver is told from this process: a bounded queue, and marks for what may be said late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::node::cluster::replication::LinkId;
use crate::node::replicator::{COPIES_WAIT_MAX, Later, Typist};
use crate::node::store::{Ingested, StoreError};
use crate::protocol::peer::PeerFrame;
use crate::protocol::presence::PresenceChanges;
use crate::protocol::stats::NodeFigures;
use crate::protocol::{Event, Origin, Seq};

/// Things that wait for the driver.
const INPUTS_MAX: usize = 4096;

/// Committed events that wait for the driver; past it, it is told later how far the store has come.
pub const EVENTS_WAITING_MAX: usize = 16 * 1024;

/// What happens in this process.
#[derive(Debug)]
pub enum Input {
    /// The store has committed these.
    Committed(Vec<Arc<Event>>),
    /// The store is about to commit these, which are this node's own.
    Written(Vec<Arc<Event>>),
    /// The store has hashed a piece of a log, or could not.
    Hashed {
        piece: (Origin, Seq, Seq),
        of: Option<LinkId>,
        hash: Option<String>,
    },
    /// The store was asked to begin a new origin, and has, or could not.
    OriginBegun,
    /// Long enough after that to do it again.
    OriginMayBegin,
    /// Somebody wants to know on how many disks an event is, once they are enough.
    Copies {
        origin: Origin,
        seq: Seq,
        reply: oneshot::Sender<u32>,
    },
    /// Users of this node came or went.
    Presence(PresenceChanges),
    Typing(Typist),
    /// The store has taken what it was handed, or could not.
    Ingested {
        events: Vec<Arc<Event>>,
        result: Result<Ingested, StoreError>,
    },
    /// The store has read a range for a peer.
    Served {
        link: LinkId,
        origin: Origin,
        after: Seq,
        events: Vec<Arc<Event>>,
    },
    /// A frame for a peer that took a while to make.
    Answer {
        link: LinkId,
        frame: PeerFrame,
    },
    /// Soft rows of a node are stored up to its count `rev`; or could not be.
    SoftTaken {
        link: LinkId,
        rev: Option<u64>,
        more: bool,
    },
    /// Somebody wants the figures of other nodes: of the one named, or all.
    Figures {
        node: Option<String>,
        reply: mpsc::Sender<NodeFigures>,
    },
}

/// The way to the driver.
#[derive(Clone, Debug)]
pub struct Inputs {
    queue: mpsc::Sender<Input>,
    /// Things that are in the queue, or were and are not done yet.
    waiting: Arc<AtomicUsize>,
    /// Committed events in the queue.
    pub events_waiting: Arc<AtomicUsize>,
    /// Commits found no room in the queue, or nobody to be told of them.
    pub commits_missed: Arc<AtomicBool>,
    /// The soft tables have changed.
    pub soft_changed: Arc<AtomicBool>,
    /// There is a link to some node.
    pub has_peers: Arc<AtomicBool>,
}

/// The queue's two ends.
pub fn inputs() -> (Inputs, mpsc::Receiver<Input>) {
    let (queue, waiting) = mpsc::channel(INPUTS_MAX);
    let inputs = Inputs {
        queue,
        waiting: Arc::default(),
        events_waiting: Arc::default(),
        commits_missed: Arc::default(),
        soft_changed: Arc::default(),
        has_peers: Arc::default(),
    };
    (inputs, waiting)
}

impl Inputs {
    /// Tells it if there is room.
    pub fn tell(&self, input: Input) -> bool {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let told = self.queue.try_send(input).is_ok();
        if !told {
            self.done();
        }
        told
    }

    /// For the driver: something out of the queue is done.
    pub fn done(&self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether something is to be done before what comes now.
    pub fn are_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// For a commit of which only other nodes need to know: there is none, and the driver, which is not
    /// woken, hears of it when there is.
    pub fn may_wait_for_a_link(&self) -> bool {
        if self.has_peers.load(Ordering::SeqCst) {
            return false;
        }
        self.commits_missed.store(true, Ordering::SeqCst);
        // One that came up meanwhile may have looked before.
        !self.has_peers.load(Ordering::SeqCst)
    }

    /// On how many disks an event is that was stored before; the answer may take a moment.
    pub fn ask_copies(&self, origin: Origin, seq: Seq) -> Later<u32> {
        let inputs = self.clone();
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let ask = Input::Copies { origin, seq, reply };
            let asked = async {
                inputs.tell_surely(ask).await;
                answer.await
            };
            match tokio::time::timeout(COPIES_WAIT_MAX, asked).await {
                Ok(Ok(copies)) => copies,
                Ok(Err(_)) | Err(_) => 1,
            }
        })
    }

    /// Tells it, and waits for room; for tasks beside the driver only.
    pub async fn tell_surely(&self, input: Input) {
        // Without a driver nobody needs to know.
        if let Ok(room) = self.queue.reserve().await {
            self.waiting.fetch_add(1, Ordering::AcqRel);
            room.send(input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_told_is_waited_for_until_it_is_done() {
        let (inputs, mut waiting) = inputs();
        assert!(!inputs.are_waiting());
        assert!(inputs.tell(Input::OriginBegun));
        inputs.tell_surely(Input::OriginMayBegin).await;
        waiting.recv().await.unwrap();
        inputs.done();
        waiting.recv().await.unwrap();
        assert!(inputs.are_waiting(), "it is out of the queue only");
        inputs.done();
        assert!(!inputs.are_waiting());
        drop(waiting);
        assert!(!inputs.tell(Input::OriginBegun));
        inputs.tell_surely(Input::OriginMayBegin).await;
        assert!(!inputs.are_waiting());
    }

    #[test]
    fn a_commit_that_nobody_links_for_leaves_a_mark_and_wakes_nobody() {
        let (inputs, mut waiting) = inputs();
        assert!(inputs.may_wait_for_a_link());
        assert!(inputs.commits_missed.swap(false, Ordering::SeqCst));
        assert!(waiting.try_recv().is_err());
        inputs.has_peers.store(true, Ordering::SeqCst);
        assert!(!inputs.may_wait_for_a_link());
        assert!(!inputs.commits_missed.load(Ordering::SeqCst));
    }
}
