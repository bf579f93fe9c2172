//! A node over real TCP, as stories. One crate, since linking is what takes time; `support` has the
//! node to talk to and the client to talk with.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

mod cluster;
mod cluster_messages;
mod cluster_people;
mod names;
mod presence;
mod story;
mod text_mode;
mod web;
mod web_moving;
mod web_socket;
#[allow(dead_code)]
mod web_support;
