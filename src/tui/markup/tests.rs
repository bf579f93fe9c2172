//! The same stories as the browser's: what is what, and what stays as it was typed.

use super::blocks::{Block, Item, blocks};
use super::inline::{Inline, Mark};
use super::memo::Memo;
use super::{Body, Kind, of};

/// The tree in few letters, so that a test reads as what it says.
fn short(text: &str) -> String {
    let shown: Vec<String> = blocks(text).iter().map(block).collect();
    shown.join(" ¶ ")
}

fn all(blocks: &[Block]) -> String {
    let shown: Vec<String> = blocks.iter().map(block).collect();
    shown.join(" ¶ ")
}

fn block(one: &Block) -> String {
    match one {
        Block::Paragraph(inlines) => inlines.iter().map(piece).collect(),
        Block::Code { language, text } => format!("code:{language}{{{text}}}"),
        Block::Quote(blocks) => format!("quote{{{}}}", all(blocks)),
        Block::List(items) => {
            let item = |item: &Item| {
                let sign = item
                    .number
                    .map_or("-".to_owned(), |number| number.to_string());
                format!("{sign} {}", all(&item.blocks))
            };
            let items: Vec<String> = items.iter().map(item).collect();
            format!("list{{{}}}", items.join(", "))
        }
    }
}

fn piece(one: &Inline) -> String {
    let inner = |inlines: &[Inline]| -> String { inlines.iter().map(piece).collect() };
    match one {
        Inline::Text(text) => text.clone(),
        Inline::Code(text) => format!("code{{{text}}}"),
        Inline::Mention(text) => format!("mention{{{}}}", &text[1..]),
        Inline::Room(text) => format!("room{{{}}}", &text[1..]),
        Inline::Marked(mark, inlines) => {
            let name = match mark {
                Mark::Strong => "strong",
                Mark::Emphasis => "emphasis",
                Mark::Strike => "strike",
            };
            format!("{name}{{{}}}", inner(inlines))
        }
        Inline::Link(link) => {
            let host = link
                .host
                .as_ref()
                .map_or(String::new(), |host| format!("!{host}"));
            format!("link{{{}→{}{host}}}", inner(&link.shown), link.address)
        }
    }
}

#[test]
fn marks_are_what_they_are_in_the_browser() {
    for (text, tree) in [
        (
            "**bold** and *italic* and _italic_",
            "strong{bold} and emphasis{italic} and emphasis{italic}",
        ),
        ("~~gone~~, ~5 min, ~a~", "strike{gone}, ~5 min, ~a~"),
        ("***both***", "strong{emphasis{both}}"),
        ("**a *b* c**", "strong{a emphasis{b} c}"),
        ("*a **b** c*", "emphasis{a strong{b} c}"),
        ("*one*, *two*", "emphasis{one}, emphasis{two}"),
        ("*over\none line*", "emphasis{over\none line}"),
        ("(**bold**)", "(strong{bold})"),
        ("これは**太字**です", "これはstrong{太字}です"),
        ("**a** `*b*` **c**", "strong{a} code{*b*} strong{c}"),
        ("`` a`b `` and `c`", "code{ a`b } and code{c}"),
        ("`` `x` ``", "code{`x`}"),
        ("\\*not so\\* and \\`this\\`", "*not so* and `this`"),
    ] {
        assert_eq!(short(text), tree, "{text}");
    }
}

#[test]
fn what_is_none_stays_as_it_was_typed() {
    for text in [
        "snake_case_name, __init__.py and _private",
        "2*3*4 = 24, 2 * 3 * 4, 5 * x",
        "* * *",
        "a ** b ** c",
        "****",
        "**open and never closed",
        "*one\n\nanother paragraph*",
        "¯\\_(ツ)_/¯",
        "C:\\Users\\me\\*.txt",
        ">_< and >>> import this",
        "`one\ntwo`",
        "```\nnever closed",
        "[not a link] (x)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,y)",
        "-not a list, 1.5 neither",
        "# no heading",
        "two  spaces\n\n\nand blank lines",
        "<b>not bold</b> &amp;",
        "a@b.test #",
        "ftp://x file:///etc/passwd javascript:alert(1)",
    ] {
        assert_eq!(short(text), text);
    }
}

