//! What the node counts: for `/metrics` as Prometheus text, and for `stats`.
//!
//! A registry for each node, since several may run in one process.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::busy_rooms::BusyRooms;
use super::rooms::lock;
use crate::protocol::stats::Quantiles;

/// Quantiles are over the last one to two of these.
const WINDOW: Duration = Duration::from_secs(60);

/// The longest latency that is told apart, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;

/// One node's counters.
pub struct Metrics {
    registry: Registry,
    pub connections: Gauge,
    pub sessions: Gauge,
    /// Messages committed here, those of other nodes included.
    pub messages: Counter,
    /// Events committed here.
    pub events: Counter,
    /// Lines handed to sessions: a message to 50 sessions is 50.
    pub deliveries: Counter,
    /// Messages that came after newer ones of their room.
    pub late: Counter,
    /// Events of other nodes that were missed while they happened, and fetched.
    pub merged: Counter,
    /// Requests answered by an `error` frame.
    pub refusals: Counter,
    /// Those of them that came too fast, and connections too many from one address.
    pub throttled: Counter,
    /// Requests and writes that failed through a fault of ours or the disk's.
    pub faults: Counter,
    /// Memberships that are reading from the log what they missed.
    pub slow_readers: Gauge,
    /// Times that a reader fell off a ring.
    pub replays: Counter,
    /// Times that a reader was told of a gap.
    pub gaps: Counter,
    pub peer_port: PeerPortRefusals,
    pub delivery: Latencies,
    pub busy_rooms: BusyRooms,
    rates: Mutex<Rates>,
}

/// What was turned away on the peer port. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct PeerPortRefusals {
    /// TCP connections of those who do not know the secret, and frames that could not be read.
    pub links: Counter,
    /// Datagrams without the cluster's seal: forged, damaged, cut off, or no datagrams of ours at all.
    pub forged: Counter,
    /// Datagrams that were taken already, or were made for another run of a node.
    pub replayed: Counter,
    /// Datagrams of a node of the cluster that say nothing that is understood.
    pub unreadable: Counter,
}

impl PeerPortRefusals {
    /// Datagrams of all kinds.
    pub fn datagrams(&self) -> u64 {
        self.forged.get() + self.replayed.get() + self.unreadable.get()
    }

    fn register(registry: &mut Registry) -> PeerPortRefusals {
        let all = PeerPortRefusals::default();
        for (name, help, counter) in [
            (
                "peer_links_refused",
                "Peer connections and frames refused",
                &all.links,
            ),
            (
                "datagrams_forged",
                "Datagrams without the cluster's seal",
                &all.forged,
            ),
            (
                "datagrams_replayed",
                "Datagrams sent before or for another run",
                &all.replayed,
            ),
            (
                "datagrams_unreadable",
                "Sealed datagrams not understood",
                &all.unreadable,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        all
    }
}

/// Counts something for as long as it is held.
pub struct Counted(Gauge);

impl Metrics {
    /// All zero.
    pub fn new(node: &str) -> Metrics {
        let labels = [("node".into(), node.to_owned().into())];
        let mut all = Registry::default();
        let registry = all.sub_registry_with_prefix("chat_node");
        let registry = registry.sub_registry_with_labels(labels.into_iter());
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter: Counter<u64, AtomicU64> = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Metrics {
            connections: gauge(registry, "connections", "Connections open"),
            sessions: gauge(registry, "sessions", "Sessions open"),
            messages: counter(registry, "messages", "Messages committed"),
            events: counter(registry, "events", "Events committed"),
            deliveries: counter(registry, "deliveries", "Lines handed to sessions"),
            late: counter(
                registry,
                "late_messages",
                "Messages that came after newer ones",
            ),
            merged: counter(registry, "merged_events", "Events missed and fetched"),
            refusals: counter(registry, "refusals", "Requests answered by an error"),
            throttled: counter(registry, "throttled", "Requests and connections too many"),
            faults: counter(registry, "faults", "Requests that failed here"),
            slow_readers: gauge(registry, "slow_readers", "Memberships reading from the log"),
            replays: counter(registry, "replays", "Readers that fell off a ring"),
            gaps: counter(registry, "gaps", "Readers told of a gap"),
            peer_port: PeerPortRefusals::register(registry),
            delivery: Latencies::default(),
            busy_rooms: BusyRooms::default(),
            rates: Mutex::default(),
            registry: all,
        }
    }

    /// Counts a connection.
    pub fn connected(&self) -> Counted {
        Counted::new(&self.connections)
    }

    /// Counts a session.
    pub fn joined(&self) -> Counted {
        Counted::new(&self.sessions)
    }

    /// Counts a membership that reads from the log.
    pub fn reads_from_log(&self) -> Counted {
        Counted::new(&self.slow_readers)
    }

    /// All counters as Prometheus text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# {error}\n"),
        }
    }

