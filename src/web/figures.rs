//! The nodes' figures in Prometheus' terms: base units, a node's name as a label.
//!
//! Rooms' names are not among them: who may read `/metrics` need not be in those rooms.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::protocol::stats::{NodeFigures, PeerFigures, Quantiles, Stats};
use crate::protocol::text::clean;

type Whole = Gauge<i64>;
type Fraction = Gauge<f64, AtomicU64>;
type Seconds = Counter<f64, AtomicU64>;

/// One label, or two.
type One = [(&'static str, String); 1];
type Two = [(&'static str, String); 2];

/// A figure of a node: its name, what it says, and where it is.
type Of<T> = (&'static str, &'static str, fn(&NodeFigures) -> T);

const GAUGES: &[Of<u64>] = &[
    ("uptime_seconds", "Since the start", |f| f.uptime_s),
    ("sessions", "Sessions open", |f| f.sessions.into()),
    ("connections", "Connections open", |f| f.connections.into()),
    ("rooms", "Rooms known", |f| f.rooms.into()),
    ("store_queue", "Requests waiting for the store", |f| {
        f.store_queue.into()
    }),
    ("slow_readers", "Memberships reading from the log", |f| {
        f.slow_readers.into()
    }),
    ("memory_bytes", "Resident memory of the process", |f| {
        f.memory_bytes
    }),
    ("store_bytes", "Log and write-ahead log on disk", |f| {
        f.store_bytes
    }),
    ("log_events", "Events in the log", |f| f.events),
    ("alarms", "Things that a person should look at", |f| {
        f.alarms.len() as u64
    }),
];

const COUNTERS: &[Of<u64>] = &[
    ("messages", "Messages committed", |f| f.messages),
    ("deliveries", "Lines handed to sessions", |f| f.deliveries),
    (
        "late_messages",
        "Messages that came after newer ones",
        |f| f.late,
    ),
    (
        "merged_events",
        "Events of other nodes missed and fetched",
        |f| f.merged,
    ),
    ("refusals", "Requests answered by an error", |f| f.refused),
    ("throttled", "Requests and connections too many", |f| {
        f.throttled
    }),
    ("faults", "Requests that failed here", |f| f.faults),
    ("replays", "Readers that fell off a ring", |f| f.replays),
    ("gaps", "Readers told of a gap", |f| f.gaps),
    ("commits_failed", "Transactions that failed", |f| {
        f.commits_failed
    }),
    (
        "peer_links_refused",
        "Peer connections and frames refused",
        |f| f.links_refused,
    ),
    ("peer_datagrams_refused", "Peer datagrams refused", |f| {
        f.datagrams_refused
    }),
];

const RATES: &[Of<f64>] = &[
    ("messages_per_second", "Messages in the last second", |f| {
        f.messages_per_s
    }),
    (
        "deliveries_per_second",
        "Deliveries in the last second",
        |f| f.deliveries_per_s,
    ),
];

const LATENCIES: &[Of<Quantiles>] = &[
    (
        "commit_latency",
        "From coming in to being committed, of the last minute",
        |f| f.commit_us,
    ),
    (
        "delivery_latency",
        "From coming in to being written to sockets, of the last minute",
        |f| f.delivery_us,
    ),
];

/// A figure of a link between two nodes.
type OfPeer = (&'static str, &'static str, fn(&PeerFigures) -> f64);

const PEERS: &[OfPeer] = &[
    ("peer_up", "Whether there is a link", |p| {
        f64::from(u8::from(p.up))
    }),
    ("peer_heard", "Whether datagrams arrive", |p| {
        f64::from(u8::from(p.heard))
    }),
    ("peer_rtt_seconds", "Round trip", |p| seconds(p.rtt_us)),
    (
        "peer_lag_events",
        "Events the other has not said to hold",
        |p| p.lag_events as f64,
    ),
    (
        "peer_clock_offset_seconds",
        "The other's wall clock less this one's",
        |p| p.clock_offset_us as f64 / 1e6,
    ),
    (
        "peer_queued_frames",
        "Frames waiting to be written to it",
        |p| f64::from(p.queued),
    ),
];

/// Puts the figures of all nodes into `all`.
pub fn register(all: &mut Registry, stats: &Stats) {
    let all = all.sub_registry_with_prefix("chat_node");
    let up = Family::<One, Whole>::default();
    // Of nodes with one name, which raise an alarm, one that is up counts.
    let (is_up, is_down): (Vec<_>, Vec<_>) = stats.nodes.iter().partition(|node| node.up);
    for node in is_down.into_iter().chain(is_up) {
        let value = i64::from(node.up);
        up.get_or_create(&label(&node.name)).set(value);
    }
    all.register(
        "up",
        "Whether the node is linked with the one that is asked",
        up,
    );
    let info = Family::<Two, Whole>::default();
    for node in &stats.figures {
        let labels = [("node", name(&node.node)), ("server", name(&node.server))];
        info.get_or_create(&labels).set(1);
    }
    all.register("build", "The node's program and version", info);
    numbers(all, &stats.figures);
    latencies(all, &stats.figures);
    peers(all, &stats.figures);
}

fn numbers(all: &mut Registry, nodes: &[NodeFigures]) {
    for (named, help, of) in GAUGES {
        let family = Family::<One, Whole>::default();
        for node in nodes {
            let value = i64::try_from(of(node)).unwrap_or(i64::MAX);
            family.get_or_create(&label(&node.node)).set(value);
        }
        all.register(*named, *help, family);
    }
    for (named, help, of) in COUNTERS {
        let family = Family::<One, Counter>::default();
        for node in nodes {
            family.get_or_create(&label(&node.node)).inc_by(of(node));
        }
        all.register(*named, *help, family);
    }
    for (named, help, of) in RATES {
        let family = Family::<One, Fraction>::default();
        for node in nodes {
            family.get_or_create(&label(&node.node)).set(of(node));
        }
        all.register(*named, *help, family);
    }
    let cpu = Family::<One, Seconds>::default();
    for node in nodes {
        cpu.get_or_create(&label(&node.node))
            .inc_by(node.cpu_ms as f64 / 1e3);
    }
    all.register("cpu_seconds", "Processor time of the process", cpu);
}

fn latencies(all: &mut Registry, nodes: &[NodeFigures]) {
    for (named, help, of) in LATENCIES {
        let family = Family::<Two, Fraction>::default();
        for node in nodes {
            let both = of(node);
            for (quantile, us) in [("0.5", both.p50), ("0.99", both.p99)] {
                let labels = [
                    ("node", name(&node.node)),
                    ("quantile", quantile.to_owned()),
                ];
                family.get_or_create(&labels).set(seconds(us));
            }
        }
        all.register_with_unit(*named, *help, Unit::Seconds, family);
    }
}

fn peers(all: &mut Registry, nodes: &[NodeFigures]) {
    for (named, help, of) in PEERS {
        let family = Family::<Two, Fraction>::default();
        for node in nodes {
            // Without a link nothing is known of it, and what was known last would be taken for true.
            for peer in node
                .peers
                .iter()
                .filter(|peer| peer.up || is_always_known(named))
            {
                let labels = [("node", name(&node.node)), ("peer", name(&peer.name))];
                family.get_or_create(&labels).set(of(peer));
            }
        }
        all.register(*named, *help, family);
    }
}

fn is_always_known(figure: &str) -> bool {
    matches!(figure, "peer_up" | "peer_heard" | "peer_queued_frames")
}

fn label(node: &str) -> One {
    [("node", name(node))]
}

/// A name as a label: another node's word is not trusted to keep to one line.
fn name(text: &str) -> String {
    clean(text, false)
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
