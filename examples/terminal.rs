//! Measures the terminal client as a person has it: the built program on a pseudo-terminal, against a
//! node of this machine.
//!
//! ```text
//! cargo build --release --bins --examples && target/release/examples/terminal [MESSAGES]
//! ```
//!
//! A node is given MESSAGES (1,000,000) in one room. Then: the time from the program's start to its first
//! screen, and to the newest message on it; from a key to its letter on the screen while 1,000 messages a
//! second arrive; from a key to another page of a room of 100 messages, and of one of 100,000 read from end
//! to end; the memory at the start, and after 100,000 messages have come; what a monitoring pane costs the
//! node. One line each, with what is wanted.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

type Failure = Box<dyn std::error::Error>;

const ROWS: u16 = 30;
const COLUMNS: u16 = 100;

/// Starts that are timed.
const STARTS: usize = 30;

/// Keys that are timed, and the pause before each.
const KEYS: usize = 1_000;
const KEY_PAUSE: Duration = Duration::from_millis(12);

/// Messages a second that arrive meanwhile.
const TRAFFIC: u32 = 1_000;

/// Messages that have come when memory is looked at again.
const MANY: usize = 100_000;

/// Seconds of a look at the node's processor time, and how often there is one with a pane and one
/// without; the messages a second meanwhile.
const LOOK: Duration = Duration::from_secs(10);
const LOOKS: usize = 5;
const LIGHT_TRAFFIC: u32 = 100;

/// Percent of a core below which the node does no more than its traffic.
const CALM: f64 = 15.0;

const DEADLINE: Duration = Duration::from_secs(60);

/// Messages of a room that has few, and how often it is gone through.
const FEW: usize = 100;
const ROUNDS: usize = 100;

/// Pages up, and down again, in one of many: most of `MANY`.
const PAGES: usize = 3_000;

const PAGE_UP: &str = "\x1b[5~";
const PAGE_DOWN: &str = "\x1b[6~";
const F2: &str = "\x1bOQ";

fn main() -> Result<(), Failure> {
    let count: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 1_000_000,
    };
    let folder = std::env::temp_dir().join(format!("chat-terminal-{}", std::process::id()));
    let measured = measure(&folder, count);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, count: usize) -> Result<(), Failure> {
    let data = folder.join("n1");
    fs::create_dir_all(folder)?;
    let made = Command::new(beside("examples/fixture")?)
        .arg(&data)
        .args(["lobby", &count.to_string()])
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err("the fixture was not made".into());
    }
    let node = Node::start(folder, &data)?;
    starts(folder, &node, count)?;
    keys(folder, &node)?;
    pages(folder, &node)?;
    memory(folder, &node)?;
    pane(folder, &node)
}

/// From the start to the first screen, and to the newest message.
fn starts(folder: &Path, node: &Node, count: usize) -> Result<(), Failure> {
    let newest = format!("message {} of", count - 1);
    let (mut first, mut full) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut client = Terminal::start(folder, node, "lobby")?;
        first.push(client.until(|screen| screen.contains("#lobby"))?);
        full.push(client.until(|screen| screen.contains(&newest))?);
        client.quit()?;
    }
    said("first screen", &mut first, "25 ms");
    said(
        &format!("newest of {count} messages on it"),
        &mut full,
        "50 ms",
    );
    Ok(())
}

/// From a key to its letter, while messages pour in.
fn keys(folder: &Path, node: &Node) -> Result<(), Failure> {
    let mut client = Terminal::start(folder, node, "lobby")?;
    client.until(|screen| screen.contains("of a long log"))?;
    let writer = Writer::start(&node.address, "steady", "lobby", TRAFFIC, None)?;
    client.until(|screen| screen.contains("traffic 1"))?;
    let mut times = Vec::new();
    for number in 0..KEYS {
        client.drain_for(KEY_PAUSE)?;
        let letter = char::from(b'a' + u8::try_from(number % 26)?);
        let wanted = format!("> {letter}");
        client.began = Instant::now();
        client.press(&letter.to_string())?;
        times.push(client.until_row(ROWS - 2, |row| row.contains(&wanted))?);
        client.press("\x15")?;
        client.until_row(ROWS - 2, |row| row.contains("write here"))?;
    }
    let sent = writer.stop()?;
    said(
        &format!("key to screen at {TRAFFIC} messages/s ({sent} came)"),
        &mut times,
        "16 ms at p99",
    );
    client.quit()
}

