use super::*;
use crate::node::presence::SessionId;
use crate::protocol::presence::LeaveReason;

const MINUTE: i64 = 60 * 1_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

/// A node with its names, as the rest of the node puts them together.
struct Node {
    presence: Presence,
    names: Names,
    sessions: u64,
}

impl Node {
    fn new(node: &str) -> Node {
        Node {
            presence: Presence::new(node, 1),
            names: Names::default(),
            sessions: 0,
        }
    }

    /// A guest comes in.
    fn guest(&mut self, id: &str, wanted: &str, now: i64) -> Result<UserRecord, Refusal> {
        let record =
            self.names
                .claim(&uid(id), &name(wanted), Stay::Kept, &self.presence, Ts(now))?;
        self.open(&record);
        Ok(record)
    }

    /// A brief session begins: it is not among those who are here.
    fn brief(&mut self, id: &str, wanted: &str, now: i64) -> Result<UserRecord, Refusal> {
        self.names.claim(
            &uid(id),
            &name(wanted),
            Stay::Brief,
            &self.presence,
            Ts(now),
        )
    }

    fn open(&mut self, record: &UserRecord) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.presence.open(session, record);
        session
    }

    fn close(&mut self, session: u64, now: i64) -> Option<UserRecord> {
        let uid = self.presence.user_of(SessionId(session)).unwrap().clone();
        self.presence.close(SessionId(session), LeaveReason::Quit);
        self.names.left(&uid, Ts(now))
    }

    fn back(&mut self, record: &UserRecord, issued: i64, now: i64) -> UserRecord {
        let token = TokenUser {
            uid: record.uid.clone(),
            name: record.name.clone(),
            claimed_at: record.claimed_at,
            issued_at: Ts(issued),
        };
        let record = self
            .names
            .reclaim(&token, None, Stay::Kept, &self.presence, Ts(now))
            .unwrap();
        self.open(&record);
        record
    }

    fn hears(&mut self, other: &Node, node: &str, now: i64) {
        for part in other.presence.our_snapshot() {
            self.presence.snapshot(node, part, Ts(now));
        }
    }

    fn settle(&mut self, now: i64) -> Vec<String> {
        let renamed = self.names.settle(&self.presence, Ts(now));
        for record in &renamed {
            self.presence
                .rename(&record.uid, record.name.clone(), record.claimed_at);
        }
        renamed.into_iter().map(|r| r.name.into()).collect()
    }

    fn shown(&self, id: &str) -> &str {
        self.presence.face(&uid(id)).unwrap().name.as_str()
    }
}

#[test]
fn a_name_that_is_borne_here_is_taken_and_a_free_one_is_suggested() {
    let mut node = Node::new("n1");
    node.guest("aaaa", "alice", 0).unwrap();
    for wanted in ["alice", "ALICE", "аlice"] {
        let refusal = node.guest("bbbb", wanted, 1).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::NameTaken);
        let suggestion = refusal.suggestion.unwrap();
        assert!(suggestion.ends_with("-2"), "{suggestion}");
    }
    node.guest("bbbb", "alice-2", 1).unwrap();
    let refusal = node.guest("cccc", "alice", 2).unwrap_err();
    assert_eq!(refusal.suggestion.as_deref(), Some("alice-3"));
    let refusal = node.guest("cccc", "alice-2", 2).unwrap_err();
    assert_eq!(refusal.suggestion.as_deref(), Some("alice-3"));
    assert_eq!(
        refusal.message,
        "the name alice-2 is taken; alice-3 is free"
    );
}

#[test]
fn a_name_borne_on_another_node_is_taken_here() {
    let (mut n1, mut n2) = (Node::new("n1"), Node::new("n2"));
    n1.guest("aaaa", "alice", 0).unwrap();
    n2.hears(&n1, "n1", 1);
    let refusal = n2.guest("bbbb", "alice", 2).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NameTaken);
}

#[test]
fn a_name_is_kept_for_ten_minutes_and_is_free_the_moment_after() {
    let mut node = Node::new("n1");
    node.guest("aaaa", "alice", 0).unwrap();
    let record = node.close(1, 5).unwrap();
    assert_eq!(record.last_seen, Ts(5));
    let refusal = node.guest("bbbb", "alice", 5 + 10 * MINUTE).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NameTaken);
    assert!(node.guest("bbbb", "alice", 6 + 10 * MINUTE).is_ok());
}

