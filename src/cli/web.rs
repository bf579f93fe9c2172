//! `chat-web`: the bridge alone.

use super::args::Web as Args;
use super::node::is_here;
use super::ports::{self, Service, Wanted};
use super::process::{self, ReadyLine, Serving};
use super::script::nodes;
use super::stop::{Stop, failed};
use super::{secret, tls};
use crate::web::{Bridge, Config};

pub(super) async fn run(args: &Args, ready: ReadyLine) -> Result<(), Stop> {
    let nodes = nodes(&args.node);
    let far = nodes.iter().find(|address| !is_here(address));
    let far = far.map(|address| format!("--node {address}"));
    let secret = secret::find(args.secret_file.as_deref(), far.as_deref())?;
    let tls = tls::read(&args.https)?;
    ports::check_free(&[Wanted {
        address: args.listen,
        option: "--listen",
        service: Service::Browsers,
    }])
    .await?;
    let stop = process::stop_signal()?;
    tls::reload_on_hangup(tls.as_ref(), &stop)?;
    let config = Config {
        listen: args.listen,
        nodes,
        origins: args.origin.clone(),
        secret,
        tls,
    };
    let bridge = Bridge::start(config).await.map_err(failed)?;
    ready.tell(&Serving {
        program: "chat-web",
        nodes: Vec::new(),
        web: Some(bridge.address),
    })?;
    stop.cancelled().await;
    bridge.stop().await;
    Ok(())
}
