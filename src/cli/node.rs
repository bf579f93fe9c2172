//! `chat-node`: one node, or several in one process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::args::Node as Args;
use super::ports::{self, Service, Wanted};
use super::process::{self, ReadyLine, Serving, ServingNode};
use super::stop::{Stop, failed, wrong};
use super::{places, running, secret};
use crate::node::Node;
use crate::node::config::{Config, PeerPort};
use crate::node::store::MARKS;
use crate::protocol::secret::Secret;

/// The client port of the node that is named n1; n2 is on the next, and so on.
const PORT_OF_N1: u16 = 9001;

/// The last port whose node goes by its number.
const PORT_LAST: u16 = 9099;

/// The peer port, the first of those that are searched downwards for a free one.
const PEER_PORT: u16 = 9999;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) async fn run(args: &Args, ready: ReadyLine) -> Result<(), Stop> {
    let configs = configs(args)?;
    if args.check_config {
        println!("the configuration is good");
        return Ok(());
    }
    let option = if args.ports.is_empty() {
        "--listen"
    } else {
        "PORT"
    };
    let mut wanted: Vec<Wanted> = configs
        .iter()
        .map(|config| clients(config, option))
        .collect();
    wanted.extend(configs.iter().filter_map(peers));
    ports::check_free(&wanted).await?;
    let stop = process::stop_signal()?;
    let nodes = start(configs).await?;
    ready.tell(&Serving {
        program: "chat-node",
        nodes: serving(&nodes),
        web: None,
    })?;
    stop.cancelled().await;
    stop_all(nodes).await;
    Ok(())
}

/// What each node is told.
fn configs(args: &Args) -> Result<Vec<Config>, Stop> {
    let far = [args
        .peer
        .filter(|peer| !peer.ip().is_loopback())
        .map(|peer| format!("--peer {peer}"))];
    let far = far.into_iter().flatten();
    let joined = args.join.iter().find(|address| !is_here(address));
    let far = far
        .chain(joined.map(|address| format!("--join {address}")))
        .next();
    let secret = secret::find(args.secret_file.as_deref(), far.as_deref())?;
    if !args.ports.is_empty() {
        let mut configs = of_ports(&args.ports, args.data.as_deref(), &secret)?;
        for config in &mut configs {
            config.join.clone_from(&args.join);
            config.copies = args.copies;
            config.rate = args.rate;
        }
        return Ok(configs);
    }
    let listen = args
        .listen
        .unwrap_or(SocketAddr::new(LOCALHOST, PORT_OF_N1));
    let name = args.name.clone().unwrap_or_else(|| name(listen.port(), 0));
    let peer = match args.peer {
        Some(address) => PeerPort {
            address,
            search: false,
        },
        None => usual_peer_port(listen.port()),
    };
    Ok(vec![Config {
        data: match &args.data {
            Some(data) => data.clone(),
            None => places::node(None, &name)?,
        },
        name,
        listen,
        peer: Some(peer),
        join: args.join.clone(),
        marks: PathBuf::from(MARKS),
        secret,
        copies: args.copies,
        rate: args.rate,
    }])
}

/// A node for each port on this machine, each in a folder of its own in `data`.
///
/// # Errors
/// When a port is named twice, or there is no place for the data.
pub(super) fn of_ports(
    ports: &[u16],
    data: Option<&Path>,
    secret: &Secret,
) -> Result<Vec<Config>, Stop> {
    let mut configs: Vec<Config> = Vec::new();
    for (index, &port) in ports.iter().enumerate() {
        let name = name(port, index);
        if configs.iter().any(|config| config.name == name) {
            return Err(wrong(format!(
                "two nodes would be {name}: name each port once"
            )));
        }
        let data: PathBuf = places::node(data, &name)?;
        configs.push(Config {
            name,
            listen: SocketAddr::new(LOCALHOST, port),
            peer: Some(usual_peer_port(port)),
            join: Vec::new(),
            data,
            marks: PathBuf::from(MARKS),
            secret: secret.clone(),
            copies: COPIES_DEFAULT,
            rate: RATE_DEFAULT,
        });
    }
    Ok(configs)
}

