/** Writing, jumping, searching and going about, as the machine does them. */
import { describe, expect, test } from "vitest";
import { ulid } from "../edge/nonce";
import { timeOfId } from "./jump";
import { roomOf } from "./state";
import { ME, ORIGIN, Page, view, views } from "./testing";

const asked = <T extends string>(page: Page, type: T) =>
  page.said().find((frame): frame is Extract<typeof frame, { type: T }> => frame.type === type);

describe("editing", () => {
  const mine = view(1, { uid: ME, from: "mia", text: "frist" });

  test("sets aside what was being written, and gives it back", () => {
    const page = Page.inLobby([mine]);
    page.do({ type: "draft_changed", text: "half a thought" });
    page.do({ type: "edit_started", id: mine.id });
    expect(page.lobby.draft).toMatchObject({ text: "frist", editing: mine.id });
    page.do({ type: "draft_changed", text: "first" });
    page.do({ type: "submitted", nonce: "e1" });
    expect(page.lobby.draft).toEqual({ text: "half a thought", replyTo: null, editing: null, kept: "" });
    expect(asked(page, "edit")).toMatchObject({ id: mine.id, text: "first" });
  });

  test("is left by Escape, without a change", () => {
    const page = Page.inLobby([mine]);
    page.do({ type: "last_edited" });
    page.do({ type: "draft_changed", text: "something else" });
    page.do({ type: "aside_cancelled" });
    expect(page.lobby.draft.text).toBe("");
    expect(asked(page, "edit")).toBeUndefined();
    expect(page.texts()).toEqual(["frist"]);
  });

  test("gives way to a reply, with what was written before", () => {
    const page = Page.inLobby([mine, view(2)]);
    page.do({ type: "draft_changed", text: "kept" });
    page.do({ type: "edit_started", id: mine.id });
    page.do({ type: "reply_started", id: "bob.2" });
    expect(page.lobby.draft).toEqual({ text: "kept", replyTo: "bob.2", editing: null, kept: "" });
  });
});

test("a reaction asked for twice at once is put and taken back", () => {
  const page = Page.inLobby([view(1)]);
  page.do({ type: "reacted", id: "bob.1", emoji: "👍", nonce: "r1" });
  page.do({ type: "reacted", id: "bob.1", emoji: "👍", nonce: "r2" });
  expect(page.kept().map((deed) => deed.body)).toEqual([
    { kind: "react", id: "bob.1", emoji: "👍", on: true },
    { kind: "react", id: "bob.1", emoji: "👍", on: false },
  ]);
});

describe("jumping to a message", () => {
  test("that is on the page only brings it into view", () => {
    const page = Page.inLobby(views(1, 5));
    page.do({ type: "message_wanted", room: "lobby", id: "bob.2", ts: null });
    expect(page.lobby.jump).toBe("bob.2");
    expect(page.lobby.following).toBe(false);
    expect(page.said()).toEqual([]);
    page.do({ type: "jump_done", room: "lobby" });
    expect(page.lobby.jump).toBeNull();
  });

  test("that was found opens the room around it, and goes on to the newer ones", () => {
    const page = Page.inLobby(views(900, 920), { more: true });
    page.do({ type: "message_wanted", room: "lobby", id: "bob.50", ts: 50_000 });
    const question = asked(page, "history");
    expect(question).toMatchObject({ room: "lobby", before: 50_001 });
    page.hear({ type: "history", re: question?.re ?? 0, room: "lobby", messages: views(1, 50), more: false });
    expect(page.messages().map((message) => message.id)).toEqual(views(1, 50).map((one) => one.id));
    expect(page.lobby).toMatchObject({ jump: "bob.50", hasNewer: true, following: false });
    const newer = asked(page, "history");
    expect(newer).toMatchObject({ after: 50_000 });
    page.hear({ type: "history", re: newer?.re ?? 0, room: "lobby", messages: views(51, 100), more: true });
    expect(page.messages()).toHaveLength(100);
  });

  test("that was found in a room that is come back to is still there", () => {
    const page = Page.inLobby(views(900, 920), { more: true });
    page.do({ type: "message_wanted", room: "lobby", id: "bob.50", ts: 50_000 });
    const question = asked(page, "history");
    page.hear({ type: "history", re: question?.re ?? 0, room: "lobby", messages: views(1, 50), more: true });
    page.do({ type: "jump_done", room: "lobby" });
    page.do({ type: "room_opened", room: "elsewhere" });
    page.said();
    page.do({ type: "message_wanted", room: "lobby", id: "bob.50", ts: 50_000 });
    const newest = page.said().find((frame) => frame.type === "history");
    page.hear({
      type: "history",
      re: newest?.re ?? 0,
      room: "lobby",
      messages: views(900, 920),
      more: true,
    });
    expect(page.state.current).toBe("lobby");
    expect(page.messages().some((message) => message.id === "bob.50")).toBe(true);
    expect(page.lobby).toMatchObject({ jump: "bob.50", hasNewer: true, following: false });
  });

  test("that is answered finds it by the time in its nonce, a page or two further if it must", () => {
    const written = 2_000_000;
    const id = `bob.${ulid(written, new Uint8Array(16))}`;
    expect(timeOfId(id)).toBe(written);
    const page = Page.inLobby(views(900, 920), { more: true });
    page.do({ type: "message_wanted", room: "lobby", id, ts: null });
    const first = asked(page, "history");
    expect(first?.after).toBeLessThan(written * 1000);
    page.hear({ type: "history", re: first?.re ?? 0, room: "lobby", messages: views(1, 100), more: true });
    const second = asked(page, "history");
    expect(second).toMatchObject({ after: 100_000 });
    const page2 = [...views(101, 120), view(121, { id })];
    page.hear({ type: "history", re: second?.re ?? 0, room: "lobby", messages: page2, more: false });
    expect(page.lobby.jump).toBe(id);
    expect(page.lobby.hasOlder).toBe(true);
  });

  test("that cannot be found leaves the reader where they are, and says so", () => {
    const page = Page.inLobby(views(1, 5));
    page.do({ type: "message_wanted", room: "lobby", id: "bob.cron-7", ts: null });
    page.do({ type: "message_wanted", room: "lobby", id: "bob.gone", ts: 3500 });
    const question = asked(page, "history");
    page.hear({ type: "history", re: question?.re ?? 0, room: "lobby", messages: views(1, 3), more: false });
    expect(page.state.toasts.map((toast) => toast.text)).toEqual([
      "This message is too far back to jump to.",
      "This message cannot be found any more.",
    ]);
    expect(page.messages()).toHaveLength(5);
    expect(page.lobby).toMatchObject({ jump: null, following: true });
  });

  test("what comes live meanwhile is not lost", () => {
    const page = Page.inLobby(views(900, 920), { more: true });
    page.do({ type: "message_wanted", room: "lobby", id: "bob.50", ts: 50_000 });
    const question = asked(page, "history");
    const change = {
      type: "message_update",
      room: "lobby",
      id: "bob.50",
      ts: 921_000,
      origin: ORIGIN,
      seq: 921,
      text: "new",
      edited: 921_000,
    } as const;
    page.hear(change);
    page.hear({ type: "history", re: question?.re ?? 0, room: "lobby", messages: views(1, 50), more: false });
    const newer = asked(page, "history");
    page.hear({ type: "history", re: newer?.re ?? 0, room: "lobby", messages: views(51, 60), more: true });
    expect(page.texts()[49]).toBe("new");
  });
});

