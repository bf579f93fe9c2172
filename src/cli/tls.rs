//! The bridge's certificate: named by two options, read at the start and at each SIGHUP.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::args::Https;
use super::stop::{Stop, failed, wrong};
use crate::web::Tls;

/// Reads what the options name; nothing when they name nothing.
///
/// # Errors
/// When one is missing, or what they name cannot be used.
pub(super) fn read(options: &Https) -> Result<Option<Tls>, Stop> {
    match (&options.tls_cert, &options.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Tls::load(certificate, key).map(Some).map_err(wrong),
        (Some(_), None) => Err(wrong(
            "--tls-cert needs its key too: give the file with --tls-key",
        )),
        (None, Some(_)) => Err(wrong(
            "--tls-key needs its certificate too: give the file with --tls-cert",
        )),
    }
}

/// Reads the files again at each SIGHUP, until `stop`. To be called before anyone can send one: without
/// it, that signal ends the process.
///
/// # Errors
/// When signals cannot be listened to.
pub(super) fn reload_on_hangup(tls: Option<&Tls>, stop: &CancellationToken) -> Result<(), Stop> {
    let Some(tls) = tls.cloned() else {
        return Ok(());
    };
    let hangup = signal(SignalKind::hangup());
    let mut hangup = hangup.map_err(|error| failed(format!("no signals: {error}")))?;
    let stop = stop.clone();
    let in_terminal = has_terminal();
    // It ends with the stop that everything else ends with, and nothing of it has to be waited for.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => {}
            }
            // The terminal's own hang-up: whoever closes it means the program to end, as it does without TLS.
            if in_terminal && !has_terminal() {
                return stop.cancel();
            }
            match tls.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!("the certificate stays as it was: {error}"),
            }
        }
    });
    Ok(())
}

/// Whether the process has a controlling terminal that is still there.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}
