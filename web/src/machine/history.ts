/**
 * Pages of history: scrolling back and forth, jumping to the newest, reading what was missed.
 *
 * While a page is on its way live frames go on coming, and the page may or may not hold what they say. They are set
 * aside in `arrived` and applied once more after it; all of it is idempotent.
 */
import type { Frame, MessageView } from "../protocol/frames";
import {
  CATCH_UP_EVENTS,
  CATCH_UP_PAGES_MAX,
  OPEN_MESSAGES,
  PAGE_MESSAGES,
  READ_ITEMS_KEPT,
  READ_ITEMS_MAX,
} from "../protocol/limits";
import { fromView, plain, takeChange } from "./messages";
import { looseMessages } from "./outbox";
import { markSeen, moveFirstUnread } from "./reading";
import { takeAgain } from "./again";
import { reopen, takeMissed } from "./rooms";
import { findRoom, isDirect, type Question, type Room } from "./state";
import { Timeline } from "./sequence";
import { firstPlaced, insert, lastPlaced, place, placeAll, trimNewest, trimOldest } from "./timeline";
import { forgetQuestions, isAsked, type Turn } from "./turn";
import { advance } from "./vector";

type HistoryQuestion = Extract<Question, { kind: "history" }>;

/** A page of the room is on its way. */
export function isAskedFor(turn: Turn, room: Room): boolean {
  return isAsked(
    turn.state,
    (q) => (q.kind === "history" || q.kind === "join" || q.kind === "around") && q.room === room.name,
  );
}

/** One that changes where the window ends. */
function isMoving(turn: Turn, room: Room): boolean {
  return isAsked(
    turn.state,
    (q) =>
      (q.kind === "join" || q.kind === "around" || (q.kind === "history" && q.way !== "again")) &&
      q.room === room.name,
  );
}

export function askOlder(turn: Turn, room: Room): void {
  const first = firstPlaced(room.timeline);
  if (!room.hasOlder || !first || turn.state.link.phase !== "up" || isMoving(turn, room)) return;
  turn.ask(
    { type: "history", room: room.name, before: first.ts, limit: PAGE_MESSAGES },
    { kind: "history", room: room.name, way: "older", edge: first.ts },
  );
}

export function askNewer(turn: Turn, room: Room): void {
  const last = lastPlaced(room.timeline);
  if (!room.hasNewer || !last || turn.state.link.phase !== "up" || isMoving(turn, room)) return;
  turn.ask(
    { type: "history", room: room.name, after: last.ts, limit: PAGE_MESSAGES },
    { kind: "history", room: room.name, way: "newer", edge: last.ts },
  );
}

/** Lets go of the window and opens the newest messages. */
export function askNewest(turn: Turn, room: Room): void {
  if (room.phase === "none") room.phase = "loading";
  forgetQuestions(turn.state, (q) => q.kind === "history" && q.room === room.name && q.way !== "missed");
  turn.ask(
    { type: "history", room: room.name, limit: OPEN_MESSAGES },
    { kind: "history", room: room.name, way: "newest", edge: 0 },
  );
}

/** Asks for the next page of what was missed, or, after many, opens the room afresh. */
export function askMissed(turn: Turn, room: Room): void {
  if ((room.catchingUp ?? 0) >= CATCH_UP_PAGES_MAX) return reopen(turn, room);
  room.catchingUp ??= 0;
  turn.ask(
    { type: "history", room: room.name, since: { ...room.since }, limit: CATCH_UP_EVENTS },
    { kind: "history", room: room.name, way: "missed", edge: 0 },
  );
}

export function newestWanted(turn: Turn, room: Room): void {
  if (room.hasNewer) return askNewest(turn, room);
  room.following = true;
  markSeen(turn, room);
}

export function onHistory(turn: Turn, frame: Frame<"history">, question: HistoryQuestion): void {
  const room = findRoom(turn.state, question.room);
  if (!room) return;
  switch (question.way) {
    case "older":
      takeOlder(turn, room, frame, question.edge);
      break;
    case "newer":
      takeNewer(room, frame, question.edge);
      break;
    case "newest":
      takeNewest(turn, room, frame);
      break;
    case "again":
      takeAgain(turn, room, frame, question.edge);
      break;
    case "missed":
      takeMissed(turn, room, frame, frame.since ?? room.since);
      break;
  }
  drainArrived(turn, room);
  markSeen(turn, room);
}

function takeOlder(turn: Turn, room: Room, frame: Frame<"history">, edge: number): void {
  const first = firstPlaced(room.timeline);
  if (!first || first.ts > edge) return;
  room.hasOlder = false;
  placeAll(room, frame.messages.map(fromView));
  moveFirstUnread(turn, room, first.id, frame.messages);
  room.hasOlder = frame.more && frame.messages.length > 0;
  if (room.timeline.length > READ_ITEMS_MAX) {
    trimNewest(room, READ_ITEMS_KEPT);
    if (room.hasNewer) room.following = false;
  }
}

function takeNewer(room: Room, frame: Frame<"history">, edge: number): void {
  const last = lastPlaced(room.timeline);
  if (!last || last.ts < edge) return;
  room.hasNewer = false;
  placeAll(room, frame.messages.map(fromView));
  room.hasNewer = frame.more && frame.messages.length > 0;
  if (room.timeline.length > READ_ITEMS_MAX) trimOldest(room, READ_ITEMS_KEPT);
}

function takeNewest(turn: Turn, room: Room, frame: Frame<"history">): void {
  const opening = room.phase !== "open";
  fill(turn, room, frame.messages, frame.more);
  if (!isDirect(room.name)) return;
  // Nobody joins a direct conversation, so no answer says what is held; the page does.
  if (opening) room.since = {};
  for (const view of frame.messages) advance(room.since, view.origin, view.seq);
}

/** The room is what this page says, and what we have not yet got through to the node. */
export function fill(turn: Turn, room: Room, messages: MessageView[], more: boolean): void {
  room.phase = "open";
  room.againAt = null;
  room.timeline = Timeline.of(messages.map(fromView));
  room.hasOlder = more;
  room.hasNewer = false;
  room.following = true;
  room.below = 0;
  room.newest = messages.reduce((newest, view) => Math.max(newest, view.ts), room.newest);
  for (const message of looseMessages(turn.state, room.name)) {
    const known = messages.some((view) => view.nonce === message.nonce && view.uid === message.uid);
    if (!known) insert(room, message);
  }
}

/** The room's window is these messages, from somewhere within it. What has no place yet waits at the end, out of it. */
export function show(turn: Turn, room: Room, messages: MessageView[]): void {
  fill(turn, room, messages, true);
  room.hasNewer = true;
  room.following = false;
}

/** Applies the frames that came while a page was on its way, once none is any more. */
export function drainArrived(turn: Turn, room: Room): void {
  if (isAskedFor(turn, room)) return;
  const arrived = plain(room.arrived);
  if (arrived.length > 0) room.arrived = [];
  for (const one of arrived) {
    if (one.type === "message") place(room, one.message, false);
    else takeChange(room, one.id, one.change);
  }
}
