use super::sim::{Sim, event, origin};
use super::*;
use limits::*;

const SECOND: Duration = Duration::from_secs(1);

fn vector(places: &[(usize, Seq)]) -> VersionVector {
    places.iter().map(|(n, seq)| (origin(*n), *seq)).collect()
}

/// A core of node 0 with a link to node 1, which has said what it holds.
fn linked(own: &[(usize, Seq)], theirs: &[(usize, Seq)]) -> (Replication, LinkId) {
    let mut core = Replication::new(origin(0), vector(own), 2);
    let link = LinkId(1);
    core.link_up(Moment::ZERO, link, origin(1));
    let frame = PeerFrame::Vector {
        held: vector(theirs),
        linked: vec![],
    };
    core.receive(Moment::ZERO, link, frame);
    (core, link)
}

fn frames(effects: Vec<Effect>) -> Vec<PeerFrame> {
    let frame = |effect| match effect {
        Effect::Send { frame, .. } => Some(frame),
        Effect::Ingest(_)
        | Effect::Acknowledge(_)
        | Effect::Hash { .. }
        | Effect::Diverged { .. }
        | Effect::Read { .. }
        | Effect::OwnLogIsBehind { .. } => None,
    };
    effects.into_iter().filter_map(frame).collect()
}

fn push(seqs: impl IntoIterator<Item = Seq>) -> PeerFrame {
    let events = seqs.into_iter().map(|seq| event(&origin(1), seq)).collect();
    PeerFrame::Push { events }
}

#[test]
fn a_peer_in_step_is_pushed_what_is_committed_and_one_that_is_not_is_left_to_pull() {
    let new = event(&origin(0), 8);
    let (mut core, _) = linked(&[(0, 7)], &[(0, 7)]);
    assert_eq!(
        frames(core.committed(SECOND, std::slice::from_ref(&new))),
        [PeerFrame::Push {
            events: vec![new.clone()]
        }]
    );
    let (mut core, _) = linked(&[(0, 7)], &[(0, 3)]);
    assert_eq!(frames(core.committed(SECOND, &[new])), []);
}

#[test]
fn nothing_is_pushed_to_a_peer_that_has_not_said_what_it_holds() {
    let mut core = Replication::new(origin(0), VersionVector::new(), 2);
    core.link_up(Moment::ZERO, LinkId(1), origin(1));
    assert_eq!(frames(core.committed(SECOND, &[event(&origin(0), 1)])), []);
}

#[test]
fn pushes_stop_at_a_full_window_and_go_on_when_they_are_confirmed() {
    let (mut core, link) = linked(&[], &[]);
    let events: Vec<_> = (1..=2000).map(|seq| event(&origin(0), seq)).collect();
    let count = |frames: &[PeerFrame]| -> usize {
        let events = |frame: &PeerFrame| match frame {
            PeerFrame::Push { events } => events.len(),
            other => panic!("{other:?}"),
        };
        frames.iter().map(events).sum()
    };
    let first = frames(core.committed(SECOND, &events));
    assert_eq!(count(&first), IN_FLIGHT_EVENTS_MAX);
    assert_eq!(core.peers[&link].in_flight().0, IN_FLIGHT_EVENTS_MAX);
    let stored = PeerFrame::Stored {
        held: vector(&[(0, 100)]),
    };
    assert_eq!(count(&frames(core.receive(SECOND, link, stored))), 100);
    let stored = PeerFrame::Stored {
        held: vector(&[(0, 1124)]),
    };
    assert_eq!(count(&frames(core.receive(SECOND, link, stored))), 876);
    let stored = PeerFrame::Stored {
        held: vector(&[(0, 2000)]),
    };
    core.receive(SECOND, link, stored);
    assert_eq!(core.peers[&link].in_flight(), (0, 0));
    assert_eq!(core.lag(link), Some(0));
}

#[test]
fn a_push_that_is_not_confirmed_is_sent_again() {
    let (mut core, _) = linked(&[], &[]);
    core.committed(Moment::ZERO, &[event(&origin(0), 1)]);
    let is_push = |frame: &PeerFrame| matches!(frame, PeerFrame::Push { .. });
    assert!(!frames(core.tick(PUSH_TIMEOUT - SECOND)).iter().any(is_push));
    assert!(frames(core.tick(PUSH_TIMEOUT)).iter().any(is_push));
}

#[test]
fn what_is_pushed_out_of_order_is_stored_in_order() {
    let (mut core, link) = linked(&[], &[]);
    assert_eq!(
        frames(core.receive(SECOND, link, push([2, 3]))),
        [PeerFrame::Pull {
            origin: origin(1),
            after: 0,
            limit: BATCH_EVENTS_MAX as u32
        }]
    );
    let effects = core.receive(SECOND, link, push([1]));
    let all: Vec<_> = (1..=3).map(|seq| event(&origin(1), seq)).collect();
    assert_eq!(effects, [Effect::Ingest(all)]);
    assert_eq!(core.inbox.bytes().1, 0);
}

