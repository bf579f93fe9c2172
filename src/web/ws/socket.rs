//! One browser's WebSocket, as a task that holds next to nothing while the browser is silent: no
//! buffer for what may come, none for what may go, and no timer.
//!
//! It is written as a state machine and not as an `async` function, which would keep a place for
//! everything that it ever waits for.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tungstenite::protocol::frame::coding::CloseCode;

use super::incoming::{Event, Incoming};
use super::outgoing::{self, Outgoing};
use crate::protocol::limits::LINE_BYTES_MAX;
use crate::protocol::server::ErrorFrame;
use crate::protocol::{ErrorCode, Refusal, ServerFrame};
use crate::web::app::App;
use crate::web::switchboard::outbox::{Frame, json};
use crate::web::switchboard::{BrowserSession, NoAnswer};

/// Bytes that are read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Bytes that are handed to the socket at a time, give or take one frame.
const WRITE_BYTES: usize = 64 * 1024;

/// How long a browser may take to answer a closing.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

thread_local! {
    /// Shared by all sockets of a thread: what is left of it for one of them is copied out.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
    static WRITE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The task. It ends when the browser has gone, or was told that it is over.
pub struct Socket<S> {
    stream: S,
    session: BrowserSession,
    incoming: Incoming,
    outgoing: Outgoing,
    /// What was read and cannot be handed on yet.
    held_up: Option<Box<HeldUp>>,
    /// What the browser's last ping said.
    pong: Option<Box<[u8]>>,
    closing: Option<Box<Closing>>,
    /// Why it may be ended while the browser takes nothing.
    stuck: Option<Box<Stuck>>,
    app: Arc<App>,
}

struct Stuck {
    /// The bridge's last deadline.
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The session is over: how long what was said last may take.
    last_words: Option<Pin<Box<Sleep>>>,
}

struct HeldUp {
    what: Option<Said>,
    /// What came behind it.
    bytes: Vec<u8>,
}

/// What is to be answered.
enum Said {
    Request(Box<str>),
    /// It was no request; this is its answer.
    Wrong(Frame),
}

struct Closing {
    code: Option<CloseCode>,
    why: Why,
    /// Our side has said it.
    is_said: bool,
    deadline: Pin<Box<Sleep>>,
}

/// Why a WebSocket is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The session is over.
    Ended,
    /// The browser has closed it.
    Asked,
    /// What the browser says makes no sense any more.
    Broken,
}

/// Whether there is more to do at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrote {
    /// Frames were taken out of the box: what was held up may have its turn.
    Some,
    Nothing,
}

