//! Where to connect: to the nodes that were named, else to this machine's, wherever they listen. Who
//! has never been here and reaches nobody is asked, before the screen is taken.
//!
//! Nothing is chosen that is not there: nodes of different systems may run beside each other, and a
//! client goes on from one to the next that it was told of.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use super::script::NODES_DEFAULT;
use super::stop::{Stop, failed};
use super::{places, running, values};
use crate::client::{Found, Seek, query};
use crate::private_file;
use crate::protocol::text::clean;

/// For somebody to greet. Who takes longer is waited for on the screen, which says so.
const GREETED_WITHIN: Duration = Duration::from_millis(300);

/// Nodes' folders that are remembered, of nodes that were reached.
const FOLDERS_MAX: usize = 64;

/// Whether somebody is there.
enum Met {
    Somebody,
    /// Nobody has said no yet.
    Perhaps,
    /// Why not, by address.
    Nobody(Vec<(String, String)>),
}

/// Where a client begins.
pub(super) struct Arrival {
    pub(super) nodes: Vec<String>,
    /// The person named them: it stays with these and those of which they tell.
    pub(super) named: bool,
}

/// The nodes to connect to; those that are named as they are.
pub(super) async fn nodes(named: &[String]) -> Vec<String> {
    if !named.is_empty() {
        return named.to_vec();
    }
    match usual().await {
        Ok(nodes) => nodes,
        Err(_) => defaults(),
    }
}

/// The same for a person who waits for them.
pub(super) async fn nodes_or_wait(named: &[String]) -> Arrival {
    Arrival {
        nodes: nodes(named).await,
        named: !named.is_empty(),
    }
}

/// The same for a person at a terminal, who is asked where nobody answers.
///
/// # Errors
/// When the person has no address to give.
pub(super) async fn nodes_or_asked(named: &[String]) -> Result<Arrival, Stop> {
    let found = if named.is_empty() {
        usual().await
    } else {
        match meet(named).await {
            Met::Somebody | Met::Perhaps => Ok(named.to_vec()),
            Met::Nobody(why) => Err(why),
        }
    };
    let why = match found {
        Ok(nodes) => {
            let named = !named.is_empty();
            return Ok(Arrival { nodes, named });
        }
        Err(why) => why,
    };
    let tried = if named.is_empty() {
        defaults()
    } else {
        named.to_vec()
    };
    let typed = ask(&mut std::io::stdin().lock(), &tried, &why).await?;
    // What was typed may be of another system than this machine's nodes are.
    Ok(Arrival {
        named: !named.is_empty() || typed.is_some(),
        nodes: typed.map_or(tried, |address| vec![address]),
    })
}

fn defaults() -> Vec<String> {
    NODES_DEFAULT.map(str::to_owned).to_vec()
}

/// This machine's nodes, else the one that was typed the last time; or why there are none.
async fn usual() -> Result<Vec<String>, Vec<(String, String)>> {
    let met = meet(&defaults()).await;
    if matches!(met, Met::Somebody) {
        return Ok(defaults());
    }
    let told = running::nodes().into_iter().map(|running| running.address);
    let others: Vec<String> = told.chain(typed_before()).collect();
    if let Some(address) = first_there(others).await {
        return Ok(vec![address]);
    }
    match met {
        // Something listens there, which may be a node that has much to do.
        Met::Somebody | Met::Perhaps => Ok(defaults()),
        Met::Nobody(why) => Err(why),
    }
}

/// The address that was typed the last time.
fn typed_before() -> Option<String> {
    let text = std::fs::read_to_string(kept()?).ok()?;
    values::address(text.trim()).ok()
}

/// Looks again where a start looks, for a client that no node answers. Once one has been reached, only for
/// nodes of its cluster: in another system nobody knows this person. What does not say which cluster it is
/// of is the same node on another port, if its data is the same.
#[derive(Debug, Default)]
pub(super) struct Seeker {
    reached: bool,
    clusters: BTreeSet<String>,
    data: BTreeSet<PathBuf>,
}

impl Seek for Seeker {
    fn reached(&mut self, address: &str) {
        self.reached = true;
        let address = address.replacen("localhost:", "127.0.0.1:", 1);
        let there = running::nodes().into_iter();
        for running in there.filter(|running| running.address == address) {
            if self.data.len() < FOLDERS_MAX {
                self.data.insert(running.data);
                self.clusters.extend(running.cluster);
            }
        }
    }

    fn seek(&mut self) -> Found {
        let running = running::nodes().into_iter();
        let nodes = if self.reached {
            let same = running.filter(|running| {
                let known = |cluster| self.clusters.contains(cluster);
                let same_data = self.data.contains(&running.data);
                same_data || running.cluster.as_ref().is_some_and(known)
            });
            same.map(|running| running.address).collect()
        } else {
            let told = running.map(|running| running.address);
            defaults()
                .into_iter()
                .chain(told)
                .chain(typed_before())
                .collect()
        };
        let admin = running::tokens();
        Found { nodes, admin }
    }
}