#[test]
fn a_peer_is_told_when_what_it_pushed_is_stored() {
    let (mut core, link) = linked(&[], &[]);
    core.receive(SECOND, link, push([1, 2]));
    let stored = [event(&origin(1), 1), event(&origin(1), 2)];
    let told = PeerFrame::Stored {
        held: vector(&[(1, 2)]),
    };
    let confirmed = frames(core.committed(SECOND, &stored));
    // Also when it is known already: the first confirmation may be lost.
    let again = frames(core.receive(SECOND, link, push([1, 2])));
    assert_eq!((&confirmed, &again), (&vec![told], &confirmed));
}

#[test]
fn what_waits_is_bounded_however_much_is_pushed() {
    let (mut core, link) = linked(&[], &[]);
    for start in 0..200 {
        // Never the first one; then far more than the store may be handed at once.
        core.receive(SECOND, link, push(start * 100 + 2..start * 100 + 102));
    }
    assert!(core.inbox.bytes().1 <= AHEAD_BYTES_MAX);
    for start in 0..200 {
        core.receive(SECOND, link, push(start * 100 + 1..start * 100 + 101));
    }
    let (handed, ahead) = core.inbox.bytes();
    assert!(
        handed <= HANDED_BYTES_MAX && ahead <= AHEAD_BYTES_MAX,
        "{handed} {ahead}"
    );
    let stored: Vec<_> = (1..=20_000).map(|seq| event(&origin(0), seq)).collect();
    core.committed(SECOND, &stored);
    assert!(core.recent.bytes() <= RECENT_BYTES_MAX);
}

#[test]
fn a_pull_without_an_answer_goes_to_another_peer() {
    let mut core = Replication::new(origin(0), VersionVector::new(), 2);
    let pulls_to = |effects: &[Effect]| -> Vec<LinkId> {
        let to = |effect: &Effect| match effect {
            Effect::Send {
                to,
                frame: PeerFrame::Pull { .. },
            } => Some(*to),
            _ => None,
        };
        effects.iter().filter_map(to).collect()
    };
    let mut asked = Vec::new();
    for node in [1, 2] {
        core.link_up(Moment::ZERO, LinkId(node as u64), origin(node));
        let held = vector(&[(7, 10)]);
        let frame = PeerFrame::Vector {
            held,
            linked: vec![],
        };
        asked.extend(pulls_to(&core.receive(
            Moment::ZERO,
            LinkId(node as u64),
            frame,
        )));
    }
    assert_eq!(asked, [LinkId(1)], "one at a time");
    assert_eq!(pulls_to(&core.tick(PULL_TIMEOUT - SECOND)), []);
    assert_eq!(pulls_to(&core.tick(PULL_TIMEOUT)), [LinkId(2)]);
    assert_eq!(
        pulls_to(&core.link_down(PULL_TIMEOUT + SECOND, LinkId(2))),
        []
    );
    assert_eq!(pulls_to(&core.tick(PULL_TIMEOUT + AVOID_FOR)), [LinkId(1)]);
}

#[test]
fn an_answer_that_comes_too_late_is_taken_and_the_slow_peer_asked_on() {
    let (mut core, link) = linked(&[], &[(1, 2000)]);
    assert_eq!(
        core.tick(PULL_TIMEOUT).len(),
        1,
        "a vector, and nobody else to ask"
    );
    let range = PeerFrame::Range {
        origin: origin(1),
        after: 0,
        events: (1..=1024).map(|seq| event(&origin(1), seq)).collect(),
        held: 2000,
    };
    let effects = core.receive(PULL_TIMEOUT + SECOND, link, range);
    let next = PeerFrame::Pull {
        origin: origin(1),
        after: 1024,
        limit: BATCH_EVENTS_MAX as u32,
    };
    assert!(matches!(&effects[0], Effect::Ingest(events) if events.len() == 1024));
    assert_eq!(frames(effects), [next]);
}

#[test]
fn events_that_the_store_refused_are_asked_for_again() {
    let (mut core, link) = linked(&[], &[]);
    let Some(Effect::Ingest(events)) = core.receive(SECOND, link, push([1])).pop() else {
        panic!("not handed to the store");
    };
    core.refused(SECOND, &events);
    let pull = PeerFrame::Pull {
        origin: origin(1),
        after: 0,
        limit: BATCH_EVENTS_MAX as u32,
    };
    assert!(!frames(core.tick(SECOND)).contains(&pull));
    assert!(frames(core.tick(SECOND + REFUSED_PAUSE)).contains(&pull));
}

