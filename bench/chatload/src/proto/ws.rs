//! WebSocket, the client's side of it.

use std::io::Write;

use memchr::memmem;

use super::{Event, Session, Stage, text};

pub(super) const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// Bytes of the server's refusal that are shown.
const SHOWN_BYTES: usize = 80;

impl Session {
    pub(super) fn take_ws(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        sink: &mut impl FnMut(Event),
    ) -> Option<usize> {
        // The answer to the upgrade; no frame begins with an H.
        if self.stage == Stage::Opening && data.starts_with(b"H") {
            let end = memmem::find(data, b"\r\n\r\n")? + 4;
            if !data.starts_with(b"HTTP/1.1 101") {
                sink(Event::Error(text(&data[..end.min(SHOWN_BYTES)])));
            }
            return Some(end);
        }
        let (head, len) = match *data.get(1)? & 0x7f {
            126 => {
                let len = data.get(2..4)?.try_into().ok()?;
                (4, usize::from(u16::from_be_bytes(len)))
            }
            127 => {
                let len = data.get(2..10)?.try_into().ok()?;
                (10, usize::try_from(u64::from_be_bytes(len)).ok()?)
            }
            len => (2, usize::from(len)),
        };
        let body = data.get(head..head + len)?;
        match data[0] {
            PING => frame(out, PONG, body),
            CLOSE => sink(Event::Error("closed by the server".into())),
            PONG => {}
            _ => self.take_chat(body, out, sink),
        }
        Some(head + len)
    }
}

pub(super) fn upgrade(out: &mut Vec<u8>, path: &str) {
    let _ = write!(
        out,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
}

/// A client's frame of less than 64 KiB, masked with zeroes: the server unmasks all the same.
pub(super) fn frame(out: &mut Vec<u8>, operation: u8, body: &[u8]) {
    const MASKED: u8 = 0x80;
    out.push(operation);
    match body.len() {
        len @ ..126 => out.push(MASKED | len as u8),
        len => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(body);
}
