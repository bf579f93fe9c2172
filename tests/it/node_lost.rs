//! Four ways to be in a room while the node that they are on is killed, or falls silent: the terminal,
//! a script that follows, a WebSocket and a poll session of the bridge. Real processes throughout.
//!
//! Each is shown what is said on the other node within a time that is promised, everything once; and
//! what they say themselves into the outage arrives there, once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::programs::{Running, Space};
use crate::support::Client;
use crate::tui_support::{Home, Terminal};
use crate::web_support::{Browser, Poller};

/// For whoever was on a killed node to be shown what is said on the other.
const AFTER_A_KILL: Duration = Duration::from_secs(1);

/// The same where the node says nothing any more and nobody is told.
const AFTER_SILENCE: Duration = Duration::from_secs(10);

/// A machine that is busy with other tests may be late once, or twice; the programs may not be late always.
const TRIES: usize = 3;

/// What everybody is shown before the fault, because of it, and later.
const BEFORE: &str = "said before";
const MEANWHILE: &str = "said meanwhile";
const LATER: &str = "said later";

/// What the terminal says before, and makes of it because of the fault.
const OWN: &str = "of the terminal";
const EDITED: &str = "of the terminal, edited";

#[derive(Clone, Copy, Debug)]
enum Fault {
    Killed,
    /// It stands still, as behind a cable that was pulled: its connections stay open.
    Silent,
}

