//! The protocol of Redis: publish and subscribe, and entries of a stream where acknowledgements count.

use std::io::Write;

use memchr::memchr;

use super::{Event, Session, Stage, text};

impl Session {
    pub(super) fn start_redis(&mut self, out: &mut Vec<u8>) {
        if self.listens {
            self.joining();
            for room in &self.rooms {
                command(out, &[b"SUBSCRIBE", room.as_bytes()]);
            }
        } else {
            command(out, &[b"PING"]);
        }
    }

    pub(super) fn publish_redis(&self, room: usize, payload: &[u8], out: &mut Vec<u8>) {
        let room = self.rooms[room].as_bytes();
        if self.acks {
            command(out, &[b"XADD", room, b"*", b"m", payload]);
        } else {
            command(out, &[b"PUBLISH", room, payload]);
        }
    }

    pub(super) fn take_redis(
        &mut self,
        data: &[u8],
        sink: &mut impl FnMut(Event),
    ) -> Option<usize> {
        let mut end = memchr(b'\n', data)? + 1;
        match data[0] {
            b'*' => {
                let items: usize = number(&data[1..end])?;
                let mut last: &[u8] = &[];
                for _ in 0..items {
                    let line_end = end + memchr(b'\n', &data[end..])? + 1;
                    if data[end] == b'$' {
                        let size: usize = number(&data[end + 1..line_end])?;
                        last = data.get(line_end..line_end + size)?;
                        data.get(line_end + size + 1)?;
                        end = line_end + size + 2;
                    } else {
                        end = line_end;
                    }
                }
                if self.stage == Stage::Ready {
                    sink(Event::Message(last));
                } else {
                    self.joined(sink);
                }
            }
            b'$' => {
                let size: usize = number(&data[1..end])?;
                data.get(end + size + 1)?;
                end += size + 2;
                sink(Event::Ack { copies: 1 });
            }
            b'-' => sink(Event::Error(text(&data[..end]))),
            _ if self.stage == Stage::Ready => {}
            _ => self.ready(sink),
        }
        Some(end)
    }
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n", word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

fn number(line: &[u8]) -> Option<usize> {
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}
