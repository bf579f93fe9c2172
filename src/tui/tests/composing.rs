//! What helps while one writes: completion, history, drafts; and the list of rooms beside it.

use crossterm::event::KeyCode;

use crate::client::Command;
use crate::protocol::server::{Room, RoomInfo, RoomList, ServerFrame};
use crate::protocol::{ClientFrame, Ts, VersionVector};
use crate::tui::event::Effect;
use crate::tui::testing::{MORNING, Story, message, origin, user};

fn line(story: &Story) -> String {
    story.state.room().unwrap().composer.text()
}

fn fresh(story: &mut Story) {
    story.ctrl('u');
}

fn tab(story: &mut Story) {
    story.press(KeyCode::Tab);
}

fn ops(story: &mut Story) {
    story.enter("/join ops");
    let mut said = message(1, "dave", "up");
    said.room = "ops".to_owned();
    story.frame(ServerFrame::Room(Box::new(Room {
        re: None,
        room: "ops".to_owned(),
        topic: String::new(),
        private: false,
        total: 2,
        users: vec![user("alice"), user("dave")],
        messages: vec![said],
        updates: Vec::new(),
        more: false,
        since: VersionVector::new(),
        read: VersionVector::new(),
    })));
}

#[test]
fn tab_completes_emoji_by_their_names_and_shows_what_comes_next() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.write("well done :ta");
    tab(&mut story);
    let first = line(&story);
    assert!(
        first.starts_with("well done ") && !first.contains(':'),
        "{first}"
    );
    let screen = story.screen();
    assert!(screen.contains(":taco:"), "{screen}");
    let mut seen = vec![first];
    loop {
        tab(&mut story);
        if line(&story) == seen[0] {
            break;
        }
        seen.push(line(&story));
    }
    assert!(seen.contains(&"well done 🎉 ".to_owned()), "{seen:?}");
    story.press(KeyCode::BackTab);
    assert_eq!(line(&story), *seen.last().unwrap());
    // Another key ends it.
    story.write("x");
    assert!(!story.screen().contains(":taco:"));
    fresh(&mut story);
    story.write("(:crab");
    tab(&mut story);
    assert_eq!(line(&story), "(🦀 ");
    fresh(&mut story);
    story.write("12:30");
    tab(&mut story);
    assert_eq!(line(&story), "12:30");
}

#[test]
fn a_name_between_two_colons_becomes_the_emoji_while_it_is_typed() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.write(":tada:");
    assert_eq!(line(&story), "🎉");
    story.ctrl('z');
    story.ctrl('z');
    assert_eq!(line(&story), ":tada:");
    fresh(&mut story);
    story.write("let x: std::vec::Vec; at 12:30: :nosuch:");
    assert_eq!(line(&story), "let x: std::vec::Vec; at 12:30: :nosuch:");
    // In a paste it stays: that may be anything.
    fresh(&mut story);
    story.happen(crate::tui::event::Event::Paste(":tada:".to_owned()));
    assert_eq!(line(&story), ":tada:");
}

#[test]
fn the_space_that_completing_puts_is_neither_doubled_nor_in_the_way() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    for (typed, then, written) in [
        ("done :tada", " and", "done 🎉 and"),
        ("done :tada", "  and", "done 🎉  and"),
        ("done :tada", "! ok", "done 🎉! ok"),
        ("done (:tada", ") ok", "done (🎉) ok"),
        ("bo", " hi", "bob: hi"),
        ("bo", ": hi", "bob: hi"),
        ("bo", ", hi", "bob, hi"),
        ("ask bo", "? ok", "ask bob? ok"),
        ("ask bo", "...", "ask bob..."),
        ("ask @bo", "'s cat", "ask @bob's cat"),
        ("see #lo", ": it", "see #lobby: it"),
        // What begins with a sign is a word of its own.
        ("ask bo", ":tada:", "ask bob 🎉"),
        ("ask bo", ":)", "ask bob :)"),
        ("ask bo", ";-)", "ask bob ;-)"),
        ("ask bo", ": he", "ask bob: he"),
        // Behind a word of a command too.
        ("/msg bo", " :tada:", "/msg bob 🎉"),
        ("/msg bo", ":tada:", "/msg bob 🎉"),
        ("/msg bo", ". hm", "/msg bob . hm"),
        ("/rea", " x", "/react x"),
    ] {
        story.write(typed);
        tab(&mut story);
        story.write(then);
        assert_eq!(line(&story), written, "{typed:?}, Tab, {then:?}");
        fresh(&mut story);
    }
    // Only directly behind it.
    story.write("ask bo");
    tab(&mut story);
    story.press(KeyCode::Left);
    story.press(KeyCode::Right);
    story.write(" !");
    assert_eq!(line(&story), "ask bob  !");
    fresh(&mut story);
    story.write(":tada: :tada::tada: ok");
    assert_eq!(line(&story), "🎉 🎉🎉 ok");
}

