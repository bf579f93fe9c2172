//! What nodes say to each other on the peer port: frames of JSON behind their length.
//!
//! A node passes over a frame whose type it does not know, and over fields it does not know, so that
//! nodes of different versions can be in one cluster while it is being upgraded.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::event::{Body, Event};
use super::ids::{Origin, Seq, Ts, Uid, VersionVector};
use super::names::{RoomKey, UserName};
use super::presence::{PresenceChanges, PresencePlace, PresenceSnapshot};
use super::soft::SoftPage;
use super::stats::NodeFigures;

/// The version of this protocol that `Hello` names. It rises when nodes of two versions could not
/// work together; what is only added does not raise it.
pub const PEER_PROTOCOL: u32 = 1;

/// Bytes of a frame without its length. A range of events is kept to half of it.
pub const PEER_FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of the length before a frame: a big-endian `u32`.
const LENGTH_BYTES: usize = 4;

/// A run of a node's process, told apart from its earlier and later runs by chance.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// What one node says to another. In JSON, an object with one key, the frame's type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerFrame {
    /// Who is speaking: the first frame of each side, and only that.
    Hello(Box<Hello>),
    /// Peer addresses of nodes that the sender has a link to.
    Known { addresses: Vec<String> },
    /// The sender ends in good order: when its links are gone it is not missing, it has left.
    Leaving {},
    /// What the sender has stored, at link up and every few seconds; what it is behind in, the other
    /// side may push or it will pull itself.
    Vector {
        held: VersionVector,
        /// The origins of the nodes that the sender has links to: it hears of these at first hand.
        linked: Vec<Origin>,
    },
    /// New events, as they are stored: those of an origin in order, following the last one pushed.
    Push {
        #[serde(with = "shared_events")]
        events: Vec<Arc<Event>>,
    },
    /// What was pushed is on stable storage up to here; origins that are not named are as before.
    Stored { held: VersionVector },
    /// Asks for the events of `origin` past `after`, `limit` of them at most.
    Pull {
        origin: Origin,
        after: Seq,
        limit: u32,
    },
    /// Answers `Pull`: consecutive events from `after` on, and how far the sender has `origin`.
    Range {
        origin: Origin,
        after: Seq,
        #[serde(with = "shared_events")]
        events: Vec<Arc<Event>>,
        held: Seq,
    },
    /// A piece of a log as the sender has it, for comparing.
    Piece(Piece),
    /// The sender is there; how far its account of its users and its soft rows have come.
    Beat { presence: PresencePlace, soft: u64 },
    /// Asks for all users of the other node.
    PresenceAsk {},
    /// Answers `PresenceAsk`, in one part or more.
    PresenceAll(PresenceSnapshot),
    /// What has changed among the sender's users.
    Presence(PresenceChanges),
    /// Asks for the soft rows that changed past `since`, by the other node's count.
    SoftAsk { since: u64 },
    /// Answers `SoftAsk`.
    Soft(SoftPage),
    /// A user of the sender's is writing, or has stopped.
    Typing {
        room: RoomKey,
        uid: Uid,
        name: UserName,
        on: bool,
    },
    /// Asks for the other node's figures; `id` comes back with the answer.
    StatsAsk { id: u64 },
    /// Answers `StatsAsk`.
    StatsAnswer { id: u64, figures: Box<NodeFigures> },
    /// Is the link alive? `sent` is the sender's own clock in microseconds, and comes back.
    Ping { sent: u64 },
    /// Answers `Ping`, with the answering node's clock before it was corrected to the others'.
    Pong { sent: u64, time: Ts },
}

/// The frame types of [`PeerFrame`], as they stand in JSON.
const FRAME_TYPES: &[&str] = &[
    "hello",
    "known",
    "leaving",
    "vector",
    "push",
    "stored",
    "pull",
    "range",
    "piece",
    "beat",
    "presence_ask",
    "presence_all",
    "presence",
    "soft_ask",
    "soft",
    "typing",
    "stats_ask",
    "stats_answer",
    "ping",
    "pong",
];

/// The events of `origin` past `after` and up to `up_to`, by the hash of them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub origin: Origin,
    pub after: Seq,
    pub up_to: Seq,
    /// BLAKE3 over the events' JSON, a line each; hex digits.
    pub hash: String,
}

