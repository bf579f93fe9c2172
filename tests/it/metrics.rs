//! `/metrics` of a bridge: its own counts, and the figures of all nodes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cluster::{linked, two, until};
use crate::web_support::{bridge_to, get, node_and_bridge};

async fn metrics(address: std::net::SocketAddr) -> String {
    let answer = get(address, "/metrics").await;
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.body).unwrap()
}

#[tokio::test]
async fn a_bridge_gives_the_figures_of_all_nodes_by_their_names() {
    let (one, two) = two().await;
    linked(&[&one, &two]).await;
    let mut alice = two.user_in("alice", "secret-plans").await;
    alice.say("secret-plans", "hello").await;
    let bridge = bridge_to(&[one.node.listen]).await;
    until("the bridge is linked", async || {
        metrics(bridge.address).await.contains("chat_web_link_up 1")
    })
    .await;
    until("all is told", async || {
        let text = metrics(bridge.address).await;
        [
            r#"chat_node_up{node="n1"} 1"#,
            r#"chat_node_up{node="n2"} 1"#,
            r#"chat_node_sessions{node="n2"} 1"#,
            r#"chat_node_messages_total{node="n1"} 1"#,
            r#"chat_node_messages_total{node="n2"} 1"#,
            r#"chat_node_peer_up{node="n1",peer="n2"} 1"#,
            r#"chat_node_build{node="n1",server="chat/"#,
        ]
        .iter()
        .all(|line| text.contains(line))
    })
    .await;
    let text = metrics(bridge.address).await;
    assert!(
        !text.contains("secret-plans"),
        "rooms are nobody's business: {text}"
    );
    assert!(text.ends_with("# EOF\n"));
    two.stop().await;
    bridge.stop().await;
    one.stop().await;
}

/// Names of metrics in a text: ours begin with one of two words.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let ours = |name: &&str| name.starts_with("chat_node_") || name.starts_with("chat_web_");
    text.split(word).filter(ours).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_the_alerts_is_there() {
    // With another node, for the links.
    let (one, two) = two().await;
    linked(&[&one, &two]).await;
    let bridge = bridge_to(&[one.node.listen]).await;
    until("the figures are there", async || {
        let text = metrics(bridge.address).await;
        text.contains("chat_node_peer_up{node=\"n2\"")
    })
    .await;
    let text = metrics(bridge.address).await;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let given: BTreeSet<String> = samples.flat_map(names).collect();
    for file in ["grafana.json", "alerts.yml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(file);
        let used = names(&std::fs::read_to_string(path).unwrap());
        assert!(used.len() > 5, "{used:?}");
        let missing: Vec<_> = used.difference(&given).collect();
        assert!(
            missing.is_empty(),
            "{file} names {missing:?}, not among {given:?}"
        );
    }
    bridge.stop().await;
    one.stop().await;
    two.stop().await;
}

#[test]
fn the_dashboard_is_one_and_its_places_do_not_overlap() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grafana.json");
    let text = std::fs::read_to_string(path).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            assert!(x < 24, "{panel}");
            assert!(
                (0..at("h")).all(|y| taken.insert((x, at("y") + y))),
                "{panel}"
            );
        }
        assert!(!panel["targets"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn without_a_node_there_are_the_bridges_own_counts() {
    let (node, bridge) = node_and_bridge().await;
    node.stop().await;
    until("the link is lost", async || {
        metrics(bridge.address).await.contains("chat_web_link_up 0")
    })
    .await;
    assert!(!metrics(bridge.address).await.contains("chat_node_"));
    bridge.stop().await;
}
