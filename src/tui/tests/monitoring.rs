//! The monitoring pane: stories of nodes that come and go, and whole screens.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use crate::client::{ClientEvent, Command};
use crate::protocol::server::{ErrorFrame, Role, ServerFrame, Session};
use crate::protocol::stats::{NodeFigures, NodeInfo, PeerFigures, Quantiles, RoomFigures, Stats};
use crate::protocol::{ClientFrame, ErrorCode, Re, Ts};
use crate::tui::event::{Effect, Event};
use crate::tui::monitor::json;
use crate::tui::monitor::report::report;
use crate::tui::testing::{Story, uid};

/// A story of an administrator, with the pane open.
pub fn watching(columns: u16, rows: u16) -> Story {
    let mut story = Story::new(columns, rows);
    online_as(&mut story, "n1", Role::Admin);
    story.press(KeyCode::F(2));
    story
}

fn online_as(story: &mut Story, node: &str, role: Role) {
    story.net(ClientEvent::Online {
        session: Box::new(Session {
            re: None,
            user: "alice".to_owned(),
            uid: uid("alice"),
            guest: true,
            role,
            token: "token".to_owned(),
            node: node.to_owned(),
            poll: None,
        }),
        address: "127.0.0.1:9001".to_owned(),
    });
}

pub fn info(name: &str, up: bool) -> NodeInfo {
    let number: u16 = name.trim_start_matches('n').parse().unwrap_or(1);
    NodeInfo {
        name: name.to_owned(),
        address: format!("127.0.0.1:{}", 9000 + number),
        up,
        rtt_us: None,
        down_s: (!up).then_some(0),
    }
}

/// A node's figures after so many seconds, with these links.
pub fn figures(name: &str, uptime_s: u64, peers: &[&str]) -> NodeFigures {
    let number: u64 = name.trim_start_matches('n').parse().unwrap_or(1);
    let peer = |peer: &&str| PeerFigures {
        name: (*peer).to_owned(),
        address: "127.0.0.1:9998".to_owned(),
        up: true,
        rtt_us: 120 * number,
        lag_events: 0,
        clock_offset_us: -15 * number as i64,
        heard: true,
        server: "chat/0.1.0".to_owned(),
        started: Ts(1),
        queued: 0,
    };
    let room = |room: &str, messages| RoomFigures {
        room: room.to_owned(),
        messages,
        users: 12,
    };
    NodeFigures {
        node: name.to_owned(),
        uptime_s,
        sessions: 10 * number as u32,
        connections: 11 * number as u32,
        rooms: 7,
        messages_per_s: 20.0 + (uptime_s % 10) as f64,
        deliveries_per_s: 1_000.0 / number as f64,
        commit_us: Quantiles { p50: 330, p99: 900 },
        delivery_us: Quantiles {
            p50: 410,
            p99: 12_000,
        },
        memory_bytes: 24_000_000 * number,
        cpu_ms: uptime_s.wrapping_mul(25 * number),
        store_bytes: 80_000_000_u64.wrapping_add(uptime_s.wrapping_mul(4_096)),
        events: 15_400,
        peers: peers.iter().map(peer).collect(),
        server: "chat/0.1.0".to_owned(),
        messages: 15_000,
        deliveries: 300_000,
        top_rooms: vec![
            room("lobby", 900),
            room("運用-デプロイ", 42),
            room("ops", 7),
        ],
        ..NodeFigures::default()
    }
}

pub fn stats(nodes: Vec<NodeInfo>, figures: Vec<NodeFigures>) -> Stats {
    Stats {
        re: None,
        node: "n1".to_owned(),
        server: "chat/0.1.0".to_owned(),
        uptime_s: figures.first().map_or(0, |figures| figures.uptime_s),
        nodes,
        figures,
    }
}

/// Two nodes that are well, after so many seconds.
fn both(uptime_s: u64) -> Stats {
    let nodes = vec![info("n1", true), info("n2", true)];
    let figures = vec![
        figures("n1", uptime_s, &["n2"]),
        figures("n2", uptime_s, &["n1"]),
    ];
    stats(nodes, figures)
}

