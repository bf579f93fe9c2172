//! The task that owns the replication core: it takes what happens and carries out what the core
//! decides. What peers say is taken apart in [`frames`](super::frames).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::figures::Asked;
use super::gossip::{Beats, SoftProgress};
use super::input::{Input, Inputs};
use super::nodes::Nodes;
use super::storing::{Storing, store_all};
use crate::node::cluster::links::{LinkEvent, LinkOut, Links};
use crate::node::cluster::replication::limits::BATCH_BYTES_MAX;
use crate::node::cluster::replication::{Effect, LinkId, Moment, Replication};
use crate::node::rooms::lock;
use crate::node::shared::Shared;
use crate::node::store::{Ingested, StoreError};
use crate::protocol::peer::{Hello, PeerFrame};
use crate::protocol::stats::NodeFigures;
use crate::protocol::{Event, Origin, Seq};

/// How often time passes for the core.
const TICK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) links: Links,
    pub(super) inputs: Inputs,
    pub(super) nodes: Arc<Mutex<Nodes>>,
    /// What runs beside the driver; it is awaited with it.
    pub(super) tasks: TaskTracker,
    started: Instant,
    pub(super) core: Replication,
    pub(super) peers: BTreeMap<LinkId, Peer>,
    storing: Storing,
    pub(super) soft: SoftProgress,
    beats: Beats,
    pub(super) asked: Asked,
}

