//! `POST /send`: frames for who has no WebSocket, and a message in one call for scripts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use super::app::{App, BrowserAddress};
use super::poll::over;
use super::refusal::HttpError;
use super::router::frames;
use super::switchboard::outbox::json as encoded;
use super::switchboard::{BrowserSession, NoAnswer, add_text, unavailable};
use crate::protocol::limits::LINE_BYTES_MAX;
use crate::protocol::server::{CloseReason, Disconnect, ErrorFrame};
use crate::protocol::{ErrorCode, NameKey, Refusal, ServerFrame, UserName};

/// How long an answer may take to come; then it is `unavailable`.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Frames of one request that are on their way at a time.
const PIPELINED_MAX: usize = 32;

/// What a session whose requests all wait is told to wait, in milliseconds.
const BUSY_RETRY_MS: u64 = 1_000;

/// How long who sends under a name in one call is who sent under it before, from the same address: a
/// script that repeats a call whose answer was lost does so within minutes.
const ONE_CALL_USER_KEPT: Duration = Duration::from_secs(600);

/// Such names that are remembered.
const ONE_CALL_USERS_MAX: usize = 10_000;

/// What of a frame decides how it is carried out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// A message in one call.
#[derive(Deserialize)]
struct OneCall {
    name: String,
    room: String,
    text: String,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    reply_to: Option<String>,
}

/// Who sent in one call: the same name from the same address within ten minutes is the same user, so
/// that a call with a nonce can be repeated. It may be forgotten at any time: the name of a
/// brief session is kept for nobody, so who comes without the token gets it too.
#[derive(Debug, Default)]
pub struct OneCallUsers(Mutex<HashMap<(IpAddr, NameKey), Known>>);

#[derive(Debug)]
struct Known {
    token: String,
    until: Instant,
}

/// `POST /send`.
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(BrowserAddress(address)): Extension<BrowserAddress>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let answered = match read(body, app.tuning.body).await {
        Ok(text) => carry_out(&app, address, &headers, &text).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(answers) => frames(answers.iter().map(String::as_str), None),
        Err(error) => error.into_response(),
    }
}

async fn read(body: Body, deadline: Duration) -> Result<String, HttpError> {
    let bytes = match timeout(deadline, to_bytes(body, LINE_BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            let message = format!("a body has {LINE_BYTES_MAX} bytes at most ({error})");
            return Err(HttpError::new(ErrorCode::LineTooLong, message));
        }
        Err(_) => {
            let error = HttpError::new(ErrorCode::BadFrame, "the body took too long to come");
            return Err(error.with_status(StatusCode::REQUEST_TIMEOUT));
        }
    };
    String::from_utf8(bytes.into())
        .map_err(|_| HttpError::new(ErrorCode::NotUtf8, "a body is UTF-8"))
}

async fn carry_out(
    app: &App,
    address: IpAddr,
    headers: &HeaderMap,
    text: &str,
) -> Result<Vec<String>, HttpError> {
    let bad_json =
        |error: serde_json::Error| HttpError::new(ErrorCode::BadJson, format!("not JSON: {error}"));
    let whole: &RawValue = serde_json::from_str(text).map_err(bad_json)?;
    let many = whole.get().starts_with('[');
    let all: Vec<&RawValue> = if many {
        serde_json::from_str(text).map_err(bad_json)?
    } else {
        vec![whole]
    };
    let asked: Vec<(&str, String)> = all.iter().map(|frame| (frame.get(), kind(frame))).collect();
    let Some((first, first_kind)) = asked.first() else {
        return Ok(Vec::new());
    };
    if headers.contains_key(header::AUTHORIZATION) {
        let polled = app.polls.of(headers, Instant::now())?;
        let answers = ask_all(&polled.session, &asked).await?;
        if asked.iter().any(|(_, kind)| kind == "quit") {
            app.polls.remove(headers);
        }
        return if many { Ok(answers) } else { failing(answers) };
    }
    match first_kind.as_str() {
        "user_join" => {
            let (bearer, session) = open_polled(app, address, first).await?;
            let mut answers = vec![session];
            let mut headers = HeaderMap::new();
            let value = format!("Bearer {bearer}");
            headers.insert(header::AUTHORIZATION, value.parse().map_err(internal)?);
            let polled = app.polls.of(&headers, Instant::now())?;
            answers.extend(ask_all(&polled.session, &asked[1..]).await?);
            Ok(answers)
        }
        // Questions that need nobody to be known.
        "ping" | "stats" => {
            let session = open(app, address)?;
            let answers = ask_all(&session, &asked).await;
            let answers = answers.map_err(|ended| turned_away(&session, ended))?;
            if many { Ok(answers) } else { failing(answers) }
        }
        "" if !many => one_call(app, address, text).await,
        _ => {
            let message = "user_join first, then say its poll in Authorization: Bearer …; \
                           or {\"name\",\"room\",\"text\"} in one call";
            Err(HttpError::new(ErrorCode::NotJoined, message))
        }
    }
}

