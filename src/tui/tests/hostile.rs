//! Strings that mean to steer the terminal, in every field that is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::CellWidth;

use crate::client::ClientEvent;
use crate::protocol::ErrorCode;
use crate::protocol::server::{
    AwayChanged, ErrorFrame, Renamed, Role, Room, RoomInfo, RoomList, ServerFrame, Session,
    TopicChanged, Typing, UserInfo, UserJoined, UserLeft,
};
use crate::protocol::stats::{NodeInfo, Stats};
use crate::protocol::{ClientFrame, RoomRef, Ts, VersionVector};
use crate::tui::monitor::report::report;
use crate::tui::shown::safe;
use crate::tui::testing::{Story, message, origin, uid};
use crate::tui::tests::monitoring::{figures, hear, stats, watching};

pub const PAYLOADS: &[&str] = &[
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;ZXZpbA==\u{1b}\\",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{1b}[?1049l",
    "\u{9b}31m\u{9d}0;x\u{9c}",
    "\u{90}payload\u{9c}",
    "a\u{8}\u{8}\u{8}b\u{7f}\u{0}c\rd\u{b}e\u{c}f",
    "\u{202e}gnirts\u{202c}\u{2066}x\u{2069}\u{200f}\u{61c}",
    "line\nbreak\ttab\u{2028}sep\u{2029}par\u{85}nel",
    "\u{e0041}\u{e0042}\u{fff9}a\u{fffa}b\u{fffb}",
    "z\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦👍🏿❤\u{fe0f}🇩🇪🏴\u{e0067}\u{e0062}\u{e007f}",
    "日本語한국어ﾊﾟ\u{200b}\u{feff}\u{ad}",
    "👩\u{200b}🏽日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日日",
];

#[test]
fn nothing_foreign_reaches_the_screen_whichever_field_it_came_in() {
    for payload in PAYLOADS {
        for (columns, rows) in [(40, 12), (80, 24), (120, 40)] {
            let mut story = Story::new(columns, rows);
            everything_says(&mut story, payload);
            look(&story, payload);
            story.press(crossterm::event::KeyCode::PageUp);
            look(&story, payload);
            switched(&mut story, payload);
            searched(&mut story, payload);
            selected(&mut story, payload);
            story.offline_because(payload);
            look(&story, payload);
            story.refused_because(payload);
            look(&story, payload);
        }
    }
}

#[test]
fn nothing_foreign_reaches_the_monitoring_pane_or_what_is_printed_of_it() {
    use crossterm::event::KeyCode;
    for payload in PAYLOADS {
        for (columns, rows) in [(40, 12), (80, 24), (200, 50)] {
            let mut story = watching(columns, rows);
            for second in 0..4 {
                hear(&mut story, a_hostile_cluster(payload, second));
            }
            look(&story, payload);
            for _ in 0..4 {
                story.press(KeyCode::Enter);
                look(&story, payload);
                story.press(KeyCode::End);
                look(&story, payload);
                story.press(KeyCode::Esc);
                story.press(KeyCode::Tab);
                look(&story, payload);
            }
            let printed = report(story.state.monitor.cluster(), &jiff::tz::TimeZone::UTC);
            assert_eq!(safe(&printed, true), printed);
        }
    }
}

/// The switcher, with the names of all rooms and people.
fn switched(story: &mut Story, payload: &str) {
    use crossterm::event::KeyCode;
    story.effects();
    story.ctrl('k');
    let re = story.mark_of(|frame| *frame == ClientFrame::Rooms);
    let rooms = ["x", "@x"].map(|before| room_info(&format!("{before}{payload}"), payload));
    let rooms = rooms.to_vec();
    story.frame(ServerFrame::Rooms(RoomList { re, rooms }));
    look(story, payload);
    for line in [">", "#x", "@x"] {
        story.happen(crate::tui::event::Event::Paste(line.to_owned()));
        look(story, payload);
        story.ctrl('u');
    }
    story.happen(crate::tui::event::Event::Paste(payload.to_owned()));
    look(story, payload);
    story.press(KeyCode::Esc);
}

