/** The rooms the user is in: entering, leaving, coming back to them on a new link, what their answers hold. */
import type { Frame, MessageView, RoomInfo } from "../protocol/frames";
import { CATCH_UP_EVENTS, OPEN_MESSAGES, ROOMS_EVERY_MS, ROOMS_FRESH_MS } from "../protocol/limits";
import { askMissed, askNewest, drainArrived, fill } from "./history";
import { changeOf, fromView, takeChange } from "./messages";
import { notifyOf } from "./notify";
import { People } from "./people";
import { markSeen, noteUnread, unreadOf } from "./reading";
import { currentRoom, findRoom, isDirect, roomOf, type Room, type State } from "./state";
import { place } from "./timeline";
import { forgetQuestions, isAsked, type Turn } from "./turn";
import { isEmpty } from "./vector";

/** Where everybody is who has not chosen. */
export const FIRST_ROOM = "lobby";

/** After a session has begun: back into every room, the open one first. */
export function enterRooms(turn: Turn): void {
  const state = turn.state;
  if (!state.rooms.some((room) => room.joined && !isDirect(room.name)))
    roomOf(state, FIRST_ROOM).joined = true;
  if (!findRoom(state, state.current))
    state.current = state.rooms.find((room) => room.joined)?.name ?? FIRST_ROOM;
  const open = currentRoom(state);
  if (open) enter(turn, open);
  for (const room of state.rooms)
    if (room !== open && room.name !== open?.name && room.joined) enter(turn, room);
  askRooms(turn);
  rememberRooms(turn);
}

/** Enters a room, or goes on in it where the last link ended. */
export function enter(turn: Turn, room: Room): void {
  room.joined = true;
  room.enterAt = null;
  if (isDirect(room.name)) {
    if (room.phase === "open") isEmpty(room.since) ? askNewest(turn, room) : askMissed(turn, room);
    else if (room.name === turn.state.current) askNewest(turn, room);
    return;
  }
  const resumed = room.phase === "open";
  // Live events may come before the answer, when polling; they say nothing about what was missed.
  if (resumed) room.catchingUp = 0;
  else room.phase = "loading";
  turn.ask(
    {
      type: "join",
      room: room.name,
      limit: resumed ? CATCH_UP_EVENTS : OPEN_MESSAGES,
      ...(resumed ? { since: { ...room.since } } : {}),
    },
    { kind: "join", room: room.name, resumed },
  );
}

/** Opens a room afresh, with its newest messages: too much was missed to read all of it first. */
export function reopen(turn: Turn, room: Room): void {
  forgetQuestions(
    turn.state,
    (q) => "room" in q && q.room === room.name && (q.kind === "join" || q.kind === "history"),
  );
  room.catchingUp = null;
  if (isDirect(room.name)) return askNewest(turn, room);
  turn.ask(
    { type: "join", room: room.name, limit: OPEN_MESSAGES },
    { kind: "join", room: room.name, resumed: false },
  );
}

export function onRoom(turn: Turn, frame: Frame<"room">, resumed: boolean): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.topic = frame.topic;
  room.private = frame.private;
  room.total = frame.total;
  room.users = People.of(frame.users);
  room.read = frame.read;
  if (frame.total > frame.users.length) turn.say({ type: "who", room: room.name });
  if (resumed) takeMissed(turn, room, frame, frame.since);
  else {
    fill(turn, room, frame.messages, frame.more);
    room.since = frame.since;
    room.catchingUp = null;
    noteFirstUnread(turn, room, frame.messages);
  }
  drainArrived(turn, room);
  markSeen(turn, room);
}

/** A page of what was missed. */
export function takeMissed(
  turn: Turn,
  room: Room,
  { messages, updates, more }: Pick<Frame<"history">, "messages" | "updates" | "more">,
  since: Record<string, number>,
): void {
  for (const view of messages) {
    const placed = place(room, fromView(view), true);
    if (placed !== "new" && placed !== "outside") continue;
    noteUnread(turn, room, view.uid, view.id, view.ts);
    notifyOf(turn, room, view);
  }
  for (const update of updates ?? []) takeChange(room, update.id, changeOf(update));
  const before = JSON.stringify(room.since);
  room.since = since;
  const stuck = messages.length === 0 && JSON.stringify(since) === before;
  if (!more || stuck) {
    room.catchingUp = null;
    return;
  }
  room.catchingUp = (room.catchingUp ?? 0) + 1;
  askMissed(turn, room);
}

/** After opening: what the read marker does not cover is unread. A room never read has nothing unread. */
function noteFirstUnread(turn: Turn, room: Room, messages: MessageView[]): void {
  const read = { ...room.read };
  room.readAtEntry = read;
  if (isEmpty(read)) return;
  const unread = unreadOf(turn, read, messages);
  room.unread = Math.max(unread.length, unread.length === messages.length ? room.unread : 0);
  room.firstUnread = unread[0]?.id ?? null;
}

