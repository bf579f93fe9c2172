//! IRC, as far as a fan-out needs it.

use std::io::Write;

use memchr::memmem;

use super::{Event, Session, Stage, text};

impl Session {
    pub(super) fn start_irc(&self, out: &mut Vec<u8>) {
        let name = &self.name;
        let _ = write!(out, "NICK {name}\r\nUSER {name} 0 * :{name}\r\n");
    }

    pub(super) fn publish_irc(&self, room: usize, payload: &[u8], out: &mut Vec<u8>) {
        let _ = write!(out, "PRIVMSG #{} :", self.rooms[room]);
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
    }

    pub(super) fn take_irc(
        &mut self,
        line: &[u8],
        out: &mut Vec<u8>,
        sink: &mut impl FnMut(Event),
    ) {
        if let Some(token) = line.strip_prefix(b"PING") {
            out.extend_from_slice(b"PONG");
            out.extend_from_slice(token);
            out.push(b'\n');
        } else if line.starts_with(b"ERROR") {
            sink(Event::Error(text(line)));
        } else if self.stage == Stage::Ready {
            if let Some(at) = memmem::find(line, b" PRIVMSG #") {
                sink(Event::Message(&line[at..]));
            }
        } else {
            match line.split(|&byte| byte == b' ').nth(1) {
                // Welcome.
                Some(b"001") => {
                    self.joining();
                    for room in &self.rooms {
                        let _ = write!(out, "JOIN #{room}\r\n");
                    }
                }
                // The end of the names in a room.
                Some(b"366") => self.joined(sink),
                // No message of the day.
                Some(b"422") => {}
                Some([b'4' | b'5', _, _]) => sink(Event::Error(text(line))),
                _ => {}
            }
        }
    }
}
