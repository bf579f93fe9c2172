//! Clocks that are wrong.

use anyhow::Result;
use tokio::time::Instant;

use crate::world::World;

/// While the node runs.
pub async fn set(world: &mut World, offset: &str) -> Result<Option<Instant>> {
    let at = world.pick();
    world.nodes[at].set_clock(offset)?;
    world.tell(format!(
        "clock     {} is {offset} off",
        world.nodes[at].name
    ));
    world.hold(1_000, 3_000).await;
    world.nodes[at].set_clock("+0")?;
    world.tell(format!("clock     {} is right again", world.nodes[at].name));
    Ok(None)
}

/// Before it starts.
pub async fn start(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    let offset = ["-1h", "+1d"][world.chance.below(2)];
    world.nodes[at].kill().await?;
    world.nodes[at].set_clock(offset)?;
    world.nodes[at].start().await?;
    world.tell(format!(
        "clock     {} is started {offset} off",
        world.nodes[at].name
    ));
    world.hold(2_000, 4_000).await;
    world.nodes[at].kill().await?;
    world.nodes[at].set_clock("+0")?;
    world.nodes[at].start().await?;
    world.tell(format!(
        "clock     {} is started with the right time",
        world.nodes[at].name
    ));
    Ok(None)
}
