//! Stories of a bridge, line by line: what browsers say, what goes to the node, what comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::{Core, NotTaken, REQUEST_WAIT};
use super::outbox::{FRAMES_MAX, Outbox};
use super::session::{IN_FLIGHT_MAX, Reply};
use crate::protocol::Ts;
use crate::protocol::bridge::SessionId;

/// A bridge without sockets, and a clock that stands until it is moved.
struct Bridge {
    core: Core,
    now: Instant,
}

struct Browser {
    id: SessionId,
    outbox: Arc<Outbox>,
}

impl Bridge {
    fn down() -> Bridge {
        let now = Instant::now();
        let core = Core::new(now, || Ts(5));
        Bridge { core, now }
    }

    fn up() -> Bridge {
        let mut bridge = Bridge::down();
        bridge.core.link_up(bridge.now);
        bridge
    }

    fn browser(&mut self) -> Browser {
        let outbox = Arc::new(Outbox::default());
        let address = "127.0.0.1".parse().unwrap();
        let id = self.core.open(address, Arc::clone(&outbox)).unwrap();
        Browser { id, outbox }
    }

    /// A browser that has joined as `name`, and is in the lobby with `held` of it.
    fn in_lobby(&mut self, handle: u32, name: &str, held: &str) -> Browser {
        let browser = self.browser();
        self.says(
            &browser,
            &format!(r#"{{"type":"user_join","name":"{name}"}}"#),
        );
        let mark = self.last_mark();
        self.node(&format!(
            r#"s{} {{"type":"session","re":{mark},"user":"{name}","uid":"{name}aaaa","guest":true,"role":"user","token":"T-{name}","node":"n1"}}"#,
            browser.id
        ));
        self.says(&browser, r#"{"type":"join","room":"lobby"}"#);
        let mark = self.last_mark();
        self.node(&format!("n{handle} lobby {held}"));
        self.node(&format!(
            r#"s{} {{"type":"room","re":{mark},"room":"lobby","since":{held}}}"#,
            browser.id
        ));
        self.node(&format!("m{handle} {}", browser.id));
        browser.frames();
        self.written();
        browser
    }

    fn says(&mut self, browser: &Browser, frame: &str) {
        let taken = self
            .core
            .request(self.now, browser.id, frame, "made-up", Reply::Outbox);
        taken.unwrap();
    }

    fn node(&mut self, line: &str) {
        self.core.line(line).unwrap();
    }

    fn written(&mut self) -> Vec<String> {
        let bytes = self.core.take_output();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The mark of the last request that was written.
    fn last_mark(&mut self) -> i64 {
        let lines = self.written();
        let (_, frame) = lines.last().unwrap().split_once(' ').unwrap();
        super::splice::mark_of(frame).unwrap()
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
        self.core.tick(self.now);
    }
}

impl Browser {
    fn frames(&self) -> Vec<String> {
        let mut frames = Vec::new();
        self.outbox
            .take(usize::MAX, |frame| frames.push(frame.to_owned()));
        frames
    }
}

#[test]
fn an_answer_finds_its_request_whatever_marks_the_browsers_chose() {
    let mut bridge = Bridge::up();
    let (one, other) = (bridge.browser(), bridge.browser());
    bridge.says(&one, r#"{"type":"ping","re":"x"}"#);
    bridge.says(&other, r#"{"type":"ping","re":"x"}"#);
    bridge.says(&other, r#"{"type":"rooms"}"#);
    assert_eq!(
        bridge.written(),
        [
            "o1 127.0.0.1",
            "o2 127.0.0.1",
            r#"s1 {"type":"ping","re":1}"#,
            r#"s2 {"type":"ping","re":2}"#,
            r#"s2 {"re":3,"type":"rooms"}"#,
        ]
    );
    bridge.node(r#"s2 {"type":"pong","re":2,"time":1}"#);
    bridge.node(r#"s2 {"type":"rooms","re":3,"rooms":[]}"#);
    assert_eq!(one.frames(), [""; 0]);
    assert_eq!(
        other.frames(),
        [
            r#"{"type":"pong","re":"x","time":1}"#,
            r#"{"type":"rooms","rooms":[]}"#
        ]
    );
}

#[test]
fn a_line_of_a_room_reaches_its_sessions_and_nobody_else() {
    let mut bridge = Bridge::up();
    let alice = bridge.in_lobby(3, "alice", r#"{"n1-a":5}"#);
    let bob = bridge.in_lobby(3, "bob", r#"{"n1-a":5}"#);
    let eve = bridge.browser();
    bridge.node(r#"r3 6:n1-a {"type":"new_message"}"#);
    bridge.node(&format!(r#"r3!{} {{"type":"typing"}}"#, alice.id));
    assert_eq!(alice.frames(), [r#"{"type":"new_message"}"#]);
    assert_eq!(
        bob.frames(),
        [r#"{"type":"new_message"}"#, r#"{"type":"typing"}"#]
    );
    assert_eq!(eve.frames(), [""; 0]);
    bridge.node(&format!("l3 {}", alice.id));
    bridge.node(r#"r3 7:n1-a {"type":"new_message"}"#);
    assert_eq!((alice.frames().len(), bob.frames().len()), (0, 1));
}

#[test]
fn a_lost_node_costs_no_event_and_no_request() {
    let mut bridge = Bridge::up();
    let alice = bridge.in_lobby(3, "alice", r#"{"n1-a":5}"#);
    bridge.node(r#"r3 6:n1-a {"type":"new_message"}"#);
    bridge.node(r#"s1 4:n2-b {"type":"new_message","room":"@bob"}"#);
    bridge.says(
        &alice,
        r#"{"type":"send","room":"lobby","text":"x","re":9}"#,
    );
    bridge.written();

    bridge.core.link_lost(bridge.now);
    bridge.says(
        &alice,
        r#"{"type":"edit","room":"lobby","id":"aliceaaaa.n","text":"y","nonce":"own"}"#,
    );
    assert_eq!(bridge.written(), [""; 0]);
    bridge.core.link_up(bridge.now);
    assert_eq!(
        bridge.written(),
        [
            "o1 127.0.0.1",
            r#"s1 {"type":"user_join","re":5,"token":"T-alice"}"#,
            r#"d1 {"n2-b":4}"#,
            r#"j1 lobby {"n1-a":6}"#,
            r#"s1 {"nonce":"made-up","type":"send","room":"lobby","text":"x","re":3}"#,
            r#"s1 {"re":4,"type":"edit","room":"lobby","id":"aliceaaaa.n","text":"y","nonce":"own"}"#,
        ]
    );

    bridge.node(r#"s1 {"type":"session","re":5,"user":"alice-2","uid":"aliceaaaa","guest":true,"role":"user","token":"T2","node":"n2"}"#);
    bridge.node(r#"n1 lobby {"n1-a":6}"#);
    bridge.node("m1 1");
    bridge.node(r#"r1 7:n1-a {"type":"new_message"}"#);
    bridge.node(r#"s1 {"type":"sent","re":3}"#);
    alice.frames_are(&[
        r#"{"type":"new_message"}"#,
        r#"{"type":"new_message","room":"@bob"}"#,
        r#"{"type":"renamed","uid":"aliceaaaa","from":"alice","to":"alice-2"}"#,
        // Where it is now: what it shows is to be read again from there.
        r#"{"type":"session","user":"alice-2","uid":"aliceaaaa","guest":true,"role":"user","token":"T2","node":"n2"}"#,
        r#"{"type":"new_message"}"#,
        r#"{"type":"sent","re":9}"#,
    ]);
}

impl Browser {
    fn frames_are(&self, expected: &[&str]) {
        assert_eq!(self.frames(), expected);
    }
}

#[test]
fn a_join_that_was_not_answered_is_asked_again_and_not_resumed() {
    let mut bridge = Bridge::up();
    let alice = bridge.in_lobby(3, "alice", "{}");
    bridge.says(&alice, r#"{"type":"join","room":"lobby","since":{}}"#);
    bridge.core.link_lost(bridge.now);
    bridge.core.link_up(bridge.now);
    let lines = bridge.written();
    assert!(lines.iter().all(|line| !line.starts_with('j')), "{lines:?}");
    assert!(
        lines.last().unwrap().contains(r#""type":"join""#),
        "{lines:?}"
    );
}

#[test]
fn a_session_between_its_answer_and_the_rooms_lines_goes_on_from_the_answer() {
    let mut bridge = Bridge::up();
    let _first = bridge.in_lobby(3, "alice", r#"{"n1-a":9}"#);
    let bob = bridge.browser();
    bridge.says(&bob, r#"{"type":"join","room":"lobby"}"#);
    let mark = bridge.last_mark();
    bridge.node(&format!(
        r#"s2 {{"type":"room","re":{mark},"room":"lobby","since":{{"n1-a":7}}}}"#
    ));
    bridge.node(r#"s2 8:n1-a {"type":"new_message","room":"lobby"}"#);
    bridge.core.link_lost(bridge.now);
    bridge.core.link_up(bridge.now);
    let lines = bridge.written();
    assert!(
        lines.contains(&r#"j1 lobby {"n1-a":9}"#.to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&r#"j2 lobby {"n1-a":8}"#.to_owned()),
        "{lines:?}"
    );
}

#[test]
fn without_a_node_requests_wait_and_are_then_answered_unavailable() {
    let mut bridge = Bridge::down();
    let alice = bridge.browser();
    bridge.says(&alice, r#"{"type":"user_join","name":"alice","re":1}"#);
    bridge.says(&alice, r#"{"type":"ping","re":2}"#);
    alice.frames_are(&[r#"{"type":"pong","time":5,"re":2}"#]);
    bridge.passes(REQUEST_WAIT - Duration::from_millis(1));
    alice.frames_are(&[]);
    bridge.passes(Duration::from_millis(1));
    let frames = alice.frames();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].contains(r#""code":"unavailable""#), "{frames:?}");
    assert!(frames[0].ends_with(r#""re":1}"#), "{frames:?}");
    // The session has stayed, and what comes late is not asked for any more.
    bridge.core.link_up(bridge.now);
    assert_eq!(bridge.written(), ["o1 127.0.0.1"]);
}

#[test]
fn a_frame_that_is_wrong_never_reaches_the_node() {
    let mut bridge = Bridge::up();
    let eve = bridge.browser();
    bridge.written();
    for bad in [
        "",
        "{",
        "[]",
        "{}\n{}",
        r#"{"type":"fly"}"#,
        r#"{"type":"ping","re":{}}"#,
        "\u{0}",
    ] {
        bridge.says(&eve, bad);
    }
    assert_eq!(bridge.written(), [""; 0]);
    let frames = eve.frames();
    assert_eq!(frames.len(), 7);
    assert!(
        frames
            .iter()
            .all(|frame| frame.starts_with(r#"{"type":"error""#)),
        "{frames:?}"
    );
}

#[test]
fn a_request_is_one_line_however_it_was_written() {
    let mut bridge = Bridge::up();
    let eve = bridge.browser();
    bridge.written();
    bridge.says(&eve, "{\n\"type\":\r\n\"ping\"}");
    assert_eq!(bridge.written(), [r#"s1 {"re":1, "type":  "ping"}"#]);
}

#[test]
fn a_browser_that_asks_without_reading_answers_has_to_wait() {
    let mut bridge = Bridge::up();
    let eve = bridge.browser();
    for _ in 0..IN_FLIGHT_MAX {
        bridge.says(&eve, r#"{"type":"rooms"}"#);
    }
    let mut more = || {
        let ask = r#"{"type":"rooms"}"#;
        bridge
            .core
            .request(bridge.now, eve.id, ask, "", Reply::Outbox)
    };
    assert!(matches!(more(), Err(NotTaken::Busy)));
    let typing = bridge.last_mark() - 1;
    bridge.node(&format!(
        r#"s1 {{"type":"rooms","re":{typing},"rooms":[]}}"#
    ));
    bridge.says(&eve, r#"{"type":"rooms"}"#);
}

#[test]
fn frames_without_an_answer_do_not_fill_the_way() {
    let mut bridge = Bridge::up();
    let eve = bridge.browser();
    for _ in 0..IN_FLIGHT_MAX * 3 {
        bridge.says(&eve, r#"{"type":"typing","room":"lobby"}"#);
    }
}

#[test]
fn a_browser_that_does_not_read_is_told_from_where_it_missed() {
    let mut bridge = Bridge::up();
    let slow = bridge.in_lobby(3, "slow", r#"{"n1-a":0}"#);
    let quick = bridge.in_lobby(3, "quick", r#"{"n1-a":0}"#);
    let all = FRAMES_MAX as u64 + 10;
    let mut read = 0;
    for seq in 1..=all {
        bridge.node(&format!(
            r#"r3 {seq}:n1-a {{"type":"new_message","seq":{seq}}}"#
        ));
        read += quick.frames().len() as u64;
    }
    assert_eq!(read, all);
    let mut last = String::new();
    while let Some(frame) = slow.frames().pop() {
        last = frame;
    }
    assert_eq!(
        last,
        format!(r#"{{"type":"gap","room":"lobby","since":{{"n1-a":{FRAMES_MAX}}}}}"#)
    );
    assert_eq!(bridge.core.counts.left_out, 10);
}

#[test]
fn a_session_that_the_node_closed_is_over_and_its_room_goes_with_the_handle() {
    let mut bridge = Bridge::up();
    let alice = bridge.in_lobby(3, "alice", "{}");
    bridge.node(r#"s1 {"type":"disconnect","reason":"kicked","message":"out"}"#);
    bridge.node("c1");
    bridge.node("l3 1");
    alice.frames_are(&[r#"{"type":"disconnect","reason":"kicked","message":"out"}"#]);
    assert!(alice.outbox.poll(0).ended);
    assert_eq!((bridge.core.sessions(), bridge.core.rooms()), (0, 0));
}

#[test]
fn repeated_stats_come_under_the_clients_mark_on_every_node() {
    let mut bridge = Bridge::up();
    let eve = bridge.browser();
    bridge.says(&eve, r#"{"type":"stats","re":"s","every":1000}"#);
    let mark = bridge.last_mark();
    let stats = format!(r#"s1 {{"type":"stats","re":{mark}}}"#);
    bridge.node(&stats);
    bridge.node(&stats);
    bridge.core.link_lost(bridge.now);
    bridge.core.link_up(bridge.now);
    assert!(bridge.written()[1].contains(r#""every":1000"#));
    bridge.node(&stats);
    eve.frames_are(&[r#"{"type":"stats","re":"s"}"#; 3]);
}

#[test]
fn lines_that_the_node_should_not_say_are_passed_over() {
    let mut bridge = Bridge::up();
    let alice = bridge.in_lobby(3, "alice", "{}");
    for odd in [
        "m9 1",
        "l9 1",
        "m3 77",
        "l3 77",
        "r9 {}",
        "s77 {}",
        "s1 1:n {}",
        "v9 {}",
        "d9 {}",
        "c9",
    ] {
        bridge.node(odd);
    }
    assert!(bridge.core.line("nonsense").is_err());
    alice.frames_are(&[]);
    bridge.node(r#"r3 1:n1-a {"type":"new_message"}"#);
    assert_eq!(alice.frames().len(), 1);
}

#[test]
fn a_brief_session_is_a_brief_one_on_every_node() {
    let mut bridge = Bridge::up();
    let cron = bridge.browser();
    bridge.says(&cron, r#"{"type":"user_join","name":"cron","brief":true}"#);
    let mark = bridge.last_mark();
    let session = |mark: i64| {
        format!(
            r#"s1 {{"type":"session","re":{mark},"user":"cron","uid":"cronaaaa","guest":true,"role":"user","token":"T","node":"n1"}}"#
        )
    };
    bridge.node(&session(mark));
    for _ in 0..2 {
        bridge.core.link_lost(bridge.now);
        bridge.core.link_up(bridge.now);
        let written = bridge.written();
        assert!(
            written[1].contains(r#""token":"T","brief":true"#),
            "{written:?}"
        );
        let mark = super::splice::mark_of(written[1].split_once(' ').unwrap().1).unwrap();
        bridge.node(&session(mark));
    }
}
