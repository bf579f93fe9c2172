//! Our own protocol (`docs/PROTOCOL.md`), on either transport.

use memchr::{memchr, memmem};

use super::{Event, Proto, Session, text, ws};

impl Session {
    pub(super) fn publish_chat(&self, room: usize, payload: &[u8], out: &mut Vec<u8>) {
        let frame = format!(
            r#"{{"type":"send","room":"{}","text":"{}","nonce":"{}-{}"}}"#,
            self.rooms[room],
            String::from_utf8_lossy(payload),
            self.name,
            self.sent
        );
        self.send_frame(out, &frame);
    }

    pub(super) fn take_chat(
        &mut self,
        frame: &[u8],
        out: &mut Vec<u8>,
        sink: &mut impl FnMut(Event),
    ) {
        match kind(frame) {
            b"new_message" => sink(Event::Message(frame)),
            b"sent" => sink(Event::Ack {
                copies: copies(frame),
            }),
            b"connect" => {
                let hello = format!(r#"{{"type":"user_join","name":"{}"}}"#, self.name);
                self.send_frame(out, &hello);
            }
            b"session" => {
                self.joining();
                for room in &self.rooms {
                    let join = format!(r#"{{"type":"join","room":"{room}","limit":1}}"#);
                    self.send_frame(out, &join);
                }
            }
            b"room" => self.joined(sink),
            b"error" | b"disconnect" | b"gap" => sink(Event::Error(text(frame))),
            _ => {}
        }
    }

    fn send_frame(&self, out: &mut Vec<u8>, frame: &str) {
        if self.proto == Proto::Ws {
            ws::frame(out, ws::TEXT, frame.as_bytes());
        } else {
            out.extend_from_slice(frame.as_bytes());
            out.push(b'\n');
        }
    }
}

/// What `type` says: it is the first field of all that the servers send.
fn kind(frame: &[u8]) -> &[u8] {
    match frame.strip_prefix(br#"{"type":""#) {
        Some(rest) => &rest[..memchr(b'"', rest).unwrap_or(0)],
        None => b"",
    }
}

/// How many disks a `sent` frame speaks of.
fn copies(frame: &[u8]) -> u32 {
    const FIELD: &[u8] = br#""copies":"#;
    let at = memmem::find(frame, FIELD).map(|at| at + FIELD.len());
    let digits = at.map_or(&[][..], |at| &frame[at..]);
    let end = digits.iter().take_while(|byte| byte.is_ascii_digit());
    text(&digits[..end.count()]).parse().unwrap_or(0)
}