/// From a key to another page of the room.
fn pages(folder: &Path, node: &Node) -> Result<(), Failure> {
    let few = Writer::start(&node.address, "brief", "few", 0, Some(FEW))?;
    few.stop()?;
    let many = Writer::start(&node.address, "verbose", "many", 0, Some(MANY))?;
    many.stop()?;
    let mut medians = Vec::new();
    for (room, count, rounds, pages) in [("few", FEW, ROUNDS, 3), ("many", MANY, 1, PAGES)] {
        let mut client = Terminal::start(folder, node, room)?;
        client.until(|screen| screen.contains(&format!("traffic {count}.")))?;
        let mut times = Vec::new();
        for key in [PAGE_UP, PAGE_DOWN].repeat(rounds) {
            for _ in 0..pages {
                client.drain_for(KEY_PAUSE)?;
                let before = messages(client.parser.screen());
                client.began = Instant::now();
                client.press(key)?;
                times.push(client.until_screen(|screen| messages(screen) != before)?);
            }
        }
        client.until(|screen| screen.contains(&format!("traffic {count}.")))?;
        let what = format!(
            "key to another page of {count} messages, {} keys",
            times.len()
        );
        said(&what, &mut times, "as with few");
        medians.push(times[times.len() / 2]);
        client.quit()?;
    }
    let ratio = medians[1].as_secs_f64() / medians[0].as_secs_f64();
    println!("a page of {MANY} messages takes {ratio:.2} times what one of {FEW} takes");
    Ok(())
}

/// The rows that messages have, without rooms and people beside them.
fn messages(screen: &vt100::Screen) -> Vec<String> {
    let rows = screen.rows(20, COLUMNS - 40).skip(1);
    rows.take(usize::from(ROWS) - 4).collect()
}

/// Resident memory, and its part that is this program's own.
fn memory(folder: &Path, node: &Node) -> Result<(), Failure> {
    let mut client = Terminal::start(folder, node, "lobby")?;
    client.until(|screen| screen.contains("traffic"))?;
    client.drain_for(Duration::from_secs(2))?;
    let (rss, pss) = client.memory()?;
    println!("memory at the start: {rss:.1} MiB resident, {pss:.1} MiB proportional (wanted: 15)");
    let writer = Writer::start(&node.address, "hasty", "lobby", 0, Some(MANY))?;
    let last = format!("traffic {MANY}.");
    client.until(|screen| screen.contains(&last))?;
    writer.stop()?;
    client.drain_for(Duration::from_secs(2))?;
    let (rss, pss) = client.memory()?;
    println!(
        "memory after {MANY} messages: {rss:.1} MiB resident, {pss:.1} MiB proportional (wanted: 30)"
    );
    client.quit()
}

/// What a pane that is open costs the node, in percent of a core.
fn pane(folder: &Path, node: &Node) -> Result<(), Failure> {
    let writer = Writer::start(&node.address, "idler", "ops", LIGHT_TRAFFIC, None)?;
    let mut client = Terminal::start(folder, node, "lobby")?;
    client.until(|screen| screen.contains("connected"))?;
    // What has just been written is still being made searchable.
    let calm = Instant::now() + DEADLINE;
    while node.share(&mut client, Duration::from_secs(2))? > CALM && Instant::now() < calm {}
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        without.push(node.share(&mut client, LOOK)?);
        client.press(F2)?;
        client.until(|screen| screen.contains("1 up"))?;
        with.push(node.share(&mut client, LOOK)?);
        client.press(F2)?;
        client.until(|screen| screen.contains("#lobby"))?;
    }
    writer.stop()?;
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    println!(
        "node at {LIGHT_TRAFFIC} messages/s: {:.2} % of a core with a pane {with:.2?}, {:.2} % without {without:.2?}: {:.2} % (wanted: 1)",
        mean(&with),
        mean(&without),
        mean(&with) - mean(&without)
    );
    client.quit()
}

fn said(what: &str, times: &mut [Duration], wanted: &str) {
    times.sort_unstable();
    let at =
        |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms (wanted: {wanted})",
        at(50),
        at(90),
        at(99)
    );
}

/// A program that was built beside this one.
fn beside(name: &str) -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).ok_or("no target folder")?;
    Ok(target.join(name))
}

struct Node {
    child: Child,
    address: String,
}

