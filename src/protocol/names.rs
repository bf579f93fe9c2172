//! Names of users and rooms: parsed once at the edge, compared by what a reader takes them for.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_security::GeneralSecurityProfile;

use super::error::{ErrorCode, Refusal};
use super::ids::Uid;
use super::limits::{NAME_CHARS_MAX, ROOM_CHARS_MAX};
use super::text::is_visible;

/// What a user is shown under: letters, digits, `_`, `-`, `.`, composed (NFC).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(Arc<str>);

/// What two names share that a reader could take for one another: case, compatibility forms and
/// look-alikes folded away (Unicode TR 39, the skeleton). Names with equal keys are one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameKey(String);

/// A room's name: like a user's, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomName(Arc<str>);

/// A room as a client names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RoomRef {
    Room(RoomName),
    /// `@bob`: the direct conversation with whoever bears that name now.
    Direct(UserName),
    /// `@=k7q2m4`: the direct conversation with that user, whatever the name is by now.
    DirectUid(Uid),
}

/// A room as the log names it, the same for every reader: `lobby`, or `@` and both users' ids, the
/// smaller first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RoomKey {
    Room(RoomName),
    Direct(Uid, Uid),
}

impl UserName {
    /// Checks length and characters, and composes.
    pub fn parse(text: &str) -> Result<UserName, Refusal> {
        if is_plain(text, NAME_CHARS_MAX) {
            return Ok(UserName(text.into()));
        }
        UserName::composed(text)
    }

    fn composed(text: &str) -> Result<UserName, Refusal> {
        let name: String = text.nfc().collect();
        match wrong_with(&name, NAME_CHARS_MAX) {
            None => Ok(UserName(name.into())),
            Some(wrong) => Err(Refusal::new(
                ErrorCode::BadName,
                format!("a user's name {wrong}"),
            )),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which the name is claimed.
    pub fn key(&self) -> NameKey {
        let folded: String = self.0.nfkc().flat_map(char::to_lowercase).collect();
        let skeleton: String = unicode_security::skeleton(&folded).collect();
        NameKey(skeleton.nfkc().flat_map(char::to_lowercase).collect())
    }

    /// The name with `-number` behind it, shortened where it must be: what is suggested instead of a
    /// taken one.
    pub fn numbered(&self, number: u32) -> UserName {
        let tail = format!("-{number}");
        let kept = NAME_CHARS_MAX - tail.len();
        UserName(
            self.0
                .chars()
                .take(kept)
                .chain(tail.chars())
                .collect::<String>()
                .into(),
        )
    }
}

impl RoomName {
    /// Checks length and characters, composes, and folds to lower case.
    pub fn parse(text: &str) -> Result<RoomName, Refusal> {
        if is_plain(text, ROOM_CHARS_MAX) && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Ok(RoomName(text.into()));
        }
        RoomName::folded(text)
    }

    fn folded(text: &str) -> Result<RoomName, Refusal> {
        let name: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        match wrong_with(&name, ROOM_CHARS_MAX) {
            None => Ok(RoomName(name.into())),
            Some(wrong) => Err(Refusal::new(
                ErrorCode::BadRoom,
                format!("a room's name {wrong}"),
            )),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RoomRef {
    /// Reads `lobby`, `@bob` or `@=uid`.
    pub fn parse(text: &str) -> Result<RoomRef, Refusal> {
        let bad = |refusal: Refusal| Refusal {
            code: ErrorCode::BadRoom,
            ..refusal
        };
        match text.strip_prefix('@') {
            None => RoomName::parse(text).map(RoomRef::Room),
            Some(rest) => match rest.strip_prefix('=') {
                Some(uid) => Uid::parse(uid).map(RoomRef::DirectUid).map_err(bad),
                None => UserName::parse(rest).map(RoomRef::Direct).map_err(bad),
            },
        }
    }
}

impl fmt::Display for RoomRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoomRef::Room(name) => write!(f, "{name}"),
            RoomRef::Direct(name) => write!(f, "@{name}"),
            RoomRef::DirectUid(uid) => write!(f, "@={uid}"),
        }
    }
}

impl RoomKey {
    /// The direct conversation of two users, in whichever order they are named.
    pub fn direct(one: &Uid, other: &Uid) -> RoomKey {
        let (low, high) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        RoomKey::Direct(low.clone(), high.clone())
    }

