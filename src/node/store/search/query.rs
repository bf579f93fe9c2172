//! What a person types to find messages. Pure: it says what is wanted, or what is wrong with it.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::words::{is_unspaced, words};
use crate::protocol::limits::{QUERY_CHARS_MAX, QUERY_PREFIX_CHARS_MIN, QUERY_TERMS_MAX};
use crate::protocol::names::RoomRef;
use crate::protocol::{NameKey, Refusal, Ts, UserName};

/// What is looked for: all of the terms, written by one of `from`, in one of `rooms`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub(super) terms: Vec<Term>,
    pub(super) from: Vec<NameKey>,
    /// As they were typed: which rooms they are, the session knows.
    pub rooms: Vec<RoomRef>,
    /// Exclusive.
    pub before: Option<Ts>,
    /// Exclusive.
    pub(super) after: Option<Ts>,
}

/// Words that stand next to each other; with `prefix`, the last of them is the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) words: Vec<String>,
    pub(super) prefix: bool,
}

/// A piece of the query, between spaces or quotes.
struct Piece {
    /// What stands before the colon of a filter.
    filter: Option<Filter>,
    text: String,
    quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    From,
    Room,
    Before,
    After,
}

/// A number from here on is a `ts`; a smaller one is a year or a day, and not one of the first days of 1970.
const MICROSECONDS_MIN: i64 = 1_000_000_000_000;

/// `in:` is what most other chats call it.
const FILTERS: [(&str, Filter); 5] = [
    ("from:", Filter::From),
    ("room:", Filter::Room),
    ("in:", Filter::Room),
    ("before:", Filter::Before),
    ("after:", Filter::After),
];

impl Query {
    /// Reads what was typed.
    ///
    /// # Errors
    /// `bad_frame`, when it is too long, or there is nothing in it to look for, or a filter is none.
    pub fn parse(text: &str) -> Result<Query, Refusal> {
        if text.chars().count() > QUERY_CHARS_MAX {
            let wrong = format!("may have {QUERY_CHARS_MAX} characters");
            return Err(Refusal::field("query", wrong));
        }
        let mut query = Query::default();
        let mut parts = 0;
        for piece in pieces(text) {
            match piece.filter {
                Some(filter) => query.filter(filter, &piece.text)?,
                None => match term(&piece)? {
                    Some(term) if query.terms.contains(&term) => continue,
                    Some(term) => query.terms.push(term),
                    None => continue,
                },
            }
            parts += 1;
            if parts > QUERY_TERMS_MAX {
                let wrong = format!("may have {QUERY_TERMS_MAX} words, phrases and filters");
                return Err(Refusal::field("query", wrong));
            }
        }
        if parts == 0 {
            let wrong = "there is nothing to look for in it: type a word";
            return Err(Refusal::field("query", wrong));
        }
        Ok(query)
    }

    fn filter(&mut self, filter: Filter, value: &str) -> Result<(), Refusal> {
        let wrong = |name: &str, what: &str| Err(Refusal::field("query", format!("{name} {what}")));
        match filter {
            Filter::From => {
                let name = value.strip_prefix('@').unwrap_or(value);
                match UserName::parse(name) {
                    Ok(name) => self.from.push(name.key()),
                    Err(refusal) => return wrong("from:", &refusal.message),
                }
            }
            Filter::Room => match RoomRef::parse(value.strip_prefix('#').unwrap_or(value)) {
                Ok(room) => self.rooms.push(room),
                Err(refusal) => return wrong("room:", &refusal.message),
            },
            Filter::Before | Filter::After => {
                let before = filter == Filter::Before;
                let Some(moment) = moment(value, before) else {
                    let name = if before { "before:" } else { "after:" };
                    return wrong(name, "wants a day, as in 2026-11-01");
                };
                if before {
                    self.before = Some(self.before.map_or(moment, |known| known.min(moment)));
                } else {
                    self.after = Some(self.after.map_or(moment, |known| known.max(moment)));
                }
            }
        }
        Ok(())
    }

    /// Whether the words of a text are what is looked for.
    pub(super) fn is_met_by(&self, text: &[String]) -> bool {
        self.terms.iter().all(|term| term.is_in(text))
    }
}

impl Term {
    fn is_in(&self, text: &[String]) -> bool {
        let length = self.words.len();
        let last = length - 1;
        text.windows(length).any(|found| {
            found[..last] == self.words[..last]
                && if self.prefix {
                    found[last].starts_with(&self.words[last])
                } else {
                    found[last] == self.words[last]
                }
        })
    }
}

/// Divides at spaces, save within quotes; a quote that is not closed ends with the query.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // As keyboards write them by themselves.
    let text = text.replace(['“', '”', '„'], "\"");
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let named = FILTERS.iter().find_map(|(name, filter)| {
            let head = rest.get(..name.len())?;
            head.eq_ignore_ascii_case(name)
                .then_some((name.len(), *filter))
        });
        let (skipped, filter) = named.map_or((0, None), |(length, filter)| (length, Some(filter)));
        rest = &rest[skipped..];
        let quoted = rest.starts_with('"');
        let (piece, after) = if quoted {
            rest[1..].split_once('"').unwrap_or((&rest[1..], ""))
        } else {
            let ends = |c: char| c.is_whitespace() || (c == '"' && filter.is_none());
            rest.split_at(rest.find(ends).unwrap_or(rest.len()))
        };
        pieces.push(Piece {
            filter,
            text: piece.to_owned(),
            quoted,
        });
        rest = after.trim_start();
    }
    pieces
}

