//! Users of other nodes.

use super::*;

#[test]
fn users_of_another_node_come_and_go_with_its_changes() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    assert_eq!(send_snapshot(&n1, "n1", &mut n2, 0), NONE);
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    let (told, ask) = tell(&mut n1, "n1", &mut n2, 1);
    assert_eq!((told, ask), (vec!["lobby: alice joined, 1".into()], false));
    assert_eq!(
        stories(&open_in(&mut n2, 1, &record("bbbb", "bob", 0), &lobby())),
        ["lobby: bob joined, 2"]
    );
    n1.close(SessionId(1), LeaveReason::Quit);
    let (told, _) = tell(&mut n1, "n1", &mut n2, 2);
    assert_eq!(told, ["lobby: alice left (quit), 1"]);
    assert!(!n2.is_here(&uid("aaaa")));
}

#[test]
fn a_snapshot_tells_only_what_has_changed_since() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    open_in(&mut n1, 2, &record("bbbb", "bob", 0), &lobby());
    let told = send_snapshot(&n1, "n1", &mut n2, 0);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(send_snapshot(&n1, "n1", &mut n2, 0), NONE);
    n1.close(SessionId(1), LeaveReason::Quit);
    n1.enter(SessionId(2), &room("ops"));
    n1.leave(SessionId(2), &lobby());
    while n1.take_changes().is_some() {}
    let mut told = send_snapshot(&n1, "n1", &mut n2, 1);
    told.sort();
    let expected = [
        "lobby: alice left (lost), 0",
        "lobby: bob left (leave), 1",
        "ops: bob joined, 1",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_lost_change_is_noticed_and_the_snapshot_puts_it_right() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    send_snapshot(&n1, "n1", &mut n2, 0);
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    let lost = n1.take_changes().unwrap();
    open_in(&mut n1, 2, &record("bbbb", "bob", 0), &lobby());
    let (told, ask) = tell(&mut n1, "n1", &mut n2, 1);
    assert_eq!((told, ask), (vec![], true));
    open_in(&mut n1, 3, &record("cccc", "carol", 0), &lobby());
    let (_, again) = tell(&mut n1, "n1", &mut n2, 2);
    assert!(!again, "it has been asked for already");
    assert!(
        n2.heard("n1", Some(n1.our_place()), Ts(3)),
        "but may be lost"
    );
    assert_eq!(send_snapshot(&n1, "n1", &mut n2, 4).len(), 3);
    assert!(!n2.heard("n1", Some(n1.our_place()), Ts(5)));
    // What comes late is known already.
    let heard = n2.change("n1", lost, Ts(6));
    assert_eq!(heard, Heard::default());
    assert_eq!(n2.total(&lobby()), 3);
}

#[test]
fn the_last_change_of_all_is_missed_too_when_the_place_is_told() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    send_snapshot(&n1, "n1", &mut n2, 0);
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    n1.take_changes().unwrap();
    assert!(n2.heard("n1", Some(n1.our_place()), Ts(1)));
}

#[test]
fn a_node_that_was_started_again_is_taken_at_its_new_word() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    for n in 0..3 {
        open_in(&mut n1, n as u64, &nth(n), &lobby());
        while n1.take_changes().is_some() {}
    }
    send_snapshot(&n1, "n1", &mut n2, 0);
    let mut again = Presence::new("n1", 2);
    open_in(&mut again, 1, &nth(2), &lobby());
    let (_, ask) = tell(&mut again, "n1", &mut n2, 1);
    assert!(ask, "its numbers are of another incarnation");
    let told = send_snapshot(&again, "n1", &mut n2, 1);
    assert_eq!(told.len(), 2, "only who is gone is told of: {told:?}");
    assert_eq!(names(&n2, &lobby()), ["user2"]);
}

#[test]
fn an_older_snapshot_changes_nothing() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    let old = n1.our_snapshot();
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    while n1.take_changes().is_some() {}
    send_snapshot(&n1, "n1", &mut n2, 0);
    for part in old {
        assert_eq!(n2.snapshot("n1", part, Ts(1)), []);
    }
    assert_eq!(n2.total(&lobby()), 1);
}

#[test]
fn a_node_unheard_for_ten_seconds_loses_its_users_until_its_next_snapshot() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    send_snapshot(&n1, "n1", &mut n2, 0);
    n2.heard("n1", None, Ts(5 * SECOND));
    assert_eq!(n2.tick(Ts(15 * SECOND - 1)), []);
    assert_eq!(
        stories(&n2.tick(Ts(15 * SECOND))),
        ["lobby: alice left (lost), 0"]
    );
    assert!(!n2.is_here(&uid("aaaa")));
    assert!(n2.heard("n1", Some(n1.our_place()), Ts(20 * SECOND)));
    assert_eq!(
        send_snapshot(&n1, "n1", &mut n2, 20 * SECOND),
        ["lobby: alice joined, 1"]
    );
}

#[test]
fn a_link_that_is_back_in_time_shows_nobody_leaving() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    send_snapshot(&n1, "n1", &mut n2, 0);
    n2.lost("n1", Ts(SECOND));
    assert_eq!(n2.tick(Ts(9 * SECOND)), []);
    assert_eq!(send_snapshot(&n1, "n1", &mut n2, 9 * SECOND), NONE);
    assert_eq!(n2.tick(Ts(12 * SECOND)), []);
    n2.lost("n1", Ts(12 * SECOND));
    assert_eq!(n2.tick(Ts(19 * SECOND)).len(), 1, "last heard at 9 s");
}