/// Who a node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PEER_PROTOCOL`] of the sender.
    pub protocol: u32,
    /// The node's name, `n1`.
    pub node: String,
    pub incarnation: Incarnation,
    /// The log that its store writes.
    pub origin: Origin,
    /// Where clients reach it.
    pub client_address: String,
    /// Where nodes reach it; an unspecified IP stands for the one that the link comes from.
    pub peer_address: String,
    /// The dialling side's count of its links: of two links between the same nodes that the same
    /// side dialled, the later one stays.
    pub dial: u64,
    /// The node's clock before it was corrected to the others'.
    pub time: Ts,
    /// Peer addresses of other nodes it has links to.
    #[serde(default)]
    pub known: Vec<String>,
}

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum PeerFrameError {
    #[error("a frame of {0} bytes is longer than {PEER_FRAME_BYTES_MAX}")]
    TooLong(usize),
    #[error("not a frame of this protocol: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl PeerFrame {
    /// The frame with its length before it.
    ///
    /// # Errors
    /// `TooLong`, when the other side would not take it.
    pub fn encode(&self) -> Result<Bytes, PeerFrameError> {
        let mut bytes = vec![0; LENGTH_BYTES];
        serde_json::to_writer(&mut bytes, self)?;
        let length = bytes.len() - LENGTH_BYTES;
        if length > PEER_FRAME_BYTES_MAX {
            return Err(PeerFrameError::TooLong(length));
        }
        bytes[..LENGTH_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
        Ok(bytes.into())
    }

    /// Reads a frame without its length. `None` for a type that this version does not know.
    ///
    /// # Errors
    /// `Malformed`, when it is of a known type and wrong, or no JSON object with one key.
    pub fn decode(bytes: &[u8]) -> Result<Option<PeerFrame>, PeerFrameError> {
        match serde_json::from_slice(bytes) {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => match serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(bytes) {
                Ok(object) if is_unknown(&object) => Ok(None),
                Ok(_) | Err(_) => Err(error.into()),
            },
        }
    }
}

fn is_unknown(object: &BTreeMap<String, IgnoredAny>) -> bool {
    object.len() == 1
        && object
            .keys()
            .all(|key| !FRAME_TYPES.contains(&key.as_str()))
}

/// Bytes of `event` in a frame, at most. A text may be all characters that JSON writes as six.
pub fn event_bytes_max(event: &Event) -> usize {
    /// All but the text: names, ids and numbers at their longest.
    const REST: usize = 1024;
    REST + match &event.body {
        Body::Message { text, .. } | Body::Edit { text, .. } => escaped_bytes(text.as_str()),
        Body::Topic { topic } => escaped_bytes(topic),
        Body::Delete { .. } | Body::React { .. } => 0,
    }
}

fn escaped_bytes(text: &str) -> usize {
    let escaped = |b: u8| match b {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

/// Cuts what comes from a socket into frames.
#[derive(Debug, Default)]
pub struct PeerBuffer {
    bytes: BytesMut,
}

impl PeerBuffer {
    /// Where the socket's bytes go.
    pub fn space(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    /// The next whole frame's JSON, if it has come.
    ///
    /// # Errors
    /// `TooLong`; there is no going on after it.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, PeerFrameError> {
        let Some(length) = self.bytes.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > PEER_FRAME_BYTES_MAX {
            return Err(PeerFrameError::TooLong(length));
        }
        if self.bytes.len() < LENGTH_BYTES + length {
            // No more than doubling at a time: a length alone must not take memory.
            let missing = LENGTH_BYTES + length - self.bytes.len();
            self.bytes
                .reserve(missing.min(self.bytes.len().max(16 * 1024)));
            return Ok(None);
        }
        self.bytes.advance(LENGTH_BYTES);
        Ok(Some(self.bytes.split_to(length).freeze()))
    }
}

/// Events that several frames and queues share.
mod shared_events {
    use super::{Arc, Event};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(events: &[Arc<Event>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(events.iter().map(Arc::as_ref))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Arc<Event>>, D::Error> {
        Vec::<Event>::deserialize(from).map(|events| events.into_iter().map(Arc::new).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::presence::UserRecord;
    use crate::protocol::soft::SoftRow;
    use crate::protocol::text::Text;
    use crate::protocol::{MessageId, Nonce, RoomName};
    use proptest::prelude::*;

    fn message(text: &str) -> Arc<Event> {
        Arc::new(Event {
            origin: Origin::parse("n1-4f2a").unwrap(),
            seq: 154,
            ts: Ts(1_763_800_000_000_000),
            room: RoomKey::Room(RoomName::parse("lobby").unwrap()),
            uid: Uid::parse("k7q2m4").unwrap(),
            name: UserName::parse("alice").unwrap(),
            nonce: Nonce::parse("5b1c").unwrap(),
            body: Body::Message {
                text: Text::parse(text).unwrap(),
                reply_to: Some(MessageId::parse("k7q2m4.1").unwrap()),
            },
        })
    }

    fn vector() -> VersionVector {
        [(Origin::parse("n1-4f2a").unwrap(), 154)]
            .into_iter()
            .collect()
    }

    fn soft_page() -> SoftPage {
        let room = RoomName::parse("lobby").unwrap();
        let uid = Uid::parse("k7q2m4").unwrap();
        let user = UserRecord {
            uid: uid.clone(),
            name: UserName::parse("alice").unwrap(),
            claimed_at: Ts(1),
            last_seen: Ts(2),
        };
        let origin = Origin::parse("n1-4f2a").unwrap();
        let read = SoftRow::Read {
            uid,
            room: RoomKey::Room(room.clone()),
            origin,
            seq: 7,
        };
        SoftPage {
            rows: vec![SoftRow::Room { room }, SoftRow::User(user), read],
            rev: 9,
            more: true,
        }
    }

    /// One of each type.
    fn frames() -> Vec<PeerFrame> {
        let origin = Origin::parse("n1-4f2a").unwrap();
        vec![
            PeerFrame::Hello(Box::new(Hello {
                protocol: PEER_PROTOCOL,
                node: "n1".to_owned(),
                incarnation: Incarnation(u64::MAX),
                origin: origin.clone(),
                client_address: "127.0.0.1:9001".to_owned(),
                peer_address: "127.0.0.1:9999".to_owned(),
                dial: 3,
                time: Ts(1),
                known: vec!["127.0.0.1:9998".to_owned()],
            })),
            PeerFrame::Known {
                addresses: vec!["127.0.0.1:9998".to_owned()],
            },
            PeerFrame::Leaving {},
            PeerFrame::Vector {
                held: vector(),
                linked: vec![origin.clone()],
            },
            PeerFrame::Push {
                events: vec![message("hello")],
            },
            PeerFrame::Stored { held: vector() },
            PeerFrame::Pull {
                origin: origin.clone(),
                after: 3,
                limit: 100,
            },
            PeerFrame::Range {
                origin,
                after: 153,
                events: vec![message("hello")],
                held: 160,
            },
            PeerFrame::Piece(Piece {
                origin: Origin::parse("n1-4f2a").unwrap(),
                after: 0,
                up_to: 153,
                hash: "00ff".to_owned(),
            }),
            PeerFrame::Beat {
                presence: PresencePlace {
                    incarnation: u64::MAX,
                    number: 4,
                },
                soft: 12,
            },
            PeerFrame::PresenceAsk {},
            PeerFrame::PresenceAll(PresenceSnapshot::default()),
            PeerFrame::Presence(PresenceChanges {
                place: PresencePlace::default(),
                changes: vec![],
            }),
            PeerFrame::SoftAsk { since: 3 },
            PeerFrame::Soft(soft_page()),
            PeerFrame::Typing {
                room: RoomKey::Room(RoomName::parse("lobby").unwrap()),
                uid: Uid::parse("k7q2m4").unwrap(),
                name: UserName::parse("alice").unwrap(),
                on: true,
            },
            PeerFrame::StatsAsk { id: 7 },
            PeerFrame::StatsAnswer {
                id: 7,
                figures: Box::default(),
            },
            PeerFrame::Ping { sent: 5 },
            PeerFrame::Pong {
                sent: 5,
                time: Ts(9),
            },
        ]
    }

    #[test]
    fn every_frame_comes_back_as_it_went() {
        let mut buffer = PeerBuffer::default();
        let frames = frames();
        for frame in &frames {
            buffer.space().extend_from_slice(&frame.encode().unwrap());
        }
        for frame in &frames {
            let json = buffer.next_frame().unwrap().unwrap();
            assert_eq!(PeerFrame::decode(&json).unwrap().as_ref(), Some(frame));
        }
        assert!(buffer.next_frame().unwrap().is_none());
    }

    #[test]
    fn every_frame_type_is_listed() {
        let type_of = |frame: &PeerFrame| match serde_json::to_value(frame).unwrap() {
            serde_json::Value::Object(object) => object.keys().next().unwrap().clone(),
            other => panic!("{other}"),
        };
        assert_eq!(
            frames().iter().map(type_of).collect::<Vec<_>>(),
            FRAME_TYPES
        );
    }

    #[test]
    fn the_wire_is_what_earlier_nodes_wrote() {
        for (frame, line) in [
            (
                PeerFrame::Vector {
                    held: vector(),
                    linked: vec![],
                },
                r#"{"vector":{"held":{"n1-4f2a":154},"linked":[]}}"#,
            ),
            (
                PeerFrame::Push {
                    events: vec![message("hello")],
                },
                r#"{"push":{"events":[{"origin":"n1-4f2a","seq":154,"ts":1763800000000000,"room":"lobby","uid":"k7q2m4","name":"alice","nonce":"5b1c","body":{"kind":"message","text":"hello","reply_to":"k7q2m4.1"}}]}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&frame).unwrap(), line);
        }
    }

    #[test]
    fn a_frame_or_field_of_a_later_version_is_passed_over() {
        assert_eq!(PeerFrame::decode(br#"{"song":{"x":[1]}}"#).unwrap(), None);
        let pull = br#"{"pull":{"origin":"a-1","after":3,"limit":4,"colour":"red"}}"#;
        assert!(matches!(
            PeerFrame::decode(pull),
            Ok(Some(PeerFrame::Pull { after: 3, .. }))
        ));
    }

    #[test]
    fn what_is_wrong_is_an_error() {
        for bad in [
            &b""[..],
            b"{}",
            b"[]",
            b"null",
            b"\xff\xfe",
            br#"{"pull":{"origin":"a-1"}}"#,
            br#"{"push":{"events":[{"origin":""}]}}"#,
            br#"{"ping":{"sent":1},"pong":{"sent":1,"time":1}}"#,
        ] {
            assert!(
                PeerFrame::decode(bad).is_err(),
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
        assert!(PeerFrame::decode("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_frame_of_4_mib_passes_and_one_more_byte_does_not() {
        let mut buffer = PeerBuffer::default();
        buffer
            .space()
            .extend_from_slice(&(PEER_FRAME_BYTES_MAX as u32).to_be_bytes());
        assert!(buffer.next_frame().unwrap().is_none());
        assert!(
            buffer.space().capacity() < 64 * 1024,
            "a length alone took memory"
        );
        let mut buffer = PeerBuffer::default();
        buffer
            .space()
            .extend_from_slice(&(PEER_FRAME_BYTES_MAX as u32 + 1).to_be_bytes());
        assert!(buffer.next_frame().is_err());
        let long = PeerFrame::Known {
            addresses: vec!["x".repeat(PEER_FRAME_BYTES_MAX)],
        };
        assert!(matches!(long.encode(), Err(PeerFrameError::TooLong(_))));
    }

    proptest! {
        #[test]
        fn an_event_is_never_longer_than_it_is_said_to_be(text in "[\u{0}-\u{ff}😀\"\\\\]{1,300}x") {
            let event = message(&text);
            let bytes = serde_json::to_vec(&*event).unwrap().len();
            prop_assert!(bytes <= event_bytes_max(&event));
        }

        #[test]
        fn damaged_bytes_never_panic(which in 0..FRAME_TYPES.len(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = frames()[which].encode().unwrap().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let mut buffer = PeerBuffer::default();
            buffer.space().extend_from_slice(&bytes);
            while let Ok(Some(json)) = buffer.next_frame() {
                let _ = PeerFrame::decode(&json);
            }
        }

        #[test]
        fn noise_never_panics(bytes: Vec<u8>) {
            let mut buffer = PeerBuffer::default();
            buffer.space().extend_from_slice(&bytes);
            while let Ok(Some(json)) = buffer.next_frame() {
                let _ = PeerFrame::decode(&json);
            }
        }
    }
}
