//! What stands in lines: paragraphs, code, quotes, lists.

use super::inline::{Inline, inline};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Paragraph(Vec<Inline>),
    /// `language` is what was typed behind the fence, or nothing.
    Code {
        language: String,
        text: String,
    },
    Quote(Vec<Block>),
    List(Vec<Item>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What stands before it in an ordered list.
    pub number: Option<u32>,
    pub blocks: Vec<Block>,
}

/// Quotes and lists within each other; deeper ones stay text.
const DEPTH_MAX: usize = 4;

/// Spaces that a fence may be set in, as behind the number of an item.
const FENCE_INDENT_MAX: usize = 8;

/// Spaces that a quote or an item may be set in.
const INDENT_MAX: usize = 3;

/// Characters of a language's name.
const LANGUAGE_CHARS_MAX: usize = 24;

/// Digits of an item's number.
const NUMBER_DIGITS_MAX: usize = 9;

/// Nothing of the kind is in most texts.
pub fn may_have(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(' ');
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        line.starts_with("```")
            || line.starts_with('>')
            || line.starts_with("- ")
            || line.starts_with("* ")
            || (digits > 0 && line[digits..].starts_with(". "))
    })
}

pub fn blocks(text: &str) -> Vec<Block> {
    if !may_have(text) {
        return vec![Block::Paragraph(inline(text))];
    }
    let lines: Vec<&str> = text.split('\n').collect();
    of_lines(&lines, 0)
}

fn of_lines(lines: &[&str], depth: usize) -> Vec<Block> {
    let mut found = Vec::new();
    // The lines of a paragraph to be.
    let mut plain: Vec<&str> = Vec::new();
    // Fences of that many backticks and more are closed by nothing that is still to come.
    let mut unclosed = usize::MAX;
    // Up to here no quote begins: there are only marks with nothing behind them.
    let mut bare = 0;
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if let Some(fence) = Fence::of(line).filter(|fence| fence.ticks < unclosed) {
            if let Some((block, end)) = code_from(lines, at, &fence) {
                flush(&mut found, &mut plain);
                found.push(block);
                at = end;
                continue;
            }
            unclosed = fence.ticks;
        }
        if depth < DEPTH_MAX && at >= bare {
            match quote_from(lines, at, depth) {
                Quoted::Bare(end) => bare = end,
                Quoted::Found(block, end) => {
                    flush(&mut found, &mut plain);
                    found.push(block);
                    at = end;
                    continue;
                }
                Quoted::None => {
                    if let Some((block, end)) = list_from(lines, at, depth) {
                        flush(&mut found, &mut plain);
                        found.push(block);
                        at = end;
                        continue;
                    }
                }
            }
        }
        plain.push(line);
        at += 1;
    }
    flush(&mut found, &mut plain);
    found
}

fn flush(found: &mut Vec<Block>, plain: &mut Vec<&str>) {
    let kept = without_blank_ends(plain, !found.is_empty());
    if !kept.is_empty() {
        found.push(Block::Paragraph(inline(&kept.join("\n"))));
    }
    plain.clear();
}

/// Beside another block a blank line only set it off.
fn without_blank_ends<'a, 'b>(lines: &'b [&'a str], behind_block: bool) -> &'b [&'a str] {
    let blank = |line: &&str| line.trim().is_empty();
    let from = if behind_block {
        lines.iter().take_while(|line| blank(line)).count()
    } else {
        0
    };
    let kept = lines.iter().rposition(|line| !blank(line));
    match kept {
        Some(last) if last >= from => &lines[from..=last],
        Some(_) | None => &[],
    }
}

struct Fence<'a> {
    indent: usize,
    ticks: usize,
    info: &'a str,
}

impl Fence<'_> {
    fn of(line: &str) -> Option<Fence<'_>> {
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        let info = rest.trim_start_matches('`');
        let ticks = rest.len() - info.len();
        let is_fence = indent <= FENCE_INDENT_MAX && ticks >= 3 && !info.contains('`');
        is_fence.then_some(Fence {
            indent,
            ticks,
            info,
        })
    }

    /// A single word, as languages are named.
    fn is_language(&self) -> bool {
        let word = self.info.trim();
        word.chars().count() <= LANGUAGE_CHARS_MAX
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_+#.-".contains(c))
    }
}

