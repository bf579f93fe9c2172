//! The few threads that bring lines to the links: they publish what was committed, and write to each
//! link that has something due once, after all that was there has been taken in.
//!
//! One message to a thousand links is then a thousand writes and nothing else: no task is woken for
//! each, and what comes meanwhile goes out together with the next round. A link is always served by
//! the same thread; the first one publishes too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Link, Ticket, Together};
use super::publish::Publisher;
use crate::node::shared::Shared;
use crate::node::store::Commits;

/// Threads, at most; there is one for each two cores.
const THREADS_MAX: usize = 4;

/// All threads of a node.
#[derive(Debug)]
pub struct Delivery {
    desks: Vec<Arc<Desk>>,
    next: AtomicUsize,
}

impl Default for Delivery {
    fn default() -> Delivery {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = (cores / 2).clamp(1, THREADS_MAX);
        Delivery {
            desks: (0..threads).map(|_| Arc::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }
}

impl Delivery {
    /// Starts the threads; the token is cancelled once they have ended, which they do when the store is
    /// closed. To be called within a tokio runtime: answers in the making may need its timers.
    pub fn start(shared: &Arc<Shared>, commits: Commits) -> CancellationToken {
        let delivery = &shared.hub.delivery;
        let first = Arc::clone(&delivery.desks[0]);
        shared.store.set_answering(first);
        let ended = CancellationToken::new();
        let publisher = Publisher::new(Arc::downgrade(shared), commits);
        delivery.desks[0].take_over(publisher, Handle::current());
        for desk in &delivery.desks {
            let thread = Deliverer {
                desk: Arc::clone(desk),
                all: delivery.desks.clone(),
                publishes: Arc::ptr_eq(desk, &delivery.desks[0]),
                ended: ended.clone(),
            };
            let runtime = Handle::current();
            let name = "delivery".to_owned();
            let spawned = thread::Builder::new().name(name).spawn(move || {
                let _context = runtime.enter();
                thread.run();
            });
            match spawned {
                Ok(_) => {}
                // Nothing runs without it.
                Err(error) => panic!("cannot start a thread: {error}"),
            }
        }
        ended
    }

    /// Tells all links that the node stops. One made after this has to see for itself.
    pub fn stop_links(&self) {
        for desk in &self.desks {
            desk.stop_links();
        }
    }

    /// For whoever answers several: see [`Together`].
    pub fn answer_together(&self) -> Together {
        Together::at(&self.desks[0])
    }

    /// A place for a new link.
    pub fn ticket(&self, link: Weak<dyn Link>) -> Ticket {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.desks.len();
        Ticket::new(link, &self.desks[at])
    }
}

/// One thread.
struct Deliverer {
    desk: Arc<Desk>,
    all: Vec<Arc<Desk>>,
    publishes: bool,
    ended: CancellationToken,
}

impl Deliverer {
    fn run(self) {
        // Before it sleeps for the first time: whoever wakes it must find it.
        self.desk.sit_down();
        loop {
            let published = match self.desk.publish() {
                Some(published) => published,
                None if self.publishes => break self.end(),
                None if self.desk.is_over() => break,
                None => false,
            };
            let (due, sleep_until) = self.desk.take();
            if due.is_empty() && !published {
                self.desk.sleep(sleep_until);
            }
            self.desk.serve(due);
        }
    }

    /// The store is closed: so are all threads' doors.
    fn end(&self) {
        for desk in &self.all {
            desk.end();
        }
        self.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::node::rooms::desk::{Delivered, FEW_EVENTS, FEW_LINKS, SOON, When};
    use crate::node::rooms::lock;
    use crate::node::store::Answering;

    struct Told {
        ticket: Ticket,
        writes: Mutex<mpsc::SyncSender<Instant>>,
    }

    impl Link for Told {
        fn deliver(self: Arc<Self>) -> Delivered {
            self.ticket.begin();
            lock(&self.writes).send(Instant::now()).unwrap();
            Delivered::Done
        }

        fn give_up(&self) {
            self.ticket.begin();
        }

        fn stop(&self) {
            let _ = lock(&self.writes).try_send(Instant::now());
        }
    }

    fn told_at(desk: &Arc<Desk>) -> Arc<Told> {
        let (writes, _) = mpsc::sync_channel(1);
        Arc::new_cyclic(|me: &Weak<Told>| Told {
            ticket: Ticket::new(me.clone(), desk),
            writes: Mutex::new(writes),
        })
    }

    fn link(delivery: &Delivery) -> (Arc<Told>, mpsc::Receiver<Instant>) {
        let (writes, written) = mpsc::sync_channel(8);
        let link = Arc::new_cyclic(|me: &Weak<Told>| Told {
            ticket: delivery.ticket(me.clone()),
            writes: Mutex::new(writes),
        });
        (link, written)
    }

    /// A desk with a thread that publishes nothing.
    fn working() -> (Delivery, Arc<Desk>) {
        let delivery = Delivery {
            desks: vec![Arc::default()],
            next: AtomicUsize::new(0),
        };
        let desk = Arc::clone(&delivery.desks[0]);
        let deliverer = Deliverer {
            desk: Arc::clone(&desk),
            all: Vec::new(),
            publishes: false,
            ended: CancellationToken::new(),
        };
        thread::spawn(move || deliverer.run());
        (delivery, desk)
    }

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_link_that_is_told_many_times_while_others_write_writes_once() {
        let (delivery, desk) = working();
        let (one, written) = link(&delivery);
        desk.begin();
        for _ in 0..100 {
            one.ticket.queue(When::Now);
        }
        Answering::end(&*desk, 1);
        written.recv_timeout(LONG).unwrap();
        assert!(written.recv_timeout(Duration::from_millis(50)).is_err());
        one.ticket.queue(When::Now);
        written.recv_timeout(LONG).unwrap();
        desk.end();
    }

    #[test]
    fn who_writes_to_many_links_publishes_for_them_too() {
        let delivery = Delivery::default();
        let desk = &delivery.desks[0];
        let queue = |links: usize| {
            let links: Vec<_> = (0..links).map(|_| told_at(desk)).collect();
            links.iter().for_each(|link| link.ticket.queue(When::Now));
            assert_eq!(desk.take().0.len(), links.len());
        };
        assert!(desk.are_few(1), "nobody has been written to yet");
        queue(FEW_LINKS + 1);
        assert!(!desk.are_few(1));
        queue(FEW_LINKS);
        assert!(desk.are_few(FEW_EVENTS));
        assert!(!desk.are_few(FEW_EVENTS + 1));
    }

    /// Until the thread is asleep.
    fn wait_for_sleep(desk: &Desk) {
        let began = Instant::now();
        while !desk.is_asleep() {
            assert!(began.elapsed() < LONG);
            thread::yield_now();
        }
    }

    #[test]
    fn who_answers_a_few_writes_to_them_itself_and_leaves_many_to_the_thread() {
        let (delivery, desk) = working();
        let links: Vec<_> = (0..=FEW_LINKS).map(|_| link(&delivery)).collect();
        wait_for_sleep(&desk);
        let together = delivery.answer_together();
        for (few, _) in &links[1..] {
            few.ticket.queue(When::Now);
        }
        assert!(links.iter().all(|(_, written)| written.try_recv().is_err()));
        drop(together);
        for (_, written) in &links[1..] {
            written.try_recv().expect("it is left to the thread");
        }
        let together = delivery.answer_together();
        links
            .iter()
            .for_each(|(link, _)| link.ticket.queue(When::Now));
        drop(together);
        for (_, written) in &links {
            written.recv_timeout(LONG).unwrap();
        }
        desk.end();
    }

    #[test]
    fn whoever_of_those_who_answer_is_done_last_sees_to_what_is_due() {
        for writer_is_last in [false, true] {
            let (delivery, desk) = working();
            let (one, written) = link(&delivery);
            wait_for_sleep(&desk);
            desk.begin();
            let mut together = Some(delivery.answer_together());
            one.ticket.queue(When::Now);
            if writer_is_last {
                together = None;
            } else {
                Answering::end(&*desk, 0);
            }
            assert!(written.try_recv().is_err());
            if writer_is_last {
                Answering::end(&*desk, 0);
            }
            drop(together);
            written.recv_timeout(LONG).unwrap();
            desk.end();
        }
    }

    #[test]
    fn all_links_that_are_there_are_told_to_stop() {
        let (delivery, desk) = working();
        let (_one, told) = link(&delivery);
        let (gone, _) = link(&delivery);
        let (_two, told_too) = link(&delivery);
        drop(gone);
        delivery.stop_links();
        told.recv_timeout(LONG).unwrap();
        told_too.recv_timeout(LONG).unwrap();
        desk.end();
    }

    #[test]
    fn a_link_that_fails_takes_nobody_along() {
        let (delivery, desk) = working();
        let (bad, gone) = link(&delivery);
        drop(gone);
        bad.ticket.queue(When::Now);
        let (good, written) = link(&delivery);
        good.ticket.queue(When::Now);
        written.recv_timeout(LONG).unwrap();
        desk.end();
    }

    #[test]
    fn what_nobody_waits_for_comes_soon_and_with_the_next_that_is_urgent() {
        let (delivery, desk) = working();
        let (one, written) = link(&delivery);
        let began = Instant::now();
        one.ticket.queue(When::Soon);
        let at = written.recv_timeout(LONG).unwrap();
        assert!(at >= began + SOON);
        one.ticket.queue(When::Soon);
        one.ticket.queue(When::Now);
        written.recv_timeout(LONG).unwrap();
        desk.end();
    }
}