/// The connection is over.
struct Over;

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// `read` is what has been read from the stream already.
    pub fn new(app: Arc<App>, stream: S, session: BrowserSession, read: &[u8]) -> Socket<S> {
        app.counts.websocket_opened();
        let held_up = (!read.is_empty()).then(|| {
            let bytes = read.to_vec();
            Box::new(HeldUp { what: None, bytes })
        });
        Socket {
            stream,
            session,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            held_up,
            pong: None,
            closing: None,
            stuck: None,
            app,
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        // First: what comes from here on wakes it again.
        self.session.outbox.wake_when_due(cx.waker());
        loop {
            if let Poll::Ready(over) = self.read(cx) {
                return Poll::Ready(over);
            }
            let again = self.held_up.is_some() || self.closing.is_some();
            match self.write(cx) {
                Err(over) => return Poll::Ready(over),
                Ok(Wrote::Some) if again => {}
                Ok(Wrote::Some | Wrote::Nothing) => break,
            }
        }
        if let Some(closing) = &mut self.closing {
            ready!(closing.deadline.as_mut().poll(cx));
            tracing::debug!("a browser did not answer the closing");
            return Poll::Ready(Over);
        }
        if self.outgoing.waits() {
            let app = &self.app;
            let stuck = self.stuck.get_or_insert_with(|| {
                Box::new(Stuck {
                    cut: Box::pin(app.cut.clone().cancelled_owned()),
                    last_words: None,
                })
            });
            if self.session.outbox.has_ended() {
                let deadline = || Box::pin(sleep(CLOSE_DEADLINE));
                let last_words = stuck.last_words.get_or_insert_with(deadline);
                if last_words.as_mut().poll(cx).is_ready() {
                    tracing::debug!("a browser did not take what was said last");
                    return Poll::Ready(Over);
                }
            }
            return stuck.cut.as_mut().poll(cx).map(|()| Over);
        }
        self.stuck = None;
        Poll::Pending
    }

    /// Reads, and hands on, until nothing more comes or what came is held up.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        loop {
            let closing = self.closing.as_ref();
            if closing.is_some_and(|c| c.why == Why::Asked || !c.is_said) {
                // Nothing is wanted any more; the last word is to be said, even if the browser says none.
                return Poll::Pending;
            }
            if let Some(held_up) = self.held_up.take() {
                let HeldUp { what, mut bytes } = *held_up;
                if let Some(what) = what
                    && let Some(what) = self.hand_on(what)
                {
                    let what = Some(what);
                    self.held_up = Some(Box::new(HeldUp { what, bytes }));
                    return Poll::Pending;
                }
                if self.take_in(&mut bytes).is_err() {
                    return Poll::Ready(Over);
                }
                continue;
            }
            let taken = READ.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
                if ready!(read).is_err() || buffer.filled().is_empty() {
                    return Poll::Ready(Err(Over));
                }
                Poll::Ready(self.take_in(buffer.filled_mut()))
            });
            if let Err(over) = ready!(taken) {
                return Poll::Ready(over);
            }
        }
    }

    /// Takes in what was read.
    fn take_in(&mut self, mut input: &mut [u8]) -> Result<(), Over> {
        loop {
            if self.closing.as_ref().is_some_and(|c| c.why == Why::Broken) {
                return Ok(());
            }
            let said = match self.incoming.next(&mut input) {
                Ok(None) => return Ok(()),
                Err(code) => {
                    self.close(Some(code), Why::Broken);
                    return Ok(());
                }
                Ok(Some(Event::Close(code))) => {
                    if self.closing.as_ref().is_some_and(|closing| closing.is_said) {
                        return Err(Over);
                    }
                    self.close(code, Why::Asked);
                    return Ok(());
                }
                Ok(Some(_)) if self.closing.is_some() => continue,
                Ok(Some(Event::Ping(payload))) => {
                    self.pong = Some(payload.into());
                    continue;
                }
                Ok(Some(Event::Pong)) => continue,
                Ok(Some(Event::Text(text))) => {
                    if self.request(&text).is_ok() {
                        continue;
                    }
                    Said::Request(text.into())
                }
                Ok(Some(Event::TooLong)) => {
                    let message =
                        format!("a frame has {LINE_BYTES_MAX} bytes at most; it was skipped");
                    Said::Wrong(wrong(ErrorCode::LineTooLong, &message))
                }
                Ok(Some(Event::Binary)) => {
                    let message = "a frame is text; this one was binary and skipped";
                    Said::Wrong(wrong(ErrorCode::BadFrame, message))
                }
            };
            if let Some(what) = self.hand_on(said) {
                let (what, bytes) = (Some(what), input.to_vec());
                self.held_up = Some(Box::new(HeldUp { what, bytes }));
                return Ok(());
            }
        }
    }

    /// Gives it back if it must wait.
    fn hand_on(&self, what: Said) -> Option<Said> {
        match what {
            Said::Request(text) => self.request(&text).err().map(|()| Said::Request(text)),
            Said::Wrong(answer) if self.session.outbox.is_crowded() => Some(Said::Wrong(answer)),
            Said::Wrong(answer) => {
                self.session.outbox.answer(answer);
                None
            }
        }
    }

    /// Fails when too many requests wait already. Of a session that is over the writing side says so.
    fn request(&self, text: &str) -> Result<(), ()> {
        match self.session.request(text) {
            Ok(()) | Err(NoAnswer::Ended) => Ok(()),
            Err(NoAnswer::Busy) => Err(()),
        }
    }

    fn close(&mut self, code: Option<CloseCode>, why: Why) {
        self.held_up = None;
        if let Some(closing) = &mut self.closing {
            // It keeps its deadline, and is not said twice.
            closing.why = why;
            return;
        }
        self.closing = Some(Box::new(Closing {
            code,
            why,
            is_said: false,
            deadline: Box::pin(sleep(CLOSE_DEADLINE)),
        }));
    }

    /// Writes all that is due, as far as the socket takes it.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<Wrote, Over> {
        let mut wrote = Wrote::Nothing;
        loop {
            match self.outgoing.poll_rest(&mut self.stream, cx) {
                Poll::Pending => return Ok(wrote),
                Poll::Ready(written) => written.map_err(|_| Over)?,
            }
            let written = WRITE.with_borrow_mut(|out| {
                out.clear();
                self.collect(out);
                if out.is_empty() {
                    return None;
                }
                let written = self.outgoing.poll_write(&mut self.stream, cx, out);
                out.shrink_to(2 * WRITE_BYTES);
                Some(written)
            });
            match written {
                None => return self.after_all(cx).map(|()| wrote),
                Some(Poll::Ready(Err(_))) => return Err(Over),
                Some(Poll::Ready(Ok(())) | Poll::Pending) => wrote = Wrote::Some,
            }
        }
    }

    /// What is to be written now; nothing when nothing is due.
    fn collect(&mut self, out: &mut Vec<u8>) {
        if self.closing.is_none() {
            if let Some(payload) = self.pong.take() {
                outgoing::pong(out, &payload);
            }
            let frame = |frame: &str| outgoing::text(out, frame);
            let taken = self.session.outbox.take(WRITE_BYTES, frame);
            if taken.ping {
                outgoing::ping(out);
            }
            if !taken.ended || !out.is_empty() {
                return;
            }
            self.close(Some(CloseCode::Normal), Why::Ended);
        }
        if let Some(closing) = &mut self.closing
            && !closing.is_said
        {
            outgoing::close(out, closing.code);
            closing.is_said = true;
        }
    }

    /// Everything is written.
    fn after_all(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        match self.closing.as_ref().map(|closing| closing.why) {
            Some(Why::Asked) => Err(Over),
            Some(Why::Broken) => {
                // Its answer is not understood: it ends when the browser has heard, and hangs up.
                let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
                if matches!(shut, Poll::Ready(Err(_))) {
                    return Err(Over);
                }
                Ok(())
            }
            Some(Why::Ended) | None => Ok(()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Socket<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let socket = self.get_mut();
        let over = socket.turn(cx).map(|Over| ());
        if over.is_ready() {
            // TLS has a last word of its own, by which the browser knows that nothing was cut off.
            let _ = Pin::new(&mut socket.stream).poll_shutdown(cx);
        }
        over
    }
}

impl<S> Drop for Socket<S> {
    fn drop(&mut self) {
        self.app.counts.websocket_closed();
    }
}

/// What is answered to what is not even a frame.
fn wrong(code: ErrorCode, message: &str) -> Frame {
    let refusal = Refusal::new(code, message);
    json(&ServerFrame::Error(ErrorFrame::new(None, refusal)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_socket_is_small() {
        // Tokio rounds a task up to a multiple of 128 bytes, and has about 90 of its own.
        let bytes = size_of::<Socket<tokio::net::TcpStream>>();
        assert!(bytes <= 144, "{bytes}");
    }
}
