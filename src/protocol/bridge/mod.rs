//! The link between a bridge and a node: one connection on the node's client port that carries many
//! sessions. [`handshake`] proves on both sides that the other one knows the cluster's secret;
//! [`lines`] are what crosses afterwards, a client's or a server's frame behind an address.
//!
//! A line of a room crosses once, however many sessions of the bridge are in that room.

pub mod handshake;
pub mod lines;

pub use handshake::{Auth, Challenge, Hello, LinkNonce, Ready};
pub use lines::{Handle, Place, SessionId, ToBridge, ToNode};

use super::limits::SERVER_LINE_BYTES_MAX;

/// Bytes of a line of the link in either direction: the longest frame, and its address.
pub const LINK_LINE_BYTES_MAX: usize = SERVER_LINE_BYTES_MAX + 64 * 1024;

/// Sessions that one link carries.
pub const LINK_SESSIONS_MAX: usize = 10_000;

/// Milliseconds between a bridge's pings: so often each side hears of the other.
pub const LINK_PING_EVERY_MS: u64 = 2_000;

/// Milliseconds of silence after which a bridge gives its node up.
pub const LINK_SILENCE_MAX_MS: u64 = 5_000;

/// Milliseconds of silence after which a node gives a bridge up. Longer than the other way round, so
/// that it is the bridge that moves, not the node that drops its sessions.
pub const BRIDGE_SILENCE_MAX_MS: u64 = 10_000;
