//! Counts the instructions of the ways that every message goes, under valgrind: `./test guard`.
//!
//! Time differs from run to run and from machine to machine; how many instructions a path takes hardly
//! does. A path fails when it takes more than a tenth over what `instructions.toml` has of it. What
//! each is given is made beforehand, and not counted.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use chat::node::rooms::{ChannelKey, Delivered, Due, Hub, Link, Memberships, Signal, lock, render};
use chat::node::store::by_hand::ByHand;
use chat::node::store::{Commits, Committed, Deed, ManualClock, Outcome, Store, Ticket};
use chat::protocol::decode::{Rejected, decode};
use chat::protocol::server::Message;
use chat::protocol::{
    Body, Event, MessageId, Nonce, Origin, Request, RoomKey, RoomName, ServerFrame, Text, Ts, Uid,
    UserName, VersionVector,
};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use tempfile::TempDir;

/// Messages of each path but the fan-out.
const MESSAGES: usize = 64;

/// Messages in the log before those that are counted: its trees are as deep as in daily use.
const LOGGED: usize = 4_000;

/// Sessions that a message is fanned out to.
const LISTENERS: usize = 1_000;

/// Bytes that a session takes at once.
const ROOM_BYTES: usize = 64 * 1024;

/// When it all takes place.
const START: Ts = Ts(1_763_800_000_000_000);

library_benchmark_group!(
    name = paths,
    benchmarks = [decode_lines, commit_batch, fan_out_message, encode_frames]
);

main!(library_benchmark_groups = paths);

// Lines of clients become requests.
#[library_benchmark(config = up_to("decode"))]
#[bench::decode(args = (), setup = lines)]
fn decode_lines(lines: Vec<String>) -> Vec<Result<Request, Rejected>> {
    lines.iter().map(|line| decode(black_box(line))).collect()
}

// What sessions have queued goes through the log in one transaction, and is answered.
#[library_benchmark(config = up_to("commit"))]
#[bench::commit(args = (), setup = queue, teardown = is_committed)]
fn commit_batch(mut queue: Queue) -> Queue {
    black_box(&mut queue.writer).transaction();
    queue
}

// A committed message is encoded, published, and taken by each session in the room.
#[library_benchmark(config = up_to("fan_out"))]
#[bench::fan_out(args = (), setup = room, teardown = is_taken)]
fn fan_out_message(room: Room) -> Room {
    room.publish(black_box(&room.said));
    for listener in &room.listeners {
        Arc::clone(listener).deliver();
    }
    room
}

// Messages become the lines that show them.
#[library_benchmark(config = up_to("encode"))]
#[bench::encode(args = (), setup = frames)]
fn encode_frames(frames: Vec<ServerFrame>) -> (Vec<Vec<u8>>, Vec<ServerFrame>) {
    let encoded = frames.iter().map(|frame| black_box(frame).encode());
    (encoded.collect(), frames)
}

