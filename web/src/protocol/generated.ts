// Made from src/protocol by `CHAT_BLESS=1 cargo test typescript`. Not to be edited.

export type AwayChanged = { room: string, 
/**
 * The name.
 */
user: string, uid: Uid, on: boolean, };

/**
 * Why a server ends a connection.
 */
export type CloseReason = "quit" | "shutting_down" | "kicked" | "banned" | "flood" | "too_many_connections" | "replaced";

export type Connect = { protocol: number, 
/**
 * Program and version, `chat/0.1.0`.
 */
server: string, 
/**
 * The node's name.
 */
node: string, 
/**
 * The node's wall clock.
 */
time: Ts, limits: Limits, 
/**
 * For a person who sees this line at `telnet`: what to type. On TCP only.
 */
hint?: string, };

export type Disconnect = { reason: CloseReason, 
/**
 * For a person.
 */
message: string, };

export type Done = { re?: Re, 
/**
 * Where the event stands; these three are there if the request made one.
 */
ts?: Ts, origin?: Origin, seq?: number, };

/**
 * The codes of `error` frames; `docs/PROTOCOL.md` says when each is used.
 */
export type ErrorCode = "bad_json" | "bad_frame" | "unknown_type" | "line_too_long" | "not_utf8" | "not_joined" | "bad_name" | "name_taken" | "bad_password" | "bad_token" | "bad_room" | "no_such_room" | "not_in_room" | "forbidden" | "no_such_message" | "no_such_user" | "empty_text" | "text_too_long" | "bad_nonce" | "rate_limited" | "too_many_connections" | "unavailable" | "internal";

export type ErrorFrame = { re?: Re, code: ErrorCode, 
/**
 * For a person.
 */
message: string, retry_after_ms?: number, 
/**
 * A free name, with `name_taken`.
 */
suggestion?: string, };

export type Gap = { room: string, since: VersionVector, };

export type History = { re?: Re, room: string, 
/**
 * In order, oldest first.
 */
messages: Array<Message>, 
/**
 * Changes of messages that this node does not have yet: the client may have them from another node,
 * or passes these over.
 */
updates?: Array<MessageUpdate>, more: boolean, 
/**
 * In answers to `since` only.
 */
since?: VersionVector, };

/**
 * What `connect` tells a client of the limits that concern it.
 */
export type Limits = { 
/**
 * Bytes of a line.
 */
line: number, 
/**
 * Unicode scalar values of a text.
 */
text: number, 
/**
 * Characters of a user's name.
 */
name: number, 
/**
 * Characters of a room's name.
 */
room: number, 
/**
 * Messages of a page of history.
 */
history: number, };

/**
 * A message with what has become of it.
 */
export type Message = { room: string, id: MessageId, 
/**
 * The name it was written under.
 */
from: string, uid: Uid, ts: Ts, origin: Origin, seq: number, 
/**
 * Absent once deleted.
 */
text?: string, nonce: Nonce, reply_to?: MessageId, 
/**
 * When the text was last changed.
 */
edited?: Ts, deleted?: boolean, 
/**
 * Names by emoji.
 */
reactions?: { [key in string]: Array<string> }, 
/**
 * It was stored here long after its time, behind newer ones.
 */
late?: boolean, };

/**
 * A message: its writer and nonce, joined by a dot. So it is the same on every node without
 * asking any, and leads back to both without an index.
 */
export type MessageId = string;

/**
 * `ts`, `origin` and `seq` are the change's own place.
 */
export type MessageUpdate = { room: string, id: MessageId, ts: Ts, origin: Origin, seq: number, text?: string, edited?: Ts, deleted?: boolean, 
/**
 * All of the message's reactions; empty when the last one was taken back.
 */
reactions?: { [key in string]: Array<string> }, };

/**
 * One node's figures. Rates are means over the last full second; quantiles over the last minute.
 */
