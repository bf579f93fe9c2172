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

/// Before it starts, by so little that what is said after something else still comes after it: two
/// nodes that are off in turn are less than 10 s apart.
pub async fn skew(world: &mut World) -> Result<Option<Instant>> {
    let seconds = world.chance.between(1, 4);
    let sign = ["-", "+"][world.chance.below(2)];
    started(world, &format!("{sign}{seconds}s")).await
}

/// Before it starts, by very much.
pub async fn start(world: &mut World) -> Result<Option<Instant>> {
    let offset = ["-1h", "+1d"][world.chance.below(2)];
    started(world, offset).await
}

async fn started(world: &mut World, offset: &str) -> Result<Option<Instant>> {
    let at = world.pick();
    world.nodes[at].kill().await?;
    world.nodes[at].set_clock(offset)?;
    world.nodes[at].start().await?;
    let name = world.nodes[at].name.clone();
    world.tell(format!("clock     {name} is started {offset} off"));
    world.hold(2_000, 4_000).await;
    world.nodes[at].kill().await?;
    world.nodes[at].set_clock("+0")?;
    world.nodes[at].start().await?;
    world.tell(format!("clock     {name} is started with the right time"));
    Ok(None)
}