/// From a fence to the next that is as long, which may also stand at the end of the last line of the code.
fn code_from(lines: &[&str], at: usize, fence: &Fence<'_>) -> Option<(Block, usize)> {
    let is_language = fence.is_language();
    let mut code: Vec<&str> = Vec::new();
    if !is_language {
        code.push(fence.info);
    }
    for (end, line) in lines.iter().enumerate().skip(at + 1) {
        if let Some(before) = before_ticks(line, fence.ticks) {
            if !before.trim().is_empty() {
                code.push(before);
            }
            let language = if is_language { fence.info.trim() } else { "" };
            let block = Block::Code {
                language: language.to_owned(),
                text: code.join("\n"),
            };
            return Some((block, end + 1));
        }
        code.push(without_indent(line, fence.indent));
    }
    None
}

/// What stands before the backticks that a line ends with, if they are as many.
fn before_ticks(line: &str, least: usize) -> Option<&str> {
    let trimmed = line.trim_end();
    let before = trimmed.trim_end_matches('`');
    (trimmed.len() - before.len() >= least).then_some(before)
}

enum Quoted {
    None,
    /// Only marks of a quote; the first line behind them.
    Bare(usize),
    Found(Block, usize),
}

fn quote_from(lines: &[&str], at: usize, depth: usize) -> Quoted {
    let quoted = lines[at..].iter().map_while(|line| quoted(line));
    let inner: Vec<&str> = quoted.collect();
    if inner.is_empty() {
        return Quoted::None;
    }
    let end = at + inner.len();
    // A lone `>` quotes nothing.
    if inner.iter().all(|line| line.trim().is_empty()) {
        return Quoted::Bare(end);
    }
    Quoted::Found(Block::Quote(of_lines(&inner, depth + 1)), end)
}

/// A quote needs its space: `>_<` and `>>> import x` are none.
fn quoted(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(' ');
    let rest = rest
        .strip_prefix('>')
        .filter(|_| line.len() - rest.len() <= INDENT_MAX)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix(' ')
}

/// What begins an item.
struct Bullet {
    indent: usize,
    number: Option<u32>,
    /// Bytes before its text.
    length: usize,
}

impl Bullet {
    fn of(line: &str) -> Option<Bullet> {
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = if rest.starts_with(['-', '*']) {
            (None, &rest[1..])
        } else if (1..=NUMBER_DIGITS_MAX).contains(&digits) {
            let behind = rest[digits..].strip_prefix('.')?;
            (Some(rest[..digits].parse().ok()?), behind)
        } else {
            return None;
        };
        let text = behind.trim_start_matches(' ');
        // Lines of marks alone are drawn, and a dash without a space is one.
        let drawn = text.trim_matches(['-', '*', ' ']).is_empty();
        let begins = text.len() < behind.len() && !text.starts_with(char::is_whitespace);
        (indent <= INDENT_MAX && begins && !drawn).then_some(Bullet {
            indent,
            number,
            length: line.len() - text.len(),
        })
    }
}

fn list_from(lines: &[&str], at: usize, depth: usize) -> Option<(Block, usize)> {
    let ordered = Bullet::of(lines[at])?.number.is_some();
    let mut items = Vec::new();
    let mut end = at;
    while end < lines.len() {
        let same_list = |bullet: &Bullet| bullet.number.is_some() == ordered;
        let Some(bullet) = Bullet::of(lines[end]).filter(same_list) else {
            break;
        };
        let mut inner = vec![&lines[end][bullet.length..]];
        end += 1;
        while end < lines.len() {
            let line = lines[end];
            let spaces = line.len() - line.trim_start_matches(' ').len();
            let set_in = spaces >= 2 && !line[spaces..].is_empty();
            // Items of one list may all be set in by a little.
            let sibling =
                bullet.indent >= 2 && spaces >= bullet.indent && Bullet::of(line).is_some();
            if !set_in || sibling {
                break;
            }
            inner.push(without_indent(line, bullet.length));
            end += 1;
        }
        items.push(Item {
            number: bullet.number,
            blocks: of_lines(&inner, depth + 1),
        });
    }
    Some((Block::List(items), end))
}

/// Without up to `most` spaces at its beginning.
fn without_indent(line: &str, most: usize) -> &str {
    let spaces = line.bytes().take(most).take_while(|b| *b == b' ').count();
    &line[spaces..]
}
