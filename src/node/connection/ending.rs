//! How a connection ends: its rooms are left, and its last lines reach a client that still reads.

use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::input::Received;
use super::outlet::Outlet;
use super::steps::Task;
use super::{FAREWELL, LINGER, Phase};
use crate::protocol::presence::LeaveReason;

/// Time between two tries to have a socket for oneself.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl Task {
    /// What the others in the rooms are told. A session that has ended otherwise has left already.
    fn leave_reason(&self, phase: &Phase) -> LeaveReason {
        match phase {
            _ if self.outlet.shared.stop.is_cancelled() => LeaveReason::ShuttingDown,
            Phase::Broken => LeaveReason::Lost,
            Phase::Open | Phase::Finishing { .. } | Phase::Bridge(_) | Phase::Closing => {
                LeaveReason::Quit
            }
        }
    }

    /// The socket, once the greeting is out; a bridge waits for that before it says more.
    pub(super) async fn into_bridge(self) -> Option<TcpStream> {
        if !write_rest(&self.outlet).await || self.input.has_rest() {
            return None;
        }
        let mut outlet = self.outlet;
        // Nothing is due to it, so nobody but a thread that is just looking has a hand on it.
        loop {
            match outlet.into_stream() {
                Ok(stream) => return Some(stream),
                Err(other) => outlet = other,
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Leaves the rooms, writes what is left, and waits until the client has taken it: closing while
    /// it still sends would throw away what it has not read yet.
    pub(super) async fn farewell(&mut self) {
        let phase = self.leave();
        if phase == Phase::Broken {
            return;
        }
        if !write_rest(&self.outlet).await {
            tracing::debug!("a client did not take its last lines");
            return;
        }
        let _ = SockRef::from(&self.outlet.stream).shutdown(Shutdown::Write);
        let _ = timeout(LINGER, self.hear_out()).await;
    }

    fn leave(&self) -> Phase {
        let mut state = self.outlet.state();
        state.memberships.leave_all();
        let phase = state.phase.clone();
        state.session.close(self.leave_reason(&phase));
        // What nobody waits for any more.
        let answers = std::mem::take(&mut state.answers);
        drop(state);
        drop(answers);
        phase
    }

    /// Takes what the client still sends, until it closes too.
    async fn hear_out(&mut self) {
        loop {
            let _ = self.outlet.stream.readable().await;
            self.input.clear();
            match self.input.receive(&self.outlet.stream) {
                Ok(Received::Some) => {}
                Ok(Received::End) | Err(_) => return,
            }
        }
    }
}

/// Whether the client took all that was still due to it.
async fn write_rest(outlet: &Outlet) -> bool {
    let written = timeout(FAREWELL, async {
        loop {
            {
                let mut state = outlet.state();
                state.flush(&outlet.shared, &outlet.stream);
                if state.output.is_empty() || state.phase == Phase::Broken {
                    return state.output.is_empty();
                }
            }
            let _ = outlet.stream.writable().await;
        }
    });
    written.await.unwrap_or(false)
}
