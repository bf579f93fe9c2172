//! What can be asked of a run.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Starts three real nodes, hurts them, and checks that nothing that was acknowledged is lost,
/// doubled or out of order. Needs root, on Linux.
#[derive(Clone, Debug, Parser)]
#[command(name = "faults", disable_version_flag = true)]
pub struct Options {
    /// Seconds during which there are faults
    #[arg(long, value_name = "SECONDS", default_value_t = 40,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub duration: u64,

    /// The same seed makes the same schedule of faults; random if not said
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// These faults only
    #[arg(long, value_name = "FAULT", value_delimiter = ',')]
    pub only: Vec<Fault>,

    /// All faults but these
    #[arg(
        long,
        value_name = "FAULT",
        value_delimiter = ',',
        conflicts_with = "only"
    )]
    pub without: Vec<Fault>,

    /// Rounds in which the power of all nodes is cut at once, beside the other faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub power_cuts: u32,

    /// Things that are written a second, over all writers
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub rate: u32,

    /// Cut the power of nodes that do not wait for the disk: passes if the loss is found
    #[arg(long)]
    pub self_test: bool,

    /// The folder of a run that is inside its own namespaces already
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub inside: Option<PathBuf>,
}

/// What is done to nodes, one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// kill -9, and a start
    Kill,
    /// SIGSTOP, and SIGCONT
    Pause,
    /// Two nodes do not hear each other
    Partition,
    /// One node does not hear another
    OneWay,
    /// A node hears neither nodes nor clients
    Isolate,
    /// A part of a node's packets is lost
    Loss,
    /// A node's disk is full, then it is not
    FullDisk,
    /// A node's clock is set back by an hour while it runs
    ClockBack,
    /// A node's clock is set a day ahead while it runs
    ClockAhead,
    /// A node is started with a clock that is some seconds off
    Skew,
    /// A node is started with a clock that is an hour or a day off
    ClockStart,
    /// A node's folder is put back from a copy
    Restore,
    /// A node's whole disk is as it was before, down to the numbers of its files
    Rollback,
    /// The power of one node is cut
    PowerCut,
    /// The power of all nodes is cut at once
    Blackout,
}

impl Options {
    /// The faults that are wanted.
    pub fn faults(&self) -> Vec<Fault> {
        let all = Fault::value_variants().iter().copied();
        let wanted = |fault: &Fault| self.only.is_empty() || self.only.contains(fault);
        all.filter(|fault| wanted(fault) && !self.without.contains(fault))
            .collect()
    }
}

impl Fault {
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
