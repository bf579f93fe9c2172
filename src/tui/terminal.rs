//! The terminal, taken over and given back.
//!
//! Invariant: however the program ends (quit, error, signal, panic), the terminal is as it was.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::event::Notice;

/// Bytes of a screen that are written at once.
const WRITE_BYTES: usize = 64 * 1024;

/// Clicks and the wheel, with plain numbers (xterm's modes 1000 and 1006); not every movement, which
/// `crossterm` would ask for too.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The window's title is put by, and taken back at the end, where the terminal knows how.
const TITLE_KEEP: &str = "\x1b[22;2t";
const TITLE_BACK: &str = "\x1b[23;2t";

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Why the terminal cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    #[error("this needs a terminal; for scripts there are chat send and chat tail")]
    NotATerminal,
    /// The panic has been told where the terminal was given back.
    #[error("this is a fault of the program; what could not be sent is kept")]
    Panicked,
    /// The session has ended well, but the next one will not find all of it.
    #[error("{0}")]
    NotKept(String),
    #[error("the terminal cannot be set up: {0}")]
    Io(#[from] io::Error),
}

/// Whether there is a terminal to type on and to draw on.
pub fn is_here() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

pub type Screen = Terminal<CrosstermBackend<BufWriter<Ours>>>;

/// The terminal while it is ours. What waited to be written when it was given back is not written after it.
#[derive(Debug)]
pub struct Ours(Stdout);

impl Write for Ours {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if TAKEN.load(Ordering::SeqCst) {
            self.0.write(bytes)
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Gives the terminal back when it is dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw keys, a screen of its own, pastes as one piece.
    ///
    /// # Errors
    /// When there is no terminal, or it refuses.
    pub fn take(mouse: bool) -> Result<(Guard, Screen), TerminalError> {
        if !is_here() {
            return Err(TerminalError::NotATerminal);
        }
        restore_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        let guard = Guard(());
        enable_raw_mode()?;
        let mut out = io::stdout();
        execute!(
            out,
            EnterAlternateScreen,
            // A program that was killed has left it with what it showed.
            Clear(ClearType::All),
            EnableBracketedPaste,
            EnableFocusChange,
            Print(TITLE_KEEP)
        )?;
        if mouse {
            execute!(out, Print(MOUSE_ON))?;
        }
        let out = BufWriter::with_capacity(WRITE_BYTES, Ours(io::stdout()));
        let screen = Terminal::new(CrosstermBackend::new(out))?;
        Ok((guard, screen))
    }
}

impl Guard {
    /// Whether the terminal is still ours: a panic in whichever thread has given it back.
    pub fn holds(&self) -> bool {
        TAKEN.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once. What fails is passed over: the terminal may be gone.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        Print(TITLE_BACK),
        Print(MOUSE_OFF),
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// A panic is told on the terminal as it was, not on a screen that is about to vanish.
fn restore_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
}

/// How to tell this terminal of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaks {
    /// Notifications by OSC 9 (iTerm2), and by OSC 777 (rxvt): who knows neither passes over both, who knows
    /// both is told once.
    osc_9: bool,
    osc_777: bool,
    /// `tmux` hands on what is wrapped for it.
    tmux: bool,
}

impl Speaks {
    pub fn here() -> Speaks {
        Speaks::by(|name| std::env::var(name).unwrap_or_default())
    }

    fn by(variable: impl Fn(&str) -> String) -> Speaks {
        let (term, program) = (variable("TERM"), variable("TERM_PROGRAM"));
        let knows_9 = ["iTerm.app", "WezTerm", "ghostty"].contains(&program.as_str())
            || term.starts_with("xterm-kitty");
        let knows_777 = !variable("VTE_VERSION").is_empty()
            || ["rxvt", "foot"].iter().any(|name| term.starts_with(name));
        Speaks {
            osc_9: knows_9 || !knows_777,
            osc_777: !knows_9,
            tmux: !variable("TMUX").is_empty(),
        }
    }

    /// Whether it draws joined emoji, those with a skin and flags as one, and in two cells.
    pub fn emoji_are_whole() -> bool {
        Speaks::draws_whole(|name| std::env::var(name).unwrap_or_default())
    }

    fn draws_whole(variable: impl Fn(&str) -> String) -> bool {
        let (term, program) = (variable("TERM"), variable("TERM_PROGRAM"));
        // What stands between counts for itself.
        let between = ["TMUX", "STY", "ZELLIJ"];
        let direct = between.iter().all(|name| variable(name).is_empty());
        let terms = ["xterm-kitty", "xterm-ghostty", "foot"];
        let programs = ["ghostty", "WezTerm", "iTerm.app"];
        direct
            && (programs.contains(&program.as_str()) || terms.iter().any(|t| term.starts_with(t)))
    }

