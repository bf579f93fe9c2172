//! The run's own corner of the machine: namespaces for processes, mounts and networks, made by starting
//! this program once more in them.
//!
//! Whatever ends the run, be it a panic, Ctrl+C or a kill, the system takes the first process inside
//! with it, then all others there, then their mounts, loop devices and interfaces. So nothing is left
//! behind, and two runs do not see each other.

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use crate::options::Options;

/// What a run may take beside its faults: making disks, starting, converging, checking.
const REST: Duration = Duration::from_secs(120);
/// For each round of cutting all power, too.
const BLACKOUT: Duration = Duration::from_secs(15);
/// Between two looks at a process that is to end.
const LOOK: Duration = Duration::from_millis(50);
/// What the one inside has to end by itself once the one outside is asked to.
const ENDING: Duration = Duration::from_secs(5);

/// Runs the rest of this program inside; gives its exit code.
pub async fn enter(options: &Options, seed: u64) -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("chat-faults-").tempdir()?;
    let limit = Duration::from_secs(options.duration) + REST + BLACKOUT * options.power_cuts;
    let mut child = start_inside(options, seed, folder.path())?;
    let status = wait(&mut child, Instant::now() + limit).await?;
    let passed = status == Some(0);
    if passed {
        folder.close()?;
    } else {
        let kept = folder.keep();
        println!(
            "logs and disks are kept in {}; the seed was {seed}",
            kept.display()
        );
    }
    Ok(ExitCode::from(status.map_or(1, |code| code.min(255) as u8)))
}

fn start_inside(options: &Options, seed: u64, folder: &Path) -> Result<Child> {
    let mut command = Command::new("unshare");
    command.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child=KILL",
    ]);
    command.arg("--").arg(std::env::current_exe()?);
    command.arg("--inside").arg(folder);
    command.args(["--seed", &seed.to_string()]);
    command.args(["--duration", &options.duration.to_string()]);
    command.args(["--power-cuts", &options.power_cuts.to_string()]);
    command.args(["--rate", &options.rate.to_string()]);
    let names: Vec<String> = options.faults().iter().map(|fault| fault.name()).collect();
    command.args(["--only", &names.join(",")]);
    if options.self_test {
        command.arg("--self-test");
    }
    // Its end tells the one inside that there is nobody outside any more.
    command.stdin(Stdio::piped());
    command.spawn().context("starting unshare")
}

/// The exit code, or none when it had to be killed.
async fn wait(child: &mut Child, mut deadline: Instant) -> Result<Option<i32>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut asked = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        let next = Instant::now() + LOOK;
        let stop = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        if timeout_at(next, stop).await.is_ok() && !asked {
            println!("stopping");
            asked = true;
            deadline = deadline.min(Instant::now() + ENDING);
            drop(child.stdin.take());
        }
        if Instant::now() >= deadline {
            println!("the run has not ended in time: it is killed");
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
    }
}

/// Inside: comes when the one outside has gone or wants an end.
pub async fn abandoned() {
    let (gone, outside) = tokio::sync::oneshot::channel();
    // A thread of its own, that nobody waits for: it may wait for ever.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = gone.send(());
    });
    let _ = outside.await;
}