#[test]
fn links_are_found_and_say_where_they_lead() {
    for (text, tree) in [
        (
            "see https://example.org/a?b=c#d, ok",
            "see link{https://example.org/a?b=c#d→https://example.org/a?b=c#d}, ok",
        ),
        (
            "(https://example.org/a_(b))",
            "(link{https://example.org/a_(b)→https://example.org/a_(b)})",
        ),
        (
            "**https://x.test**",
            "strong{link{https://x.test→https://x.test}}",
        ),
        (
            "_https://x.test_",
            "emphasis{link{https://x.test→https://x.test}}",
        ),
        (
            "https://x.test/a_b_c",
            "link{https://x.test/a_b_c→https://x.test/a_b_c}",
        ),
        (
            "[the **docs**](https://x.test/d)",
            "link{the strong{docs}→https://x.test/d!x.test}",
        ),
        (
            "[x.test](https://x.test/d)",
            "link{x.test→https://x.test/d}",
        ),
        (
            "[mail](mailto:a@b.test)",
            "link{mail→mailto:a@b.test!a@b.test}",
        ),
        ("[[1]](https://x.test)", "link{[1]→https://x.test!x.test}"),
        (
            "[@mia https://y.test](https://x.test)",
            "link{@mia https://y.test→https://x.test!x.test}",
        ),
    ] {
        assert_eq!(short(text), tree, "{text}");
    }
    for (text, host) in [
        ("[https://bank.test](https://evil.test)", "evil.test"),
        ("[bank.test](https://evil.test)", "evil.test"),
        ("[bank.test evil.test](https://evil.test)", "evil.test"),
        ("https://bank.test@evil.test/", "evil.test"),
        ("https://b\u{430}nk.test/", "xn--bnk-6cd.test"),
        ("https://münchen.test/", "xn--mnchen-3ya.test"),
        ("[x](https://x.test:8443)", "x.test:8443"),
        ("[x.test](https://x.test:8443)", "x.test:8443"),
    ] {
        assert!(short(text).contains(&format!("!{host}")), "{}", short(text));
    }
    for text in [
        "https://x.test/a",
        "https://X.test",
        "https://x.test:443/",
        "http://127.0.0.1:8080/#ops",
    ] {
        assert!(!short(text).contains('!'), "{}", short(text));
    }
}

#[test]
fn a_link_shows_its_address_once_and_warns_of_one_that_reads_as_another() {
    let shown = |text: &str| -> String {
        match &of(text)[0].body {
            Body::Text(pieces) => pieces.iter().map(|piece| piece.text.as_str()).collect(),
            Body::Code { .. } => panic!("there is no code"),
        }
    };
    for (text, seen) in [
        ("https://x.test/a", "https://x.test/a"),
        ("[x.test](https://x.test/)", "x.test"),
        ("[docs](https://x.test/d)", "docs (https://x.test/d)"),
        ("[mail](mailto:a@b.test)", "mail (mailto:a@b.test)"),
        (
            "https://bank.test@evil.test/",
            "https://bank.test@evil.test/ [evil.test]",
        ),
        (
            "https://b\u{430}nk.test/",
            "https://b\u{430}nk.test/ [xn--bnk-6cd.test]",
        ),
    ] {
        assert_eq!(shown(text), seen);
    }
}

#[test]
fn mentions_and_rooms_are_told_from_what_only_looks_like_them() {
    assert_eq!(
        short("@mia see a@b.test, @bob. (@al-2) @@x"),
        "mention{mia} see a@b.test, mention{bob}. (mention{al-2}) @@x"
    );
    assert_eq!(
        short("#ops, x#y, ##z and #42"),
        "room{ops}, x#y, ##z and room{42}"
    );
}

#[test]
fn blocks_are_what_they_are_in_the_browser() {
    for (text, tree) in [
        (
            "before\n```sh\ndf -h # *x*\n```\nafter",
            "before ¶ code:sh{df -h # *x*} ¶ after",
        ),
        ("```\n  two\n\n  lines\n```", "code:{  two\n\n  lines}"),
        ("```SELECT 1\nFROM x```", "code:{SELECT 1\nFROM x}"),
        ("```one line```", "code{one line}"),
        ("````\n```\n````", "code:{```}"),
        (
            "> quoted\n> *more*\n\nanswer",
            "quote{quoted\nemphasis{more}} ¶ answer",
        ),
        ("> > a\n> b", "quote{quote{a} ¶ b}"),
        (
            "- one\n- two\n  more of two\n  - deep\n- three",
            "list{- one, - two\nmore of two ¶ list{- deep}, - three}",
        ),
        ("3. three\n7. seven", "list{3 three, 7 seven}"),
        (
            "1. a\n   - b\n   - c\n2. d",
            "list{1 a ¶ list{- b, - c}, 2 d}",
        ),
        ("* a\n* b", "list{- a, - b}"),
        ("- a\n1. b", "list{- a} ¶ list{1 b}"),
        ("> - a\n> - b", "quote{list{- a, - b}}"),
        ("first\n\n- a\n\nlast", "first ¶ list{- a} ¶ last"),
    ] {
        assert_eq!(short(text), tree, "{text}");
    }
}

