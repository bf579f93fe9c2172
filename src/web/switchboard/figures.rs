//! The figures of all nodes, asked of the one that the bridge is linked with. However many ask at the
//! same time, the node is asked once, and once a second at most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::core::Core;
use crate::protocol::ServerFrame;
use crate::protocol::bridge::ToNode;
use crate::protocol::stats::Stats;

/// How long an answer serves those who ask after it.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Who may wait for one answer.
const WAITING_MAX: usize = 256;

/// Whom the next answer is for, and the last one.
#[derive(Debug, Default)]
pub struct FiguresAsked {
    /// Whether the node of the link knows the question.
    can_be: bool,
    number: u32,
    waiting: Vec<oneshot::Sender<Arc<Stats>>>,
    last: Option<(Instant, Arc<Stats>)>,
}

/// What somebody is told who asks for the figures.
#[derive(Debug)]
pub enum Figures {
    Here(Arc<Stats>),
    Coming(oneshot::Receiver<Arc<Stats>>),
    /// There is no node to ask.
    Unavailable,
}

impl Core {
    /// Whether the node that there is a link to now gives figures.
    pub fn gives_figures(&mut self, it_does: bool) {
        self.figures.can_be = it_does;
    }

    pub fn ask_figures(&mut self, now: Instant) -> Figures {
        if !self.figures.can_be || self.figures.waiting.len() >= WAITING_MAX {
            return Figures::Unavailable;
        }
        if let Some((at, last)) = &self.figures.last
            && now.saturating_duration_since(*at) < FRESH_FOR
        {
            return Figures::Here(Arc::clone(last));
        }
        self.figures.waiting.retain(|waiting| !waiting.is_closed());
        let (teller, answer) = oneshot::channel();
        self.figures.waiting.push(teller);
        if self.figures.waiting.len() == 1 {
            self.figures.number = self.figures.number.wrapping_add(1);
            let number = self.figures.number;
            self.say(&ToNode::Figures { number });
        }
        Figures::Coming(answer)
    }

    pub(super) fn figures_came(&mut self, now: Instant, number: u32, json: &str) {
        let asked = &mut self.figures;
        let Ok(ServerFrame::Stats(stats)) = ServerFrame::decode(json) else {
            return;
        };
        if number != asked.number {
            return;
        }
        let stats = Arc::new(*stats);
        asked.last = Some((now, Arc::clone(&stats)));
        for waiting in asked.waiting.drain(..) {
            // Who has given up waiting needs nothing.
            let _ = waiting.send(Arc::clone(&stats));
        }
    }

    pub(super) fn figures_lost(&mut self) {
        self.figures.can_be = false;
        self.figures.waiting.clear();
        self.figures.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Ts;

    #[test]
    fn however_many_ask_the_node_is_asked_once_a_second() {
        let start = Instant::now();
        let mut core = Core::new(start, || Ts(0));
        // Neither without a node, nor of one that does not know the question.
        assert!(matches!(core.ask_figures(start), Figures::Unavailable));
        core.link_up(start);
        assert!(matches!(core.ask_figures(start), Figures::Unavailable));
        core.gives_figures(true);
        let (first, second) = (core.ask_figures(start), core.ask_figures(start));
        assert_eq!(core.take_output(), b"f1\n");
        let answer = r#"{"type":"stats","node":"n1","server":"s","uptime_s":1,"nodes":[]}"#;
        assert!(core.line(&format!("f1 {answer}")).is_ok());
        for asked in [first, second] {
            let Figures::Coming(mut answer) = asked else {
                panic!("{asked:?}")
            };
            assert_eq!(answer.try_recv().unwrap().node, "n1");
        }
        assert!(matches!(core.ask_figures(start), Figures::Here(_)));
        assert_eq!(core.take_output(), b"");
        let later = Instant::now() + FRESH_FOR;
        let Figures::Coming(mut lost) = core.ask_figures(later) else {
            panic!("an old answer was given")
        };
        assert_eq!(core.take_output(), b"f2\n");
        core.link_lost(later);
        assert!(lost.try_recv().is_err());
    }
}
