//! What the terminal client and the scripts share: connect, resume, move to another node, resend.
//!
//! [`machine`] decides, purely; [`connection`] does what it decides, over TCP. Nothing here shows
//! anything to a person, and nothing here touches a file.

pub mod connection;
pub mod event;
pub mod held;
pub mod machine;
pub mod query;

pub use connection::{Busy, Client, Handle};
pub use event::{ClientEvent, Command, Found, Options, Seek};
pub use held::Held;
