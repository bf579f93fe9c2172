//! A message's blocks one below the other, each with what stands before its rows: all that is left to do
//! for a screen is to break and to colour them.

use super::blocks::{Block, Item, blocks};
use super::highlight::{Kind, Tokens, highlight};
use super::inline::{Inline, Link, Mark};
use crate::tui::shown::safe;

/// A block to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What stands before its first row, and before each further one.
    pub first: String,
    pub further: String,
    /// It is somebody else's words.
    pub quoted: bool,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Text(Vec<Piece>),
    Code { language: String, lines: Tokens },
}

/// Text that looks one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub look: Look,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub strong: bool,
    pub emphasis: bool,
    pub strike: bool,
    pub what: What,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum What {
    #[default]
    Text,
    Code,
    Link,
    /// Where a link leads.
    Address,
    /// The same, where it is not what one would think.
    Warning,
    Mention,
    Room,
}

/// The parts of a text; one at least.
pub fn of(text: &str) -> Vec<Part> {
    let text = safe(&text.replace('\t', "    "), true);
    let mut parts = Vec::new();
    let before = Before::default();
    for block in blocks(&text) {
        before.push(block, &mut parts);
    }
    if parts.is_empty() {
        parts.push(before.part(Body::Text(Vec::new())));
    }
    parts
}

/// A text without its marks, for where it only stands on a line.
pub fn plain_of(parts: &[Part]) -> String {
    let parts = parts.iter().map(|part| match &part.body {
        Body::Text(pieces) => {
            let shown = pieces
                .iter()
                .filter(|piece| piece.look.what != What::Address);
            let text: String = shown.map(|piece| piece.text.as_str()).collect();
            let first = if part.quoted { "" } else { &part.first };
            format!("{}{text}", first.trim_start())
        }
        Body::Code { lines, .. } => {
            let line = |line: &Vec<(Kind, String)>| -> String {
                line.iter().map(|(_, text)| text.as_str()).collect()
            };
            lines.iter().map(line).collect::<Vec<_>>().join(" ")
        }
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// What stands before the rows of what comes next.
#[derive(Clone, Default)]
struct Before {
    first: String,
    further: String,
    quoted: bool,
}

impl Before {
    fn part(&self, body: Body) -> Part {
        Part {
            first: self.first.clone(),
            further: self.further.clone(),
            quoted: self.quoted,
            body,
        }
    }

    fn push(&self, block: Block, parts: &mut Vec<Part>) {
        match block {
            Block::Paragraph(inlines) => {
                let mut pieces = Vec::new();
                flatten(inlines, Look::default(), &mut pieces);
                parts.push(self.part(Body::Text(pieces)));
            }
            Block::Code { language, text } => {
                let lines = highlight(&language, &text);
                parts.push(self.part(Body::Code { language, lines }));
            }
            Block::Quote(blocks) => {
                let inner = Before {
                    first: format!("{}> ", self.first),
                    further: format!("{}> ", self.further),
                    quoted: true,
                };
                inner.push_all(blocks, parts);
            }
            Block::List(items) => {
                let mut before = self.clone();
                for item in items {
                    before.item(item, parts);
                    before.first.clone_from(&before.further);
                }
            }
        }
    }

    fn push_all(&self, blocks: Vec<Block>, parts: &mut Vec<Part>) {
        let mut before = self.clone();
        for block in blocks {
            before.push(block, parts);
            before.first.clone_from(&before.further);
        }
    }

    fn item(&self, item: Item, parts: &mut Vec<Part>) {
        let sign = match item.number {
            Some(number) => format!("{number}. "),
            None => "• ".to_owned(),
        };
        let inner = Before {
            first: format!("{}{sign}", self.first),
            further: format!("{}{}", self.further, " ".repeat(sign.chars().count())),
            quoted: self.quoted,
        };
        inner.push_all(item.blocks, parts);
    }
}

fn flatten(inlines: Vec<Inline>, look: Look, pieces: &mut Vec<Piece>) {
    for inline in inlines {
        let mut put = |text: String, what: What| {
            // Within a link all is the link.
            let what = if what == What::Text { look.what } else { what };
            let look = Look { what, ..look };
            match pieces.last_mut() {
                Some(last) if last.look == look => last.text.push_str(&text),
                Some(_) | None => pieces.push(Piece { text, look }),
            }
        };
        match inline {
            Inline::Text(text) => put(text, What::Text),
            Inline::Code(text) => put(text, What::Code),
            Inline::Mention(text) => put(text, What::Mention),
            Inline::Room(text) => put(text, What::Room),
            Inline::Marked(mark, inner) => {
                let mut look = look;
                match mark {
                    Mark::Strong => look.strong = true,
                    Mark::Emphasis => look.emphasis = true,
                    Mark::Strike => look.strike = true,
                }
                flatten(inner, look, pieces);
            }
            Inline::Link(link) => link_pieces(link, look, pieces),
        }
    }
}

/// A link's text, and behind it the address if that is another: nothing here can be pointed at to see it.
fn link_pieces(link: Link, look: Look, pieces: &mut Vec<Piece>) {
    let from = pieces.len();
    let what = What::Link;
    flatten(link.shown, Look { what, ..look }, pieces);
    let shown: String = pieces[from..]
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    let bare = |text: &str| text.trim().trim_end_matches('/').to_lowercase();
    let says_all = bare(&shown) == bare(&link.address)
        || Some(bare(&shown).as_str()) == bare(&link.address).split_once("://").map(|(_, r)| r);
    let address = |text: String, what: What| Piece {
        text,
        look: Look {
            what,
            ..Look::default()
        },
    };
    if !says_all {
        pieces.push(address(format!(" ({})", link.address), What::Address));
    }
    if let Some(host) = link.host
        && !reads_as(&link.address, &host)
    {
        pieces.push(address(format!(" [{host}]"), What::Warning));
    }
}

/// Whether an address names that host in plain sight: at its beginning, in the same letters.
fn reads_as(address: &str, host: &str) -> bool {
    let lower = address.to_lowercase();
    let from = lower
        .split_once("://")
        .or_else(|| lower.split_once(':'))
        .map_or(lower.as_str(), |(_, rest)| rest);
    from.strip_prefix(host)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || ".@-".contains(c)))
}
