//! What all parts of one node share. It is made once, at the start, and handed around in an [`Arc`].

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admin::AdminToken;
use super::clock::NodeClock;
use super::config::Config;
use super::marked::Marked;
use super::metrics::Metrics;
use super::people::People;
use super::presence::{NODE_SILENT_US_MAX, Notice, SessionId};
use super::replicator::{Alone, Replicator, Typist};
use super::rooms::{ChannelKey, Except, Hub, keys_of, lock};
use super::store::{Clock, Placed, SoftRow, Store};
use super::text_mode;
use super::tokens::Tokens;
use crate::protocol::limits::{Limits, PROTOCOL_VERSION};
use crate::protocol::presence::UserRecord;
use crate::protocol::server::{Connect, Typing};
use crate::protocol::{RoomKey, ServerFrame, Ts, Uid, VersionVector};

/// What this program calls itself in `connect` and `stats`.
pub const SERVER: &str = concat!("chat/", env!("CARGO_PKG_VERSION"));

/// How long a client that is ahead of the node waits until it is not.
const REACH_MAX: Duration = Duration::from_millis(300);

/// How long what is known of users waits to be stored with what is learnt meanwhile.
const REMEMBER_WITHIN: Duration = Duration::from_millis(20);

/// How long nobody waits again for what did not come.
const IN_VAIN_FOR: Duration = Duration::from_secs(10);

/// Pause between two looks.
const REACH_LOOK_EVERY: Duration = Duration::from_millis(5);

/// Limits that nobody configures; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Time until `user_join`: a client's program needs none.
    pub hello: Duration,
    /// The same in text mode, where a person types.
    pub text_hello: Duration,
    /// Connections from one address; loopback has no limit unless `loopback_limited`.
    pub connections_per_address: usize,
    pub loopback_limited: bool,
    /// Between two pieces of the logs that are compared with the other nodes', if not as long as the
    /// engine takes otherwise.
    pub compare_every: Option<Duration>,
    /// Without a word from a node, until its users go.
    pub node_silent: Duration,
    /// What the machine's wall clock is wrong by, microseconds.
    pub clock_error_us: i64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            hello: Duration::from_secs(30),
            text_hello: Duration::from_secs(120),
            connections_per_address: 64,
            loopback_limited: false,
            compare_every: None,
            node_silent: Duration::from_micros(NODE_SILENT_US_MAX.unsigned_abs()),
            clock_error_us: 0,
        }
    }
}

/// One node.
pub struct Shared {
    pub config: Config,
    pub tuning: Tuning,
    /// Where clients really connect.
    pub listen: SocketAddr,
    pub store: Store,
    pub hub: Hub,
    pub tokens: Tokens,
    /// Who may have read markers.
    pub marked: Marked,
    pub admin: AdminToken,
    pub metrics: Metrics,
    pub started: Instant,
    /// The physical time, as the store has it.
    pub clock: Arc<NodeClock>,
    /// Told when the node stops: connections end, nothing more is accepted.
    pub stop: CancellationToken,
    /// Connections, bridges' included; each ends soon after `stop`.
    pub connections: TaskTracker,
    /// Small work beside them that ends by itself.
    pub tasks: TaskTracker,
    people: Mutex<People>,
    /// What was last waited for in vain, and when.
    waited_in_vain: Mutex<Option<(Instant, VersionVector)>>,
    next_session: AtomicU64,
    /// What is known of users and is about to be stored.
    to_remember: Mutex<Vec<SoftRow>>,
    /// Itself, for the small work it starts.
    me: Weak<Shared>,
    replicator: OnceLock<Arc<dyn Replicator>>,
}

/// What [`Shared::new`] is made of.
pub struct Parts {
    pub config: Config,
    pub tuning: Tuning,
    pub listen: SocketAddr,
    pub store: Store,
    pub hub: Hub,
    pub people: People,
    pub admin: AdminToken,
    pub clock: Arc<NodeClock>,
}

