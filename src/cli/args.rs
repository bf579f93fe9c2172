//! The options of all programs: the one definition that `--help`, variables, the configuration file
//! and the documentation come from.
//!
//! Every option `--some-thing` of a program has a variable (`CHAT_NODE_SOME_THING`) and a key
//! (`some-thing` in the table `[node]`) by rule; [`layers`](super::layers) adds them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::values::{address, log_filter, node_name, origin, typed_address};
use crate::protocol::{RoomRef, UserName};
use crate::tui::keymap::Rebinding;
use crate::tui::shown::Emoji;
use crate::tui::theme::Ground;

/// A chat for small teams that stays up: any node serves everyone, and each holds every message.
#[derive(Debug, Parser)]
#[command(name = "chat", version, subcommand_required = true)]
#[command(
    after_help = "Without a command, `chat up`. Exit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Chat {
    #[command(subcommand)]
    pub command: ChatCommand,
}

#[derive(Debug, Subcommand)]
pub enum ChatCommand {
    Up(Up),
    Send(Send),
    Tail(Tail),
    Status(Status),
    Completions(Completions),
    Man(Man),
}

/// Run a whole system in this process: nodes and the bridge for browsers (the default)
#[derive(Debug, Args)]
pub struct Up {
    /// Ports on 127.0.0.1, each a node; 0 takes a free one
    #[arg(long, value_name = "PORT,…", value_delimiter = ',', default_values_t = [9001, 9002])]
    pub ports: Vec<u16>,
    /// Where browsers connect
    #[arg(
        long,
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080",
        conflicts_with = "no_web"
    )]
    pub web: SocketAddr,
    /// Run no bridge
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    pub no_web: bool,
    #[command(flatten)]
    pub https: Https,
    /// Folder of the nodes' folders [default: the XDG data folder]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub ready: Ready,
    #[command(flatten)]
    pub common: Common,
}

/// Send one message, and end once it is stored
///
/// What is read from standard input is one message; over 4,000 characters it becomes several, cut at
/// line ends.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    pub person: Person,
    /// Where to; `@name` for a person
    #[arg(long, value_name = "ROOM", value_parser = RoomRef::parse)]
    pub room: RoomRef,
    /// The message; without it, or with `-`, standard input
    #[arg(value_name = "TEXT | -", allow_hyphen_values = true)]
    pub text: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

/// Print a room's newest messages
#[derive(Debug, Args)]
pub struct Tail {
    #[command(flatten)]
    pub person: Person,
    /// Which room; `@name` for the conversation with a person
    #[arg(long, value_name = "ROOM", value_parser = RoomRef::parse)]
    pub room: RoomRef,
    /// One JSON object a line, as in the protocol
    #[arg(long)]
    pub json: bool,
    /// How many messages
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub lines: usize,
    /// Go on with what is said from now on, on another node when one is lost
    #[arg(short = 'f', long)]
    pub follow: bool,
    #[command(flatten)]
    pub ready: Ready,
    #[command(flatten)]
    pub common: Common,
}

/// Show the nodes and whether they are up; the exit code is 1 unless all are
#[derive(Debug, Args)]
pub struct Status {
    /// A node to ask; several may be named [default: 127.0.0.1:9001 and 9002]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', value_parser = address)]
    pub node: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

/// Print what a shell needs to complete the programs' options
///
/// For one session: `source <(chat completions bash)`; the same for zsh; for fish, `chat completions fish | source`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
    /// One program alone, for a file of its own, as zsh and packages want it [default: all]
    #[arg(value_name = "PROGRAM", value_parser = ["chat", "chat-node", "chat-web", "chat-tui"])]
    pub program: Option<String>,
}

/// Write the programs' man pages
#[derive(Debug, Args)]
pub struct Man {
    /// Where to; it is made if it is not there
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// A chat node: it keeps every message, and shares them with the other nodes.
#[derive(Debug, Parser)]
#[command(name = "chat-node", version)]
#[command(
    after_help = "The cluster's secret is $CHAT_SECRET_KEY or --secret-file; with loopback addresses \
    only, one is made.\nExit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Node {
    /// Ports on 127.0.0.1, each a node in this process: n1 for 9001, n2 for 9002, …
    #[arg(value_name = "PORT", conflicts_with_all = ["name", "listen", "peer"])]
    pub ports: Vec<u16>,
    /// The node's name [default: n1 for port 9001, n2 for 9002, …]
    #[arg(long, value_name = "NAME", value_parser = node_name)]
    pub name: Option<String>,
    /// Where clients and bridges connect [default: 127.0.0.1:9001]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where other nodes connect [default: 127.0.0.1:9999, or the next free port below, down to 9990]
    #[arg(long, value_name = "ADDR:PORT")]
    pub peer: Option<SocketAddr>,
    /// The peer address of another node; several may be named
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', value_parser = address)]
    pub join: Vec<String>,
    /// The node's folder; with several nodes, the folder of their folders [default: in the XDG data folder]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// File with the cluster's secret, 32 bytes or more
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Nodes that have a message on disk before it is acknowledged, this one included; where fewer
    /// can be reached, fewer, after a quarter of a second at most
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=7))]
    pub copies: u32,
    /// Messages a second for a session, in bursts of four times that; 0 lifts this and the limits on
    /// other requests and on connections
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub rate: u32,
    /// Check options, file and secret, and end
    #[arg(long)]
    pub check_config: bool,
    #[command(flatten)]
    pub ready: Ready,
    #[command(flatten)]
    pub common: Common,
}

