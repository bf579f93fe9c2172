//! Nodes that are lost under open browsers: nothing is missing, nothing comes twice.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cluster::{Member, two};
use crate::support::TestNode;
use crate::web_support::{Browser, Poller, bridge_to};

/// A way to a node that can be cut, or go silent, while the node lives on.
struct Way {
    address: SocketAddr,
    state: Arc<watch::Sender<WayState>>,
    _carrying: JoinSet<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum WayState {
    Open,
    /// Nothing passes, and nobody is told.
    Silent,
    /// Every connection is ended, and none is let through.
    Cut,
}

impl Way {
    async fn to(node: SocketAddr) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::Sender::new(WayState::Open));
        let mut carrying = JoinSet::new();
        let of_all = Arc::clone(&state);
        carrying.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (from, _) = listener.accept().await.unwrap();
                if *of_all.borrow() != WayState::Cut {
                    let state = of_all.subscribe();
                    connections.spawn(carry(from, node, state));
                }
            }
        });
        Way {
            address,
            state,
            _carrying: carrying,
        }
    }

    fn set(&self, state: WayState) {
        self.state.send_replace(state);
    }
}

async fn carry(one: TcpStream, node: SocketAddr, mut state: watch::Receiver<WayState>) {
    let Ok(other) = TcpStream::connect(node).await else {
        return;
    };
    let (mut one_read, mut one_write) = one.into_split();
    let (mut other_read, mut other_write) = other.into_split();
    let (to, from) = (state.clone(), state.clone());
    tokio::select! {
        () = pass(&mut one_read, &mut other_write, to) => {}
        () = pass(&mut other_read, &mut one_write, from) => {}
        () = async { drop(state.wait_for(|state| *state == WayState::Cut).await) } => {}
    }
}

async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut state: watch::Receiver<WayState>,
) {
    let mut bytes = vec![0; 4096];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        let open = state
            .wait_for(|state| *state == WayState::Open)
            .await
            .is_ok();
        if !open || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// Two nodes that know each other, and a bridge to both.
struct System {
    first: Option<Member>,
    second: Member,
    way: Way,
    bridge: chat::web::Bridge,
}

impl System {
    async fn start() -> System {
        let (first, second) = two().await;
        let way = Way::to(first.node.listen).await;
        let bridge = bridge_to(&[way.address, second.node.listen]).await;
        System {
            first: Some(first),
            second,
            way,
            bridge,
        }
    }

    async fn stop(self) {
        self.bridge.stop().await;
        if let Some(first) = self.first {
            first.stop().await;
        }
        self.second.stop().await;
    }
}

fn count(keys: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for key in keys {
        *count.entry(key).or_default() += 1;
    }
    count
}

/// Sends numbered messages, the next when the last is acknowledged.
async fn talk(browser: &mut Browser, tag: &str, from: usize, to: usize) {
    for n in from..to {
        browser.say("lobby", &format!("{tag}-{n}")).await;
    }
}

/// The browser has had every message, and no event twice. A message may come again where it was
/// accepted on a second node too: then it moves, and its place is another one.
async fn each_once(browser: &mut Browser, expected: usize, last: &[&str]) {
    let mut messages = Vec::new();
    while !last
        .iter()
        .all(|last| messages.iter().any(|m: &Value| m["text"] == *last))
    {
        messages.push(browser.next("new_message").await);
    }
    let rest = browser.settle().await;
    messages.extend(
        rest.into_iter()
            .filter(|frame| frame["type"] == "new_message"),
    );
    let of_all = |key: &dyn Fn(&Value) -> String| count(messages.iter().map(key));
    let places = of_all(&|m| format!("{} {} {}", m["id"], m["origin"], m["seq"]));
    let twice: Vec<_> = places.into_iter().filter(|(_, n)| *n > 1).collect();
    assert_eq!(twice, []);
    let texts = of_all(&|m| m["text"].to_string());
    assert_eq!(texts.len(), expected, "{texts:?}");
    let ids = of_all(&|m| m["id"].to_string());
    assert_eq!(ids.len(), expected, "{ids:?}");
}

#[tokio::test]
async fn a_node_that_stops_under_two_talking_browsers_is_not_noticed() {
    let mut system = System::start().await;
    let address = system.bridge.address;
    let mut alice = Browser::user_in(address, "alice", "lobby").await;
    let mut bob = Browser::user_in(address, "bob", "lobby").await;
    let mut carol = system.second.user_in("carol", "lobby").await;
    talk(&mut alice, "alice", 0, 10).await;

    let first = system.first.take().unwrap();
    let stopping = async { first.stop().await };
    let (_, (), ()) = tokio::join!(
        stopping,
        talk(&mut alice, "alice", 10, 100),
        talk(&mut bob, "bob", 0, 100)
    );
    carol.say("lobby", "last").await;
    for browser in [&mut alice, &mut bob] {
        each_once(browser, 201, &["alice-99", "bob-99", "last"]).await;
    }
    let stats = alice.ask(json!({"type": "stats"})).await;
    assert_eq!(stats["node"], "n2");
    let history = carol
        .ask(json!({"type": "history", "room": "lobby", "limit": 200}))
        .await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 200);
    assert_eq!(history["more"], true);
    system.stop().await;
}

