//! The writing half: one buffer, written in one call, given back when it is empty.

use std::io;

use tokio::net::TcpStream;

use crate::protocol::ServerFrame;

/// What is due to the socket.
#[derive(Default)]
pub struct Output {
    bytes: Vec<u8>,
    written: usize,
}

impl Output {
    /// Bytes that the socket has not taken yet.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where lines are appended.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub fn push(&mut self, frame: &ServerFrame) {
        frame.encode_into(&mut self.bytes);
    }

    /// Writes `bytes` behind what is due: at once and without a copy if nothing is.
    ///
    /// # Errors
    /// When the socket is dead.
    pub fn write_through(&mut self, stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        if !self.is_empty() {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        let written = match stream.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if is_for_later(&error) => 0,
            Err(error) => return Err(error),
        };
        self.bytes.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Writes until all is written or the socket is full.
    ///
    /// # Errors
    /// When the socket is dead.
    pub fn write(&mut self, stream: &TcpStream) -> io::Result<()> {
        while !self.is_empty() {
            match stream.try_write(&self.bytes[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.compact();
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        *self = Output::default();
        Ok(())
    }

    /// Moves what is left to the front once half is written, so that the buffer does not grow.
    fn compact(&mut self) {
        if self.written * 2 > self.bytes.len() {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
