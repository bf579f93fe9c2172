//! Real nodes, hurt on purpose: three processes with networks, disks and clocks of their own, which are
//! killed, held, cut off, filled up, set wrong, put back and left without power, while others write
//! and read. In the end whatever was acknowledged must be on every node, once, in one order.
//!
//! ```text
//! cargo test --test faults -- --duration 40 --seed 7
//! ```
//!
//! It is no part of `cargo test`: it needs root and what is named in [`needs`].

mod disk;
mod gaps;
#[allow(dead_code)]
mod judge;
mod needs;
mod nemesis;
mod network;
mod node;
mod options;
mod random;
mod reader;
mod record;
mod report;
mod run;
mod sandbox;
mod settle;
mod shell;
mod store;
mod wire;
mod world;
mod writer;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use options::Options;

fn main() -> ExitCode {
    // A wrong option ends here, with 2.
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(outside_or_inside(&options)),
        Err(error) => Err(error.into()),
    };
    done.unwrap_or_else(|error| {
        println!("the run cannot go on: {error:#}");
        ExitCode::FAILURE
    })
}

async fn outside_or_inside(options: &Options) -> Result<ExitCode> {
    let seed = options
        .seed
        .unwrap_or_else(|| record::now_us() as u64 % 1_000_000);
    if let Some(folder) = &options.inside {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        return tokio::select! {
            done = run::run(options, seed, folder) => verdict(done?, seed, options),
            () = sandbox::abandoned() => Ok(ExitCode::FAILURE),
            _ = interrupt.recv() => Ok(ExitCode::FAILURE),
            _ = terminate.recv() => Ok(ExitCode::FAILURE),
        };
    }
    let missing = needs::missing();
    if !missing.is_empty() {
        let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
        println!("faults: skipped, for want of {}", missing.join(", "));
        return Ok(ExitCode::from(u8::from(must)));
    }
    println!("seed {seed}");
    sandbox::enter(options, seed).await
}

fn verdict(passed: bool, seed: u64, options: &Options) -> Result<ExitCode> {
    if passed {
        println!("\npassed, with seed {seed} and {} s", options.duration);
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nFAILED, with seed {seed} and {} s", options.duration);
    Ok(ExitCode::FAILURE)
}