/// The bridge from browsers and HTTP to the nodes.
#[derive(Debug, Parser)]
#[command(name = "chat-web", version)]
#[command(
    after_help = "The cluster's secret is $CHAT_SECRET_KEY or --secret-file; with loopback addresses \
    only, one is made.\nExit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Web {
    /// Where browsers connect
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// A node's address; several may be named [default: 127.0.0.1:9001 and 9002]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', value_parser = address)]
    pub node: Vec<String>,
    /// Another page that may use the bridge, such as https://chat.example; several may be named
    #[arg(long, value_name = "URL", value_delimiter = ',', value_parser = origin)]
    pub origin: Vec<String>,
    #[command(flatten)]
    pub https: Https,
    /// File with the cluster's secret, 32 bytes or more
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub ready: Ready,
    #[command(flatten)]
    pub common: Common,
}

/// The chat in a terminal.
#[derive(Debug, Parser)]
#[command(name = "chat-tui", version)]
#[command(
    override_usage = "chat-tui [OPTIONS] [ADDR:PORT]…",
    after_help = "chat-tui ADDR:PORT connects there, without it to this machine's nodes. Each\n\
    option is a variable too (CHAT_TUI_NAME), and a key in [tui] of the settings.\n\
    F1 lists the keys. Exit codes: 0 done, 1 failed, 2 wrong usage."
)]
pub struct Tui {
    /// A node, as with --node; the port may be left out
    #[arg(value_name = "ADDR:PORT", hide = true, value_parser = typed_address, conflicts_with = "node")]
    pub at: Vec<String>,
    #[command(flatten)]
    pub person: Person,
    /// A room or @name; repeatable [default: as last time]
    #[arg(long, value_name = "ROOM", value_delimiter = ',', value_parser = RoomRef::parse)]
    pub room: Vec<RoomRef>,
    /// Leave the mouse to the terminal (else Shift selects)
    #[arg(long)]
    pub no_mouse: bool,
    /// Keys for an action, as in [tui.keys] of the file
    #[arg(long, value_name = "ACTION=KEY…", value_delimiter = ',', value_parser = Rebinding::parse)]
    pub keys: Vec<Rebinding>,
    /// Colours: dark, light or terminal
    #[arg(long, value_name = "THEME", default_value_t, value_parser = Ground::parse)]
    pub theme: Ground,
    /// Emoji: full or simple [default: by the terminal]
    #[arg(long, value_name = "EMOJI", value_parser = Emoji::parse)]
    pub emoji: Option<Emoji>,
    /// Open on the figures of all nodes (F2 at any time)
    #[arg(long)]
    pub monitor: bool,
    /// With --monitor: print the figures once, and end
    #[arg(long, requires = "monitor")]
    pub once: bool,
    /// With --monitor: print JSON, one object a second
    #[arg(long, requires = "monitor")]
    pub json: bool,
    #[command(flatten)]
    pub common: Common,
}

/// Who speaks, and through which node.
#[derive(Debug, Args)]
pub struct Person {
    /// A node; repeatable [default: those of this machine]
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',', value_parser = address)]
    pub node: Vec<String>,
    /// Your name in the chat [default: the login name]
    #[arg(long, value_name = "NAME", value_parser = UserName::parse)]
    pub name: Option<UserName>,
}

/// How browsers are spoken to.
#[derive(Debug, Args)]
pub struct Https {
    /// Certificate in PEM, with its chain: browsers connect by https then; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Ready {
    /// Write one JSON line with the real addresses to this file descriptor once serving
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..1024))]
    pub ready_fd: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Common {
    /// Configuration file [default: chat/config.toml in the XDG configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged to standard error: error, warn, info, debug, or a filter by module [default: info
    /// for chat-node and chat-web, warn for chat, off for chat-tui, whose screen it would spoil]
    #[arg(long, value_name = "LEVEL", value_parser = log_filter)]
    pub log: Option<String>,
}
