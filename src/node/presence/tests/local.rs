//! Sessions of this node.

use super::*;

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
