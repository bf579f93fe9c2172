//! A browser's WebSocket: one frame of the protocol in each text frame.
//!
//! The connection is taken out of the HTTP server, and its frames are read and written here: an idle
//! WebSocket library keeps buffers, and there are many browsers that are silent.
//!
//! - [`handshake`] grants the upgrade, [`socket`] is the task from then on.
//! - [`incoming`] takes apart what comes, [`outgoing`] puts together what goes: without a socket.
//! - [`clock`] has the pings and the deadline of all of them.

pub mod clock;
mod handshake;
mod incoming;
mod outgoing;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::response::IntoResponse;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;

use self::handshake::Upgrade;
use self::socket::Socket;
use super::app::{App, BrowserAddress};
use super::refusal::HttpError;
use super::switchboard::outbox::{Frame, json};
use super::switchboard::{BrowserSession, LinkState, now};
use crate::protocol::limits::{Limits, PROTOCOL_VERSION};
use crate::protocol::server::{CloseReason, Connect};
use crate::protocol::{ErrorCode, ServerFrame};

pub use self::clock::SocketClock;

/// How long a new connection waits to be told the name of its node when none is up.
const GREETING_WAIT: Duration = Duration::from_secs(1);

/// `GET /ws`.
pub async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(BrowserAddress(address)): Extension<BrowserAddress>,
    request: Request,
) -> Response<Body> {
    let mut parts = request.into_parts().0;
    let upgrade = match Upgrade::read(&mut parts) {
        Ok(upgrade) => upgrade,
        Err(error) => return error.into_response(),
    };
    let Some(session) = app.switchboard.open(address) else {
        let message = "the bridge carries as many sessions as it can";
        return HttpError::new(ErrorCode::TooManyConnections, message).into_response();
    };
    if app.stop.is_cancelled() {
        // The others were told before this one was there.
        let message = "the bridge is being stopped";
        session.outbox.end(CloseReason::ShuttingDown, message);
    }
    let starting = start(Arc::clone(&app), upgrade.connection, session);
    app.tasks.spawn(starting);
    handshake::granted(&upgrade.accept)
}

/// What there is to wait for before the task that stays: the answer's way out, and a node.
async fn start(app: Arc<App>, connection: OnUpgrade, session: BrowserSession) {
    let greeted = async {
        let upgraded = connection.await;
        session.outbox.answer(greeting(&app).await);
        upgraded
    };
    let upgraded = tokio::select! {
        () = app.cut.cancelled() => return,
        upgraded = greeted => upgraded,
    };
    let upgraded = match upgraded {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "a connection has not become a WebSocket");
            return;
        }
    };
    // What the HTTP server had of it is let go: each kind of stream has a task of its own size.
    let other = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(plain) => return serve(app, plain.io.into_inner(), session, &plain.read_buf),
        Err(other) => other,
    };
    match other.downcast::<TokioIo<TlsStream<TcpStream>>>() {
        Ok(secure) => serve(app, secure.io.into_inner(), session, &secure.read_buf),
        // Some other stream, by way of the HTTP server's own type.
        Err(other) => serve(app, TokioIo::new(other), session, &[]),
    }
}

fn serve<S>(app: Arc<App>, stream: S, session: BrowserSession, read: &[u8])
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    app.clock.enter(session.id(), Instant::now());
    let socket = Socket::new(Arc::clone(&app), stream, session, read);
    app.tasks.spawn(socket);
}

/// The first frame: the server speaks first.
async fn greeting(app: &App) -> Frame {
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

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::WebSocketStream;
    use tungstenite::Message;
    use tungstenite::protocol::Role;

    use super::*;
    use crate::web::config::Tuning;
    use crate::web::guard::Guard;

    const DEADLINE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_stream_that_is_no_tcp_carries_it_too_however_little_it_takes() {
        const REQUESTS: usize = 200;
        let guard = Guard::new("127.0.0.1:8080".parse().unwrap(), false, &[]).unwrap();
        let app = Arc::new(App::new(Tuning::default(), guard, &[]));
        let session = app.switchboard.open("127.0.0.1".parse().unwrap());
        let (theirs, ours) = tokio::io::duplex(50);
        serve(Arc::clone(&app), ours, session.unwrap(), &[]);
        let browser = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        let (mut to, mut from) = browser.split();
        let asking = async {
            for n in 0..REQUESTS {
                let frame = Message::text(format!(r#"{{"type":"ping","re":{n}}}"#));
                to.send(frame).await.unwrap();
            }
        };
        let reading = async {
            for n in 0..REQUESTS {
                let told = from.next().await.unwrap().unwrap().into_text().unwrap();
                assert!(told.ends_with(&format!(r#""re":{n}}}"#)), "{told}");
            }
        };
        timeout(DEADLINE, async { tokio::join!(asking, reading) })
            .await
            .unwrap();
        to.send(Message::Close(None)).await.unwrap();
        let answer = timeout(DEADLINE, from.next()).await.unwrap();
        assert_eq!(answer.unwrap().unwrap(), Message::Close(None));
        app.tasks.close();
        timeout(DEADLINE, app.tasks.wait()).await.unwrap();
        assert_eq!(app.switchboard.lock().sessions(), 0);
    }

    #[tokio::test]
    async fn a_browser_that_takes_nothing_is_let_go_when_its_session_is_over() {
        let guard = Guard::new("127.0.0.1:8080".parse().unwrap(), false, &[]).unwrap();
        let app = Arc::new(App::new(Tuning::default(), guard, &[]));
        let session = app.switchboard.open("127.0.0.1".parse().unwrap()).unwrap();
        let outbox = Arc::clone(&session.outbox);
        let (theirs, ours) = tokio::io::duplex(50);
        serve(Arc::clone(&app), ours, session, &[]);
        outbox.answer("x".repeat(1000).as_str().into());
        // It is stuck in the midst of that.
        tokio::time::sleep(Duration::from_millis(50)).await;
        outbox.end(CloseReason::Kicked, "out");
        app.tasks.close();
        timeout(DEADLINE, app.tasks.wait()).await.unwrap();
        drop(theirs);
    }
}
