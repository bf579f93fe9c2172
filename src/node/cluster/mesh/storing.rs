//! Events of peers on their way to the store: few go into its queue at once, many one batch after the
//! other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::input::{Input, Inputs};
use crate::node::replicator::NodeHandle;
use crate::node::store::{Ingested, StoreError};
use crate::protocol::Event;

/// Batches that wait; the core bounds their bytes.
const BATCHES_MAX: usize = 4096;

/// Events that are handed to the store in one request: two milliseconds' work, since whoever talks
/// meanwhile waits behind it.
const EVENTS_AT_ONCE: usize = 256;

/// Events that the store is handed by the driver itself and has not answered for: what is said now, not
/// what is caught up with.
const EVENTS_DIRECT_MAX: usize = 128;

/// Where batches go in.
pub(super) struct Storing {
    queue: mpsc::Sender<Vec<Arc<Event>>>,
    under_way: Arc<UnderWay>,
    node: NodeHandle,
    told: Told,
}

/// What the store has not answered for.
#[derive(Default)]
struct UnderWay {
    /// Batches that were queued.
    queued: AtomicUsize,
    /// Events that were handed to it at once.
    direct: AtomicUsize,
}

/// Where answers go that the driver must know of.
#[derive(Clone)]
struct Told {
    inputs: Inputs,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Storing {
    /// Stores what comes, in order, for as long as it is there. To be called within a tokio runtime.
    pub(super) fn start(node: NodeHandle, inputs: Inputs, tasks: &TaskTracker) -> Storing {
        let (queue, batches) = mpsc::channel(BATCHES_MAX);
        let under_way = Arc::new(UnderWay::default());
        tasks.spawn(store_all(
            node.clone(),
            batches,
            inputs.clone(),
            Arc::clone(&under_way),
        ));
        let (tasks, runtime) = (tasks.clone(), Handle::current());
        Storing {
            queue,
            under_way,
            node,
            told: Told {
                inputs,
                tasks,
                runtime,
            },
        }
    }

    /// Has a batch stored after those before it; gives it back when there is no room.
    pub(super) fn put(&self, events: Vec<Arc<Event>>) -> Result<(), Vec<Arc<Event>>> {
        let events = match self.hand_over(events) {
            Ok(()) => return Ok(()),
            Err(events) => events,
        };
        self.under_way.queued.fetch_add(1, Ordering::AcqRel);
        self.queue.try_send(events).map_err(|refused| {
            self.under_way.queued.fetch_sub(1, Ordering::AcqRel);
            match refused {
                mpsc::error::TrySendError::Full(events)
                | mpsc::error::TrySendError::Closed(events) => events,
            }
        })
    }

    /// Hands few events to the store past the queue, if nothing is in that.
    fn hand_over(&self, events: Vec<Arc<Event>>) -> Result<(), Vec<Arc<Event>>> {
        let count = events.len();
        let direct = self.under_way.direct.load(Ordering::Acquire);
        if self.under_way.queued.load(Ordering::Acquire) > 0 || direct + count > EVENTS_DIRECT_MAX {
            return Err(events);
        }
        self.under_way.direct.fetch_add(count, Ordering::AcqRel);
        let (under_way, told) = (Arc::clone(&self.under_way), self.told.clone());
        let copy = events.clone();
        let handed = self.node.ingest_and_tell(events, move |result| {
            under_way.direct.fetch_sub(count, Ordering::AcqRel);
            told.tell(copy, result);
        });
        if handed.is_err() {
            self.under_way.direct.fetch_sub(count, Ordering::AcqRel);
        }
        handed
    }
}

impl Told {
    /// That all is stored is known from the commit.
    fn tell(self, events: Vec<Arc<Event>>, result: Result<Ingested, StoreError>) {
        if matches!(&result, Ok(ingested) if ingested.gaps.is_empty()) {
            return;
        }
        let inputs = self.inputs;
        let tell = async move { inputs.tell_surely(Input::Ingested { events, result }).await };
        self.tasks.spawn_on(tell, &self.runtime);
    }
}

/// Stores what comes, in order, until no more can come.
async fn store_all(
    node: NodeHandle,
    mut batches: mpsc::Receiver<Vec<Arc<Event>>>,
    inputs: Inputs,
    under_way: Arc<UnderWay>,
) {
    while let Some(mut events) = batches.recv().await {
        let mut taken = 1;
        while events.len() < EVENTS_AT_ONCE
            && let Ok(mut more) = batches.try_recv()
        {
            events.append(&mut more);
            taken += 1;
        }
        let result = node.ingest(events.clone()).await;
        under_way.queued.fetch_sub(taken, Ordering::AcqRel);
        inputs.tell_surely(Input::Ingested { events, result }).await;
    }
}
