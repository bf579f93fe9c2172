//! Code as tokens, by `synoptic`: its table of a language is made when there is code of it to be seen, in
//! a millisecond or two. (`syntect` takes 27 ms for each language and 31 MiB for five of them.)

use std::cell::RefCell;
use std::collections::HashMap;

use synoptic::{Highlighter, TokOpt, from_extension};

/// Languages whose tables are kept: they are half a MiB each.
const KEPT_MAX: usize = 6;

thread_local! {
    /// To make a table takes longer than to use it, and a message may have hundreds of blocks.
    static KEPT: RefCell<HashMap<&'static str, Highlighter>> = RefCell::default();
}

/// What a stretch of code is; these are what the eye tells apart, here and in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Comment,
    Keyword,
    String,
    Number,
    Name,
    Type,
    Added,
    Removed,
}

/// Lines of code in stretches of one kind.
pub type Tokens = Vec<Vec<(Kind, String)>>;

/// Names that people write behind a fence, and how `synoptic` calls the language.
const LANGUAGES: &[(&[&str], &str)] = &[
    (&["rust", "rs"], "rs"),
    (&["python", "python3", "py"], "py"),
    (
        &[
            "bash", "sh", "shell", "zsh", "fish", "console", "make", "makefile", "mk",
        ],
        "sh",
    ),
    (&["javascript", "js", "jsx", "mjs", "node"], "js"),
    (&["typescript", "ts", "tsx"], "ts"),
    (&["json", "jsonc"], "json"),
    (&["c", "h"], "c"),
    (&["cpp", "c++", "cc", "hpp", "cxx"], "cpp"),
    (&["csharp", "cs", "c#"], "cs"),
    (&["css", "scss"], "css"),
    (&["diff", "patch"], "diff"),
    (&["go", "golang"], "go"),
    (&["haskell", "hs"], "hs"),
    (&["html", "htm"], "html"),
    (&["xml", "svg"], "xml"),
    (&["java"], "java"),
    (&["kotlin", "kt"], "kt"),
    (&["lua"], "lua"),
    (&["nu", "nushell"], "nu"),
    (&["php"], "php"),
    (&["r"], "r"),
    (&["ruby", "rb"], "rb"),
    (&["scala"], "scala"),
    (&["dart"], "dart"),
    (&["sql", "sqlite", "postgres", "mysql"], "sql"),
    (&["swift"], "swift"),
    (&["toml", "ini", "conf", "cfg"], "toml"),
    (&["yaml", "yml"], "yaml"),
    (&["tex", "latex"], "tex"),
    (&["asm", "nasm"], "asm"),
];

/// The code, line by line; each a single stretch if the language is none that is known here.
pub fn highlight(language: &str, code: &str) -> Tokens {
    let lines: Vec<String> = code.split('\n').map(str::to_owned).collect();
    let name = language.to_lowercase();
    let known = LANGUAGES
        .iter()
        .find(|(names, _)| names.contains(&name.as_str()));
    let coloured = known.and_then(|(_, extension)| {
        KEPT.with_borrow_mut(|kept| {
            if !kept.contains_key(extension) && kept.len() >= KEPT_MAX {
                kept.clear();
            }
            let highlighter = match kept.remove(extension) {
                Some(highlighter) => highlighter,
                None => from_extension(extension, 1)?,
            };
            // It is put back only if it comes through.
            let (highlighter, tokens) = coloured(highlighter, &lines);
            kept.insert(extension, highlighter);
            Some(tokens)
        })
    });
    coloured.unwrap_or_else(|| {
        let plain = |line| vec![(Kind::Plain, line)];
        lines.into_iter().map(plain).collect()
    })
}

fn coloured(mut highlighter: Highlighter, lines: &[String]) -> (Highlighter, Tokens) {
    highlighter.run(lines);
    let tokens = lines.iter().enumerate().map(|(at, line)| {
        let tokens = highlighter.line(at, line).into_iter();
        let tokens: Vec<(Kind, String)> = tokens
            .map(|token| match token {
                TokOpt::Some(text, name) => (kind(&name), text),
                TokOpt::None(text) => (Kind::Plain, text),
            })
            .collect();
        // What is lost on the way to its colours is better without them.
        let whole: String = tokens.iter().map(|(_, text)| text.as_str()).collect();
        if whole == *line {
            tokens
        } else {
            vec![(Kind::Plain, line.clone())]
        }
    });
    let tokens = tokens.collect();
    (highlighter, tokens)
}

fn kind(name: &str) -> Kind {
    match name {
        "comment" | "quote" => Kind::Comment,
        "keyword" | "kw" | "boolean" | "tag" | "macro" => Kind::Keyword,
        "string" | "character" | "link" | "regex" => Kind::String,
        "digit" | "number" => Kind::Number,
        "function" | "attribute" | "key" | "heading" | "header" => Kind::Name,
        "struct" | "type" | "namespace" | "table" | "global" | "self" | "reference" => Kind::Type,
        "insertion" => Kind::Added,
        "deletion" => Kind::Removed,
        _ => Kind::Plain,
    }
}
