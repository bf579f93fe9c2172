//! `GET /poll`: the session's frames for who has no WebSocket, and the sessions that live by it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use axum::response::IntoResponse;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::refusal::HttpError;
use super::router::{bearer, frames};
use super::switchboard::BrowserSession;
use super::switchboard::outbox::Polled;
use crate::protocol::ErrorCode;

/// Poll sessions at a time.
pub const POLL_SESSIONS_MAX: usize = 10_000;

/// Seconds that a poll waits for something to come, at most, and if it does not say.
const WAIT_SECONDS_MAX: u64 = 30;
const WAIT_SECONDS_DEFAULT: u64 = 25;

/// How often ended sessions are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Random bytes of what goes into `Authorization`.
const BEARER_BYTES: usize = 24;

/// The sessions by their bearer.
#[derive(Debug)]
pub struct PollSessions {
    by_bearer: Mutex<HashMap<String, Arc<PollSession>>>,
    /// A session ends this long after its last poll.
    idle: Duration,
}

/// A session that is polled.
#[derive(Debug)]
pub struct PollSession {
    pub session: BrowserSession,
    polled: Mutex<LastPoll>,
}

#[derive(Debug)]
struct LastPoll {
    at: Instant,
    waiting: usize,
}

/// A poll that waits; its session does not end meanwhile.
struct Waiting<'a>(&'a PollSession);

/// What a poll asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    after: u64,
    wait: Duration,
}

