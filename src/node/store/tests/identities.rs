//! Messages are known by `(uid, nonce)`, whether the table has them yet or memory.

use super::*;
use crate::node::store::folder::LOG_FILE;
use crate::node::store::simulated::{Disk, Running};

/// A store that puts messages into the table after a few, and one or two at a time.
fn start(disk: &Disk) -> Running {
    disk.start("n1", Arc::new(ManualClock::at(START)))
}

fn message(n: usize) -> Deed {
    let by = if n.is_multiple_of(2) { ALICE } else { BOB };
    deed(by, &format!("n{n}"), said(&format!("message {n}")))
}

fn message_id(n: usize) -> MessageId {
    let Deed { uid, nonce, .. } = message(n);
    MessageId::new(&uid, &nonce)
}

fn store(running: &mut Running, n: usize) -> Placed {
    running.begin();
    let (placed, _) = running.submit(message(n)).unwrap();
    running.commit();
    placed
}

/// Every message is where it was placed, for its writer as for a reader.
fn check(running: &mut Running, places: &[Placed], reader: &Reader) {
    running.begin();
    for (n, placed) in places.iter().enumerate() {
        let (again, appended) = running.submit(message(n)).unwrap();
        assert!(again.repeated && appended.is_none(), "message {n}");
        assert_eq!(again.place, placed.place, "message {n}");
    }
    running.roll_back();
    reader
        .at_one_moment(|reader| {
            for (n, placed) in places.iter().enumerate() {
                let message = reader.message(&message_id(n)).unwrap();
                let message = message.unwrap_or_else(|| panic!("no message {n}"));
                assert_eq!(message.seq, placed.place.seq);
            }
            assert_eq!(reader.message(&message_id(places.len())), Ok(None));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_message_is_known_before_and_after_the_table_has_it() {
    let disk = Disk::new();
    let mut running = start(&disk);
    let reader = disk.reader();
    let (mut places, mut seen) = (Vec::new(), Vec::new());
    for n in 0..40 {
        places.push(store(&mut running, n));
        seen.push(running.recent_identities());
        if n % 8 == 7 {
            // Its rollback has what is in memory read again.
            check(&mut running, &places, &reader);
        }
    }
    assert!(seen.iter().any(|(_, merging)| *merging), "{seen:?}");
    let most = seen.iter().map(|(recent, _)| *recent).max();
    assert!(most < Some(16), "{seen:?}");
}

#[test]
fn a_process_that_is_killed_between_two_slices_knows_all_afterwards() {
    let disk = Disk::new();
    let mut running = start(&disk);
    let reader = disk.reader();
    let (mut places, mut kills) = (Vec::new(), 0);
    for n in 0..60 {
        places.push(store(&mut running, n));
        if running.recent_identities().1 && n % 3 == 0 {
            kills += 1;
            drop(running);
            running = start(&disk);
            check(&mut running, &places, &reader);
        }
    }
    assert!(kills > 3, "{kills}");
}

#[test]
fn a_process_that_is_killed_soon_each_time_does_not_leave_more_and_more_to_the_next() {
    let disk = Disk::new();
    let mut most = 0;
    for life in 0..40 {
        let mut running = start(&disk);
        for n in 0..2 {
            store(&mut running, 2 * life + n);
        }
        most = most.max(running.recent_identities().0);
    }
    assert!((5..16).contains(&most), "{most}");
}

#[test]
fn a_slice_that_was_not_committed_is_put_in_again() {
    let disk = Disk::new();
    let mut running = start(&disk);
    let reader = disk.reader();
    let (mut places, mut vain) = (Vec::new(), 0);
    for n in 0..60 {
        if running.recent_identities().0 >= 5 {
            vain += 1;
            running.begin();
            running.submit(message(1_000)).unwrap();
            running.commit_in_vain();
            check(&mut running, &places, &reader);
        }
        places.push(store(&mut running, n));
    }
    assert!(vain > 3, "{vain}");
    drop(running);
    check(&mut start(&disk), &places, &reader);
}

#[test]
fn the_smallest_place_stands_on_whichever_side_of_the_table_it_comes() {
    // The second place of each message comes so many messages after its first.
    for distance in [1, 3, 6, 9, 20] {
        let disk = Disk::new();
        let mut running = start(&disk);
        let reader = disk.reader();
        let mut peers = Peers::default();
        let mut stands = Vec::new();
        for n in 0..60 {
            stands.push(store(&mut running, n).place);
            if let Some(other) = n.checked_sub(distance) {
                // Every second message was accepted earlier by the peer.
                let earlier = other % 4 < 2;
                let event = peers.event(other, stands[other].ts, earlier);
                running.begin();
                let (_, committed) = running.ingest(vec![event.clone()]);
                running.commit();
                assert_eq!(
                    matches!(committed[0].outcome, Outcome::Moved(_)),
                    earlier,
                    "distance {distance}, message {other}: {:?}",
                    committed[0].outcome
                );
                if earlier {
                    stands[other] = place(&event);
                }
            }
            if n % 20 == 19 {
                drop(running);
                running = start(&disk);
            }
            for (n, place) in stands.iter().enumerate() {
                let message = reader.message(&message_id(n)).unwrap().unwrap();
                let found = (&message.origin, message.seq);
                assert_eq!(found, (&place.origin, place.seq), "message {n}");
            }
        }
        let held = reader.held().unwrap();
        let all = reader.newest(&lobby(), 200, &held).unwrap().messages;
        assert_eq!(all.len(), 60, "each once");
        let missed = reader.since(&lobby(), &VersionVector::new(), 200, &held);
        assert_eq!(missed.unwrap().messages, all);
    }
}

/// Other nodes, to which the same messages were sent: one whose times are all earlier, one whose are
/// later.
#[derive(Default)]
struct Peers {
    earlier: u64,
    later: u64,
}

impl Peers {
    /// Message `n`, which has the time `here` on this node, as one of them has it.
    fn event(&mut self, n: usize, here: Ts, earlier: bool) -> Arc<Event> {
        let (origin, seq) = if earlier {
            ("n2-earlier", &mut self.earlier)
        } else {
            ("n3-later", &mut self.later)
        };
        *seq += 1;
        let ts = if earlier {
            Ts(START.0 - 1_000_000 + *seq as i64)
        } else {
            Ts(here.0 + 1)
        };
        let Deed {
            room,
            uid,
            name,
            nonce,
            body,
            ..
        } = message(n);
        Arc::new(Event {
            origin: Origin::parse(origin).unwrap(),
            seq: *seq,
            ts,
            room,
            uid,
            name,
            nonce,
            body,
        })
    }
}

fn place(event: &Event) -> crate::protocol::server::Place {
    crate::protocol::server::Place {
        ts: event.ts,
        origin: event.origin.clone(),
        seq: event.seq,
    }
}

#[test]
fn a_reader_sees_the_same_while_messages_go_into_the_table() {
    let disk = Disk::new();
    let mut running = start(&disk);
    let places: Vec<Placed> = (0..5).map(|n| store(&mut running, n)).collect();
    let reader = disk.reader();
    reader
        .at_one_moment(|reader| {
            for n in 5..30 {
                // The first question of all fixes the moment, and is about what memory has.
                for (n, placed) in places.iter().enumerate() {
                    let message = reader.message(&message_id(n)).unwrap().unwrap();
                    assert_eq!(message.seq, placed.place.seq);
                }
                assert_eq!(reader.message(&message_id(n)), Ok(None));
                store(&mut running, n);
            }
            Ok(())
        })
        .unwrap();
    let later = reader.at_one_moment(|reader| reader.message(&message_id(29)));
    assert!(later.unwrap().is_some());
}

#[tokio::test]
async fn a_log_of_the_first_version_opens_and_knows_its_messages() {
    let mut story = Story::begin("n1");
    let first = story.say("one").await;
    let target = id(ALICE, "one");
    let edit = deed(ALICE, "edit", edited(&target, "uno"));
    story.do_it(edit).await.unwrap();
    story.store.close().await;
    let log = story.dir.path().join(LOG_FILE);
    let conn = rusqlite::Connection::open(&log).unwrap();
    conn.execute_batch("ALTER TABLE origins DROP COLUMN identified; PRAGMA user_version = 1;")
        .unwrap();
    let known: i64 = conn
        .query_row("SELECT count(*) FROM identity", [], |row| row.get(0))
        .unwrap();
    assert_eq!(known, 1, "closing has put all into the table");
    drop(conn);

    let mut story = story.restart("n1").await;
    let again = story.do_it(deed(ALICE, "one", said("one"))).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.place, first.place);
    story.say("two").await;
    let mut story = story.restart("n1").await;
    assert!(story.say("two").await.repeated);
    assert_eq!(story.texts(), ["uno", "two"]);
}

#[tokio::test]
async fn what_a_start_reads_again_stays_bounded_whatever_is_written() {
    let story = Story::begin("n1");
    let Story {
        store,
        mut commits,
        dir,
        ..
    } = story;
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let conn = schema::open_reader(&dir.path().join(LOG_FILE)).unwrap();
    let behind = || -> i64 {
        let sql = "SELECT sum((SELECT max(seq) FROM events e WHERE e.oid = o.oid) - identified)
                   FROM origins o WHERE EXISTS (SELECT 1 FROM events e WHERE e.oid = o.oid)";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let target = id(ALICE, "0-0");
    let mut most = 0;
    for round in 0..60 {
        let deeds = (0..300).map(|n| {
            let nonce = format!("{round}-{n}");
            match round {
                0..30 => deed(ALICE, &nonce, said("hello")),
                _ => deed(BOB, &nonce, reacted(&target, "👍", n % 2 == 0)),
            }
        });
        store.submit_all(deeds.collect()).await.unwrap();
        most = most.max(behind());
    }
    assert!((4_000..8_000).contains(&most), "{most}");
    store.close().await;
    assert_eq!(behind(), 0);
    drain.await.unwrap();
}