/// The first of them where somebody answers; all are asked at once.
async fn first_there(addresses: Vec<String>) -> Option<String> {
    let greet = |address: String| async move {
        let greeted = timeout(GREETED_WITHIN, query::greeting(&address)).await;
        matches!(greeted, Ok(Ok(_))).then_some(address)
    };
    let answers = join_all(addresses.into_iter().map(greet)).await;
    answers.into_iter().flatten().next()
}

/// Asks all of them at once.
async fn meet(addresses: &[String]) -> Met {
    let greet = |address: &String| {
        let address = address.clone();
        async move { (query::greeting(&address).await, address) }
    };
    let mut greeted: FuturesUnordered<_> = addresses.iter().map(greet).collect();
    let first = async {
        let mut why = Vec::new();
        while let Some((answer, address)) = greeted.next().await {
            match answer {
                Ok(_) => return Met::Somebody,
                Err(error) => why.push((address, error.to_string())),
            }
        }
        Met::Nobody(why)
    };
    timeout(GREETED_WITHIN, first).await.unwrap_or(Met::Perhaps)
}

/// Asks for an address, until somebody answers there, or the person wants to wait for the last one that was
/// typed, or for those that were tried before.
async fn ask(
    input: &mut impl BufRead,
    tried: &[String],
    why: &[(String, String)],
) -> Result<Option<String>, Stop> {
    println!("{}", nobody(why));
    println!("{}", what_to_do(tried));
    let mut typed_last = None;
    loop {
        let there = typed_last.as_ref();
        let there = there.map_or(String::new(), |address| format!(" {address}"));
        print!("Address (host:port), or Enter to go on trying{there}: ");
        std::io::stdout().flush().map_err(failed)?;
        let mut line = String::new();
        if input.read_line(&mut line).map_err(failed)? == 0 {
            println!();
            return Err(nobody_to_begin_with(why));
        }
        let typed = line.trim();
        if typed.is_empty() {
            return Ok(typed_last);
        }
        match values::typed_address(typed) {
            Err(wrong) => println!("{}", clean(&wrong, false)),
            Ok(address) => match query::greeting(&address).await {
                Ok(_) => {
                    if let Some(path) = kept() {
                        // The next start asks again, then.
                        let _ = private_file::replace(&path, &format!("{address}\n"));
                    }
                    return Ok(Some(address));
                }
                Err(error) => {
                    println!("{}", nobody(&[(address.clone(), error.to_string())]));
                    typed_last = Some(address);
                }
            },
        }
    }
}

/// What helps who reaches nobody there.
fn what_to_do(tried: &[String]) -> &'static str {
    if tried == defaults() {
        "Start one here with `chat up` in another terminal, or say where there is one."
    } else {
        "Check the address, and that a node is running there; or say where there is one."
    }
}

/// Who does not answer, why, and what to do: one line.
pub(super) fn nobody_to_begin_with(why: &[(String, String)]) -> Stop {
    failed(format!(
        "{}; start one with `chat up`, or name one with --node ADDR:PORT",
        nobody(why)
    ))
}

/// Who does not answer, and why.
fn nobody(why: &[(String, String)]) -> String {
    let all_say = why.first().map_or("nobody is there", |(_, why)| why);
    let alike = why.iter().all(|(_, other)| other == all_say);
    let said = if alike {
        let addresses: Vec<&str> = why.iter().map(|(address, _)| address.as_str()).collect();
        format!("{}: {all_say}", addresses.join(", "))
    } else {
        let said: Vec<String> = why
            .iter()
            .map(|(address, why)| format!("{address}: {why}"))
            .collect();
        said.join("; ")
    };
    clean(&format!("no node answers at {said}"), false)
}

/// Where an address that was typed is kept for the next start.
fn kept() -> Option<PathBuf> {
    places::state().ok().map(|state| state.join("address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_who_does_not_answer_and_what_to_do() {
        let refused = |address: &str| (address.to_owned(), "connection refused".to_owned());
        let line = nobody(&[refused("a:1"), refused("b:2")]);
        assert_eq!(line, "no node answers at a:1, b:2: connection refused");
        let other = ("b:2".to_owned(), "there is no such host".to_owned());
        let line = nobody(&[refused("a:1"), other]);
        assert!(line.ends_with("a:1: connection refused; b:2: there is no such host"));
        let Stop::Failed(line) = nobody_to_begin_with(&[refused("a:1")]) else {
            panic!("it is no failure");
        };
        assert!(
            line.contains("`chat up`") && line.contains("--node"),
            "{line}"
        );
    }

    #[tokio::test]
    async fn who_gives_no_address_is_told_and_who_presses_enter_waits() {
        let why = [("127.0.0.1:1".to_owned(), "connection refused".to_owned())];
        let tried = ["127.0.0.1:1".to_owned()];
        assert!(ask(&mut &b""[..], &tried, &why).await.is_err());
        let waits = ask(&mut &b"127.0.0.1:1\n\n"[..], &tried, &why).await;
        let typed = Some("127.0.0.1:1".to_owned());
        assert_eq!(waits.unwrap(), typed);
    }
}
