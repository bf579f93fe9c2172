//! What a client makes of the notices, whatever happens.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

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
