//! Publishers who wait: how many messages are acknowledged, and how soon.

use std::io;

use serde_json::json;

use crate::arguments::Ingest;
use crate::engine::{Engine, IDLE_NS, name};
use crate::procstat::{Usage, now_ns};
use crate::proto::Session;
use crate::report::{latency, latency_line, round};
use crate::track::{PAYLOAD_BYTES_MIN, Tracker};

/// # Errors
/// When the run does not come about.
pub fn run(options: &Ingest, run: u32) -> io::Result<bool> {
    let common = &options.common;
    let size = options.size.max(PAYLOAD_BYTES_MIN);
    let mut engine = Engine::new(Tracker::new(run, options.pubs, 0))?;
    engine.set_up(common, options.pubs, |number| {
        let mut room = format!("bench{run:08x}");
        if options.alone {
            room += &format!("-{number}");
        }
        let session = Session::new(common.proto, name(run, number), vec![room], false, true);
        (common.addr, session, None)
    })?;
    let start = now_ns();
    let warm = start + (options.span.warmup * 1e9) as u64;
    let end = warm + (options.span.secs * 1e9) as u64;
    let (mut now, mut from, mut payload) = (start, None, Vec::new());
    while now < end {
        if from.is_none() && now >= warm {
            from = Some((now, engine.acks.count, Usage::take(&common.pid)));
            engine.acks.latency.clear();
        }
        for (publisher, connection) in engine.connections.iter_mut().enumerate() {
            if connection.unacked.is_empty() {
                engine.track.payload(publisher, now, size, &mut payload);
                connection.session.publish(0, &payload, &mut connection.out);
                connection.unacked.push_back(now);
                connection.flush()?;
            }
        }
        engine.turn(IDLE_NS)?;
        now = now_ns();
    }
    let (from_ns, acked, usage) = from.ok_or_else(|| io::Error::other("no time to measure in"))?;
    let secs = (now - from_ns) as f64 / 1e9;
    let acked = engine.acks.count - acked;
    let usage = Usage::take(&common.pid).since(&usage);
    let cpu = usage.server_us as f64 / acked.max(1) as f64;
    let ok = engine.disconnected == 0 && engine.errors == 0 && acked > 0;
    println!(
        "{}",
        json!({
            "mode": "ingest", "server": common.label, "ok": ok, "pubs": options.pubs,
            "secs": round(secs, 2), "acked_s": round(acked as f64 / secs, 1),
            "latency_us": latency(&engine.acks.latency), "cpu_us": round(cpu, 2),
            "copies_min": engine.acks.copies_min,
            "other_cores": round(usage.others_us() as f64 / secs / 1e6, 2), "disconnected": engine.disconnected,
            "errors": engine.errors, "first_error": engine.first_error,
        })
    );
    eprintln!(
        "{:<14} ingest P={}: {:.0} acked/s on {} disks or more, {cpu:.1} us each, {} {}",
        common.label,
        options.pubs,
        acked as f64 / secs,
        engine.acks.copies_min,
        latency_line(&engine.acks.latency),
        engine.first_error.as_deref().unwrap_or_default()
    );
    Ok(ok)
}
