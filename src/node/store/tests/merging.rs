//! Events of other nodes: any order and any repetition end in one state.

use proptest::prelude::*;

use super::*;
use crate::protocol::VersionVector;
use crate::protocol::server::MessageUpdate;

/// An event of the origin `n<node>-x`; its place is said by the story.
pub(super) fn event(node: u8, seq: u64, ts: i64, by: &str, nonce: &str, body: Body) -> Arc<Event> {
    let Deed {
        room, uid, name, ..
    } = deed(by, nonce, said("x"));
    Arc::new(Event {
        origin: Origin::parse(&format!("n{node}-x")).unwrap(),
        seq,
        ts: Ts(START.0 + ts),
        room,
        uid,
        name,
        nonce: Nonce::parse(nonce).unwrap(),
        body,
    })
}

impl Story {
    /// Takes in events and says what is to be shown of each.
    async fn hear(&mut self, events: Vec<Arc<Event>>) -> Vec<Outcome> {
        self.committed();
        self.store.ingest(events).await.unwrap();
        self.committed().into_iter().map(|c| c.outcome).collect()
    }

    fn dump(&self) -> String {
        self.store.read_blocking(|reader| reader.dump()).unwrap()
    }
}

#[tokio::test]
async fn a_peers_events_are_stored_and_shown_like_ones_own() {
    let mut one = Story::begin("n1");
    let mut two = Story::begin("n2");
    let id = one.say("hello").await.id;
    one.do_it(deed(ALICE, "e", edited(&id, "hello!")))
        .await
        .unwrap();
    let report = two.store.ingest(one.log()).await.unwrap();
    assert_eq!(
        (report.held, report.stored, report.gaps.len()),
        (one.store.held(), 2, 0)
    );
    assert_eq!(one.dump(), two.dump());
    assert!(two.committed().iter().all(|c| !c.local));
    let again = two.hear(one.log()).await;
    assert!(again.is_empty(), "what is held is passed over: {again:?}");
}

#[tokio::test]
async fn who_does_not_wait_for_what_it_has_stored_is_told_once_it_is() {
    let (mut one, two) = (Story::begin("n1"), Story::begin("n2"));
    one.say("hello").await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let held = two.store.clone();
    let handed = two.store.ingest_and_tell(one.log(), move |report| {
        // What is counted as a copy by now is committed.
        let _ = tell.send((report, held.held()));
    });
    handed.unwrap();
    let (report, held) = told.await.unwrap();
    assert_eq!(report.unwrap().stored, 1);
    assert_eq!(held, one.store.held());
    assert_eq!(two.texts(), ["hello"]);
    two.store.close().await;
    let refused = two.store.ingest_and_tell(one.log(), |_| {});
    assert_eq!(refused.unwrap_err(), one.log(), "nobody is told");
}

#[tokio::test]
async fn an_origins_events_are_taken_in_order_and_without_gaps() {
    let mut story = Story::begin("n1");
    let events: Vec<_> = (1..=4u64)
        .map(|n| event(2, n, n as i64, BOB, &n.to_string(), said("x")))
        .collect();
    let ahead = vec![events[0].clone(), events[2].clone(), events[3].clone()];
    let report = story.store.ingest(ahead).await.unwrap();
    let origin = events[0].origin.clone();
    assert_eq!(
        (report.held.get(&origin), report.stored, &report.gaps),
        (1, 1, &vec![origin.clone()])
    );
    let report = story.store.ingest(events).await.unwrap();
    assert_eq!(
        (report.held.get(&origin), report.stored, report.gaps),
        (4, 3, vec![])
    );
    assert_eq!(story.committed().len(), 4);
}

#[tokio::test]
async fn a_message_accepted_on_two_nodes_stands_at_the_smaller_place() {
    let mut story = Story::begin("n1");
    let later = event(2, 1, 200, BOB, "n", said("once"));
    let sooner = event(3, 1, 100, BOB, "n", said("once"));
    let shown = story.hear(vec![later.clone(), sooner.clone()]).await;
    let [Outcome::Message(first), Outcome::Moved(second)] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    assert_eq!((&first.id, first.ts), (&second.id, later.ts));
    assert_eq!((second.ts, &second.origin), (sooner.ts, &sooner.origin));
    assert_eq!(story.texts(), ["once"]);

    let mut other = Story::begin("n4");
    let shown = other.hear(vec![sooner, later]).await;
    assert!(matches!(
        shown.as_slice(),
        [Outcome::Message(_), Outcome::Hidden]
    ));
    assert_eq!(story.dump(), other.dump());
}

