//! The built terminal client under a pseudo-terminal: keys go in, the screen is read as a terminal
//! would show it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use crate::support::DEADLINE;

/// Pieces of output that wait to be read.
const PIECES_MAX: usize = 1024;

/// Silence after which a key has had its effect, as far as it goes.
const KEY_PAUSE: Duration = Duration::from_millis(50);

/// `chat-tui` on a terminal of its own.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// All that was written to the terminal.
    pub raw: Vec<u8>,
}

/// The folders of one person: configuration, state and data.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Terminal {
    /// Starts the client as `name`, with these nodes, on a screen of this size.
    pub fn start(home: &Home, name: &str, nodes: &[SocketAddr], screen: (u16, u16)) -> Terminal {
        Terminal::start_with(home, name, nodes, screen, &[])
    }

    /// The same, with these variables set.
    pub fn start_with(
        home: &Home,
        name: &str,
        nodes: &[SocketAddr],
        screen: (u16, u16),
        variables: &[(&str, &str)],
    ) -> Terminal {
        let mut arguments = vec!["--name".to_owned(), name.to_owned()];
        for node in nodes {
            arguments.extend(["--node".to_owned(), node.to_string()]);
        }
        Terminal::run(home, &arguments, screen, variables)
    }

    /// The client with these arguments and no others.
    pub fn run(
        home: &Home,
        arguments: &[String],
        (columns, rows): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Terminal {
        let pty = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chat-tui"));
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command.env("HOME", home.path());
        for kind in ["CONFIG", "STATE", "DATA", "CACHE"] {
            let folder = home.path().join(kind.to_lowercase());
            command.env(format!("XDG_{kind}_HOME"), folder);
        }
        for (variable, value) in variables {
            command.env(variable, value);
        }
        command.args(arguments);
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (pieces, output) = sync_channel(PIECES_MAX);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                if pieces.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            keys: pty.master.take_writer().unwrap(),
            master: pty.master,
            child,
            output,
            parser: parser(columns, rows),
            raw: Vec::new(),
        }
    }

    /// Presses keys, as the bytes that a terminal sends for them.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line and sends it.
    pub fn say(&mut self, line: &str) {
        self.press(line);
        self.press("\r");
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (rows_shown, columns_shown) = shown(rows, columns);
        let screen = self.parser.screen_mut();
        screen.set_size(rows_shown, columns_shown);
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// What is on the screen now.
    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    pub fn parser(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Presses a key again and again until the screen shows `text`.
    pub fn press_until(&mut self, keys: &str, text: &str) {
        let until = Instant::now() + DEADLINE;
        while !self.screen().contains(text) {
            assert!(
                Instant::now() < until,
                "{text:?} never came:\n{}",
                self.screen()
            );
            self.press(keys);
            while !self.screen().contains(text)
                && let Ok(piece) = self.output.recv_timeout(KEY_PAUSE)
            {
                self.take(&piece);
            }
        }
    }

    /// Waits until a key has had its effect.
    pub fn settles(&mut self) {
        while let Ok(piece) = self.output.recv_timeout(KEY_PAUSE) {
            self.take(&piece);
        }
    }

    /// Waits until the screen shows `text`.
    pub fn shows(&mut self, text: &str) {
        self.waits(text, |screen| screen.contains(text));
    }

    /// Waits until `wanted` holds of the screen.
    pub fn waits(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !wanted(&self.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(piece) => self.take(&piece),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{what:?} never came; the screen:\n{}", self.screen())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the program ended before {what:?}:\n{}", self.screen())
                }
            }
        }
    }

    /// Waits for the program's end; gives its status.
    pub fn ends(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        loop {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(piece) => self.take(&piece),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(status) = self.child.try_wait().unwrap() {
                        self.drain();
                        return status;
                    }
                    assert!(
                        Instant::now() < until,
                        "it does not end:\n{}",
                        self.screen()
                    );
                }
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
            }
        }
    }

    /// A signal to the program, by its number.
    pub fn signal(&mut self, signal: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let status = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status();
        assert!(status.unwrap().success());
    }

    /// Whether the terminal is as the shell left it: cooked, on its own screen, with a cursor.
    pub fn is_restored(&self) -> bool {
        let screen = self.parser();
        let modes = !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
        let termios = self.master.get_termios().unwrap();
        // ICANON and ECHO, which raw mode takes away.
        let local = termios.local_flags.bits();
        modes && local & 0o2 != 0 && local & 0o10 != 0
    }

    fn drain(&mut self) {
        while let Ok(piece) = self.output.recv_timeout(Duration::from_millis(100)) {
            self.take(&piece);
        }
    }

    fn take(&mut self, piece: &[u8]) {
        self.raw.extend_from_slice(piece);
        self.parser.process(piece);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    let (rows, columns) = shown(rows, columns);
    vt100::Parser::new(rows, columns, 0)
}

fn shown(rows: u16, columns: u16) -> (NonZero<u16>, NonZero<u16>) {
    let some = |count| NonZero::new(count).expect("a screen has rows and columns");
    (some(rows), some(columns))
}