/// `GET /poll?after=N&wait=25`.
pub async fn poll(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Response<Body> {
    app.counts.poll();
    let polled = match Asked::read(uri.query().unwrap_or_default()) {
        Err(error) => Err(error),
        Ok(asked) => match app.polls.of(&headers, Instant::now()) {
            Err(error) => Err(error),
            Ok(session) => wait(&app, &session, &asked).await.ok_or_else(over),
        },
    };
    match polled {
        Ok(polled) => frames(polled.frames.iter().map(|f| &**f), Some(polled.next)),
        Err(error) => error.into_response(),
    }
}

/// Waits for frames; none when the session has ended and all was told.
async fn wait(app: &App, session: &PollSession, asked: &Asked) -> Option<Polled> {
    let _waiting = session.begin();
    let outbox = &session.session.outbox;
    let number = outbox.begin_poll();
    let deadline = Instant::now() + asked.wait;
    loop {
        let mut due = pin!(outbox.due.notified());
        due.as_mut().enable();
        let polled = outbox.poll(asked.after);
        if polled.frames.is_empty() && polled.ended {
            return None;
        }
        let enough = !polled.frames.is_empty()
            || outbox.is_outdone(number)
            || Instant::now() >= deadline
            || app.stop.is_cancelled();
        if enough {
            return Some(polled);
        }
        tokio::select! {
            () = due => {}
            () = sleep_until(deadline) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

/// Ends the sessions that nobody polls any more, until `stop`.
pub async fn sweep(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // Dropped outside the lock: closing takes the switchboard's.
        let ended = app.polls.take_ended(Instant::now());
        drop(ended);
        app.one_calls.sweep(Instant::now());
    }
}

impl PollSessions {
    pub fn new(idle: Duration) -> PollSessions {
        let by_bearer = Mutex::default();
        PollSessions { by_bearer, idle }
    }

    /// Takes a session in, and gives its bearer; none when there are too many.
    pub fn insert(&self, session: BrowserSession) -> Option<String> {
        let mut random = [0; BEARER_BYTES];
        getrandom::fill(&mut random).ok()?;
        let bearer = BASE64_URL_SAFE_NO_PAD.encode(random);
        let mut sessions = self.lock();
        if sessions.len() >= POLL_SESSIONS_MAX {
            return None;
        }
        let polled = Mutex::new(LastPoll {
            at: Instant::now(),
            waiting: 0,
        });
        sessions.insert(bearer.clone(), Arc::new(PollSession { session, polled }));
        Some(bearer)
    }

    /// The session that a request names.
    pub fn of(&self, headers: &HeaderMap, now: Instant) -> Result<Arc<PollSession>, HttpError> {
        let session = bearer(headers).and_then(|bearer| self.lock().get(bearer).cloned());
        session
            .filter(|session| !session.is_over(now, self.idle))
            .ok_or_else(over)
    }

    /// Ends a session.
    pub fn remove(&self, headers: &HeaderMap) {
        let removed = bearer(headers).and_then(|bearer| self.lock().remove(bearer));
        drop(removed);
    }

    /// Ends all sessions.
    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        drop(all);
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    fn take_ended(&self, now: Instant) -> Vec<Arc<PollSession>> {
        let mut sessions = self.lock();
        let over: Vec<String> = sessions
            .iter()
            .filter(|(_, session)| session.is_over(now, self.idle))
            .map(|(bearer, _)| bearer.clone())
            .collect();
        over.iter()
            .filter_map(|bearer| sessions.remove(bearer))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<PollSession>>> {
        self.by_bearer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl PollSession {
    fn begin(&self) -> Waiting<'_> {
        self.last().waiting += 1;
        Waiting(self)
    }

    fn is_over(&self, now: Instant, idle: Duration) -> bool {
        let last = self.last();
        last.waiting == 0 && now.duration_since(last.at) >= idle
    }

    fn last(&self) -> MutexGuard<'_, LastPoll> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut last = self.0.last();
        last.waiting -= 1;
        last.at = Instant::now();
    }
}

impl Asked {
    fn read(query: &str) -> Result<Asked, HttpError> {
        let mut asked = Asked {
            after: 0,
            wait: Duration::from_secs(WAIT_SECONDS_DEFAULT),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number = || {
                value.parse::<u64>().map_err(|_| {
                    let message = format!("\"{key}\" is a whole number");
                    HttpError::new(ErrorCode::BadFrame, message)
                })
            };
            match key {
                "after" => asked.after = number()?,
                "wait" => asked.wait = Duration::from_secs(number()?.min(WAIT_SECONDS_MAX)),
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// What is said of a session that is not there, or not any more.
pub fn over() -> HttpError {
    let message = "there is no such poll session, or it has ended: user_join with the token, \
                   and join with since, go on from there";
    HttpError::new(ErrorCode::BadToken, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::config::Tuning;
    use crate::web::switchboard::Switchboard;

    #[test]
    fn a_poll_waits_25_s_unless_it_says_and_30_at_most() {
        let wait = |query| Asked::read(query).unwrap();
        let secs = Duration::from_secs;
        assert_eq!(
            wait(""),
            Asked {
                after: 0,
                wait: secs(25)
            }
        );
        assert_eq!(
            wait("after=7&wait=0&x"),
            Asked {
                after: 7,
                wait: secs(0)
            }
        );
        assert_eq!(wait("wait=31").wait, secs(30));
        assert!(Asked::read("after=-1").is_err() && Asked::read("wait=x").is_err());
    }

    #[tokio::test]
    async fn a_session_ends_60_s_after_its_last_poll_and_not_while_one_waits() {
        let idle = Tuning::default().poll_session_idle;
        assert_eq!(idle, Duration::from_secs(60));
        let polls = PollSessions::new(idle);
        let switchboard = Arc::new(Switchboard::new());
        let session = switchboard.open("127.0.0.1".parse().unwrap()).unwrap();
        let bearer = polls.insert(session).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        let now = Instant::now();
        let polled = polls.of(&headers, now).unwrap();
        let waiting = polled.begin();
        assert!(polls.of(&headers, now + idle * 2).is_ok());
        drop(waiting);
        let last = polled.last().at;
        let just_before = last + idle - Duration::from_millis(1);
        assert!(polls.of(&headers, just_before).is_ok());
        let then = last + idle;
        assert!(polls.of(&headers, then).is_err());
        drop(polled);
        assert_eq!(polls.take_ended(then).len(), 1);
        assert_eq!((polls.len(), switchboard.lock().sessions()), (0, 0));
    }
}