impl Node {
    fn start(folder: &Path, data: &Path) -> Result<Node, Failure> {
        let mut child = Command::new(beside("chat-node")?)
            .args([
                "--name",
                "n1",
                "--listen",
                "127.0.0.1:0",
                "--peer",
                "127.0.0.1:0",
            ])
            .args(["--rate", "0", "--log", "error", "--ready-fd", "1", "--data"])
            .arg(data)
            .env_clear()
            .env("HOME", folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let ready: serde_json::Value = serde_json::from_str(&line)?;
        let address = ready["nodes"][0]["listen"].as_str().ok_or("no address")?;
        Ok(Node {
            child,
            address: address.to_owned(),
        })
    }

    /// Percent of a core that it takes meanwhile.
    fn share(&self, client: &mut Terminal, time: Duration) -> Result<f64, Failure> {
        let (before, began) = (self.processor()?, Instant::now());
        client.drain_for(time)?;
        let spent = self.processor()? - before;
        Ok(spent.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
    }

    /// Time on a processor so far.
    fn processor(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let behind = stat.rsplit_once(')').ok_or("no stat")?.1;
        let fields: Vec<&str> = behind.split_whitespace().collect();
        // utime and stime, in hundredths of a second.
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who writes into a room, and lets the node wait for nothing.
struct Writer {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<std::io::Result<usize>>,
}

impl Writer {
    /// `rate` messages a second, or, with 0, `count` as fast as the node takes them.
    fn start(
        address: &str,
        name: &'static str,
        room: &str,
        rate: u32,
        count: Option<usize>,
    ) -> Result<Writer, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let (address, room) = (address.to_owned(), room.to_owned());
        let stopped = Arc::clone(&stop);
        let thread =
            std::thread::spawn(move || write(&address, name, &room, rate, count, &stopped));
        Ok(Writer { stop, thread })
    }

    /// Messages that were written.
    fn stop(self) -> Result<usize, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.thread.join().map_err(|_| "the writer failed")?;
        Ok(written?)
    }
}

fn write(
    address: &str,
    name: &str,
    room: &str,
    rate: u32,
    count: Option<usize>,
    stopped: &AtomicBool,
) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    std::thread::spawn(move || {
        let mut chunk = [0; 65536];
        while matches!(answers.read(&mut chunk), Ok(1..)) {}
    });
    let hello = serde_json::json!({"type": "user_join", "name": name});
    let join = serde_json::json!({"type": "join", "room": room, "limit": 1});
    stream.write_all(format!("{hello}\n{join}\n").as_bytes())?;
    let began = Instant::now();
    let mut written = 0;
    while !stopped.load(Ordering::Relaxed) || count.is_some() {
        if count.is_some_and(|count| written >= count) {
            break;
        }
        written += 1;
        let text = format!("traffic {written}. A line as people write them, with some words");
        let frame = serde_json::json!({"type": "send", "room": room, "text": text});
        stream.write_all(format!("{frame}\n").as_bytes())?;
        if rate > 0 {
            let due =
                began + Duration::from_secs(1) * u32::try_from(written).unwrap_or(u32::MAX) / rate;
            std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
        }
    }
    // The node closes once it has taken everything.
    stream.write_all(b"{\"type\":\"quit\"}\n")?;
    Ok(written)
}

/// The client on a terminal.
struct Terminal {
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    began: Instant,
}

impl Terminal {
    fn start(folder: &Path, node: &Node, room: &str) -> Result<Terminal, Failure> {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            ..PtySize::default()
        };
        let pty = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(beside("chat-tui")?);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("HOME", folder);
        command.args(["--name", "alice", "--room", room, "--node", &node.address]);
        let mut reader = pty.master.try_clone_reader()?;
        let (pieces, output) = sync_channel(1024);
        std::thread::spawn(move || {
            let mut piece = [0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                if pieces.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pty.master.take_writer()?;
        let some = |count| NonZero::new(count).ok_or("no screen");
        let parser = vt100::Parser::new(some(ROWS)?, some(COLUMNS)?, 0);
        let began = Instant::now();
        let child = pty.slave.spawn_command(command)?;
        Ok(Terminal {
            _master: pty.master,
            keys,
            child,
            output,
            parser,
            began,
        })
    }

    fn press(&mut self, keys: &str) -> Result<(), Failure> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// How long it took since `began` until the screen was like that.
    fn until(&mut self, like: impl Fn(&str) -> bool) -> Result<Duration, Failure> {
        self.until_screen(|screen| like(&screen.contents()))
    }

    fn until_row(&mut self, row: u16, like: impl Fn(&str) -> bool) -> Result<Duration, Failure> {
        self.until_screen(|screen| {
            let row = screen.rows(0, COLUMNS).nth(usize::from(row));
            row.is_some_and(|row| like(&row))
        })
    }

    fn until_screen(&mut self, like: impl Fn(&vt100::Screen) -> bool) -> Result<Duration, Failure> {
        let end = Instant::now() + DEADLINE;
        while !like(self.parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(piece) = self.output.recv_timeout(left) else {
                return Err(format!("it never came:\n{}", self.parser.screen().contents()).into());
            };
            self.parser.process(&piece);
        }
        Ok(self.began.elapsed())
    }

    fn drain_for(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Ok(piece) = self.output.recv_timeout(left) {
                self.parser.process(&piece);
            }
        }
        Ok(())
    }

    /// MiB: resident, and with what is shared divided among those who share it.
    fn memory(&self) -> Result<(f64, f64), Failure> {
        let pid = self.child.process_id().ok_or("no process")?;
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let field = |name: &str| -> Result<f64, Failure> {
            let line = text.lines().find(|line| line.starts_with(name));
            let kib = line
                .and_then(|line| line.split_whitespace().nth(1))
                .ok_or("no field")?;
            Ok(kib.parse::<f64>()? / 1024.0)
        };
        Ok((field("Rss:")?, field("Pss:")?))
    }

    fn quit(mut self) -> Result<(), Failure> {
        self.press("\x11")?;
        // It cannot end while nobody takes what it draws.
        while self.output.recv_timeout(DEADLINE).is_ok() {}
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
