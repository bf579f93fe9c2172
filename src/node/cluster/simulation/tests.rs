//! A thousand worlds, and every rule broken once. More of them, or a certain one:
//!
//! ```text
//! ./test simulation --seeds 20000
//! ./test simulation --seed 4711
//! ```

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::oracle::Oracle;
use super::world::World;
use crate::node::breaks::{Break, break_rule};

/// Worlds of the usual test.
const SEEDS: u64 = 1_000;

/// Worlds in which a broken rule must have shown.
const SEEDS_TO_NOTICE: u64 = 1_000;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
    )
}

/// Runs the world of `seed`; its story, if a promise was broken in it.
fn run(seed: u64) -> Result<World, String> {
    let mut world = World::new(seed);
    let settled = world.run();
    let mut wrong = Oracle::judge(&world);
    if settled.is_none() {
        wrong.insert(0, "the nodes did not come to hold the same".to_owned());
    }
    if wrong.is_empty() {
        return Ok(world);
    }
    let (nodes, story) = (world.nodes.len(), world.story.told());
    let wrong = wrong.join("\n- ");
    Err(format!(
        "{story}\n\nseed {seed}, {nodes} nodes:\n- {wrong}\n(again: ./test simulation --seed {seed})"
    ))
}

#[test]
fn nothing_acknowledged_is_lost_and_all_nodes_come_to_say_the_same() {
    if let Some(seed) = variable("CHAT_SIMULATION_SEED") {
        if let Err(story) = run(seed) {
            panic!("{story}");
        }
        return;
    }
    let seeds = variable("CHAT_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let (next, acknowledged) = (AtomicU64::new(0), AtomicUsize::new(0));
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    match run(seed) {
                        Ok(world) => {
                            acknowledged
                                .fetch_add(world.oracle.acknowledged_count(), Ordering::Relaxed);
                        }
                        Err(story) => *failed.lock().unwrap() = Some(story),
                    }
                }
            });
        }
    });
    if let Some(story) = failed.into_inner().unwrap() {
        panic!("{story}");
    }
    let acknowledged = acknowledged.into_inner() as u64;
    println!("{seeds} worlds, {acknowledged} acknowledgements kept");
    assert!(
        acknowledged > 10 * seeds,
        "people came to write: {acknowledged}"
    );
}

/// A world in which the broken rule shows, and how: `seed`, where it has shown before, or the first of
/// those after it.
fn notices(rule: Break, seed: u64) -> Option<u64> {
    break_rule(Some(rule));
    let mut seeds = std::iter::once(seed).chain(0..SEEDS_TO_NOTICE);
    let found = seeds.find(|seed| run(*seed).is_err());
    break_rule(None);
    if found != Some(seed) {
        println!("{rule:?} shows in {found:?}, and no longer in world {seed}");
    }
    found
}

#[test]
fn every_broken_rule_is_noticed() {
    // Each with a world in which it has shown: to look for one takes most of a minute in all.
    let rules = [
        (Break::ConfirmsBeforeCommit, 0),
        (Break::CountsCopiesOnTheirWay, 0),
        (Break::MergesByMaximum, 2),
        (Break::ForgetsEarlyUpdates, 0),
        (Break::LastComerWins, 8),
        (Break::DeletesAreNotFinal, 5),
        (Break::ClockIgnoresOthers, 23),
        (Break::IgnoresAfter, 349),
        (Break::KeepsItsOrigin, 0),
        (Break::StoresAcrossGaps, 0),
        (Break::SinceRunsAhead, 40),
        (Break::NeverPulls, 3),
        (Break::MovesInSilence, 17),
        (Break::ForgetsNewIdentities, 2),
    ];
    let missed: Vec<Break> = rules
        .into_iter()
        .filter(|(rule, seed)| notices(*rule, *seed).is_none())
        .map(|(rule, _)| rule)
        .collect();
    assert_eq!(missed, [], "these rules can be broken unnoticed");
}