/// Who was shown what was said meanwhile, and how long after the fault.
type Shown = Vec<(&'static str, Duration)>;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_on_a_killed_node_is_in_the_room_again_within_a_second() {
    within(AFTER_A_KILL, Fault::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_on_a_node_that_falls_silent_is_in_the_room_again_within_ten_seconds() {
    within(AFTER_SILENCE, Fault::Silent).await;
}

async fn within(bound: Duration, fault: Fault) {
    let mut last = Vec::new();
    for _ in 0..TRIES {
        last = lose_a_node(fault).await;
        eprintln!("{fault:?}: {last:?}");
        if last.iter().all(|(_, took)| *took <= bound) {
            return;
        }
    }
    panic!("{fault:?}: not within {bound:?}: {last:?}");
}

/// Everybody is on the first of two nodes, somebody speaks on the second, the first one is lost.
async fn lose_a_node(fault: Fault) -> Shown {
    let space = Space::new();
    let mut first = space.node("n1", &[]);
    let second = space.node("n2", &["--join", &first.peer()]);
    let nodes = format!("{},{}", first.address(), second.address());
    let web = ["--listen", "127.0.0.1:0", "--node", &nodes];
    let bridge = space.start("chat-web", &web);
    let mut speaker = Client::connect(second.address().parse().unwrap()).await;
    speaker.open(json!({"name": "speaker"})).await;
    speaker.join("lobby").await;

    let home = Home::new();
    let crowd = Crowd::come(&space, &home, &[&first, &second], &bridge).await;
    speaker.say("lobby", BEFORE).await;
    let mut crowd = crowd.all_show(BEFORE).await.0;
    crowd.terminal.say(OWN);
    crowd.terminal.shows("of the terminal ✓");
    speaker.next_where(OWN, |f| f["text"] == OWN).await;
    // Alt+E puts the last message into the composer: here, since it is the last one only until the node is
    // lost and something else is said.
    crowd.terminal.press("\x1be");
    crowd.terminal.shows("✎ of the terminal");

    match fault {
        Fault::Killed => first.signal("-KILL"),
        Fault::Silent => first.signal("-STOP"),
    }
    let lost_at = Instant::now();
    let words = crowd.say_something().await;
    let saying = async {
        speaker.say("lobby", MEANWHILE).await;
        let mut due = vec![words[0], words[1], EDITED];
        while !due.is_empty() {
            let is_due = |f: &Value| due.iter().any(|text| f["text"] == *text);
            let said = speaker
                .next_where("what was said and changed", is_due)
                .await;
            due.retain(|text| said["text"] != *text);
        }
    };
    let ((), (crowd, shown_at)) = tokio::join!(saying, crowd.all_show(MEANWHILE));
    let shown = shown_at.map(|(who, at)| (who, at - lost_at)).to_vec();

    speaker.say("lobby", LATER).await;
    let (crowd, _) = crowd.all_show(LATER).await;
    crowd.was_shown_once(&[BEFORE, MEANWHILE, LATER]);
    let again = speaker.so_far().await;
    let told = |f: &&Value| words.iter().chain([&EDITED]).any(|word| f["text"] == *word);
    let again: Vec<_> = again.iter().filter(told).collect();
    assert!(again.is_empty(), "said twice: {again:?}");
    shown
}

/// Those who are in the room, and all that each has been shown.
struct Crowd {
    terminal: Terminal,
    tail: (Running, Vec<String>),
    socket: (Browser, Vec<String>),
    poll: (Poller, u64, Vec<String>),
}

impl Crowd {
    async fn come(space: &Space, home: &Home, nodes: &[&Running], bridge: &Running) -> Crowd {
        let addresses: Vec<SocketAddr> =
            nodes.iter().map(|n| n.address().parse().unwrap()).collect();
        let mut terminal = Terminal::start(home, "terminal", &addresses, (100, 40));
        terminal.shows("connected to n1");
        let all = nodes.iter().map(|n| n.address()).collect::<Vec<_>>();
        let (all, name) = (all.join(","), ["--name", "tail"]);
        let follow = ["tail", "--node", &all, "--room", "lobby", "--json", "-f"];
        let tail = space.start("chat", &[&follow[..], &name].concat());
        let web: SocketAddr = bridge.ready["web"].as_str().unwrap().parse().unwrap();
        let socket = Browser::user_in(web, "socket", "lobby").await;
        let join = json!({"type": "join", "room": "lobby"});
        let (poll, _) = Poller::open_with(web, "poll", &[join]).await;
        Crowd {
            terminal,
            tail: (tail, Vec::new()),
            socket: (socket, Vec::new()),
            poll: (poll, 0, Vec::new()),
        }
    }

    /// Says something from the terminal and from a browser, and finishes the change that was begun, without
    /// waiting.
    async fn say_something(&mut self) -> [&'static str; 2] {
        let words = ["from the terminal", "from the browser"];
        self.terminal.say(", edited");
        self.terminal.say(words[0]);
        let send = json!({"type": "send", "room": "lobby", "text": words[1]});
        self.socket.0.tell(send).await;
        words
    }

    /// Waits until everybody is shown `text`; says when each was.
    async fn all_show(self, text: &'static str) -> (Crowd, [(&'static str, Instant); 4]) {
        let (mut terminal, mut tail) = (self.terminal, self.tail);
        let (mut socket, mut poll) = (self.socket, self.poll);
        let terminal = spawn_blocking(move || {
            terminal.shows(text);
            (terminal, Instant::now())
        });
        let tail = spawn_blocking(move || {
            while !tail.1.iter().any(|shown| shown == text) {
                let line = tail.0.line().expect("it goes on");
                let message: Value = serde_json::from_str(&line).unwrap();
                tail.1.push(message["text"].as_str().unwrap().to_owned());
            }
            (tail, Instant::now())
        });
        let socket = async {
            while !socket.1.iter().any(|shown| shown == text) {
                let message = socket.0.next("new_message").await;
                socket.1.push(message["text"].as_str().unwrap().to_owned());
            }
            (socket, Instant::now())
        };
        let poll = async {
            while !poll.2.iter().any(|shown| shown == text) {
                let answer = poll.0.poll(poll.1, 25).await;
                poll.1 = answer.json()["next"].as_u64().unwrap();
                let messages = answer.frames().into_iter();
                let messages = messages.filter(|frame| frame["type"] == "new_message");
                poll.2
                    .extend(messages.map(|m| m["text"].as_str().unwrap().to_owned()));
            }
            (poll, Instant::now())
        };
        let (terminal, tail, socket, poll) = tokio::join!(terminal, tail, socket, poll);
        let ((terminal, at_terminal), (tail, at_tail)) = (terminal.unwrap(), tail.unwrap());
        let ((socket, at_socket), (poll, at_poll)) = (socket, poll);
        let shown_at = [
            ("terminal", at_terminal),
            ("tail", at_tail),
            ("socket", at_socket),
            ("poll", at_poll),
        ];
        let crowd = Crowd {
            terminal,
            tail,
            socket,
            poll,
        };
        (crowd, shown_at)
    }

    fn was_shown_once(&self, texts: &[&str]) {
        let screen = self.terminal.screen();
        for text in texts {
            assert_eq!(screen.matches(text).count(), 1, "{text}:\n{screen}");
            for shown in [&self.tail.1, &self.socket.1, &self.poll.2] {
                let count = shown.iter().filter(|shown| shown == text).count();
                assert_eq!(count, 1, "{text}: {shown:?}");
            }
        }
    }
}