#[test]
fn a_restarted_node_still_keeps_the_names_of_those_who_were_here() {
    let mut node = Node::new("n1");
    node.guest("aaaa", "alice", 0).unwrap();
    let record = node.close(1, 5).unwrap();
    let mut node = Node::new("n1");
    node.names = Names::new([record]);
    assert!(node.guest("bbbb", "alice", MINUTE).is_err());
    assert_eq!(node.names.name_of(&uid("aaaa")), Some(&name("alice")));
    assert_eq!(node.names.last_seen(&uid("aaaa")), Some(Ts(5)));
}

#[test]
fn a_user_comes_back_under_its_name_with_the_claim_it_had() {
    let mut node = Node::new("n1");
    let record = node.guest("aaaa", "alice", 7).unwrap();
    node.close(1, 5 * MINUTE);
    let back = node.back(&record, 7, 9 * MINUTE);
    assert_eq!((back.name, back.claimed_at), (name("alice"), Ts(7)));
    // A second session of it changes nothing.
    let again = node.back(&record, 7, 30 * MINUTE);
    assert_eq!((again.name, again.claimed_at), (name("alice"), Ts(7)));
}

#[test]
fn a_claim_that_has_lapsed_is_made_anew() {
    let mut node = Node::new("n1");
    let record = node.guest("aaaa", "alice", 7).unwrap();
    node.close(1, MINUTE);
    let back = node.back(&record, 7, 20 * MINUTE);
    let expected = (name("alice"), Ts(20 * MINUTE));
    assert_eq!((back.name, back.claimed_at), expected);
}

#[test]
fn a_user_whose_name_has_gone_to_somebody_else_gets_another() {
    let mut node = Node::new("n1");
    let record = node.guest("aaaa", "alice", 0).unwrap();
    node.close(1, 0);
    node.guest("bbbb", "alice", 11 * MINUTE).unwrap();
    let back = node.back(&record, 0, 12 * MINUTE);
    assert_eq!(back.name, name("alice-2"));
    assert_eq!(node.shown("aaaa"), "alice-2");
    // And keeps that one, though its old token still says the first.
    node.close(3, 13 * MINUTE);
    assert_eq!(node.back(&record, 0, 14 * MINUTE).name, name("alice-2"));
}

#[test]
fn a_token_opens_a_user_whom_this_node_has_not_heard_of() {
    let mut node = Node::new("n2");
    let stranger = UserRecord {
        uid: uid("aaaa"),
        name: name("alice"),
        claimed_at: Ts(3),
        last_seen: Ts(4),
    };
    assert_eq!(node.back(&stranger, 4, 5).claimed_at, Ts(3));
    assert_eq!(node.shown("aaaa"), "alice");
}

#[test]
fn a_name_beside_the_token_is_taken_instead_if_it_is_free() {
    let mut node = Node::new("n1");
    let record = node.guest("aaaa", "cron", 0).unwrap();
    node.guest("bbbb", "backup", 0).unwrap();
    let token = TokenUser {
        uid: record.uid.clone(),
        name: record.name,
        claimed_at: record.claimed_at,
        issued_at: Ts(0),
    };
    let taken = node.names.reclaim(
        &token,
        Some(&name("backup")),
        Stay::Kept,
        &node.presence,
        Ts(1),
    );
    assert_eq!(taken.unwrap_err().code, ErrorCode::NameTaken);
    let record = node
        .names
        .reclaim(
            &token,
            Some(&name("cron-2")),
            Stay::Kept,
            &node.presence,
            Ts(1),
        )
        .unwrap();
    node.open(&record);
    assert_eq!(node.shown("aaaa"), "cron-2");
    assert!(
        node.guest("cccc", "cron", 2).is_ok(),
        "the old name is free"
    );
}

#[test]
fn a_direct_conversation_finds_who_is_here_and_else_who_bore_the_name_last() {
    let mut node = Node::new("n1");
    assert_eq!(node.names.resolve(&name("bob"), &node.presence), None);
    node.guest("aaaa", "bob", 0).unwrap();
    node.close(1, 0);
    node.guest("bbbb", "bob", 11 * MINUTE).unwrap();
    let bob = |node: &Node| node.names.resolve(&name("Bob"), &node.presence);
    assert_eq!(bob(&node), Some(uid("bbbb")));
    node.close(2, 30 * MINUTE);
    assert_eq!(bob(&node), Some(uid("bbbb")));
    let old = node.names.users[&uid("aaaa")].record.clone();
    assert_eq!(node.back(&old, 0, 41 * MINUTE).name, name("bob"));
    assert_eq!(bob(&node), Some(uid("aaaa")));
}

