import { describe, expect, test } from "vitest";
import { backoff, connectionState } from "./link";
import { ME, live, ORIGIN, Page, session, view } from "./testing";

const opened = (page: Page) =>
  page.effects.filter((effect) => effect.type === "open").map((effect) => effect.transport);

function fail(page: Page): void {
  page.do({ type: "link_closed", serial: page.state.link.serial });
  page.do({ type: "retry_due", serial: page.state.link.serial });
}

describe("the link", () => {
  test("tries again later each time, by chance, and never after more than five seconds", () => {
    expect([0, 1, 2, 3, 10, 99].map((tries) => backoff(tries, 1))).toEqual([100, 200, 400, 800, 5000, 5000]);
    expect([0, 1, 99].map((tries) => backoff(tries, 0))).toEqual([50, 100, 2500]);
  });

  test("a silent link is asked, and given up when nothing comes", () => {
    const page = Page.inLobby();
    page.pass(2500);
    expect(page.said().filter((frame) => frame.type === "ping")).toEqual([]);
    page.pass(1000);
    const pings = page.said().filter((frame) => frame.type === "ping");
    expect(pings).toHaveLength(1);
    page.pass(3000);
    expect(page.effects.map((effect) => effect.type)).toContain("close");
    expect(page.state.link.phase).toBe("waiting");
    expect(connectionState(page.state.link)).toBe("connecting");
  });

  test("a bridge that reaches no node is no connection, until a node answers again", () => {
    const page = Page.inLobby();
    expect(connectionState(page.state.link)).toBe("online");
    page.hear({ type: "error", code: "unavailable", message: "no node can be reached" });
    expect(connectionState(page.state.link)).toBe("connecting");
    page.hear(live(1));
    expect(connectionState(page.state.link)).toBe("online");
  });

  test("an answer in time keeps it", () => {
    const page = Page.inLobby();
    page.pass(3000);
    const [ping] = page.said().filter((frame) => frame.type === "ping");
    page.hear({ type: "pong", re: ping?.re ?? 0, time: 1 });
    page.pass(2500);
    expect(page.state.link.phase).toBe("up");
  });

  test("two WebSockets that do not work make it poll, and polling that fails makes it try both in turn", () => {
    const page = new Page();
    page.start({ name: "mia", token: "token" });
    for (let i = 0; i < 5; i++) {
      page.do({ type: "link_opened", serial: page.state.link.serial });
      fail(page);
    }
    expect(opened(page)).toEqual(["ws", "ws", "poll", "ws", "poll", "ws"]);
    expect(connectionState(page.state.link)).toBe("offline");
  });

  test("a link that was up and is lost is no reason to poll", () => {
    const page = Page.inLobby();
    for (let i = 0; i < 3; i++) {
      fail(page);
      page.connect();
    }
    expect(page.state.link.transport).toBe("ws");
  });

  test("a WebSocket that works beside polling is taken", () => {
    const page = new Page();
    page.start({ name: "mia", token: "token" });
    fail(page);
    fail(page);
    page.connect();
    expect(connectionState(page.state.link)).toBe("polling");
    page.pass(33_000);
    expect(page.effects.filter((effect) => effect.type === "probe_socket")).toHaveLength(2);
    page.do({ type: "socket_works" });
    page.connect();
    expect(connectionState(page.state.link)).toBe("online");
  });

  test("what an old link says is passed over", () => {
    const page = Page.inLobby();
    const old = page.state.link.serial;
    page.loseLink();
    page.connect();
    page.do({ type: "link_frame", serial: old, frame: live(9) });
    page.do({ type: "link_closed", serial: old });
    expect([page.texts(), page.state.link.phase]).toEqual([[], "up"]);
  });

  test("who was thrown out does not come back by itself", () => {
    const page = Page.inLobby();
    page.hear({ type: "disconnect", reason: "kicked", message: "you were kicked" });
    page.pass(60_000);
    expect(opened(page)).toEqual([]);
    expect([page.state.link.phase, page.state.link.ending]).toEqual(["ended", "you were kicked"]);
    page.do({ type: "reconnect_asked" });
    expect(opened(page)).toEqual(["ws"]);
  });
});

describe("the name", () => {
  test("is asked for, and a free one is proposed when it is taken", () => {
    const page = new Page();
    page.start();
    page.do({ type: "name_typed", text: " alice " });
    page.do({ type: "name_chosen", name: " alice " });
    page.do({ type: "link_opened", serial: page.state.link.serial });
    const [hello] = page.said();
    expect(hello).toMatchObject({ type: "user_join", name: "alice" });
    page.hear({
      type: "error",
      re: hello?.re ?? 0,
      code: "name_taken",
      message: "alice is taken",
      suggestion: "alice-2",
    });
    expect(page.state.entry).toEqual({
      name: "alice",
      busy: false,
      problem: "alice is taken",
      suggestion: "alice-2",
    });
    page.do({ type: "name_chosen", name: "alice-2" });
    expect(page.said()).toMatchObject([{ type: "user_join", name: "alice-2" }]);
  });

  test("a token that is no longer good gives way to the name", () => {
    const page = new Page();
    page.start({ name: "mia", token: "old" });
    page.do({ type: "link_opened", serial: page.state.link.serial });
    const [hello] = page.said();
    expect(hello).toMatchObject({ type: "user_join", token: "old" });
    page.hear({ type: "error", re: hello?.re ?? 0, code: "bad_token", message: "no" });
    const [again] = page.said();
    expect(again).toMatchObject({ type: "user_join", name: "mia" });
    page.hear(session(again?.re));
    expect(page.state.me).toEqual({ name: "mia", uid: "meuid2345678" });
  });

  test("a waiting name page does not knock at the server", () => {
    const page = new Page();
    page.start({ name: "mia" });
    page.pass(60_000);
    expect([opened(page), page.state.entry.name]).toEqual([[], "mia"]);
  });

  test("signing out forgets everything and stays away", () => {
    const page = Page.inLobby([view(1)]);
    page.do({ type: "signed_out" });
    expect(page.effects).toContainEqual({ type: "remember", key: "token", value: null });
    page.pass(60_000);
    expect([page.state.me, page.state.rooms, opened(page)]).toEqual([null, [], []]);
  });
});