    /// Messages and deliveries a second, as of the last [`Metrics::tick`].
    pub fn rates(&self) -> (f64, f64) {
        let rates = lock(&self.rates);
        (rates.messages_per_s, rates.deliveries_per_s)
    }

    /// To be called about once a second.
    pub fn tick(&self, now: Instant) {
        let (messages, deliveries) = (self.messages.get(), self.deliveries.get());
        let mut rates = lock(&self.rates);
        if let Some(at) = rates.at {
            let seconds = (now - at).as_secs_f64().max(0.001);
            rates.messages_per_s = (messages - rates.messages) as f64 / seconds;
            rates.deliveries_per_s = (deliveries - rates.deliveries) as f64 / seconds;
        }
        rates.at = Some(now);
        rates.messages = messages;
        rates.deliveries = deliveries;
        drop(rates);
        self.delivery.turn(now);
        self.busy_rooms.tick(now);
    }
}

impl Counted {
    fn new(gauge: &Gauge) -> Counted {
        gauge.inc();
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Debug, Default)]
struct Rates {
    at: Option<Instant>,
    messages: u64,
    deliveries: u64,
    messages_per_s: f64,
    deliveries_per_s: f64,
}

/// Latencies of the last one to two minutes.
#[derive(Default)]
pub struct Latencies(Mutex<Windows>);

#[derive(Default)]
struct Windows {
    current: Option<Histogram<u32>>,
    before: Option<Histogram<u32>>,
    since: Option<Instant>,
}

impl Latencies {
    pub fn record(&self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let mut windows = lock(&self.0);
        if windows.current.is_none() {
            windows.current = Histogram::new_with_bounds(1, LATENCY_MAX_US, 2).ok();
        }
        if let Some(current) = &mut windows.current {
            current.saturating_record(us);
        }
    }

    pub fn quantiles(&self) -> Quantiles {
        let windows = lock(&self.0);
        let both = match (&windows.current, &windows.before) {
            (Some(current), Some(before)) => {
                let mut both = current.clone();
                // Both have the same bounds.
                let _ = both.add(before);
                Some(both)
            }
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        };
        both.map_or_else(Quantiles::default, |all| Quantiles {
            p50: all.value_at_quantile(0.5),
            p99: all.value_at_quantile(0.99),
        })
    }

    fn turn(&self, now: Instant) {
        let mut windows = lock(&self.0);
        let since = *windows.since.get_or_insert(now);
        if now - since > WINDOW {
            windows.before = windows.current.take();
            windows.since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_rendered_with_the_nodes_name() {
        let metrics = Metrics::new("n1");
        metrics.messages.inc();
        let held = metrics.connected();
        let text = metrics.render();
        assert!(
            text.contains("chat_node_messages_total{node=\"n1\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("chat_node_connections{node=\"n1\"} 1"),
            "{text}"
        );
        drop(held);
        assert_eq!(metrics.connections.get(), 0);
    }

    #[test]
    fn rates_are_the_means_since_the_last_tick() {
        let metrics = Metrics::new("n1");
        let start = Instant::now();
        metrics.tick(start);
        metrics.messages.inc_by(10);
        metrics.deliveries.inc_by(500);
        metrics.tick(start + Duration::from_secs(2));
        assert_eq!(metrics.rates(), (5.0, 250.0));
    }

    #[test]
    fn latencies_of_the_last_minute_count() {
        let latencies = Latencies::default();
        for us in 1..=100 {
            latencies.record(Duration::from_micros(us * 10));
        }
        let quantiles = latencies.quantiles();
        assert!((490..=510).contains(&quantiles.p50), "{quantiles:?}");
        let start = Instant::now();
        for minutes in 0..3 {
            latencies.turn(start + WINDOW * minutes + Duration::from_secs(minutes.into()));
        }
        assert_eq!(latencies.quantiles(), Quantiles::default());
    }
}
