//! The protocols: what a connection says to get into its rooms, how a message is published, and what
//! comes in. All of them are reduced to four events.

mod chat;
mod irc;
mod redis;
mod ws;

use clap::ValueEnum;
use memchr::memchr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Proto {
    /// The line protocol of `limit`: a line goes to everyone, the sender included.
    Raw,
    /// Our own protocol, one JSON object a line over TCP.
    Ndjson,
    /// Our own protocol over WebSocket at /ws.
    Ws,
    /// Redis SUBSCRIBE and PUBLISH; XADD to a stream in ingest runs.
    Redis,
    /// RFC 1459 client: NICK, USER, JOIN, PRIVMSG.
    Irc,
}

pub enum Event<'a> {
    /// In all its rooms: from here on every message is due.
    Ready,
    /// Something that may hold a message of ours.
    Message(&'a [u8]),
    /// The oldest unacknowledged publication is accepted, on as many disks as the server says.
    Ack {
        copies: u32,
    },
    Error(String),
}

/// One connection's side of a protocol.
pub struct Session {
    proto: Proto,
    rooms: Vec<String>,
    /// Unlike that of any other connection of this run or another.
    name: String,
    /// Whether it takes part in its rooms; in some protocols a publisher need not.
    listens: bool,
    /// Ask for acknowledgements.
    acks: bool,
    stage: Stage,
    sent: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    /// How many rooms it is not in yet.
    Joining(usize),
    Ready,
}

impl Session {
    pub fn new(proto: Proto, name: String, rooms: Vec<String>, listens: bool, acks: bool) -> Self {
        Session {
            proto,
            rooms,
            name,
            listens,
            acks,
            stage: Stage::Opening,
            sent: 0,
        }
    }

    /// What is said first, once the connection stands.
    pub fn start(&mut self, out: &mut Vec<u8>) {
        match self.proto {
            Proto::Raw | Proto::Ndjson => {}
            Proto::Ws => ws::upgrade(out, "/ws"),
            Proto::Redis => self.start_redis(out),
            Proto::Irc => self.start_irc(out),
        }
    }

    /// Says something in one of the session's rooms.
    pub fn publish(&mut self, room: usize, payload: &[u8], out: &mut Vec<u8>) {
        self.sent += 1;
        match self.proto {
            Proto::Raw => {
                out.extend_from_slice(payload);
                out.push(b'\n');
            }
            Proto::Ndjson | Proto::Ws => self.publish_chat(room, payload, out),
            Proto::Redis => self.publish_redis(room, payload, out),
            Proto::Irc => self.publish_irc(room, payload, out),
        }
    }

    /// Takes in what has arrived; returns how many bytes of it were whole frames.
    pub fn feed(&mut self, data: &[u8], out: &mut Vec<u8>, sink: &mut impl FnMut(Event)) -> usize {
        let mut at = 0;
        while let Some(used) = self.take_frame(&data[at..], out, sink) {
            at += used;
        }
        at
    }

    /// The length of the first frame, if it is whole.
    fn take_frame(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        sink: &mut impl FnMut(Event),
    ) -> Option<usize> {
        match self.proto {
            Proto::Redis => return self.take_redis(data, sink),
            Proto::Ws => return self.take_ws(data, out, sink),
            Proto::Raw | Proto::Ndjson | Proto::Irc => {}
        }
        let end = memchr(b'\n', data)?;
        let line = &data[..end];
        match self.proto {
            Proto::Irc => self.take_irc(line, out, sink),
            Proto::Ndjson => self.take_chat(line, out, sink),
            _ if self.stage == Stage::Ready => sink(Event::Message(line)),
            _ => self.ready(sink),
        }
        Some(end + 1)
    }

    /// The rooms have been asked for.
    fn joining(&mut self) {
        self.stage = Stage::Joining(self.rooms.len());
    }

    /// It is in one more of its rooms.
    fn joined(&mut self, sink: &mut impl FnMut(Event)) {
        match self.stage {
            Stage::Joining(left) if left > 1 => self.stage = Stage::Joining(left - 1),
            Stage::Joining(_) => self.ready(sink),
            Stage::Opening | Stage::Ready => {}
        }
    }

    fn ready(&mut self, sink: &mut impl FnMut(Event)) {
        self.stage = Stage::Ready;
        sink(Event::Ready);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
