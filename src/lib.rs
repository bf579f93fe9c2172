//! A replicated chat. In reading order:
//!
//! - [`protocol`]: the wire, plain data.
//! - [`listen`]: taking in connections, on whichever port.
//! - [`node`]: the server: store, rooms, presence, cluster.
//! - [`client`]: a connection that resumes and moves, for the terminal client and scripts.
//! - [`tui`]: the terminal client.
//! - [`web`]: the bridge to browsers.
//! - [`cli`]: the command lines.

pub mod cli;
pub mod client;
#[cfg(test)]
mod house;
pub mod listen;
pub mod node;
mod private_file;
pub mod protocol;
pub mod tui;
pub mod web;
