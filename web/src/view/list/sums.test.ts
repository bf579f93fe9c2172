import { describe, expect, test } from "vitest";
import { covers, spanOf } from "./span";
import { Sums } from "./sums";

/** Random numbers that are the same each time. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state % below;
  };
}

function check(sums: Sums, values: number[]): void {
  expect(sums.length).toBe(values.length);
  let sum = 0;
  values.forEach((value, i) => {
    expect([sums.at(i), sums.before(i)]).toEqual([value, sum]);
    if (value > 0) expect([sums.indexAt(sum), sums.indexAt(sum + value - 0.5)]).toEqual([i, i]);
    sum += value;
  });
  expect(sums.total).toBe(sum);
}

describe("heights in a row", () => {
  test("they are what plain addition says, whatever comes, goes and changes", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const roll = dice(seed);
      const sums = new Sums();
      let values: number[] = [];
      for (let step = 0; step < 60; step++) {
        const at = roll(3) === 0 ? values.length : roll(values.length + 1);
        const removed = Math.min(roll(4), values.length - at);
        const added = Array.from({ length: roll(7) }, () => roll(90) + 1);
        sums.splice(at, removed, added);
        values = [...values.slice(0, at), ...added, ...values.slice(at + removed)];
        if (values.length > 0) {
          const changed = roll(values.length);
          sums.set(changed, (values[changed] = roll(90) + 1));
        }
        check(sums, values);
      }
    }
  });

  test("a place above all is in the first, one below all in the last", () => {
    const sums = new Sums();
    expect(sums.indexAt(10)).toBe(0);
    sums.splice(0, 0, [10, 20, 30]);
    expect([sums.indexAt(-5), sums.indexAt(60), sums.indexAt(1e9)]).toEqual([0, 2, 2]);
  });

  test("a hundred thousand take a page at the top and a row at the end without going through all of them for each", () => {
    const sums = new Sums();
    sums.splice(0, 0, new Array<number>(100_000).fill(40));
    const begin = performance.now();
    sums.splice(0, 0, new Array<number>(100).fill(50));
    for (let i = 0; i < 100; i++) sums.splice(sums.length, 0, [30]);
    expect(sums.total).toBe(4_000_000 + 5000 + 3000);
    expect(performance.now() - begin).toBeLessThan(1000);
  });
});

describe("which rows are there", () => {
  const sums = new Sums();
  sums.splice(0, 0, new Array<number>(1000).fill(10));

  test("what is in view, and one view more on each side", () => {
    expect(spanOf(sums, { top: 5000, height: 200 })).toEqual({ first: 480, end: 541 });
    expect(spanOf(sums, { top: 0, height: 200 })).toEqual({ first: 0, end: 41 });
    expect(spanOf(sums, { top: 9800, height: 200 })).toEqual({ first: 960, end: 1000 });
    expect(spanOf(new Sums(), { top: 0, height: 200 })).toEqual({ first: 0, end: 0 });
  });

  test("they do until the reader comes near to where they end", () => {
    const span = spanOf(sums, { top: 5000, height: 200 });
    expect(covers(span, sums, { top: 5100, height: 200 })).toBe(true);
    expect(covers(span, sums, { top: 5150, height: 200 })).toBe(false);
    expect(covers(span, sums, { top: 4850, height: 200 })).toBe(false);
  });

  test("their number is bounded by the view, not by the room", () => {
    for (const top of [-1e6, 0, 3333, 9999, 1e9]) {
      const { first, end } = spanOf(sums, { top, height: 200 });
      expect(end - first).toBeLessThanOrEqual(61);
    }
  });
});
