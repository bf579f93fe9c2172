//! Makes a room with a long log, through the store's own thread, for tests and measurements:
//!
//! ```text
//! cargo run --release --example fixture -- DIR ROOM N
//! ```
//!
//! DIR is a node's data folder (no node may be running on it); N messages of ten users go into
//! ROOM, one a second, the last of them now.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chat::node::clock::NodeClock;
use chat::node::store::{Clock, Deed, MARKS, Store};
use chat::protocol::{Body, Nonce, RoomKey, RoomName, Text, Ts, Uid, UserName};

/// Messages of one transaction.
const CHUNK: usize = 10_000;

/// Microseconds between two messages.
const PACE_US: i64 = 1_000_000;

/// A clock that is one message further each time the store looks at it.
struct Pace(AtomicI64);

impl Clock for Pace {
    fn now(&self) -> Ts {
        Ts(self.0.fetch_add(PACE_US, Ordering::Relaxed))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, room, count] = arguments.as_slice() else {
        return Err("usage: fixture DIR ROOM N".into());
    };
    let (dir, room) = (PathBuf::from(dir), RoomKey::Room(RoomName::parse(room)?));
    let count: usize = count.parse()?;
    let start = NodeClock::start().now().0 - count as i64 * PACE_US;
    let node = dir
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("n1");
    let (store, mut commits) =
        Store::open(&dir, Path::new(MARKS), node, Pace(AtomicI64::new(start)))?;
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let began = Instant::now();
    for first in (0..count).step_by(CHUNK) {
        let numbers = first..count.min(first + CHUNK);
        let deeds = numbers.map(|n| message(&room, n, start));
        let deeds = deeds.collect::<Result<Vec<_>, _>>()?;
        for placed in store.submit_all(deeds).await? {
            placed?;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{count} messages in {seconds:.1} s, {:.0} a second",
        count as f64 / seconds
    );
    store.close().await;
    drain.await?;
    Ok(())
}

/// The message number `n`, with a nonce that rises as those of clients do.
fn message(room: &RoomKey, n: usize, start: i64) -> Result<Deed, Box<dyn std::error::Error>> {
    let writer = n % 10;
    Ok(Deed {
        room: room.clone(),
        uid: Uid::parse(&format!("fixture{writer}"))?,
        name: UserName::parse(&format!("fixture-{writer}"))?,
        nonce: Nonce::parse(&format!("{start:016x}{n:010x}"))?,
        body: Body::Message {
            text: Text::parse(&format!("message {n} of a long log, as people write them"))?,
            reply_to: None,
        },
        after: None,
    })
}