impl Shared {
    pub fn new(parts: Parts) -> Arc<Shared> {
        let Parts {
            config,
            tuning,
            listen,
            store,
            hub,
            people,
            admin,
            clock,
        } = parts;
        Arc::new_cyclic(|me| Shared {
            me: me.clone(),
            tokens: Tokens::new(&config.secret),
            marked: Marked::default(),
            metrics: Metrics::new(&config.name),
            config,
            tuning,
            listen,
            store,
            hub,
            admin,
            started: Instant::now(),
            clock,
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            tasks: TaskTracker::new(),
            people: Mutex::new(people),
            waited_in_vain: Mutex::new(None),
            next_session: AtomicU64::new(1),
            to_remember: Mutex::default(),
            replicator: OnceLock::new(),
        })
    }

    /// The physical time, the same on all nodes but for little: for dates that nodes compare.
    pub fn now(&self) -> Ts {
        self.clock.now()
    }

    /// A time that only ever goes on: for how long something lasts on this node.
    pub fn steady(&self) -> Ts {
        self.clock.steady()
    }

    /// The `connect` frame of a connection that begins now.
    pub fn connect_frame(&self) -> ServerFrame {
        ServerFrame::Connect(Connect {
            protocol: PROTOCOL_VERSION,
            server: SERVER.to_owned(),
            node: self.config.name.clone(),
            time: self.now(),
            limits: Limits::CURRENT,
            hint: Some(text_mode::HINT.to_owned()),
        })
    }

    /// A number for a session that no other of this node's run has.
    pub fn new_session_id(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    /// Connections that may be open from this address.
    pub fn connections_max(&self, address: IpAddr) -> usize {
        let loopback = address.to_canonical().is_loopback() && !self.tuning.loopback_limited;
        if self.config.rate == 0 || loopback {
            usize::MAX
        } else {
            self.tuning.connections_per_address
        }
    }

    /// Where what happens here is handed to the other nodes.
    pub fn replicator(&self) -> &dyn Replicator {
        self.replicator
            .get()
            .map_or(&Alone, |replicator| &**replicator)
    }

    /// Waits a moment for what a client holds and this node does not yet, where there are other nodes to
    /// bring it. An update whose message has not come here shows nothing, and a client that went past it
    /// would not be told of it again on the node that it came from.
    pub async fn reach(&self, since: &VersionVector) {
        let reached = || self.store.held().includes(since);
        let in_vain = |(at, vain): &(Instant, VersionVector)| {
            at.elapsed() < IN_VAIN_FOR && vain.includes(since)
        };
        if reached()
            || lock(&self.waited_in_vain).as_ref().is_some_and(in_vain)
            || !self.replicator().nodes().iter().any(|node| node.up)
        {
            return;
        }
        let wait = async {
            while !reached() {
                tokio::time::sleep(REACH_LOOK_EVERY).await;
            }
        };
        // A client may hold what no node will ever have again: it is served all the same, and the next
        // ones that hold it do not wait.
        if tokio::time::timeout(REACH_MAX, wait).await.is_err() {
            *lock(&self.waited_in_vain) = Some((Instant::now(), since.clone()));
        }
    }

    /// Tells all who wait for `stop`, and wakes the connections, which do not wait for it: a waiter in each
    /// would make their tasks larger.
    pub fn begin_stop(&self) {
        self.stop.cancel();
        self.hub.delivery.stop_links();
    }

    /// On how many nodes' disks the event is, once they are as many as are wanted and to be had.
    pub async fn copies(&self, placed: &Placed) -> u32 {
        if self.config.copies <= 1 {
            return 1;
        }
        self.replicator().copies(placed).await
    }

    /// Connects the node with others; once, before it serves anybody.
    pub fn set_replicator(&self, replicator: Arc<dyn Replicator>) {
        if self.replicator.set(replicator).is_err() {
            tracing::error!("a node has one replicator; the second one is not used");
        }
    }

    /// Who is here. To be held for a moment only, and never while the hub publishes.
    pub fn people(&self) -> std::sync::MutexGuard<'_, People> {
        lock(&self.people)
    }

    /// Changes who is here, and tells everybody whom it concerns, in the order of the changes.
    pub fn change_people<T>(&self, change: impl FnOnce(&mut People) -> (T, Vec<Notice>)) -> T {
        self.change_people_and(change, |_, result| result)
    }

    /// The same, and then, before anybody else changes anything, `look`.
    pub fn change_people_then<T>(
        &self,
        change: impl FnOnce(&mut People) -> Vec<Notice>,
        look: impl FnOnce(&People) -> T,
    ) -> T {
        self.change_people_and(|people| ((), change(people)), |people, ()| look(people))
    }

