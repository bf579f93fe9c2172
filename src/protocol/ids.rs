//! What identifies things: users, messages, places in a log, moments.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, Refusal};
use super::limits::{NONCE_BYTES_MAX, SINCE_ORIGINS_MAX};

/// Microseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "number"))]
pub struct Ts(pub i64);

/// An event's place in its origin's log, counted from 1 without gaps. It stays below 2^53, so that
/// every JSON reader holds it exactly.
pub type Seq = u64;

/// Makes a cheaply cloned string type that is parsed once at the edge.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the form.
            pub fn parse(text: &str) -> Result<$name, Refusal> {
                let check: fn(&str) -> Result<(), Refusal> = $parse;
                check(text).map(|()| $name(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<$name, Refusal> {
                $name::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

text_id!(
    /// A user, for good: 4 to 32 lower-case letters and digits. The name it is shown under may change.
    Uid,
    |text| {
        let ok = (4..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok { Ok(()) } else { Err(Refusal::field("uid", "is not a user's id")) }
    }
);

text_id!(
    /// A client's own name for one message, edit, delete or reaction: the same one sent again is the
    /// same event. 1 to 64 bytes without control characters.
    Nonce,
    |text| {
        if text.is_empty() || text.len() > NONCE_BYTES_MAX {
            let message = format!("a nonce has 1 to {NONCE_BYTES_MAX} bytes, best a ULID or UUID");
            return Err(Refusal::new(ErrorCode::BadNonce, message));
        }
        if text.chars().any(char::is_control) {
            let message = "a nonce has no control characters";
            return Err(Refusal::new(ErrorCode::BadNonce, message));
        }
        Ok(())
    }
);

text_id!(
    /// A log that one node's store writes: the node's name, `-`, and random letters and digits.
    Origin,
    |text| {
        let ok = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if ok { Ok(()) } else { Err(Refusal::field("origin", "is not an origin")) }
    }
);

text_id!(
    /// A message: its writer and nonce, joined by a dot. So it is the same on every node without
    /// asking any, and leads back to both without an index.
    MessageId,
    |text| {
        let parts = text.split_once('.');
        let ok = parts.is_some_and(|(u, n)| Uid::parse(u).is_ok() && Nonce::parse(n).is_ok());
        if ok { Ok(()) } else { Err(Refusal::new(ErrorCode::NoSuchMessage, "no message has that id")) }
    }
);

impl MessageId {
    /// The id of what `uid` sent with `nonce`.
    pub fn new(uid: &Uid, nonce: &Nonce) -> MessageId {
        MessageId(format!("{uid}.{nonce}").into())
    }

    /// Who wrote it.
    pub fn uid(&self) -> Uid {
        Uid(self.0.split_once('.').expect("checked when made").0.into())
    }

    /// The nonce it was sent with.
    pub fn nonce(&self) -> Nonce {
        Nonce(self.0.split_once('.').expect("checked when made").1.into())
    }
}

/// For each origin, the greatest `seq` that is held with all before it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "Record<string, number>"))]
pub struct VersionVector(BTreeMap<Origin, Seq>);

impl VersionVector {
    pub fn new() -> VersionVector {
        VersionVector::default()
    }

    /// The greatest `seq` held of `origin`; 0 for one that is not named.
    pub fn get(&self, origin: &Origin) -> Seq {
        self.0.get(origin).copied().unwrap_or(0)
    }

    /// Whether the event at this place is held.
    pub fn covers(&self, origin: &Origin, seq: Seq) -> bool {
        seq <= self.get(origin)
    }

    /// Whether all that `other` holds is held here too.
    pub fn includes(&self, other: &VersionVector) -> bool {
        other.iter().all(|(origin, seq)| self.covers(origin, seq))
    }

    /// Raises `origin` to `seq`; never lowers it.
    pub fn advance(&mut self, origin: &Origin, seq: Seq) {
        match self.0.get_mut(origin) {
            Some(held) => *held = (*held).max(seq),
            None if seq > 0 => {
                self.0.insert(origin.clone(), seq);
            }
            None => {}
        }
    }

    /// Takes the greater of both for each origin.
    pub fn merge(&mut self, other: &VersionVector) {
        for (origin, seq) in other.iter() {
            self.advance(origin, seq);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Origin, Seq)> {
        self.0.iter().map(|(origin, seq)| (origin, *seq))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses what no cluster of this program has: too many origins, or places past 2^53.
    pub fn check(self) -> Result<VersionVector, Refusal> {
        self.check_up_to(SINCE_ORIGINS_MAX)
    }

    /// The same for `origins_max` origins: peers are no strangers, and what the log holds must cross.
    pub fn check_up_to(self, origins_max: usize) -> Result<VersionVector, Refusal> {
        if self.0.len() > origins_max {
            return Err(Refusal::field(
                "since",
                format!("names over {origins_max} origins"),
            ));
        }
        if self.0.values().any(|seq| *seq >= 1 << 53) {
            return Err(Refusal::field("since", "has a place of 2^53 or more"));
        }
        Ok(self)
    }
}

impl FromIterator<(Origin, Seq)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (Origin, Seq)>>(places: I) -> VersionVector {
        let mut vector = VersionVector::new();
        for (origin, seq) in places {
            vector.advance(&origin, seq);
        }
        vector
    }
}

impl fmt::Debug for VersionVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_leads_back_to_writer_and_nonce() {
        let (uid, nonce) = (
            Uid::parse("k7q2m4").unwrap(),
            Nonce::parse("a.b-c").unwrap(),
        );
        let id = MessageId::new(&uid, &nonce);
        assert_eq!(id.as_str(), "k7q2m4.a.b-c");
        assert_eq!((id.uid(), id.nonce()), (uid, nonce));
        assert!(MessageId::parse("nodot").is_err());
    }

    #[test]
    fn a_nonce_of_64_bytes_passes_and_one_more_does_not() {
        assert!(Nonce::parse(&"x".repeat(64)).is_ok());
        for bad in ["", "a\nb", "a\u{7}", &"x".repeat(65)] {
            assert_eq!(
                Nonce::parse(bad).unwrap_err().code,
                ErrorCode::BadNonce,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_vector_only_rises() {
        let origin = Origin::parse("n1-4f2a").unwrap();
        let mut vector = VersionVector::new();
        vector.advance(&origin, 5);
        vector.advance(&origin, 3);
        assert_eq!(vector.get(&origin), 5);
        assert!(vector.covers(&origin, 5) && !vector.covers(&origin, 6));
        assert_eq!(serde_json::to_string(&vector).unwrap(), r#"{"n1-4f2a":5}"#);
    }
}