/// A link that is up.
pub(super) struct Peer {
    pub(super) node: String,
    pub(super) origin: Origin,
    pub(super) out: LinkOut,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        links: Links,
        inputs: Inputs,
        nodes: Arc<Mutex<Nodes>>,
        tasks: TaskTracker,
    ) -> Driver {
        let core = Replication::new(shared.store.origin(), shared.store.held());
        let (storing, batches) = Storing::new();
        tasks.spawn(store_all(shared.store.clone(), batches, inputs.clone()));
        Driver {
            shared,
            links,
            inputs,
            nodes,
            tasks,
            started: Instant::now(),
            core,
            peers: BTreeMap::new(),
            storing,
            soft: SoftProgress::default(),
            beats: Beats::default(),
            asked: Asked::default(),
        }
    }

    /// Runs until `stop`, ends the links in order, and waits until they are gone.
    pub(super) async fn run(
        mut self,
        mut events: mpsc::Receiver<LinkEvent>,
        mut inputs: mpsc::Receiver<Input>,
        stop: CancellationToken,
        stop_links: CancellationToken,
    ) {
        let mut ticks = interval(TICK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = events.recv() => self.link_event(event),
                Some(input) = inputs.recv() => self.input(input),
                _ = ticks.tick() => self.tick(),
                () = stop.cancelled(), if !stop_links.is_cancelled() => {
                    // What was committed before the end is pushed before it.
                    while let Ok(input) = inputs.try_recv() {
                        self.input(input);
                    }
                    self.send_to_all(&PeerFrame::Leaving {});
                    stop_links.cancel();
                }
            }
            if stop_links.is_cancelled() && self.peers.is_empty() {
                return;
            }
        }
    }

    fn now(&self) -> Moment {
        self.started.elapsed()
    }

    fn tick(&mut self) {
        let now = self.now();
        if self.inputs.commits_missed.swap(false, Ordering::AcqRel) {
            let held = self.shared.store.held();
            let effects = self.core.caught_up(now, &held);
            self.carry_out(now, effects);
        }
        let effects = self.core.tick(now);
        self.carry_out(now, effects);
        self.asked.tick(now);
        let soft_changed = self.inputs.soft_changed.load(Ordering::Acquire);
        if self.beats.due(now, soft_changed) {
            self.inputs.soft_changed.store(false, Ordering::Release);
            let beat = self.beat();
            self.send_to_all(&beat);
            lock(&self.nodes).refresh(now, |link| self.core.lag(link));
        }
    }

    fn link_event(&mut self, event: LinkEvent) {
        let now = self.now();
        match event {
            LinkEvent::Up {
                link,
                hello,
                out,
                health,
            } => {
                lock(&self.nodes).up(link, &hello, health);
                self.up(now, link, *hello, out);
            }
            LinkEvent::Frame { link, frame } => self.frame(now, link, frame),
            LinkEvent::Down { link } => self.down(now, link),
        }
    }

    fn up(&mut self, now: Moment, link: LinkId, hello: Hello, out: LinkOut) {
        let peer = Peer {
            node: hello.node,
            origin: hello.origin.clone(),
            out,
        };
        self.peers.insert(link, peer);
        let effects = self.core.link_up(now, link, hello.origin);
        self.carry_out(now, effects);
        let beat = self.beat();
        self.send(link, &beat);
        let addresses = self.links.addresses();
        self.send_to_all(&PeerFrame::Known { addresses });
    }

    fn down(&mut self, now: Moment, link: LinkId) {
        let Some(peer) = self.peers.remove(&link) else {
            return;
        };
        let effects = self.core.link_down(now, link);
        self.carry_out(now, effects);
        if lock(&self.nodes).down(now, link, &peer.origin) {
            self.soft.lost(&peer.origin);
            self.lose_people_of(&peer.origin);
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Committed(events) => {
                let waiting = &self.inputs.events_waiting;
                waiting.fetch_sub(events.len(), Ordering::Relaxed);
                let effects = self.core.committed(now, &events);
                self.carry_out(now, effects);
            }
            Input::Presence(changes) => self.send_to_all(&PeerFrame::Presence(changes)),
            Input::Typing(typist) => self.send_to_all(&PeerFrame::Typing {
                room: typist.room,
                uid: typist.uid,
                name: typist.name,
                on: typist.on,
            }),
            Input::Ingested { events, result } => self.ingested(now, &events, result),
            Input::Served {
                link,
                origin,
                after,
                events,
            } => {
                let effects = self.core.served(now, link, origin, after, events);
                self.carry_out(now, effects);
            }
            Input::Answer { link, frame } => self.send(link, &frame),
            Input::SoftTaken { link, rev, more } => self.soft_taken(now, link, rev, more),
            Input::Figures { node, reply } => self.ask_figures(now, node.as_deref(), &reply),
        }
    }

    fn ingested(
        &mut self,
        now: Moment,
        events: &[Arc<Event>],
        result: Result<Ingested, StoreError>,
    ) {
        match result {
            Ok(ingested) => {
                for origin in &ingested.gaps {
                    let effects = self.core.gap(now, origin);
                    self.carry_out(now, effects);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot store what other nodes have sent; it is tried again");
                self.core.refused(now, events);
            }
        }
    }

    fn ask_figures(&mut self, now: Moment, node: Option<&str>, reply: &mpsc::Sender<NodeFigures>) {
        let mut asked = std::collections::BTreeSet::new();
        for peer in self.peers.values() {
            if node.is_none_or(|node| node == peer.node)
                && asked.insert(&peer.origin)
                && let Some(id) = self.asked.open(now, reply)
            {
                peer.out.send(&PeerFrame::StatsAsk { id });
            }
        }
    }

    pub(super) fn carry_out(&mut self, now: Moment, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, frame } => self.send(to, &frame),
                Effect::Ingest(events) => {
                    if let Err(events) = self.storing.put(events) {
                        self.core.refused(now, &events);
                    }
                }
                Effect::Read {
                    to,
                    origin,
                    after,
                    limit,
                } => self.read(to, origin, after, limit),
                Effect::OwnLogIsBehind { held, peer_holds } => {
                    if lock(&self.nodes).own_log_is_behind() {
                        let folder = self.shared.config.data.display();
                        tracing::error!(held, peer_holds, %folder, "the node's log was set back");
                    }
                }
            }
        }
    }

    /// Reads a range for a peer beside the driver.
    fn read(&self, link: LinkId, origin: Origin, after: Seq, limit: usize) {
        let (store, inputs) = (self.shared.store.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            let of = origin.clone();
            let read = store.read(move |r| r.events_after(&of, after, limit, BATCH_BYTES_MAX));
            let events = read.await.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot read the log for a peer");
                Vec::new()
            });
            let served = Input::Served {
                link,
                origin,
                after,
                events,
            };
            inputs.tell_surely(served).await;
        });
    }

    pub(super) fn send(&self, to: LinkId, frame: &PeerFrame) {
        if let Some(peer) = self.peers.get(&to) {
            peer.out.send(frame);
        }
    }

    /// Encodes once, sends to all.
    fn send_to_all(&self, frame: &PeerFrame) {
        if self.peers.is_empty() {
            return;
        }
        match frame.encode() {
            Ok(bytes) => {
                for peer in self.peers.values() {
                    peer.out.send_encoded(bytes.clone());
                }
            }
            Err(error) => tracing::error!(%error, "a frame for the peers was left out"),
        }
    }
}
