//! Messages of this node: once, in order, durable, and shown only when committed.

use super::*;

#[tokio::test]
async fn what_was_said_is_there_after_a_restart() {
    let mut story = Story::begin("n1");
    let first = story.say("one").await;
    story.say("two").await;
    let origin = story.store.origin();
    let mut story = story.restart("n1").await;
    assert_eq!(
        story.store.origin(),
        origin,
        "the same file in the same boot"
    );
    let third = story.say("three").await;
    assert_eq!(story.texts(), ["one", "two", "three"]);
    assert_eq!((first.place.seq, third.place.seq), (1, 3));
    assert!(third.place.ts > first.place.ts);
}

#[tokio::test]
async fn the_same_nonce_is_the_same_message_however_often_it_is_sent() {
    let mut story = Story::begin("n1");
    let first = story.do_it(deed(ALICE, "n", said("one"))).await.unwrap();
    let mut elsewhere = deed(ALICE, "n", said("another text"));
    elsewhere.room = RoomKey::Room(RoomName::parse("ops").unwrap());
    let again = story.do_it(elsewhere).await.unwrap();
    assert_eq!(
        again,
        Placed {
            repeated: true,
            ..first
        }
    );
    story.do_it(deed(BOB, "n", said("bob's"))).await.unwrap();
    assert_eq!(story.texts(), ["one", "bob's"]);
    assert_eq!(story.committed().len(), 2);
}

#[tokio::test]
async fn pipelined_messages_keep_the_order_in_which_they_were_handed_in() {
    let mut story = Story::begin("n1");
    let nonces: Vec<String> = (0..3_000).map(|n| n.to_string()).collect();
    let tickets: Vec<Ticket> = nonces
        .iter()
        .map(|nonce| story.store.submit(deed(ALICE, nonce, said(nonce))))
        .collect();
    let mut last = 0;
    for ticket in tickets {
        let seq = ticket.await.unwrap().place.seq;
        assert_eq!(seq, last + 1);
        last = seq;
    }
    let committed = story.committed();
    let shown: Vec<_> = committed
        .iter()
        .map(|c| c.event.nonce.to_string())
        .collect();
    assert_eq!(shown, nonces);
    let figures = story.store.figures();
    assert!(
        figures.commits < 3_000 / 2,
        "grouped into {} transactions",
        figures.commits
    );
    assert_eq!((figures.events, figures.queue), (3_000, 0));
}

#[tokio::test]
async fn a_message_is_committed_with_what_is_to_be_shown() {
    let mut story = Story::begin("n1");
    let placed = story.say("hello").await;
    let committed = story.committed();
    let [item] = committed.as_slice() else {
        panic!("{committed:?}")
    };
    let Outcome::Message(view) = &item.outcome else {
        panic!("{item:?}")
    };
    assert!(item.local);
    assert_eq!(
        (&view.id, view.text.as_deref(), view.room.as_str()),
        (&placed.id, Some("hello"), "lobby")
    );
    assert_eq!(
        &story.newest(1).messages,
        std::slice::from_ref(view),
        "read back as it was shown"
    );
}

#[tokio::test]
async fn an_answer_sorts_after_what_its_writer_has_seen() {
    let mut story = Story::begin("n1");
    let mut answer = deed(ALICE, "1", said("answer"));
    answer.after = Some(Ts(START.0 + 7_000_000));
    let placed = story.do_it(answer).await.unwrap();
    assert_eq!(placed.place.ts, Ts(START.0 + 7_000_001));
    let next = story.say("next").await;
    assert!(next.place.ts > placed.place.ts);
}

#[tokio::test]
async fn a_full_queue_says_so_at_once_and_a_reserved_slot_waits() {
    let story = Story::begin("n1");
    // Nobody takes the commits: at last the writer waits, and the queue fills.
    let mut tickets = Vec::new();
    let mut busy = false;
    for n in 0..QUEUE_MAX * 12 {
        let nonce = n.to_string();
        let mut ticket = story.store.submit(deed(ALICE, &nonce, said("x")));
        let waker = std::task::Waker::noop();
        let first_look = Pin::new(&mut ticket).poll(&mut Context::from_waker(waker));
        if let Poll::Ready(Err(error)) = first_look {
            assert_eq!(error, StoreError::Busy);
            busy = true;
            break;
        }
        tickets.push(ticket);
    }
    assert!(busy, "{} deeds were queued", tickets.len());
    let Story {
        store, mut commits, ..
    } = story;
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let slot = store.reserve().await.unwrap();
    slot.submit(deed(BOB, "b", said("waited"))).await.unwrap();
    for ticket in tickets {
        if let Err(error) = ticket.await {
            panic!("{error}");
        }
    }
    store.close().await;
    drain.await.unwrap();
}

#[tokio::test]
async fn many_at_once_are_one_transaction() {
    let mut story = Story::begin("n1");
    let deeds = (0..5_000).map(|n| deed(ALICE, &n.to_string(), said("x")));
    let placed = story.store.submit_all(deeds.collect()).await.unwrap();
    assert_eq!(placed.len(), 5_000);
    assert_eq!(placed[4_999].as_ref().unwrap().place.seq, 5_000);
    assert_eq!(story.store.figures().commits, 1);
    assert_eq!(story.committed().len(), 5_000);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_more() {
    let story = Story::begin("n1");
    let queued = story.store.submit(deed(ALICE, "1", said("just in time")));
    story.store.close().await;
    assert!(queued.await.is_ok());
    let late = story.store.submit(deed(ALICE, "2", said("too late"))).await;
    assert_eq!(late, Err(StoreError::Closed));
    let read = story.store.read(|reader| reader.held()).await;
    assert_eq!(read, Err(StoreError::Closed));
}