#[tokio::test]
async fn who_is_in_a_room_is_told_anew_after_a_move() {
    let mut system = System::start().await;
    let mut alice = Browser::user_in(system.bridge.address, "alice", "lobby").await;
    let carol = system.second.user_in("carol", "lobby").await;
    alice.next("user_join").await;
    system.first.take().unwrap().stop().await;
    let list = alice.next("user_list_update").await;
    let users = json!([
        {"name": "alice", "uid": alice.session["uid"]},
        {"name": "carol", "uid": carol.session["uid"]},
    ]);
    assert_eq!((&list["users"], &list["total"]), (&users, &json!(2)));
    assert_eq!((&list["room"], list.get("re")), (&json!("lobby"), None));
    system.stop().await;
}

#[tokio::test]
async fn browsers_are_told_which_node_they_are_on_now() {
    let mut system = System::start().await;
    let mut alice = Browser::user_in(system.bridge.address, "alice", "lobby").await;
    let bob = Poller::open(system.bridge.address, "bob").await;
    let mut after = bob.poll(0, 0).await.json()["next"].as_u64().unwrap();
    system.first.take().unwrap().stop().await;
    let told = alice.next("session").await;
    assert_eq!((&told["node"], told.get("re")), (&json!("n2"), None));
    assert_eq!(told["uid"], alice.session["uid"]);
    let mut told = Vec::new();
    while told.is_empty() {
        let answer = bob.poll(after, 25).await;
        after = answer.json()["next"].as_u64().unwrap();
        let sessions = answer
            .frames()
            .into_iter()
            .filter(|f| f["type"] == "session");
        told.extend(sessions.map(|f| (f["node"].clone(), f["uid"].clone())));
    }
    assert_eq!(told, [(json!("n2"), bob.session["uid"].clone())]);
    system.stop().await;
}

#[tokio::test]
async fn a_link_that_is_cut_again_and_again_loses_nothing() {
    let system = System::start().await;
    let address = system.bridge.address;
    let mut alice = Browser::user_in(address, "alice", "lobby").await;
    let mut bob = Browser::user_in(address, "bob", "lobby").await;
    let mut carol = system.second.user_in("carol", "lobby").await;
    let cutting = async {
        for round in 0..6 {
            carol.say("lobby", &format!("carol-{round}")).await;
            system.way.set(WayState::Cut);
            carol.say("lobby", &format!("carol-cut-{round}")).await;
            system.way.set(WayState::Open);
        }
    };
    tokio::join!(cutting, talk(&mut alice, "alice", 0, 60));
    carol.say("lobby", "last").await;
    for browser in [&mut alice, &mut bob] {
        each_once(browser, 73, &["alice-59", "last"]).await;
    }
    system.stop().await;
}

#[tokio::test]
async fn a_silent_node_is_given_up_and_what_was_asked_is_answered_by_the_other() {
    let system = System::start().await;
    let address = system.bridge.address;
    let mut alice = Browser::user_in(address, "alice", "lobby").await;
    let mut carol = system.second.user_in("carol", "lobby").await;
    system.way.set(WayState::Silent);
    let began = tokio::time::Instant::now();
    let (sent, _) = tokio::join!(alice.say("lobby", "into the silence"), async {
        carol.say("lobby", "meanwhile").await
    });
    assert!(sent["origin"].as_str().unwrap().starts_with("n2"), "{sent}");
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "{:?}",
        began.elapsed()
    );
    each_once(&mut alice, 2, &["meanwhile", "into the silence"]).await;
    system.stop().await;
}

