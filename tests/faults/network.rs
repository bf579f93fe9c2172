//! The network of a run: each node in a namespace of its own, all on one bridge, clients beside them.
//! It is inside the run's own namespace, so its addresses are nobody else's.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell;

/// Where clients are.
const CLIENTS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CLIENT_PORT: u16 = 9001;
const PEER_PORT: u16 = 9999;

/// What a node does not hear; nodes are counted from 0.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// A node's packets do not come in.
    FromNode(usize),
    /// What is said to a node does not go out.
    ToNode(usize),
    /// Nothing of the clients comes in.
    FromClients,
    /// Nothing at all, either way.
    Everything,
    /// So many of a hundred packets are lost on their way in.
    Loss(u32),
}

pub fn clients_of(node: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(address(node)), CLIENT_PORT)
}

pub fn peers_of(node: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(address(node)), PEER_PORT)
}

fn address(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, 11 + node as u8)
}

/// The name of the node's namespace, also the node's.
pub fn name(node: usize) -> String {
    format!("n{}", node + 1)
}

pub fn make(nodes: usize) -> Result<()> {
    // Names of namespaces are files: these are the run's own too.
    std::fs::create_dir_all("/run/netns")?;
    shell::line("mount -t tmpfs tmpfs /run/netns")?;
    shell::line("ip link set lo up")?;
    shell::line("ip link add bridge0 type bridge")?;
    shell::line(&format!("ip addr add {CLIENTS}/24 dev bridge0"))?;
    shell::line("ip link set bridge0 up")?;
    for node in 0..nodes {
        let (name, address) = (name(node), address(node));
        shell::line(&format!("ip netns add {name}"))?;
        shell::line(&format!(
            "ip link add to-{name} type veth peer name eth0 netns {name}"
        ))?;
        shell::line(&format!("ip link set to-{name} master bridge0 up"))?;
        shell::line(&format!("ip -n {name} addr add {address}/24 dev eth0"))?;
        shell::line(&format!("ip -n {name} link set eth0 up"))?;
        shell::line(&format!("ip -n {name} link set lo up"))?;
    }
    Ok(())
}

/// Makes a node deaf or mute; in place of what it was before.
pub fn cut(node: usize, cuts: &[Cut]) -> Result<()> {
    let mut input = String::new();
    let mut output = String::new();
    for cut in cuts {
        match *cut {
            Cut::FromNode(other) => input += &format!("ip saddr {} drop\n", address(other)),
            Cut::ToNode(other) => output += &format!("ip daddr {} drop\n", address(other)),
            Cut::FromClients => input += &format!("ip saddr {CLIENTS} drop\n"),
            Cut::Everything => {
                input += "drop\n";
                output += "drop\n";
            }
            Cut::Loss(percent) => input += &format!("numgen random mod 100 < {percent} drop\n"),
        }
    }
    let rules = format!(
        "flush ruleset\ntable inet faults {{\n\
         chain in {{\ntype filter hook input priority 0; policy accept;\n{input}}}\n\
         chain out {{\ntype filter hook output priority 0; policy accept;\n{output}}}\n}}\n"
    );
    rules_of(node, &rules)
}

/// The node hears and is heard.
pub fn heal(node: usize) -> Result<()> {
    rules_of(node, "flush ruleset\n")
}

fn rules_of(node: usize, rules: &str) -> Result<()> {
    let mut child = Command::new("ip")
        .args(["netns", "exec", &name(node), "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("running nft")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(rules.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("nft: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
