//! Measures finding words in a long log:
//!
//! ```text
//! cargo run --release --example search [-- MESSAGES]
//! ```
//!
//! A store in a temporary folder is filled with MESSAGES (1,000,000) of twenty users: every second one in one
//! busy room, the others in a hundred quiet ones. Their words are drawn as those of a language are, few of
//! them often, most of them seldom. It says how long it takes to index them, how large the index is, and for
//! each kind of query how long answers take, as a session's `search` is answered (wanted: a p99 below
//! 50 ms).

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chat::node::clock::NodeClock;
use chat::node::store::{Clock, Deed, Query, Scope, Store};
use chat::protocol::{Body, Nonce, RoomKey, RoomName, Text, Ts, Uid, UserName};

/// Messages of one transaction.
const CHUNK: usize = 10_000;

/// Microseconds between two messages.
const PACE_US: i64 = 1_000_000;

/// Rooms that share one half of the messages.
const QUIET_ROOMS: usize = 100;

/// Words that there are; the one of rank n is said 1/n as often as the first.
const VOCABULARY: usize = 50_000;

/// Words of a message.
const WORDS: usize = 12;

/// Searches of each kind.
const SEARCHES: usize = 500;

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
    let folder = std::env::temp_dir().join(format!("chat-search-{}", std::process::id()));
    let measured = measure(&folder, count).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(folder: &Path, count: usize) -> Result<(), Failure> {
    let start = NodeClock::start().now().0 - count as i64 * PACE_US;
    let clock = Pace(AtomicI64::new(start));
    let (mut store, mut commits) = Store::open(folder, &folder.join("marks"), "n1", clock)?;
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let mut words = Words::new();
    for first in (0..count).step_by(CHUNK) {
        let deeds = (first..count.min(first + CHUNK)).map(|n| message(n, &mut words));
        for placed in store.submit_all(deeds.collect::<Result<_, _>>()?).await? {
            placed?;
        }
    }
    let began = Instant::now();
    store.start_search(folder)?;
    let all = scope(0..QUIET_ROOMS, true)?;
    while !ask(&store, "word0", &all).await?.1 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let bytes = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    println!(
        "{count} messages indexed in {:.0} s; the index has {} MiB, the log {} MiB",
        began.elapsed().as_secs_f64(),
        bytes("search.sqlite3") >> 20,
        bytes("log.sqlite3") >> 20
    );
    for (kind, query) in KINDS {
        for (place, scope) in [
            ("all rooms", all.clone()),
            ("a quiet room", scope(7..8, false)?),
        ] {
            let mut times = Vec::with_capacity(SEARCHES);
            let mut found = 0;
            for _ in 0..SEARCHES {
                let query = query(&mut words, start, count);
                let began = Instant::now();
                found += ask(&store, &query, &scope).await?.0;
                times.push(began.elapsed());
            }
            times.sort_unstable();
            let ms = |share: usize| times[SEARCHES * share / 100].as_secs_f64() * 1e3;
            println!(
                "{kind}, {place}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {:.1} found",
                ms(50),
                ms(99),
                times[SEARCHES - 1].as_secs_f64() * 1e3,
                found as f64 / SEARCHES as f64
            );
        }
    }
    store.close().await;
    drain.await?;
    Ok(())
}

/// Makes a query of a kind.
type Make = fn(&mut Words, i64, usize) -> String;

const KINDS: [(&str, Make); 9] = [
    ("a common word", |words, _, _| {
        format!("word{}", words.below(10))
    }),
    ("any word as often as it is said", |words, _, _| {
        words.next()
    }),
    ("a rare word", |words, _, _| {
        format!("word{}", 1000 + words.below(49_000))
    }),
    ("two common words", |words, _, _| {
        format!("word{} word{}", words.below(20), words.below(20))
    }),
    ("a common and a rare word", |words, _, _| {
        format!(
            "word{} word{}",
            words.below(10),
            10_000 + words.below(40_000)
        )
    }),
    ("a phrase of two common words", |words, _, _| {
        format!("\"word{} word{}\"", words.below(20), words.below(20))
    }),
    ("a beginning of two letters", |_, _, _| "wo*".to_owned()),
    ("a beginning of five and more", |words, _, _| {
        format!("word{}*", words.below(5000))
    }),
    (
        "a common word, a writer, a day in the past",
        |words, start, count| {
            let before = start + words.below(count as u64) as i64 * PACE_US;
            format!(
                "word{} from:searcher-{} before:{before}",
                words.below(10),
                words.below(20)
            )
        },
    ),
];

/// A page as a session's `search` is answered; how many were found, and whether all was indexed.
async fn ask(store: &Store, query: &str, scope: &Scope) -> Result<(usize, bool), Failure> {
    let query = Query::parse(query)?;
    let found = store.search(query, scope.clone(), 20).await?;
    Ok((found.messages.len(), found.indexed))
}

fn scope(quiet: std::ops::Range<usize>, busy: bool) -> Result<Scope, Failure> {
    let mut rooms: Vec<RoomKey> = quiet.map(quiet_room).collect::<Result<_, _>>()?;
    if busy {
        rooms.push(busy_room()?);
    }
    let directs_of = Some(Uid::parse("searcher0")?);
    Ok(Scope { rooms, directs_of })
}

/// Words, as often as they are said.
struct Words {
    state: u64,
    /// For each word, the share of all that are said which it and those before it have.
    shares: Vec<f64>,
}

impl Words {
    fn new() -> Words {
        let mut sum = 0.0;
        let shares = (1..=VOCABULARY).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Words {
            shares: shares.collect(),
            state: 0x2545_f491_4f6c_dd1d,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % end.max(1)
    }

    fn next(&mut self) -> String {
        let all = self.shares.last().copied().unwrap_or(1.0);
        let at = self.below(1 << 32) as f64 / (1u64 << 32) as f64 * all;
        format!("word{}", self.shares.partition_point(|share| *share < at))
    }
}

/// The message number `n`, with a nonce that rises as those of clients do.
fn message(n: usize, words: &mut Words) -> Result<Deed, Failure> {
    let writer = words.below(20);
    let text: Vec<String> = (0..WORDS).map(|_| words.next()).collect();
    Ok(Deed {
        room: if n.is_multiple_of(2) {
            busy_room()?
        } else {
            quiet_room(n / 2 % QUIET_ROOMS)?
        },
        uid: Uid::parse(&format!("searcher{writer}"))?,
        name: UserName::parse(&format!("searcher-{writer}"))?,
        nonce: Nonce::parse(&format!("{n:026x}"))?,
        body: Body::Message {
            text: Text::parse(&text.join(" "))?,
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
