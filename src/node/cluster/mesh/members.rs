//! The task between membership, links and what `stats` shows: who is heard is called, who is linked is
//! written to, and where they are is kept for the next start.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::nodes::Nodes;
use crate::node::cluster::links::Links;
use crate::node::cluster::membership::{Membership, SavedPeers};
use crate::node::metrics::PeerPortRefusals;
use crate::node::rooms::lock;
use crate::protocol::peer::Incarnation;

/// How often it is looked what has changed, beside at once when somebody is heard or no longer.
const ROUND: Duration = Duration::from_secs(1);

pub(super) struct Members {
    pub(super) membership: Membership,
    pub(super) links: Links,
    pub(super) nodes: Arc<Mutex<Nodes>>,
    pub(super) refusals: PeerPortRefusals,
    /// The node's own.
    pub(super) folder: PathBuf,
    pub(super) saved: SavedPeers,
}

impl Members {
    /// Runs until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut heard = self.membership.heard();
        let mut called = BTreeSet::new();
        let (mut unsaved, mut warned) = (false, false);
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                Ok(()) = heard.changed() => {}
                _ = rounds.tick() => {}
            }
            lock(&self.nodes).heard(heard.borrow_and_update().clone());
            self.call_the_new(&mut called);
            for address in self.links.addresses() {
                self.membership.contact(&address);
            }
            unsaved |= self.note_where_they_are();
            if unsaved {
                unsaved = !self.save(&mut warned).await;
            }
        }
    }

    /// Has those called who were not heard the last time.
    fn call_the_new(&self, called: &mut BTreeSet<Incarnation>) {
        let heard = self.membership.heard();
        let heard = heard.borrow();
        let staying = || heard.members.iter().filter(|member| !member.leaving);
        let new = staying().filter(|member| !called.contains(&member.facts.incarnation));
        let addresses: Vec<String> = new.map(|m| m.facts.peer_address.to_string()).collect();
        *called = staying().map(|member| member.facts.incarnation).collect();
        if !addresses.is_empty() {
            self.links.expect(&addresses);
        }
    }

    /// Whether there is something to save.
    fn note_where_they_are(&mut self) -> bool {
        let datagrams = self.refusals.datagrams();
        let mut nodes = lock(&self.nodes);
        nodes.refused(self.refusals.links.get() + datagrams);
        let mut news = false;
        for peer in nodes.reached() {
            news |= self.saved.reached(peer);
        }
        news
    }

    /// Whether it is on the disk; it is tried again if not.
    async fn save(&self, warned: &mut bool) -> bool {
        let (saved, folder) = (self.saved.clone(), self.folder.clone());
        let saving = tokio::task::spawn_blocking(move || saved.save(&folder));
        let error = match saving.await {
            Ok(Ok(())) => {
                *warned = false;
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        if !std::mem::replace(warned, true) {
            tracing::warn!(error, "the addresses of other nodes cannot be saved");
        }
        false
    }
}
