//! What goes into a client and what comes out of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::protocol::server::{ErrorFrame, Place, Sent, Session};
use crate::protocol::{ClientFrame, Nonce, RoomRef, ServerFrame, Ts, UserName};

/// What a client is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Addresses of nodes (`host:port`), tried in this order. More are learnt from the nodes.
    pub nodes: Vec<String>,
    /// The name to join with where there is no token, or the token is refused.
    pub name: UserName,
    /// Opens the user of an earlier session.
    pub token: Option<String>,
    /// When the name is taken, take the one that the node suggests instead of asking.
    pub take_suggestion: bool,
    /// Administrators' tokens by the node's address and name (`127.0.0.1:9001 n1`) or name, for those nodes whose data folder is at hand. They
    /// are shown to nodes on this machine only; one that refuses its token is joined without.
    pub admin: BTreeMap<String, String>,
    /// Learn of nodes on this machine only: the others give no figures to this administrator.
    pub stays_here: bool,
}

/// Where nodes are looked for when nobody has named any. It may read what lies on this machine, and
/// connects to nobody.
pub trait Seek: Send {
    /// A session is open there: from now on only nodes of the same system count.
    fn reached(&mut self, address: &str);

    /// Where nodes may be at this moment.
    fn seek(&mut self) -> Found;
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Addresses, in the order in which to try them.
    pub nodes: Vec<String>,
    /// Administrators' tokens, as in [`Options::admin`].
    pub admin: BTreeMap<String, String>,
}

/// What the user of a client wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// The name to join with, after [`ClientEvent::NameRefused`].
    Name(UserName),
    /// Be in the room from now on, whatever happens to the connection. `limit`: how many of its
    /// newest messages come with the answer.
    Join {
        room: RoomRef,
        limit: Option<usize>,
    },
    Leave {
        room: RoomRef,
    },
    /// Send, edit, delete, react or set a topic: kept, and written again after a reconnect, until a
    /// node has answered. The frame has its nonce.
    Write(ClientFrame),
    /// Any other frame, written now or never. Its answer comes as a frame with this `re`.
    Ask {
        re: i64,
        frame: ClientFrame,
    },
    /// Do not wait any longer before the next attempt to connect.
    Retry,
}

/// What a client tells its user.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// A connection to `node` (an address) is being opened. `attempt` counts from 1 since the last session.
    Connecting { node: String, attempt: u32 },
    /// The session is open; `session.node` is the node's name.
    Online {
        session: Box<Session>,
        address: String,
    },
    /// No session under this name, and none is tried until [`Command::Name`]. With `name_taken`, the
    /// error has a free name in `suggestion`.
    NameRefused { name: UserName, error: ErrorFrame },
    /// The connection is lost, or could not be opened; zero for `retry_in`: the next node is tried at once.
    Offline { reason: String, retry_in: Duration },
    /// It is over: a node said so (`kicked`, `banned`, `replaced`, `quit`). Nothing follows.
    Closed { reason: String },
    /// What the server said: everything live, the rooms' answers, and the answers to [`Command::Ask`].
    Frame(Box<ServerFrame>),
    /// All that was missed in this room has been handed out.
    CaughtUp { room: RoomRef },
    /// A message is stored.
    Sent(Sent),
    /// An edit, a delete, a reaction or a topic is stored.
    Done { nonce: Nonce, place: Option<Place> },
    /// A node cannot take a write now, and says why; it is written again later, or to another node.
    PutOff { nonce: Nonce, error: ErrorFrame },
    /// A write was refused for good.
    Failed { nonce: Nonce, error: ErrorFrame },
    /// The room cannot be joined.
    JoinRefused { room: RoomRef, error: ErrorFrame },
    /// The connection went, or was not there, before this [`Command::Ask`] was answered.
    Unanswered { re: i64 },
}

/// A moment on both clocks. Only the wall clock goes on while a laptop sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds of the monotonic clock, from any start.
    pub ms: u64,
    /// The wall clock.
    pub wall: Ts,
}

/// What happens to the machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The connection asked for is open.
    Dialed,
    /// It could not be opened, or it is lost.
    Lost(String),
    /// A line of the server.
    Frame(Box<ServerFrame>),
    /// A line of the server that this version does not know.
    Noise,
    /// What was looked for.
    Found(Found),
    /// The user wants something.
    Command(Command),
    /// Time has passed.
    Tick,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open a connection, in place of any other.
    Dial(String),
    /// Write a line, with its line end.
    Write(Vec<u8>),
    /// Close the connection, or stop opening it.
    HangUp,
    /// Look for nodes: [`Input::Found`] is the answer.
    Seek,
    Tell(ClientEvent),
}
