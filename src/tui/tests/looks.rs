//! What texts look like: Markdown, code, names, emoji and scripts that run the other way, on every theme.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use crate::protocol::server::{Message, ServerFrame, UserJoined, UserLeft};
use crate::tui::event::Event;
use crate::tui::shown::{Emoji, grapheme_width, show_emoji};
use crate::tui::testing::{Story, message, uid, user};
use crate::tui::theme::{Ground, Theme};

const MARKED: &str = "**Done**: _see_ `make check`, ~~by hand~~\n- first, with words that go on and on\n  - deeper\n2. two\n> quoted\n```rust\nfn main() { // why\n    let x = \"a long line that goes past a narrow screen\";\n}\n```\nand [the docs](https://example.org/d) or https://example.org/a";

fn texts() -> Vec<Message> {
    let mut answer = message(2, "bob", "@alice: **yes**, see #lobby and #42");
    answer.reply_to = Some(message(1, "carol", "").id);
    answer.edited = Some(answer.ts);
    let mut loved = message(3, "carol", "```\nplain code\n```");
    loved.edited = Some(loved.ts);
    loved.reactions = BTreeMap::from([("👍".to_owned(), vec!["bob".to_owned()])]);
    vec![message(1, "carol", MARKED), answer, loved]
}

#[test]
fn markdown_on_a_narrow_screen() {
    let mut story = Story::in_lobby(40, 12, texts());
    let end = story.screen();
    story.press(KeyCode::PageUp);
    assert_snapshot!(format!("{}{end}", story.screen()));
}

#[test]
fn markdown_on_a_usual_screen() {
    assert_snapshot!(Story::in_lobby(80, 24, texts()).screen());
}

#[test]
fn markdown_on_a_wide_screen() {
    assert_snapshot!(Story::in_lobby(200, 50, texts()).screen());
}

/// The look of the first cell of `text` on the screen.
fn look(story: &Story, text: &str) -> (Color, Color, Modifier) {
    let buffer = story.buffer();
    let width = usize::from(buffer.area.width);
    let symbols: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
    let at = (0..symbols.len()).find(|at| {
        let row_end = (at / width + 1) * width;
        symbols[*at..row_end].concat().starts_with(text)
    });
    let cell = &buffer.content[at.unwrap_or_else(|| panic!("no {text:?}:\n{}", story.screen()))];
    (cell.fg, cell.bg, cell.modifier)
}

fn coloured(ground: Ground) -> Story {
    // A backend for tests leaves what is behind a wide character as it was: no emoji here.
    let mut story = Story::in_lobby(80, 40, texts()[..2].to_vec());
    story.state.theme = Theme::new(ground, true);
    story
}

#[test]
fn marks_are_attributes_and_code_has_colours() {
    let story = coloured(Ground::Terminal);
    assert!(look(&story, "Done").2.contains(Modifier::BOLD));
    assert!(look(&story, "see make").2.contains(Modifier::ITALIC));
    assert!(look(&story, "by hand").2.contains(Modifier::CROSSED_OUT));
    assert_eq!(look(&story, "make check").0, Color::LightBlue);
    assert_eq!(look(&story, "fn main").0, Color::Magenta);
    assert_eq!(look(&story, "\"a long").0, Color::Green);
    assert!(look(&story, "the docs").2.contains(Modifier::UNDERLINED));
    // One's own name stands out of the line that names one.
    assert!(look(&story, "@alice").2.contains(Modifier::REVERSED));
    assert!(look(&story, "yes, see").2.contains(Modifier::BOLD));
    assert!(!look(&story, "yes, see").2.contains(Modifier::REVERSED));
    assert!(look(&story, "#lobby and").2.contains(Modifier::BOLD));
}

