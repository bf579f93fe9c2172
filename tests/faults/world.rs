//! The nodes of a run and what was done to them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::network;
use crate::node::{Node, Setup};
use crate::options::Fault;
use crate::random::Chance;
use crate::record::Record;

pub const NODES: usize = 3;

/// The secret of the run's cluster; it is nobody else's.
const SECRET: &str = "three nodes that are hurt on purpose\n";

pub struct World {
    pub nodes: Vec<Node>,
    pub record: Arc<Record>,
    pub chance: Chance,
    pub done: Vec<Done>,
}

/// One fault, from beginning to end.
#[derive(Clone, Debug)]
pub struct Done {
    pub fault: Fault,
    pub begun: Instant,
    pub healed: Instant,
    /// When there was a healthy node to be reached; the beginning, unless all were hurt.
    pub reachable: Instant,
}

impl World {
    /// Makes disks and networks, and starts the nodes.
    pub async fn make(
        folder: &Path,
        record: Arc<Record>,
        chance: Chance,
        preload: &Path,
        ops: u64,
    ) -> Result<World> {
        network::make(NODES)?;
        let secret = folder.join("secret");
        std::fs::write(&secret, SECRET)?;
        crate::shell::line(&format!("chmod 600 {}", secret.display()))?;
        let setup = Setup {
            folder: folder.to_owned(),
            secret,
            preload: preload.to_owned(),
            nodes: NODES,
        };
        let mut nodes = Vec::new();
        for index in 0..NODES {
            let mut node = Node::make(index, &setup, ops)?;
            node.start().await?;
            nodes.push(node);
        }
        Ok(World {
            nodes,
            record,
            chance,
            done: Vec::new(),
        })
    }

    pub fn pick(&mut self) -> usize {
        self.chance.below(self.nodes.len())
    }

    /// Two different ones.
    pub fn pick_two(&mut self) -> (usize, usize) {
        let one = self.pick();
        let other = (one + 1 + self.chance.below(NODES - 1)) % NODES;
        (one, other)
    }

    pub fn tell(&self, what: impl AsRef<str>) {
        self.record.tell(what.as_ref());
    }

    /// Leaves things as they are for a while.
    pub async fn hold(&mut self, least: u64, most: u64) {
        let pause = Duration::from_millis(self.chance.between(least, most));
        sleep(pause).await;
    }

    /// Nodes that have ended although nobody ended them.
    pub fn fallen(&mut self) -> Vec<String> {
        let fallen = self.nodes.iter_mut().filter_map(|node| {
            let alive = node.is_alive();
            (!alive).then(|| node.name.clone())
        });
        fallen.collect()
    }
}
