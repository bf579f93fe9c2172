//! Links: only http, https and mail addresses, and none that leads elsewhere than it says without saying
//! so. Addresses are read as browsers read them, for that is where they are opened.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// What often follows a link without belonging to it.
const TRAILING: &str = ".,;:!?…*~";

/// Brackets within brackets of an address: Wikipedia has one.
const PARENS_MAX: usize = 4;

/// Characters of a host that are shown; its end says whose it is.
const HOST_CHARS_MAX: usize = 60;

pub struct Found {
    pub address: String,
    /// Where it leads, if what is shown does not say so.
    pub host: Option<String>,
    /// Where the text goes on.
    pub end: usize,
}

/// Where an address leads.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// Host, and the port where it is not the usual one; and the usual one.
    Web(String, &'static str),
    Mail(String),
}

/// An address that stands in the text as it is.
pub fn bare_link(text: &[char], at: usize, within_underscores: bool) -> Option<Found> {
    let ends =
        |c: &char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`' | '\u{feff}');
    let rest = &text[at..];
    // Far from being an address at all, which most words that begin so are.
    if !matches!(
        rest,
        [
            'h' | 'H',
            't' | 'T',
            't' | 'T',
            'p' | 'P',
            's' | 'S' | ':',
            ..
        ]
    ) {
        return None;
    }
    let whole = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
    let length = trimmed(whole, within_underscores);
    let address: String = whole[..length].iter().collect();
    let target = read(&address).filter(|target| matches!(target, Target::Web(..)))?;
    let host = host_unsaid(&address, &target);
    Some(Found {
        address,
        host,
        end: at + length,
    })
}

/// `[text](address)`: the text from `open` to `close`, the address behind it.
pub fn marked_link(text: &[char], open: usize, close: usize) -> Option<Found> {
    let label: String = text[open + 1..close].iter().collect();
    if text.get(close + 1) != Some(&'(') || label.trim().is_empty() {
        return None;
    }
    let end = end_of_address(text, close + 2)?;
    let address: String = text[close + 2..end].iter().collect();
    let target = read(&address)?;
    let host = host_unsaid(&label, &target);
    Some(Found {
        address,
        host,
        end: end + 1,
    })
}

/// Where the bracket around an address closes.
fn end_of_address(text: &[char], from: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.iter().enumerate().skip(from) {
        match c {
            '<' | '>' | '"' | '`' => return None,
            c if c.is_whitespace() => return None,
            '(' => {
                depth += 1;
                if depth > PARENS_MAX {
                    return None;
                }
            }
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Its length without the punctuation of the sentence it stands in, and without a bracket that was opened
/// before it.
fn trimmed(link: &[char], within_underscores: bool) -> usize {
    let mut count: HashMap<char, i64> = HashMap::new();
    for c in link
        .iter()
        .filter(|c| matches!(c, '(' | ')' | '[' | ']' | '{' | '}'))
    {
        *count.entry(*c).or_default() += 1;
    }
    let mut end = link.len();
    while end > 0 {
        let c = link[end - 1];
        let opening = match c {
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => None,
        };
        let of = |c: char| count.get(&c).copied().unwrap_or(0);
        if opening.is_some_and(|opening| of(c) > of(opening)) {
            *count.entry(c).or_default() -= 1;
        } else if !(TRAILING.contains(c) || (within_underscores && c == '_')) {
            break;
        }
        end -= 1;
    }
    end
}

fn read(address: &str) -> Option<Target> {
    let (scheme, rest) = address.split_once(':')?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "https" => ":443",
        "http" => ":80",
        "mailto" => {
            let mail = rest.split(['?', '#']).next().unwrap_or_default();
            return (!mail.is_empty()).then(|| Target::Mail(mail.to_lowercase()));
        }
        _ => return None,
    };
    let rest = rest.strip_prefix("//")?;
    // To browsers a backslash is a slash here.
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        Some(_) | None => (host, ""),
    };
    if !port.is_empty() && (port.parse::<u16>().is_err() || port.starts_with('+')) {
        return None;
    }
    let six = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let name = match six {
        Some(six) if six.parse::<std::net::Ipv6Addr>().is_ok() => name.to_lowercase(),
        Some(_) => return None,
        None => plain_host(name)?,
    };
    let port = format!(":{port}");
    let port = if port == ":" || port == usual {
        ""
    } else {
        &port
    };
    Some(Target::Web(format!("{name}{port}"), usual))
}