#[test]
fn after_a_partition_the_earlier_claim_keeps_the_name_and_both_nodes_agree() {
    let (mut n1, mut n2) = (Node::new("n1"), Node::new("n2"));
    n1.guest("bbbb", "alice", 20).unwrap();
    n2.guest("aaaa", "alice", 10).unwrap();
    n1.hears(&n2, "n2", 30);
    n2.hears(&n1, "n1", 30);
    assert_eq!(n2.settle(31), Vec::<String>::new(), "n2's user was first");
    assert_eq!(n1.settle(31), ["alice-2"]);
    n2.hears(&n1, "n1", 32);
    for node in [&mut n1, &mut n2] {
        assert_eq!(
            (node.shown("aaaa"), node.shown("bbbb")),
            ("alice", "alice-2")
        );
        assert_eq!(node.presence.contested().count(), 0);
        assert_eq!(node.settle(33), Vec::<String>::new());
    }
}

#[test]
fn claims_of_one_moment_are_told_apart_by_uid() {
    let (mut n1, mut n2) = (Node::new("n1"), Node::new("n2"));
    n1.guest("bbbb", "alice", 10).unwrap();
    n2.guest("aaaa", "alice", 10).unwrap();
    n1.hears(&n2, "n2", 30);
    n2.hears(&n1, "n1", 30);
    assert_eq!(
        (n1.settle(31), n2.settle(31)),
        (vec!["alice-2".into()], vec![])
    );
}

#[test]
fn of_two_nodes_with_the_loser_only_one_renames_it() {
    let mut nodes = ["n1", "n2", "n3"].map(Node::new);
    let loser = nodes[0].guest("bbbb", "alice", 20).unwrap();
    let also = nodes[1].back(&loser, 20, 21);
    assert_eq!(also.name, name("alice"));
    nodes[2].guest("aaaa", "alice", 10).unwrap();
    exchange(&mut nodes, 30);
    let renamed: Vec<_> = nodes.iter_mut().map(|node| node.settle(31)).collect();
    assert_eq!(renamed, [vec!["alice-2".to_owned()], vec![], vec![]]);
    exchange(&mut nodes, 32);
    for node in &nodes {
        assert_eq!(
            (node.shown("aaaa"), node.shown("bbbb")),
            ("alice", "alice-2")
        );
    }
}

#[test]
fn losers_on_several_nodes_that_pick_one_new_name_are_settled_in_the_end() {
    let mut nodes = ["n1", "n2", "n3"].map(Node::new);
    for (node, id) in nodes.iter_mut().zip(["aaaa", "bbbb", "cccc"]) {
        node.guest(id, "alice", 10).unwrap();
    }
    for round in 3..8 {
        exchange(&mut nodes, round * 10);
        for node in &mut nodes {
            node.settle(round * 10 + 1);
        }
    }
    let shown = |node: &Node| ["aaaa", "bbbb", "cccc"].map(|id| node.shown(id).to_owned());
    assert_eq!(shown(&nodes[0]), ["alice", "alice-2", "alice-3"]);
    assert_eq!(shown(&nodes[1]), shown(&nodes[0]));
    assert_eq!(shown(&nodes[2]), shown(&nodes[0]));
}

#[test]
fn two_losers_on_one_node_get_two_names() {
    let (mut n1, mut n2) = (Node::new("n1"), Node::new("n2"));
    n1.guest("aaaa", "alice", 10).unwrap();
    // Three nodes gave the name away; two of the users have moved here since.
    for (id, at) in [("bbbb", 20), ("cccc", 30)] {
        let session = n2.sessions + 1;
        n2.sessions = session;
        let record = UserRecord {
            uid: uid(id),
            name: name("alice"),
            claimed_at: Ts(at),
            last_seen: Ts(at),
        };
        n2.presence.open(SessionId(session), &record);
    }
    n2.hears(&n1, "n1", 40);
    assert_eq!(n2.settle(41), ["alice-2", "alice-3"]);
    assert_eq!(n2.presence.contested().count(), 0);
}

