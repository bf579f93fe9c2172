import { describe, expect, test } from "vitest";
import type { Elsewhere } from "./elsewhere";
import { connectionState } from "./link";
import type { Deed } from "./state";
import { live, ME, ORIGIN, Page, roomFrame, session, view } from "./testing";

const elsewhere = (page: Page, change: Elsewhere) => page.do({ type: "elsewhere", change });

/** A page in tab `A`, in the lobby. */
function inLobby(): Page {
  const page = new Page();
  page.start({ name: "mia", uid: ME, token: "token" }, "A");
  const join = page.connect().find((frame) => frame.type === "join");
  page.hear(roomFrame(join?.re, [view(1)]));
  page.said();
  return page;
}

function deed(nonce: string, tab: string, over: Partial<Deed> = {}): Deed {
  const body = { kind: "send" as const, text: nonce, replyTo: null };
  return {
    nonce,
    tab,
    uid: ME,
    room: "lobby",
    made: 1,
    body,
    problem: null,
    said: null,
    notBefore: 0,
    ...over,
  };
}

const remembered = (page: Page) =>
  page.effects.flatMap((effect) => (effect.type === "remember" ? [`${effect.key}=${effect.value}`] : []));

describe("what other tabs have to say", () => {
  test("is shown, and said by them alone", () => {
    const page = inLobby();
    elsewhere(page, { what: "deed", deed: deed("b1", "B") });
    expect(page.messages().map(({ text, status }) => [text, status])).toEqual([
      ["m1", "sent"],
      ["b1", "pending"],
    ]);
    page.pass(1500);
    expect(page.said().filter((frame) => frame.type === "send")).toEqual([]);
    page.hear(live(2, { nonce: "b1", uid: ME, from: "mia", text: "b1" }));
    elsewhere(page, { what: "deed_gone", nonce: "b1", failed: false });
    expect(page.messages().map(({ text, status }) => [text, status])).toEqual([
      ["m1", "sent"],
      ["b1", "sent"],
    ]);
    expect(page.kept()).toEqual([]);
  });

  test("is shown once, also when the message itself was here first", () => {
    const page = inLobby();
    page.hear(live(2, { nonce: "b1", uid: ME, from: "mia", text: "b1" }));
    elsewhere(page, { what: "deed", deed: deed("b1", "B") });
    elsewhere(page, { what: "deed_gone", nonce: "b1", failed: false });
    expect(page.messages().map(({ text, status }) => [text, status])).toEqual([
      ["m1", "sent"],
      ["b1", "sent"],
    ]);
  });

  test("is said here once they are gone", () => {
    const page = inLobby();
    elsewhere(page, { what: "deed", deed: deed("b1", "B") });
    elsewhere(page, { what: "deed", deed: deed("c1", "C", { room: "lobby" }) });
    page.do({ type: "tabs_present", tabs: ["A", "C"], graceMs: 0 });
    expect(page.effects).toContainEqual({ type: "keep_deed", deed: deed("b1", "A") });
    expect(page.said().filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "b1", text: "b1" }]);
  });

  test("what is there from before is asked about, and only then said", () => {
    const page = new Page();
    page.start({ name: "mia", uid: ME, token: "token", outbox: [deed("old", "GONE")] }, "A");
    const join = page.connect().find((frame) => frame.type === "join");
    page.hear(roomFrame(join?.re, []));
    expect(page.texts()).toEqual(["old"]);
    page.pass(500);
    expect(page.effects).toContainEqual({ type: "ask_present" });
    expect(page.said().filter((frame) => frame.type === "send")).toEqual([]);
    page.do({ type: "tabs_present", tabs: ["A"], graceMs: 0 });
    expect(page.said().filter((frame) => frame.type === "send")).toMatchObject([{ nonce: "old" }]);
  });

  test("where nobody can tell which tabs there are, it is said after a while", () => {
    const page = inLobby();
    elsewhere(page, { what: "deed", deed: deed("b1", "B", { made: page.now }) });
    page.do({ type: "tabs_present", tabs: null, graceMs: 10_000 });
    expect(page.said()).toEqual([]);
    page.now += 10_000;
    page.do({ type: "tabs_present", tabs: null, graceMs: 10_000 });
    expect(page.said()).toMatchObject([{ type: "send", nonce: "b1" }]);
  });

  test("what failed there is shown, tried again here, and is ours from then on", () => {
    const page = inLobby();
    elsewhere(page, { what: "deed", deed: deed("b1", "B") });
    elsewhere(page, { what: "deed", deed: deed("b1", "B", { problem: "no" }) });
    expect(page.messages().at(-1)).toMatchObject({ status: "failed", problem: "no" });
    page.do({ type: "retried", nonce: "b1" });
    expect(page.said()).toMatchObject([{ type: "send", nonce: "b1" }]);
    expect(page.messages().at(-1)).toMatchObject({ status: "pending", problem: null });
    elsewhere(page, { what: "deed", deed: deed("b1", "A", { problem: "judged elsewhere" }) });
    expect(page.messages().at(-1)).toMatchObject({ status: "pending" });
  });

  test("what was thrown away there goes here too, and what another person wrote is not shown", () => {
    const page = inLobby();
    elsewhere(page, { what: "deed", deed: deed("b1", "B", { problem: "no" }) });
    elsewhere(page, { what: "deed", deed: deed("x1", "B", { uid: "bob" }) });
    elsewhere(page, { what: "deed_gone", nonce: "b1", failed: true });
    expect([page.texts(), page.kept()]).toEqual([["m1"], []]);
  });
});

