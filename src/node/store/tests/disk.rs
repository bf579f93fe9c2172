//! A disk that is full, and a write-ahead log that must stay short.

use super::*;

impl Story {
    /// The log's file may grow by so many pages; `None` lifts it.
    async fn limit_pages(&self, more: Option<i64>) -> Result<(), StoreError> {
        self.store
            .ask(|reply| Request::LimitPages(more, reply))
            .await
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writers_serves_readers_and_heals_with_the_next_write() {
    let mut story = Story::begin("n1");
    story.say("before").await;
    story.limit_pages(Some(40)).await.unwrap();
    let long = "x".repeat(4_000);
    let mut stored = vec!["before".to_owned()];
    let mut refused = None;
    for n in 0..1_000 {
        let mut message = deed(ALICE, &format!("n{n}"), said(&long));
        message.room = RoomKey::Room(RoomName::parse(&format!("room{n}")).unwrap());
        match story.do_it(message).await {
            Ok(_) => stored.push(long.clone()),
            Err(error) => {
                refused = Some((n, error));
                break;
            }
        }
    }
    let (n, error) = refused.expect("the disk is full at last");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let held = story.store.held();
    assert_eq!(held.get(&story.store.origin()), stored.len() as u64);
    assert_eq!(
        story.committed().len(),
        stored.len(),
        "nothing is shown that is not stored"
    );
    assert_eq!(story.texts(), ["before"], "reading goes on");
    let all = story.store.read(|reader| reader.held()).await.unwrap();
    assert_eq!(all, held);

    story.limit_pages(None).await.unwrap();
    let mut again = deed(ALICE, &format!("n{n}"), said("sent again"));
    again.room = lobby();
    let placed = story.do_it(again).await.unwrap();
    assert!(!placed.repeated, "what was refused was not stored");
    assert_eq!(placed.place.seq, stored.len() as u64 + 1, "no gap");
    assert_eq!(story.texts(), ["before", "sent again"]);
    assert!(story.store.figures().failed_commits >= 1);
    let story = story.restart("n1").await;
    assert_eq!(story.texts(), ["before", "sent again"]);
}

/// A file system of four MiB; unmounted when the story ends.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(dir.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = std::process::Command::new("umount");
        let _ = unmount.arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_file_system_that_fills_up_is_survived_without_a_restart() {
    let Some(disk) = SmallDisk::mount() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "mounting a tmpfs needs root"
        );
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    };
    let dir = disk.0.path().join("n1");
    let marks = tempfile::tempdir().unwrap();
    let (store, mut commits) =
        Store::open(&dir, marks.path(), "n1", ManualClock::at(START)).unwrap();
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![1; 2 * 1024 * 1024]).unwrap();
    let long = "x".repeat(4_000);
    let mut stored = 0;
    let refused = loop {
        assert!(stored < 1_000, "the disk does not fill up");
        match store
            .submit(deed(ALICE, &stored.to_string(), said(&long)))
            .await
        {
            Ok(placed) => stored = placed.place.seq,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(store.figures().failing);
    let held = store.read(|reader| reader.held()).await.unwrap();
    assert_eq!(held.get(&store.origin()), stored, "reading goes on");
    let again = store.submit(deed(BOB, "b", said(&long))).await;
    assert!(again.is_err());
    std::fs::remove_file(&ballast).unwrap();
    let placed = store.submit(deed(BOB, "b", said(&long))).await.unwrap();
    assert_eq!((placed.place.seq, placed.repeated), (stored + 1, false));
    assert!(!store.figures().failing);
    store.close().await;
    drain.await.unwrap();
    let (store, _commits) = Store::open(&dir, marks.path(), "n1", ManualClock::at(START)).unwrap();
    assert_eq!(store.held().get(&store.origin()), stored + 1);
    store.close().await;
}

#[tokio::test]
async fn the_write_ahead_log_stays_bounded_while_somebody_reads_all_the_time() {
    let story = Story::begin("n1");
    let Story {
        store,
        mut commits,
        dir: _dir,
        ..
    } = story;
    let drain = tokio::spawn(async move { while commits.next().await.is_some() {} });
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let reading = {
        let (store, done) = (store.clone(), done.clone());
        tokio::task::spawn_blocking(move || {
            let mut reads = 0u32;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let held = store.held();
                let page = store.read_blocking(|reader| reader.newest(&lobby(), 50, &held));
                page.unwrap();
                reads += 1;
            }
            reads
        })
    };
    let long = "x".repeat(3_000);
    for round in 0..36 {
        let deeds = (0..1_000).map(|n| deed(ALICE, &format!("{round}-{n}"), said(&long)));
        store.submit_all(deeds.collect()).await.unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(reading.await.unwrap() > 0);
    let figures = store.figures();
    assert!(
        figures.wal_bytes < 96 * 1024 * 1024 && figures.file_bytes > 100 * 1024 * 1024,
        "{figures:?}"
    );
    store.close().await;
    drain.await.unwrap();
}
