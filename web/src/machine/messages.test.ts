import { describe, expect, test } from "vitest";
import { BELOW_ITEMS_MAX, READ_ITEMS_MAX, WINDOW_ITEMS_MAX } from "../protocol/limits";
import type { Message } from "./state";
import { keyOf } from "./timeline";
import { live, ME, ORIGIN, Page, roomFrame, view, views, session } from "./testing";

describe("the list of messages", () => {
  test("messages stand by time and then by origin, in whatever order they come", () => {
    const page = Page.inLobby([view(1)]);
    page.hear(live(5));
    page.hear(live(3, { origin: "n2-bbbb3333", id: "carol.3", nonce: "c3", uid: "carol", text: "c3" }));
    page.hear(live(3));
    page.hear(live(2, { origin: "n2-bbbb3333" }));
    expect(page.texts()).toEqual(["m1", "m2", "m3", "c3", "m5"]);
  });

  test("origins are ordered by their code units and not by a language", () => {
    const page = Page.inLobby();
    page.hear(live(1, { id: "a.1", nonce: "1", origin: "nb-aaaa2222", text: "lower" }));
    page.hear(live(1, { id: "a.2", nonce: "2", origin: "nB-aaaa2222", text: "upper" }));
    expect(page.texts()).toEqual(["upper", "lower"]);
  });

  test("a message that comes again is shown once", () => {
    const page = Page.inLobby(views(1, 3));
    page.hear(live(2));
    page.hear(live(4));
    page.hear(live(4));
    expect(page.texts()).toEqual(["m1", "m2", "m3", "m4"]);
  });

  test("a message that comes again at a smaller place moves there", () => {
    const page = Page.inLobby(views(1, 3));
    page.hear(live(5));
    const before = page.messages().at(-1) as Message;
    page.hear(live(5, { ts: 1500, origin: "n2-bbbb3333", seq: 1 }));
    expect(page.texts()).toEqual(["m1", "m5", "m2", "m3"]);
    expect(keyOf(page.messages()[1] as Message)).toBe(keyOf(before));
  });

  test("a replay at the greater place of two does not move it back", () => {
    const page = Page.inLobby([view(1), view(2, { id: "bob.9", nonce: "9", text: "m9" }), view(3)]);
    page.hear(live(9));
    expect(page.texts()).toEqual(["m1", "m9", "m3"]);
  });

  test("a page of history and live frames may overlap", () => {
    const page = Page.inLobby(views(100, 149), { more: true });
    page.do({ type: "older_wanted" });
    const [ask] = page.said();
    expect(ask).toMatchObject({ type: "history", before: 100_000 });
    page.hear(live(150));
    page.hear({ type: "history", re: ask?.re ?? 0, room: "lobby", messages: views(60, 100), more: true });
    expect(page.messages().map((m) => m.ts / 1000)).toEqual(Array.from({ length: 91 }, (_, i) => 60 + i));
  });

  test("the line above the first unread message moves back when the pages above show an older one", () => {
    const page = Page.inLobby(views(100, 149), { more: true, read: { [ORIGIN]: 70 } });
    expect(page.lobby.firstUnread).toBe("bob.100");
    // What is seen is read; where the line stands was decided when the room was entered.
    page.pass(2000);
    page.said();
    for (const [from, to, first] of [
      [80, 99, "bob.80"],
      [60, 79, "bob.71"],
      [40, 59, "bob.71"],
    ] as const) {
      page.do({ type: "older_wanted" });
      const [ask] = page.said();
      page.hear({ type: "history", re: ask?.re ?? 0, room: "lobby", messages: views(from, to), more: true });
      expect(page.lobby.firstUnread).toBe(first);
    }
  });

  test("a late message that the page on its way does not hold is not lost", () => {
    const page = Page.inLobby(views(100, 149), { more: true });
    page.do({ type: "older_wanted" });
    const [ask] = page.said();
    page.hear(
      live(0, {
        id: "eve.1",
        nonce: "e1",
        uid: "eve",
        ts: 70_500,
        origin: "n2-bbbb3333",
        seq: 1,
        text: "late",
        late: true,
      }),
    );
    expect(page.texts()).not.toContain("late");
    page.hear({ type: "history", re: ask?.re ?? 0, room: "lobby", messages: views(60, 99), more: true });
    const texts = page.texts();
    expect(texts.indexOf("late")).toBe(texts.indexOf("m70") + 1);
  });

  test("a message from before the page is left to history", () => {
    const page = Page.inLobby(views(100, 149), { more: true });
    page.hear(live(50));
    expect(page.texts()).not.toContain("m50");
  });

  test("a long list is cut at the end that the reader is far from, and never within one time", () => {
    const top = READ_ITEMS_MAX + 1001;
    const page = Page.inLobby(views(top, top + 49), { more: true });
    for (let from = top - 1000; from > 0; from -= 1000) {
      page.do({ type: "scrolled", room: "lobby", following: false });
      page.do({ type: "older_wanted" });
      const ask = page.said().find((frame) => frame.type === "history");
      page.hear({
        type: "history",
        re: ask?.re ?? 0,
        room: "lobby",
        messages: views(from, from + 999),
        more: true,
      });
    }
    expect(page.lobby.timeline.length).toBeLessThanOrEqual(READ_ITEMS_MAX);
    expect(page.lobby.hasNewer).toBe(true);
    expect(page.texts()[0]).toBe("m1");
    const last = page.messages().at(-1);
    page.do({ type: "newer_wanted" });
    expect(page.said()).toMatchObject([{ type: "history", after: last?.ts }]);
  });

  test("a reader at the end keeps the newest, however many come", () => {
    const page = Page.inLobby(views(1, 50));
    for (let n = 51; n <= 5000; n++) page.hear(live(n));
    expect(page.lobby.timeline.length).toBeLessThanOrEqual(WINDOW_ITEMS_MAX);
    expect(page.texts().at(-1)).toBe("m5000");
    expect(page.lobby).toMatchObject({ hasOlder: true, hasNewer: false });
  });

  test("below a reader further up so many are kept, and the rest is counted and fetched", () => {
    const page = Page.inLobby(views(1, 50));
    page.do({ type: "scrolled", room: "lobby", following: false });
    for (let n = 51; n <= 5000; n++) page.hear(live(n));
    expect(page.lobby.timeline.length).toBe(50 + BELOW_ITEMS_MAX);
    expect(page.lobby).toMatchObject({ hasNewer: true, below: 4950 });
    page.do({ type: "newer_wanted" });
    expect(page.said()).toMatchObject([{ type: "history", after: (50 + BELOW_ITEMS_MAX) * 1000 }]);
  });

  test("the newest wanted lets go of the old window", () => {
    const page = Page.inLobby(views(1, 50));
    page.lobby.hasNewer = true;
    page.hear(live(900));
    expect(page.texts()).not.toContain("m900");
    page.do({ type: "newest_wanted" });
    const [ask] = page.said();
    expect(ask).toMatchObject({ type: "history", room: "lobby" });
    page.hear(live(901));
    page.hear({ type: "history", re: ask?.re ?? 0, room: "lobby", messages: views(851, 900), more: true });
    expect(page.texts().at(-1)).toBe("m901");
    expect(page.lobby).toMatchObject({ hasOlder: true, hasNewer: false, following: true, below: 0 });
  });
});

