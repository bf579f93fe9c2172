//! Strings that mean to steer a terminal, made by rule. Whatever has numbers or words in it has `4242` or
//! `PWN`, which the program itself says nowhere.

/// What stands between the quotes of a JSON string.
pub struct Payload {
    pub wire: Vec<u8>,
    /// It is JSON; else the frame that has it is nothing at all.
    pub valid: bool,
}

pub const COUNT_MIN: usize = 500;

const ESC: &str = "\u{1b}";

/// All of them, the same in every run.
pub fn all() -> Vec<Payload> {
    let mut texts = Vec::new();
    sequences(&mut texts);
    strings(&mut texts);
    characters(&mut texts);
    tricks(&mut texts);
    let mut all: Vec<Payload> = texts.iter().map(|text| from_text(text)).collect();
    all.extend(raw().into_iter().map(|wire| Payload { wire, valid: false }));
    assert!(all.len() >= COUNT_MIN, "{}", all.len());
    all
}

fn from_text(text: &str) -> Payload {
    let quoted = serde_json::to_string(text).unwrap();
    let inner = &quoted[1..quoted.len() - 1];
    Payload {
        wire: inner.as_bytes().to_vec(),
        valid: true,
    }
}

/// CSI in both forms with every final byte, ESC with everything behind it.
fn sequences(texts: &mut Vec<String>) {
    for last in '@'..='~' {
        texts.push(format!("{ESC}[4242{last}x"));
        texts.push(format!("\u{9b}?42;4242{last}x"));
    }
    for next in ' '..='~' {
        texts.push(format!("a{ESC}{next}4242b"));
    }
    texts.push(format!("{ESC}[38;2;42;42;4242;48;5;4242mred{ESC}[0m"));
    texts.push(format!("{ESC}[2J{ESC}[4242;1H{ESC}[?1049l{ESC}[?25h"));
}

/// OSC, DCS, APC, PM and SOS, ended in each way or not at all.
fn strings(texts: &mut Vec<String>) {
    let ends = ["\u{7}", "\u{1b}\\", "\u{9c}", ""];
    for number in [
        0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 22, 50, 52, 66, 99, 104, 133, 555, 633, 777, 1337,
    ] {
        for (at, end) in ends.iter().enumerate() {
            let begin = if at % 2 == 0 { "\u{1b}]" } else { "\u{9d}" };
            texts.push(format!("{begin}{number};PWN4242;PWN{end}z"));
        }
    }
    texts.push("\u{1b}]8;;http://PWN/\u{1b}\\click\u{1b}]8;;\u{1b}\\".to_owned());
    texts.push("\u{1b}]52;c;UFdO\u{7}".to_owned());
    texts.push("\u{1b}Ptmux;\u{1b}\u{1b}]52;c;PWN\u{7}\u{1b}\\".to_owned());
    for begin in [
        "\u{1b}P", "\u{1b}_", "\u{1b}^", "\u{1b}X", "\u{90}", "\u{9f}", "\u{9e}", "\u{98}",
    ] {
        for end in ends {
            texts.push(format!("{begin}+q4242;PWN{end}z"));
        }
    }
}

/// Each control character, and each that directs, joins or is not seen.
fn characters(texts: &mut Vec<String>) {
    let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    texts.extend(controls.map(|c| format!("a{c}{c}b")));
    let unseen = ('\u{200b}'..='\u{200f}')
        .chain('\u{2028}'..='\u{202e}')
        .chain('\u{2060}'..='\u{206f}')
        .chain('\u{fff9}'..='\u{fffb}')
        .chain([
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{e0001}',
            '\u{e0041}',
        ]);
    texts.extend(unseen.map(|c| format!("a{c}b{c}")));
}

/// Line ends, sequences that come in pieces, and what takes other cells than it is counted for.
fn tricks(texts: &mut Vec<String>) {
    for text in [
        "\r\n* PWN joined",
        "over\rPWN",
        "\n\n\n\n\n\n\n\n\n\nPWN",
        "\u{8}\u{8}\u{8}\u{8}PWN",
        "x\t\ty\u{b}z\u{c}",
        "\u{1b}",
        "\u{1b}[",
        "\u{1b}]",
        "[4242m\u{1b}",
        "\u{1b}\u{1b}[4242m",
        "\u{1b}[\u{1b}[4242m",
        "\u{9b}\u{9b}4242m",
        "\u{18}\u{1a}\u{1b}c",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦👍🏿❤\u{fe0f}🇩🇪🏴\u{e0067}\u{e007f}",
        "日本語한국어ﾊﾟ\u{3099}",
        "👩\u{200b}🏽日\u{ad}👍\u{2060}🏿 日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日",
        "ع\u{202e}ب\u{202c}",
    ] {
        texts.push(text.to_owned());
    }
    texts.push(format!("z{}", "\u{301}".repeat(200)));
    texts.push("\u{fdfd}".repeat(20));
    texts.push("\u{1b}[4242m".repeat(40));
    texts.push("字".repeat(30));
}

/// Bytes that are no UTF-8 or no JSON.
fn raw() -> Vec<Vec<u8>> {
    let mut raw: Vec<Vec<u8>> = (0x80..=0x9f)
        .map(|c1| vec![b'a', c1, b'4', b'2', b'm'])
        .collect();
    raw.extend(
        (0..0x20)
            .filter(|c0| *c0 != b'\n')
            .map(|c0| vec![b'a', c0, b'b']),
    );
    let broken: [&[u8]; 14] = [
        b"\xc0\x9b4242m",
        b"\xc1\x9b4242m",
        b"\xe0\x80\x9b4242m",
        b"\xf0\x80\x80\x9b4242m",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xfe\xff",
        b"\xff\xf4\xff\xfd\x06",
        b"\xe2\x80",
        b"\\ud800\x1b[4242m",
        b"\\ud83d",
        b"\\x1b[4242m",
    ];
    raw.extend(broken.iter().map(|bytes| bytes.to_vec()));
    raw
}
