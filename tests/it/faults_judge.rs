//! The judge of the faults, on made-up histories: it finds what it is for, and nothing in a good one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::history::{Ack, Deed, Event, NodeEnd, Op, Place};
use crate::judge::last::judge;
use crate::judge::merge;
use crate::judge::waits::{self, Window};

const NOW: i64 = 1_763_800_000_000_000;

fn place(ts: i64, origin: &str, seq: u64) -> Place {
    Place {
        ts: NOW + ts,
        origin: origin.to_owned(),
        seq,
    }
}

fn message(text: &str) -> Deed {
    Deed::Message {
        text: text.to_owned(),
    }
}

/// A history of one sender in one room, on two nodes that hold the same.
struct Story {
    ops: Vec<Op>,
    nodes: Vec<NodeEnd>,
}

impl Story {
    /// These things, each acknowledged where it stands.
    fn of(deeds: &[(Deed, Place)]) -> Story {
        let mut log = Vec::new();
        let mut ops = Vec::new();
        for (number, (deed, place)) in deeds.iter().enumerate() {
            let ack = Ack {
                node: "n1".to_owned(),
                at_us: place.ts,
                place: place.clone(),
                copies: 1,
            };
            ops.push(Op {
                uid: "ann".to_owned(),
                room: "lobby".to_owned(),
                nonce: number.to_string(),
                deed: deed.clone(),
                after: 0,
                asked_us: place.ts,
                acks: vec![ack],
            });
            log.push(Event {
                place: place.clone(),
                room: "lobby".to_owned(),
                uid: "ann".to_owned(),
                name: "Ann".to_owned(),
                nonce: number.to_string(),
                deed: deed.clone(),
            });
        }
        let node = |name: &str| NodeEnd {
            name: name.to_owned(),
            log: log.clone(),
            integrity: "ok".to_owned(),
            ..NodeEnd::default()
        };
        let nodes = vec![node("n1"), node("n2")];
        let mut story = Story { ops, nodes };
        story.show();
        story
    }

    /// Three messages, of which the second is edited and the third deleted.
    fn usual() -> Story {
        let id = |number: u32| format!("ann.{number}");
        let text = "two!".to_owned();
        Story::of(&[
            (message("one"), place(10, "n1-a", 1)),
            (message("two"), place(20, "n2-b", 1)),
            (message("three"), place(30, "n1-a", 2)),
            (Deed::Edit { id: id(1), text }, place(40, "n2-b", 2)),
            (Deed::Delete { id: id(2) }, place(50, "n1-a", 3)),
        ])
    }

    /// Every node shows what its log says.
    fn show(&mut self) {
        for node in &mut self.nodes {
            let rooms = merge::rooms(&node.log);
            node.topics = rooms
                .iter()
                .map(|(name, room)| (name.clone(), room.topic.clone()))
                .collect();
            node.rooms = rooms
                .into_iter()
                .map(|(name, room)| (name, room.messages))
                .collect();
        }
    }