#[tokio::test]
async fn at_the_same_time_the_origins_name_decides() {
    let mut story = Story::begin("n1");
    // Heard of in the other order, so that the numbers of this file say otherwise.
    let shown = story
        .hear(vec![
            event(3, 1, 100, BOB, "n", said("once")),
            event(3, 2, 101, BOB, "m", said("b")),
            event(2, 1, 100, BOB, "n", said("once")),
            event(2, 2, 101, ALICE, "m", said("a")),
        ])
        .await;
    assert!(matches!(shown[2], Outcome::Moved(_)), "{shown:?}");
    assert_eq!(story.texts(), ["once", "a", "b"]);
}

#[tokio::test]
async fn updates_wait_for_their_message() {
    let mut story = Story::begin("n1");
    let id = id(BOB, "n");
    let shown = story
        .hear(vec![
            event(2, 1, 200, BOB, "e", edited(&id, "new")),
            event(2, 2, 201, ALICE, "r", reacted(&id, "👍", true)),
        ])
        .await;
    // Who has the message from another node is told of the edit; of reactions this node has not all.
    let [Outcome::Early(update), Outcome::Hidden] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    assert_eq!((&update.id, update.seq, update.deleted), (&id, 1, false));
    assert_eq!(update.text.as_deref(), Some("new"));
    assert_eq!(update.edited, Some(update.ts));
    let shown = story
        .hear(vec![event(3, 1, 100, BOB, "n", said("old"))])
        .await;
    let [Outcome::Message(view)] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    assert_eq!(view.text.as_deref(), Some("new"));
    assert_eq!(view.reactions["👍"], ["alice"]);
}

#[tokio::test]
async fn whoever_read_a_message_elsewhere_is_told_what_has_become_of_it() {
    let mut story = Story::begin("n1");
    let (edited_id, deleted_id) = (id(BOB, "n"), id(BOB, "m"));
    let shown = story
        .hear(vec![
            event(2, 1, 200, BOB, "e1", edited(&edited_id, "first")),
            event(2, 2, 201, BOB, "e3", edited(&edited_id, "last")),
            event(3, 1, 200, BOB, "e2", edited(&edited_id, "between")),
            event(2, 3, 202, BOB, "d", deleted(&deleted_id)),
            event(2, 4, 203, BOB, "e4", edited(&deleted_id, "too late")),
            event(2, 5, 204, ALICE, "e5", edited(&deleted_id, "forged")),
            event(2, 6, 205, ALICE, "r", reacted(&deleted_id, "👍", true)),
        ])
        .await;
    let told = |update: &MessageUpdate| (update.seq, update.text.clone(), update.deleted);
    let live = shown.iter().map(|outcome| match outcome {
        Outcome::Early(update) => Some(told(update)),
        outcome => {
            assert_eq!(*outcome, Outcome::Hidden);
            None
        }
    });
    let text = |text: &str| Some(text.to_owned());
    let last = (2, text("last"), false);
    let gone = (3, None, true);
    let first = Some((1, text("first"), false));
    assert_eq!(
        live.collect::<Vec<_>>(),
        [
            first,
            Some(last.clone()),
            None,
            Some(gone.clone()),
            None,
            None,
            None
        ]
    );
    // Who comes back is told what it comes to, a page at a time, and once.
    let held = story.store.held();
    let (mut since, mut paged) = (VersionVector::new(), Vec::new());
    loop {
        let page = story
            .store
            .read_blocking(|reader| reader.since(&lobby(), &since, 1, &held))
            .unwrap();
        paged.extend(page.updates.iter().map(told));
        since = page.since;
        if !page.more {
            break;
        }
    }
    assert_eq!(paged, [last.clone(), gone.clone()]);
    // So is who was too slow for live lines.
    let replay = story
        .store
        .read_blocking(|reader| reader.replay(&lobby(), &VersionVector::new(), 100, &held))
        .unwrap();
    let replayed = replay.items.iter().map(|item| match &item.outcome {
        Outcome::Early(update) => told(update),
        outcome => panic!("{outcome:?}"),
    });
    assert_eq!(replayed.collect::<Vec<_>>(), [last, gone]);
}

