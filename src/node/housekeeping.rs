//! What is due by time: presence in batches, names that two bear, who was seen, channels that nobody
//! reads, and following the machine's clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::presence::Notice;
use super::shared::Shared;

/// Twice as often as large rooms are told of their changes.
const TICK: Duration = Duration::from_millis(500);

/// Ticks between two countings of rates: a second.
const TICKS_RATES: u64 = 2;

/// Ticks between two sweeps: ten seconds.
const TICKS_SWEEP: u64 = 20;

/// Ticks between two countings of who is seen: five seconds.
const TICKS_SEEN: u64 = 10;

/// Ticks between two clearings of users who have not been here for long: an hour.
const TICKS_FORGET: u64 = 7_200;

/// Runs until the node stops.
pub async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 1u64.. {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        // A node without others has nobody else to do it.
        shared.clock.keep();
        look_after_people(&shared, tick % TICKS_SEEN == 0);
        if tick % TICKS_RATES == 0 {
            shared.metrics.tick(Instant::now());
        }
        if tick % TICKS_SWEEP == 0 {
            shared.hub.sweep();
        }
        if tick % TICKS_FORGET == 0 {
            let now = shared.now();
            let mut people = shared.people();
            let people = &mut *people;
            people.names.forget(&people.presence, now);
        }
    }
}

/// `seen`: also note that those who are here were seen now.
fn look_after_people(shared: &Arc<Shared>, seen: bool) {
    let (now, steady) = (shared.now(), shared.steady());
    let records = shared.change_people(|people| {
        let mut notices: Vec<Notice> = people.presence.tick(steady);
        let mut records = people.names.settle(&people.presence, now);
        for record in &records {
            let (to, claimed_at) = (record.name.clone(), record.claimed_at);
            notices.extend(people.presence.rename(&record.uid, to, claimed_at));
        }
        if seen {
            records.extend(people.names.seen(&people.presence, now));
        }
        (records, notices)
    });
    shared.remember(records);
}
