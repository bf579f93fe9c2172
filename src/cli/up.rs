//! `chat up`: nodes and the bridge in one process, and where to go from there.

use std::fmt::Write as _;
use std::io::Write as _;

use super::args::Up;
use super::ports::{self, Service, Wanted};
use super::process::{self, ReadyLine, Serving};
use super::stop::{Stop, failed};
use super::{node, secret, tls};
use crate::node::Node;
use crate::web::{Bridge, Config};

pub(super) async fn run(args: &Up, ready: ReadyLine) -> Result<(), Stop> {
    let secret = secret::find(None, None)?;
    let tls = tls::read(&args.https)?;
    let configs = node::of_ports(&args.ports, args.data.as_deref(), &secret)?;
    let web = (!args.no_web).then_some(args.web);
    let mut wanted: Vec<Wanted> = configs
        .iter()
        .map(|config| node::clients(config, "--ports"))
        .collect();
    wanted.extend(web.map(|address| Wanted {
        address,
        option: "--web",
        service: Service::Browsers,
    }));
    ports::check_free(&wanted).await?;
    let stop = process::stop_signal()?;
    tls::reload_on_hangup(tls.as_ref(), &stop)?;
    let nodes = node::start(configs).await?;
    let bridge = match web {
        Some(listen) => {
            let config = Config {
                listen,
                nodes: nodes.iter().map(|node| node.listen.to_string()).collect(),
                origins: Vec::new(),
                secret,
                tls,
            };
            match Bridge::start(config).await {
                Ok(bridge) => Some(bridge),
                Err(error) => {
                    node::stop_all(nodes).await;
                    return Err(failed(error));
                }
            }
        }
        None => None,
    };
    let way = where_to_go(&nodes, bridge.as_ref());
    // Whoever started it may not be listening.
    let _ = std::io::stdout().write_all(way.as_bytes());
    ready.tell(&Serving {
        program: "chat",
        nodes: node::serving(&nodes),
        web: bridge.as_ref().map(|bridge| bridge.address),
    })?;
    stop.cancelled().await;
    if let Some(bridge) = bridge {
        bridge.stop().await;
    }
    node::stop_all(nodes).await;
    Ok(())
}

fn where_to_go(nodes: &[Node], bridge: Option<&Bridge>) -> String {
    let mut text = String::from("The chat is up.\n\n");
    let row = |what: &str, how: &str| format!("  {what:<10} {how}\n");
    if let Some(bridge) = bridge {
        text += &row("browser", &bridge.url());
    }
    let usual = nodes
        .iter()
        .all(|node| node.listen.port() == 9001 || node.listen.port() == 9002);
    let (mut options, mut first) = (String::new(), String::new());
    for node in nodes {
        if !usual {
            let _ = write!(options, " --node {}", node.listen);
        }
        if first.is_empty() {
            first = format!(" --node {}", node.listen);
        }
        let (host, port) = (node.listen.ip(), node.listen.port());
        text += &row(&node.name, &format!("telnet {host} {port}"));
    }
    let option = if usual { "" } else { first.as_str() };
    text += &row("terminal", &format!("chat-tui{options}"));
    text += &row(
        "scripts",
        &format!("df -h | chat send{option} --room ops -"),
    );
    text += "\nCtrl-C ends it; what was said is kept.\n";
    text
}
