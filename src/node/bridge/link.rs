//! The loop of one link: bytes in, lines to the sessions, answers and room lines out.
//!
//! Back-pressure, as on a client's connection: while the socket does not take what is due, no answer
//! is taken, nothing is drained from the rooms, and nothing is read.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::heard::AllHeard;
use super::ready::Ready;
use super::sessions::Bridged;
use crate::node::connection::output::Output;
use crate::node::replicator::Later;
use crate::node::rooms::{Drained, Memberships, Page, Replaying, Slot};
use crate::node::session::StatsEvery;
use crate::node::shared::Shared;
use crate::node::stats;
use crate::protocol::ServerFrame;
use crate::protocol::bridge::{BRIDGE_SILENCE_MAX_MS, LINK_LINE_BYTES_MAX, SessionId, ToBridge};
use crate::protocol::presence::LeaveReason;
use crate::protocol::stats::Stats;

/// Bytes due to the bridge before nothing more is taken for it.
const OUTPUT_BYTES_HIGH: usize = 1024 * 1024;

/// Bytes drained from the rooms before the sessions' answers have their turn.
const DRAIN_BYTES: usize = 256 * 1024;

/// Bytes taken from the socket in one call.
const READ_BYTES: usize = 64 * 1024;

/// Rooms that are read from the log at a time.
const REPLAYS_MAX: usize = 8;

/// Time in which the bridge takes the last lines when the node stops.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A link's whole state.
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    stream: TcpStream,
    input: Vec<u8>,
    pub(super) output: Output,
    pub(super) sessions: HashMap<SessionId, Box<Bridged>>,
    /// Sessions by their browser's address, for the limit on connections.
    pub(super) addresses: HashMap<IpAddr, usize>,
    pub(super) ready: Arc<Ready>,
    /// Sessions whose answer waits until its channel has been read from the log.
    pub(super) stalled: HashSet<SessionId>,
    pub(super) heard: AllHeard,
    pub(super) memberships: Memberships,
    /// Memberships that are to be read from the log, and those that are.
    pub(super) behind: VecDeque<Slot>,
    pub(super) replays: Vec<Replaying>,
    /// Repeated `stats`, and when the next is due.
    pub(super) every: HashMap<SessionId, (StatsEvery, Instant)>,
    /// The figures of all nodes that the bridge has asked for, and its number for the question.
    figures: Option<(u32, Later<Stats>)>,
    /// When the bridge was last heard.
    last_heard: Instant,
    pub(super) over: bool,
}

/// What a round waited for.
enum Woken {
    Stop,
    Sessions,
    Page(usize, Page),
    Lines,
    Writable,
    Readable,
    Time,
    Figures(u32, Box<Stats>),
}

/// Serves a bridge that has proved itself.
pub(super) async fn run(shared: Arc<Shared>, stream: TcpStream, name: &str) {
    tracing::info!(bridge = ?name, "a bridge is linked");
    let mut link = Link::new(shared, stream);
    while link.step().await {}
    link.end().await;
    tracing::info!(bridge = ?name, "a bridge's link has ended");
}

impl Link {
    fn new(shared: Arc<Shared>, stream: TcpStream) -> Link {
        Link {
            shared,
            stream,
            input: Vec::new(),
            output: Output::default(),
            sessions: HashMap::new(),
            addresses: HashMap::new(),
            ready: Arc::default(),
            stalled: HashSet::new(),
            heard: AllHeard::default(),
            memberships: Memberships::default(),
            behind: VecDeque::new(),
            replays: Vec::new(),
            every: HashMap::new(),
            figures: None,
            last_heard: Instant::now(),
            over: false,
        }
    }

    /// One round; false when the link is over.
    async fn step(&mut self) -> bool {
        self.take_lines();
        if self.has_room() {
            for id in self.ready.take() {
                self.advance(id);
            }
        }
        let drained = self.fill();
        if let Err(error) = self.output.write(&self.stream) {
            tracing::debug!(%error, "a bridge's link broke");
            self.over = true;
        }
        if self.over {
            return false;
        }
        if drained == Drained::Full && self.has_room() {
            // The socket took all there was; let others run before it gets more.
            tokio::task::yield_now().await;
            return true;
        }
        match self.wait().await {
            Woken::Stop => self.over = true,
            Woken::Page(at, page) => self.give_page(at, page),
            Woken::Sessions | Woken::Lines | Woken::Writable => {}
            Woken::Readable => self.receive(),
            Woken::Time => self.time_is_up(),
            Woken::Figures(number, stats) => self.give_figures(number, stats),
        }
        true
    }

    async fn wait(&mut self) -> Woken {
        let room = self.has_room();
        let silent = self.last_heard + Duration::from_millis(BRIDGE_SILENCE_MAX_MS);
        let next_stats = self.every.values().map(|every| every.1).min();
        let deadline = next_stats.map_or(silent, |next| next.min(silent));
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => Woken::Stop,
            () = self.ready.woken(), if room => Woken::Sessions,
            (at, page) = next_page(&mut self.replays), if room => Woken::Page(at, page),
            () = self.memberships.woken(), if room => Woken::Lines,
            _ = self.stream.writable(), if !self.output.is_empty() => Woken::Writable,
            _ = self.stream.readable(), if room => Woken::Readable,
            (number, stats) = figures_come(&mut self.figures), if room => {
                Woken::Figures(number, Box::new(stats))
            }
            () = sleep_until(deadline) => Woken::Time,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.output.len() < OUTPUT_BYTES_HIGH
    }

