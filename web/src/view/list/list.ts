/**
 * The list of a room's messages: a few rows around what the reader looks at, space for the others, and the reader's
 * place kept, whatever comes above or below it.
 *
 * A reader at the end stays there. For any other the first row that begins in view is the anchor: it stays where it is, to the
 * pixel, while rows above it come, go, or turn out to be higher than was thought. Mostly that is taken from the space
 * above (`shift`); the scroll position itself is set right once the reader rests, as a scroll under way would break off.
 */
import { createSignal, untrack, type Accessor } from "solid-js";
import type { Item } from "../../machine/state";
import type { Timeline } from "../../machine/sequence";
import { keyOf } from "../../machine/timeline";
import { setRows, setSpaces } from "./rows";
import { covers, spanOf, type Sight, type Span } from "./span";
import { Sums } from "./sums";
import type { Entry, ListSource, MessageList, Shown } from "./types";

/** Pixels from the end that still count as being there. */
const END_SLACK_PX = 48;
/** How near to an end of what is loaded, in heights of the view, more is fetched. */
const FETCH_AHEAD_VIEWS = 2.5;
/** A row's height until one has been seen. */
const ROW_PX = 44;
/** After the last movement the reader rests. */
const REST_MS = 150;
/** A page that is not in front draws no frames; what came meanwhile is shown this often. */
const FRAME_WAIT_MS = 250;
/** Rows come, are measured, and may leave room for more; after this many rounds the rest waits for the next frame. */
const ROUNDS_MAX = 4;
/** Items of the first step of opening: what the eye is on, at the end; the rest is there one frame later. */
const FIRST_ITEMS = 4;

interface Anchor {
  index: number;
  /** Where it is in the view, in pixels from its top. */
  y: number;
}

