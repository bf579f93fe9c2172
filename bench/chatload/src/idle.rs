//! Many who say nothing: what one costs to take in, and to keep.

use std::io;

use serde_json::json;

use crate::arguments::Idle;
use crate::engine::{Engine, IDLE_NS, name};
use crate::procstat::{cpu_us, now_ns, rss_kib};
use crate::proto::Session;
use crate::report::round;
use crate::track::Tracker;

/// # Errors
/// When the run does not come about.
pub fn run(options: &Idle, run: u32) -> io::Result<bool> {
    let common = &options.common;
    let (rss_before, cpu_before) = (rss_kib(&common.pid), cpu_us(&common.pid));
    let mut engine = Engine::new(Tracker::new(run, 0, 0))?;
    let setup_s = engine.set_up(common, options.conns, |number| {
        let room = format!("idle{run:08x}-{}", number / options.per_room as usize);
        let session = Session::new(common.proto, name(run, number), vec![room], true, false);
        (common.addr, session, None)
    })?;
    let cpu_joined = cpu_us(&common.pid);
    let end = now_ns() + (options.hold * 1e9) as u64;
    while now_ns() < end {
        engine.turn(IDLE_NS)?;
    }
    let idle_cores = (cpu_us(&common.pid) - cpu_joined) as f64 / options.hold / 1e6;
    let rss_after = rss_kib(&common.pid);
    let each = |total: u64| total as f64 / options.conns.max(1) as f64;
    let join_us = each(cpu_joined - cpu_before);
    let kib = each(rss_after.saturating_sub(rss_before));
    let ok = engine.disconnected == 0 && engine.errors == 0;
    println!(
        "{}",
        json!({
            "mode": "idle", "server": common.label, "ok": ok, "conns": options.conns,
            "per_room": options.per_room, "setup_s": round(setup_s, 2), "join_cpu_us": round(join_us, 1),
            "kib": round(kib, 2), "rss_kib": {"before": rss_before, "after": rss_after},
            "idle_cores": round(idle_cores, 3), "disconnected": engine.disconnected,
            "errors": engine.errors, "first_error": engine.first_error,
        })
    );
    eprintln!(
        "{:<14} idle {}: in after {setup_s:.2} s, {join_us:.0} us each; {kib:.2} KiB each; {idle_cores:.3} cores",
        common.label, options.conns
    );
    Ok(ok)
}