#[test]
fn a_user_who_moves_to_another_node_is_not_seen_to_leave() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    let alice = record("aaaa", "alice", 0);
    open_in(&mut n1, 1, &alice, &lobby());
    send_snapshot(&n1, "n1", &mut n2, 0);
    // n1 is gone; alice is back within a second.
    n2.lost("n1", Ts(SECOND));
    assert_eq!(open_in(&mut n2, 1, &alice, &lobby()), []);
    assert_eq!(n2.tick(Ts(15 * SECOND)), []);
    assert_eq!((n2.total(&lobby()), n2.is_local(&uid("aaaa"))), (1, true));
    assert_eq!(
        stories(&n2.close(SessionId(1), LeaveReason::Quit)),
        ["lobby: alice left (quit), 0"]
    );
}

#[test]
fn away_is_the_users_on_all_nodes_and_the_last_word_stands() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    let alice = record("aaaa", "alice", 0);
    open_in(&mut n1, 1, &alice, &lobby());
    open_in(&mut n2, 1, &alice, &lobby());
    send_snapshot(&n1, "n1", &mut n2, 0);
    send_snapshot(&n2, "n2", &mut n1, 0);
    let notices = n1.away(SessionId(1), true, Ts(5));
    assert_eq!(stories(&notices), ["lobby: alice away true"]);
    assert_eq!(n1.away(SessionId(1), true, Ts(6)), [], "it is no news");
    assert_eq!(
        tell(&mut n1, "n1", &mut n2, 7).0,
        ["lobby: alice away true"]
    );
    assert!(n2.users(&lobby(), 1)[0].away);
    // Back on the other node, whose clock is behind.
    assert_eq!(
        stories(&n2.away(SessionId(1), false, Ts(2))),
        ["lobby: alice away false"]
    );
    assert_eq!(
        tell(&mut n2, "n2", &mut n1, 8).0,
        ["lobby: alice away false"]
    );
    // The first node is lost: what it said before does not come back.
    assert_eq!(n2.tick(Ts(30 * SECOND)), []);
    assert!(!n2.users(&lobby(), 1)[0].away);
}

#[test]
fn a_third_node_hears_the_last_word_from_whoever_is_left() {
    let (mut n1, mut n2, mut n3) = (node("n1"), node("n2"), node("n3"));
    let alice = record("aaaa", "alice", 0);
    open_in(&mut n1, 1, &alice, &lobby());
    open_in(&mut n2, 1, &alice, &lobby());
    n1.away(SessionId(1), true, Ts(5));
    send_snapshot(&n1, "n1", &mut n2, 5);
    // n1 is lost before n3 ever heard it.
    assert!(n2.take_changes().is_some());
    send_snapshot(&n2, "n2", &mut n3, 6);
    assert!(n3.users(&lobby(), 1)[0].away);
}

#[test]
fn what_only_a_lost_node_knew_is_lost_with_it_on_every_node() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    let alice = record("aaaa", "alice", 0);
    open_in(&mut n1, 1, &alice, &lobby());
    send_snapshot(&n1, "n1", &mut n2, 0);
    open_in(&mut n2, 1, &alice, &lobby());
    n2.away(SessionId(1), true, Ts(5));
    // It never reaches n1, the only one with sessions of hers that is left.
    let notices = n2.close(SessionId(1), LeaveReason::Quit);
    assert_eq!(stories(&notices), ["lobby: alice away false"]);
    assert_eq!(n1.face(&uid("aaaa")), n2.face(&uid("aaaa")));
}

#[test]
fn a_new_name_is_told_in_all_rooms_and_moves_the_user_in_the_lists() {
    let (mut n1, mut n2) = (node("n1"), node("n2"));
    open_in(&mut n1, 1, &record("aaaa", "alice", 0), &lobby());
    open_in(&mut n1, 2, &record("bbbb", "bob", 0), &lobby());
    n1.enter(SessionId(1), &room("ops"));
    send_snapshot(&n1, "n1", &mut n2, 0);
    while n1.take_changes().is_some() {}
    let place = n1.our_place();
    let notices = n1.rename(&uid("aaaa"), name("zoe"), Ts(9));
    let expected = [r#"["lobby", "ops"]: alice is zoe"#];
    assert_eq!(stories(&notices), expected);
    assert_eq!(names(&n1, &lobby()), ["bob", "zoe"]);
    n2.heard("n1", Some(place), Ts(1));
    for part in n1.our_snapshot() {
        assert_eq!(stories(&n2.snapshot("n1", part, Ts(2))), expected);
    }
    assert_eq!(names(&n2, &lobby()), ["bob", "zoe"]);
    assert_eq!(n2.bearers(&name("alice").key()).count(), 0);
    assert_eq!(n2.bearers(&name("ZOE").key()).count(), 1);
    assert_eq!(n1.rename(&uid("cccc"), name("x"), Ts(1)), []);
}

#[test]
fn names_that_two_bear_are_contested_until_one_has_another() {
    let mut n1 = node("n1");
    n1.open(SessionId(1), &record("aaaa", "alice", 1));
    n1.open(SessionId(2), &record("bbbb", "ALICE", 2));
    let contested: Vec<_> = n1.contested().cloned().collect();
    assert_eq!(contested, [name("alice").key()]);
    n1.rename(&uid("bbbb"), name("alice-2"), Ts(3));
    assert_eq!(n1.contested().count(), 0);
    n1.open(SessionId(3), &record("cccc", "alice", 3));
    n1.close(SessionId(1), LeaveReason::Quit);
    assert_eq!(n1.contested().count(), 0);
}
