//! Messages to many: what a delivery costs, and how long it takes.

use std::io;
use std::net::SocketAddr;

use serde_json::json;

use crate::arguments::{Fanout, Rate};
use crate::engine::{Engine, IDLE_NS, SECOND_NS, name};
use crate::layout::Layout;
use crate::procstat::{Usage, now_ns};
use crate::proto::Session;
use crate::report::{latency, latency_line, round};
use crate::track::{PAYLOAD_BYTES_MIN, Tracker};

/// Time without a delivery after which a run at full speed is given up, and any run is over.
const STALL_NS: u64 = 5 * SECOND_NS;

/// # Errors
/// When the run does not come about.
pub fn run(options: &Fanout, run: u32) -> io::Result<bool> {
    let common = &options.common;
    let layout = layout(options, run)?;
    let mut engine = Engine::new(Tracker::new(run, layout.streams(), layout.seats()))?;
    let setup_s = engine.set_up(common, layout.connections(), |number| {
        let part = layout.part(number);
        let listens = part.seat.is_some();
        let session = Session::new(common.proto, name(run, number), part.rooms, listens, false);
        (address(options, listens), session, part.seat)
    })?;
    let measured = Publishing {
        options,
        layout: &layout,
        engine: &mut engine,
        payload: Vec::new(),
        sent: 0,
    }
    .measure()?;
    let lost = wait_for_the_rest(&mut engine)?;
    Ok(print(options, &layout, &engine, &measured, (setup_s, lost)))
}

fn layout(options: &Fanout, run: u32) -> io::Result<Layout> {
    let room = format!("bench{run:08x}");
    match (options.rooms, options.per_room) {
        (Some(rooms), Some(members)) => Layout::many_rooms(room, rooms, members, options.subs),
        _ => Ok(Layout::OneRoom {
            room,
            subscribers: options.subs,
            publishers: options.pubs,
        }),
    }
}

fn address(options: &Fanout, listens: bool) -> SocketAddr {
    match options.publish_addr {
        Some(address) if !listens => address,
        _ => options.common.addr,
    }
}

/// What is counted, at one moment.
struct Counts {
    at_ns: u64,
    delivered: u64,
    echoed: u64,
    published: u64,
    usage: Usage,
}

impl Counts {
    fn take(track: &Tracker, pids: &[u32]) -> Counts {
        Counts {
            at_ns: now_ns(),
            delivered: track.delivered,
            echoed: track.echoed,
            published: track.published(),
            usage: Usage::take(pids),
        }
    }
}

struct Measured {
    from: Counts,
    to: Counts,
    stalled: bool,
}

struct Publishing<'a> {
    options: &'a Fanout,
    layout: &'a Layout,
    engine: &'a mut Engine,
    payload: Vec<u8>,
    /// At a fixed rate: messages so far, which take turns among the streams.
    sent: u64,
}