describe("searching", () => {
  const results = (re: number | string | undefined, from: number, to: number, more: boolean) => ({
    type: "results" as const,
    re: re ?? 0,
    messages: views(from, to).reverse(),
    more,
  });

  test("shows page after page, newest first, each message once", () => {
    const page = Page.inLobby();
    page.do({ type: "search_asked", query: " disk from:bob ", room: "lobby" });
    const first = asked(page, "search");
    expect(first).toMatchObject({ query: "disk from:bob", room: "lobby", limit: 20 });
    expect(page.state.search.phase).toBe("asked");
    page.hear(results(first?.re, 21, 40, true));
    page.do({ type: "search_more" });
    const second = asked(page, "search");
    expect(second).toMatchObject({ before: 21_000 });
    page.hear(results(second?.re, 5, 21, false));
    expect(page.state.search.results.map((one) => one.ts)).toEqual(
      views(5, 40)
        .map((one) => one.ts)
        .reverse(),
    );
    expect(page.state.search).toMatchObject({ phase: "done", more: false, problem: null });
  });

  test("takes no answer to an earlier question", () => {
    const page = Page.inLobby();
    page.do({ type: "search_asked", query: "one", room: null });
    const old = asked(page, "search");
    page.do({ type: "search_asked", query: "two", room: null });
    page.hear(results(old?.re, 1, 3, false));
    expect(page.state.search).toMatchObject({ phase: "asked", results: [] });
  });

  test("says in words what goes wrong", () => {
    const page = Page.inLobby();
    const refused = (code: "unknown_type" | "bad_frame", message: string) => {
      page.do({ type: "search_asked", query: "x", room: null });
      page.hear({ type: "error", re: asked(page, "search")?.re ?? 0, code, message });
      return page.state.search.problem;
    };
    expect(refused("unknown_type", "unknown type")).toBe("This server cannot search yet.");
    expect(refused("bad_frame", "the quote is not closed")).toBe("the quote is not closed");
    page.do({ type: "search_asked", query: "x", room: null });
    page.hear({ type: "pong", time: 0 });
    page.pass(9000);
    expect(page.state.search).toMatchObject({ phase: "done", problem: "No answer came. Try again." });
  });
});

describe("going about", () => {
  const inThree = () => {
    const page = Page.inLobby();
    for (const name of ["ops", "dev", "@bob"]) roomOf(page.state, name).joined = true;
    return page;
  };

  test("Alt and an arrow go through the rooms as they are listed, and around", () => {
    const page = inThree();
    const way: string[] = [];
    for (let i = 0; i < 4; i++) {
      page.do({ type: "room_stepped", by: 1, unread: false });
      way.push(page.state.current);
    }
    expect(way).toEqual(["ops", "@bob", "dev", "lobby"]);
    page.do({ type: "room_stepped", by: -1, unread: false });
    expect(page.state.current).toBe("dev");
  });

  test("with Shift only to where something is unread", () => {
    const page = inThree();
    page.do({ type: "room_stepped", by: 1, unread: true });
    expect(page.state.current).toBe("lobby");
    roomOf(page.state, "dev").unread = 2;
    page.do({ type: "room_stepped", by: 1, unread: true });
    expect(page.state.current).toBe("dev");
  });
});

test("a part of the page that cannot be fetched is not waited for", () => {
  const page = Page.inLobby();
  page.do({ type: "overlay", overlay: { kind: "switcher" } });
  page.do({ type: "part_missing" });
  expect(page.state.overlay.kind).toBe("none");
  expect(page.state.toasts).toHaveLength(1);
});
