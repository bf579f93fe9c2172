//! `chat-tui --monitor` without a screen: the nodes' figures as text, once, or as JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use tokio::time::{Instant, timeout, timeout_at};

use super::args::Tui;
use super::lines;
use super::script::Script;
use super::stop::{Stop, failed};
use crate::client::ClientEvent;
use crate::protocol::server::Role;
use crate::protocol::{ClientFrame, Re, ServerFrame, Ts};
use crate::tui::monitor::cluster::Cluster;
use crate::tui::monitor::{EVERY_MS, REFUSED, json, report};

const PROGRAM: &str = "chat-tui";

/// Updates until something is printed once: what a process uses is told by two.
const UPDATES_ONCE: u32 = 2;

/// Before a node that gives no figures for now is asked again, at least.
const AGAIN_AFTER: Duration = Duration::from_millis(EVERY_MS);

/// And at most, whatever it says.
const AGAIN_WITHIN: Duration = Duration::from_secs(3600);

/// Time for [`UPDATES_ONCE`] updates, the connecting included.
const ONCE_WITHIN: Duration = Duration::from_secs(15);

/// `admin`: the tokens of this user's own nodes, by name or address.
pub(super) async fn run(args: &Tui, admin: BTreeMap<String, String>) -> Result<(), Stop> {
    let mut script = Script::connect_with(PROGRAM, &args.person, admin).await?;
    script.only_watches = true;
    let watched = if args.once {
        let mut refused = None;
        let watching = watch(&mut script, args, &mut refused);
        let watched = timeout(ONCE_WITHIN, watching).await;
        watched.unwrap_or_else(|_| Err(too_late(refused)))
    } else {
        watch(&mut script, args, &mut None).await
    };
    script.client.close().await;
    watched
}

fn too_late(refused: Option<String>) -> Stop {
    let late = "the nodes gave no figures in time";
    failed(refused.map_or(late.to_owned(), |why| format!("{late}: {why}")))
}

/// Prints update by update, until there is nobody who reads on. `refused` is what a node said last that gave
/// no figures for a while.
async fn watch(script: &mut Script, args: &Tui, refused: &mut Option<String>) -> Result<(), Stop> {
    let mut cluster = Cluster::default();
    let (mut updates, mut told) = (0, 0);
    let mut node = String::new();
    let (mut question, mut again_at) = (None, None);
    loop {
        let event = match again_at {
            None => script.next().await?,
            Some(at) => match timeout_at(at, script.next()).await {
                Ok(event) => event?,
                Err(_) => {
                    again_at = None;
                    question = Some(ask(script)?);
                    continue;
                }
            },
        };
        match event {
            ClientEvent::Online { session, .. } => {
                if session.role != Role::Admin {
                    return Err(failed(format!("{}: {REFUSED}", session.node)));
                }
                node = session.node;
                again_at = None;
                question = Some(ask(script)?);
            }
            ClientEvent::Offline { .. } => again_at = None,
            ClientEvent::Frame(frame) => {
                let stats = match *frame {
                    ServerFrame::Stats(stats) => stats,
                    ServerFrame::Error(error) if error.re == question.map(Re::Number) => {
                        let why = format!("{node}: {}", error.message);
                        if !error.code.is_passing() {
                            return Err(failed(why));
                        }
                        let wait = error.retry_after_ms.map(Duration::from_millis);
                        again_at = Some(
                            Instant::now()
                                + wait.unwrap_or_default().clamp(AGAIN_AFTER, AGAIN_WITHIN),
                        );
                        *refused = Some(why);
                        continue;
                    }
                    _ => continue,
                };
                cluster.take(now(), *stats);
                updates += 1;
                if args.once && updates < UPDATES_ONCE {
                    continue;
                }
                let text = if args.json {
                    lines::escaped(&json::line(&cluster, told)) + "\n"
                } else {
                    report::report(&cluster, &TimeZone::system())
                };
                let mut out = std::io::stdout();
                let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                if args.once || written.is_err() {
                    return Ok(());
                }
                told = cluster.events.back().map_or(0, |last| last.number);
            }
            _ => {}
        }
    }
}

/// Has the figures of all nodes come every second; the mark of the question.
fn ask(script: &Script) -> Result<i64, Stop> {
    let question = ClientFrame::Stats {
        every: Some(EVERY_MS),
        node: Some("*".to_owned()),
    };
    script.client.ask(question).map_err(failed)
}

fn now() -> Ts {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let us = since_epoch.unwrap_or_default().as_micros();
    Ts(i64::try_from(us).unwrap_or(i64::MAX))
}