    /// Hands whole lines to the sessions.
    fn take_lines(&mut self) {
        let input = std::mem::take(&mut self.input);
        let mut taken = 0;
        while self.has_room() && !self.over {
            let Some(end) = input[taken..].iter().position(|b| *b == b'\n') else {
                break;
            };
            let line = &input[taken..taken + end];
            taken += end + 1;
            match std::str::from_utf8(line) {
                Ok(line) => self.take_line(line),
                Err(_) => self.give_up("what it said was not UTF-8"),
            }
        }
        self.input = input;
        self.input.drain(..taken);
        if self.input.len() > LINK_LINE_BYTES_MAX + READ_BYTES {
            self.give_up("its line was too long");
        }
        if self.input.is_empty() {
            self.input = Vec::new();
        }
    }

    fn receive(&mut self) {
        let from = self.input.len();
        self.input.resize(from + READ_BYTES, 0);
        let read = self.stream.try_read(&mut self.input[from..]);
        self.input.truncate(from + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.over = true,
            Ok(_) => self.last_heard = Instant::now(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(%error, "a bridge's link broke");
                self.over = true;
            }
        }
    }

    /// The bridge has broken the rules of the link.
    pub(super) fn give_up(&mut self, why: &str) {
        tracing::warn!("a bridge's link is ended: {why}");
        self.over = true;
    }

    /// Takes what is due from the rooms, as far as there is room for it.
    fn fill(&mut self) -> Drained {
        if !self.has_room() {
            return Drained::Full;
        }
        let drained = self.drain(DRAIN_BYTES);
        while let Some(slot) = self.memberships.next_behind() {
            self.note_behind(slot);
        }
        while self.replays.len() < REPLAYS_MAX
            && let Some(slot) = self.behind.pop_front()
        {
            let replay = Replaying::begin(&self.shared, &self.memberships, slot);
            self.replays.extend(replay);
        }
        drained
    }

    /// Rooms come before what concerns one user: more people wait for them.
    fn note_behind(&mut self, slot: Slot) {
        match self.heard.get(slot).and_then(|heard| heard.handle()) {
            Some(_) => self.behind.push_front(slot),
            None => self.behind.push_back(slot),
        }
    }

    /// Takes about `budget` bytes of what is due from the rooms.
    pub(super) fn drain(&mut self, budget: usize) -> Drained {
        let (output, heard) = (self.output.bytes(), &self.heard);
        let mut lines = 0;
        let drained = self.memberships.drain(budget, |slot, line| {
            lines += heard.write(slot, line, output);
        });
        self.shared.metrics.deliveries.inc_by(lines as u64);
        drained
    }

    /// A bridge has proved that it knows the cluster's secret: the figures are its to show. A question
    /// before the last one was answered takes its place.
    pub(super) fn ask_figures(&mut self, number: u32) {
        let shared = Arc::clone(&self.shared);
        let asking = async move { stats::in_full(&shared, Some("*")).await };
        self.figures = Some((number, Box::pin(asking)));
    }

    fn give_figures(&mut self, number: u32, stats: Box<Stats>) {
        self.figures = None;
        let frame = ServerFrame::Stats(stats).encode();
        let json = std::str::from_utf8(&frame).expect("JSON is UTF-8");
        let json = json.trim_end();
        ToBridge::Figures { number, json }.write(self.output.bytes());
    }

    fn time_is_up(&mut self) {
        let now = Instant::now();
        let silent = Duration::from_millis(BRIDGE_SILENCE_MAX_MS);
        if now.duration_since(self.last_heard) >= silent {
            self.give_up("it has fallen silent");
        }
        let due = |(id, (_, at)): (&SessionId, &(StatsEvery, Instant))| (*at <= now).then_some(*id);
        let all: Vec<SessionId> = self.every.iter().filter_map(due).collect();
        for id in all {
            self.repeat_stats(id, now);
        }
    }

    /// Writes what is left, and closes the sessions: their users are gone from here.
    async fn end(&mut self) {
        let stopping = self.shared.stop.is_cancelled();
        if stopping && !matches!(timeout(LAST_LINES, self.last_lines()).await, Ok(Ok(()))) {
            tracing::debug!("a bridge did not take its last lines");
        }
        let reason = if stopping {
            LeaveReason::ShuttingDown
        } else {
            LeaveReason::Lost
        };
        self.memberships.leave_all();
        for bridged in self.sessions.values_mut() {
            bridged.session.close(reason);
        }
    }

    /// Gives the answers to what has been taken up: else the bridge would ask it again elsewhere.
    async fn last_lines(&mut self) -> io::Result<()> {
        let mut open: Vec<SessionId> = self.sessions.keys().copied().collect();
        for bridged in self.sessions.values_mut() {
            bridged.take_no_more();
        }
        loop {
            open.retain(|id| {
                self.sessions
                    .get(id)
                    .is_some_and(|bridged| bridged.has_answers())
            });
            if open.is_empty() {
                break;
            }
            self.ready.woken().await;
            for id in self.ready.take() {
                self.advance(id);
            }
        }
        self.drain(usize::MAX);
        while !self.output.is_empty() {
            self.stream.writable().await?;
            self.output.write(&self.stream)?;
        }
        Ok(())
    }
}

/// The figures that were asked for; pending while none were.
async fn figures_come(asked: &mut Option<(u32, Later<Stats>)>) -> (u32, Stats) {
    match asked {
        Some((number, answer)) => (*number, answer.await),
        None => future::pending().await,
    }
}

/// The next page of any of them; pending while there is none.
async fn next_page(replays: &mut [Replaying]) -> (usize, Page) {
    future::poll_fn(|context| {
        for (at, replay) in replays.iter_mut().enumerate() {
            if let Poll::Ready(page) = pin!(replay.next()).poll(context) {
                return Poll::Ready((at, page));
            }
        }
        Poll::Pending
    })
    .await
}
