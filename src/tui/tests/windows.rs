//! The window onto a room's history against a node whose pages come late: whatever the reader does
//! meanwhile, in the end it has no hole, and reaches what it says it reaches.

use std::collections::VecDeque;

use crossterm::event::KeyCode;
use proptest::prelude::*;

use crate::client::Command;
use crate::protocol::server::{History, Message, ServerFrame};
use crate::protocol::{ClientFrame, HistoryRange, MessageId, Nonce, Origin, Re, Ts};
use crate::tui::event::Effect;
use crate::tui::jump;
use crate::tui::testing::{Story, message, uid};
use crate::tui::timeline::Beyond;

#[derive(Clone, Debug)]
enum Step {
    /// So many messages are said.
    Said(usize),
    /// One comes from a node that was cut off: it stands so many messages before the newest.
    Late(usize),
    /// The node delivers so many of those that it has not delivered yet.
    Delivered(usize),
    /// It answers the oldest question, with what it had when it was asked.
    Answered,
    PageUp(usize),
    PageDown(usize),
    ToNewest,
    /// The reader goes to a message, so far from the beginning as this part of the whole.
    Jump(f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_usize..4).prop_map(Step::Said),
        1 => (300_usize..600).prop_map(Step::Said),
        1 => (1_usize..2500).prop_map(Step::Late),
        3 => (1_usize..5).prop_map(Step::Delivered),
        4 => Just(Step::Answered),
        2 => (1_usize..12).prop_map(Step::PageUp),
        2 => (1_usize..12).prop_map(Step::PageDown),
        1 => Just(Step::ToNewest),
        2 => (0.0..1.0).prop_map(Step::Jump),
    ]
}

/// A question, with how much the node had when it was asked.
struct Question {
    re: i64,
    range: HistoryRange,
    limit: usize,
    log: usize,
}

struct World {
    story: Story,
    /// In the order in which the node came to have them.
    log: Vec<Message>,
    delivered: usize,
    questions: VecDeque<Question>,
    number: u64,
}

impl World {
    fn new(messages: usize) -> World {
        let mut world = World {
            story: Story::new(80, 24),
            log: Vec::new(),
            delivered: messages,
            questions: VecDeque::new(),
            number: 0,
        };
        world.say(messages);
        world.story.online("n1");
        let (newest, more) = page(&world.log, &HistoryRange::Newest, 100);
        world.story.enter_lobby(newest, more);
        world.listen();
        world
    }

    fn say(&mut self, count: usize) {
        for _ in 0..count {
            self.number += 1;
            self.log.push(message(self.number, "bob", "said"));
        }
    }

    fn say_late(&mut self, back: usize) {
        let at = self.number.saturating_sub(back as u64).max(1);
        let mut late = message(at, "carol", "late");
        // No two have one place.
        late.ts.0 += 7 + i64::try_from(self.log.len()).unwrap();
        late.origin = Origin::parse("n2-b").unwrap();
        late.seq = self.log.len() as u64;
        late.nonce = Nonce::parse(&format!("late{}", self.log.len())).unwrap();
        late.id = MessageId::new(&uid("carol"), &late.nonce);
        self.log.push(late);
    }

    fn deliver(&mut self, count: usize) {
        let until = (self.delivered + count).min(self.log.len());
        for at in self.delivered..until {
            self.story.hear(self.log[at].clone());
        }
        self.delivered = until;
        self.listen();
    }

    fn answer(&mut self) {
        let Some(asked) = self.questions.pop_front() else {
            return;
        };
        let (messages, more) = page(&self.log[..asked.log], &asked.range, asked.limit);
        self.story.frame(ServerFrame::History(History {
            re: Some(Re::Number(asked.re)),
            room: "lobby".to_owned(),
            messages,
            updates: Vec::new(),
            more,
            since: None,
        }));
        self.listen();
    }

    /// Takes down what the client has asked.
    fn listen(&mut self) {
        let effects = self.story.effects();
        self.take_down(effects);
    }

