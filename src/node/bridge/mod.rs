//! The node's side of the link to a bridge: one connection, many sessions.
//!
//! Each session has its own user, rights and limits, as if its browser had connected itself. What is
//! shared is the reading: the link is in a room once, however many of its sessions are, and in a
//! user's personal channel likewise; each line crosses once, with the list of whom it is for.
//!
//! Nothing here is reached before the bridge has proved that it knows the cluster's secret.
//!
//! Reading order: [`opening`] (the proof), [`link`] (the loop: one socket), [`sessions`] (what a
//! bridge says of them), [`heard`] (the channels, and who hears them), [`moving`] (sessions that come
//! from another node), [`ready`] (which session has an answer).

mod answers;
mod heard;
mod link;
mod moving;
mod opening;
mod ready;
mod sessions;

use std::sync::Arc;

use tokio::net::TcpStream;

use super::shared::Shared;
use crate::protocol::bridge::Hello;

/// Serves a connection whose first line was a bridge's `hello`, until either side ends it or the node
/// stops.
pub async fn run(shared: Arc<Shared>, mut stream: TcpStream, hello: Hello) {
    match opening::prove(&shared, &mut stream, &hello).await {
        Ok(()) => link::run(shared, stream, &hello.name).await,
        Err(error) => tracing::warn!(%error, "a connection that would be a bridge is refused"),
    }
}
