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

/// What all the processes of the machine used, and what its host took away: microseconds.
pub fn machine_us() -> (u64, u64) {
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