    fn take_down(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Net(Command::Ask { re, frame }) = effect
                && let ClientFrame::History { range, limit, .. } = frame
            {
                let (limit, log) = (limit.unwrap_or(50), self.log.len());
                self.questions.push_back(Question {
                    re,
                    range,
                    limit,
                    log,
                });
            }
        }
    }

    fn goes(&mut self, step: &Step) {
        match step {
            Step::Said(count) => self.say(*count),
            Step::Late(back) => self.say_late(*back),
            Step::Delivered(count) => self.deliver(*count),
            Step::Answered => self.answer(),
            Step::PageUp(times) => (0..*times).for_each(|_| self.story.press(KeyCode::PageUp)),
            Step::PageDown(times) => (0..*times).for_each(|_| self.story.press(KeyCode::PageDown)),
            Step::ToNewest => {
                let effects = crate::tui::travel::to_newest(&mut self.story.state);
                self.take_down(effects);
            }
            Step::Jump(part) => {
                let at = (self.log.len() as f64 * part) as usize;
                let (id, ts) = (self.log[at].id.clone(), self.log[at].ts);
                let effects = jump::to(&mut self.story.state, "lobby", &id, ts);
                self.take_down(effects);
            }
        }
        self.listen();
    }

    /// All is delivered and answered.
    fn rests(&mut self) {
        self.deliver(usize::MAX / 2);
        while !self.questions.is_empty() {
            self.answer();
        }
    }

    fn is_whole(&self) -> Result<(), TestCaseError> {
        let timeline = &self.story.state.rooms[0].timeline;
        let mut held: Vec<&MessageId> = timeline.messages_back().map(|m| &m.id).collect();
        held.reverse();
        let mut all: Vec<&Message> = self.log.iter().collect();
        all.sort_by_key(|m| (m.ts, m.origin.clone()));
        let begin = all.iter().position(|m| Some(&&m.id) == held.first());
        prop_assert!(begin.is_some(), "nothing is held");
        let begin = begin.unwrap();
        let wanted: Vec<&MessageId> = all[begin..]
            .iter()
            .map(|m| &m.id)
            .take(held.len())
            .collect();
        let hole = wanted.iter().zip(&held).position(|(a, b)| a != b);
        prop_assert_eq!(hole, None, "a hole in the window");
        let end = begin + held.len();
        match timeline.newer {
            Beyond::Nothing => prop_assert_eq!(end, all.len(), "the newest are missing"),
            Beyond::More => {}
            Beyond::Asked => {
                prop_assert!(false, "it waits for newer ones that nobody was asked for")
            }
        }
        match timeline.older {
            Beyond::Nothing => prop_assert_eq!(begin, 0, "the oldest are missing"),
            Beyond::More => {}
            Beyond::Asked => {
                prop_assert!(false, "it waits for older ones that nobody was asked for")
            }
        }
        Ok(())
    }
}

fn page(log: &[Message], range: &HistoryRange, limit: usize) -> (Vec<Message>, bool) {
    let is_in = |ts: Ts| match range {
        HistoryRange::Before(end) => ts < *end,
        HistoryRange::After(begin) => ts > *begin,
        HistoryRange::Newest | HistoryRange::Since(_) => true,
    };
    let mut some: Vec<Message> = log.iter().filter(|m| is_in(m.ts)).cloned().collect();
    some.sort_by_key(|m| (m.ts, m.origin.clone()));
    let surplus = some.len().saturating_sub(limit);
    if matches!(range, HistoryRange::After(_)) {
        some.truncate(limit);
    } else {
        some.drain(..surplus);
    }
    (some, surplus > 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_missing_from_a_window_however_late_its_pages_come(
        messages in 300_usize..3000,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new(messages);
        for step in &steps {
            world.goes(step);
        }
        world.rests();
        world.is_whole()?;
    }
}

#[test]
fn what_was_asked_for_before_going_to_the_newest_is_not_put_beside_it() {
    let mut world = World::new(2000);
    world.goes(&Step::Jump(0.5));
    world.answer();
    // The page behind the message found is on its way when the reader goes to the end.
    assert!(!world.questions.is_empty());
    world.goes(&Step::ToNewest);
    world.rests();
    world.is_whole().unwrap();
}

#[test]
fn without_a_connection_the_newest_is_the_newest_that_is_held() {
    let mut world = World::new(2000);
    world.goes(&Step::Jump(0.5));
    world.rests();
    let held = world.story.state.rooms[0].timeline.len();
    world.story.offline();
    world.goes(&Step::ToNewest);
    assert_eq!(world.story.state.rooms[0].timeline.len(), held);
    assert!(
        world.story.screen().contains("said"),
        "{}",
        world.story.screen()
    );
}