impl Publishing<'_> {
    fn measure(&mut self) -> io::Result<Measured> {
        let Fanout { common, span, .. } = self.options;
        let start = now_ns();
        let warm = start + (span.warmup * 1e9) as u64;
        let end = warm + (span.secs * 1e9) as u64;
        let (mut now, mut from, mut stalled) = (start, None, false);
        let (mut progress_at, mut delivered) = (start, 0);
        while now < end && !stalled {
            if from.is_none() && now >= warm {
                from = Some(Counts::take(&self.engine.track, &common.pid));
                self.engine.track.timed_ns = now..end;
            }
            let wait = match self.options.rate {
                Rate::Max => self.fill_windows(now)?,
                Rate::PerSecond(rate) => self.send_what_is_due(start, now, rate)?,
            };
            self.engine.turn(wait.min(end - now))?;
            now = now_ns();
            if self.engine.track.delivered != delivered {
                (delivered, progress_at) = (self.engine.track.delivered, now);
            }
            stalled = matches!(self.options.rate, Rate::Max) && now - progress_at > STALL_NS;
        }
        Ok(Measured {
            from: from.ok_or_else(|| io::Error::other("stalled before the warm-up was over"))?,
            to: Counts::take(&self.engine.track, &common.pid),
            stalled,
        })
    }

    /// Lets each publisher be a window ahead of the slowest subscriber.
    fn fill_windows(&mut self, now_ns: u64) -> io::Result<u64> {
        let window = self.options.window;
        for stream in 0..self.layout.streams() {
            // At half a window, so that the server gets batches and not single messages.
            if self.engine.track.in_flight(stream) > window / 2 {
                continue;
            }
            while self.engine.track.in_flight(stream) < window {
                self.say(stream, now_ns);
            }
            let (speaker, _) = self.layout.speaker(stream);
            self.engine.connections[speaker].flush()?;
        }
        Ok(IDLE_NS)
    }

    /// Returns the time until the next message is due.
    fn send_what_is_due(&mut self, start_ns: u64, now_ns: u64, rate: f64) -> io::Result<u64> {
        loop {
            let due = start_ns + (self.sent as f64 * 1e9 / rate) as u64;
            if due > now_ns {
                return Ok(due - now_ns);
            }
            let stream = (self.sent % self.layout.streams() as u64) as usize;
            self.say(stream, due);
            let (speaker, _) = self.layout.speaker(stream);
            self.engine.connections[speaker].flush()?;
            self.sent += 1;
        }
    }

    fn say(&mut self, stream: usize, at_ns: u64) {
        let size = self.options.size.max(PAYLOAD_BYTES_MIN);
        let (speaker, room) = self.layout.speaker(stream);
        self.engine
            .track
            .payload(stream, at_ns, size, &mut self.payload);
        let connection = &mut self.engine.connections[speaker];
        connection
            .session
            .publish(room, &self.payload, &mut connection.out);
    }
}

/// Takes in what is still on its way; returns how many deliveries never came.
fn wait_for_the_rest(engine: &mut Engine) -> io::Result<u64> {
    let (mut progress_at, mut delivered) = (now_ns(), engine.track.delivered);
    while engine.track.delivered < engine.track.due() && now_ns() < progress_at + STALL_NS {
        engine.turn(IDLE_NS)?;
        if engine.track.delivered > delivered {
            (delivered, progress_at) = (engine.track.delivered, now_ns());
        }
    }
    Ok(engine.track.due() - engine.track.delivered)
}

fn print(
    options: &Fanout,
    layout: &Layout,
    engine: &Engine,
    measured: &Measured,
    (setup_s, lost): (f64, u64),
) -> bool {
    let Measured { from, to, stalled } = measured;
    let track = &engine.track;
    let secs = (to.at_ns - from.at_ns) as f64 / 1e9;
    let delivered = to.delivered - from.delivered;
    let all = delivered + to.echoed - from.echoed;
    let usage = to.usage.since(&from.usage);
    let share = |us: u64| round(us as f64 / secs / 1e6, 2);
    let cpu = usage.server_us as f64 / all.max(1) as f64;
    let ok = lost == 0
        && track.duplicated == 0
        && track.out_of_order == 0
        && engine.disconnected == 0
        && engine.errors == 0
        && !stalled;
    println!(
        "{}",
        json!({
            "mode": "fanout", "server": options.common.label, "ok": ok, "secs": round(secs, 2),
            "streams": layout.streams(), "seats": layout.seats(),
            "published_s": round((to.published - from.published) as f64 / secs, 1),
            "deliveries_s": round(delivered as f64 / secs, 0),
            "cpu_us": round(cpu, 4), "latency_us": latency(&track.latency),
            "server_cores": share(usage.server_us), "generator_cores": share(usage.generator_us),
            "other_cores": share(usage.others_us()),
            "lost": lost, "duplicated": track.duplicated, "out_of_order": track.out_of_order,
            "disconnected": engine.disconnected, "errors": engine.errors,
            "first_error": engine.first_error, "stalled": stalled, "setup_s": round(setup_s, 2),
        })
    );
    eprintln!(
        "{:<14} fanout {} to {}: {:.0}/s, {cpu:.3} us a delivery, {}{}",
        options.common.label,
        layout.streams(),
        layout.seats(),
        delivered as f64 / secs,
        latency_line(&track.latency),
        if ok {
            String::new()
        } else {
            format!(
                "; lost {lost}, twice {}, out of order {}, disconnected {}, stalled {stalled}, errors {} {:?}",
                track.duplicated,
                track.out_of_order,
                engine.disconnected,
                engine.errors,
                engine.first_error
            )
        }
    );
    ok
}
