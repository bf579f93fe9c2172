//! The figures of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::history::Op;
use crate::judge::view::Figures;
use crate::record::Record;
use crate::world::{Done, World};

/// What is printed at the end.
pub struct Report {
    pub gaps: Vec<Duration>,
    pub converged: Option<Duration>,
    pub memory_kib: Vec<Option<u64>>,
    pub readers: Figures,
    pub stale_reactions: usize,
    pub messages: usize,
    pub moved_without_order: usize,
}

impl Report {
    pub fn print(&self, world: &World, ops: &[Op]) {
        println!();
        table_of_faults(&world.done, &self.gaps);
        let acknowledged = ops.iter().filter(|op| op.is_acknowledged()).count();
        let copies = |wanted: u64| {
            let acks = ops.iter().filter_map(|op| op.acks.first());
            acks.filter(|ack| ack.copies >= wanted).count()
        };
        row("asked", ops.len());
        row("acknowledged", acknowledged);
        row("  by two nodes or more", copies(2));
        row("messages in the end", self.messages);
        let Record {
            retries,
            refused,
            moves,
            ..
        } = &*world.record;
        row(
            "asked again",
            retries.load(std::sync::atomic::Ordering::Relaxed),
        );
        row(
            "refused",
            refused.load(std::sync::atomic::Ordering::Relaxed),
        );
        row(
            "writers' moves",
            moves.load(std::sync::atomic::Ordering::Relaxed),
        );
        row(
            "readers: live, in pages",
            format!("{}, {}", self.readers.live, self.readers.paged),
        );
        row("readers: moved, again, gaps", {
            let Figures {
                moves, again, gaps, ..
            } = self.readers;
            format!("{moves}, {again}, {gaps}")
        });
        row("readers: reactions set back", self.stale_reactions);
        row("order excused, clock ahead", self.moved_without_order);
        let worst = self.gaps.iter().max().copied().unwrap_or_default();
        row(
            "worst wait for an answer",
            format!("{:.2} s", worst.as_secs_f64()),
        );
        let converged = self.converged.map_or_else(
            || "never".to_owned(),
            |took| format!("{:.2} s", took.as_secs_f64()),
        );
        row("time to hold the same", converged);
        let memory: Vec<String> = self
            .memory_kib
            .iter()
            .map(|kib| kib.map_or_else(|| "?".to_owned(), |kib| format!("{}", kib / 1024)))
            .collect();
        row("memory of the nodes, MiB", memory.join(", "));
    }
}

fn table_of_faults(done: &[Done], gaps: &[Duration]) {
    let mut kinds: BTreeMap<String, (usize, Duration)> = BTreeMap::new();
    for (fault, gap) in done.iter().zip(gaps) {
        let (count, worst) = kinds.entry(fault.fault.name()).or_default();
        *count += 1;
        *worst = (*worst).max(*gap);
    }
    println!("{:<12} {:>5}   worst wait for an answer", "fault", "times");
    for (kind, (count, worst)) in kinds {
        println!("{kind:<12} {count:>5}   {:.2} s", worst.as_secs_f64());
    }
    println!();
}

fn row(what: &str, value: impl std::fmt::Display) {
    println!("{what:<30} {value}");
}

/// Adds up what readers counted.
pub fn add(sum: &mut Figures, one: &Figures) {
    sum.live += one.live;
    sum.paged += one.paged;
    sum.moves += one.moves;
    sum.again += one.again;
    sum.gaps += one.gaps;
}