#[test]
fn what_is_no_emoji_is_not_reacted_with_but_where_somebody_has() {
    let mut odd = message(1, "bob", "x");
    odd.reactions = [("ja".to_owned(), vec!["bob".to_owned()])].into();
    let mut story = Story::in_lobby(80, 24, vec![odd]);
    for (typed, reacted) in [
        ("/react tada", "🎉"),
        ("/react :smile:", "😄"),
        ("/react +1", "👍"),
        ("/react 🦀", "🦀"),
        ("/react ja", "ja"),
    ] {
        story.happen(crate::tui::event::Event::Paste(typed.to_owned()));
        story.press(KeyCode::Enter);
        let frames = story.written();
        assert!(
            matches!(&frames[..], [ClientFrame::React { emoji, .. }] if emoji == reacted),
            "{typed}: {frames:?}"
        );
    }
    for (typed, why) in [
        (
            "/react",
            "with what? /react 👍, or by its name: /react tada",
        ),
        (
            "/react fyne",
            "fyne is no emoji, and none is called that: /react 👍",
        ),
        ("/react tad", "no emoji is called tad; there is 🎉 tada"),
        ("/react 日本", "日本 is no emoji"),
    ] {
        story.happen(crate::tui::event::Event::Paste(typed.to_owned()));
        story.press(KeyCode::Enter);
        assert_eq!(story.written(), []);
        let screen = story.screen();
        assert!(screen.contains(why), "{screen}");
        assert_eq!(line(&story), typed);
        fresh(&mut story);
    }
}

#[test]
fn a_command_reacts_by_name_too() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "x")]);
    story.happen(crate::tui::event::Event::Paste("/react :+1:".to_owned()));
    story.press(KeyCode::Enter);
    let frames = story.written();
    assert!(
        matches!(&frames[..], [ClientFrame::React { emoji, .. }] if emoji == "👍"),
        "{frames:?}"
    );
}

#[test]
fn tab_completes_rooms_wherever_they_are_named() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    ops(&mut story);
    let room = |name: &str| RoomInfo {
        room: name.to_owned(),
        topic: String::new(),
        total: 1,
        private: false,
        joined: false,
        last: Ts(0),
        unread: 0,
    };
    story.frame(ServerFrame::Rooms(RoomList {
        re: None,
        rooms: vec![room("gardening"), room("@bob"), room("ops")],
    }));
    for (typed, completed) in [
        ("see #gar", "see #gardening "),
        ("#o", "#ops "),
        ("/join ga", "/join gardening "),
        ("/join #ga", "/join gardening "),
        ("/leave lo", "/leave lobby "),
        ("/leave ga", "/leave ga"),
        ("/msg da", "/msg dave "),
        ("/msg bo", "/msg bob "),
        ("hi @ca", "hi @carol "),
        ("/rea", "/react "),
        ("/react ", "/react 👍 "),
        ("/react crab", "/react 🦀 "),
        ("/react :crab", "/react 🦀 "),
        ("no/join ga", "no/join ga"),
    ] {
        story.write(typed);
        tab(&mut story);
        assert_eq!(line(&story), completed, "{typed}");
        fresh(&mut story);
    }
}

#[test]
fn up_goes_from_an_empty_line_to_the_last_own_message_and_on_to_what_was_sent() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "alice", "helo")]);
    story.enter("/who");
    story.press(KeyCode::Up);
    let screen = story.screen();
    assert!(screen.contains("✎ editing: helo"), "{screen}");
    story.press(KeyCode::Up);
    assert_eq!(line(&story), "/who");
    assert!(!story.screen().contains("editing"), "{}", story.screen());
    story.press(KeyCode::Down);
    assert_eq!(line(&story), "");
    // A change that is begun is not lost by it.
    story.press(KeyCode::Up);
    story.write("!");
    story.press(KeyCode::Up);
    story.press(KeyCode::Down);
    assert_eq!(line(&story), "helo!");
    story.press(KeyCode::Esc);
    assert_eq!(line(&story), "");
    // Nor is a draft.
    story.write("draft");
    story.press(KeyCode::Up);
    assert_eq!(line(&story), "/who");
    story.press(KeyCode::Down);
    assert_eq!(line(&story), "draft");
}

