import { describe, expect, test } from "vitest";
import { fromView } from "./messages";
import { Timeline } from "./sequence";
import type { Item, Message } from "./state";
import { view, views } from "./testing";

const message = (n: number, over: Partial<Message> = {}): Message => ({ ...fromView(view(n)), ...over });
const ids = (timeline: Timeline): string[] => [...timeline].map((item) => item.id);

/** How long a list is that only follows the splices, as the views do. */
function followed(length: number, from: Timeline, to: Timeline): number | null {
  const splices = to.since(from);
  return splices && splices.reduce((sum, { removed, added }) => sum + added - removed, length);
}

describe("the order of a room's items", () => {
  test("a page is put in wherever its messages belong, each once", () => {
    const timeline = Timeline.of([2, 4, 8].map((n) => message(n)));
    const page = [1, 3, 5, 6, 7, 9].map((n) => message(n));
    const whole = timeline.inserted(page);
    expect(ids(whole)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `bob.${n}`));
    expect(whole.since(timeline)).toEqual([
      { at: 0, removed: 0, added: 1 },
      { at: 2, removed: 0, added: 1 },
      { at: 4, removed: 0, added: 3 },
      { at: 8, removed: 0, added: 1 },
    ]);
  });

  test("each is found by its id, among those of one time too", () => {
    const twins = [1, 2, 3].map((n) => message(n, { id: `twin.${n}`, ts: 5000 }));
    const timeline = Timeline.of([message(4), ...twins, message(6)]);
    expect(ids(timeline).map((id) => timeline.indexOf(id))).toEqual([0, 1, 2, 3, 4]);
    expect(timeline.indexOf("nobody")).toBe(-1);
  });

  test("messages without a place stand last, and are found by who wrote them and the nonce", () => {
    const pending = message(1, { id: "N", nonce: "N", uid: "me", status: "pending", origin: "" });
    const timeline = Timeline.of()
      .inserted([pending])
      .inserted([message(9)]);
    expect(ids(timeline)).toEqual(["bob.9", "N"]);
    expect(timeline.looseOf("me", "N")).toBe(pending);
    expect(timeline.looseOf("bob", "9")).toBeUndefined();
  });

  test("what comes out of order or twice is in order, once", () => {
    const timeline = Timeline.of([message(3), message(1), message(3, { text: "later" }), message(2)]);
    expect(ids(timeline)).toEqual(["bob.1", "bob.2", "bob.3"]);
    expect((timeline.at(2) as Message).text).toBe("later");
  });

  test("a change gives another handle; in the order it is followed as far as that is kept", () => {
    const first = Timeline.of(views(1, 3).map(fromView));
    const replaced = first.replaced(first.at(1) as Item, message(2, { text: "new" }));
    expect([replaced === first, replaced.since(first)]).toEqual([false, []]);
    let many = replaced;
    for (let n = 4; n < 40; n++) many = many.inserted([message(n)]);
    many = many.removed(0, 10);
    expect([followed(3, replaced, many), many.length]).toEqual([29, 29]);
    for (let n = 40; n < 400; n++) many = many.inserted([message(n)]);
    expect(many.since(first)).toBeNull();
    expect(many.since(Timeline.of())).toBeNull();
  });

  test("a hundred thousand take a page at the top and messages at the end quickly", () => {
    const timeline = Timeline.of(views(1000, 101_000).map(fromView));
    const older = views(900, 999).map(fromView);
    const begin = performance.now();
    let grown = timeline.inserted(older);
    for (let n = 101_001; n <= 102_000; n++) grown = grown.inserted([message(n)]);
    for (let n = 101_001; n <= 102_000; n++) grown.indexOf(`bob.${n}`);
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(grown.indexOf("bob.102000")).toBe(grown.length - 1);
  });
});