/// A path may take a tenth more than was recorded of it; one that is not recorded, nothing.
fn up_to(path: &str) -> LibraryBenchmarkConfig {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");
    let recorded = fs::read_to_string(file).unwrap_or_default();
    let recorded: toml::Table = recorded.parse().expect("the records are TOML");
    let count = |records: &toml::Value| records.get(path)?.as_integer();
    let count = recorded.get("instructions").and_then(count).unwrap_or(0);
    let count = u64::try_from(count).expect("a count of instructions");
    let mut callgrind = Callgrind::with_args(["--cache-sim=no"]);
    callgrind.hard_limits([(EventKind::Ir, count + count / 10)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

/// What people write: a word, a sentence, other scripts, several lines, much.
fn text(n: usize) -> String {
    match n % 8 {
        0 => format!("ok {n}"),
        1..=4 => format!("message {n} of a room, about as long as people write them, or so"),
        5 => format!("grüße aus köln, 日本語 も 👍 {n}"),
        6 => format!("a \"quoted\" part,\nand {n} on a line of its own\tbehind a tab"),
        _ => format!(
            "{n} {}",
            "a longer explanation of what went wrong ".repeat(12)
        ),
    }
}

fn uid(n: usize) -> Uid {
    Uid::parse(&format!("user222{}", n % 8)).expect("a user's id")
}

/// They rise, as those of clients do.
fn nonce(n: usize) -> Nonce {
    Nonce::parse(&format!("01ka{n:022}")).expect("a nonce")
}

fn room_name(n: usize) -> RoomName {
    RoomName::parse(["lobby", "ops", "kitchen", "releases"][n % 4]).expect("a room's name")
}

fn event(n: usize) -> Event {
    let deed = deed(n);
    Event {
        origin: Origin::parse("n1-4f2a").expect("an origin"),
        seq: n as u64,
        ts: Ts(START.0 + n as i64),
        room: deed.room,
        uid: deed.uid,
        name: deed.name,
        nonce: deed.nonce,
        body: deed.body,
    }
}

fn message(event: &Event, n: usize) -> Message {
    Message {
        room: event.room.to_string(),
        id: MessageId::new(&event.uid, &event.nonce),
        from: event.name.as_str().to_owned(),
        uid: event.uid.clone(),
        ts: event.ts,
        origin: event.origin.clone(),
        seq: event.seq,
        text: Some(text(n)),
        nonce: event.nonce.clone(),
        reply_to: (n % 8 == 3).then(|| MessageId::new(&uid(n + 1), &nonce(n))),
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
        late: false,
    }
}

fn lines() -> Vec<String> {
    let line = |n| {
        let reply_to = match n % 8 {
            3 => format!(r#","reply_to":"{}""#, MessageId::new(&uid(n), &nonce(n))),
            _ => String::new(),
        };
        format!(
            r#"{{"type":"send","re":{n},"room":"{}","text":{:?},"nonce":"{}","after":{}{reply_to}}}"#,
            room_name(n).as_str(),
            text(n),
            nonce(n).as_str(),
            START.0,
        )
    };
    let lines: Vec<String> = (0..MESSAGES).map(line).collect();
    for line in &lines {
        decode(line).expect("a line that is taken");
    }
    lines
}

fn frames() -> Vec<ServerFrame> {
    let frame = |n| render::new_message(message(&event(n), n), room_name(n).as_str());
    (0..MESSAGES).map(frame).collect()
}

/// A store in whose queue deeds wait.
struct Queue {
    writer: ByHand,
    _store: Store,
    commits: Commits,
    _tickets: Vec<Ticket>,
    _folders: [TempDir; 2],
}

fn deed(n: usize) -> Deed {
    Deed {
        room: RoomKey::Room(room_name(n)),
        uid: uid(n),
        name: UserName::parse(&format!("user-{}", n % 8)).expect("a user's name"),
        nonce: nonce(n),
        body: Body::Message {
            text: Text::parse(&text(n)).expect("a text"),
            reply_to: None,
        },
        after: None,
    }
}

fn queue() -> Queue {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let clock = ManualClock::at(START);
    let (mut writer, store, mut commits) =
        ByHand::open(folders[0].path(), folders[1].path(), "n1", clock).expect("a store");
    let queue = |numbers: Range<usize>| {
        let tickets = numbers.map(|n| store.submit(deed(n)));
        tickets.collect::<Vec<Ticket>>()
    };
    drop(queue(0..LOGGED));
    while writer.transaction() {
        commits.try_next();
    }
    let tickets = queue(LOGGED..LOGGED + MESSAGES);
    Queue {
        writer,
        _store: store,
        commits,
        _tickets: tickets,
        _folders: folders,
    }
}

fn is_committed(mut queue: Queue) {
    let committed = queue.commits.try_next().expect("a transaction");
    assert_eq!(committed.len(), MESSAGES);
}

/// A room full of sessions, and what is said in it.
struct Room {
    hub: Hub,
    listeners: Vec<Arc<Listener>>,
    said: Committed,
}

impl Room {
    /// As the publisher does it.
    fn publish(&self, said: &Committed) {
        let (event, name) = (&said.event, room_name(0));
        let line = render::line(event, &said.outcome, name.as_str());
        let stored: VersionVector = [(event.origin.clone(), event.seq)].into_iter().collect();
        self.hub.publish(&stored, |hub| {
            hub.push(&ChannelKey::Room(name), line.into_iter().collect());
        });
    }
}

/// A session's reading side, as a connection has it, without the socket.
struct Listener {
    signal: Arc<Signal>,
    memberships: Mutex<Memberships>,
    lines: AtomicU64,
}

impl Link for Listener {
    fn deliver(self: Arc<Self>) -> Delivered {
        self.signal.begin();
        let mut memberships = lock(&self.memberships);
        let _ = memberships.drain_due(ROOM_BYTES, true, |_, due| match due {
            Due::Line(line) => {
                black_box(&line.bytes);
                self.lines.fetch_add(1, Ordering::Relaxed);
            }
            Due::Piece(piece) => {
                black_box(&piece.bytes);
                self.lines.fetch_add(piece.lines, Ordering::Relaxed);
            }
        });
        Delivered::Done
    }

    // Only asked where a delivery panicked; here that ends the counting.
    fn give_up(&self) {}

    fn stop(&self) {}
}

fn room() -> Room {
    let hub = Hub::default();
    let listener = |_| {
        let listener = Arc::new_cyclic(|me: &Weak<Listener>| {
            let signal = Arc::new(Signal::to_delivery(hub.delivery.ticket(me.clone())));
            let memberships = Memberships::of(Arc::clone(&signal));
            Listener {
                signal,
                memberships: Mutex::new(memberships),
                lines: AtomicU64::new(0),
            }
        });
        let entry = hub.enter(&ChannelKey::Room(room_name(0)));
        lock(&listener.memberships).enter(entry);
        Arc::clone(&listener).deliver();
        listener
    };
    let listeners = (0..LISTENERS).map(listener).collect();
    let event = event(4);
    let said = Committed {
        outcome: Outcome::Message(message(&event, 4)),
        event: Arc::new(event),
        local: true,
        received_at: Instant::now(),
    };
    Room {
        hub,
        listeners,
        said,
    }
}

fn is_taken(room: Room) {
    let taken = |listener: &Arc<Listener>| listener.lines.load(Ordering::Relaxed);
    assert!(room.listeners.iter().all(|listener| taken(listener) == 1));
}
