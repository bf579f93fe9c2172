//! Looking something up: the index says which messages may be meant, newest first, and the log says
//! what they are now. The log has the last word: what the index does not know of yet (a deletion, an edit,
//! a message that moved) is not shown as it was.

use std::collections::HashSet;

use rusqlite::Connection;

use super::Scope;
use super::file::{Fault, first_id};
use super::indexing::TERM_CHARS_MIN;
use super::query::{Query, Term};
use super::words::{self, words};
use crate::node::store::error::StoreError;
use crate::node::store::intern::{Oid, Rid};
use crate::node::store::pages::Page;
use crate::node::store::reader::Reader;
use crate::node::store::view::{MESSAGE_COLUMNS, MESSAGE_JOINS, message_bytes, read_message};
use crate::protocol::limits::{HISTORY_MAX, PAGE_BYTES};
use crate::protocol::server::Message;

/// Words with one beginning that are looked up one by one. Of more, each is rare, and SQLite puts their
/// messages together first.
const BEGUN_MAX: usize = 64;

/// The newest messages that the query finds in `scope`: as many and as long as a page of history.
pub(super) fn find(
    index: &Connection,
    log: &Reader,
    query: &Query,
    scope: &Scope,
    limit: usize,
) -> Result<Page, Fault> {
    let mut page = Page::default();
    let rids = rids(log, scope)?;
    let Some(wanted) = expression(index, query, scope, &rids)? else {
        return Ok(page);
    };
    let limit = limit.clamp(1, HISTORY_MAX);
    let to = query.before.map_or(i64::MAX, |before| first_id(before.0));
    let from = query
        .after
        .map_or(0, |after| first_id(after.0.saturating_add(1)));
    let mut select = index.prepare_cached(
        "SELECT p.oid, p.seq FROM docs CROSS JOIN places p ON p.id = docs.rowid
         WHERE docs MATCH ?1 AND docs.rowid < ?2 AND docs.rowid >= ?3 ORDER BY docs.rowid DESC",
    )?;
    let mut rows = select.query((wanted, to, from))?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let found = standing(log, (row.get(0)?, row.get(1)?))?;
        let Some((_, message)) = found.filter(|(rid, message)| {
            is_allowed(log, scope, &rids, *rid) && is_meant(query, message)
        }) else {
            continue;
        };
        let full = page.messages.len() >= limit || bytes >= PAGE_BYTES;
        if full
            && page
                .messages
                .last()
                .is_none_or(|last| last.ts != message.ts)
        {
            page.more = true;
            break;
        }
        bytes += message_bytes(&message);
        page.messages.push(message);
    }
    let place = |message: &Message| (message.ts, message.origin.clone(), message.seq);
    page.messages
        .sort_by_cached_key(|message| std::cmp::Reverse(place(message)));
    Ok(page)
}

fn rids(log: &Reader, scope: &Scope) -> Result<HashSet<Rid>, StoreError> {
    let rids = scope.rooms.iter().map(|room| log.rid(room));
    rids.filter_map(Result::transpose).collect()
}

/// What the index is asked for, in its language; `None` if nothing can meet it.
fn expression(
    index: &Connection,
    query: &Query,
    scope: &Scope,
    rids: &HashSet<Rid>,
) -> Result<Option<String>, Fault> {
    let mut all = Vec::new();
    for term in &query.terms {
        match term_expression(index, term)? {
            Some(term) => all.push(term),
            None => return Ok(None),
        }
    }
    if !query.from.is_empty() {
        let writers = query.from.iter().map(|key| words::writer(key.as_str()));
        all.push(any(writers.map(|word| phrase(&[word]))));
    }
    let rooms = rids.iter().map(|rid| words::room(*rid));
    let sides = scope.directs_of.iter().map(|uid| words::side(uid.as_str()));
    let places: Vec<String> = rooms.chain(sides).map(|word| phrase(&[word])).collect();
    if places.is_empty() {
        return Ok(None);
    }
    all.push(any(places.into_iter()));
    Ok(Some(all.join(" AND ")))
}

fn term_expression(index: &Connection, term: &Term) -> Result<Option<String>, Fault> {
    let Some((last, before)) = term.words.split_last().filter(|_| term.prefix) else {
        return Ok(Some(phrase(&term.words)));
    };
    let begins = format!("{}*", phrase(&term.words));
    if last.chars().count() < TERM_CHARS_MIN {
        return Ok(Some(begins));
    }
    let mut select = index.prepare_cached(
        "SELECT term FROM terms WHERE term >= ?1 AND term < ?1 || char(1114111) LIMIT ?2",
    )?;
    let found = select.query_map((last, BEGUN_MAX as i64 + 1), |row| row.get::<_, String>(0))?;
    let found: Vec<String> = found.collect::<Result<_, _>>()?;
    Ok(match found.len() {
        0 => None,
        1..=BEGUN_MAX => {
            let phrases = found.into_iter().map(|word| {
                let mut words = before.to_vec();
                words.push(word);
                phrase(&words)
            });
            Some(any(phrases))
        }
        _ => Some(begins),
    })
}

/// Words hold letters, digits and signs alone, so nothing in them ends the quotes.
fn phrase(words: &[String]) -> String {
    format!("\"{}\"", words.join(" "))
}

fn any(phrases: impl Iterator<Item = String>) -> String {
    format!("({})", phrases.collect::<Vec<_>>().join(" OR "))
}

/// The message at a place, if it stands there and is not deleted.
fn standing(log: &Reader, place: (Oid, i64)) -> Result<Option<(Rid, Message)>, StoreError> {
    let mut select = log.conn().prepare_cached(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM events e
         CROSS JOIN timeline t ON t.rid = e.rid AND t.ts = e.ts AND t.oid = e.oid AND t.seq = e.seq
         {MESSAGE_JOINS} WHERE e.oid = ?1 AND e.seq = ?2"
    ))?;
    let mut rows = select.query(place)?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let message = read_message(log.conn(), log.names(), row)?;
    let rid = row.get(3)?;
    Ok((!message.deleted).then_some((rid, message)))
}

fn is_allowed(log: &Reader, scope: &Scope, rids: &HashSet<Rid>, rid: Rid) -> bool {
    let is_side = |uid| {
        log.room(rid)
            .is_ok_and(|room| room.other_side(uid).is_some())
    };
    rids.contains(&rid) || scope.directs_of.as_ref().is_some_and(is_side)
}

fn is_meant(query: &Query, message: &Message) -> bool {
    let text = message.text.as_deref().unwrap_or_default();
    query.is_met_by(&words(text))
}
