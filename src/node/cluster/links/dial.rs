//! Calling other nodes: those named by `--join`, those that peers have told of, and, on one machine, the
//! ports on which nodes look for each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::link::{self, LinkError, Side};
use crate::protocol::Origin;

/// First pause after a call in vain; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Longest pause between two calls.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Pause between two looks at a searched port where nobody listens.
const SEARCH_PAUSE: Duration = Duration::from_secs(1);

/// Pause between two calls of a searched port where another system's node is: it may be ours one day.
const STRANGER_PAUSE: Duration = Duration::from_secs(30);

/// Addresses kept that peers have told of.
const LEARNED_MAX: usize = 256;

/// Calls in vain after which a learned address is forgotten: an hour and a half of them.
const LEARNED_FAILURES_MAX: u32 = 1000;

/// How often the addresses are gone through.
const ROUND: Duration = Duration::from_millis(100);

/// Where an address is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// A peer told of it.
    Learned,
    /// On this machine, one of the ports where nodes are looked for.
    Searched,
    /// The user named it.
    Named,
}

/// The addresses, and when each is called next.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    source: Source,
    next: Instant,
    failures: u32,
    calling: bool,
    who: Who,
}

/// Who answered there last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Unknown,
    Ourselves,
    Node(Origin),
    /// A node with another secret.
    Stranger,
}

impl Book {
    pub(super) fn add(&mut self, address: &str, source: Source) {
        let learned = |entry: &&Entry| entry.source == Source::Learned;
        let full = self.entries.values().filter(learned).count() >= LEARNED_MAX;
        if let Some(entry) = self.entries.get_mut(address) {
            entry.source = entry.source.max(source);
        } else if source != Source::Learned || !full {
            let entry = Entry {
                source,
                next: Instant::now(),
                failures: 0,
                calling: false,
                who: Who::Unknown,
            };
            self.entries.insert(address.to_owned(), entry);
        }
    }

    /// A node is there, by what others say: it is called the next time round.
    pub(super) fn expect(&mut self, addresses: &[String]) {
        for address in addresses {
            if let Some(entry) = self.entries.get_mut(address) {
                entry.next = Instant::now();
                entry.failures = 0;
            }
        }
    }

    /// All addresses.
    pub(super) fn addresses(&self) -> BTreeSet<String> {
        self.entries.keys().cloned().collect()
    }

    /// Whether the user named the address, and wants to hear when nobody is there.
    fn is_named(&self, address: &str) -> bool {
        let entry = self.entries.get(address);
        entry.is_some_and(|entry| entry.source == Source::Named)
    }

    /// A node with another secret answers at a searched port: one of another system, which nobody has
    /// asked for. Whether that is so, and was not known.
    pub(super) fn finds_stranger(&mut self, address: &str) -> Option<bool> {
        let entry = self.entries.get_mut(address)?;
        let searched = entry.source == Source::Searched;
        searched.then(|| std::mem::replace(&mut entry.who, Who::Stranger) != Who::Stranger)
    }

    /// `who` is there.
    pub(super) fn know(&mut self, address: &str, who: Who) {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.who = who;
        }
    }

    /// The addresses to be called now, marked as being called.
    fn due(&mut self, now: Instant, is_linked: impl Fn(&Origin) -> bool) -> Vec<String> {
        let mut due = Vec::new();
        for (address, entry) in &mut self.entries {
            let needed = match &entry.who {
                Who::Unknown | Who::Stranger => true,
                Who::Ourselves => false,
                Who::Node(origin) => !is_linked(origin),
            };
            if needed && !entry.calling && now >= entry.next {
                entry.calling = true;
                due.push(address.clone());
            }
        }
        due
    }

    /// A call has ended; `vain` when it made no link.
    fn called(&mut self, address: &str, now: Instant, vain: Option<&LinkError>, jitter: f64) {
        let Some(entry) = self.entries.get_mut(address) else {
            return;
        };
        entry.calling = false;
        let nobody = matches!(vain, Some(LinkError::Connect(_)));
        if nobody && entry.who != Who::Ourselves {
            entry.who = Who::Unknown;
        }
        let pause = match vain {
            None => {
                entry.failures = 0;
                PAUSE_MIN
            }
            Some(_) if nobody && entry.source == Source::Searched => SEARCH_PAUSE,
            Some(_) if entry.who == Who::Stranger => STRANGER_PAUSE,
            Some(_) => {
                entry.failures = entry.failures.saturating_add(1);
                PAUSE_MIN
                    .saturating_mul(1 << entry.failures.min(16))
                    .min(PAUSE_MAX)
            }
        };
        entry.next = now + pause.mul_f64(jitter);
        if entry.source == Source::Learned && entry.failures > LEARNED_FAILURES_MAX {
            self.entries.remove(address);
        }
    }
}

/// Calls whoever is due, until told to stop.
pub(super) async fn dial_all(shared: Arc<Shared>) {
    while !shared.stop.is_cancelled() {
        for address in shared.due() {
            shared.tasks.spawn(dial(shared.clone(), address));
        }
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = sleep(ROUND) => {}
        }
    }
}

