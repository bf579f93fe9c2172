//! What a request comes to, and the queue that keeps answers in the order of their requests.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::node::rooms::{ChannelKey, Entry};
use crate::protocol::server::{CloseReason, Disconnect, ErrorFrame};
use crate::protocol::{Re, Refusal, ServerFrame};

/// Frames for the session alone, and what its link has to do, in this order.
#[derive(Debug, Default)]
pub struct Answer {
    pub frames: Vec<ServerFrame>,
    pub effects: Vec<Effect>,
}

/// What a link does for its session once the answer's frames are in its buffer.
#[derive(Debug)]
pub enum Effect {
    /// The session hears this channel from the entry's cursor on.
    Enter(Entry),
    /// The session does not hear it any more.
    Leave(ChannelKey),
    /// A `stats` frame at this interval, or none any more.
    Every(Option<StatsEvery>),
    /// The session is over; its frames are to be written first.
    Close,
}

/// A `stats` request that repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsEvery {
    pub interval: Duration,
    pub re: Option<Re>,
    /// As in the request: `*` for all nodes, or a node's name.
    pub node: Option<String>,
}

/// An answer that is not there yet.
pub type AnswerFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// How a request is carried out.
pub enum Handling {
    /// It is done.
    Now(Answer),
    /// It was handed to the store; further requests may be taken meanwhile.
    Stored(AnswerFuture),
    /// It reads: it runs once all earlier ones are answered, and nothing is taken before it is.
    Alone(AnswerFuture),
}

impl Answer {
    /// Nothing to say and to do.
    pub fn none() -> Answer {
        Answer::default()
    }

    /// One frame.
    pub fn frame(frame: ServerFrame) -> Answer {
        Answer {
            frames: vec![frame],
            effects: Vec::new(),
        }
    }

    /// An `error` frame.
    pub fn refused(re: Option<Re>, refusal: Refusal) -> Answer {
        Answer::frame(ServerFrame::Error(ErrorFrame::new(re, refusal)))
    }

    /// A `disconnect` frame and the end.
    pub fn close(reason: CloseReason, message: &str) -> Answer {
        let message = message.to_owned();
        Answer::frame(ServerFrame::Disconnect(Disconnect { reason, message })).and(Effect::Close)
    }

    /// Whether the session comes to hear the channel with it.
    pub fn enters(&self, key: &ChannelKey) -> bool {
        let enters =
            |effect: &Effect| matches!(effect, Effect::Enter(entry) if entry.channel.key == *key);
        self.effects.iter().any(enters)
    }

    /// The same with one more thing to do.
    pub fn and(mut self, effect: Effect) -> Answer {
        self.effects.push(effect);
        self
    }
}

impl Handling {
    /// Handled: an error.
    pub fn refused(re: Option<Re>, refusal: Refusal) -> Handling {
        Handling::Now(Answer::refused(re, refusal))
    }

    /// The session's last answer: nothing is taken any more.
    pub fn last(answer: Answer) -> Handling {
        Handling::Alone(Box::pin(std::future::ready(answer)))
    }

    /// Handled: a frame.
    pub fn frame(frame: ServerFrame) -> Handling {
        Handling::Now(Answer::frame(frame))
    }
}

/// Writes of one session that may be on their way to the disk at a time; then its link reads no
/// more from the socket. Enough to fill a group commit from one sender.
pub const IN_FLIGHT_MAX: usize = 256;

/// Answers in the order of their requests.
#[derive(Default)]
pub struct AnswerQueue {
    /// None between requests.
    waiting: Option<Box<Line>>,
    /// A request that runs alone is in it.
    alone: bool,
}

/// Those who wait, the first in front.
#[derive(Default)]
struct Line(VecDeque<Waiting>);

enum Waiting {
    Ready(Answer),
    Coming(AnswerFuture),
}

impl AnswerQueue {
    /// Whether another request may be taken.
    pub fn has_room(&self) -> bool {
        !self.alone && self.waiting.as_ref().map_or(0, |line| line.0.len()) < IN_FLIGHT_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_none()
    }

    pub fn push(&mut self, handling: Handling) {
        let waiting = self.waiting.get_or_insert_default();
        waiting.0.push_back(match handling {
            Handling::Now(answer) => Waiting::Ready(answer),
            Handling::Stored(coming) => Waiting::Coming(coming),
            Handling::Alone(coming) => {
                self.alone = true;
                Waiting::Coming(coming)
            }
        });
    }

    /// The next answer; pending while there is none, or nothing was asked. It may be dropped and
    /// asked again at any time.
    pub async fn next(&mut self) -> Answer {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// See [`AnswerQueue::next`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        let answer = match waiting.0.front_mut() {
            None => return Poll::Pending,
            Some(Waiting::Ready(answer)) => std::mem::take(answer),
            Some(Waiting::Coming(coming)) => match coming.as_mut().poll(context) {
                Poll::Ready(answer) => answer,
                Poll::Pending => return Poll::Pending,
            },
        };
        waiting.0.pop_front();
        if waiting.0.is_empty() {
            self.alone = false;
            self.waiting = None;
        }
        Poll::Ready(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::server::Pong;
    use crate::protocol::{ServerFrame, Ts};
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    fn pong(time: i64) -> Answer {
        let time = Ts(time);
        Answer::frame(ServerFrame::Pong(Pong { re: None, time }))
    }

    fn coming() -> (oneshot::Sender<Answer>, AnswerFuture) {
        let (done, later) = oneshot::channel();
        (done, Box::pin(later.map(Result::unwrap)))
    }

    fn time(answer: Option<Answer>) -> Option<i64> {
        answer.map(|answer| match &answer.frames[..] {
            [ServerFrame::Pong(pong)] => pong.time.0,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn answers_come_in_the_order_of_their_requests() {
        let mut queue = AnswerQueue::default();
        let (first, waits) = coming();
        queue.push(Handling::Stored(waits));
        queue.push(Handling::Now(pong(2)));
        assert_eq!(time(queue.next().now_or_never()), None);
        first.send(pong(1)).unwrap();
        assert_eq!(time(queue.next().now_or_never()), Some(1));
        assert_eq!(time(queue.next().now_or_never()), Some(2));
        assert!(queue.is_empty());
    }

    #[test]
    fn nothing_is_taken_while_a_request_runs_alone_or_256_are_on_their_way() {
        let mut queue = AnswerQueue::default();
        let (done, waits) = coming();
        queue.push(Handling::Alone(waits));
        assert!(!queue.has_room());
        done.send(pong(1)).unwrap();
        assert_eq!(time(queue.next().now_or_never()), Some(1));
        assert!(queue.has_room());
        for n in 0..IN_FLIGHT_MAX {
            assert!(queue.has_room(), "after {n}");
            queue.push(Handling::Now(pong(0)));
        }
        assert!(!queue.has_room());
    }
}