#[test]
fn a_rename_counts_even_when_the_clock_is_behind_the_claim() {
    let (mut n1, mut n2) = (Node::new("n1"), Node::new("n2"));
    n1.guest("aaaa", "alice", 10).unwrap();
    n2.guest("bbbb", "alice", DAY).unwrap();
    n2.hears(&n1, "n1", 20);
    assert_eq!(n2.settle(21), ["alice-2"]);
    assert_eq!(n2.shown("bbbb"), "alice-2");
}

#[test]
fn the_time_of_those_who_are_here_is_stored_once_a_minute() {
    let (mut n1, mut n2) = (Node::new("n1"), Node::new("n2"));
    n1.guest("aaaa", "alice", 0).unwrap();
    n2.hears(&n1, "n1", 0);
    assert_eq!(n1.names.seen(&n1.presence, Ts(MINUTE - 1)), []);
    let stored = n1.names.seen(&n1.presence, Ts(MINUTE));
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].last_seen, Ts(MINUTE));
    assert_eq!(n1.names.seen(&n1.presence, Ts(MINUTE + 10)), []);
    // The other node knows too, and leaves the storing to the user's own.
    assert_eq!(n2.names.seen(&n2.presence, Ts(MINUTE)), []);
    assert_eq!(n2.names.last_seen(&uid("aaaa")), Some(Ts(MINUTE)));
    assert_eq!(n2.names.name_of(&uid("aaaa")), Some(&name("alice")));
}

#[test]
fn gossip_brings_what_is_later_and_nothing_else() {
    let mut names = Names::default();
    let record = |text: &str, claimed: i64, seen: i64| UserRecord {
        uid: uid("aaaa"),
        name: name(text),
        claimed_at: Ts(claimed),
        last_seen: Ts(seen),
    };
    let now = Ts(100);
    let first = record("alice", 5, 10);
    assert_eq!(names.merge(&first, now), Some(first.clone()));
    assert_eq!(names.merge(&first, now), None);
    assert_eq!(names.merge(&record("old", 4, 9), now), None);
    let merged = names.merge(&record("alice-2", 6, 8), now);
    assert_eq!(merged, Some(record("alice-2", 6, 10)));
    assert_eq!(names.by_key.len(), 1, "the old name leads nowhere");
    let ancient = UserRecord {
        uid: uid("bbbb"),
        ..record("bob", 0, 0)
    };
    assert_eq!(names.merge(&ancient, Ts(31 * DAY)), None);
}

#[test]
fn users_are_forgotten_when_their_tokens_have_run_out() {
    let mut node = Node::new("n1");
    node.guest("aaaa", "alice", 0).unwrap();
    node.guest("bbbb", "bob", 0).unwrap();
    node.close(1, 0);
    let never = Vec::<Uid>::new();
    assert_eq!(node.names.forget(&node.presence, Ts(30 * DAY)), never);
    let forgotten = node.names.forget(&node.presence, Ts(30 * DAY + 1));
    assert_eq!(forgotten, [uid("aaaa")], "bob is still here");
    assert_eq!(node.names.name_of(&uid("aaaa")), None);
    assert_eq!(node.names.by_key.len(), 1);
}

#[test]
fn past_the_limit_those_not_seen_for_longest_are_forgotten() {
    let record = |n: usize| UserRecord {
        uid: uid(&format!("u{n:07}")),
        name: name(&format!("guest{n}")),
        claimed_at: Ts(0),
        last_seen: Ts(n as i64),
    };
    let mut names = Names::new((0..100).map(record));
    let presence = Presence::new("n1", 1);
    let none = Vec::<Uid>::new();
    assert_eq!(names.forget_past(100, &presence, Ts(0)), none);
    names.merge(&record(100), Ts(0));
    assert_eq!(names.forget_past(100, &presence, Ts(0)), [record(0).uid]);
}