describe("what becomes of a message", () => {
  const change = { type: "message_update", room: "lobby", id: "bob.1", origin: ORIGIN } as const;

  test("an edit, a reaction and a deletion are applied in place", () => {
    const page = Page.inLobby(views(1, 2));
    page.hear({ ...change, ts: 3000, seq: 3, text: "better", edited: 3000 });
    page.hear({ ...change, ts: 4000, seq: 4, reactions: { "👍": ["bob", "mia"] } });
    expect(page.messages()[0]).toMatchObject({
      text: "better",
      edited: 3000,
      reactions: { "👍": ["bob", "mia"] },
    });
    page.hear({ ...change, ts: 5000, seq: 5, reactions: {} });
    expect(page.messages()[0]?.reactions).toEqual({});
    page.hear({ ...change, ts: 6000, seq: 6, deleted: true });
    expect(page.messages()[0]).toMatchObject({ text: "", deleted: true });
  });

  test("of two edits the later stands, and nothing undoes a deletion", () => {
    const page = Page.inLobby(views(1, 2));
    page.hear({ ...change, ts: 9000, seq: 4, text: "second", edited: 9000 });
    page.hear({ ...change, ts: 8000, seq: 3, text: "first", edited: 8000 });
    expect(page.texts()[0]).toBe("second");
    page.hear({ ...change, ts: 9500, seq: 5, deleted: true });
    page.hear({ ...change, ts: 9900, seq: 6, text: "third", edited: 9900 });
    expect(page.messages()[0]).toMatchObject({ text: "", deleted: true });
  });

  test("a replay of the first text does not undo an edit, and a page brings what is now", () => {
    const page = Page.inLobby(views(1, 2));
    page.hear({ ...change, ts: 9000, seq: 4, text: "edited", edited: 9000 });
    page.hear({ ...change, ts: 9100, seq: 5, reactions: { "👀": ["bob"] } });
    page.hear(live(1));
    expect(page.messages()[0]).toMatchObject({ text: "edited", reactions: { "👀": ["bob"] } });
    page.loseLink();
    const join = page.connect().find((frame) => frame.type === "join");
    page.hear(roomFrame(join?.re, [view(1, { text: "again", edited: 9500 })], { since: { [ORIGIN]: 7 } }));
    expect(page.messages()[0]).toMatchObject({ text: "again", edited: 9500, reactions: {} });
  });

  test("a change that overtakes its page is applied after it", () => {
    const page = Page.inLobby(views(100, 149), { more: true });
    page.do({ type: "older_wanted" });
    const [ask] = page.said();
    page.hear({ ...change, id: "bob.70", ts: 999_000, seq: 150, text: "new text", edited: 999_000 });
    page.hear({ type: "history", re: ask?.re ?? 0, room: "lobby", messages: views(60, 99), more: false });
    expect(page.texts()).toContain("new text");
  });
});

