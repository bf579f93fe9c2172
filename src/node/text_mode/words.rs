//! Lines of text: what begins them, how times and lists read, and what ends them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::protocol::Ts;
use crate::protocol::server::UserInfo;
use crate::protocol::text::clean;

/// What `telnet` and terminals in raw mode want.
const LINE_END: &[u8] = b"\r\n";

/// What the server says itself begins so; a message begins with its time.
const SERVER: &str = "-- ";

/// Before the further lines of a message: as wide as the time.
const INDENT: &str = "      ";

/// A line of the server's own.
pub(super) fn say(out: &mut Vec<u8>, text: &str) {
    line(out, &format!("{SERVER}{text}"));
}

/// A line, cleaned here for all: whatever was remote in it steers no terminal. Further lines of it
/// are indented, so that none can pass for a line of its own.
pub(super) fn line(out: &mut Vec<u8>, text: &str) {
    let cleaned = clean(text, true);
    for (at, part) in cleaned.trim_end_matches('\n').split('\n').enumerate() {
        if at > 0 {
            out.extend_from_slice(INDENT.as_bytes());
        }
        out.extend_from_slice(part.as_bytes());
        out.extend_from_slice(LINE_END);
    }
}

/// A remote text as a part of a line, `chars_max` characters of it at most.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let cleaned = clean(text, false);
    if cleaned.chars().count() <= chars_max {
        return cleaned;
    }
    let kept = cleaned.chars().take(chars_max - 1);
    kept.chain(std::iter::once('…')).collect()
}

pub(super) fn topic(out: &mut Vec<u8>, room: &str, topic: &str) {
    match topic {
        "" => say(out, &format!("{room} has no topic")),
        topic => say(out, &format!("{room}: {topic}")),
    }
}

/// `12:04`.
pub(super) fn time(ts: Ts, zone: &TimeZone) -> String {
    let at = Timestamp::from_microsecond(ts.0).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// The day of a time; `None` for one that no calendar has.
pub(super) fn date(ts: Ts, zone: &TimeZone) -> Option<Date> {
    let at = Timestamp::from_microsecond(ts.0).ok()?;
    Some(at.to_zoned(zone.clone()).date())
}

/// `Sunday, 22 November 2026`.
pub(super) fn day(date: Date) -> String {
    date.strftime("%A, %-d %B %Y").to_string()
}

/// `alice, bob (away) and 12 more`.
pub(super) fn people(users: &[UserInfo], named_max: usize, total: u32) -> String {
    let named = users.iter().take(named_max).map(|user| match user.away {
        true => format!("{} (away)", user.name),
        false => user.name.clone(),
    });
    let named: Vec<String> = named.collect();
    let more = (total as usize).saturating_sub(named.len());
    match more {
        0 => named.join(", "),
        _ if named.is_empty() => format!("{more}"),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// `👍 alice, bob; 🎉 carol`.
pub(super) fn reactions(by_emoji: &BTreeMap<String, Vec<String>>) -> String {
    let said = by_emoji
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(emoji, names)| format!("{emoji} {}", names.join(", ")));
    said.collect::<Vec<_>>().join("; ")
}

/// `1 message`, `2 messages`.
pub(super) fn count(n: usize, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}
