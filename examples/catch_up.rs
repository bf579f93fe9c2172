//! Measures a node that was away: how fast it takes what it missed, and what that does to those who
//! talk meanwhile.
//!
//! ```text
//! cargo run --release --example catch_up [-- EVENTS]
//! ```
//!
//! Three nodes in this process, each with threads of its own, as processes have. The third is stopped,
//! EVENTS (100,000) are stored on the first, and it is started again. Beside it somebody says something on
//! the first node, some hundred times a second, and it is timed until it is shown on the second. That is
//! done three times over. Two lines come out: the rate of catching up over the rate at which a node that is
//! alone stores as many (wanted: 0.5 or more), and the p99 of the live lines over what it is otherwise
//! (3 at most).
//!
//! First with the third node on one processor and all else on another, as it would be on a machine of
//! its own; then with all threads on all processors, where it takes from the talkers what it needs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chat::node::config::PeerPort;
use chat::node::store::{Deed, Store};
use chat::node::{Config, Node};
use chat::protocol::secret::Secret;
use chat::protocol::{Body, Nonce, RoomKey, RoomName, Text, Uid, UserName};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Events of one transaction.
const CHUNK: usize = 10_000;

/// Times that the third node is away.
const ROUNDS: usize = 3;

/// Pause between two live lines.
const PACE: Duration = Duration::from_millis(4);

/// Live lines of a round that say what is usual.
const USUAL_LINES: usize = 500;

/// Where threads run.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// The third node on one processor, all else on another.
    Apart,
    /// As the system likes.
    Together,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let count: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 100_000,
    };
    for layout in [Layout::Apart, Layout::Together] {
        let folder = std::env::temp_dir().join(format!("chat-catch-up-{}", std::process::id()));
        let threads = machine(layout, 0)?;
        let measured = threads.block_on(threads.spawn(measure(folder.clone(), count, layout)));
        std::fs::remove_dir_all(&folder)?;
        measured??;
    }
    Ok(())
}

async fn measure(folder: PathBuf, count: usize, layout: Layout) -> Result<(), Failure> {
    let processors = [0, 0, 1];
    let mut threads = Vec::new();
    for processor in processors {
        threads.push(machine(layout, processor)?);
    }
    let alone = start(&threads[2], config(folder.join("n0"), "n0", &[])?).await?;
    let storing = store_many(alone.shared().store.clone(), 0, count).await?;
    alone.stop().await;
    let one = start(&threads[0], config(folder.join("n1"), "n1", &[])?).await?;
    let two = start(&threads[1], config(folder.join("n2"), "n2", &[&one])?).await?;
    let third = || config(folder.join("n3"), "n3", &[&one, &two]);
    let mut three = start(&threads[2], third()?).await?;
    wait_for(|| links(&one) == 2 && links(&two) == 2).await;

    let store = one.shared().store.clone();
    let mut talk = Talk::begin(one.listen, two.listen).await?;
    let (mut usual, mut meanwhile) = (Vec::new(), Vec::new());
    let mut took = Duration::ZERO;
    for round in 0..ROUNDS {
        three.stop().await;
        store_many(store.clone(), round * count, count).await?;
        wait_for(|| two.shared().store.held() == store.held()).await;
        for _ in 0..USUAL_LINES {
            usual.push(talk.line().await?);
        }
        let (done, is_done) = watch::channel(false);
        let talking = tokio::spawn(talk.talk(is_done));
        let missed = store.held().get(&store.origin());
        let began = Instant::now();
        three = start(&threads[2], third()?).await?;
        wait_for(|| three.shared().store.held().get(&store.origin()) >= missed).await;
        took += began.elapsed();
        done.send_replace(true);
        let times;
        (talk, times) = talking.await??;
        meanwhile.extend(times);
    }
    let catching_up = (ROUNDS * count) as f64 / took.as_secs_f64();
    let (usual, then, lines) = (p99(usual), p99(meanwhile.clone()), meanwhile.len());
    println!(
        "{}",
        match layout {
            Layout::Apart => "the third node on a processor of its own:",
            Layout::Together => "all nodes on the same processors:",
        }
    );
    println!(
        "  storing {storing:.0}/s, catching up {catching_up:.0}/s: ratio {:.2}",
        catching_up / storing
    );
    println!(
        "  live p99 {:.2} ms usually, {:.2} ms meanwhile ({lines} lines): ratio {:.2}",
        usual.as_secs_f64() * 1e3,
        then.as_secs_f64() * 1e3,
        then.as_secs_f64() / usual.as_secs_f64()
    );
    for node in [one, two, three] {
        node.stop().await;
    }
    for threads in threads {
        threads.shutdown_background();
    }
    Ok(())
}

