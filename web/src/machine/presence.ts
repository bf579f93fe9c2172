/** Who is in a room, who comes and goes, who types. */
import type { Frame, UserRef } from "../protocol/frames";
import { TYPING_ENDS_MS } from "../protocol/limits";
import { findRoom, type Notice, type Room } from "./state";
import { insert, isLoose } from "./timeline";
import type { Turn } from "./turn";

export function onUserJoin(turn: Turn, frame: Frame<"user_join">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.total = frame.total;
  const was = room.users.some((user) => user.uid === frame.user.uid);
  upsert(room, frame.user);
  if (!was && frame.user.uid !== turn.state.me?.uid) notice(turn, room, frame.user, "joined");
}

export function onUserLeave(turn: Turn, frame: Frame<"user_leave">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.total = frame.total;
  remove(room, frame.uid);
  room.typing = room.typing.filter((typist) => typist.uid !== frame.uid);
  if (frame.uid !== turn.state.me?.uid) notice(turn, room, { name: frame.user, uid: frame.uid }, "left");
}

export function onUserListUpdate(turn: Turn, frame: Frame<"user_list_update">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.total = frame.total;
  if (frame.users) room.users = frame.users;
  for (const user of frame.joined ?? []) upsert(room, user);
  for (const uid of frame.left ?? []) remove(room, uid);
}

export function onAway(turn: Turn, frame: Frame<"away">): void {
  for (const room of turn.state.rooms) {
    if (room.name !== frame.room) continue;
    const user = room.users.find((one) => one.uid === frame.uid);
    if (user) user.away = frame.on;
  }
}

function upsert(room: Room, user: UserRef): void {
  const index = room.users.findIndex((other) => other.uid === user.uid);
  if (index < 0) room.users.push(user);
  else room.users[index] = user;
}

function remove(room: Room, uid: string): void {
  const index = room.users.findIndex((user) => user.uid === uid);
  if (index >= 0) room.users.splice(index, 1);
}

/** Notes a coming or going; those with no message between them become one line, and who only passed by is not in it. */
function notice(turn: Turn, room: Room, user: UserRef, what: "joined" | "left"): void {
  if (room.phase !== "open" || room.hasNewer) return;
  const last = room.timeline.findLast((item) => !isLoose(item));
  if (last?.kind !== "notice") {
    insert(room.timeline, {
      kind: "notice",
      id: `notice-${turn.state.nextId++}`,
      // Right behind the newest message: no origin's name comes after a tilde.
      ts: room.newest,
      origin: "~",
      joined: what === "joined" ? [user] : [],
      left: what === "left" ? [user] : [],
    });
    return;
  }
  fold(last, user, what);
  if (last.joined.length + last.left.length === 0) room.timeline.splice(room.timeline.indexOf(last), 1);
}

function fold(into: Notice, user: UserRef, what: "joined" | "left"): void {
  const other = what === "joined" ? "left" : "joined";
  const index = into[other].findIndex((one) => one.uid === user.uid);
  if (index >= 0) into[other].splice(index, 1);
  else if (!into[what].some((one) => one.uid === user.uid)) into[what].push(user);
}

export function onTyping(turn: Turn, frame: Frame<"typing">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room || frame.uid === turn.state.me?.uid) return;
  room.typing = room.typing.filter((typist) => typist.uid !== frame.uid);
  if (frame.on) room.typing.push({ uid: frame.uid, name: frame.user, until: turn.now + TYPING_ENDS_MS });
}

export function tickPresence(turn: Turn): void {
  for (const room of turn.state.rooms) {
    if (room.typing.some((typist) => typist.until <= turn.now)) {
      room.typing = room.typing.filter((typist) => typist.until > turn.now);
    }
  }
}

/** The people of a room, by name, those away last. */
export function peopleOf(room: Room): UserRef[] {
  return [...room.users].sort(
    (a, b) => Number(a.away ?? false) - Number(b.away ?? false) || (a.name < b.name ? -1 : 1),
  );
}
