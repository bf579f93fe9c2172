// The list over a page that is only arithmetic: rows have the heights that they are given, the view scrolls by whole
// pixels, and nothing is drawn.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fromView } from "../../machine/messages";
import { Timeline } from "../../machine/sequence";
import { view as viewOf } from "../../machine/testing";
import { createList } from "./list";
import type { MessageList } from "./types";

/** What stands above the rows, and below them. */
const HEAD_PX = 44.5;
const FOOT_PX = 12;
const VIEW_PX = 600;

class Row {
  style = { marginTop: "" };
  parent: Content | null = null;
  constructor(
    readonly id: string,
    readonly paper: Paper,
  ) {}
  get isConnected(): boolean {
    return this.parent !== null;
  }
  remove(): void {
    this.parent?.take(this);
  }
  get nextElementSibling(): Row | null {
    const all = this.parent?.children ?? [];
    return all[all.indexOf(this) + 1] ?? null;
  }
  contains(): boolean {
    return false;
  }
  querySelector(): null {
    return null;
  }
  getBoundingClientRect(): { top: number; height: number } {
    return { top: this.paper.topOf(this), height: this.paper.heightOf(this.id) };
  }
}

class Content {
  children: Row[] = [];
  style = { paddingTop: "", paddingBottom: "" };
  constructor(readonly paper: Paper) {}
  get firstElementChild(): Row | null {
    return this.children[0] ?? null;
  }
  take(row: Row): void {
    this.children = this.children.filter((other) => other !== row);
    row.parent = null;
  }
  insertBefore(row: Row, next: Row | null): void {
    if (row.parent) this.take(row);
    this.children.splice(next ? this.children.indexOf(next) : this.children.length, 0, row);
    row.parent = this;
  }
  contains(): boolean {
    return false;
  }
  getBoundingClientRect(): { top: number } {
    return { top: HEAD_PX - this.paper.top };
  }
}

const px = (text: string): number => Number.parseFloat(text || "0");

/** The page: a room, its list, and where everything is. */
class Paper {
  readonly content = new Content(this);
  readonly heights = new Map<string, number>();
  readonly rows = new Map<string, Row>();
  readonly list: MessageList;
  timeline = Timeline.of();
  following = true;
  top = 0;
  rowsMost = 0;

  constructor(messages: number[]) {
    this.timeline = Timeline.of(messages.map((n) => fromView(viewOf(n))));
    this.list = createList({
      timeline: () => this.timeline,
      whole: () => true,
      following: () => this.following,
      setFollowing: (on) => (this.following = on),
      nearTop: () => undefined,
      nearEnd: () => undefined,
      drawn: () => (this.rowsMost = Math.max(this.rowsMost, this.content.children.length)),
    });
    const paper = this;
    const view = {
      clientHeight: VIEW_PX,
      getBoundingClientRect: () => ({ top: 0 }),
      get scrollHeight() {
        return Math.round(paper.height());
      },
      get scrollTop() {
        return paper.top;
      },
      set scrollTop(top: number) {
        paper.top = Math.max(0, Math.min(Math.trunc(top), this.scrollHeight - VIEW_PX));
      },
    };
    const rows = () => this.list.shown().keys.map((key) => this.row(key));
    this.list.attach(view as never, this.content as never, rows as never);
  }

  private row(key: string): Row {
    const id = this.list.shown().entries.get(key)?.item.id ?? "";
    const row = this.rows.get(key) ?? new Row(id, this);
    this.rows.set(key, row);
    return row;
  }

  /** Rows are higher than the list thinks, or lower, and not by whole pixels. */
  heightOf(id: string): number {
    return this.heights.get(id) ?? 20.25 + ((Number(id.slice(4)) * 7919) % 97) * 0.5;
  }

  topOf(row: Row): number {
    let top = HEAD_PX - this.top + px(this.content.style.paddingTop);
    for (const other of this.content.children) {
      top += px(other.style.marginTop);
      if (other === row) return top;
      top += this.heightOf(other.id);
    }
    throw new Error(`${row.id} is not in the page`);
  }

  height(): number {
    const { children, style } = this.content;
    const rows = children.reduce((sum, row) => sum + px(row.style.marginTop) + this.heightOf(row.id), 0);
    return HEAD_PX + px(style.paddingTop) + rows + px(style.paddingBottom) + FOOT_PX;
  }

  /** The reader scrolls; the list hears of it, as in a browser, afterwards. */
  scroll(by: number): void {
    this.top = Math.max(0, Math.min(this.top + Math.trunc(by), Math.round(this.height()) - VIEW_PX));
    this.list.scrolled();
  }

  place(id: string): number | undefined {
    const row = this.content.children.find((one) => one.id === id);
    return row && this.topOf(row);
  }

  /** The first row that begins in view. */
  firstInView(): string {
    return this.content.children.find((row) => this.topOf(row) >= 0)?.id ?? "";
  }

