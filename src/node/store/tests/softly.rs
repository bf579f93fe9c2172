//! Soft state: rooms, names and read markers, as nodes tell each other of them.

use proptest::prelude::*;

use super::*;
use crate::protocol::Seq;
use crate::protocol::presence::UserRecord;

fn user(uid: &str, name: &str, claimed_at: i64, last_seen: i64) -> SoftRow {
    SoftRow::User(UserRecord {
        uid: Uid::parse(uid).unwrap(),
        name: UserName::parse(name).unwrap(),
        claimed_at: Ts(claimed_at),
        last_seen: Ts(last_seen),
    })
}

fn read(by: &str, origin: &str, seq: Seq) -> SoftRow {
    SoftRow::Read {
        uid: uid(by),
        room: lobby(),
        origin: Origin::parse(origin).unwrap(),
        seq,
    }
}

fn room(name: &str) -> SoftRow {
    SoftRow::Room {
        room: RoomName::parse(name).unwrap(),
    }
}

impl Story {
    async fn merge(&self, rows: Vec<SoftRow>) -> Vec<SoftRow> {
        self.store.merge_soft(rows).await.unwrap()
    }

    fn soft_since(&self, rev: u64, limit: usize) -> SoftPage {
        let page = self
            .store
            .read_blocking(|reader| reader.soft_since(rev, limit));
        page.unwrap()
    }
}

#[tokio::test]
async fn only_news_is_returned_and_raises_the_rev() {
    let story = Story::begin("n1");
    let mut rev = story.store.soft_rev();
    let rows = vec![
        room("ops"),
        user(ALICE, "alice", 5, 5),
        read(ALICE, "n2-x", 7),
    ];
    assert_eq!(story.merge(rows.clone()).await, rows);
    assert!(rev.has_changed().unwrap());
    assert_eq!(*rev.borrow_and_update(), 3);
    assert!(story.merge(rows.clone()).await.is_empty());
    assert!(story.merge(vec![read(ALICE, "n2-x", 6)]).await.is_empty());
    assert!(!rev.has_changed().unwrap());
    let page = story.soft_since(0, 10);
    assert_eq!((page.rows, page.rev, page.more), (rows, 3, false));
}

#[tokio::test]
async fn a_peer_asks_for_what_has_changed_since_it_asked_last() {
    let story = Story::begin("n1");
    story
        .merge(vec![room("a"), room("b"), user(BOB, "bob", 1, 1)])
        .await;
    let first = story.soft_since(0, 2);
    assert_eq!((first.rows.len(), first.more), (2, true));
    let second = story.soft_since(first.rev, 2);
    assert_eq!((second.rows.len(), second.more), (1, false));
    story.merge(vec![user(BOB, "bob", 1, 9)]).await;
    let third = story.soft_since(second.rev, 2);
    assert_eq!(third.rows, [user(BOB, "bob", 1, 9)]);
    let story = story.restart("n1").await;
    assert_eq!(story.soft_since(third.rev, 2).rows.len(), 0);
    story.merge(vec![room("c")]).await;
    assert_eq!(story.soft_since(third.rev, 2).rows, [room("c")]);
}

#[tokio::test]
async fn the_latest_claim_of_a_name_and_the_latest_sight_count() {
    let story = Story::begin("n1");
    story.merge(vec![user(BOB, "bob", 10, 50)]).await;
    story
        .merge(vec![
            user(BOB, "robert", 20, 40),
            user(ALICE, "alice", 1, 1),
        ])
        .await;
    story.merge(vec![user(BOB, "bob", 15, 45)]).await;
    let named = |name: &str| {
        let key = UserName::parse(name).unwrap().key();
        let found = story.store.read_blocking(|reader| reader.users_named(&key));
        found
            .unwrap()
            .into_iter()
            .map(|user| user.uid)
            .collect::<Vec<_>>()
    };
    assert_eq!((named("ROBERT"), named("bob")), (vec![uid(BOB)], vec![]));
    let bob = story.store.read_blocking(|reader| reader.user(&uid(BOB)));
    assert_eq!(bob.unwrap().unwrap().last_seen, Ts(50));
}

#[tokio::test]
async fn a_read_marker_is_the_greatest_of_each_origin() {
    let story = Story::begin("n1");
    let said = vec![
        read(ALICE, "n1-x", 5),
        read(ALICE, "n2-x", 3),
        read(ALICE, "n1-x", 4),
    ];
    story.merge(said).await;
    let marker = |by: &str| {
        let found = story
            .store
            .read_blocking(|reader| reader.read_marker(&uid(by), &lobby()));
        found.unwrap()
    };
    let vector = [("n1-x", 5), ("n2-x", 3)].map(|(o, seq)| (Origin::parse(o).unwrap(), seq));
    assert_eq!(marker(ALICE), vector.into_iter().collect());
    assert!(marker(BOB).is_empty());
    let exists = story
        .store
        .read_blocking(|reader| reader.room_exists(&lobby()));
    assert!(!exists.unwrap(), "a marker makes no room");
}

fn rows() -> impl Strategy<Value = Vec<SoftRow>> {
    let row = (0..4u8, any::<bool>(), 0..4i64, 0..4i64).prop_map(|(what, first, a, b)| {
        let who = if first { ALICE } else { BOB };
        match what {
            0 => room(["a", "b", "c", "d"][a as usize]),
            1 => read(who, ["n1-x", "n2-x"][(b % 2) as usize], a as u64),
            _ => user(
                who,
                ["ann", "ben", "cid", "dee"][b as usize],
                a,
                (a * b) % 5,
            ),
        }
    });
    prop::collection::vec(row, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_same_facts_in_any_order_make_the_same_state(rows in rows(), seed: u64) {
        let mut shuffled = rows.clone();
        // Fisher and Yates, with what the seed gives.
        let mut state = seed | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (one, other) = runtime.block_on(async {
            let (a, b) = (Story::begin("a"), Story::begin("b"));
            a.merge(rows).await;
            b.merge(shuffled).await;
            // And b tells a all it has, which is no news.
            let told = a.merge(b.soft_since(0, 100).rows).await;
            assert!(told.is_empty(), "{told:?}");
            let sorted = |story: &Story| {
                let mut all: Vec<String> = story.soft_since(0, 100).rows.iter().map(|r| format!("{r:?}")).collect();
                all.sort();
                all
            };
            (sorted(&a), sorted(&b))
        });
        prop_assert_eq!(one, other);
    }
}
