//! From a [`Request`] to the line a client writes: the inverse of [`decode`](super::decode::decode).

use serde::Serialize;

use super::client::{Claim, ClientFrame, HistoryRange, Re, Request};
use super::ids::{MessageId, Nonce, Ts, VersionVector};
use super::names::RoomRef;

/// All fields of all frames, in the order in which they are written.
#[derive(Default, Serialize)]
struct Flat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    re: Option<&'a Re>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a Nonce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Ts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Ts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a VersionVector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    brief: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
}

impl Request {
    /// One line of JSON with its line end.
    pub fn encode(&self) -> Vec<u8> {
        let flat = Flat {
            re: self.re.as_ref(),
            ..flat(&self.frame)
        };
        let mut line = serde_json::to_vec(&flat).expect("plain data always becomes JSON");
        line.push(b'\n');
        line
    }
}

#[expect(clippy::too_many_lines, reason = "one arm a frame, nothing else")]
fn flat(frame: &ClientFrame) -> Flat<'_> {
    match frame {
        ClientFrame::UserJoin {
            claim,
            admin,
            brief,
        } => Flat {
            admin: admin.as_deref(),
            brief: *brief,
            ..opening(claim)
        },
        ClientFrame::Send {
            room,
            text,
            nonce,
            reply_to,
            after,
        } => Flat {
            text: Some(text.as_str()),
            reply_to: reply_to.as_ref(),
            ..event("send", room, nonce.as_ref(), *after)
        },
        ClientFrame::Edit {
            room,
            id,
            text,
            nonce,
            after,
        } => Flat {
            id: Some(id),
            text: Some(text.as_str()),
            ..event("edit", room, nonce.as_ref(), *after)
        },
        ClientFrame::Delete {
            room,
            id,
            nonce,
            after,
        } => Flat {
            id: Some(id),
            ..event("delete", room, nonce.as_ref(), *after)
        },
        ClientFrame::React {
            room,
            id,
            emoji,
            on,
            nonce,
            after,
        } => Flat {
            id: Some(id),
            emoji: Some(emoji),
            on: Some(*on),
            ..event("react", room, nonce.as_ref(), *after)
        },
        ClientFrame::Topic {
            room,
            topic,
            nonce,
            after,
        } => Flat {
            topic: Some(topic),
            ..event("topic", room, nonce.as_ref(), *after)
        },
        ClientFrame::Join { room, since, limit } => Flat {
            since: since.as_ref(),
            limit: *limit,
            ..in_room("join", room)
        },
        ClientFrame::History { room, range, limit } => Flat {
            limit: *limit,
            ..history(room, range)
        },
        ClientFrame::Search {
            query,
            room,
            before,
            limit,
        } => Flat {
            query: Some(query),
            room: room.as_ref().map(ToString::to_string),
            before: *before,
            limit: *limit,
            ..bare("search")
        },
        ClientFrame::Leave { room } => in_room("leave", room),
        ClientFrame::Who { room } => in_room("who", room),
        ClientFrame::Typing { room, on } => Flat {
            on: Some(*on),
            ..in_room("typing", room)
        },
        ClientFrame::Read { room, since } => Flat {
            since: Some(since),
            ..in_room("read", room)
        },
        ClientFrame::Rooms => bare("rooms"),
        ClientFrame::Away { on } => Flat {
            on: Some(*on),
            ..bare("away")
        },
        ClientFrame::Ping => bare("ping"),
        ClientFrame::Stats { every, node } => Flat {
            every: *every,
            node: node.as_deref(),
            ..bare("stats")
        },
        ClientFrame::Quit => bare("quit"),
    }
}

fn opening(claim: &Claim) -> Flat<'_> {
    let flat = bare("user_join");
    match claim {
        Claim::Name { name, password } => Flat {
            name: Some(name.as_str()),
            password: password.as_deref(),
            ..flat
        },
        Claim::Token { token, name } => Flat {
            token: Some(token),
            name: name.as_ref().map(|name| name.as_str()),
            ..flat
        },
    }
}

/// The common part of the frames that make an event.
fn event<'a>(
    kind: &'static str,
    room: &RoomRef,
    nonce: Option<&'a Nonce>,
    after: Option<Ts>,
) -> Flat<'a> {
    Flat {
        nonce,
        after,
        ..in_room(kind, room)
    }
}

fn history<'a>(room: &RoomRef, range: &'a HistoryRange) -> Flat<'a> {
    let flat = in_room("history", room);
    match range {
        HistoryRange::Newest => flat,
        HistoryRange::Before(ts) => Flat {
            before: Some(*ts),
            ..flat
        },
        HistoryRange::After(ts) => Flat {
            after: Some(*ts),
            ..flat
        },
        HistoryRange::Since(since) => Flat {
            since: Some(since),
            ..flat
        },
    }
}

fn in_room<'a>(kind: &'static str, room: &RoomRef) -> Flat<'a> {
    Flat {
        room: Some(room.to_string()),
        ..bare(kind)
    }
}

fn bare<'a>(kind: &'static str) -> Flat<'a> {
    Flat {
        kind,
        ..Flat::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;

    #[test]
    fn what_is_encoded_is_read_back_the_same() {
        for line in [
            r#"{"type":"user_join","re":1,"name":"alice","password":"x","admin":"a"}"#,
            r#"{"type":"user_join","name":"alice","token":"t"}"#,
            r#"{"type":"join","re":"j","room":"lobby","since":{"n1-4f2a":153},"limit":50}"#,
            r#"{"type":"leave","room":"@bob"}"#,
            r#"{"type":"send","re":3,"room":"lobby","text":"a\nb","nonce":"n","reply_to":"k7q2.x","after":5}"#,
            r#"{"type":"edit","room":"@=k7q2","id":"k7q2.x","text":"b","nonce":"n","after":5}"#,
            r#"{"type":"delete","room":"lobby","id":"k7q2.x","nonce":"n","after":5}"#,
            r#"{"type":"react","room":"lobby","id":"k7q2.x","emoji":"👍","on":false,"nonce":"n","after":5}"#,
            r#"{"type":"topic","room":"lobby","topic":"t","nonce":"n","after":5}"#,
            r#"{"type":"history","room":"lobby"}"#,
            r#"{"type":"history","room":"lobby","before":5,"limit":7}"#,
            r#"{"type":"history","room":"lobby","after":5}"#,
            r#"{"type":"history","room":"lobby","since":{}}"#,
            r#"{"type":"typing","room":"lobby","on":true}"#,
            r#"{"type":"read","room":"lobby","since":{"n1-4f2a":1}}"#,
            r#"{"type":"search","room":"lobby","before":9,"limit":20,"query":"q"}"#,
            r#"{"type":"rooms"}"#,
            r#"{"type":"who","room":"lobby"}"#,
            r#"{"type":"away","on":true}"#,
            r#"{"type":"ping","re":6}"#,
            r#"{"type":"stats","every":1000,"node":"*"}"#,
            r#"{"type":"quit"}"#,
        ] {
            let request = decode(line).unwrap();
            let written = String::from_utf8(request.encode()).unwrap();
            assert_eq!(decode(written.trim_end()).unwrap(), request, "{line}");
            let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(same(&written), same(line));
        }
    }
}
