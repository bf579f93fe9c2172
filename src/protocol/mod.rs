//! The wire, as plain data: what crosses it, what it is checked against, and nothing that reads a
//! clock, a socket or a file. `docs/PROTOCOL.md` is its description; the golden lines in
//! `tests/golden/` hold both together.

pub mod bridge;
pub mod client;
pub mod decode;
#[cfg(test)]
mod documented;
pub mod encode;
pub mod error;
pub mod event;
#[cfg(test)]
mod golden;
pub mod ids;
pub mod limits;
pub mod line;
pub mod names;
pub mod peer;
pub mod presence;
pub mod secret;
pub mod server;
pub mod soft;
pub mod stats;
pub mod text;
#[cfg(test)]
mod typescript;

pub use client::{Claim, ClientFrame, HistoryRange, Re, Request};
pub use error::{ErrorCode, Refusal};
pub use event::{Body, Event};
pub use ids::{MessageId, Nonce, Origin, Seq, Ts, Uid, VersionVector};
pub use names::{NameKey, RoomKey, RoomName, RoomRef, UserName};
pub use server::ServerFrame;
pub use text::Text;
