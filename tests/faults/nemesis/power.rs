//! Power that is cut: a node stands still, its disk is copied as it is at that moment, and it is
//! started again on the copy.

use anyhow::{Context, Result};
use tokio::time::Instant;

use crate::judge::Violation;
use crate::world::World;

pub async fn cut_one(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    cut(world, &[at]).await?;
    world.hold(100, 1_000).await;
    world.nodes[at].start().await?;
    world.tell(format!("power-cut {} is back", world.nodes[at].name));
    Ok(None)
}

/// Gives the moment in which the first node was back.
pub async fn cut_all(world: &mut World) -> Result<Option<Instant>> {
    let all: Vec<usize> = (0..world.nodes.len()).collect();
    cut(world, &all).await?;
    let mut first = None;
    for at in all {
        if let Err(error) = world.nodes[at].start().await {
            let what = format!("{} after a power cut: {error:#}", world.nodes[at].name);
            world.record.violation(Violation::new("lost", what));
            return Err(error);
        }
        first.get_or_insert_with(Instant::now);
    }
    world.tell("blackout  all nodes are back");
    Ok(first)
}

async fn cut(world: &mut World, at: &[usize]) -> Result<()> {
    for node in at {
        world.nodes[*node].pause().await?;
    }
    let names: Vec<&str> = at
        .iter()
        .map(|node| world.nodes[*node].name.as_str())
        .collect();
    world.tell(format!("power-cut {} without power", names.join(", ")));
    for node in at {
        let node = &mut world.nodes[*node];
        let copy = node.disk.copy_as_cut("cut").await?;
        node.kill().await?;
        node.disk
            .become_copy(&copy)
            .with_context(|| format!("the disk of {}", node.name))?;
    }
    Ok(())
}
