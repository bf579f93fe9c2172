//! A chat server process's heart: one door through the store, rings for the rooms, links to peers.

pub mod cluster;
pub mod config;
pub mod names;
pub mod presence;
pub mod rooms;
pub mod store;
pub mod text_mode;
pub mod tokens;