/// Characters of a label in a host's name (RFC 1035, section 2.3.4).
const LABEL_CHARS_MAX: usize = 63;

/// The host in letters that cannot be taken for others.
fn plain_host(name: &str) -> Option<String> {
    let name: String = name.nfkc().collect::<String>().to_lowercase();
    let name = name.replace(['。', '．', '｡'], ".");
    let odd = |c: char| c.is_whitespace() || c.is_control() || "#/:<>?@[\\]^|%`{}\"".contains(c);
    if name.is_empty() || name.contains(odd) {
        return None;
    }
    let labels = name.split('.').map(|label| {
        if label.is_ascii() {
            Some(label.to_owned())
        } else if label.chars().count() <= LABEL_CHARS_MAX {
            Some(format!("xn--{}", punycode(label)?))
        } else {
            None
        }
    });
    labels
        .collect::<Option<Vec<_>>>()
        .map(|labels| labels.join("."))
}

/// RFC 3492, section 6.3.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    let adapt = |delta: u32, points: u32, first: bool| {
        let mut delta = if first { delta / 700 } else { delta / 2 };
        delta += delta / points;
        let mut k = 0;
        while delta > 455 {
            delta /= BASE - 1;
            k += BASE;
        }
        k + (BASE * delta) / (delta + 38)
    };
    let digit = |d: u32| char::from_digit(if d < 26 { d + 10 } else { d - 26 }, 36);
    let mut coded: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(coded.len()).ok()?;
    let mut done = basic;
    if basic > 0 {
        coded.push('-');
    }
    let (mut n, mut delta, mut bias) = (128_u32, 0_u32, 72_u32);
    let all = u32::try_from(label.chars().count()).ok()?;
    while done < all {
        let next = label.chars().map(u32::from).filter(|c| *c >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta = delta.checked_add(1)?;
            }
            if c != n {
                continue;
            }
            let mut q = delta;
            let mut k = BASE;
            loop {
                let t = k.saturating_sub(bias).clamp(1, 26);
                if q < t {
                    break;
                }
                coded.push(digit(t + (q - t) % (BASE - t))?);
                q = (q - t) / (BASE - t);
                k += BASE;
            }
            coded.push(digit(q)?);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done += 1;
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(coded)
}

/// Where a link leads, unless its text says just that: its first part, read as an address, is the same
/// host in the same letters. Letters of other scripts that look alike are told apart by this, and
/// `https://bank.test@evil.test` is.
fn host_unsaid(label: &str, target: &Target) -> Option<String> {
    let said = label.trim().to_lowercase();
    match target {
        Target::Mail(address) => {
            let says = said == *address || said == format!("mailto:{address}");
            (!says).then(|| cut(address))
        }
        Target::Web(host, usual) => {
            let from = said
                .strip_prefix("https://")
                .or_else(|| said.strip_prefix("http://"));
            let from = from.unwrap_or(&said);
            let end = |c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace();
            let first = from.split(end).next().unwrap_or_default();
            let plain = first.strip_suffix(usual).unwrap_or(first);
            let says = plain == host && !said.contains(char::is_whitespace);
            (!says).then(|| cut(host))
        }
    }
}

fn cut(host: &str) -> String {
    let chars = host.chars().count();
    if chars <= HOST_CHARS_MAX {
        return host.to_owned();
    }
    let tail = host.chars().skip(chars + 1 - HOST_CHARS_MAX);
    std::iter::once('…').chain(tail).collect()
}
