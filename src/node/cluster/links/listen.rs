//! The peer port: taking it, and taking in who calls.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Shared;
use super::link::{self, Side};
use crate::listen;
use crate::node::config::PeerPort;

/// The ports on which nodes of one machine look for each other.
pub const SEARCHED_PORTS: RangeInclusive<u16> = 9990..=9999;

/// Links that are shaking hands at the same time; whoever calls past that is hung up on.
const HANDSHAKES_MAX: usize = 64;

/// Takes the port; with `search`, when it is taken, the next free one below, down to 9990.
///
/// # Errors
/// As the system says it; `AddrInUse` when all are taken.
pub async fn bind(port: PeerPort) -> io::Result<TcpListener> {
    let mut address = port.address;
    loop {
        match TcpListener::bind(address).await {
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
        Err(error) => shared.refused(&from.ip().to_string(), &error.to_string()),
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
        let taken = bind(any_port(false)).await.unwrap();
        for search in [false, true] {
            // Not one of the searched ports: nothing below it is tried.
            let port = PeerPort {
                address: taken.local_addr().unwrap(),
                search,
            };
            let error = bind(port).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        }
    }
}
