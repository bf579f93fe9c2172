//! The link to the nodes: it finds one that can be reached, proves who it is, carries the switchboard's
//! lines, and moves on when the node is lost.
//!
//! A node that is killed resets the connection, which is noticed at once; one that falls silent is
//! given up after five seconds.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::switchboard::{LinkState, Switchboard};
use crate::protocol::ServerFrame;
use crate::protocol::bridge::{
    Auth, Challenge, Hello, LINK_LINE_BYTES_MAX, LINK_PING_EVERY_MS, LINK_SILENCE_MAX_MS,
    LinkNonce, Ready,
};
use crate::protocol::secret::Secret;

/// How long a node may take to accept and to prove itself; then the next one is tried.
const OPEN_DEADLINE: Duration = Duration::from_secs(2);

/// Pause after no node could be reached; it doubles up to the longest.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// How often requests that wait without a node are looked through.
const TICK: Duration = Duration::from_millis(250);

/// Bytes read from the node at a time.
const READ_BYTES: usize = 64 * 1024;

/// Bytes of a line of the handshake, and of the node's greeting.
const OPENING_LINE_BYTES_MAX: u64 = 4096;

/// Why there is no link to an address.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("took too long to answer")]
    Late,
    #[error("is not a node of this bridge's cluster: the secrets differ")]
    Refused,
    #[error("does not speak this bridge's protocol")]
    NotANode,
}

/// A connection on which both sides have proved themselves.
struct Open {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    node: String,
    /// Whether the node may be asked for all nodes' figures.
    figures: bool,
}

/// Keeps the link up until `stop`.
pub async fn run(switchboard: Arc<Switchboard>, config: Config, stop: CancellationToken) {
    let ticking = tick(&switchboard);
    let linking = keep_linked(&switchboard, &config, &stop);
    tokio::select! {
        () = ticking => {}
        () = linking => {}
    }
}

async fn tick(switchboard: &Switchboard) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        switchboard.lock().tick(Instant::now());
    }
}

async fn keep_linked(switchboard: &Switchboard, config: &Config, stop: &CancellationToken) {
    let mut first = 0;
    let mut delay = RETRY_DELAY_MIN;
    // What was last said of there being no link.
    let mut told = None;
    while !stop.is_cancelled() {
        let found = tokio::select! {
            () = stop.cancelled() => return,
            found = first_reachable(config, first) => found,
        };
        let (at, open) = match found {
            Ok(found) => found,
            Err(error) => {
                note_down(switchboard, &error, &mut told);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(delay) => {}
                }
                delay = (delay * 2).min(RETRY_DELAY_MAX);
                continue;
            }
        };
        delay = RETRY_DELAY_MIN;
        told = None;
        let address = config.nodes[at].clone();
        let node = open.node.clone();
        tracing::info!(node, address, "linked to a node");
        switchboard.lock().link_up(Instant::now());
        switchboard.lock().gives_figures(open.figures);
        switchboard
            .link
            .send_replace(LinkState::Up { node, address });
        let ended = carry(switchboard, open, stop).await;
        switchboard.lock().link_lost(Instant::now());
        switchboard.link.send_replace(LinkState::Down);
        if let Err(error) = ended {
            tracing::warn!(%error, address = config.nodes[at], "the link to the node is lost");
        }
        // The next one first: the one that was lost is hardly there again.
        first = at + 1;
    }
}

/// Tries the addresses in turn, from `first` on. The error is the one that tells most: that a node
/// refuses this bridge, if one does.
async fn first_reachable(config: &Config, first: usize) -> Result<(usize, Open), OpenError> {
    let mut worst = OpenError::Late;
    for at in (0..config.nodes.len()).map(|n| (first + n) % config.nodes.len()) {
        let opening = open(&config.nodes[at], &config.secret);
        match timeout(OPEN_DEADLINE, opening)
            .await
            .unwrap_or(Err(OpenError::Late))
        {
            Ok(open) => return Ok((at, open)),
            Err(error) => {
                tracing::debug!(address = config.nodes[at], "a node {error}");
                if !matches!(worst, OpenError::Refused) {
                    worst = error;
                }
            }
        }
    }
    Err(worst)
}

