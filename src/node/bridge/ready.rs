//! Which of a link's sessions may have an answer.
//!
//! A link waits for the answers of thousands of sessions. Each session has a waker of its own that
//! notes its number, so that only those are looked at that were woken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use tokio::sync::Notify;

use crate::node::rooms::lock;
use crate::protocol::bridge::SessionId;

/// The sessions that were woken and not looked at since.
#[derive(Debug, Default)]
pub struct Ready {
    woken: Mutex<Vec<SessionId>>,
    notify: Notify,
}

/// One session's waker.
struct SessionWaker {
    id: SessionId,
    ready: Arc<Ready>,
    /// It is in the list already.
    noted: AtomicBool,
}

/// A session's place in the list.
pub struct Place(Arc<SessionWaker>);

impl Ready {
    /// A place for a session, which is looked at once at first.
    pub fn place(self: &Arc<Self>, id: SessionId) -> Place {
        Place(Arc::new(SessionWaker {
            id,
            ready: Arc::clone(self),
            noted: AtomicBool::new(false),
        }))
    }

    /// The sessions to look at.
    pub fn take(&self) -> Vec<SessionId> {
        std::mem::take(&mut *lock(&self.woken))
    }

    /// Ends when some session was woken. It may be dropped and asked again at any time.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Place {
    /// The session is about to be looked at: from here on it is noted again.
    pub fn begin(&self) -> Waker {
        self.0.noted.store(false, Ordering::Release);
        Waker::from(Arc::clone(&self.0))
    }

    /// The session is to be looked at again.
    pub fn again(&self) {
        self.0.wake_by_ref();
    }
}

impl Wake for SessionWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.noted.swap(true, Ordering::AcqRel) {
            lock(&self.ready.woken).push(self.id);
            self.ready.notify.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_is_listed_once_until_it_is_looked_at() {
        let ready = Arc::new(Ready::default());
        let (one, other) = (ready.place(1), ready.place(2));
        one.again();
        one.again();
        other.again();
        ready.woken().await;
        assert_eq!(ready.take(), [1, 2]);
        one.again();
        assert_eq!(ready.take(), [0; 0], "noted and not looked at");
        one.begin().wake_by_ref();
        assert_eq!(ready.take(), [1]);
    }
}
