//! The nodes that this one knows of, as `stats` shows them: by their links, and by what the gossip hears.
//! What a person should look at among that is in [`alarms`](super::alarms).
//!
//! A node is up while there is a link to it: only then does what is said here get there. What is heard
//! without a link, or linked and not heard, is an alarm and takes nobody off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::alarms::RefusedLately;
use crate::node::cluster::links::Health;
use crate::node::cluster::membership::{Heard, Member, SavedPeer};
use crate::node::cluster::replication::{LinkId, Moment};
use crate::protocol::peer::{Hello, Incarnation};
use crate::protocol::stats::{NodeInfo, PeerFigures};
use crate::protocol::{Origin, Ts};

/// A node that was not heard of for so long is no longer listed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Logs that are told of as not being the same.
const DIVERGED_MAX: usize = 16;

/// A node that is heard and was never linked is listed only then: it is being called.
pub(super) const LISTED_AFTER: Duration = Duration::from_secs(5);

/// Runs of nodes that are remembered as having left; more than this do not leave in an hour.
const LEFT_MAX: usize = 1024;

#[derive(Debug, Default)]
pub struct Nodes {
    /// This node's own name, and where others reach it.
    pub(super) me: (String, String),
    pub(super) nodes: BTreeMap<Origin, Known>,
    pub(super) heard: Heard,
    pub(super) refused: RefusedLately,
    pub(super) own_log_was_set_back: bool,
    /// Logs that are not the same here and on another node: the node and the origin.
    pub(super) diverged: BTreeSet<(String, Origin)>,
    /// Runs that have said that they end, and when. They are heard for a while after it.
    left: BTreeMap<Incarnation, Moment>,
    /// Names that were found to be borne by more than one node.
    pub(super) shared_names: BTreeSet<String>,
    pub(super) now: Moment,
}

/// One other node.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: String,
    client_address: String,
    pub(super) peer_address: String,
    incarnation: Incarnation,
    server: String,
    started: Ts,
    links: BTreeMap<LinkId, Arc<Health>>,
    /// It was linked, or calling it takes long.
    is_listed: bool,
    lag_events: u64,
    queued: u32,
    /// When the last link went; without one, when the node was first heard or no longer.
    pub(super) lost_at: Moment,
    /// Whether this run is heard by gossip, and since when it is or is not.
    pub(super) heard: bool,
    pub(super) heard_changed: Moment,
}

impl Nodes {
    /// Of a node with this name, which others reach at this address.
    pub fn of(name: &str, peer_address: &str) -> Nodes {
        Nodes {
            me: (name.to_owned(), peer_address.to_owned()),
            ..Nodes::default()
        }
    }

    /// A link to the node is there.
    pub fn up(&mut self, link: LinkId, hello: &Hello, health: Arc<Health>) {
        let now = self.now;
        self.left.remove(&hello.incarnation);
        let known = self.nodes.entry(hello.origin.clone());
        let known = known.or_insert_with(|| Known::new(now));
        if known.incarnation != hello.incarnation {
            // Another run: whether it is heard is not known yet.
            (known.heard, known.heard_changed) = (false, now);
        }
        known.incarnation = hello.incarnation;
        known.name.clone_from(&hello.node);
        known.client_address.clone_from(&hello.client_address);
        known.peer_address.clone_from(&hello.peer_address);
        known.is_listed = true;
        known.links.insert(link, health);
        self.forget_the_replaced();
    }

    /// The node has said that it ends in good order.
    pub fn left(&mut self, now: Moment, origin: &Origin) {
        if let Some(known) = self.nodes.get(origin)
            && self.left.len() < LEFT_MAX
        {
            self.left.insert(known.incarnation, now);
        }
    }

    /// The link is gone; returns whether it was the node's last one.
    pub fn down(&mut self, now: Moment, link: LinkId, origin: &Origin) -> bool {
        let Some(known) = self.nodes.get_mut(origin) else {
            return false;
        };
        known.links.remove(&link);
        known.lost_at = now;
        let is_lost = known.links.is_empty();
        if is_lost {
            known.queued = 0;
        }
        if is_lost && self.left.contains_key(&known.incarnation) {
            self.nodes.remove(origin);
        }
        is_lost
    }

    /// What the gossip hears, from now on.
    pub fn heard(&mut self, heard: Heard) {
        self.heard = heard;
    }

    /// Connections and datagrams that were refused since the start.
    pub fn refused(&mut self, total: u64) {
        self.refused.total = total;
    }

    /// Brings the figures up to date, and forgets nodes that have long been gone.
    pub fn refresh(&mut self, now: Moment, lag: impl Fn(LinkId) -> Option<u64>) {
        self.now = now;
        self.refused.refresh(now);
        self.listen(now);
        self.left.retain(|_, at| now < *at + FORGOTTEN_AFTER);
        let left = &self.left;
        self.nodes.retain(|_, known| {
            let long_gone = now >= known.lost_at + FORGOTTEN_AFTER;
            let gone = !known.heard && (long_gone || !known.is_listed);
            !known.links.is_empty() || !(gone || left.contains_key(&known.incarnation))
        });
        for known in self.nodes.values_mut() {
            let lags = known.links.keys().filter_map(|link| lag(*link));
            known.lag_events = lags.min().unwrap_or(known.lag_events);
        }
        self.forget_the_replaced();
    }

