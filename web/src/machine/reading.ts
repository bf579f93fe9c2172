/** What has been read: unread counts, the line above the first unread message, the read marker. */
import type { Frame, MessageView, Vector } from "../protocol/frames";
import { READ_EVERY_MS } from "../protocol/limits";
import { currentRoom, findRoom, type Room } from "./state";
import type { Turn } from "./turn";
import { covers, isEmpty, merge } from "./vector";

/** The reader sees this room's newest message. */
export function isBeingRead(turn: Turn, room: Room): boolean {
  const { visible, current } = turn.state;
  return visible && current === room.name && room.following && !room.hasNewer && room.phase === "open";
}

/** Counts a new message that nobody may have seen. */
export function noteUnread(turn: Turn, room: Room, uid: string, id: string, ts: number): void {
  if (uid === turn.state.me?.uid) return;
  if (isBeingRead(turn, room)) {
    room.readDue = true;
    return;
  }
  if (ts >= room.newest && room.name === turn.state.current) room.below++;
  if (room.unread === 0 || room.firstUnread === null) room.firstUnread = id;
  room.unread++;
}

/** Those of `messages` that others wrote and that `read` does not cover. */
export function unreadOf(turn: Turn, read: Vector, messages: MessageView[]): MessageView[] {
  const me = turn.state.me?.uid;
  return messages.filter((view) => view.uid !== me && !covers(read, view.origin, view.seq));
}

/** Above `first`, the oldest on the page, come older ones: if it was the first unread, one of them is. */
export function moveFirstUnread(turn: Turn, room: Room, first: string, older: MessageView[]): void {
  if (room.firstUnread !== first || isEmpty(room.readAtEntry)) return;
  room.firstUnread = unreadOf(turn, room.readAtEntry, older)[0]?.id ?? first;
}

/** If the newest message is in view, all is read. */
export function markSeen(turn: Turn, room: Room): void {
  if (!isBeingRead(turn, room)) return;
  room.unread = 0;
  room.below = 0;
  room.readDue = true;
}

export function scrolled(turn: Turn, name: string, following: boolean): void {
  const room = findRoom(turn.state, name);
  if (!room || room.phase !== "open") return;
  room.following = following && !room.hasNewer;
  markSeen(turn, room);
}

export function visibleChanged(turn: Turn, on: boolean): void {
  turn.state.visible = on;
  const room = currentRoom(turn.state);
  if (!room) return;
  if (on) markSeen(turn, room);
  else if (room.unread === 0) room.firstUnread = null;
}

/** Tells the read marker, not too often. */
export function tickReading(turn: Turn): void {
  if (turn.state.link.phase !== "up") return;
  for (const room of turn.state.rooms) {
    if (!room.readDue || room.catchingUp !== null || turn.now - room.readTold < READ_EVERY_MS) continue;
    room.readDue = false;
    const news = Object.keys(room.since).some(
      (origin) => !covers(room.read, origin, room.since[origin] ?? 0),
    );
    if (!news) continue;
    room.readTold = turn.now;
    merge(room.read, room.since);
    turn.ask({ type: "read", room: room.name, since: { ...room.read } }, { kind: "other" });
  }
}

/** The user has read on elsewhere. */
export function onRead(turn: Turn, frame: Frame<"read">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  merge(room.read, frame.since);
  const all = Object.keys(room.since).every((origin) => covers(room.read, origin, room.since[origin] ?? 0));
  if (!all) return;
  room.unread = 0;
  if (room.name !== turn.state.current) room.firstUnread = null;
}
