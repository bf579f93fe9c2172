//! `stats`: what the node says of itself, to anyone and to its administrator.

use std::sync::{Mutex, OnceLock};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::rooms::lock;
use super::shared::{SERVER, Shared};
use crate::protocol::RoomName;
use crate::protocol::limits::SINCE_ORIGINS_MAX;
use crate::protocol::stats::{NodeFigures, NodeInfo, Quantiles, RoomFigures, Stats};

/// Origins in the log past which a person should look.
const ORIGINS_ALARM: usize = SINCE_ORIGINS_MAX / 2;

/// Rooms that are told of as the busiest.
const TOP_ROOMS: usize = 20;

/// Requests waiting for the store past which a person should look.
const STORE_QUEUE_ALARM: usize = 4_000;

/// Of everyone's concern: this node, and the others it knows of.
pub fn for_anyone(shared: &Shared) -> Stats {
    let mut nodes = vec![NodeInfo {
        name: shared.config.name.clone(),
        address: shared.listen.to_string(),
        up: true,
        rtt_us: None,
        down_s: None,
    }];
    nodes.extend(shared.replicator().nodes());
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    Stats {
        re: None,
        node: shared.config.name.clone(),
        server: SERVER.to_owned(),
        uptime_s: shared.started.elapsed().as_secs(),
        nodes,
        figures: Vec::new(),
    }
}

/// The same with an administrator's figures.
pub async fn in_full(shared: &Shared, node: Option<&str>) -> Stats {
    let mut stats = for_anyone(shared);
    stats.figures = figures(shared, node).await;
    stats
}

/// An administrator's figures: of this node, of the one that is named, or, for `*`, of all that
/// answer.
async fn figures(shared: &Shared, node: Option<&str>) -> Vec<NodeFigures> {
    match node {
        None => vec![own_figures(shared)],
        Some(name) if name == shared.config.name => vec![own_figures(shared)],
        Some("*") => {
            let mut all = vec![own_figures(shared)];
            all.extend(shared.replicator().figures(None).await);
            all.sort_by(|one, other| one.node.cmp(&other.node));
            all
        }
        Some(name) => shared.replicator().figures(Some(name)).await,
    }
}

/// This node's own figures.
pub fn own_figures(shared: &Shared) -> NodeFigures {
    let metrics = &shared.metrics;
    let store = shared.store.figures();
    // Counted apart: within what is returned the lock of the people would be held while the replicator
    // is asked.
    let busy = metrics.busy_rooms.top(TOP_ROOMS);
    let (rooms, top_rooms) = {
        let people = shared.people();
        let figures = |(room, messages): (RoomName, u64)| RoomFigures {
            users: people.presence.total(&room),
            room: room.as_str().to_owned(),
            messages,
        };
        let top: Vec<RoomFigures> = busy.into_iter().map(figures).collect();
        (people.presence.rooms().count(), top)
    };
    let (messages_per_s, deliveries_per_s) = metrics.rates();
    let (memory_bytes, cpu_ms) = process();
    let count = |value: i64| u32::try_from(value).unwrap_or(0);
    let mut alarms = shared.replicator().alarms();
    if store.queue > STORE_QUEUE_ALARM {
        alarms.push(format!("{} requests wait for the store", store.queue));
    }
    let origins = shared.store.held().len();
    if origins > ORIGINS_ALARM {
        alarms.push(format!(
            "the log has {origins} origins, and clients can name {SINCE_ORIGINS_MAX}: \
             nodes begin new ones too often; is /dev/shm kept between their starts?"
        ));
    }
    alarms.extend(shared.clock.alarm());
    if store.failing {
        alarms.push("the store cannot write: is the disk full?".to_owned());
    }
    NodeFigures {
        node: shared.config.name.clone(),
        uptime_s: shared.started.elapsed().as_secs(),
        sessions: count(metrics.sessions.get()),
        connections: count(metrics.connections.get()),
        rooms: u32::try_from(rooms).unwrap_or(u32::MAX),
        messages_per_s,
        deliveries_per_s,
        commit_us: Quantiles {
            p50: store.commit_us_p50,
            p99: store.commit_us_p99,
        },
        delivery_us: metrics.delivery.quantiles(),
        store_queue: u32::try_from(store.queue).unwrap_or(u32::MAX),
        slow_readers: count(metrics.slow_readers.get()),
        memory_bytes,
        cpu_ms,
        store_bytes: store.file_bytes + store.wal_bytes,
        events: store.events,
        peers: shared.replicator().peers(),
        links_refused: metrics.peer_port.links.get(),
        datagrams_refused: metrics.peer_port.datagrams(),
        alarms,
        server: SERVER.to_owned(),
        messages: metrics.messages.get(),
        deliveries: metrics.deliveries.get(),
        late: metrics.late.get(),
        merged: metrics.merged.get(),
        refused: metrics.refusals.get(),
        throttled: metrics.throttled.get(),
        faults: metrics.faults.get(),
        replays: metrics.replays.get(),
        gaps: metrics.gaps.get(),
        commits_failed: store.failed_commits,
        top_rooms,
    }
}

/// Memory in bytes and processor time in milliseconds of this process; all nodes in it say the same.
fn process() -> (u64, u64) {
    static SYSTEM: OnceLock<Option<Mutex<System>>> = OnceLock::new();
    let Some(system) = SYSTEM.get_or_init(|| System::new().ok().map(Mutex::new)) else {
        return (0, 0);
    };
    let mut system = lock(system);
    let pid = Pid::from_u32(std::process::id());
    let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
    let process = system.process(pid);
    process.map_or((0, 0), |p| (p.memory(), p.accumulated_cpu_time()))
}