/// The second is down, since so many seconds.
fn alone(uptime_s: u64, down_s: u64) -> Stats {
    let down = NodeInfo {
        down_s: Some(down_s),
        ..info("n2", false)
    };
    let mut own = figures("n1", uptime_s, &["n2"]);
    own.peers[0].up = false;
    own.peers[0].heard = false;
    own.alarms = vec!["there is no link to n2 (127.0.0.1:9998)".to_owned()];
    stats(vec![info("n1", true), down], vec![own])
}

pub fn hear(story: &mut Story, stats: Stats) {
    story.wait(1);
    story.frame(ServerFrame::Stats(Box::new(stats)));
}

/// A minute of two nodes, of which the second is then killed, with an alarm on the first.
fn an_incident(columns: u16, rows: u16) -> Story {
    let mut story = watching(columns, rows);
    for second in 100..160 {
        hear(&mut story, both(second));
    }
    for second in 0..5 {
        let mut stats = alone(160 + second, second);
        let own = &mut stats.figures[0];
        own.alarms
            .push("the store cannot write: is the disk full?".to_owned());
        own.throttled = 12;
        hear(&mut story, stats);
    }
    story
}

pub fn happened(story: &Story) -> Vec<String> {
    let events = &story.state.monitor.cluster().events;
    let words = events
        .iter()
        .map(|e| format!("{} {}", e.node, e.what.words()));
    words.collect()
}

fn stats_asked(story: &mut Story) -> Vec<Option<u64>> {
    let asked = story
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Net(Command::Ask {
                frame: ClientFrame::Stats { every, .. },
                ..
            }) => Some(every),
            _ => None,
        });
    asked.collect()
}

#[test]
fn a_narrow_pane_shows_one_list_and_the_worst_alarm() {
    assert_snapshot!(an_incident(40, 12).screen());
}

#[test]
fn a_usual_pane_shows_the_nodes_and_what_has_happened() {
    assert_snapshot!(an_incident(80, 24).screen());
}

#[test]
fn a_wide_pane_shows_all_lists() {
    assert_snapshot!(an_incident(200, 50).screen());
}

#[test]
fn a_node_and_a_room_are_looked_at_more_closely() {
    let mut story = an_incident(80, 24);
    story.press(KeyCode::Enter);
    assert_snapshot!("all_of_a_node", story.screen());
    story.press(KeyCode::Esc);
    story.press(KeyCode::Tab);
    story.press(KeyCode::Down);
    assert_snapshot!("the_list_of_rooms", story.screen());
    story.press(KeyCode::Enter);
    assert_snapshot!("all_of_a_room", story.screen());
    story.press(KeyCode::Esc);
    assert!(story.screen().contains("MSG/MIN"), "{}", story.screen());
}

#[test]
fn help_in_the_pane_begins_with_its_keys() {
    let mut story = watching(80, 24);
    story.press(KeyCode::F(1));
    assert_snapshot!(story.screen());
    story.press(KeyCode::Esc);
    assert!(story.state.monitor.open);
}

#[test]
fn figures_are_asked_for_while_the_pane_is_open_and_again_of_another_node() {
    let mut story = watching(80, 24);
    assert_eq!(stats_asked(&mut story), [Some(1000)]);
    hear(&mut story, both(100));
    assert_eq!(stats_asked(&mut story), []);
    story.offline();
    story.wait(1);
    assert_eq!(stats_asked(&mut story), []);
    online_as(&mut story, "n2", Role::Admin);
    assert_eq!(stats_asked(&mut story), [Some(1000)]);
    story.press(KeyCode::F(2));
    assert_eq!(stats_asked(&mut story), [Some(0)]);
    let mut late = both(101);
    late.node = "n2".to_owned();
    hear(&mut story, late);
    assert_eq!(
        story.state.monitor.cluster().asked,
        "n1",
        "nobody looks any more"
    );
}

#[test]
fn who_is_no_administrator_is_told_so_in_one_line() {
    let mut story = Story::in_lobby(120, 24, Vec::new());
    story.press(KeyCode::F(2));
    assert!(!story.state.monitor.open && stats_asked(&mut story).is_empty());
    assert!(
        story
            .screen()
            .contains("the monitoring pane is for administrators")
    );
    let mut story = Story::new(80, 24);
    story.state.monitor.open = true;
    online_as(&mut story, "n1", Role::User);
    assert_eq!(stats_asked(&mut story), []);
    assert_snapshot!(story.screen());
    story.press(KeyCode::F(2));
    assert!(!story.state.monitor.open);
}