/** The user goes to a room, which may not exist yet. */
export function roomOpened(turn: Turn, name: string): void {
  const state = turn.state;
  const wanted = name.trim().replace(/^#/, "");
  const normal = isDirect(wanted) ? wanted : wanted.toLowerCase();
  if (normal === "" || normal === "@" || (state.me && normal === `@${state.me.name}`)) return;
  state.drawer = "none";
  const left = currentRoom(state);
  if (left && left.name !== normal) {
    left.following = true;
    left.below = 0;
    if (left.unread === 0) left.firstUnread = null;
  }
  const room = roomOf(state, normal);
  const entering = !room.joined || room.phase === "none";
  state.current = normal;
  if (state.link.phase === "up") {
    if (entering) enter(turn, room);
    else if (room.hasNewer) askNewest(turn, room);
  } else room.joined = true;
  state.others = state.others.filter((other) => other.name !== normal);
  markSeen(turn, room);
  rememberRooms(turn);
  turn.effect({ type: "focus_composer" });
}

/** The rooms one is in, as they are listed: by name, direct conversations behind the others. */
export function listedRooms(state: State): Room[] {
  return [...state.rooms].sort(
    (a, b) => Number(isDirect(a.name)) - Number(isDirect(b.name)) || (a.name < b.name ? -1 : 1),
  );
}

export function roomStepped(turn: Turn, by: number, unread: boolean): void {
  const { state } = turn;
  const listed = listedRooms(state);
  const at = listed.findIndex((room) => room.name === state.current);
  for (let step = 1; step < listed.length; step++) {
    const next = listed[(at + by * step + listed.length * 2) % listed.length];
    if (next && (!unread || next.unread > 0)) return roomOpened(turn, next.name);
  }
}

export function roomLeft(turn: Turn, name: string): void {
  const state = turn.state;
  if (state.link.phase === "up" && !isDirect(name))
    turn.ask({ type: "leave", room: name }, { kind: "leave", room: name });
  leaveBehind(turn, name);
  if (state.link.phase === "up") askRooms(turn);
}

/** A room could not be entered. */
export function onJoinRefused(turn: Turn, name: string, message: string): void {
  turn.toast(message, "warn");
  leaveBehind(turn, name);
}

/** The other tabs go out of it too. */
function leaveBehind(turn: Turn, name: string): void {
  // Said anew each time, also of the same room.
  turn.effect({ type: "remember", key: "left", value: `${turn.now} ${name}` });
  removeRoom(turn, name);
  rememberRooms(turn);
}

export function removeRoom(turn: Turn, name: string): void {
  const state = turn.state;
  forgetQuestions(state, (q) => "room" in q && q.room === name && q.kind !== "leave");
  state.rooms = state.rooms.filter((room) => room.name !== name);
  if (state.current === name) {
    const next = state.rooms.find((room) => room.joined);
    state.current = next?.name ?? "";
    if (next) roomOpened(turn, next.name);
  }
}

export function rememberRooms(turn: Turn): void {
  rememberJoined(turn);
  if (turn.state.current !== "") turn.effect({ type: "remember", key: "current", value: turn.state.current });
}

export function rememberJoined(turn: Turn): void {
  const names = turn.state.rooms.filter((room) => room.joined).map((room) => room.name);
  turn.effect({ type: "remember", key: "rooms", value: JSON.stringify(names) });
}

export function askRooms(turn: Turn): void {
  turn.state.roomsAsked = turn.now;
  if (!isAsked(turn.state, (q) => q.kind === "rooms")) turn.ask({ type: "rooms" }, { kind: "rooms" });
  // A bridge moves to another node without a word; `stats` says which it is.
  turn.ask({ type: "stats" }, { kind: "other" });
}

/** Somebody looks for a room: one that was made just now is to be among them. */
export function freshenRooms(turn: Turn): void {
  const { link, roomsAsked } = turn.state;
  if (link.phase === "up" && turn.now - roomsAsked > ROOMS_FRESH_MS) askRooms(turn);
}

export function tickRooms(turn: Turn): void {
  const { link, visible, roomsAsked, rooms } = turn.state;
  if (link.phase !== "up") return;
  for (const room of rooms) if (room.enterAt !== null && turn.now >= room.enterAt) enter(turn, room);
  if (visible && turn.now - roomsAsked > ROOMS_EVERY_MS) askRooms(turn);
}

export function onRooms(turn: Turn, entries: RoomInfo[]): void {
  const state = turn.state;
  for (const entry of entries) {
    const room = isDirect(entry.room) ? roomOf(state, entry.room) : findRoom(state, entry.room);
    if (!room?.joined) continue;
    room.topic = entry.topic;
    room.private = entry.private;
    if (!isDirect(entry.room)) room.total = entry.total;
    // An open room counts by itself, from what it sees.
    if (room.phase !== "open") room.unread = entry.unread;
    room.newest = Math.max(room.newest, entry.last);
  }
  state.others = entries
    .filter((entry) => !isDirect(entry.room) && !findRoom(state, entry.room)?.joined)
    .map((entry) => ({ name: entry.room, topic: entry.topic, total: entry.total }));
}

export function topicSet(turn: Turn, topic: string): void {
  const room = currentRoom(turn.state);
  if (!room || isDirect(room.name) || turn.state.link.phase !== "up") return;
  if (topic.trim() !== room.topic) {
    turn.ask({ type: "topic", room: room.name, topic: topic.trim() }, { kind: "topic", room: room.name });
  }
}