  /** The view is full of rows, and they stand as the room has them. */
  check(): void {
    const { children } = this.content;
    const order = children.map((row) => this.timeline.indexOf(row.id));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const first = children[0] as Row;
    const last = children.at(-1) as Row;
    if (order[0] !== 0) expect(this.topOf(first)).toBeLessThanOrEqual(0);
    if (order.at(-1) !== this.timeline.length - 1)
      expect(this.topOf(last) + this.heightOf(last.id)).toBeGreaterThanOrEqual(VIEW_PX);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Random numbers that are the same each time. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { activeElement: null });
  vi.stubGlobal("requestAnimationFrame", (call: () => void) => setTimeout(call, 16));
  vi.stubGlobal("cancelAnimationFrame", (id: number) => clearTimeout(id));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the reader's place", () => {
  test("at the end it is the end, whatever comes or goes", () => {
    const paper = new Paper(range(1000, 1400));
    for (let n = 1401; n < 1500; n++) {
      paper.timeline = paper.timeline.inserted([fromView(viewOf(n))]);
      if (n % 25 === 0) paper.timeline = paper.timeline.removed(0, 20);
      paper.list.changed();
      vi.advanceTimersByTime(20);
      expect(paper.place(`bob.${n}`)).toBeCloseTo(VIEW_PX - FOOT_PX - paper.heightOf(`bob.${n}`), -0.5);
      paper.check();
    }
  });

  test("further up it does not move by a tenth of a pixel, whatever comes, goes and grows", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const roll = dice(seed);
      const paper = new Paper(range(20_000, 20_400).map((n) => n * 2));
      let oldest = 40_000;
      let newest = 40_800;
      paper.scroll(-3000);
      for (let step = 0; step < 200; step++) {
        const watched = paper.firstInView();
        const index = paper.timeline.indexOf(watched);
        const before = paper.place(watched) as number;
        const what = roll(8);
        if (what <= 1) {
          const page = range(oldest / 2 - 50, oldest / 2 - 1).map((n) => fromView(viewOf(n * 2)));
          oldest -= 100;
          paper.timeline = paper.timeline.inserted(page);
        } else if (what === 2) {
          paper.timeline = paper.timeline.inserted([fromView(viewOf((newest += 2)))]);
        } else if (what === 3) {
          const n = oldest + 2 * roll((newest - oldest) / 2) + 1;
          const id = `bob.${n}`;
          if (!paper.timeline.byId(id)) paper.timeline = paper.timeline.inserted([fromView(viewOf(n))]);
        } else if (what === 4 && index > 3) {
          const other = paper.timeline.at(index - 1 - roll(3));
          if (other) paper.timeline = paper.timeline.removed(paper.timeline.indexOf(other.id), 1);
        } else if (what === 5 && index > 0) {
          const other = paper.timeline.at(Math.max(0, index - 1 - roll(12)));
          if (other) paper.heights.set(other.id, 10 + roll(400) / 4);
          paper.list.resized();
        } else if (what === 6) {
          vi.advanceTimersByTime(400);
        } else {
          paper.scroll((roll(3) - 1.5) * roll(900));
          if (roll(2) === 0) vi.advanceTimersByTime(16);
          continue;
        }
        paper.list.changed();
        vi.advanceTimersByTime(roll(2) === 0 ? 16 : 34);
        if (paper.following) paper.scroll(-3000);
        else if (paper.top > 0)
          expect(paper.place(watched), `seed ${seed}, step ${step}, ${what}`).toBeCloseTo(before, 1);
        paper.check();
      }
      expect(paper.rowsMost).toBeLessThan(100);
    }
  });

  test("it is the same after a rest, when the scroll position is set right", () => {
    const paper = new Paper(range(1, 2000));
    for (let i = 0; i < 40; i++) {
      paper.scroll(-700);
      const watched = paper.firstInView();
      const before = paper.place(watched) as number;
      vi.advanceTimersByTime(i % 3 === 0 ? 400 : 16);
      expect(paper.place(watched)).toBeCloseTo(before, 1);
      paper.check();
    }
  });

  test("who scrolls on without a rest comes to what was fetched meanwhile", () => {
    const paper = new Paper(range(10_000, 10_200));
    for (let oldest = 10_000; oldest > 8000; oldest -= 100) {
      paper.scroll(-1e6);
      vi.advanceTimersByTime(16);
      expect(paper.content.children[0]?.id).toBe(`bob.${oldest}`);
      paper.timeline = paper.timeline.inserted(
        range(oldest - 100, oldest - 1).map((n) => fromView(viewOf(n))),
      );
      paper.list.changed();
      vi.advanceTimersByTime(16);
    }
  });

  test("a jump over all of it shows what is there", () => {
    const paper = new Paper(range(1, 5000));
    for (const by of [-1e9, 40_000, -10_000, 1e9, -77_777]) {
      paper.scroll(by);
      vi.advanceTimersByTime(400);
      paper.check();
    }
    paper.scroll(-1e9);
    vi.advanceTimersByTime(400);
    paper.scroll(-1e9);
    vi.advanceTimersByTime(400);
    expect(paper.place("bob.1")).toBeCloseTo(HEAD_PX, -0.5);
  });

  test("a message that is shown is in view, wherever it is", () => {
    const paper = new Paper(range(1, 5000));
    for (const index of [10, 4000, 4003, 2500, 4999, 0]) {
      paper.list.show(index, "nearest");
      vi.advanceTimersByTime(20);
      const place = paper.place(`bob.${index + 1}`) as number;
      expect(place).toBeGreaterThanOrEqual(-1);
      expect(place).toBeLessThan(VIEW_PX - 10);
    }
  });
});
