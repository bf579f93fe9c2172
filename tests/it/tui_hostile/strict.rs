//! What reaches the terminal, parsed byte by byte: only what the program itself has to say.

use vte::{Params, Parser, Perform};

/// Reads a terminal's input as it comes, and remembers what does not belong there.
#[derive(Default)]
pub struct Strict {
    parser: Parser,
    seen: Seen,
    /// The beginning of a character.
    rest: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    foreign: Vec<String>,
}

/// The private modes that the program sets: cursor, clicks and wheel, focus, pastes, screen, and drawing
/// at once.
const MODES: [u16; 8] = [25, 1000, 1004, 1006, 1049, 2004, 2026, 7];

impl Strict {
    /// Takes what was written; gives what of it is foreign.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => {
                if error.error_len().is_some() {
                    self.seen.foreign.push(format!("no UTF-8: {error}"));
                }
                error.valid_up_to()
            }
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        self.parser.advance(&mut self.seen, &text);
        std::mem::take(&mut self.seen.foreign)
    }
}

impl Seen {
    fn refuse(&mut self, what: String) {
        self.foreign.push(what);
    }

    fn text(&mut self, text: &str) {
        if let Some(c) = text.chars().find(|c| steers(*c)) {
            self.refuse(format!("{c:?} in {text:?}"));
        }
    }
}

/// What a terminal does not draw. (The joiner and non-joiner stay: they shape the letters of some scripts.)
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'
                ..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

impl Perform for Seen {
    fn print(&mut self, c: char) {
        if steers(c) {
            self.refuse(format!("{c:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        // The bell for direct messages.
        if byte != 0x07 {
            self.refuse(format!("control {byte:#x}"));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, between: &[u8], ignored: bool, last: char) {
        let numbers: Vec<u16> = params.iter().flatten().copied().collect();
        let own = match (between, last) {
            ([], 'H') => numbers.len() == 2 && numbers.iter().all(|at| (1..=300).contains(at)),
            ([], 'm') => numbers.iter().all(|number| *number <= 255),
            ([], 'J') => numbers == [2],
            ([], 't') => numbers == [22, 2] || numbers == [23, 2],
            ([b'?'], 'h' | 'l') => numbers.iter().all(|mode| MODES.contains(mode)),
            _ => false,
        };
        if !own || ignored {
            let between = String::from_utf8_lossy(between).into_owned();
            self.refuse(format!("CSI {between} {numbers:?} {last}"));
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], by_bell: bool) {
        let number = params
            .first()
            .map(|number| String::from_utf8_lossy(number).into_owned());
        // Title and notifications.
        let own = matches!(number.as_deref(), Some("2" | "9" | "777"));
        if !own || by_bell {
            let words: Vec<_> = params.iter().map(|p| String::from_utf8_lossy(p)).collect();
            self.refuse(format!("OSC {words:?}"));
        }
        for part in params.iter().skip(1) {
            self.text(&String::from_utf8_lossy(part));
        }
    }

    fn esc_dispatch(&mut self, between: &[u8], _ignored: bool, byte: u8) {
        // The end of a title.
        if byte != b'\\' || !between.is_empty() {
            self.refuse(format!("ESC {between:?} {byte:#x}"));
        }
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, last: char) {
        self.refuse(format!("DCS {last}"));
    }
}

#[test]
fn it_finds_what_is_foreign() {
    for foreign in [
        "\u{1b}[4242m",
        "\u{1b}[2K",
        "\u{1b}[?1003h",
        "\u{1b}]52;c;x\u{1b}\\",
        "\u{1b}]2;a\u{7}",
        "\u{1b}]2;a\u{202e}b\u{1b}\\",
        "\u{1b}Pq\u{1b}\\",
        "\u{1b}c",
        "a\rb",
        "\u{9b}",
        "\u{200b}",
    ] {
        assert!(
            !Strict::default().take(foreign.as_bytes()).is_empty(),
            "{foreign:?}"
        );
    }
    assert!(!Strict::default().take(b"a\x9b").is_empty());
    let own = "\u{1b}[?1049h\u{1b}[3;7H\u{1b}[38;5;7mé日\u{7}\u{1b}]2;#lobby\u{1b}\\";
    let mut strict = Strict::default();
    for byte in own.bytes() {
        assert_eq!(strict.take(&[byte]), [""; 0]);
    }
}