#[tokio::test]
async fn a_message_that_is_being_shown_live_is_not_given_with_its_edit_as_well() {
    let mut story = Story::begin("n1");
    let id = id(BOB, "n");
    story
        .hear(vec![event(2, 1, 200, BOB, "e", edited(&id, "new"))])
        .await;
    let shown = story.store.held();
    story
        .hear(vec![event(3, 1, 100, BOB, "n", said("old"))])
        .await;
    let page = |since: &VersionVector, up_to: &VersionVector| {
        let read = |reader: &Reader| reader.since(&lobby(), since, 10, up_to);
        let page = story.store.read_blocking(read).unwrap();
        (page.messages.len(), page.updates.len())
    };
    let (nothing, all) = (VersionVector::new(), story.store.held());
    assert_eq!(page(&nothing, &shown), (0, 1));
    assert_eq!(page(&nothing, &all), (1, 0));
    assert_eq!(page(&shown, &all), (1, 0));
    // Who has read it elsewhere gets all of it.
    let elsewhere = all.iter().filter(|(origin, _)| !shown.covers(origin, 1));
    let elsewhere = elsewhere
        .map(|(origin, seq)| (origin.clone(), seq))
        .collect();
    assert_eq!(page(&elsewhere, &shown), (1, 0));
}

#[tokio::test]
async fn the_latest_edit_counts_and_a_deletion_is_final() {
    let mut story = Story::begin("n1");
    let id = id(BOB, "n");
    let shown = story
        .hear(vec![
            event(2, 1, 100, BOB, "n", said("first")),
            event(2, 2, 300, BOB, "e3", edited(&id, "third")),
            event(3, 1, 200, BOB, "e2", edited(&id, "second")),
        ])
        .await;
    assert_eq!(shown[2], Outcome::Hidden, "it was outdone before it came");
    assert_eq!(story.texts(), ["third"]);
    let shown = story
        .hear(vec![
            event(3, 2, 250, BOB, "d", deleted(&id)),
            event(2, 3, 400, BOB, "e4", edited(&id, "fourth")),
        ])
        .await;
    assert!(matches!(
        shown[0],
        Outcome::Updated {
            kind: UpdateKind::Delete,
            ..
        }
    ));
    assert_eq!(shown[1], Outcome::Hidden);
    assert_eq!(story.texts(), ["(deleted)"]);
}

#[tokio::test]
async fn what_somebody_else_does_to_a_message_changes_nothing() {
    let mut story = Story::begin("n1");
    let id = id(BOB, "n");
    let shown = story
        .hear(vec![
            event(2, 1, 100, BOB, "n", said("bob's")),
            event(2, 2, 200, ALICE, "e", edited(&id, "forged")),
            event(2, 3, 300, ALICE, "d", deleted(&id)),
        ])
        .await;
    assert_eq!(shown[1..], [Outcome::Hidden, Outcome::Hidden]);
    assert_eq!(story.texts(), ["bob's"]);
}

#[tokio::test]
async fn a_message_is_late_when_it_comes_long_after_its_time_behind_newer_ones() {
    let mut story = Story::begin("n1");
    story.clock.set(Ts(START.0 + 10_000_000));
    story.say("newer").await;
    let now = story.clock.now().0 - START.0;
    let late = |outcome: &Outcome| matches!(outcome, Outcome::Message(view) if view.late);
    let shown = story
        .hear(vec![
            event(2, 1, now - 5_000_001, BOB, "1", said("late")),
            event(2, 2, now - 5_000_000, BOB, "2", said("just in time")),
        ])
        .await;
    assert!(late(&shown[0]) && !late(&shown[1]), "{shown:?}");
    let flags: Vec<bool> = story.newest(9).messages.iter().map(|m| m.late).collect();
    assert_eq!(flags, [true, false, false], "history says so too");

    let mut quiet = Story::begin("n3");
    quiet.clock.set(Ts(START.0 + 10_000_000));
    let shown = quiet.hear(vec![event(2, 1, 0, BOB, "1", said("x"))]).await;
    assert!(!late(&shown[0]), "nothing newer is in the room");
}