async fn dial(shared: Arc<Shared>, address: String) {
    let called = tokio::select! {
        () = shared.stop.cancelled() => return,
        called = call(&shared, &address) => called,
    };
    let vain = match called {
        Ok(opened) => {
            shared.called(&address, None);
            return link::run(shared, opened).await;
        }
        Err(error) => error,
    };
    let stranger = match vain.is_of_another_system() {
        true => shared.book().finds_stranger(&address),
        false => None,
    };
    if let Some(new) = stranger {
        if new {
            tracing::info!(
                address,
                "a node of another system is there: its secret is another one"
            );
        }
        return shared.called(&address, Some(&vain));
    }
    // A node that stands still, or whose network swallows everything, is missing, and no stranger.
    if vain.is_refusal() && !matches!(vain, LinkError::TooSlow) {
        shared.refused(&address, &vain.to_string());
    } else if matches!(vain, LinkError::Connect(_))
        && shared.book().is_named(&address)
        && shared.is_to_be_warned(&address)
    {
        tracing::warn!(address, reason = %vain, "no node answers there yet; trying on");
    }
    shared.called(&address, Some(&vain));
}

async fn call(shared: &Arc<Shared>, address: &str) -> Result<link::Opened, LinkError> {
    let socket = timeout(shared.timing.handshake, TcpStream::connect(address))
        .await
        .map_err(|_| LinkError::TooSlow)?
        .map_err(LinkError::Connect)?;
    let side = Side::Dialled {
        address: address.to_owned(),
    };
    link::open(shared, socket, side).await
}

impl Shared {
    fn due(&self) -> Vec<String> {
        let table = self.table();
        self.book().due(Instant::now(), |origin| table.has(origin))
    }

    fn called(&self, address: &str, vain: Option<&LinkError>) {
        // Half to one and a half times the pause, so that two nodes do not keep calling in step.
        let jitter =
            0.5 + f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
        self.book().called(address, Instant::now(), vain, jitter);
        self.first_round
            .send_if_modified(|waiting| waiting.remove(address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> LinkError {
        LinkError::Connect(std::io::ErrorKind::ConnectionRefused.into())
    }

    #[test]
    fn pauses_between_calls_grow_to_five_seconds_and_never_end() {
        let mut book = Book::default();
        book.add("10.0.0.1:9999", Source::Named);
        let mut pauses = Vec::new();
        let mut now = Instant::now();
        for _ in 0..2000 {
            assert_eq!(book.due(now, |_| false), ["10.0.0.1:9999"]);
            assert_eq!(book.due(now, |_| false), [""; 0], "one call at a time");
            book.called("10.0.0.1:9999", now, Some(&nobody()), 1.0);
            let next = book.entries["10.0.0.1:9999"].next;
            pauses.push(next - now);
            now = next;
        }
        assert_eq!(pauses[0], Duration::from_millis(200));
        assert_eq!(pauses[1999], PAUSE_MAX);
    }

    #[test]
    fn another_systems_node_at_a_searched_port_is_told_of_once_and_seldom_called() {
        let mut book = Book::default();
        let (searched, named) = ("127.0.0.1:9999", "10.0.0.1:9999");
        book.add(searched, Source::Searched);
        book.add(named, Source::Named);
        assert_eq!(
            book.finds_stranger(named),
            None,
            "the user wants to hear of that"
        );
        assert_eq!(book.finds_stranger(searched), Some(true));
        assert_eq!(book.finds_stranger(searched), Some(false));
        let now = Instant::now();
        book.called(searched, now, Some(&LinkError::NotHello), 1.0);
        assert_eq!(book.entries[searched].next, now + STRANGER_PAUSE);
        // It goes, and somebody else comes.
        book.called(searched, now, Some(&nobody()), 1.0);
        assert_eq!(book.entries[searched].next, now + SEARCH_PAUSE);
        assert_eq!(book.finds_stranger(searched), Some(true));
    }

    #[test]
    fn a_node_that_is_linked_is_not_called_and_one_that_is_lost_is_called_again() {
        let mut book = Book::default();
        let address = "10.0.0.1:9999";
        book.add(address, Source::Learned);
        let now = Instant::now();
        book.know(address, Who::Node(Origin::parse("n2-0000").unwrap()));
        assert_eq!(book.due(now, |_| true), [""; 0]);
        assert_eq!(book.due(now, |_| false), [address]);
        book.know(address, Who::Ourselves);
        book.called(address, now, Some(&nobody()), 1.0);
        assert_eq!(book.due(now + PAUSE_MAX, |_| false), [""; 0]);
    }

    #[test]
    fn one_that_is_said_to_be_there_is_called_at_once() {
        let mut book = Book::default();
        let address = "10.0.0.1:9999";
        book.add(address, Source::Learned);
        let now = Instant::now();
        for _ in 0..9 {
            book.called(address, now, Some(&nobody()), 1.0);
        }
        assert_eq!(book.due(Instant::now(), |_| false), [""; 0]);
        book.expect(&[address.to_owned(), "10.0.0.9:9999".to_owned()]);
        assert_eq!(book.due(Instant::now(), |_| false), [address]);
        assert_eq!(book.entries[address].failures, 0);
    }

    #[test]
    fn no_more_than_256_addresses_are_learned() {
        let mut book = Book::default();
        for port in 0..300 {
            book.add(&format!("10.0.0.1:{port}"), Source::Learned);
        }
        assert_eq!(book.entries.len(), LEARNED_MAX);
        book.add("10.0.0.2:1", Source::Named);
        assert_eq!(book.entries.len(), LEARNED_MAX + 1);
    }
}
