//! The task that owns the replication core: it takes what happens and carries out what the core
//! decides. What peers say is taken apart in [`frames`](super::frames).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::acks::Acks;
use super::figures::Asked;
use super::gossip::{Beats, SoftProgress};
use super::input::{Input, Inputs};
use super::nodes::Nodes;
use super::seat::seated;
use super::storing::Storing;
use crate::node::cluster::links::{LinkEvent, LinkOut, Links};
use crate::node::cluster::replication::limits::{BATCH_BYTES_MAX, COPIES_WAIT};
use crate::node::cluster::replication::{Effect, LinkId, Moment, Replication};
use crate::node::replicator::{NodeHandle, Together};
use crate::node::rooms::lock;
use crate::node::store::{Clock, Ingested, StoreError};
use crate::protocol::limits::CLOCK_AHEAD_MAX_US;
use crate::protocol::peer::{Hello, PeerFrame, Piece};
use crate::protocol::stats::NodeFigures;
use crate::protocol::{Event, Origin, Seq};

/// How often time passes for the core.
const TICK_EVERY: Duration = Duration::from_millis(50);

/// How far ahead of the time the node's own log must be dated to be given up: what clients may bring
/// about with `after` is half of it, microseconds.
const OWN_LOG_AHEAD_US: i64 = 2 * CLOCK_AHEAD_MAX_US;

/// Pause after an origin was begun, or could not be.
const RENEW_PAUSE: Duration = Duration::from_secs(5);

/// Clocks that must have had a say before the node's own log is given up for its dates: of two, nobody
/// knows which is wrong.
const VOICES_MIN: usize = 3;

/// An event whose copies somebody asked after.
struct Doubt {
    origin: Origin,
    seq: Seq,
    reply: oneshot::Sender<u32>,
}

pub(super) struct Driver {
    pub(super) node: NodeHandle,
    pub(super) links: Links,
    pub(super) inputs: Inputs,
    pub(super) nodes: Arc<Mutex<Nodes>>,
    acks: Arc<Acks>,
    /// Who asked after an event's copies, and until when more of them are waited for.
    doubts: Vec<(Moment, Doubt)>,
    /// The store was asked to begin a new origin, and has not yet.
    renewing: bool,
    /// What runs beside the driver; it is awaited with it.
    pub(super) tasks: TaskTracker,
    started: Instant,
    pub(super) core: Replication,
    pub(super) peers: BTreeMap<LinkId, Peer>,
    storing: Storing,
    pub(super) soft: SoftProgress,
    beats: Beats,
    pub(super) asked: Asked,
    /// Somebody is being answered.
    pub(super) together: Option<Together>,
}

/// A link that is up.
pub(super) struct Peer {
    pub(super) node: String,
    pub(super) origin: Origin,
    pub(super) out: LinkOut,
}

impl Driver {
    pub(super) fn new(
        node: NodeHandle,
        links: Links,
        inputs: Inputs,
        nodes: Arc<Mutex<Nodes>>,
        acks: Arc<Acks>,
        tasks: TaskTracker,
    ) -> Driver {
        let mut core = Replication::new(node.origin(), node.held(), node.copies_wanted());
        if let Some(every) = node.tuning().compare_every {
            core = core.comparing_every(every);
        }
        let storing = Storing::start(node.clone(), inputs.clone(), &tasks);
        Driver {
            node,
            links,
            inputs,
            nodes,
            acks,
            doubts: Vec::new(),
            renewing: false,
            tasks,
            started: Instant::now(),
            core,
            peers: BTreeMap::new(),
            storing,
            soft: SoftProgress::default(),
            beats: Beats::default(),
            asked: Asked::default(),
            together: None,
        }
    }