    /// Frames that wait to be written to the link's node.
    pub fn queued(&mut self, link: LinkId, frames: u32) {
        let of = |known: &&mut Known| known.links.contains_key(&link);
        if let Some(known) = self.nodes.values_mut().find(of) {
            known.queued = frames;
        }
    }

    /// Takes in who is heard.
    fn listen(&mut self, now: Moment) {
        let mut members: Vec<&Member> = self.heard.members.iter().collect();
        // Of two runs of a node that are both still heard, the later counts.
        members.sort_by_key(|member| member.facts.started);
        for member in &members {
            let facts = &member.facts;
            if member.leaving && self.left.len() < LEFT_MAX {
                self.left.entry(facts.incarnation).or_insert(now);
            }
            if self.left.contains_key(&facts.incarnation) {
                continue;
            }
            // A run that has begun a new origin is linked under that, and heard under its first one.
            let linked = self
                .nodes
                .iter()
                .find(|(_, known)| known.is_linked() && known.incarnation == facts.incarnation);
            let origin = linked.map_or(&facts.origin, |(origin, _)| origin).clone();
            let known = self.nodes.entry(origin);
            let known = known.or_insert_with(|| Known::new(now));
            if known.links.is_empty() {
                known.incarnation = facts.incarnation;
                known.name.clone_from(&facts.node);
                known.client_address.clone_from(&facts.client_address);
                known.peer_address = facts.peer_address.to_string();
            }
            if known.incarnation == facts.incarnation {
                known.server.clone_from(&facts.server);
                known.started = facts.started;
            }
        }
        for known in self.nodes.values_mut() {
            let is_it = |member: &&&Member| member.facts.incarnation == known.incarnation;
            let heard = members.iter().find(is_it).is_some();
            if heard != known.heard {
                (known.heard, known.heard_changed) = (heard, now);
                if known.links.is_empty() {
                    known.lost_at = now;
                }
            }
            known.is_listed |= heard && now >= known.heard_changed + LISTED_AFTER;
        }
    }

    /// A node that began a new log (its machine was started again, say) is one node, not one that is up
    /// and one that is down.
    fn forget_the_replaced(&mut self) {
        let up = self.nodes.values().filter(|known| known.is_linked());
        let up: Vec<(String, String)> = up
            .map(|known| (known.name.clone(), known.peer_address.clone()))
            .collect();
        self.nodes.retain(|_, known| {
            let is_it = |(name, address): &(String, String)| {
                known.name == *name && (known.peer_address == *address || !known.heard)
            };
            known.is_linked() || !up.iter().any(is_it)
        });
    }

    /// How far the clocks of the nodes in reach are ahead of this one's, by name; of those that are not
    /// known yet, nothing.
    pub fn clock_offsets_us(&self) -> impl Iterator<Item = (&str, i64)> {
        self.nodes.values().filter_map(|known| {
            let health = known.links.values().next_back()?;
            Some((known.name.as_str(), health.clock_offset_us()?))
        })
    }

    /// A peer holds more of this node's log than the node does.
    pub fn own_log_was_set_back(&mut self) {
        self.own_log_was_set_back = true;
    }

    /// Another node has other events of `origin` than this one. Whether that is new.
    pub fn diverged(&mut self, node: &str, origin: &Origin) -> bool {
        self.diverged.len() < DIVERGED_MAX
            && self.diverged.insert((node.to_owned(), origin.clone()))
    }

    /// The other nodes, for everybody.
    pub fn infos(&self) -> Vec<NodeInfo> {
        let info = |(_, known): (&Origin, &Known)| NodeInfo {
            name: known.name.clone(),
            address: known.client_address.clone(),
            up: known.is_linked(),
            rtt_us: None,
            down_s: (!known.is_linked()).then(|| self.now.saturating_sub(known.lost_at).as_secs()),
        };
        self.listed().map(info).collect()
    }

    /// The links to them, for an administrator.
    pub fn figures(&self) -> Vec<PeerFigures> {
        self.listed().map(|(_, known)| known.figures()).collect()
    }

    /// Where nodes are reached or heard now.
    pub fn reached(&self) -> Vec<SavedPeer> {
        let here = self.nodes.iter().filter(|(_, k)| k.is_linked() || k.heard);
        here.filter_map(|(origin, known)| {
            Some(SavedPeer {
                name: known.name.clone(),
                origin: origin.clone(),
                address: known.peer_address.parse().ok()?,
            })
        })
        .collect()
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = (&Origin, &Known)> {
        self.nodes.iter().filter(|(_, known)| known.is_listed)
    }
}

impl Known {
    fn new(now: Moment) -> Known {
        Known {
            name: String::new(),
            client_address: String::new(),
            peer_address: String::new(),
            incarnation: Incarnation(0),
            server: String::new(),
            started: Ts(0),
            links: BTreeMap::new(),
            is_listed: false,
            lag_events: 0,
            queued: 0,
            lost_at: now,
            heard: false,
            heard_changed: now,
        }
    }

    pub(super) fn is_linked(&self) -> bool {
        !self.links.is_empty()
    }

    pub(super) fn figures(&self) -> PeerFigures {
        let health = self.links.values().next_back();
        PeerFigures {
            name: self.name.clone(),
            address: self.peer_address.clone(),
            up: health.is_some(),
            rtt_us: health.map_or(0, |health| health.rtt_us()),
            lag_events: self.lag_events,
            clock_offset_us: health
                .and_then(|health| health.clock_offset_us())
                .unwrap_or(0),
            heard: self.heard,
            server: self.server.clone(),
            started: self.started,
            queued: self.queued,
        }
    }
}
