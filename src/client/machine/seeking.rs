//! Looking for nodes where nobody has named any: after each round of those that are known.
//!
//! Nodes of different systems may run beside each other. Before the first session any of them will do;
//! after it, what is looked for is left to [`Seek`](crate::client::Seek), which knows the system.

use std::collections::BTreeSet;

use super::{Machine, Phase};
use crate::client::event::{Effect, Found};

#[derive(Debug, Default)]
pub(super) struct Seeking {
    on: bool,
    /// Administrators' tokens that were refused, by what they were known under: they are shown to nobody again.
    pub(super) refused: BTreeSet<String>,
}

impl Machine {
    /// One that looks for nodes.
    pub fn seeking(mut self) -> Machine {
        self.seeking.on = true;
        self
    }

    /// The pause is over: it is looked where nodes are now, or dialled at once.
    pub(super) fn dial_again(&mut self) {
        if self.seeking.on && self.nodes.is_round_over() {
            self.phase = Phase::Seeking;
            self.effects.push(Effect::Seek);
        } else {
            self.dial();
        }
    }

    pub(super) fn found(&mut self, found: Found) {
        if self.phase != Phase::Seeking {
            return;
        }
        self.nodes.found(found.nodes);
        let refused = &self.seeking.refused;
        let admin = found.admin.into_iter();
        let admin = admin.filter(|(key, _)| !refused.contains(key));
        self.options.admin.extend(admin);
        self.dial();
    }

    /// A session is open.
    pub(super) fn reached(&mut self) {
        if self.seeking.on {
            self.nodes.settle();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::client::event::{ClientEvent, Input, Moment, Options};
    use crate::protocol::{ServerFrame, UserName};

    struct Story {
        machine: Machine,
        now: Moment,
        effects: Vec<Effect>,
    }

    impl Story {
        fn new(nodes: &[&str]) -> Story {
            let options = Options {
                nodes: nodes.iter().map(ToString::to_string).collect(),
                name: UserName::parse("alice").unwrap(),
                token: None,
                take_suggestion: false,
                admin: BTreeMap::new(),
                stays_here: false,
            };
            let mut story = Story {
                machine: Machine::new(options, 7).seeking(),
                now: Moment::default(),
                effects: Vec::new(),
            };
            story.happens(Input::Tick);
            story
        }

        fn happens(&mut self, input: Input) {
            self.effects.extend(self.machine.update(self.now, input));
        }

        /// What was dialled, or `?` where nodes were looked for, since the last look.
        fn tries(&mut self) -> Vec<String> {
            let tries = std::mem::take(&mut self.effects);
            let tries = tries.into_iter().filter_map(|effect| match effect {
                Effect::Dial(address) => Some(address),
                Effect::Seek => Some("?".to_owned()),
                Effect::Write(_) | Effect::HangUp | Effect::Tell(_) => None,
            });
            tries.collect()
        }

        fn lost(&mut self) {
            self.happens(Input::Lost("connection refused".to_owned()));
        }

        fn pauses(&mut self) {
            self.now.ms = self.machine.wake_at_ms();
            self.happens(Input::Tick);
        }

        fn finds(&mut self, nodes: &[&str]) {
            let nodes = nodes.iter().map(ToString::to_string).collect();
            let admin = [("n1".to_owned(), "secret".to_owned())].into();
            self.happens(Input::Found(Found { nodes, admin }));
        }

        fn says(&mut self, frame: serde_json::Value) {
            let frame: ServerFrame = serde_json::from_value(frame).unwrap();
            self.happens(Input::Frame(Box::new(frame)));
        }

        fn written(&mut self) -> serde_json::Value {
            let lines = self.effects.iter().filter_map(|effect| match effect {
                Effect::Write(line) => serde_json::from_slice::<serde_json::Value>(line).ok(),
                Effect::Dial(_) | Effect::HangUp | Effect::Tell(_) | Effect::Seek => None,
            });
            let mut openings = lines.filter(|line| line["type"] == "user_join");
            openings.next_back().unwrap()
        }

        fn greets(&mut self) {
            self.happens(Input::Dialed);
            self.says(
                json!({"type": "connect", "protocol": 1, "server": "chat/0", "node": "n1", "time": 0,
                "limits": {"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200}}),
            );
        }

        fn opens(&mut self) {
            self.greets();
            let opening = self.written();
            self.says(json!({"type": "session", "re": opening["re"], "user": "alice", "uid": "aaaa", "guest": true,
                "role": "user", "token": "token", "node": "n1"}));
            let online =
                |effect: &Effect| matches!(effect, Effect::Tell(ClientEvent::Online { .. }));
            assert!(self.effects.iter().any(online));
        }
    }

    #[test]
    fn after_each_round_in_vain_it_is_looked_again_and_what_is_found_is_tried_last() {
        let mut story = Story::new(&["a:1", "b:2"]);
        story.lost();
        story.lost();
        assert_eq!(story.tries(), ["a:1", "b:2"], "a start knows what is there");
        story.pauses();
        assert_eq!(story.tries(), ["?"]);
        story.finds(&["b:2", "c:3"]);
        story.lost();
        story.lost();
        story.lost();
        assert_eq!(story.tries(), ["a:1", "b:2", "c:3"]);
        story.pauses();
        // It is nowhere to be found any more, but another one is.
        story.finds(&["d:4"]);
        (0..3).for_each(|_| story.lost());
        assert_eq!(story.tries(), ["?", "a:1", "b:2", "d:4"]);
    }

    #[test]
    fn who_is_at_one_that_was_found_does_not_go_to_those_of_other_systems() {
        let mut story = Story::new(&["a:1"]);
        story.lost();
        story.pauses();
        story.finds(&["b:2", "c:3"]);
        story.lost();
        story.opens();
        story.tries();
        story.lost();
        story.pauses();
        assert_eq!(story.tries(), ["?"]);
        story.finds(&["d:4"]);
        story.lost();
        assert_eq!(story.tries(), ["b:2", "d:4"]);
    }

    #[test]
    fn one_that_was_known_keeps_the_others() {
        let mut story = Story::new(&["a:1", "b:2"]);
        story.lost();
        story.opens();
        story.tries();
        story.lost();
        story.pauses();
        story.finds(&[]);
        story.lost();
        assert_eq!(story.tries(), ["?", "a:1", "b:2"]);
    }

    #[test]
    fn an_administrators_token_that_was_refused_is_shown_to_nobody_again() {
        let mut story = Story::new(&["127.0.0.1:1"]);
        story.lost();
        story.pauses();
        story.finds(&[]);
        story.greets();
        assert_eq!(story.written()["admin"], "secret");
        let opening = story.written();
        story.says(
            json!({"type": "error", "re": opening["re"], "code": "forbidden", "message": "no"}),
        );
        assert!(story.written().get("admin").is_none());
        story.lost();
        story.pauses();
        story.finds(&[]);
        story.greets();
        assert!(story.written().get("admin").is_none());
    }

    #[test]
    fn nothing_is_taken_that_was_not_looked_for() {
        let mut story = Story::new(&["a:1"]);
        story.finds(&["b:2"]);
        story.lost();
        assert_eq!(story.tries(), ["a:1"]);
    }
}
