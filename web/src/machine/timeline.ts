/**
 * A room's messages on the page: ordered by `(ts, origin)`, each once.
 *
 * Every way a message can come (live, in a page, as an acknowledgement, again at another place) ends in `place`,
 * so that they may overlap in any order.
 */
import type { Change, Item, Message, Room } from "./state";
import { comparePlaces, isLoose, isPlaced, type Timeline } from "./sequence";

export { comparePlaces, isLoose, isPlaced };

export function findMessage(room: Room, id: string): Message | undefined {
  const item = room.timeline.byId(id);
  return item?.kind === "message" ? item : undefined;
}

/** Puts an item that is not here yet at its place. */
export function insert(room: Room, item: Item): void {
  room.timeline = room.timeline.inserted([item]);
}

export function remove(room: Room, item: Item): void {
  const index = room.timeline.indexOf(item.id);
  if (index >= 0) room.timeline = room.timeline.removed(index, 1);
}

/** Puts another in the place of an item. */
export function replace(room: Room, item: Item, other: Item): void {
  room.timeline = room.timeline.replaced(item, other);
}

/** Whether a message of that time belongs to the stretch that is on the page. */
export function withinWindow(room: Room, ts: number): boolean {
  if (room.hasOlder) {
    const first = firstPlaced(room.timeline);
    if (!first || ts < first.ts) return false;
  }
  if (room.hasNewer) {
    const last = lastPlaced(room.timeline);
    if (!last || ts > last.ts) return false;
  }
  return true;
}

export type Placed = "new" | "known" | "moved" | "outside";

/**
 * Takes in a message that has a place. `whole` says that it comes as it is now, from a page; a live frame may be
 * older than the changes that came with it.
 */
export function place(room: Room, message: Message, whole: boolean): Placed {
  if (message.ts > room.newest) room.newest = message.ts;
  const known = knownAs(room.timeline, message);
  if (known) return placeAgain(room, known, message, whole);
  if (!withinWindow(room, message.ts)) return "outside";
  insert(room, message);
  return "new";
}

/** Takes in a page of messages, in their order. Most are new, and are put in together. */
export function placeAll(room: Room, messages: Message[]): void {
  const fresh = new Map<string, Message>();
  for (const message of messages) {
    if (knownAs(room.timeline, message) || !withinWindow(room, message.ts)) place(room, message, true);
    else fresh.set(message.id, message);
  }
  if (fresh.size === 0) return;
  const run = [...fresh.values()].sort(comparePlaces);
  room.timeline = room.timeline.inserted(run);
  room.newest = Math.max(room.newest, run[run.length - 1]?.ts ?? 0);
}

/** The message of that id, or, as ids are known only once a node has answered, of the same writer and nonce. */
export function knownAs(timeline: Timeline, message: Message): Message | undefined {
  const item = timeline.byId(message.id);
  if (item?.kind === "message") return item;
  return message.nonce === "" ? undefined : timeline.looseOf(message.uid, message.nonce);
}

/** A message that is here already: what changed is taken over, and it stands at the smaller of its two places. */
function placeAgain(room: Room, known: Message, message: Message, whole: boolean): Placed {
  const confirmed = known.status !== "sent";
  const moves = confirmed || comparePlaces(message, known) < 0;
  const next = changed(known, {
    ...(message.edited !== null ? { text: message.text, edited: message.edited } : {}),
    ...(message.deleted ? { deleted: true } : {}),
    ...(whole || Object.keys(message.reactions).length > 0 ? { reactions: message.reactions } : {}),
  });
  if (message.late) next.late = true;
  if (!moves) {
    replace(room, known, next);
    return "known";
  }
  remove(room, known);
  Object.assign(next, { id: message.id, ts: message.ts, origin: message.origin });
  next.status = "sent";
  next.problem = null;
  if (confirmed && message.text !== "" && next.edited === null && !next.deleted) next.text = message.text;
  if (!withinWindow(room, next.ts)) return "outside";
  insert(room, next);
  return confirmed ? "known" : "moved";
}

/** A message with what has become of it. Delete is final; of two texts the later edit stands. */
export function changed(message: Message, change: Change): Message {
  const next = { ...message };
  if (change.deleted) {
    next.deleted = true;
    next.text = "";
    next.reactions = {};
  }
  if (next.deleted) return next;
  if (change.text !== undefined && change.edited !== undefined && change.edited >= (next.edited ?? 0)) {
    next.text = change.text;
    next.edited = change.edited;
  }
  if (change.reactions) next.reactions = change.reactions;
  return next;
}

export function firstPlaced(timeline: Timeline): Message | undefined {
  return timeline.find(isPlaced);
}

export function lastPlaced(timeline: Timeline): Message | undefined {
  return timeline.findLast(isPlaced);
}

/** Drops the oldest items until `kept` are left. A cut never goes between two messages of one time. */
export function trimOldest(room: Room, kept: number): void {
  const timeline = room.timeline;
  let cut = timeline.length - kept;
  if (cut <= 0) return;
  while (cut > 0 && timeline.at(cut - 1)?.ts === timeline.at(cut)?.ts) cut--;
  const last = lastPlaced(timeline);
  if (cut === 0 || !last || timeline.indexOf(last.id) < cut) return;
  room.timeline = timeline.removed(0, cut);
  room.hasOlder = true;
}

/** Drops the newest items until `kept` are left; messages without a place stay. */
export function trimNewest(room: Room, kept: number): void {
  const timeline = room.timeline;
  let cut = Math.min(kept, timeline.length);
  while (cut > 0 && cut < timeline.length && timeline.at(cut - 1)?.ts === timeline.at(cut)?.ts) cut++;
  let end = timeline.length;
  while (end > cut && isLoose(timeline.at(end - 1) as Item)) end--;
  const first = firstPlaced(timeline);
  if (end <= cut || !first || timeline.indexOf(first.id) >= cut) return;
  room.timeline = timeline.removed(cut, end - cut);
  room.hasNewer = true;
}

/** What stays the same when a pending message gets its id: what is drawn of it is so the same all along. */
export function keyOf(item: Item): string {
  return item.kind === "message" && item.nonce !== "" ? `${item.uid} ${item.nonce}` : item.id;
}