export type NodeFigures = { node: string, uptime_s: number, 
/**
 * Sessions open here, those of bridges included.
 */
sessions: number, 
/**
 * Connections open here.
 */
connections: number, 
/**
 * Rooms known.
 */
rooms: number, messages_per_s: number, deliveries_per_s: number, 
/**
 * From a message's coming in to its being committed, microseconds.
 */
commit_us: Quantiles, 
/**
 * From a message's coming in to its being written to the sockets here, microseconds.
 */
delivery_us: Quantiles, 
/**
 * Requests waiting for the store.
 */
store_queue: number, 
/**
 * Sessions that are reading what they missed from the log.
 */
slow_readers: number, memory_bytes: number, 
/**
 * Processor time used since the start, milliseconds.
 */
cpu_ms: number, store_bytes: number, 
/**
 * Events in the log.
 */
events: number, peers: Array<PeerFigures>, 
/**
 * Connections of other nodes and frames of theirs that were turned away since the start.
 */
links_refused: number, 
/**
 * Datagrams on the peer port that were turned away since the start: not sealed with the
 * cluster's secret, or sent before.
 */
datagrams_refused: number, 
/**
 * What a person should look at, in words.
 */
alarms: Array<string>, 
/**
 * Its program and version.
 */
server: string, 
/**
 * Messages committed here since the start, those of other nodes included.
 */
messages: number, 
/**
 * Lines handed to sessions since the start: a message to 50 sessions is 50.
 */
deliveries: number, 
/**
 * Messages since the start that reached this node after newer ones of their room.
 */
late: number, 
/**
 * Events of other nodes that were missed while they happened, and fetched, since the start.
 */
merged: number, 
/**
 * Requests answered by an error since the start.
 */
refused: number, 
/**
 * Those of them that came too fast, and connections too many from one address.
 */
throttled: number, 
/**
 * Requests and writes that failed through a fault of the node's or its disk's, since the start.
 */
faults: number, 
/**
 * Times since the start that a reader fell behind what is kept in memory, and read the log.
 */
replays: number, 
/**
 * Times since the start that a reader was told of a gap, since even the log was too long for it.
 */
gaps: number, 
/**
 * Transactions of the store since the start that failed.
 */
commits_failed: number, 
/**
 * The rooms with the most messages in the last minute, the busiest first; direct conversations are
 * not among them.
 */
top_rooms: Array<RoomFigures>, };

export type NodeInfo = { name: string, 
/**
 * Where clients reach it.
 */
address: string, up: boolean, 
/**
 * At the bridge's `/health`: the link's round trip in microseconds.
 */
rtt_us?: number, 
/**
 * In `stats`, of a node that is not up: seconds since it was last linked with the one that answers.
 */
down_s?: number, };

/**
 * A client's own name for one message, edit, delete or reaction: the same one sent again is the
 * same event. 1 to 64 bytes without control characters.
 */
export type Nonce = string;

/**
 * A log that one node's store writes: the node's name, `-`, and random letters and digits.
 */
export type Origin = string;

/**
 * A link to another node.
 */
export type PeerFigures = { name: string, address: string, up: boolean, rtt_us: number, 
/**
 * Events it has not said to hold yet.
 */
lag_events: number, 
/**
 * Its wall clock less ours, microseconds.
 */
clock_offset_us: number, 
/**
 * Whether its datagrams arrive.
 */
heard: boolean, 
/**
 * Its program and version; empty before they are heard.
 */
server: string, 
/**
 * When it was started, by its own clock.
 */
started: Ts, 
/**
 * Frames that wait to be written to it.
 */
queued: number, };

export type Pong = { re?: Re, time: Ts, };

/**
 * Microseconds.
 */
export type Quantiles = { p50: number, p99: number, };

/**
 * A client's own mark on a frame; each direct answer carries the same one.
 */
export type Re = number | string;

export type ReadMoved = { room: string, since: VersionVector, };

export type Renamed = { uid: Uid, from: string, to: string, };

export type Results = { re?: Re, 
/**
 * Newest first.
 */
messages: Array<Message>, 
/**
 * There are older ones, to be asked for with `before` and the last one's `ts`.
 */
more: boolean, 
/**
 * `false` while the node has not read all of its log for searching: there may be more to find soon.
 */
indexed?: boolean, };

export type Role = "user" | "admin";