describe("rooms and people", () => {
  test("typing ends by itself, and with the message", () => {
    const page = Page.inLobby();
    const typing = (uid: string, user: string) =>
      page.hear({ type: "typing", room: "lobby", uid, user, on: true });
    typing("bob", "bob");
    typing("carol", "carol");
    page.hear(live(1));
    expect(page.lobby.typing.map((one) => one.name)).toEqual(["carol"]);
    page.pass(5500);
    expect(page.lobby.typing).toHaveLength(1);
    page.pass(1000);
    expect(page.lobby.typing).toEqual([]);
  });

  test("typing is told at most every three seconds", () => {
    const page = Page.inLobby();
    for (let i = 1; i <= 8; i++) {
      page.do({ type: "draft_changed", text: "x".repeat(i) });
      page.now += 500;
    }
    expect(page.said().filter((frame) => frame.type === "typing")).toHaveLength(2);
    page.do({ type: "draft_changed", text: "" });
    expect(page.said()).toMatchObject([{ type: "typing", on: false }]);
  });

  test("comings and goings fold into one line, and who only passed by is not in it", () => {
    const page = Page.inLobby([view(1)]);
    const join = (name: string) =>
      page.hear({ type: "user_join", room: "lobby", user: { name, uid: name }, total: 3 });
    join("bob");
    join("carol");
    page.hear({ type: "user_leave", room: "lobby", user: "bob", uid: "bob", reason: "leave", total: 2 });
    expect([...page.lobby.timeline]).toMatchObject([
      { kind: "message" },
      { kind: "notice", joined: [{ name: "carol" }], left: [] },
    ]);
    page.hear({ type: "user_leave", room: "lobby", user: "carol", uid: "carol", reason: "lost", total: 1 });
    expect([...page.lobby.timeline]).toHaveLength(1);
    expect(page.lobby.total).toBe(1);
  });

  test("what is not looked at is unread, until it is", () => {
    const page = Page.inLobby(Array.from({ length: 3 }, (_, i) => view(i + 1)));
    page.do({ type: "visible", on: false });
    page.hear(live(4));
    page.hear(live(5));
    expect(page.lobby).toMatchObject({ unread: 2, firstUnread: "bob.4" });
    page.do({ type: "visible", on: true });
    expect(page.lobby).toMatchObject({ unread: 0, firstUnread: "bob.4" });
    page.pass(1500);
    expect(page.said().filter((frame) => frame.type === "read")).toMatchObject([
      { room: "lobby", since: { [ORIGIN]: 5 } },
    ]);
    page.pass(5000);
    expect(page.said().filter((frame) => frame.type === "read")).toEqual([]);
  });

  test("one's own message is read once it is there", () => {
    const page = Page.inLobby([view(1)]);
    page.pass(1500);
    page.said();
    page.hear(live(2, { uid: ME, from: "mia" }));
    page.pass(1500);
    expect(page.said().filter((frame) => frame.type === "read")).toMatchObject([
      { room: "lobby", since: { [ORIGIN]: 2 } },
    ]);
  });

  test("a room called __proto__ is a room", () => {
    const page = Page.inLobby();
    page.do({ type: "room_opened", room: "__proto__" });
    expect(page.state.rooms.map((room) => room.name)).toEqual(["lobby", "__proto__"]);
    expect(page.said()).toMatchObject([{ type: "join", room: "__proto__" }]);
  });

  test("a room that cannot be entered goes away with a word", () => {
    const page = Page.inLobby();
    page.do({ type: "room_opened", room: "no way" });
    const [join] = page.said();
    page.hear({ type: "error", re: join?.re ?? 0, code: "bad_room", message: "a room has no spaces" });
    expect([page.state.current, page.state.toasts[0]?.text]).toEqual(["lobby", "a room has no spaces"]);
  });

  test("a conversation follows a user who is renamed", () => {
    const page = Page.inLobby();
    page.do({ type: "room_opened", room: "@bob" });
    const [ask] = page.said();
    page.hear({ type: "history", re: ask?.re ?? 0, room: "@bob", messages: [view(1)], more: false });
    page.hear({ type: "renamed", uid: "bob", from: "bob", to: "bob-2" });
    expect([page.state.current, page.state.rooms.map((room) => room.name)]).toEqual([
      "@bob-2",
      ["lobby", "@bob-2"],
    ]);
  });
});
