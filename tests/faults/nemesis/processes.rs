//! Processes that are killed and held.

use anyhow::Result;
use tokio::time::Instant;

use crate::world::World;

pub async fn kill(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    world.nodes[at].kill().await?;
    world.tell(format!("kill      {} is killed", world.nodes[at].name));
    world.hold(200, 2_000).await;
    world.nodes[at].start().await?;
    world.tell(format!("kill      {} is back", world.nodes[at].name));
    Ok(None)
}

pub async fn pause(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    world.nodes[at].pause().await?;
    world.tell(format!("pause     {} is held", world.nodes[at].name));
    // Sometimes longer than a peer waits for a sign of life.
    world.hold(500, 7_000).await;
    world.nodes[at].resume()?;
    world.tell(format!("pause     {} goes on", world.nodes[at].name));
    Ok(None)
}
