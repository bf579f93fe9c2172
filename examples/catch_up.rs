//! Measures a node that was away: how fast it takes what it missed, and what that does to those who
//! talk meanwhile.
//!
//! ```text
//! cargo run --release --example catch_up [-- EVENTS]
//! ```
//!
//! Three nodes in this process, each with threads of its own, as processes have. The third is stopped,
//! EVENTS (100,000) are stored on the first, and it is started again. Beside it somebody says something on
//! the first node, some hundred times a second, and it is timed until it is shown on the second. Two lines come out: the rate of catching up over the rate
//! of storing (wanted: 0.5 or more), and the p99 of the live lines over what it is otherwise (3 at most).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chat::node::config::PeerPort;
use chat::node::store::Deed;
use chat::node::{Config, Node};
use chat::protocol::secret::Secret;
use chat::protocol::{Body, Nonce, RoomKey, RoomName, Text, Uid, UserName};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Events of one transaction.
const CHUNK: usize = 10_000;

/// Pause between two live lines.
const PACE: Duration = Duration::from_millis(4);

/// Live lines that say what is usual.
const USUAL_LINES: usize = 1000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let count: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 100_000,
    };
    let folder = std::env::temp_dir().join(format!("chat-catch-up-{}", std::process::id()));
    let measured = measure(&folder, count).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(folder: &std::path::Path, count: usize) -> Result<(), Failure> {
    let threads = [machine()?, machine()?, machine()?];
    let one = start(&threads[0], config(folder.join("n1"), "n1", &[])?).await?;
    let two = start(&threads[1], config(folder.join("n2"), "n2", &[&one])?).await?;
    let third = || config(folder.join("n3"), "n3", &[&one, &two]);
    let three = start(&threads[2], third()?).await?;
    wait_for(|| links(&one) == 2 && links(&two) == 2).await;
    three.stop().await;

    let store = &one.shared().store;
    let began = Instant::now();
    for start in (0..count).step_by(CHUNK) {
        let deeds = (start..count.min(start + CHUNK)).map(entry);
        for placed in store.submit_all(deeds.collect::<Result<_, _>>()?).await? {
            placed?;
        }
    }
    let storing = count as f64 / began.elapsed().as_secs_f64();
    wait_for(|| two.shared().store.held() == store.held()).await;

    let mut talk = Talk::begin(one.listen, two.listen).await?;
    let mut usual = Vec::new();
    for _ in 0..USUAL_LINES {
        usual.push(talk.line().await?);
    }
    let (done, mut is_done) = watch::channel(false);
    let talking = tokio::spawn(async move {
        let mut times = Vec::new();
        while !*is_done.borrow_and_update() {
            times.push(talk.line().await?);
        }
        Ok::<_, Failure>(times)
    });
    let began = Instant::now();
    let three = start(&threads[2], third()?).await?;
    let origin = store.origin();
    wait_for(|| three.shared().store.held().get(&origin) >= count as u64).await;
    let catching_up = count as f64 / began.elapsed().as_secs_f64();
    done.send_replace(true);
    let meanwhile = talking.await??;
    let (usual, then) = (p99(usual), p99(meanwhile.clone()));
    println!(
        "storing {storing:.0}/s, catching up {catching_up:.0}/s: ratio {:.2}",
        catching_up / storing
    );
    println!(
        "live p99 {:.2} ms usually, {:.2} ms meanwhile ({} lines): ratio {:.2}",
        usual.as_secs_f64() * 1e3,
        then.as_secs_f64() * 1e3,
        meanwhile.len(),
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

/// A node's own threads.
fn machine() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
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