    /// The other side of a direct conversation of `uid`; itself for notes to oneself.
    pub fn other_side(&self, uid: &Uid) -> Option<&Uid> {
        match self {
            RoomKey::Direct(low, high) if low == uid => Some(high),
            RoomKey::Direct(low, high) if high == uid => Some(low),
            RoomKey::Direct(..) | RoomKey::Room(_) => None,
        }
    }
}

/// Whether a name is allowed and its own composed form without looking anything up. Names are parsed with
/// every event that is read or comes from a peer, and nearly all are such.
fn is_plain(name: &str, chars_max: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    name.len() <= chars_max
        && name.bytes().all(allowed)
        && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// What is wrong with a name, as the end of a sentence.
fn wrong_with(name: &str, chars_max: usize) -> Option<String> {
    if name.is_empty() || name.chars().count() > chars_max {
        return Some(format!("has 1 to {chars_max} characters"));
    }
    let allowed =
        |c: char| matches!(c, '_' | '-' | '.') || (c.is_alphanumeric() && c.identifier_allowed());
    match name.chars().find(|c| !allowed(*c)) {
        Some(bad) => Some(format!(
            "has letters, digits, \"_\", \"-\" and \".\" only, not {}",
            in_words(bad)
        )),
        None if !name.chars().any(char::is_alphanumeric) => {
            Some("has at least one letter or digit".to_owned())
        }
        None => None,
    }
}

/// A character that a name may not have, so that whoever sees the line knows which: by its look where
/// it has one, and by its number.
fn in_words(c: char) -> String {
    let number = u32::from(c);
    match c {
        ' ' => format!("a space (U+{number:04X})"),
        '\t' => format!("a tab (U+{number:04X})"),
        '\n' | '\r' => format!("a line end (U+{number:04X})"),
        c if c.is_control() => format!("a control character (U+{number:04X})"),
        // Fillers of Korean syllables, which count as letters.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => {
            format!("an invisible character (U+{number:04X})")
        }
        c if !is_visible(c) => format!("an invisible character (U+{number:04X})"),
        c => format!("\"{c}\" (U+{number:04X})"),
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = Refusal;
            fn try_from(text: String) -> Result<$name, Refusal> {
                $name::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
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

as_text!(UserName);
as_text!(RoomName);

impl NameKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoomKey::Room(name) => f.write_str(name.as_str()),
            RoomKey::Direct(low, high) => write!(f, "@{low}:{high}"),
        }
    }
}

impl fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl TryFrom<String> for RoomKey {
    type Error = Refusal;
    fn try_from(text: String) -> Result<RoomKey, Refusal> {
        let Some(pair) = text.strip_prefix('@') else {
            return RoomName::parse(&text).map(RoomKey::Room);
        };
        let (low, high) = pair
            .split_once(':')
            .ok_or_else(|| Refusal::new(ErrorCode::BadRoom, "not a direct conversation"))?;
        Ok(RoomKey::direct(&Uid::parse(low)?, &Uid::parse(high)?))
    }
}

impl From<RoomKey> for String {
    fn from(room: RoomKey) -> String {
        room.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap()
    }

    #[test]
    fn names_are_one_when_a_reader_would_take_them_for_one() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "аlice"), // a Cyrillic a
            ("Ωmega", "ωmega"),
            ("straße", "STRAßE"),
            ("café", "cafe\u{301}"),
        ] {
            assert_eq!(name(one).key(), name(other).key(), "{one} {other}");
        }
        assert_ne!(name("alice").key(), name("alicia").key());
        assert_ne!(name("u12").key(), name("u21").key());
    }

    #[test]
    fn a_name_has_1_to_32_letters_and_digits() {
        assert!(UserName::parse(&"ü".repeat(32)).is_ok());
        let hangul_filler = "a\u{3164}b";
        let too_long = "ü".repeat(33);
        for bad in [
            "",
            &too_long,
            "a b",
            "a\u{202e}b",
            "-",
            "a\u{200d}b",
            hangul_filler,
            "a/b",
        ] {
            assert_eq!(
                UserName::parse(bad).unwrap_err().code,
                ErrorCode::BadName,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_character_that_a_name_may_not_have_is_named_so_that_it_can_be_found() {
        for (bad, named) in [
            ("a b", "a space (U+0020)"),
            ("a\tb", "a tab (U+0009)"),
            ("a\u{7}b", "a control character (U+0007)"),
            ("a\u{200d}b", "an invisible character (U+200D)"),
            ("a\u{202e}b", "an invisible character (U+202E)"),
            ("a\u{3164}b", "an invisible character (U+3164)"),
            ("a\u{a0}b", "an invisible character (U+00A0)"),
            ("a/b", "\"/\" (U+002F)"),
            ("a😀b", "\"😀\" (U+1F600)"),
        ] {
            let said = UserName::parse(bad).unwrap_err().message;
            assert!(said.ends_with(&format!(", not {named}")), "{said}");
        }
    }

    #[test]
    fn a_room_is_lower_case_and_has_1_to_48_characters() {
        assert_eq!(
            RoomName::parse("Ops.Team_1").unwrap().as_str(),
            "ops.team_1"
        );
        assert!(RoomName::parse(&"x".repeat(48)).is_ok());
        for bad in ["", &"x".repeat(49), "#ops", "@bob", "a b"] {
            assert_eq!(
                RoomName::parse(bad).unwrap_err().code,
                ErrorCode::BadRoom,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_plain_name_is_what_looking_its_characters_up_would_make_of_it() {
        let two = (0..128u8).flat_map(|a| (0..128u8).map(move |b| [char::from(a), char::from(b)]));
        let names = two.map(String::from_iter);
        for text in names.chain(["x".repeat(32), "x".repeat(33), "x".repeat(49)]) {
            assert_eq!(
                UserName::parse(&text),
                UserName::composed(&text),
                "{text:?}"
            );
            assert_eq!(RoomName::parse(&text), RoomName::folded(&text), "{text:?}");
        }
    }

    #[test]
    fn a_direct_conversation_is_the_same_from_both_sides() {
        let (a, b) = (Uid::parse("aaaa").unwrap(), Uid::parse("bbbb").unwrap());
        assert_eq!(RoomKey::direct(&a, &b), RoomKey::direct(&b, &a));
        let key = RoomKey::try_from("@bbbb:aaaa".to_owned()).unwrap();
        assert_eq!(key.to_string(), "@aaaa:bbbb");
        assert_eq!(key.other_side(&a), Some(&b));
        assert_eq!(
            RoomRef::parse("@bob").unwrap(),
            RoomRef::Direct(name("bob"))
        );
        assert_eq!(RoomRef::parse("@=bbbb").unwrap(), RoomRef::DirectUid(b));
        assert_eq!(RoomRef::parse("@").unwrap_err().code, ErrorCode::BadRoom);
    }

    #[test]
    fn a_suggestion_is_a_valid_name_however_long_the_taken_one_is() {
        let long = name(&"x".repeat(32));
        assert_eq!(long.numbered(12).as_str().chars().count(), 32);
        assert_eq!(name("alice").numbered(2).as_str(), "alice-2");
    }
}
