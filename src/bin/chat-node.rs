//! Nodes on the ports that are named, for as long as the process lives.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use chat::node::{Config, Node};
use chat::protocol::secret::Secret;

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let data =
        std::env::var_os("CHAT_NODE_DATA").context("CHAT_NODE_DATA names the data folder")?;
    let secret = std::env::var("CHAT_SECRET_KEY").context("CHAT_SECRET_KEY is the secret")?;
    let secret = Secret::new(secret.as_bytes()).context("a secret has 32 bytes or more")?;
    let mut nodes = Vec::new();
    for (at, port) in std::env::args().skip(1).enumerate() {
        let name = format!("n{}", at + 1);
        let node = Node::start(Config {
            listen: SocketAddr::from(([127, 0, 0, 1], port.parse().context("a port")?)),
            peer: None,
            join: Vec::new(),
            data: PathBuf::from(&data).join(&name),
            name,
            secret: secret.clone(),
            rate: 5,
        });
        nodes.push(node.await?);
    }
    tokio::signal::ctrl_c().await?;
    for node in nodes {
        node.stop().await;
    }
    Ok(())
}