#[tokio::test]
async fn one_message_an_hour_ahead_does_not_drag_the_clock_and_is_stored_in_its_place() {
    let mut story = Story::begin("n1");
    story
        .hear(vec![event(2, 1, 3_600_000_000, BOB, "1", said("ahead"))])
        .await;
    let placed = story.say("now").await;
    assert_eq!(placed.place.ts, story.clock.now());
    assert_eq!(story.texts(), ["now", "ahead"]);
    let mut story = story.restart("n1").await;
    let placed = story.say("still now").await;
    assert_eq!(placed.place.ts, story.clock.now());
}

#[tokio::test]
async fn what_was_heard_is_before_what_is_said_after_a_restart_too() {
    let mut story = Story::begin("n1");
    let heard = event(2, 1, 9_000_000, BOB, "1", said("ahead, but not by much"));
    story.hear(vec![heard.clone()]).await;
    let mut story = story.restart("n1").await;
    let placed = story.say("after").await;
    assert_eq!(placed.place.ts.0, heard.ts.0 + 1);
}

/// What one user does, with few users, messages and nonces, so that much of it collides.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) node: u8,
    pub(super) gap: i64,
    pub(super) by: bool,
    pub(super) nonce: u8,
    pub(super) target: (bool, u8),
    pub(super) what: u8,
}

pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (
        0..3u8,
        1..4i64,
        any::<bool>(),
        0..4u8,
        (any::<bool>(), 0..4u8),
        0..8u8,
    );
    let act = act.prop_map(|(node, gap, by, nonce, target, what)| Act {
        node,
        gap,
        by,
        nonce,
        target,
        what,
    });
    prop::collection::vec(act, 1..40)
}

/// The logs of three origins.
fn logs(acts: &[Act]) -> Vec<Vec<Arc<Event>>> {
    let mut logs: Vec<Vec<Arc<Event>>> = vec![vec![], vec![], vec![]];
    let user = |first: bool| if first { ALICE } else { BOB };
    for act in acts {
        let log = &mut logs[usize::from(act.node)];
        let ts = log.last().map_or(0, |last| last.ts.0 - START.0) + act.gap;
        let target = id(user(act.target.0), &act.target.1.to_string());
        let body = match act.what {
            0..=2 => said(&format!("{} says {}", act.node, act.gap)),
            3 => edited(&target, &format!("{} edits {}", act.node, act.gap)),
            4 => deleted(&target),
            5 | 6 => reacted(&target, "👍", act.what == 5),
            _ => Body::Topic {
                topic: format!("topic {}", act.gap),
            },
        };
        let (seq, nonce) = (log.len() as u64 + 1, act.nonce.to_string());
        let mut event = event(act.node, seq, ts, user(act.by), &nonce, body);
        if act.gap == 3 && act.what < 2 {
            // Now and then the same nonce goes to another room.
            Arc::make_mut(&mut event).room = RoomKey::Room(RoomName::parse("ops").unwrap());
        }
        log.push(event);
    }
    logs
}

/// The logs in some order that keeps each origin's, with repetitions.
pub(super) fn interleaved(
    logs: &[Vec<Arc<Event>>],
    picks: &[prop::sample::Index],
) -> Vec<Arc<Event>> {
    let mut next = vec![0; logs.len()];
    let mut all = Vec::new();
    for turn in 0.. {
        if next.iter().zip(logs).all(|(next, log)| *next == log.len()) {
            break;
        }
        // Shifted with each round, so that every log has its turn at last.
        let (round, at) = (turn / picks.len(), turn % picks.len());
        let at = (picks[at].index(logs.len()) + round) % logs.len();
        if next[at] < logs[at].len() {
            all.push(logs[at][next[at]].clone());
            next[at] += 1;
        } else if let Some(event) = logs[at].first() {
            all.push(event.clone());
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_same_events_in_any_order_make_the_same_state(
        acts in acts(),
        one in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
        other in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
        batch in 1..10usize,
    ) {
        let logs = logs(&acts);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dumps = runtime.block_on(async {
            let (a, b) = (Story::begin("a"), Story::begin("b"));
            a.store.ingest(interleaved(&logs, &one)).await.unwrap();
            for some in interleaved(&logs, &other).chunks(batch) {
                b.store.ingest(some.to_vec()).await.unwrap();
            }
            (a.dump(), b.dump())
        });
        prop_assert_eq!(dumps.0, dumps.1);
    }
}
