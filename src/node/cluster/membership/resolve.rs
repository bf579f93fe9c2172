//! Host names of `--join`, asked for again and again: what a name stands for may change, or be known
//! later than the node starts. Beside the gossip, since an answer may take long.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::contacts::Contacts;
use crate::node::rooms::lock;

/// Pause between two rounds of questions.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// Addresses taken of one name.
const ADDRESSES_MAX: usize = 8;

/// Asks until told to stop.
pub(super) async fn resolve_all(
    hosts: Vec<String>,
    contacts: Arc<Mutex<Contacts>>,
    stop: CancellationToken,
) {
    let asking = async {
        loop {
            for host in &hosts {
                match lookup_host(host).await {
                    Ok(found) => {
                        let found: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
                        lock(&contacts).resolved(host, found);
                    }
                    // The links warn of a named node that is not reached.
                    Err(error) => tracing::debug!(host, %error, "no address for a name"),
                }
            }
            sleep(ASK_EVERY).await;
        }
    };
    tokio::select! {
        () = asking => {}
        () = stop.cancelled() => {}
    }
}