describe("own messages", () => {
  test("a message is pending until it is acknowledged, whichever of the two answers comes first", () => {
    for (const order of ["sent first", "message first"]) {
      const page = Page.inLobby(views(1, 2));
      page.write("hello", "NONCE");
      const [send] = page.said().filter((frame) => frame.type === "send");
      expect(send).toMatchObject({ room: "lobby", text: "hello", nonce: "NONCE", after: 2000 });
      expect(page.messages().at(-1)).toMatchObject({ text: "hello", status: "pending" });
      const article = page.messages().at(-1);
      const place = { ts: 3000, origin: ORIGIN, seq: 3 };
      const sent = {
        type: "sent",
        re: send?.re ?? 0,
        nonce: "NONCE",
        room: "lobby",
        id: `${ME}.NONCE`,
        copies: 2,
        ...place,
      } as const;
      const echo = live(3, { id: `${ME}.NONCE`, nonce: "NONCE", uid: ME, from: "mia", text: "hello" });
      for (const frame of order === "sent first" ? [sent, echo] : [echo, sent]) page.hear(frame);
      expect(page.texts(), order).toEqual(["m1", "m2", "hello"]);
      expect(page.messages().at(-1), order).toMatchObject({ id: `${ME}.NONCE`, status: "sent", ts: 3000 });
      expect(keyOf(page.messages().at(-1) as Message)).toBe(keyOf(article as Message));
      expect(page.kept()).toEqual([]);
    }
  });

  test("a message that was not acknowledged is said again with its nonce on the next link", () => {
    const page = Page.inLobby();
    page.write("hello", "NONCE");
    page.loseLink();
    const said = page.connect();
    expect(said.map((frame) => frame.type)).toEqual(["join", "rooms", "stats", "send"]);
    expect(said.at(-1)).toMatchObject({ nonce: "NONCE", text: "hello" });
    expect(page.messages()).toMatchObject([{ status: "pending" }]);
  });

  test("what was written without a link is kept and said in order", () => {
    const page = Page.inLobby();
    page.do({ type: "link_closed", serial: page.state.link.serial });
    page.write("one", "N1");
    page.write("two", "N2");
    expect(page.effects.filter((e) => e.type === "keep_deed")).toHaveLength(2);
    expect(page.texts()).toEqual(["one", "two"]);
    page.do({ type: "retry_due", serial: page.state.link.serial });
    page.said();
    const [first, ...others] = page.connect().filter((frame) => frame.type === "send");
    expect([first, others]).toMatchObject([{ nonce: "N1" }, []]);
    page.hear({
      type: "sent",
      re: first?.re ?? 0,
      nonce: "N1",
      room: "lobby",
      id: "x.N1",
      ts: 1,
      origin: ORIGIN,
      seq: 1,
      copies: 1,
    });
    expect(page.said()).toMatchObject([{ type: "send", nonce: "N2" }]);
  });

  test("what was kept over a reload is shown and said again", () => {
    const first = Page.inLobby();
    first.write("kept", "NONCE");
    const outbox = JSON.parse(JSON.stringify(first.kept())) as typeof first.state.outbox;
    const page = new Page();
    page.start({ name: "mia", token: "token", rooms: ["lobby"], outbox });
    expect(page.messages()).toMatchObject([{ text: "kept", status: "pending" }]);
    const said = page.connect();
    expect(said.filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "NONCE", text: "kept" }]);
    page.hear(roomFrame(said.find((frame) => frame.type === "join")?.re, views(1, 2)));
    expect(page.texts()).toEqual(["m1", "m2", "kept"]);
  });

  test("what is written after a reload without a link is kept like the rest", () => {
    const page = new Page();
    page.start({ name: "mia", uid: ME, token: "token", rooms: ["lobby"], current: "lobby" });
    page.write("still offline", "NONCE");
    expect(page.messages()).toMatchObject([{ text: "still offline", uid: ME, status: "pending" }]);
    page.do({ type: "link_opened", serial: page.state.link.serial });
    const hello = page.said().find((frame) => frame.type === "user_join");
    page.hear(session(hello?.re));
    expect(page.said().filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "NONCE" }]);
  });

  test("what another user of this browser left is not said in my name", () => {
    const first = Page.inLobby();
    first.write("theirs", "NONCE");
    const outbox = first.kept().map((deed) => ({ ...deed, uid: "somebody" }));
    const page = new Page();
    page.start({ name: "mia", token: "token", rooms: ["lobby"], outbox });
    expect(page.connect().filter((frame) => frame.type === "send")).toEqual([]);
    expect(page.messages()).toMatchObject([{ status: "failed" }]);
  });

  test("a refusal for good fails the message until it is tried again", () => {
    const page = Page.inLobby();
    page.write("no", "NONCE");
    const [send] = page.said().filter((frame) => frame.type === "send");
    page.hear({ type: "error", re: send?.re ?? 0, code: "forbidden", message: "you may not write here" });
    expect(page.messages()).toMatchObject([{ status: "failed", problem: "you may not write here" }]);
    page.pass(4000);
    expect(page.said().filter((frame) => frame.type === "send")).toEqual([]);
    page.do({ type: "retried", nonce: "NONCE" });
    expect(page.said()).toMatchObject([{ type: "send", nonce: "NONCE" }]);
    expect(page.messages()).toMatchObject([{ status: "pending" }]);
    page.do({ type: "discarded", nonce: "NONCE" });
    expect([page.messages(), page.kept()]).toEqual([[], []]);
  });

  test("a refusal that passes is waited out, and keeps the order", () => {
    const page = Page.inLobby();
    page.write("one", "N1");
    page.write("two", "N2");
    const [send] = page.said().filter((frame) => frame.type === "send");
    page.hear({
      type: "error",
      re: send?.re ?? 0,
      code: "rate_limited",
      message: "slow down",
      retry_after_ms: 1200,
    });
    page.pass(1000);
    expect(page.said().filter((frame) => frame.type === "send")).toEqual([]);
    page.pass(500);
    expect(page.said().filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "N1" }]);
    expect(page.messages()).toMatchObject([{ status: "pending" }, { status: "pending" }]);
  });

  test("a message without an answer for long is said again on the same link", () => {
    const page = Page.inLobby();
    page.write("hello", "NONCE");
    page.said();
    for (let i = 0; i < 20; i++) {
      page.pass(500);
      page.do({ type: "link_heard", serial: page.state.link.serial });
    }
    expect(page.said().filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "NONCE" }]);
  });

  test("an empty text and one past the limit are not sent", () => {
    const page = Page.inLobby();
    page.write(" \n ", "N1");
    page.write("😀".repeat(4001), "N2");
    expect(page.said().filter((frame) => frame.type === "send")).toEqual([]);
    page.write("😀".repeat(4000), "N3");
    expect(page.said().filter((frame) => frame.type === "send")).toHaveLength(1);
  });

  test("edits, deletions and reactions are repeated until they are answered", () => {
    const page = Page.inLobby([view(1, { id: `${ME}.1`, uid: ME, from: "mia" })]);
    page.do({ type: "edit_started", id: `${ME}.1` });
    page.write("changed", "N1");
    page.do({ type: "reacted", id: `${ME}.1`, emoji: "👍", nonce: "N2" });
    const [edit] = page.said().filter((frame) => frame.type === "edit");
    expect(edit).toMatchObject({ id: `${ME}.1`, text: "changed", nonce: "N1" });
    page.loseLink();
    const again = page.connect().find((frame) => frame.type === "edit");
    expect(again).toMatchObject({ nonce: "N1" });
    page.hear({ type: "ok", re: again?.re ?? 0, ts: 9000, origin: ORIGIN, seq: 2 });
    expect(page.said()).toMatchObject([{ type: "react", emoji: "👍", on: true, nonce: "N2" }]);
  });

  test("while no node can be reached a message waits without a notice over it, and goes by itself", () => {
    const page = Page.inLobby();
    page.do({ type: "draft_changed", text: "hel" });
    page.write("hello", "N1");
    const send = page.said().find((frame) => frame.type === "send");
    const refusal = { type: "error", code: "unavailable", message: "no node can be reached" } as const;
    // That we type is answered too, and nobody asked.
    page.hear({ ...refusal, retry_after_ms: 1000 });
    page.hear({ ...refusal, re: send?.re ?? 0, retry_after_ms: 1000 });
    expect(page.state.toasts).toEqual([]);
    expect(page.messages().map((message) => message.status)).toEqual(["pending"]);
    page.pass(1000);
    expect(page.said().filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "N1" }]);
  });

  test("a topic that was not set says so, for it is not sent again", () => {
    const page = Page.inLobby();
    page.do({ type: "topic_set", topic: "x" });
    const [ask] = page.said();
    page.hear({ type: "error", re: ask?.re ?? 0, code: "unavailable", message: "the same nonce" });
    expect(page.state.toasts).toMatchObject([{ text: "The topic was not changed. Try again in a moment." }]);
  });
});
