/**
 * The order of a room's items: what is where, found by id or by place, at the cost of the one that is looked for and
 * not of all that are there.
 *
 * A `Timeline` is a handle on the items. Every change gives a new handle, by which the views learn of it, and the old
 * one is not used any more: items are not copied. The items themselves are never changed, only replaced.
 */
import type { Item, Message } from "./room";

/** At `at`, `removed` items went and `added` came. */
export interface Splice {
  at: number;
  removed: number;
  added: number;
}

/** Changes of the order that are kept for those who follow it; who is further behind looks at all of it anew. */
const SPLICES_KEPT = 64;

interface Body {
  items: Item[];
  byId: Map<string, Item>;
  /** The last changes of the order, and how many there were in all. */
  splices: Splice[];
  changes: number;
}

export class Timeline implements Iterable<Item> {
  private constructor(
    private readonly body: Body,
    /** Changes of the order before this handle. */
    private readonly changes: number,
  ) {}

  /** Items in whatever order; of those of one id the last stands. */
  static of(items: readonly Item[] = []): Timeline {
    const byId = new Map(items.map((item) => [item.id, item]));
    const ordered = items.length === byId.size ? [...items] : [...byId.values()];
    if (ordered.some((item, i) => i > 0 && compareItems(ordered[i - 1] as Item, item) > 0))
      ordered.sort(compareItems);
    return new Timeline({ items: ordered, byId, splices: [], changes: 0 }, 0);
  }

  get length(): number {
    return this.body.items.length;
  }

  at(index: number): Item | undefined {
    return this.body.items.at(index);
  }

  byId(id: string): Item | undefined {
    return this.body.byId.get(id);
  }

  /** Where the item of that id is; -1 if there is none. */
  indexOf(id: string): number {
    const item = this.body.byId.get(id);
    return item ? this.indexOfItem(item) : -1;
  }

  slice(from: number, to: number): Item[] {
    return this.body.items.slice(from, to);
  }

  some(test: (item: Item) => boolean): boolean {
    return this.body.items.some(test);
  }

  filter<T extends Item>(test: (item: Item) => item is T): T[] {
    return this.body.items.filter(test);
  }

  find<T extends Item>(test: (item: Item) => item is T): T | undefined {
    return this.body.items.find(test);
  }

  findLast<T extends Item>(test: (item: Item) => item is T): T | undefined {
    return this.body.items.findLast(test);
  }

  [Symbol.iterator](): IterableIterator<Item> {
    return this.body.items.values();
  }

  /** How many items have a place before `ts`. */
  countBefore(ts: number): number {
    return this.search((item) => !isLoose(item) && item.ts < ts);
  }

  /** Our message that no node has answered for yet, of that writer and nonce. They are few, and at the end. */
  looseOf(uid: string, nonce: string): Message | undefined {
    const { items } = this.body;
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i] as Item;
      if (item.kind !== "message" || item.status === "sent") break;
      if (item.nonce === nonce && item.uid === uid) return item;
    }
    return undefined;
  }

  /** With items that are not here yet, in their order. Those that stand together are put in at once. */
  inserted(added: readonly Item[]): Timeline {
    const { items, byId } = this.body;
    for (let done = 0; done < added.length;) {
      const first = added[done] as Item;
      const at = this.placeOf(first);
      const next = items[at];
      let end = done + 1;
      while (end < added.length && (!next || compareItems(next, added[end] as Item) > 0)) end++;
      const run = added.slice(done, end);
      if (next) items.splice(at, 0, ...run);
      else items.push(...run);
      for (const item of run) byId.set(item.id, item);
      this.note({ at, removed: 0, added: run.length });
      done = end;
    }
    return this.next();
  }

  /** Without `count` items from `at` on. */
  removed(at: number, count: number): Timeline {
    for (const item of this.body.items.splice(at, count)) this.body.byId.delete(item.id);
    this.note({ at, removed: count, added: 0 });
    return this.next();
  }

  /** With another in the place of an item: it keeps its id and its place in the order. */
  replaced(item: Item, other: Item): Timeline {
    const at = this.indexOfItem(item);
    if (at < 0) return this;
    this.body.items[at] = other;
    this.body.byId.set(other.id, other);
    return this.next();
  }

  /** What has changed in the order since an earlier handle; null if that is not known. */
  since(earlier: Timeline): Splice[] | null {
    if (earlier.body !== this.body) return null;
    const missed = this.body.changes - earlier.changes;
    const { splices } = this.body;
    return missed > splices.length ? null : splices.slice(splices.length - missed);
  }

  private next(): Timeline {
    return new Timeline(this.body, this.body.changes);
  }

  private note(splice: Splice): void {
    const { splices } = this.body;
    this.body.changes++;
    splices.push(splice);
    if (splices.length > 2 * SPLICES_KEPT) splices.splice(0, SPLICES_KEPT);
  }

  /** Behind all that do not come after it; almost all come last. */
  private placeOf(item: Item): number {
    const last = this.body.items.at(-1);
    if (!last || compareItems(last, item) <= 0) return this.length;
    return this.search((other) => compareItems(other, item) <= 0);
  }

  private indexOfItem(item: Item): number {
    const { items } = this.body;
    let index = this.search((other) => compareItems(other, item) < 0);
    // Few share one place: notices, and what was written in one millisecond.
    while (index < items.length && items[index]?.id !== item.id) index++;
    return index < items.length ? index : -1;
  }

  /** The first that does not pass a test which all before it pass. */
  private search(passes: (item: Item) => boolean): number {
    let low = 0;
    let high = this.body.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (passes(this.body.items[middle] as Item)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

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

export function isPlaced(item: Item): item is Message {
  return item.kind === "message" && item.status === "sent";
}