    pub fn notification(self, notice: &Notice) -> String {
        // A semicolon ends a field, and some terminals take numbers before one for other commands.
        let title = notice.title.replace(';', ",");
        let words = &notice.words;
        let mut told = String::new();
        if self.osc_9 {
            told += &self.wrapped(&format!("\x1b]9;{title}: {words}\x1b\\"));
        }
        if self.osc_777 {
            told += &self.wrapped(&format!("\x1b]777;notify;{title};{words}\x1b\\"));
        }
        told
    }

    /// Puts a text onto the clipboard (OSC 52). `tmux` takes it for itself with `set-clipboard on`, and hands on
    /// what is wrapped with `allow-passthrough on`: one of the two is enough.
    pub fn clipboard(self, text: &str) -> String {
        let sequence = format!("\x1b]52;c;{}\x1b\\", BASE64_STANDARD.encode(text));
        if self.tmux {
            format!("{sequence}{}", self.wrapped(&sequence))
        } else {
            sequence
        }
    }

    fn wrapped(self, sequence: &str) -> String {
        if self.tmux {
            format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
        } else {
            sequence.to_owned()
        }
    }
}

/// Sets the window's title, which must be safe.
pub fn title(title: &str) -> String {
    format!("\x1b]2;{title}\x1b\\")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    #[test]
    fn a_notification_is_told_once_to_terminals_that_are_known_and_through_tmux() {
        let speaks = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            Speaks::by(move |name| {
                let found = set.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            })
        };
        let notice = Notice {
            title: "4;3".to_owned(),
            words: "a; b".to_owned(),
        };
        let told = |set: &[(&str, &str)]| speaks(set).notification(&notice);
        let (nine, triple) = ("\x1b]9;4,3: a; b\x1b\\", "\x1b]777;notify;4,3;a; b\x1b\\");
        assert_eq!(
            told(&[("TERM", "xterm-256color")]),
            format!("{nine}{triple}")
        );
        assert_eq!(told(&[("TERM_PROGRAM", "WezTerm")]), nine);
        assert_eq!(told(&[("TERM", "foot")]), triple);
        assert_eq!(
            told(&[("TERM_PROGRAM", "iTerm.app"), ("TMUX", "/tmp/tmux,1,0")]),
            "\x1bPtmux;\x1b\x1b]9;4,3: a; b\x1b\x1b\\\x1b\\"
        );
    }

    #[test]
    fn emoji_are_whole_on_terminals_that_are_known_for_it_with_nothing_between() {
        let whole = |set: &[(&str, &str)]| {
            Speaks::draws_whole(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map_or(String::new(), |(_, value)| (*value).to_owned())
            })
        };
        assert!(whole(&[("TERM", "xterm-kitty")]));
        assert!(whole(&[("TERM_PROGRAM", "ghostty")]));
        assert!(!whole(&[("TERM", "xterm-256color")]) && !whole(&[]));
        assert!(!whole(&[
            ("TERM_PROGRAM", "ghostty"),
            ("TMUX", "/tmp/x,1,0")
        ]));
    }

    #[test]
    fn a_text_is_copied_as_base64_through_tmux_both_ways() {
        let speaks = |tmux| Speaks {
            osc_9: true,
            osc_777: true,
            tmux,
        };
        let plain = "\x1b]52;c;w6Q7Cg==\x1b\\";
        assert_eq!(speaks(false).clipboard("ä;\n"), plain);
        assert_eq!(
            speaks(true).clipboard("ä;\n"),
            format!("{plain}\x1bPtmux;\x1b\x1b]52;c;w6Q7Cg==\x1b\x1b\\\x1b\\")
        );
    }

    /// Not a test: the inner program of the one below.
    #[test]
    #[ignore = "takes over the terminal and panics"]
    fn takes_the_terminal_and_panics() {
        let (_guard, mut screen) = Guard::take(true).unwrap();
        screen
            .draw(|frame| frame.render_widget("drawn", frame.area()))
            .unwrap();
        panic!("as planned");
    }

    #[test]
    fn after_a_panic_the_terminal_is_as_it_was_and_shows_the_reason() {
        let size = PtySize {
            rows: 24,
            cols: 80,
            ..PtySize::default()
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let before = pty.master.get_termios().unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "tui::terminal::tests::takes_the_terminal_and_panics",
            "--ignored",
            "--nocapture",
        ]);
        command.env("RUST_BACKTRACE", "0");
        let mut child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let read = std::thread::spawn(move || {
            let mut all = Vec::new();
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                all.extend_from_slice(&chunk[..count]);
            }
            all
        });
        child.wait().unwrap();
        let after = pty.master.get_termios().unwrap();
        drop((pty.slave, pty.master));
        let output = read.join().unwrap();

        assert_eq!(after.local_flags, before.local_flags);
        assert_eq!(after.input_flags, before.input_flags);
        let text = String::from_utf8_lossy(&output);
        assert!(text.contains("drawn"), "{text}");
        let mut parser = vt100::Parser::default();
        parser.process(&output);
        let screen = parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(screen.contents().contains("as planned"), "{text}");
    }
}