export function createList(source: ListSource): MessageList {
  const [shown, setShown] = createSignal<Shown>({ keys: [], entries: new Map() });
  const [atTop, setAtTop] = createSignal<string | null>(null);
  const heights = new Sums();
  let view: HTMLElement | undefined;
  let content!: HTMLElement;
  let rows!: Accessor<HTMLElement[]>;
  let seen: Timeline | null = null;
  let span: Span = { first: 0, end: 0 };
  let indexes: number[] = [];
  let anchor: Anchor | null = null;
  let shift = 0;
  let viewHeight = 0;
  let moved = -Infinity;
  let own = { top: NaN, at: 0 };
  let drawn: { timeline: Timeline; first: number; end: number } | null = null;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  let late: ReturnType<typeof setTimeout> | undefined;
  let due = false;
  let busy = false;

  const resting = () => performance.now() - moved >= REST_MS;

  /** Takes over what has changed in the order. */
  const follow = (timeline: Timeline): void => {
    if (timeline === seen) return;
    const splices = seen && timeline.since(seen);
    seen = timeline;
    const guess = meanHeight();
    if (!splices) {
      heights.splice(0, heights.length, new Array<number>(timeline.length).fill(guess));
      anchor = null;
      shift = 0;
      return;
    }
    for (const { at, removed, added } of splices) {
      heights.splice(at, removed, new Array<number>(added).fill(guess));
      if (!anchor || at > anchor.index) continue;
      anchor.index = at + removed <= anchor.index ? anchor.index + added - removed : at + added;
    }
    if (anchor) anchor.index = Math.max(0, Math.min(anchor.index, heights.length - 1));
  };

  const meanHeight = (): number => {
    const length = span.end - span.first;
    if (length < FIRST_ITEMS || span.end > heights.length) return ROW_PX;
    return (heights.before(span.end) - heights.before(span.first)) / length;
  };

  const sight = (): Sight => {
    const end = Math.max(0, heights.total - viewHeight);
    const top = source.following() || !anchor ? end : heights.before(anchor.index) - anchor.y;
    return { top, height: viewHeight };
  };

  /** The row that has the focus stays, however far it is scrolled away. */
  const focusedRow = (): HTMLElement | undefined => {
    const active = document.activeElement;
    if (!active || !content.contains(active)) return undefined;
    return rows().find((row) => row.contains(active));
  };

  const draw = (timeline: Timeline): void => {
    if (drawn?.timeline === timeline && drawn.first === span.first && drawn.end === span.end) return;
    drawn = { timeline, ...span };
    const before = rows();
    const focused = focusedRow();
    const focusedAt = focused ? before.indexOf(focused) : -1;
    const focusedItem = shown().entries.get(shown().keys[focusedAt] ?? "")?.item;
    const pinned = focusedItem ? timeline.indexOf(focusedItem.id) : -1;
    const items = timeline.slice(Math.max(0, span.first - 1), span.end);
    const entries = new Map<string, Entry>();
    indexes = [];
    const add = (index: number, item: Item | undefined, previous: Item | undefined) => {
      if (!item || entries.has(keyOf(item))) return;
      entries.set(keyOf(item), { item, previous });
      indexes.push(index);
    };
    const addPinned = () =>
      add(pinned, timeline.at(pinned), pinned > 0 ? timeline.at(pinned - 1) : undefined);
    if (pinned >= 0 && pinned < span.first) addPinned();
    const skipped = span.first > 0 ? 1 : 0;
    for (let i = skipped; i < items.length; i++) add(span.first + i - skipped, items[i], items[i - 1]);
    if (pinned >= span.end) addPinned();
    setShown({ keys: [...entries.keys()], entries });
    setRows(content, rows());
    // A message that is no more gives the focus to the one that stands there now.
    if (focused && !focused.isConnected) focusArticle(rows()[Math.min(focusedAt, rows().length - 1)]);
  };

  /** True if a height was not as thought. */
  const measure = (): boolean => {
    let news = false;
    rows().forEach((row, i) => {
      const index = indexes[i] ?? 0;
      const height = row.getBoundingClientRect().height;
      if (height === 0 || Math.abs(height - heights.at(index)) < 0.01) return;
      heights.set(index, height);
      news = true;
    });
    return news;
  };

  const contentTop = (): number =>
    content.getBoundingClientRect().top - (view?.getBoundingClientRect().top ?? 0) + (view?.scrollTop ?? 0);

  const space = () => setSpaces(content, rows(), indexes, heights, shift);

  /** What stands above the message in its row, a day's name say: it is the message that stays in its place. */
  const leadOf = (index: number): number => {
    const row = rows()[indexes.indexOf(index)];
    const article = row?.querySelector("article");
    return row && article ? article.getBoundingClientRect().top - row.getBoundingClientRect().top : 0;
  };

  const setTop = (top: number): void => {
    if (!view || Math.abs(view.scrollTop - top) < 0.5) return;
    view.scrollTop = top;
    own = { top: view.scrollTop, at: performance.now() };
  };

  /** Puts the reader to their place. */
  const settle = (): void => {
    if (!view) return;
    if (source.following() || !anchor) {
      shift = 0;
      space();
      setTop(view.scrollHeight - view.clientHeight);
      return;
    }
    const wanted = contentTop() + heights.before(anchor.index) + leadOf(anchor.index) - anchor.y;
    const above = heights.before(indexes[0] ?? 0);
    shift = view.scrollTop - wanted;
    if (resting() || above + shift < 0) {
      // The browser scrolls by whole pixels; the fraction is in the space above.
      const top = Math.max(0, Math.ceil(wanted - 0.01));
      shift = Math.max(-above, Math.min(1, top - wanted));
      space();
      setTop(top);
    } else space();
  };

  const sync = (): void => {
    if (!view) return;
    if (busy) {
      due = true;
      return;
    }
    busy = true;
    due = false;
    untrack(() => {
      const timeline = source.timeline();
      follow(timeline);
      if (viewHeight === 0) viewHeight = view?.clientHeight ?? 0;
      const whole = source.whole();
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const end = timeline.length;
        span = whole ? spanOf(heights, sight()) : { first: Math.max(0, end - FIRST_ITEMS), end };
        draw(timeline);
        if (!whole) break;
        space();
        if (!measure() || covers(span, heights, sight())) break;
      }
      if (whole) settle();
      else setTop(view?.scrollHeight ?? 0);
      noteTop();
      source.drawn(shown());
    });
    busy = false;
    fetchAhead();
    if (due && frame === 0) changed();
  };

  const noteTop = (): void => {
    if (heights.length === 0) return void setAtTop(null);
    const { top } = sight();
    const first = heights.indexAt(top);
    setAtTop(seen?.slice(first, first + 8).find((item) => item.kind === "message")?.id ?? null);
  };

  const fetchAhead = (): void => {
    // What has come and is not taken over yet may be enough.
    if (!source.whole() || viewHeight === 0 || source.timeline() !== seen) return;
    const { top, height } = sight();
    const ahead = height * FETCH_AHEAD_VIEWS;
    if (top < ahead) source.nearTop();
    if (heights.total - top - height < ahead) source.nearEnd();
  };

  const changed = (): void => {
    if (frame !== 0) {
      due = true;
      return;
    }
    sync();
    const next = () => {
      cancelAnimationFrame(frame);
      clearTimeout(late);
      frame = 0;
      if (due) changed();
    };
    frame = requestAnimationFrame(next);
    late = setTimeout(next, FRAME_WAIT_MS);
  };

  const scrolled = (): void => {
    if (!view || heights.length === 0) return;
    const top = view.scrollTop;
    const mine = top === own.top && performance.now() - own.at < REST_MS;
    own = { top: NaN, at: 0 };
    if (mine) return;
    moved = performance.now();
    clearTimeout(rest);
    rest = setTimeout(() => !source.following() && sync(), REST_MS + 10);
    // First of all: whatever the room does with what it hears must not put the reader back.
    const place = top - contentTop() - shift;
    anchor = anchorAt(place);
    const following = view.scrollHeight - top - view.clientHeight <= END_SLACK_PX;
    if (following !== source.following()) source.setFollowing(following);
    const now = { top: place, height: viewHeight };
    if (!covers(span, heights, now)) sync();
    else {
      noteTop();
      fetchAhead();
    }
  };

  /**
   * The first row that begins in view; one that is cut off, or the first that is loaded, only if there is no other:
   * what stands above their text may come and go with the message before them.
   */
  const anchorAt = (place: number): Anchor => {
    let index = heights.indexAt(place);
    const cut = index === 0 || heights.before(index) < place;
    if (cut && index + 1 < heights.length && heights.before(index + 1) < place + viewHeight) index++;
    return { index, y: heights.before(index) + leadOf(index) - place };
  };

  const show = (index: number, where: "nearest" | "middle"): void => {
    if (!view || index < 0 || index >= heights.length) return;
    const now = sight();
    const height = heights.at(index);
    const middle = (viewHeight - height) / 2;
    let y = heights.before(index) - now.top;
    if (where === "middle" || y < -viewHeight || y > 2 * viewHeight) y = middle;
    else if (y < 0 || height > viewHeight) y = 0;
    else y = Math.min(y, viewHeight - height);
    moved = -Infinity;
    const last = heights.total - heights.before(index) + y <= viewHeight + END_SLACK_PX;
    anchor = { index, y };
    if (last !== source.following()) source.setFollowing(last);
    sync();
    focusArticle(rows()[indexes.indexOf(index)]);
  };

  return {
    shown,
    atTop,
    changed,
    scrolled,
    show,
    attach: (newView, newContent, newRows) => {
      [view, content, rows] = [newView, newContent, newRows];
      sync();
    },
    resized: () => {
      viewHeight = view?.clientHeight ?? 0;
      sync();
    },
    indexFurther: (index, px) => heights.indexAt(heights.before(index) + px),
    detach: () => {
      cancelAnimationFrame(frame);
      clearTimeout(late);
      clearTimeout(rest);
      view = undefined;
    },
  };
}

function focusArticle(row: HTMLElement | undefined): void {
  row?.querySelector<HTMLElement>("article")?.focus({ preventScroll: true });
}
