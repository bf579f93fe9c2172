//! Session tokens: what opens the same user again, on any node that knows the cluster's secret.
//!
//! A token is `base64url(payload).base64url(mac)`. The payload is readable by anyone and trusted only
//! with its mac; no node needs to have heard of the user, nor asks another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::protocol::names::UserName;
use crate::protocol::presence::UserRecord;
use crate::protocol::secret::Secret;
use crate::protocol::{ErrorCode, Refusal, Ts, Uid};

/// Microseconds that a token is valid after it was issued, or after its user was last seen.
pub const TOKEN_VALID_US: i64 = 30 * 24 * 3600 * 1_000_000;

/// Bytes of a token. The longest, with a name of 32 characters of four bytes, has about 400.
pub const TOKEN_BYTES_MAX: usize = 1024;

/// The form of the payload.
const VERSION: u32 = 1;

/// Issues and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    key: [u8; 32],
}

/// Who a token was issued to. The name is the one of that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUser {
    pub uid: Uid,
    pub name: UserName,
    /// When the user had claimed the name.
    pub claimed_at: Ts,
    pub issued_at: Ts,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    v: u32,
    uid: Uid,
    name: UserName,
    claimed: Ts,
    issued: Ts,
}

impl Tokens {
    pub fn new(secret: &Secret) -> Tokens {
        Tokens {
            key: secret.token_key(),
        }
    }

    /// A token for `user`, valid from now on.
    pub fn issue(&self, user: &UserRecord, now: Ts) -> String {
        let payload = Payload {
            v: VERSION,
            uid: user.uid.clone(),
            name: user.name.clone(),
            claimed: user.claimed_at,
            issued: now,
        };
        let payload = serde_json::to_vec(&payload).expect("plain data always becomes JSON");
        let mac = blake3::keyed_hash(&self.key, &payload);
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(payload),
            URL_SAFE_NO_PAD.encode(mac.as_bytes())
        )
    }

    /// Whose token it is. `last_seen` says when a user's session was last open, as far as this node
    /// knows.
    ///
    /// # Errors
    /// `bad_token` when it was not issued with this cluster's secret, or has run out.
    pub fn check(
        &self,
        token: &str,
        now: Ts,
        last_seen: impl Fn(&Uid) -> Option<Ts>,
    ) -> Result<TokenUser, Refusal> {
        let user = self.open(token).ok_or_else(|| {
            refused("the token is not one of this cluster: join with a name instead")
        })?;
        let used_at = last_seen(&user.uid).map_or(user.issued_at, |at| at.max(user.issued_at));
        if now.0.saturating_sub(used_at.0) > TOKEN_VALID_US {
            return Err(refused(
                "the token was not used for 30 days: join with a name instead",
            ));
        }
        Ok(user)
    }

    fn open(&self, token: &str) -> Option<TokenUser> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (payload, mac) = token.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let mac: [u8; 32] = URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
        // `blake3::Hash` compares in constant time.
        if blake3::keyed_hash(&self.key, &payload) != blake3::Hash::from(mac) {
            return None;
        }
        let payload: Payload = serde_json::from_slice(&payload).ok()?;
        (payload.v == VERSION).then_some(TokenUser {
            uid: payload.uid,
            name: payload.name,
            claimed_at: payload.claimed,
            issued_at: payload.issued,
        })
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

fn refused(message: &str) -> Refusal {
    Refusal::new(ErrorCode::BadToken, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 24 * 3600 * 1_000_000;

    fn tokens() -> Tokens {
        Tokens::new(&Secret::new(&[b's'; 32]).unwrap())
    }

    fn alice() -> UserRecord {
        UserRecord {
            uid: Uid::parse("k7q2m4").unwrap(),
            name: UserName::parse("alice").unwrap(),
            claimed_at: Ts(5),
            last_seen: Ts(9),
        }
    }

    fn never(_: &Uid) -> Option<Ts> {
        None
    }

    #[test]
    fn a_token_opens_its_user_on_every_node_with_the_secret() {
        let token = tokens().issue(&alice(), Ts(10));
        let user = tokens().check(&token, Ts(11), never).unwrap();
        let expected = TokenUser {
            uid: alice().uid,
            name: alice().name,
            claimed_at: Ts(5),
            issued_at: Ts(10),
        };
        assert_eq!(user, expected);
        let other = Tokens::new(&Secret::new(&[b't'; 32]).unwrap());
        let refusal = other.check(&token, Ts(11), never).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::BadToken);
    }

    #[test]
    fn a_token_is_valid_for_30_days_after_its_last_use_and_not_a_moment_longer() {
        let token = tokens().issue(&alice(), Ts(0));
        assert!(tokens().check(&token, Ts(30 * DAY), never).is_ok());
        let late = tokens().check(&token, Ts(30 * DAY + 1), never).unwrap_err();
        assert_eq!(late.code, ErrorCode::BadToken);
        assert!(late.message.contains("30 days"), "{}", late.message);
        let seen = |_: &Uid| Some(Ts(20 * DAY));
        assert!(tokens().check(&token, Ts(50 * DAY), seen).is_ok());
        assert!(tokens().check(&token, Ts(50 * DAY + 1), seen).is_err());
    }

    #[test]
    fn a_token_with_any_bit_changed_is_refused() {
        let token = tokens().issue(&alice(), Ts(0));
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                // The last character's spare bits may read the same; then they must not be zero.
                let read = tokens().check(&changed, Ts(0), never);
                assert!(read.is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn a_payload_of_another_version_or_form_is_refused_even_when_it_is_signed() {
        for payload in [
            &br#"{"v":2,"uid":"k7q2m4","name":"alice","claimed":0,"issued":0}"#[..],
            br#"{"v":1,"uid":"NO","name":"alice","claimed":0,"issued":0}"#,
            br#"{"v":1}"#,
            b"",
        ] {
            let mac = blake3::keyed_hash(&tokens().key, payload);
            let token = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(payload),
                URL_SAFE_NO_PAD.encode(mac.as_bytes())
            );
            assert!(tokens().check(&token, Ts(0), never).is_err());
        }
    }

    #[test]
    fn the_longest_name_fits_and_a_longer_text_is_no_token() {
        let name = UserName::parse(&"中".repeat(32)).unwrap();
        let user = UserRecord { name, ..alice() };
        let token = tokens().issue(&user, Ts(i64::MAX));
        assert!(token.len() <= TOKEN_BYTES_MAX, "{}", token.len());
        assert!(tokens().check(&token, Ts(0), never).is_ok());
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        assert!(tokens().check(&long, Ts(0), never).is_err());
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_never_panics(token in "\\PC{0,200}", tail in "[A-Za-z0-9_.=-]{0,200}") {
            prop_assert!(tokens().check(&token, Ts(0), never).is_err());
            prop_assert!(tokens().check(&tail, Ts(0), never).is_err());
        }
    }
}
