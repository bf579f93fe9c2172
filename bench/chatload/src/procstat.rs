//! What /proc says of the server's processes, and the clock.

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Microseconds of a clock tick, the unit of /proc.
const TICK_US: u64 = 10_000;

/// Nanoseconds since this program looked at the clock for the first time.
pub fn now_ns() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The processor time of all the processes together, in microseconds, in steps of 10 ms.
pub fn cpu_us(pids: &[u32]) -> u64 {
    let ticks = pids.iter().filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    });
    ticks.sum::<u64>() * TICK_US
}

/// Processor time used up to a moment, in microseconds.
pub struct Usage {
    pub server_us: u64,
    pub generator_us: u64,
    /// Of the whole machine: busy, and taken away by its host.
    machine_us: (u64, u64),
}

impl Usage {
    pub fn take(pids: &[u32]) -> Usage {
        Usage {
            server_us: cpu_us(pids),
            generator_us: cpu_us(&[std::process::id()]),
            machine_us: machine_us(),
        }
    }

    pub fn since(&self, before: &Usage) -> Usage {
        Usage {
            server_us: self.server_us - before.server_us,
            generator_us: self.generator_us - before.generator_us,
            machine_us: (
                self.machine_us.0 - before.machine_us.0,
                self.machine_us.1 - before.machine_us.1,
            ),
        }
    }

    /// What neither the server nor this program used.
    pub fn others_us(&self) -> u64 {
        let ours = self.server_us + self.generator_us;
        self.machine_us.0.saturating_sub(ours) + self.machine_us.1
    }
}

fn machine_us() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first
        .split_whitespace()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    match ticks[..] {
        [user, nice, system, _, _, irq, softirq, steal, ..] => (
            (user + nice + system + irq + softirq) * TICK_US,
            steal * TICK_US,
        ),
        _ => (0, 0),
    }
}

/// Resident memory of all the processes together.
pub fn rss_kib(pids: &[u32]) -> u64 {
    let each = pids.iter().filter_map(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    each.sum()
}
