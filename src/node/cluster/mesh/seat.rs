//! The driver's seat. Its task has it; for a moment it is taken by whoever has something that should not
//! wait until that task is awake: what the store is about to commit, and what it has committed.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};

use tokio::runtime::Handle;

use super::driver::Driver;
use super::input::{Input, Inputs};
use crate::node::rooms::lock;

/// Events that are taken past the queue: to encode more holds up the store for longer than to wake the task
/// does the message.
const EVENTS_AT_ONCE_MAX: usize = 64;

/// A way to the driver past its queue. It does not keep the driver, which has the node.
pub(super) struct Seat {
    driver: Weak<Mutex<Driver>>,
    inputs: Inputs,
    /// What the driver has to run beside itself runs there.
    runtime: Handle,
}

impl Seat {
    /// To be called within a tokio runtime.
    pub(super) fn of(driver: &Arc<Mutex<Driver>>, inputs: Inputs) -> Seat {
        Seat {
            driver: Arc::downgrade(driver),
            inputs,
            runtime: Handle::current(),
        }
    }

    /// Has the driver take `input` on this thread; gives it back when it is much, somebody else has the
    /// seat, or something is queued, which comes before it. It never waits.
    pub(super) fn take(&self, input: Input) -> Result<(), Input> {
        if let Input::Committed(events) | Input::Written(events) = &input
            && events.len() > EVENTS_AT_ONCE_MAX
        {
            return Err(input);
        }
        let Some(driver) = self.driver.upgrade() else {
            return Err(input);
        };
        let mut seat = match driver.try_lock() {
            Ok(seat) => seat,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(input),
        };
        if self.inputs.are_waiting() {
            return Err(input);
        }
        let _context = self.runtime.enter();
        whole(|| seat.take(input));
        leave(seat);
        Ok(())
    }
}

/// Waits for the seat, which nobody has for long, and then does what is to be done there.
pub(super) fn seated(driver: &Mutex<Driver>, work: impl FnOnce(&mut Driver)) {
    let mut seat = lock(driver);
    whole(|| work(&mut seat));
    leave(seat);
}

/// What fails amid it has left the core with half of something, on a thread that others rely on: from here on it
/// would tell its peers what is not so. What is stored is safe, and this node, started again, goes on with it.
fn whole(work: impl FnOnce()) {
    if panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("the replication has failed: the node ends");
        std::process::abort()
    }
}

/// Lets others have the seat before those are written to who were answered.
fn leave(mut seat: MutexGuard<'_, Driver>) {
    let together = seat.together.take();
    drop(seat);
    drop(together);
}
