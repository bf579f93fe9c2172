//! Pages of history, what was missed, and lists.

use super::*;
use crate::protocol::MessageId;

impl Story {
    async fn say_many(&mut self, count: usize) -> Vec<MessageId> {
        let texts = (0..count).map(|n| n.to_string());
        let deeds = texts.map(|text| deed(ALICE, &text, said(&text))).collect();
        self.do_all(deeds).await
    }

    /// In one transaction.
    async fn do_all(&mut self, deeds: Vec<Deed>) -> Vec<MessageId> {
        self.clock.advance_us(1_000_000);
        let placed = self.store.submit_all(deeds).await.unwrap();
        self.committed();
        placed.into_iter().map(|p| p.unwrap().id).collect()
    }

    fn since(&self, since: &VersionVector, limit: usize) -> SincePage {
        let held = self.store.held();
        let page = self
            .store
            .read_blocking(|reader| reader.since(&lobby(), since, limit, &held));
        page.unwrap()
    }

    /// Reads on page by page to the end; the messages' ids in the order in which they came.
    fn catch_up(&self, mut since: VersionVector, limit: usize) -> Vec<MessageId> {
        let mut ids = Vec::new();
        for _ in 0..1_000 {
            let page = self.since(&since, limit);
            assert!(
                page.since.includes(&since) && page.messages.len() <= limit,
                "{page:?}"
            );
            ids.extend(page.messages.into_iter().map(|m| m.id));
            since = page.since;
            if !page.more {
                assert_eq!(since, self.store.held());
                return ids;
            }
        }
        panic!("it does not come to an end");
    }

    fn before(&self, ts: Ts, limit: usize) -> Page {
        let held = self.store.held();
        let page = self
            .store
            .read_blocking(|reader| reader.before(&lobby(), ts, limit, &held));
        page.unwrap()
    }

    fn after(&self, ts: Ts, limit: usize) -> Page {
        let held = self.store.held();
        let page = self
            .store
            .read_blocking(|reader| reader.after(&lobby(), ts, limit, &held));
        page.unwrap()
    }
}

fn each_once(mut ids: Vec<MessageId>) -> usize {
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "something came twice");
    all
}

#[tokio::test]
async fn paging_back_and_forth_shows_each_message_once_and_in_order() {
    let mut story = Story::begin("n1");
    story.say_many(25).await;
    let newest = story.newest(10);
    assert!(newest.more);
    assert_eq!(texts(&newest.messages)[..2], ["15", "16"]);
    let older = story.before(newest.messages[0].ts, 10);
    assert_eq!(texts(&older.messages)[..2], ["5", "6"]);
    let oldest = story.before(older.messages[0].ts, 10);
    assert_eq!((oldest.messages.len(), oldest.more), (5, false));
    let forth = story.after(oldest.messages[4].ts, 20);
    assert_eq!((forth.messages.len(), forth.more), (20, false));
    assert_eq!(texts(&forth.messages)[0], "5");
    assert_eq!(story.newest(0).messages.len(), 0);
    assert!(story.newest(0).more);
}

#[tokio::test]
async fn a_page_has_200_messages_at_most_and_never_ends_within_one_time() {
    let mut story = Story::begin("n1");
    let ids = story.say_many(201).await;
    assert_eq!(story.newest(1_000).messages.len(), 200);
    // The same time on three nodes: a page takes all of them.
    let first = story.before(Ts(i64::MAX), 1).messages[0].ts;
    let mut events = Vec::new();
    for node in 2..5 {
        let mut event = Event::clone(&story.log()[0]);
        event.origin = Origin::parse(&format!("n{node}-x")).unwrap();
        event.ts = first;
        event.nonce = Nonce::parse(&format!("tie{node}")).unwrap();
        events.push(Arc::new(event));
    }
    story.store.ingest(events).await.unwrap();
    let tie = story.newest(2);
    assert_eq!((tie.messages.len(), tie.more), (4, true));
    assert_eq!(tie.messages[0].id, ids[200], "n1 before n2 before n3");
    assert_eq!(story.after(Ts(first.0 - 1), 1).messages.len(), 4);
}

#[tokio::test]
async fn a_page_of_long_texts_ends_early() {
    let mut story = Story::begin("n1");
    let long = "😀".repeat(4_000);
    for n in 0..40 {
        story
            .do_it(deed(ALICE, &n.to_string(), said(&long)))
            .await
            .unwrap();
    }
    for page in [story.newest(200), story.after(Ts(0), 200)] {
        assert_eq!((page.messages.len(), page.more), (17, true), "256 KiB");
    }
    let ids = story.catch_up(VersionVector::new(), 200);
    assert_eq!(each_once(ids), 40);
}