    fn change_people_and<T, U>(
        &self,
        change: impl FnOnce(&mut People) -> (T, Vec<Notice>),
        look: impl FnOnce(&People, T) -> U,
    ) -> U {
        let mut people = self.people();
        let (result, notices) = change(&mut people);
        for notice in &notices {
            self.show_notice(notice);
        }
        // While the node stops its account stands still, for those too who ask how far it has come:
        // whoever moves to another node is not to be seen leaving.
        while !self.stop.is_cancelled()
            && let Some(changes) = people.presence.take_changes()
        {
            self.replicator().presence(changes);
        }
        look(&people, result)
    }

    fn show_notice(&self, notice: &Notice) {
        let frame = notice.frame();
        for room in notice.rooms() {
            let except = notice.except().cloned().map(Except::User);
            self.hub
                .say(&ChannelKey::Room(room.clone()), &frame, except);
        }
        if let Notice::Renamed { uid, .. } = notice {
            self.hub
                .say(&ChannelKey::Personal(uid.clone()), &frame, None);
            if let Some(shared) = self.me.upgrade() {
                let telling = tell_partners(shared, uid.clone(), frame);
                self.tasks.spawn(telling);
            }
        }
    }

    /// Shows that somebody writes, to the sessions of this node that see the room.
    pub fn show_typing(&self, typist: &Typist) {
        for key in keys_of(&typist.room) {
            let label = match &key {
                ChannelKey::Room(name) => name.as_str().to_owned(),
                ChannelKey::Personal(uid) => self.people().room_label(&typist.room, uid),
            };
            let frame = ServerFrame::Typing(Typing {
                room: label,
                user: typist.name.as_str().to_owned(),
                uid: typist.uid.clone(),
                on: typist.on,
            });
            self.hub
                .say(&key, &frame, Some(Except::User(typist.uid.clone())));
        }
    }

    /// Has what is known of users stored, and told to the other nodes. It is not waited for: what is
    /// lost with a crash, a token or the next gossip brings back. Many at once are one transaction.
    pub fn remember(self: &Arc<Self>, users: Vec<UserRecord>) {
        if users.is_empty() {
            return;
        }
        let mut waiting = lock(&self.to_remember);
        let first = waiting.is_empty();
        waiting.extend(users.into_iter().map(SoftRow::User));
        drop(waiting);
        if first {
            let shared = Arc::clone(self);
            self.tasks.spawn(async move {
                tokio::time::sleep(REMEMBER_WITHIN).await;
                let rows = std::mem::take(&mut *lock(&shared.to_remember));
                shared.remember_rows(rows).await;
            });
        }
    }

    /// Stores soft rows; says which of them were news.
    pub async fn remember_rows(&self, rows: Vec<SoftRow>) -> Vec<SoftRow> {
        match self.store.merge_soft(rows).await {
            Ok(news) => {
                if !news.is_empty() {
                    self.replicator().soft_changed();
                }
                news
            }
            Err(error) => {
                self.metrics.faults.inc();
                tracing::warn!(%error, "cannot store what is known of users and rooms");
                Vec::new()
            }
        }
    }

    /// A user's read marker has moved: its sessions here are told, but for the one that said so.
    pub fn show_read(
        &self,
        uid: &Uid,
        room: &RoomKey,
        since: VersionVector,
        except: Option<SessionId>,
    ) {
        let room = self.people().room_label(room, uid);
        let frame = ServerFrame::Read(crate::protocol::server::ReadMoved { room, since });
        let key = ChannelKey::Personal(uid.clone());
        self.hub.say(&key, &frame, except.map(Except::Session));
    }
}

/// Tells those who have a direct conversation with `uid`.
async fn tell_partners(shared: Arc<Shared>, uid: Uid, frame: ServerFrame) {
    let asked = uid.clone();
    let rooms = shared.store.read(move |reader| reader.directs(&asked));
    let Ok(rooms) = rooms.await else { return };
    for room in rooms {
        if let Some(other) = room.room.other_side(&uid).filter(|other| **other != uid) {
            let key = ChannelKey::Personal(other.clone());
            shared.hub.say(&key, &frame, None);
        }
    }
}