#[test]
fn a_node_that_is_lost_is_shown_with_its_last_words_and_heals_when_it_is_back() {
    let mut story = watching(120, 24);
    hear(&mut story, both(100));
    hear(&mut story, alone(101, 3));
    let screen = story.screen();
    let words =
        "n2       down since 08:59:59 (3 s) · last seen: 20 sessions, 20 msg/s, 45.8M, store 76.7M";
    assert!(screen.contains(words), "{screen}");
    assert!(screen.contains("ALARM n2: down for 3 s"), "{screen}");
    assert_eq!(happened(&story), ["n2 lost"]);
    for second in 102..105 {
        hear(&mut story, alone(second, second - 98));
    }
    // It is back with nothing in memory, and fetches what it has missed; the other fetches one event.
    for second in 0..8_u64 {
        let mut stats = both(105 + second);
        stats.figures[1].uptime_s = second;
        stats.figures[1].merged = (second * 100).min(300);
        stats.figures[0].merged = 1;
        hear(&mut story, stats);
    }
    assert_eq!(
        happened(&story),
        [
            "n2 lost",
            "n2 back after 7 s",
            "n2 healed, 301 events merged"
        ]
    );
}

#[test]
fn what_happens_is_found_by_comparing() {
    let mut story = watching(80, 24);
    hear(&mut story, both(100));
    assert_eq!(
        happened(&story),
        [""; 0],
        "who is there at the start has not joined"
    );
    let mut three = both(101);
    three.nodes.push(info("n3", true));
    three.figures.push(figures("n3", 1, &["n1"]));
    hear(&mut story, three);
    let mut full = both(102);
    full.figures[0].alarms = vec!["4001 requests wait for the store".to_owned()];
    hear(&mut story, full.clone());
    full.figures[0].alarms = vec!["4523 requests wait for the store".to_owned()];
    hear(&mut story, full);
    let mut again = both(104);
    again.figures[1].uptime_s = 1;
    again.figures[1].server = "chat/0.2.0".to_owned();
    hear(&mut story, again);
    assert_eq!(
        happened(&story),
        [
            "n3 joined",
            "n1 alarm: 4001 requests wait for the store",
            "n3 left in good order",
            "n1 over: 4523 requests wait for the store",
            "n2 was started again",
            "n2 runs chat/0.2.0 now, before chat/0.1.0",
        ]
    );
}

#[test]
fn a_paused_pane_stands_still_and_catches_up() {
    let mut story = watching(80, 24);
    hear(&mut story, both(100));
    story.press(KeyCode::Char(' '));
    let paused = story.screen();
    assert!(paused.contains("PAUSED 09:00:01"), "{paused}");
    hear(&mut story, alone(101, 0));
    assert_eq!(story.screen(), paused);
    story.press(KeyCode::Char(' '));
    let screen = story.screen();
    assert!(
        screen.contains("1 DOWN") && screen.contains("n2 lost"),
        "{screen}"
    );
}

#[test]
fn rows_are_sorted_by_any_column_and_the_chosen_one_stays_chosen() {
    let mut story = watching(80, 24);
    hear(&mut story, both(100));
    story.press(KeyCode::Down);
    let first = |story: &Story| {
        let screen = story.screen();
        let heading = screen
            .lines()
            .position(|line| line.contains("NODE"))
            .unwrap();
        screen.lines().nth(heading + 1).unwrap().trim_start()[..2].to_owned()
    };
    assert_eq!(first(&story), "n1");
    // By name, state, messages, deliveries, processor.
    for _ in 0..4 {
        story.press(KeyCode::Char('s'));
    }
    assert_eq!(first(&story), "n1", "neither has been measured twice");
    hear(&mut story, both(101));
    assert_eq!(first(&story), "n2");
    story.press(KeyCode::Char('r'));
    assert_eq!(first(&story), "n1");
    story.press(KeyCode::Enter);
    assert!(
        story.screen().contains("n2 · 127.0.0.1:9002"),
        "{}",
        story.screen()
    );
}

