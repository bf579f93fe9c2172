//! Drawing attention: the window's title, the bell and notifications, and the hours without them.

use std::fmt;

use super::event::{Effect, Notice};
use super::shown::fit;
use super::state::State;
use super::travel;
use crate::protocol::Ts;
use crate::protocol::server::Message;

/// Microseconds between two rings: a flood of messages is heard once.
const RING_AGAIN_US: i64 = 2_000_000;

/// Microseconds without a key after which nobody is taken to be looking: not every terminal tells
/// whether its window has the focus.
const IDLE_US: i64 = 60_000_000;

/// Cells of a window's title, of a notification's and of what it says, at most.
const TITLE_CELLS_MAX: usize = 60;
const WORDS_CELLS_MAX: usize = 200;

const DAY_MINUTES: u16 = 24 * 60;

/// The hours in which nothing rings, by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Minutes of the day.
    from: u16,
    until: u16,
}

impl Quiet {
    /// Reads `22:00-07:00`, also `22-7`.
    pub fn parse(text: &str) -> Option<Quiet> {
        let (from, until) = text.split_once(['-', '–'])?;
        let (from, until) = (minutes(from)?, minutes(until)?);
        (from != until).then_some(Quiet { from, until })
    }

    /// Whether this minute of the day is one of them; they may go past midnight.
    fn holds(self, minute: u16) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |minutes: u16| (minutes / 60, minutes % 60);
        let ((from, past), (until, after)) = (clock(self.from), clock(self.until));
        write!(f, "{from:02}:{past:02}-{until:02}:{after:02}")
    }
}

fn minutes(text: &str) -> Option<u16> {
    let text = text.trim();
    let (hours, past) = text.split_once(':').unwrap_or((text, "0"));
    let digits = |text: &str| {
        let plain = text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, past) = (digits(hours)?, digits(past)?);
    (hours < 24 && past < 60).then(|| (hours * 60 + past) % DAY_MINUTES)
}

/// Tells of a message that is meant for this person, if nobody is looking and it is not quiet now. It
/// is asked before the message is put into its room.
pub fn ring(state: &mut State, at: usize, message: &Message) -> Vec<Effect> {
    let now = state.now;
    let since = |then: Option<Ts>| then.map(|then| now.0 - then.0);
    let idle = since(state.pressed).is_some_and(|since| !(0..IDLE_US).contains(&since));
    let just_rung = since(state.rung).is_some_and(|since| (0..RING_AGAIN_US).contains(&since));
    if (travel::is_reading(state, at) && !idle) || just_rung || is_quiet(state) {
        return Vec::new();
    }
    state.rung = Some(now);
    let room = &state.rooms[at];
    let from = if room.is_direct() {
        message.from.clone()
    } else {
        format!("{} in {}", message.from, room.title())
    };
    let words = message.text.as_deref().unwrap_or_default();
    let notice = Notice {
        title: fit(&from, TITLE_CELLS_MAX),
        words: fit(words, WORDS_CELLS_MAX),
    };
    vec![Effect::Bell, Effect::Notify(notice)]
}

fn is_quiet(state: &State) -> bool {
    let minute = |ts: Ts| {
        let moment = jiff::Timestamp::from_microsecond(ts.0).ok()?;
        let clock = moment.to_zoned(state.zone.clone()).time();
        u16::try_from(i32::from(clock.hour()) * 60 + i32::from(clock.minute())).ok()
    };
    match (state.quiet, minute(state.now)) {
        (Some(quiet), Some(minute)) => quiet.holds(minute),
        (None, _) | (_, None) => false,
    }
}

/// The window's title, when it has changed: what is unread in all, and the room.
pub fn title(state: &mut State) -> Option<Effect> {
    let unread = state
        .rooms
        .iter()
        .fold(0_u32, |sum, room| sum.saturating_add(room.unread));
    let mark = if state.rooms.iter().any(|room| room.urgent() > 0) {
        "!"
    } else {
        ""
    };
    let room = state.room().map(super::room::Room::title);
    let shown = match (&room, unread) {
        (Some(room), 0) => format!("{room} · chat"),
        (Some(room), _) => format!("({mark}{unread}) {room} · chat"),
        (None, _) => "chat".to_owned(),
    };
    let title = fit(&shown, TITLE_CELLS_MAX);
    if title == state.title {
        return None;
    }
    state.title.clone_from(&title);
    Some(Effect::Title(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_past_midnight() {
        let night = Quiet::parse("22:00-07:00").unwrap();
        for (clock, quiet) in [
            ("21:59", false),
            ("22:00", true),
            ("23:59", true),
            ("00:00", true),
            ("06:59", true),
            ("07:00", false),
            ("12:00", false),
        ] {
            assert_eq!(night.holds(minutes(clock).unwrap()), quiet, "{clock}");
        }
        let lunch = Quiet::parse("12 – 13:30").unwrap();
        assert!(lunch.holds(12 * 60) && !lunch.holds(13 * 60 + 30) && !lunch.holds(0));
        assert_eq!(lunch.to_string(), "12:00-13:30");
        assert_eq!(Quiet::parse(&night.to_string()), Some(night));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "", "22", "22-22", "24-7", "22:60-7", "+2-7", "2:-3", "a-b", "222-7",
        ] {
            assert_eq!(Quiet::parse(text), None, "{text}");
        }
    }
}