#[test]
fn commits_that_were_not_told_of_are_left_to_pulling() {
    let (mut core, link) = linked(&[], &[]);
    core.committed(SECOND, &[event(&origin(0), 1)]);
    // 2 and 3 are committed, and the queue to the core is full.
    assert_eq!(core.committed(SECOND, &[event(&origin(0), 4)]), []);
    assert_eq!(core.lag(link), Some(4));
    core.caught_up(SECOND, &vector(&[(0, 5)]));
    assert_eq!(core.lag(link), Some(5));
    assert_eq!(
        core.recent.bytes(),
        crate::protocol::peer::event_bytes_max(&event(&origin(0), 4))
    );
}

#[test]
fn a_gap_in_what_the_store_was_handed_is_pulled_at_once() {
    let (mut core, link) = linked(&[], &[]);
    core.receive(SECOND, link, push([1, 2, 3]));
    let pull = PeerFrame::Pull {
        origin: origin(1),
        after: 0,
        limit: BATCH_EVENTS_MAX as u32,
    };
    assert_eq!(frames(core.gap(SECOND, &origin(1))), [pull]);
}

#[test]
fn a_node_whose_log_was_set_back_is_told() {
    let (mut core, link) = linked(&[(0, 5)], &[]);
    let frame = PeerFrame::Vector {
        held: vector(&[(0, 9)]),
        linked: vec![],
    };
    assert_eq!(
        core.receive(SECOND, link, frame),
        [Effect::OwnLogIsBehind {
            held: 5,
            peer_holds: 9
        }]
    );
}

#[test]
fn frames_that_no_node_sends_change_nothing() {
    let (mut core, link) = linked(&[(0, 5)], &[]);
    let hostile = |seq| event(&origin(1), seq);
    let own = Arc::new(Event {
        origin: origin(0),
        ..(*hostile(6)).clone()
    });
    for frame in [
        PeerFrame::Push { events: vec![own] },
        PeerFrame::Push {
            events: vec![Arc::new(Event {
                seq: u64::MAX,
                ..(*hostile(1)).clone()
            })],
        },
        PeerFrame::Vector {
            held: vector(&[(1, SEQ_END)]),
            linked: vec![],
        },
        PeerFrame::Stored {
            held: vector(&[(1, u64::MAX)]),
        },
        PeerFrame::Pull {
            origin: origin(0),
            after: u64::MAX,
            limit: u32::MAX,
        },
        PeerFrame::Range {
            origin: origin(1),
            after: u64::MAX,
            events: vec![hostile(3)],
            held: 3,
        },
        PeerFrame::Range {
            origin: origin(1),
            after: 0,
            events: vec![],
            held: u64::MAX,
        },
    ] {
        assert_eq!(core.receive(SECOND, link, frame.clone()), [], "{frame:?}");
        assert_eq!(core.receive(SECOND, LinkId(9), frame), []);
    }
    assert_eq!(frames(core.committed(SECOND, &[event(&origin(0), 6)])), []);
    core.tick(SECOND * 100);
}

#[test]
fn a_peer_that_asks_too_much_at_once_waits() {
    let (mut core, link) = linked(&[(0, 50)], &[]);
    let ask = PeerFrame::Pull {
        origin: origin(0),
        after: 0,
        limit: u32::MAX,
    };
    let reads = (0..50)
        .flat_map(|_| core.receive(SECOND, link, ask.clone()))
        .count();
    assert_eq!(reads, READS_MAX);
    core.served(SECOND, link, origin(0), 0, vec![event(&origin(0), 1)]);
    assert_eq!(core.receive(SECOND, link, ask).len(), 1);
}

#[test]
fn a_node_that_was_away_for_10_000_events_catches_up_by_pulling_while_live_pushes_go_on() {
    let mut sim = Sim::new(1, 3);
    for node in [0, 1] {
        (0..5000).for_each(|_| sim.say(node));
    }
    sim.link(0, 1);
    sim.run(SECOND * 20);
    assert_eq!(sim.held(0), vector(&[(0, 5000), (1, 5000)]));
    assert_eq!(sim.held(0), sim.held(1));
    sim.frames_seen.clear();
    sim.link(0, 2);
    sim.link(1, 2);
    let ingested = sim.nodes[1].ingested;
    for _ in 0..100 {
        (0..5).for_each(|_| sim.say(0));
        sim.run(SECOND / 100);
    }
    let live = sim.nodes[1].ingested - ingested;
    assert!(
        live > 450,
        "{live} of 500 were live on the other node while one caught up"
    );
    sim.run(SECOND * 5);
    assert!(sim.agree());
    // 10,000 events in ranges of 1,024, what is new in pushes.
    let seen = &sim.frames_seen;
    assert!((10..40).contains(&seen["range"]), "{seen:?}");
    let pulls = seen["pull"];
    sim.say(0);
    sim.run(SECOND);
    assert!(sim.agree(), "in step again: pushed, not pulled");
    assert_eq!(sim.frames_seen["pull"], pulls);
}

