//! `ping` and `stats`: the node itself.

use std::sync::Arc;
use std::time::Duration;

use crate::node::session::{Answer, Effect, Handling, Session, StatsEvery};
use crate::node::shared::Shared;
use crate::node::stats::{for_anyone, in_full};
use crate::protocol::server::Pong;
use crate::protocol::{Re, ServerFrame};

/// The shortest interval of repeated `stats`, milliseconds; a shorter one is drawn out to it.
pub const STATS_EVERY_MS_MIN: u64 = 250;

pub(super) fn pong(shared: &Shared, re: Option<Re>) -> Handling {
    let time = shared.now();
    Handling::frame(ServerFrame::Pong(Pong { re, time }))
}

/// One `stats` frame now, and more if that is asked for. `"every":0` ends them with a last one.
pub(super) fn ask_stats(
    session: &Session,
    re: Option<Re>,
    every: Option<u64>,
    node: Option<String>,
) -> Handling {
    let admin = session.user().is_some_and(|user| user.admin);
    let repeat = every.map(|ms| {
        let interval = Duration::from_millis(ms.max(STATS_EVERY_MS_MIN));
        let (re, node) = (re.clone(), node.clone());
        (ms > 0).then_some(StatsEvery { interval, re, node })
    });
    let stats = make(Arc::clone(session.shared()), admin, re, node);
    Handling::Stored(Box::pin(async move {
        let answer = stats.await;
        match repeat {
            Some(repeat) => answer.and(Effect::Every(repeat)),
            None => answer,
        }
    }))
}

/// One `stats` frame.
pub(in crate::node) fn stats(
    shared: &Arc<Shared>,
    admin: bool,
    re: Option<Re>,
    node: Option<String>,
) -> Handling {
    Handling::Stored(Box::pin(make(Arc::clone(shared), admin, re, node)))
}

async fn make(shared: Arc<Shared>, admin: bool, re: Option<Re>, node: Option<String>) -> Answer {
    let mut stats = if admin {
        in_full(&shared, node.as_deref()).await
    } else {
        for_anyone(&shared)
    };
    stats.re = re;
    Answer::frame(ServerFrame::Stats(Box::new(stats)))
}
