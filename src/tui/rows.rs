//! Items of the list as rows of styled text.

use jiff::tz::TimeZone;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::changes;
use super::formatted::Dress;
use super::keymap::Keymap;
use super::keys::Action;
use super::markup::{self, memo::Memo};
use super::room::{Delivery, Pending, Room};
use super::selection::Target;
use super::shown::{fit, pad, safe, width};
use super::state::{Me, State};
use super::theme::Theme;
use super::timeline::{Item, Place, Post};
use super::wrap::wrap;
use crate::protocol::server::Message;
use crate::protocol::{MessageId, Ts, Uid};

/// Microseconds after which the next message of the same person bears the name again.
const SAME_WRITER_US: i64 = 300_000_000;

/// Names that a reaction is shown with.
const REACTION_NAMES_MAX: usize = 3;

/// Cells of "12:04 ".
const TIME_CELLS: usize = 6;

/// What the rows of a room depend on.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    state: &'a State,
    pub room: &'a Room,
    me: Option<&'a Me>,
    zone: &'a TimeZone,
    theme: Theme,
    keys: &'a Keymap,
    rooms: &'a [Room],
    memo: &'a Memo,
    /// The message that is chosen.
    chosen: Option<&'a Target>,
    /// Cells of a row.
    cells: usize,
    /// Cells of the column of names.
    name_cells: usize,
}

