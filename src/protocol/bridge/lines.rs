//! The addressed lines of the link. Each begins with one letter and a number: a session's id, which
//! the bridge chooses and never gives twice on a link, or a room's handle, which the node chooses.
//!
//! ```text
//! bridge → node
//!   o7 192.0.2.1                 session 7 opens, for a browser at that address
//!   s7 {frame}                   session 7 says this
//!   j7,8 lobby {vector}          these sessions, moved here, are in the room and hold this much of it
//!   d7 {vector}                  session 7, moved here, holds this much of its direct conversations
//!   x7                           session 7 is gone
//!   p1                           are you there?
//!   f1                           how are all nodes? One is asked at a time
//! node → bridge
//!   s7,8 {frame}                 for these sessions: an answer, or what concerns one user
//!   s7,8 154:n1-4f2a {frame}     the same, for an event at that place
//!   n3 lobby {vector}            from now on handle 3 is this room, its lines follow from there
//!   m3 7                         session 7 is in the room now: what follows is for it too
//!   l3 7                         session 7 is in it no more; the handle ends with the last one
//!   r3 {frame}                   for all sessions in the room
//!   r3!7,8 154:n1-4f2a {frame}   for all but these, an event at that place
//!   v3 {vector}                  all up to there has been sent
//!   d7 {vector}                  all direct conversations up to there have been sent
//!   c7                           the node has closed session 7; the reason went before, as a frame
//!   p1                           yes
//!   f1 {frame}                   `stats` with the figures of all nodes
//! ```
//!
//! A frame is one JSON object without line ends. Whatever comes in, reading it never panics.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::protocol::ids::{Origin, Seq, VersionVector};
use crate::protocol::names::RoomName;

/// A session of a link.
pub type SessionId = u32;

/// A room on a link.
pub type Handle = u32;

/// Where an event stands: what a line of it adds to a version vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub origin: Origin,
    pub seq: Seq,
}

/// What a bridge says.
#[derive(Clone, Debug, PartialEq)]
pub enum ToNode<'a> {
    Open {
        id: SessionId,
        address: IpAddr,
    },
    Frame {
        id: SessionId,
        json: &'a str,
    },
    Resume {
        ids: Vec<SessionId>,
        room: RoomName,
        held: VersionVector,
    },
    ResumeDirect {
        id: SessionId,
        held: VersionVector,
    },
    Gone {
        id: SessionId,
    },
    Ping {
        number: u32,
    },
    Figures {
        number: u32,
    },
}

/// What a node says.
#[derive(Clone, Debug, PartialEq)]
pub enum ToBridge<'a> {
    Direct {
        ids: Vec<SessionId>,
        place: Option<Place>,
        json: &'a str,
    },
    Handle {
        handle: Handle,
        room: RoomName,
        held: VersionVector,
    },
    Entered {
        handle: Handle,
        id: SessionId,
    },
    Left {
        handle: Handle,
        id: SessionId,
    },
    Room {
        handle: Handle,
        except: Vec<SessionId>,
        place: Option<Place>,
        json: &'a str,
    },
    Held {
        handle: Handle,
        held: VersionVector,
    },
    HeldDirect {
        id: SessionId,
        held: VersionVector,
    },
    Closed {
        id: SessionId,
    },
    Pong {
        number: u32,
    },
    Figures {
        number: u32,
        json: &'a str,
    },
}