/// The search, with what was found and with an error; and what is Markdown of it.
fn searched(story: &mut Story, payload: &str) {
    use crossterm::event::KeyCode;
    for words in ["x", payload] {
        story.effects();
        story.press(KeyCode::F(3));
        story.ctrl('u');
        story.happen(crate::tui::event::Event::Paste(words.to_owned()));
        story.press(KeyCode::Enter);
        look(story, payload);
        let re = story.mark_of(|frame| matches!(frame, ClientFrame::Search { .. }));
        let mut found = message(3, "bob", &format!("**x** `{payload}` x"));
        (found.from, found.room) = (payload.to_owned(), payload.to_owned());
        let results = crate::protocol::server::Results {
            re,
            messages: vec![found],
            more: false,
            indexed: Some(false),
        };
        story.frame(ServerFrame::Results(results));
        look(story, payload);
        story.press(KeyCode::Enter);
        look(story, payload);
    }
    story.press(KeyCode::F(3));
    story.ctrl('u');
    story.write("other");
    story.effects();
    story.press(KeyCode::Enter);
    let mut refused = error(payload);
    refused.re = story.mark_of(|frame| matches!(frame, ClientFrame::Search { .. }));
    story.frame(ServerFrame::Error(refused));
    look(story, payload);
    story.press(KeyCode::Esc);
    for (n, around) in (20..).zip([
        "```rust\nX\n```",
        "> X\n- X\n",
        "[X](https://X)",
        "https://X",
        "@X #X **X**",
    ]) {
        story.hear(message(n, "bob", &around.replace('X', payload)));
        look(story, payload);
    }
}

/// Each message chosen, with what can be done with it; and names that are completed.
fn selected(story: &mut Story, payload: &str) {
    use crossterm::event::KeyCode;
    story.alt(KeyCode::Char('1'));
    story.alt(KeyCode::Char('m'));
    for _ in 0..4 {
        look(story, payload);
        for key in ["+", "o", "e", "d"] {
            story.write(key);
            look(story, payload);
            story.press(KeyCode::Esc);
            if story.state.selection.is_none() {
                story.alt(KeyCode::Char('m'));
            }
        }
        story.write("k");
    }
    story.write("r");
    look(story, payload);
    story.press(KeyCode::Esc);
    story.ctrl('u');
    for sign in ["@", "#"] {
        story.write(sign);
        for _ in 0..3 {
            story.press(KeyCode::Tab);
            look(story, payload);
        }
        story.ctrl('u');
    }
}

/// Two nodes that say `payload` wherever they can, of which one comes and goes.
fn a_hostile_cluster(payload: &str, second: u64) -> Stats {
    let names = [format!("{payload}1"), format!("{payload}2")];
    let up = second.is_multiple_of(2);
    let nodes = names.iter().enumerate().map(|(at, name)| NodeInfo {
        name: name.clone(),
        address: payload.to_owned(),
        up: at == 0 || up,
        rtt_us: Some(u64::MAX),
        down_s: Some(u64::MAX),
    });
    let all = names.iter().map(|name| {
        let mut all = figures("n1", u64::MAX - second, &[payload]);
        all.node.clone_from(name);
        all.server = format!("{payload}{second}");
        all.alarms = vec![payload.to_owned(), format!("{payload}{up}")];
        all.peers[0].address = payload.to_owned();
        all.peers[0].server = payload.to_owned();
        all.peers[0].lag_events = u64::MAX;
        all.peers[0].clock_offset_us = i64::MIN;
        all.top_rooms[0].room = payload.to_owned();
        all.sessions = u32::MAX;
        all.store_bytes = u64::MAX * (second % 2);
        all.merged = u64::MAX;
        all.deliveries_per_s = f64::MAX;
        all
    });
    let mut stats = stats(nodes.collect(), all.collect());
    stats.node = format!("{payload}{}", second / 2);
    stats.server = payload.to_owned();
    stats
}

/// Every field that a server can fill, filled with `payload`.
fn everything_says(story: &mut Story, payload: &str) {
    let text = || payload.to_owned();
    story.net(ClientEvent::Online {
        session: Box::new(Session {
            re: None,
            user: text(),
            uid: uid("alice"),
            guest: true,
            role: Role::User,
            token: text(),
            node: text(),
            poll: None,
        }),
        address: text(),
    });
    rooms_say(story, payload);
    people_say(story, payload);
    errors_say(story, payload);
}

