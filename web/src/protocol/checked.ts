/**
 * What comes over the wire is a frame only if it has the fields of one: the machine and the views take them for granted.
 * What is not is passed over, and so is a frame of a kind that is not known yet.
 */
import type { Limits, Message, MessageUpdate, NodeInfo, RoomInfo, ServerFrame, UserInfo } from "./generated";

type Check = (value: unknown) => boolean;
/** A check for each field, those that may be missing too. */
type Checks<T> = { [K in keyof Required<T>]: Check };

/** Half of a pair is no text: a server that speaks UTF-8 cannot say it, and addresses cannot be made of it. */
const text: Check = (value) => typeof value === "string" && !/[\ud800-\udfff]/u.test(value);
/** JSON can write numbers that are too large to be one. */
const number: Check = (value) => Number.isFinite(value);
const flag: Check = (value) => typeof value === "boolean";
const any: Check = () => true;
const mark: Check = (value) => text(value) || number(value);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const fields =
  <T>(checks: Checks<T>): Check =>
  (value) =>
    isObject(value) && Object.entries<Check>(checks).every(([name, check]) => check(value[name]));
/** Values by any name; the one name that would be more than a name is taken out. */
const map =
  (check: Check): Check =>
  (value) => {
    if (!isObject(value)) return false;
    delete value["__proto__"];
    return Object.values(value).every(check);
  };

const re = maybe(mark);
const vector = map(number);
const user = fields<UserInfo>({ name: text, uid: text, away: maybe(flag) });
const change: Checks<MessageUpdate> = {
  room: text,
  id: text,
  ts: number,
  origin: text,
  seq: number,
  text: maybe(text),
  edited: maybe(number),
  deleted: maybe(flag),
  reactions: maybe(map(list(text))),
};
const message: Checks<Message> = {
  ...change,
  from: text,
  uid: text,
  nonce: text,
  reply_to: maybe(text),
  late: maybe(flag),
};
const messages = list(fields(message));
const updates = maybe(list(fields(change)));
const room = fields<RoomInfo>({
  room: text,
  topic: text,
  total: number,
  private: flag,
  joined: flag,
  last: number,
  unread: number,
});
const limits = fields<Limits>({ line: number, text: number, name: number, room: number, history: number });
const node = fields<NodeInfo>({
  name: text,
  address: text,
  up: flag,
  rtt_us: maybe(number),
  down_s: maybe(number),
});

type Type = ServerFrame["type"];
type FieldsOf<T extends Type> = Omit<Extract<ServerFrame, { type: T }>, "type">;

const FRAMES: { [T in Type]: Checks<FieldsOf<T>> } = {
  connect: { protocol: number, server: text, node: text, time: number, limits, hint: maybe(text) },
  session: {
    re,
    user: text,
    uid: text,
    guest: flag,
    role: text,
    token: text,
    node: text,
    poll: maybe(text),
  },
  room: {
    re,
    room: text,
    topic: text,
    private: flag,
    total: number,
    users: list(user),
    messages,
    updates,
    more: flag,
    since: vector,
    read: vector,
  },
  ok: { re, ts: maybe(number), origin: maybe(text), seq: maybe(number) },
  user_join: { room: text, user, total: number },
  user_leave: { room: text, user: text, uid: text, reason: text, total: number },
  user_list_update: {
    re,
    room: text,
    total: number,
    joined: maybe(list(user)),
    left: maybe(list(text)),
    users: maybe(list(user)),
  },
  away: { room: text, user: text, uid: text, on: flag },
  renamed: { uid: text, from: text, to: text },
  rooms: { re, rooms: list(room) },
  topic: { re, room: text, topic: text, user: text, ts: number, origin: text, seq: number },
  sent: {
    re,
    nonce: text,
    room: text,
    id: text,
    ts: number,
    origin: text,
    seq: number,
    copies: number,
  },
  new_message: message,
  message_update: change,
  history: { re, room: text, messages, updates, more: flag, since: maybe(vector) },
  gap: { room: text, since: vector },
  typing: { room: text, user: text, uid: text, on: flag },
  read: { room: text, since: vector },
  results: { re, messages, more: flag, indexed: maybe(flag) },
  pong: { re, time: number },
  // Figures are for administrators; the page shows none.
  stats: { re, node: text, server: text, uptime_s: number, nodes: list(node), figures: any },
  disconnect: { reason: text, message: text },
  error: {
    re,
    code: text,
    message: text,
    retry_after_ms: maybe(number),
    suggestion: maybe(text),
  },
};

/** The frame that this is, if it is one. */
export function checked(value: unknown): ServerFrame | null {
  if (!isObject(value)) return null;
  const type = value["type"];
  if (typeof type !== "string" || !Object.hasOwn(FRAMES, type)) return null;
  return fields(FRAMES[type as Type] as Record<string, Check>)(value)
    ? (value as unknown as ServerFrame)
    : null;
}
