//! Load generator for chat and publish/subscribe servers: one thread, one epoll set, thousands of
//! connections.
//!
//! ```text
//! chatload fanout --proto ndjson --addr 127.0.0.1:9001 --pid 1234 -n 1000 -p 8
//! chatload fanout --proto ndjson --addr 127.0.0.1:9001 --pid 1234 -n 1000 --rooms 10000 --per-room 10 --rate 1000
//! chatload idle   --proto ws     --addr 127.0.0.1:8080 --pid 1234 -n 4500
//! chatload ingest --proto redis  --addr 127.0.0.1:6379 --pid 1234 -p 64
//! ```
//!
//! Prints one JSON line on stdout and a readable one on stderr. The exit code is 1 if anything was
//! lost, duplicated, out of order or disconnected, 2 if the run did not come about.

mod arguments;
mod engine;
mod fanout;
mod idle;
mod ingest;
mod layout;
mod procstat;
mod proto;
mod report;
mod track;

use std::process::ExitCode;

use arguments::{Arguments, Mode};
use clap::Parser;
use serde_json::json;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Rooms and names of runs on one server must not meet.
    let run = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_micros() as u32)
        ^ std::process::id() << 20;
    let result = match &arguments.mode {
        Mode::Fanout(options) => fanout::run(options, run),
        Mode::Idle(options) => idle::run(options, run),
        Mode::Ingest(options) => ingest::run(options, run),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chatload: {error}");
            println!("{}", json!({"failed": error.to_string()}));
            ExitCode::from(2)
        }
    }
}
