//! How a connection ends: its rooms are left, and its last lines reach a client that still reads.

use std::net::Shutdown;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::input::Received;
use super::{Connection, FAREWELL, LINGER, Phase};
use crate::protocol::presence::LeaveReason;

impl Connection {
    /// What the others in the rooms are told. A session that has ended otherwise has left already.
    fn leave_reason(&self) -> LeaveReason {
        match self.phase {
            _ if self.shared.stop.is_cancelled() => LeaveReason::ShuttingDown,
            Phase::Broken => LeaveReason::Lost,
            Phase::Open | Phase::Finishing { .. } | Phase::Bridge(_) | Phase::Closing => {
                LeaveReason::Quit
            }
        }
    }

    /// The socket, once the greeting is out; a bridge waits for that before it says more.
    pub(super) async fn into_bridge(mut self) -> Option<TcpStream> {
        while !self.output.is_empty() {
            timeout(FAREWELL, self.stream.writable()).await.ok()?.ok()?;
            self.output.write(&self.stream).ok()?;
        }
        (!self.input.has_rest()).then_some(self.stream)
    }

    /// Leaves the rooms, writes what is left, and waits until the client has taken it: closing while
    /// it still sends would throw away what it has not read yet.
    pub(super) async fn farewell(&mut self) {
        self.memberships.leave_all();
        self.session.close(self.leave_reason());
        if self.phase == Phase::Broken {
            return;
        }
        let written = timeout(FAREWELL, async {
            while !self.output.is_empty() && self.phase != Phase::Broken {
                let _ = self.stream.writable().await;
                self.flush();
            }
        });
        if written.await.is_err() {
            tracing::debug!("a client did not take its last lines");
            return;
        }
        let _ = SockRef::from(&self.stream).shutdown(Shutdown::Write);
        let _ = timeout(LINGER, self.hear_out()).await;
    }

    /// Takes what the client still sends, until it closes too.
    async fn hear_out(&mut self) {
        loop {
            let _ = self.stream.readable().await;
            self.input.clear();
            match self.input.receive(&self.stream) {
                Ok(Received::Some) => {}
                Ok(Received::End) | Err(_) => return,
            }
        }
    }
}