describe("drafts", () => {
  const draft = (page: Page) => page.lobby.draft.text;

  test("follow, but not into the tab that is typed in", () => {
    const page = inLobby();
    elsewhere(page, { what: "draft", room: "lobby", text: "from there" });
    expect(draft(page)).toBe("from there");
    page.do({ type: "draft_changed", text: "from there and here" });
    page.now += 500;
    elsewhere(page, { what: "draft", room: "lobby", text: "late" });
    expect(draft(page)).toBe("from there and here");
    page.now += 2000;
    elsewhere(page, { what: "draft", room: "lobby", text: "later" });
    expect(draft(page)).toBe("later");
  });

  test("that are sent from another tab are gone here at once", () => {
    const page = inLobby();
    page.do({ type: "draft_changed", text: "typed just now" });
    // Another tab's draft is gone, not this one; and then this one, as it is sent.
    elsewhere(page, { what: "draft", room: "lobby", text: "" });
    elsewhere(page, { what: "deed", deed: deed("something else", "B") });
    expect(draft(page)).toBe("typed just now");
    elsewhere(page, { what: "deed", deed: deed("typed just now", "B") });
    expect(draft(page)).toBe("");
  });

  test("stay as they are under an edit, and are there again after it", () => {
    const page = inLobby();
    page.hear(live(2, { uid: ME, from: "mia", nonce: "own" }));
    page.do({ type: "draft_changed", text: "half a thou" });
    page.now += 5000;
    page.do({ type: "edit_started", id: "bob.2" });
    elsewhere(page, { what: "draft", room: "lobby", text: "half a thought" });
    expect(draft(page)).toBe("m2");
    page.do({ type: "aside_cancelled" });
    expect(draft(page)).toBe("half a thought");
  });
});

describe("rooms", () => {
  test("entered elsewhere are entered here, beside the one that is open", () => {
    const page = inLobby();
    elsewhere(page, { what: "rooms", rooms: ["lobby", "ops"] });
    expect(page.said()).toMatchObject([{ type: "join", room: "ops" }]);
    expect([page.state.current, page.state.rooms.map((room) => room.name)]).toEqual([
      "lobby",
      ["lobby", "ops"],
    ]);
    expect(remembered(page)).toEqual([]);
  });

  test("left elsewhere are left here, and nobody says it twice", () => {
    const page = inLobby();
    elsewhere(page, { what: "rooms", rooms: ["lobby", "ops"] });
    page.said();
    elsewhere(page, { what: "left", room: "ops" });
    expect(page.said()).toEqual([]);
    expect(page.state.rooms.map((room) => room.name)).toEqual(["lobby"]);
    page.do({ type: "room_left", room: "lobby" });
    expect(remembered(page)).toContain(`left=${page.now} lobby`);
  });

  test("that were entered in two tabs at once are remembered both", () => {
    const page = inLobby();
    page.do({ type: "room_opened", room: "mine" });
    page.effects.length = 0;
    elsewhere(page, { what: "rooms", rooms: ["lobby", "theirs"] });
    expect(remembered(page)).toEqual(['rooms=["lobby","mine","theirs"]']);
  });

  test("read elsewhere are read here", () => {
    const page = inLobby();
    page.do({ type: "visible", on: false });
    page.hear(live(2));
    expect(page.lobby.unread).toBe(1);
    page.hear({ type: "read", room: "lobby", since: { [ORIGIN]: 2 } });
    expect(page.lobby.unread).toBe(0);
  });
});

