//! What a server says. One type for the node that writes it, the clients that read it, and (through
//! `ts-rs`) the browser's types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::client::Re;
use super::error::{ErrorCode, Refusal};
use super::ids::{MessageId, Nonce, Origin, Seq, Ts, Uid, VersionVector};
use super::limits::Limits;
use super::stats::Stats;

/// One line of JSON each, told apart by `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ServerFrame {
    /// The first line of every connection.
    Connect(Connect),
    /// Who the client is from now on; answers `user_join`.
    Session(Session),
    /// The room as it is; answers `join`.
    Room(Box<Room>),
    /// Done; answers `leave`, `away`, `read`, `edit`, `delete`, `react`.
    Ok(Done),
    /// A user's first session came into the room.
    UserJoin(UserJoined),
    /// A user's last session left the room.
    UserLeave(UserLeft),
    /// Who came and went in a large room since the last such frame; or, with `users`, who is there.
    UserListUpdate(UserListUpdate),
    /// A user is away, or back.
    Away(AwayChanged),
    /// A user bears another name from now on.
    Renamed(Renamed),
    /// Answers `rooms`.
    Rooms(RoomList),
    /// The room has a new topic.
    Topic(TopicChanged),
    /// The message is stored; answers `send`.
    Sent(Sent),
    /// A message, for everyone in the room.
    NewMessage(Message),
    /// What has become of a message: its new text, that it is deleted, or its reactions.
    MessageUpdate(MessageUpdate),
    /// A page of messages; answers `history`.
    History(History),
    /// More was missed than the server replays: ask `history` from `since` on.
    Gap(Gap),
    /// Somebody is writing, or has stopped.
    Typing(Typing),
    /// This user's read marker moved in another session.
    Read(ReadMoved),
    /// Answers `search`.
    Results(Results),
    /// Answers `ping`.
    Pong(Pong),
    /// Answers `stats`.
    Stats(Box<Stats>),
    /// The server closes the connection after this.
    Disconnect(Disconnect),
    /// The request was not carried out.
    Error(ErrorFrame),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Connect {
    pub protocol: u32,
    /// Program and version, `chat/0.1.0`.
    pub server: String,
    /// The node's name.
    pub node: String,
    /// The node's wall clock.
    pub time: Ts,
    pub limits: Limits,
    /// For a person who sees this line at `telnet`: what to type. On TCP only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Session {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    /// The name the user is shown under.
    pub user: String,
    pub uid: Uid,
    pub guest: bool,
    /// `user` or `admin`.
    pub role: Role,
    /// Opens the same user again on any node.
    pub token: String,
    pub node: String,
    /// HTTP only: what goes into `Authorization: Bearer` from now on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub poll: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Role {
    User,
    Admin,
}

/// A user as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct UserInfo {
    pub name: String,
    pub uid: Uid,
    #[serde(skip_serializing_if = "is_false", default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub away: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Room {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub room: String,
    pub topic: String,
    pub private: bool,
    /// Users online in the room, in the whole cluster.
    pub total: u32,
    /// The first hundred of them.
    pub users: Vec<UserInfo>,
    /// In order, oldest first.
    pub messages: Vec<Message>,
    /// Changes of messages that this node does not have yet: the client may have them from another node,
    /// or passes these over.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<MessageUpdate>>"))]
    pub updates: Vec<MessageUpdate>,
    /// Without `since`: there are older messages. With it: there is more to be asked for with `history`.
    pub more: bool,
    /// What the client holds once it has taken this answer.
    pub since: VersionVector,
    /// This user's read marker.
    pub read: VersionVector,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Done {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    /// Where the event stands; these three are there if the request made one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ts: Option<Ts>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<Seq>,
}

impl Done {
    /// The answer to a request that made the event at `place`.
    pub fn at(re: Option<Re>, place: Place) -> Done {
        Done {
            re,
            ts: Some(place.ts),
            origin: Some(place.origin),
            seq: Some(place.seq),
        }
    }
}

