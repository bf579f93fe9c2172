//! What machines do to their nodes: clocks that are wrong, disks that rot, logs that are put back.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat::node::config::PeerPort;
use chat::node::{Node, Tuning};
use chat::protocol::secret::Secret;
use serde_json::json;
use tempfile::TempDir;

use crate::cluster::until;
use crate::support::{Client, config, texts};

const HOUR_US: i64 = 3_600_000_000;

/// A node's machine: what is on its disk stays when the node stops.
struct Machine {
    name: &'static str,
    folder: TempDir,
    tuning: Tuning,
}

impl Machine {
    fn new(name: &'static str) -> Machine {
        Machine {
            name,
            folder: tempfile::tempdir().unwrap(),
            tuning: Tuning {
                compare_every: Some(Duration::from_millis(50)),
                ..Tuning::default()
            },
        }
    }

    fn with_clock_error(name: &'static str, clock_error_us: i64) -> Machine {
        let mut machine = Machine::new(name);
        machine.tuning.clock_error_us = clock_error_us;
        machine
    }

    async fn start(&self, join: &[&Node]) -> Node {
        let mut config = config(&self.folder);
        config.name = self.name.to_owned();
        config.secret = Secret::new(&[b's'; 32]).unwrap();
        config.join = join
            .iter()
            .map(|node| node.peer.unwrap().to_string())
            .collect();
        config.peer = Some(PeerPort {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            search: false,
        });
        Node::start_tuned(config, self.tuning).await.unwrap()
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("n1/log.sqlite3")
    }

