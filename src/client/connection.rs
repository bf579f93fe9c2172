//! The edge of the client: sockets, clocks, chance. It does what the machine decides.
//!
//! One task a client. It never shows anything, and it waits for a slow reader of its events: then it
//! reads no more from the node, which keeps what is missed in its log.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::event::{ClientEvent, Command, Effect, Input, Moment, Options, Seek};
use super::machine::{Machine, PROBE_TIMEOUT_MS, SILENCE_MS};
use crate::protocol::limits::SERVER_LINE_BYTES_MAX;
use crate::protocol::line::{Line, LineBuffer};
use crate::protocol::{ClientFrame, Nonce, Request, RoomRef, ServerFrame, Ts};

/// Commands that wait for the client's task.
const COMMANDS_MAX: usize = 256;

/// Events that wait for their reader.
const EVENTS_MAX: usize = 1024;

/// Bytes read from the socket at a time.
const READ_BYTES: usize = 64 * 1024;

/// For a line to be written: a node that takes no more bytes is taken for lost, as soon as a silent one is.
const WRITE_TIMEOUT: Duration = Duration::from_millis(SILENCE_MS + PROBE_TIMEOUT_MS);

/// For saying goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the clocks are compared at least, to notice that the machine has slept.
const TICK_MAX: Duration = Duration::from_secs(1);

/// Makes clients.
#[derive(Debug)]
pub struct Client;

/// The client's task takes no command now: too many wait, or it has ended.
#[derive(Debug, thiserror::Error)]
#[error("the connection is busy or closed")]
pub struct Busy;

/// Where commands are given. Dropped, it ends the client.
#[derive(Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
    last_re: AtomicI64,
}

impl Client {
    /// Starts a client; it connects, and stays connected, until its handle is closed or dropped.
    pub fn connect(options: Options) -> (Handle, mpsc::Receiver<ClientEvent>) {
        Client::start(options, None)
    }

    /// The same, for a client that looks for nodes again whenever none of those that it knows answers.
    pub fn connect_seeking(
        options: Options,
        seek: Box<dyn Seek>,
    ) -> (Handle, mpsc::Receiver<ClientEvent>) {
        Client::start(options, Some(seek))
    }

    fn start(
        options: Options,
        seek: Option<Box<dyn Seek>>,
    ) -> (Handle, mpsc::Receiver<ClientEvent>) {
        let (commands, commanded) = mpsc::channel(COMMANDS_MAX);
        let (events, told) = mpsc::channel(EVENTS_MAX);
        let stop = CancellationToken::new();
        let seed = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        let mut machine = Machine::new(options, seed);
        if seek.is_some() {
            machine = machine.seeking();
        }
        let edge = Edge {
            machine,
            seek,
            started: Instant::now(),
            link: Link::None,
            lines: LineBuffer::new(SERVER_LINE_BYTES_MAX),
            events,
        };
        let task = tokio::spawn(edge.run(commanded, stop.clone()));
        let handle = Handle {
            commands,
            stop,
            task: Some(task),
            last_re: AtomicI64::new(0),
        };
        (handle, told)
    }
}

impl Handle {
    /// Gives a command.
    ///
    /// # Errors
    /// When too many wait already, or the client has ended.
    pub fn command(&self, command: Command) -> Result<(), Busy> {
        self.commands.try_send(command).map_err(|_| Busy)
    }

    /// Says something that is to be stored (send, edit, delete, react, topic). Its nonce is the
    /// frame's own, or a new one; [`ClientEvent::Sent`], `Done` or `Failed` will name it.
    ///
    /// # Errors
    /// As [`command`](Handle::command).
    pub fn write(&self, mut frame: ClientFrame) -> Result<Nonce, Busy> {
        let nonce = with_nonce(&mut frame);
        self.command(Command::Write(frame)).map(|()| nonce)
    }

    /// Asks anything else; the answer has the `re` that is given back.
    ///
    /// # Errors
    /// As [`command`](Handle::command).
    pub fn ask(&self, frame: ClientFrame) -> Result<i64, Busy> {
        let re = self.last_re.fetch_add(1, Ordering::Relaxed) + 1;
        self.command(Command::Ask { re, frame }).map(|()| re)
    }

    /// Enters a room, and stays in it.
    ///
    /// # Errors
    /// As [`command`](Handle::command).
    pub fn join(&self, room: RoomRef, limit: Option<usize>) -> Result<(), Busy> {
        self.command(Command::Join { room, limit })
    }

