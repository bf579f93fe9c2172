// Going about with the keyboard, and searching, in a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, say } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { article, composer, enter, has_focus, stage } from "./support/story.mjs";

let on;

before(async () => (on = await stage()));
after(async () => on?.close());

const heading = (page, name) => page.getByRole("heading", { name, level: 1 }).waitFor();

test("Ctrl+K goes to rooms and people by a few letters, unread ones first, and Escape gives the focus back", async () => {
  const story = await on.writer("bea", "deploys");
  const page = await join_as(on.browser, on.url, "cas");
  for (const room of ["ops", "deploys", "lobby"]) await enter(page, room);
  await story.send("something new");
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /deploys.*1/ }).waitFor();
  const box = composer(page);
  await box.focus();
  await page.keyboard.press("Control+k");
  const input = page.getByRole("combobox", { name: "Room or person" });
  await until("the switcher has the focus", () => has_focus(input));
  const options = page.getByRole("listbox", { name: "Rooms and people" }).getByRole("option");
  assert.match(await options.first().innerText(), /deploys[^]*1/);
  await page.keyboard.press("Escape");
  await until("the composer has the focus", () => has_focus(box));

  await page.keyboard.press("Control+k");
  await until("the switcher has the focus", () => has_focus(input));
  await page.keyboard.type("op");
  await page.keyboard.press("Enter");
  await heading(page, "ops");
  await until("the composer has the focus", () => has_focus(composer(page)));
  await page.keyboard.press("Control+k");
  await until("the switcher has the focus", () => has_focus(input));
  await page.keyboard.type("@be");
  await page.getByRole("option", { name: "bea" }).click();
  await heading(page, "bea");
  story.close();
  await page.context().close();
});

test("Alt and the arrows go from room to room, Ctrl+/ tells of the keys", async () => {
  const page = await join_as(on.browser, on.url, "dot");
  for (const room of ["aaa", "bbb"]) await enter(page, room);
  await page.keyboard.press("Alt+ArrowUp");
  await heading(page, "aaa");
  await page.keyboard.press("Alt+ArrowDown");
  await page.keyboard.press("Alt+ArrowDown");
  await heading(page, "lobby");
  const story = await on.writer("eli", "aaa");
  await story.send("psst");
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /aaa.*1/ }).waitFor();
  await page.keyboard.press("Alt+Shift+ArrowDown");
  await heading(page, "aaa");
  await page.keyboard.press("Control+/");
  await page.getByRole("dialog", { name: "Keys" }).getByText("go to a room or a person").waitFor();
  await page.keyboard.press("Escape");
  await until("the keys are gone", async () => (await page.getByRole("dialog").count()) === 0);
  story.close();
  await page.context().close();
});

test("Back and Forward of the browser go between the rooms", async () => {
  const page = await join_as(on.browser, on.url, "fay");
  const at = (room) => page.waitForURL(new RegExp(`#${room}$`));
  await at("lobby");
  for (const room of ["one", "two"]) {
    await enter(page, room);
    await at(room);
  }
  await page.goBack();
  await heading(page, "one");
  await page.goBack();
  await heading(page, "lobby");
  // What a room that is gone back to does to the address is no step of its own.
  await page.waitForTimeout(500);
  await page.goForward();
  await heading(page, "one");
  await page.goForward();
  await heading(page, "two");
  await page.context().close();
});

test("what is typed while the switcher is still being fetched is not sent to the room", async () => {
  const page = await join_as(on.browser, on.url, "gus");
  let let_through;
  const waiting = new Promise((resolve) => (let_through = resolve));
  await page.route(/\/assets\/Switcher-/, async (route) => {
    await waiting;
    await route.continue();
  });
  await composer(page).press("Control+k");
  await page.keyboard.type("bob");
  await page.keyboard.press("Enter");
  let_through();
  const input = page.getByRole("combobox", { name: "Room or person" });
  await until("the switcher has the focus", () => has_focus(input));
  await page.keyboard.press("Escape");
  await until("the composer has the focus", () => has_focus(composer(page)));
  assert.equal(await composer(page).inputValue(), "");
  assert.equal(await page.locator("article", { hasText: "bob" }).count(), 0);
  await page.context().close();
});

/** A bridge that answers `search` by itself, from what is said here; all else goes to the real one. */
async function with_search(page, answer) {
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const frame = JSON.parse(message);
      if (frame.type === "search") socket.send(JSON.stringify({ re: frame.re, ...answer(frame) }));
      else server.send(message);
    });
    server.onMessage((message) => socket.send(message));
  });
  await page.reload();
}

test("what is searched for is found newest first, page by page, and gone to", async () => {
  const story = await on.writer("fox", "archive");
  const sent = [];
  for (let i = 0; i < 330; i++) sent.push(await story.send(i % 11 === 0 ? `disk ${i} is full` : `filler ${i}`));
  const page = await join_as(on.browser, `${on.url}#lobby`, "gil");
  await enter(page, "archive");
  const asked = [];
  const hits = sent.map((frame, i) => ({ frame, i })).filter(({ i }) => i % 11 === 0).reverse();
  await with_search(page, (frame) => {
    asked.push(frame);
    if (frame.query.includes('"')) return { type: "error", code: "bad_frame", message: "the quote is not closed" };
    const older = hits.filter(({ frame: { ts } }) => ts < (frame.before ?? Infinity));
    return {
      type: "results",
      messages: older.slice(0, frame.limit).map(({ frame: { id, ts, origin, seq, nonce }, i }) => ({
        ...{ room: "archive", id, ts, origin, seq, nonce, from: "fox", uid: "fox", text: `disk ${i} is full` },
      })),
      more: older.length > frame.limit,
    };
  });
  await page.getByRole("status", { name: "Connection" }).and(page.locator('[data-state="online"]')).waitFor();
  const box = composer(page);
  await box.focus();
  await page.keyboard.press("Control+Shift+f");
  const input = page.getByRole("textbox", { name: "Words to find" });
  await until("the search has the focus", () => has_focus(input));
  await input.fill("disk full");
  await page.keyboard.press("Enter");
  const results = page.getByRole("group", { name: "Results" }).getByRole("listitem");
  await until("a page of results is there", async () => (await results.count()) === 20);
  assert.match(await results.first().innerText(), /disk 319 is full/);
  assert.deepEqual(await results.first().locator("mark").allInnerTexts(), ["disk", "full"]);
  await page.getByRole("button", { name: "Show older ones" }).click();
  await until("all are there", async () => (await results.count()) === 30);
  assert.equal(await page.getByRole("button", { name: "Show older ones" }).count(), 0);
  await results.last().getByRole("button").click();
  const found = article(page, "disk 0 is full");
  await until("it has the focus", () => has_focus(found));
  await results.first().getByRole("button").click();
  await until("the newest has it", () => has_focus(article(page, "disk 319 is full")));

  await page.getByRole("checkbox").check();
  await until("the room is asked for", () => asked.at(-1).room === "archive");
  await input.fill('"disk');
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("the quote is not closed").waitFor();
  await page.keyboard.press("Escape");
  await until("the panel is gone", async () => (await input.count()) === 0);
  story.close();
  await page.context().close();
});