/// Notes that no node took the link, and says so when that is news.
fn note_down(switchboard: &Switchboard, error: &OpenError, told: &mut Option<LinkState>) {
    let refused = matches!(error, OpenError::Refused);
    let now = if refused {
        LinkState::Refused
    } else {
        LinkState::Down
    };
    switchboard.link.send_replace(now.clone());
    let news = told.as_ref() != Some(&now);
    *told = Some(now);
    if news && refused {
        tracing::error!("a node {error}; give both the same --secret-file");
    } else if news {
        tracing::warn!("no node can be reached");
    }
}

async fn open(address: &str, secret: &Secret) -> Result<Open, OpenError> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(READ_BYTES, reader);
    let greeting = ServerFrame::decode(&opening_line(&mut reader).await?);
    let Ok(ServerFrame::Connect(_)) = greeting else {
        return Err(OpenError::NotANode);
    };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name = format!("web-{}", std::process::id());
    let hello = Hello::new(&name, LinkNonce::new(random));
    write_json(&mut writer, &hello).await?;
    let challenge: Challenge = read_json(&mut reader).await?;
    write_json(&mut writer, &Auth::new(secret, &hello, &challenge)).await?;
    let ready: Ready = read_json(&mut reader).await?;
    if !ready.proves(secret, &hello, &challenge) {
        return Err(OpenError::Refused);
    }
    Ok(Open {
        reader,
        writer,
        node: ready.node,
        figures: ready.figures,
    })
}

async fn write_json(to: &mut OwnedWriteHalf, line: &impl serde::Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
    bytes.push(b'\n');
    to.write_all(&bytes).await
}

async fn read_json<T: serde::de::DeserializeOwned>(
    from: &mut BufReader<OwnedReadHalf>,
) -> Result<T, OpenError> {
    let line = opening_line(from).await?;
    serde_json::from_str(&line).map_err(|_| match ServerFrame::decode(&line) {
        Ok(ServerFrame::Error(_)) => OpenError::Refused,
        _ => OpenError::NotANode,
    })
}

async fn opening_line(from: &mut BufReader<OwnedReadHalf>) -> io::Result<String> {
    let mut line = String::new();
    let read = from
        .take(OPENING_LINE_BYTES_MAX)
        .read_line(&mut line)
        .await?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

/// Carries lines both ways until the link is lost, or `stop`.
async fn carry(switchboard: &Switchboard, open: Open, stop: &CancellationToken) -> io::Result<()> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = read(switchboard, open.reader) => ended,
        ended = write(switchboard, open.writer) => ended,
    }
}

async fn read(switchboard: &Switchboard, mut from: BufReader<OwnedReadHalf>) -> io::Result<()> {
    let silence_max = Duration::from_millis(LINK_SILENCE_MAX_MS);
    let mut part: Vec<u8> = Vec::new();
    loop {
        let silent = || io::Error::new(io::ErrorKind::TimedOut, "the node has fallen silent");
        let bytes = timeout(silence_max, from.fill_buf())
            .await
            .map_err(|_| silent())??;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let taken = bytes.len();
        let whole = bytes
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        if whole > 0 {
            part.extend_from_slice(&bytes[..whole]);
            hand_over(switchboard, &part)?;
            part.clear();
        }
        part.extend_from_slice(&bytes[whole..]);
        from.consume(taken);
        if part.len() > LINK_LINE_BYTES_MAX {
            return Err(io::Error::other("the node's line is too long"));
        }
        part.shrink_to(READ_BYTES);
    }
}

/// Hands whole lines to the switchboard, under one lock.
fn hand_over(switchboard: &Switchboard, lines: &[u8]) -> io::Result<()> {
    let text = std::str::from_utf8(lines).map_err(io::Error::other)?;
    let mut core = switchboard.lock();
    for line in text.lines() {
        if core.line(line).is_err() {
            tracing::warn!("the node said something that this bridge does not know");
        }
    }
    Ok(())
}

async fn write(switchboard: &Switchboard, mut to: OwnedWriteHalf) -> io::Result<()> {
    let mut pings = interval(Duration::from_millis(LINK_PING_EVERY_MS));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0u32;
    loop {
        let output = switchboard.lock().take_output();
        if !output.is_empty() {
            to.write_all(&output).await?;
            continue;
        }
        tokio::select! {
            () = switchboard.output_due.notified() => {}
            _ = pings.tick() => {
                number = number.wrapping_add(1);
                switchboard.lock().ping(number);
            }
        }
    }
}
