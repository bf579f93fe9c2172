//! Rooms with more than a hundred users, and snapshots in parts.

use super::*;

#[test]
fn a_room_of_100_is_told_one_by_one_and_one_of_101_in_batches() {
    let mut n1 = node("n1");
    for n in 0..100 {
        let told = stories(&open_in(&mut n1, n as u64, &nth(n), &lobby()));
        assert_eq!(told, [format!("lobby: user{n} joined, {}", n + 1)]);
    }
    assert_eq!(open_in(&mut n1, 100, &nth(100), &lobby()), []);
    assert_eq!(open_in(&mut n1, 101, &nth(101), &lobby()), []);
    assert_eq!(n1.away(SessionId(5), true, Ts(1)), []);
    assert_eq!(stories(&n1.tick(Ts(SECOND))), ["lobby: +3 -0, 102"]);
    assert_eq!(n1.tick(Ts(3 * SECOND)), [], "nothing has changed");
    // Back to a hundred within a second: what waits comes first, in its batch.
    n1.leave(SessionId(0), &lobby());
    n1.leave(SessionId(1), &lobby());
    n1.leave(SessionId(2), &lobby());
    assert_eq!(n1.total(&lobby()), 99);
    assert_eq!(stories(&n1.tick(Ts(4 * SECOND))), ["lobby: +0 -3, 99"]);
    assert_eq!(
        stories(&n1.leave(SessionId(3), &lobby())),
        ["lobby: user3 left (leave), 98"]
    );
}

#[test]
fn the_101st_who_leaves_before_a_batch_was_never_there() {
    let mut n1 = node("n1");
    for n in 0..=100 {
        open_in(&mut n1, n as u64, &nth(n), &lobby());
    }
    n1.leave(SessionId(100), &lobby());
    assert_eq!(n1.tick(Ts(SECOND)), []);
    assert_eq!(
        stories(&open_in(&mut n1, 200, &nth(200), &room("ops"))),
        ["ops: user200 joined, 1"]
    );
    assert_eq!(
        stories(&n1.leave(SessionId(99), &lobby())),
        ["lobby: user99 left (leave), 99"]
    );
}

#[test]
fn a_room_gets_at_most_one_batch_a_second() {
    let mut n1 = node("n1");
    for n in 0..=100 {
        open_in(&mut n1, n as u64, &nth(n), &lobby());
    }
    assert_eq!(n1.tick(Ts(SECOND)).len(), 1);
    open_in(&mut n1, 101, &nth(101), &lobby());
    assert_eq!(n1.tick(Ts(2 * SECOND - 1)), []);
    assert_eq!(n1.tick(Ts(2 * SECOND)).len(), 1);
    open_in(&mut n1, 102, &nth(102), &lobby());
    assert_eq!(n1.tick(Ts(0)).len(), 1, "a clock set back holds nothing");
}

#[test]
fn ten_thousand_who_enter_one_room_are_told_in_batches_of_a_thousand() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    send_snapshot(&n1, "n1", &mut n2, 0);
    let mut told = 0;
    for n in 0..10_000 {
        told += open_in(&mut n1, n as u64, &nth(n), &lobby()).len();
    }
    assert_eq!(told, 100);
    let (far, ask) = tell(&mut n1, "n1", &mut n2, 0);
    assert_eq!((far.len(), ask), (100, false));
    let batches: Vec<String> = (1..=12)
        .flat_map(|second| stories(&n1.tick(Ts(second * SECOND))))
        .collect();
    let mut expected = vec!["lobby: +1000 -0, 10000"; 9];
    expected.push("lobby: +900 -0, 10000");
    assert_eq!(batches, expected);
}

#[test]
fn a_snapshot_of_many_users_comes_in_parts_and_counts_when_the_last_is_there() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    // A user and a room are two entries.
    for n in 0..5_001 {
        open_in(&mut n1, n as u64, &nth(n), &lobby());
    }
    while n1.take_changes().is_some() {}
    let mut parts = n1.our_snapshot();
    assert_eq!(parts.len(), 2);
    let (last, first) = (parts.pop().unwrap(), parts.pop().unwrap());
    assert_eq!((first.more, first.users.len()), (true, 5_000));
    n2.snapshot("n1", first.clone(), Ts(0));
    assert_eq!(n2.total(&lobby()), 0);
    // The link breaks; the next one begins anew.
    n2.lost("n1", Ts(1));
    n2.snapshot("n1", first, Ts(2));
    n2.snapshot("n1", last, Ts(2));
    assert_eq!(n2.total(&lobby()), 5_001);
    assert!(!n2.heard("n1", Some(n1.our_place()), Ts(3)));
}

#[test]
fn changes_that_nobody_takes_do_not_pile_up_and_peers_ask_for_a_snapshot() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    send_snapshot(&n1, "n1", &mut n2, 0);
    n1.open(SessionId(1), &nth(1));
    for _ in 0..CHANGES_WAITING_MAX / 2 {
        n1.enter(SessionId(1), &lobby());
        n1.leave(SessionId(1), &lobby());
    }
    n1.enter(SessionId(1), &lobby());
    assert!(n1.changes.len() < 10);
    assert!(tell(&mut n1, "n1", &mut n2, 1).1);
    send_snapshot(&n1, "n1", &mut n2, 2);
    assert_eq!(n2.total(&lobby()), 1);
}

#[test]
fn a_notice_becomes_its_frame_and_is_not_for_the_one_who_comes_or_goes() {
    let mut n1 = node("n1");
    let notices = open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    let [joined] = &notices[..] else {
        panic!("{notices:?}")
    };
    assert_eq!(joined.except(), Some(&uid("aaaa")));
    assert_eq!(joined.rooms(), [lobby()]);
    let line = String::from_utf8(joined.frame().encode()).unwrap();
    assert_eq!(
        line.trim_end(),
        r#"{"type":"user_join","room":"lobby","user":{"name":"alice","uid":"aaaa"},"total":1}"#
    );
    let notices = n1.close(SessionId(1), LeaveReason::ShuttingDown);
    assert_eq!(notices[0].except(), Some(&uid("aaaa")));
    let line = String::from_utf8(notices[0].frame().encode()).unwrap();
    assert_eq!(
        line.trim_end(),
        r#"{"type":"user_leave","room":"lobby","user":"alice","uid":"aaaa","reason":"shutting_down","total":0}"#
    );
}