#[tokio::test]
async fn nothing_past_the_bound_is_seen() {
    let mut story = Story::begin("n1");
    story.say_many(3).await;
    let bound = story.store.held();
    let id = story.say("not yet shown").await.id;
    let (newest, since, unread) = story
        .store
        .read_blocking(|reader| {
            Ok((
                reader.newest(&lobby(), 50, &bound)?,
                reader.since(&lobby(), &VersionVector::new(), 50, &bound)?,
                reader.unread(&lobby(), &uid(BOB), &VersionVector::new(), &bound, 1_000)?,
            ))
        })
        .unwrap();
    assert!(
        newest
            .messages
            .iter()
            .chain(&since.messages)
            .all(|m| m.id != id)
    );
    assert_eq!(
        (newest.messages.len(), since.messages.len(), unread),
        (3, 3, 3)
    );
    assert_eq!(since.since, bound);
}

#[tokio::test]
async fn three_hundred_seen_messages_with_reactions_come_in_pages_each_once() {
    let mut story = Story::begin("n1");
    let ids = story.say_many(300).await;
    let seen = story.store.held();
    for (round, emoji) in ["👍", "🎉", "👀"].into_iter().enumerate() {
        let reactions = ids.iter().enumerate().map(|(n, id)| {
            let nonce = format!("{round}-{n}");
            deed(BOB, &nonce, reacted(id, emoji, true))
        });
        story.do_all(reactions.collect()).await;
    }
    for limit in [1, 7, 200] {
        assert_eq!(each_once(story.catch_up(seen.clone(), limit)), 300);
    }
    let page = story.since(&seen, 200);
    assert!(page.messages.iter().all(|m| m.reactions.len() == 3));
    assert_eq!(each_once(story.catch_up(VersionVector::new(), 50)), 300);
}

#[tokio::test]
async fn one_message_with_ten_thousand_reactions_does_not_hold_up_a_page() {
    let mut story = Story::begin("n1");
    let id = story.say("popular").await.id;
    let seen = story.store.held();
    let reacts = (0..10_000).map(|n| deed(BOB, &n.to_string(), reacted(&id, "👍", n % 2 == 0)));
    story.store.submit_all(reacts.collect()).await.unwrap();
    story.say("after").await;
    let first = story.since(&seen, 50);
    assert_eq!((first.messages.len(), first.more), (0, true));
    assert_eq!(each_once(story.catch_up(seen, 50)), 2);
}

#[tokio::test]
async fn what_came_late_is_missed_too() {
    let mut story = Story::begin("n1");
    story.say_many(2).await;
    let seen = story.store.held();
    let other = Story::begin("n2");
    other.clock.set(Ts(START.0 - 3_600_000_000));
    let old = other.store.submit(deed(BOB, "old", said("an hour ago")));
    old.await.unwrap();
    story.store.ingest(other.log()).await.unwrap();
    let page = story.since(&seen, 50);
    assert_eq!(texts(&page.messages), ["an hour ago"]);
    assert_eq!(story.texts(), ["an hour ago", "0", "1"]);
}

#[tokio::test]
async fn a_vector_with_places_not_reached_yet_is_no_error() {
    let mut story = Story::begin("n1");
    story.say_many(2).await;
    let mut ahead = story.store.held();
    ahead.advance(&story.store.origin(), 100);
    ahead.advance(&Origin::parse("nobody-x").unwrap(), 7);
    let page = story.since(&ahead, 50);
    assert_eq!((page.messages.len(), page.more), (0, false));
    assert_eq!(page.since, ahead, "never less than the reader said itself");
}

#[tokio::test]
async fn an_update_that_had_to_wait_is_not_missed_with_its_message() {
    let writer = {
        let mut writer = Story::begin("n2");
        writer.say("x").await;
        writer
    };
    let id = id(ALICE, "x");
    let mut story = Story::begin("n1");
    let mut edit = Event::clone(&writer.log()[0]);
    edit.origin = Origin::parse("n3-x").unwrap();
    edit.ts = Ts(edit.ts.0 + 5);
    edit.body = edited(&id, "y");
    story.store.ingest(vec![Arc::new(edit)]).await.unwrap();
    let seen = story.since(&VersionVector::new(), 50).since;
    story.store.ingest(writer.log()).await.unwrap();
    assert_eq!(texts(&story.since(&seen, 50).messages), ["y"]);
    story.committed();
}

#[tokio::test]
async fn a_replay_tells_what_happened_in_order() {
    let mut story = Story::begin("n1");
    story.say_many(1).await;
    let seen = story.store.held();
    let id = story.say("helo").await.id;
    story
        .do_it(deed(ALICE, "e", edited(&id, "hello")))
        .await
        .unwrap();
    let topic = Body::Topic {
        topic: "deploys".to_owned(),
    };
    story.do_it(deed(BOB, "t", topic)).await.unwrap();
    story.say("last").await;
    let held = story.store.held();
    let mut since = seen.clone();
    let mut told = Vec::new();
    for _ in 0..4 {
        let part = story
            .store
            .read_blocking(|reader| reader.replay(&lobby(), &since, 1, &held))
            .unwrap();
        told.extend(part.items.into_iter().map(|item| match item.outcome {
            Outcome::Message(view) => view.text.unwrap(),
            Outcome::Updated { kind, .. } => format!("{kind:?}"),
            Outcome::Topic => "topic".to_owned(),
            Outcome::Early(_) | Outcome::Moved(_) | Outcome::Hidden => "?".to_owned(),
        }));
        assert_eq!(part.more, told.len() < 4);
        since = part.since;
    }
    assert_eq!(told, ["hello", "Edit", "topic", "last"]);
    assert_eq!(since, held);
    let missed = |max| {
        let count = |reader: &Reader| reader.missed(&lobby(), &seen, &held, max);
        story.store.read_blocking(count).unwrap()
    };
    assert_eq!((missed(100), missed(3)), (4, 3));
}

