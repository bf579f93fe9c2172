//! What the scripts' commands share: a client that takes whatever name it can have, and a word for
//! everything that can go wrong.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::Person;
use super::identity::Identity;
use super::stop::{Stop, failed, say};
use super::{arrival, process};
use crate::client::{Client, ClientEvent, Handle, Options};
use crate::protocol::server::Session;

/// The nodes of `chat up`, asked when none is named.
pub(super) const NODES_DEFAULT: [&str; 2] = ["127.0.0.1:9001", "127.0.0.1:9002"];

/// The nodes to ask, of all that have no other way to find them.
pub(super) fn nodes(named: &[String]) -> Vec<String> {
    if named.is_empty() {
        return NODES_DEFAULT.map(str::to_owned).to_vec();
    }
    named.to_vec()
}

/// A script's connection.
pub(super) struct Script {
    pub client: Handle,
    pub stop: CancellationToken,
    /// Nothing is said under the name, so which one it is matters to nobody.
    pub only_watches: bool,
    events: mpsc::Receiver<ClientEvent>,
    nodes: Vec<String>,
    identity: Identity,
    program: &'static str,
    was_online: bool,
}

impl Script {
    /// Begins to connect as `person`. Must be called within a runtime.
    ///
    /// # Errors
    /// When there is no place for the person's token, or no ear for signals.
    pub(super) async fn connect(program: &'static str, person: &Person) -> Result<Script, Stop> {
        Script::connect_with(program, person, BTreeMap::new()).await
    }

    /// The same with administrators' tokens, by the node's name or address.
    ///
    /// # Errors
    /// As [`connect`](Script::connect).
    pub(super) async fn connect_with(
        program: &'static str,
        person: &Person,
        admin: BTreeMap<String, String>,
    ) -> Result<Script, Stop> {
        let identity = Identity::find(person.name.clone())?;
        let nodes = arrival::nodes(&person.node).await;
        let stop = process::stop_signal()?;
        let (client, events) = Client::connect(Options {
            nodes: nodes.clone(),
            name: identity.name.clone(),
            token: identity.token.clone(),
            take_suggestion: true,
            stays_here: !admin.is_empty(),
            admin,
        });
        Ok(Script {
            client,
            stop,
            only_watches: false,
            events,
            nodes,
            identity,
            program,
            was_online: false,
        })
    }

    /// The next thing that happens and does not end the script.
    ///
    /// # Errors
    /// When no node answers to begin with, the name or a room is refused, or a signal came.
    pub(super) async fn next(&mut self) -> Result<ClientEvent, Stop> {
        let event = tokio::select! {
            event = self.events.recv() => event,
            () = self.stop.cancelled() => return Err(failed("interrupted")),
        };
        let event = event.ok_or_else(|| failed("the connection has ended"))?;
        match &event {
            ClientEvent::Online { session, .. } => {
                self.was_online = true;
                self.know(session);
            }
            ClientEvent::Offline { reason, retry_in }
                if !self.was_online && !retry_in.is_zero() =>
            {
                return Err(self.nobody_answers(reason));
            }
            ClientEvent::NameRefused { name, error } => {
                return Err(failed(format!(
                    "the name {name} is refused: {}; choose another with --name",
                    error.message
                )));
            }
            ClientEvent::Closed { reason } => {
                return Err(failed(format!(
                    "the node has closed the connection: {reason}"
                )));
            }
            ClientEvent::JoinRefused { room, error } => {
                return Err(failed(format!(
                    "the room {room} cannot be joined: {}",
                    error.message
                )));
            }
            ClientEvent::Connecting { .. }
            | ClientEvent::Offline { .. }
            | ClientEvent::Frame(_)
            | ClientEvent::CaughtUp { .. }
            | ClientEvent::Sent(_)
            | ClientEvent::Done { .. }
            | ClientEvent::PutOff { .. }
            | ClientEvent::Failed { .. }
            | ClientEvent::Unanswered { .. } => {}
        }
        Ok(event)
    }

    /// Keeps the session's token, and says under which name it runs if that is another.
    fn know(&mut self, session: &Session) {
        if !self.only_watches && session.user != self.identity.name.as_str() {
            let asked = &self.identity.name;
            let line = format!("the name {asked} is taken: you are {}", session.user);
            say(self.program, &line);
        }
        if let Err(error) = self.identity.keep(&session.token) {
            let line =
                format!("cannot keep the session's token, the next call is another user: {error}");
            say(self.program, &line);
        }
    }

    fn nobody_answers(&self, reason: &str) -> Stop {
        let why = |node: &String| (node.clone(), reason.to_owned());
        arrival::nobody_to_begin_with(&self.nodes.iter().map(why).collect::<Vec<_>>())
    }
}
