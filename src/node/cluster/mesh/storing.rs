//! Events of peers on their way to the store, one batch after the other.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::input::{Input, Inputs};
use crate::node::replicator::NodeHandle;
use crate::protocol::Event;

/// Batches that wait; the core bounds their bytes.
const BATCHES_MAX: usize = 4096;

/// Events that are handed to the store in one request: two milliseconds' work, since whoever talks
/// meanwhile waits behind it.
const EVENTS_AT_ONCE: usize = 256;

/// Where batches go in.
#[derive(Debug)]
pub struct Storing(mpsc::Sender<Vec<Arc<Event>>>);

impl Storing {
    /// The queue and its other end.
    pub fn new() -> (Storing, mpsc::Receiver<Vec<Arc<Event>>>) {
        let (sender, receiver) = mpsc::channel(BATCHES_MAX);
        (Storing(sender), receiver)
    }

    /// Queues a batch; gives it back when there is no room.
    pub fn put(&self, events: Vec<Arc<Event>>) -> Result<(), Vec<Arc<Event>>> {
        self.0.try_send(events).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(events) | mpsc::error::TrySendError::Closed(events) => {
                events
            }
        })
    }
}

/// Stores what comes, in order, until no more can come.
pub async fn store_all(
    node: NodeHandle,
    mut batches: mpsc::Receiver<Vec<Arc<Event>>>,
    inputs: Inputs,
) {
    while let Some(mut events) = batches.recv().await {
        while events.len() < EVENTS_AT_ONCE
            && let Ok(mut more) = batches.try_recv()
        {
            events.append(&mut more);
        }
        let result = node.ingest(events.clone()).await;
        inputs.tell_surely(Input::Ingested { events, result }).await;
    }
}
