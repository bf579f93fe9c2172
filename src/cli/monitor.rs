//! `chat-tui --monitor` without a screen: the nodes' figures as text, once, or as JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use tokio::time::timeout;

use super::args::Tui;
use super::lines;
use super::script::Script;
use super::stop::{Stop, failed};
use crate::client::ClientEvent;
use crate::protocol::server::Role;
use crate::protocol::{ClientFrame, ServerFrame, Ts};
use crate::tui::monitor::cluster::Cluster;
use crate::tui::monitor::{EVERY_MS, REFUSED, json, report};

const PROGRAM: &str = "chat-tui";

/// Updates until something is printed once: what a process uses is told by two.
const UPDATES_ONCE: u32 = 2;

/// Time for these, the connecting included.
const ONCE_WITHIN: Duration = Duration::from_secs(15);

/// `admin`: the tokens of this user's own nodes, by name or address.
pub(super) async fn run(args: &Tui, admin: BTreeMap<String, String>) -> Result<(), Stop> {
    let mut script = Script::connect_with(PROGRAM, &args.person, admin).await?;
    let watched = if args.once {
        let watching = watch(&mut script, args);
        let late = || failed("the nodes gave no figures in time");
        timeout(ONCE_WITHIN, watching).await.map_err(|_| late())?
    } else {
        watch(&mut script, args).await
    };
    script.client.close().await;
    watched
}

/// Prints update by update, until there is nobody who reads on.
async fn watch(script: &mut Script, args: &Tui) -> Result<(), Stop> {
    let mut cluster = Cluster::default();
    let (mut updates, mut told) = (0, 0);
    loop {
        match script.next().await? {
            ClientEvent::Online { session, .. } => {
                if session.role != Role::Admin {
                    return Err(failed(format!("{}: {REFUSED}", session.node)));
                }
                let question = ClientFrame::Stats {
                    every: Some(EVERY_MS),
                    node: Some("*".to_owned()),
                };
                script.client.ask(question).map_err(failed)?;
            }
            ClientEvent::Frame(frame) => {
                let ServerFrame::Stats(stats) = *frame else {
                    continue;
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

fn now() -> Ts {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let us = since_epoch.unwrap_or_default().as_micros();
    Ts(i64::try_from(us).unwrap_or(i64::MAX))
}
