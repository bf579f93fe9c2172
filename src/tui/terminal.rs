//! The terminal, taken over and given back.
//!
//! Invariant: however the program ends (quit, error, signal, panic), the terminal is as it was.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Bytes of a screen that are written at once.
const WRITE_BYTES: usize = 64 * 1024;

/// Clicks and the wheel, with plain numbers (xterm's modes 1000 and 1006); not every movement, which
/// `crossterm` would ask for too.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Why the terminal cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    #[error("this needs a terminal; for scripts there are chat send and chat tail")]
    NotATerminal,
    #[error("the terminal cannot be set up: {0}")]
    Io(#[from] io::Error),
}

pub type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Gives the terminal back when it is dropped.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw keys, a screen of its own, pastes as one piece.
    ///
    /// # Errors
    /// When there is no terminal, or it refuses.
    pub fn take(mouse: bool) -> Result<(Guard, Screen), TerminalError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
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
            EnableBracketedPaste,
            EnableFocusChange
        )?;
        if mouse {
            execute!(out, Print(MOUSE_ON))?;
        }
        let out = BufWriter::with_capacity(WRITE_BYTES, io::stdout());
        let screen = Terminal::new(CrosstermBackend::new(out))?;
        Ok((guard, screen))
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

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