#[test]
fn without_colours_code_keeps_its_marks() {
    let story = Story::in_lobby(80, 40, texts());
    assert!(
        story.screen().contains("see `make check`"),
        "{}",
        story.screen()
    );
    for cell in &story.buffer().content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn a_theme_has_its_ground_everywhere_and_is_changed_by_a_command() {
    let mut story = coloured(Ground::Terminal);
    assert!(
        story
            .buffer()
            .content
            .iter()
            .all(|cell| cell.bg == Color::Reset)
    );
    for (name, letters, ground) in [
        ("dark", Color::Gray, Color::Black),
        ("light", Color::Black, Color::White),
    ] {
        story.enter(&format!("/theme {name}"));
        for key in [
            KeyCode::F(1),
            KeyCode::Esc,
            KeyCode::F(3),
            KeyCode::Esc,
            KeyCode::F(2),
        ] {
            let buffer = story.buffer();
            let own = |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset && cell.bg == ground;
            assert!(
                buffer.content.iter().all(own),
                "{name}:\n{}",
                story.screen()
            );
            assert!(buffer.content.iter().any(|cell| cell.fg == letters));
            story.press(key);
        }
        story.press(KeyCode::F(2));
    }
    story.enter("/theme purple");
    assert!(
        story
            .screen()
            .contains("themes are dark, light and terminal")
    );
    story.ctrl('u');
    story.enter("/theme terminal");
    assert!(
        story
            .buffer()
            .content
            .iter()
            .all(|cell| cell.bg == Color::Reset)
    );
    story.state.theme.colour = false;
    story.enter("/theme dark");
    assert!(story.screen().contains("NO_COLOR"), "{}", story.screen());
    assert!(
        story
            .buffer()
            .content
            .iter()
            .all(|cell| cell.bg == Color::Reset)
    );
}

#[test]
fn the_frame_stands_whatever_the_texts_are_made_of() {
    let texts = [
        "family 👩\u{200d}👩\u{200d}👧\u{200d}👦 of four",
        "skins 👍🏻👍🏼👍🏽👍🏾👍🏿 and flags 🇩🇪🇫🇷🇯🇵 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "❤\u{fe0f} ☎\u{fe0f} 1\u{fe0f}\u{20e3} 🏳\u{fe0f}\u{200d}🌈 👩🏻\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏿",
        "日本語のテキストも折り返します、どこまでも続く長い文章です",
        "e\u{301}\u{302}\u{303}\u{304}\u{305} combining, ﾊﾟﾋﾟ, 한국어, क्षत्रिय, ไทย",
        "שלום עולם, **שלום** `שלום`",
        "مرحبا بالعالم\n> اقتباس\n- واحد\n- اثنان",
        "```\n日本語 👍🏽 שלום\n```",
    ];
    for emoji in [Emoji::Simple, Emoji::Full] {
        show_emoji(emoji);
        for (columns, rows) in [(40, 12), (80, 24), (200, 50)] {
            let all = (1..).zip(texts).map(|(n, text)| message(n, "bob", text));
            let mut story = Story::in_lobby(columns, rows, all.collect());
            for _ in 0..4 {
                frame_stands(&story);
                story.press(KeyCode::PageUp);
            }
            story.write(texts[1]);
            frame_stands(&story);
        }
    }
    let all = vec![message(1, "bob", texts[0])];
    let story = Story::in_lobby(80, 24, all);
    assert!(
        story
            .screen()
            .contains("👩\u{200d}👩\u{200d}👧\u{200d}👦 of four")
    );
    show_emoji(Emoji::Simple);
    assert!(story.screen().contains("👩👩👧👦 of four"));
}

/// The columns beside the texts are where they are without them.
fn frame_stands(story: &Story) {
    let buffer = story.buffer();
    let width = buffer.area.width;
    let parts = crate::tui::travel::parts(&story.state);
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            let cells = u16::try_from(grapheme_width(symbol).max(1)).unwrap();
            assert!(x + cells <= width, "{symbol:?} runs over the edge");
            // What is behind a wide one is hidden, and nothing is drawn there.
            for hidden in x + 1..x + cells {
                assert_eq!(
                    buffer[(hidden, y)].symbol(),
                    " ",
                    "{symbol:?} covers something"
                );
            }
            x += cells;
        }
    }
    for row in parts.messages.rows() {
        for side in [parts.rooms, parts.people] {
            if side.width > 0 && side.x > 0 {
                assert_eq!(buffer[(side.x, row.y)].symbol(), "│", "{}", story.screen());
            }
        }
    }
}

#[test]
fn who_comes_and_goes_is_said_in_one_line() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    for name in ["ana", "bo", "cy", "dan", "eve"] {
        story.frame(ServerFrame::UserJoin(UserJoined {
            room: "lobby".to_owned(),
            user: user(name),
            total: 8,
        }));
    }
    for name in ["bob", "eve"] {
        story.frame(ServerFrame::UserLeave(UserLeft {
            room: "lobby".to_owned(),
            user: name.to_owned(),
            uid: uid(name),
            reason: "quit".to_owned(),
            total: 6,
        }));
    }
    let screen = story.screen();
    let told = "ana, bo and 2 others joined; bob";
    assert!(screen.contains(told), "{screen}");
    story.happen(Event::Resize(200, 50));
    let told = "ana, bo, cy and dan joined; bob left";
    assert!(story.screen().contains(told), "{}", story.screen());
}

#[test]
fn the_window_keeps_only_what_is_looked_at_taken_apart() {
    let all = (0..500).map(|n| message(n, "bob", &format!("**{n}**")));
    let mut story = Story::in_lobby(80, 24, all.collect());
    for _ in 0..30 {
        story.press(KeyCode::PageUp);
        story.screen();
    }
    assert!(story.state.memo.len() <= 400, "{}", story.state.memo.len());
}