    fn admin_token(&self) -> String {
        let file = self.folder.path().join("n1/admin-token");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// What a person should look at, as the node tells its administrator.
    async fn alarms(&self, node: &Node) -> Vec<String> {
        let mut client = Client::connect(node.listen).await;
        let name = format!("admin-{}-{}", self.name, ulid_like());
        client
            .open(json!({"name": name, "admin": self.admin_token()}))
            .await;
        let stats = client.ask(json!({"type": "stats"})).await;
        client.tell(json!({"type": "quit"})).await;
        let alarms = stats["figures"][0]["alarms"].as_array().unwrap().iter();
        alarms
            .map(|alarm| alarm.as_str().unwrap().to_owned())
            .collect()
    }
}

/// Names that nobody had in the last ten minutes.
fn ulid_like() -> u32 {
    getrandom::u32().unwrap()
}

async fn user_in(node: &Node, name: &str) -> Client {
    let mut client = Client::connect(node.listen).await;
    client.open(json!({"name": name})).await;
    client.join("lobby").await;
    client
}

async fn linked(nodes: &[&Node]) {
    until("the nodes are linked", async || {
        nodes.iter().all(|node| {
            let others = node.shared().replicator().nodes();
            others.iter().filter(|other| other.up).count() >= nodes.len() - 1
        })
    })
    .await;
}

/// The texts of the lobby, oldest first.
async fn history(client: &mut Client) -> Vec<String> {
    let ask = json!({"type": "history", "room": "lobby", "limit": 200});
    texts(&client.ask(ask).await)
}

/// Events that are on the node's disk.
fn events(node: &Node) -> u64 {
    let held = node.shared().store.held();
    held.iter().map(|(_, seq)| seq).sum()
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_micros() as i64
}

/// One of three nodes was started with a clock that is `error_us` off.
async fn one_clock_is_wrong(error_us: i64) {
    let machines = [
        Machine::new("n1"),
        Machine::new("n2"),
        Machine::with_clock_error("n3", error_us),
    ];
    let one = machines[0].start(&[]).await;
    let two = machines[1].start(&[&one]).await;
    linked(&[&one, &two]).await;
    let three = machines[2].start(&[&one, &two]).await;
    linked(&[&one, &two, &three]).await;
    let mut alice = user_in(&one, "alice").await;
    let mut carol = user_in(&three, "carol").await;
    let mut said = Vec::new();
    for n in 0..10 {
        let text = format!("line {n}");
        let (speaker, hearer) = if n % 2 == 0 {
            (&mut carol, &mut alice)
        } else {
            (&mut alice, &mut carol)
        };
        let sent = speaker.say("lobby", &text).await;
        let date = sent["ts"].as_i64().unwrap();
        assert!(
            (date - now_us()).abs() < 5_000_000,
            "{text} is dated {date}"
        );
        hearer
            .next_where("it", |f| f["text"] == text.as_str())
            .await;
        said.push(text);
    }
    for client in [&mut alice, &mut carol] {
        assert_eq!(history(client).await, said);
    }
    // A token of the node whose clock is wrong is one like others.
    let mut moved = Client::connect(one.listen).await;
    let session = moved.open(json!({"token": carol.session["token"]})).await;
    assert_eq!(session["uid"], carol.session["uid"]);
    let alarms = machines[2].alarms(&three).await;
    assert!(
        alarms
            .iter()
            .any(|alarm| alarm.contains("this machine's clock is")),
        "{alarms:?}"
    );
    let alarms = machines[0].alarms(&one).await;
    assert!(
        alarms
            .iter()
            .any(|alarm| alarm.contains("the clock of n3 is")),
        "{alarms:?}"
    );
    for node in [one, two, three] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_starts_an_hour_behind_dates_and_orders_as_the_others_do() {
    one_clock_is_wrong(-HOUR_US).await;
}

#[tokio::test]
async fn a_node_that_starts_a_day_ahead_dates_and_orders_as_the_others_do() {
    one_clock_is_wrong(24 * HOUR_US).await;
}

#[tokio::test]
async fn a_letter_that_has_changed_on_one_disk_is_told_of() {
    is_told_of("UPDATE events SET text = 'lime 7' WHERE text = 'line 7'").await;
}

#[tokio::test]
async fn an_event_that_is_missing_on_one_disk_is_told_of() {
    is_told_of("DELETE FROM events WHERE text = 'line 7'").await;
}

/// One of two disks is changed by `damage` while its node is stopped.
async fn is_told_of(damage: &str) {
    let machines = [Machine::new("n1"), Machine::new("n2")];
    let one = machines[0].start(&[]).await;
    let two = machines[1].start(&[&one]).await;
    linked(&[&one, &two]).await;
    let mut alice = user_in(&one, "alice").await;
    for n in 0..20 {
        assert_eq!(alice.say("lobby", &format!("line {n}")).await["copies"], 2);
    }
    two.stop().await;
    rot(&machines[1].log(), damage);
    let two = machines[1].start(&[&one]).await;
    until("both nodes tell of it", async || {
        let mut told = 0;
        for (machine, node) in machines.iter().zip([&one, &two]) {
            let alarms = machine.alarms(node).await;
            told += usize::from(
                alarms
                    .iter()
                    .any(|alarm| alarm.contains("is not the same here and on")),
            );
        }
        told == 2
    })
    .await;
    for node in [one, two] {
        node.stop().await;
    }
}

fn rot(log: &Path, damage: &str) {
    let log = rusqlite::Connection::open(log).unwrap();
    let changed = log.execute(damage, []);
    assert_eq!(changed, Ok(1));
}

#[tokio::test]
async fn a_log_that_was_put_back_takes_from_the_others_what_it_once_said() {
    let machines = [Machine::new("n1"), Machine::new("n2")];
    let one = machines[0].start(&[]).await;
    let two = machines[1].start(&[&one]).await;
    linked(&[&one, &two]).await;
    let mut alice = user_in(&one, "alice").await;
    alice.say("lobby", "before").await;
    let origin = one.shared().store.origin();
    one.stop().await;
    let older = std::fs::read(machines[0].log()).unwrap();
    let one = machines[0].start(&[&two]).await;
    linked(&[&one, &two]).await;
    let mut alice = user_in(&one, "alice-2").await;
    assert_eq!(alice.say("lobby", "after").await["copies"], 2);
    one.stop().await;
    std::fs::write(machines[0].log(), &older).unwrap();
    let one = machines[0].start(&[&two]).await;
    assert_ne!(one.shared().store.origin(), origin);
    linked(&[&one, &two]).await;
    let mut again = user_in(&one, "alice-3").await;
    until("n1 has what it said", async || events(&one) == 2).await;
    again.say("lobby", "again").await;
    let mut bob = user_in(&two, "bob").await;
    until("n2 has it too", async || events(&two) == 3).await;
    for client in [&mut again, &mut bob] {
        assert_eq!(history(client).await, ["before", "after", "again"]);
    }
    for node in [one, two] {
        node.stop().await;
    }
}
