//! Networks that are cut.

use anyhow::Result;
use tokio::time::Instant;

use crate::network::{self, Cut};
use crate::world::World;

pub async fn partition(world: &mut World) -> Result<Option<Instant>> {
    let (one, other) = world.pick_two();
    let (a, b) = (network::name(one), network::name(other));
    let cuts = [Cut::FromNode(other), Cut::ToNode(other)];
    cut(
        world,
        one,
        &cuts,
        &format!("partition {a} and {b} do not hear each other"),
    )
    .await
}

pub async fn one_way(world: &mut World) -> Result<Option<Instant>> {
    let (one, other) = world.pick_two();
    let (a, b) = (network::name(one), network::name(other));
    let cuts = [Cut::FromNode(other)];
    cut(
        world,
        one,
        &cuts,
        &format!("one-way   {a} does not hear {b}"),
    )
    .await
}

pub async fn isolate(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    let name = network::name(at);
    cut(
        world,
        at,
        &[Cut::Everything],
        &format!("isolate   {name} hears nobody"),
    )
    .await
}

pub async fn loss(world: &mut World) -> Result<Option<Instant>> {
    let at = world.pick();
    let percent = world.chance.between(5, 40) as u32;
    let name = network::name(at);
    let what = format!("loss      {name} loses {percent} of 100 packets");
    cut(world, at, &[Cut::Loss(percent)], &what).await
}

async fn cut(world: &mut World, at: usize, cuts: &[Cut], what: &str) -> Result<Option<Instant>> {
    network::cut(at, cuts)?;
    world.tell(what);
    world.hold(1_000, 6_000).await;
    network::heal(at)?;
    world.tell(format!("{}healed", &what[..10]));
    Ok(None)
}
