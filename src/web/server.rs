//! The bridge's port: who may connect, and one connection of HTTP.
//!
//! Not `axum::serve`: it has no deadline for headers, and goes on at full speed when the file table
//! is full.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::app::{App, BrowserAddress};
use super::tls::Tls;
use crate::listen::{self, Counted, Counts};

/// How long a browser may take to send a request's headers, and how long a connection may be idle.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// Bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Connections from one address; from this machine as many as it likes.
const CONNECTIONS_OF_AN_ADDRESS_MAX: usize = 64;

/// Accepts connections until the bridge stops.
pub async fn run(app: Arc<App>, listener: TcpListener, tls: Option<Tls>, router: Router) {
    let counts = Counts::default();
    listen::accept(listener, &app.stop, |stream, address| {
        // One too many is closed without a word: an answer would cost what is to be saved.
        if let Some(counted) = counts.enter(address.ip(), connections_max(address.ip())) {
            let (app, router) = (Arc::clone(&app), router.clone());
            let tasks = app.tasks.clone();
            match tls.clone() {
                None => drop(tasks.spawn(serve(app, stream, router, counted))),
                Some(tls) => drop(tasks.spawn(serve_tls(app, tls, stream, router, counted))),
            }
        }
    })
    .await;
}

/// Connections that may be open from this address.
fn connections_max(address: IpAddr) -> usize {
    if address.to_canonical().is_loopback() {
        usize::MAX
    } else {
        CONNECTIONS_OF_AN_ADDRESS_MAX
    }
}

/// A connection counts from its first byte: slow handshakes are as dear as slow requests.
async fn serve_tls(app: Arc<App>, tls: Tls, stream: TcpStream, router: Router, counted: Counted) {
    let accepted = tokio::select! {
        () = app.stop.cancelled() => return,
        accepted = tls.accept(stream, app.tuning.handshake) => accepted,
    };
    if let Some(stream) = accepted {
        serve(app, stream, router, counted).await;
    }
}

async fn serve<S>(app: Arc<App>, stream: S, router: Router, counted: Counted)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _open = app.counts.connection();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_64_connections_and_this_machine_any_number() {
        let open = |address: &str| {
            let (counts, address) = (Counts::default(), address.parse().unwrap());
            let taken = (0..100).map(|_| counts.enter(address, connections_max(address)));
            let taken: Vec<Option<Counted>> = taken.collect();
            taken.iter().flatten().count()
        };
        assert_eq!((open("10.0.0.1"), open("::ffff:10.0.0.1")), (64, 64));
        assert_eq!((open("127.0.0.1"), open("::1")), (100, 100));
        assert_eq!(open("::ffff:127.0.0.1"), 100);
    }
}
