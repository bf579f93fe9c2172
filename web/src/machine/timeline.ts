/**
 * A room's messages on the page: ordered by `(ts, origin)`, each once.
 *
 * Every way a message can come (live, in a page, as an acknowledgement, again at another place) ends in `place`,
 * so that they may overlap in any order.
 */
import type { Change, Item, Message, Room } from "./state";

interface Place {
  ts: number;
  origin: string;
}

/** Origins are compared by their code units, as every node does; all are ASCII. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.ts !== b.ts) return a.ts < b.ts ? -1 : 1;
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1;
  return 0;
}

/** Messages without a place stand behind those that have one, in the order they were written. */
function compareItems(a: Item, b: Item): number {
  const aLoose = isLoose(a);
  const bLoose = isLoose(b);
  if (aLoose !== bLoose) return aLoose ? 1 : -1;
  return comparePlaces(a, b);
}

/** A message that no node has given a place yet. */
export function isLoose(item: Item): boolean {
  return item.kind === "message" && item.status !== "sent";
}

export function indexOfId(timeline: Item[], id: string): number {
  // What is looked for is mostly new.
  for (let i = timeline.length - 1; i >= 0; i--) if (timeline[i]?.id === id) return i;
  return -1;
}

/** A message of that id, or, as ids are known only once a node has answered, of the same writer and nonce. */
export function indexOfMessage(timeline: Item[], id: string, uid: string, nonce: string): number {
  for (let i = timeline.length - 1; i >= 0; i--) {
    const item = timeline[i];
    if (item?.kind !== "message") continue;
    if (item.id === id || (nonce !== "" && item.nonce === nonce && item.uid === uid)) return i;
  }
  return -1;
}

export function findMessage(room: Room, id: string): Message | undefined {
  const item = room.timeline[indexOfId(room.timeline, id)];
  return item?.kind === "message" ? item : undefined;
}

/** Puts an item at its place; binary search, as almost all come last. */
export function insert(timeline: Item[], item: Item): void {
  let low = 0;
  let high = timeline.length;
  const last = timeline[high - 1];
  if (last && compareItems(last, item) <= 0) low = high;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = timeline[middle] as Item;
    if (compareItems(other, item) <= 0) low = middle + 1;
    else high = middle;
  }
  if (low === timeline.length) timeline.push(item);
  else timeline.splice(low, 0, item);
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
  const index = indexOfMessage(room.timeline, message.id, message.uid, message.nonce);
  const known = room.timeline[index];
  if (known?.kind === "message") return placeAgain(room, index, known, message, whole);
  if (!withinWindow(room, message.ts)) return "outside";
  insert(room.timeline, message);
  return "new";
}

/** A message that is here already: what changed is taken over, and it stands at the smaller of its two places. */
function placeAgain(room: Room, index: number, known: Message, message: Message, whole: boolean): Placed {
  const confirmed = known.status !== "sent";
  const moves = confirmed || comparePlaces(message, known) < 0;
  applyTo(known, {
    ...(message.edited !== null ? { text: message.text, edited: message.edited } : {}),
    ...(message.deleted ? { deleted: true } : {}),
    ...(whole || Object.keys(message.reactions).length > 0 ? { reactions: message.reactions } : {}),
  });
  if (message.late) known.late = true;
  if (!moves) return "known";
  room.timeline.splice(index, 1);
  known.id = message.id;
  known.ts = message.ts;
  known.origin = message.origin;
  known.status = "sent";
  known.problem = null;
  if (confirmed && message.text !== "" && known.edited === null && !known.deleted) known.text = message.text;
  if (!withinWindow(room, known.ts)) return "outside";
  insert(room.timeline, known);
  return confirmed ? "known" : "moved";
}

/** Applies what has become of a message. Delete is final; of two texts the later edit stands. */
export function applyTo(message: Message, change: Change): void {
  if (change.deleted) {
    message.deleted = true;
    message.text = "";
    message.reactions = {};
  }
  if (message.deleted) return;
  if (change.text !== undefined && change.edited !== undefined && change.edited >= (message.edited ?? 0)) {
    message.text = change.text;
    message.edited = change.edited;
  }
  if (change.reactions) message.reactions = change.reactions;
}

export function firstPlaced(timeline: Item[]): Message | undefined {
  return timeline.find((item): item is Message => item.kind === "message" && item.status === "sent");
}

export function lastPlaced(timeline: Item[]): Message | undefined {
  for (let i = timeline.length - 1; i >= 0; i--) {
    const item = timeline[i];
    if (item?.kind === "message" && item.status === "sent") return item;
  }
  return undefined;
}

/** Drops the oldest items until `kept` are left. A cut never goes between two messages of one time. */
export function trimOldest(room: Room, kept: number): void {
  const timeline = room.timeline;
  let cut = timeline.length - kept;
  if (cut <= 0) return;
  while (cut > 0 && timeline[cut - 1]?.ts === timeline[cut]?.ts) cut--;
  if (cut === 0 || !timeline.slice(cut).some(isPlaced)) return;
  timeline.splice(0, cut);
  room.hasOlder = true;
}

/** Drops the newest items until `kept` are left; messages without a place stay. */
export function trimNewest(room: Room, kept: number): void {
  const timeline = room.timeline;
  let cut = Math.min(kept, timeline.length);
  while (cut < timeline.length && timeline[cut - 1]?.ts === timeline[cut]?.ts) cut++;
  let end = timeline.length;
  while (end > cut && isLoose(timeline[end - 1] as Item)) end--;
  if (end <= cut || !timeline.slice(0, cut).some(isPlaced)) return;
  timeline.splice(cut, end - cut);
  room.hasNewer = true;
}

export function isPlaced(item: Item): boolean {
  return item.kind === "message" && item.status === "sent";
}