#[test]
fn what_up_shows_already_is_not_shown_again_as_the_line_sent_last() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("before");
    story.enter("only once");
    for (n, text) in ["before", "only once"].iter().enumerate() {
        let nonce = story.state.rooms[0].pending[0].nonce.clone();
        story.stored(&nonce, n as u64 + 1);
        assert!(story.screen().contains(text));
    }
    story.press(KeyCode::Up);
    assert!(story.screen().contains("✎ only once"), "{}", story.screen());
    story.press(KeyCode::Up);
    assert_eq!(line(&story), "before");
    assert!(!story.screen().contains("editing"));
    story.press(KeyCode::Up);
    assert_eq!(line(&story), "before", "there is nothing before it");
    story.press(KeyCode::Down);
    assert_eq!(line(&story), "only once");
    story.press(KeyCode::Down);
    assert_eq!(line(&story), "");
    // With nothing else to show, the edit stays.
    let mut story = Story::in_lobby(80, 24, vec![message(1, "alice", "hello")]);
    story.press(KeyCode::Up);
    story.press(KeyCode::Up);
    assert!(story.screen().contains("✎ hello"), "{}", story.screen());
}

#[test]
fn without_a_room_commands_are_typed_and_a_text_is_refused_and_kept() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/leave");
    let screen = story.screen();
    assert!(screen.contains("no room: Ctrl+K goes to one"), "{screen}");
    assert!(screen.contains("> /join ROOM, F1 for help"), "{screen}");
    story.effects();
    story.enter("hello");
    assert_eq!(story.written(), []);
    let screen = story.screen();
    assert!(screen.contains("> hello"), "{screen}");
    assert!(
        screen.contains("there is no room to say this in: /join ROOM enters one"),
        "{screen}"
    );
    // The line is one as in a room: it is cleared, undone and called back, and Tab completes in it.
    story.ctrl('c');
    assert!(story.screen().contains("> /join ROOM"));
    story.ctrl('z');
    assert!(story.screen().contains("> hello"));
    story.ctrl('u');
    story.press(KeyCode::Up);
    assert!(story.screen().contains("> /leave"), "{}", story.screen());
    story.ctrl('u');
    story.write("/j");
    tab(&mut story);
    story.happen(crate::tui::event::Event::Paste("tea".to_owned()));
    assert!(story.screen().contains("> /join tea"), "{}", story.screen());
    story.press(KeyCode::Enter);
    assert_eq!(story.state.room().unwrap().name, "tea");
    story.enter("/leave");
    assert!(story.screen().contains("> /join ROOM"), "it is empty again");
    // What is typed in part shows what it may become.
    story.write("/re");
    tab(&mut story);
    assert!(story.screen().contains("/react"), "{}", story.screen());
    story.ctrl('u');
    story.enter("/msg bob hi");
    assert_eq!(story.state.room().unwrap().name, "@bob");
    assert!(story.screen().contains("hi … sending"));
    story.state.rooms[0].pending.clear();
    story.enter("/leave");
    story.enter("/rooms");
    assert!(story.screen().contains("› #"), "{}", story.screen());
    story.press(KeyCode::Esc);
    for line in [
        "/who",
        "/topic x",
        "/react 👍",
        "/edit",
        "/delete",
        "/reply x",
        "/leave",
    ] {
        story.enter(line);
        let screen = story.screen();
        let said = screen.lines().last().unwrap_or_default();
        assert!(
            said.contains("there is no") || said.contains("nobody"),
            "{line}: {said}"
        );
        story.ctrl('u');
    }
    story.ctrl('c');
    story.ctrl('c');
    assert!(story.effects().contains(&Effect::Quit));
}

#[test]
fn what_is_on_its_way_is_not_passed_over_for_an_older_message() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "alice", "older")]);
    story.enter("newer");
    story.press(KeyCode::Up);
    assert_eq!(line(&story), "newer");
    assert!(!story.screen().contains("editing"), "{}", story.screen());
}

