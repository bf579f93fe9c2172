//! What the nodes tell of each other.

use serde_json::{Value, json};

use crate::cluster::until;
use crate::seam::ground::{Cluster, Ground, up};
use crate::support::Client;

/// The nodes of `stats`, and whether each is up.
async fn listed(client: &mut Client) -> Vec<(String, bool)> {
    let stats = client.ask(json!({"type": "stats"})).await;
    let nodes = stats["nodes"].as_array().unwrap().iter();
    let listed = nodes.map(|node| (name(node), node["up"] == true));
    listed.collect()
}

fn name(of: &Value) -> String {
    of["name"].as_str().unwrap().to_owned()
}

/// An administrator's figures of the node itself.
async fn own_figures(client: &mut Client) -> Value {
    let stats = client.ask(json!({"type": "stats", "node": "n1"})).await;
    assert_eq!(stats["figures"].as_array().unwrap().len(), 1, "{stats}");
    stats["figures"][0].clone()
}

pub async fn everybody_is_listed_and_who_is_cut_off_is_down_and_an_alarm(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2", "n3"]).await;
    let mut root = cluster.admin("n1").await;
    let all = |n3| [("n1".into(), true), ("n2".into(), true), ("n3".into(), n3)];
    assert_eq!(listed(&mut root).await, all(true));
    let stats = root.ask(json!({"type": "stats"})).await;
    let address = cluster.node("n2").listen.to_string();
    assert_eq!(stats["nodes"][1]["address"], address, "where clients go");
    let figures = own_figures(&mut root).await;
    assert_eq!(figures["alarms"], json!([]));

    cluster.cut("n3").await;
    assert_eq!(listed(&mut root).await, all(false));
    let figures = own_figures(&mut root).await;
    let peers = figures["peers"].as_array().unwrap().iter();
    let mut peers: Vec<_> = peers.map(|peer| (name(peer), peer["up"] == true)).collect();
    peers.sort();
    assert_eq!(peers, all(false)[1..]);
    let alarms = figures["alarms"].as_array().unwrap();
    assert!(
        alarms.len() == 1 && alarms[0].as_str().unwrap().contains("n3"),
        "{alarms:?}"
    );

    cluster.heal("n3").await;
    assert_eq!(listed(&mut root).await, all(true));
    assert_eq!(own_figures(&mut root).await["alarms"], json!([]));
    cluster.end().await;
}

pub async fn an_administrator_sees_all_figures_through_one_node(ground: impl Ground) {
    let cluster = Cluster::of(ground, &["n1", "n2", "n3"]).await;
    let mut root = cluster.admin("n1").await;
    let _bob = cluster.user_in("n2", "bob", "lobby").await;
    let stats = root.ask(json!({"type": "stats", "node": "*"})).await;
    let figures = stats["figures"].as_array().unwrap();
    let nodes: Vec<_> = figures.iter().map(|f| &f["node"]).collect();
    assert_eq!(nodes, ["n1", "n2", "n3"]);
    assert_eq!(
        (&figures[1]["sessions"], &figures[2]["sessions"]),
        (&json!(1), &json!(0))
    );
    let stats = root.ask(json!({"type": "stats", "node": "n3"})).await;
    let figures = stats["figures"].as_array().unwrap();
    assert_eq!((figures.len(), &figures[0]["node"]), (1, &json!("n3")));
    // Who is not in reach is left out.
    cluster.cut("n3").await;
    let stats = root.ask(json!({"type": "stats", "node": "*"})).await;
    let figures = stats["figures"].as_array().unwrap();
    let nodes: Vec<_> = figures.iter().map(|f| &f["node"]).collect();
    assert_eq!(nodes, ["n1", "n2"]);
    cluster.end().await;
}

pub async fn who_stops_in_order_is_listed_no_longer(ground: impl Ground) {
    let mut cluster = Cluster::of(ground, &["n1", "n2"]).await;
    let mut root = cluster.admin("n1").await;
    cluster.stop("n2").await;
    until("n2 is not up", async || up(cluster.node("n1")).is_empty()).await;
    assert_eq!(listed(&mut root).await, [("n1".to_owned(), true)]);
    let figures = own_figures(&mut root).await;
    assert_eq!(
        (&figures["peers"], &figures["alarms"]),
        (&json!([]), &json!([]))
    );
    cluster.end().await;
}
