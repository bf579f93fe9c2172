use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

fn room(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

fn lobby() -> RoomName {
    room("lobby")
}

/// The `n`th of many users: uid `u00042`, name `user42`.
fn nth(n: usize) -> UserRecord {
    record(&format!("u{n:05}"), &format!("user{n}"), 0)
}

fn record(id: &str, shown: &str, claimed_at: i64) -> UserRecord {
    UserRecord {
        uid: uid(id),
        name: name(shown),
        claimed_at: Ts(claimed_at),
        last_seen: Ts(0),
    }
}

/// A node on which sessions are opened in some room at once.
fn node(name: &str) -> Presence {
    Presence::new(name, 1)
}

fn open_in(node: &mut Presence, session: u64, user: &UserRecord, room: &RoomName) -> Vec<Notice> {
    node.open(SessionId(session), user);
    node.enter(SessionId(session), room)
}

/// Sends all that `from` has to tell to `to`; whether `to` asks for a snapshot.
fn tell(from: &mut Presence, name: &str, to: &mut Presence, now: i64) -> (Vec<String>, bool) {
    let (mut told, mut ask) = (Vec::new(), false);
    while let Some(batch) = from.take_changes() {
        let heard = to.change(name, batch, Ts(now));
        told.extend(heard.notices.iter().map(story));
        ask |= heard.ask_snapshot;
    }
    (told, ask)
}

fn send_snapshot(from: &Presence, name: &str, to: &mut Presence, now: i64) -> Vec<String> {
    let parts = from.our_snapshot();
    let notices = parts
        .into_iter()
        .flat_map(|part| to.snapshot(name, part, Ts(now)));
    notices.map(|notice| story(&notice)).collect()
}

/// A notice in a few words.
fn story(notice: &Notice) -> String {
    match notice {
        Notice::Joined { room, user, total } => format!("{room}: {} joined, {total}", user.name),
        Notice::Left {
            room,
            name,
            reason,
            total,
            ..
        } => format!("{room}: {name} left ({}), {total}", reason.as_str()),
        Notice::Away { room, name, on, .. } => format!("{room}: {name} away {on}"),
        Notice::Renamed {
            rooms, from, to, ..
        } => format!("{rooms:?}: {from} is {to}"),
        Notice::Batch {
            room,
            total,
            joined,
            left,
        } => format!("{room}: +{} -{}, {total}", joined.len(), left.len()),
    }
}

fn stories(notices: &[Notice]) -> Vec<String> {
    notices.iter().map(story).collect()
}

fn names(node: &Presence, room: &RoomName) -> Vec<String> {
    let users = node.users(room, usize::MAX);
    users.into_iter().map(|user| user.name).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_room_is_told_of_a_users_first_session_and_last_and_of_none_between() {
    let mut n1 = node("n1");
    let alice = record("aaaa", "alice", 0);
    assert_eq!(
        stories(&open_in(&mut n1, 1, &alice, &lobby())),
        ["lobby: alice joined, 1"]
    );
    assert_eq!(open_in(&mut n1, 2, &alice, &lobby()), []);
    assert_eq!(n1.enter(SessionId(2), &lobby()), [], "it is in it already");
    assert_eq!(n1.total(&lobby()), 1);
    assert_eq!(n1.close(SessionId(1), LeaveReason::Quit), []);
    assert_eq!(
        stories(&n1.leave(SessionId(2), &lobby())),
        ["lobby: alice left (leave), 0"]
    );
    assert_eq!(n1.leave(SessionId(2), &lobby()), []);
    assert!(n1.is_here(&uid("aaaa")));
    assert_eq!(n1.close(SessionId(2), LeaveReason::Quit), []);
    assert!(!n1.is_here(&uid("aaaa")));
    assert_eq!(n1.rooms().count(), 0, "an empty room is not kept");
}

#[test]
fn a_session_that_ends_leaves_all_its_rooms_with_the_reason() {
    let mut n1 = node("n1");
    let alice = record("aaaa", "alice", 0);
    open_in(&mut n1, 1, &alice, &lobby());
    n1.enter(SessionId(1), &room("ops"));
    let notices = n1.close(SessionId(1), LeaveReason::Lost);
    assert_eq!(
        stories(&notices),
        ["lobby: alice left (lost), 0", "ops: alice left (lost), 0"]
    );
    assert_eq!(n1.close(SessionId(1), LeaveReason::Lost), []);
}

#[test]
fn users_are_listed_by_name_without_case_and_the_first_hundred_of_many() {
    let mut n1 = node("n1");
    for (at, shown) in ["carol", "Bob", "alice"].into_iter().enumerate() {
        let id = format!("aaa{at}");
        open_in(&mut n1, at as u64, &record(&id, shown, 0), &lobby());
    }
    assert_eq!(names(&n1, &lobby()), ["alice", "Bob", "carol"]);
    for n in 0..200 {
        open_in(&mut n1, 100 + n as u64, &nth(n), &room("big"));
    }
    let listed = n1.users(&room("big"), 100);
    assert_eq!((listed.len(), n1.total(&room("big"))), (100, 200));
    assert_eq!((&*listed[0].name, &*listed[1].name), ("user0", "user1"));
    assert_eq!(listed[2].name, "user10", "by text, not by number");
}

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

/// What a client makes of the notices: it must come to the truth, and never be told nonsense.
#[derive(Default)]
struct Client {
    users: BTreeMap<Uid, bool>,
    told_at: Option<i64>,
}

impl Client {
    fn take(&mut self, notice: &Notice, now: i64) {
        match notice {
            Notice::Joined { user, total, .. } => {
                let before = self.users.insert(user.uid.clone(), user.away);
                assert_eq!(before, None, "told twice of {user:?}");
                assert_eq!(*total as usize, self.users.len());
            }
            Notice::Left { uid, total, .. } => {
                assert!(self.users.remove(uid).is_some(), "never heard of {uid}");
                assert_eq!(*total as usize, self.users.len());
            }
            Notice::Away { uid, on, .. } => {
                assert_eq!(self.users.insert(uid.clone(), *on), Some(!on));
            }
            Notice::Batch {
                joined,
                left,
                total,
                ..
            } => {
                assert!(self.told_at.is_none_or(|at| now - at >= SECOND));
                self.told_at = Some(now);
                for uid in left {
                    assert!(self.users.remove(uid).is_some(), "never heard of {uid}");
                }
                for user in joined {
                    self.users.insert(user.uid.clone(), user.away);
                }
                assert_eq!(*total as usize, self.users.len());
            }
            Notice::Renamed { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Users come and go around the border of 100 to 101, on two nodes.
    #[test]
    fn at_the_border_of_a_hundred_no_change_is_lost_or_repeated(
        steps in prop::collection::vec((0..130usize, 0..4u8, 0..400_000i64), 300)
    ) {
        let (mut n1, mut n2) = (node("n1"), node("n2"));
        let mut client = Client::default();
        send_snapshot(&n2, "n2", &mut n1, 0);
        for n in 0..98 {
            for notice in open_in(&mut n1, n as u64, &nth(n), &lobby()) {
                client.take(&notice, 0);
            }
        }
        let mut now = 0;
        for (n, what, later) in steps {
            let session = SessionId(n as u64);
            now += later;
            let mut notices = match what {
                0 => {
                    n1.open(session, &nth(n));
                    n1.enter(session, &lobby())
                }
                1 => n1.leave(session, &lobby()),
                2 => n1.away(session, now % 2 == 0, Ts(now)),
                _ => {
                    n2.open(session, &nth(n));
                    if now % 3 == 0 {
                        n2.leave(session, &lobby());
                    } else {
                        n2.enter(session, &lobby());
                    }
                    n2.take_changes().map(|batch| n1.change("n2", batch, Ts(now)).notices).unwrap_or_default()
                }
            };
            n1.heard("n2", None, Ts(now));
            notices.extend(n1.tick(Ts(now)));
            for notice in &notices {
                client.take(notice, now);
            }
        }
        for notice in n1.tick(Ts(now + 2 * SECOND)) {
            client.take(&notice, now + 2 * SECOND);
        }
        let users = n1.users(&lobby(), usize::MAX).into_iter();
        let truth: BTreeMap<Uid, bool> = users.map(|user| (user.uid, user.away)).collect();
        prop_assert_eq!(client.users, truth);
    }

    /// Three nodes, sessions that come, go, move and are renamed, batches that are lost: when all
    /// hear each other again, all show the same.
    #[test]
    fn nodes_that_hear_each_other_again_show_the_same(
        steps in prop::collection::vec((0..3usize, 0..6usize, 0..6u8, any::<bool>()), 1..80)
    ) {
        let mut nodes = ["n1", "n2", "n3"].map(node);
        for (now, (at, who, what, lost)) in steps.into_iter().enumerate() {
            let (session, user) = (SessionId(who as u64), nth(who));
            let now = now as i64;
            match what {
                0 => { nodes[at].open(session, &user); }
                1 => { nodes[at].enter(session, &lobby()); }
                2 => { nodes[at].leave(session, &lobby()); }
                3 => { nodes[at].close(session, LeaveReason::Quit); }
                4 => { nodes[at].away(session, now % 2 == 0, Ts(now)); }
                _ => { nodes[at].rename(&user.uid, name(&format!("new{now}")), Ts(now)); }
            }
            while let Some(batch) = nodes[at].take_changes() {
                for to in (0..3).filter(|to| *to != at && !lost) {
                    let name = format!("n{}", at + 1);
                    if nodes[to].change(&name, batch.clone(), Ts(now)).ask_snapshot {
                        for part in nodes[at].our_snapshot() {
                            nodes[to].snapshot(&name, part, Ts(now));
                        }
                    }
                }
            }
        }
        // Twice: what a node takes over of its own users it tells again.
        for _ in 0..2 {
            for from in 0..3 {
                while nodes[from].take_changes().is_some() {}
                for to in (0..3).filter(|to| *to != from) {
                    for part in nodes[from].our_snapshot() {
                        nodes[to].snapshot(&format!("n{}", from + 1), part, Ts(0));
                    }
                }
            }
        }
        let shown = |node: &Presence| node.users(&lobby(), usize::MAX);
        prop_assert_eq!(shown(&nodes[0]), shown(&nodes[1]));
        prop_assert_eq!(shown(&nodes[0]), shown(&nodes[2]));
        let faces = |node: &Presence| {
            let faces = node.faces().map(|face| (face.uid.clone(), face.clone()));
            faces.collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(faces(&nodes[0]), faces(&nodes[1]));
        prop_assert_eq!(faces(&nodes[0]), faces(&nodes[2]));
    }
}
