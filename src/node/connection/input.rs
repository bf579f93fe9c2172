//! The reading half: bytes from the socket into lines, only as many as may be handled now.

use std::cell::RefCell;
use std::io::{self, Read};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::protocol::limits::LINE_BYTES_MAX;
use crate::protocol::line::{Line, LineBuffer};

/// Bytes taken from a socket in one call.
const READ_BYTES: usize = 64 * 1024;

/// Telnet's escape (RFC 854).
const IAC: u8 = 0xff;

thread_local! {
    /// Shared by all connections of a thread: nobody waits while it is borrowed.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// What a client has sent and is not handled yet. Between lines it holds no memory.
#[derive(Default)]
pub struct Input(Option<Box<Held>>);

struct Held {
    lines: LineBuffer,
    /// Bytes behind the last line that was handled; at most one reading.
    rest: Vec<u8>,
    /// How many of them have gone into `lines`.
    taken: usize,
}

/// What a reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Something, or nothing yet.
    Some,
    /// The client has closed its side.
    End,
}

impl Input {
    /// Whether bytes wait for the session to have room for another request.
    pub fn has_rest(&self) -> bool {
        self.0.as_ref().is_some_and(|held| held.has_rest())
    }

    /// Forgets what is not handled.
    pub fn clear(&mut self) {
        if let Some(held) = &mut self.0 {
            held.clear();
        }
        self.put_away();
    }

    /// Takes what the socket has, and keeps it for [`Input::next`].
    ///
    /// # Errors
    /// When the socket is dead.
    pub fn receive(&mut self, stream: &TcpStream) -> io::Result<Received> {
        SCRATCH.with_borrow_mut(|scratch| match read_some(stream, scratch) {
            Ok(0) => Ok(Received::End),
            Ok(read) => {
                let held = self.0.get_or_insert_default();
                held.rest.extend_from_slice(&scratch[..read]);
                Ok(Received::Some)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Some),
            Err(error) => Err(error),
        })
    }

    /// How many of telnet's timing marks are to be answered.
    pub fn take_marks(&mut self) -> usize {
        let marks = self.0.as_mut().map_or(0, |held| held.lines.take_marks());
        self.put_away();
        marks
    }

    /// The next whole line.
    pub fn next(&mut self) -> Option<Line> {
        let line = self.0.as_mut()?.next();
        self.put_away();
        line
    }

    fn put_away(&mut self) {
        let idle = |held: &mut Box<Held>| !held.has_rest() && held.lines.is_idle();
        self.0.take_if(idle);
    }
}

impl Default for Held {
    fn default() -> Held {
        Held {
            lines: LineBuffer::new(LINE_BYTES_MAX),
            rest: Vec::new(),
            taken: 0,
        }
    }
}

impl Held {
    fn has_rest(&self) -> bool {
        self.taken < self.rest.len()
    }

    fn clear(&mut self) {
        self.rest = Vec::new();
        self.taken = 0;
    }

    fn next(&mut self) -> Option<Line> {
        let mut bytes = &self.rest[self.taken..];
        let line = self.lines.next(&mut bytes);
        self.taken = self.rest.len() - bytes.len();
        if !self.has_rest() {
            self.clear();
        }
        line
    }
}

/// Reads once. What does not fill the buffer has emptied the socket: tokio is told so, and does not have
/// it read again to find out.
fn read_some(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut some = None;
    let read = stream.try_io(Interest::READABLE, || {
        let read = (&*SockRef::from(stream)).read(buffer)?;
        // Telnet's urgent data ends a reading early: there may be more behind it.
        if read > 0 && read < buffer.len() && !buffer[..read].contains(&IAC) {
            some = Some(read);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(read)
    });
    some.map_or(read, Ok)
}