/// `None` for what has no words.
fn term(piece: &Piece) -> Result<Option<Term>, Refusal> {
    let words = words(&piece.text);
    let Some(last) = words.last() else {
        return Ok(None);
    };
    let is_word = last.chars().next().is_some_and(char::is_alphanumeric);
    let prefix = !piece.quoted && piece.text.ends_with('*') && is_word;
    // A character of a script without spaces is a word; whatever follows it is another.
    let alone = last.chars().all(is_unspaced);
    if prefix && !alone && last.chars().count() < QUERY_PREFIX_CHARS_MIN {
        let wrong = format!(
            "\"{last}*\" begins too many words: type {QUERY_PREFIX_CHARS_MIN} letters or more"
        );
        return Err(Refusal::field("query", wrong));
    }
    Ok(Some(Term {
        prefix: prefix && !alone,
        words,
    }))
}

/// A day, a moment, or microseconds, as a bound that is exclusive; `None` for what is none of them.
fn moment(text: &str, before: bool) -> Option<Ts> {
    if let Ok(number) = text.parse::<i64>()
        && number >= MICROSECONDS_MIN
    {
        return Some(Ts(number));
    }
    let at = match (text.parse::<jiff::Timestamp>(), text.parse::<Date>()) {
        (Ok(at), _) => at,
        (Err(_), Ok(day)) if !text.contains(':') => day.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        (Err(_), _) => {
            let at: DateTime = text.parse().ok()?;
            at.to_zoned(TimeZone::UTC).ok()?.timestamp()
        }
    };
    // The first moment of a day belongs to it.
    Some(Ts(at.as_microsecond() - i64::from(!before)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str) -> String {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown = query.terms.iter().map(|term| {
            format!(
                "{}{}",
                term.words.join("+"),
                if term.prefix { "*" } else { "" }
            )
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn wrong(text: &str) -> String {
        Query::parse(text).unwrap_err().message
    }

    #[test]
    fn words_phrases_and_beginnings() {
        for (text, wanted) in [
            ("deploy failed", "deploy failed"),
            ("deploy deploy", "deploy"),
            ("dep*", "dep*"),
            ("\"load balancer\" x", "load+balancer x"),
            ("\"load balancer", "load+balancer"),
            ("“load balancer” „new line“", "load+balancer new+line"),
            ("say\"load balancer\"now", "say load+balancer now"),
            ("n1.example.com", "n1+example+com"),
            ("n1.exam*", "n1+exam*"),
            ("\"dep*\"", "dep"),
            ("AND OR NOT (", "and or not"),
            ("-x NEAR(a b)", "x near+a b"),
            ("x:y ^a {b} : c", "x+y a b c"),
            ("負荷", "負+荷"),
            ("負*", "負"),
            ("👍 👍🏿", "👍"),
            ("hello !!! \"\" \"--\"", "hello"),
            ("a\0b", "a+b"),
        ] {
            assert_eq!(terms(text), wanted, "{text}");
        }
    }

    #[test]
    fn filters_say_who_where_and_when() {
        let query = Query::parse("x FROM:@Alice from:bob room:#ops in:@bob").unwrap();
        let names = ["alice", "bob"].map(|name| UserName::parse(name).unwrap().key());
        assert_eq!(query.from, names);
        assert_eq!(query.rooms.len(), 2);
        let day = 1_793_491_200_000_000;
        for (text, before, after) in [
            ("before:2026-11-01", Some(day), None),
            ("after:2026-11-01", None, Some(day - 1)),
            ("before:2026-11-01T00:00", Some(day), None),
            ("before:2026-11-01T01:00+01:00", Some(day), None),
            ("before:20261101", Some(day), None),
            (
                "before:1793491200000007 before:\"1793491200000005\"",
                Some(day + 5),
                None,
            ),
            (
                "after:1793491200000007 after:1793491200000005",
                None,
                Some(day + 7),
            ),
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(
                (query.before, query.after),
                (before.map(Ts), after.map(Ts)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_looked_for_is_named() {
        for (text, named) in [
            ("", "nothing"),
            (" \t\n", "nothing"),
            ("!!! \"", "nothing"),
            ("***", "nothing"),
            ("a*", "\"a*\""),
            ("from:", "from:"),
            ("from:a/b", "from:"),
            ("room:@", "room:"),
            ("before:soon", "before:"),
            ("before:2026", "before:"),
            ("after:202611", "after:"),
            ("after:-1", "after:"),
            ("after:2026-13-01", "after:"),
            ("after:99999999999999999999", "after:"),
        ] {
            let message = wrong(text);
            assert!(
                message.contains(named) && message.contains("query"),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn a_query_has_1000_characters_and_32_parts_at_most() {
        assert!(Query::parse(&"é".repeat(1000)).is_ok());
        assert!(wrong(&"é".repeat(1001)).contains("1000"));
        let parts = |n: usize| (0..n).map(|n| format!("w{n}* ")).collect::<String>();
        assert!(Query::parse(&parts(32)).is_ok());
        assert!(wrong(&parts(33)).contains("32"));
    }

    #[test]
    fn a_text_meets_a_query_with_all_its_terms() {
        let text = words("The load balancer of n1 was deployed 負荷テスト");
        for (query, met) in [
            ("balancer load", true),
            ("\"load balancer\"", true),
            ("\"balancer load\"", false),
            ("depl* n1", true),
            ("deploy", false),
            ("荷テ", true),
            ("荷ト", false),
        ] {
            assert_eq!(
                Query::parse(query).unwrap().is_met_by(&text),
                met,
                "{query}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in "\\PC{0,60}|.{0,60}|[\"*:() \0a-cA-Z負👍]{0,60}") {
            if let Ok(query) = Query::parse(&text) {
                prop_assert!(query.terms.iter().all(|term| !term.words.is_empty()));
            }
        }
    }
}
