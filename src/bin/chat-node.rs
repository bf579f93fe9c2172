//! `chat-node`: arguments, run, exit code.

use std::process::ExitCode;

use chat::cli::{self, Program};

fn main() -> ExitCode {
    cli::run(Program::Node)
}
