//! The command line.

use std::net::SocketAddr;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

use crate::proto::Proto;

#[derive(Parser)]
#[command(
    version,
    about = "Load generator for chat and publish/subscribe servers"
)]
pub struct Arguments {
    #[command(subcommand)]
    pub mode: Mode,
}

#[derive(Subcommand)]
pub enum Mode {
    /// Publishers to subscribers: rate, latency and cost of deliveries
    Fanout(Fanout),
    /// Many silent connections: memory of each, what it costs to take one in
    Idle(Idle),
    /// Publishers who wait for the acknowledgement: rate and latency of accepted messages
    Ingest(Ingest),
}

#[derive(Args)]
pub struct Common {
    #[arg(long, value_enum)]
    pub proto: Proto,
    /// The server's address
    #[arg(long)]
    pub addr: SocketAddr,
    /// The server's process; several: their costs are added up
    #[arg(long)]
    pub pid: Vec<u32>,
    /// Name of the server in the output
    #[arg(long, default_value = "server")]
    pub label: String,
    /// Connections being opened at once
    #[arg(long, default_value_t = 128)]
    pub burst: usize,
    /// Seconds to wait for all connections to be in their rooms
    #[arg(long, default_value_t = 60)]
    pub setup_timeout: u64,
}

/// How long is measured, and what before.
#[derive(Args)]
pub struct Span {
    /// Seconds before the measured ones
    #[arg(long, default_value_t = 1.0)]
    pub warmup: f64,
    /// Seconds that are measured
    #[arg(long, default_value_t = 5.0)]
    pub secs: f64,
}

#[derive(Args)]
pub struct Fanout {
    #[command(flatten)]
    pub common: Common,
    /// Where the publishers connect, if not where the subscribers do
    #[arg(long, conflicts_with = "rooms")]
    pub publish_addr: Option<SocketAddr>,
    /// Subscribers; with --rooms, sessions that read and write
    #[arg(short = 'n', long, default_value_t = 100)]
    pub subs: usize,
    /// Publishers beside the subscribers
    #[arg(short, long, default_value_t = 1)]
    pub pubs: usize,
    /// Spread the sessions over this many rooms, each session in several; their first members speak in turn
    #[arg(long, requires = "per_room")]
    pub rooms: Option<usize>,
    /// Members of each of the --rooms
    #[arg(long, requires = "rooms")]
    pub per_room: Option<usize>,
    /// Payload bytes
    #[arg(short, long, default_value_t = 100)]
    pub size: usize,
    /// Messages per second of all publishers together, or "max"
    #[arg(short, long, default_value = "max")]
    pub rate: Rate,
    /// At "max": how many messages a publisher may be ahead of the slowest subscriber
    #[arg(short, long, default_value_t = 32)]
    pub window: u32,
    #[command(flatten)]
    pub span: Span,
}

#[derive(Clone, Copy)]
pub enum Rate {
    /// As fast as the slowest subscriber allows.
    Max,
    PerSecond(f64),
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        match text.parse::<f64>() {
            Ok(rate) if rate > 0.0 => Ok(Rate::PerSecond(rate)),
            Err(_) if text == "max" => Ok(Rate::Max),
            Ok(_) | Err(_) => Err("a number above 0, or max".into()),
        }
    }
}

#[derive(Args)]
pub struct Idle {
    #[command(flatten)]
    pub common: Common,
    #[arg(short = 'n', long, default_value_t = 1000)]
    pub conns: usize,
    /// Spread the connections over rooms of this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub per_room: u32,
    /// Seconds of silence over which the server's processor time is taken
    #[arg(long, default_value_t = 3.0)]
    pub hold: f64,
}

#[derive(Args)]
pub struct Ingest {
    #[command(flatten)]
    pub common: Common,
    #[arg(short, long, default_value_t = 1)]
    pub pubs: usize,
    /// Each publisher in a room of its own, where nobody else reads
    #[arg(long)]
    pub alone: bool,
    /// Payload bytes
    #[arg(short, long, default_value_t = 100)]
    pub size: usize,
    #[command(flatten)]
    pub span: Span,
}
