/**
 * Reading what is on the page once more, after a move to another node.
 *
 * The node that was left may have told of reactions and edits that this one learns of later, or not have known of some
 * that this one knows; `since` covers them all, so nothing brings them by itself. Quietly: nothing of this is new,
 * nothing is counted, and the reader stays where they are.
 */
import type { Frame } from "../protocol/frames";
import { AGAIN_WITHIN_MS, WINDOW_ITEMS_MAX } from "../protocol/limits";
import { fromView } from "./messages";
import { isAskedFor } from "./history";
import { currentRoom, type Message, type Room } from "./state";
import { findMessage, isPlaced, lastPlaced, place } from "./timeline";
import type { Turn } from "./turn";

/**
 * There is another link, or another node behind it. All who were on the lost node are here at once: by chance they do
 * not ask all in one moment.
 */
export function moved(turn: Turn): void {
  const at = turn.now + turn.moment.chance * AGAIN_WITHIN_MS;
  for (const room of turn.state.rooms) if (room.phase === "open") room.againAt = at;
}

/** Reads the room in front once more, when that is due; the others when they are opened. */
export function tickAgain(turn: Turn): void {
  const room = currentRoom(turn.state);
  if (!room || room.againAt === null || turn.now < room.againAt) return;
  if (room.phase !== "open" || room.catchingUp !== null || isAskedFor(turn, room)) return;
  room.againAt = null;
  const last = lastPlaced(room.timeline);
  if (last) ask(turn, room, last.ts + 1);
}

/** The newest come first: it is them that most are looking at. Of those who have read far back the last are enough. */
function ask(turn: Turn, room: Room, before: number): void {
  const oldest = Math.max(0, room.timeline.length - WINDOW_ITEMS_MAX);
  const held = room.timeline.slice(oldest, room.timeline.countBefore(before)).filter(isPlaced).length;
  if (held === 0) return;
  turn.ask(
    { type: "history", room: room.name, before, limit: Math.min(held, turn.state.limits.history) },
    { kind: "history", room: room.name, way: "again", edge: before },
  );
}

/** What is not on the page is left out: it is not for this to bring what was missed. */
export function takeAgain(turn: Turn, room: Room, frame: Frame<"history">, edge: number): void {
  for (const view of frame.messages) {
    const known = findMessage(room, view.id);
    const heard = fromView(view);
    if (known && !isSame(known, heard)) place(room, heard, true);
  }
  const oldest = frame.messages[0];
  if (frame.more && oldest && oldest.ts < edge) ask(turn, room, oldest.ts);
}

/** Mostly nothing has changed, and then nothing is drawn anew. */
function isSame(known: Message, heard: Message): boolean {
  const view = ({ ts, origin, text, edited, deleted, reactions }: Message): string =>
    JSON.stringify([ts, origin, text, edited, deleted, reactions]);
  return view(known) === view(heard);
}
