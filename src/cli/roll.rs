//! What `chat tail` prints: every message once, with nothing missing, across any loss of a node.

use std::collections::{HashSet, VecDeque};

use crate::client::Held;
use crate::protocol::MessageId;
use crate::protocol::server::{Gap, History, Message, MessageUpdate, Room};

/// Messages whose ids are remembered, so that one that moves is not printed again.
const REMEMBERED_MAX: usize = 65_536;

/// Live messages that wait while pages are missing that come before them.
const WAITING_MAX: usize = 10_000;

/// Takes a room's frames in the order in which they come; gives the messages to be printed.
#[derive(Debug, Default)]
pub(super) struct Roll {
    held: Held,
    printed: Recent,
    /// Came live while pages were missing.
    waiting: Vec<Message>,
}

#[derive(Debug, Default)]
struct Recent {
    ids: HashSet<MessageId>,
    in_order: VecDeque<MessageId>,
}

impl Roll {
    /// Takes the answer to the first `join`: its messages are the backlog, to be printed by [`unprinted`](Roll::unprinted).
    pub(super) fn begin(&mut self, room: &Room) {
        self.held.take_room(room, false);
    }

    /// Those of `messages` that have not been printed yet.
    pub(super) fn unprinted(&mut self, messages: Vec<Message>) -> Vec<Message> {
        let mut unprinted = messages;
        unprinted.retain(|message| self.printed.remember(&message.id));
        unprinted
    }

    /// Takes the answer to a `join` after a reconnect.
    pub(super) fn resume(&mut self, room: Room) -> Vec<Message> {
        let missed = self.missed(&room.messages);
        self.held.take_room(&room, true);
        self.caught_up(missed)
    }

    /// Takes a further page of what was missed.
    pub(super) fn page(&mut self, page: History) -> Vec<Message> {
        let missed = self.missed(&page.messages);
        self.held.take_page(&page);
        self.caught_up(missed)
    }

    /// Takes a live message.
    pub(super) fn live(&mut self, message: Message) -> Vec<Message> {
        self.held
            .take_live(&message.origin, message.seq, message.ts);
        if self.held.more && self.waiting.len() < WAITING_MAX {
            self.waiting.push(message);
            return Vec::new();
        }
        self.unprinted(vec![message])
    }

    /// Takes a change of a message. It is not printed, but it counts as held.
    pub(super) fn update(&mut self, update: &MessageUpdate) {
        self.held.take_live(&update.origin, update.seq, update.ts);
    }

    pub(super) fn gap(&mut self, gap: &Gap) {
        self.held.take_gap(&gap.since);
    }

    /// A page brings messages that were said, and old ones that were changed. Those are left out.
    fn missed(&mut self, page: &[Message]) -> Vec<Message> {
        let since = &self.held.since;
        let is_old = |m: &&Message| is_changed(m) && since.covers(&m.origin, m.seq);
        let missed = page.iter().filter(|m| !is_old(m)).cloned().collect();
        self.unprinted(missed)
    }

    fn caught_up(&mut self, mut missed: Vec<Message>) -> Vec<Message> {
        if !self.held.more {
            let waiting = std::mem::take(&mut self.waiting);
            missed.extend(self.unprinted(waiting));
        }
        missed
    }
}

fn is_changed(message: &Message) -> bool {
    message.deleted || message.edited.is_some() || !message.reactions.is_empty()
}

impl Recent {
    /// False for one that is remembered already.
    fn remember(&mut self, id: &MessageId) -> bool {
        if !self.ids.insert(id.clone()) {
            return false;
        }
        self.in_order.push_back(id.clone());
        if self.in_order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn message(seq: u64) -> Value {
        json!({"room": "ops", "id": format!("aaaa.{seq}"), "from": "alice", "uid": "aaaa", "ts": seq * 10,
            "origin": "n1-a", "seq": seq, "text": "x", "nonce": seq.to_string()})
    }

    fn live(seq: u64) -> Message {
        serde_json::from_value(message(seq)).unwrap()
    }

    fn room(since: u64, messages: &[u64], more: bool) -> Room {
        let messages: Vec<Value> = messages.iter().map(|seq| message(*seq)).collect();
        serde_json::from_value(
            json!({"room": "ops", "topic": "", "private": false, "total": 1, "users": [],
            "messages": messages, "more": more, "since": {"n1-a": since}, "read": {}}),
        )
        .unwrap()
    }

    fn page(since: u64, messages: &[u64], more: bool) -> History {
        let messages: Vec<Value> = messages.iter().map(|seq| message(*seq)).collect();
        serde_json::from_value(json!({"room": "ops", "messages": messages, "more": more,
            "since": {"n1-a": since}}))
        .unwrap()
    }

    fn seqs(messages: &[Message]) -> Vec<u64> {
        messages.iter().map(|message| message.seq).collect()
    }

    #[test]
    fn what_was_missed_comes_before_what_is_said_meanwhile_and_all_of_it_once() {
        let mut roll = Roll::default();
        let first = room(5, &[4, 5], true);
        roll.begin(&first);
        assert_eq!(seqs(&roll.unprinted(first.messages)), [4, 5]);
        assert_eq!(seqs(&roll.live(live(6))), [6]);
        assert_eq!(seqs(&roll.resume(room(8, &[6, 7, 8], true))), [7, 8]);
        assert_eq!(seqs(&roll.live(live(10))), [0; 0]);
        assert_eq!(seqs(&roll.page(page(10, &[9, 10], false))), [9, 10]);
        assert_eq!(seqs(&roll.live(live(11))), [11]);
    }

    #[test]
    fn a_message_with_two_places_is_printed_once_whichever_comes_first_and_by_which_way() {
        let mut roll = Roll::default();
        roll.begin(&room(5, &[], false));
        let at_another_place = |seq: u64| {
            let mut again = live(seq);
            (again.ts.0, again.seq) = (again.ts.0 - 5, seq + 1);
            again.origin = crate::protocol::Origin::parse("n2-b").unwrap();
            again
        };
        assert_eq!(seqs(&roll.live(live(6))), [6]);
        assert_eq!(seqs(&roll.live(at_another_place(6))), [0; 0]);
        let mut answer = room(7, &[7], false);
        answer.messages.push(at_another_place(6));
        assert_eq!(seqs(&roll.resume(answer)), [7]);
        let mut last = page(8, &[], false);
        last.messages.extend([at_another_place(7), live(8)]);
        assert_eq!(seqs(&roll.page(last)), [8]);
        assert_eq!(seqs(&roll.live(at_another_place(8))), [0; 0]);
    }

    #[test]
    fn an_old_message_that_was_changed_meanwhile_is_not_printed() {
        let mut roll = Roll::default();
        roll.begin(&room(5, &[], true));
        let mut answer = room(7, &[2, 6], false);
        answer.messages[0].edited = Some(crate::protocol::Ts(70));
        assert_eq!(seqs(&roll.resume(answer)), [6]);
    }
}
