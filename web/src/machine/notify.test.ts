import { describe, expect, test } from "vitest";
import type { Effect } from "./events";
import { live, ME, ORIGIN, Page, session, view } from "./testing";

const notified = (effects: Effect[]) => effects.filter((effect) => effect.type === "notify");

/** A page that may notify, in the lobby, and not in front. */
function away(): Page {
  const page = Page.inLobby();
  page.do({ type: "notify_answered", notify: "on" });
  page.do({ type: "visible", on: false });
  return page;
}

const direct = (n: number) => live(n, { room: "@bob", text: "between us" });

describe("notifications", () => {
  test("are for mentions and direct messages, with the message's id", () => {
    const page = away();
    expect(notified(page.hear(live(1, { text: "hello all" })))).toEqual([]);
    expect(notified(page.hear(live(2, { text: "mail mia@example.org @miami" })))).toEqual([]);
    expect(notified(page.hear(live(3, { text: "see here, @Mia!" })))).toEqual([
      { type: "notify", id: "bob.3", room: "lobby", title: "bob in lobby", body: "see here, @Mia!" },
    ]);
    expect(notified(page.hear(direct(4)))).toMatchObject([{ id: "bob.4", room: "@bob", title: "bob" }]);
    expect(notified(page.hear(live(5, { uid: ME, from: "mia", text: "@mia" })))).toEqual([]);
  });

  test("are not for what the page shows", () => {
    const page = away();
    page.do({ type: "visible", on: true });
    expect(notified(page.hear(live(1, { text: "@mia" })))).toEqual([]);
    expect(notified(page.hear(direct(2)))).toHaveLength(1);
    page.do({ type: "room_opened", room: "@bob" });
    expect(notified(page.hear(live(3, { text: "@mia" })))).toHaveLength(1);
    expect(notified(page.hear(direct(4)))).toEqual([]);
  });

  test("come once for a message, and for what was missed too, few at a time", () => {
    const page = away();
    page.hear(live(1, { text: "@mia" }));
    expect(notified(page.hear(live(1, { text: "@mia" })))).toEqual([]);
    page.loseLink();
    page.do({ type: "link_opened", serial: page.state.link.serial });
    page.hear(session(page.said().find((frame) => frame.type === "user_join")?.re));
    const join = page.said().find((frame) => frame.type === "join");
    const messages = Array.from({ length: 20 }, (_, i) => view(i + 1, { text: "@mia" }));
    const answer = page.hear({
      type: "room",
      ...(join?.re !== undefined ? { re: join.re } : {}),
      room: "lobby",
      topic: "",
      private: false,
      total: 1,
      users: [{ name: "mia", uid: ME }],
      messages,
      more: false,
      since: { [ORIGIN]: 20 },
      read: {},
    });
    expect(notified(answer).map((effect) => effect.id)).toEqual(["bob.2", "bob.3", "bob.4"]);
  });

  test("say nothing that reorders or hides", () => {
    const page = away();
    const [shown] = notified(
      page.hear(live(1, { from: "b\u202eob\u200b", text: `@mia \u2066x\u0007 ${"y".repeat(5000)}` })),
    );
    expect(shown?.title).toBe("bob in lobby");
    expect(shown?.body).toMatch(/^@mia x y+$/);
    expect(shown?.body.length).toBe(200);
  });

  test("are asked for on a press alone, and remembered", () => {
    const page = new Page();
    page.start();
    expect(page.effects.map((effect) => effect.type)).not.toContain("ask_notify");
    expect(page.do({ type: "notify_toggled" })).toEqual([{ type: "ask_notify" }]);
    expect(page.do({ type: "notify_answered", notify: "on" })).toEqual([
      { type: "remember", key: "notify", value: "on" },
    ]);
    expect(page.do({ type: "notify_toggled" })).toEqual([{ type: "remember", key: "notify", value: null }]);
    expect(page.state.notify).toBe("off");
    page.do({ type: "notify_answered", notify: "blocked" });
    expect(page.do({ type: "notify_toggled" })).toEqual([]);
    expect(page.state.toasts.map((toast) => toast.tone)).toEqual(["warn"]);
  });
});
