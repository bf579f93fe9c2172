/** Who is in a room, who comes and goes, who types. */
import type { Frame, UserRef } from "../protocol/frames";
import { TYPING_ENDS_MS } from "../protocol/limits";
import { People } from "./people";
import { findRoom, type Item, type Notice, type Room } from "./state";
import { insert, isLoose, remove, replace } from "./timeline";
import type { Turn } from "./turn";

export function onUserJoin(turn: Turn, frame: Frame<"user_join">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.total = frame.total;
  const was = room.users.byId(frame.user.uid) !== undefined;
  room.users = room.users.changed([frame.user], []);
  if (!was && frame.user.uid !== turn.state.me?.uid) notice(turn, room, frame.user, "joined");
}

export function onUserLeave(turn: Turn, frame: Frame<"user_leave">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.total = frame.total;
  room.users = room.users.changed([], [frame.uid]);
  stopTyping(room, frame.uid);
  if (frame.uid !== turn.state.me?.uid) notice(turn, room, { name: frame.user, uid: frame.uid }, "left");
}

export function onUserListUpdate(turn: Turn, frame: Frame<"user_list_update">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  room.total = frame.total;
  const users = frame.users ? People.of(frame.users) : room.users;
  room.users = users.changed(frame.joined ?? [], frame.left ?? []);
}

export function onAway(turn: Turn, frame: Frame<"away">): void {
  for (const room of turn.state.rooms) {
    if (room.name !== frame.room) continue;
    const user = room.users.byId(frame.uid);
    if (user) room.users = room.users.changed([{ ...user, away: frame.on }], []);
  }
}

/** Notes a coming or going; those with no message between them become one line, and who only passed by is not in it. */
function notice(turn: Turn, room: Room, user: UserRef, what: "joined" | "left"): void {
  if (room.phase !== "open" || room.hasNewer) return;
  const last = room.timeline.findLast((item): item is Item => !isLoose(item));
  if (last?.kind !== "notice") {
    insert(room, {
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
  const folded = fold(last, user, what);
  if (folded.joined.length + folded.left.length === 0) remove(room, last);
  else replace(room, last, folded);
}

function fold(into: Notice, user: UserRef, what: "joined" | "left"): Notice {
  const other = what === "joined" ? "left" : "joined";
  const isUser = (one: UserRef) => one.uid === user.uid;
  if (into[other].some(isUser)) return { ...into, [other]: into[other].filter((one) => !isUser(one)) };
  return into[what].some(isUser) ? into : { ...into, [what]: [...into[what], user] };
}

export function onTyping(turn: Turn, frame: Frame<"typing">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room || frame.uid === turn.state.me?.uid) return;
  stopTyping(room, frame.uid);
  if (frame.on) room.typing.push({ uid: frame.uid, name: frame.user, until: turn.now + TYPING_ENDS_MS });
}

/** Mostly nobody did, and then nothing changes. */
export function stopTyping(room: Room, uid: string): void {
  if (room.typing.some((typist) => typist.uid === uid))
    room.typing = room.typing.filter((typist) => typist.uid !== uid);
}

export function tickPresence(turn: Turn): void {
  for (const room of turn.state.rooms) {
    if (room.typing.some((typist) => typist.until <= turn.now)) {
      room.typing = room.typing.filter((typist) => typist.until > turn.now);
    }
  }
}

/** The people of a room, by name, those away last. */
export function peopleOf(room: Room): readonly UserRef[] {
  return room.users.listed();
}
