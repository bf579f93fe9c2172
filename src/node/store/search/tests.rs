//! Stories of finding.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::{Commits, Deed, ManualClock, Placed, Store, StoreError};
use super::{Found, Query, Scope, file};
use crate::protocol::{
    Body, Event, MessageId, Nonce, Origin, RoomKey, RoomName, Text, Ts, Uid, UserName,
};

const START: Ts = Ts(1_763_800_000_000_000);
const ALICE: &str = "aaaa2222";
const BOB: &str = "bbbb3333";

/// How long the index may take in these stories.
const DEADLINE: Duration = Duration::from_secs(10);

struct Story {
    store: Store,
    commits: Commits,
    clock: Arc<ManualClock>,
    dir: TempDir,
    marks: TempDir,
    said: usize,
}

impl Story {
    fn begin(node: &str) -> Story {
        let (dir, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let (store, commits) = open(&dir, &marks, node, &clock);
        Story {
            store,
            commits,
            clock,
            dir,
            marks,
            said: 0,
        }
    }

    /// Ends, has something done to the folder, and starts again.
    async fn restart(mut self, node: &str, meanwhile: impl FnOnce(&TempDir)) -> Story {
        self.store.close().await;
        meanwhile(&self.dir);
        (self.store, self.commits) = open(&self.dir, &self.marks, node, &self.clock);
        self
    }

    async fn do_in(&mut self, room: RoomKey, by: &str, body: Body) -> Placed {
        self.said += 1;
        self.clock.advance_us(1_000);
        let placed = self.store.submit(Deed {
            room,
            uid: uid(by),
            name: UserName::parse(if by == ALICE { "alice" } else { "bob" }).unwrap(),
            nonce: Nonce::parse(&format!("n{}", self.said)).unwrap(),
            body,
            after: None,
        });
        let placed = placed.await.unwrap();
        while self.commits.try_next().is_some() {}
        placed
    }

    async fn say(&mut self, text: &str) -> MessageId {
        self.do_in(room("lobby"), ALICE, said(text)).await.id
    }

    async fn ask(&self, query: &str, scope: Scope, limit: usize) -> Found {
        let query = Query::parse(query).unwrap();
        let began = Instant::now();
        loop {
            let found = self.store.search(query.clone(), scope.clone(), limit).await;
            match found {
                Ok(found) if found.indexed => return found,
                found => assert!(began.elapsed() < DEADLINE, "{found:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The texts found in the lobby.
    async fn find(&self, query: &str) -> Vec<String> {
        texts(&self.ask(query, lobby(), 100).await)
    }

    fn log(&self) -> Vec<Arc<Event>> {
        let events = self.store.read_blocking(|reader| {
            let mut events = Vec::new();
            for (origin, _) in reader.held()?.iter() {
                events.extend(reader.events_after(origin, 0, usize::MAX, usize::MAX)?);
            }
            Ok(events)
        });
        events.unwrap()
    }
}

fn open(dir: &TempDir, marks: &TempDir, node: &str, clock: &Arc<ManualClock>) -> (Store, Commits) {
    let opened = Store::open(dir.path(), marks.path(), node, clock.clone());
    let (mut store, commits) = opened.unwrap();
    store.start_search(dir.path()).unwrap();
    (store, commits)
}

fn room(name: &str) -> RoomKey {
    RoomKey::Room(RoomName::parse(name).unwrap())
}

fn lobby() -> Scope {
    Scope {
        rooms: vec![room("lobby")],
        directs_of: None,
    }
}

fn uid(text: &str) -> Uid {
    Uid::parse(text).unwrap()
}

fn said(text: &str) -> Body {
    Body::Message {
        text: Text::parse(text).unwrap(),
        reply_to: None,
    }
}

fn edited(id: &MessageId, text: &str) -> Body {
    let (id, text) = (id.clone(), Text::parse(text).unwrap());
    Body::Edit { id, text }
}

fn texts(found: &Found) -> Vec<String> {
    let messages = found.messages.iter();
    messages
        .map(|message| message.text.clone().unwrap())
        .collect()
}

#[tokio::test]
async fn words_phrases_beginnings_and_writers_are_found_newest_first() {
    let mut story = Story::begin("n1");
    for text in [
        "Deploy of n1 failed",
        "the deployment works",
        "負荷テストをする",
        "Ärger 👍🏽",
    ] {
        story.say(text).await;
    }
    story.do_in(room("lobby"), BOB, said("n1 deploy OK")).await;
    for (query, wanted) in [
        ("deploy", vec!["n1 deploy OK", "Deploy of n1 failed"]),
        ("n1 DEPLOY failed", vec!["Deploy of n1 failed"]),
        ("\"n1 deploy\"", vec!["n1 deploy OK"]),
        (
            "depl*",
            vec![
                "n1 deploy OK",
                "the deployment works",
                "Deploy of n1 failed",
            ],
        ),
        (
            "de*",
            vec![
                "n1 deploy OK",
                "the deployment works",
                "Deploy of n1 failed",
            ],
        ),
        ("deploym*", vec!["the deployment works"]),
        ("\"n1 deploy\" from:bob", vec!["n1 deploy OK"]),
        ("deploy from:ALICE", vec!["Deploy of n1 failed"]),
        ("from:bob", vec!["n1 deploy OK"]),
        ("荷テスト", vec!["負荷テストをする"]),
        ("負テスト", vec![]),
        ("👍 arger", vec!["Ärger 👍🏽"]),
        ("deploy nothing", vec![]),
        ("nothin*", vec![]),
        ("AND OR NOT NEAR", vec![]),
    ] {
        assert_eq!(story.find(query).await, wanted, "{query}");
    }
    let after = format!("n1 after:{}", START.0 + 1_000);
    assert_eq!(story.find(&after).await, ["n1 deploy OK"]);
    let before = format!("n1 before:{}", START.0 + 5_000);
    assert_eq!(story.find(&before).await, ["Deploy of n1 failed"]);
}

#[tokio::test]
async fn what_was_edited_is_found_as_it_is_now_and_what_was_deleted_is_not() {
    let mut story = Story::begin("n1");
    let (one, two) = (story.say("red apple").await, story.say("red pear").await);
    assert_eq!(story.find("red").await, ["red pear", "red apple"]);
    story
        .do_in(room("lobby"), ALICE, edited(&one, "green apple"))
        .await;
    assert_eq!(story.find("red").await, ["red pear"]);
    assert_eq!(story.find("green").await, ["green apple"]);
    story
        .do_in(room("lobby"), ALICE, Body::Delete { id: two })
        .await;
    assert_eq!(story.find("red").await, [""; 0]);
    story
        .do_in(room("lobby"), ALICE, edited(&one, "red apple"))
        .await;
    assert_eq!(story.find("apple red").await, ["red apple"]);
}

#[tokio::test]
async fn what_is_read_while_it_was_changed_already_is_indexed_as_it_is() {
    let mut story = Story::begin("n1");
    let one = story.say("red apple").await;
    story
        .do_in(room("lobby"), ALICE, edited(&one, "green apple"))
        .await;
    let story = story
        .restart("n1", |dir| {
            file::remove(&dir.path().join(file::INDEX_FILE)).unwrap()
        })
        .await;
    assert_eq!(story.find("apple").await, ["green apple"]);
    assert_eq!(story.find("red").await, [""; 0]);
}

#[tokio::test]
async fn a_message_with_two_places_is_found_once_where_it_stands() {
    let (mut one, mut two) = (Story::begin("n1"), Story::begin("n2"));
    let first = one.do_in(room("lobby"), ALICE, said("said twice")).await;
    two.clock.advance_us(10_000);
    two.do_in(room("lobby"), ALICE, said("said twice")).await;
    assert_eq!(two.find("twice").await, ["said twice"]);
    // The earlier place comes late.
    two.store.ingest(one.log()).await.unwrap();
    let found = two.ask("twice", lobby(), 10).await;
    assert_eq!(texts(&found), ["said twice"]);
    assert_eq!(found.messages[0].ts, first.place.ts);
    // And the other way round: the later one comes to where the earlier one is.
    one.store.ingest(two.log()).await.unwrap();
    assert_eq!(one.find("twice").await, ["said twice"]);
    let id = first.id;
    two.do_in(room("lobby"), ALICE, edited(&id, "said once"))
        .await;
    assert_eq!(two.find("said").await, ["said once"]);
    assert_eq!(two.find("twice").await, [""; 0]);
}

#[tokio::test]
async fn what_comes_late_and_an_edit_before_its_message_are_found() {
    let (mut one, mut two) = (Story::begin("n1"), Story::begin("n2"));
    let id = one.say("early words").await;
    two.clock.advance_us(60_000_000);
    two.store.ingest(one.log()).await.unwrap();
    two.do_in(room("lobby"), ALICE, edited(&id, "late words"))
        .await;
    two.do_in(room("lobby"), ALICE, said("new words")).await;
    let mut three = Story::begin("n3");
    three.do_in(room("lobby"), BOB, said("own words")).await;
    let log = two.log();
    let (of_one, of_two): (Vec<_>, Vec<_>) = log
        .into_iter()
        .partition(|event| event.origin.as_str().starts_with("n1"));
    three.store.ingest(of_two).await.unwrap();
    assert_eq!(three.find("words").await, ["new words", "own words"]);
    three.store.ingest(of_one).await.unwrap();
    let found = three.ask("words", lobby(), 10).await;
    assert_eq!(found.messages.len(), 3);
    assert_eq!(three.find("early").await, [""; 0]);
    assert_eq!(three.find("late").await, ["late words"]);
}

#[tokio::test]
async fn a_room_is_searched_for_those_who_may_read_it() {
    let mut story = Story::begin("n1");
    let (alice, bob, carol) = (uid(ALICE), uid(BOB), uid("cccc4444"));
    story.say("secret of the lobby").await;
    story.do_in(room("ops"), ALICE, said("secret of ops")).await;
    let direct = RoomKey::direct(&alice, &bob);
    story
        .do_in(direct.clone(), BOB, said("secret of two"))
        .await;
    let scope = |rooms: &[&str], of: Option<&Uid>| Scope {
        rooms: rooms.iter().map(|name| room(name)).collect(),
        directs_of: of.cloned(),
    };
    for (scope, wanted) in [
        (
            scope(&["lobby", "ops"], None),
            vec!["secret of ops", "secret of the lobby"],
        ),
        (
            scope(&["ops"], Some(&alice)),
            vec!["secret of two", "secret of ops"],
        ),
        (scope(&[], Some(&bob)), vec!["secret of two"]),
        (scope(&["nowhere"], Some(&carol)), vec![]),
        (scope(&[], None), vec![]),
        (
            Scope {
                rooms: vec![direct],
                directs_of: None,
            },
            vec!["secret of two"],
        ),
    ] {
        let found = story.ask("secret", scope.clone(), 10).await;
        assert_eq!(texts(&found), wanted, "{scope:?}");
        assert_eq!(story.ask("secr*", scope, 10).await, found);
    }
}

#[tokio::test]
async fn pages_go_back_in_time_and_never_end_within_a_moment() {
    let mut story = Story::begin("n1");
    // Six origins say something at the same time, three times.
    for moment in 0..3 {
        let events = (0..6).map(|n| {
            Arc::new(Event {
                origin: Origin::parse(&format!("m{n}-0000")).unwrap(),
                seq: moment + 1,
                ts: Ts(START.0 + moment as i64 * 1000),
                room: room("lobby"),
                uid: uid(ALICE),
                name: UserName::parse("alice").unwrap(),
                nonce: Nonce::parse(&format!("{moment}-{n}")).unwrap(),
                body: said(&format!("tick {moment} {n}")),
            })
        });
        story.store.ingest(events.collect()).await.unwrap();
        while story.commits.try_next().is_some() {}
    }
    story.clock.advance_us(1_000_000);
    story.say("tick last").await;
    let mut all = Vec::new();
    let mut before = i64::MAX;
    loop {
        let query = format!("tick before:{before}");
        let page = story.ask(&query, lobby(), 2).await;
        all.extend(texts(&page));
        before = page.messages.last().unwrap().ts.0;
        let same = page
            .messages
            .iter()
            .filter(|message| message.ts.0 == before)
            .count();
        assert!(same == 6 || page.messages.len() == 2, "{page:?}");
        if !page.more {
            break;
        }
    }
    let of = |moment: u64| (0..6).rev().map(move |n| format!("tick {moment} {n}"));
    let wanted = std::iter::once("tick last".to_owned()).chain((0..3).rev().flat_map(of));
    assert_eq!(all, wanted.collect::<Vec<_>>());
}

#[tokio::test]
async fn an_index_that_is_missing_damaged_or_of_another_log_is_made_anew() {
    let mut story = Story::begin("n1");
    story.say("old words").await;
    assert_eq!(story.find("words").await, ["old words"]);
    let index = |dir: &TempDir| dir.path().join(file::INDEX_FILE);
    let wreck: [fn(&std::path::Path); 5] = [
        |path| file::remove(path).unwrap(),
        |path| {
            fs::write(
                path,
                "no database at all, but long enough to be looked at".repeat(100),
            )
            .unwrap()
        },
        |path| {
            // Whole pages in the middle of it.
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            let length = file.metadata().unwrap().len();
            file.write_all_at(&vec![0x5a; (length - 4096) as usize], 4096)
                .unwrap();
        },
        |path| {
            let conn = rusqlite::Connection::open(path).unwrap();
            conn.pragma_update(None, "user_version", 99).unwrap();
        },
        |path| fs::write(path, "").unwrap(),
    ];
    for (n, wreck) in wreck.into_iter().enumerate() {
        story = story.restart("n1", |dir| wreck(&index(dir))).await;
        assert_eq!(story.find("words").await, ["old words"], "wreck {n}");
    }
    // The index of another log, which knows the same numbers of other things.
    let mut other = Story::begin("n1");
    other.say("other words").await;
    assert_eq!(other.find("words").await, ["other words"]);
    other.store.close().await;
    let story = story
        .restart("n1", |dir| {
            fs::copy(index(&other.dir), index(dir)).unwrap();
        })
        .await;
    assert_eq!(story.find("words").await, ["old words"]);
}

#[tokio::test]
async fn an_index_whose_writer_was_killed_goes_on_where_it_was() {
    let mut story = Story::begin("n1");
    for n in 0..50 {
        story.say(&format!("word {n}")).await;
    }
    assert_eq!(story.find("word").await.len(), 50);
    // As a kill leaves it: the files are taken while everything is open.
    let copy = tempfile::tempdir().unwrap();
    for end in ["", "-wal"] {
        let name = format!("{}{end}", file::INDEX_FILE);
        fs::copy(story.dir.path().join(&name), copy.path().join(&name)).unwrap();
    }
    for n in 50..60 {
        story.say(&format!("word {n}")).await;
    }
    assert_eq!(story.find("word").await.len(), 60);
    let story = story
        .restart("n1", |dir| {
            file::remove(&dir.path().join(file::INDEX_FILE)).unwrap();
            for end in ["", "-wal"] {
                let name = format!("{}{end}", file::INDEX_FILE);
                fs::copy(copy.path().join(&name), dir.path().join(&name)).unwrap();
            }
        })
        .await;
    assert_eq!(story.find("word").await.len(), 60);
}

#[tokio::test]
async fn an_index_that_cannot_be_written_is_told_to_those_who_search_and_storing_goes_on() {
    let story = Story::begin("n1");
    let mut story = story
        .restart("n1", |dir| {
            let path = dir.path().join(file::INDEX_FILE);
            file::remove(&path).unwrap();
            fs::create_dir(&path).unwrap();
        })
        .await;
    story.say("words").await;
    let query = Query::parse("words").unwrap();
    let began = Instant::now();
    loop {
        match story.store.search(query.clone(), lobby(), 10).await {
            Err(StoreError::NoSearch(_)) => break,
            other => assert!(began.elapsed() < DEADLINE, "{other:?}"),
        }
    }
    story.say("more words").await;
    let story = story
        .restart("n1", |dir| {
            fs::remove_dir(dir.path().join(file::INDEX_FILE)).unwrap()
        })
        .await;
    assert_eq!(story.find("words").await, ["more words", "words"]);
}

#[tokio::test]
async fn a_beginning_of_very_many_words_finds_them_all() {
    let mut story = Story::begin("n1");
    for n in 0..150 {
        story.say(&format!("build{n:03} done")).await;
    }
    assert_eq!(story.find("buil*").await.len(), 100);
    assert_eq!(story.find("build00*").await.len(), 10);
    assert_eq!(story.find("\"build007 done\"").await, ["build007 done"]);
    let many: String = (10..42).map(|n| format!("build{n}* ")).collect();
    assert_eq!(story.find(&many).await, [""; 0]);
}

#[tokio::test]
async fn storing_does_not_wait_for_the_index() {
    let mut story = Story::begin("n1");
    story.say("first").await;
    assert_eq!(story.find("first").await, ["first"]);
    // Somebody holds the index, so that its thread stands still.
    let holder = rusqlite::Connection::open(story.dir.path().join(file::INDEX_FILE)).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    for n in 0..100 {
        story.say(&format!("second {n}")).await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    let query = Query::parse("second").unwrap();
    let found = story.store.search(query, lobby(), 10).await.unwrap();
    assert_eq!((found.indexed, found.messages.len()), (false, 0));
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(story.find("second").await.len(), 100);
}
