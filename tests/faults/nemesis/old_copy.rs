//! An old copy that is put back: what a node has lost by that, the others give it again.
//!
//! Only what others hold may be lost, so before the node is stopped its clients are kept away until
//! the others have everything.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::wait_for;
use crate::judge::Violation;
use crate::judge::history::{Vector, covers};
use crate::network::{self, Cut};
use crate::shell;
use crate::store;
use crate::world::World;

/// The others have everything within this.
const SETTLED_BY: Duration = Duration::from_secs(10);

/// Time in which disks that were busy when a node was stopped have done what they were at.
const STOPPED_BY: Duration = Duration::from_secs(2);

/// As a backup does it: the files are new ones with old contents.
pub async fn folder(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    let data = world.nodes[at].disk.data().display().to_string();
    // Beside the node's disk, where nothing is ever full.
    let copy = world.nodes[at]
        .disk
        .copy_name("backup")
        .display()
        .to_string();
    world.nodes[at].stop().await?;
    shell::line(&format!("rm -rf {copy}"))?;
    shell::line(&format!("cp -a {data} {copy}"))?;
    world.nodes[at].start().await?;
    world.tell(format!("restore   {} has a backup", world.nodes[at].name));
    world.hold(1_500, 3_000).await;
    if stop_settled(world, at, "restore  ").await? {
        shell::line(&format!("rm -rf {data}"))?;
        shell::line(&format!("cp -a {copy} {data}"))?;
        // Whoever puts a backup back waits for the disk: its power may be cut next.
        shell::line(&format!("sync -f {data}"))?;
    }
    world.nodes[at].start().await?;
    world.tell(format!(
        "restore   {} runs on its backup",
        world.nodes[at].name
    ));
    Ok(None)
}

/// As a snapshot of a virtual disk does it: the files cannot be told from those that were there.
pub async fn disk(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    world.nodes[at].stop().await?;
    let copy = world.nodes[at].disk.copy_name("snapshot");
    world.nodes[at].disk.unmount()?;
    world.nodes[at].disk.copy_image(&copy)?;
    world.nodes[at].disk.mount()?;
    world.nodes[at].start().await?;
    world.tell(format!("rollback  {} has a snapshot", world.nodes[at].name));
    world.hold(1_500, 3_000).await;
    if stop_settled(world, at, "rollback ").await? {
        world.nodes[at].disk.become_copy(&copy)?;
    }
    world.nodes[at].start().await?;
    world.tell(format!(
        "rollback  {} runs on its snapshot",
        world.nodes[at].name
    ));
    Ok(None)
}

/// Stops the node when the others hold all that it holds; false if they do not.
async fn stop_settled(world: &mut World, at: usize, fault: &str) -> Result<bool> {
    network::cut(at, &[Cut::FromClients])?;
    let settled = wait_for(SETTLED_BY, || others_hold_all(world, at)).await?;
    world.nodes[at].stop().await?;
    network::heal(at)?;
    if settled.is_none() {
        let name = &world.nodes[at].name;
        let what = format!("others do not have what {name} has after {SETTLED_BY:?}");
        world.record.violation(Violation::new("unsettled", what));
        return Ok(false);
    }
    // It may have taken something in between the two, from a peer whose disk is still busy with it. What
    // only it has now must not be taken from it.
    let settled = wait_for(STOPPED_BY, || others_hold_all(world, at)).await?;
    let but = if settled.is_some() {
        ""
    } else {
        ", and keeps its disk"
    };
    world.tell(format!("{fault} {} is stopped{but}", world.nodes[at].name));
    Ok(settled.is_some())
}

fn others_hold_all(world: &World, at: usize) -> Result<bool> {
    let held = vectors(world)?;
    let here = &held[at];
    let others = held.iter().enumerate().filter(|(other, _)| *other != at);
    let all = |other: &Vector| here.iter().all(|(origin, seq)| covers(other, origin, *seq));
    Ok(others.into_iter().all(|(_, other)| all(other)))
}

fn vectors(world: &World) -> Result<Vec<Vector>> {
    let nodes = world.nodes.iter();
    nodes.map(|node| store::vector(&node.disk.data())).collect()
}