/// Stores `count` events; how many a second.
async fn store_many(store: Store, from: usize, count: usize) -> Result<f64, Failure> {
    let began = Instant::now();
    for start in (0..count).step_by(CHUNK) {
        let deeds = (start..count.min(start + CHUNK)).map(|number| entry(from + number));
        for placed in store.submit_all(deeds.collect::<Result<_, _>>()?).await? {
            placed?;
        }
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// A node's own threads. What they start runs on the same processor.
fn machine(layout: Layout, processor: usize) -> Result<Runtime, Failure> {
    let pin = move || {
        let mut set = CpuSet::new();
        if layout == Layout::Apart
            && let Err(error) = set
                .set(processor)
                .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        {
            eprintln!("cannot run on processor {processor}: {error}");
        }
    };
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(pin)
        .build()?)
}

async fn start(threads: &Runtime, config: Config) -> Result<Node, Failure> {
    Ok(threads.spawn(Node::start(config)).await??)
}

fn config(folder: PathBuf, name: &str, join: &[&Node]) -> Result<Config, Failure> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let addresses = join.iter().filter_map(|node| node.peer);
    Ok(Config {
        name: name.to_owned(),
        listen: free,
        peer: Some(PeerPort {
            address: free,
            search: false,
        }),
        join: addresses.map(|address| address.to_string()).collect(),
        marks: folder.join("marks"),
        data: folder,
        secret: Secret::new(&[b's'; 32]).ok_or("too short a secret")?,
        copies: 2,
        rate: 0,
    })
}

fn entry(number: usize) -> Result<Deed, Failure> {
    let body = Body::Message {
        text: Text::parse(&format!("entry {number} {}", "x".repeat(80)))?,
        reply_to: None,
    };
    Ok(Deed {
        room: RoomKey::Room(RoomName::parse("archive")?),
        uid: Uid::parse("historian")?,
        name: UserName::parse("historian")?,
        nonce: Nonce::parse(&format!("{number:012}"))?,
        body,
        after: None,
    })
}

fn links(node: &Node) -> usize {
    let nodes = node.shared().replicator().nodes();
    nodes.iter().filter(|node| node.up).count()
}

async fn wait_for(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times
        .get(times.len() * 99 / 100)
        .copied()
        .unwrap_or_default()
}

/// Somebody who speaks on one node, and somebody who reads on another.
struct Talk {
    speaker: OwnedWriteHalf,
    /// Answers nobody needs; read so that the node can write them.
    _answers: tokio::task::JoinHandle<()>,
    reader: BufReader<OwnedReadHalf>,
    _reader_writes: OwnedWriteHalf,
    said: usize,
}

impl Talk {
    async fn begin(at: SocketAddr, read_at: SocketAddr) -> Result<Talk, Failure> {
        let (mut answers, speaker) = open(at, "speaker").await?;
        let (reader, writes) = open(read_at, "reader").await?;
        let answers = tokio::spawn(async move {
            let mut line = String::new();
            while answers
                .read_line(&mut line)
                .await
                .is_ok_and(|bytes| bytes > 0)
            {
                line.clear();
            }
        });
        Ok(Talk {
            speaker,
            _answers: answers,
            reader,
            _reader_writes: writes,
            said: 0,
        })
    }

    /// Says lines until it is done; how long each took.
    async fn talk(
        mut self,
        mut is_done: watch::Receiver<bool>,
    ) -> Result<(Talk, Vec<Duration>), Failure> {
        let mut times = Vec::new();
        while !*is_done.borrow_and_update() {
            times.push(self.line().await?);
        }
        Ok((self, times))
    }

    /// Says a line and waits until it is shown; how long that took.
    async fn line(&mut self) -> Result<Duration, Failure> {
        tokio::time::sleep(PACE).await;
        self.said += 1;
        let text = format!("live {}", self.said);
        let frame = format!("{{\"type\":\"send\",\"room\":\"lobby\",\"text\":\"{text}\"}}\n");
        let began = Instant::now();
        self.speaker.write_all(frame.as_bytes()).await?;
        let shown = format!("\"text\":\"{text}\"");
        let mut line = String::new();
        while !line.contains(&shown) {
            line.clear();
            if self.reader.read_line(&mut line).await? == 0 {
                return Err("the node has closed the connection".into());
            }
        }
        Ok(began.elapsed())
    }
}

async fn open(
    at: SocketAddr,
    name: &str,
) -> Result<(BufReader<OwnedReadHalf>, OwnedWriteHalf), Failure> {
    let socket = TcpStream::connect(at).await?;
    socket.set_nodelay(true)?;
    let (reader, mut writer) = socket.into_split();
    let hello = format!(
        "{{\"type\":\"user_join\",\"name\":\"{name}\"}}\n{{\"type\":\"join\",\"room\":\"lobby\"}}\n"
    );
    writer.write_all(hello.as_bytes()).await?;
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    while !line.contains("\"type\":\"room\"") {
        line.clear();
        reader.read_line(&mut line).await?;
    }
    Ok((reader, writer))
}