/// Nodes that have an event when it is acknowledged, where no option says otherwise.
const COPIES_DEFAULT: u32 = 2;

/// Messages a second for a session where no option says otherwise.
const RATE_DEFAULT: u32 = 5;

/// A node on any free port is one of a test, or of somebody who wants none of the usual ports: its
/// peer port is any free one too, and it looks for nobody.
fn usual_peer_port(client_port: u16) -> PeerPort {
    let search = client_port != 0;
    let port = if search { PEER_PORT } else { 0 };
    PeerPort {
        address: SocketAddr::new(LOCALHOST, port),
        search,
    }
}

/// n1 for 9001, n2 for 9002, … n99 for 9099; other ports give their number, and a free one its place.
fn name(port: u16, index: usize) -> String {
    match port {
        0 => format!("n{}", index + 1),
        PORT_OF_N1..=PORT_LAST => format!("n{}", port - PORT_OF_N1 + 1),
        port => format!("n{port}"),
    }
}

/// Whether an address (`host:port`) is on this machine for certain.
pub(super) fn is_here(address: &str) -> bool {
    match address.parse::<SocketAddr>() {
        Ok(address) => address.ip().is_loopback(),
        Err(_) => address.starts_with("localhost:"),
    }
}

/// Where clients of this node will connect, to be checked.
pub(super) fn clients(config: &Config, option: &'static str) -> Wanted {
    Wanted {
        address: config.listen,
        option,
        service: Service::Clients,
    }
}

/// Where other nodes will, if it must be this very port.
fn peers(config: &Config) -> Option<Wanted> {
    let peer = config.peer.filter(|peer| !peer.search)?;
    Some(Wanted {
        address: peer.address,
        option: "--peer",
        service: Service::Peers,
    })
}

/// Starts nodes that know each other from the start. If one cannot, those before it are stopped.
pub(super) async fn start(configs: Vec<Config>) -> Result<Vec<Node>, Stop> {
    let mut nodes: Vec<Node> = Vec::new();
    for mut config in configs {
        let others = nodes.iter().filter_map(|node| node.peer);
        config.join.extend(others.map(|peer| peer.to_string()));
        let (data, secret) = (config.data.clone(), config.secret.clone());
        match Node::start(config).await {
            Ok(node) => {
                running::tell(node.listen, &node.name, &data, &secret);
                nodes.push(node);
            }
            Err(error) => {
                stop_all(nodes).await;
                return Err(failed(error));
            }
        }
    }
    Ok(nodes)
}

pub(super) fn serving(nodes: &[Node]) -> Vec<ServingNode> {
    let serving = |node: &Node| ServingNode {
        name: node.name.clone(),
        listen: node.listen,
        peer: node.peer,
    };
    nodes.iter().map(serving).collect()
}

/// Stops all of them at the same time.
pub(super) async fn stop_all(nodes: Vec<Node>) {
    nodes.iter().for_each(|node| running::forget(node.listen));
    let stopping = nodes.into_iter().map(Node::stop);
    futures_util::future::join_all(stopping).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_goes_by_its_port() {
        let names = [
            (9001, "n1"),
            (9002, "n2"),
            (9099, "n99"),
            (9100, "n9100"),
            (7000, "n7000"),
        ];
        for (port, expected) in names {
            assert_eq!(name(port, 0), expected);
        }
        assert_eq!((name(0, 0), name(0, 1)), ("n1".to_owned(), "n2".to_owned()));
    }

    #[test]
    fn an_address_is_on_this_machine_only_if_that_is_certain() {
        for here in ["127.0.0.1:9999", "127.8.0.1:1", "[::1]:1", "localhost:1"] {
            assert!(is_here(here), "{here}");
        }
        for far in ["10.0.0.1:9999", "0.0.0.0:1", "node.example:1"] {
            assert!(!is_here(far), "{far}");
        }
    }
}
