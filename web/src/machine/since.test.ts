import { describe, expect, test } from "vitest";
import type { ClientFrame, MessageView, ServerFrame } from "../protocol/frames";
import { live, ORIGIN, Page, roomFrame, view, views } from "./testing";

function page(
  frame: ClientFrame | undefined,
  messages: MessageView[],
  since: number,
  more: boolean,
): ServerFrame {
  return { type: "history", re: frame?.re ?? 0, room: "lobby", messages, more, since: { [ORIGIN]: since } };
}

describe("what is held", () => {
  test("live events advance it, at their own origin only", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.hear(live(4));
    chat.hear(live(5, { origin: "n2-bbbb3333", seq: 7 }));
    chat.hear({
      type: "message_update",
      room: "lobby",
      id: "bob.1",
      ts: 9,
      origin: ORIGIN,
      seq: 5,
      deleted: true,
    });
    chat.hear({ type: "topic", room: "lobby", topic: "t", user: "bob", ts: 9, origin: ORIGIN, seq: 6 });
    expect(chat.lobby.since).toEqual({ [ORIGIN]: 6, "n2-bbbb3333": 7 });
  });

  test("an acknowledgement does not advance it", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.write("hello", "NONCE");
    chat.hear({
      type: "sent",
      nonce: "NONCE",
      room: "lobby",
      id: "x.NONCE",
      ts: 9000,
      origin: ORIGIN,
      seq: 9,
      copies: 1,
    });
    expect(chat.lobby.since).toEqual({ [ORIGIN]: 3 });
  });

  test("a new link goes on from it, and the rest of what was missed is asked for page by page", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.loseLink();
    const join = chat.connect().find((frame) => frame.type === "join");
    expect(join).toMatchObject({ room: "lobby", since: { [ORIGIN]: 3 } });
    chat.hear(roomFrame(join?.re, views(4, 5), { more: true, since: { [ORIGIN]: 5 } }));
    const [first] = chat.said();
    expect(first).toMatchObject({ type: "history", since: { [ORIGIN]: 5 } });
    // Live events come meanwhile. They are shown, and say nothing about what is still missing.
    chat.hear(live(9));
    expect(chat.lobby.since).toEqual({ [ORIGIN]: 5 });
    expect(chat.texts()).toEqual(["m1", "m2", "m3", "m4", "m5", "m9"]);
    chat.hear(page(first, views(6, 8), 8, true));
    const [second] = chat.said();
    expect(second).toMatchObject({ type: "history", since: { [ORIGIN]: 8 } });
    chat.hear(page(second, [view(9)], 9, false));
    expect(chat.texts()).toEqual(["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"]);
    expect(chat.lobby.catchingUp).toBeNull();
    chat.hear(live(10));
    expect(chat.lobby.since).toEqual({ [ORIGIN]: 10 });
  });

  test("pages tell what has become of messages that the new node does not have itself", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.loseLink();
    const join = chat.connect().find((frame) => frame.type === "join");
    const change = { room: "lobby", origin: "n2-bbbb3333" } as const;
    chat.hear(
      roomFrame(join?.re, [view(4)], {
        more: true,
        updates: [
          { ...change, id: "bob.2", ts: 9001, seq: 1, text: "two", edited: 9001 },
          { ...change, id: "carol.9", ts: 9002, seq: 2, deleted: true },
        ],
      }),
    );
    expect(chat.texts()).toEqual(["m1", "two", "m3", "m4"]);
    const [next] = chat.said();
    const deleted = { ...change, id: "bob.3", ts: 9003, seq: 3, deleted: true };
    chat.hear({ ...page(next, [view(5)], 5, false), updates: [deleted] } as ServerFrame);
    expect(chat.texts()).toEqual(["m1", "two", "", "m4", "m5"]);
  });

  test("a link lost while catching up goes on from the last page, not from the live events", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.loseLink();
    const join = chat.connect().find((frame) => frame.type === "join");
    chat.hear(roomFrame(join?.re, views(4, 5), { more: true, since: { [ORIGIN]: 5 } }));
    chat.hear(live(9));
    chat.loseLink();
    expect(chat.connect().find((frame) => frame.type === "join")).toMatchObject({ since: { [ORIGIN]: 5 } });
  });

  test("a live event that comes before the answer about what was missed does not count for it", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.loseLink();
    chat.connect();
    chat.hear(live(9));
    expect(chat.lobby.since).toEqual({ [ORIGIN]: 3 });
    chat.loseLink();
    expect(chat.connect().find((frame) => frame.type === "join")).toMatchObject({ since: { [ORIGIN]: 3 } });
  });

  test("reactions to messages that are on the page are caught up with, each once, and it ends", () => {
    const chat = Page.inLobby(views(1, 300));
    chat.loseLink();
    const join = chat.connect().find((frame) => frame.type === "join");
    const reacted = views(1, 300).map((one) => ({ ...one, reactions: { "👍": ["bob"] } }));
    chat.hear(roomFrame(join?.re, reacted.slice(0, 200), { more: true, since: { [ORIGIN]: 500 } }));
    const [ask] = chat.said();
    chat.hear(page(ask, reacted.slice(200), 600, false));
    expect(chat.messages().filter((message) => message.reactions["👍"]?.length === 1)).toHaveLength(300);
    expect(chat.messages()).toHaveLength(300);
    expect([chat.said().filter((frame) => frame.type === "history"), chat.lobby.since]).toEqual([
      [],
      { [ORIGIN]: 600 },
    ]);
  });

  test("who missed very much gets the room afresh", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.loseLink();
    let ask: ClientFrame | undefined = chat.connect().find((frame) => frame.type === "join");
    chat.hear(roomFrame(ask?.re, views(4, 203), { more: true, since: { [ORIGIN]: 203 } }));
    let pages = 0;
    for (ask = chat.said()[0]; ask?.type === "history"; ask = chat.said()[0]) {
      pages++;
      const from = 4 + 200 * pages;
      chat.hear(page(ask, views(from, from + 199), from + 199, true));
    }
    expect(pages).toBeLessThan(10);
    expect(ask).toMatchObject({ type: "join", room: "lobby" });
    expect(ask).not.toHaveProperty("since");
    chat.hear(roomFrame(ask?.re, views(9951, 10_000), { more: true }));
    expect(chat.messages()).toHaveLength(50);
    expect(chat.lobby).toMatchObject({ since: { [ORIGIN]: 10_000 }, hasOlder: true, catchingUp: null });
  });

  test("a gap opens the room afresh", () => {
    const chat = Page.inLobby(views(1, 3));
    chat.hear({ type: "gap", room: "lobby", since: { [ORIGIN]: 3 } });
    const [join] = chat.said();
    expect(join).toMatchObject({ type: "join" });
    chat.hear(roomFrame(join?.re, views(51, 100), { more: true }));
    expect([chat.texts()[0], chat.messages().length]).toEqual(["m51", 50]);
  });

  test("a direct conversation goes on from the messages it has", () => {
    const chat = Page.inLobby();
    chat.do({ type: "room_opened", room: "@bob" });
    const [ask] = chat.said();
    expect(ask).toMatchObject({ type: "history", room: "@bob" });
    const direct = views(1, 2).map((one) => ({ ...one, room: "@bob" }));
    chat.hear({ type: "history", re: ask?.re ?? 0, room: "@bob", messages: direct, more: false });
    chat.hear(live(3, { room: "@bob" }));
    chat.loseLink();
    const said = chat.connect();
    expect(said.find((frame) => "room" in frame && frame.room === "@bob")).toMatchObject({
      type: "history",
      since: { [ORIGIN]: 3 },
    });
  });
});
