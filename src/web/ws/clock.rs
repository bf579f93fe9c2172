//! When browsers are pinged, and when those who have not said who they are must go: one task for all,
//! since timers of its own would be a third of what a silent session holds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::protocol::bridge::SessionId;
use crate::protocol::server::CloseReason;
use crate::web::app::App;
use crate::web::config::Tuning;
use crate::web::switchboard::Switchboard;

/// Into how many ticks the shorter of both times is divided: a ping, or an end, comes a tick late at most.
const TICKS: u32 = 32;

/// The shortest tick.
const TICK_MIN: Duration = Duration::from_millis(5);

/// Who is to be pinged when.
#[derive(Debug)]
pub struct SocketClock {
    tick: Duration,
    hello: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The sessions by the tick in which they are pinged; a round takes the time between two pings.
    slots: Vec<Vec<SessionId>>,
    at: usize,
    /// The new ones, in the order in which they came.
    new: VecDeque<(Instant, SessionId)>,
}

/// Lets the time pass until `stop`.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = interval(app.clock.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => app.clock.pass(Instant::now(), &app.switchboard),
        }
    }
}

impl SocketClock {
    pub fn new(tuning: &Tuning) -> SocketClock {
        let shorter = tuning.ping_every.min(tuning.hello);
        let tick = (shorter / TICKS).max(TICK_MIN);
        let slots = tuning.ping_every.as_nanos().div_ceil(tick.as_nanos());
        let slots = usize::try_from(slots).unwrap_or(1).max(1);
        SocketClock {
            tick,
            hello: tuning.hello,
            state: Mutex::new(State {
                slots: vec![Vec::new(); slots],
                at: 0,
                new: VecDeque::new(),
            }),
        }
    }

    /// A browser has come.
    pub fn enter(&self, id: SessionId, now: Instant) {
        let mut state = self.lock();
        let at = state.at;
        state.slots[at].push(id);
        state.new.push_back((now, id));
    }

    /// One more tick has passed.
    fn pass(&self, now: Instant, switchboard: &Switchboard) {
        let mut state = self.lock();
        let mut silent = Vec::new();
        while let Some((came, id)) = state.new.front().copied()
            && now.duration_since(came) >= self.hello
        {
            state.new.pop_front();
            silent.push(id);
        }
        if state.new.is_empty() {
            state.new = VecDeque::new();
        }
        state.at = (state.at + 1) % state.slots.len();
        let at = state.at;
        let core = switchboard.lock();
        // Those who have gone are forgotten here.
        let due = &mut state.slots[at];
        due.retain(|id| core.outbox(*id).inspect(|outbox| outbox.ping()).is_some());
        due.shrink_to(due.len() * 2);
        for id in silent.into_iter().filter(|id| !core.has_joined(*id)) {
            if let Some(outbox) = core.outbox(id) {
                let seconds = self.hello.as_secs();
                let message = format!("no user_join came within {seconds} s");
                outbox.end(CloseReason::Quit, &message);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_is_pinged_once_in_a_round_and_the_silent_are_ended_in_time() {
        let tuning = Tuning::default();
        let clock = SocketClock::new(&tuning);
        let switchboard = Arc::new(Switchboard::new());
        let open = || switchboard.open("127.0.0.1".parse().unwrap()).unwrap();
        let (stays, goes) = (open(), open());
        let began = Instant::now();
        clock.enter(stays.id(), began);
        clock.enter(goes.id(), began);
        drop(goes);
        let mut pings = Vec::new();
        let mut ended = None;
        for tick in 1..=64 {
            let now = began + clock.tick * tick;
            clock.pass(now, &switchboard);
            let taken = stays.outbox.take(usize::MAX, |_| {});
            if taken.ping {
                pings.push(now - began);
            }
            if taken.ended && ended.is_none() {
                ended = Some(now - began);
            }
        }
        assert_eq!(pings[0], tuning.ping_every);
        assert_eq!(ended, Some(tuning.hello));
        let state = clock.lock();
        assert_eq!(
            state.slots.iter().flatten().count(),
            1,
            "who has gone is forgotten"
        );
        assert!(state.new.is_empty());
    }
}
