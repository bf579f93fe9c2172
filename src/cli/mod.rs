//! The command lines of all programs, and where their settings and files come from.
//!
//! [`args`] is the one definition of the options. [`run`] is all that a program's `main` calls.

pub mod args;
mod arrival;
mod file;
mod identity;
mod layers;
mod lines;
mod manual;
mod monitor;
mod node;
mod places;
mod ports;
mod process;
mod roll;
mod running;
mod script;
mod secret;
mod send;
mod status;
pub mod stop;
mod tail;
mod tls;
mod tui;
mod up;
mod values;
mod web;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use self::args::{Chat, ChatCommand, Common};
use self::layers::Layers;
use self::stop::{Stop, failed};

/// The programs.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    Chat,
    Node,
    Web,
    Tui,
}

impl Program {
    /// All of them.
    const ALL: [Program; 4] = [Program::Chat, Program::Node, Program::Web, Program::Tui];

    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            Program::Chat => "chat",
            Program::Node => "chat-node",
            Program::Web => "chat-web",
            Program::Tui => "chat-tui",
        }
    }

    fn layers(self) -> Layers {
        let (table, variables) = match self {
            Program::Chat => ("chat", "CHAT"),
            Program::Node => ("node", "CHAT_NODE"),
            Program::Web => ("web", "CHAT_WEB"),
            Program::Tui => ("tui", "CHAT_TUI"),
        };
        Layers { table, variables }
    }
}

/// A program's definition, with its variables.
fn definition(program: Program) -> clap::Command {
    let layers = program.layers();
    match program {
        Program::Chat => layers.definition::<Chat>(),
        Program::Node => layers.definition::<args::Node>(),
        Program::Web => layers.definition::<args::Web>(),
        Program::Tui => layers.definition::<args::Tui>(),
    }
}

/// Runs a program with the process's arguments, to its end.
pub fn run(program: Program) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match start(program, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => stop.report(program.name()),
    }
}

fn start(program: Program, arguments: Vec<OsString>) -> Result<(), Stop> {
    let layers = program.layers();
    match program {
        Program::Chat => {
            let arguments = layers::with_default_command(arguments);
            match layers.read::<Chat>(&arguments)?.command {
                ChatCommand::Up(up) => {
                    let ready = up.ready.open()?;
                    block_on(&up.common, "warn", up::run(&up, ready))
                }
                ChatCommand::Send(send) => block_on(&send.common, "warn", send::run(&send)),
                ChatCommand::Tail(tail) => {
                    let ready = tail.ready.open()?;
                    block_on(&tail.common, "warn", tail::run(&tail, ready))
                }
                ChatCommand::Status(status) => {
                    block_on(&status.common, "warn", status::run(&status))
                }
                ChatCommand::Completions(asked) => manual::completions(&asked),
                ChatCommand::Man(asked) => manual::man(&asked.folder),
            }
        }
        Program::Node => {
            let node: args::Node = layers.read(&arguments)?;
            let ready = node.ready.open()?;
            block_on(&node.common, "info", node::run(&node, ready))
        }
        Program::Web => {
            let web: args::Web = layers.read(&arguments)?;
            let ready = web.ready.open()?;
            block_on(&web.common, "info", web::run(&web, ready))
        }
        Program::Tui => {
            let mut tui: args::Tui = layers.read(&arguments)?;
            // The two exclude each other.
            tui.person.node.append(&mut tui.at);
            block_on(&tui.common, "off", tui::run(&tui))
        }
    }
}

/// Starts the log and the runtime, and runs the program on it. Tasks that are left do not hold it up:
/// each program has waited for those that matter.
fn block_on(
    common: &Common,
    log_default: &str,
    program: impl Future<Output = Result<(), Stop>>,
) -> Result<(), Stop> {
    process::start_log(common.log.as_deref().unwrap_or(log_default));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| failed(format!("cannot start: {error}")))?;
    let result = runtime.block_on(program);
    runtime.shutdown_background();
    result
}