describe("the user", () => {
  test("who comes in elsewhere is in here too", () => {
    const page = new Page();
    page.start({}, "A");
    elsewhere(page, { what: "signed_in", name: "mia", uid: ME, token: "token" });
    expect(page.state.me).toEqual({ name: "mia", uid: ME });
    page.do({ type: "link_opened", serial: page.state.link.serial });
    expect(page.said()).toMatchObject([{ type: "user_join", token: "token" }]);
  });

  test("somebody else who comes in elsewhere changes nothing here", () => {
    const page = inLobby();
    page.write("mine", "n1");
    elsewhere(page, { what: "signed_in", name: "bob", uid: "bob", token: "his" });
    expect([page.state.me?.name, page.state.token, page.kept().length]).toEqual(["mia", "token", 1]);
  });

  test("what another user of this browser left is not written down as failed: it may still be theirs to say", () => {
    const page = new Page();
    page.start({ name: "mia", uid: ME, token: "token", outbox: [deed("bobs", "B", { uid: "bob" })] }, "A");
    page.connect();
    expect(page.kept()).toMatchObject([{ problem: expect.stringContaining("another name") }]);
    expect(page.effects.filter((effect) => effect.type === "keep_deed")).toEqual([]);
  });

  test("signing out elsewhere is signing out here, and forgets nothing twice", () => {
    const page = inLobby();
    const did = elsewhere(page, { what: "signed_out" });
    expect(did.map((effect) => effect.type)).toEqual(["say", "close"]);
    expect([page.state.me, page.state.token, page.state.rooms, page.state.entry.name]).toEqual([
      null,
      null,
      [],
      "mia",
    ]);
  });
});

describe("switches and sound", () => {
  test("theme and sound follow", () => {
    const page = inLobby();
    elsewhere(page, { what: "theme", theme: "dark" });
    elsewhere(page, { what: "sound", on: true });
    expect([page.state.theme, page.state.sound, page.effects]).toEqual(["dark", true, []]);
  });

  test("only the tab that was last used makes a sound", () => {
    const page = inLobby();
    elsewhere(page, { what: "sound", on: true });
    const blips = (n: number) => {
      page.do({ type: "visible", on: false });
      return page.hear(live(n)).filter((effect) => effect.type === "blip").length;
    };
    expect(blips(2)).toBe(1);
    elsewhere(page, { what: "used", tab: "B" });
    expect(blips(3)).toBe(0);
    page.do({ type: "used" });
    expect([blips(4), remembered(page)]).toEqual([1, ["used=A"]]);
    elsewhere(page, { what: "used", tab: "B" });
    page.do({ type: "tabs_present", tabs: ["A", "C"], graceMs: 0 });
    expect(blips(5)).toBe(1);
  });
});

describe("a link that is another tab's", () => {
  const lent = (state: "online" | "polling" | "connecting" | "offline") => {
    const page = inLobby();
    page.do({ type: "leader_told", state });
    return page;
  };

  test("is as that tab says, and connecting while ours is not made", () => {
    for (const state of ["online", "polling", "connecting", "offline"] as const) {
      expect(connectionState(lent(state).state.link)).toBe(state);
    }
    const page = lent("polling");
    page.loseLink();
    expect(connectionState(page.state.link)).toBe("connecting");
    page.connect();
    expect(connectionState(page.state.link)).toBe("polling");
  });

  test("is not asked whether it lives, and chooses no transport", () => {
    const page = lent("online");
    page.pass(60_000);
    page.do({ type: "visible", on: true });
    expect(page.said().filter((frame) => frame.type === "ping")).toEqual([]);
    for (let i = 0; i < 4; i++) page.loseLink();
    expect(page.state.link.transport).toBe("ws");
  });

  test("is taken at once when that tab has it again", () => {
    const page = lent("offline");
    page.do({ type: "link_closed", serial: page.state.link.serial });
    page.effects.length = 0;
    page.do({ type: "leader_told", state: "offline" });
    page.do({ type: "leader_told", state: "connecting" });
    expect(page.effects).toEqual([]);
    page.do({ type: "leader_told", state: "online" });
    expect(page.effects.map((effect) => effect.type)).toEqual(["open"]);
  });

  test("is asked for again through that tab", () => {
    const page = lent("offline");
    page.do({ type: "link_closed", serial: page.state.link.serial });
    page.do({ type: "reconnect_asked" });
    expect(page.effects.map((effect) => effect.type)).toContain("ask_retry");
  });

  test("goes on by `since` when another tab has it", () => {
    const page = lent("online");
    page.loseLink();
    const joins = page.connect().filter((frame) => frame.type === "join");
    expect(joins).toMatchObject([{ room: "lobby", since: { [ORIGIN]: 1 } }]);
  });

  test("a retry whose timer comes late is made by the clock", () => {
    const page = inLobby();
    page.do({ type: "link_closed", serial: page.state.link.serial });
    page.effects.length = 0;
    page.pass(2000);
    expect(page.effects.map((effect) => effect.type)).toContain("open");
    page.do({ type: "link_opened", serial: page.state.link.serial });
    page.hear(session(page.state.nextRe - 1));
    expect(page.state.link.phase).toBe("up");
  });
});
