//! That the log's length costs its readers nothing: counted in what SQLite does, not in time.

use rusqlite::StatementStatus;

use super::*;
use crate::node::store::{folder::LOG_FILE, pages, schema};

const LONG: usize = 20_000;

/// A store whose lobby has many messages, some with updates, and whose other rooms have more.
async fn long_story() -> Story {
    let mut story = Story::begin("n1");
    for chunk in 0..LONG / 5_000 {
        story.clock.advance_us(10_000_000);
        let deeds = (0..5_000).map(|n| {
            let mut deed = deed(ALICE, &format!("{chunk}-{n}"), said("hello"));
            if n % 2 == 0 {
                deed.room = RoomKey::Room(RoomName::parse(&format!("room{}", n % 50)).unwrap());
            }
            deed
        });
        story.store.submit_all(deeds.collect()).await.unwrap();
        let target = id(ALICE, &format!("{chunk}-1"));
        let reactions = (0..50).map(|n| {
            deed(
                BOB,
                &format!("{chunk}-{n}"),
                reacted(&target, "👍", n % 2 == 0),
            )
        });
        story.store.submit_all(reactions.collect()).await.unwrap();
        story.committed();
    }
    story
}

/// Virtual machine steps of what a join asks.
fn steps_of_a_join(story: &Story, room: &str) -> i32 {
    let room = RoomKey::Room(RoomName::parse(room).unwrap());
    let held = story.store.held();
    let path = story.dir.path().join(LOG_FILE);
    let reader = Reader::new(schema::open_reader(&path).unwrap());
    let steps = |sql: &str, room: &RoomKey| {
        let rid = reader.rid(room).unwrap().unwrap_or(-1);
        let mut select = reader.conn().prepare(sql).unwrap();
        let mut rows = select.query((rid, i64::MAX)).unwrap();
        for _ in 0..51 {
            if rows.next().unwrap().is_none() {
                break;
            }
        }
        drop(rows);
        assert_eq!(select.get_status(StatementStatus::FullscanStep), 0);
        assert_eq!(select.get_status(StatementStatus::Sort), 0);
        select.get_status(StatementStatus::VmStep)
    };
    reader.newest(&room, 50, &held).unwrap();
    steps(&pages::page_sql("<", "DESC"), &room)
}

#[tokio::test]
async fn joining_a_long_room_costs_what_fifty_messages_cost() {
    let mut story = long_story().await;
    for n in 0..51 {
        let mut deed = deed(BOB, &format!("short{n}"), said("hello"));
        deed.room = RoomKey::Room(RoomName::parse("short").unwrap());
        story.do_it(deed).await.unwrap();
    }
    let (long, short) = (
        steps_of_a_join(&story, "lobby"),
        steps_of_a_join(&story, "short"),
    );
    assert!(
        short > 51 && long <= short + short / 10,
        "{long} steps, and {short} of a short room"
    );
}

#[tokio::test]
async fn no_statement_looks_through_a_whole_table() {
    let story = long_story().await;
    let path = story.dir.path().join(LOG_FILE);
    let conn = schema::open_reader(&path).unwrap();
    let mut looked_at = 0;
    for statement in all_statements() {
        let mut explain = conn
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap();
        let unbound = explain.parameter_count();
        let values = vec![rusqlite::types::Value::Integer(1); unbound];
        let plan: Vec<String> = explain
            .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        looked_at += 1;
        for step in &plan {
            // Origins are few: one for each start of a node on another disk or boot.
            let whole = step.starts_with("SCAN") && !MAY_SCAN.iter().any(|ok| step.contains(ok));
            assert!(
                !whole && !step.contains("TEMP B-TREE"),
                "{statement}\n{plan:#?}"
            );
        }
    }
    assert!(looked_at > 30, "only {looked_at} statements were found");
}

/// SQLite plans anew for the values that are bound, unless it is told not to: that costs more than most
/// of the statements themselves.
#[tokio::test]
async fn a_statement_is_planned_once_whatever_it_is_asked_with() {
    let story = long_story().await;
    let path = story.dir.path().join(LOG_FILE);
    let writer = schema::open_writer(&path).unwrap();
    let reader = schema::open_reader(&path).unwrap();
    let selects = all_statements().filter(|statement| statement.starts_with("SELECT "));
    let pages = [pages::page_sql("<", "DESC"), pages::page_sql(">", "ASC")];
    for sql in selects.chain(pages) {
        for conn in [&writer, &reader] {
            let mut select = conn.prepare(&sql).unwrap();
            for value in 1..4 {
                let values = vec![value; select.parameter_count()];
                let mut rows = select.query(rusqlite::params_from_iter(values)).unwrap();
                rows.next().unwrap();
            }
            assert_eq!(select.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }
}

/// What may be gone through as a whole: the list of origins, and what is no table.
const MAY_SCAN: &[&str] = &["SCAN o", "SCAN origins", "CONSTANT ROW", "SCAN (subquery"];

/// The statements of the store's sources.
fn all_statements() -> impl Iterator<Item = String> {
    let sources = [
        include_str!("../intern.rs"),
        include_str!("../log.rs"),
        include_str!("../merge.rs"),
        include_str!("../missed.rs"),
        include_str!("../reader.rs"),
        include_str!("../registers.rs"),
        include_str!("../since.rs"),
        include_str!("../soft.rs"),
        include_str!("../view.rs"),
    ];
    sources.into_iter().flat_map(statements)
}

/// The statements that a source file writes in full.
fn statements(source: &str) -> Vec<String> {
    let code = source.replace("\\\n", "\n");
    let quoted = code.split('"').skip(1).step_by(2);
    let whole = quoted.filter(|text| {
        ["SELECT ", "INSERT ", "DELETE ", "UPDATE "]
            .iter()
            .any(|verb| text.starts_with(verb))
    });
    whole
        .map(|text| {
            text.replace("{MESSAGE_COLUMNS}", view::MESSAGE_COLUMNS)
                .replace("{MESSAGE_JOINS}", view::MESSAGE_JOINS)
                .replace("{}", crate::node::store::rows::EVENT_COLUMNS)
        })
        .collect()
}