    /// Says goodbye and ends the client.
    pub async fn close(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // One that does not end in time is ended with the process; it holds nothing but a socket.
            let _ = timeout(CLOSE_TIMEOUT * 2, task).await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the system says of a connection, as a part of a sentence: `connection refused`, without a number.
pub(super) fn in_words(error: &std::io::Error) -> String {
    let said = error.to_string();
    let said = said.split(" (os error").next().unwrap_or_default();
    if said.starts_with("failed to lookup address") {
        return "there is no such host".to_owned();
    }
    let mut chars = said.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// A nonce that is like no other, and sorts by time.
pub fn new_nonce() -> Nonce {
    let ulid = ulid::Ulid::generate().to_string();
    Nonce::parse(&ulid).expect("a ULID is 26 letters and digits")
}

fn with_nonce(frame: &mut ClientFrame) -> Nonce {
    match frame {
        ClientFrame::Send { nonce, .. }
        | ClientFrame::Edit { nonce, .. }
        | ClientFrame::Delete { nonce, .. }
        | ClientFrame::React { nonce, .. }
        | ClientFrame::Topic { nonce, .. } => nonce.get_or_insert_with(new_nonce).clone(),
        _ => new_nonce(),
    }
}

/// The client's task.
struct Edge {
    machine: Machine,
    seek: Option<Box<dyn Seek>>,
    started: Instant,
    link: Link,
    lines: LineBuffer,
    events: mpsc::Sender<ClientEvent>,
}

enum Link {
    None,
    /// Its end gives the socket, or why there is none. Dropped, the attempt ends.
    Dialing(AbortOnDrop<std::io::Result<TcpStream>>),
    Open {
        reader: OwnedReadHalf,
        writer: OwnedWriteHalf,
        buffer: Vec<u8>,
    },
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the link brought.
enum Brought {
    Dialed(std::io::Result<TcpStream>),
    Bytes(usize),
    Lost(String),
}

impl Edge {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: CancellationToken) {
        self.feed(Input::Tick).await;
        while !self.machine.is_closed() {
            let pause = self.pause();
            let going_on = tokio::select! {
                biased;
                () = stop.cancelled() => false,
                brought = self.link.next() => self.take(brought).await,
                command = commands.recv() => match command {
                    Some(command) => self.feed(Input::Command(command)).await,
                    None => false,
                },
                () = tokio::time::sleep(pause) => self.feed(Input::Tick).await,
            };
            if !going_on {
                break;
            }
        }
        self.say_goodbye().await;
    }

    async fn take(&mut self, brought: Brought) -> bool {
        match brought {
            Brought::Dialed(Ok(stream)) => {
                // Lines are small and wanted at once.
                let _ = stream.set_nodelay(true);
                let (reader, writer) = stream.into_split();
                self.lines = LineBuffer::new(SERVER_LINE_BYTES_MAX);
                self.link = Link::Open {
                    reader,
                    writer,
                    buffer: vec![0; READ_BYTES],
                };
                self.feed(Input::Dialed).await
            }
            Brought::Dialed(Err(error)) => {
                self.link = Link::None;
                self.feed(Input::Lost(in_words(&error))).await
            }
            Brought::Lost(reason) => {
                self.link = Link::None;
                self.feed(Input::Lost(reason)).await
            }
            Brought::Bytes(count) => self.read(count).await,
        }
    }

    /// Feeds the lines that have come in, until one of them makes the machine hang up.
    async fn read(&mut self, count: usize) -> bool {
        let Link::Open { buffer, .. } = &mut self.link else {
            return true;
        };
        let bytes = buffer[..count].to_vec();
        let mut rest = bytes.as_slice();
        while let Some(line) = self.lines.next(&mut rest) {
            let frame = match &line {
                Line::Text(text) => ServerFrame::decode(text).ok(),
                Line::Skipped(_) => None,
            };
            let input = frame.map_or(Input::Noise, |frame| Input::Frame(Box::new(frame)));
            if !self.feed(input).await {
                return false;
            }
            if !matches!(self.link, Link::Open { .. }) {
                break;
            }
        }
        true
    }

    /// Gives the machine one input and does what it wants; false when nobody listens any more.
    async fn feed(&mut self, input: Input) -> bool {
        let mut input = Some(input);
        while let Some(next) = input.take() {
            let effects = self.machine.update(self.now(), next);
            for effect in effects {
                match effect {
                    Effect::Dial(address) => self.link = Link::dial(address),
                    Effect::HangUp => self.link = Link::None,
                    Effect::Seek => {
                        let found = self.seek.as_mut().map(|seek| seek.seek());
                        input = Some(Input::Found(found.unwrap_or_default()));
                    }
                    Effect::Tell(event) => {
                        if let (ClientEvent::Online { address, .. }, Some(seek)) =
                            (&event, &mut self.seek)
                        {
                            seek.reached(address);
                        }
                        if self.events.send(event).await.is_err() {
                            return false;
                        }
                    }
                    Effect::Write(line) => {
                        if let Err(error) = self.link.write(&line).await {
                            self.link = Link::None;
                            input = Some(Input::Lost(in_words(&error)));
                        }
                    }
                }
            }
        }
        true
    }

    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall_us = wall.unwrap_or_default().as_micros();
        Moment {
            ms: self.started.elapsed().as_millis() as u64,
            wall: Ts(i64::try_from(wall_us).unwrap_or(i64::MAX)),
        }
    }

    fn pause(&self) -> Duration {
        let until_ms = self.machine.wake_at_ms().saturating_sub(self.now().ms);
        Duration::from_millis(until_ms).min(TICK_MAX)
    }

    async fn say_goodbye(&mut self) {
        let quit = Request {
            re: None,
            frame: ClientFrame::Quit,
        };
        let goodbye = async {
            if self.link.write(&quit.encode()).await.is_ok() {
                // The node closes once it has taken everything: until then nothing may be cut off.
                while !matches!(self.link.next().await, Brought::Lost(_)) {}
            }
        };
        let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
    }
}

impl Link {
    fn dial(address: String) -> Link {
        Link::Dialing(AbortOnDrop(tokio::spawn(TcpStream::connect(address))))
    }

    /// The next thing that happens; never comes without a connection.
    async fn next(&mut self) -> Brought {
        match self {
            Link::None => std::future::pending().await,
            Link::Dialing(attempt) => match (&mut attempt.0).await {
                Ok(outcome) => Brought::Dialed(outcome),
                Err(error) => Brought::Lost(error.to_string()),
            },
            Link::Open { reader, buffer, .. } => match reader.read(buffer).await {
                Ok(0) => Brought::Lost("the node closed the connection".to_owned()),
                Ok(count) => Brought::Bytes(count),
                Err(error) => Brought::Lost(in_words(&error)),
            },
        }
    }

    async fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        match self {
            Link::Open { writer, .. } => timeout(WRITE_TIMEOUT, writer.write_all(line)).await?,
            // It was lost a moment ago, and the machine will hear of it.
            Link::None | Link::Dialing(_) => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

#[cfg(test)]
mod tests;
