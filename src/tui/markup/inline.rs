//! What stands within a line of Markdown: bold, italics, strike, code, links, mentions, rooms; by the
//! rules of the browser's page, so that both show the same.
//!
//! One pass over the text. Of each mark at most one is open at a time (a later one takes its place and the
//! earlier stays text), so that nothing has to be looked for and nesting is bounded by the number of marks.

use std::collections::HashMap;

use unicode_script::{Script, UnicodeScript};

use super::links;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    Text(String),
    Marked(Mark, Vec<Inline>),
    Code(String),
    Link(Link),
    /// With its `@`.
    Mention(String),
    /// With its `#`; whether there is such a room, this does not know.
    Room(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Strong,
    Emphasis,
    Strike,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub shown: Vec<Inline>,
    /// As it was written.
    pub address: String,
    /// Where it leads, if what is shown does not say so.
    pub host: Option<String>,
}

/// What opens and closes; `__` is none of them: `__init__` is more often a name than bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Stars,
    Star,
    Underscore,
    Tildes,
}

impl Sign {
    fn text(self) -> &'static str {
        match self {
            Sign::Stars => "**",
            Sign::Star => "*",
            Sign::Underscore => "_",
            Sign::Tildes => "~~",
        }
    }

    fn mark(self) -> Mark {
        match self {
            Sign::Stars => Mark::Strong,
            Sign::Star | Sign::Underscore => Mark::Emphasis,
            Sign::Tildes => Mark::Strike,
        }
    }

    /// Those that a run of a character is made of. Longer runs are only drawn.
    fn of_run(c: char, length: usize) -> &'static [Sign] {
        match (c, length) {
            ('~', 2) => &[Sign::Tildes],
            ('_', 1) => &[Sign::Underscore],
            ('*', 1) => &[Sign::Star],
            ('*', 2) => &[Sign::Stars],
            ('*', 3) => &[Sign::Stars, Sign::Star],
            _ => &[],
        }
    }
}

/// Whether a text is only text, to be told at a glance. It may say no where there is nothing after all.
pub fn is_plain(text: &str) -> bool {
    let special = |b: u8| matches!(b, b'*' | b'_' | b'~' | b'`' | b'[' | b'@' | b'#' | b'\\');
    !text.bytes().any(special) && !text.contains("://")
}

pub fn inline(text: &str) -> Vec<Inline> {
    if text.is_empty() {
        return Vec::new();
    }
    if is_plain(text) {
        return vec![Inline::Text(text.to_owned())];
    }
    let chars: Vec<char> = text.chars().collect();
    Scan::new(&chars, true).run()
}

