//! The reader of the faults, on made-up frames: it finds what a reader must not be shown.

use serde_json::{Value, json};

use crate::judge::Violation;
use crate::judge::history::shown_of;
use crate::judge::view::View;

const NOW: i64 = 1_763_800_000_000_000;

/// A reader, and what was found while it read.
struct Reading {
    view: View,
    found: Vec<Violation>,
}

impl Reading {
    /// In the room, on a node that holds nothing yet.
    fn begin() -> Reading {
        let mut reading = Reading {
            view: View::new("lobby"),
            found: Vec::new(),
        };
        reading.join(&[], json!({}), false);
        reading
    }

    /// On another node, which answers so.
    fn join(&mut self, messages: &[Value], since: Value, more: bool) {
        self.view.begin_session();
        self.page("room", messages, since, more);
    }

    fn page(&mut self, kind: &str, messages: &[Value], since: Value, more: bool) {
        self.take(json!({"type": kind, "messages": messages, "since": since, "more": more}));
    }

    fn live(&mut self, mut message: Value) {
        message["type"] = json!("new_message");
        self.take(message);
    }

    fn take(&mut self, frame: Value) {
        self.view.take(&frame, &mut self.found);
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.found.iter().map(|found| found.kind).collect()
    }

    fn ends_with(&mut self, standing: &[Value]) -> Vec<&'static str> {
        let shown: Option<Vec<_>> = standing.iter().map(shown_of).collect();
        self.view.check_held(&shown.unwrap(), &mut self.found);
        self.kinds()
    }
}

fn wire(id: &str, ts: i64, origin: &str, seq: u64) -> Value {
    json!({"id": id, "from": "Ann", "text": id, "ts": NOW + ts, "origin": origin, "seq": seq})
}

#[test]
fn a_reader_who_moves_and_goes_on_is_content() {
    let mut reading = Reading::begin();
    reading.live(wire("a.1", 10, "n1-a", 1));
    reading.live(wire("a.2", 20, "n2-b", 1));
    let [three, four] = [wire("a.3", 30, "n2-b", 2), wire("a.4", 40, "n1-a", 3)];
    reading.join(&[three.clone(), four], json!({"n1-a": 3, "n2-b": 2}), false);
    // A message that was accepted on two nodes moves to the smaller place.
    reading.live(wire("a.4", 35, "n2-b", 3));
    let standing = [
        wire("a.1", 10, "n1-a", 1),
        three,
        wire("a.4", 35, "n2-b", 3),
    ];
    assert_eq!(reading.ends_with(&standing), [""; 0]);
    assert_eq!(reading.view.figures.moves, 1);
}

#[test]
fn a_repeated_message_is_found() {
    let mut reading = Reading::begin();
    reading.live(wire("a.1", 10, "n1-a", 1));
    reading.live(wire("a.1", 10, "n1-a", 1));
    assert_eq!(reading.kinds(), ["repeated"]);
    let mut reading = Reading::begin();
    reading.join(&[wire("a.1", 10, "n1-a", 1)], json!({"n1-a": 1}), false);
    reading.live(wire("a.1", 10, "n1-a", 1));
    assert_eq!(reading.kinds(), ["repeated"]);
}

#[test]
fn an_origin_that_is_shown_out_of_order_is_found() {
    let mut reading = Reading::begin();
    reading.live(wire("a.2", 20, "n1-a", 2));
    reading.live(wire("a.1", 10, "n1-a", 1));
    assert_eq!(reading.kinds(), ["reordered"]);
}

#[test]
fn a_message_that_moves_back_is_found() {
    let mut reading = Reading::begin();
    reading.live(wire("a.1", 10, "n1-a", 1));
    reading.live(wire("a.1", 20, "n2-b", 1));
    assert_eq!(reading.kinds(), ["reordered"]);
}

#[test]
fn a_skipped_message_is_found() {
    let mut reading = Reading::begin();
    reading.live(wire("a.1", 10, "n1-a", 1));
    reading.live(wire("a.3", 30, "n1-a", 3));
    let standing = [1, 2, 3].map(|n| wire(&format!("a.{n}"), n * 10, "n1-a", n as u64));
    assert_eq!(reading.ends_with(&standing), ["skipped"]);
}

#[test]
fn an_answer_that_takes_back_what_was_held_is_found() {
    let mut reading = Reading::begin();
    reading.live(wire("a.1", 10, "n1-a", 1));
    reading.join(&[], json!({}), false);
    assert_eq!(reading.kinds(), ["backwards"]);
}

#[test]
fn pages_may_hold_what_came_while_they_were_read() {
    let mut reading = Reading::begin();
    reading.join(&[wire("a.1", 10, "n1-a", 1)], json!({"n1-a": 1}), true);
    reading.live(wire("a.3", 30, "n1-a", 3));
    let page = [wire("a.2", 20, "n1-a", 2), wire("a.3", 30, "n1-a", 3)];
    reading.page("history", &page, json!({"n1-a": 3}), false);
    let standing = [1, 2, 3].map(|n| wire(&format!("a.{n}"), n * 10, "n1-a", n as u64));
    assert_eq!(reading.ends_with(&standing), [""; 0]);
}

#[test]
fn an_older_text_of_a_node_that_is_behind_does_not_stay() {
    let mut reading = Reading::begin();
    reading.live(wire("a.1", 10, "n1-a", 1));
    let edit = |ts: i64, text: &str, seq: u64, origin: &str| {
        json!({"type": "message_update", "id": "a.1", "ts": NOW + ts, "origin": origin,
               "seq": seq, "text": text, "edited": NOW + ts})
    };
    reading.take(edit(30, "new", 2, "n1-a"));
    reading.join(&[], json!({"n1-a": 2}), false);
    reading.take(edit(20, "old", 1, "n2-b"));
    let mut standing = wire("a.1", 10, "n1-a", 1);
    standing["text"] = json!("new");
    standing["edited"] = json!(NOW + 30);
    let shown = shown_of(&standing).unwrap();
    let stale = reading.view.check_end(&[shown], &mut reading.found);
    assert_eq!((stale, reading.kinds()), (0, vec![]));
}
