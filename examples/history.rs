//! Measures a page of history anywhere in a long log:
//!
//! ```text
//! cargo run --release --example history [-- MESSAGES]
//! ```
//!
//! A store in a temporary folder is filled with MESSAGES (1,000,000): every second one in one busy room,
//! the others in turn in a hundred quiet ones, whose pages are spread over the whole file. Then pages
//! at random places are read, as a session's `history` is answered. A line comes out for each kind of
//! room and length of page (wanted: a p99 below 2 ms).

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chat::node::clock::NodeClock;
use chat::node::store::{Clock, Deed, Store};
use chat::protocol::limits::{HISTORY_DEFAULT, HISTORY_MAX};
use chat::protocol::{Body, Nonce, RoomKey, RoomName, Text, Ts, Uid, UserName};

/// Messages of one transaction.
const CHUNK: usize = 10_000;

/// Microseconds between two messages.
const PACE_US: i64 = 1000;

/// Rooms that share one half of the messages.
const QUIET_ROOMS: usize = 100;

/// Pages of each kind.
const PAGES: usize = 5000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A clock that is one message further each time the store looks at it.
struct Pace(AtomicI64);

impl Clock for Pace {
    fn now(&self) -> Ts {
        Ts(self.0.fetch_add(PACE_US, Ordering::Relaxed))
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let count: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 1_000_000,
    };
    let folder = std::env::temp_dir().join(format!("chat-history-{}", std::process::id()));
    let measured = measure(&folder, count).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(folder: &Path, count: usize) -> Result<(), Failure> {
    let start = NodeClock::start().now().0 - count as i64 * PACE_US;
    let clock = Pace(AtomicI64::new(start));
    let (store, mut commits) = Store::open(folder, &folder.join("marks"), "n1", clock)?;
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let began = Instant::now();
    for first in (0..count).step_by(CHUNK) {
        let deeds = (first..count.min(first + CHUNK)).map(message);
        for placed in store.submit_all(deeds.collect::<Result<_, _>>()?).await? {
            placed?;
        }
    }
    println!(
        "{count} messages stored, {:.0} a second",
        count as f64 / began.elapsed().as_secs_f64()
    );
    let span = start..store.last_written().0;
    for (kind, quiet) in [("busy", false), ("quiet", true)] {
        for limit in [HISTORY_DEFAULT, HISTORY_MAX] {
            let mut times = Vec::with_capacity(PAGES);
            for _ in 0..PAGES {
                let room = if quiet {
                    quiet_room(random(QUIET_ROOMS as u64)? as usize)?
                } else {
                    busy_room()?
                };
                let before = Ts(span.start + random((span.end - span.start) as u64)? as i64);
                times.push(page(&store, room, before, limit).await?);
            }
            times.sort_unstable();
            let ms = |share: usize| times[PAGES * share / 100].as_secs_f64() * 1e3;
            println!(
                "pages of {limit} of a {kind} room: p50 {:.2} ms, p99 {:.2} ms",
                ms(50),
                ms(99)
            );
        }
    }
    store.close().await;
    drain.await?;
    Ok(())
}

/// Reads a page as a session's `history` is answered; how long that took.
async fn page(store: &Store, room: RoomKey, before: Ts, limit: usize) -> Result<Duration, Failure> {
    let held = store.held();
    let began = Instant::now();
    let page = store
        .read(move |reader| reader.before(&room, before, limit, &held))
        .await?;
    let took = began.elapsed();
    if page.more && page.messages.len() < limit {
        return Err("a page is shorter than it was asked for".into());
    }
    Ok(took)
}

/// The message number `n`, with a nonce that rises as those of clients do.
fn message(n: usize) -> Result<Deed, Failure> {
    let writer = n % 10;
    Ok(Deed {
        room: if n.is_multiple_of(2) {
            busy_room()?
        } else {
            quiet_room(n / 2 % QUIET_ROOMS)?
        },
        uid: Uid::parse(&format!("historian{writer}"))?,
        name: UserName::parse(&format!("historian-{writer}"))?,
        nonce: Nonce::parse(&format!("{n:026x}"))?,
        body: Body::Message {
            text: Text::parse(&format!("entry {n} {}", "x".repeat(80)))?,
            reply_to: None,
        },
        after: None,
    })
}

fn busy_room() -> Result<RoomKey, Failure> {
    Ok(RoomKey::Room(RoomName::parse("busy")?))
}

fn quiet_room(number: usize) -> Result<RoomKey, Failure> {
    Ok(RoomKey::Room(RoomName::parse(&format!("quiet-{number}"))?))
}

/// Any number below `end`.
fn random(end: u64) -> Result<u64, Failure> {
    Ok(getrandom::u64()? % end.max(1))
}