struct Scan<'a> {
    text: &'a [char],
    /// A link's text holds no links and no mentions.
    links: bool,
    at: usize,
    out: Vec<Inline>,
    /// Where in `out` the open sign stands as text.
    open: Vec<(Sign, usize)>,
    /// Those that would have opened something, but for a backslash.
    escaped: Vec<char>,
    ticks: Option<Ticks>,
    brackets: Option<HashMap<usize, usize>>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a [char], links: bool) -> Scan<'a> {
        Scan {
            text,
            links,
            at: 0,
            out: Vec::new(),
            open: Vec::new(),
            escaped: Vec::new(),
            ticks: None,
            brackets: None,
        }
    }

    fn run(mut self) -> Vec<Inline> {
        while let Some(c) = self.peek(self.at) {
            if !self.special(c) {
                self.put(c);
                self.at += 1;
            }
        }
        self.out
    }

    fn peek(&self, at: usize) -> Option<char> {
        self.text.get(at).copied()
    }

    fn slice(&self, from: usize, to: usize) -> String {
        self.text[from..to].iter().collect()
    }

    /// Takes what begins here, if anything does.
    fn special(&mut self, c: char) -> bool {
        match c {
            '\n' => {
                // Marks do not reach into another paragraph.
                if self.peek(self.at + 1) == Some('\n') {
                    self.open.clear();
                }
                false
            }
            '\\' => self.escape(),
            '`' => self.code(),
            '[' => self.links && self.marked_link(),
            '@' => self.links && self.named(Inline::Mention),
            '#' => self.links && self.named(Inline::Room),
            '*' | '_' | '~' => self.mark(c),
            'h' | 'H' => self.links && self.bare_link(),
            _ => false,
        }
    }

    fn put(&mut self, c: char) {
        let last = self.out.len().wrapping_sub(1);
        // An open sign's text is kept apart: it may turn into an element yet.
        let apart = self.open.iter().any(|(_, place)| *place == last);
        match self.out.last_mut() {
            Some(Inline::Text(text)) if !apart => text.push(c),
            Some(_) | None => self.out.push(Inline::Text(c.to_string())),
        }
    }

    fn put_all(&mut self, from: usize, to: usize) {
        for at in from..to {
            self.put(self.text[at]);
        }
    }

    /// A backslash goes only where it keeps a mark from being one: in paths and in `¯\_(ツ)_/¯` it
    /// stays.
    fn escape(&mut self) -> bool {
        let at = self.at;
        let Some(c) = self
            .peek(at + 1)
            .filter(|c| matches!(c, '*' | '_' | '~' | '`' | '['))
        else {
            return false;
        };
        let run = self.run_length(at + 1);
        let (opens, closes) = self.flanks(at + 1, at + 1 + run, self.before(at));
        let signs = Sign::of_run(c, run);
        let closes = closes
            && (self.escaped.contains(&c)
                || signs
                    .iter()
                    .any(|sign| self.open.iter().any(|(open, _)| open == sign)));
        let means = matches!(c, '`' | '[') || (!signs.is_empty() && (opens || closes));
        if !means {
            return false;
        }
        if opens {
            self.escaped.push(c);
        }
        let length = if c == '[' { 1 } else { run };
        self.put_all(at + 1, at + 1 + length);
        self.at += 1 + length;
        true
    }

    fn code(&mut self) -> bool {
        let length = self.run_length(self.at);
        let from = self.at + length;
        let ticks = self.ticks.get_or_insert_with(|| Ticks::gather(self.text));
        let to = ticks.next(from, length);
        let inner = to.map(|to| self.slice(from, to));
        match (inner, to) {
            (Some(inner), Some(to)) if !inner.trim().is_empty() && !inner.contains('\n') => {
                // Spaces beside a backtick only keep it apart from the fence.
                let apart = inner.starts_with(" `") || inner.ends_with("` ");
                let inner = if apart {
                    inner.trim().to_owned()
                } else {
                    inner
                };
                self.out.push(Inline::Code(inner));
                self.at = to + length;
            }
            (_, _) => {
                self.put_all(self.at, from);
                self.at = from;
            }
        }
        true
    }

    fn marked_link(&mut self) -> bool {
        let brackets = self
            .brackets
            .get_or_insert_with(|| match_brackets(self.text));
        let Some(close) = brackets.get(&self.at).copied() else {
            return false;
        };
        let Some(found) = links::marked_link(self.text, self.at, close) else {
            return false;
        };
        let shown = Scan::new(&self.text[self.at + 1..close], false).run();
        self.out.push(Inline::Link(Link {
            shown,
            address: found.address,
            host: found.host,
        }));
        self.at = found.end;
        true
    }

    fn bare_link(&mut self) -> bool {
        if self.before(self.at).is_alphanumeric() {
            return false;
        }
        // Marks that are open here end behind the address, not in it.
        let within = self.open.iter().any(|(sign, _)| *sign == Sign::Underscore);
        let Some(found) = links::bare_link(self.text, self.at, within) else {
            return false;
        };
        self.out.push(Inline::Link(Link {
            shown: vec![Inline::Text(found.address.clone())],
            address: found.address,
            host: found.host,
        }));
        self.at = found.end;
        true
    }

    fn named(&mut self, kind: fn(String) -> Inline) -> bool {
        let before = self.before(self.at);
        if is_letter(before) || matches!(before, '.' | '@' | '#' | '/' | '-') {
            return false;
        }
        let rest = &self.text[self.at + 1..];
        let of_name = |c: &&char| is_letter(**c) || matches!(**c, '.' | '-');
        let run = rest.iter().take_while(of_name).count();
        let length = rest[..run]
            .iter()
            .rposition(|c| is_letter(*c))
            .map_or(0, |last| last + 1);
        if length == 0 || !is_letter(rest[0]) {
            return false;
        }
        let end = self.at + 1 + length;
        let text = self.slice(self.at, end);
        self.out.push(kind(text));
        self.at = end;
        true
    }

    /// One, two or three of a mark in a row: they close what is open, or open.
    fn mark(&mut self, c: char) -> bool {
        let at = self.at;
        let length = self.run_length(at);
        let signs = Sign::of_run(c, length);
        let (opens, closes) = self.flanks(at, at + length, self.before(at));
        self.at += length;
        if signs.is_empty() || !(opens || closes) {
            self.put_all(at, at + length);
            return true;
        }
        let mut in_order = signs.to_vec();
        if closes {
            // The one opened last is closed first.
            in_order.sort_by_key(|sign| {
                std::cmp::Reverse(self.place_of(*sign).map_or(-1, |p| p as i64))
            });
        }
        for sign in in_order {
            if closes && self.close(sign) {
                continue;
            }
            sign.text().chars().for_each(|c| self.put(c));
            if opens {
                self.open_sign(sign);
            }
        }
        true
    }

    fn place_of(&self, sign: Sign) -> Option<usize> {
        let open = self.open.iter().find(|(open, _)| *open == sign);
        open.map(|(_, place)| *place)
    }

    fn open_sign(&mut self, sign: Sign) {
        if let Some(Inline::Text(text)) = self.out.last_mut()
            && text != sign.text()
        {
            text.truncate(text.len() - sign.text().len());
            self.out.push(Inline::Text(sign.text().to_owned()));
        }
        self.open.retain(|(open, _)| *open != sign);
        self.open.push((sign, self.out.len() - 1));
    }

    fn close(&mut self, sign: Sign) -> bool {
        let Some(from) = self.place_of(sign).filter(|from| from + 1 < self.out.len()) else {
            return false;
        };
        let children = self.out.split_off(from + 1);
        self.out[from] = Inline::Marked(sign.mark(), children);
        // What was opened within and not closed stays text.
        self.open.retain(|(_, place)| *place < from);
        true
    }

    /// Whether a run of marks stands at the beginning or the end of something, and not within a word.
    fn flanks(&self, from: usize, to: usize, before: char) -> (bool, bool) {
        let after = self.peek(to).unwrap_or(' ');
        // `_(` is the arm of somebody who shrugs.
        let arm = self.text[from] == '_' && after == '(';
        let opens = !(after.is_whitespace() || is_word(before) || arm);
        let closes = !before.is_whitespace() && !is_word(after);
        (opens, closes)
    }

    /// The character before that place; a space at the beginning.
    fn before(&self, at: usize) -> char {
        at.checked_sub(1).map_or(' ', |before| self.text[before])
    }

    fn run_length(&self, at: usize) -> usize {
        run_length(self.text, at)
    }
}

