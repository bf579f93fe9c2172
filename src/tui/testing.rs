//! What the tests of this module share: made-up people, messages and screens.

use std::collections::BTreeMap;

use crate::protocol::server::Message;
use crate::protocol::{MessageId, Nonce, Origin, Ts, Uid};

/// The user's id that the tests give to a name.
pub fn uid(name: &str) -> Uid {
    Uid::parse(&format!("uid{name}")).unwrap()
}

/// The `n`th message of `lobby`, one a minute from the morning of 22 November 2026 on.
pub fn message(n: u64, from: &str, text: &str) -> Message {
    let nonce = Nonce::parse(&format!("nonce{n}")).unwrap();
    let minutes = i64::try_from(n).unwrap();
    Message {
        room: "lobby".to_owned(),
        id: MessageId::new(&uid(from), &nonce),
        from: from.to_owned(),
        uid: uid(from),
        ts: Ts(1_795_338_000_000_000 + minutes * 60_000_000),
        origin: Origin::parse("n1-a").unwrap(),
        seq: n + 1,
        text: Some(text.to_owned()),
        nonce,
        reply_to: None,
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
        late: false,
    }
}