impl<'a> Sheet<'a> {
    pub fn new(state: &'a State, room: &'a Room, cells: u16) -> Sheet<'a> {
        let cells = usize::from(cells);
        let name_cells = match cells {
            ..30 => 4,
            30..45 => 8,
            45..70 => 10,
            70.. => 14,
        };
        Sheet {
            state,
            room,
            me: state.me.as_ref(),
            zone: &state.zone,
            theme: state.theme,
            keys: &state.keys,
            rooms: &state.rooms,
            memo: &state.memo,
            chosen: state.selection.as_ref().map(|selection| &selection.target),
            cells,
            name_cells,
        }
    }

    /// The rows of an item. `before` is the item above it, and decides about separators; the name
    /// is shown where the writer changes, and on the `topmost` item always.
    pub fn item(
        &self,
        before: Option<(&Place, &Item)>,
        place: &Place,
        item: &Item,
        topmost: bool,
    ) -> Vec<Line<'static>> {
        let mut rows = Vec::new();
        if before.is_none_or(|(above, _)| self.day(above.ts) != self.day(place.ts)) {
            rows.push(self.separator(&self.day(place.ts), self.theme.quiet()));
        }
        if self.room.first_unread.as_ref() == Some(place) && before.is_some() {
            rows.push(self.separator("new", self.theme.accent()));
        }
        match item {
            Item::Post(post) => {
                let continued = !topmost
                    && rows.is_empty()
                    && before.is_some_and(|(_, above)| continues(above, &post.message));
                let first = rows.len();
                self.post(post, continued, &mut rows);
                if let Some(Target::Post(id)) = self.chosen
                    && *id == post.message.id
                {
                    self.mark(&mut rows[first..]);
                }
            }
            Item::Presence { came, went } => self.presence(came, went, &mut rows),
            Item::Note(note) => {
                let style = if note.wrong {
                    self.theme.wrong()
                } else {
                    self.theme.quiet()
                };
                let sign = if note.wrong { "!" } else { "·" };
                self.sentence(sign, &note.text, style, &mut rows);
            }
        }
        rows
    }

    /// The rows of an own message that is on its way.
    pub fn pending(&self, pending: &Pending) -> Vec<Line<'static>> {
        let theme = self.theme;
        let (sign, style) = match &pending.state {
            Delivery::Waiting => (" … sending".to_owned(), theme.quiet()),
            Delivery::Failed(reason) => {
                let again = self.keys.first(Action::Resend);
                let again = again.unwrap_or_else(|| "/resend".to_owned());
                let sign =
                    format!(" ✗ not sent: {reason} ({again} sends it again, /discard drops it)");
                (sign, theme.wrong())
            }
        };
        let mut rows = Vec::new();
        if let Some(answered) = &pending.reply_to {
            self.quote(answered, &mut rows);
        }
        let me = self.me.map(|me| (me.name.as_str(), &me.uid));
        let text = self.text(
            pending.text.as_str(),
            theme.quiet(),
            None,
            &[(&sign, style)],
        );
        self.body(Some(pending.ts), me, text, false, &mut rows);
        if let Some(Target::Pending(nonce)) = self.chosen
            && *nonce == pending.nonce
        {
            self.mark(&mut rows);
        }
        rows
    }

    /// Marks the rows of the chosen message in front of their text, which stays as it is.
    fn mark(&self, rows: &mut [Line<'static>]) {
        for row in rows {
            let mut cells = 0;
            for span in &mut row.spans {
                if cells < self.indent() {
                    span.style = span.style.patch(self.theme.chosen());
                }
                cells += width(&span.content);
            }
        }
    }

    /// What an answer answers.
    fn quote(&self, answered: &MessageId, rows: &mut Vec<Line<'static>>) {
        let quote = match self.room.timeline.message(answered) {
            Some(m) => {
                let text = m.text.as_deref().map(|text| self.memo.plain(text));
                let text = text.unwrap_or_else(|| "deleted".to_owned());
                let words: Vec<&str> = text.split_whitespace().collect();
                format!("↱ {}: {}", m.from, words.join(" "))
            }
            None => "↱ an earlier message".to_owned(),
        };
        let quote = fit(&quote, self.cells.saturating_sub(self.indent()));
        self.line(&quote, self.theme.quiet(), rows);
    }

    fn post(&self, post: &Post, continued: bool, rows: &mut Vec<Line<'static>>) {
        let theme = self.theme;
        let message = &post.message;
        if let Some(answered) = &message.reply_to {
            self.quote(answered, rows);
        }
        let mentioned = self.mentions_me(message);
        let text_style = if mentioned {
            theme.accent()
        } else {
            theme.plain()
        };
        let mut tail = Vec::new();
        if message.edited.is_some() {
            tail.push((" (edited)", theme.quiet()));
        }
        if message.late {
            tail.push((" (came late)", theme.warning()));
        }
        let under_way = changes::under_way(self.state, &message.id);
        tail.extend(under_way.into_iter().map(|word| (word, theme.warning())));
        match post.copies {
            0 => {}
            1 => tail.push((" ✓", theme.quiet())),
            2.. => tail.push((" ✓✓", theme.quiet())),
        }
        let me = self.me.filter(|_| mentioned).map(|me| me.name.as_str());
        let text = match &message.text {
            Some(text) => self.text(text, text_style, me, &tail),
            None => self.text("message deleted", theme.quiet(), None, &tail),
        };
        let writer = (!continued).then_some((message.from.as_str(), &message.uid));
        let found = self.room.found.as_ref() == Some(&message.id);
        self.body(Some(message.ts), writer, text, found, rows);
        self.reactions(message, rows);
    }

    fn reactions(&self, message: &Message, rows: &mut Vec<Line<'static>>) {
        if message.reactions.is_empty() {
            return;
        }
        let each = message.reactions.iter().map(|(emoji, names)| {
            let named = names.iter().take(REACTION_NAMES_MAX).map(String::as_str);
            let mut shown = format!("{emoji} {}", named.collect::<Vec<_>>().join(", "));
            if names.len() > REACTION_NAMES_MAX {
                shown.push_str(&format!(" +{}", names.len() - REACTION_NAMES_MAX));
            }
            shown
        });
        let all = each.collect::<Vec<_>>().join("  ");
        self.line(&all, self.theme.quiet(), rows);
    }

    fn presence(&self, came: &[String], went: &[String], rows: &mut Vec<Line<'static>>) {
        let named_max = if self.cells < 70 { 2 } else { 4 };
        let sides = [(came, "joined"), (went, "left")];
        let sides = sides.iter().filter(|(names, _)| !names.is_empty());
        let sides = sides.map(|(names, did)| format!("{} {did}", enumerated(names, named_max)));
        let text = sides.collect::<Vec<_>>().join("; ");
        self.sentence("·", &text, self.theme.quiet(), rows);
    }

    /// A sentence in the column of texts, with a sign in that of names.
    fn sentence(&self, sign: &str, text: &str, style: Style, rows: &mut Vec<Line<'static>>) {
        let gap = TIME_CELLS + self.name_cells - 1;
        let text_cells = self.cells.saturating_sub(self.indent());
        for (at, row) in wrap(&[(text, style)], text_cells).into_iter().enumerate() {
            let head = if at == 0 {
                format!("{}{sign}{}", " ".repeat(gap), self.bar())
            } else {
                format!("{}{}", " ".repeat(gap + 1), self.bar())
            };
            rows.push(with_head(vec![Span::styled(head, self.theme.quiet())], row));
        }
    }

    /// A text's rows in the column of texts, with `tail` behind it. `me` is the name to be seen in it.
    fn text(
        &self,
        text: &str,
        base: Style,
        me: Option<&str>,
        tail: &[(&str, Style)],
    ) -> Vec<Line<'static>> {
        let dress = Dress {
            theme: self.theme,
            base,
            me,
            is_room: &|name| self.rooms.iter().any(|room| room.name == name),
            cells: self.cells.saturating_sub(self.indent()).max(2),
        };
        if markup::is_plain(text) {
            dress.plain_rows(text, tail)
        } else {
            dress.rows(&self.memo.parts(text), tail)
        }
    }

    /// A line that belongs to a message, in the column of texts.
    fn line(&self, text: &str, style: Style, rows: &mut Vec<Line<'static>>) {
        let text_cells = self.cells.saturating_sub(self.indent());
        self.body(None, None, wrap(&[(text, style)], text_cells), false, rows);
    }

    /// Time, name and text; time and name on the first row only.
    fn body(
        &self,
        ts: Option<Ts>,
        writer: Option<(&str, &Uid)>,
        text: Vec<Line<'static>>,
        found: bool,
        rows: &mut Vec<Line<'static>>,
    ) {
        // What was gone to is pointed at.
        let (sign, time_style) = if found {
            ("▸", self.theme.accent())
        } else {
            (" ", self.theme.quiet())
        };
        for (at, row) in text.into_iter().enumerate() {
            let time = match ts {
                Some(ts) if at == 0 => format!("{}{sign}", self.time(ts)),
                Some(_) | None => " ".repeat(TIME_CELLS),
            };
            let (name, style) = match writer {
                Some((name, uid)) if at == 0 => {
                    let name = fit(name, self.name_cells);
                    let gap = " ".repeat(self.name_cells.saturating_sub(width(&name)));
                    (gap + &name, self.theme.name(uid))
                }
                Some(_) | None => (pad("", self.name_cells), self.theme.plain()),
            };
            let head = vec![
                Span::styled(time, time_style),
                Span::styled(name, style),
                Span::styled(self.bar(), self.theme.quiet()),
            ];
            rows.push(with_head(head, row));
        }
    }

    /// A line across with a word in its middle.
    fn separator(&self, word: &str, style: Style) -> Line<'static> {
        let word = fit(word, self.cells.saturating_sub(4));
        let dashes = self.cells.saturating_sub(width(&word) + 2);
        let left = dashes / 2;
        let text = format!("{} {word} {}", "─".repeat(left), "─".repeat(dashes - left));
        Line::from(Span::styled(text, style))
    }

    /// What stands between names and texts.
    fn bar(&self) -> &'static str {
        if self.cells < 45 { " " } else { " │ " }
    }

    /// Cells before the texts.
    fn indent(&self) -> usize {
        TIME_CELLS + self.name_cells + width(self.bar())
    }

    fn time(&self, ts: Ts) -> String {
        self.format(ts, "%H:%M")
    }

    fn day(&self, ts: Ts) -> String {
        self.format(ts, "%A, %-d %B %Y")
    }

    /// A moment, by the clock on the wall.
    pub fn format(&self, ts: Ts, form: &str) -> String {
        match jiff::Timestamp::from_microsecond(ts.0) {
            Ok(moment) => moment
                .to_zoned(self.zone.clone())
                .strftime(form)
                .to_string(),
            Err(_) => "--:--".to_owned(),
        }
    }

    fn mentions_me(&self, message: &Message) -> bool {
        self.me.is_some_and(|me| me.is_named_in(message))
    }
}

