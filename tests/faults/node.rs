//! One node: a process in a network namespace of its own, with a disk of its own.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};

use crate::disk::Disk;
use crate::network;

/// Time in which a node serves after its start, and in which it ends when it is asked to.
const DEADLINE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(2);

/// How a node is started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub folder: PathBuf,
    pub secret: PathBuf,
    /// A library that stands between the node and the system.
    pub preload: PathBuf,
    pub nodes: usize,
}

pub struct Node {
    pub index: usize,
    pub name: String,
    pub disk: Disk,
    setup: Setup,
    child: Option<Child>,
}

impl Node {
    /// With an empty disk; not started yet.
    pub fn make(index: usize, setup: &Setup, ops: u64) -> Result<Node> {
        let name = network::name(index);
        let node = Node {
            index,
            disk: Disk::make(&setup.folder, &name, ops)?,
            name,
            setup: setup.clone(),
            child: None,
        };
        node.set_clock("+0")?;
        Ok(node)
    }

    /// Starts it, and waits until it serves.
    pub async fn start(&mut self) -> Result<()> {
        let mut child = self.command()?.spawn().context("starting chat-node")?;
        let stdout = child.stdout.take().context("the node's output")?;
        self.child = Some(child);
        let ready = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = match timeout(DEADLINE, ready).await {
            Ok(line) => line??,
            Err(_) => {
                self.kill().await?;
                bail!("{} does not serve {DEADLINE:?} after its start", self.name);
            }
        };
        if !line.starts_with('{') {
            self.kill().await?;
            bail!("{} does not start: see {}.log", self.name, self.name);
        }
        Ok(())
    }

    fn command(&self) -> Result<Command> {
        let Setup { folder, .. } = &self.setup;
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.name))
            .arg("--");
        command.arg(env!("CARGO_BIN_EXE_chat-node"));
        command.args(["--name", &self.name, "--rate", "0", "--ready-fd", "1"]);
        command.args(["--listen", &network::clients_of(self.index).to_string()]);
        command.args(["--peer", &network::peers_of(self.index).to_string()]);
        for other in (0..self.setup.nodes).filter(|other| *other != self.index) {
            command.args(["--join", &network::peers_of(other).to_string()]);
        }
        command.arg("--secret-file").arg(&self.setup.secret);
        command.arg("--data").arg(self.disk.data());
        for home in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "HOME"] {
            command.env(home, folder);
        }
        command.env("LD_PRELOAD", &self.setup.preload);
        command.env("FAKETIME_TIMESTAMP_FILE", self.clock_file());
        // Read at each look at the clock, so that it can be set while the node runs.
        command.env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("NO_FAKE_STAT", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(self.log()?);
        Ok(command)
    }

    /// Sets the node's clock off by so much: `-1h`, `+1d`, `+0`.
    pub fn set_clock(&self, offset: &str) -> Result<()> {
        // In place of the old file at once: the node may be reading it.
        let new = self.clock_file().with_extension("new");
        std::fs::write(&new, format!("{offset}\n"))?;
        std::fs::rename(new, self.clock_file())?;
        Ok(())
    }

    /// kill -9.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            wait(&mut child).await?;
        }
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self) -> Result<()> {
        self.signal("TERM")?;
        if let Some(mut child) = self.child.take() {
            wait(&mut child)
                .await
                .with_context(|| format!("{} was told to end", self.name))?;
        }
        Ok(())
    }

    /// Holds it where it is; comes when each of its threads stands still.
    pub async fn pause(&self) -> Result<()> {
        self.signal("STOP")?;
        let deadline = Instant::now() + DEADLINE;
        while !self.stands_still()? {
            if Instant::now() > deadline {
                bail!("{} does not stand still", self.name);
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// Whether it is running; a node that has ended by itself is a violation.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Memory in use, KiB.
    pub fn memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    fn signal(&self, name: &str) -> Result<()> {
        let pid = self
            .pid()
            .with_context(|| format!("{} is not running", self.name))?;
        crate::shell::line(&format!("kill -{name} {pid}")).map(|_| ())
    }

    /// `nsenter` becomes the node, so it is the same process.
    fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn stands_still(&self) -> Result<bool> {
        let Some(pid) = self.pid() else {
            return Ok(true);
        };
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let stat = std::fs::read_to_string(task?.path().join("stat"))?;
            // The state stands behind the name, which is in brackets.
            let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
            if !state.starts_with('T') {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn clock_file(&self) -> PathBuf {
        self.setup.folder.join(format!("{}.clock", self.name))
    }

    fn log(&self) -> Result<File> {
        let path = log_of(&self.setup.folder, &self.name);
        Ok(OpenOptions::new().create(true).append(true).open(path)?)
    }
}

pub fn log_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

async fn wait(child: &mut Child) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("it has not ended in {DEADLINE:?}, and was killed");
        }
        sleep(LOOK).await;
    }
    Ok(())
}