    /// Runs until `stop`, ends the links in order, and waits until they are gone.
    pub(super) async fn run(
        driver: Arc<Mutex<Driver>>,
        mut events: mpsc::Receiver<LinkEvent>,
        mut inputs: mpsc::Receiver<Input>,
        stop: CancellationToken,
        stop_links: CancellationToken,
    ) {
        let mut ticks = interval(TICK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = events.recv() => seated(&driver, |seat| seat.link_event(event)),
                Some(input) = inputs.recv() => seated(&driver, |seat| seat.queued(input)),
                _ = ticks.tick() => seated(&driver, Driver::tick),
                () = stop.cancelled(), if !stop_links.is_cancelled() => {
                    // What was committed before the end is pushed before it.
                    while let Ok(input) = inputs.try_recv() {
                        seated(&driver, |seat| seat.queued(input));
                    }
                    seated(&driver, |seat| seat.send_to_all(&PeerFrame::Leaving {}));
                    stop_links.cancel();
                }
            }
            if stop_links.is_cancelled() && lock(&driver).peers.is_empty() {
                return;
            }
        }
    }

    fn now(&self) -> Moment {
        self.started.elapsed()
    }

    fn tick(&mut self) {
        let now = self.now();
        self.follow_origin(now);
        self.keep_time();
        self.catch_up(now);
        let effects = self.core.tick(now);
        self.carry_out(now, effects);
        for (until, doubt) in std::mem::take(&mut self.doubts) {
            self.settle(now, until, doubt);
        }
        self.asked.tick(now);
        let soft_changed = self.inputs.soft_changed.load(Ordering::Acquire);
        if self.beats.due(now, soft_changed) {
            self.inputs.soft_changed.store(false, Ordering::Release);
            // Before the beat, which would be counted with what waits.
            let queued = self
                .peers
                .iter()
                .map(|(link, peer)| (*link, peer.out.queued()));
            let queued: Vec<(LinkId, u32)> = queued.collect();
            let beat = self.beat();
            self.send_to_all(&beat);
            let mut nodes = lock(&self.nodes);
            nodes.refresh(now, |link| self.core.lag(link));
            for (link, frames) in queued {
                nodes.queued(link, frames);
            }
            for shared_name in nodes.new_shared_names() {
                tracing::warn!("{shared_name}");
            }
        }
    }

    /// Tells the core how far the store has come, if it was not told of commits.
    fn catch_up(&mut self, now: Moment) {
        if self.inputs.commits_missed.swap(false, Ordering::SeqCst) {
            self.follow_origin(now);
            let held = self.node.held();
            let effects = self.core.caught_up(now, &held);
            self.carry_out(now, effects);
        }
    }

    /// Corrects the node's time to the others'. A log whose last event is dated far ahead of it would
    /// date everything after it likewise: it goes on under a new origin, when most clocks say so.
    fn keep_time(&mut self) {
        let clock = self.node.clock();
        for (node, offset_us) in lock(&self.nodes).clock_offsets_us() {
            clock.heard(node, offset_us);
        }
        clock.keep();
        let ahead_us = self.node.last_written().0 - clock.now().0;
        if clock.voices() >= VOICES_MIN && ahead_us > OWN_LOG_AHEAD_US && !self.renewing {
            tracing::warn!(ahead_us, "the node's log is dated ahead of the time");
            self.begin_origin();
        }
    }

    /// The store may have begun a new origin: the core must know, and the peers, who know this node by
    /// it, are greeted anew.
    fn follow_origin(&mut self, now: Moment) {
        let origin = self.node.origin();
        if origin == *self.core.origin() {
            return;
        }
        tracing::info!(%origin, "the node writes under a new origin");
        let effects = self.core.begin_origin(now, origin.clone());
        self.carry_out(now, effects);
        self.links.renew(origin);
    }

    /// Answers how many copies there are, or waits for more.
    fn settle(&mut self, now: Moment, until: Moment, doubt: Doubt) {
        let (copies, more) = self.core.copies(&doubt.origin, doubt.seq);
        if more && now < until {
            self.doubts.push((until, doubt));
        } else {
            // Who has given up waiting needs no answer.
            let _ = doubt.reply.send(copies);
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
        self.inputs.has_peers.store(true, Ordering::SeqCst);
        self.catch_up(now);
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
        self.inputs
            .has_peers
            .store(!self.peers.is_empty(), Ordering::Release);
        let effects = self.core.link_down(now, link);
        self.carry_out(now, effects);
        if lock(&self.nodes).down(now, link, &peer.origin) {
            self.soft.lost(&peer.origin);
            // Its users go soon, unless it is back.
            self.node.lost(&peer.origin);
        }
    }

    /// Takes what was in the queue.
    fn queued(&mut self, input: Input) {
        if let Input::Committed(events) = &input {
            let waiting = &self.inputs.events_waiting;
            waiting.fetch_sub(events.len(), Ordering::Relaxed);
        }
        self.take(input);
        self.inputs.done();
    }

    pub(super) fn take(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Committed(events) => {
                self.follow_origin(now);
                let effects = self.core.committed(now, &events);
                self.carry_out(now, effects);
            }
            Input::Written(events) => {
                let effects = self.core.written(now, &events);
                self.carry_out(now, effects);
            }
            Input::Copies { origin, seq, reply } => {
                let doubt = Doubt { origin, seq, reply };
                self.settle(now, now + COPIES_WAIT, doubt);
            }
            Input::Hashed { piece, of, hash } => {
                let effects = self.core.hashed(piece, of, hash);
                self.carry_out(now, effects);
            }
            Input::OriginBegun => self.follow_origin(now),
            Input::OriginMayBegin => self.renewing = false,
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
                Effect::Send {
                    to,
                    frame: frame @ PeerFrame::Range { .. },
                } => self.send_range(to, frame),
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
                Effect::Hash {
                    origin,
                    after,
                    up_to,
                    of,
                } => self.hash((origin, after, up_to), of),
                Effect::Diverged { link, piece } => self.diverged(link, &piece),
                Effect::Acknowledge(word) => {
                    let node = &self.node;
                    self.together.get_or_insert_with(|| node.answer_together());
                    self.acks.acknowledged(&word);
                }
                Effect::OwnLogIsBehind { held, peer_holds } => self.renew(held, peer_holds),
            }
        }
    }

    /// The node's log was set back while it runs: it goes on under a new origin.
    fn renew(&mut self, held: Seq, peer_holds: Seq) {
        let stored = self.node.held().get(self.core.origin());
        if self.renewing || stored >= peer_holds {
            return;
        }
        lock(&self.nodes).own_log_was_set_back();
        let folder = self.node.config().data.display();
        tracing::error!(held, peer_holds, %folder, "the node's log was set back");
        self.begin_origin();
    }

    fn begin_origin(&mut self) {
        self.renewing = true;
        let (node, inputs) = (self.node.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            if let Err(error) = node.begin_new_origin().await {
                tracing::warn!(%error, "cannot begin a new origin yet");
            }
            inputs.tell_surely(Input::OriginBegun).await;
            tokio::time::sleep(RENEW_PAUSE).await;
            inputs.tell_surely(Input::OriginMayBegin).await;
        });
    }

    /// Reads a range for a peer beside the driver.
    fn read(&self, link: LinkId, origin: Origin, after: Seq, limit: usize) {
        let (node, inputs) = (self.node.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            let read = node.events_after(&origin, after, limit, BATCH_BYTES_MAX);
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

    /// Hashes a piece of a log beside the driver.
    fn hash(&self, (origin, after, up_to): (Origin, Seq, Seq), of: Option<LinkId>) {
        let (node, inputs) = (self.node.clone(), self.inputs.clone());
        self.tasks.spawn(async move {
            let hash = node.hash(&origin, after, up_to).await;
            let hash = hash
                .inspect_err(|error| tracing::warn!(%error, "cannot read the log to compare it"))
                .ok();
            let piece = (origin, after, up_to);
            inputs.tell_surely(Input::Hashed { piece, of, hash }).await;
        });
    }

    fn diverged(&self, link: LinkId, piece: &Piece) {
        let Some(peer) = self.peers.get(&link) else {
            return;
        };
        let (origin, node) = (&piece.origin, &peer.node);
        let new = lock(&self.nodes).diverged(node, origin);
        if new {
            let (first, last) = (piece.after + 1, piece.up_to);
            tracing::error!(%origin, first, last, node, "a log is not the same on two nodes");
        }
    }

    pub(super) fn send(&self, to: LinkId, frame: &PeerFrame) {
        if let Some(peer) = self.peers.get(&to) {
            peer.out.send(frame);
        }
    }

    /// Sends a part of the log. It takes milliseconds to encode, and what is said meanwhile must not
    /// wait for it.
    fn send_range(&self, to: LinkId, frame: PeerFrame) {
        if let Some(peer) = self.peers.get(&to) {
            let out = peer.out.clone();
            self.tasks.spawn_blocking(move || out.send(&frame));
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