/// Whether a text names this person, as a word of its own.
pub fn mentions(text: &str, name: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    safe(text, true)
        .split(|c| !part_of_name(c))
        .any(|word| is_named(word, name))
}

/// Whether the word is this name, in any case, with the point behind a sentence or without.
pub fn is_named(word: &str, name: &str) -> bool {
    // Another case may take other bytes, but hardly ever does: most words are told apart at once.
    if word.is_ascii() && word.trim_end_matches('.').len() != name.trim_end_matches('.').len() {
        return false;
    }
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    word.trim_end_matches('.') == name || word == name
}

/// `ana, bo and cy`; of many the first and how many others. Nobody is the only other.
fn enumerated(names: &[String], named_max: usize) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= named_max + 1 => {
            format!("{} and {last}", first.join(", "))
        }
        many => {
            let others = many.len() - named_max;
            format!("{} and {others} others", many[..named_max].join(", "))
        }
    }
}

/// Whether the message goes on where the item above left off: the same person, shortly after.
fn continues(above: &Item, message: &Message) -> bool {
    match above {
        Item::Post(post) => {
            post.message.uid == message.uid
                && post.message.from == message.from
                && message.ts.0 - post.message.ts.0 < SAME_WRITER_US
        }
        Item::Presence { .. } | Item::Note(_) => false,
    }
}

fn with_head(mut head: Vec<Span<'static>>, row: Line<'static>) -> Line<'static> {
    head.extend(row.spans);
    Line::from(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_first_are_said_and_nobody_is_the_only_other() {
        let names = |count: usize| -> Vec<String> {
            let all = ["ana", "bo", "cy", "dan", "eve"];
            all[..count].iter().map(ToString::to_string).collect()
        };
        assert_eq!(enumerated(&names(1), 2), "ana");
        assert_eq!(enumerated(&names(2), 2), "ana and bo");
        assert_eq!(enumerated(&names(3), 2), "ana, bo and cy");
        assert_eq!(enumerated(&names(5), 2), "ana, bo and 3 others");
    }

    #[test]
    fn a_mention_is_the_whole_name_in_any_case() {
        for text in ["alice: hi", "hi @Alice!", "is that ALICE.", "alice"] {
            assert!(mentions(text, "alice"), "{text}");
        }
        for text in ["malice", "alice2", "al ice", ""] {
            assert!(!mentions(text, "alice"), "{text}");
        }
    }
}