/// The runs of backticks of a text by their length, so that the end of a code is found without looking for
/// it.
struct Ticks(HashMap<usize, Vec<usize>>);

impl Ticks {
    fn gather(text: &[char]) -> Ticks {
        let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut at = 0;
        while at < text.len() {
            if text[at] == '`' {
                let length = run_length(text, at);
                places.entry(length).or_default().push(at);
                at += length;
            } else {
                at += 1;
            }
        }
        // Those that are passed are let go from the end.
        places.values_mut().for_each(|places| places.reverse());
        Ticks(places)
    }

    /// Where the next run of that length begins, from `from` on. Asked for with a rising `from`.
    fn next(&mut self, from: usize, length: usize) -> Option<usize> {
        let places = self.0.get_mut(&length)?;
        while places.last().is_some_and(|place| *place < from) {
            places.pop();
        }
        places.last().copied()
    }
}

/// For each `[` its `]`, unless a line ends between them.
fn match_brackets(text: &[char]) -> HashMap<usize, usize> {
    let mut matched = HashMap::new();
    let mut open = Vec::new();
    for (at, c) in text.iter().enumerate() {
        match c {
            '[' => open.push(at),
            '\n' => open.clear(),
            ']' => {
                if let Some(from) = open.pop() {
                    matched.insert(from, at);
                }
            }
            _ => {}
        }
    }
    matched
}

fn run_length(text: &[char], at: usize) -> usize {
    let c = text[at];
    text[at..].iter().take_while(|other| **other == c).count()
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Part of a word that a mark within would not be meant in. In some scripts words stand without spaces.
fn is_word(c: char) -> bool {
    if !is_letter(c) {
        return false;
    }
    let scripts = c.script_extension();
    let unspaced = [
        Script::Han,
        Script::Hiragana,
        Script::Katakana,
        Script::Hangul,
        Script::Thai,
    ];
    c.is_ascii()
        || !unspaced
            .iter()
            .any(|script| scripts.contains_script(*script))
}
