//! Clocks that are wrong.

use anyhow::Result;
use tokio::time::Instant;

use crate::network::{self, Cut};
use crate::world::{NODES, World};

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
/// nodes that are off in turn are less than 10 s apart. At first it is alone, since what it hears
/// from others would draw its clock along.
pub async fn skew(world: &mut World) -> Result<Option<Instant>> {
    let seconds = world.chance.between(1, 4);
    let sign = ["-", "+"][world.chance.below(2)];
    let at = world.pick();
    let others = (0..NODES).filter(|other| *other != at);
    let cuts: Vec<Cut> = others
        .flat_map(|other| [Cut::FromNode(other), Cut::ToNode(other)])
        .collect();
    world.nodes[at].kill().await?;
    network::cut(at, &cuts)?;
    start_at(world, at, &format!("{sign}{seconds}s")).await?;
    world.hold(1_500, 2_500).await;
    network::heal(at)?;
    world.tell(format!(
        "clock     {} hears the others",
        world.nodes[at].name
    ));
    world.hold(1_000, 2_000).await;
    start_at(world, at, "+0").await?;
    Ok(None)
}

/// Before it starts, by very much.
pub async fn start(world: &mut World) -> Result<Option<Instant>> {
    let offset = ["-1h", "+1d"][world.chance.below(2)];
    let at = world.pick();
    start_at(world, at, offset).await?;
    world.hold(2_000, 4_000).await;
    start_at(world, at, "+0").await?;
    Ok(None)
}

async fn start_at(world: &mut World, at: usize, offset: &str) -> Result<()> {
    let node = &mut world.nodes[at];
    node.kill().await?;
    node.set_clock(offset)?;
    node.start().await?;
    let name = node.name.clone();
    world.tell(format!("clock     {name} is started {offset} off"));
    Ok(())
}
