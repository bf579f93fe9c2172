import { describe, expect, test } from "vitest";
import type { ClientFrame, MessageView, ServerFrame } from "../protocol/frames";
import { AGAIN_WITHIN_MS } from "../protocol/limits";
import { live, ORIGIN, Page, roomFrame, session, view, views } from "./testing";

type Asked = Extract<ClientFrame, { type: "history" }>;

/** The bridge has moved the session to another node. */
const move = (page: Page): void => {
  page.said();
  page.hear(session(undefined));
};

/** What is asked of the other node, within the time in which it has to be. */
function asked(page: Page): Asked[] {
  page.pass(AGAIN_WITHIN_MS);
  return page.said().filter((frame): frame is Asked => frame.type === "history");
}

const answer = (ask: Asked | undefined, messages: MessageView[], more = false): ServerFrame => ({
  type: "history",
  re: ask?.re ?? 0,
  room: "lobby",
  messages,
  more,
});

const loved = (n: number, names: string[]): MessageView => view(n, { reactions: { "👍": names } });

describe("after a move to another node", () => {
  test("what is on the page is read once more, and shows what that node knows", () => {
    const page = Page.inLobby(views(1, 3));
    move(page);
    const [ask, ...more] = asked(page);
    expect([ask, more]).toMatchObject([{ room: "lobby", before: 3001, limit: 3 }, []]);
    page.hear(answer(ask, [loved(1, ["bob", "mia"]), view(2, { text: "m2!", edited: 9000 }), view(3)]));
    expect(page.texts()).toEqual(["m1", "m2!", "m3"]);
    expect(page.messages()[0]?.reactions).toEqual({ "👍": ["bob", "mia"] });
    expect(asked(page)).toEqual([]);
  });

  test("nothing of it is new, and a reader further up stays there", () => {
    const page = Page.inLobby(views(1, 3));
    page.do({ type: "scrolled", room: "lobby", following: false });
    move(page);
    const [ask] = asked(page);
    // What is not on the page comes by another way, where it is counted.
    page.hear(answer(ask, [...views(1, 3), view(4)]));
    expect(page.texts()).toEqual(["m1", "m2", "m3"]);
    expect(page.lobby).toMatchObject({ unread: 0, below: 0, following: false });
  });

  test("what is deleted stays deleted, and of two edits the later one stands", () => {
    const edited = view(2, { text: "later", edited: 9000 });
    const page = Page.inLobby([view(1, { deleted: true }), edited]);
    move(page);
    page.hear(answer(asked(page)[0], [view(1), view(2, { text: "earlier", edited: 8000 })]));
    expect(page.messages().map((m) => [m.text, m.deleted])).toEqual([
      ["", true],
      ["later", false],
    ]);
  });

  test("what comes while the page is on its way is not taken back by it", () => {
    const page = Page.inLobby(views(1, 2));
    move(page);
    const [ask] = asked(page);
    const change = { id: "bob.1", ts: 5000, origin: ORIGIN, seq: 5, reactions: { "👍": ["bob"] } };
    page.hear({ type: "message_update", room: "lobby", ...change });
    page.hear(answer(ask, views(1, 2)));
    expect(page.messages()[0]?.reactions).toEqual({ "👍": ["bob"] });
  });

  test("a long page is read in pieces, the newest first, and no further than it goes", () => {
    const page = Page.inLobby(views(101, 400), { more: true });
    move(page);
    const [first] = asked(page);
    expect(first).toMatchObject({ before: 400_001, limit: 200 });
    page.hear(answer(first, views(201, 400), true));
    const [second] = asked(page);
    expect(second).toMatchObject({ before: 201_000, limit: 100 });
    page.hear(answer(second, views(101, 200), true));
    expect(asked(page)).toEqual([]);
  });

  test("another room is read once more when it is opened", () => {
    const page = Page.inLobby(views(1, 2));
    page.do({ type: "room_opened", room: "ops" });
    const join = page.said().find((frame) => frame.type === "join");
    page.hear(roomFrame(join?.re, [], { room: "ops" }));
    move(page);
    expect(asked(page)).toEqual([]);
    page.do({ type: "room_opened", room: "lobby" });
    expect(asked(page)).toMatchObject([{ room: "lobby", before: 2001 }]);
  });

  test("a link of our own that is lost means another node too, once what was missed is here", () => {
    const page = Page.inLobby(views(1, 2));
    page.loseLink();
    const join = page.connect().find((frame) => frame.type === "join");
    expect(asked(page)).toEqual([]);
    page.hear(roomFrame(join?.re, views(3, 3), { since: { [ORIGIN]: 3 } }));
    expect(asked(page)).toMatchObject([{ room: "lobby", before: 3001, limit: 3 }]);
  });

  test("a node that cannot answer now is asked later", () => {
    const page = Page.inLobby(views(1, 2));
    move(page);
    const [ask] = asked(page);
    page.hear({ type: "error", re: ask?.re ?? 0, code: "unavailable", message: "no node" });
    expect(asked(page)).toMatchObject([{ room: "lobby", before: 2001 }]);
  });

  test("reading further up does not wait for it", () => {
    const page = Page.inLobby(views(101, 150), { more: true });
    move(page);
    asked(page);
    page.do({ type: "older_wanted" });
    expect(page.said()).toMatchObject([{ type: "history", before: 101_000 }]);
  });
});

describe("a message with two places", () => {
  test("stands at the smaller one, whichever comes first, and is no news", () => {
    const early = { ts: 1500, origin: "n2-bbbb2222", seq: 7 };
    for (const order of [
      [view(3), view(3, early)],
      [view(3, early), view(3)],
    ]) {
      const page = Page.inLobby(views(1, 2));
      page.do({ type: "visible", on: false });
      for (const one of order) page.hear({ ...one, type: "new_message" });
      expect(page.texts()).toEqual(["m1", "m3", "m2"]);
      expect(page.lobby.unread).toBe(1);
    }
  });

  test("stands there too when another node tells of the later one in what was missed", () => {
    const page = Page.inLobby([view(1), view(3, { ts: 1500, origin: "n2-bbbb2222", seq: 7 }), view(2)]);
    page.loseLink();
    const join = page.connect().find((frame) => frame.type === "join");
    page.hear(roomFrame(join?.re, [view(3, { deleted: true })], { since: { [ORIGIN]: 3 } }));
    expect(page.messages().map((m) => [m.id, m.deleted])).toEqual([
      ["bob.1", false],
      ["bob.3", true],
      ["bob.2", false],
    ]);
    page.hear(live(3));
    expect(page.messages().map((m) => m.deleted)).toEqual([false, true, false]);
  });
});