#[test]
fn a_thousand_users_of_one_name_all_get_a_suggestion_that_is_free() {
    let mut node = Node::new("n1");
    node.guest("aaaa0000", "bot", 0).unwrap();
    for n in 1..1000 {
        let id = format!("aaaa{n:04}");
        let suggestion = node.guest(&id, "bot", 0).unwrap_err().suggestion.unwrap();
        node.guest(&id, &suggestion, 0).unwrap();
    }
    let long = "x".repeat(32);
    node.guest("bbbb0000", &long, 0).unwrap();
    let suggestion = node.guest("bbbb0001", &long, 0).unwrap_err().suggestion;
    assert_eq!(suggestion.unwrap(), format!("{}-2", "x".repeat(30)));
}

#[test]
fn a_new_uid_has_twelve_letters_and_digits_and_all_sixty_bits() {
    assert_eq!(new_uid([0; 8]).as_str(), "aaaaaaaaaaaa");
    assert_eq!(new_uid([255; 8]).as_str(), "777777777777");
    assert_ne!(new_uid([1, 0, 0, 0, 0, 0, 0, 0]), new_uid([0; 8]));
    assert_ne!(new_uid([0, 0, 0, 0, 0, 0, 0, 8]), new_uid([0; 8]));
}

/// Every node hears every other.
fn exchange(nodes: &mut [Node; 3], now: i64) {
    for from in 0..3 {
        for to in 0..3 {
            if from != to {
                let parts = nodes[from].presence.our_snapshot();
                for part in parts {
                    let node = format!("n{}", from + 1);
                    nodes[to].presence.snapshot(&node, part, Ts(now));
                }
            }
        }
    }
}

#[test]
fn a_brief_sessions_name_is_kept_for_nobody_on_any_node() {
    let mut node = Node::new("n1");
    let first = node.brief("aaaa", "cron", 0).unwrap();
    // At once, as after a restart of whatever knew the token.
    let second = node.brief("bbbb", "cron", 1).unwrap();
    assert_eq!(second.name, first.name);
    // By gossip, and from the store.
    let mut other = Node::new("n2");
    other.names = Names::new([first.clone()]);
    other.names.merge(&second, Ts(2));
    assert!(other.brief("cccc", "cron", 3).is_ok());
    assert!(other.guest("dddd", "cron", 4).is_ok());
    // A message to the name still finds its user, and history its name.
    assert_eq!(node.names.name_of(&uid("aaaa")), Some(&name("cron")));
    let found = node.names.resolve(&name("cron"), &node.presence);
    assert_eq!(found, Some(uid("bbbb")));
}

#[test]
fn a_brief_session_takes_no_name_that_is_anothers() {
    let mut node = Node::new("n1");
    node.guest("aaaa", "alice", 0).unwrap();
    let taken = |node: &mut Node, now| {
        let refusal = node.brief("bbbb", "alice", now).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::NameTaken);
    };
    taken(&mut node, 1);
    node.close(1, 2);
    taken(&mut node, 2 + NAME_KEPT_US);
    assert!(node.brief("bbbb", "alice", 3 + NAME_KEPT_US).is_ok());
}

#[test]
fn a_name_that_has_gone_to_somebody_is_no_longer_the_brief_sessions() {
    let mut node = Node::new("n1");
    node.brief("aaaa", "cron", 0).unwrap();
    let free = |node: &Node, now| node.names.still_free(&uid("aaaa"), &node.presence, Ts(now));
    assert_eq!(free(&node, 1), Ok(()));
    node.guest("bbbb", "cron", 2).unwrap();
    assert_eq!(free(&node, 3).unwrap_err().code, ErrorCode::NameTaken);
}

#[test]
fn a_brief_session_by_token_neither_keeps_nor_ends_the_keeping_of_the_name() {
    let mut node = Node::new("n1");
    let record = node.guest("aaaa", "alice", 0).unwrap();
    node.close(1, 5 * MINUTE);
    let token = TokenUser {
        uid: record.uid,
        name: record.name,
        claimed_at: record.claimed_at,
        issued_at: Ts(0),
    };
    let briefly = |node: &mut Node, now| {
        node.names
            .reclaim(&token, None, Stay::Brief, &node.presence, Ts(now))
            .unwrap()
    };
    assert_eq!(briefly(&mut node, 6 * MINUTE).last_seen, Ts(5 * MINUTE));
    assert!(node.guest("bbbb", "alice", 15 * MINUTE).is_err());
    briefly(&mut node, 15 * MINUTE);
    assert!(node.guest("bbbb", "alice", 15 * MINUTE + 1).is_ok());
}
