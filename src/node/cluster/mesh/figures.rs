//! The figures of all nodes, through the one that is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::input::{Input, Inputs};
use crate::node::cluster::replication::Moment;
use crate::node::replicator::Later;
use crate::protocol::stats::NodeFigures;

/// Time that other nodes have to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// Nodes that answer one question.
const ANSWERS_MAX: usize = 256;

/// Questions to peers that are open at the same time.
const ASKED_MAX: usize = 1024;

/// Asks the other nodes, or the one named, and gathers what they answer in time.
pub fn ask(inputs: &Inputs, node: Option<&str>) -> Later<Vec<NodeFigures>> {
    let (reply, mut answers) = mpsc::channel(ANSWERS_MAX);
    let node = node.map(str::to_owned);
    let asked = inputs.tell(Input::Figures { node, reply });
    Box::pin(async move {
        let mut all = Vec::new();
        if !asked {
            return all;
        }
        // Who has not answered by then is left out.
        let _ = timeout(ANSWER_TIME_MAX, async {
            while let Some(figures) = answers.recv().await {
                all.push(figures);
            }
        })
        .await;
        all
    })
}

/// What was asked and not answered.
#[derive(Debug, Default)]
pub struct Asked {
    next: u64,
    open: BTreeMap<u64, (mpsc::Sender<NodeFigures>, Moment)>,
}

impl Asked {
    /// A number for a question whose answer goes to `reply`; none when too many are open.
    pub fn open(&mut self, now: Moment, reply: &mpsc::Sender<NodeFigures>) -> Option<u64> {
        if self.open.len() >= ASKED_MAX {
            return None;
        }
        self.next += 1;
        let until = now + ANSWER_TIME_MAX;
        self.open.insert(self.next, (reply.clone(), until));
        Some(self.next)
    }

    /// The answer to question `id`.
    pub fn answered(&mut self, id: u64, figures: NodeFigures) {
        if let Some((reply, _)) = self.open.remove(&id) {
            // Nobody waits for it any more, or it is one too many.
            let _ = reply.try_send(figures);
        }
    }

    pub fn tick(&mut self, now: Moment) {
        self.open.retain(|_, (_, until)| now < *until);
    }
}