/// A single frame's error is the request's.
fn failing(answers: Vec<String>) -> Result<Vec<String>, HttpError> {
    match answers
        .first()
        .and_then(|answer| HttpError::from_answer(answer))
    {
        Some(error) => Err(error),
        None => Ok(answers),
    }
}

fn kind(frame: &RawValue) -> String {
    let head: Head = serde_json::from_str(frame.get()).unwrap_or_default();
    head.kind.unwrap_or_default()
}

fn open(app: &App, address: IpAddr) -> Result<BrowserSession, HttpError> {
    let message = "the bridge carries as many sessions as it can";
    app.switchboard
        .open(address)
        .ok_or_else(|| HttpError::new(ErrorCode::TooManyConnections, message))
}

/// Opens a poll session; its bearer, and the `session` frame that tells it.
async fn open_polled(
    app: &App,
    address: IpAddr,
    user_join: &str,
) -> Result<(String, String), HttpError> {
    let session = open(app, address)?;
    let answer = ask_first(&session, user_join).await?;
    if let Some(error) = HttpError::from_answer(&answer) {
        return Err(error);
    }
    let message = "the bridge holds as many poll sessions as it can";
    let bearer = app
        .polls
        .insert(session)
        .ok_or_else(|| HttpError::new(ErrorCode::TooManyConnections, message))?;
    let told = add_text(&answer, "poll", &bearer);
    Ok((bearer, told))
}

/// Asks all in their order; the direct answers, in the same.
async fn ask_all(
    session: &BrowserSession,
    asked: &[(&str, String)],
) -> Result<Vec<String>, HttpError> {
    let mut answers = Vec::with_capacity(asked.len());
    for some in asked.chunks(PIPELINED_MAX) {
        let asking = some.iter().map(async |(frame, kind)| match kind.as_str() {
            "typing" => match session.tell(frame) {
                Ok(()) => Ok(None),
                Err(why) => no_answer(why).map(Some),
            },
            "quit" => match session.tell(frame) {
                Ok(()) => Ok(Some(farewell())),
                Err(why) => no_answer(why).map(Some),
            },
            _ => ask(session, frame).await.map(Some),
        });
        for answer in join_all(asking).await {
            answers.extend(answer?);
        }
    }
    Ok(answers)
}

async fn ask(session: &BrowserSession, frame: &str) -> Result<String, HttpError> {
    match timeout(ANSWER_DEADLINE, session.ask(frame)).await {
        Ok(Ok(answer)) => Ok(answer.to_string()),
        Ok(Err(why)) => no_answer(why),
        Err(_) => Ok(unavailable().to_string()),
    }
}

/// Asks the first thing of a session, which the node may turn away as a whole.
async fn ask_first(session: &BrowserSession, frame: &str) -> Result<String, HttpError> {
    let answer = ask(session, frame).await;
    answer.map_err(|ended| turned_away(session, ended))
}

/// Why a session that has just been opened has ended: what the node said to that, if it said why.
fn turned_away(session: &BrowserSession, ended: HttpError) -> HttpError {
    let said = session.outbox.poll(0).frames;
    let why = said.iter().find_map(|frame| HttpError::from_answer(frame));
    why.unwrap_or(ended)
}

