//! What a program owes its surroundings: a log, an ear for signals, word that it is ready.

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::FromRawFd;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::args::Ready;
use super::stop::{Stop, failed, wrong};
use crate::protocol::text::clean;

/// The exit code after a second signal: the usual 128 + SIGINT.
const IMPATIENT: i32 = 130;

/// Sends the log to standard error, each entry one line without control characters.
pub(super) fn start_log(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_default();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(CleanStderr);
    // Only a test that runs two programs in one process has a log already.
    let _ = log.try_init();
}

/// Cleans what is logged: names, texts and addresses of others are in it.
struct CleanStderr;

impl Write for CleanStderr {
    /// Takes one entry; the log writes it whole.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(entry);
        writeln!(io::stderr(), "{}", clean(text.trim_end(), false))?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for CleanStderr {
    type Writer = CleanStderr;

    fn make_writer(&self) -> CleanStderr {
        CleanStderr
    }
}

/// A token that SIGINT and SIGTERM cancel; a second one ends the process at once.
pub(super) fn stop_signal() -> Result<CancellationToken, Stop> {
    let listen = |kind| signal(kind).map_err(|error| failed(format!("no signals: {error}")));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let heard = stop.clone();
    // Lives as long as the process: it is the one that may end it.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if heard.is_cancelled() {
                std::process::exit(IMPATIENT);
            }
            heard.cancel();
        }
    });
    Ok(stop)
}

/// Where a program serves.
#[derive(Debug, Default, Serialize)]
pub(super) struct Serving {
    pub program: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<ServingNode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<SocketAddr>,
}

#[derive(Debug, Serialize)]
pub(super) struct ServingNode {
    pub name: String,
    pub listen: SocketAddr,
    pub peer: Option<SocketAddr>,
}

/// Who started the program, waiting to hear that it serves.
#[derive(Debug)]
pub(super) enum ReadyLine {
    Nobody,
    Stdout,
    Stderr,
    File(File),
}

impl Ready {
    /// Takes the descriptor. To be called before the program opens anything, while a number that is
    /// open can only be one that it was started with.
    ///
    /// # Errors
    /// When it is not open.
    #[expect(
        unsafe_code,
        reason = "a descriptor that is handed down has no other way in"
    )]
    pub(super) fn open(&self) -> Result<ReadyLine, Stop> {
        match self.ready_fd {
            None => Ok(ReadyLine::Nobody),
            Some(1) => Ok(ReadyLine::Stdout),
            Some(2) => Ok(ReadyLine::Stderr),
            Some(number) => {
                if std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_err() {
                    return Err(wrong(format!(
                        "--ready-fd {number}: no such file descriptor is open"
                    )));
                }
                // SAFETY: it is open, as was just seen, and was handed down for this use: nothing else
                // in this process owns it.
                let file = unsafe { File::from_raw_fd(number.cast_signed()) };
                Ok(ReadyLine::File(file))
            }
        }
    }
}

impl ReadyLine {
    /// Says where the program serves, and closes the descriptor.
    ///
    /// # Errors
    /// When it cannot be written; who has gone away meanwhile is no error.
    pub(super) fn tell(self, serving: &Serving) -> Result<(), Stop> {
        let mut line = serde_json::to_vec(serving).map_err(failed)?;
        line.push(b'\n');
        let written = match self {
            ReadyLine::Nobody => Ok(()),
            ReadyLine::Stdout => io::stdout().write_all(&line),
            ReadyLine::Stderr => io::stderr().write_all(&line),
            ReadyLine::File(mut file) => file.write_all(&line),
        };
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(wrong(format!("--ready-fd cannot be written to: {error}")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
