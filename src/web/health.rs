//! `GET /health`: which nodes are up, each asked every second on a connection of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::refusal::json;
use super::switchboard::LinkState;
use crate::protocol::ServerFrame;
use crate::protocol::stats::NodeInfo;

/// How often each node is asked.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// How long a node may take to answer.
const PROBE_DEADLINE: Duration = Duration::from_secs(1);

/// A probe's connection is given up in time for the node not to end it for want of a `user_join`.
const CONNECTION_KEPT: Duration = Duration::from_secs(20);

/// Bytes of a node's answer to a probe.
const ANSWER_BYTES_MAX: u64 = 4096;

/// What is known of the nodes.
#[derive(Debug)]
pub struct Health(Vec<Mutex<NodeInfo>>);

/// What `/health` answers.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    nodes: Vec<NodeInfo>,
}

/// A connection to a node that is asked again and again.
struct Probe {
    stream: BufReader<TcpStream>,
    node: String,
    began: Instant,
}

impl Health {
    /// Nothing is known yet.
    pub fn new(addresses: &[String]) -> Health {
        let unknown = |address: &String| {
            Mutex::new(NodeInfo {
                name: String::new(),
                address: address.clone(),
                up: false,
                rtt_us: None,
                down_s: None,
            })
        };
        Health(addresses.iter().map(unknown).collect())
    }

    /// The nodes as they were last seen.
    pub fn nodes(&self) -> Vec<NodeInfo> {
        let seen = |node: &Mutex<NodeInfo>| {
            let node = node.lock().unwrap_or_else(PoisonError::into_inner);
            node.clone()
        };
        self.0.iter().map(seen).collect()
    }

    fn saw(&self, at: usize, name: Option<&str>, rtt: Option<Duration>) {
        let mut node = self.0[at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = name {
            name.clone_into(&mut node.name);
        }
        node.up = rtt.is_some();
        node.rtt_us = rtt.map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX));
    }
}

/// `GET /health`.
pub async fn health(State(app): State<Arc<App>>) -> Response<Body> {
    let nodes = app.health.nodes();
    let up = nodes.iter().filter(|node| node.up).count();
    let refused = *app.switchboard.link.borrow() == LinkState::Refused;
    let (http, status) = match up {
        _ if refused => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        0 => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        up if up < nodes.len() => (StatusCode::OK, "degraded"),
        _ => (StatusCode::OK, "ok"),
    };
    let message = refused.then_some("the nodes have another secret than this bridge");
    let report = Report {
        status,
        message,
        nodes,
    };
    let body = serde_json::to_string(&report).expect("plain data always becomes JSON");
    json(http, body)
}

/// Asks the node at place `at` until `stop`.
pub async fn probe(app: Arc<App>, at: usize, stop: CancellationToken) {
    let address = app.health.nodes()[at].address.clone();
    let mut connected = None;
    loop {
        let began = Instant::now();
        let asking = timeout(PROBE_DEADLINE, ask(&address, connected.take()));
        let answer = tokio::select! {
            () = stop.cancelled() => return,
            answer = asking => answer,
        };
        match answer {
            Ok(Some((probe, rtt))) => {
                app.health.saw(at, Some(&probe.node), Some(rtt));
                connected = Some(probe).filter(|p| p.began.elapsed() < CONNECTION_KEPT);
            }
            Ok(None) | Err(_) => app.health.saw(at, None, None),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(began + PROBE_EVERY) => {}
        }
    }
}

/// Asks once, over the connection there is or a new one.
async fn ask(address: &str, connected: Option<Probe>) -> Option<(Probe, Duration)> {
    if let Some(mut probe) = connected
        && let Some(rtt) = probe.round_trip().await
    {
        return Some((probe, rtt));
    }
    let mut probe = Probe::connect(address).await?;
    let rtt = probe.round_trip().await?;
    Some((probe, rtt))
}

impl Probe {
    async fn connect(address: &str) -> Option<Probe> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let mut probe = Probe {
            stream: BufReader::with_capacity(1024, stream),
            node: String::new(),
            began: Instant::now(),
        };
        match ServerFrame::decode(&probe.line().await?) {
            Ok(ServerFrame::Connect(connect)) => probe.node = connect.node,
            _ => return None,
        }
        Some(probe)
    }

    async fn round_trip(&mut self) -> Option<Duration> {
        let began = Instant::now();
        self.stream.write_all(b"{\"type\":\"ping\"}\n").await.ok()?;
        match ServerFrame::decode(&self.line().await?) {
            Ok(ServerFrame::Pong(_)) => Some(began.elapsed()),
            _ => None,
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let mut limited = (&mut self.stream).take(ANSWER_BYTES_MAX);
        let read = limited.read_line(&mut line).await.ok()?;
        (read > 0).then_some(line)
    }
}