fn rooms_say(story: &mut Story, payload: &str) {
    let text = || payload.to_owned();
    let mut loud = message(1, "bob", payload);
    loud.from = text();
    loud.reactions = BTreeMap::from([(text(), vec![text(), text()])]);
    loud.edited = Some(Ts(1));
    let mut reply = message(2, "carol", payload);
    reply.reply_to = Some(loud.id.clone());
    for room in ["lobby", payload, &format!("@{payload}")] {
        let here = |mut message: crate::protocol::server::Message| {
            message.room = room.to_owned();
            message
        };
        story.frame(ServerFrame::Room(Box::new(Room {
            re: None,
            room: room.to_owned(),
            topic: text(),
            private: false,
            total: 2,
            users: vec![user(payload, "bob"), user(payload, "carol")],
            messages: vec![here(loud.clone()), here(reply.clone())],
            updates: Vec::new(),
            more: false,
            since: VersionVector::new(),
            read: VersionVector::new(),
        })));
    }
    story.frame(ServerFrame::Topic(TopicChanged {
        re: None,
        room: "lobby".to_owned(),
        topic: text(),
        user: text(),
        ts: Ts(1),
        origin: origin(),
        seq: 9,
    }));
    story.enter("/rooms");
    let re = story.mark_of(|frame| *frame == ClientFrame::Rooms);
    assert!(re.is_some());
    story.frame(ServerFrame::Rooms(RoomList {
        re,
        rooms: vec![RoomInfo {
            unread: 3,
            ..room_info(payload, payload)
        }],
    }));
}

fn room_info(room: &str, topic: &str) -> RoomInfo {
    RoomInfo {
        room: room.to_owned(),
        topic: topic.to_owned(),
        total: 1,
        private: false,
        joined: false,
        last: Ts(0),
        unread: 0,
    }
}

fn people_say(story: &mut Story, payload: &str) {
    let text = || payload.to_owned();
    story.frame(ServerFrame::UserJoin(UserJoined {
        room: "lobby".to_owned(),
        user: user(payload, "dave"),
        total: 3,
    }));
    story.frame(ServerFrame::UserLeave(UserLeft {
        room: "lobby".to_owned(),
        user: text(),
        uid: uid("erin"),
        reason: text(),
        total: 3,
    }));
    story.frame(ServerFrame::Away(AwayChanged {
        room: "lobby".to_owned(),
        user: text(),
        uid: uid("carol"),
        on: true,
    }));
    story.frame(ServerFrame::Renamed(Renamed {
        uid: uid("carol"),
        from: text(),
        to: text(),
    }));
    story.frame(ServerFrame::Typing(Typing {
        room: "lobby".to_owned(),
        user: text(),
        uid: uid("bob"),
        on: true,
    }));
}

fn errors_say(story: &mut Story, payload: &str) {
    story.frame(ServerFrame::Error(error(payload)));
    story.net(ClientEvent::JoinRefused {
        room: RoomRef::parse("lobby").unwrap(),
        error: error(payload),
    });
    story.enter("mine");
    let nonce = story.state.rooms[0].pending[0].nonce.clone();
    story.net(ClientEvent::Failed {
        nonce,
        error: error(payload),
    });
}

fn user(payload: &str, name: &str) -> UserInfo {
    UserInfo {
        name: format!("{payload}{name}"),
        uid: uid(name),
        away: name == "bob",
    }
}

impl Story {
    fn offline_because(&mut self, payload: &str) {
        self.net(ClientEvent::Offline {
            reason: payload.to_owned(),
            retry_in: Duration::from_secs(9),
        });
    }

    fn refused_because(&mut self, payload: &str) {
        let name = crate::protocol::UserName::parse("alice").unwrap();
        let error = error(payload);
        self.net(ClientEvent::NameRefused { name, error });
    }
}

fn error(payload: &str) -> ErrorFrame {
    ErrorFrame {
        re: None,
        code: ErrorCode::Forbidden,
        message: payload.to_owned(),
        retry_after_ms: None,
        suggestion: Some(payload.to_owned()),
    }
}

/// Every cell holds what a terminal only draws, and takes the cells that it is counted for.
fn look(story: &Story, payload: &str) {
    let buffer = story.buffer();
    for (at, cell) in buffer.content.iter().enumerate() {
        let symbol = cell.symbol();
        for c in symbol.chars() {
            let steers = c.is_control()
                || matches!(c, '\u{200b}' | '\u{200d}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
                || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
                || matches!(c, '\u{61c}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
            assert!(
                !steers,
                "{c:?} of {payload:?} in cell {at}\n{}",
                story.screen()
            );
        }
        let cells = symbol.cell_width();
        let column = at % usize::from(buffer.area.width);
        let room = buffer.area.width - u16::try_from(column).unwrap();
        assert!(
            cells <= room.max(1),
            "{symbol:?} of {payload:?} runs over the edge"
        );
    }
}
