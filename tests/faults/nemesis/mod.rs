//! What is done to the nodes: one thing after the other, in an order that the seed says, each healed
//! before the next.

mod clock;
mod disk_full;
mod links;
mod old_copy;
mod power;
mod processes;

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

use crate::judge::Violation;
use crate::options::{Fault, Options};
use crate::world::{Done, World};

/// Time without faults at the beginning, and between two of them, milliseconds.
const CALM_MS: (u64, u64) = (700, 1_500);

/// Does it all until the time is over.
pub async fn run(world: &mut World, options: &Options) -> Result<()> {
    let over = Instant::now() + Duration::from_secs(options.duration);
    let mut deck: Vec<Fault> = Vec::new();
    // Blackouts that were asked for are spread over the time.
    let mut blackouts = options.power_cuts;
    let every = Duration::from_secs(options.duration) / (options.power_cuts + 1);
    let mut next_blackout = Instant::now() + every;
    loop {
        world.hold(CALM_MS.0, CALM_MS.1).await;
        let time_is_over = Instant::now() >= over;
        if time_is_over && blackouts == 0 {
            return Ok(());
        }
        let due = blackouts > 0 && (time_is_over || Instant::now() >= next_blackout);
        let fault = if due {
            blackouts -= 1;
            next_blackout += every;
            Fault::Blackout
        } else {
            draw(world, &mut deck, options)
        };
        one(world, fault).await?;
    }
}

/// The next of a shuffled deck, so that every kind has its turn.
fn draw(world: &mut World, deck: &mut Vec<Fault>, options: &Options) -> Fault {
    if deck.is_empty() {
        deck.extend(options.faults());
        world.chance.shuffle(deck);
    }
    deck.pop().unwrap_or(Fault::Kill)
}

/// One fault, its healing, and the note of it.
pub async fn one(world: &mut World, fault: Fault) -> Result<()> {
    let begun = Instant::now();
    let reachable = match fault {
        Fault::Kill => processes::kill(world).await,
        Fault::Pause => processes::pause(world).await,
        Fault::Partition => links::partition(world).await,
        Fault::OneWay => links::one_way(world).await,
        Fault::Isolate => links::isolate(world).await,
        Fault::Loss => links::loss(world).await,
        Fault::FullDisk => disk_full::full(world).await,
        Fault::ClockBack => clock::set(world, "-1h").await,
        Fault::ClockAhead => clock::set(world, "+1d").await,
        Fault::Skew => clock::skew(world).await,
        Fault::ClockStart => clock::start(world).await,
        Fault::Restore => old_copy::folder(world).await,
        Fault::Rollback => old_copy::disk(world).await,
        Fault::PowerCut => power::cut_one(world).await,
        Fault::Blackout => power::cut_all(world).await,
    };
    let reachable = reachable.with_context(|| format!("the fault {}", fault.name()))?;
    world.done.push(Done {
        fault,
        begun,
        healed: Instant::now(),
        reachable: reachable.unwrap_or(begun),
    });
    for name in world.fallen() {
        let what = format!("{name} has ended by itself; see {name}.log");
        world.record.violation(Violation::new("fallen", what));
    }
    Ok(())
}

/// Waits for what must come, and says how long it took; none if it has not.
async fn wait_for(
    deadline: Duration,
    mut come: impl FnMut() -> Result<bool>,
) -> Result<Option<Duration>> {
    const LOOK: Duration = Duration::from_millis(50);
    let begun = Instant::now();
    while begun.elapsed() < deadline {
        if come()? {
            return Ok(Some(begun.elapsed()));
        }
        sleep(LOOK).await;
    }
    Ok(None)
}
