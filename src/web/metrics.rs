//! `GET /metrics`: what the bridge counts and the figures of all nodes, as Prometheus reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::app::App;
use super::figures;
use super::switchboard::LinkState;

/// The form of Prometheus' text that this is.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the HTTP side counts.
#[derive(Debug, Default)]
pub struct HttpCounts {
    websockets: AtomicI64,
    connections: AtomicI64,
    polls: AtomicU64,
    /// Answers by the first digit of their status.
    answers: [AtomicU64; 6],
}

/// Something that is open; it counts until it is dropped.
pub struct Open<'a>(&'a AtomicI64);

impl HttpCounts {
    pub fn websocket_opened(&self) {
        self.websockets.fetch_add(1, Relaxed);
    }

    pub fn websocket_closed(&self) {
        self.websockets.fetch_sub(1, Relaxed);
    }

    pub fn connection(&self) -> Open<'_> {
        Open::new(&self.connections)
    }

    pub fn poll(&self) {
        self.polls.fetch_add(1, Relaxed);
    }

    pub fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.answers[class].fetch_add(1, Relaxed);
    }
}

impl<'a> Open<'a> {
    fn new(count: &'a AtomicI64) -> Open<'a> {
        count.fetch_add(1, Relaxed);
        Open(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// `GET /metrics`.
pub async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    let mut all = registry(&app);
    // Without a node to ask there is the bridge's side alone, which says so: `chat_web_link_up`.
    if let Some(stats) = app.switchboard.figures().await {
        figures::register(&mut all, &stats);
    }
    let mut text = String::new();
    if encode(&mut text, &all).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

fn registry(app: &App) -> Registry {
    let mut all = Registry::default();
    let own = all.sub_registry_with_prefix("chat_web");
    gauges(own, app);
    counters(own, app);
    families(own, app);
    all
}

fn gauges(all: &mut Registry, app: &App) {
    let core = app.switchboard.lock();
    let (sessions, rooms) = (count(core.sessions()), count(core.rooms()));
    drop(core);
    let linked = matches!(*app.switchboard.link.borrow(), LinkState::Up { .. });
    let websockets = app.counts.websockets.load(Relaxed);
    let connections = app.counts.connections.load(Relaxed);
    for (name, help, value) in [
        ("sessions", "Sessions of browsers and scripts", sessions),
        ("websockets", "WebSockets that are open", websockets),
        (
            "poll_sessions",
            "Sessions that are polled",
            count(app.polls.len()),
        ),
        ("connections", "HTTP connections that are open", connections),
        (
            "rooms",
            "Rooms with a session of this bridge in them",
            rooms,
        ),
        (
            "link_up",
            "Whether there is a link to a node",
            i64::from(linked),
        ),
    ] {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        all.register(name, help, gauge);
    }
}

fn counters(all: &mut Registry, app: &App) {
    let counts = app.switchboard.lock().counts;
    let polls = app.counts.polls.load(Relaxed);
    for (name, help, value) in [
        ("requests", "Frames from browsers", counts.requests),
        ("frames", "Frames for browsers", counts.frames),
        (
            "room_lines",
            "Lines of rooms that came over the link",
            counts.room_lines,
        ),
        (
            "left_out",
            "Events left out for slow browsers, and told by gap",
            counts.left_out,
        ),
        (
            "moves",
            "Times the sessions were opened on a node",
            counts.moves,
        ),
        ("polls", "Requests for /poll", polls),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        all.register(name, help, counter);
    }
}

fn families(all: &mut Registry, app: &App) {
    let answers = Family::<[(&str, String); 1], Counter>::default();
    for (class, answered) in app.counts.answers.iter().enumerate().skip(1) {
        let label = [("status", format!("{class}xx"))];
        answers.get_or_create(&label).inc_by(answered.load(Relaxed));
    }
    all.register(
        "answers",
        "HTTP answers by the class of their status",
        answers,
    );
    let rtt = Family::<[(&str, String); 1], Gauge<f64, AtomicU64>>::default();
    let up = Family::<[(&str, String); 1], Gauge>::default();
    for node in app.health.nodes() {
        let label = [("address", node.address)];
        up.get_or_create(&label).set(i64::from(node.up));
        if let Some(us) = node.rtt_us {
            rtt.get_or_create(&label).set(us as f64 / 1e6);
        }
    }
    all.register("node_up", "Whether a node answers", up);
    all.register("node_rtt_seconds", "Round trip to a node that answers", rtt);
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
