//! The client port: who may connect, and how somebody with too many connections is told.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};

use super::connection;
use super::shared::Shared;
use crate::listen::{self, Counts};
use crate::protocol::server::{CloseReason, Disconnect, ErrorFrame};
use crate::protocol::{ErrorCode, Refusal, ServerFrame};

/// What somebody with too many connections is told to wait, in milliseconds.
const TOO_MANY_RETRY_MS: u64 = 5_000;

/// Accepts connections until the node stops.
pub async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let counts = Counts::default();
    listen::accept(listener, &shared.stop, |stream, address| {
        admit(&shared, &counts, stream, address);
    })
    .await;
}

fn admit(shared: &Arc<Shared>, counts: &Counts, stream: TcpStream, address: SocketAddr) {
    let max = shared.connections_max(address.ip());
    match counts.enter(address.ip(), max) {
        Some(counted) => {
            let connection = connection::run(Arc::clone(shared), stream, address, counted);
            shared.connections.spawn(connection);
        }
        None => {
            shared.metrics.throttled.inc();
            turn_away(&stream, max);
        }
    }
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
