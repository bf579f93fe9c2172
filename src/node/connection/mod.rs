//! A client's connection: one socket, one session, one task that reads.
//!
//! It owns the bytes of both directions and nothing else: what a line means is the
//! [`Session`](super::session::Session)'s affair, what is due the rooms'. Between lines it keeps no
//! buffer, in neither direction, so a silent client costs a task and a socket.
//!
//! What is due is written by a thread of the node's [`Delivery`](super::rooms::Delivery), answers and
//! rooms' lines together; the task reads, waits for a socket that is full, and reads back from the log
//! what a slow client missed. Both work on the `state`, one at a time.
//!
//! Back-pressure: while the socket does not take what is due, nothing more is taken from the rooms
//! and no request is read; while too many of the session's writes are on their way to the disk, no
//! request is read either.

mod ending;
mod input;
mod lines;
mod outlet;
pub(in crate::node) mod output;
mod state;
mod steps;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use self::steps::{Round, Task};
use super::bridge;
use super::shared::Shared;
use super::text_mode::TextMode;
use crate::listen::Counted;
use crate::protocol::bridge::Hello;

/// Bytes due to a client before nothing more is taken from the rooms for it. A client that reads
/// takes them in one call.
pub const OUTPUT_BYTES_HIGH: usize = 64 * 1024;

/// Time in which a client that is told good-bye has to take the last lines.
const FAREWELL: Duration = Duration::from_secs(3);

/// Time after that in which what the client still sends is taken and thrown away: closing with
/// something unread would reset the connection, and take the last lines with it.
const LINGER: Duration = Duration::from_millis(300);

/// What the client speaks; its first line decides.
enum Mode {
    Unknown,
    Frames,
    Text(Box<TextMode>),
}

/// How far a connection is from its end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// No more lines are taken; what was asked is still answered. The client has closed its side, or,
    /// `stopping`, the node stops.
    Finishing {
        stopping: bool,
    },
    /// A bridge has asked for a link: what is in the buffer is written, and the socket handed over.
    Bridge(Box<Hello>),
    /// Only what is in the buffer is still written.
    Closing,
    /// The socket is dead.
    Broken,
}

/// Serves a connection until either side ends it or the node stops; `counted` is its place among those of
/// its address.
// Not an `async fn`: that would keep room for its arguments beside what is made of them.
pub fn run(
    shared: Arc<Shared>,
    stream: TcpStream,
    address: SocketAddr,
    counted: Counted,
) -> impl Future<Output = ()> + Send {
    let connected = shared.metrics.connected();
    let mut task = Task::new(Arc::clone(&shared), stream, address);
    async move {
        task.greet();
        loop {
            match task.round() {
                Round::Over => break,
                // Others have their turn first.
                Round::Again => tokio::task::yield_now().await,
                Round::Wait(wanted) => {
                    task.wants(wanted);
                    poll_fn(|context| task.poll(context)).await;
                }
            }
        }
        // In a box: it is needed for moments, and would make every silent connection's task larger.
        Box::pin(end(shared, task)).await;
        drop((connected, counted));
    }
}

/// Says good-bye, or hands the socket over to a bridge's link.
async fn end(shared: Arc<Shared>, mut task: Task) {
    let phase = task.outlet.state().phase.clone();
    if let Phase::Bridge(hello) = phase {
        if let Some(stream) = task.into_bridge().await {
            bridge::run(shared, stream, *hello).await;
        }
    } else {
        task.farewell().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the future that a function makes.
    fn size<F: Future>(_: impl Fn(Arc<Shared>, TcpStream, SocketAddr, Counted) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_silent_connection_costs_a_small_task() {
        // With what tokio has of a task it is twice 128 bytes, the size that it rounds up to.
        assert!(size(run) <= 128, "{} bytes", size(run));
        let outlet = size_of::<outlet::Outlet>();
        assert!(outlet <= 368, "{outlet} bytes");
    }
}
