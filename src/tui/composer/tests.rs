//! The composer's text, keys and drafts.

use super::*;

fn composer(text: &str) -> Composer {
    let mut composer = Composer::default();
    composer.insert(text);
    composer
}

#[test]
fn a_joined_emoji_is_one_character_to_the_keys() {
    let mut composer = composer("a👩\u{200d}👩\u{200d}👧e\u{301}");
    composer.backspace();
    assert_eq!(composer.text(), "a👩\u{200d}👩\u{200d}👧");
    composer.left();
    assert_eq!(composer.before_cursor(), "a");
    composer.right();
    composer.backspace();
    assert_eq!(composer.text(), "a");
    composer.undo();
    assert_eq!(composer.text(), "a👩\u{200d}👩\u{200d}👧");
    composer.left();
    composer.delete();
    assert_eq!(composer.text(), "a");
}

#[test]
fn killing_and_yanking_goes_as_in_a_shell() {
    let mut composer = composer("one two-three  four");
    composer.delete_word_back();
    assert_eq!(composer.text(), "one two-three  ");
    composer.delete_word_back();
    assert_eq!(composer.text(), "one ");
    composer.yank();
    assert_eq!(composer.text(), "one two-three  ");
    composer.kill_to_start();
    assert_eq!(composer.text(), "");
    composer.yank();
    composer.line_start();
    composer.kill_to_end();
    assert!(composer.is_empty());
}

#[test]
fn a_paste_is_cleaned_and_keeps_its_lines() {
    let composer = composer("a\r\n\tb\u{1b}[31m\rc");
    assert_eq!(composer.text(), "a\n    b\nc");
    assert_eq!(composer.lines(), 3);
}

#[test]
fn the_cursor_is_where_the_next_character_goes() {
    let mut composer = composer("日本語ab");
    let layout = composer.layout(4);
    assert_eq!(layout.rows, ["日本", "語ab", ""]);
    assert_eq!((layout.cursor_row, layout.cursor_cell), (2, 0));
    composer.left();
    let layout = composer.layout(5);
    assert_eq!(layout.rows, ["日本", "語ab"]);
    assert_eq!((layout.cursor_row, layout.cursor_cell), (1, 3));
}

#[test]
fn moving_up_and_down_ends_at_the_first_and_last_line() {
    let mut composer = composer("long line\nab");
    assert!(!composer.down());
    assert!(composer.up());
    assert_eq!(composer.before_cursor(), "lo");
    assert!(!composer.up() && composer.down());
}

#[test]
fn what_stood_there_before_an_edit_stands_there_after_it() {
    let id = |name: &str| {
        let (uid, nonce) = (crate::tui::testing::uid(name), "n1");
        MessageId::new(&uid, &crate::protocol::Nonce::parse(nonce).unwrap())
    };
    let mut composer = composer("a draft");
    composer.reply(id("bob"));
    assert_eq!(composer.text(), "a draft");
    composer.edit(id("alice"), "helo");
    composer.edit(id("alice"), "hi");
    assert_eq!(composer.text(), "hi");
    composer.reply(id("carol"));
    assert_eq!(composer.text(), "a draft");
    composer.leave();
    assert_eq!(
        (composer.text().as_str(), &composer.purpose),
        ("a draft", &Purpose::New)
    );
}

#[test]
fn an_answer_that_an_edit_has_interrupted_is_an_answer_afterwards() {
    let id = |name: &str| {
        let nonce = crate::protocol::Nonce::parse("n1").unwrap();
        MessageId::new(&crate::tui::testing::uid(name), &nonce)
    };
    let mut composer = composer("thanks");
    composer.reply(id("bob"));
    composer.edit(id("alice"), "a\ttab");
    assert!(composer.is_unchanged() && !composer.is_idle());
    composer.insert("!");
    assert!(!composer.is_unchanged());
    composer.reset();
    assert_eq!(
        (composer.text().as_str(), &composer.purpose),
        ("thanks", &Purpose::Reply(id("bob")))
    );
}

#[test]
fn a_replaced_text_comes_back_with_undo() {
    let mut composer = composer("before");
    composer.set_text("after");
    assert_eq!(composer.text(), "after");
    composer.undo();
    composer.undo();
    assert_eq!(composer.text(), "before");
}

#[test]
fn what_several_have_left_is_all_there_and_an_edit_stands_before_it() {
    let id = |name: &str| {
        let nonce = crate::protocol::Nonce::parse("n1").unwrap();
        MessageId::new(&crate::tui::testing::uid(name), &nonce)
    };
    let mut edit = composer("before");
    edit.edit(id("alice"), "helo");
    edit.insert("!");
    let mut other = Composer::default();
    other.edit(id("carol"), "x");
    other.set_text("other");
    let drafts = [&edit, &other, &composer("plain")].map(|composer| composer.written().unwrap());
    let mut restored = Composer::default();
    for draft in drafts {
        restored.restore(draft);
    }
    assert_eq!(
        (restored.text().as_str(), &restored.purpose),
        ("helo!", &Purpose::Edit(id("alice")))
    );
    restored.leave();
    assert_eq!(restored.text(), "before\nother\nplain");
    // Nothing is kept of an edit that changes nothing, but what stood there before it.
    restored.edit(id("alice"), "helo");
    let mut again = Composer::default();
    again.restore(restored.written().unwrap());
    assert_eq!(
        (again.text().as_str(), &again.purpose),
        ("before\nother\nplain", &Purpose::New)
    );
}
