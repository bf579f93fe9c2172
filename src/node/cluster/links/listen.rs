//! The peer port: taking it, and taking in who calls.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;

use super::Shared;
use super::link::{self, Side};
use crate::listen;
use crate::node::config::PeerPort;

/// The ports on which nodes of one machine look for each other.
pub const SEARCHED_PORTS: RangeInclusive<u16> = 9990..=9999;

/// Links that are shaking hands at the same time; whoever calls past that is hung up on.
const HANDSHAKES_MAX: usize = 64;

/// Ports that the system chose for TCP and that were taken for UDP, before that is an error.
const CHOSEN_MAX: usize = 32;

/// Takes the port, for TCP and UDP; with `search`, when either is taken, the next free one below, down
/// to 9990.
///
/// # Errors
/// As the system says it; `AddrInUse` when all are taken.
pub async fn bind(port: PeerPort) -> io::Result<(TcpListener, UdpSocket)> {
    let mut address = port.address;
    loop {
        match bind_both(address).await {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && port.search
                    && address.port() > *SEARCHED_PORTS.start()
                    && SEARCHED_PORTS.contains(&address.port()) =>
            {
                address.set_port(address.port() - 1);
            }
            result => return result,
        }
    }
}

async fn bind_both(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut chosen = 0;
    loop {
        let listener = TcpListener::bind(address).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && address.port() == 0
                    && chosen < CHOSEN_MAX =>
            {
                chosen += 1;
            }
            result => return Ok((listener, result?)),
        }
    }
}

/// Accepts until told to stop.
pub(super) async fn accept_all(shared: Arc<Shared>, listener: TcpListener) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    listen::accept(listener, &shared.stop, |socket, from| {
        match handshakes.clone().try_acquire_owned() {
            Ok(permit) => {
                let task = answer(shared.clone(), socket, from, permit);
                shared.tasks.spawn(task);
            }
            Err(_) => shared.refused(&from.ip().to_string(), "too many handshakes at once"),
        }
    })
    .await;
}

async fn answer(
    shared: Arc<Shared>,
    socket: tokio::net::TcpStream,
    from: SocketAddr,
    permit: tokio::sync::OwnedSemaphorePermit,
) {
    match link::open(&shared, socket, Side::Answered).await {
        Ok(opened) => {
            drop(permit);
            link::run(shared, opened).await;
        }
        // Who searches this machine's ports finds other systems' nodes too, and says so where it is.
        Err(error)
            if shared.searches && from.ip().is_loopback() && error.is_of_another_system() =>
        {
            shared.refusals.links.inc();
            tracing::debug!(%from, "a node of another system has called");
        }
        Err(error) if error.is_refusal() => {
            shared.refused(&from.ip().to_string(), &error.to_string());
        }
        // One link too many to a node of the cluster, or to oneself.
        Err(error) => tracing::debug!(%from, %error, "no link"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port(search: bool) -> PeerPort {
        PeerPort {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            search,
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_an_error_unless_the_next_may_be_searched() {
        let (taken, datagrams) = bind(any_port(false)).await.unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(datagrams.local_addr().unwrap(), address);
        let is_taken = async || {
            for search in [false, true] {
                // Not one of the searched ports: nothing below it is tried.
                let error = bind(PeerPort { address, search }).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            }
        };
        is_taken().await;
        drop(taken);
        // For UDP it still is.
        is_taken().await;
    }
}