/// An event's place: its time, and where one node's log holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub ts: Ts,
    pub origin: Origin,
    pub seq: Seq,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct UserJoined {
    pub room: String,
    pub user: UserInfo,
    pub total: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct UserLeft {
    pub room: String,
    /// The name.
    pub user: String,
    pub uid: Uid,
    /// `quit`, `leave`, `lost`, or a reason of `disconnect`.
    pub reason: String,
    pub total: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct UserListUpdate {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub room: String,
    pub total: u32,
    /// Came since the last such frame, or changed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<UserInfo>>"))]
    pub joined: Vec<UserInfo>,
    /// Went since the last such frame.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<Uid>>"))]
    pub left: Vec<Uid>,
    /// All who are there, in the answer to `who`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub users: Option<Vec<UserInfo>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AwayChanged {
    pub room: String,
    /// The name.
    pub user: String,
    pub uid: Uid,
    pub on: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Renamed {
    pub uid: Uid,
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct RoomList {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub rooms: Vec<RoomInfo>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomInfo {
    pub room: String,
    pub topic: String,
    /// Users online in it.
    pub total: u32,
    pub private: bool,
    /// Whether this session is in it.
    pub joined: bool,
    /// The newest message's time; 0 for none.
    pub last: Ts,
    /// Messages past this user's read marker; counted up to 1,000.
    pub unread: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TopicChanged {
    /// Only in the answer to the session that set it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub room: String,
    pub topic: String,
    /// Who set it.
    pub user: String,
    pub ts: Ts,
    pub origin: Origin,
    pub seq: Seq,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Sent {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub nonce: Nonce,
    pub room: String,
    pub id: MessageId,
    pub ts: Ts,
    pub origin: Origin,
    pub seq: Seq,
    /// Nodes that have it on stable storage.
    pub copies: u32,
}

/// A message with what has become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Message {
    pub room: String,
    pub id: MessageId,
    /// The name it was written under.
    pub from: String,
    pub uid: Uid,
    pub ts: Ts,
    pub origin: Origin,
    pub seq: Seq,
    /// Absent once deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    pub nonce: Nonce,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<MessageId>,
    /// When the text was last changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited: Option<Ts>,
    #[serde(skip_serializing_if = "is_false", default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub deleted: bool,
    /// Names by emoji.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[cfg_attr(test, ts(optional, as = "Option<BTreeMap<String, Vec<String>>>"))]
    pub reactions: BTreeMap<String, Vec<String>>,
    /// It was stored here long after its time, behind newer ones.
    #[serde(skip_serializing_if = "is_false", default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub late: bool,
}

/// `ts`, `origin` and `seq` are the change's own place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct MessageUpdate {
    pub room: String,
    pub id: MessageId,
    pub ts: Ts,
    pub origin: Origin,
    pub seq: Seq,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited: Option<Ts>,
    #[serde(skip_serializing_if = "is_false", default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub deleted: bool,
    /// All of the message's reactions; empty when the last one was taken back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reactions: Option<BTreeMap<String, Vec<String>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct History {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub room: String,
    /// In order, oldest first.
    pub messages: Vec<Message>,
    /// Changes of messages that this node does not have yet: the client may have them from another node,
    /// or passes these over.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[cfg_attr(test, ts(optional, as = "Option<Vec<MessageUpdate>>"))]
    pub updates: Vec<MessageUpdate>,
    pub more: bool,
    /// In answers to `since` only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<VersionVector>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Gap {
    pub room: String,
    pub since: VersionVector,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Typing {
    pub room: String,
    /// The name.
    pub user: String,
    pub uid: Uid,
    pub on: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReadMoved {
    pub room: String,
    pub since: VersionVector,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Results {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    /// Newest first.
    pub messages: Vec<Message>,
    /// There are older ones, to be asked for with `before` and the last one's `ts`.
    pub more: bool,
    /// `false` while the node has not read all of its log for searching: there may be more to find soon.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub indexed: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct Pong {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub time: Ts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Disconnect {
    pub reason: CloseReason,
    /// For a person.
    pub message: String,
}

/// Why a server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum CloseReason {
    Quit,
    ShuttingDown,
    Kicked,
    Banned,
    Flood,
    TooManyConnections,
    Replaced,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ErrorFrame {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub re: Option<Re>,
    pub code: ErrorCode,
    /// For a person.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_ms: Option<u64>,
    /// A free name, with `name_taken`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

impl ErrorFrame {
    /// The frame that tells `refusal` to the client, with the mark of its request.
    pub fn new(re: Option<Re>, refusal: Refusal) -> ErrorFrame {
        let Refusal {
            code,
            message,
            retry_after_ms,
            suggestion,
        } = refusal;
        ErrorFrame {
            re,
            code,
            message,
            retry_after_ms,
            suggestion,
        }
    }
}

impl ServerFrame {
    /// One line of JSON with its line end.
    pub fn encode(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(256);
        self.encode_into(&mut line);
        line
    }

    /// Appends one line of JSON with its line end.
    pub fn encode_into(&self, line: &mut Vec<u8>) {
        serde_json::to_writer(&mut *line, self).expect("plain data always becomes JSON");
        line.push(b'\n');
    }

    /// Reads a line that a server sent.
    ///
    /// # Errors
    /// When it is not a frame this version knows; a client passes over such a line.
    pub fn decode(line: &str) -> Result<ServerFrame, serde_json::Error> {
        serde_json::from_str(line)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