    fn kinds(&self) -> Vec<&'static str> {
        let found = judge(&self.ops, &self.nodes);
        let mut kinds: Vec<&'static str> = found.iter().map(|found| found.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

#[test]
fn a_good_history_is_good() {
    let story = Story::usual();
    assert_eq!(judge(&story.ops, &story.nodes), []);
    let lobby = &story.nodes[0].rooms["lobby"];
    let texts: Vec<_> = lobby.iter().map(|shown| shown.text.as_deref()).collect();
    assert_eq!(texts, [Some("one"), Some("two!"), None]);
}

#[test]
fn what_is_lost_on_one_node_is_found() {
    let mut story = Story::usual();
    story.nodes[1].log.remove(4);
    story.show();
    assert_eq!(story.kinds(), ["differ", "lost"]);
}

#[test]
fn what_is_lost_on_all_nodes_is_found() {
    let mut story = Story::usual();
    for node in &mut story.nodes {
        node.log.remove(4);
    }
    story.show();
    assert_eq!(story.kinds(), ["lost"]);
}

#[test]
fn what_was_not_acknowledged_may_be_missing() {
    let mut story = Story::usual();
    story.ops[4].acks.clear();
    for node in &mut story.nodes {
        node.log.remove(4);
    }
    story.show();
    assert_eq!(story.kinds(), [""; 0]);
}

#[test]
fn a_message_that_is_stored_but_not_shown_is_found() {
    let mut story = Story::usual();
    for node in &mut story.nodes {
        node.rooms.get_mut("lobby").unwrap().remove(0);
    }
    assert_eq!(story.kinds(), ["lost", "wrong"]);
}

#[test]
fn a_place_that_was_given_away_twice_is_found() {
    let mut story = Story::usual();
    for node in &mut story.nodes {
        let mut elsewhere = node.log[0].clone();
        elsewhere.place = place(15, "n2-c", 1);
        node.log[0].nonce = "other".to_owned();
        node.log.push(elsewhere);
    }
    story.show();
    assert_eq!(story.kinds(), ["invented", "replaced"]);
}

#[test]
fn a_message_shown_twice_is_found() {
    let mut story = Story::usual();
    for node in &mut story.nodes {
        let lobby = node.rooms.get_mut("lobby").unwrap();
        let mut again = lobby[0].clone();
        again.place = place(60, "n2-b", 3);
        lobby.push(again);
    }
    assert_eq!(story.kinds(), ["doubled", "reordered", "wrong"]);
}

#[test]
fn a_message_that_was_accepted_twice_stands_once_at_the_smaller_place() {
    let mut story = Story::usual();
    for node in &mut story.nodes {
        let mut again = node.log[0].clone();
        again.place = place(5, "n2-c", 1);
        node.log.push(again);
    }
    story.show();
    assert_eq!(story.kinds(), [""; 0]);
    let first = &story.nodes[0].rooms["lobby"][0];
    assert_eq!((first.id.as_str(), first.place.ts), ("ann.0", NOW + 5));
}

#[test]
fn a_room_out_of_order_is_found() {
    let mut story = Story::usual();
    story.nodes[1].rooms.get_mut("lobby").unwrap().swap(0, 1);
    assert_eq!(story.kinds(), ["differ", "reordered", "wrong"]);
}

#[test]
fn a_sender_whose_words_change_places_is_found() {
    let mut story = Story::of(&[
        (message("first"), place(20, "n1-a", 1)),
        (message("second"), place(10, "n2-b", 1)),
    ]);
    assert_eq!(story.kinds(), ["reordered"]);
    // What was asked to come after a time far ahead need not.
    story.ops[1].after = NOW + 3_600_000_000;
    assert_eq!(story.kinds(), [""; 0]);
}

#[test]
fn a_gap_in_an_origin_is_found() {
    let mut story = Story::usual();
    story.ops[2].acks.clear();
    for node in &mut story.nodes {
        node.log.remove(2);
    }
    story.show();
    assert_eq!(story.kinds(), ["gap"]);
}

#[test]
fn nodes_that_show_different_texts_are_found() {
    let mut story = Story::usual();
    let lobby = story.nodes[1].rooms.get_mut("lobby").unwrap();
    lobby[1].text = Some("two".to_owned());
    assert_eq!(story.kinds(), ["differ", "wrong"]);
}

#[test]
fn a_wrong_time_is_found() {
    let day = 86_400_000_000;
    let mut story = Story::of(&[(message("one"), place(day, "n1-a", 1))]);
    story.ops[0].asked_us = NOW;
    story.ops[0].acks[0].at_us = NOW;
    assert_eq!(story.kinds(), ["misdated"]);
}

#[test]
fn a_damaged_file_is_found() {
    let mut story = Story::usual();
    story.nodes[0].integrity = "row 7 missing from index".to_owned();
    assert_eq!(story.kinds(), ["damaged"]);
}

#[test]
fn topics_and_reactions_mean_what_the_protocol_says() {
    let react = |emoji: &str, on| Deed::React {
        id: "ann.0".to_owned(),
        emoji: emoji.to_owned(),
        on,
    };
    let topic = |text: &str| Deed::Topic {
        text: text.to_owned(),
    };
    let story = Story::of(&[
        (message("one"), place(10, "n1-a", 1)),
        (react("+", true), place(20, "n1-a", 2)),
        (react("-", true), place(30, "n1-a", 3)),
        (react("+", false), place(40, "n1-a", 4)),
        (topic("later"), place(60, "n1-a", 5)),
        (topic("earlier"), place(50, "n2-b", 1)),
    ]);
    let node = &story.nodes[0];
    let reactions = BTreeMap::from([("-".to_owned(), vec!["Ann".to_owned()])]);
    assert_eq!(node.rooms["lobby"][0].reactions, reactions);
    assert_eq!(node.topics["lobby"], "later");
}

#[test]
fn a_writer_who_waits_too_long_is_found_unless_there_was_no_node() {
    let second = Duration::from_secs;
    let answers = [1, 2, 9, 10].map(|at| (0, second(at)));
    let others = (1..11).map(|at| (1, second(at)));
    let answers: Vec<_> = answers.into_iter().chain(others).collect();
    let window = |begun, healed, reachable| Window {
        begun: second(begun),
        healed: second(healed),
        reachable: second(reachable),
    };
    let wait = |windows: &[Window]| waits::longest(&answers, windows, second(11))[0];
    assert_eq!(wait(&[window(2, 4, 2)]), (second(7), 0));
    assert_eq!(wait(&[window(2, 7, 7)]), (second(2), 0));
    // The fault after it left no node either.
    assert_eq!(wait(&[window(2, 4, 2), window(5, 8, 8)]), (second(4), 0));
}
