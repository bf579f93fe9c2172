//! A run, inside: nodes, writers, readers, faults, and the judgement.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::gaps;
use crate::judge::Violation;
use crate::judge::history::{NodeEnd, Vector};
use crate::judge::last;
use crate::needs::preloads;
use crate::nemesis;
use crate::options::{Fault, Options};
use crate::random::Chance;
use crate::reader::{READERS, Reader};
use crate::record::Record;
use crate::report::{self, Report};
use crate::settle;
use crate::world::{NODES, World};
use crate::writer::{WRITERS, Writer};

/// How long nodes that do not wait for the disk are written to before their power is cut. The system
/// writes by itself what is older than 30 s.
const SELF_TEST_WRITES_MS: u64 = 4_000;

/// Does it all; whether everything held.
pub async fn run(options: &Options, seed: u64, folder: &Path) -> Result<bool> {
    let chance = Chance::new(seed);
    let record = Arc::new(Record::begin());
    let preloads = preloads();
    let preload = if options.self_test {
        preloads.eatmydata
    } else {
        preloads.faketime
    };
    let seconds = options.duration + 60;
    let ops = seconds * u64::from(options.rate);
    let clock = Arc::clone(&record);
    let mut world = World::make(folder, clock, chance.fork(1), &preload, ops).await?;
    record.tell(&format!(
        "{NODES} nodes serve; {} writes a second",
        options.rate
    ));
    let (writers, readers) = begin(options, &chance, &record);
    let hurt = if options.self_test {
        world.hold(SELF_TEST_WRITES_MS, SELF_TEST_WRITES_MS).await;
        nemesis::one(&mut world, Fault::Blackout).await
    } else {
        nemesis::run(&mut world, options).await
    };
    if let (Err(error), true) = (&hurt, options.self_test) {
        // What is left is not even a log.
        return Ok(self_test_found(&record, &format!("{error:#}")));
    }
    hurt?;
    let passed = end(&mut world, writers, readers, folder).await?;
    write_down(&record, folder)?;
    if options.self_test {
        return Ok(self_test_found(&record, "nothing"));
    }
    Ok(passed)
}

/// All violations go into a file beside the logs; on the screen is the first of each kind.
fn write_down(record: &Record, folder: &Path) -> Result<()> {
    let mut text = String::new();
    for (kind, violations) in record.found() {
        println!("{kind:<30} {} times", violations.len());
        for violation in violations {
            text += &format!("{kind}: {}\n", violation.what);
        }
    }
    Ok(std::fs::write(folder.join("violations.txt"), text)?)
}

fn begin(
    options: &Options,
    chance: &Chance,
    record: &Arc<Record>,
) -> (JoinSet<()>, JoinSet<Reader>) {
    let mut writers = JoinSet::new();
    let pace = Duration::from_secs(1) * WRITERS as u32 / options.rate;
    for index in 0..WRITERS {
        let chance = chance.fork(100 + index as u64);
        writers.spawn(Writer::new(index, NODES, chance, Arc::clone(record)).run(pace));
    }
    let mut readers = JoinSet::new();
    for index in 0..READERS {
        let chance = chance.fork(200 + index as u64);
        readers.spawn(Reader::new(index, NODES, chance, Arc::clone(record)).run());
    }
    (writers, readers)
}

/// All is healed: waits for what must come, reads everything, and judges.
async fn end(
    world: &mut World,
    writers: JoinSet<()>,
    readers: JoinSet<Reader>,
    folder: &Path,
) -> Result<bool> {
    let record = Arc::clone(&world.record);
    let quiet = Instant::now();
    record.quiet.send_replace(true);
    writers.join_all().await;
    record.tell("all faults are healed, and nobody writes any more");
    let (all, converged) = settle::converge(world).await?;
    if converged.is_some() {
        record.tell("the nodes hold the same");
    }
    record.over.send_replace(true);
    let mut readers = readers.join_all().await;
    let mut ends = settle::shown().await?;
    let mut report = Report {
        gaps: Vec::new(),
        converged,
        memory_kib: world.nodes.iter().map(|node| node.memory_kib()).collect(),
        readers: crate::judge::view::Figures::default(),
        stale_reactions: 0,
        messages: settle::standing(&ends).values().map(Vec::len).sum(),
        moved_without_order: 0,
    };
    check_readers(world, &mut readers, &ends, &all, &mut report).await;
    for reader in &readers {
        let path = folder.join(format!("{}.txt", reader.person.name));
        std::fs::write(path, reader.trace.join("\n"))?;
    }
    for node in &mut world.nodes {
        node.stop().await?;
    }
    settle::logs(world, &mut ends)?;
    let ops = record.ops();
    record.violations(last::judge(&ops, &ends));
    report.moved_without_order = ops.iter().filter(|op| last::is_excused(op)).count();
    let mut stuck = Vec::new();
    report.gaps = gaps::gaps(&world.done, &record, quiet, &mut stuck);
    record.violations(stuck);
    report.print(world, &ops);
    Ok(record.found().is_empty())
}

/// Readers were shown what they hold, and with the last pages see what nodes show.
async fn check_readers(
    world: &mut World,
    readers: &mut [Reader],
    ends: &[NodeEnd],
    all: &Vector,
    report: &mut Report,
) {
    let standing = settle::standing(ends);
    for reader in readers {
        let mut found = Vec::new();
        for view in &reader.views {
            view.check_held(&standing[&view.room], &mut found);
        }
        let node = world.pick();
        if reader.catch_up(node, all).await.is_err() {
            let what = format!("on n{} it does not come to hold all", node + 1);
            found.push(Violation::new("skipped", what));
        } else {
            for view in &reader.views {
                report.stale_reactions += view.check_end(&standing[&view.room], &mut found);
                report::add(&mut report.readers, &view.figures);
            }
        }
        for violation in &mut found {
            violation
                .what
                .insert_str(0, &format!("{}, ", reader.person.name));
        }
        world.record.violations(found);
    }
}

/// Without waiting for the disk there must be loss, or the power cuts of this program prove nothing.
fn self_test_found(record: &Record, failed: &str) -> bool {
    let found = record.found();
    let lost = found.get("lost").map_or(0, Vec::len);
    if lost == 0 {
        println!("\nno loss was found although no node waited for its disk ({failed} failed)");
        return false;
    }
    println!(
        "\nthe self test passed: without waiting for the disk, {lost} losses or more are found"
    );
    true
}