export type Room = { re?: Re, room: string, topic: string, private: boolean, 
/**
 * Users online in the room, in the whole cluster.
 */
total: number, 
/**
 * The first hundred of them.
 */
users: Array<UserInfo>, 
/**
 * In order, oldest first.
 */
messages: Array<Message>, 
/**
 * Changes of messages that this node does not have yet: the client may have them from another node,
 * or passes these over.
 */
updates?: Array<MessageUpdate>, 
/**
 * Without `since`: there are older messages. With it: there is more to be asked for with `history`.
 */
more: boolean, 
/**
 * What the client holds once it has taken this answer.
 */
since: VersionVector, 
/**
 * This user's read marker.
 */
read: VersionVector, };

/**
 * One room, as a node sees it.
 */
export type RoomFigures = { room: string, 
/**
 * Messages committed in the last minute.
 */
messages: number, 
/**
 * Users who are in it, on all nodes.
 */
users: number, };

export type RoomInfo = { room: string, topic: string, 
/**
 * Users online in it.
 */
total: number, private: boolean, 
/**
 * Whether this session is in it.
 */
joined: boolean, 
/**
 * The newest message's time; 0 for none.
 */
last: Ts, 
/**
 * Messages past this user's read marker; counted up to 1,000.
 */
unread: number, };

export type RoomList = { re?: Re, rooms: Array<RoomInfo>, };

export type Sent = { re?: Re, nonce: Nonce, room: string, id: MessageId, ts: Ts, origin: Origin, seq: number, 
/**
 * Nodes that have it on stable storage.
 */
copies: number, };

/**
 * One line of JSON each, told apart by `type`.
 */
export type ServerFrame = { "type": "connect" } & Connect | { "type": "session" } & Session | { "type": "room" } & Room | { "type": "ok" } & Done | { "type": "user_join" } & UserJoined | { "type": "user_leave" } & UserLeft | { "type": "user_list_update" } & UserListUpdate | { "type": "away" } & AwayChanged | { "type": "renamed" } & Renamed | { "type": "rooms" } & RoomList | { "type": "topic" } & TopicChanged | { "type": "sent" } & Sent | { "type": "new_message" } & Message | { "type": "message_update" } & MessageUpdate | { "type": "history" } & History | { "type": "gap" } & Gap | { "type": "typing" } & Typing | { "type": "read" } & ReadMoved | { "type": "results" } & Results | { "type": "pong" } & Pong | { "type": "stats" } & Stats | { "type": "disconnect" } & Disconnect | { "type": "error" } & ErrorFrame;

export type Session = { re?: Re, 
/**
 * The name the user is shown under.
 */
user: string, uid: Uid, guest: boolean, 
/**
 * `user` or `admin`.
 */
role: Role, 
/**
 * Opens the same user again on any node.
 */
token: string, node: string, 
/**
 * HTTP only: what goes into `Authorization: Bearer` from now on.
 */
poll?: string, };

export type Stats = { re?: Re, 
/**
 * The node that answers.
 */
node: string, server: string, uptime_s: number, nodes: Array<NodeInfo>, 
/**
 * For an administrator: the figures of the node that answers, or of all it can reach.
 */
figures?: Array<NodeFigures>, };

export type TopicChanged = { 
/**
 * Only in the answer to the session that set it.
 */
re?: Re, room: string, topic: string, 
/**
 * Who set it.
 */
user: string, ts: Ts, origin: Origin, seq: number, };

/**
 * Microseconds since the Unix epoch, UTC.
 */
export type Ts = number;

export type Typing = { room: string, 
/**
 * The name.
 */
user: string, uid: Uid, on: boolean, };

/**
 * A user, for good: 4 to 32 lower-case letters and digits. The name it is shown under may change.
 */
export type Uid = string;

/**
 * A user as lists show it.
 */
export type UserInfo = { name: string, uid: Uid, away?: boolean, };

export type UserJoined = { room: string, user: UserInfo, total: number, };

export type UserLeft = { room: string, 
/**
 * The name.
 */
user: string, uid: Uid, 
/**
 * `quit`, `leave`, `lost`, or a reason of `disconnect`.
 */
reason: string, total: number, };

export type UserListUpdate = { re?: Re, room: string, total: number, 
/**
 * Came since the last such frame, or changed.
 */
joined?: Array<UserInfo>, 
/**
 * Went since the last such frame.
 */
left?: Array<Uid>, 
/**
 * All who are there, in the answer to `who`.
 */
users?: Array<UserInfo>, };

/**
 * For each origin, the greatest `seq` that is held with all before it.
 */
export type VersionVector = Record<string, number>;