impl<'a> ToNode<'a> {
    /// Reads a line without its line end; `None` when it is none of these.
    pub fn read(line: &'a str) -> Option<ToNode<'a>> {
        let (letter, number, rest) = head(line)?;
        Some(match letter {
            b'o' => ToNode::Open {
                id: number,
                address: tail(rest)?.parse().ok()?,
            },
            b's' => ToNode::Frame {
                id: number,
                json: frame(tail(rest)?)?,
            },
            b'j' => {
                let (more, rest) = rest.split_once(' ')?;
                let ids = with_first(number, more)?;
                let (room, held) = room_and_vector(rest)?;
                ToNode::Resume { ids, room, held }
            }
            b'd' => ToNode::ResumeDirect {
                id: number,
                held: vector(tail(rest)?)?,
            },
            b'x' if rest.is_empty() => ToNode::Gone { id: number },
            b'p' if rest.is_empty() => ToNode::Ping { number },
            b'f' if rest.is_empty() => ToNode::Figures { number },
            _ => return None,
        })
    }

    /// Appends the line with its line end.
    pub fn write(&self, to: &mut Vec<u8>) {
        let mut line = String::new();
        match self {
            ToNode::Open { id, address } => put(&mut line, format_args!("o{id} {address}")),
            ToNode::Frame { id, json } => {
                put(&mut line, format_args!("s{id} "));
                line.push_str(json);
            }
            ToNode::Resume { ids, room, held } => {
                line.push('j');
                put_ids(&mut line, ids);
                put(&mut line, format_args!(" {room} {}", json_of(held)));
            }
            ToNode::ResumeDirect { id, held } => {
                put(&mut line, format_args!("d{id} {}", json_of(held)));
            }
            ToNode::Gone { id } => put(&mut line, format_args!("x{id}")),
            ToNode::Ping { number } => put(&mut line, format_args!("p{number}")),
            ToNode::Figures { number } => put(&mut line, format_args!("f{number}")),
        }
        to.extend_from_slice(line.as_bytes());
        to.push(b'\n');
    }
}

impl<'a> ToBridge<'a> {
    /// Reads a line without its line end; `None` when it is none of these.
    pub fn read(line: &'a str) -> Option<ToBridge<'a>> {
        let (letter, number, rest) = head(line)?;
        Some(match letter {
            b's' => {
                let (more, rest) = rest.split_once(' ')?;
                let ids = with_first(number, more)?;
                let (place, json) = place_and_frame(rest)?;
                ToBridge::Direct { ids, place, json }
            }
            b'n' => {
                let (room, held) = room_and_vector(tail(rest)?)?;
                ToBridge::Handle {
                    handle: number,
                    room,
                    held,
                }
            }
            b'm' => ToBridge::Entered {
                handle: number,
                id: digits(tail(rest)?)?,
            },
            b'l' => ToBridge::Left {
                handle: number,
                id: digits(tail(rest)?)?,
            },
            b'r' => {
                let (except, rest) = rest.split_once(' ')?;
                let except = match except.strip_prefix('!') {
                    Some(list) => ids(list)?,
                    None if except.is_empty() => Vec::new(),
                    None => return None,
                };
                let (place, json) = place_and_frame(rest)?;
                ToBridge::Room {
                    handle: number,
                    except,
                    place,
                    json,
                }
            }
            b'v' => ToBridge::Held {
                handle: number,
                held: vector(tail(rest)?)?,
            },
            b'd' => ToBridge::HeldDirect {
                id: number,
                held: vector(tail(rest)?)?,
            },
            b'c' if rest.is_empty() => ToBridge::Closed { id: number },
            b'p' if rest.is_empty() => ToBridge::Pong { number },
            b'f' => ToBridge::Figures {
                number,
                json: frame(tail(rest)?)?,
            },
            _ => return None,
        })
    }

    /// Appends the line with its line end.
    pub fn write(&self, to: &mut Vec<u8>) {
        let mut line = String::new();
        match self {
            ToBridge::Direct { ids, place, json } => {
                line.push('s');
                put_ids(&mut line, ids);
                put_place_and_frame(&mut line, place.as_ref(), json);
            }
            ToBridge::Handle { handle, room, held } => {
                put(
                    &mut line,
                    format_args!("n{handle} {room} {}", json_of(held)),
                );
            }
            ToBridge::Entered { handle, id } => put(&mut line, format_args!("m{handle} {id}")),
            ToBridge::Left { handle, id } => put(&mut line, format_args!("l{handle} {id}")),
            ToBridge::Room {
                handle,
                except,
                place,
                json,
            } => {
                put(&mut line, format_args!("r{handle}"));
                if !except.is_empty() {
                    line.push('!');
                    put_ids(&mut line, except);
                }
                put_place_and_frame(&mut line, place.as_ref(), json);
            }
            ToBridge::Held { handle, held } => {
                put(&mut line, format_args!("v{handle} {}", json_of(held)));
            }
            ToBridge::HeldDirect { id, held } => {
                put(&mut line, format_args!("d{id} {}", json_of(held)));
            }
            ToBridge::Closed { id } => put(&mut line, format_args!("c{id}")),
            ToBridge::Pong { number } => put(&mut line, format_args!("p{number}")),
            ToBridge::Figures { number, json } => put(&mut line, format_args!("f{number} {json}")),
        }
        to.extend_from_slice(line.as_bytes());
        to.push(b'\n');
    }
}

/// The letter, the number behind it, and what follows.
fn head(line: &str) -> Option<(u8, u32, &str)> {
    let letter = *line.as_bytes().first()?;
    if !letter.is_ascii_lowercase() {
        return None;
    }
    let rest = &line[1..];
    let end = rest
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((letter, digits(&rest[..end])?, &rest[end..]))
}

/// What stands behind the space.
fn tail(rest: &str) -> Option<&str> {
    rest.strip_prefix(' ')
}

/// A number of digits only: `parse` alone would take a sign.
fn digits(text: &str) -> Option<u32> {
    let only = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    only.then(|| text.parse().ok()).flatten()
}

fn ids(list: &str) -> Option<Vec<SessionId>> {
    list.split(',').map(digits).collect()
}

/// `first` and the rest of its list, `,8,9` or nothing.
fn with_first(first: SessionId, more: &str) -> Option<Vec<SessionId>> {
    let mut all = vec![first];
    match more.strip_prefix(',') {
        Some(list) => all.extend(ids(list)?),
        None if more.is_empty() => {}
        None => return None,
    }
    Some(all)
}

fn frame(text: &str) -> Option<&str> {
    text.starts_with('{').then_some(text)
}

fn place_and_frame(text: &str) -> Option<(Option<Place>, &str)> {
    if text.starts_with('{') {
        return Some((None, text));
    }
    let (place, json) = text.split_once(' ')?;
    let (seq, origin) = place.split_once(':')?;
    if !seq.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let place = Place {
        origin: Origin::parse(origin).ok()?,
        seq: seq.parse().ok()?,
    };
    Some((Some(place), frame(json)?))
}

fn room_and_vector(text: &str) -> Option<(RoomName, VersionVector)> {
    let (room, held) = text.split_once(' ')?;
    Some((RoomName::parse(room).ok()?, vector(held)?))
}

fn vector(text: &str) -> Option<VersionVector> {
    let vector: VersionVector = serde_json::from_str(text).ok()?;
    vector.check().ok()
}

fn json_of(vector: &VersionVector) -> String {
    serde_json::to_string(vector).expect("a map of numbers always becomes JSON")
}

fn put(line: &mut String, what: std::fmt::Arguments<'_>) {
    line.write_fmt(what).expect("a string takes everything");
}

fn put_ids(line: &mut String, ids: &[SessionId]) {
    for (at, id) in ids.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        put(line, format_args!("{comma}{id}"));
    }
}

fn put_place_and_frame(line: &mut String, place: Option<&Place>, json: &str) {
    line.push(' ');
    if let Some(place) = place {
        put(line, format_args!("{}:{} ", place.seq, place.origin));
    }
    line.push_str(json);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn held() -> VersionVector {
        [(Origin::parse("n1-4f2a").unwrap(), 153)]
            .into_iter()
            .collect()
    }

    fn lobby() -> RoomName {
        RoomName::parse("lobby").unwrap()
    }

    fn place() -> Option<Place> {
        Some(Place {
            origin: Origin::parse("n1-4f2a").unwrap(),
            seq: 154,
        })
    }

    #[test]
    fn every_line_of_a_bridge_is_written_and_read() {
        let (id, json) = (7, r#"{"type":"ping"}"#);
        let address = "2001:db8::1".parse().unwrap();
        for (line, expected) in [
            (ToNode::Open { id, address }, "o7 2001:db8::1"),
            (ToNode::Frame { id, json }, r#"s7 {"type":"ping"}"#),
            (
                ToNode::Resume {
                    ids: vec![7, 8],
                    room: lobby(),
                    held: held(),
                },
                r#"j7,8 lobby {"n1-4f2a":153}"#,
            ),
            (
                ToNode::ResumeDirect { id, held: held() },
                r#"d7 {"n1-4f2a":153}"#,
            ),
            (ToNode::Gone { id }, "x7"),
            (ToNode::Ping { number: 7 }, "p7"),
            (ToNode::Figures { number: 7 }, "f7"),
        ] {
            let mut bytes = Vec::new();
            line.write(&mut bytes);
            assert_eq!(bytes, format!("{expected}\n").into_bytes());
            assert_eq!(ToNode::read(expected), Some(line));
        }
    }

    #[test]
    fn every_line_of_a_node_is_written_and_read() {
        let (handle, id, json) = (3, 7, r#"{"type":"pong"}"#);
        let direct = |ids: &[SessionId], place| ToBridge::Direct {
            ids: ids.to_vec(),
            place,
            json,
        };
        let room = |except: &[SessionId], place| ToBridge::Room {
            handle,
            except: except.to_vec(),
            place,
            json,
        };
        for (line, expected) in [
            (direct(&[7], None), r#"s7 {"type":"pong"}"#),
            (
                direct(&[7, 8], place()),
                r#"s7,8 154:n1-4f2a {"type":"pong"}"#,
            ),
            (
                ToBridge::Handle {
                    handle,
                    room: lobby(),
                    held: held(),
                },
                r#"n3 lobby {"n1-4f2a":153}"#,
            ),
            (ToBridge::Entered { handle, id }, "m3 7"),
            (ToBridge::Left { handle, id }, "l3 7"),
            (room(&[], None), r#"r3 {"type":"pong"}"#),
            (
                room(&[7, 8], place()),
                r#"r3!7,8 154:n1-4f2a {"type":"pong"}"#,
            ),
            (
                ToBridge::Held {
                    handle,
                    held: held(),
                },
                r#"v3 {"n1-4f2a":153}"#,
            ),
            (
                ToBridge::HeldDirect { id, held: held() },
                r#"d7 {"n1-4f2a":153}"#,
            ),
            (ToBridge::Closed { id }, "c7"),
            (ToBridge::Pong { number: 7 }, "p7"),
            (
                ToBridge::Figures { number: 7, json },
                r#"f7 {"type":"pong"}"#,
            ),
        ] {
            let mut bytes = Vec::new();
            line.write(&mut bytes);
            assert_eq!(bytes, format!("{expected}\n").into_bytes());
            assert_eq!(ToBridge::read(expected), Some(line));
        }
    }

    #[test]
    fn a_line_that_is_none_of_these_is_not_taken_for_one() {
        for bad in [
            "",
            "s",
            "s7",
            "s7 ",
            "s7 ping",
            "s+7 {}",
            "s99999999999 {}",
            "o7",
            "o7 nowhere",
            "j7 lobby",
            "j7 # {}",
            "j7 lobby []",
            "x7 8",
            "p",
            "f7 {}",
            "z7",
            "ä7",
            "d7 {\"a\":-1}",
        ] {
            assert_eq!(ToNode::read(bad), None, "{bad:?}");
        }
        for bad in [
            "",
            "s7, {}",
            "s7,x {}",
            "s7 1:n1-4f2a",
            "s7 x:n1-4f2a {}",
            "s7 1: {}",
            "r3 x",
            "r3! {}",
            "r3!7 +1:n {}",
            "r3x {}",
            "m3",
            "m3 x",
            "n3 lobby",
            "v3 []",
            "c7 x",
            "c",
            "f7",
        ] {
            assert_eq!(ToBridge::read(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(line in "[a-z]?[0-9,!: {}\"a-zä\u{7f}-]{0,40}") {
            let _ = ToNode::read(&line);
            let _ = ToBridge::read(&line);
        }

        #[test]
        fn any_text_at_all_never_panics(line in "\\PC{0,60}") {
            let _ = ToNode::read(&line);
            let _ = ToBridge::read(&line);
        }
    }
}