#[tokio::test]
async fn direct_conversations_edits_and_topics_are_missed_by_nobody_while_moving() {
    let mut system = System::start().await;
    let address = system.bridge.address;
    let mut alice = Browser::user_in(address, "alice", "lobby").await;
    let mut carol = system.second.user_in("carol", "lobby").await;
    let old = alice.say("lobby", "old").await;
    carol.next_where("old", |f| f["text"] == "old").await;
    carol.say("@alice", "before").await;
    alice.next_where("before", |f| f["text"] == "before").await;

    system.way.set(WayState::Silent);
    carol.say("@alice", "between").await;
    carol.say("lobby", "aloud").await;
    carol
        .ask(json!({"type": "react", "room": "lobby", "id": old["id"], "emoji": "👍"}))
        .await;
    carol
        .ask(json!({"type": "topic", "room": "lobby", "topic": "moving"}))
        .await;
    system.way.set(WayState::Cut);
    system.first.take().unwrap().stop().await;
    carol.say("@alice", "after").await;

    for wanted in ["between", "after"] {
        let told = alice.next_where(wanted, |f| f["text"] == wanted).await;
        assert_eq!(told["room"], "@carol");
    }
    alice.next_where("aloud", |f| f["text"] == "aloud").await;
    let update = alice.next("message_update").await;
    assert_eq!(
        (&update["id"], &update["reactions"]["👍"]),
        (&old["id"], &json!(["carol"]))
    );
    assert_eq!(alice.next("topic").await["topic"], "moving");
    let rest = alice.settle().await;
    let again = |frame: &&Value| {
        ["before", "between", "old"]
            .iter()
            .any(|t| frame["text"] == *t)
    };
    assert_eq!(rest.iter().filter(again).count(), 1, "{rest:?}");
    system.stop().await;
}

#[tokio::test]
async fn a_poll_session_moves_too() {
    let mut system = System::start().await;
    let bob = Poller::open(system.bridge.address, "bob").await;
    bob.post(json!({"type": "join", "room": "lobby"}))
        .await
        .frames();
    let mut carol = system.second.user_in("carol", "lobby").await;
    carol.say("lobby", "one").await;
    system.first.take().unwrap().stop().await;
    carol.say("lobby", "two").await;
    let mut texts = Vec::new();
    let mut after = 0;
    while texts.last().is_none_or(|text| text != "two") {
        let answer = bob.poll(after, 25).await;
        let new = answer
            .frames()
            .into_iter()
            .filter(|f| f["type"] == "new_message");
        texts.extend(new.map(|frame| frame["text"].clone()));
        after = answer.json()["next"].as_u64().unwrap();
    }
    assert_eq!(texts, ["one", "two"]);
    let sent = bob
        .post(json!({"type": "send", "room": "lobby", "text": "three"}))
        .await;
    assert_eq!(sent.frames()[0]["type"], "sent");
    system.stop().await;
}

fn answers(frame: &Value) -> bool {
    frame["type"] == "sent" || frame["type"] == "error"
}

#[tokio::test]
async fn sessions_outlive_the_only_node_and_go_on_when_it_is_back() {
    let node = TestNode::start_lasting().await;
    let listen = node.node.listen;
    let bridge = bridge_to(&[listen]).await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    let mut bob = Browser::user_in(bridge.address, "bob", "lobby").await;
    alice.say("lobby", "before").await;
    let TestNode { node, folder } = node;
    node.stop().await;
    // The link to the browser lives, whatever became of the node.
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
    let frame = json!({"type": "send", "room": "lobby", "text": "while it was away", "nonce": "n"});
    alice.tell(frame.clone()).await;
    let mut config = crate::support::config(&folder);
    config.listen = listen;
    let node = chat::node::Node::start(config).await.unwrap();
    // On a machine that is busy the node may be back too late for it; then it is sent again.
    while alice.next_where("an answer", answers).await["type"] != "sent" {
        alice.tell(frame.clone()).await;
    }
    bob.say("lobby", "last").await;
    for browser in [&mut alice, &mut bob] {
        each_once(browser, 3, &["last"]).await;
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn without_any_node_a_browser_is_told_so_and_stays() {
    let node = TestNode::start().await;
    let bridge = bridge_to(&[node.node.listen]).await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    node.stop().await;
    let answer = alice
        .ask(json!({"type": "send", "room": "lobby", "text": "x"}))
        .await;
    assert_eq!(answer["code"], "unavailable");
    assert!(answer["retry_after_ms"].as_u64().unwrap() > 0);
    assert_eq!(alice.ask(json!({"type": "ping"})).await["type"], "pong");
    bridge.stop().await;
}