#[test]
fn a_node_that_gives_no_figures_is_not_taken_for_well() {
    let mut story = watching(80, 24);
    hear(&mut story, both(100));
    let mut silent = both(101);
    silent.figures.pop();
    hear(&mut story, silent);
    let screen = story.screen();
    assert!(
        screen.contains("silent") && screen.contains("WARNING n2: gives no figures"),
        "{screen}"
    );
}

#[test]
fn old_figures_are_called_old() {
    let mut story = watching(80, 24);
    hear(&mut story, both(100));
    story.offline();
    story.wait(5);
    let screen = story.screen();
    assert!(
        screen.contains("OLD 09:00:01") && screen.contains("connection lost"),
        "{screen}"
    );
}

#[test]
fn the_same_is_printed_as_text_and_as_json() {
    let story = an_incident(80, 24);
    let cluster = story.state.monitor.cluster();
    assert_snapshot!("as_text", report(cluster, &jiff::tz::TimeZone::UTC));
    let line = json::line(cluster, 0);
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["nodes"][1]["state"], "down");
    assert_eq!(value["nodes"][0]["figures"]["sessions"], 10);
    assert_eq!(
        value["nodes"][1]["figures"]["sessions"], 20,
        "the last that was seen"
    );
    assert_eq!(value["events"][1]["words"], "lost");
    assert_eq!(value["alarms"][0]["level"], "alarm");
    let nothing_new = json::line(cluster, cluster.events.back().unwrap().number);
    let value: serde_json::Value = serde_json::from_str(&nothing_new).unwrap();
    assert_eq!(value["events"], serde_json::json!([]));
}

#[test]
fn every_size_of_the_pane_can_be_drawn() {
    for (columns, rows) in [
        (0, 0),
        (1, 1),
        (2, 5),
        (10, 3),
        (39, 11),
        (61, 9),
        (139, 30),
        (300, 100),
    ] {
        let mut story = an_incident(80, 24);
        story.happen(Event::Resize(columns, rows));
        for _ in 0..4 {
            for _ in 0..30 {
                story.press(KeyCode::Char('s'));
                story.screen();
            }
            story.press(KeyCode::Enter);
            story.screen();
            story.press(KeyCode::End);
            story.screen();
            story.press(KeyCode::Esc);
            story.press(KeyCode::Tab);
        }
    }
}

/// How often the figures are asked for, of those effects since the last look.
fn asked_for_figures(story: &mut Story) -> Vec<i64> {
    let asked = story
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Net(Command::Ask {
                re,
                frame:
                    ClientFrame::Stats {
                        every: Some(1_000), ..
                    },
            }) => Some(re),
            _ => None,
        });
    asked.collect()
}

fn refuse(story: &mut Story, re: i64, code: ErrorCode, retry_after_ms: Option<u64>) {
    story.frame(ServerFrame::Error(ErrorFrame {
        re: Some(Re::Number(re)),
        code,
        message: "not now".to_owned(),
        retry_after_ms,
        suggestion: None,
    }));
}

#[test]
fn a_node_that_gives_no_figures_is_asked_again_when_it_said_and_not_at_once() {
    let mut story = watching(80, 24);
    for (retry_after_ms, wait) in [(None, 1), (Some(0), 1), (Some(3_000), 3)] {
        let asked = asked_for_figures(&mut story);
        assert_eq!(asked.len(), 1);
        refuse(&mut story, asked[0], ErrorCode::RateLimited, retry_after_ms);
        assert!(story.screen().contains("not now"));
        for _ in 1..wait {
            story.wait(1);
        }
        assert_eq!(asked_for_figures(&mut story), [0; 0]);
        story.wait(1);
    }
    assert_eq!(asked_for_figures(&mut story).len(), 1);
}

#[test]
fn a_node_that_gives_its_figures_to_others_is_asked_again_with_the_next_connection() {
    let mut story = watching(80, 24);
    let asked = asked_for_figures(&mut story);
    refuse(&mut story, asked[0], ErrorCode::Forbidden, Some(1));
    story.wait(60);
    assert_eq!(asked_for_figures(&mut story), [0; 0]);
    story.offline();
    online_as(&mut story, "n2", Role::Admin);
    assert_eq!(asked_for_figures(&mut story).len(), 1);
}
