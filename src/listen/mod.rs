//! Taking in connections, the same way on every port: what a new connection is set to, and what
//! happens when the machine has no room for more.
//!
//! It must never know what is spoken on a connection; whoever listens says what becomes of one.

mod counts;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub use counts::{Counted, Counts};

/// Pause after a failed `accept`: the file table is full, say, and only time or others can help.
const BACK_OFF_MIN: Duration = Duration::from_millis(10);

/// The pause doubles up to this.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Silence after which the kernel asks whether the other side still lives.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(15);

/// Time between such questions.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Unanswered questions after which the connection is dead: 30 s after it was last heard.
const KEEP_ALIVE_COUNT: u32 = 3;

/// Hands each connection to `admit`, which must not block, until `stop`.
///
/// Our own loop, since a full file table must slow it down and not end it.
pub async fn accept(
    listener: TcpListener,
    stop: &CancellationToken,
    mut admit: impl FnMut(TcpStream, SocketAddr),
) {
    let mut back_off = BACK_OFF_MIN;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                back_off = BACK_OFF_MIN;
                if let Err(error) = set_options(&stream) {
                    tracing::debug!(%error, %address, "cannot set a connection's options");
                }
                admit(stream, address);
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again in {back_off:?}");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(back_off) => {}
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
        }
    }
}

/// Keep-alive finds who is gone without a word; a silent one is not thrown out. `TCP_USER_TIMEOUT` is
/// not set: it would also end a live client that has stopped reading for a while.
fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new()
        .with_time(KEEP_ALIVE_IDLE)
        .with_interval(KEEP_ALIVE_INTERVAL)
        .with_retries(KEEP_ALIVE_COUNT);
    SockRef::from(stream).set_tcp_keepalive(&keep_alive)
}

/// Errors that `accept` hands on from the connection itself (see accept(2)); the next one may do.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn each_connection_is_handed_on_with_keep_alive_until_told_to_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (admitted, mut taken) = mpsc::channel(2);
        let stopped = stop.clone();
        let loops = tokio::spawn(async move {
            let admit = |stream, from| admitted.try_send((stream, from)).unwrap();
            accept(listener, &stopped, admit).await;
        });
        for _ in 0..2 {
            let client = TcpStream::connect(address).await.unwrap();
            let (stream, from) = timeout(DEADLINE, taken.recv()).await.unwrap().unwrap();
            assert_eq!(from, client.local_addr().unwrap());
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEP_ALIVE_IDLE);
        }
        stop.cancel();
        timeout(DEADLINE, loops).await.unwrap().unwrap();
    }

    #[test]
    fn a_connection_that_broke_slows_nobody_down_and_a_full_file_table_does() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(concerns_one_connection(&reset));
        let full = io::Error::from_raw_os_error(24);
        assert!(!concerns_one_connection(&full), "{full}");
    }
}
