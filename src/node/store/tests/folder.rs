//! The data folder, and what it is not taken for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;
use crate::node::store::folder::LOG_FILE;
use crate::node::store::schema::SCHEMA_VERSION;

fn open_error(dir: &Path) -> StoreError {
    match Store::open(dir, dir, "n1", ManualClock::at(START)) {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn two_stores_in_one_folder_are_refused_and_the_first_goes_on() {
    let mut story = Story::begin("n1");
    story.say("one").await;
    let error = open_error(story.dir.path());
    assert_eq!(error, StoreError::InUse(story.dir.path().to_owned()));
    assert!(error.to_string().contains("--data"), "{error}");
    story.say("two").await;
    assert_eq!(story.texts(), ["one", "two"]);
    story.restart("n1").await;
}

#[tokio::test]
async fn folder_and_files_are_for_their_owner_only() {
    let outside = tempfile::tempdir().unwrap();
    let dir = outside.path().join("chat").join("n1");
    let (store, mut commits) =
        Store::open(&dir, outside.path(), "n1", ManualClock::at(START)).unwrap();
    store.submit(deed(ALICE, "1", said("x"))).await.unwrap();
    assert!(commits.next().await.is_some());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    store.close().await;
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open_error(&file.join("n1"));
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("file/n1"), "{error}");
}

#[tokio::test]
async fn a_newer_log_another_programs_and_noise_are_refused_and_left_alone() {
    let story = Story::begin("n1");
    story.store.close().await;
    let log = story.dir.path().join(LOG_FILE);
    let conn = rusqlite::Connection::open(&log).unwrap();
    conn.pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    drop(conn);
    let error = open_error(story.dir.path());
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");

    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join(LOG_FILE);
    let conn = rusqlite::Connection::open(&log).unwrap();
    conn.execute_batch("CREATE TABLE recipes (name)").unwrap();
    drop(conn);
    let error = open_error(dir.path());
    assert!(matches!(error, StoreError::NotALog { .. }), "{error}");

    let noise = "not a database, and long enough to be seen as none ".repeat(20);
    fs::write(&log, &noise).unwrap();
    let error = open_error(dir.path());
    assert!(matches!(error, StoreError::NotALog { .. }), "{error}");
    assert_eq!(fs::read_to_string(&log).unwrap(), noise);
}

#[tokio::test]
async fn a_copied_log_begins_a_new_origin_and_keeps_its_history() {
    let mut story = Story::begin("n1");
    story.say("one").await;
    let origin = story.store.origin();
    story.store.close().await;
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(story.dir.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let mut copied = Story::at(copy, "n1");
    assert_ne!(copied.store.origin(), origin);
    assert_eq!(copied.say("two").await.place.seq, 1);
    assert_eq!(copied.texts(), ["one", "two"]);
    assert_eq!(copied.store.held().get(&origin), 1);
    let second = copied.store.origin();
    let copied = copied.restart("n1").await;
    assert_eq!(copied.store.origin(), second, "and goes on under that one");
}

#[tokio::test]
async fn an_older_log_put_back_into_the_same_file_begins_a_new_origin() {
    let mut story = Story::begin("n1");
    story.say("one").await;
    let origin = story.store.origin();
    story.store.close().await;
    let log = story.dir.path().join(LOG_FILE);
    let older = fs::read(&log).unwrap();
    let mut story = story.restart("n1").await;
    story.say("two").await;
    assert_eq!(story.store.origin(), origin);
    story.store.close().await;
    fs::write(&log, &older).unwrap();
    let mut story = story.restart("n1").await;
    assert_ne!(
        story.store.origin(),
        origin,
        "somebody may have seen its second place"
    );
    assert_eq!(story.say("three").await.place.seq, 1);
    assert_eq!(story.texts(), ["one", "three"]);
}

#[test]
fn a_place_that_was_handed_out_and_not_committed_is_given_to_nothing_else() {
    let disk = simulated::Disk::new();
    let clock = Arc::new(ManualClock::at(START));
    for killed in [true, false] {
        let mut store = disk.start("n1", clock.clone());
        let origin = store.origin();
        store.begin();
        store.submit(deed(ALICE, "1", said("x"))).unwrap();
        store.hand_out();
        if killed {
            drop(store);
            store = disk.start("n1", clock.clone());
        } else {
            store.roll_back();
        }
        store.begin();
        let (placed, _) = store.submit(deed(ALICE, "1", said("x"))).unwrap();
        assert_ne!(placed.place.origin, origin, "killed: {killed}");
        assert_eq!((placed.place.seq, placed.repeated), (1, false));
    }
}

#[tokio::test]
async fn another_boot_of_the_machine_begins_a_new_origin() {
    let mut story = Story::begin("n1");
    story.say("one").await;
    let origin = story.store.origin();
    story.store.close().await;
    let log = story.dir.path().join(LOG_FILE);
    let conn = rusqlite::Connection::open(&log).unwrap();
    conn.execute(
        "UPDATE meta SET value = value || 'x' WHERE key = 'file'",
        [],
    )
    .unwrap();
    drop(conn);
    let story = story.restart("n1").await;
    assert_ne!(story.store.origin(), origin);
}

#[tokio::test]
async fn when_a_peer_knows_more_a_new_origin_can_be_begun() {
    let mut story = Story::begin("n1");
    story.say("one").await;
    let mut lost = Event::clone(&story.log()[0]);
    lost.seq = 2;
    lost.ts = Ts(lost.ts.0 + 1);
    lost.nonce = Nonce::parse("lost").unwrap();
    let lost = Arc::new(lost);
    let report = story.store.ingest(vec![lost.clone()]).await.unwrap();
    assert!(report.own_ahead && report.stored == 0, "{report:?}");
    let origin = story.store.begin_new_origin().await.unwrap();
    assert_eq!(story.store.origin(), origin);
    let report = story.store.ingest(vec![lost]).await.unwrap();
    assert_eq!((report.own_ahead, report.stored), (false, 1));
    let placed = story.say("two").await;
    assert_eq!((placed.place.origin, placed.place.seq), (origin, 1));
    assert_eq!(story.texts(), ["one", "one", "two"]);
}