#[test]
fn a_cleared_line_comes_back_with_undo() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.write("a long thought");
    story.ctrl('c');
    assert_eq!(line(&story), "");
    story.ctrl('z');
    assert_eq!(line(&story), "a long thought");
}

#[test]
fn each_room_keeps_its_draft_and_the_list_says_so() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    ops(&mut story);
    story.write("for ops");
    story.alt(KeyCode::Char('1'));
    assert_eq!(line(&story), "");
    let screen = story.screen();
    assert!(screen.contains("2 #ops       ✎"), "{screen}");
    story.write("for all");
    story.alt(KeyCode::Char('2'));
    assert_eq!(line(&story), "for ops");
    story.press(KeyCode::Enter);
    story.alt(KeyCode::Char('1'));
    assert_eq!(line(&story), "for all");
    assert!(!story.screen().contains('✎'), "{}", story.screen());
}

#[test]
fn what_is_meant_for_one_is_counted_apart_from_what_is_unread() {
    let mut story = Story::in_lobby(100, 24, Vec::new());
    ops(&mut story);
    for (n, text) in ["a", "alice: b", "c", "d @alice", "e"].iter().enumerate() {
        story.hear(message(n as u64 + 2, "bob", text));
    }
    let row = |story: &Story, title: &str| {
        let screen = story.screen();
        let found = screen.lines().find(|line| line.contains(title));
        found
            .unwrap()
            .split('│')
            .next()
            .unwrap()
            .trim_end()
            .to_owned()
    };
    assert_eq!(row(&story, "1 #lobby"), "1 #lobby       !2 5");
    // Another session reads the first of the two.
    story.frame(ServerFrame::Read(crate::protocol::server::ReadMoved {
        room: "lobby".to_owned(),
        since: [(origin(), 4)].into_iter().collect(),
    }));
    assert_eq!(row(&story, "1 #lobby"), "1 #lobby       !1 3");
    // Where there is less room the name comes first.
    story.state.rooms[0].name = "operations".to_owned();
    story.happen(crate::tui::event::Event::Resize(80, 24));
    assert_eq!(row(&story, "#operati"), "1 #operati… !1");
    let mut direct = message(20, "bob", "psst");
    direct.room = "@bob".to_owned();
    story.hear(direct);
    assert_eq!(row(&story, "@bob"), "3 @bob      !1");
}

#[test]
fn what_came_while_one_was_away_is_counted_apart_too() {
    let mut story = Story::new(100, 24);
    story.online("n1");
    story.enter("/join ops");
    let messages = vec![
        message(1, "bob", "read"),
        message(2, "bob", "alice?"),
        message(3, "bob", "hm"),
    ];
    story.frame(ServerFrame::Room(Box::new(Room {
        re: None,
        room: "lobby".to_owned(),
        topic: String::new(),
        private: false,
        total: 2,
        users: vec![user("alice"), user("bob")],
        messages,
        updates: Vec::new(),
        more: false,
        since: [(origin(), 4)].into_iter().collect(),
        read: [(origin(), 2)].into_iter().collect(),
    })));
    let screen = story.screen();
    assert!(screen.contains("1 #lobby       !1 2"), "{screen}");
}

#[test]
fn leaving_a_room_leads_to_another_room_and_to_nobody_in_particular() {
    let mut story = Story::in_lobby(80, 24, Vec::new());
    story.enter("/msg bob");
    ops(&mut story);
    assert_eq!(story.state.room().unwrap().name, "ops");
    story.enter("/leave");
    assert_eq!(story.state.room().unwrap().name, "lobby");
    let left = |effect: &Effect| matches!(effect, Effect::Net(Command::Leave { .. }));
    assert!(story.effects().iter().any(left));
    story.enter("/leave");
    assert_eq!(story.state.room().unwrap().name, "@bob");
    story.enter("/leave");
    assert!(story.state.rooms.is_empty());
    assert!(story.screen().contains("Ctrl+K goes to one"));
}

#[test]
fn a_room_that_is_come_to_by_leaving_shows_what_is_new() {
    let mut story = Story::in_lobby(80, 24, vec![message(1, "bob", "old")]);
    ops(&mut story);
    story.hear(message(2, "bob", "unread"));
    assert_eq!(story.state.rooms[0].unread, 1);
    story.enter("/leave");
    assert!(story.screen().contains("─ new ─"), "{}", story.screen());
    assert_eq!(story.state.now, MORNING);
}
