//! The built programs, started with folders of their own and on free ports.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// For anything a test waits for; no test waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Lines of a program's output that wait to be read.
const LINES_MAX: usize = 10_000;

/// The folders of one person.
pub struct Space {
    pub folder: TempDir,
}

impl Space {
    pub fn new() -> Space {
        Space {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that finds nothing of this machine's but what is in the space.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let path = match program {
            "chat" => env!("CARGO_BIN_EXE_chat"),
            "chat-node" => env!("CARGO_BIN_EXE_chat-node"),
            "chat-web" => env!("CARGO_BIN_EXE_chat-web"),
            "chat-tui" => env!("CARGO_BIN_EXE_chat-tui"),
            other => panic!("no program {other}"),
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("USER", "alice")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(program, arguments).output().unwrap())
    }

    /// Runs a program that reads `input`.
    pub fn run_with(&self, program: &str, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(program, arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Ended::of(&child.wait_with_output().unwrap())
    }

    /// Starts a program and waits until it serves.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Running {
        Running::new(self.command(program, arguments).args(["--ready-fd", "1"]))
    }

    /// A node on free ports, without limits.
    pub fn node(&self, name: &str, more: &[&str]) -> Running {
        let data = self.path(name);
        let usual = [
            "--name",
            name,
            "--listen",
            "127.0.0.1:0",
            "--peer",
            "127.0.0.1:0",
            "--rate",
            "0",
        ];
        let arguments = [&usual[..], &["--data", text(&data)], more].concat();
        self.start("chat-node", &arguments)
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a program left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    fn of(output: &Output) -> Ended {
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// That it ended with this code and exactly one line, which has these words.
    pub fn complains(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {self:?}");
        }
    }

    /// That it ended well; gives its output.
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}

/// A program that serves. It is killed when it is dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// What it said once it served.
    pub ready: Value,
}

impl Running {
    /// Starts what says that it is ready on its standard output.
    pub fn new(command: &mut Command) -> Running {
        let mut child = command.spawn().unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        let mut running = Running {
            child,
            lines,
            ready: Value::Null,
        };
        loop {
            let Some(line) = running.line() else {
                let mut err = String::new();
                running
                    .child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut err)
                    .unwrap();
                panic!("it ended before it was ready: {err}");
            };
            if line.starts_with("{\"program\"") {
                running.ready = serde_json::from_str(&line).unwrap();
                return running;
            }
        }
    }

    /// The next line of its output; none at its end.
    pub fn line(&mut self) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError;
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {DEADLINE:?}"),
        }
    }

    /// The client address of its first node.
    pub fn address(&self) -> String {
        self.ready["nodes"][0]["listen"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn peer(&self) -> String {
        self.ready["nodes"][0]["peer"].as_str().unwrap().to_owned()
    }

    /// Ends it as an operator does.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.wait()
    }

    /// Ends it as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it has not ended within {DEADLINE:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(out: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES_MAX);
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
