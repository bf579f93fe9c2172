import { expect, test } from "vitest";
import type { Event } from "./events";
import { Page, view } from "./testing";

const SWITCHER: Event = { type: "overlay", overlay: { kind: "switcher" } };
const DRAWER: Event = { type: "drawer", which: "rooms" };

test.each([SWITCHER, DRAWER])("who looks for a room sees those that were made just now", (look) => {
  const page = Page.inLobby([view(1)]);
  page.pass(1500);
  page.said();
  page.do(look);
  const [ask, ...more] = page.said().filter((frame) => frame.type === "rooms");
  expect(more).toEqual([]);
  const fresh = { room: "new", topic: "", total: 1, private: false, joined: false, last: 0, unread: 0 };
  page.hear({ type: "rooms", re: ask?.re ?? 0, rooms: [fresh] });
  expect(page.state.others.map((room) => room.name)).toEqual(["new"]);
  page.do({ type: "overlay", overlay: { kind: "none" } });
  page.do(look);
  expect(page.said().filter((frame) => frame.type === "rooms")).toEqual([]);
});
