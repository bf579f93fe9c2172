//! Bounds of what waits, and how long is waited. Bytes are counted by
//! [`event_bytes_max`](crate::protocol::peer::event_bytes_max).

use std::time::Duration;

use crate::protocol::Seq;

/// No place in a log is as far as this; what says so is not from a node.
pub const SEQ_END: Seq = 1 << 53;

/// Time that an acknowledgement waits for peers' disks: with the steps in which time passes here, no
/// more than 250 ms.
pub const COPIES_WAIT: Duration = Duration::from_millis(200);

/// Time between two vectors to the same peer: how long a lost push stays unnoticed, at most.
pub const VECTOR_EVERY: Duration = Duration::from_secs(2);

/// Events pushed to a peer that it has not said to have stored: 0.1 s at 10,000 a second.
pub const IN_FLIGHT_EVENTS_MAX: usize = 1024;

/// Bytes pushed to a peer that it has not said to have stored.
pub const IN_FLIGHT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A push that is not confirmed for so long is taken for lost.
pub const PUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of newly committed events kept in memory for peers that are a little behind; who is further
/// behind pulls from the store.
pub const RECENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of a `Push` or `Range`, half of what a frame may have.
pub const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Events of a `Push` or `Range`: what takes longer to encode and to read holds up what is said meanwhile.
pub const BATCH_EVENTS_MAX: usize = 256;

/// Bytes handed to the store that it has not committed; past it, pushes are dropped and pulled later.
pub const HANDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of events that wait for the ones before them, of all origins.
pub const AHEAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Time after which events that were handed to the store and not heard of again are asked for anew.
pub const HANDED_TIMEOUT: Duration = Duration::from_secs(60);

/// Time without pulls after the store has refused events (its disk is full, say).
pub const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// Origins pulled at the same time.
pub const PULLS_MAX: usize = 8;

/// A pull without an answer for so long goes to another peer.
pub const PULL_TIMEOUT: Duration = Duration::from_secs(5);

/// Time that a peer which did not answer a pull is left alone for that origin.
pub const AVOID_FOR: Duration = Duration::from_secs(10);

/// The same for one that answered with nothing.
pub const AVOID_EMPTY_FOR: Duration = Duration::from_millis(500);

/// Time that an origin's own node, when it is linked, has to bring us its events before others are
/// asked for them.
pub const FIRST_HAND_GRACE: Duration = Duration::from_secs(3);

/// Time between two pieces of logs that a node compares with its peers: hashing one takes some
/// milliseconds, and a million events are gone through in three hours.
pub const PIECE_EVERY: Duration = Duration::from_secs(10);

/// Events of a piece.
pub const PIECE_EVENTS: u64 = 1024;

/// Ranges that are read from the store for one peer at the same time; what it asks past that is not
/// answered, and it will ask again.
pub const READS_MAX: usize = PULLS_MAX;