#[test]
fn two_nodes_without_a_link_hear_of_each_other_through_a_third() {
    let mut sim = Sim::new(2, 3);
    sim.link(0, 1);
    sim.link(1, 2);
    sim.run(SECOND * 3);
    sim.frames_seen.clear();
    (0..100).for_each(|_| sim.say(0));
    sim.say(2);
    sim.run(SECOND);
    assert!(sim.agree());
    assert!(
        !sim.frames_seen.contains_key("pull"),
        "live: {:?}",
        sim.frames_seen
    );
    // With a link of their own nobody passes on what both hear at first hand.
    sim.link(0, 2);
    sim.run(SECOND * 3);
    sim.frames_seen.clear();
    sim.say(0);
    sim.run(SECOND);
    assert_eq!(sim.frames_seen["push"], 2);
}

#[test]
fn whatever_is_lost_cut_and_restarted_all_logs_are_the_same_in_the_end() {
    for seed in 0..24 {
        let mut sim = Sim::new(seed, 3);
        sim.loss_percent = [0, 5, 30][seed as usize % 3];
        for _ in 0..300 {
            let node = sim.chance.below(3) as usize;
            let other = (node + 1 + sim.chance.below(2) as usize) % 3;
            match sim.chance.below(20) {
                0 => sim.cut(node, other),
                1..=3 => sim.link(node, other),
                4 => sim.restart(node),
                _ => (0..sim.chance.below(40)).for_each(|_| sim.say(node)),
            }
            let pause = sim.chance.below(30);
            sim.run(Duration::from_millis(10 * pause));
        }
        // Healed, but for one link that never comes up.
        sim.loss_percent = 0;
        for (a, b) in sim.missing_links().into_iter().skip(seed as usize % 2) {
            sim.link(a, b);
        }
        if sim.links.len() < 2 {
            (0..2).for_each(|n| sim.link(n, n + 1));
        }
        sim.run(SECOND * 40);
        let held: Vec<_> = (0..3).map(|n| sim.held(n)).collect();
        assert!(sim.agree(), "seed {seed}: {held:?}");
        assert!(
            held[0].iter().map(|(_, seq)| seq).sum::<u64>() > 1000,
            "seed {seed}"
        );
    }
}

#[test]
fn events_are_pushed_while_the_nodes_own_disk_still_writes_and_only_once() {
    let (mut core, link) = linked(&[], &[]);
    let new = event(&origin(0), 1);
    let push = PeerFrame::Push {
        events: vec![new.clone()],
    };
    let pushed = core.written(SECOND, std::slice::from_ref(&new));
    assert_eq!(frames(pushed), [push]);
    // The peer's disk may be the faster one; that is no log that was set back.
    let stored = PeerFrame::Stored {
        held: vector(&[(0, 1)]),
    };
    assert_eq!(core.receive(SECOND, link, stored), []);
    let vector = PeerFrame::Vector {
        held: vector(&[(0, 1)]),
        linked: vec![],
    };
    assert_eq!(core.receive(SECOND, link, vector), []);
    let acknowledged = Acknowledged {
        origin: origin(0),
        up_to: 1,
        copies: 2,
    };
    assert_eq!(
        core.committed(SECOND, &[new]),
        [Effect::Acknowledge(acknowledged)]
    );
}

#[test]
fn what_a_peer_pushed_of_its_own_is_no_copy_before_it_says_so() {
    let (mut core, link) = linked(&[], &[]);
    core.receive(SECOND, link, push([1]));
    core.committed(SECOND, &[event(&origin(1), 1)]);
    assert_eq!(core.copies(&origin(1), 1), (1, false));
    let stored = PeerFrame::Stored {
        held: vector(&[(1, 1)]),
    };
    core.receive(SECOND, link, stored);
    assert_eq!(core.copies(&origin(1), 1), (2, false));
}

#[test]
fn a_new_origin_leaves_nothing_of_the_old_one_that_was_not_committed() {
    let (mut core, link) = linked(&[(0, 5)], &[(0, 5)]);
    core.written(SECOND, &[event(&origin(0), 6)]);
    core.begin_origin(SECOND, origin(8));
    // The peer has stored it; here it comes back as another node's.
    let frame = PeerFrame::Vector {
        held: vector(&[(0, 6)]),
        linked: vec![],
    };
    let pull = PeerFrame::Pull {
        origin: origin(0),
        after: 5,
        limit: BATCH_EVENTS_MAX as u32,
    };
    assert_eq!(frames(core.receive(SECOND, link, frame)), [pull]);
}
