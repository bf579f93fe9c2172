//! The listener: who may connect, and what happens when the machine has no room for more.
//!
//! Our own loop, since a full file table must slow it down and not end it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::connection;
use super::rooms::lock;
use super::shared::Shared;
use crate::protocol::server::{CloseReason, Disconnect, ErrorFrame};
use crate::protocol::{ErrorCode, Refusal, ServerFrame};

/// Pause after a failed `accept`: the file table is full, say, and only time or others can help.
const ACCEPT_BACK_OFF_MIN: Duration = Duration::from_millis(10);

/// The pause doubles up to this.
const ACCEPT_BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Silence after which the kernel asks whether the peer still lives.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(15);

/// Time between such questions.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Unanswered questions after which the connection is dead: 30 s after it was last heard.
const KEEP_ALIVE_COUNT: u32 = 3;

/// What somebody with too many connections is told to wait, in milliseconds.
const TOO_MANY_RETRY_MS: u64 = 5_000;

/// Accepts connections until the node stops.
pub async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let counts = Arc::new(Counts::default());
    let mut back_off = ACCEPT_BACK_OFF_MIN;
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                back_off = ACCEPT_BACK_OFF_MIN;
                admit(&shared, &counts, stream, address);
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again in {back_off:?}");
                tokio::select! {
                    () = shared.stop.cancelled() => return,
                    () = tokio::time::sleep(back_off) => {}
                }
                back_off = (back_off * 2).min(ACCEPT_BACK_OFF_MAX);
            }
        }
    }
}

fn admit(shared: &Arc<Shared>, counts: &Arc<Counts>, stream: TcpStream, address: SocketAddr) {
    if let Err(error) = set_options(&stream) {
        tracing::debug!(%error, %address, "cannot set a connection's options");
    }
    let max = shared.connections_max(address.ip());
    match Counts::enter(counts, address.ip(), max) {
        Some(counted) => {
            let connection = connection::run(Arc::clone(shared), stream, address);
            shared.connections.spawn(async move {
                connection.await;
                drop(counted);
            });
        }
        None => turn_away(&stream, max),
    }
}

/// Keep-alive finds dead peers; a silent client is not thrown out. `TCP_USER_TIMEOUT` is not set: it
/// would also end a live client that has stopped reading for a while.
fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new()
        .with_time(KEEP_ALIVE_IDLE)
        .with_interval(KEEP_ALIVE_INTERVAL)
        .with_retries(KEEP_ALIVE_COUNT);
    SockRef::from(stream).set_tcp_keepalive(&keep_alive)
}

/// The two lines fit the empty send buffer of a new socket, so nobody is waited for.
fn turn_away(stream: &TcpStream, max: usize) {
    let message = format!("{max} connections from one address at most");
    let refusal = Refusal {
        retry_after_ms: Some(TOO_MANY_RETRY_MS),
        ..Refusal::new(ErrorCode::TooManyConnections, &message)
    };
    let reason = CloseReason::TooManyConnections;
    let mut lines = ServerFrame::Error(ErrorFrame::new(None, refusal)).encode();
    ServerFrame::Disconnect(Disconnect { reason, message }).encode_into(&mut lines);
    if let Err(error) = stream.try_write(&lines) {
        tracing::debug!(%error, "a connection too many did not wait to be told");
    }
}

/// Errors that `accept` hands on from the connection itself (see accept(2)); the next one may do.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Connections open, by address.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<IpAddr, usize>>);

/// One connection's place in the count; given back when dropped.
struct Counted {
    counts: Arc<Counts>,
    address: IpAddr,
}

impl Counts {
    fn enter(counts: &Arc<Counts>, address: IpAddr, max: usize) -> Option<Counted> {
        let mut by_address = lock(&counts.0);
        let count = by_address.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        let counts = Arc::clone(counts);
        Some(Counted { counts, address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_address = lock(&self.counts.0);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_address_are_given_back() {
        let counts = Arc::new(Counts::default());
        let address = IpAddr::from([10, 0, 0, 1]);
        let first = Counts::enter(&counts, address, 2);
        let second = Counts::enter(&counts, address, 2);
        assert!(first.is_some() && second.is_some());
        assert!(Counts::enter(&counts, address, 2).is_none());
        drop(first);
        assert!(Counts::enter(&counts, address, 2).is_some());
        drop(second);
        assert!(lock(&counts.0).is_empty());
    }
}
