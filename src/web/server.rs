//! The accept loop: who may connect, and what happens when the machine has no room for more.
//!
//! Our own loop: `axum::serve` has no deadline for headers, and ends on nothing but goes on at full
//! speed when the file table is full.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::app::{App, BrowserAddress};

/// How long a browser may take to send a request's headers, and how long a connection may be idle.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// Bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Connections from one address; from this machine as many as it likes.
const CONNECTIONS_OF_AN_ADDRESS_MAX: usize = 64;

/// Pause after a failed `accept`; it doubles up to the longest.
const ACCEPT_DELAY_MIN: Duration = Duration::from_millis(10);
const ACCEPT_DELAY_MAX: Duration = Duration::from_secs(1);

/// Silence after which the kernel asks whether the browser still lives, and how it goes on.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEP_ALIVE_COUNT: u32 = 3;

/// Connections open, by address.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// One connection's place in the count; given back when dropped.
struct Counted {
    counts: Counts,
    address: IpAddr,
}

/// Accepts connections until the bridge stops.
pub async fn run(app: Arc<App>, listener: TcpListener, router: Router) {
    let counts = Counts::default();
    let mut delay = ACCEPT_DELAY_MIN;
    loop {
        let accepted = tokio::select! {
            () = app.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                delay = ACCEPT_DELAY_MIN;
                // One too many is closed without a word: an answer would cost what is to be saved.
                if let Some(counted) = Counted::enter(&counts, address.ip().to_canonical()) {
                    let (app, router) = (Arc::clone(&app), router.clone());
                    app.tasks.clone().spawn(serve(app, stream, router, counted));
                }
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again in {delay:?}");
                tokio::select! {
                    () = app.stop.cancelled() => return,
                    () = tokio::time::sleep(delay) => {}
                }
                delay = (delay * 2).min(ACCEPT_DELAY_MAX);
            }
        }
    }
}

async fn serve(app: Arc<App>, stream: TcpStream, router: Router, counted: Counted) {
    let _open = app.counts.connection();
    if let Err(error) = set_options(&stream) {
        tracing::debug!(%error, "cannot set a connection's options");
    }
    let address = BrowserAddress(counted.address);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(address);
        let answer = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.cut.cancelled() => return,
        () = app.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = app.cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(counted);
}

/// Keep-alive finds browsers that are gone without a word.
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

impl Counted {
    fn enter(counts: &Counts, address: IpAddr) -> Option<Counted> {
        let mut by_address = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(address).or_default();
        if *count >= CONNECTIONS_OF_AN_ADDRESS_MAX && !address.is_loopback() {
            return None;
        }
        *count += 1;
        drop(by_address);
        let counts = Arc::clone(counts);
        Some(Counted { counts, address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_address = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn an_address_has_64_connections_and_this_machine_any_number() {
        let counts = Counts::default();
        let other = IpAddr::from([10, 0, 0, 1]);
        let mut open: Vec<Counted> = (0..CONNECTIONS_OF_AN_ADDRESS_MAX)
            .map(|_| Counted::enter(&counts, other).unwrap())
            .collect();
        assert!(Counted::enter(&counts, other).is_none());
        open.pop();
        assert!(Counted::enter(&counts, other).is_some());
        let here = IpAddr::from([127, 0, 0, 1]);
        let local: Vec<_> = (0..100).map(|_| Counted::enter(&counts, here)).collect();
        assert!(local.iter().all(Option::is_some));
        drop((open, local));
        assert!(counts.lock().unwrap().is_empty());
    }
}
