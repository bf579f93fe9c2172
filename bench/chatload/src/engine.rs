//! The connections of a run, and the loop that serves them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::arguments::Common;
use crate::procstat::now_ns;
use crate::proto::{Event, Session};
use crate::track::{Tracker, histogram};

pub const SECOND_NS: u64 = 1_000_000_000;

/// Bytes of one read.
const READ_BYTES: usize = 256 << 10;

const EVENTS: usize = 2048;

/// Bytes that may still come within [`QUIET_NS`] after the last join, to be called quiet.
const QUIET_BYTES: u64 = 4096;

const QUIET_NS: u64 = SECOND_NS / 2;

/// The longest that a turn waits where there is nothing to do.
pub const IDLE_NS: u64 = SECOND_NS / 20;

pub struct Connection {
    stream: TcpStream,
    pub session: Session,
    /// Its number among those whom messages are due at.
    seat: Option<usize>,
    /// A frame whose end has not arrived.
    pending: Vec<u8>,
    pub out: Vec<u8>,
    open: bool,
    /// When each unacknowledged message was sent, where that counts.
    pub unacked: VecDeque<u64>,
}

impl Connection {
    /// Writes what the socket takes.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.out.len() {
            match self.stream.write(&self.out[sent..]) {
                Ok(count) => sent += count,
                Err(error) if waits(&error) => break,
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..sent);
        Ok(())
    }
}

/// Whether the socket will be able to later, and tell so.
fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected
    )
}

/// Acknowledged publications.
pub struct Acks {
    pub count: u64,
    /// Nanoseconds.
    pub latency: Histogram<u64>,
    /// The fewest disks that one of them spoke of.
    pub copies_min: u32,
}

pub struct Engine {
    poll: Poll,
    events: Events,
    pub connections: Vec<Connection>,
    pub track: Tracker,
    pub acks: Acks,
    ready: usize,
    pub disconnected: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Engine {
    pub fn new(track: Tracker) -> io::Result<Self> {
        Ok(Engine {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            connections: Vec::new(),
            track,
            acks: Acks {
                count: 0,
                latency: histogram(),
                copies_min: u32::MAX,
            },
            ready: 0,
            disconnected: 0,
            errors: 0,
            first_error: None,
            bytes: 0,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Opens connections, `burst` at a time, until all are in their rooms and it has become quiet.
    /// `open` makes the one of a number. Returns the seconds it took until all were there.
    ///
    /// # Errors
    /// When one is refused or lost, or it takes too long.
    pub fn set_up(
        &mut self,
        common: &Common,
        total: usize,
        open: impl Fn(usize) -> (SocketAddr, Session, Option<usize>),
    ) -> io::Result<f64> {
        let start = now_ns();
        let give_up = start + common.setup_timeout * SECOND_NS;
        while self.ready < total {
            while self.connections.len() < total
                && self.connections.len() - self.ready < common.burst
            {
                let (address, session, seat) = open(self.connections.len());
                self.connect(address, session, seat)?;
            }
            self.turn(IDLE_NS)?;
            if now_ns() > give_up || self.disconnected > 0 {
                let why = self.first_error.clone().unwrap_or_default();
                let ready = self.ready;
                return Err(io::Error::other(format!(
                    "{ready} of {total} connections ready; {why}"
                )));
            }
        }
        let took = (now_ns() - start) as f64 / 1e9;
        // Joins of others may still be on their way to us.
        let (mut quiet_since, mut bytes) = (now_ns(), self.bytes);
        while now_ns() < quiet_since + QUIET_NS && now_ns() < give_up {
            self.turn(IDLE_NS)?;
            if self.bytes > bytes + QUIET_BYTES {
                (bytes, quiet_since) = (self.bytes, now_ns());
            }
        }
        Ok(took)
    }

    fn connect(
        &mut self,
        address: SocketAddr,
        mut session: Session,
        seat: Option<usize>,
    ) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        self.poll.registry().register(
            &mut stream,
            Token(self.connections.len()),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let mut out = Vec::new();
        session.start(&mut out);
        self.connections.push(Connection {
            stream,
            session,
            seat,
            pending: Vec::new(),
            out,
            open: true,
            unacked: VecDeque::new(),
        });
        Ok(())
    }

    /// Waits for something to happen, `timeout_ns` at most, and deals with it.
    pub fn turn(&mut self, timeout_ns: u64) -> io::Result<()> {
        // The system waits in whole milliseconds, rounded up: the last one is spent polling.
        let timeout = Duration::from_millis(timeout_ns / 1_000_000);
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let events = self.events.iter();
        let ready: Vec<_> = events
            .map(|event| (event.token().0, event.is_readable(), event.is_writable()))
            .collect();
        for (index, readable, writable) in ready {
            if !self.connections[index].open {
                continue;
            }
            let mut result = Ok(());
            if writable {
                result = self.connections[index].flush();
            }
            if readable && result.is_ok() {
                result = self.receive(index);
            }
            if let Err(error) = result {
                self.connections[index].open = false;
                self.disconnected += 1;
                self.first_error.get_or_insert(error.to_string());
            }
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let Connection {
            session,
            pending,
            out,
            unacked,
            ..
        } = connection;
        loop {
            let count = match connection.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if waits(&error) => break,
                Err(error) => return Err(error),
            };
            self.bytes += count as u64;
            let now = now_ns();
            let mut sink = |event: Event| match event {
                Event::Message(data) => self.track.arrived(connection.seat, data, now),
                Event::Ready => self.ready += 1,
                Event::Ack { copies } => {
                    if let Some(sent) = unacked.pop_front() {
                        self.acks.count += 1;
                        self.acks.latency.saturating_record(now - sent);
                        self.acks.copies_min = self.acks.copies_min.min(copies);
                    }
                }
                Event::Error(text) => {
                    self.errors += 1;
                    self.first_error.get_or_insert(text);
                }
            };
            let data = &self.buffer[..count];
            if pending.is_empty() {
                let used = session.feed(data, out, &mut sink);
                pending.extend_from_slice(&data[used..]);
            } else {
                pending.extend_from_slice(data);
                let used = session.feed(pending, out, &mut sink);
                pending.drain(..used);
            }
            // After a short read, what comes later makes a new event.
            if count < self.buffer.len() {
                break;
            }
        }
        connection.flush()
    }
}

/// A name in 16 letters no two of which look alike: servers refuse names that do.
pub fn name(run: u32, number: usize) -> String {
    let digits = format!("{:03x}-{number:x}", run & 0xfff);
    let letter = |digit: char| match digit.to_digit(16) {
        Some(value) => char::from(b"acdefghjkpqtuxyz"[value as usize]),
        None => digit,
    };
    format!("b{}", digits.chars().map(letter).collect::<String>())
}