#[test]
fn a_text_made_to_be_hard_is_taken_apart_at_once() {
    let to = |unit: &str| -> String {
        unit.repeat(4000 / unit.chars().count() + 1)
            .chars()
            .take(4000)
            .collect()
    };
    let units = [
        "*",
        "_",
        "~",
        "`",
        "[",
        "]",
        "(",
        "@",
        "#",
        "\\",
        ">",
        "-",
        "\n",
        " ",
        "**",
        "***a",
        "*a",
        "*a ",
        "a*",
        "*a **b ",
        "_a ",
        "~~a",
        "~~~",
        "*a*",
        "***a***",
        "[a](",
        "[](",
        "[[a]",
        "](",
        "[a](https://x.test",
        "[a](https://x.test) ",
        "[[a](https://x",
        "`a",
        "``a`",
        "```\n",
        "````\n```",
        "`` ",
        "``` a",
        "```a\n",
        "> ",
        "> > a\n",
        "> - ",
        "- > ",
        "- - ",
        "- a\n",
        "1. ",
        "1. a\n  ",
        "  - a\n",
        "https://",
        "https://x.test/",
        "https://[",
        "http:",
        "@a.",
        "#a",
        "\\*",
        "a.b@",
        ">\n",
        "é*",
        "\t",
    ];
    let mut hard: Vec<String> = units.iter().map(|unit| to(unit)).collect();
    hard.push(
        (0..80)
            .map(|n| format!("{}- a\n", "  ".repeat(n)))
            .collect(),
    );
    hard.push((1..80).map(|n| format!("{} ", "`".repeat(n))).collect());
    hard.push(format!("https://x{}", ")".repeat(3900)));
    for language in ["rust", "js", "html", "sh", "sql", "yaml", "diff", "c"] {
        for unit in ["(", "\"", "'", "/*", "<a ", "${", "\\", "\"\"\"", "日"] {
            hard.push(format!("```{language}\n{}\n```", unit.repeat(1000)));
        }
    }
    hard.push("```rs\na\n```\n".repeat(300));
    hard.push("```rs\na\n```\n```js\na\n```\n".repeat(150));
    for text in hard {
        let begun = std::time::Instant::now();
        of(&text);
        let start: String = text.chars().take(20).collect();
        assert!(begun.elapsed().as_millis() < 500, "{start:?}");
    }
}

#[test]
fn of_no_text_is_any_letter_lost() {
    let units = [
        "a", "b c", "*", "**", "_", "~~", "`", "```", "[", "]", "(", "\n", "\n\n", "> ", "- ",
        "1. ", "@", "#", "\\", "  ", "é", "日",
    ];
    let mut seed = 7_u64;
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..24 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text += units[(seed >> 33) as usize % units.len()];
        }
        let letters =
            |text: &str| -> String { text.chars().filter(|c| "abcé日".contains(*c)).collect() };
        let mut shown = String::new();
        for part in of(&text) {
            match part.body {
                Body::Text(pieces) => shown.extend(pieces.into_iter().map(|piece| piece.text)),
                Body::Code { language, lines } => {
                    shown += &language;
                    shown.extend(lines.into_iter().flatten().map(|(_, text)| text));
                }
            }
        }
        assert_eq!(letters(&shown), letters(&text), "{text:?}");
    }
}

#[test]
fn code_becomes_tokens_and_all_of_it_stays() {
    let code = "fn main() {\n    let x = \"<b>\"; // why\n}";
    let parts = of(&format!("```rust\n{code}\n```"));
    let Body::Code { lines, .. } = &parts[0].body else {
        panic!("no code: {parts:?}");
    };
    let has = |kind, text: &str| {
        let mut tokens = lines.iter().flatten();
        tokens.any(|token| *token == (kind, text.to_owned()))
    };
    assert!(has(Kind::Keyword, "fn"), "{lines:?}");
    assert!(has(Kind::String, "\"<b>\"") && has(Kind::Comment, "// why"));
    let line = |line: &Vec<(Kind, String)>| -> String {
        line.iter().map(|(_, text)| text.as_str()).collect()
    };
    let whole: Vec<String> = lines.iter().map(line).collect();
    assert_eq!(whole.join("\n"), code);
    let unknown = of("```klingon\na = 1\n```");
    let Body::Code { lines, .. } = &unknown[0].body else {
        panic!("no code: {unknown:?}");
    };
    assert_eq!(lines, &[[(Kind::Plain, "a = 1".to_owned())]]);
}

#[test]
fn on_a_line_only_the_words_are_left() {
    let plain = |text: &str| Memo::default().plain(text);
    assert_eq!(plain("**a** `b`\n- c\n> d"), "a b • c d");
    assert_eq!(plain("[docs](https://x.test)"), "docs");
    assert_eq!(plain("as it is"), "as it is");
}

#[test]
fn what_is_kept_is_bounded_and_what_is_looked_at_stays() {
    let memo = Memo::default();
    let first = memo.parts("**first**");
    for n in 0..5_000 {
        memo.parts(&format!("**{n}**"));
        assert!(std::sync::Arc::ptr_eq(&first, &memo.parts("**first**")));
        assert!(memo.len() <= 401, "{}", memo.len());
    }
}
