//! `limit ADDR:PORT`: every line received from anyone goes to every connection, the sender included.
//!
//! One thread, one epoll set, no parsing beyond finding the last newline: all the lines of one wake-up
//! form one batch, and the batch is written to every connection with one `send` each. What this costs
//! for a delivery is the floor of TCP fan-out on this machine. A new connection is greeted with `ok`,
//! so that a client knows that it has been accepted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// Bytes that a connection may be behind before it is given up.
const BACKLOG_BYTES_MAX: usize = 64 << 20;

/// Bytes of one read.
const READ_BYTES: usize = 256 << 10;

const EVENTS: usize = 1024;

const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(EVENTS);
    let mut connections: Vec<Connection> = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut batch = Vec::new();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Err(_) | Ok(()) => {}
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let connection = &mut connections[event.token().0];
            if event.is_writable() {
                connection.write_backlog();
            }
            if event.is_readable() {
                connection.read(&mut buffer, &mut batch);
            }
        }
        if !batch.is_empty() {
            for connection in &mut connections {
                connection.deliver(&batch);
            }
            batch.clear();
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Vec<Connection>,
) -> io::Result<()> {
    while let Ok((mut stream, _)) = listener.accept() {
        let _ = stream.set_nodelay(true);
        poll.registry().register(
            &mut stream,
            Token(connections.len()),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let mut connection = Connection {
            stream: Some(stream),
            partial: Vec::new(),
            backlog: Vec::new(),
        };
        connection.deliver(b"ok\n");
        connections.push(connection);
    }
    Ok(())
}

struct Connection {
    /// None once it is closed. Places are not used again: a run opens each connection once.
    stream: Option<TcpStream>,
    /// The start of a line whose end has not arrived.
    partial: Vec<u8>,
    /// What the socket would not take yet.
    backlog: Vec<u8>,
}

impl Connection {
    fn deliver(&mut self, data: &[u8]) {
        let sent = if self.backlog.is_empty() {
            self.send(data)
        } else {
            0
        };
        if self.stream.is_some() {
            self.backlog.extend_from_slice(&data[sent..]);
        }
        if self.backlog.len() > BACKLOG_BYTES_MAX {
            self.close();
        }
    }

    fn write_backlog(&mut self) {
        if !self.backlog.is_empty() {
            let backlog = std::mem::take(&mut self.backlog);
            let sent = self.send(&backlog);
            self.backlog.extend_from_slice(&backlog[sent..]);
        }
    }

    /// How many bytes the socket has taken.
    fn send(&mut self, data: &[u8]) -> usize {
        let Some(stream) = &mut self.stream else {
            return data.len();
        };
        match stream.write(data) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.close();
                data.len()
            }
        }
    }

    /// Adds the whole lines that have come to the batch.
    fn read(&mut self, buffer: &mut [u8], batch: &mut Vec<u8>) {
        while let Some(stream) = &mut self.stream {
            let data = match stream.read(buffer) {
                Ok(0) => return self.close(),
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.close(),
            };
            let whole = data.iter().rposition(|&byte| byte == b'\n');
            let whole = whole.map_or(0, |end| end + 1);
            if whole > 0 {
                batch.append(&mut self.partial);
                batch.extend_from_slice(&data[..whole]);
            }
            self.partial.extend_from_slice(&data[whole..]);
        }
    }

    fn close(&mut self) {
        self.stream = None;
        self.partial = Vec::new();
        self.backlog = Vec::new();
    }
}
