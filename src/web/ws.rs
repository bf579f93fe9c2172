//! A browser's WebSocket: one frame of the protocol in each text frame.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Utf8Bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::app::{App, BrowserAddress};
use super::refusal::HttpError;
use super::switchboard::outbox::json;
use super::switchboard::{BrowserSession, LinkState, now};
use crate::protocol::limits::{LINE_BYTES_MAX, Limits, PROTOCOL_VERSION};
use crate::protocol::server::{CloseReason, Connect, ErrorFrame};
use crate::protocol::{ErrorCode, Refusal, ServerFrame};

/// Bytes of a message that are read to be skipped and answered; past that the connection ends, since
/// a longer one can only be meant to do harm.
const SKIPPED_BYTES_MAX: usize = 1024 * 1024;

/// Read and write buffers of a connection, bytes; the first one is there from the beginning.
const READ_BUFFER_BYTES: usize = 1024;
const WRITE_BUFFER_BYTES: usize = 32 * 1024;

/// How long a browser may take to answer a closing.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// How long a new connection waits to be told the name of its node when none is up.
const GREETING_WAIT: Duration = Duration::from_secs(1);

/// `GET /ws`.
pub async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(BrowserAddress(address)): Extension<BrowserAddress>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let error = HttpError::new(ErrorCode::BadFrame, rejection.body_text());
            return error.with_status(rejection.status()).into_response();
        }
    };
    let Some(session) = app.switchboard.open(address) else {
        let message = "the bridge carries as many sessions as it can";
        return HttpError::new(ErrorCode::TooManyConnections, message).into_response();
    };
    let tracked = app.tasks.token();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(SKIPPED_BYTES_MAX)
        .max_frame_size(SKIPPED_BYTES_MAX)
        .on_upgrade(async move |socket| {
            serve(&app, socket, session).await;
            drop(tracked);
        })
}

async fn serve(app: &App, socket: WebSocket, session: BrowserSession) {
    let _open = app.counts.websocket();
    session.outbox.answer(greeting(app).await);
    let (mut to, mut from) = socket.split();
    let deadline = join_deadline(&session, app.tuning.hello);
    tokio::select! {
        () = read(&mut from, &session) => return,
        ended = write(&mut to, &session, app.tuning.ping_every) => if ended.is_err() { return },
        () = deadline => {}
        () = app.cut.cancelled() => return,
    }
    let close = CloseFrame {
        code: close_code::NORMAL,
        reason: Utf8Bytes::default(),
    };
    let closing = async {
        let frames = session.outbox.take();
        for frame in frames {
            to.send(Message::Text(frame)).await?;
        }
        to.send(Message::Close(Some(close))).await?;
        while from.next().await.is_some_and(|message| message.is_ok()) {}
        Ok::<(), axum::Error>(())
    };
    if timeout(CLOSE_DEADLINE, closing).await.is_err() {
        tracing::debug!("a browser did not answer the closing");
    }
}

/// The first frame: the server speaks first.
async fn greeting(app: &App) -> Utf8Bytes {
    let mut link = app.switchboard.link.subscribe();
    let up = link.wait_for(|state| matches!(state, LinkState::Up { .. }));
    let node = match timeout(GREETING_WAIT, up).await {
        Ok(Ok(state)) => match &*state {
            LinkState::Up { node, .. } => node.clone(),
            LinkState::Down | LinkState::Refused => String::new(),
        },
        // No node is up: the session waits for one.
        Ok(Err(_)) | Err(_) => String::new(),
    };
    json(&ServerFrame::Connect(Connect {
        protocol: PROTOCOL_VERSION,
        server: concat!("chat/", env!("CARGO_PKG_VERSION")).to_owned(),
        node,
        time: now(),
        limits: Limits::CURRENT,
        hint: None,
    }))
}

/// Ends when the browser has gone.
async fn read(from: &mut SplitStream<WebSocket>, session: &BrowserSession) {
    while let Some(Ok(message)) = from.next().await {
        let handed_on = match message {
            Message::Text(text) if text.len() > LINE_BYTES_MAX => {
                let message = format!("a frame has {LINE_BYTES_MAX} bytes at most; it was skipped");
                refuse(session, ErrorCode::LineTooLong, &message).await
            }
            Message::Text(text) => session.request(&text).await,
            Message::Binary(_) => {
                let message = "a frame is text; this one was binary and skipped";
                refuse(session, ErrorCode::BadFrame, message).await
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => return,
        };
        if handed_on.is_err() {
            // Ended from the other side: the writer says so and closes.
            std::future::pending::<()>().await;
        }
    }
}

/// Answers what is not even a frame; waits while the browser takes no answers.
async fn refuse(
    session: &BrowserSession,
    code: ErrorCode,
    message: &str,
) -> Result<(), super::switchboard::Ended> {
    let refusal = Refusal::new(code, message);
    let frame = json(&ServerFrame::Error(ErrorFrame::new(None, refusal)));
    session.answer(frame).await
}

/// Ends, without an error, when the session is over and all of it is written.
async fn write(
    to: &mut SplitSink<WebSocket, Message>,
    session: &BrowserSession,
    ping_every: Duration,
) -> Result<(), axum::Error> {
    let mut pings = interval_at(Instant::now() + ping_every, ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut due = pin!(session.outbox.due.notified());
        due.as_mut().enable();
        let ended = session.outbox.has_ended();
        let frames = session.outbox.take();
        if frames.is_empty() {
            if ended {
                return Ok(());
            }
            tokio::select! {
                () = due => {}
                _ = pings.tick() => to.send(Message::Ping(axum::body::Bytes::new())).await?,
            }
            continue;
        }
        for frame in frames {
            to.feed(Message::Text(frame)).await?;
        }
        to.flush().await?;
    }
}

/// Ends when the browser has taken too long to say who it is.
async fn join_deadline(session: &BrowserSession, hello: Duration) {
    tokio::time::sleep(hello).await;
    if session.has_joined() {
        std::future::pending::<()>().await;
    }
    let message = format!("no user_join came within {} s", hello.as_secs());
    session.outbox.end(CloseReason::Quit, &message);
}
