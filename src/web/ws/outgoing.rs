//! What goes to a browser: frames as they stand on the wire, and what its socket has not taken.
//!
//! All sockets of a thread share one buffer; a session has one of its own only while its browser
//! reads too slowly.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// What the socket has not taken.
#[derive(Debug, Default)]
pub struct Outgoing(Option<Box<Rest>>);

#[derive(Debug)]
struct Rest {
    bytes: Box<[u8]>,
    written: usize,
}

impl Outgoing {
    /// Whether something waits for the socket.
    pub fn waits(&self) -> bool {
        self.0.is_some()
    }

    /// Writes what waits for the socket; ready when nothing does any more.
    pub fn poll_rest<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(rest) = &mut self.0 {
            ready!(poll_all(stream, cx, &rest.bytes, &mut rest.written))?;
            self.0 = None;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes `bytes`, and keeps what the socket does not take; nothing may wait before it.
    pub fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<()>> {
        debug_assert!(!self.waits());
        let mut written = 0;
        let ended = poll_all(stream, cx, bytes, &mut written);
        if ended.is_pending() {
            let bytes = Box::from(&bytes[written..]);
            self.0 = Some(Box::new(Rest { bytes, written: 0 }));
        }
        ended
    }
}

fn poll_all<S: AsyncWrite + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
    bytes: &[u8],
    written: &mut usize,
) -> Poll<io::Result<()>> {
    while *written < bytes.len() {
        match ready!(Pin::new(&mut *stream).poll_write(cx, &bytes[*written..]))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            more => *written += more,
        }
    }
    Pin::new(stream).poll_flush(cx)
}

pub fn text(out: &mut Vec<u8>, text: &str) {
    frame(out, OpCode::Data(Data::Text), text.as_bytes());
}

pub fn ping(out: &mut Vec<u8>) {
    frame(out, OpCode::Control(Control::Ping), b"");
}

pub fn pong(out: &mut Vec<u8>, payload: &[u8]) {
    frame(out, OpCode::Control(Control::Pong), payload);
}

pub fn close(out: &mut Vec<u8>, code: Option<CloseCode>) {
    let code = code.map(|code| u16::from(code).to_be_bytes());
    let payload = code.as_ref().map_or(&[][..], |code| &code[..]);
    frame(out, OpCode::Control(Control::Close), payload);
}

/// Whole and without a mask, as servers' frames are.
fn frame(out: &mut Vec<u8>, opcode: OpCode, payload: &[u8]) {
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    let written = header.format(payload.len() as u64, out);
    written.expect("a vector takes what it is given");
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn frames_are_as_the_standard_has_them() {
        assert_eq!(of(|out| text(out, "Hello")), b"\x81\x05Hello");
        assert_eq!(of(ping), b"\x89\x00");
        assert_eq!(of(|out| pong(out, b"Hello")), b"\x8a\x05Hello");
        assert_eq!(of(|out| close(out, None)), b"\x88\x00");
        let too_large = of(|out| close(out, Some(CloseCode::Size)));
        assert_eq!(too_large, b"\x88\x02\x03\xf1");
        for (bytes, head) in [
            (125, &b"\x81\x7d"[..]),
            (126, b"\x81\x7e\x00\x7e"),
            (65_535, b"\x81\x7e\xff\xff"),
            (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ] {
            let out = of(|out| text(out, &"x".repeat(bytes)));
            assert_eq!((&out[..head.len()], out.len()), (head, head.len() + bytes));
        }
    }

    #[tokio::test]
    async fn what_a_slow_socket_has_not_taken_goes_out_later_and_then_nothing_is_held() {
        use tokio::io::AsyncReadExt;
        let (mut ours, mut theirs) = tokio::io::duplex(10);
        let mut outgoing = Outgoing::default();
        let bytes: Vec<u8> = (0..100).collect();
        let mut first = true;
        let writing = std::future::poll_fn(|cx| {
            if std::mem::take(&mut first) {
                outgoing.poll_write(&mut ours, cx, &bytes)
            } else {
                assert!(outgoing.waits());
                outgoing.poll_rest(&mut ours, cx)
            }
        });
        let mut read = vec![0; 100];
        let (written, _) = tokio::join!(writing, theirs.read_exact(&mut read));
        written.unwrap();
        assert_eq!(read, bytes);
        assert!(!outgoing.waits());
    }
}