/// Why there is no answer: as an `error` frame in its place, or, if the session is over, of the whole
/// request.
fn no_answer(why: NoAnswer) -> Result<String, HttpError> {
    let refusal = match why {
        NoAnswer::Ended => return Err(over()),
        NoAnswer::Busy => Refusal {
            retry_after_ms: Some(BUSY_RETRY_MS),
            ..Refusal::new(
                ErrorCode::RateLimited,
                "too many of the session's requests are waiting",
            )
        },
    };
    let frame = ServerFrame::Error(ErrorFrame::new(None, refusal));
    Ok(encoded(&frame).to_string())
}

fn farewell() -> String {
    let frame = ServerFrame::Disconnect(Disconnect {
        reason: CloseReason::Quit,
        message: "you have left".to_owned(),
    });
    encoded(&frame).to_string()
}

/// Joins, sends and leaves.
async fn one_call(app: &App, address: IpAddr, text: &str) -> Result<Vec<String>, HttpError> {
    let call: OneCall = serde_json::from_str(text).map_err(|error| {
        let message = format!("neither a frame with a \"type\" nor {{name, room, text}}: {error}");
        HttpError::new(ErrorCode::BadFrame, message)
    })?;
    let name = UserName::parse(&call.name)?;
    let session = open(app, address)?;
    let joined = join_once(app, address, &session, &call, &name).await?;
    let mut answers = vec![joined];
    // A direct conversation is joined by nobody.
    if !call.room.starts_with('@') {
        let join = json!({"type": "join", "room": call.room, "limit": 1});
        succeed(ask(&session, &join.to_string()).await?)?;
    }
    let mut send = json!({"type": "send", "room": call.room, "text": call.text});
    for (key, value) in [("nonce", call.nonce), ("reply_to", call.reply_to)] {
        if let Some(value) = value {
            send[key] = value.into();
        }
    }
    answers.push(succeed(ask(&session, &send.to_string()).await?)?);
    // Leaves in order; that it is not waited for changes nothing.
    if session.tell(r#"{"type":"quit"}"#).is_err() {
        tracing::debug!("a one-call send was sent and its session had ended by itself");
    }
    Ok(answers)
}

/// Opens the session of a one-call send: by its token, as who sent before, or as a new guest.
async fn join_once(
    app: &App,
    address: IpAddr,
    session: &BrowserSession,
    call: &OneCall,
    name: &UserName,
) -> Result<String, HttpError> {
    if let Some(token) = &call.token {
        let join = json!({"type": "user_join", "name": call.name, "token": token, "brief": true});
        return succeed(ask_first(session, &join.to_string()).await?);
    }
    if let Some(token) = app.one_calls.token(address, name) {
        let join = json!({"type": "user_join", "token": token, "brief": true});
        let answer = ask_first(session, &join.to_string()).await?;
        if HttpError::from_answer(&answer).is_none() {
            app.one_calls.remember(address, name, &answer);
            return Ok(answer);
        }
    }
    let join = json!({"type": "user_join", "name": call.name, "brief": true});
    let answer = succeed(ask_first(session, &join.to_string()).await?)?;
    app.one_calls.remember(address, name, &answer);
    Ok(answer)
}

fn succeed(answer: String) -> Result<String, HttpError> {
    match HttpError::from_answer(&answer) {
        Some(error) => Err(error),
        None => Ok(answer),
    }
}

fn internal(error: impl std::fmt::Display) -> HttpError {
    tracing::error!(%error, "a request could not be carried out");
    HttpError::new(ErrorCode::Internal, "a fault of the bridge")
}

impl OneCallUsers {
    fn token(&self, address: IpAddr, name: &UserName) -> Option<String> {
        let known = self.lock();
        let known = known.get(&(address, name.key()))?;
        (known.until > Instant::now()).then(|| known.token.clone())
    }

    /// Notes the token of a `session` frame that bears the name itself: not of one that was renamed.
    fn remember(&self, address: IpAddr, name: &UserName, session: &str) {
        let Ok(ServerFrame::Session(session)) = ServerFrame::decode(session) else {
            return;
        };
        let mut known = self.lock();
        if session.user == name.as_str() && known.len() < ONE_CALL_USERS_MAX {
            let until = Instant::now() + ONE_CALL_USER_KEPT;
            let token = session.token;
            known.insert((address, name.key()), Known { token, until });
        }
    }

    /// Forgets who has not sent for ten minutes.
    pub fn sweep(&self, now: Instant) {
        self.lock().retain(|_, known| known.until > now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(IpAddr, NameKey), Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
