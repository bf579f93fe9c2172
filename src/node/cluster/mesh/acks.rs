//! Answers that wait until an event is on enough disks. The core says when that is so, in the order of
//! the log; this only knows who waits for which place.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::node::cluster::replication::Acknowledged;
use crate::node::rooms::lock;
use crate::protocol::{Origin, Seq};

/// Who waits, and how far the waiting is over.
#[derive(Debug, Default)]
pub struct Acks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last word on each origin that this node has written.
    reached: BTreeMap<Origin, (Seq, u32)>,
    waiting: BTreeMap<(Origin, Seq), Vec<oneshot::Sender<u32>>>,
}

/// A place of this node's own log, once it may be acknowledged.
#[derive(Debug)]
pub enum Wait {
    Over(u32),
    Until(oneshot::Receiver<u32>),
}

impl Acks {
    /// Waits for an event of this node.
    pub fn wait(&self, origin: &Origin, seq: Seq) -> Wait {
        let mut state = lock(&self.0);
        match state.reached.get(origin) {
            // What is on so many disks up to a later place is on as many here.
            Some((up_to, copies)) if *up_to >= seq => Wait::Over(*copies),
            Some(_) | None => {
                let (reply, answer) = oneshot::channel();
                let waiting = state.waiting.entry((origin.clone(), seq));
                let waiting = waiting.or_default();
                waiting.retain(|reply| !reply.is_closed());
                waiting.push(reply);
                Wait::Until(answer)
            }
        }
    }

    /// The core has said so.
    pub fn acknowledged(&self, word: &Acknowledged) {
        let mut state = lock(&self.0);
        let reached = (word.up_to, word.copies);
        state.reached.insert(word.origin.clone(), reached);
        let first = (word.origin.clone(), 0);
        let end = (word.origin.clone(), word.up_to + 1);
        let mut rest = state.waiting.split_off(&first);
        let mut after = rest.split_off(&end);
        state.waiting.append(&mut after);
        for reply in rest.into_values().flatten() {
            // Who has given up waiting needs no answer.
            let _ = reply.send(word.copies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(name: &str) -> Origin {
        Origin::parse(name).unwrap()
    }

    fn word(name: &str, up_to: Seq, copies: u32) -> Acknowledged {
        let origin = origin(name);
        Acknowledged {
            origin,
            up_to,
            copies,
        }
    }

    fn answer(wait: &mut Wait) -> Option<u32> {
        match wait {
            Wait::Over(copies) => Some(*copies),
            Wait::Until(answer) => answer.try_recv().ok(),
        }
    }

    #[test]
    fn waits_end_in_the_order_of_the_log_and_of_their_own_log_only() {
        let acks = Acks::default();
        let mut first = acks.wait(&origin("n1-a"), 1);
        let mut third = acks.wait(&origin("n1-a"), 3);
        let mut other = acks.wait(&origin("n1-b"), 1);
        acks.acknowledged(&word("n1-a", 2, 2));
        assert_eq!(answer(&mut first), Some(2));
        assert_eq!((answer(&mut third), answer(&mut other)), (None, None));
        acks.acknowledged(&word("n1-a", 3, 1));
        assert_eq!((answer(&mut third), answer(&mut other)), (Some(1), None));
    }

    #[test]
    fn who_comes_after_the_word_hears_it_at_once() {
        let acks = Acks::default();
        acks.acknowledged(&word("n1-a", 7, 2));
        assert_eq!(answer(&mut acks.wait(&origin("n1-a"), 7)), Some(2));
        assert_eq!(answer(&mut acks.wait(&origin("n1-a"), 8)), None);
    }
}
