//! Messages as lines: for a person, and as JSON for programs. Neither lets a control character through.

use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::protocol::Ts;
use crate::protocol::server::Message;
use crate::protocol::text::clean;

/// What further lines of a message begin with: so none of them can look like another message.
const INDENT: &str = "      ";

/// `12:04 alice: hello`, with the date where it is not today's.
pub(super) fn for_a_person(message: &Message, now: &Zoned) -> String {
    let text = match &message.text {
        Some(text) => clean(text, true).replace('\n', &format!("\n{INDENT}")),
        None => "(deleted)".to_owned(),
    };
    let edited = message.edited.map_or("", |_| " (edited)");
    let late = if message.late { " (came late)" } else { "" };
    let from = clean(&message.from, false);
    format!("{} {from}: {text}{edited}{late}\n", time(message.ts, now))
}

/// The message as in the protocol, on one line.
pub(super) fn as_json(message: &Message) -> String {
    escaped(&serde_json::to_string(message).unwrap_or_default()) + "\n"
}

/// The same JSON, without a character that a terminal would act on.
pub(super) fn escaped(json: &str) -> String {
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        // JSON lets these stand in a string; a terminal may act on them.
        if c.is_control() || clean(c.encode_utf8(&mut [0; 4]), true).is_empty() {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}

fn time(ts: Ts, now: &Zoned) -> String {
    let zone: TimeZone = now.time_zone().clone();
    let Ok(moment) = Timestamp::from_microsecond(ts.0) else {
        return "--:--".to_owned();
    };
    let moment = moment.to_zoned(zone);
    let format = if moment.date() == now.date() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    moment.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        serde_json::from_value(
            serde_json::json!({"room": "lobby", "id": "aaaa.n", "from": "alice",
            "uid": "aaaa", "ts": 1_763_813_040_000_000i64, "origin": "n1-a", "seq": 1, "text": text,
            "nonce": "n"}),
        )
        .unwrap()
    }

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_has_the_time_of_day_or_the_date_too() {
        let today = at("2025-11-22T23:00[UTC]");
        assert_eq!(
            for_a_person(&message("hello"), &today),
            "12:04 alice: hello\n"
        );
        let later = at("2025-11-23T00:00[UTC]");
        assert_eq!(
            for_a_person(&message("hello"), &later),
            "2025-11-22 12:04 alice: hello\n"
        );
    }

    #[test]
    fn what_came_late_says_so() {
        let today = at("2025-11-22T23:00[UTC]");
        let mut late = message("hello");
        late.late = true;
        assert_eq!(
            for_a_person(&late, &today),
            "12:04 alice: hello (came late)\n"
        );
    }

    #[test]
    fn no_text_can_steer_the_terminal_or_pass_for_another_message() {
        let today = at("2025-11-22T23:00[UTC]");
        let hostile = message("a\u{1b}[2J\n12:05 bob: I agree\u{202e}");
        let line = for_a_person(&hostile, &today);
        assert_eq!(line, "12:04 alice: a\n      12:05 bob: I agree\n");
    }

    #[test]
    fn json_means_the_same_and_has_no_control_character_in_it() {
        let hostile = message("a\u{1b}\u{9b}\n\u{202e}\u{e0001}é😀");
        let line = as_json(&hostile);
        let (body, end) = line.split_at(line.len() - 1);
        assert_eq!(end, "\n");
        assert!(
            !body
                .chars()
                .any(|c| c.is_control() || c == '\u{202e}' || c == '\u{e0001}')
        );
        assert_eq!(serde_json::from_str::<Message>(body).unwrap(), hostile);
    }
}
