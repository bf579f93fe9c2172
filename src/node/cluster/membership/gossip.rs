//! The task that runs the gossip: it says whom to write to, tells who is heard, and says good-bye.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chitchat::{
    ChitchatConfig, ChitchatHandle, ChitchatId, FailureDetectorConfig, NodeState, spawn_chitchat,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Heard;
use super::contacts::Contacts;
use super::facts::{Facts, LEAVING, Member};
use super::wire::{SealedTransport, Wire};
use crate::node::rooms::lock;

/// How often a node gossips with up to three of those it hears.
const GOSSIP_EVERY: Duration = Duration::from_secs(1);

/// A node is no longer heard after this many times the usual pause between its heartbeats: about six
/// seconds in a cluster of two.
const PAUSES_MISSED_MAX: f64 = 12.0;

/// Pauses of which the usual one is the mean.
const PAUSES_KEPT: usize = 100;

/// A longer pause is not counted as one: the node was away.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Facts of a node that is not heard any more are kept for twice as long as it is told of to others.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Time in which the others are to take the good-bye. One that has just been lost takes it all.
const GOODBYE_TIME_MAX: Duration = Duration::from_millis(250);

/// The same for the gossip's own end.
const END_TIME_MAX: Duration = Duration::from_secs(1);

pub(super) struct Gossip {
    pub(super) facts: Facts,
    pub(super) wire: Arc<Wire>,
    pub(super) contacts: Arc<Mutex<Contacts>>,
    pub(super) heard: watch::Sender<Heard>,
}

type Live = BTreeMap<ChitchatId, NodeState>;

impl Gossip {
    /// Gossips until told to stop, and then says good-bye.
    pub(super) async fn run(
        self,
        mut greetings: mpsc::Receiver<SocketAddr>,
        stop: CancellationToken,
    ) {
        let transport = SealedTransport(Arc::clone(&self.wire));
        let spawned = spawn_chitchat(self.config(), self.facts.key_values(), &transport).await;
        let handle = match spawned {
            Ok(handle) => handle,
            Err(error) => return self.broken(&error.to_string()),
        };
        let ended = handle.termination_watcher();
        tokio::pin!(ended);
        let mut live = handle.chitchat().lock().await.live_nodes_watcher();
        let mut rounds = interval(GOSSIP_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                end = &mut ended => {
                    let reason = end.map_or_else(|error| error.to_string(), |()| String::new());
                    return self.broken(&reason);
                }
                Ok(()) = live.changed() => {
                    let members = self.members(&live.borrow_and_update());
                    self.heard.send_modify(|heard| heard.members = members);
                }
                Some(address) = greetings.recv() => write_to(&handle, address),
                _ = rounds.tick() => {
                    for address in lock(&self.contacts).due(&self.not_to_be_tried()) {
                        write_to(&handle, address);
                    }
                }
            }
        }
        self.leave(handle).await;
    }

    fn config(&self) -> ChitchatConfig {
        ChitchatConfig {
            chitchat_id: self.facts.id(),
            // The seals keep clusters apart.
            cluster_id: "chat".to_owned(),
            gossip_interval: GOSSIP_EVERY,
            listen_addr: self.facts.peer_address,
            // Ours to try: its own resolving of names would hold up the start.
            seed_nodes: Vec::new(),
            failure_detector_config: FailureDetectorConfig::new(
                PAUSES_MISSED_MAX,
                PAUSES_KEPT,
                PAUSE_MAX,
                GOSSIP_EVERY,
                FORGOTTEN_AFTER,
            ),
            marked_for_deletion_grace_period: FORGOTTEN_AFTER,
            catchup_callback: None,
            extra_liveness_predicate: None,
        }
    }

    /// The other nodes, without earlier runs of this one.
    fn members(&self, live: &Live) -> Vec<Member> {
        let members = live.iter().filter_map(|(id, state)| Member::of(id, state));
        members
            .filter(|member| member.facts.origin != self.facts.origin)
            .collect()
    }

    /// Addresses of those that are heard, and the own one.
    fn not_to_be_tried(&self) -> BTreeSet<SocketAddr> {
        let heard = self.heard.borrow();
        let heard = heard.members.iter().map(|m| m.facts.peer_address);
        heard.chain([self.facts.peer_address]).collect()
    }

    /// Tells those that are heard that the node ends in good order, and waits until they were told or
    /// the time is over.
    async fn leave(&self, handle: ChitchatHandle) {
        let members = self.heard.borrow().members.clone();
        let mut told = self.wire.told();
        let before = *told.borrow_and_update();
        handle
            .with_chitchat(|chitchat| chitchat.self_node_state().set(LEAVING, "1"))
            .await;
        let to_tell: Vec<&Member> = members.iter().filter(|member| !member.leaving).collect();
        for member in &to_tell {
            write_to(&handle, member.facts.peer_address);
        }
        let all = before + to_tell.len() as u64;
        let _ = timeout(GOODBYE_TIME_MAX, told.wait_for(|told| *told >= all)).await;
        let ended = timeout(END_TIME_MAX, handle.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("the gossip did not end in order");
        }
    }

    fn broken(&self, reason: &str) {
        tracing::error!(reason, "the gossip with other nodes has ended");
        self.heard.send_replace(Heard {
            members: Vec::new(),
            broken: true,
        });
    }
}

/// Begins an exchange with whoever is there. It fails only when the gossip has ended, and that is heard
/// of in another way.
fn write_to(handle: &ChitchatHandle, address: SocketAddr) {
    let _ = handle.gossip(address);
}