#[tokio::test]
async fn unread_are_the_messages_past_the_marker_up_to_a_thousand() {
    let mut story = Story::begin("n1");
    let id = story.say("0").await.id;
    let read = story.store.held();
    story
        .do_it(deed(BOB, "r", reacted(&id, "👍", true)))
        .await
        .unwrap();
    story.say("1").await;
    let unread = |story: &Story, max| {
        let held = story.store.held();
        let count = |reader: &Reader| reader.unread(&lobby(), &uid(BOB), &read, &held, max);
        story.store.read_blocking(count).unwrap()
    };
    assert_eq!(unread(&story, 1_000), 1, "a reaction is no message");
    let many = (2..1_500).map(|n| deed(ALICE, &n.to_string(), said("x")));
    story.store.submit_all(many.collect()).await.unwrap();
    assert_eq!(unread(&story, 1_000), 1_000);
}

#[tokio::test]
async fn in_a_conversation_what_one_has_said_or_the_other_deleted_is_not_unread() {
    let mut story = Story::begin("n1");
    let room = RoomKey::direct(&uid(ALICE), &uid(BOB));
    let direct = |by: &str, nonce: &str, body| {
        let mut direct = deed(by, nonce, body);
        direct.room = room.clone();
        direct
    };
    let mut ids = Vec::new();
    for (by, nonce) in [(ALICE, "1"), (BOB, "2"), (ALICE, "3"), (BOB, "4")] {
        let placed = story.do_it(direct(by, nonce, said("psst"))).await.unwrap();
        ids.push(placed.id);
    }
    let deleted = Body::Delete { id: ids[3].clone() };
    story.do_it(direct(BOB, "5", deleted)).await.unwrap();
    let held = story.store.held();
    let unread = |by: &str| {
        let nothing = VersionVector::new();
        let count = |reader: &Reader| reader.unread(&room, &uid(by), &nothing, &held, 1_000);
        story.store.read_blocking(count).unwrap()
    };
    assert_eq!((unread(ALICE), unread(BOB)), (1, 2));
}

#[tokio::test]
async fn rooms_and_direct_conversations_are_listed() {
    let mut story = Story::begin("n1");
    let mut direct = deed(ALICE, "1", said("psst"));
    direct.room = RoomKey::direct(&uid(ALICE), &uid(BOB));
    let placed = story.do_it(direct.clone()).await.unwrap();
    let ops = RoomName::parse("ops").unwrap();
    let news = vec![SoftRow::Room { room: ops.clone() }];
    story.store.merge_soft(news).await.unwrap();
    story.say("x").await;
    let (rooms, directs, none, exist) = story
        .store
        .read_blocking(|reader| {
            let nowhere = RoomKey::Room(RoomName::parse("nowhere").unwrap());
            Ok((
                reader.rooms()?,
                reader.directs(&uid(BOB))?,
                reader.directs(&uid("cccc4444"))?,
                [
                    reader.room_exists(&RoomKey::Room(ops))?,
                    reader.room_exists(&nowhere)?,
                ],
            ))
        })
        .unwrap();
    let names: Vec<_> = rooms.iter().map(|r| r.room.to_string()).collect();
    assert_eq!(names, ["lobby", "ops"]);
    assert_eq!(
        (&directs[0].room, directs[0].last),
        (&direct.room, placed.place.ts)
    );
    assert!(none.is_empty());
    assert_eq!(exist, [true, false]);
}

#[tokio::test]
async fn a_range_for_a_peer_is_bounded_in_events_and_bytes() {
    let mut story = Story::begin("n1");
    story.say_many(20).await;
    let origin = story.store.origin();
    let range = |seq, limit, bytes| {
        let events = |reader: &Reader| reader.events_after(&origin, seq, limit, bytes);
        story.store.read_blocking(events).unwrap()
    };
    let seqs = |events: Vec<Arc<Event>>| events.iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(seqs(range(17, 10, usize::MAX)), [18, 19, 20]);
    assert_eq!(seqs(range(3, 2, usize::MAX)), [4, 5]);
    assert_eq!(seqs(range(3, 10, 1)), [4], "one always comes");
    assert_eq!(range(0, 20, 10_000).len(), 9);
    assert!(range(20, 10, usize::MAX).is_empty());
}
