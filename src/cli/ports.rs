//! Ports that are taken: found out before anything is started, and said with what to do about it.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::stop::{Stop, failed};
use crate::client::query;
use crate::protocol::text::clean;

/// For our own bridge to answer when it is asked whether it is one.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes of that answer, at most.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// What would listen on a port.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    Clients,
    Peers,
    Browsers,
}

/// An address that will be listened on, and what to change to have another: `--listen`, `PORT`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub address: SocketAddr,
    pub option: &'static str,
    pub service: Service,
}

/// Checks that all of them are free. It binds and lets go again; a program that comes in between is
/// found by the real attempt.
///
/// # Errors
/// With the line to be shown, for the first that is not.
pub(super) async fn check_free(wanted: &[Wanted]) -> Result<(), Stop> {
    for wanted in wanted {
        match bind(wanted) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(taken(*wanted).await);
            }
            Err(error) => {
                let Wanted {
                    address, option, ..
                } = wanted;
                return Err(failed(format!(
                    "cannot listen on {address}: {error}; choose another address with {option}"
                )));
            }
        }
    }
    Ok(())
}

/// Nodes write to each other by UDP too, on the same port.
fn bind(wanted: &Wanted) -> io::Result<()> {
    TcpListener::bind(wanted.address)?;
    match wanted.service {
        Service::Peers => UdpSocket::bind(wanted.address).map(drop),
        Service::Clients | Service::Browsers => Ok(()),
    }
}

async fn taken(wanted: Wanted) -> Stop {
    let Wanted {
        address,
        option,
        service,
    } = wanted;
    let port = address.port();
    let who = match service {
        Service::Clients => our_node(address).await,
        Service::Browsers => our_bridge(address).await,
        Service::Peers => None,
    };
    let who = who.unwrap_or_else(|| "another program listens there; stop it".to_owned());
    let with = if option.starts_with("--") {
        "with "
    } else {
        ""
    };
    failed(format!(
        "port {port} is taken ({address}): {who}, or choose another {with}{option}"
    ))
}

async fn our_node(address: SocketAddr) -> Option<String> {
    let connect = query::greeting(&address.to_string()).await.ok()?;
    let node = clean(&connect.node, false);
    Some(format!(
        "the chat node {node} runs there already; join it with `chat-tui --node {address}`"
    ))
}

async fn our_bridge(address: SocketAddr) -> Option<String> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request =
            format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut answer)
            .await
            .ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = timeout(ASK_TIMEOUT, ask).await.ok()??;
    let is_ours = answer.contains("\"status\"") && answer.contains("\"nodes\"");
    is_ours.then(|| format!("a chat bridge runs there already; open http://{address}"))
}
