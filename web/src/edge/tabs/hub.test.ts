import { describe, expect, test } from "vitest";
import type { ClientFrame, ServerFrame } from "../../protocol/frames";
import { live, session } from "../../machine/testing";
import { Hub, type Post } from "./hub";
import { isAsked, isTold, type Told } from "./messages";

const connect: ServerFrame = {
  type: "connect",
  protocol: 1,
  server: "chat",
  node: "n1",
  time: 1,
  limits: { line: 65536, text: 4000, name: 32, room: 48, history: 200 },
};

/** A hub in tab `LEADER`, whose link is up. */
function hub(): Hub {
  const made = new Hub("LEADER");
  made.fromServer(connect);
  made.fromServer(session(1));
  return made;
}

const say = (from: string, frame: ClientFrame) => ({ from, kind: "say" as const, frame });
const told = (posts: Post[]) => posts.flatMap((post) => (post.to === "tabs" ? [post.message] : []));
const toServer = (posts: Post[]) => posts.flatMap((post) => (post.to === "server" ? [post.frame] : []));
const toPage = (posts: Post[]) => posts.flatMap((post) => (post.to === "page" ? [post.frame] : []));
const frame = (to: string | null, except: string | null, frame: ServerFrame): Told => ({
  hub: "LEADER",
  kind: "frame",
  to,
  except,
  frame,
});

describe("the hub", () => {
  test("an answer goes to the tab that asked, with its own mark, and to no other", () => {
    const made = hub();
    const asked = made.fromTab(say("B", { type: "history", room: "lobby", re: 7 }));
    expect(asked).toEqual([{ to: "server", frame: { type: "history", room: "lobby", re: "B:7" } }]);
    const answer: ServerFrame = { type: "history", re: "B:7", room: "lobby", messages: [], more: false };
    expect(made.fromServer(answer)).toEqual([
      { to: "tabs", message: frame("B", null, { ...answer, re: 7 }) },
    ]);
  });

  test("the mark of the longest tab and number is within what a mark may be", () => {
    const longest = say("ABCDEFGHIJ", { type: "rooms", re: Number.MAX_SAFE_INTEGER });
    const [said] = toServer(hub().fromTab(longest));
    expect(String(said?.re).length).toBeLessThanOrEqual(64);
  });

  test("an answer to the leader's own page stays there; what answers nothing is for everybody", () => {
    const made = hub();
    const own: ServerFrame = { type: "ok", re: 9 };
    expect(made.fromServer(own)).toEqual([{ to: "page", frame: own }]);
    expect(made.fromServer(live(1))).toEqual([
      { to: "tabs", message: frame(null, null, live(1)) },
      { to: "page", frame: live(1) },
    ]);
  });

  test("a tab is told that the link is up when it comes, and all are when it is made", () => {
    const made = new Hub("LEADER");
    expect(made.fromTab({ from: "B", kind: "hello" })).toEqual([]);
    made.fromServer(connect);
    expect(told(made.fromServer(session(1)))).toEqual([{ hub: "LEADER", kind: "up", to: null, connect }]);
    expect(told(made.fromTab({ from: "B", kind: "hello" }))).toEqual([
      { hub: "LEADER", kind: "up", to: "B", connect },
    ]);
  });

  test("a tab that says who it is gets the session that there is, and the server hears nothing", () => {
    const posts = hub().fromTab(say("B", { type: "user_join", token: "another", re: 3 }));
    expect(posts).toEqual([{ to: "tabs", message: frame("B", null, session(3)) }]);
  });

  test("a session that moves or is renamed is so for all, and for those who come later", () => {
    const made = hub();
    const moved = { ...session(undefined), node: "n2" } as ServerFrame;
    expect(told(made.fromServer(moved))).toEqual([frame(null, null, moved)]);
    const { uid } = moved as Extract<ServerFrame, { type: "session" }>;
    made.fromServer({ type: "renamed", uid, from: "mia", to: "mia-2" });
    expect(told(made.fromTab(say("B", { type: "user_join", token: "token", re: 1 })))).toMatchObject([
      { frame: { type: "session", node: "n2", user: "mia-2", re: 1 } },
    ]);
    expect(told(made.fromTab({ from: "B", kind: "hello" }))).toMatchObject([{ connect: { node: "n2" } }]);
  });

  test("what one tab has read the others hear from the hub, as the server tells it to other sessions only", () => {
    const read = { type: "read", room: "lobby", since: { a: 3 } } as const;
    const own = hub().fromPage({ ...read, re: 4 });
    expect(own).toEqual([
      { to: "server", frame: { ...read, re: 4 } },
      { to: "tabs", message: frame(null, null, read) },
    ]);
    const others = hub().fromTab(say("B", { ...read, re: 4 }));
    expect(others).toEqual([
      { to: "server", frame: { ...read, re: "B:4" } },
      { to: "tabs", message: frame(null, "B", read) },
      { to: "page", frame: read },
    ]);
  });

  test("a tab that says goodbye does not end the session of the others", () => {
    expect(hub().fromTab(say("B", { type: "quit" }))).toEqual([]);
    expect(toServer(hub().fromPage({ type: "quit" }))).toEqual([{ type: "quit" }]);
  });

  test("a lost link is told once, and what is said into it goes nowhere", () => {
    const made = hub();
    expect(told(made.lost())).toEqual([{ hub: "LEADER", kind: "down" }]);
    expect(made.lost()).toEqual([]);
    expect(made.fromTab(say("B", { type: "rooms", re: 1 }))).toEqual([]);
    expect(told(made.fromServer(session(2)))).toMatchObject([{ kind: "up", to: null }]);
  });

  test("what is not marked by a tab is the page's own", () => {
    const odd: ServerFrame = { type: "ok", re: "odd" };
    expect(toPage(hub().fromServer(odd))).toEqual([odd]);
  });

  test("what is no message of a tab is none", () => {
    for (const odd of [null, undefined, 1, "x", {}, { from: 1 }, { hub: null }, []]) {
      expect([isAsked(odd), isTold(odd)]).toEqual([false, false]);
    }
  });
});
